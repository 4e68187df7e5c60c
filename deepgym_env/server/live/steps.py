"""Steps that were taken, by the names clients have for them: asked again, they are answered again.

- :class:`Steps`
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any

from fastapi import HTTPException
from gymnasium.error import ResetNeeded

from deepgym_env.actions import ToolArgumentError
from deepgym_env.remote.wire_sessions import StepAnswer

__all__ = ["Steps"]

_KEPT = 8 << 20  # characters of observations; the names of older steps stay known


@dataclass(slots=True)
class _Step:
    digest: bytes
    answer: asyncio.Future[StepAnswer] | None

    @property
    def size(self) -> int:
        """Characters kept for it; 0 while it is under way, and where it failed."""
        done = self.answer is not None and self.answer.done() and self.answer.exception() is None
        return len(self.answer.result().observation) if self.answer is not None and done else 0

    @property
    def under_way(self) -> bool:
        """Whether its answer is still to come."""
        return self.answer is not None and not self.answer.done()


class Steps:
    """The steps of one episode.

    A step belongs to no request: it goes on when the request that asked for it breaks off, and who asks
    again under its name waits for the same answer.
    """

    def __init__(self) -> None:
        """Know no step yet."""
        self._steps: dict[str, _Step] = {}

    async def take(self, name: str, action: object, take: Callable[[], Coroutine[Any, Any, StepAnswer]]) -> StepAnswer:
        """Take a step, or return the answer of the one that has that name.

        Raises:
            HTTPException: 409, if that one was another action, or its answer isn't kept any more.
        """
        digest = _digest(action)
        step = self._steps.get(name)
        if step is None:
            answer = asyncio.ensure_future(take())
            step = self._steps[name] = _Step(digest, answer)
            answer.add_done_callback(lambda answer: self._settle(name, answer))
        if step.digest != digest:
            raise HTTPException(409, f"step {name!a} was taken with another action: give each step a name of its own")
        if step.answer is None:
            raise HTTPException(409, f"step {name!a} was taken long ago, and its answer isn't kept any more")
        return await asyncio.shield(step.answer)

    def taken(self) -> Steps:
        """Return those that have been taken, for an episode that goes on from here."""
        other = Steps()
        other._steps = {name: replace(step) for name, step in self._steps.items() if not step.under_way}
        return other

    def go_back_to(self, other: Steps) -> None:
        """Know only what another knows, and what is still to come."""
        coming = {name: step for name, step in self._steps.items() if step.under_way}
        self._steps = {**other.taken()._steps, **coming}

    def _settle(self, name: str, answer: asyncio.Future[StepAnswer]) -> None:
        """Forget a step that was not taken, so that its name is free; make room for the others' answers."""
        step = self._steps.get(name)
        if answer.cancelled() or isinstance(answer.exception(), ResetNeeded):
            if step is not None and step.answer is answer:
                del self._steps[name]
            return
        size = sum(each.size for each in self._steps.values())
        for each in self._steps.values():  # the oldest first
            if size <= _KEPT:
                return
            if each is not step and each.size:
                size -= each.size
                each.answer = None


def _digest(action: object) -> bytes:
    try:
        return hashlib.sha256(json.dumps(action, sort_keys=True).encode()).digest()
    except (RecursionError, ValueError) as error:
        raise ToolArgumentError(f"the action is nested too deep, or no JSON: {error}") from error
