"""One episode that a server keeps between requests.

- :class:`LiveSession`
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any, TypeVar

from gymnasium.error import ResetNeeded

from deepgym_env.engine import AsyncDeepGym
from deepgym_env.envs.coding import episode_of
from deepgym_env.envs.episode import Action, Episode, EpisodeSnapshot
from deepgym_env.episodes import EpisodeWriter
from deepgym_env.errors import ClosedError, DeepGymError, RefusedError, SandboxError, UnknownSessionError
from deepgym_env.remote.wire_sessions import SessionState, StartSession, StepAnswer
from deepgym_env.server.live.record import Record
from deepgym_env.server.live.state import State, info_told, score_of
from deepgym_env.server.live.steps import Steps
from deepgym_env.server.live.tasks import task_of
from deepgym_env.server.services import Services
from deepgym_env.task import AnyTask

__all__ = ["LiveSession"]

_T = TypeVar("_T")
_SNAPSHOTS = 256


@dataclass(frozen=True, slots=True)
class _Kept:
    """A session as it was."""

    episode: EpisodeSnapshot
    state: State
    steps: Steps
    record: Record


class LiveSession:
    """An episode under way; what is asked of it is done one after the other, and to its end.

    It is driven on the engine's loop, so that as many as there are need no threads.

    Attributes:
        id: Its id, which nobody can guess.
        owner: Whose it is.
        touched: When it was last asked for, or had last done what it was asked for.
    """

    def __init__(
        self,
        services: Services,
        owner: str,
        started: StartSession,
        log: EpisodeWriter | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Keep an episode of what was asked for, written to ``log`` when it is over; :meth:`begin` begins it."""
        self.id = secrets.token_urlsafe(24)
        self.owner = owner
        self.touched = 0.0
        self._services, self._started, self._log, self._clock = services, started, log, clock
        self._lock = asyncio.Lock()
        self._under_way: set[asyncio.Future[Any]] = set()
        self._ended: DeepGymError | None = None
        self._steps = Steps()
        self._snapshots: dict[str, _Kept] = {}
        self._episode: Episode[Any]
        self._state: State
        self._record = Record(None, {})

    @property
    def busy(self) -> bool:
        """Whether something is under way."""
        return self._lock.locked()

    async def begin(self) -> None:
        """Begin the episode.

        Raises:
            UnknownTaskError: If there is no such task.
            ConfigError: If an option doesn't go with it.
        """
        task, started = await task_of(self._services.tasks, self._started), self._started

        async def make(engine: AsyncDeepGym) -> Episode[Any]:
            return episode_of(engine, task, max_turns=started.max_turns, dense=started.dense)

        self._episode = await self._services.ask(make)
        await self._reset(task)

    async def step(self, name: str, action: Action) -> StepAnswer:
        """Take a turn, or return the answer of the one that has that name.

        Raises:
            HTTPException: 409, if that one was another action.
            ResetNeeded: If the episode is over.
        """
        return await self._steps.take(name, action, lambda: self._alone(lambda: self._step(name, action)))

    async def reset(self, seed: int | None) -> None:
        """Begin anew, by default with the same tests; the names of steps can be used again."""
        task = await task_of(self._services.tasks, self._started, seed) if seed is not None else self._episode.task
        await self._alone(lambda: self._reset(task))

    async def snapshot(self) -> str:
        """Keep the episode as it is now, until it is ended; return the snapshot's id.

        Raises:
            RefusedError: If there are as many as may be.
        """
        return await self._alone(self._snapshot)

    async def restore(self, snapshot: str) -> None:
        """Make the episode as it was, steps taken since then unknown again.

        Raises:
            UnknownSessionError: If it has no such snapshot.
            SandboxError: If its sandbox is gone, and its turns give other answers in a new one.
        """
        await self._alone(lambda: self._restore(snapshot))

    async def drop(self, snapshot: str) -> None:
        """Forget a snapshot."""
        await self._alone(lambda: self._forget(snapshot))

    async def fork(self) -> LiveSession:
        """Return another session that goes on from where this one is."""
        return await self._alone(self._fork)

    async def end(self, why: DeepGymError | None = None) -> None:
        """End the episode, and what is under way in it, which raises ``why``. Ending twice does no harm."""
        if self._ended is not None:
            return
        self._ended = why or UnknownSessionError(f"the session {self.id!a} was ended")
        for doing in self._under_way:
            doing.cancel()
        if self._under_way:
            await asyncio.wait(self._under_way)
        for snapshot in list(self._snapshots):
            with contextlib.suppress(DeepGymError):
                await self._forget(snapshot)
        with contextlib.suppress(ClosedError, SandboxError):
            await self._services.ask(lambda _: self._episode.end())
        await self._record.cut_off("closed")

    def state(self, expires_in: float) -> SessionState:
        """Return where it is; while something is under way, where it was before."""
        return self._state.told(self.id, list(self._snapshots), expires_in)

    # ── one after the other ───────────────────────────────────────────────────────────────

    async def _alone(self, work: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        """Do something while nothing else is done, also when nobody waits for it any more."""

        async def locked() -> _T:
            async with self._lock:
                if self._ended is not None:
                    raise self._ended
                try:
                    return await work()
                finally:
                    self.touched = self._clock()  # however long it took, its answer can be asked for again

        doing = asyncio.ensure_future(locked())
        self._under_way.add(doing)
        doing.add_done_callback(self._under_way.discard)
        try:
            return await asyncio.shield(doing)
        except asyncio.CancelledError:
            if self._ended is not None and doing.cancelled():
                raise self._ended from None
            raise

    async def _reset(self, task: AnyTask) -> None:
        await self._record.cut_off("reset")
        shown, info = await self._services.ask(lambda _: self._episode.reset(task))
        self._state = State.of(self._episode, info)
        self._steps.go_back_to(Steps())
        self._record = await Record.begun(self._log, self._started, task, shown, info)

    async def _step(self, name: str, action: Action) -> StepAnswer:
        episode = self._episode
        if episode.over:
            raise ResetNeeded("the episode is over: reset the session before the next step")
        transition = await self._services.ask(lambda _: episode.step(action))
        observation, reward, terminated, truncated, info = transition
        self._state = State.of(episode, info, terminated, truncated)
        await self._record.add(action, transition)
        return StepAnswer(
            step_id=name,
            observation=observation,
            reward=reward.tolist(),
            score=score_of(info),
            terminated=terminated,
            truncated=truncated,
            returned=self._state.returned,
            info=info_told(info),
        )

    async def _snapshot(self) -> str:
        if len(self._snapshots) >= _SNAPSHOTS:
            raise RefusedError(f"the session has {_SNAPSHOTS} snapshots, the most it may have: drop some")
        kept = await self._services.ask(lambda _: self._episode.snapshot())
        name = secrets.token_urlsafe(12)
        self._snapshots[name] = _Kept(kept, self._state, self._steps.taken(), self._record.copy())
        return name

    async def _restore(self, snapshot: str) -> None:
        kept = self._kept(snapshot)
        await self._services.ask(lambda _: self._episode.restore(kept.episode))
        self._state, self._record = kept.state, kept.record.copy()
        self._steps.go_back_to(kept.steps)

    async def _forget(self, snapshot: str) -> None:
        kept = self._kept(snapshot)
        del self._snapshots[snapshot]
        await self._services.ask(lambda _: self._episode.forget(kept.episode))

    async def _fork(self) -> LiveSession:
        other = LiveSession(self._services, self.owner, self._started, self._log, self._clock)
        other._episode = await self._services.ask(lambda _: self._episode.fork())
        other._state, other._record, other._steps = self._state, self._record.copy(), self._steps.taken()
        return other

    def _kept(self, snapshot: str) -> _Kept:
        kept = self._snapshots.get(snapshot)
        if kept is None:
            raise UnknownSessionError(f"the session has no snapshot {snapshot!a}: it was dropped, or never taken")
        return kept
