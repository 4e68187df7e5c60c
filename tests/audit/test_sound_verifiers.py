"""Verifiers that can't be cheated by what the audit knows: no false alarm."""

from __future__ import annotations

from pathlib import Path

import pytest

from deepgym_env.audit import CODE_STRATEGIES, AdversarialTester

SOUND = sorted((Path(__file__).parent / "sound_verifiers").glob("*.py"))


@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_a_sound_verifier_is_called_robust(dg, verifier, path):
    report = AdversarialTester(dg).test(verifier(path))
    assert [(exploit.strategy, exploit.score, exploit.code) for exploit in report.exploits] == []
    assert report.reference == 1.0
    assert report.risk_score == 0.0
    assert report.unjudged == ()
    assert len(report.strategies) == len(CODE_STRATEGIES)


def test_there_are_at_least_five():
    assert len(SOUND) >= 5
