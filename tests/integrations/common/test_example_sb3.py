"""The example of Stable-Baselines3 runs with a tiny budget."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

for needed in ("stable_baselines3", "matplotlib"):
    pytest.importorskip(needed, reason="run `make test-integrations`")

EXAMPLE = Path(__file__).parents[3] / "examples" / "sb3_repair.py"


def test_the_example_measures_both_splits_and_draws_a_curve(tmp_path):
    command = [sys.executable, EXAMPLE, "--steps", "64", "--episodes", "2", "--out", tmp_path / "curve.png"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=280)
    assert done.returncode == 0, done.stderr
    for split in ("train", "heldout"):
        assert f"{split}  agent " in done.stdout
    assert (tmp_path / "curve.png").read_bytes().startswith(b"\x89PNG")
