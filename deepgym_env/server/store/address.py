"""What a database's URL means.

- :func:`engine_url`: the URL that is opened, of the one that was given; :func:`shown`: it without its password.
- :func:`claim`: make a place for an SQLite database.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from deepgym_env.errors import ConfigError
from deepgym_env.optional import require

__all__ = ["claim", "engine_url", "shown"]

_FORMS = "sqlite:///PATH or postgresql://USER:PASSWORD@HOST/NAME"
_DRIVERS = {
    "sqlite": "sqlite",
    "sqlite+pysqlite": "sqlite",
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}
_CONNECT_SECONDS = "10"


def engine_url(url: str) -> URL:
    """Return the URL to open: with a driver, a path without ``~``, and a limit to waiting for a connection.

    Raises:
        ConfigError: If it is none, or of a database or a driver that isn't used here.
    """
    try:
        given = make_url(url)
    except (ArgumentError, ValueError) as error:  # ValueError: a port that is no number
        raise ConfigError(f"no database URL: {_without_password(url)!r}; write {_FORMS}") from error
    if given.drivername not in _DRIVERS:
        raise ConfigError(f"no database for {given.drivername!r} in {shown(given)!r}; write {_FORMS}")
    meant = given.set(drivername=_DRIVERS[given.drivername])
    return _sqlite(meant) if meant.get_backend_name() == "sqlite" else _postgresql(meant)


def shown(url: URL) -> str:
    """Return a URL for messages."""
    named = url.get_backend_name() if url.drivername in _DRIVERS.values() else url.drivername
    return url.set(drivername=named).render_as_string(hide_password=True)


def claim(url: URL, *, create: bool) -> None:
    """Make an SQLite database's folder and its file, which only its owner may read: it holds hidden tests of jobs.

    Raises:
        ConfigError: If it can't be made, or isn't there and ``create`` is false.
    """
    path = Path(url.database or "")
    if path.exists():
        return
    if not create:
        raise ConfigError(
            f"no database {shown(url)}; `deepgym keys create` makes one, DEEPGYM_DATABASE or --database names another"
        )
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    except OSError as error:
        raise ConfigError(
            f"can't make the database {shown(url)}: {error.strerror or error}; name a file in a folder you may write to"
        ) from error


def _sqlite(url: URL) -> URL:
    name = url.database or ""
    if name in ("", ":memory:") or name.startswith("file:"):
        raise ConfigError(f"{shown(url)!r} is no file; keys and jobs outlive the server in one: write sqlite:///PATH")
    path = Path(name).expanduser()
    if path.is_dir():
        raise ConfigError(f"{shown(url)!r} is a folder; name a file in it")
    return url.set(database=str(path))


def _postgresql(url: URL) -> URL:
    require("psycopg", "a PostgreSQL database", "postgres")
    return url if "connect_timeout" in url.query else url.update_query_dict({"connect_timeout": _CONNECT_SECONDS})


def _without_password(url: str) -> str:
    return re.sub(r":[^:/]*@", ":***@", url)
