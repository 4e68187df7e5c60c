"""An episode: what happens between ``reset`` and its end, without Gymnasium's clothes.

- :class:`Episode`: turns, tools, reward and info; what both kinds of task have in common.
- :class:`EpisodeSnapshot`: an episode as it was.
- :class:`Transition`: what a step gives.

An episode is asynchronous, and an environment, a vector of them and a server drive it alike.
"""

from __future__ import annotations

import contextlib
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, NamedTuple, TypeVar, cast

import numpy as np
import numpy.typing as npt

from deepgym_env.actions import ParsedAction, Tool, ToolCall, parse_action
from deepgym_env.engine import AsyncDeepGym
from deepgym_env.errors import ClosedError, SandboxError
from deepgym_env.result import RunResult
from deepgym_env.sandbox.workspace import Keepsake
from deepgym_env.task import AnyTask, StateTest, WorkspaceTask

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self

__all__ = ["Action", "Episode", "EpisodeSnapshot", "Transition", "Vector", "turns_of"]

Vector = npt.NDArray[np.float32]
Action = str | Mapping[str, Any]
_Task = TypeVar("_Task", bound=AnyTask)
_FUNCTION_TURNS = 8
_LONGEST = 1 << 19  # characters of an observation
_LOST = "The sandbox failed, which is no fault of yours; there is no verdict."


def turns_of(task: AnyTask, max_turns: int | None) -> int:
    """Return how many turns an episode of a task has: as asked for, or as the task has it."""
    return max_turns or (task.max_turns if isinstance(task, WorkspaceTask) else _FUNCTION_TURNS)


class Transition(NamedTuple):
    """What a step gives, in Gymnasium's order."""

    observation: str
    reward: Vector
    terminated: bool
    truncated: bool
    info: dict[str, Any]


@dataclass(frozen=True, slots=True)
class EpisodeSnapshot:
    """An episode as it was: its task, turns, reward state and history, and its session's files."""

    task: AnyTask
    turn: int
    vector: Vector
    result: RunResult | None
    over: bool
    shown: str
    history: tuple[tuple[Any, str], ...]
    session: Keepsake | None
    signs: Mapping[str, Any]


class Episode(ABC, Generic[_Task]):
    """One episode after another of a task.

    The reward is the change of ``v``, the per-test scores of the state that was judged last (0
    before the first judgement): the undiscounted return is the result of the state the episode
    ended in.
    """

    fences: ClassVar[Mapping[str, tuple[str, str]]] = {}

    def __init__(self, engine: AsyncDeepGym, task: _Task, *, max_turns: int | None = None) -> None:
        """Make the episode of a task; :meth:`reset` begins it."""
        self.task = task
        self._max_turns = max_turns
        self.turn = 0
        self.over = True
        self.shown = ""
        self.vector: Vector = np.zeros(len(task.tests), dtype=np.float32)
        self.engine = engine
        self._result: RunResult | None = None
        self._history: list[tuple[Any, str]] = []
        self._judged = False
        self.signs: Mapping[str, Any] = {}

    @property
    def max_turns(self) -> int:
        """Steps after which the episode is truncated."""
        return turns_of(self.task, self._max_turns)

    # ── what a kind of episode adds ───────────────────────────────────────────────────────

    @property
    @abstractmethod
    def tools(self) -> tuple[Tool, ...]:
        """The tools an agent has."""

    @abstractmethod
    def prompt(self) -> str:
        """Return the first observation."""

    async def begin(self) -> None:
        """Prepare what the first turn needs."""

    def read(self, action: object) -> ParsedAction:
        """Return the calls in an action."""
        return parse_action(action, self.tools, fences=self.fences)

    @abstractmethod
    async def conclude(self, last: bool) -> bool:
        """Judge the state after a turn if it is due; return whether the agent is done.

        Args:
            last: Whether the episode ends here for want of turns.
        """

    async def end(self) -> None:
        """End the episode, also under a turn that still goes on; :meth:`reset` begins anew."""
        self.over = True
        await self.close()

    async def close(self) -> None:
        """Give up what the episode holds; :meth:`reset` begins anew."""

    # ── Gymnasium's two calls ─────────────────────────────────────────────────────────────

    async def reset(self, task: _Task) -> tuple[str, dict[str, Any]]:
        """Begin an episode of ``task``; return the prompt and the info of a state nothing passes in."""
        await self.close()
        self.task = task
        self.turn = 0
        self.over = False
        self.vector = np.zeros(len(task.tests), dtype=np.float32)
        self._result = None
        self._history = []
        self._judged = False
        self.signs = {}
        self.shown = self.prompt()
        with contextlib.suppress(SandboxError):  # tried again with the first step
            await self.begin()
        return self.shown, self.info(action_valid=True, has_verdict=True)

    async def step(self, action: object) -> Transition:
        """Take a turn."""
        self.turn += 1
        self._judged = False
        before = self.vector
        parsed = self.read(action)
        done = await self._take(parsed)
        has_verdict = done is not None
        if done is None:
            self.shown, self.vector = _LOST, before
        self._history.append((action, self.shown))
        terminated = bool(done) or (has_verdict and self.solved)
        truncated = not terminated and (self.turn >= self.max_turns or not has_verdict)
        self.over = terminated or truncated
        info = self.info(action_valid=not parsed.error, has_verdict=has_verdict)
        return Transition(self.shown, self.vector - before, terminated, truncated, info)

    async def _take(self, parsed: ParsedAction) -> bool | None:
        """Make a turn's calls and judge if it is due; return whether the agent is done.

        Where the sandbox was lost, the turn is made again in a new one that was brought to the same
        state; None if that can't be had: no verdict.
        """
        for recovering in (False, True):
            try:
                if recovering and not await self._recovered():
                    return None
                self.shown = await self._act(parsed)
                return await self.conclude(last=self.turn >= self.max_turns)
            except ClosedError:
                if recovering:  # not a session that was idle too long: the engine itself
                    raise
            except SandboxError:
                continue
        return None

    async def recover(self) -> bool:
        """Bring a new sandbox to the state before this turn; return whether it worked."""
        return False

    async def _recovered(self) -> bool:
        """Recover, unless the episode was ended under this turn: then a new sandbox would be nobody's."""
        if self.over or not await self.recover():
            return False
        if self.over:
            await self.close()
        return not self.over

    @property
    def solved(self) -> bool:
        """Whether the state judged last passes every test."""
        return bool((self.vector == 1.0).all())

    @property
    def finished(self) -> bool:
        """Whether what follows in an action has no place any more."""
        return self._judged and self.solved

    async def _act(self, parsed: ParsedAction) -> str:
        """Make an action's calls; return what they answered."""
        return _bounded(parsed.error or await self._make_all(parsed))

    async def _make_all(self, parsed: ParsedAction) -> str:
        if len(parsed.calls) == 1:
            return await self.make(parsed.calls[0])
        answers = []
        for number, call in enumerate(parsed.calls, 1):
            answers.append(f"[{number}] {call.name}\n{await self.make(call)}".rstrip("\n"))
            if self.finished:
                break
        return "\n\n".join(answers)

    async def make(self, call: ToolCall) -> str:
        """Make one call."""
        tool = next(tool for tool in self.tools if tool.name == call.name)
        return str(await tool.function(self, **call.arguments))

    def judged(self, result: RunResult, signs: Mapping[str, Any] | None = None) -> None:
        """Take over a verdict, and signs of cheating in what was judged.

        Raises:
            SandboxError: If there is none.
        """
        if not result.has_verdict:
            raise SandboxError(result.details)
        self._result, self.vector, self._judged = result, result.vector, True
        self.signs = signs or {}

    def info(self, action_valid: bool, has_verdict: bool) -> dict[str, Any]:
        """Return the info of the state; no time, id or path is in it."""
        result = self._result
        statuses = {case.id: case.status for case in result.cases} if result else {}
        tests = [
            {"id": test.id, "public": test.public, "status": statuses.get(test.id, "not_run"), "score": float(score)}
            for test, score in zip(cast("tuple[StateTest, ...]", self.task.tests), self.vector, strict=True)
        ]
        return {
            "task": self.task.id,
            "turn": self.turn,
            "action_valid": action_valid,
            "has_verdict": has_verdict,
            "evaluated": self._judged,
            "status": result.status if result else "not_run",
            "passed": self.solved,
            "score": float(self.vector.mean()),
            "tests": tests,
            "reward_components": dict(result.reward_components) if result else {},
            "tools": [tool.schema() for tool in self.tools],
        }

    # ── branching ─────────────────────────────────────────────────────────────────────────

    async def snapshot(self) -> EpisodeSnapshot:
        """Keep the episode as it is now."""
        return EpisodeSnapshot(
            task=self.task,
            turn=self.turn,
            vector=self.vector.copy(),
            result=self._result,
            over=self.over,
            shown=self.shown,
            history=tuple(self._history),
            session=await self._keep(),
            signs=self.signs,
        )

    async def restore(self, snapshot: EpisodeSnapshot) -> None:
        """Make the episode as it was when the snapshot was taken, of this episode or of another."""
        self.task = snapshot.task  # type: ignore[assignment]
        self._history = list(snapshot.history)
        await self._bring_back(snapshot)
        self.turn, self.over, self.shown = snapshot.turn, snapshot.over, snapshot.shown
        self.vector, self._result, self.signs = snapshot.vector.copy(), snapshot.result, snapshot.signs

    async def forget(self, snapshot: EpisodeSnapshot) -> None:
        """Give up what a snapshot holds in the sandbox."""

    @abstractmethod
    def copy(self) -> Self:
        """Return another episode of the same make, not yet begun."""

    async def fork(self) -> Self:
        """Return another episode that goes on from where this one is."""
        other = self.copy()
        snapshot = await self.snapshot()
        try:
            await other.restore(snapshot)
        finally:
            await self.forget(snapshot)
        return other

    async def _keep(self) -> Keepsake | None:
        return None

    async def _bring_back(self, snapshot: EpisodeSnapshot) -> None:
        """Restore what is in the sandbox."""


def _bounded(text: str) -> str:
    """Leave out the middle of what no observation can hold."""
    if len(text) <= _LONGEST:
        return text
    return f"{text[: _LONGEST // 2]}\n[... left out ...]\n{text[-_LONGEST // 2 :]}"
