"""The tasks of HumanEval+ and MBPP+ whose answers EvalPlus doesn't just compare with the reference's.

- :class:`Oracle`: how the answers of such a task are judged; :func:`oracle_of`: which task has which.
- :data:`CHECKS`: checkers by name, as stored tasks refer to them.

Written from EvalPlus' documented behaviour (evalplus 0.3.1), so that verdicts agree.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from deepgym_env.task import Comparison, View

__all__ = ["CHECKS", "Oracle", "oracle_of"]

Check = Callable[[tuple[Any, ...], Any, Any], bool]
_ROOT_TOLERANCE = 1e-4


@dataclass(frozen=True, slots=True)
class Oracle:
    """How answers are judged.

    Attributes:
        view: What is asked of an answer.
        other: Another right answer, computed from the arguments.
        check: Decides instead of a comparison.
        accepts_all: Whether EvalPlus takes any answer for right.
    """

    view: View | None = None
    other: Callable[..., Any] | None = None
    check: Check | None = None
    accepts_all: bool = False

    @property
    def comparison(self) -> Comparison | None:
        """How an answer is compared; None: as usual."""
        if self.check is not None:
            return Comparison(kind="checker")
        if self.other is not None:
            return Comparison(kind="any_equal")
        return Comparison(kind="equal") if self.view is not None else None

    def expected(self, args: tuple[Any, ...], answer: Any) -> Any:
        """Return what is expected where the reference answers ``answer``."""
        if self.other is None:
            return answer
        try:
            return [answer, self.other(*args)]
        except (TypeError, ValueError, OverflowError):  # no number: there is no other answer
            return [answer]


def is_root(args: tuple[Any, ...], expected: Any, output: Any) -> bool:
    """Return whether the polynomial with the given coefficients is nearly 0 there."""
    (coefficients,) = args
    value: float = sum(c * math.pow(output, power) for power, c in enumerate(coefficients))
    return abs(value) <= _ROOT_TOLERANCE


def pyramid_surface(base_edge: float, height: float) -> int:
    """Return a square pyramid's rounded surface, given its height; the reference takes the slant height."""
    return round(base_edge**2 + 2 * base_edge * math.hypot(base_edge / 2, height))


def digit_distance(one: int, other: int) -> int:
    """Return the sum of the differences between the digits of two numbers, the shorter one padded with zeros."""
    width = max(len(str(one)), len(str(other)))
    pairs = zip(str(one).zfill(width), str(other).zfill(width), strict=True)
    return sum(abs(int(a) - int(b)) for a, b in pairs)


CHECKS: dict[str, Check] = {"is_root": is_root}

_AS_SET = (
    *("similar_elements", "find_char_long", "common_in_nested_lists", "extract_singly"),
    *("larg_nnum", "intersection_array", "find_dissimilar", "Diff"),
)
_PRESENT = ("check_str", "text_match_three", "text_starta_endb")
_ORACLES: dict[tuple[str, str], Oracle] = {
    ("humaneval", "find_zero"): Oracle(check=is_root),
    ("mbpp", "are_equivalent"): Oracle(accepts_all=True),
    ("mbpp", "sum_div"): Oracle(other=lambda *args: 0),
    ("mbpp", "surface_Area"): Oracle(other=pyramid_surface),
    ("mbpp", "digit_distance_nums"): Oracle(other=digit_distance),
    **{("mbpp", name): Oracle(view="set") for name in _AS_SET},
    **{("mbpp", name): Oracle(view="present") for name in _PRESENT},
}


def oracle_of(benchmark: str, entry_point: str) -> Oracle:
    """Return how the answers of a task are judged."""
    return _ORACLES.get((benchmark, entry_point), Oracle())
