"""API keys: made, looked up, revoked.

- :class:`KeyStore`: the keys of a database; :data:`CACHE_SECONDS`: how long it remembers one.
- :class:`KeyRow`: a key as the database has it.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import math
import threading
import time
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta, timezone
from typing import NamedTuple

from sqlalchemy import JSON, Float, Integer, LargeBinary, String, or_, select, update
from sqlalchemy.orm import Mapped, mapped_column

from deepgym_env.errors import ConfigError, DatabaseError
from deepgym_env.server.store.credentials import Key, Scope, check_key, digest_of, id_of, new_token, parts_of
from deepgym_env.server.store.database import Base, Database, Moment

__all__ = ["CACHE_SECONDS", "KeyRow", "KeyStore"]

CACHE_SECONDS = 5.0
"""How long a server may remember what it read of a key: the longest that a revoked one still works."""

_PAUSE = 1.0  # after the database gave no answer: else every request would wait for it, one after the other
_TOUCH = timedelta(minutes=1)
_MAX_REMEMBERED = 10_000
_NOBODYS = bytes(32)
_log = logging.getLogger(__name__)


class KeyRow(Base):
    """A key as the database has it."""

    __tablename__ = "api_keys"

    id: Mapped[str] = mapped_column(String(12), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    digest: Mapped[bytes] = mapped_column(LargeBinary(32))
    scopes: Mapped[list[Scope]] = mapped_column(JSON)
    created: Mapped[datetime] = mapped_column(Moment)
    expires: Mapped[datetime | None] = mapped_column(Moment)
    revoked: Mapped[datetime | None] = mapped_column(Moment)
    last_used: Mapped[datetime | None] = mapped_column(Moment)
    rate: Mapped[float | None] = mapped_column(Float)
    concurrency: Mapped[int | None] = mapped_column(Integer)

    def key(self) -> Key:
        """Return what may be known of it."""
        return Key(
            id=self.id,
            name=self.name,
            scopes=frozenset(self.scopes),
            created=self.created,
            expires=self.expires,
            revoked=self.revoked,
            last_used=self.last_used,
            rate=self.rate,
            concurrency=self.concurrency,
        )


class _Remembered(NamedTuple):
    until: float
    digest: bytes
    key: Key | None


def _utcnow() -> datetime:
    return datetime.now(timezone.utc)


class KeyStore:
    """The keys of a database; safe to share between threads.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     database = Database(f"sqlite:///{folder}/keys.db")
        ...     keys = KeyStore(database)
        ...     token = keys.create("trainer", ["run", "read"])
        ...     keys.find(token).name, keys.find(token + "0")
        ...     database.close()
        ('trainer', None)
    """

    def __init__(
        self,
        database: Database,
        *,
        now: Callable[[], datetime] = _utcnow,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Use the keys of ``database``; ``now`` tells when keys expire, ``monotonic`` how long to remember them."""
        self._database = database
        self._now = now
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._memory: dict[str, _Remembered] = {}
        self._failed: tuple[float, str] = (-math.inf, "")

    def now(self) -> datetime:
        """Return the time that keys expire by."""
        return self._now()

    def create(
        self,
        name: str,
        scopes: Iterable[Scope],
        *,
        expires: datetime | None = None,
        rate: float | None = None,
        concurrency: int | None = None,
    ) -> str:
        """Make a key and return it: ``dg_<id>_<secret>``, which is told only now.

        Args:
            name: For people; several keys may have it.
            scopes: What it is good for.
            expires: When it stops working.
            rate: Requests a second, on average, instead of the server's own limit.
            concurrency: Requests at a time, instead of the server's own limit.

        Raises:
            ConfigError: If one of them can't be.
        """
        chosen, now = sorted(set(scopes)), self._now()
        check_key(name, chosen, now=now, expires=expires, rate=rate, concurrency=concurrency)
        token, key_id, secret = new_token()
        row = KeyRow(id=key_id, name=name, digest=digest_of(secret), scopes=chosen, created=now)
        row.expires, row.rate, row.concurrency = expires, rate, concurrency
        with self._database.begin() as session:
            session.add(row)
        return token

    def list(self) -> list[Key]:
        """Return every key there ever was, in the order they were made."""
        with self._database.read() as session:
            return [row.key() for row in session.scalars(select(KeyRow).order_by(KeyRow.created, KeyRow.id))]

    def any(self) -> bool:
        """Return whether there ever was a key, be it revoked: a server that asked for one doesn't open again."""
        with self._database.read() as session:
            return session.scalar(select(KeyRow.id).limit(1)) is not None

    def revoke(self, key: str) -> Key:
        """End a key; other servers of the database take it for :data:`CACHE_SECONDS` at most.

        Args:
            key: Its id, or all of it.

        Raises:
            ConfigError: If there is none.
        """
        key_id = id_of(key)
        with self._database.begin() as session:
            row = session.get(KeyRow, key_id) if key_id else None
            if row is None:
                raise ConfigError(f"no key {key_id or key[:12]!r}; `deepgym keys list` shows the ids of all")
            row.revoked = row.revoked or self._now()
        with self._lock:
            self._memory.pop(row.id, None)
        return row.key()

    def find(self, token: str) -> Key | None:
        """Return the key that a request presents, also a revoked or expired one; None if there is none.

        Raises:
            DatabaseError: If the database doesn't answer.
        """
        parts = parts_of(token)
        if parts is None:
            return None
        key_id, secret = parts
        with self._lock:
            fresh = self._fresh(key_id)
            known = fresh or self._load(key_id)
        # Compared also where there is no such key: both take the same time.
        if not hmac.compare_digest(known.digest, digest_of(secret)) or known.key is None:
            return None
        if fresh is None and known.key.status(self._now()) == "active":
            self._touch(known.key)
        return known.key

    async def ask(self, token: str) -> Key | None:
        """Return what :meth:`find` does, and let the event loop go on while the database is asked."""
        parts = parts_of(token)
        if parts is None or self._fresh(parts[0]) is not None:
            return self.find(token)
        return await asyncio.to_thread(self.find, token)

    def _fresh(self, key_id: str) -> _Remembered | None:
        known = self._memory.get(key_id)
        return known if known is not None and self._monotonic() < known.until else None

    def _load(self, key_id: str) -> _Remembered:
        """Read a key, and remember also that there is none, so that a wrong one costs no query each time."""
        now = self._monotonic()
        until, why = self._failed
        if now < until:
            raise DatabaseError(why)
        try:
            with self._database.read() as session:
                row = session.get(KeyRow, key_id)
        except DatabaseError as error:
            self._failed = self._monotonic() + _PAUSE, str(error)
            raise
        found = _Remembered(now + CACHE_SECONDS, row.digest if row else _NOBODYS, row.key() if row else None)
        if len(self._memory) >= _MAX_REMEMBERED:
            self._memory.clear()
        self._memory[key_id] = found
        return found

    def _touch(self, key: Key) -> None:
        """Write down that a key is used, at most once a minute; a database that can't be written stops no request."""
        now = self._now()
        if key.last_used is not None and now - key.last_used < _TOUCH:
            return
        is_due = or_(KeyRow.last_used.is_(None), KeyRow.last_used <= now - _TOUCH)
        try:
            with self._database.begin() as session:
                session.execute(update(KeyRow).where(KeyRow.id == key.id, is_due).values(last_used=now))
        except DatabaseError as error:
            _log.warning("the last use of key %s isn't written down: %s", key.id, error)
