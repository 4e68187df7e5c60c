"""Judging a task's own reference, and answers without work, whatever kind of task it is.

- :func:`trials_of`: how that is done for a task; :class:`Trials`: what does it.
- :func:`solver_of`: the scripted agent of a workspace task.
- :class:`Outcome`: what came of one; :class:`Share`: how much of a limit it used.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Protocol

from deepgym_env.benchmarks.canon import dishonest
from deepgym_env.blocking import DeepGym
from deepgym_env.errors import SandboxError, TaskError
from deepgym_env.result import RunResult
from deepgym_env.task import AnyTask, AssertionTask, FunctionTask, SubmissionTask, WorkspaceTask

__all__ = ["Outcome", "Share", "Trials", "solver_of", "trials_of"]

_CPU_ENOUGH, _TURNS_ENOUGH = 0.5, 0.8
_CONSTANTS = ("True", "False", "0", "1", "''", "[]")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one answer.

    Attributes:
        passed: Whether it passed every test.
        score: Mean over the tests.
        story: What the first test that it failed came to.
        verdict: Equal for equal verdicts.
        cpu_seconds: CPU time it took, where that is known.
        turns: Turns it took, of a workspace.
    """

    passed: bool
    score: float
    story: str
    verdict: object
    cpu_seconds: float = 0.0
    turns: int = 0


@dataclass(frozen=True, slots=True)
class Share:
    """How much of a limit the reference uses.

    Attributes:
        used: The share.
        limit: Which limit.
        enough: The share above which too little room is left to slower machines and other solutions.
    """

    used: float
    limit: str
    enough: float


class Trials(Protocol):
    """Answers to a task that are no agent's."""

    def idle(self) -> list[str]:
        """Return the names of answers without work."""

    def judge(self, name: str | None) -> Outcome:
        """Judge one of these, or the reference.

        Raises:
            SandboxError: If there is no verdict.
        """

    def share(self, reference: Outcome) -> Share | None:
        """Return the largest share of a limit that the reference uses; None if unknown."""


def trials_of(task: AnyTask, engine: DeepGym) -> Trials:
    """Return how a task is tried."""
    return _Workspace(task, engine) if isinstance(task, WorkspaceTask) else _Submissions(task, engine)


class _Submissions:
    """Answers that are a piece of code each."""

    def __init__(self, task: SubmissionTask, engine: DeepGym) -> None:
        self._task = task
        self._engine = engine
        self._codes = _idle_codes(task)

    def idle(self) -> list[str]:
        return list(self._codes)

    def judge(self, name: str | None) -> Outcome:
        result = self._run(self._task, (self._task.reference or "") if name is None else self._codes[name])
        failed = next((case for case in result.cases if not case.passed), None)
        story = f"test {failed.id!r}: {failed.status} {failed.error}".rstrip() if failed else result.details
        return Outcome(result.passed, result.score or 0.0, story, result, result.timing.cpu_seconds)

    def share(self, reference: Outcome) -> Share | None:
        limit = getattr(getattr(self._task, "limits", None), "cpu_seconds", None)
        if not limit or not reference.cpu_seconds:
            return None
        used, most = reference.cpu_seconds / limit, f"a test's {limit:g} s of CPU"
        if used > _CPU_ENOUGH and isinstance(self._task, FunctionTask):  # all tests together: look at each
            alone = [self._task.model_copy(update={"tests": (test,)}) for test in self._task.tests]
            used = max(self._run(task, self._task.reference or "").timing.cpu_seconds for task in alone) / limit
        elif used > 1:
            return None
        return Share(used, most, _CPU_ENOUGH)

    def _run(self, task: SubmissionTask, code: str) -> RunResult:
        result = self._engine.run(task, code)
        if not result.has_verdict:
            raise SandboxError(f"{task.id}: no verdict: {result.details}")
        return result


def _idle_codes(task: SubmissionTask) -> dict[str, str]:
    """Return code that knows nothing of a task, by name."""
    codes = dishonest(task)
    if isinstance(task, FunctionTask):
        codes["its own argument"] = _function(task, "(*args, *kwargs.values(), None)[0]")
    if isinstance(task, AssertionTask):  # of other tests the best constant is known without a try
        codes.update({f"always {value}": _function(task, value) for value in _CONSTANTS})
    return codes


def _function(task: FunctionTask, value: str) -> str:
    owner, _, name = task.entry_point.rpartition(".")
    line = f"def {name}(*args, **kwargs): return {value}\n"
    if not owner:
        return line
    return f"class {owner}:\n    {line.replace('(*args', '(self, *args')}"


class _Workspace:
    """What scripted agents leave: the one that solves the task, and one that submits right away."""

    def __init__(self, task: WorkspaceTask, engine: DeepGym) -> None:
        self._task = task
        self._engine = engine

    def idle(self) -> list[str]:
        return ["doing nothing"]

    def judge(self, name: str | None) -> Outcome:
        from deepgym_env.envs import CodingEnv
        from deepgym_env.rollout import rollout, scripted

        env = CodingEnv(self._task, engine=self._engine)
        try:
            done = rollout(env, scripted(_nothing if name is not None else solver_of(self._task)), seed=self._task.seed)
        except SandboxError:
            raise
        except Exception as error:  # the author's script found the workspace other than it thought
            return Outcome(False, 0.0, f"solve.py: {type(error).__name__}: {error}", None)
        finally:
            env.close()
        if not done.has_verdict:
            raise SandboxError(f"{self._task.id}: no verdict: {done.messages[-1]['content']}")
        failed = next((test for test in done.info["tests"] if test["score"] != 1), None)
        story = f"test {failed['id']!r}: {failed['status']}" if failed else "every test passed"
        return Outcome(
            passed=bool(done.info["passed"]),
            score=float(done.score or 0.0),
            story=story,
            verdict=done.info,  # not the messages: what the script's commands print may tell the time
            turns=len(done.turns),
        )

    def share(self, reference: Outcome) -> Share | None:
        return Share(reference.turns / self._task.max_turns, f"the {self._task.max_turns} turns", _TURNS_ENOUGH)


def solver_of(task: WorkspaceTask) -> Callable[[], Generator[Any, str, None]]:
    """Return the scripted agent that solves a workspace task: its ``solve``.

    Raises:
        TaskError: If there is none.
    """
    names: dict[str, Any] = {"__name__": "solve"}
    exec(compile(task.reference or "", "solve.py", "exec"), names)
    solve = names.get("solve")
    if not callable(solve):
        raise TaskError("define `def solve()` that yields actions")
    found: Callable[[], Generator[Any, str, None]] = solve
    return found


def _nothing() -> Generator[Any, str, None]:
    yield {"name": "submit", "arguments": {}}
