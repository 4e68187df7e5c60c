"""Carries out what the schedule says: submissions to the nodes, results back.

- :class:`Dispatcher`
"""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from deepgym_env.cluster.costs import prior
from deepgym_env.cluster.node import Outcome
from deepgym_env.cluster.nodes import Member
from deepgym_env.cluster.parcels import Parcel, Parcels
from deepgym_env.cluster.scheduling import Item, Schedule
from deepgym_env.errors import ClosedError, SandboxError
from deepgym_env.executors import Done, Submission
from deepgym_env.judge.not_run import not_run
from deepgym_env.result import RunResult
from deepgym_env.task import SubmissionTask

__all__ = ["Dispatcher"]

_TICK_SECONDS = 1.0


@dataclass(slots=True, eq=False)
class _Batch:
    done: Done
    left: int
    waiting: deque[Item]  # beyond its max_parallel
    over: asyncio.Future[None]
    items: list[Item]


@dataclass(frozen=True, slots=True, eq=False)
class _Asked:
    """What an item's submission is."""

    batch: _Batch
    number: int
    task: SubmissionTask
    code: str
    parcel: Parcel
    ticket: int


class Dispatcher:
    """All batches over all nodes; bound to one event loop."""

    def __init__(self, *, retries: int, drop: Callable[[Member, object], None]) -> None:
        """Begin with no nodes.

        Args:
            retries: How many nodes may be lost, or fail, with a submission, and it still be tried on another.
            drop: Told of a node that doesn't answer any more, and why; it calls :meth:`leave`.
        """
        self._drop = drop
        self._schedule = Schedule(retries=retries)
        self._parcels = Parcels()
        self._tickets = itertools.count()
        self._items: dict[int, Item] = {}
        self._batches: set[_Batch] = set()
        self._serving: dict[Member, asyncio.Task[None]] = {}
        self._wakes: dict[Member, asyncio.Event] = {}

    @property
    def unsettled(self) -> int:
        """Submissions that have no result yet, without those a batch's ``max_parallel`` holds back."""
        return self._schedule.unsettled

    @property
    def expected_seconds(self) -> float:
        """CPU time that they are expected to take."""
        return self._schedule.rest

    async def judge(self, work: Sequence[Submission], max_parallel: int | None, done: Done) -> None:
        """Judge submissions; see :meth:`Executor.run`."""
        batch = _Batch(done, len(work), deque(), asyncio.get_running_loop().create_future(), [])
        for number, (task, code) in enumerate(work):
            parcel = self._parcels.of(task)
            asked = _Asked(batch, number, task, code, parcel, next(self._tickets))
            batch.items.append(Item(parcel.key, prior(task), asked))
            self._items[asked.ticket] = batch.items[-1]
        batch.waiting.extend(batch.items[max_parallel:] if max_parallel else ())
        self._batches.add(batch)
        self._schedule.add(batch.items[:max_parallel])
        self._wake()
        try:
            await batch.over
        finally:
            self._forget(batch)

    def fail(self, cause: Exception) -> None:
        """End every batch that is under way with an error."""
        for batch in self._batches:
            if not batch.over.done():
                batch.over.set_exception(cause)

    def give_up(self, cause: str) -> None:
        """End every batch that is under way: what has no result yet has no verdict."""
        for batch in list(self._batches):
            for item in batch.items:
                if item.what.ticket in self._items:
                    self._end([item])
                    self._tell(item, not_run(item.what.task, "infrastructure_error", cause))

    def join(self, member: Member) -> None:
        """Give a node work."""
        self._schedule.join(member, member.workers)
        self._wakes[member] = asyncio.Event()
        self._serving[member] = asyncio.ensure_future(self._serve(member))

    def leave(self, member: Member) -> None:
        """Give what a lost node had to others."""
        serving = self._serving.pop(member, None)
        if serving is not None and serving is not asyncio.current_task():
            serving.cancel()
        self._wakes.pop(member, None)
        for item in self._schedule.leave(member):
            cause = "the cluster's node was lost, as were others that the submission was tried on"
            self._tell(item, not_run(item.what.task, "infrastructure_error", cause))
        self._wake()

    async def aclose(self) -> None:
        """Stop serving the nodes."""
        self.fail(ClosedError("the engine was closed while this ran"))
        serving = list(self._serving.values())
        for each in serving:
            each.cancel()
        await asyncio.gather(*serving, return_exceptions=True)

    # ── one node ──────────────────────────────────────────────────────────────────────────

    async def _serve(self, member: Member) -> None:
        """Keep a node at work until it is lost."""
        wake = self._wakes[member]
        exchange: asyncio.Future[list[Outcome]] | None = None
        try:
            while member.alive:
                wake.clear()
                items = self._schedule.take(member)
                if exchange is None and self._schedule.under_way(member):
                    exchange = asyncio.ensure_future(member.ask("exchange", *self._orders(items)))
                elif items:
                    await member.ask("begin", *self._orders(items))
                await _either(exchange, wake)
                if exchange is not None and exchange.done():
                    outcomes, exchange = exchange.result(), None
                    self._receive(member, outcomes)
        except Exception as error:  # whatever it is: the node is served no longer
            self._drop(member, error)
        finally:
            if exchange is not None:
                exchange.cancel()

    def _orders(self, items: Sequence[Item]) -> tuple[list[Any], dict[str, Any]]:
        asked: list[_Asked] = [item.what for item in items]
        return [(each.ticket, each.parcel.key, each.code) for each in asked], {
            each.parcel.key: each.parcel.reference for each in asked
        }

    def _receive(self, member: Member, outcomes: Sequence[Outcome]) -> None:
        for ticket, outcome in outcomes:
            item = self._items.get(ticket)
            if item is None:  # of a batch that is over, or judged elsewhere
                continue
            if isinstance(outcome, Exception):
                self._fault(member, item, outcome)
            elif not outcome.has_verdict:
                if not self._schedule.failed(member, item):
                    self._tell(item, outcome)
            elif self._schedule.settle(member, item, outcome.timing.cpu_seconds):
                self._end([item])
                self._tell(item, outcome)
        self._wake()

    def _fault(self, member: Member, item: Item, error: Exception) -> None:
        """Deal with what an engine raised: of its own sandboxes, or of the task."""
        batch: _Batch = item.what.batch
        if isinstance(error, (SandboxError, ClosedError)):
            if not self._schedule.failed(member, item):
                self._tell(item, not_run(item.what.task, "infrastructure_error", str(error)))
        elif not batch.over.done():
            batch.over.set_exception(error)

    # ── batches ───────────────────────────────────────────────────────────────────────────

    def _tell(self, item: Item, result: RunResult) -> None:
        """Hand a result over, and let the next of its batch begin."""
        asked: _Asked = item.what
        if self._items.pop(asked.ticket, None) is None:
            return
        batch = asked.batch
        if batch.over.done():
            return
        batch.left -= 1
        try:
            batch.done(asked.number, result)
        except Exception as error:  # of the caller's own progress
            batch.over.set_exception(error)
            return
        if batch.waiting:
            self._schedule.add([batch.waiting.popleft()])
        if batch.left == 0:
            batch.over.set_result(None)

    def _forget(self, batch: _Batch) -> None:
        """Judge no more of a batch."""
        self._batches.discard(batch)
        self._end([item for item in batch.items if self._items.pop(item.what.ticket, None) is not None])

    def _end(self, items: Iterable[Item]) -> None:
        """Have submissions judged nowhere any more."""
        for member, ended in self._schedule.withdraw(items).items():
            member.tell("withdraw", [each.what.ticket for each in ended])

    def _wake(self) -> None:
        for wake in self._wakes.values():
            wake.set()


async def _either(exchange: asyncio.Future[Any] | None, wake: asyncio.Event) -> None:
    """Wait for results or news, or a while: what is late is noticed then."""
    woken = asyncio.ensure_future(wake.wait())
    try:
        await asyncio.wait(
            [each for each in (exchange, woken) if each is not None],
            timeout=_TICK_SECONDS,
            return_when=asyncio.FIRST_COMPLETED,
        )
    finally:
        woken.cancel()
