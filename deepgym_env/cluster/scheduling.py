"""Which node judges what, and when: decided here, carried out elsewhere.

- :class:`Item`: one submission; :class:`Schedule`: all that are to be judged, over all nodes there are.

Submissions are dealt to the nodes in shards of equal weight per runner. A node takes from its own shard only
what it can begin soon, so that the rest can be had by others: one whose shard is empty takes half of the fullest.
Near the end a node takes ever less at a time, and what has been under way for long is begun a second time on
an idle node: the first result counts. What a lost node had goes to others.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from deepgym_env.cluster.costs import RUN_SECONDS, Costs
from deepgym_env.fleet import IN_FLIGHT

__all__ = ["Item", "Schedule"]

_AHEAD_SECONDS = 0.5  # of work a node is given, if it is much
_PER_RUNNER = 2 * IN_FLIGHT  # submissions a node is given, if they cost nothing
_LATE_SECONDS, _LATE_FACTOR = 5.0, 10.0  # after which a submission is begun a second time
_FAULTS = 3  # failures in a row after which a node is given one submission at a time
_LOOKED_AT = 64


@dataclass(slots=True, eq=False)
class Item:
    """A submission that is to be judged.

    Attributes:
        task: Key of its task.
        prior: What it is thought to cost, seconds.
        what: Whatever the caller needs to know of it.
        losses: Nodes that were lost, or failed, with it.
        failed_on: Those that failed and are still there.
        since: Where it is under way, and since when.
        wanted: Whether it is to be judged: from when it is added until it has a result.
    """

    task: str
    prior: float
    what: Any = None
    losses: int = 0
    failed_on: set[Hashable] = field(default_factory=set)
    since: dict[Hashable, float] = field(default_factory=dict)
    wanted: bool = False
    weight: float = 0.0


@dataclass(slots=True, eq=False)
class _Place:
    """A node: its shard, and what it has under way."""

    name: Hashable
    runners: int
    shard: deque[Item] = field(default_factory=deque)
    waiting: float = 0.0  # weight of the shard
    under_way: dict[Item, float] = field(default_factory=dict)  # with the weights they were taken at
    busy: float = 0.0  # weight of what is under way
    faults: int = 0

    @property
    def load(self) -> float:
        return (self.waiting + self.busy) / self.runners

    def take(self, item: Item, now: float) -> None:
        self.under_way[item] = item.weight
        self.busy += item.weight
        item.since[self.name] = now

    def release(self, item: Item) -> None:
        self.busy -= self.under_way.pop(item, 0.0)
        item.since.pop(self.name, None)


class Schedule:
    """Submissions and nodes.

    Example:
        >>> schedule = Schedule(retries=2)
        >>> schedule.join("a", runners=1)
        >>> schedule.add([Item("task", 1.0)])
        >>> (item,) = schedule.take("a")
        >>> schedule.leave("a")
        []
        >>> schedule.join("b", runners=1)
        >>> schedule.take("b") == [item], schedule.settle("b", item), schedule.unsettled
        (True, True, 0)
    """

    def __init__(self, *, retries: int, costs: Costs | None = None, clock: Callable[[], float] = time.monotonic):
        """Begin with no nodes and nothing to do.

        Args:
            retries: How many nodes may be lost, or fail, with a submission, and it still be tried on another.
            costs: What is known of the tasks' costs.
            clock: Seconds that only grow.
        """
        self._retries, self._clock = retries, clock
        self.costs = costs or Costs()
        self._places: dict[Hashable, _Place] = {}
        self._loose: deque[Item] = deque()  # in nobody's shard: what lost nodes leave, and what no node is there for
        self.unsettled = 0
        self.rest = 0.0  # seconds of CPU they are expected to take

    # ── nodes ─────────────────────────────────────────────────────────────────────────────

    @property
    def runners(self) -> int:
        """Runners of all nodes together."""
        return sum(place.runners for place in self._places.values())

    def join(self, node: Hashable, runners: int) -> None:
        """Note a new node; it takes from the others' shards."""
        self._places[node] = _Place(node, runners)

    def leave(self, node: Hashable) -> list[Item]:
        """Note that a node is lost; return what was lost too often with its node and is not tried again."""
        place = self._places.pop(node, None)
        if place is None:
            return []
        self._loose.extend(place.shard)
        lost = []
        for item in list(place.under_way):
            place.release(item)
            if item.wanted and not self._again(item):
                lost.append(item)
        for item in self._loose:
            item.failed_on.discard(node)
        return lost

    def under_way(self, node: Hashable) -> int:
        """Return how many submissions a node has."""
        place = self._places.get(node)
        return len(place.under_way) if place is not None else 0

    # ── submissions ───────────────────────────────────────────────────────────────────────

    def add(self, items: Sequence[Item]) -> None:
        """Deal new submissions to the nodes, the costly ones to be begun first."""
        for item in items:
            item.weight, item.wanted = self.costs.expected(item.task, item.prior), True
        self.unsettled += len(items)
        total = sum(item.weight for item in items)
        self.rest += total
        ordered = sorted(items, key=lambda item: -item.weight)
        if not self._places:
            self._loose.extend(ordered)
            return
        level = (total + sum(place.load * place.runners for place in self._places.values())) / self.runners
        places = sorted(self._places.values(), key=lambda place: place.load)
        rest = iter(ordered)
        for place in places:
            while place.load < level and (following := next(rest, None)) is not None:
                self._shelve(place, following)
        for left_over in rest:  # by rounding
            self._shelve(places[0], left_over)

    def take(self, node: Hashable) -> list[Item]:
        """Return what a node is to begin now; nothing if it has enough."""
        place = self._places.get(node)
        if place is None:
            return []
        taken: list[Item] = []
        while self._has_room(place) and (item := self._next(place)) is not None:
            place.take(item, self._clock())
            taken.append(item)
        return taken

    def settle(self, node: Hashable, item: Item, seconds: float | None = None) -> bool:
        """Note a result; return whether it is the item's first, which counts.

        Args:
            node: Where it comes from.
            item: Of which submission it is.
            seconds: CPU time it took.
        """
        place = self._places.get(node)
        if place is not None:
            place.faults = 0
            place.release(item)
        if seconds is not None:
            self.costs.learn(item.task, item.prior, seconds + RUN_SECONDS)
        return self._settled(item)

    def failed(self, node: Hashable, item: Item) -> bool:
        """Note that a node failed to judge, after its own retries; return whether the item goes to another."""
        place = self._places.get(node)
        if place is not None:
            place.faults += 1
            place.release(item)
        item.failed_on.add(node)
        return not item.wanted or self._again(item, elsewhere=True)

    def withdraw(self, items: Iterable[Item]) -> dict[Any, list[Item]]:
        """Forget submissions, judged or not; return what is under way of them, by node, to be ended there."""
        ended: dict[Any, list[Item]] = {}
        for item in items:
            self._settled(item)
            for node in list(item.since):
                self._places[node].release(item)
                ended.setdefault(node, []).append(item)
        return ended

    # ── what is taken ─────────────────────────────────────────────────────────────────────

    def _settled(self, item: Item) -> bool:
        if not item.wanted:
            return False
        item.wanted = False
        self.unsettled -= 1
        self.rest = self.rest - item.weight if self.unsettled else 0.0
        return True

    def _again(self, item: Item, elsewhere: bool = False) -> bool:
        """Have an item judged again after a loss, unless that is under way, or it is in vain."""
        item.losses += 1
        if item.since:
            return True
        if item.losses > self._retries or (elsewhere and item.failed_on >= set(self._places)):
            self._settled(item)
            return False
        self._loose.append(item)
        return True

    def _has_room(self, place: _Place) -> bool:
        number = len(place.under_way)
        if place.faults >= _FAULTS:
            return number < 1
        if number < place.runners:
            return True
        # It gets its share of what is left, or half of that where it could not begin at once.
        share = self.rest * place.runners / self.runners / (1 if number < IN_FLIGHT * place.runners else 2)
        return number < _PER_RUNNER * place.runners and place.busy < min(_AHEAD_SECONDS * place.runners, share)

    def _next(self, place: _Place) -> Item | None:
        item = self._next_loose(place)
        while item is None:
            if not place.shard and not self._steal(place):
                return self._late(place)
            first = place.shard.popleft()
            place.waiting = place.waiting - first.weight if place.shard else 0.0
            item = first if first.wanted else None
        self._weigh(item)
        return item

    def _next_loose(self, place: _Place) -> Item | None:
        """Return what is in no shard, and did not fail here while there are others."""
        for _ in range(min(len(self._loose), _LOOKED_AT)):
            item = self._loose.popleft()
            if not item.wanted:
                continue
            if place.name not in item.failed_on or item.failed_on >= set(self._places):
                return item
            self._loose.append(item)
        return None

    def _steal(self, thief: _Place) -> bool:
        """Take half of the fullest shard, from its end."""
        victim = max(self._places.values(), key=lambda place: place.waiting / place.runners)
        if not victim.shard:  # weights of what waits are never 0, but for rounding
            victim = max(self._places.values(), key=lambda place: len(place.shard))
        stolen = [victim.shard.pop() for _ in range((len(victim.shard) + 1) // 2)]
        for item in reversed(stolen):
            victim.waiting -= item.weight
            self._shelve(thief, item)
        return bool(stolen)

    def _late(self, place: _Place) -> Item | None:
        """Return what has been under way elsewhere for long, once this node has nothing else to do."""
        if place.under_way:
            return None
        now = self._clock()
        for other in self._places.values():
            for item, weight in other.under_way.items():
                since = item.since[other.name]
                is_late = now - since > max(_LATE_SECONDS, _LATE_FACTOR * weight)
                if is_late and item.wanted and len(item.since) == 1 and place.name not in item.failed_on:
                    return item
        return None

    def _shelve(self, place: _Place, item: Item) -> None:
        place.shard.append(item)
        place.waiting += item.weight

    def _weigh(self, item: Item) -> None:
        """Bring an item's weight up to date."""
        weight = self.costs.expected(item.task, item.prior)
        self.rest += weight - item.weight
        item.weight = weight
