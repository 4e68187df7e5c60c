"""A runner's cgroup: its limits on a folder that stands in for a delegated one, its life on the real thing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from deepgym_env.sandbox import cgroup
from deepgym_env.sandbox.cgroup import Cgroup, CgroupError


@pytest.fixture
def delegated(tmp_path):
    """The files a delegated cgroup has; the machine the suite runs on may have none with controllers."""
    (tmp_path / "cgroup.controllers").write_text("cpu memory pids\n")
    (tmp_path / "cgroup.subtree_control").write_text("\n")
    return tmp_path


def test_limits_are_written_to_a_cgroup_of_its_own(delegated):
    first, second = Cgroup.create(delegated), Cgroup.create(delegated)
    assert first.folder != second.folder
    assert (delegated / "cgroup.subtree_control").read_text() == "+memory +pids"
    assert int((first.folder / "pids.max").read_text()) == 4096
    total = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    assert 0 < int((first.folder / "memory.max").read_text()) < total


def test_controllers_already_there_are_left_alone(delegated):
    (delegated / "cgroup.subtree_control").write_text("memory pids\n")
    Cgroup.create(delegated)
    assert (delegated / "cgroup.subtree_control").read_text() == "memory pids\n"


@pytest.mark.parametrize(("controllers", "named"), [("cpu", "no memory and no pids"), ("memory", "no pids")])
def test_a_missing_controller_is_named(delegated, controllers, named):
    (delegated / "cgroup.controllers").write_text(controllers)
    with pytest.raises(CgroupError, match=named):
        Cgroup.create(delegated)


def test_a_folder_that_is_no_cgroup_is_refused(tmp_path):
    with pytest.raises(CgroupError, match="No such file"):
        Cgroup.create(tmp_path)


def test_a_real_cgroup_takes_a_process_and_ends_it():
    try:
        folder = cgroup._own_folder() / f"deepgym-test-{os.getpid()}"
        folder.mkdir()
    except (CgroupError, OSError) as error:
        pytest.skip(f"this process may not make a cgroup v2: {error}")
    real = Cgroup(folder)
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    try:
        real.add(process.pid)
        assert folder.name in Path(f"/proc/{process.pid}/cgroup").read_text()
        real.remove()
        assert process.wait(60) != 0
    finally:
        process.kill()
        process.wait()
        real.remove()
    assert not folder.exists()
