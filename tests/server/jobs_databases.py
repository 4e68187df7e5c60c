"""Databases for tests of jobs: SQLite, and PostgreSQL where ``DEEPGYM_TEST_POSTGRES`` names one."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, create_engine, make_url, text

POSTGRES = os.environ.get("DEEPGYM_TEST_POSTGRES", "")
KINDS = ["sqlite", pytest.param("postgresql", marks=pytest.mark.skipif(not POSTGRES, reason="no PostgreSQL"))]


@contextlib.contextmanager
def administrator() -> Iterator[Engine]:
    """Connections to the PostgreSQL there is, outside of transactions."""
    engine = create_engine(make_url(POSTGRES).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    yield engine
    engine.dispose()


@contextlib.contextmanager
def fresh_database(kind: str, folder: Path) -> Iterator[str]:
    """The URL of an empty database, gone afterwards."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/jobs.db"
        return
    name = f"jobs_{uuid.uuid4().hex}"
    with administrator() as engine, engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
        try:
            yield make_url(POSTGRES).set(drivername="postgresql+psycopg", database=name).render_as_string(False)
        finally:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
