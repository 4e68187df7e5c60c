"""An application whose description says what its answers are.

- :class:`Described`: FastAPI, but for what it can't say in ``/openapi.json``.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI

__all__ = ["Described"]

_PROBLEM = "application/problem+json"
_REFERENCE = "#/components/schemas/Problem"


class Described(FastAPI):
    """An application whose errors are described as ``application/problem+json``, and integers exactly.

    FastAPI describes every answer of a route as being of one type, and bounds as floats: 2**63 would be told as
    9.223372036854776e+18, which is more.
    """

    def openapi(self) -> dict[str, Any]:
        """Return the description."""
        if self.openapi_schema:
            return self.openapi_schema
        description: dict[str, Any] = _exact(super().openapi())
        for operations in description["paths"].values():
            for operation in operations.values():
                for answer in operation["responses"].values():
                    _correct(answer)
        self.openapi_schema = description
        return description


def _exact(value: Any) -> Any:
    """Return a description with whole numbers as integers."""
    if isinstance(value, dict):
        return {key: _exact(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_exact(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _correct(answer: dict[str, Any]) -> None:
    """Give a problem its type."""
    for told in answer.get("content", {}).values():
        if told.get("schema", {}).get("$ref") == _REFERENCE:
            answer["content"] = {_PROBLEM: told}
            return
