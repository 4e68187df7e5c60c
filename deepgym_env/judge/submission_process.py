"""A process of the submission's that is asked piece by piece what test code wants to know of it.

- :class:`Subject`: the submission, and what it may use.
- :class:`SubmissionProcess`: one process of it.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from typing import Any

from deepgym_env.judge import respondent
from deepgym_env.judge.call import NONCE, cause, claim, parts_of
from deepgym_env.judge.sources import source_of
from deepgym_env.sandbox.execution import Ending, Forfeited, Job, Next
from deepgym_env.sandbox.process import Runner
from deepgym_env.sandbox.runner import codec
from deepgym_env.sandbox.runner.wire import ChildKind
from deepgym_env.task import Limits

__all__ = ["PRINTED", "Runners", "Subject", "SubmissionProcess"]

Runners = Callable[[], AbstractAsyncContextManager[Runner]]

PRINTED = 4000
_ANSWERED_BYTES = 1 << 26  # of one test's replies, and at least four of them


@dataclass(frozen=True, slots=True)
class Subject:
    """A submission, and what it may use.

    Attributes:
        code: Its source.
        limits: What it may use in one test.
        seed: Seed of its random numbers.
        prelude: Source that runs before it.
        defines: The function it must define; None if it need define nothing.
        tests: How many tests ask it.
    """

    code: str
    limits: Limits
    seed: int = 0
    prelude: str = ""
    defines: str | None = None
    tests: int = 1


class SubmissionProcess:
    """One process of the submission's, asked piece by piece.

    What it says next is an event: ``["loaded"]``, ``["reply", text]``, or ``["failed", status, error]``; of its
    end ``["refused", status, error]`` if it could not be loaded, else ``["ended", status, error]``.

    Attributes:
        loaded: Its first event.
        ending: How it ended, once it has.
        printed: What it has printed, since this was last emptied.
    """

    def __init__(self, subject: Subject) -> None:
        """Start nothing yet."""
        loop = asyncio.get_running_loop()
        self.loaded: asyncio.Future[list[Any]] = loop.create_future()
        self.ending: Ending | None = None
        self.printed = b""
        self._subject = subject
        self._heard = self.loaded  # what is waited for: the next thing it says, or its end
        self._said: asyncio.Future[bytes | Next] | None = None  # what it waits for
        self._nonce = ""
        self._asks = False  # it asks something itself, within an answer
        self._taken = 0  # bytes, in this test
        self._refusal: tuple[str, str] | None = None
        self._work: asyncio.Task[None] | None = None
        self._over: list[Any] | Exception | None = None

    @property
    def idle(self) -> bool:
        """Whether it has been asked nothing that it hasn't answered."""
        return self._said is not None and not self._said.done() and not self._asks

    def start(self, runners: Runners) -> None:
        """Start the process on a runner that is free."""
        self._work = asyncio.ensure_future(self._run(runners))

    async def _run(self, runners: Runners) -> None:
        try:
            async with runners() as runner:
                self.ending = await runner.execute(_job(self._subject), self.take)
            status, text = self._refusal or cause(self.ending)
            self._over = ["ended" if self.loaded.done() else "refused", status, text]
        except Exception as error:
            self._over = error
        self._tell(self._over)

    async def exchange(self, text: str, begins: bool) -> list[Any]:
        """Ask, or answer what it asks; return what it says next, or its end."""
        self._heard = asyncio.get_running_loop().create_future()
        self._taken = 0 if begins else self._taken
        if self._over is not None:  # it ended while nobody asked
            self._tell(self._over)
        elif self._said is not None and not self._said.done():
            self._said.set_result(self._question(text, begins))
        return await self._heard

    def _question(self, text: str, begins: bool) -> bytes | Next:
        if self._asks:
            self._asks = False
            return codec.encode(text, 1 << 28).encode()
        self._nonce = secrets.token_hex(NONCE // 2)
        call = f"[{codec.encode([text, codec.Opaque(0)], 1 << 28)},{codec.encode({})}]"
        stage = f'{{"nonces":["{self._nonce}"],"tests":[[{call}]]}}'.encode()
        return Next(stage) if begins else stage

    async def finish(self) -> None:
        """Let it end by itself if it waits for a question, else have it killed."""
        if self._work is None:
            return
        if self._said is not None and self.idle:
            self._heard = asyncio.get_running_loop().create_future()
            self._said.set_result(b'{"nonces":[],"tests":[],"last":true}')
            with suppress(asyncio.TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._work), 1.0)
        self._work.cancel()
        with suppress(asyncio.CancelledError):
            await self._work

    def take(self, payload: bytes) -> Any:
        """Take what the process sends; return what will be the reply to it."""
        if self._refusal is not None:
            raise Forfeited
        self._taken += len(payload)
        try:
            event = self._read(payload[:1], payload[1:])
        except Exception as error:  # the payload is hostile: whatever it upsets is its own doing
            event = self._refusing("tampered", f"sent an answer that can't be read ({type(error).__name__})")
        if event is None:
            raise Forfeited
        self._said = asyncio.get_running_loop().create_future()
        self._tell(event)
        return self._said

    def _read(self, kind: bytes, body: bytes) -> list[Any] | None:
        if self._taken > max(_ANSWERED_BYTES, 8 * self._subject.limits.output_bytes):
            return self._refusing("output_limit", "sent more than a test's answers may come to")
        if kind == ChildKind.LOADED and not self.loaded.done():
            return self._refusing(*claim(body, {"syntax_error"})) if body else ["loaded"]
        if kind == ChildKind.ANSWER and self._nonce and not self._asks and body[:NONCE] == self._nonce.encode():
            self._nonce = ""
            (outcome, data), (_, printed) = parts_of(body[NONCE:])
            self.printed = printed[:PRINTED]
            return ["reply", _text(codec.parse(data.decode()))] if outcome == ord("V") else ["failed", *claim(data)]
        if kind == ChildKind.QUERY and self._nonce and not self._asks:
            self._asks = True
            (text,) = codec.parse(body[4:].decode())  # a list of one text: nothing hostile is built here
            return ["reply", _text(text)]
        return self._refusing("tampered", "sent an answer nobody asked for")

    def _refusing(self, status: str, error: str) -> list[Any] | None:
        """Note that nothing it sends counts any more; there is no event until it has ended."""
        self._refusal = (status, error)
        return None

    def _tell(self, event: list[Any] | Exception) -> None:
        if self._heard.done():
            return
        if isinstance(event, Exception):
            self._heard.set_exception(event)
            self._heard.exception()  # seen, if nobody waits any more
        else:
            self._heard.set_result(event)


def _text(text: Any) -> str:
    if type(text) is not str:
        raise ValueError("no text")
    return text


def _job(subject: Subject) -> Job:
    limits = subject.limits
    exchanges = (subject.tests + 1) * limits.queries  # more, nobody can ask
    stage = {
        "code": subject.code,
        "prelude": f"{subject.prelude}\n\n{source_of(respondent)}\nrespond_ = make_respondent_()\n",
        "entry_point": "respond_",
        "defines": subject.defines or "respond_",
        "seed": subject.seed % 2**32,
        "output_bytes": limits.output_bytes,
        "tests": exchanges,
    }
    return Job(
        stages=((0, json.dumps(stage).encode()),),
        answers=exchanges,
        cpu_seconds=limits.cpu_seconds,
        wall_seconds=limits.wall_seconds,
        memory_mb=limits.memory_mb,
        tmp_mb=limits.tmp_mb,
        threads=limits.threads,
        frame_bytes=2 * limits.output_bytes + 8192,
        queries=limits.queries,
        query_bytes=_ANSWERED_BYTES,
        interactive=True,
    )
