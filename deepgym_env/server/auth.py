"""Who calls, and what they may do.

- :class:`Caller`; :func:`allowed`: the dependency of a route; :func:`authorize`: the same for what has none.
- :func:`identify`: the caller of a request, by its headers.
- :data:`Scope`: what a key may be good for.

Keys come as ``Authorization: Bearer dg_...`` or ``X-API-Key: dg_...``, or as a password (RFC 7617) from browsers
and from clients that know only a URL.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import APIKeyHeader, HTTPAuthorizationCredentials, HTTPBearer

from deepgym_env.server.services import Services, services_of
from deepgym_env.server.store.credentials import SCOPES, Scope

__all__ = ["SCOPES", "Caller", "Scope", "allowed", "authorize", "identify", "token_of"]

# They only tell OpenAPI what a key comes in: identify() reads it.
_BEARER = HTTPBearer(auto_error=False, description="A key that `deepgym keys create` made.")
_HEADER = APIKeyHeader(name="X-API-Key", auto_error=False, description="The same key, in a header of its own.")


@dataclass(frozen=True, slots=True)
class Caller:
    """Who made a request.

    Attributes:
        id: Of the key, as the store has it; "" where no key is asked for.
        scopes: What the key is good for.
        rate: Requests a second that the key may make; None: as many as any.
        concurrency: Requests at a time that the key may make; None: as many as any.
    """

    id: str = ""
    scopes: frozenset[Scope] = frozenset(SCOPES)
    rate: float | None = None
    concurrency: int | None = None

    def may(self, scope: Scope) -> bool:
        """Return whether they may do what a scope says.

        Example:
            >>> Caller(scopes=frozenset({"admin"})).may("run"), Caller(scopes=frozenset({"read"})).may("run")
            (True, False)
        """
        return scope in self.scopes or "admin" in self.scopes


def allowed(scope: Scope) -> Callable[..., Awaitable[Caller]]:
    """Return a dependency that gives the caller, if they may do what ``scope`` says; else 401 or 403."""

    async def caller(
        request: Request,
        bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)],
        header: Annotated[str | None, Depends(_HEADER)],
    ) -> Caller:
        return await authorize(request, scope)

    return caller


async def authorize(request: Request, scope: Scope) -> Caller:
    """Return the caller of a request, if they may do what ``scope`` says.

    Raises:
        HTTPException: 401 without a key that works, 403 if it isn't good for that.
        DatabaseError: If the keys can't be read.
    """
    known: Caller | None = getattr(request.state, "caller", None)  # of the gate
    caller = known or await identify(services_of(request), request.headers)
    if not caller.may(scope):
        has = ", ".join(sorted(caller.scopes))
        challenge = f'Bearer realm="deepgym", error="insufficient_scope", scope="{scope}"'
        raise HTTPException(
            403, f"this needs a key with the scope {scope!r}; yours has: {has}", {"WWW-Authenticate": challenge}
        )
    return caller


async def identify(services: Services, headers: Mapping[str, str]) -> Caller:
    """Return the caller with these headers.

    Raises:
        HTTPException: 401, if a key is asked for and there is none that works.
        DatabaseError: If the keys can't be read.
    """
    if not services.keys_required:
        return Caller()
    token = token_of(headers)
    if token is None:
        raise _unauthorized("a key is needed: send `Authorization: Bearer dg_...`; `deepgym keys create` makes one")
    key = await services.keys.ask(token)
    status = key.status(services.keys.now()) if key else "unknown"
    if key is None or status != "active":
        raise _unauthorized(f"the key is {status}; `deepgym keys create` makes one", ', error="invalid_token"')
    return Caller(key.id, key.scopes, key.rate, key.concurrency)


def token_of(headers: Mapping[str, str]) -> str | None:
    """Return the key that a request's headers, whose names are in lower case, bring; None: none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token.strip():
        return token.strip()
    key = headers.get("x-api-key", "").strip() or None
    # Basic comes last: it may well be for a proxy in front.
    return _password(token.strip()) if key is None and scheme.lower() == "basic" else key


def _password(credentials: str) -> str | None:
    """Return the password of Basic authentication; None if it is none."""
    try:
        return base64.b64decode(credentials, validate=True).decode().partition(":")[2] or None
    except ValueError:
        return None


def _unauthorized(detail: str, error: str = "") -> HTTPException:
    return HTTPException(401, detail, {"WWW-Authenticate": f'Bearer realm="deepgym"{error}'})
