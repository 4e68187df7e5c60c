"""What an agent did in a turn, read from the action as it was logged.

- :func:`read_action`: an action to :class:`Said`: free text and :class:`Call`, in order.
- :func:`answers`: what was answered to each call.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from deepgym_env.actions import Tool
from deepgym_env.actions.formats import ARGUMENTS, NAMES, find_calls
from deepgym_env.actions.values import MalformedActionError
from deepgym_env.envs.workspace_episode import WorkspaceEpisode
from deepgym_env.episodes import Turn
from deepgym_env.extraction import extract_code
from deepgym_env.viewer.text import as_text

__all__ = ["Call", "Said", "answers", "logged_tools", "read_action"]

_FENCED = "```"


@dataclass(frozen=True, slots=True)
class Call:
    """A call of a tool, its arguments as they were given."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """An action.

    Attributes:
        text: What was written around the calls.
        calls: The calls.
        made: Whether they were made: a malformed action does nothing.
    """

    text: str
    calls: tuple[Call, ...]
    made: bool


def logged_tools(schemas: list[Any]) -> dict[str, Tool]:
    """Return the tools of an episode by name, as its log describes them; they can be looked at, not called."""
    tools = {}
    for schema in schemas:
        function = schema.get("function") if isinstance(schema, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            parameters = function.get("parameters")
            known = parameters if isinstance(parameters, dict) else {}
            if not isinstance(known.get("properties"), dict):
                known = {"properties": {}}
            tools[function["name"]] = Tool(function["name"], "", known, _uncallable, BaseModel)
    return tools


def read_action(turn: Turn, tools: Mapping[str, Tool]) -> Said:
    """Return what a turn's action says; text without a call is a submission where code can be submitted.

    Args:
        turn: The turn.
        tools: The tools of its episode.
    """
    made = turn.info.get("action_valid") is not False
    if turn.action_lost:
        return Said(f"[an action of the type {turn.action_lost}, which a log can't hold]", (), made)
    if not isinstance(turn.action, str | dict | list) or not tools:
        return Said(as_text(turn.action), (), made)
    try:
        found = find_calls(turn.action, tools, WorkspaceEpisode.fences if "bash" in tools else {})
        calls = tuple(map(_call, found.calls))
    except (MalformedActionError, RecursionError, ValueError, KeyError, TypeError, AttributeError):
        return Said(as_text(turn.action), (), made)
    if calls or not isinstance(turn.action, str):
        return Said(found.text or ("" if calls else as_text(turn.action)), calls, made)
    code = extract_code(turn.action) if made and _takes_code(tools) else ""
    if not code:
        return Said(turn.action, (), made)
    return Said(_without(turn.action, code), (Call("submit", {"code": code}),), made)


def answers(calls: tuple[Call, ...], observation: str) -> list[str]:
    """Return the answer to each call: of several, an observation holds them one below the other, numbered."""
    if len(calls) < 2:
        return [observation] * len(calls)
    parts: list[str] = []
    start = 0
    for number, call in enumerate(calls, 1):
        heading = re.compile(rf"^\[{number}\] {re.escape(call.name)}$", re.MULTILINE).search(observation, start)
        if heading is None:
            break
        if parts:
            parts[-1] = observation[start : heading.start()].strip("\n")
        start = heading.end()
        parts.append(observation[start:].strip("\n"))
    return [*parts, *[""] * (len(calls) - len(parts))]


def _call(value: Any) -> Call:
    function = value.get("function") if isinstance(value.get("function"), dict) else value
    name = next((function[key] for key in NAMES if isinstance(function.get(key), str)), None)
    if name is None:
        raise MalformedActionError("a call names a tool")
    arguments: Any = next((function[key] for key in ARGUMENTS if key in function), {})
    if isinstance(arguments, str):
        arguments = json.loads(arguments) if arguments.strip() else {}
    if not isinstance(arguments, dict):
        raise MalformedActionError("arguments are an object")
    return Call(name, {str(key): value for key, value in arguments.items()})


def _takes_code(tools: Mapping[str, Tool]) -> bool:
    return "submit" in tools and "code" in tools["submit"].parameters["properties"]


def _without(text: str, code: str) -> str:
    """Return the text around the code that was taken from it."""
    if text.strip() == code.strip():
        return ""
    before, found, after = text.rpartition(code)
    if not found:
        return text
    lines = before.rstrip("\n").split("\n")
    opening = lines.pop() if lines[-1].lstrip().startswith((_FENCED, "~~~")) else None
    rest = after.lstrip().lstrip("`~") if opening is not None else after
    return "\n".join([*lines, rest]).strip()


def _uncallable() -> None:
    raise NotImplementedError
