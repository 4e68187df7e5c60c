"""Tests whose outcome is known beforehand, mixed among a suite's own.

- :class:`Canary`: one of them; :func:`draw`: some, with the source to put behind a suite.

Where a submission has made assertions pass, or fail, the canaries sing. Names, values and places are drawn
anew each time, so a submission can't be written with them in mind.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Canary", "draw"]

_WORDS = (
    "basic empty single large small negative mixed order value result input case list text edge normal simple nested"
    " default zero unit range repeat invalid valid many first last type error short long"
).split()
# For each: statements that hold, and statements that don't.
_BODIES = (
    ("self.assertEqual({a}, {a})", "self.assertEqual({a}, {b})"),
    ("self.assertEqual('{a}', str({a}))", "self.assertEqual('{a}', str({b}))"),
    ("self.assertEqual([{a}, {b}], [{a}, {b}])", "self.assertEqual([{a}, {b}], [{b}, {a}])"),
    ("self.assertTrue({a} < {b})", "self.assertTrue({a} > {b})"),
    ("self.assertFalse({a} > {b})", "self.assertFalse({a} < {b})"),
    ("self.assertIn({a}, [{b}, {a}])", "self.assertIn({a}, [{b}, {b} + 1])"),
    ("self.assertIsNone(None)", "self.assertIsNone({a})"),
    ("self.assertIsInstance({a}, int)", "self.assertIsInstance({a}, str)"),
    ("self.assertAlmostEqual({a} / 3, {a} * 1.0 / 3)", "self.assertAlmostEqual({a} / 3, {b} / 3)"),
    ("self.assertGreater({b}, {a})", "self.assertGreater({a}, {b})"),
    ("self.assertNotEqual({a}, {b})", "self.assertNotEqual({a}, {a})"),
    ("self.assertDictEqual({{{a}: 1}}, {{{a}: 1}})", "self.assertDictEqual({{{a}: 1}}, {{{b}: 1}})"),
    ("assert len([{a}, {b}]) == 2", "assert len([{a}, {b}]) == 3"),
    ("assert isinstance({a}, int)", "assert isinstance({a}, str)"),
    (
        "with self.assertRaises(ValueError):\n            int('{a}x')",
        "with self.assertRaises(ValueError):\n            int('{a}')",
    ),
    (
        "with self.subTest(n={a}):\n            self.assertEqual({a}, {a})",
        "with self.subTest(n={a}):\n            self.assertEqual({a}, {b})",
    ),
    ("self.assertTrue({a})", "self.skipTest('{a}')"),
    ("self.assertRaises(KeyError, lambda: {{}}[{a}])", "self.assertRaises(KeyError, lambda: {{{a}: 1}}[{a}])"),
)
_FUNCTION_BODIES = (
    ("assert {a} == {a}", "assert {a} == {b}"),
    ("assert '{a}' == str({a})", "assert '{a}' == str({b})"),
    ("assert {a} < {b}", "assert {a} > {b}"),
    ("assert {a} in [{b}, {a}]", "assert {a} in [{b}, {b} + 1]"),
    ("assert isinstance({a}, int)", "assert isinstance({a}, str)"),
    ("assert {a}", "pytest.xfail('{a}')"),
    ("assert {b}", "pytest.skip('{b}')"),
    ("assert sorted([{b}, {a}]) == [{a}, {b}]", "assert sorted([{a}, {b}]) == [{b}, {a}]"),
    ("assert {a} / 3 == pytest.approx({a} / 3)", "assert {a} / 3 == pytest.approx({b} / 3)"),
    (
        "with pytest.raises(ValueError):\n        int('{a}x')",
        "with pytest.raises(ValueError):\n        int('{a}')",
    ),
)


@dataclass(frozen=True, slots=True)
class Canary:
    """A test whose outcome is known.

    Attributes:
        name: The test's name in the suite.
        passes: Whether it has to pass.
    """

    name: str
    passes: bool


def draw(framework: str) -> tuple[list[Canary], str]:
    """Return canaries of each sort, one that passes and one that fails, and their source."""
    class_name = f"Test{_word().title()}{_word().title()}_{secrets.token_hex(3)}"
    canaries, methods = _written(_BODIES, f"{class_name}.", "    def {}(self):\n        {}\n")
    source = f"import unittest\n\n\nclass {class_name}(unittest.TestCase):\n" + "\n".join(methods)
    if framework == "pytest":
        more, functions = _written(_FUNCTION_BODIES, "", "def {}():\n    {}\n")
        canaries += more
        source = "\n\n".join(["import pytest", source, *functions])
    secrets.SystemRandom().shuffle(canaries)
    return canaries, source


def _written(bodies: Sequence[tuple[str, str]], prefix: str, form: str) -> tuple[list[Canary], list[str]]:
    """Return a pair of canaries for each pair of statements, and their sources in an order of their own."""
    canaries, lines = [], []
    for pair in bodies:
        for passes, body in zip((True, False), pair, strict=True):
            low = secrets.randbelow(90_000) + 1_000
            name = f"test_{_word()}_{_word()}_{secrets.token_hex(3)}"
            canaries.append(Canary(prefix + name, passes))
            lines.append(form.format(name, body.format(a=low, b=low + secrets.randbelow(9_000) + 7)))
    secrets.SystemRandom().shuffle(lines)
    return canaries, lines


def _word() -> str:
    return secrets.choice(_WORDS)
