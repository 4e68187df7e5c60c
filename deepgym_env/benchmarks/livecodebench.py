"""LiveCodeBench (Jain et al. 2024), ``code_generation`` and ``code_generation_lite`` as published.

- :func:`convert`: a row is a program to write, or, where its metadata names one, a method of ``Solution``.
- :func:`hidden_tests`: what the field ``private_test_cases`` holds.

No solutions are published.
"""

from __future__ import annotations

import base64
import binascii
import io
import pickle
import zlib
from typing import Any, cast, get_args

from deepgym_env.benchmarks.conversion import LIMITS as CALL_LIMITS
from deepgym_env.benchmarks.conversion import NotData, Row, field, python_prompt
from deepgym_env.benchmarks.programs import limits_for, mapping, name_of, read_json, right_values, stdio_tests, unique
from deepgym_env.benchmarks.references import Referee
from deepgym_env.task import Call, Difficulty, ProgramTask, StdioComparison, StdioTest, Task, TestCase

__all__ = ["convert", "hidden_tests"]

_LARGEST = 1 << 30  # bytes of one row's tests
_MODULES = (
    *("string", "re", "datetime", "collections", "heapq", "bisect", "copy", "math", "random", "statistics"),
    *("itertools", "functools", "operator", "io", "sys", "json"),
)
# What LiveCodeBench's own harness puts before a solution.
_PRELUDE = "\n".join(
    [
        *(f"from {name} import *" for name in (*_MODULES, "builtins", "typing")),
        *(f"import {name}" for name in _MODULES),
        "sys.setrecursionlimit(50000)\n",
    ]
)


def convert(row: Row, referee: Referee) -> Task | ProgramTask:
    """Return the task of a row.

    Raises:
        NotData: If it has no tests, or tests of another form.
    """
    level, month = str(row.get("difficulty") or ""), str(row.get("contest_date") or "")[:7]
    content, starter = field(row, "question_content"), str(row.get("starter_code") or "")
    common: dict[str, Any] = {
        "id": f"LiveCodeBench/{name_of(field(row, 'question_id', (str, int)))}",
        "title": str(row.get("question_title") or row["question_id"]),
        "prompt": python_prompt(content, starter) if starter.strip() else content.strip() + "\n",
        "difficulty": cast(Difficulty, level) if level in get_args(Difficulty) else None,
        "tags": ("livecodebench", *(tag for tag in (str(row.get("platform") or ""), month) if tag)),
        "source": "https://github.com/LiveCodeBench/LiveCodeBench",
        "license": "CC (data set); the problems' text is the contests'",
    }
    metadata = row.get("metadata") or "{}"
    name = mapping(read_json(metadata) if isinstance(metadata, str) else metadata, "metadata").get("func_name")
    given = row.get("public_test_cases") or "[]"
    public, hidden = _pairs(read_json(given) if isinstance(given, str) else given), hidden_tests(row)
    if name:
        return Task(
            **common,
            entry_point=f"Solution.{name}",
            tests=_calls(public, hidden),
            limits=CALL_LIMITS.model_copy(update={"cpu_seconds": 6.0}),
            prelude=_PRELUDE,
        )
    runs = _runs(public, hidden)
    return ProgramTask(
        **common,
        tests=runs,
        comparison=StdioComparison(kind="decimal"),
        limits=limits_for(runs),
    )


def hidden_tests(row: Row) -> list[tuple[str, str]]:
    """Return inputs and outputs of the private tests: JSON, or JSON pickled as text, compressed and in base64.

    Raises:
        NotData: If they are neither. Nothing in them is ever run: no pickle but one of a text is read.
    """
    given = row.get("private_test_cases") or "[]"
    if not isinstance(given, str):
        return _pairs(given)
    if given.lstrip()[:1] in ("[", "{"):
        return _pairs(read_json(given))
    return _pairs(read_json(_unpacked(given)))


def _unpacked(text: str) -> str:
    try:
        inflate = zlib.decompressobj()
        data = inflate.decompress(base64.b64decode(text, validate=True), _LARGEST)
        if not inflate.eof:
            raise NotData(f"its private tests are cut off, or longer than {_LARGEST >> 20} MiB")
        value = _TextUnpickler(io.BytesIO(data)).load()
    except NotData:
        raise
    except (binascii.Error, zlib.error) as error:
        raise NotData(f"its private tests are neither JSON nor packed JSON: {error}") from error
    except Exception as error:  # a pickle can upset its reader in many ways
        raise NotData(f"its private tests are packed in another way: {error}") from error
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        raise NotData(f"its private tests are packed in another way: {type(value).__name__} for text")
    return value


class _TextUnpickler(pickle.Unpickler):
    """Reads a text and runs nothing: there is no class and no function for it."""

    def find_class(self, module: str, name: str) -> Any:
        raise NotData(f"its private tests ask for {module}.{name}, which no text needs")

    def persistent_load(self, pid: Any) -> Any:
        raise NotData("its private tests ask for something outside them")


def _pairs(tests: Any) -> list[tuple[str, str]]:
    if not isinstance(tests, list):
        raise NotData(f"its tests are no list but {type(tests).__name__}")
    found = [mapping(test, "test") for test in tests]
    return [(field(test, "input"), field(test, "output")) for test in found]


def _runs(public: list[tuple[str, str]], hidden: list[tuple[str, str]]) -> tuple[StdioTest, ...]:
    return unique([*stdio_tests("public", public, public=True), *stdio_tests("private", hidden)])


def _calls(public: list[tuple[str, str]], hidden: list[tuple[str, str]]) -> tuple[TestCase, ...]:
    tests: dict[str, TestCase] = {}
    for name, pairs in (("public", public), ("private", hidden)):
        for number, (given, output) in enumerate(pairs):
            args = tuple(read_json(line) for line in given.split("\n") if line.strip())
            expected, how = right_values(read_json(output))
            call = Call(args=args, expected=expected, comparison=how)
            tests.setdefault(given, TestCase(id=f"{name}_{number}", calls=(call,), public=name == "public"))
    if not tests:
        raise NotData("it has no tests")
    return tuple(tests.values())
