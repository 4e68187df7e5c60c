"""Atheris target over the parser of actions: ``python tests/actions/fuzz_parsing.py -runs=20000``."""

from __future__ import annotations

import json
import sys
from typing import Any

import atheris

with atheris.instrument_imports(include=["deepgym_env.actions", "deepgym_env.extraction"]):
    from deepgym_env.actions import Tool, parse_action


def bash(command: str, timeout: int | None = None) -> None:
    """Run a command."""


def write_file(path: str, content: str) -> None:
    """Write a file."""


def submit(code: str = "", table: dict[str, Any] = {}) -> None:  # noqa: B006 - never called
    """Hand in."""


TOOLS = [Tool.from_function(function, skip=0) for function in (bash, write_file, submit)]
FENCES = {"bash": ("bash", "command"), "python": ("submit", "code"), "": ("submit", "code")}
WORDS = ["<tool_call>", "</tool_call>", "<think>", "</think>", "<bash>", "</bash>", "<write_file>", "</write_file>"]
WORDS += ["<path>", "</path>", "<content>", "</content>", "<function=bash>", "</function>", "<parameter=command>"]
WORDS += ["</parameter>", "```", "```bash\n", "~~~", "\n", "`", '{"name": "bash", "arguments": {"command": "ls"}}']
WORDS += ['{"name": "', '"arguments": {', '"command": ', "}", "{", "[", "]", '"', "\\", ",", "<submit/>", "    "]
KEYS = ["name", "tool", "arguments", "args", "input", "function", "tool_calls", "function_call", "content", "role"]
KEYS += ["type", "text", "id", "command", "path"]
VALUES = ["bash", "write_file", "submit", "assistant", "user", "text", "tool_use", "thinking", None, True, 1.5, -1]


def text(data: atheris.FuzzedDataProvider) -> str:
    """Return words of the formats mixed with anything."""
    parts = []
    while data.remaining_bytes() and len(parts) < 40:
        number = data.ConsumeIntInRange(0, len(WORDS) + 3)
        parts.append(WORDS[number] if number < len(WORDS) else data.ConsumeUnicode(8))
    return "".join(parts)


def value(data: atheris.FuzzedDataProvider, depth: int = 0) -> Any:
    """Return JSON-like data with the keys of the formats."""
    kind = data.ConsumeIntInRange(0, 5)
    if kind == 0 and depth < 6:
        return [value(data, depth + 1) for _ in range(data.ConsumeIntInRange(0, 3))]
    if kind in (1, 2) and depth < 6:
        return {data.PickValueInList(KEYS): value(data, depth + 1) for _ in range(data.ConsumeIntInRange(0, 4))}
    if kind == 3:
        return text(data)
    return data.PickValueInList(VALUES)


def check_one(raw: bytes) -> None:
    """Parse one action twice, and as JSON text; check what came out."""
    data = atheris.FuzzedDataProvider(raw)
    action = text(data) if data.ConsumeBool() else value(data)
    parsed = parse_action(action, TOOLS, fences=FENCES)
    assert bool(parsed.error) != bool(parsed.calls)
    assert parsed == parse_action(action, TOOLS, fences=FENCES)
    for call in parsed.calls:
        tool = next(tool for tool in TOOLS if tool.name == call.name)
        assert tool.check(call.arguments) == call.arguments
        written = f"<tool_call>{json.dumps({'name': call.name, 'arguments': call.arguments})}</tool_call>"
        again = parse_action(written, TOOLS).calls
        assert [(other.name, other.arguments) for other in again] == [(call.name, call.arguments)]
    (parsed.error + parsed.text).encode()
    if not isinstance(action, str):
        parse_action(json.dumps(action), TOOLS, fences=FENCES)


if __name__ == "__main__":
    atheris.Setup(sys.argv, check_one)
    atheris.Fuzz()
