"""Types that JSON has lost, found again: MBPP+ stores tuples and sets as lists, complex numbers as text.

The file also has the original asserts, whose arguments are the base inputs as Python wrote them. Held
side by side they tell what a list at each place really is; that holds for all other inputs.

- :class:`Shape`: what the values at one place are.
- :func:`shapes_of`: the shapes of a function's arguments.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Shape", "shapes_of"]

_SEQUENCES = (list, tuple, set, frozenset)
_NUMBERS = {int, float, complex}


@dataclass(slots=True)
class Shape:
    """What the values at one place are.

    Attributes:
        sequences: What a JSON list is: how often each type was seen.
        others: Types seen that are no containers.
        inside: The shape of what is in it: of members, or of a dict's values.
    """

    sequences: Counter[type] = field(default_factory=Counter)
    others: set[type] = field(default_factory=set)
    inside: Shape | None = None

    def learn(self, value: Any) -> None:
        """Take note of a value seen at this place."""
        if isinstance(value, _SEQUENCES):
            self.sequences[type(value)] += 1
            self._learn_inside(value)
        elif isinstance(value, dict):
            self._learn_inside(value.values())
        else:
            self.others.add(type(value))

    def _learn_inside(self, values: Iterable[Any]) -> None:
        for value in values:
            self.inside = self.inside or Shape()
            self.inside.learn(value)

    def restore(self, value: Any) -> Any:
        """Return what an argument in JSON really is."""
        if isinstance(value, str):  # JSON has no complex numbers
            return _number(value) if self.others and self.others <= _NUMBERS else value
        return self._restore(value, unseen=list, around=None)

    def _restore(self, value: Any, unseen: type, around: type | None) -> Any:
        """Restore a value in a sequence of type ``around``; lists where none was seen are ``unseen``."""
        inside = self.inside or Shape()
        if isinstance(value, list):
            made = self.sequences.most_common(1)[0][0] if self.sequences else unseen
            # Where tuples were seen in tuples, what is nested deeper than any example is one too.
            deeper = made if made is around else list
            return made(inside._restore(item, deeper, made) for item in value)
        if isinstance(value, dict):
            return {key: inside._restore(item, list, dict) for key, item in value.items()}
        return value


def _number(text: str) -> Any:
    for made in (float, complex):
        try:
            return made(text) if any(map(str.isdigit, text)) else text
        except ValueError:
            continue
    return text


def shapes_of(examples: Sequence[Sequence[Any]]) -> list[Shape]:
    """Return the shape of each argument, learnt from calls' arguments.

    Example:
        >>> [shape] = shapes_of([[[(1, 2), (3, 4)]]])
        >>> shape.restore([[5, 6]])
        [(5, 6)]
    """
    shapes = [Shape() for _ in range(max(map(len, examples), default=0))]
    for example in examples:
        for shape, value in zip(shapes, example, strict=False):
            shape.learn(value)
    return shapes
