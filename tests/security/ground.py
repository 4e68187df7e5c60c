"""What the attacks are tried on, and the helpers their sources begin with."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from deepgym_env import Call, Limits, RunResult, Task, TestCase

HERE = Path(__file__).parent
TOOLKIT = (HERE / "attacks" / "toolkit.py").read_text()


def token(number: int) -> str:
    """Return an input that is easy to recognise and impossible to guess."""
    return "in:" + hashlib.sha256(f"input {number}".encode()).hexdigest()[:32]


def right(text: str) -> str:
    """Return the right answer, which occurs in no input."""
    return hashlib.sha256(b"pepper" + text.encode()).hexdigest()


HONEST = "import hashlib\ndef solve(text):\n    return hashlib.sha256(b'pepper' + text.encode()).hexdigest()\n"
LIMITS = Limits(cpu_seconds=0.5, wall_seconds=1.5, memory_mb=128, tmp_mb=4)


def digest_task(public: int = 2, hidden: int = 2, **limits: Any) -> Task:
    """Return the task most attacks are tried on: public tests first, then hidden ones."""
    tests = tuple(
        TestCase(id=f"t{n}", calls=(Call(args=(token(n),), expected=right(token(n))),), public=n < public)
        for n in range(public + hidden)
    )
    merged = Limits(**{**LIMITS.model_dump(), **limits})
    return Task(id="digest", title="Digest", prompt="Write solve.", entry_point="solve", tests=tests, limits=merged)


def check_text(result: RunResult) -> None:
    """Check that a result can be stored, logged and sent, whatever the submission put into it."""
    json.dumps(result.to_protocol(), ensure_ascii=False).encode()
    result.model_dump_json()
