"""Programs for the repair environment: functions with places to edit, and tests that tell.

- :data:`SPLITS`: names of programs to learn from and of those held out.
- :class:`RepairProgram`: one, ready to be mutated; :func:`repair_program` makes it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TypeVar

from deepgym_env.catalog import load_task
from deepgym_env.envs.edit_sites import Editable, editable
from deepgym_env.envs.small_programs import SMALL_PROGRAMS, small_task
from deepgym_env.errors import ConfigError
from deepgym_env.task import AnyTask, Limits, Task

__all__ = ["OPTIONS", "SITES", "SPLITS", "TESTS", "VARIANTS", "RepairProgram", "repair_program"]

SITES, OPTIONS, TESTS = 6, 3, 8
VARIANTS = 3  # choices of sites, of a program that has more of them

_HELD_OUT = (
    *("find_place", "matrix_spiral", "merge_intervals", "valid_parentheses"),
    *("edit_distance", "fair_change", "is_prime", "run_lengths", "second_largest", "triangle_kind"),
)
_TRAIN = (
    *("coin_change", "fizzbuzz", "longest_common_subsequence", "roman_to_integer", "rotate_array"),
    *(name for name in SMALL_PROGRAMS if name not in _HELD_OUT),
)
SPLITS: Mapping[str, tuple[str, ...]] = MappingProxyType({"train": _TRAIN, "heldout": _HELD_OUT})

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class RepairProgram:
    """A program with places to edit.

    Attributes:
        name: Its name.
        task: What it should do: a task of at most :data:`TESTS` tests, with limits that a loop without an
            end meets soon.
        program: The program as it was written, with its sites.
        variants: How many choices of sites there are.
        source: The task it was made of.
    """

    name: str
    task: Task
    program: Editable
    variants: int
    source: Task


_kept: dict[tuple[str, int], RepairProgram] = {}


def repair_program(name: str, variant: int = 0) -> RepairProgram:
    """Return a program by name: a small one, or the reference of a function task.

    Args:
        name: Its name.
        variant: Which of several choices of sites, where there are more than :data:`SITES`.

    Raises:
        UnknownTaskError: If there is none.
        ConfigError: If it is none to repair: its task is of another kind, or it has fewer than two sites.
    """
    task = small_task(name) if name in SMALL_PROGRAMS else load_task(name)
    kept = _kept.get((name, variant))
    if kept is None or kept.source is not task:  # it may have been replaced, or its folder edited
        kept = _kept[name, variant] = _made(name, task, variant)
    return kept


def _made(name: str, task: AnyTask, variant: int) -> RepairProgram:
    if not isinstance(task, Task) or task.reference is None:
        raise ConfigError(f"{name!r} is no program to repair: it needs a function task with a reference")
    program = editable(task.reference, sites=SITES, options=OPTIONS, seed=variant)
    if len(program.sites) < 2:
        raise ConfigError(f"{name!r} is no program to repair: it has {len(program.sites)} places to edit, not 2")
    limits = task.limits.model_dump() | {"cpu_seconds": 0.05, "wall_seconds": 1.0, "queries": 300}
    tests = _spread([test for test in task.tests if test.budget is None], TESTS)
    smaller = task.model_copy(update={"tests": tests, "limits": Limits(**limits)})
    variants = VARIANTS if len(editable(task.reference, sites=SITES + 1).sites) > SITES else 1
    return RepairProgram(name, smaller, program, variants, task)


def _spread(items: Sequence[_T], most: int) -> tuple[_T, ...]:
    """Return some of many, evenly spread, the first and the last among them."""
    if len(items) <= most:
        return tuple(items)
    return tuple(items[round(number * (len(items) - 1) / (most - 1))] for number in range(most))
