"""Public benchmarks as tasks: HumanEval, MBPP, HumanEval+, MBPP+, LeetCodeDataset, APPS, LiveCodeBench, CodeContests.

Their data is not part of DeepGym. ``deepgym import NAME --file ...`` converts a published file once; from
then on its tasks are there as ``HumanEval/0``, ``MBPPPlus/2``, ``LeetCode/two-sum``, for ``load_environment``,
``gym.make`` and the command line.

- :data:`BENCHMARKS`: what can be imported; :func:`entries`: what was; :func:`load`: a task of it.
- :mod:`~deepgym_env.benchmarks.importing`: ``import_benchmark``, and how rows become tasks.
- :mod:`~deepgym_env.benchmarks.canon`: checks imported tasks against the published solutions.
"""

from deepgym_env.benchmarks.catalogue import (
    BENCHMARKS,
    Benchmark,
    benchmark_of,
    entries,
    entry,
    imported,
    load,
    problems,
)
from deepgym_env.benchmarks.store import Entry

__all__ = ["BENCHMARKS", "Benchmark", "Entry", "benchmark_of", "entries", "entry", "imported", "load", "problems"]
