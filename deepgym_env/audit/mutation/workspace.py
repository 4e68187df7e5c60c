"""The mutation score of a workspace task: how many small faults in what its agent left the tests notice.

- :func:`workspace_mutation_score`
"""

from __future__ import annotations

import ast
import difflib
import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from deepgym_env.audit.mutation.mutants import Mutant, mutants_of
from deepgym_env.audit.mutation.playback import Ending, Playback, Work
from deepgym_env.audit.mutation.report import MutationReport, Survivor
from deepgym_env.audit.target import Progress
from deepgym_env.blocking import DeepGym
from deepgym_env.errors import ConfigError, TaskError
from deepgym_env.source import parse
from deepgym_env.task import WorkspaceTask

__all__ = ["MOST", "workspace_mutation_score"]

MOST = 40  # mutants, unless asked for more: each is judged in a sandbox of its own

_Job = tuple[Work, Mutant]


def workspace_mutation_score(
    dg: DeepGym, task: WorkspaceTask, *, most: int | None = MOST, progress: Progress | None = None
) -> MutationReport:
    """Judge what the scripted reference agent leaves, with one fault in it; deterministic for a task and its seed.

    Mutated is each Python file it made, and of those it changed the lines that are new. Turns that follow are played
    again. Of a program that no test looks at, only what it made counts: a mutant that makes the same is equivalent.

    Args:
        dg: The engine.
        task: A workspace task with a ``solve.py``.
        most: Mutants, at most; drawn if there are more. None: all.
        progress: Called with the mutants judged and those there are.

    Raises:
        ConfigError: If the task has no ``solve.py``.
        TaskError: If what it leaves does not pass.
        SandboxError: If a mutant got no verdict.
    """
    if not task.reference:
        raise ConfigError(f"task {task.id!r} has no solve.py to make mutants of what it leaves")
    with Playback(dg, task) as playback:
        tools = {work.path for work in playback.works if playback.without(work).passed}
        unseen = tuple(path for path in sorted(tools) if not playback.repeats(_work(playback, path)))
        works = [work for work in playback.works if work.path not in unseen]
        for work in works:
            _assert_layout_is_free(task, playback, work)
        jobs = _drawn([(work, mutant) for work in works for mutant in _mutants(work)], most, task)
        endings = _judged(dg, playback, jobs, progress)
        passing = [
            (work, mutant, ending) for (work, mutant), ending in zip(jobs, endings, strict=True) if ending.passed
        ]
        same = [work.path in tools and playback.same(ending, work) for work, _, ending in passing]
    told = [_survivor(task, work, mutant) for work, mutant, _ in passing]
    others = [each for each, is_same in zip(told, same, strict=True) if not is_same]
    failed = frozenset().union(*(ending.failed for ending in endings))
    return MutationReport(
        task_id=task.id,
        mutants=len(jobs),
        killed=len(jobs) - len(passing),
        survivors=tuple(each for each in others if not each.why),
        equivalent=tuple(each for each, is_same in zip(told, same, strict=True) if is_same),
        accepted=tuple(each for each in others if each.why),
        idle_tests=tuple(test.id for test in task.tests if test.id not in failed) if jobs else (),
        files=tuple(work.path for work in works),
        unseen=unseen,
    )


def _work(playback: Playback, path: str) -> Work:
    return next(work for work in playback.works if work.path == path)


def _assert_layout_is_free(task: WorkspaceTask, playback: Playback, work: Work) -> None:
    """Refuse a task whose tests look at comments or layout: each mutant would fail for the want of them."""
    ending = playback.again(work, ast.unparse(parse(work.after)))
    if not ending.passed:
        failed = ", ".join(sorted(ending.failed))
        raise TaskError(
            f"{task.id!r}: {work.path} without its comments, laid out anew, fails {failed}: no mutants of it"
        )


def _mutants(work: Work) -> list[Mutant]:
    lines = _new_lines(work.before, work.after)
    return [mutant for mutant in mutants_of(work.after, name=work.path) if lines is None or mutant.line in lines]


def _new_lines(before: str, after: str) -> set[int] | None:
    """Return the lines of a file that are new, as Python writes it out; None: all."""
    if not before.strip():
        return None
    old, new = (ast.unparse(parse(source)).splitlines() for source in (before, after))
    steps = difflib.SequenceMatcher(None, old, new, autojunk=False).get_opcodes()
    return {number + 1 for kind, _, _, begin, end in steps if kind != "equal" for number in range(begin, end)}


def _drawn(jobs: list[_Job], most: int | None, task: WorkspaceTask) -> list[_Job]:
    if most is None or len(jobs) <= most:
        return jobs
    numbers = random.Random(f"{task.id}:{task.seed}").sample(range(len(jobs)), most)
    return [jobs[number] for number in sorted(numbers)]


def _judged(dg: DeepGym, playback: Playback, jobs: Sequence[_Job], progress: Progress | None) -> list[Ending]:
    endings: list[Ending] = []
    with ThreadPoolExecutor(max_workers=2 * dg.workers) as threads:
        try:
            for ending in threads.map(lambda job: playback.again(job[0], job[1].code), jobs):
                endings.append(ending)
                if progress is not None:
                    progress(len(endings), len(jobs))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return endings


def _survivor(task: WorkspaceTask, work: Work, mutant: Mutant) -> Survivor:
    was, now = (_lines(mutant.diff, sign) for sign in "-+")
    within = _function_at(ast.unparse(parse(work.after)), mutant.line)
    why = next((each.why for each in task.equivalents if each.fits(work.path, within, was, now)), "")
    return Survivor(
        operator=mutant.operator, line=mutant.line, diff=mutant.diff, code=mutant.code, path=work.path, why=why
    )


def _function_at(source: str, line: int) -> str:
    """Return the innermost function that a line is in; empty where there is none."""
    around = [
        node
        for node in ast.walk(parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno <= line <= (node.end_lineno or 0)
    ]
    return max(around, key=lambda node: node.lineno).name if around else ""


def _lines(diff: str, sign: str) -> str:
    return "\n".join(line[1:].strip() for line in diff.splitlines()[2:] if line[:1] == sign)
