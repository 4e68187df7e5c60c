"""What is done on one node at a time: sessions, which stay where they were begun, and programs.

- :class:`Places`
"""

from __future__ import annotations

import asyncio
import itertools
import math
from collections.abc import Mapping, Sequence
from typing import Any

from deepgym_env.cluster.connection import ray
from deepgym_env.cluster.nodes import Member, Nodes
from deepgym_env.cluster.patience import Patience
from deepgym_env.distant_session import Ask, DistantSession, DistantSnapshot
from deepgym_env.errors import ClosedError, IsolationError, SandboxError
from deepgym_env.judge.not_run import not_run
from deepgym_env.programs import Program, ProgramResult
from deepgym_env.result import RunResult
from deepgym_env.task import File, LanguageName, SessionLimits, StateTest, WorkspaceTask

__all__ = ["Places"]

_INPUTS = 16  # of a program, from which on another node compiles it too


class Places:
    """Sessions and programs on a cluster's nodes."""

    def __init__(self, nodes: Nodes, patience: Patience, retries: int) -> None:
        """Have none yet.

        Args:
            nodes: The cluster's.
            patience: Waits for one.
            retries: How often another node is tried after one was lost, or failed.
        """
        self._nodes, self._patience, self._retries = nodes, patience, retries
        self._turn = itertools.count()

    async def open(
        self, task: WorkspaceTask | None, *, files: Sequence[File], limits: SessionLimits | None, ttl: float | None
    ) -> DistantSession:
        """Start a session on the node that has the fewest."""
        arguments = {"task": task, "files": list(files), "limits": limits, "ttl": ttl}
        for attempt in itertools.count():
            member = await self._patience.fewest()
            member.opening += 1  # before anything else is awaited: many are begun at once
            try:
                name = await self._perform(member, "open", arguments)
            except (IsolationError, ClosedError):
                raise
            except SandboxError:
                if attempt == self._retries:
                    raise
                continue
            finally:
                member.opening -= 1
            used = limits or (task.limits if task is not None else SessionLimits())
            return DistantSession(name, used, self._caller(member), home=member, isolation=member.isolation)
        raise AssertionError

    async def resume(self, snapshot: DistantSnapshot) -> DistantSession:
        """Start a session as another one was when the snapshot was taken."""
        member: Member = snapshot.home
        if not member.alive:
            snapshot.alive = False
            raise SandboxError("the node that held the snapshot is lost")
        return await DistantSession.resumed(snapshot, self._caller(member))

    async def judge(self, task: WorkspaceTask, session: DistantSession, tests: Sequence[StateTest] | None) -> RunResult:
        """Judge the state of a session."""
        chosen = None if tests is None else list(tests)
        try:
            arguments = {"session": session.id, "task": task, "tests": chosen}
            result: RunResult = await self._perform(session.home, "judge", arguments)
        except (IsolationError, ClosedError):
            raise
        except SandboxError as error:
            return not_run(task, "infrastructure_error", str(error), tests=tests)
        return result

    async def execute(
        self, program: Program, stdins: Sequence[bytes], max_parallel: int | None
    ) -> tuple[ProgramResult, ...]:
        """Run a program on each input."""
        await self._patience.some_node()
        shares = min(len(self._nodes.members), math.ceil(len(stdins) / _INPUTS), max_parallel or len(stdins))
        size = math.ceil(len(stdins) / max(shares, 1))
        slices = [stdins[start : start + size] for start in range(0, len(stdins), size)] if stdins else []
        parallel = None if max_parallel is None else max_parallel // len(slices)
        results = await asyncio.gather(*(self._execute(program, each, parallel) for each in slices))
        return tuple(itertools.chain.from_iterable(results))

    async def languages(self) -> Mapping[LanguageName, str | None]:
        """Return each language with its toolchain's version; None where a node has none."""
        await self._patience.some_node()
        told = [await self._value(member, "languages") for member in list(self._nodes.members.values())]
        first: Mapping[LanguageName, str | None] = told[0]
        return {name: version if all(each[name] for each in told) else None for name, version in first.items()}

    async def _execute(
        self, program: Program, stdins: Sequence[bytes], max_parallel: int | None
    ) -> tuple[ProgramResult, ...]:
        cause = ""
        results: tuple[ProgramResult, ...] = ()
        for _ in range(self._retries + 1):
            try:
                await self._patience.some_node()
                members = list(self._nodes.members.values())
                member = members[next(self._turn) % len(members)]
                results = await self._value(member, "execute", program, list(stdins), max_parallel)
            except (IsolationError, ClosedError):
                raise
            except SandboxError as error:
                cause = str(error)
                continue
            if all(result.has_verdict for result in results):
                return results
        return results or (ProgramResult(status="infrastructure_error", details=cause),) * len(stdins)

    def _caller(self, member: Member) -> Ask:
        async def call(operation: str, arguments: dict[str, Any]) -> Any:
            return await self._perform(member, operation, arguments)

        return call

    async def _perform(self, member: Member, operation: str, arguments: dict[str, Any]) -> Any:
        """Have a node do what a session is asked for.

        Raises:
            SandboxError: If the node is lost.
            Exception: What the session raises.
        """
        value, error, member.sessions = await self._ask(member, "perform", operation, arguments)
        if error is not None:
            raise error
        return value

    async def _value(self, member: Member, method: str, *arguments: Any) -> Any:
        """Return what a node's method returns, and raise what it returns to be raised."""
        value = await self._ask(member, method, *arguments)
        if isinstance(value, Exception):
            raise value
        return value

    async def _ask(self, member: Member, method: str, *arguments: Any) -> Any:
        if not member.alive:
            raise SandboxError("the cluster's node is lost")
        try:
            return await member.ask(method, *arguments)
        except ray().exceptions.RayError as error:
            self._nodes.drop(member, error)
            raise SandboxError(f"the cluster's node is lost: {error}") from error
