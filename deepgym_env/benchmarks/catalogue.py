"""The benchmarks there are, and the tasks of those that were imported.

- :class:`Benchmark`, :data:`BENCHMARKS`: what can be imported.
- :func:`entries`, :func:`load`: tasks that were.
- :func:`store_of`: the file of a benchmark.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deepgym_env.benchmarks.home import home
from deepgym_env.benchmarks.store import Entry, Store
from deepgym_env.errors import ConfigError, StoreError, UnknownTaskError
from deepgym_env.task import AnyTask

__all__ = [
    "BENCHMARKS",
    "Benchmark",
    "benchmark_of",
    "entries",
    "entry",
    "imported",
    "load",
    "problems",
    "store_of",
    "stored_at",
]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark that can be imported.

    Attributes:
        name: What ``deepgym import`` calls it.
        namespace: What its tasks' ids begin with.
        title: A few words for lists.
        license: What its data may be used under.
        hub: Where Hugging Face has it in the form it is read in here; empty: nowhere.
    """

    name: str
    namespace: str
    title: str
    license: str
    hub: str = ""


_ALL = (
    Benchmark("humaneval", "HumanEval", "HumanEval", "MIT", "openai/openai_humaneval"),
    Benchmark("humanevalplus", "HumanEvalPlus", "HumanEval+, of EvalPlus", "Apache-2.0"),
    Benchmark("mbpp", "MBPP", "MBPP, full", "CC-BY-4.0", "google-research-datasets/mbpp"),
    Benchmark(
        "mbpp-sanitized", "MBPPSanitized", "MBPP, sanitized", "CC-BY-4.0", "google-research-datasets/mbpp:sanitized"
    ),
    Benchmark("mbppplus", "MBPPPlus", "MBPP+, of EvalPlus", "Apache-2.0"),
    Benchmark("leetcode", "LeetCode", "LeetCodeDataset", "MIT (problems: LeetCode)", "newfacade/LeetCodeDataset"),
    Benchmark("apps", "APPS", "APPS", "MIT (problems: their authors')", "codeparrot/apps"),
    Benchmark(
        "livecodebench",
        "LiveCodeBench",
        "LiveCodeBench, code generation",
        "CC (problems: the contests')",
        "livecodebench/code_generation_lite",
    ),
    Benchmark("codecontests", "CodeContests", "CodeContests, of AlphaCode", "CC-BY-4.0", "deepmind/code_contests"),
    Benchmark("bigcodebench", "BigCodeBench", "BigCodeBench", "Apache-2.0", "bigcode/bigcodebench"),
    Benchmark("exercism", "Exercism", "Exercism, Python track", "MIT"),
)
BENCHMARKS: dict[str, Benchmark] = {benchmark.name: benchmark for benchmark in _ALL}
_BY_NAMESPACE = {benchmark.namespace: benchmark for benchmark in _ALL}


def benchmark_of(task_id: str) -> Benchmark | None:
    """Return the benchmark a task's id belongs to."""
    return _BY_NAMESPACE.get(task_id.partition("/")[0]) if "/" in task_id else None


def store_of(benchmark: Benchmark) -> Path:
    """Return the file a benchmark is kept in."""
    return home() / "benchmarks" / f"{benchmark.name}.tasks"


def stored_at(benchmark: Benchmark) -> Store | None:
    """Return a benchmark's store; None if it wasn't imported.

    Raises:
        StoreError: If its file is damaged or of another version.
    """
    file = store_of(benchmark)
    try:
        written = file.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreError(f"{file}: {error.strerror}: make it readable, or choose another DEEPGYM_HOME") from error
    return _opened(file, written.st_mtime_ns, written.st_size)


@functools.lru_cache(maxsize=32)
def _opened(file: Path, written: int, size: int) -> Store:
    return Store(file)


def entries(*namespaces: str) -> Iterator[Entry]:
    """Yield what is known of the imported tasks, of some benchmarks or of all; damaged files are left out."""
    for benchmark in _ALL:
        if namespaces and benchmark.namespace not in namespaces:
            continue
        try:
            store = stored_at(benchmark)
        except StoreError:
            continue
        yield from store.entries if store is not None else ()


def imported(name: str) -> tuple[Entry, ...]:
    """Return what is known of a benchmark's tasks.

    Args:
        name: The benchmark, by its name or as its ids begin.

    Raises:
        ConfigError: If there is no such benchmark, or it wasn't imported.
        StoreError: If its file is damaged.
    """
    found = [benchmark for benchmark in _ALL if name in (benchmark.name, benchmark.namespace)]
    if not found:
        raise ConfigError(f"no benchmark {name!r}: there are {', '.join(BENCHMARKS)}")
    store = stored_at(found[0])
    if store is None:
        raise ConfigError(_how_to_import(found[0]))
    return store.entries


def _how_to_import(benchmark: Benchmark) -> str:
    return f"{benchmark.title} isn't imported: `deepgym import {benchmark.name} --file ...` does it"


def problems() -> list[StoreError]:
    """Return what is wrong with the files there are."""
    found = []
    for benchmark in _ALL:
        try:
            stored_at(benchmark)
        except StoreError as error:
            found.append(error)
    return found


@functools.lru_cache(maxsize=64)  # some hold a hundred megabytes
def _loaded(store: Store, task_id: str) -> AnyTask:
    return store.load(task_id)


def load(task_id: str) -> AnyTask:
    """Load an imported task.

    Raises:
        UnknownTaskError: If there is no such task; the message says how to import its benchmark.
        StoreError: If the file it is in is damaged.
    """
    return _loaded(_store_with(task_id), task_id)


def entry(task_id: str) -> Entry:
    """Return what is known of an imported task.

    Raises:
        UnknownTaskError: If there is no such task; the message says how to import its benchmark.
        StoreError: If the file it is in is damaged.
    """
    return _store_with(task_id).by_id[task_id]


def _store_with(task_id: str) -> Store:
    benchmark = benchmark_of(task_id)
    if benchmark is None:
        raise UnknownTaskError(task_id, _BY_NAMESPACE)
    store = stored_at(benchmark)
    if store is None:
        raise UnknownTaskError(task_id, (), _how_to_import(benchmark))
    if task_id not in store.by_id:
        raise UnknownTaskError(task_id, [name.partition("/")[2] for name in store.by_id])
    return store
