"""The judge of ``script`` tests: a stand-alone verifier, in any language, that prints a verdict.

The verifier runs in a session of its own, as it would anywhere. Where it looks for the submission lies a stub of
ours (:mod:`deepgym_env.judge.stubs`): what imports it, executes it or runs it uses the submission, which runs in
other sandboxes and never sees the verifier. So no line of the submission's can say anything in the verifier's name.

- :class:`ScriptJudge`: a task's verifier.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import get_args

from deepgym_env.judge.base import Sandboxes
from deepgym_env.judge.call import printable
from deepgym_env.judge.stubs import LAUNCH, SOURCE, program_stub, stub_of
from deepgym_env.judge.submission_host import SubmissionHost, Trouble
from deepgym_env.judge.verdict import ReportedCase, Verdict, VerdictError, read_verdict
from deepgym_env.programs import Program
from deepgym_env.programs.plan import Plan
from deepgym_env.result import CaseResult, CaseStatus, RunResult, RunStatus, Timing
from deepgym_env.sandbox import Command
from deepgym_env.sandbox.runner.launcher import FAILED, HELD_FALSE, SUBMISSION_FAILED
from deepgym_env.task import File, LanguageName, ScriptTask, Test

__all__ = ["ScriptJudge"]

_INTERPRETED = ("python", "bash", "javascript")
_PYTHON_NAME = "verifier.py"
_WORKSPACE = "/workspace"
_ERROR = 1000
_OWN_CODES = (FAILED, HELD_FALSE, SUBMISSION_FAILED)
_UNREPORTED = ReportedCase("", passed=False, score=0.0, error="the verifier reports nothing of it")
_ENDED_FOR = {"cpu": "more CPU time", "wall": "more waiting", "memory": "more memory", "output": "more output"}


@dataclass(frozen=True, slots=True)
class _Run:
    """What came of one run of the verifier: a verdict, or why there is none."""

    verdict: Verdict | None
    problem: str
    trouble: Trouble | None  # what ended the submission
    raised: Trouble | None  # what it raised
    timing: Timing


class ScriptJudge:
    """A task's verifier.

    Example:
        >>> task = ScriptTask(prompt="Write f.", verifier="import solution; return solution.f(2) == 4")
        >>> ScriptJudge(task).task.tests[0].id
        'verifier'
    """

    def __init__(self, task: ScriptTask) -> None:
        """Work out how the verifier is started."""
        self.task = task
        self._stub = stub_of(task.language)
        given = [f"{_WORKSPACE}/{name}" for name in (self._stub.name, task.test_cases) if name]
        self._plan = Plan.of(
            Program(
                language=task.verifier_language,
                code=task.verifier,
                args=tuple(given),
                limits=task.verifier_limits,
            )
        )
        if task.verifier_language == "python":
            self._name, command = _PYTHON_NAME, [f"{_WORKSPACE}/{_PYTHON_NAME}", *given]
        else:
            self._name, command = self._plan.program.source, ["--", *self._plan.run]
        self._command = [*LAUNCH, *command]
        self._env = {**self._plan.run_env, "DEEPGYM_SOLUTION_SOURCE": SOURCE, "DEEPGYM_SEED": str(task.seed)}
        self._reference_is_judged: bool | None = None
        self._asking = asyncio.Lock()

    async def judge(self, code: str, sandboxes: Sandboxes) -> RunResult:
        """Return the verdict on ``code``.

        Where the verifier fails, that is the submission's doing if it failed itself (it raised, or a process of
        it ended), or if the verifier does not fail on the reference. Else the verifier is broken, and the
        result is an ``infrastructure_error``.
        """
        run = await self._run(code, sandboxes)
        if run.trouble is not None and (run.verdict is None or run.trouble[0] == "tampered"):
            return self._none_passed(run, *run.trouble)
        if run.verdict is not None:
            return self._told(run, run.verdict)
        if self.task.reference is None:
            fault = run.raised
        elif await self._judges_the_reference(sandboxes):
            fault = run.raised or ("wrong_answer", f"the verifier can't judge its answers: {run.problem}")
        else:
            fault = None
        if fault is not None:
            return self._none_passed(run, *fault)
        return self._none_passed(run, "infrastructure_error", f"the verifier failed: {run.problem}")

    async def _judges_the_reference(self, sandboxes: Sandboxes) -> bool:
        if self.task.reference is None:
            return False
        async with self._asking:
            if self._reference_is_judged is None:
                run = await self._run(self.task.reference, sandboxes)
                self._reference_is_judged = run.verdict is not None
            return self._reference_is_judged

    # ── one run ───────────────────────────────────────────────────────────────────────────

    async def _run(self, code: str, sandboxes: Sandboxes) -> _Run:
        text = code.encode("utf-8", "surrogatepass")
        files = [
            *self.task.files,
            File(self._name, self.task.verifier.encode()),
            File(self._stub.name, self._stub.text.encode(), executable=True),
            program_stub(),
            File(SOURCE.removeprefix(f"{_WORKSPACE}/"), text),
        ]
        plan = self._plan
        async with (
            await sandboxes.session(files=files, limits=plan.run_limits) as session,
            SubmissionHost(self.task, code, sandboxes) as host,
        ):
            problem, ran = "", None
            if plan.program.language not in _INTERPRETED:
                compiler = await session.exec(
                    plan.compile, env=plan.compile_env, shell_state=False, limits=plan.compile_limits
                )
                if compiler.code or compiler.reason:
                    problem = f"it does not compile: {compiler.stdout.strip()[-_ERROR:]}"
            if not problem:
                ran = await session.exec(self._command, env=self._env, merge=False, shell_state=False, answering=host)
        verdict = None
        if ran is not None:
            try:
                verdict = self._checked(_verdict_of(ran, self.task.verifier_language))
            except VerdictError as error:
                problem = f"{error}{_last_words(ran)}"
        timing = Timing(cpu_seconds=host.cpu_seconds, peak_memory_mb=host.peak_kb / 1024)
        return _Run(verdict, printable(problem), host.trouble, host.raised or _raised(ran), timing)

    def _checked(self, verdict: Verdict) -> Verdict:
        """Refuse a verdict whose cases are not the task's."""
        if self._has_one_test:
            return verdict
        declared = {test.id for test in self.task.tests}
        strange = next((case.id for case in verdict.cases if case.id not in declared), None)
        if strange is not None:
            raise VerdictError(f"it reports a case {strange!r}, and the task's tests are {sorted(declared)}")
        missing = declared - {case.id for case in verdict.cases}
        if missing and verdict.passed:
            raise VerdictError(f"it says that all passed, and reports nothing of {sorted(missing)}")
        return verdict

    @property
    def _has_one_test(self) -> bool:
        """Whether the verdict as a whole is the one test."""
        return len(self.task.tests) == 1 and self.task.tests[0].id == "verifier"

    # ── results ───────────────────────────────────────────────────────────────────────────

    def _told(self, run: _Run, verdict: Verdict) -> RunResult:
        """Return what the verifier says."""
        failed, why = run.trouble or ("wrong_answer", "")
        if self._has_one_test:
            status = "passed" if verdict.passed else _case_status(failed)
            whole = ReportedCase("", verdict.passed, verdict.score, error=verdict.details)
            cases = [self._case(self.task.tests[0], status, whole)]
        else:
            reported = {case.id: case for case in verdict.cases}
            told = [(test, reported.get(test.id, _UNREPORTED)) for test in self.task.tests]
            cases = [self._case(test, "passed" if case.passed else "wrong_answer", case) for test, case in told]
        first = next((case for case in cases if not case.passed), None)
        said = [verdict.details, _count(cases), why if first else ""]
        status_of_run = "passed" if first is None else failed if self._has_one_test else first.status
        return self._result(run, status_of_run, cases, "; ".join(filter(None, said)), verdict)

    def _none_passed(self, run: _Run, status: RunStatus, why: str) -> RunResult:
        """Return a result that is not the verifier's."""
        told = ReportedCase("", passed=False, score=0.0, error=why)
        cases = [self._case(test, _case_status(status), told) for test in self.task.tests]
        details = why if status == "infrastructure_error" else f"{_count(cases)}; {why}"
        return self._result(run, status, cases, details, None)

    def _case(self, test: Test, status: CaseStatus, told: ReportedCase) -> CaseResult:
        return CaseResult(
            id=test.id,
            passed=told.passed,
            score=told.score,
            status=status,
            public=test.public,
            input_summary=told.input_summary if test.public else "",
            expected_summary=told.expected_summary if test.public else "",
            error=told.error if test.public else "",
        )

    def _result(
        self, run: _Run, status: RunStatus, cases: list[CaseResult], details: str, verdict: Verdict | None
    ) -> RunResult:
        components = {"correctness": sum(case.score for case in cases) / len(cases)}
        return RunResult(
            task_id=self.task.id,
            status=status,
            cases=tuple(cases),
            reward_components={**components, **(verdict.reward_components if verdict else {})},
            details=details,
            seed=self.task.seed if verdict is None or verdict.seed is None else verdict.seed,
            timing=run.timing,
        )


def _verdict_of(ran: Command, language: LanguageName) -> Verdict:
    """Return what a verifier that ran says.

    Raises:
        VerdictError: If that is no verdict.
    """
    if ran.reason is not None:
        raise VerdictError(f"it needed {_ENDED_FOR[ran.reason]} than it may")
    if ran.signal is not None:
        raise VerdictError(f"it was ended by signal {ran.signal}")
    if language == "python":
        if ran.code == HELD_FALSE:
            return Verdict(score=0.0, passed=False, details=_last_line(ran.stderr))
        if ran.code in (FAILED, SUBMISSION_FAILED):
            raise VerdictError(_last_line(ran.stderr))
    verdict = read_verdict(ran.stdout)
    if ran.code and verdict.passed:
        raise VerdictError(f"it says that all passed, and exits with code {ran.code}")
    return verdict


def _raised(ran: Command | None) -> Trouble | None:
    """Return what the submission raised and the verifier didn't catch."""
    return ("exception", _last_line(ran.stderr)) if ran is not None and ran.code == SUBMISSION_FAILED else None


def _last_words(ran: Command) -> str:
    last = _last_line(ran.stderr)
    return f" (exit code {ran.code}; its last line on stderr: {last})" if last and ran.code not in _OWN_CODES else ""


def _last_line(text: str) -> str:
    return text.strip().rpartition("\n")[2].strip()[:_ERROR]


def _case_status(status: RunStatus) -> CaseStatus:
    """Return what a case came to whose run came to ``status``."""
    return status if status in get_args(CaseStatus) else "not_run"  # type: ignore[return-value]


def _count(cases: list[CaseResult]) -> str:
    return f"{sum(case.passed for case in cases)} of {len(cases)} tests passed"
