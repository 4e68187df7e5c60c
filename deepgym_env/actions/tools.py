"""Tools: what an agent may call, made from typed Python functions.

- :class:`Tool`: name, description and JSON Schema; checks arguments.
- :class:`ToolArgumentError`: arguments that don't fit, said so that a model can mend them.
- :func:`describe_tools`: the section of a prompt that tells a model about its tools.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import BaseModel, ValidationError

from deepgym_env.actions.signatures import read_signature
from deepgym_env.actions.values import MalformedActionError, did_you_mean, read_json, shown
from deepgym_env.errors import DeepGymError

__all__ = ["Tool", "ToolArgumentError", "describe_tools", "example_call"]

_PROBLEMS = 5
_NUMBERS = frozenset({"integer", "number"})


class ToolArgumentError(DeepGymError, ValueError):
    """A tool's arguments don't fit; the message names which, why, and the tool's schema."""


@dataclass(frozen=True)
class Tool:
    """A function that an agent may call.

    Example:
        >>> async def bash(session, command: str, timeout: int = 30) -> str:
        ...     '''Run a shell command.
        ...
        ...     Args:
        ...         command: What to run.
        ...         timeout: Seconds it may take.
        ...     '''
        >>> tool = Tool.from_function(bash)
        >>> tool.parameters["properties"]["command"]
        {'description': 'What to run.', 'type': 'string'}
        >>> tool.check({"command": "ls", "timeout": "5"})
        {'command': 'ls', 'timeout': 5}
    """

    name: str
    description: str
    parameters: dict[str, Any] = field(compare=False)
    function: Callable[..., Any]
    model: type[BaseModel] = field(compare=False, repr=False)

    @classmethod
    def from_function(cls, function: Callable[..., Any], *, skip: int = 1) -> Tool:
        """Make a tool from a typed function with a Google docstring.

        The description is what stands before the docstring's first section, ``Args:`` describes the
        parameters, those with defaults are optional, and ``Literal`` is a choice.

        Args:
            function: Plain or async.
            skip: How many leading parameters (the session) are no arguments of the tool.

        Raises:
            ConfigError: If the function has no docstring, or a parameter no annotation.
        """
        name, description, parameters, model = read_signature(function, skip)
        return cls(name, description, parameters, function, model)

    def schema(self) -> dict[str, Any]:
        """Return the tool in the OpenAI tool format, a new dict each time."""
        described = {"name": self.name, "description": self.description, "parameters": copy.deepcopy(self.parameters)}
        return {"type": "function", "function": described}

    def schema_line(self) -> str:
        """Return the schema of the arguments in one line, for messages."""
        return f"Schema of {self.name}: {json.dumps(self.parameters, ensure_ascii=False)}"

    def check(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return ``arguments`` in the types of the function's parameters; only those given.

        A number, boolean, list or object may be given as the text of it (``"5"`` for an int).

        Raises:
            ToolArgumentError: If one is missing, unknown or of a type that doesn't fit.
        """
        if not isinstance(arguments, Mapping):
            raise self._error([f"its arguments must be an object, got {shown(arguments)}"])
        given = dict(arguments)
        if problems := self._misnamed(given) or self._numbers_that_are_booleans(given):
            raise self._error(problems)
        try:
            checked = self.model.model_validate(given)
        except ValidationError as first:
            given |= _texts_read(given, first)
            try:
                checked = self.model.model_validate(given)
            except ValidationError as exc:
                raise self._error(_describe(exc, arguments)) from None
        fields = self.model.model_fields.items()
        return {info.alias: getattr(checked, key) for key, info in fields if info.alias in given}

    def text_parameter(self) -> str | None:
        """Return the parameter that ``<name>text</name>`` gives: its only required or only one, if it takes text."""
        known = self.parameters["properties"]
        required = self.parameters.get("required", [])
        candidates = required or list(known)
        return candidates[0] if len(candidates) == 1 and "string" in _types(known[candidates[0]]) else None

    def _misnamed(self, given: dict[str, Any]) -> list[str]:
        known = self.parameters["properties"]
        unknown = [key for key in given if key not in known]
        missing = [key for key in self.parameters.get("required", []) if key not in given]
        problems = [
            f"it has no argument {shown(key)}{did_you_mean(key, known) if isinstance(key, str) else ''}"
            for key in unknown[:_PROBLEMS]
        ]
        return problems + [f"the argument {key!r} is missing" for key in missing]

    def _numbers_that_are_booleans(self, given: dict[str, Any]) -> list[str]:
        """Return complaints on true and false for a number, which pydantic would take for 1 and 0."""
        types = {key: _types(self.parameters["properties"][key]) for key in given if isinstance(given[key], bool)}
        return [
            f"the argument {key!r} is wrong: it should be a number, got {shown(given[key])}"
            for key, names in types.items()
            if names & _NUMBERS and "boolean" not in names
        ]

    def _error(self, problems: Sequence[str]) -> ToolArgumentError:
        return ToolArgumentError(f"{self.name}: {'; '.join(problems)}.\n{self.schema_line()}")


def _types(schema: Mapping[str, Any]) -> set[str]:
    """Return the JSON types a schema admits at its top."""
    parts = [schema, *schema.get("anyOf", [])]
    return {part["type"] for part in parts if isinstance(part.get("type"), str)}


def _texts_read(given: dict[str, Any], error: ValidationError) -> dict[str, Any]:
    """Return the wrong arguments that are texts of JSON, read: some formats carry nothing but text."""
    read: dict[str, Any] = {}
    for name in {str(fault["loc"][0]) for fault in error.errors(include_input=False)}:
        if isinstance(given.get(name), str):
            try:
                value, end = read_json(given[name].strip())
            except MalformedActionError:
                continue
            if end == len(given[name].strip()):
                read[name] = value
    return read


def _describe(error: ValidationError, arguments: Mapping[str, Any]) -> list[str]:
    problems = []
    for fault in error.errors(include_url=False, include_context=False, include_input=False)[:_PROBLEMS]:
        name, *inner = fault["loc"]
        place = "".join(f"[{part!r}]" for part in inner)
        problems.append(
            f"the argument {str(name)!r}{place} is wrong: {fault['msg']}, got {shown(arguments[str(name)])}"
        )
    return problems


def describe_tools(tools: Sequence[Tool]) -> str:
    """Return a section of Markdown that tells a model which tools it has and how to call them; "" without tools.

    Example:
        >>> def submit(answer: int = 0) -> None:
        ...     '''Hand in the answer.'''
        >>> print(describe_tools([Tool.from_function(submit, skip=0)]).splitlines()[2])
        - `submit(answer: integer = 0)`: Hand in the answer.
    """
    if not tools:
        return ""
    lines = ["## Tools", ""]
    for tool in tools:
        lines.append(f"- `{_signature(tool)}`: {' '.join(tool.description.split())}")
        described = tool.parameters["properties"].items()
        lines += [f"  - `{name}`: {schema['description']}" for name, schema in described if "description" in schema]
    return "\n".join([*lines, "", *_HOW, "", example_call(tools[0])])


_HOW = (
    "Call a tool with a `<tool_call>` block that holds one JSON object, outside of any code fence, as below.",
    "Several blocks are several calls, made in order; if one of them is malformed, none is made.",
    "Tool calls of a chat API and tags (`<tool><argument>text</argument></tool>`) are understood too.",
)


def example_call(tool: Tool) -> str:
    """Return a call of ``tool`` as a model should write it."""
    known = tool.parameters["properties"]
    arguments = {name: _example(known[name]) for name in tool.parameters.get("required", [])}
    call = json.dumps({"name": tool.name, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>\n{call}\n</tool_call>"


def _example(schema: Mapping[str, Any]) -> Any:
    if "enum" in schema or "const" in schema:
        return schema.get("const", schema.get("enum", [None])[0])
    admitted = _types(schema)
    return next((value for name, value in _EXAMPLES.items() if name in admitted), "...")


_EXAMPLES = {"string": "...", "integer": 1, "number": 1, "boolean": True, "array": [], "object": {}}


def _signature(tool: Tool) -> str:
    required = tool.parameters.get("required", [])
    parts = []
    for name, schema in tool.parameters["properties"].items():
        default = "" if name in required else f" = {json.dumps(schema.get('default'), ensure_ascii=False)}"
        parts.append(f"{name}: {_type_name(schema)}{default}")
    return f"{tool.name}({', '.join(parts)})"


def _type_name(schema: Mapping[str, Any]) -> str:
    if "anyOf" in schema:
        return " | ".join(map(_type_name, schema["anyOf"]))
    if "enum" in schema or "const" in schema:
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema.get("enum", [schema.get("const")]))
    if "items" in schema:
        return f"array of {_type_name(schema['items'])}"
    return str(schema.get("type", "object" if "$ref" in schema else "any"))
