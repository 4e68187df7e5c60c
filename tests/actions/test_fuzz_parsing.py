from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest


def test_fuzzing_finds_nothing(tmp_path):
    pytest.importorskip("atheris")
    target = Path(__file__).with_name("fuzz_parsing.py")
    command = [sys.executable, str(target), "-runs=3000", "-seed=1", "-max_len=400", f"-artifact_prefix={tmp_path}/"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Done 3000 runs" in done.stderr
