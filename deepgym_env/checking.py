"""Whether a task is one: its reference passes, answers without work don't, verdicts are the same every time.

- :func:`check_task`: of a task; :func:`check_folder`: of a task folder, whose tests are drawn again as well.
- :class:`CheckReport`, :class:`Finding`: what came of it.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, computed_field

from deepgym_env.blocking import DeepGym
from deepgym_env.errors import DeepGymError, TaskError
from deepgym_env.folders import load_task_folder
from deepgym_env.judge import judge_of
from deepgym_env.judge.call import CallJudge
from deepgym_env.judge.floor import known_floor
from deepgym_env.task import AnyTask, FunctionTask, SubmissionTask, Task, WorkspaceTask
from deepgym_env.trials import Outcome, Trials, trials_of

__all__ = ["RUNS", "CheckReport", "Finding", "check_folder", "check_task"]

RUNS = 5
_SEEDS = (1, 2)
_FLOOR = 0.5
_SLOW = 10.0  # seconds of CPU for one judgement

Level = Literal["ok", "warning", "error"]
Progress = Callable[[int, int], None]
Redraw = Callable[[int], AnyTask]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Finding(_Frozen):
    """What one look at a task came to.

    Attributes:
        check: What was looked at.
        level: ``ok``, ``warning`` or ``error``; an error makes the task unfit.
        message: What was found, and what to do about it.
    """

    check: str
    level: Level
    message: str


class CheckReport(_Frozen):
    """What was found of a task.

    Attributes:
        task: Its id, or the folder's path if it couldn't be loaded.
        tests: How many tests it has.
        public: How many of them the agent may see.
        floor: The best score of a constant answer, where tests are data.
        cpu_share: The largest share of a test's CPU limit, or of the turns, that the reference uses; None: unknown.
        cpu_seconds: CPU time of judging the reference once.
        findings: What was found, in the order it was looked for.
    """

    task: str
    tests: int = 0
    public: int = 0
    floor: float | None = None
    cpu_share: float | None = None
    cpu_seconds: float = 0.0
    findings: tuple[Finding, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def passed(self) -> bool:
        """Whether there is no error."""
        return all(finding.level != "error" for finding in self.findings)

    def at(self, level: Level) -> tuple[Finding, ...]:
        """Return the findings of a level."""
        return tuple(finding for finding in self.findings if finding.level == level)


def check_folder(
    folder: str | Path, engine: DeepGym, *, runs: int = RUNS, progress: Progress | None = None
) -> CheckReport:
    """Check the task in a folder, and that its tests are drawn as they should.

    Args:
        folder: The task folder.
        engine: What judges.
        runs: How often the same submission is judged.
        progress: Called with ``(done, total)`` after each judgement.

    Raises:
        SandboxError: If a submission got no verdict.

    Example:
        >>> import tempfile
        >>> from deepgym_env.scaffolding import scaffold
        >>> with DeepGym(workers=1) as dg, tempfile.TemporaryDirectory() as place:
        ...     check_folder(scaffold("peaks", into=place), dg, runs=2).passed
        True
    """
    folder = Path(folder).resolve()
    try:
        task = _loaded(folder, 0)
    except DeepGymError as error:
        return CheckReport(task=str(folder), findings=(Finding(check="loads", level="error", message=str(error)),))
    report = check_task(task, engine, redraw=lambda seed: _loaded(folder, seed), runs=runs, progress=progress)
    if task.id.rpartition("/")[2] == folder.name:
        return report
    message = f"task.toml has the id {task.id!r}, the folder is {folder.name!r}: give them one name"
    return report.model_copy(
        update={"findings": (*report.findings, Finding(check="id", level="warning", message=message))}
    )


def _loaded(folder: Path, seed: int) -> AnyTask:
    try:
        task = load_task_folder(folder, seed)
        if isinstance(task, SubmissionTask):
            judge_of(task)  # tests that can't be asked
    except DeepGymError:
        raise
    except (Exception, SystemExit) as error:  # a folder is input: what its code raises is no crash of ours
        raise TaskError(f"{folder}: {type(error).__name__}: {error}") from error
    return task


def check_task(
    task: AnyTask, engine: DeepGym, *, redraw: Redraw | None = None, runs: int = RUNS, progress: Progress | None = None
) -> CheckReport:
    """Check a task.

    Args:
        task: The task, of any kind.
        engine: What judges.
        redraw: Returns the task of a seed, where its tests are drawn.
        runs: How often the same submission is judged.
        progress: Called with ``(done, total)`` after each judgement.

    Raises:
        SandboxError: If a submission got no verdict.
    """
    return _Check(task, engine, redraw, runs, progress).report()


class _Check:
    """One task under the eye."""

    def __init__(
        self, task: AnyTask, engine: DeepGym, redraw: Redraw | None, runs: int, progress: Progress | None
    ) -> None:
        self.task = task
        self._engine = engine
        self._redraw = redraw
        self._runs = runs
        self._progress = progress
        self._trials = trials_of(task, engine)
        self.findings: list[Finding] = []

    def report(self) -> CheckReport:
        task, floor = self.task, known_floor(self.task) if isinstance(self.task, SubmissionTask) else None
        self._form()
        others = self._drawn()
        share, cpu = self._tried(others)
        self._floor(floor)
        return CheckReport(
            task=task.id,
            tests=len(task.tests),
            public=len(task.public_tests),
            floor=floor,
            cpu_share=share,
            cpu_seconds=cpu,
            findings=tuple(self.findings),
        )

    def _say(self, check: str, level: Level, message: str) -> None:
        self.findings.append(Finding(check=check, level=level, message=message))

    # ── without running anything ──────────────────────────────────────────────────────────

    def _form(self) -> None:
        task = self.task
        public, hidden = len(task.public_tests), len(task.tests) - len(task.public_tests)
        if not hidden:
            self._say("tests", "error", "every test is public: an answer can learn them by heart; hide some")
        elif not public:
            self._say("tests", "warning", f"none of {hidden} tests is public: feedback can't show what goes wrong")
        else:
            self._say("tests", "ok", f"{public} public, {hidden} hidden")
        twins = _twins(task)
        if twins:
            told = "; ".join(" and ".join(names) for names in twins[:3])
            self._say("inputs", "warning", f"tests that ask the same: {told}")
        else:
            self._say("inputs", "ok", "no two tests ask the same")
        self._prompt()

    def _prompt(self) -> None:
        task = self.task
        name = task.entry_point.rpartition(".")[2] if isinstance(task, FunctionTask) else ""
        if not task.prompt.strip():
            self._say("prompt", "error", "the prompt is empty")
        elif name and not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", task.prompt):
            self._say("prompt", "error", f"the prompt doesn't name the entry point {name!r}, so no agent can know it")
        elif task.reference and task.reference.strip() in task.prompt:
            self._say("prompt", "error", "the prompt holds the reference")
        else:
            self._say("prompt", "ok", f"names {name}" if name else f"{len(task.prompt.split())} words")

    def _drawn(self) -> list[AnyTask]:
        """Draw the tests again, and of other seeds; return the tasks of these."""
        if self._redraw is None:
            return []
        try:
            again, *others = [self._redraw(seed) for seed in (self.task.seed, *_SEEDS)]
        except DeepGymError as error:
            self._say("seeds", "error", f"another seed can't be drawn: {error}")
            return []
        shape = [(test.id, test.public) for test in self.task.tests]
        if _content(again) != _content(self.task):
            self._say(
                "seeds", "error", "the same seed draws other tests: draw from rng only, never from random or time"
            )
        elif any([(test.id, test.public) for test in other.tests] != shape for other in others):
            self._say("seeds", "error", "another seed has other tests by number or id: their reward vectors differ")
        else:
            fixed = all(_content(other) == _content(self.task) for other in others)
            self._say("seeds", "ok", "every seed has the same tests" if fixed else "each seed draws tests of its own")
        return others

    def _floor(self, floor: float | None) -> None:
        if floor is None:
            return
        if floor == 1:
            self._say("floor", "error", "one constant answer passes every test: ask for different answers")
        elif floor > _FLOOR:
            self._say(
                "floor",
                "warning",
                f"a constant answer scores {floor:.2f}: put calls with different answers into a test",
            )
        else:
            self._say("floor", "ok", f"the best constant answer scores {floor:.2f}")

    # ── by running ────────────────────────────────────────────────────────────────────────

    def _tried(self, others: Sequence[AnyTask]) -> tuple[float | None, float]:
        """Judge the reference and answers without work; return what the reference uses."""
        idle = self._trials.idle()
        jobs: list[tuple[Trials, str | None]] = []
        if self.task.reference:
            jobs += [(self._trials, None)] * self._runs
            jobs += [(trials_of(other, self._engine), None) for other in others]
        jobs += [(self._trials, name) for name in (*idle, *idle[-1:] * (self._runs - 1))]  # a failure as often, too
        outcomes = self._judge(jobs)
        by_job: defaultdict[str | None, list[Outcome]] = defaultdict(list)
        seeds: list[Outcome] = []
        for (trials, name), outcome in zip(jobs, outcomes, strict=True):
            (by_job[name] if trials is self._trials else seeds).append(outcome)
        self._reference(by_job[None], seeds)
        self._idle({name: by_job[name][0] for name in idle})
        self._steady([*by_job.values()])
        return self._limits(by_job[None])

    def _judge(self, jobs: Sequence[tuple[Trials, str | None]]) -> list[Outcome]:
        outcomes = []
        with ThreadPoolExecutor(max_workers=self._engine.workers * 2) as threads:
            try:
                for done, outcome in enumerate(threads.map(lambda job: job[0].judge(job[1]), jobs), 1):
                    outcomes.append(outcome)
                    if self._progress is not None:
                        self._progress(done, len(jobs))
            except BaseException:
                threads.shutdown(cancel_futures=True)
                raise
        return outcomes

    def _reference(self, own: Sequence[Outcome], seeds: Sequence[Outcome]) -> None:
        if not own:
            self._say("reference", "error", "there is no reference: nothing shows that the task can be solved")
            return
        failed = [outcome for outcome in (*own, *seeds) if not outcome.passed]
        if failed:
            self._say("reference", "error", f"the reference fails: {failed[0].story}")
        else:
            self._say("reference", "ok", f"passes all tests{f', also of {len(seeds)} other seeds' if seeds else ''}")

    def _idle(self, outcomes: dict[str, Outcome]) -> None:
        passing = [name for name, outcome in outcomes.items() if outcome.passed]
        best = max(outcomes, key=lambda name: outcomes[name].score)
        score = outcomes[best].score
        if passing:
            self._say("stubs", "error", f"an answer without work passes: {', '.join(passing)}")
        elif score > _FLOOR:
            self._say("stubs", "warning", f"an answer without work ({best}) scores {score:.2f}")
        else:
            self._say("stubs", "ok", f"{len(outcomes)} answers without work fail, the best ({best}) with {score:.2f}")

    def _steady(self, several: Sequence[Sequence[Outcome]]) -> None:
        shaky = [each for each in several if any(outcome.verdict != each[0].verdict for outcome in each)]
        runs = max(map(len, several))
        if shaky:
            self._say("verdicts", "error", f"one submission got different verdicts in {runs} runs")
        else:
            self._say("verdicts", "ok", f"the same in {runs} runs")

    def _limits(self, own: Sequence[Outcome]) -> tuple[float | None, float]:
        if not own:
            return None, 0.0
        cpu = max(outcome.cpu_seconds for outcome in own)
        share = self._trials.share(own[0]) if own[0].passed else None
        if share is not None and share.used > share.enough:
            self._say("limits", "warning", f"the reference uses {share.used:.0%} of {share.limit}: raise the limit")
        elif share is not None:
            self._say("limits", "ok", f"the reference uses at most {share.used:.0%} of {share.limit}")
        if cpu > _SLOW:
            self._say("cost", "warning", f"one judgement takes {cpu:.1f} s of CPU, each time in training")
        return (share.used if share is not None else None), cpu


def _content(task: AnyTask) -> object:
    """Return what is drawn of a task, comparable."""
    if isinstance(task, WorkspaceTask):
        return task.files
    return _asked(task)


def _asked(task: AnyTask) -> list[Any]:
    """Return what each test asks; None where it can't be told."""
    if isinstance(task, Task):
        judge = CallJudge(task)
        return [
            None if question.queries else (question.text, [answer.text for answer in question.expected])
            for question in sorted(judge.questions, key=lambda question: judge.order[question.test.id])
        ]
    # What is asked beyond id and title; a test that has no more than these is a name, and its code elsewhere.
    return [test.model_dump(exclude={"id", "public", "title"}) or None for test in task.tests]


def _twins(task: AnyTask) -> list[list[str]]:
    """Return tests that ask the same, by id."""
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for test, asked in zip(task.tests, _asked(task), strict=True):
        if asked is not None:
            groups[repr(asked)].append(test.id)
    return [names for names in groups.values() if len(names) > 1]
