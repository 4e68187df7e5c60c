"""Importing a benchmark: its file is converted once, and its tasks are there from then on.

- :func:`import_benchmark`; :class:`ImportReport`: what became of the rows.
- :data:`CONVERTERS`: what makes tasks of a benchmark's rows.

A benchmark may have several converters: a row the first can't convert is tried with the next, so tests
that are no data can become tasks of another kind. What none converts is reported with its reason.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from deepgym_env.benchmarks import (
    apps,
    bigcodebench,
    codecontests,
    exercism,
    humaneval,
    leetcode,
    livecodebench,
    mbpp,
    plus,
)
from deepgym_env.benchmarks.catalogue import BENCHMARKS, Benchmark, store_of
from deepgym_env.benchmarks.conversion import Converter, Row
from deepgym_env.benchmarks.home import home
from deepgym_env.benchmarks.references import Referee
from deepgym_env.benchmarks.rows import read_hub, read_rows
from deepgym_env.benchmarks.store import write_store
from deepgym_env.blocking import DeepGym
from deepgym_env.errors import ConfigError, TaskError
from deepgym_env.judge.floor import known_floor
from deepgym_env.task import AnyTask, SubmissionTask

__all__ = ["CONVERTERS", "Failure", "ImportReport", "convert_rows", "import_benchmark"]

Progress = Callable[[int, int], None]

CONVERTERS: dict[str, Callable[[int | None], tuple[Converter, ...]]] = {
    "humaneval": lambda _: (humaneval.convert, humaneval.convert_code),
    "humanevalplus": lambda plus_inputs: (plus.humaneval_plus(plus_inputs),),
    "mbpp": lambda _: (mbpp.convert_full, mbpp.convert_full_code),
    "mbpp-sanitized": lambda _: (mbpp.convert_sanitized, mbpp.convert_sanitized_code),
    "mbppplus": lambda plus_inputs: (plus.mbpp_plus(plus_inputs),),
    "leetcode": lambda _: (leetcode.convert,),
    "apps": lambda _: (apps.convert,),
    "livecodebench": lambda _: (livecodebench.convert,),
    "codecontests": lambda _: (codecontests.convert,),
    "bigcodebench": lambda _: (bigcodebench.convert,),
    "exercism": lambda _: (exercism.convert,),
}
"""By the benchmark's name: what, given the option ``plus_inputs``, returns its converters, the preferred first."""
WITH_PLUS_INPUTS = ("humanevalplus", "mbppplus")


@dataclass(frozen=True, slots=True)
class Failure:
    """A row that became no task.

    Attributes:
        row: What it is called.
        reason: Why.
    """

    row: str
    reason: str


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What became of a benchmark's rows.

    Attributes:
        benchmark: The benchmark.
        file: Where its tasks are.
        tasks: How many tasks there are.
        tests: How many tests they have.
        failures: The rows that became no task.
    """

    benchmark: Benchmark
    file: Path
    tasks: int
    tests: int
    failures: tuple[Failure, ...]


def import_benchmark(
    name: str,
    sources: Sequence[str] = (),
    *,
    hub: str | None = None,
    revision: str | None = None,
    limit: int | None = None,
    plus_inputs: int | None = None,
    engine: DeepGym | None = None,
    progress: Progress | None = None,
) -> ImportReport:
    """Convert a benchmark's files and store its tasks, in the place of what was stored of it before.

    Args:
        name: The benchmark's name, one of :data:`~deepgym_env.benchmarks.BENCHMARKS`.
        sources: Its files, or what else :func:`~deepgym_env.benchmarks.rows.read_rows` takes; without any it is
            read from the Hugging Face Hub.
        hub: Where the Hub has it, if not where :data:`~deepgym_env.benchmarks.BENCHMARKS` says.
        revision: A branch, tag or commit there.
        limit: Only so many rows, the first ones.
        plus_inputs: Of HumanEval+ and MBPP+: at most so many plus inputs of each task; None: all.
        engine: What reference solutions are run by; by default one of its own.
        progress: Called with ``(done, total)`` after each row.

    Raises:
        ConfigError: If there is no such benchmark or file, or no row of it can be converted.
        SandboxError: If reference solutions have to be run and the sandbox fails.
    """
    if name not in BENCHMARKS:
        raise ConfigError(f"no benchmark {name!r}: there are {', '.join(BENCHMARKS)}")
    if plus_inputs is not None and name not in WITH_PLUS_INPUTS:
        raise ConfigError(f"{name} has no plus inputs to choose from: {' and '.join(WITH_PLUS_INPUTS)} do")
    rows = _rows(BENCHMARKS[name], sources, hub, revision)[:limit]
    if engine is None:
        with DeepGym() as own:
            tasks, failures = convert_rows(name, rows, own, plus_inputs=plus_inputs, progress=progress)
    else:
        tasks, failures = convert_rows(name, rows, engine, plus_inputs=plus_inputs, progress=progress)
    if not tasks:
        reason = failures[0].reason if failures else "there are none"
        raise ConfigError(f"none of the {len(rows)} rows can be converted: {reason}")
    file = write_store(store_of(BENCHMARKS[name]), name, tasks)
    tests = sum(len(task.tests) for task in tasks)
    return ImportReport(BENCHMARKS[name], file, len(tasks), tests, tuple(failures))


def _rows(
    benchmark: Benchmark, sources: Sequence[str], hub: str | None, revision: str | None
) -> list[tuple[Row, str | None]]:
    if sources and (hub or revision):
        raise ConfigError("a benchmark is read from files or from the Hugging Face Hub, not both")
    if sources:
        return [pair for source in sources for pair in read_rows(source)]
    if not (hub or benchmark.hub):
        raise ConfigError(
            f"importing {benchmark.name} takes a file, --file FILE: {benchmark.title} isn't part of DeepGym, and the "
            f"Hugging Face Hub doesn't have it in the form that is read here"
        )
    return read_hub(hub or benchmark.hub, revision)


def convert_rows(
    name: str,
    rows: Sequence[tuple[Row, str | None]],
    engine: DeepGym,
    *,
    plus_inputs: int | None = None,
    progress: Progress | None = None,
) -> tuple[list[AnyTask], list[Failure]]:
    """Convert rows of a benchmark, each given with its split.

    Returns:
        The tasks, in the order of their rows, and the rows that became none.
    """
    converters = CONVERTERS[name](plus_inputs)
    referee = Referee(engine, home() / "cache" / "answers")
    tasks: dict[str, AnyTask] = {}
    failures: list[Failure] = []
    with ThreadPoolExecutor(max_workers=engine.workers) as threads:
        try:
            outcomes = threads.map(lambda pair: _convert(converters, pair[0], pair[1], referee), rows)
            for done, (outcome, (row, _)) in enumerate(zip(outcomes, rows, strict=True), 1):
                if isinstance(outcome, str):
                    failures.append(Failure(_name_of(row), outcome))
                elif outcome.id in tasks:
                    failures.append(Failure(_name_of(row), f"another row is {outcome.id} as well"))
                else:
                    tasks[outcome.id] = outcome
                if progress is not None:
                    progress(done, len(rows))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise
    return list(tasks.values()), failures


def _convert(converters: Sequence[Converter], row: Row, split: str | None, referee: Referee) -> AnyTask | str:
    """Return a row's task, or why there is none: the last converter's reason."""
    reason = ""
    told = row if split is None else {"split": split, **row}
    for convert in converters:
        try:
            task = convert(told, referee)
        except TaskError as error:
            reason = str(error)
        except ValidationError as error:
            reason = "; ".join(problem["msg"] for problem in error.errors())
        except SyntaxError as error:
            reason = f"its code is no Python: {error.msg} (line {error.lineno})"
        else:
            return _complete(task, split)
    return reason


def _complete(task: AnyTask, split: str | None) -> AnyTask:
    """Return a task with its split among its tags, and its floor known."""
    tags = task.tags if split is None or split in task.tags else (*task.tags, split)
    floor = {"floor": known_floor(task)} if isinstance(task, SubmissionTask) else {}
    return task.model_copy(update={"tags": tags, **floor})


def _name_of(row: Row) -> str:
    found = (str(row[name]) for name in ("task_id", "question_id", "problem_id", "id", "name") if name in row)
    return next(found, "a row without a name")
