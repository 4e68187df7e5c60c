"""gVisor without a daemon: that it is gVisor, and what is left of it."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from deepgym_env import DeepGym, load_environment
from deepgym_env.errors import ConfigError, IsolationError
from deepgym_env.sandbox import owner
from deepgym_env.sandbox.modes import MODES, backend_for
from deepgym_env.sandbox.runsc import RunscBackend

TASK = load_environment("reverse_string")


def _why_not() -> str | None:
    if shutil.which("runsc") is None:
        return "there is no runsc"
    try:
        with DeepGym("runsc", workers=1) as engine:
            engine.isolation()
    except IsolationError as error:
        return str(error)
    return None


@pytest.fixture(scope="module")
def gvisor() -> Iterator[DeepGym]:
    why_not = _why_not()
    if why_not is not None:
        pytest.skip(why_not)
    with DeepGym("runsc", workers=1) as engine:
        yield engine


def mine() -> set[Path]:
    """Return the folders of this process's sandboxes; others make some at the same time."""
    found = Path(tempfile.gettempdir()).glob("deepgym-runsc-*/owner.json")
    return {file.parent for file in found if _owner(file) == owner.labels()[owner.LABEL]}


def _owner(file: Path) -> str:
    with contextlib.suppress(OSError, ValueError):
        return str(json.loads(file.read_text())[owner.LABEL])
    return ""


def test_the_kernel_is_not_this_machines(gvisor: DeepGym, make_task: Callable[..., Any]) -> None:
    code = "import os\ndef f(): return os.uname().release"
    shown = gvisor.run(make_task(((), None)), code).cases[0].output_summary
    assert shown
    assert subprocess.run(["uname", "-r"], capture_output=True, text=True, check=True).stdout.strip() not in shown
    layers = {layer.name: layer for layer in gvisor.isolation().layers}
    assert layers["kernel"].active
    assert gvisor.isolation().level == "full"


def test_nothing_is_left_once_closed(gvisor: DeepGym) -> None:
    engine = DeepGym("runsc", workers=1)
    before = mine()
    with engine:
        assert engine.run(TASK, str(TASK.reference)).passed
        (place,) = mine() - before
        state = json.loads((place / "config.json").read_text())
        assert state["process"]["capabilities"] == {}
        assert state["root"]["readonly"]
    assert not place.exists()
    listed = subprocess.run(["pgrep", "-f", place.name], capture_output=True, text=True, check=False)
    assert listed.stdout == ""


def test_a_missing_runsc_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with DeepGym(backend=RunscBackend(), workers=1, retries=0) as engine:
        assert "gvisor.dev" in engine.run(TASK, str(TASK.reference)).details


def test_a_runsc_that_fails_says_why(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "runsc").write_text(f"#!{sys.executable}\nimport sys\nsys.exit('no platform for you')\n")
    (tmp_path / "runsc").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    with DeepGym(backend=RunscBackend(), workers=1, retries=0) as engine:
        result = engine.run(TASK, str(TASK.reference))
    assert not result.has_verdict
    assert "no platform for you" in result.details


@pytest.mark.parametrize("mode", MODES)
def test_a_mode_names_its_backend(mode: str) -> None:
    if mode == "daytona":
        pytest.importorskip("daytona")
    assert backend_for(mode).name == mode


def test_modes_that_do_not_go(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigError, match="local, docker, gvisor, runsc, daytona"):
        backend_for("cloud")
    with pytest.raises(ConfigError, match="takes no image"):
        DeepGym("local", image="python:3.11-slim")
    monkeypatch.setenv("DEEPGYM_MODE", "cloud")
    with pytest.raises(ConfigError, match="'cloud'"):
        DeepGym()


def test_what_an_owner_left_is_removed_by_the_next_program(gvisor: DeepGym, tmp_path: Path) -> None:
    """Also where it could not remove all of it itself."""
    script = (
        "import os, sys, tempfile\n"
        "from deepgym_env import DeepGym\n"
        "engine = DeepGym('runsc', workers=1)\n"
        "engine.isolation()\n"
        "if sys.argv[1:]: os.kill(os.getpid(), 9)\n"
        "engine.close()\n"
    )
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    for arguments, left in ((["die"], 1), ([], 0)):
        subprocess.run([sys.executable, "-c", script, *arguments], env=environment, check=False)
        assert len(list(tmp_path.glob("deepgym-runsc-*"))) == left
    assert not subprocess.run(["pgrep", "-f", f"{tmp_path}/deepgym-runsc"], capture_output=True, check=False).stdout
