"""A few attacks of every kind with the verdicts they must get; runs as a program, too.

As a program it judges them with an engine of its own and prints the verdicts as JSON, so that
another user, or other layers, can be held against what the tests see.
"""

from __future__ import annotations

import hashlib
import json
import sys
from pathlib import Path
from typing import Any

__all__ = ["ATTACKS", "judge_all"]

TOOLKIT = (Path(__file__).parent / "toolkit.py").read_text()
HONEST = "import hashlib\ndef solve(text):\n    return hashlib.sha256(b'pepper' + text.encode()).hexdigest()\n"
FILES = "def solve(text): return open({path!r}, 'rb').read(10).hex()"

# name: (status, source); the task has one public test
ATTACKS: dict[str, tuple[str, str]] = {
    "honest": ("passed", HONEST),
    "wrong": ("wrong_answer", "def solve(text): return ''"),
    "equal_to_everything": ("wrong_answer", "class A:\n    __eq__ = lambda s, o: True\ndef solve(text): return A()"),
    "exit": ("exception", "def solve(text): sys.exit(0)"),
    "exit_now": ("crashed", "def solve(text): os._exit(0)"),
    "exit_at_import": ("crashed", "os._exit(0)"),
    "forged_answer": ("tampered", "say(b'A', answer('0' * 16))\n" + HONEST),
    "forged_start": ("tampered", "say(b'L')\n" + HONEST),
    "channel_closed": ("crashed", "def solve(text): os.close(3)"),
    "shadow": ("exception", FILES.format(path="/etc/shadow")),
    "passwd": ("exception", FILES.format(path="/etc/passwd")),
    "hostname": ("exception", FILES.format(path="/etc/hostname")),
    "own_memory": ("exception", FILES.format(path="/proc/self/mem")),
    "kernel_log": ("exception", "def solve(text): os.open('/dev/kmsg', os.O_RDONLY | os.O_NONBLOCK)"),
    "library_written": ("exception", "def solve(text): open(os.__file__, 'r+')"),
    "etc_written": ("exception", "def solve(text): open('/etc/attack', 'w')"),
    "socket": ("exception", "import socket\ndef solve(text): socket.socket()"),
    "unix_socket": ("exception", "import socket\ndef solve(text): socket.socket(socket.AF_UNIX)"),
    "fork": ("exception", "def solve(text): os.fork()"),
    "exec": ("exception", "def solve(text): os.execv('/bin/sh', ['sh'])"),
    "kill_parent": (
        "exception",
        "def solve(text):\n    parent = os.getppid()\n    if parent: os.kill(parent, 9)\n"
        "    raise ProcessLookupError('there is no parent')",
    ),
    "kill_others": (
        "wrong_answer",
        "def solve(text):\n    for pid in [p for p in range(2, 500) if p != os.getpid()]:\n"
        "        try: os.kill(pid, 9)\n        except OSError: continue\n        return text\n    return ''",
    ),
    "limits_raised": (
        "exception",
        "import resource\ndef solve(text): resource.setrlimit(resource.RLIMIT_AS, (-1, -1))",
    ),
    "spin": ("timeout", "def solve(text):\n    while True: pass"),
    "sleep": ("timeout", "def solve(text): time.sleep(600)"),
    "memory": ("memory_limit", "def solve(text): return len(bytearray(10**10))"),
    "output": ("output_limit", "def solve(text): return 'x' * 10**7"),
    **{
        f"forbidden_{name}": (
            "forbidden",
            f"import ctypes\ndef solve(text): ctypes.CDLL(None).syscall({{'x86_64': {x86}, 'aarch64': {arm}}}"
            "[os.uname().machine], 0, 0, 0, 0, 0)",
        )
        for name, x86, arm in (
            ("ptrace", 101, 117),
            ("mount", 165, 40),
            ("unshare", 272, 97),
            ("setns", 308, 268),
            ("bpf", 321, 280),
            ("process_vm_readv", 310, 270),
            ("io_uring_setup", 425, 425),
            ("keyctl", 250, 219),
        )
    },
}


def judge_all(engine: Any) -> dict[str, list[Any]]:
    """Return ``[status, score]`` of each attack, after each of which an honest submission passes."""
    from deepgym_env import Call, Limits, Task, TestCase

    text = "in:0"
    expected = hashlib.sha256(b"pepper" + text.encode()).hexdigest()
    task = Task(
        id="table",
        title="Table",
        prompt="Write solve.",
        entry_point="solve",
        tests=(TestCase(id="t0", calls=(Call(args=(text,), expected=expected),), public=True),),
        limits=Limits(cpu_seconds=0.3, wall_seconds=0.4, memory_mb=96, tmp_mb=4),
    )
    verdicts = {}
    for name, (_, source) in ATTACKS.items():
        result = engine.run(task, TOOLKIT + source)
        verdicts[name] = [result.status, result.score]
        if engine.run(task, HONEST).score != 1.0:
            verdicts[name].append("the next submission paid for it")
    return verdicts


def main() -> None:
    """Judge everything and print it."""
    from deepgym_env import DeepGym

    with DeepGym(workers=1, min_isolation="none") as engine:
        level = engine.isolation().level
        print(json.dumps({"level": level, "verdicts": judge_all(engine)}))


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[3]))
    main()
