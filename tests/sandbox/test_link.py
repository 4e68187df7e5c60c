"""What the processes of a command ask, and what is answered."""

from __future__ import annotations

import asyncio
import textwrap
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from deepgym_env import DeepGym, SessionLimits
from deepgym_env.errors import SandboxError

ASK = """
import socket, struct, sys
plug = socket.socket(socket.AF_UNIX)
plug.connect("\\0deepgym")
def take(count):
    data = b""
    while len(data) < count:
        part = plug.recv(count - len(data))
        if not part: sys.exit("closed")
        data += part
    return data
def send(question): plug.sendall(struct.pack("<I", len(question)) + question)
def receive(): return take(*struct.unpack("<I", take(4)))
def ask(question):
    send(question)
    return receive()
"""
LIMITS = SessionLimits(cpu_seconds=2, wall_seconds=1)


async def shout(connection: int, question: bytes) -> bytes:
    return b"%d %s" % (connection, question.upper())


def ran(engine: DeepGym, code: str, answering: Any = shout, command: str = "python3 ask.py") -> Any:
    async def work(engine: Any) -> Any:
        async with await engine.session(limits=LIMITS) as session:
            await session.write("ask.py", ASK + textwrap.dedent(code))
            return await session.exec(command, merge=False, answering=answering)

    return engine.call(work)


def test_questions_are_answered_in_order(engine: DeepGym) -> None:
    done = ran(engine, "for word in b'one two three'.split(): print(ask(word).decode())")
    assert (done.code, done.stdout.split("\n")[:3]) == (0, ["0 ONE", "0 TWO", "0 THREE"])


def test_several_at_once_and_sent_ahead(engine: DeepGym) -> None:
    code = "for word in (b'a', b'b', b'c'): send(word)\nprint(b' '.join(receive() for _ in range(3)).decode())"
    done = ran(engine, code, command="python3 ask.py & python3 ask.py & wait")
    assert sorted(done.stdout.split("\n")[:2]) == ["0 A 0 B 0 C", "1 A 1 B 1 C"]


def test_large_questions_and_answers(engine: DeepGym) -> None:
    async def double(_: int, question: bytes) -> bytes:
        return question * 2

    done = ran(engine, "answer = ask(b'x' * 3_000_000)\nprint(len(answer), answer.count(b'x'))", double)
    assert done.stdout == "6000000 6000000\n"


def test_waiting_for_an_answer_counts_for_nothing(engine: DeepGym) -> None:
    async def late(_: int, question: bytes) -> bytes:
        await asyncio.sleep(0.5)
        return question

    done = ran(engine, "for _ in range(4): ask(b'?')\nprint('done')", late)
    assert (done.reason, done.stdout) == (None, "done\n")
    assert ran(engine, "import time\nask(b'?')\ntime.sleep(30)", late).reason == "wall"


@pytest.mark.parametrize(
    "code",
    [
        "plug.sendall(struct.pack('<I', 1 << 31))\nreceive()",
        "plug.sendall(struct.pack('<I', 0))\nreceive()",
        "send(b'?')\nplug.close()",
        "plug.sendall(struct.pack('<I', 10) + b'half')",
        "for _ in range(300):\n    socket.socket(socket.AF_UNIX).connect('\\0deepgym')",
        "import os\nsend(b'?')\nos.abort()",
        "plug.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)\nfor _ in range(500): send(b'?' * 1000)",
    ],
)
def test_nonsense_harms_nobody(engine: DeepGym, code: str) -> None:
    """The one that sends it is cut off; others, and the session, go on."""
    after = '; python3 -c \'exec(open("ask.py").read().partition("# end")[0]); print(ask(b"well").decode())\''
    done = ran(engine, f"# end\n{code}", command=f"python3 ask.py{after}")
    assert done.stdout.endswith("WELL\n")


def test_without_a_link_there_is_nobody_to_ask(engine: DeepGym) -> None:
    done = ran(engine, "print('asked')", answering=None)
    assert "ConnectionRefusedError" in done.stderr
    assert done.stdout == ""


def test_what_answers_may_fail(engine: DeepGym) -> None:
    async def fail(_: int, question: bytes) -> bytes:
        raise SandboxError("lost")

    with pytest.raises(SandboxError, match="lost"):
        ran(engine, "ask(b'?')", fail)


def test_a_command_may_end_before_its_answer(engine: DeepGym) -> None:
    asked: list[bytes] = []

    def never(log: list[bytes]) -> Callable[[int, bytes], Awaitable[bytes]]:
        async def answer(_: int, question: bytes) -> bytes:
            log.append(question)
            await asyncio.sleep(3600)
            return b""

        return answer

    assert ran(engine, "send(b'?')\nimport time\ntime.sleep(0.2)", never(asked)).code == 0
    assert asked == [b"?"]
