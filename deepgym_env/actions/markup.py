"""Takes a text apart into tool calls, fenced blocks and words, in one pass and linear time.

- :func:`scan`: a text to :class:`Scan`.

Whatever begins first owns the text up to its end: thinking, a fenced block, a call. So a fence
within a file that a call writes is part of that file, and a call within a fence is code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, NamedTuple

from deepgym_env.actions.tools import Tool
from deepgym_env.actions.values import MalformedActionError, read_json, shown
from deepgym_env.extraction import BREAKS, FENCE, Block, read_block

__all__ = ["Scan", "scan", "without_leading_thinking"]

_MAX_PIECES = 20_000
_SPACE = re.compile(r"\s*")
_LEADING_THINKING = re.compile(r"\s*<think>.*?(?:</think>|\Z)", re.DOTALL)
_CALL_TAG = re.compile(r"</?tool_call>")
_NO_MENTION = r"(?!(?<=`)<[^<>`]*>`)"  # `<tool_call>` in words is no call
_FUNCTION = r"<function=(?P<function>[^<>\n]{1,100})>"
_NAME = re.compile(r'"name"\s*:\s*"([^"\\]{1,64})"')
_Read = tuple[dict[str, Any], int]


@dataclass
class Scan:
    """What a text is made of.

    Attributes:
        calls: The calls as ``{"name": ..., "arguments": ...}``, not checked.
        pieces: The text around them: words, and fenced blocks with their source.
        thinking: The text ends within ``<think>``.
    """

    calls: list[Any] = field(default_factory=list)
    pieces: list[tuple[str, Block | None]] = field(default_factory=list)
    thinking: bool = False

    @property
    def text(self) -> str:
        """Everything that is neither a call nor thinking."""
        return "".join(source for source, _ in self.pieces).strip()


def scan(text: str, tools: Mapping[str, Tool], most: int) -> Scan:
    """Return what ``text`` is made of; ``</think>`` alone ends thinking that began in the prompt.

    Stops behind the call that is one more than ``most``.

    Raises:
        MalformedActionError: If a call in it is malformed, or it has too many parts.
    """
    found, at = Scan(), 0
    events = _events(tuple(tools))
    while len(found.calls) <= most and (event := events.search(text, at)):
        if len(found.pieces) > _MAX_PIECES:
            raise MalformedActionError(f"a text may hold {_MAX_PIECES // 2:,} fenced blocks; this one holds more")
        found.pieces.append((text[at : event.start()], None))
        if event["fence"]:
            block = read_block(text, event.start(), event.end())
            found.pieces.append((text[event.start() : block.end], block))
            at = block.end
        elif event["think"]:
            end = text.find("</think>", event.end())
            found.thinking = end < 0
            at = len(text) if end < 0 else end + len("</think>")
        elif event["thought"]:
            found, at = Scan(), event.end()
        else:
            call, at = _read_call(text, event, events, tools)
            found.calls.append(call)
    found.pieces.append((text[at:], None))
    return found


def without_leading_thinking(text: str) -> str:
    """Return ``text`` from behind the ``<think>...</think>`` it begins with."""
    at = 0
    while thinking := _LEADING_THINKING.match(text, at):
        at = thinking.end()
    return text[at:]


@lru_cache(maxsize=64)
def _events(names: tuple[str, ...]) -> re.Pattern[str]:
    """Return the expression that finds whatever may begin; a fence may follow ``</think>`` at once."""
    tags = "|".join(map(re.escape, names)) or "(?!)"
    return re.compile(
        rf"(?P<fence>(?:^|(?<=[{BREAKS}])|(?<=</think>)){FENCE})|{_NO_MENTION}(?:(?P<think><think>)|(?P<thought></think>)"
        rf"|(?P<hermes><tool_call>)|{_FUNCTION}|<(?P<tag>{tags})\s*(?P<empty>/)?>)"
    )


def _read_call(text: str, event: re.Match[str], events: re.Pattern[str], tools: Mapping[str, Tool]) -> _Read:
    """Return the call that ``event`` begins and where it ends."""
    if event["hermes"]:
        return _read_hermes(text, event.end(), events, tools)
    if event["function"]:
        return _read_arguments(text, event.end(), event["function"], _QWEN)
    return _read_tag(text, event, tools)


def _read_hermes(text: str, at: int, events: re.Pattern[str], tools: Mapping[str, Tool]) -> _Read:
    at = _skip_space(text, at)
    inner = events.match(text, at)
    if inner and (inner["function"] or inner["tag"]):
        call, end = _read_call(text, inner, events, tools)
    elif text.startswith("{", at):
        call, end = _read_object(text, at)
    else:
        raise MalformedActionError(f"<tool_call> must be followed by a JSON object, not by {_found(text, at)}")
    behind = _skip_space(text, end)
    if text.startswith("</tool_call>", behind):
        return call, behind + len("</tool_call>")
    if _CALL_TAG.search(text, behind):  # only the last call may be left open
        raise MalformedActionError(f"</tool_call> must follow the call, not {_found(text, behind)}")
    return call, end


def _read_object(text: str, at: int) -> _Read:
    try:
        return read_json(text, at)
    except MalformedActionError as exc:
        named = _NAME.search(text, at, at + 200)
        raise MalformedActionError(f"in a <tool_call>, {exc}", named[1] if named else "") from None


def _read_tag(text: str, event: re.Match[str], tools: Mapping[str, Tool]) -> _Read:
    name, at = event["tag"], event.end()
    if event["empty"]:
        return {"name": name, "arguments": {}}, at
    form = _tag_form(name, tuple(tools[name].parameters["properties"]), tuple(tools))
    if form.opening.match(text, _skip_space(text, at)):
        return _read_arguments(text, at, name, form)
    end = text.find(form.end, at)
    if end < 0:
        raise MalformedActionError(f"<{name}> is not closed by {form.end}", name)
    return {"name": name, "arguments": _content_arguments(text[at:end], tools[name])}, end + len(form.end)


def _content_arguments(content: str, tool: Tool) -> dict[str, Any]:
    """Return the arguments meant by a tag that holds no tags of arguments."""
    parameter = tool.text_parameter()
    required = tool.parameters.get("required", [])
    if not content.strip() and not required:
        return {}
    if parameter is None:
        inner = "".join(f"<{name}>...</{name}>" for name in required or tool.parameters["properties"])
        wanted = f"<{tool.name}>{inner}</{tool.name}>"
        raise MalformedActionError(
            f"{tool.name} takes its arguments as {wanted}, not {shown(content.strip())}", tool.name
        )
    return {parameter: _unwrapped(content)}


class _Form(NamedTuple):
    """How one way of writing arguments as tags looks.

    ``closing`` has the argument's name for ``{}``. A closing tag counts only where one of
    ``followers`` comes behind it, so that a file's own ``</content>`` doesn't cut it off.
    """

    opening: re.Pattern[str]
    closing: str
    end: str
    followers: str


_QWEN = _Form(
    re.compile(r"<parameter=([^<>\n]{1,100})>"),
    "</parameter>",
    "</function>",
    "<parameter=|</function>|</?tool_call>|<function=",
)


@lru_cache(maxsize=256)
def _tag_form(name: str, parameters: tuple[str, ...], tools: tuple[str, ...]) -> _Form:
    names = "|".join(map(re.escape, parameters)) or "(?!)"
    others = "|".join(map(re.escape, tools))
    opening = re.compile(f"<({names})>")
    followers = f"<(?:{names})>|</(?:{others})>|<(?:{others})>|</?tool_call>|<function="
    return _Form(opening, "</{}>", f"</{name}>", followers)


@lru_cache(maxsize=256)
def _closing(tag: str, followers: str) -> re.Pattern[str]:
    return re.compile(rf"{re.escape(tag)}(?=\s*(?:{followers}|\Z))")


def _read_arguments(text: str, at: int, name: str, form: _Form) -> _Read:
    """Return the call whose arguments begin at ``at``, and where it ends; text that ends there ends it too."""
    arguments: dict[str, str] = {}
    at = _skip_space(text, at)
    while opening := form.opening.match(text, at):
        key, tag = opening[1], form.closing.format(opening[1])
        closing = _closing(tag, form.followers).search(text, opening.end())
        if key in arguments:
            raise MalformedActionError(f"{shown(name)} is given its argument {shown(key)} twice", name)
        if closing is None:
            raise MalformedActionError(f"the argument {shown(key)} of {shown(name)} is not closed by {tag}", name)
        arguments[key] = _unwrapped(text[opening.end() : closing.start()])
        at = _skip_space(text, closing.end())
    if text.startswith(form.end, at):
        at += len(form.end)
    elif at < len(text) or not arguments:
        raise MalformedActionError(f"the call of {shown(name)} is not closed by {form.end}: {_found(text, at)}", name)
    return {"name": name, "arguments": arguments}, at


def _unwrapped(value: str) -> str:
    """Return a value without the line breaks that set it off from its tags."""
    return value[1:-1] if len(value) > 1 and value[0] == value[-1] == "\n" else value


def _skip_space(text: str, at: int) -> int:
    space = _SPACE.match(text, at)
    return space.end() if space else at


def _found(text: str, at: int) -> str:
    return shown(text[at : at + 20]) if at < len(text) else "the end of the text"
