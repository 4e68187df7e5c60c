"""The judge of ``stdio`` tests: a program is run on each input, and what it prints is compared here.

- :class:`StdioJudge`

The program is compiled once, before any test; each test then runs in a fresh copy of what the compiler
left, in a session of its own that ends with it, so that no run sees another's input. Nothing of a right
output enters a sandbox. All tests run, whatever the first ones come to.
"""

from __future__ import annotations

from collections.abc import Sequence

from deepgym_env.errors import SandboxError
from deepgym_env.judge.base import Sandboxes
from deepgym_env.judge.printed import Printed
from deepgym_env.programs import Program, ProgramResult, ProgramStatus
from deepgym_env.result import CaseResult, CaseStatus, RunResult, RunStatus, Timing
from deepgym_env.task import ProgramTask, StdioTest

__all__ = ["StdioJudge"]

_LONGEST = 600  # characters of a text that is shown
_FAILED: dict[ProgramStatus, CaseStatus] = {
    "exception": "exception",
    "timeout": "timeout",
    "memory_limit": "memory_limit",
    "output_limit": "output_limit",
    "crashed": "crashed",
}
_OF_US = ("timeout", "memory_limit", "output_limit")  # statuses whose details tell of limits alone


class StdioJudge:
    """A task's tests.

    A test is passed by a program that prints what is right and exits with 0 within its limits. One that
    prints it and then exits with another code, raises or is killed has not: its test is an ``exception``
    or ``crashed``, as a contest's judge has it.

    Example:
        >>> test = StdioTest(id="two", stdin="2", expected="4")
        >>> judge = StdioJudge(ProgramTask(id="t", title="T", prompt="", tests=(test,)))
        >>> judge.verdict([ProgramResult(status="ok", stdout="4 ")]).passed
        True
    """

    def __init__(self, task: ProgramTask) -> None:
        """Take the tests."""
        self.task = task
        self._right = [
            [Printed(text, task.comparison) for text in (test.expected, *test.accepted)] for test in task.tests
        ]

    async def judge(self, code: str, sandboxes: Sandboxes) -> RunResult:
        """Return the verdict on ``code``."""
        program = Program(language=self.task.language, code=code, limits=self.task.limits)
        stdins = [test.stdin.encode("utf-8", "surrogatepass") for test in self.task.tests]
        return self.verdict(await sandboxes.run_program(program, stdins))

    def verdict(self, runs: Sequence[ProgramResult]) -> RunResult:
        """Return what the runs come to, one for each test.

        Raises:
            SandboxError: If one of them was lost.
        """
        lost = next((run for run in runs if not run.has_verdict), None)
        if lost is not None:
            raise SandboxError(lost.details)
        refused = next((run for run in runs if run.status == "syntax_error"), None)
        if refused is not None:
            cases = [_case(test, "not_run") for test in self.task.tests]
            return self._result(cases, runs, "syntax_error", f"; {_compiler_said(refused)}")
        cases = [self._weigh(*each) for each in zip(self.task.tests, self._right, runs, strict=True)]
        failed = next((case for case in cases if not case.passed), None)
        return self._result(cases, runs, failed.status if failed else "passed")

    def _weigh(self, test: StdioTest, right: list[Printed], run: ProgramResult) -> CaseResult:
        if run.status != "ok":
            return _case(test, _FAILED[run.status], run, _error(test, run))
        differences = [each.difference(run.stdout) for each in right]
        if None in differences:
            return _case(test, "passed", run)
        return _case(test, "wrong_answer", run, differences[0] or "")

    def _result(
        self, cases: list[CaseResult], runs: Sequence[ProgramResult], status: RunStatus, remark: str = ""
    ) -> RunResult:
        passed = sum(case.passed for case in cases)
        return RunResult(
            task_id=self.task.id,
            status=status,
            cases=tuple(cases),
            reward_components={"correctness": passed / len(cases)},
            details=f"{passed} of {len(cases)} tests passed{remark}",
            seed=self.task.seed,
            timing=Timing(cpu_seconds=sum(run.timing.cpu_seconds for run in runs)),
        )


def _case(test: StdioTest, status: CaseStatus, run: ProgramResult | None = None, error: str = "") -> CaseResult:
    """Return the result of a test; a hidden one's says nothing of the program's making."""
    shown = test.public and run is not None
    return CaseResult(
        id=test.id,
        passed=status == "passed",
        score=float(status == "passed"),
        status=status,
        public=test.public,
        input_summary=_shortened(test.stdin) if shown else "",
        expected_summary=_shortened(test.expected) if shown else "",
        output_summary=_shortened(run.stdout) if run is not None and shown else "",
        error=error if test.public or status in _OF_US else "",
    )


def _error(test: StdioTest, run: ProgramResult) -> str:
    """Return why a run failed; for public tests with the end of what it wrote to standard error."""
    said = run.stderr.strip() if test.public else ""
    tail = said if len(said) <= _LONGEST else f"…{said[1 - _LONGEST :]}"
    return f"{run.details}\n{tail}".strip()


def _compiler_said(run: ProgramResult) -> str:
    return f"{run.details}: {_shortened(run.compile_output.strip(), 2 * _LONGEST)}".removesuffix(": ")


def _shortened(text: str, limit: int = _LONGEST) -> str:
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
