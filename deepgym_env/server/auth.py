"""Who calls, and what they may do.

- :class:`Caller`; :func:`allowed`: the dependency of a route.
- :data:`Scope`: ``read`` (lists, what is there), ``run`` (judging, jobs, sessions), ``audit``, and ``admin``,
  which has them all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from fastapi import Request

__all__ = ["SCOPES", "Caller", "Scope", "allowed"]

Scope = Literal["read", "run", "audit", "admin"]
SCOPES: tuple[Scope, ...] = ("read", "run", "audit", "admin")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who made a request.

    Attributes:
        id: Of the key, as the store has it; "" where no key is asked for.
        scopes: What the key is good for.
    """

    id: str = ""
    scopes: frozenset[Scope] = frozenset(SCOPES)


def allowed(scope: Scope) -> Callable[[Request], Caller]:
    """Return a dependency that gives the caller, if they may do what ``scope`` says."""

    def caller(request: Request) -> Caller:
        return Caller()

    return caller
