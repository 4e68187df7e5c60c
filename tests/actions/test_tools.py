from __future__ import annotations

import asyncio
import functools
import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, Field

from deepgym_env.actions import Tool, ToolArgumentError, describe_tools, parse_action
from deepgym_env.errors import ConfigError, DeepGymError

if TYPE_CHECKING:
    from nowhere import Session


async def everything(
    session: Session,
    path: str,
    mode: Literal["r", "w"],
    count: int = 3,
    ratio: float | None = None,
    names: list[str] = [],  # noqa: B006
    table: dict[str, Any] | None = None,
    deep: bool = False,
) -> str:
    """Do everything,
    at once.

    And more.

    Args:
        session: Not a parameter of the tool.
        path: Where,
            and how: in two lines.
        mode (str, optional): Which way.
        count: How often.
        names:

    Returns:
        path: this is no parameter.
    """
    return path


TOOL = Tool.from_function(everything)


def plain(command: str) -> str:
    """Run."""
    return command


def test_schema_of_a_function():
    assert TOOL.schema() == {
        "type": "function",
        "function": {
            "name": "everything",
            "description": "Do everything, at once.\n\nAnd more.",
            "parameters": {
                "type": "object",
                "properties": {
                    "path": {"type": "string", "description": "Where, and how: in two lines."},
                    "mode": {"type": "string", "enum": ["r", "w"], "description": "Which way."},
                    "count": {"type": "integer", "default": 3, "description": "How often."},
                    "ratio": {"anyOf": [{"type": "number"}, {"type": "null"}], "default": None},
                    "names": {"type": "array", "items": {"type": "string"}, "default": []},
                    "table": {
                        "anyOf": [{"type": "object", "additionalProperties": True}, {"type": "null"}],
                        "default": None,
                    },
                    "deep": {"type": "boolean", "default": False},
                },
                "required": ["path", "mode"],
                "additionalProperties": False,
            },
        },
    }


def test_a_schema_is_fresh_each_time():
    TOOL.schema()["function"]["parameters"]["properties"].clear()
    assert TOOL.schema()["function"]["parameters"]["properties"]
    assert TOOL.check({"path": "p", "mode": "r"})


def test_the_function_stays_callable():
    assert asyncio.run(TOOL.function(None, **TOOL.check({"path": "p", "mode": "w"}))) == "p"
    assert (TOOL.name, TOOL.function) == ("everything", everything)
    assert Tool.from_function(everything) == TOOL


def test_methods_and_decorated_functions_are_tools():
    class Bench:
        def measure(self, title: str, copy: int, _x: int = 0) -> None:
            """Measure."""

    @functools.wraps(plain)
    def wrapped(*args: Any, **kwargs: Any) -> str:
        return plain(*args, **kwargs)

    tool = Tool.from_function(Bench().measure, skip=0)
    assert list(tool.parameters["properties"]) == ["title", "copy", "_x"]
    assert tool.check({"title": "a", "copy": 1}) == {"title": "a", "copy": 1}
    assert Tool.from_function(wrapped, skip=0).parameters["required"] == ["command"]


def test_constraints_and_models_are_kept_and_titles_dropped():
    class Point(BaseModel):
        title: str
        y: int = 0

    def draw(points: list[Point], width: Annotated[int, Field(ge=1, description="Pixels.")] = 1) -> None:
        """Draw."""

    draw.__annotations__ = {"points": list[Point], "width": Annotated[int, Field(ge=1, description="Pixels.")]}
    tool = Tool.from_function(draw, skip=0)
    assert tool.parameters["properties"]["width"] == {
        "type": "integer",
        "minimum": 1,
        "default": 1,
        "description": "Pixels.",
    }
    point = tool.parameters["$defs"]["Point"]
    assert point["properties"] == {"title": {"type": "string"}, "y": {"type": "integer", "default": 0}}
    assert tool.check({"points": [{"title": "a"}]}) == {"points": [Point(title="a")]}
    with pytest.raises(ToolArgumentError, match=r"'points'\[0\]\['title'\].*Field required"):
        tool.check({"points": [{}]})


def no_docstring(a: int) -> None: ...


def no_annotation(a) -> None:
    """Do."""


def no_description(a: int) -> None:
    """
    Args:
        a: Only this.
    """


def positional(a: int, /) -> None:
    """Do."""


def starred(*a: int) -> None:
    """Do."""


def unresolved(a: Nowhere) -> None:  # noqa: F821
    """Do."""


def unknown_argument(a: int) -> None:
    """Do.

    Args:
        b: Renamed since.
    """


class Unknown: ...


def unchecked(a: Unknown) -> None:
    """Do."""


def without_schema(a: Callable[[], None]) -> None:
    """Do."""


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (no_docstring, "'no_docstring' needs a docstring"),
        (no_annotation, "parameter 'a' needs a type annotation"),
        (no_description, "needs a docstring"),
        (positional, "can't be given by name"),
        (starred, "can't be given by name"),
        (unresolved, "can't be resolved: name 'Nowhere' is not defined"),
        (unknown_argument, r"describes \['b'\], but its parameters are \['a'\]"),
        (unchecked, "type can't be checked"),
        (without_schema, "has no JSON Schema"),
        (lambda a: a, "a tool is made from a function named"),
        (functools.partial(plain, "ls"), "a tool is made from a function named"),
    ],
)
def test_a_function_that_says_too_little_is_refused(function, message):
    with pytest.raises(ConfigError, match=message):
        Tool.from_function(function, skip=0)


def test_more_skipped_than_there_are():
    with pytest.raises(ConfigError, match="has 1 parameters, fewer than the 2"):
        Tool.from_function(plain, skip=2)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ({"count": 5}, {"count": 5}),
        ({"count": "5"}, {"count": 5}),
        ({"count": " 5 "}, {"count": 5}),
        ({"count": 5.0}, {"count": 5}),
        ({"ratio": "0.5"}, {"ratio": 0.5}),
        ({"ratio": 1}, {"ratio": 1.0}),
        ({"ratio": None}, {"ratio": None}),
        ({"ratio": "null"}, {"ratio": None}),
        ({"deep": "true"}, {"deep": True}),
        ({"deep": "False"}, {"deep": False}),
        ({"names": '["a", "b"]'}, {"names": ["a", "b"]}),
        ({"table": '{"a": [1]}'}, {"table": {"a": [1]}}),
        ({"count": "1", "names": "[]"}, {"count": 1, "names": []}),
        ({"path": "[]"}, {"path": "[]"}),
        ({"path": "5"}, {"path": "5"}),
    ],
)
def test_harmless_differences_are_let_through(given, taken):
    assert TOOL.check({"path": "p", "mode": "r", **given}) == {"path": "p", "mode": "r", **taken}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"mode": "r"}, "everything: the argument 'path' is missing."),
        ({}, "everything: the argument 'path' is missing; the argument 'mode' is missing."),
        ({"pth": "p", "mode": "r"}, "it has no argument 'pth' (did you mean 'path'?); the argument 'path' is missing."),
        ({"path": "p", "mode": "r", "zzz": 1}, "it has no argument 'zzz'."),
        ({"path": "p", "mode": "r", 5: 1}, "it has no argument 5."),
        ({"path": 5, "mode": "r"}, "the argument 'path' is wrong: Input should be a valid string, got 5."),
        ({"path": None, "mode": "r"}, "the argument 'path' is wrong: Input should be a valid string, got null."),
        ({"path": "p", "mode": "x"}, "the argument 'mode' is wrong: Input should be 'r' or 'w', got 'x'."),
        ({"path": "p", "mode": "r", "count": "many"}, "unable to parse string as an integer, got 'many'."),
        ({"path": "p", "mode": "r", "count": 5.5}, "the argument 'count' is wrong"),
        ({"path": "p", "mode": "r", "count": True}, "'count' is wrong: it should be a number, got true."),
        ({"path": "p", "mode": "r", "ratio": True}, "'ratio' is wrong: it should be a number, got true."),
        ({"path": "p", "mode": "r", "ratio": float("nan")}, "Input should be a finite number, got nan."),
        ({"path": "p", "mode": "r", "ratio": "Infinity"}, "Input should be a finite number"),
        ({"path": "p", "mode": "r", "names": 10**5000}, "got an integer of 16,610 bits"),
        ({"path": "p", "mode": "r", "names": "a, b"}, "Input should be a valid list, got 'a, b'."),
        ({"path": "p", "mode": "r", "names": ["a", 1]}, "the argument 'names'[1] is wrong"),
        ({"path": "p", "mode": "r", "names": "[1] [2]"}, "Input should be a valid list"),
        (["path"], "its arguments must be an object, got a list."),
        (None, "its arguments must be an object, got null."),
    ],
)
def test_wrong_arguments_teach(arguments, message):
    with pytest.raises(ToolArgumentError) as caught:
        TOOL.check(arguments)
    error = str(caught.value)
    assert message in error
    first, second = error.split("\n")
    assert second == f"Schema of everything: {json.dumps(TOOL.parameters)}"
    assert first.startswith("everything: ")
    assert isinstance(caught.value, (DeepGymError, ValueError))


def test_complaints_stay_short():
    with pytest.raises(ToolArgumentError) as caught:
        TOOL.check({f"{number}" * 10_000: 1 for number in range(1000)})
    assert len(str(caught.value)) < 3000


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()) | st.integers(), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from([*TOOL.parameters["properties"], "x", 1]), VALUES))
def test_any_arguments_are_taken_or_refused(arguments):
    try:
        checked = TOOL.check(arguments)
    except ToolArgumentError:
        return
    assert checked.keys() == arguments.keys()
    assert TOOL.check(checked) == checked


def test_description_of_tools():
    text = describe_tools([TOOL, Tool.from_function(plain, skip=0)])
    assert text.splitlines()[:8] == [
        "## Tools",
        "",
        '- `everything(path: string, mode: "r" | "w", count: integer = 3, ratio: number | null = null, '
        "names: array of string = [], table: object | null = null, deep: boolean = false)`: "
        "Do everything, at once. And more.",
        "  - `path`: Where, and how: in two lines.",
        "  - `mode`: Which way.",
        "  - `count`: How often.",
        "- `plain(command: string)`: Run.",
        "",
    ]
    assert describe_tools([]) == ""


@pytest.mark.parametrize("tools", [[TOOL], [Tool.from_function(plain, skip=0)]])
def test_the_example_of_a_description_is_a_valid_call(tools: Sequence[Tool]):
    parsed = parse_action(describe_tools(tools), tools)
    assert parsed.error == ""
    assert [call.name for call in parsed.calls] == [tools[0].name]
