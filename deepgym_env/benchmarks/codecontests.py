"""CodeContests (Li et al. 2022, AlphaCode) as Hugging Face has it: ``name, description, public_tests, ...``.

- :func:`convert`: a row is a program to write, with solutions in several languages, and some that are wrong.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast, get_args

from deepgym_env.benchmarks.conversion import NotData, Row, field
from deepgym_env.benchmarks.programs import (
    LIMITS,
    first_python,
    limits_for,
    mapping,
    name_of,
    pairs_of,
    stdio_tests,
    unique,
)
from deepgym_env.benchmarks.references import Referee
from deepgym_env.task import Difficulty, LanguageName, ProgramLimits, ProgramTask, StdioComparison, StdioTest

__all__ = ["convert"]

_LANGUAGES: dict[int | str, LanguageName] = {
    2: "cpp",  # 1 is Python 2
    3: "python",
    4: "java",
    "CPP": "cpp",
    "PYTHON3": "python",
    "JAVA": "java",
}
_SOURCES = {1: "codechef", 2: "codeforces", 3: "hackerearth", 4: "codejam", 5: "atcoder", 6: "aizu"}
_LEVELS = ("easy", "medium", "hard", "hard", "hard")  # EASY, MEDIUM, HARD, HARDER, HARDEST
_RATINGS = ((1300, "easy"), (2000, "medium"))  # Codeforces' below which
_REJECTED = 3  # wrong solutions kept, of each language
_SLOWER = 3  # as many times the published limit, which is for C++ mostly, Python gets
# As AlphaCode's own harness, but whole numbers must be equal.
_COMPARISON = StdioComparison(kind="float", rel_tol=0, abs_tol=1e-5, ignore_case=True)


def convert(row: Row, referee: Referee) -> ProgramTask:
    """Return the task of a row.

    Raises:
        NotData: If it has no tests, or reads and writes files.
    """
    if row.get("input_file") or row.get("output_file"):
        raise NotData("its programs read and write files, not standard input and output")
    name = field(row, "name")
    references = _by_language(row.get("solutions"))
    rejected = _by_language(row.get("incorrect_solutions"))
    python = first_python(references.pop("python", []))
    source = _SOURCES.get(cast(int, row.get("source")), str(row.get("source") or "").lower())
    tests = _tests(row)
    tags = [tag for tag in row.get("cf_tags") or () if isinstance(tag, str) and tag]
    return ProgramTask(
        id=f"CodeContests/{name_of(name)}",
        title=name.partition(". ")[2] or name,
        prompt=field(row, "description").strip() + "\n",
        tests=tests,
        comparison=_COMPARISON,
        limits=limits_for(tests, _limits(row)),
        references={**{language: codes[0] for language, codes in references.items()}, **_python(python)},
        rejected={language: tuple(dict.fromkeys(codes))[:_REJECTED] for language, codes in rejected.items()},
        difficulty=_difficulty(row),
        tags=("codecontests", *([source] if source else []), *(tag.replace(" ", "-") for tag in tags)),
        source="https://github.com/google-deepmind/code_contests",
        license="CC-BY-4.0",
    )


def _python(code: str | None) -> dict[LanguageName, str]:
    return {} if code is None else {"python": code}


def _tests(row: Row) -> tuple[StdioTest, ...]:
    tests: list[StdioTest] = []
    for name in ("public", "private", "generated"):
        given = row.get(f"{name}_tests") or {}
        if isinstance(given, list):  # as the original files have them
            pairs = [(mapping(test, "test").get("input"), test.get("output")) for test in given]
        else:
            found = mapping(given, f"{name}_tests")
            pairs = pairs_of(found.get("input", []), found.get("output", []))
        tests += stdio_tests(name, pairs, public=name == "public")
    return unique(tests)


def _by_language(given: Any) -> dict[LanguageName, list[str]]:
    """Return sources by the languages there are, in their order."""
    if isinstance(given, Mapping):
        pairs = pairs_of(given.get("language", []), given.get("solution", []))
    else:
        pairs = [(mapping(each, "solution").get("language"), each.get("solution")) for each in given or ()]
    found: dict[LanguageName, list[str]] = {}
    for language, code in pairs:
        known = _LANGUAGES.get(language)
        if known is not None and isinstance(code, str) and code.strip():
            found.setdefault(known, []).append(code)
    return found


def _limits(row: Row) -> ProgramLimits:
    time = row.get("time_limit")
    seconds = (time.get("seconds") or 0) + (time.get("nanos") or 0) / 1e9 if isinstance(time, Mapping) else 0
    memory = int(row.get("memory_limit_bytes") or 0) >> 20
    cpu = _SLOWER * seconds if seconds else LIMITS.cpu_seconds
    return LIMITS.model_copy(
        update={"cpu_seconds": float(max(2, cpu)), "memory_mb": max(256, memory) if memory else LIMITS.memory_mb}
    )


def _difficulty(row: Row) -> Difficulty | None:
    rating, level = row.get("cf_rating") or 0, row.get("difficulty")
    if rating:
        return cast(Difficulty, next((word for below, word in _RATINGS if rating < below), "hard"))
    if isinstance(level, int) and 1 <= level <= len(_LEVELS):
        return cast(Difficulty, _LEVELS[level - 1])
    word = str(level).lower()
    return cast(Difficulty, word) if word in get_args(Difficulty) else None
