r"""Reads what a stand-alone verifier printed.

The last JSON object on standard output that has a ``score`` or says whether it ``passed`` is the verdict; where
there is none, the last line, if it is a bare number or boolean (in JSON or in Python).

- :class:`Verdict`, :class:`ReportedCase`: what it says.
- :func:`read_verdict`, :func:`verdict_in`: reads it; with or without insisting that it makes sense.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["ReportedCase", "Verdict", "VerdictError", "read_verdict", "verdict_in"]

_LINES = 10_000  # from the end; no verdict is longer
_SAYS = ("score", "passed")
_LITERALS = {"True": True, "False": False, "true": True, "false": False}
_NUMBER = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?|nan|[-+]?inf(inity)?", re.IGNORECASE)
_TEXT = 4000


class VerdictError(ValueError):
    """What was printed is no verdict; the message says what is wrong with it."""


@dataclass(frozen=True, slots=True)
class ReportedCase:
    """One case, as a verifier reports it."""

    id: str
    passed: bool
    score: float
    input_summary: str = ""
    expected_summary: str = ""
    error: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a verifier says of a submission."""

    score: float
    passed: bool
    details: str = ""
    cases: tuple[ReportedCase, ...] = ()
    reward_components: dict[str, float] = field(default_factory=dict)
    seed: int | None = None


def verdict_in(stdout: str) -> dict[str, Any] | None:
    r"""Return the verdict's JSON object, a bare one as an object of one member; None if there is none.

    Example:
        >>> verdict_in('testing\n{"score": 0.5, "passed": false}\n'), verdict_in("True")
        ({'score': 0.5, 'passed': False}, {'passed': True})
    """
    lines = stdout.splitlines()[-_LINES:]
    decoder = json.JSONDecoder()
    for start in range(len(lines) - 1, -1, -1):
        if lines[start].startswith("{"):
            try:
                told, _ = decoder.raw_decode("\n".join(lines[start:]))
            except (ValueError, RecursionError):
                continue
            if isinstance(told, dict) and any(told.get(key) is not None for key in _SAYS):
                return told
    last = next((line.strip() for line in reversed(lines) if line.strip()), "")
    if last in _LITERALS:
        return {"passed": _LITERALS[last]}
    return {"score": float(last)} if _NUMBER.fullmatch(last) else None


def read_verdict(stdout: str) -> Verdict:
    """Return the verdict.

    Raises:
        VerdictError: If there is none, or it makes no sense.

    Example:
        >>> read_verdict("0.25").passed
        False
    """
    told = verdict_in(stdout)
    if told is None:
        raise VerdictError("it printed no verdict: JSON with a score or passed, a number, or a boolean")
    score, passed = _score_of(told, "the verdict")
    cases = told.get("cases") or ()
    if not isinstance(cases, list | tuple) or not all(isinstance(case, dict) for case in cases):
        raise VerdictError("cases must be a list of objects")
    seed = told.get("seed")
    return Verdict(
        score=score,
        passed=passed,
        details=_text(told.get("details")),
        cases=_cases(cases),
        reward_components=_components(told.get("reward_components")),
        seed=seed if isinstance(seed, int) and not isinstance(seed, bool) else None,
    )


def _score_of(told: dict[str, Any], whose: str) -> tuple[float, bool]:
    """Return score and passed; one follows from the other where only one is said."""
    score, passed = told.get("score"), told.get("passed")
    if passed is not None and not isinstance(passed, bool):
        raise VerdictError(f"passed of {whose} must be true or false, got {passed!r}"[:300])
    if score is None:
        if passed is None:
            raise VerdictError(f"{whose} has neither score nor passed")
        return float(passed), passed
    number = _unit(score, f"score of {whose}")
    return number, number >= 1.0 if passed is None else passed


def _unit(value: Any, what: str) -> float:
    if isinstance(value, bool | int | float) and math.isfinite(value) and 0 <= value <= 1:
        return float(value)
    raise VerdictError(f"{what} must be a number from 0 to 1, got {value!r}"[:300])


def _cases(told: Sequence[dict[str, Any]]) -> tuple[ReportedCase, ...]:
    cases: dict[str, ReportedCase] = {}
    for number, case in enumerate(told):
        name = case.get("id")
        name = str(number) if name is None else str(name)
        if name in cases:
            raise VerdictError(f"two cases are called {name!r}"[:300])
        score, passed = _score_of(case, f"case {name!r}")
        texts = (_text(case.get(key)) for key in ("input_summary", "expected_summary", "error"))
        cases[name] = ReportedCase(name, passed, score, *texts)
    return tuple(cases.values())


def _components(told: Any) -> dict[str, float]:
    if not told:
        return {}
    if not isinstance(told, dict):
        raise VerdictError(f"reward_components must be an object, got {told!r}"[:300])
    return {name: _unit(value, f"reward component {name!r}") for name, value in told.items()}


def _text(value: Any) -> str:
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= _TEXT else f"{text[: _TEXT - 1]}…"
