"""What an API key is.

- :class:`Key`: what is known of one; :data:`KeyStatus`: whether it works.
- :data:`Scope`: ``read`` (lists, what is there), ``run`` (judging, jobs, sessions), ``audit``, and ``admin``,
  which has them all.
- :func:`new_token`, :func:`parts_of`, :func:`id_of`: keys as callers have them, ``dg_<id>_<secret>``.
- :func:`digest_of`: what is kept of a secret; :func:`check_key`: what a key may be.

Of a key's secret, only its SHA-256 is kept. A slow hash protects passwords, which can be guessed; a secret of
256 random bits can't be, so a slow one would only cost every request its time.
"""

from __future__ import annotations

import difflib
import hashlib
import math
import re
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from deepgym_env.errors import ConfigError

__all__ = [
    "SCOPES",
    "Key",
    "KeyStatus",
    "Scope",
    "check_key",
    "digest_of",
    "id_of",
    "new_token",
    "parts_of",
]

Scope = Literal["read", "run", "audit", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)
KeyStatus = Literal["active", "expired", "revoked"]

_MAX_NAME = 200
_MAX_CONCURRENCY = 2**31 - 1  # what a column holds
_TOKEN = re.compile(r"dg_([0-9a-f]{12})_([0-9a-f]{64})")
_ID = re.compile(r"(?:dg_)?([0-9a-f]{12})(?:_[0-9a-f]{64})?")


@dataclass(frozen=True, slots=True)
class Key:
    """What is known of a key; never its secret.

    Attributes:
        id: Names it, also inside the key itself.
        name: For people.
        scopes: What it is good for.
        created: When it was made.
        expires: When it stops working; None: never.
        revoked: When it was revoked.
        last_used: When it was last used, to a minute.
        rate: Requests a second, on average; None: the server's own limit.
        concurrency: Requests at a time; None: the server's own limit.
    """

    id: str
    name: str
    scopes: frozenset[Scope]
    created: datetime
    expires: datetime | None = None
    revoked: datetime | None = None
    last_used: datetime | None = None
    rate: float | None = None
    concurrency: int | None = None

    def status(self, at: datetime) -> KeyStatus:
        """Return whether it works at a time, and if not, why."""
        if self.revoked is not None:
            return "revoked"
        return "expired" if self.expires is not None and self.expires <= at else "active"


def new_token() -> tuple[str, str, str]:
    """Return a new key, its id and its secret."""
    key_id, secret = secrets.token_hex(6), secrets.token_hex(32)
    return f"dg_{key_id}_{secret}", key_id, secret


def parts_of(token: str) -> tuple[str, str] | None:
    """Return a key's id and secret; None if it has not the form of one."""
    found = _TOKEN.fullmatch(token)
    return (found[1], found[2]) if found else None


def id_of(text: str) -> str | None:
    """Return the id that is meant by an id or a whole key; None if it is neither.

    Example:
        >>> id_of("0123456789ab"), id_of("trainer")
        ('0123456789ab', None)
    """
    found = _ID.fullmatch(text)
    return found[1] if found else None


def digest_of(secret: str) -> bytes:
    """Return what is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def check_key(
    name: str,
    scopes: Collection[str],
    *,
    now: datetime,
    expires: datetime | None,
    rate: float | None,
    concurrency: int | None,
) -> None:
    """Refuse what no key can be.

    Raises:
        ConfigError: Naming what is wrong.
    """
    if not name.strip() or len(name) > _MAX_NAME or not name.isprintable():
        raise ConfigError(f"a key's name is 1 to {_MAX_NAME} characters on one line, not {name[:_MAX_NAME]!r}")
    if not scopes:
        raise ConfigError(f"a key needs a scope: {', '.join(SCOPES)}")
    for scope in scopes:
        if scope not in SCOPES:
            near = difflib.get_close_matches(scope, SCOPES, n=1)
            raise ConfigError(f"no scope {scope!r}: {f'did you mean {near[0]!r}?' if near else ', '.join(SCOPES)}")
    if expires is not None and expires <= now:
        raise ConfigError(f"a key that expired at {expires:%Y-%m-%d %H:%M} would be of no use; name a later time")
    if rate is not None and not (math.isfinite(rate) and rate > 0):
        raise ConfigError(f"a key's rate is a number of requests a second above 0, not {rate!r}")
    if concurrency is not None and not 1 <= concurrency <= _MAX_CONCURRENCY:
        raise ConfigError(f"a key's concurrency is 1 request at a time or more, not {concurrency!r}")
