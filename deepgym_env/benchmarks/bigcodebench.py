"""BigCodeBench (Zhuo et al. 2024) as published: ``task_id, instruct_prompt, complete_prompt, test`` and others.

- :func:`convert`: a row's ``TestCases`` as a suite, one test per method.
- :func:`packages_of`: what code needs besides Python.
"""

from __future__ import annotations

import ast
import sys

from deepgym_env.benchmarks.conversion import Row, field
from deepgym_env.benchmarks.references import Referee
from deepgym_env.judge.names import unbound_names
from deepgym_env.source import parse
from deepgym_env.task import Limits, SuiteTask

__all__ = ["convert", "packages_of"]

_GIVEN = "import os\nimport sys\nfrom os import environ\n"  # BigCodeBench's own harness has these at hand
_LIMITS = Limits(cpu_seconds=30.0, wall_seconds=30.0, memory_mb=4096, tmp_mb=64, output_bytes=1 << 22)


def convert(row: Row, referee: Referee) -> SuiteTask:
    """Return the task of a row.

    Raises:
        TaskError: If it lacks a field, or has no tests.
    """
    # Where solution and tests are one module, what tests patch in their own is the solution's.
    tests = field(row, "test").replace("patch(__name__ + ", "patch('solution' + ")
    name, suite, entry_point = field(row, "task_id"), _GIVEN + tests, field(row, "entry_point")
    reference = field(row, "complete_prompt") + field(row, "canonical_solution")
    packages = packages_of(reference, suite)
    return SuiteTask.of(
        suite,
        id=name,
        title=f"BigCodeBench {name.rpartition('/')[2]}",
        prompt=field(row, "instruct_prompt").strip() + "\n",
        reference=reference,
        entry_point=entry_point,
        prelude=_GIVEN + _imports(tests),
        names=tuple(dict.fromkeys([entry_point, *unbound_names(suite)])),
        packages=packages,
        stub=field(row, "code_prompt").rstrip() + "\n    pass\n",
        limits=_LIMITS,
        difficulty=None,
        tags=("bigcodebench", *(packages or ("stdlib",))),
        source="https://github.com/bigcode-project/bigcodebench",
        license="Apache-2.0",
    )


def _imports(suite: str) -> str:
    """Return what a suite imports: solutions use it too, as BigCodeBench's own harness has both in one module."""
    found = [ast.unparse(node) for node in parse(suite).body if isinstance(node, ast.Import | ast.ImportFrom)]
    wanted = [line for line in found if not line.split()[1].startswith("unittest")]
    return "".join(f"try:\n    {line}\nexcept ImportError:\n    pass\n" for line in wanted)


def packages_of(*sources: str) -> tuple[str, ...]:
    """Return the packages that sources import and Python doesn't bring, sorted."""
    found: set[str] = set()
    for node in (node for source in sources for node in ast.walk(parse(source))):
        if isinstance(node, ast.Import):
            found.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return tuple(sorted(found - set(sys.stdlib_module_names)))
