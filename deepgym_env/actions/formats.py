"""Finds the calls in an action, whatever of the known formats it is in; checks none of them.

- :func:`find_calls`: an action to :class:`Found`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepgym_env.actions.markup import Scan, scan, without_leading_thinking
from deepgym_env.actions.tools import Tool
from deepgym_env.actions.values import MalformedActionError, did_you_mean, read_json, shown
from deepgym_env.extraction import Block

__all__ = ["ARGUMENTS", "MAX_CALLS", "NAMES", "Found", "find_calls"]

MAX_CALLS = 64
ARGUMENTS = ("arguments", "args", "parameters", "input")
NAMES = ("name", "tool")
_MESSAGE = ("role", "content", "tool_calls", "function_call")
_TEXTS = ("text", "output_text")
_THOUGHTS = ("thinking", "redacted_thinking", "reasoning")
_HINTS = 10
_CALL_LIKE = re.compile(r'<tool_call>|<function=|^\s*\{\s*"(?:name|tool|tool_calls)"\s*:')
_TAG = re.compile(r"<([A-Za-z_][\w-]{1,40})>")


@dataclass(frozen=True)
class Found:
    """Calls not checked yet, the text around them, and a hint for where there is none."""

    calls: list[Any]
    text: str
    hint: str = ""


def find_calls(value: Any, tools: Mapping[str, Tool], fences: Mapping[str, tuple[str, str]]) -> Found:
    """Return the calls in ``value``, which is :func:`~deepgym_env.actions.values.plain`.

    Raises:
        MalformedActionError: If it isn't in any format, or a call in it isn't whole.
    """
    return _Finder(tools, fences).read(value)


class _Finder:
    """Finds the calls of one action."""

    def __init__(self, tools: Mapping[str, Tool], fences: Mapping[str, tuple[str, str]]) -> None:
        self._tools = tools
        self._fences = fences

    def read(self, value: Any, nested: bool = False) -> Found:
        """Return what is in ``value``; ``nested``: it comes from JSON, texts in it are no JSON again."""
        if isinstance(value, str):
            return self._read_text(value, nested)
        if isinstance(value, dict):
            return self._read_dict(value, nested)
        if isinstance(value, list):
            return self._read_list(value, nested)
        raise MalformedActionError(f"an action is a text or a tool call as a dict, got {shown(value)}")

    def _read_dict(self, value: dict[str, Any], nested: bool) -> Found:
        content = value.get("content")
        around = without_leading_thinking(content).strip() if isinstance(content, str) else ""
        if calls := value.get("tool_calls"):
            if not isinstance(calls, list):
                raise MalformedActionError(f"'tool_calls' must be a list, got {shown(calls)}")
            return Found(calls, around)
        if value.get("function_call"):
            return Found([value["function_call"]], around)
        if _is_call(value):
            return Found([value], "")
        if isinstance(content, (str, list)):
            return self.read(content, nested)
        if content is None and ("role" in value or "content" in value):
            return Found([], "")
        raise MalformedActionError(f"a dict with the keys {_keys(value)} is no tool call")

    def _read_list(self, items: list[Any], nested: bool) -> Found:
        """Read a list of messages (the assistant's last one counts), of content parts, or of calls."""
        if any(isinstance(item, dict) and "role" in item for item in items):
            said = [item for item in items if isinstance(item, dict) and item.get("role") == "assistant"]
            if not said:
                raise MalformedActionError("there is no message of the assistant in the list")
            return self._read_dict(said[-1], nested)
        parts = [item for item in items if not _is_thought(item)]
        texts = [item["text"] for item in parts if _is_text(item)]
        others = [self._read_part(item, nested) for item in parts if not _is_text(item)]
        calls = [call for found in others for call in found.calls]
        if texts and not calls:
            return self._read_text("\n".join(texts), nested)
        return Found(calls, "\n".join(filter(None, [*texts, *(found.text for found in others)])).strip())

    def _read_part(self, item: Any, nested: bool) -> Found:
        if not isinstance(item, dict):
            raise MalformedActionError(f"a list of tool calls holds dicts, got {shown(item)}")
        return self._read_dict(item, nested)

    def _read_text(self, text: str, nested: bool) -> Found:
        value, hint = (None, "") if nested else _whole_json(text)
        if value is not None:
            return self.read(value, nested=True)
        scanned = scan(text, self._tools, MAX_CALLS)
        if scanned.calls:
            return Found(scanned.calls, scanned.text)
        return self._read_blocks(scanned, hint)

    def _read_blocks(self, scanned: Scan, hint: str) -> Found:
        """Return the calls that fenced blocks stand for."""
        pieces = [(source, block, self._meaning(block)) for source, block in scanned.pieces]
        last = max(
            (index for index, (*_, meaning) in enumerate(pieces) if meaning and meaning[0] == "submit"), default=0
        )
        calls = [
            {"name": meaning[0], "arguments": {meaning[1]: block.code}}
            for index, (_, block, meaning) in enumerate(pieces)
            if block and meaning and (meaning[0] != "submit" or index == last)
        ]
        text = "".join(source for source, _, meaning in pieces if meaning is None).strip()
        return Found(calls, text, "" if calls else hint or self._hint(scanned))

    def _meaning(self, block: Block | None) -> tuple[str, str] | None:
        return self._fences.get(block.language.lower()) if block else None

    def _hint(self, scanned: Scan) -> str:
        """Return what was probably meant by a text without calls."""
        if scanned.thinking:
            return "The text ends within <think>: close it by </think> before the call. "
        if any(block and _CALL_LIKE.search(block.code) for _, block in scanned.pieces):
            return "A call in a fenced block is taken as text: write it outside of the fence. "
        for tag in list(dict.fromkeys(_TAG.findall(scanned.text)))[:_HINTS]:
            if near := did_you_mean(tag, self._tools):
                return f"There is no tool {tag!r}{near}. "
        return ""


def _whole_json(text: str) -> tuple[Any, str]:
    """Return the call or calls that ``text`` is as a whole or None, and a hint if it seems to be one but isn't."""
    answer = without_leading_thinking(text).strip()
    if not answer.startswith(("{", "[")):
        answer = text.partition("</think>")[2].strip()  # of thinking that began in the prompt
    if not answer.startswith(("{", "[")):
        return None, ""
    try:
        value, end = read_json(answer)
    except MalformedActionError as exc:
        return None, f"If it is meant as JSON: {exc}. " if answer.startswith("{") else ""
    return (value, "") if end == len(answer) and _is_action(value) else (None, "")


def _is_action(value: Any) -> bool:
    if isinstance(value, list):
        return bool(value) and all(isinstance(item, dict) and _is_action(item) for item in value)
    return isinstance(value, dict) and (_is_call(value) or not value.keys().isdisjoint(_MESSAGE))


def _is_call(value: dict[str, Any]) -> bool:
    return "role" not in value and any(key in value for key in (*NAMES, "function"))


def _is_text(item: Any) -> bool:
    return isinstance(item, dict) and item.get("type") in _TEXTS and isinstance(item.get("text"), str)


def _is_thought(item: Any) -> bool:
    return isinstance(item, dict) and item.get("type") in _THOUGHTS


def _keys(value: dict[str, Any]) -> str:
    return ", ".join(shown(key) for key in list(value)[:_HINTS]) or "(none)"
