"""Signs of weak tests that no single attack shows.

- :func:`weak_signs`: looks for them in a function or a program task.
- :class:`WeakSigns`: what it found.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, computed_field

from deepgym_env.audit.knowledge import knowledge_of_program, knowledge_of_task
from deepgym_env.audit.strategies import OFFERED, select
from deepgym_env.blocking import DeepGym
from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.judge.floor import known_floor
from deepgym_env.result import BatchResult, RunResult
from deepgym_env.task import ProgramTask, Task

__all__ = ["WeakSigns", "weak_signs"]

_PROBES = {
    "function": ("constants", "memorised_examples", "returns_its_arguments", "placeholders"),
    "program": ("constants", "memorised_examples", "echoes_its_input"),
}


class WeakSigns(BaseModel):
    """Signs of weak tests.

    Attributes:
        task_id: The task.
        constant_score: What the best constant answer scores, answers of hidden tests included.
        lookup_score: What the public answers, learned by heart, score on all tests; None where there
            are none to learn.
        lookup_hidden: Hidden tests they pass: the public tests give these away.
        flaky: Tests whose verdict on one submission differed from run to run.
        order_dependent: Tests whose verdict differs when they are asked in reverse order.
        runs: Runs of each submission that was tried for ``flaky``.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    task_id: str
    constant_score: float
    lookup_score: float | None
    lookup_hidden: tuple[str, ...]
    flaky: tuple[str, ...]
    order_dependent: tuple[str, ...]
    runs: int

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_clean(self) -> bool:
        """Whether verdicts are stable and the public tests give no hidden one away."""
        return not (self.flaky or self.order_dependent or self.lookup_hidden)


def weak_signs(dg: DeepGym, task: Task | ProgramTask, *, runs: int = 3, more: Sequence[str] = ()) -> WeakSigns:
    """Look for signs of weak tests.

    Args:
        dg: The engine.
        task: A function task, or a program task in Python.
        runs: How often each submission is judged.
        more: Submissions to try besides the reference and answers without work; mutants, say.

    Raises:
        ConfigError: If ``runs`` is less than 2, or programs are to be in another language.
        SandboxError: If a submission got no verdict.

    Example:
        >>> from deepgym_env import load_task
        >>> with DeepGym(workers=1) as dg:
        ...     weak_signs(dg, load_task("fizzbuzz"), runs=2).is_clean
        True
    """
    if runs < 2:
        raise ConfigError(f"runs must be at least 2, got {runs!r}")
    probes = _probes(task)
    tried = itertools.chain(filter(None, [task.reference]), *probes.values(), more)
    codes = list(dict.fromkeys(tried))
    # Equal submissions are run once, so a comment makes each run its own.
    batches = [_run(dg, task, [f"{code}\n# run {number}\n" for code in codes]) for number in range(runs)]
    reverse = task.model_copy(update={"tests": task.tests[::-1]})
    backwards = _run(dg, reverse, codes)
    first = dict(zip(codes, batches[0], strict=True))
    lookup = next((first[code] for code in probes["memorised_examples"]), None)
    constants = [first[code].score or 0.0 for code in probes["constants"]]
    return WeakSigns(
        task_id=task.id,
        constant_score=max([*constants, known_floor(task) or 0.0]),
        lookup_score=lookup.score if lookup else None,
        lookup_hidden=tuple(case.id for case in lookup.cases if case.passed and not case.public) if lookup else (),
        flaky=_differing(task, batches),
        order_dependent=_differing(task, [batches[0], backwards]),
        runs=runs,
    )


def _probes(task: Task | ProgramTask) -> dict[str, list[str]]:
    """Return answers without work, by the strategy they are of."""
    if task.language != "python":
        raise ConfigError(f"{task.id!r} is answered in {task.language}: answers without work are written in Python")
    kind: Literal["program", "function"] = "program" if isinstance(task, ProgramTask) else "function"
    known = knowledge_of_program(task) if isinstance(task, ProgramTask) else knowledge_of_task(task)
    return {
        strategy.name: [attack.code for attack in strategy.attacks_on(known)]
        for strategy in select(OFFERED[kind], _PROBES[kind])
    }


def _run(dg: DeepGym, task: Task | ProgramTask, codes: Sequence[str]) -> BatchResult:
    batch = dg.run_batch(task, codes)
    lost = next((result for result in batch if not result.has_verdict), None)
    if lost is not None:
        raise SandboxError(f"a submission to {task.id!r} got no verdict: {lost.details}")
    return batch


def _differing(task: Task | ProgramTask, batches: Sequence[BatchResult]) -> tuple[str, ...]:
    """Return the tests on which batches of the same submissions differ."""
    found = set()
    for results in zip(*batches, strict=True):
        passed = [_passed(result) for result in results]
        found |= {test.id for test in task.tests if len({each[test.id] for each in passed}) > 1}
    return tuple(test.id for test in task.tests if test.id in found)


def _passed(result: RunResult) -> dict[str, bool]:
    return {case.id: case.passed for case in result.cases}
