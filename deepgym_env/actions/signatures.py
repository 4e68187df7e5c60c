"""What a typed Python function with a Google docstring says about a tool.

- :func:`read_signature`
"""

from __future__ import annotations

import inspect
import re
import textwrap
import types
import typing
from collections.abc import Callable
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, PydanticUserError, create_model

from deepgym_env.errors import ConfigError

__all__ = ["Signature", "read_signature"]

_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")  # what the OpenAI format allows
_SECTION = re.compile(r"^(Args|Arguments|Returns|Raises|Yields|Examples?|Notes?|Warnings?):[ \t]*$", re.MULTILINE)
_ENTRY = re.compile(r"\*{0,2}(\w+)\s*(?:\(.*?\))?\s*:\s*(.*)")
_NAMED = frozenset({"properties", "$defs"})
_DATA = frozenset({"default", "const", "enum", "examples"})


class Signature(NamedTuple):
    """A function's name, description, JSON Schema of its parameters, and a model that checks them."""

    name: str
    description: str
    parameters: dict[str, Any]
    model: type[BaseModel]


def read_signature(function: Callable[..., Any], skip: int) -> Signature:
    """Return the signature of ``function`` without its first ``skip`` parameters.

    Raises:
        ConfigError: If the function doesn't say enough: no docstring, a parameter without annotation.
    """
    name = getattr(function, "__name__", "")
    if not _NAME.fullmatch(name):
        raise ConfigError(f"a tool is made from a function named in 1 to 64 of A-Z a-z 0-9 _ -, got {function!r}")
    every = inspect.signature(function).parameters
    if len(every) < skip:
        raise ConfigError(f"tool {name!r} has {len(every)} parameters, fewer than the {skip} to be skipped")
    wanted = dict(list(every.items())[skip:])
    description, meanings = _read_docstring(name, function)
    if unknown := sorted(meanings.keys() - every.keys()):
        raise ConfigError(f"the docstring of tool {name!r} describes {unknown}, but its parameters are {list(every)}")
    hints = _read_hints(name, function, wanted)
    model = _make_model(name, wanted, hints, meanings)
    return Signature(name, description, _schema(name, model), model)


def _read_hints(name: str, function: Callable[..., Any], wanted: dict[str, inspect.Parameter]) -> dict[str, Any]:
    """Return the types of the wanted parameters only: those of skipped ones need not be importable."""
    for parameter in wanted.values():
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            raise ConfigError(f"tool {name!r}: {parameter} can't be given by name, as tools take their arguments")
        if parameter.annotation is parameter.empty:
            raise ConfigError(f"tool {name!r}: parameter {parameter.name!r} needs a type annotation")
    holder = types.SimpleNamespace(__annotations__={key: value.annotation for key, value in wanted.items()})
    try:
        scope = getattr(inspect.unwrap(function), "__globals__", {})
        return typing.get_type_hints(holder, globalns=scope, include_extras=True)
    except NameError as exc:
        raise ConfigError(f"tool {name!r}: a type annotation can't be resolved: {exc}") from exc


def _read_docstring(name: str, function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    """Return the description and what ``Args:`` says of each parameter."""
    before, *sections = _SECTION.split(inspect.getdoc(function) or "")
    paragraphs = [" ".join(paragraph.split()) for paragraph in re.split(r"\n\s*\n", before.strip())]
    description = "\n\n".join(paragraphs)
    if not description:
        raise ConfigError(f"tool {name!r} needs a docstring: its description is what a model reads")
    titled = dict(zip(sections[::2], sections[1::2], strict=True))
    return description, _read_entries(titled.get("Args", titled.get("Arguments", "")))


def _read_entries(section: str) -> dict[str, str]:
    entries: dict[str, list[str]] = {}
    lines: list[str] = []
    for line in textwrap.dedent(section.strip("\n")).splitlines():
        entry = None if line[:1].isspace() else _ENTRY.match(line)
        if entry:
            lines = entries.setdefault(entry[1], [])
        lines.append(entry[2] if entry else line)
    return {name: " ".join(" ".join(lines).split()) for name, lines in entries.items()}


def _make_model(
    name: str, wanted: dict[str, inspect.Parameter], hints: dict[str, Any], meanings: dict[str, str]
) -> type[BaseModel]:
    fields: dict[str, Any] = {}
    for number, (key, parameter) in enumerate(wanted.items()):
        default = ... if parameter.default is parameter.empty else parameter.default
        meaning: dict[str, Any] = {"description": meanings[key]} if meanings.get(key) else {}
        # The alias keeps names such as "copy" or "_x" from clashing with those of pydantic.
        fields[f"argument_{number}"] = (hints[key], Field(default, alias=key, **meaning))
    try:
        return create_model(name, __config__=ConfigDict(extra="forbid", allow_inf_nan=False), **fields)
    except PydanticUserError as exc:
        raise ConfigError(f"tool {name!r}: a parameter's type can't be checked: {exc.message}") from exc


def _schema(name: str, model: type[BaseModel]) -> dict[str, Any]:
    try:
        schema = _untitled(model.model_json_schema())
    except PydanticUserError as exc:
        raise ConfigError(f"tool {name!r}: a parameter's type has no JSON Schema: {exc.message}") from exc
    return {"type": "object", "properties": {}, **schema}


def _untitled(node: Any, names: bool = False) -> Any:
    """Return a schema without pydantic's titles; ``names``: the keys are names, "title" may be one."""
    if isinstance(node, list):
        return [_untitled(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        key: value if key in _DATA and not names else _untitled(value, key in _NAMED and not names)
        for key, value in node.items()
        if names or key != "title"
    }
