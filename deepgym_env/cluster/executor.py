"""An engine's work on a Ray cluster.

- :class:`RayExecutor`
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deepgym_env.cluster.connection import connect, ray
from deepgym_env.cluster.dispatch import Dispatcher
from deepgym_env.cluster.node import NodeConfig
from deepgym_env.cluster.nodes import Member, Nodes
from deepgym_env.cluster.patience import Patience
from deepgym_env.cluster.places import Places
from deepgym_env.distant_session import DistantSession, DistantSnapshot
from deepgym_env.errors import ClosedError, ConfigError
from deepgym_env.executors import Done, Options, Submission
from deepgym_env.programs import Program, ProgramResult
from deepgym_env.result import RunResult
from deepgym_env.sandbox import Isolation
from deepgym_env.sandbox.isolation import LEVELS
from deepgym_env.sandbox.modes import MODES
from deepgym_env.sandbox.workspace import Workspace
from deepgym_env.task import File, LanguageName, SessionLimits, StateTest, WorkspaceTask

__all__ = ["RayExecutor"]


class RayExecutor:
    """Judges on all nodes of a cluster: on each an actor with an engine of its own.

    An :class:`~deepgym_env.executors.Executor`. ``DEEPGYM_NODE_MODE`` says what sandboxes the nodes use (``local``),
    ``DEEPGYM_NODE_RESOURCE`` names a custom resource that those to be used have (all), and
    ``DEEPGYM_NODE_WAIT`` how many seconds to wait for a node while there is none (60).
    """

    def __init__(self, options: Options) -> None:
        """Connect to nothing yet.

        Raises:
            ConfigError: If an option doesn't go with a cluster, or Ray isn't installed.
        """
        ray()
        mode = os.environ.get("DEEPGYM_NODE_MODE", "local")
        if mode not in MODES:
            raise ConfigError(f"DEEPGYM_NODE_MODE must be one of {', '.join(MODES)}, got {mode!r}")
        if options.backend is not None or options.api_key is not None:
            raise ConfigError("mode 'ray' takes no backend and no api_key: DEEPGYM_NODE_MODE says what its nodes use")
        self._options = options
        config = NodeConfig(
            mode=mode,
            image=options.image,
            retries=options.retries,
            min_isolation=options.min_isolation,
        )
        self._dispatcher = Dispatcher(
            retries=options.retries, drop=lambda member, cause: self._nodes.drop(member, cause)
        )
        self._nodes = Nodes(
            config,
            workers=options.workers,
            resource=os.environ.get("DEEPGYM_NODE_RESOURCE"),
            joined=self._dispatcher.join,
            left=self._dispatcher.leave,
        )
        self._patience = Patience(self._nodes, self._dispatcher, _seconds("DEEPGYM_NODE_WAIT", 60.0))
        self._places = Places(self._nodes, self._patience, options.retries)
        self._starting = asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._release: Callable[[], None] | None = None
        self._watching: list[asyncio.Task[None]] = []
        self._closed = False

    @property
    def workers(self) -> int:
        """Runners of all nodes that are known by now; before there are any, those of one."""
        return sum(member.workers for member in self._nodes.members.values()) or self._options.workers or 1

    async def run(self, work: Sequence[Submission], *, max_parallel: int | None, done: Done) -> None:
        """Judge submissions; see :meth:`Executor.run`."""
        await self._start()
        await self._dispatcher.judge(work, max_parallel, done)

    async def session(
        self,
        task: WorkspaceTask | None,
        *,
        files: Sequence[File] = (),
        limits: SessionLimits | None = None,
        ttl: float | None = None,
    ) -> DistantSession:
        """Start a session on the node that has the fewest."""
        await self._start()
        return await self._places.open(task, files=files, limits=limits, ttl=ttl)

    async def resume(self, snapshot: Any) -> DistantSession:
        """Start a session as another one was, on its node."""
        await self._start()
        if not isinstance(snapshot, DistantSnapshot) or not isinstance(snapshot.home, Member):
            raise ConfigError("the snapshot is of another place than this engine works in: use the engine it is of")
        return await self._places.resume(snapshot)

    async def judge(self, task: WorkspaceTask, session: Workspace, *, tests: Sequence[StateTest] | None) -> RunResult:
        """Judge the state of a session, where it is."""
        if not isinstance(session, DistantSession) or not isinstance(session.home, Member):
            raise ConfigError("the session is of another place than this engine works in: use the engine it is of")
        await self._start()
        return await self._places.judge(task, session, tests)

    async def execute(
        self, program: Program, stdins: Sequence[bytes], max_parallel: int | None
    ) -> tuple[ProgramResult, ...]:
        """Run a program on each input: where they are many, on several nodes, on each of which it is compiled."""
        await self._start()
        return await self._places.execute(program, stdins, max_parallel)

    async def languages(self) -> Mapping[LanguageName, str | None]:
        """Return each language with its toolchain's version; None where a node has none."""
        await self._start()
        return await self._places.languages()

    async def isolation(self) -> Isolation:
        """Return the isolation of the node that has the least."""
        await self._start()
        await self._patience.some_node()
        return min((each.isolation for each in self._nodes.members.values()), key=lambda each: LEVELS.index(each.level))

    async def aclose(self) -> None:
        """End every node's work, and the connection, if it was made for this. Closing twice does no harm."""
        async with self._starting:
            self._closed = True
            release, self._release = self._release, None
            if release is None:
                return
            for watching in self._watching:
                watching.cancel()
            await asyncio.gather(*self._watching, return_exceptions=True)
            await self._dispatcher.aclose()
            await self._nodes.aclose()
            await self._patience.aclose()
            await asyncio.to_thread(release)

    async def _start(self) -> None:
        """Connect, with the first call."""
        loop = asyncio.get_running_loop()
        if self._loop not in (None, loop):
            raise ConfigError("an AsyncDeepGym serves the event loop it was first used on; make one per loop")
        async with self._starting:
            if self._closed:
                raise ClosedError("the engine is closed; make a new one")
            if self._release is None:
                self._loop = loop
                self._release = await asyncio.to_thread(connect, self._options.url)
                self._watching = [asyncio.ensure_future(each) for each in (self._nodes.watch(), self._patience.watch())]


def _seconds(name: str, default: float) -> float:
    text = os.environ.get(name, "")
    with contextlib.suppress(ValueError):
        return float(text or default)
    raise ConfigError(f"{name} must be a number of seconds, got {text!r}")
