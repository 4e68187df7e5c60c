"""The server's database: SQLite in WAL mode, or PostgreSQL.

- :class:`Database`: sessions of one database, whose tables are brought up to date when it is opened.
- :class:`Base`: what tables derive from; :class:`Moment`: a column with a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from typing import Any

from sqlalchemy import Connection, DateTime, Dialect, Engine, create_engine, event
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError, TimeoutError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from deepgym_env.errors import ConfigError, DatabaseError
from deepgym_env.server.store.address import claim, engine_url, shown
from deepgym_env.server.store.schema import READS, upgrade

__all__ = ["Base", "Database", "Moment"]

_BUSY_MS = 10_000
_OURS = (IntegrityError, ProgrammingError, DataError, NotSupportedError)
"""Errors that what was asked is to blame for, not the database."""


class Base(DeclarativeBase):
    """What every table derives from."""


class Moment(TypeDecorator[datetime]):
    """A time in UTC: SQLite keeps none of a time's zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return a time, which must have a zone, in UTC."""
        if value is not None and value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone: use datetime.now(timezone.utc)")
        return value and value.astimezone(timezone.utc)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Return the time in UTC."""
        if value is None:
            return None
        return value.astimezone(timezone.utc) if value.tzinfo else value.replace(tzinfo=timezone.utc)


class Database:
    """Sessions of one database; safe to share between threads.

    Example:
        >>> import tempfile
        >>> from sqlalchemy import text
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     database = Database(f"sqlite:///{folder}/new.db")
        ...     with database.read() as session:
        ...         session.scalar(text("SELECT count(*) FROM api_keys"))
        ...     database.close()
        0
    """

    def __init__(self, url: str, *, create: bool = True) -> None:
        """Open a database, and bring its tables up to date.

        Args:
            url: ``sqlite:///PATH`` or ``postgresql://USER:PASSWORD@HOST/NAME``.
            create: Whether an SQLite file is made if need be; a PostgreSQL database must be there.

        Raises:
            ConfigError: If the URL names no database that can be opened, or one of a newer DeepGym.
        """
        address = engine_url(url)
        self.name = shown(address)
        is_sqlite = address.get_backend_name() == "sqlite"
        if is_sqlite:
            claim(address, create=create)
        self.engine: Engine = create_engine(address, pool_pre_ping=not is_sqlite, hide_parameters=True)
        if is_sqlite:
            event.listen(self.engine, "connect", _prepare)
            event.listen(self.engine, "begin", _begin)
        self._writing = sessionmaker(self.engine, expire_on_commit=False)
        self._reading = sessionmaker(self.engine.execution_options(**READS), expire_on_commit=False)
        try:
            upgrade(self.engine, self.name)
        except (DBAPIError, TimeoutError) as error:
            self.close()
            raise ConfigError(f"can't use the database {self.name}: {_told(error)}; {_remedy(is_sqlite)}") from error
        except BaseException:
            self.close()
            raise

    @contextmanager
    def begin(self) -> Iterator[Session]:
        """Return a session whose changes are committed at the end, or undone by an exception.

        SQLite has one writer at a time, from the session's first statement on: for what only reads there is
        :meth:`read`.

        Raises:
            DatabaseError: If the database is full, locked or can't be reached: no change is half made.
        """
        with _translated(), self._writing.begin() as session:
            yield session

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Return a session that sees the database at one moment, and waits for no writer.

        Raises:
            DatabaseError: If the database is locked or can't be reached.
        """
        with _translated(), self._reading.begin() as session:
            yield session

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except _OURS:
        raise
    except (DBAPIError, TimeoutError) as error:
        raise DatabaseError(f"the server's database can't do it now, try again: {_told(error)}") from error


def _told(error: Exception) -> str:
    """Return the first line of what a database said, without the statement."""
    cause = getattr(error, "orig", None) or error
    return (str(cause).strip() or type(cause).__name__).splitlines()[0]


def _remedy(is_sqlite: bool) -> str:
    if is_sqlite:
        return "name an SQLite file, or one that isn't there yet, in a folder you may write to"
    return "is the server up, the database made, and may this user connect to it and make tables in it?"


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin where SQLAlchemy begins them, not at the first change
    for pragma in (f"busy_timeout={_BUSY_MS}", "journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}").close()


def _begin(connection: Connection) -> None:
    """Begin so that a writer waits for the other one now: once it has read, it could only fail."""
    reads = connection.get_execution_options().items() >= READS.items()
    connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")
