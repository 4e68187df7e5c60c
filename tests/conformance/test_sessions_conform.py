"""Sessions behave alike on every backend: commands, files, snapshots, services, judged workspaces."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import pytest

from deepgym_env import DeepGym
from deepgym_env.envs import CodingEnv
from deepgym_env.errors import RefusedError
from deepgym_env.rollout import rollout, scripted
from deepgym_env.task import SessionLimits

SCENARIOS = Path(__file__).parents[2] / "scenarios"
LIMITS = SessionLimits(cpu_seconds=2.0, wall_seconds=3.0, memory_mb=128, processes=32, disk_mb=8, output_bytes=2000)
COMMANDS: dict[str, dict[str, Any]] = {
    "prints": {"command": "echo out; echo err >&2; exit 3"},
    "apart": {"command": "echo out; echo err >&2", "merge": False},
    "argv": {"command": ["printf", "%s|", "a b", "$HOME"]},
    "not_there": {"command": ["no-such-program"]},
    "stdin": {"command": "sort | head -2", "stdin": b"c\na\nb\n"},
    "env": {"command": "echo $A $HOME $USER $PWD", "env": {"A": "1"}},
    "cwd": {"command": "mkdir -p d && cd d && pwd"},
    "python": {"command": "python3 -c 'import sys, os; print(sys.version_info[:2], os.getuid(), os.getcwd())'"},
    "git": {
        "command": "git init -q r && cd r && echo a > f && git add f && git commit -qm m && git log --format=%s%an"
    },
    "pipes": {"command": "seq 1000 | grep -c 7"},
    "head_and_tail": {"command": "seq 10000"},
    "signal": {"command": "kill -TERM $$"},
    "segfault": {"command": "python3 -c 'import ctypes; ctypes.string_at(0)' 2>/dev/null; echo $?"},
    "sleeps": {"command": "sleep 100"},
    "leaves_some_behind": {"command": "sleep 100 & echo started"},
    "floods_the_disk": {"command": "head -c 20000000 /dev/zero > big; wc -c < big; rm big"},
    "host": {"command": "ls /home /host /etc/shadow 2>&1 | wc -l; cat /etc/passwd | wc -l"},
    "root_is_read_only": {"command": "touch /x /usr/x 2>/dev/null || echo refused"},
    "no_network": {
        # which of its errors a kernel gives is its own affair
        "command": "python3 -c 'import socket; socket.create_connection((\"10.0.0.1\", 80), 1)' 2>&1 | grep -o OSError"
    },
    "own_loopback": {
        "command": 'python3 -c \'import socket; s = socket.create_server(("127.0.0.1", 0)); '
        'socket.create_connection(s.getsockname()); print("connected")\''
    },
    "no_mounts": {"command": "mount -t tmpfs x /tmp 2>/dev/null || unshare -r true 2>/dev/null || echo refused"},
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command(backend: DeepGym, reference: DeepGym, name: str) -> None:
    outcomes = []
    for engine in (reference, backend):
        with engine.session(limits=LIMITS) as session:
            outcomes.append(session.exec(**COMMANDS[name]))
    assert outcomes[0] == outcomes[1]


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("while :; do :; done", "cpu"),
        ("sleep 60", "wall"),
        ("python3 -c 'import os, time\nx = bytearray(40 << 20)\nfor _ in range(3): os.fork()\n"
         "for n in range(0, len(x), 4096): x[n] = 1\ntime.sleep(5)'", "memory"),
    ],
    ids=["cpu", "wall", "memory"],
)  # fmt: skip
def test_a_limit(backend: DeepGym, command: str, reason: str) -> None:
    with backend.session(limits=LIMITS) as session:
        assert session.exec(command).reason == reason
        assert session.exec("echo still here").stdout == "still here\n"


def test_shell_state_files_and_branches(backend: DeepGym) -> None:
    with backend.session(limits=LIMITS) as session:
        session.exec("mkdir a; cd a; export X=1")
        assert session.exec("echo $X $PWD").stdout == "1 /workspace/a\n"
        session.write("a/f.txt", "one\ntwo\n")
        session.edit("a/f.txt", "two", "2")
        session.exec("ln -s /etc/passwd out; ln -s f.txt in; ln -s ../.. up")
        assert session.read("a/in") == b"one\n2\n"
        for path in ("a/out", "a/up/etc/passwd", "../x", "/etc/passwd"):
            with pytest.raises(RefusedError):
                session.read(path)
        kept = session.snapshot()
        other = session.fork()
        session.exec("rm -rf /workspace/*; cd /tmp; export X=2")
        assert session.list()[0] == []
        assert other.exec("echo $X; cat f.txt").stdout == "1\none\n2\n"
        session.restore(kept)
        assert session.exec("echo $X $PWD; ls").stdout == "1 /workspace/a\nf.txt\nin\nout\nup\n"
        other.close()


def nothing() -> Any:
    yield {"name": "submit", "arguments": {}}


@pytest.mark.parametrize("task_id", ["debug_fix", "api_request", "file_organizer"])
def test_a_scenario(backend: DeepGym, task_id: str) -> None:
    oracle = runpy.run_path(str(SCENARIOS / task_id / "solve.py"))["solve"]
    for script, score in ((oracle, 1.0), (nothing, 0.0)):
        env = CodingEnv(task_id, engine=backend)
        try:
            done = rollout(env, scripted(script), seed=0)
        finally:
            env.close()
        assert done.has_verdict, done.messages[-1]
        assert {test["score"] for test in done.info["tests"]} == {score}
