"""Judges mutants and looks for inputs that tell apart those that pass.

- :func:`mutation_score`
"""

from __future__ import annotations

from collections.abc import Sequence

from deepgym_env.audit.fresh import Redraw, fresh_task, redraw_of
from deepgym_env.audit.mutation.made_up import made_up_task
from deepgym_env.audit.mutation.mutants import Mutant, mutants_of
from deepgym_env.audit.mutation.report import MutationReport, Survivor
from deepgym_env.audit.mutation.witness import call_text, case_source
from deepgym_env.audit.target import Progress
from deepgym_env.blocking import DeepGym
from deepgym_env.errors import ConfigError, SandboxError, TaskError
from deepgym_env.result import BatchResult, RunResult
from deepgym_env.task import Limits, Task

__all__ = ["mutation_score"]

_QUERIES = 300  # that a mutant's test may make
_FIRST_SEED = 1000  # of the fresh tests: far from those people use


def mutation_score(
    dg: DeepGym,
    task: Task,
    *,
    redraw: Redraw | None = None,
    seeds: int = 20,
    made_up: int = 200,
    most: int | None = None,
    cpu_seconds: float = 0.25,
    progress: Progress | None = None,
) -> MutationReport:
    """Judge the mutants of a task's reference; deterministic for a task and its seed.

    A mutant that passes is tried on the tests that ``seeds`` other seeds draw, and on ``made_up`` inputs
    near the task's own.

    Args:
        dg: The engine.
        task: A function task with a reference.
        redraw: Draws the task with another seed; by default known for built-in tasks.
        seeds: How many.
        made_up: How many.
        most: Mutants, at most; drawn if there are more.
        cpu_seconds: What a mutant's test may take: many run for ever. Raised if the reference needs more.
        progress: Called with the mutants judged and those there are.

    Raises:
        ConfigError: If the task has no reference.
        TaskError: If the reference does not pass.
        SandboxError: If a mutant got no verdict.
    """
    if task.reference is None:
        raise ConfigError(f"task {task.id!r} has no reference.py to make mutants of")
    quick = _limited(dg, task, task.reference, cpu_seconds)
    mutants = mutants_of(task.reference, most=most, seed=task.seed)
    results = _run(dg, quick, mutants, progress)
    passing = [mutant for mutant, result in zip(mutants, results, strict=True) if result.passed]
    others = range(_FIRST_SEED, _FIRST_SEED + seeds)
    fresh = fresh_task(quick, redraw or redraw_of(task), others)
    made = made_up_task(dg, quick, count=made_up, seed=task.seed) if passing else None
    told, passing = _tell_apart(dg, fresh, passing)
    unclear, passing = _tell_apart(dg, made, passing)
    return MutationReport(
        task_id=task.id,
        mutants=len(mutants),
        killed=sum(not result.passed for result in results),
        survivors=told,
        unclear=unclear,
        equivalent=tuple(_survivor(mutant) for mutant in passing),
        idle_tests=_idle(task, list(results)),
        inputs_tried=sum(len(each.tests) for each in (fresh, made) if each is not None),
    )


def _limited(dg: DeepGym, task: Task, reference: str, cpu_seconds: float) -> Task:
    """Return the task with tighter limits on a test, if the reference gets along with them."""
    own = task.limits
    for seconds, queries in ((cpu_seconds, _QUERIES), (own.cpu_seconds, own.queries)):
        less = {"cpu_seconds": min(seconds, own.cpu_seconds), "queries": min(queries, own.queries)}
        limits = Limits(**{**own.model_dump(), **less})
        quick = task.model_copy(update={"limits": limits})
        result = dg.run(quick, reference)
        if result.passed:
            return quick
    raise TaskError(f"the reference of {task.id!r} does not pass its own tests: {result.details}")


def _run(dg: DeepGym, task: Task, mutants: Sequence[Mutant], progress: Progress | None = None) -> BatchResult:
    results = dg.run_batch(task, [mutant.code for mutant in mutants], progress=progress)
    lost = next((result for result in results if not result.has_verdict), None)
    if lost is not None:
        raise SandboxError(f"a mutant of {task.id!r} got no verdict: {lost.details}")
    return results


def _tell_apart(dg: DeepGym, task: Task | None, mutants: list[Mutant]) -> tuple[tuple[Survivor, ...], list[Mutant]]:
    """Return the mutants that some test of ``task`` tells from the reference, and the others."""
    if task is None or not mutants:
        return (), mutants
    results = _run(dg, task, mutants)
    pairs = list(zip(mutants, results, strict=True))
    told = tuple(_told_apart(task, mutant, result) for mutant, result in pairs if not result.passed)
    return told, [mutant for mutant, result in pairs if result.passed]


def _told_apart(task: Task, mutant: Mutant, result: RunResult) -> Survivor:
    """Return a survivor with the shortest call it fails."""
    failed = {case.id for case in result.cases if not case.passed and case.status != "not_run"}
    calls = [test.calls[0] for test in task.tests if test.id in failed]
    shortest = min(calls, key=lambda call: len(call_text(task, call)), default=None)
    if shortest is None:
        return _survivor(mutant)
    name = f"{mutant.operator}_in_line_{mutant.line}"
    return _survivor(mutant, call_text(task, shortest), case_source(shortest, name))


def _survivor(mutant: Mutant, witness: str = "", test: str = "") -> Survivor:
    return Survivor(
        operator=mutant.operator,
        line=mutant.line,
        diff=mutant.diff,
        code=mutant.code,
        witness=witness,
        test=test,
    )


def _idle(task: Task, results: list[RunResult]) -> tuple[str, ...]:
    failed = {case.id for result in results for case in result.cases if not case.passed}
    return tuple(test.id for test in task.tests if test.id not in failed)
