"""The server keeps what ``/openapi.json`` promises, whatever it is sent: asked by schemathesis, with a key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("schemathesis", reason="run `make test-integrations`")

import httpx

CONFIG = Path(__file__).with_name("schemathesis.toml")


@pytest.mark.parametrize(("phase", "examples"), [("examples,coverage", 1), ("fuzzing", 5), ("stateful", 5)])
def test_the_server_keeps_its_promises(keyed_server: Any, tmp_path: Path, phase: str, examples: int) -> None:
    url = f"{keyed_server.address}/openapi.json"
    command = [Path(sys.executable).with_name("st"), "--config-file", CONFIG, "run", url, "--phases", phase]
    options = ["--seed", "1", "-n", examples, "--no-shrink", "--continue-on-failure", "--request-timeout", 60]
    header = f"Authorization: Bearer {keyed_server.key}"
    done = subprocess.run(
        [*map(str, [*command, *options]), "-H", header], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr
    operations = sum(map(len, httpx.get(url, trust_env=False).json()["paths"].values()))
    if phase != "stateful":
        assert f"Tested: {operations}" in done.stdout
