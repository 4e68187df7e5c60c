"""What a model wrote, as tool calls; nothing it writes raises.

- :class:`ToolCall`, :class:`ParsedAction`
- :func:`parse_action`

Dicts: ``{"name", "arguments"}``; OpenAI's ``tool_calls`` and ``function_call``; Anthropic's
``tool_use``; messages, and lists of any of these.

Texts, the first of these that there is: a text that is JSON of such a dict as a whole; explicit calls,
which are Hermes ``<tool_call>{...}</tool_call>``, Qwen ``<function=bash><parameter=command>...`` and
``<bash>ls</bash>`` for known tools; fenced blocks in a language that stands for a tool. What is within
``<think>`` counts for nothing. The content of a tag is taken as it is, without entities, less one line
break at both its ends; it can't hold its own closing tag followed by another tag of the call.

An action is taken as a whole: if one call of it is malformed, none is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from deepgym_env.actions.formats import ARGUMENTS, MAX_CALLS, NAMES, find_calls
from deepgym_env.actions.tools import Tool, ToolArgumentError, example_call
from deepgym_env.actions.values import MalformedActionError, did_you_mean, nearest, plain, read_json, shown

__all__ = ["ParsedAction", "ToolCall", "parse_action"]

_BESIDES = frozenset({"id", "call_id", "type", "index"})
_NO_FENCES: Mapping[str, tuple[str, str]] = MappingProxyType({})


@dataclass(frozen=True)
class ToolCall:
    """A call of a tool, with arguments that its schema admits, and the id that a chat API gave it."""

    name: str
    arguments: dict[str, Any]
    id: str = ""


@dataclass(frozen=True)
class ParsedAction:
    """The calls of an action.

    Attributes:
        calls: In order; none if there is an error.
        error: What is wrong and how to call, for the model to read; empty if the action is valid.
        text: The free text around the calls.
        attempted: Whether there was something like a call; else the action is text and nothing more.
    """

    calls: tuple[ToolCall, ...]
    error: str
    text: str
    attempted: bool = True


def parse_action(
    action: object, tools: Sequence[Tool], *, fences: Mapping[str, tuple[str, str]] = _NO_FENCES
) -> ParsedAction:
    """Return the calls in an action of any type; never raises.

    Args:
        action: What a model wrote, or a tool call or chat message as a dict, or a list of these.
        tools: The tools there are.
        fences: ``{language: (tool, parameter)}``: what a fenced block in a language does. Of the
            blocks that stand for ``submit`` only the last counts.

    Example:
        >>> def bash(command: str) -> str:
        ...     '''Run a command.'''
        >>> tools = [Tool.from_function(bash, skip=0)]
        >>> parse_action("Look: <bash>ls</bash>", tools).calls
        (ToolCall(name='bash', arguments={'command': 'ls'}, id=''),)
        >>> print(parse_action({"name": "bsh", "arguments": {}}, tools).error.splitlines()[0])
        No call was made: there is no tool 'bsh' (did you mean 'bash'?); the tools are bash.
    """
    known = {tool.name: tool for tool in tools}
    checker = _Checker(known)
    try:
        found = find_calls(plain(action), known, fences)
        if not found.calls:
            return ParsedAction((), checker.teach_from_nothing(found.hint, fences), found.text, attempted=False)
        return ParsedAction(checker.check(found.calls), "", found.text)
    except ToolArgumentError as exc:
        return ParsedAction((), f"No call was made: {checker.where}{exc}", "")
    except MalformedActionError as exc:
        return ParsedAction((), f"No call was made: {checker.where}{exc}.\n{checker.teach(exc.tool)}", "")


class _Checker:
    """Checks the calls of one action and says how to call; ``where`` names the call at hand."""

    def __init__(self, tools: Mapping[str, Tool]) -> None:
        self.where = ""
        self._tools = tools

    def check(self, calls: Sequence[Any]) -> tuple[ToolCall, ...]:
        """Return the calls with their arguments checked."""
        if len(calls) > MAX_CALLS:
            raise MalformedActionError(f"an action may hold {MAX_CALLS} calls; this one holds more")
        checked = []
        for number, call in enumerate(calls, start=1):
            self.where = f"call {number} of {len(calls)}: " if len(calls) > 1 else ""
            checked.append(self._check_one(call))
        return tuple(checked)

    def _check_one(self, call: Any) -> ToolCall:
        if not isinstance(call, dict):
            raise MalformedActionError(f"a tool call is an object, got {shown(call)}")
        inner = call.get("function", call)
        if not isinstance(inner, dict):
            raise MalformedActionError(f"'function' must be an object with 'name' and 'arguments', got {shown(inner)}")
        tool = self._tool(_only(inner, NAMES))
        identity = next((call[key] for key in ("id", "call_id") if isinstance(call.get(key), str)), "")
        return ToolCall(tool.name, tool.check(_arguments(inner, tool)), identity)

    def _tool(self, name: Any) -> Tool:
        if isinstance(name, str) and name in self._tools:
            return self._tools[name]
        if not isinstance(name, str):
            raise MalformedActionError(f"the call needs the name of a tool in 'name', got {shown(name)}")
        near = nearest(name, self._tools)
        message = f"there is no tool {shown(name)}{did_you_mean(name, self._tools)}; {self._known()}"
        raise MalformedActionError(message, near[0] if near else "")

    def _known(self) -> str:
        return f"the tools are {', '.join(self._tools)}" if self._tools else "there are no tools"

    def teach(self, name: str) -> str:
        """Return how to call the tool ``name``, or any if it is unknown."""
        if tool := self._tools.get(name):
            return f"{tool.schema_line()}\nCall it like this:\n{example_call(tool)}"
        if not self._tools:
            return "There are no tools."
        return f"Call a tool like this:\n{example_call(next(iter(self._tools.values())))}"

    def teach_from_nothing(self, hint: str, fences: Mapping[str, tuple[str, str]]) -> str:
        """Return what to do instead of an action without calls."""
        languages = [language for language in fences if language]
        blocks = f"\nFenced blocks in {', '.join(languages)} are calls too." if languages else ""
        tools = f"The tools are {', '.join(self._tools)}." if self._tools else ""
        found = f"No tool call was found. {hint}{tools}".rstrip()
        return f"{found}\n{self.teach('')}{blocks}"


def _only(call: dict[str, Any], keys: Sequence[str]) -> Any:
    """Return the value under one of ``keys``, or None if there is none."""
    given = [key for key in keys if key in call]
    if len(given) > 1:
        raise MalformedActionError(f"the call has {' and '.join(map(repr, given))}, which mean the same: give one")
    return call[given[0]] if given else None


def _arguments(call: dict[str, Any], tool: Tool) -> Any:
    value = _only(call, ARGUMENTS)
    others = [key for key in call if key not in (*ARGUMENTS, *NAMES, *_BESIDES)]
    if others and not any(key in call for key in ARGUMENTS):
        near = did_you_mean(others[0], ARGUMENTS[:1])
        raise MalformedActionError(f"the call has no 'arguments', but {shown(others[0])}{near}", tool.name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return {}
    if not isinstance(value, str):
        return value
    text = value.strip()
    try:
        value, end = read_json(text)
    except MalformedActionError as exc:
        raise MalformedActionError(f"the arguments of {tool.name}: {exc}", tool.name) from None
    if end < len(text):
        rest = shown(text[end : end + 20])
        raise MalformedActionError(f"the arguments of {tool.name}: {rest} follows the JSON object", tool.name)
    return value
