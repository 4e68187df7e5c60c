"""Fixtures shared by all tests: one engine per test process, and small tasks made on the spot."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
from hypothesis import HealthCheck, settings

# What this machine's user has imported is none of the tests' business; nothing is written there.
os.environ["DEEPGYM_HOME"] = os.path.join(tempfile.gettempdir(), "deepgym-tests-have-no-home")

from deepgym_env import Call, DeepGym, Limits, Task, TestCase, added_tasks

# The same examples every time, and no verdict that depends on how busy the machine is.
settings.register_profile(
    "repeatable", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("repeatable")


@pytest.fixture(scope="session")
def engine() -> Iterator[DeepGym]:
    """An engine with one runner, started when a test first uses it."""
    with DeepGym(workers=1) as dg:
        yield dg


@pytest.fixture(scope="module")
def own() -> Iterator[DeepGym]:
    """An engine of a module's own that can hold sessions; its runners may be killed."""
    with DeepGym(workers=1) as dg:
        if dg.isolation().level != "full":
            pytest.skip("sessions need namespaces: `deepgym doctor` says how to get them")
        yield dg


def _make_task(*tests: Any, **fields: Any) -> Task:
    """Return a task ``f``; each test is a TestCase, a list of calls, or one ``(args, expected)`` pair."""
    finished = []
    for number, test in enumerate(tests):
        if not isinstance(test, TestCase):
            calls = test if isinstance(test, list) else [test]
            made = tuple(Call(args=args, expected=expected) for args, expected in calls)
            test = TestCase(id=f"t{number}", calls=made, public=number == 0)
        finished.append(test)
    fields = {"id": "toy", "title": "Toy", "prompt": "Write f.", "entry_point": "f", **fields}
    return Task(**fields, tests=tuple(finished))


@pytest.fixture(scope="session")
def make_task() -> Callable[..., Task]:
    """Makes small tasks; the first test is public unless it is given as a TestCase."""
    return _make_task


@pytest.fixture(scope="session")
def quick() -> Limits:
    """Limits that a runaway submission meets soon."""
    return Limits(cpu_seconds=0.3, wall_seconds=0.5, memory_mb=64, output_bytes=4096)


class Processes:
    """What /proc says about processes; a zombie counts as gone."""

    @staticmethod
    def stat(pid: int) -> tuple[int, str, int] | None:
        """Return ``(parent, state, start time)``, or None if it is gone."""
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            return None
        return int(fields[1]), fields[0], int(fields[19])

    def below(self, pid: int) -> dict[int, int]:
        """Return the living descendants of ``pid``, with their start times."""
        found = {int(name): self.stat(int(name)) for name in os.listdir("/proc") if name.isdigit()}
        family, grown = {pid}, True
        while grown:
            children = {p for p, stat in found.items() if stat and stat[0] in family and stat[1] != "Z"}
            grown = not children <= family
            family |= children
        return {p: stat[2] for p in family - {pid} if (stat := found[p]) is not None}

    def alive(self, pid: int, started: int) -> bool:
        """Return whether that very process still runs."""
        stat = self.stat(pid)
        return stat is not None and stat[1] != "Z" and stat[2] == started

    def survivors(self, processes: dict[int, int], seconds: float = 20.0) -> list[int]:
        """Wait until all ``processes`` are gone; return those that aren't at the deadline."""
        deadline = time.monotonic() + seconds
        while (left := [p for p, started in processes.items() if self.alive(p, started)]) and (
            time.monotonic() < deadline
        ):
            time.sleep(0.02)
        return left


@pytest.fixture(scope="session")
def processes() -> Processes:
    """Looks into /proc."""
    return Processes()


@pytest.fixture
def tasks_as_before() -> Iterator[None]:
    """Forget the tasks a test registers."""
    registered, known = dict(added_tasks._registered), dict(gym.registry)
    yield
    for now, before in ((added_tasks._registered, registered), (gym.registry, known)):
        now.clear()
        now.update(before)
