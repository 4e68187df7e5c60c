"""Fixtures for programs: one engine per module, and a way to run programs in languages that are there."""

from __future__ import annotations

from typing import get_args

import pytest

from deepgym_env import Program
from deepgym_env.programs import LANGUAGES
from deepgym_env.task import LanguageName

ALL = get_args(LanguageName)


@pytest.fixture
def needs(own):
    """Skips the test where the sandbox has no toolchain for a language."""

    def insist(language):
        if own.languages()[language] is None:
            pytest.skip(f"no toolchain for {language} in the sandbox: install {LANGUAGES[language].packages}")

    return insist


@pytest.fixture
def execute(own, needs):
    """Runs one program once."""

    def run(language, code, stdin=b"", **fields):
        needs(language)
        return own.execute(Program(language=language, code=code, **fields), stdin)

    return run
