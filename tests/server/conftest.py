"""Databases to test with, an SQLite file and a PostgreSQL database of the test's own; applications served for real."""

from __future__ import annotations

import os
import socket
import threading
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("sqlalchemy", reason="needs the server's libraries: pip install 'deepgym-env[server]'")

from sqlalchemy import make_url

from deepgym_env.server.store.database import Database


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL database of this process; gone with it."""
    server = os.environ.get("DEEPGYM_TEST_POSTGRES")
    if not server:
        pytest.skip("needs a PostgreSQL that DEEPGYM_TEST_POSTGRES names: `.ci/run` starts one")
    psycopg = pytest.importorskip("psycopg", reason="needs psycopg: pip install 'deepgym-env[postgres]'")
    name = f"deepgym_test_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE template0")
    yield make_url(server).set(database=name).render_as_string(hide_password=False)
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of an empty database, once of each kind; on PostgreSQL a schema, which is made in no time."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/deepgym.db"
        return
    url = request.getfixturevalue("postgresql")
    import psycopg

    schema = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
    own = make_url(url).update_query_dict({"options": f"-csearch_path={schema}"})
    yield own.render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """An open database."""
    opened = Database(database_url)
    yield opened
    opened.close()


@pytest.fixture
def serve() -> Iterator[Callable[[Any], str]]:
    """Serves applications on ports of their own until the test ends; returns their addresses."""
    uvicorn = pytest.importorskip("uvicorn", reason="needs the server's libraries: pip install 'deepgym-env[server]'")
    running = []

    def start(app: Any) -> str:
        listening = socket.create_server(("127.0.0.1", 0))  # asked from now on, answered once it is up
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        running.append((server, thread))
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    yield start
    for server, thread in running:
        server.should_exit = True
        thread.join()
