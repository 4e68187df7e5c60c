"""The server's database: opened, brought up to date, shared, full, locked, gone."""

import os
import socket
import sqlite3
import stat
import subprocess
import sys
import threading
import uuid
from datetime import datetime, timedelta, timezone

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, event, inspect, make_url, select, text
from sqlalchemy.exc import IntegrityError, StatementError

from deepgym_env.errors import ConfigError, DatabaseError
from deepgym_env.server.settings import Settings
from deepgym_env.server.store import schema
from deepgym_env.server.store.database import Base, Database
from deepgym_env.server.store.keys import KeyRow, KeyStore

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
NOW = datetime(2030, 1, 1, tzinfo=timezone.utc)


def _scripts():
    return ScriptDirectory.from_config(schema.configuration(None))


REVISIONS = [script.revision for script in _scripts().walk_revisions()][::-1]


def _row(key_id="0" * 12, name="a key", **fields):
    return KeyRow(id=key_id, name=name, digest=bytes(32), scopes=["run"], created=NOW, **fields)


def _differences(database):
    with database.engine.connect() as connection:
        options = {"version_table": schema.VERSION_TABLE, "compare_type": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), Base.metadata)


def _migrate(database, step, to):
    with database.engine.begin() as connection:
        step(schema.configuration(connection), to)


def test_the_versions_are_one_line():
    assert _scripts().get_heads() == REVISIONS[-1:]
    assert REVISIONS[0] == "0001_keys"


def test_a_new_database_is_as_the_models_say(database):
    assert _differences(database) == []
    assert "api_keys" in inspect(database.engine).get_table_names()


@pytest.mark.parametrize("revision", ["base", *REVISIONS])
def test_from_every_version(database_url, revision):
    database = Database(database_url)
    _migrate(database, command.downgrade, revision)
    kept = revision != "base"
    if kept:
        with database.begin() as session:
            session.add(_row())
    database.close()

    database = Database(database_url)
    assert _differences(database) == []
    with database.read() as session:
        assert len(session.scalars(select(KeyRow)).all()) == kept
    database.close()


def test_nothing_is_left_at_base(database):
    _migrate(database, command.downgrade, "base")
    assert inspect(database.engine).get_table_names() == [schema.VERSION_TABLE]


OPEN = """
import sys
from deepgym_env.server.store.database import Database
from deepgym_env.server.store.keys import KeyStore
sys.stdin.readline()
database = Database(sys.argv[1])
KeyStore(database).create("key", ["run"])
database.close()
"""


def test_processes_may_open_a_new_database_at_once(database_url):
    started = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", OPEN, database_url],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for _ in range(3)
    ]
    for process in started:
        process.stdin.write(b"go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=120)[0].decode() for process in started]
    assert [process.returncode for process in started] == [0] * 3, said
    database = Database(database_url)
    assert len(KeyStore(database).list()) == 3
    database.close()


def test_so_may_threads(database_url):
    failed = []

    def work():
        try:
            database = Database(database_url)
            KeyStore(database).create("key", ["run"])
            database.close()
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []


def test_a_migration_that_fails_leaves_nothing(database_url, monkeypatch):
    def fail(configuration, to):
        command_upgrade(configuration, to)
        raise ConfigError("failed")

    command_upgrade = command.upgrade
    monkeypatch.setattr(schema.command, "upgrade", fail)
    with pytest.raises(ConfigError, match="failed"):
        Database(database_url)
    monkeypatch.undo()
    engine = create_engine(make_url(database_url).set(drivername=_driver(database_url)))
    assert inspect(engine).get_table_names() == []
    engine.dispose()


def _driver(url):
    return "sqlite" if url.startswith("sqlite") else "postgresql+psycopg"


def test_a_newer_database_is_refused(database):
    with database.begin() as session:
        session.execute(text(f"UPDATE {schema.VERSION_TABLE} SET version_num = '9999_later'"))
    url = database.engine.url.render_as_string(hide_password=False)
    with pytest.raises(ConfigError, match=r"of a newer DeepGym .*9999_later.*pip install --upgrade deepgym-env"):
        Database(url)


def test_other_programs_tables_are_left_alone(database_url):
    engine = create_engine(make_url(database_url).set(drivername=_driver(database_url)))
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('theirs')"))
    engine.dispose()
    database = Database(database_url)
    with database.read() as session:
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "theirs"
    database.close()


def test_changes_are_undone_by_an_exception(database):
    def fail():
        with database.begin() as session:
            session.add(_row())
            session.flush()
            raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        fail()
    with database.read() as session:
        assert session.get(KeyRow, "0" * 12) is None


def test_mistakes_of_ours_are_not_the_databases(database):
    with database.begin() as session:
        session.add(_row())
    with pytest.raises(IntegrityError), database.begin() as session:
        session.add(_row())


def test_times_keep_their_moment(database):
    east = timezone(timedelta(hours=5))
    with database.begin() as session:
        session.add(_row(expires=datetime(2031, 6, 1, 12, tzinfo=east)))
    with database.read() as session:
        row = session.get(KeyRow, "0" * 12)
    assert (row.expires, row.expires.tzinfo) == (datetime(2031, 6, 1, 7, tzinfo=timezone.utc), timezone.utc)
    with pytest.raises(StatementError, match="has no time zone"), database.begin() as session:
        session.add(_row("1" * 12, expires=datetime(2031, 6, 1)))


def test_readers_wait_for_no_writer(database):
    with database.begin() as writing:
        writing.add(_row())
        writing.flush()
        with database.read() as reading:
            assert reading.get(KeyRow, "0" * 12) is None
    with database.read() as reading:
        assert reading.get(KeyRow, "0" * 12) is not None


def test_writers_wait_for_each_other(database):
    """Each reads first, then writes: with a transaction that only turns into a writer's, all but one would fail."""
    with database.begin() as session:
        session.add(_row(rate=0.0))
    failed = []

    def count():
        try:
            for _ in range(10):
                with database.begin() as session:
                    row = session.get(KeyRow, "0" * 12, with_for_update=True)
                    row.rate += 1
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    with database.read() as session:
        assert session.get(KeyRow, "0" * 12).rate == 40


@pytest.fixture
def sqlite(tmp_path):
    database = Database(f"sqlite:///{tmp_path}/own.db")
    yield database
    database.close()


def test_sqlite_is_in_wal_mode_and_its_owners_alone(sqlite):
    with sqlite.read() as session:
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA busy_timeout")) == 10_000
    assert stat.S_IMODE(os.stat(sqlite.engine.url.database).st_mode) == 0o600


def test_a_locked_database_says_so_and_works_again(sqlite):
    @event.listens_for(sqlite.engine, "checkout")
    def _hurry(connection, *_):
        connection.execute("PRAGMA busy_timeout=1").close()

    other = sqlite3.connect(sqlite.engine.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(DatabaseError, match="try again: database is locked"), sqlite.begin() as session:
        session.add(_row())
    other.execute("ROLLBACK")
    other.close()
    with sqlite.begin() as session:
        session.add(_row())


def test_a_full_disk_loses_nothing(sqlite):
    with sqlite.begin() as session:
        session.add(_row())
        pages = session.scalar(text("PRAGMA page_count"))
        most = session.scalar(text("PRAGMA max_page_count"))
        session.execute(text(f"PRAGMA max_page_count={pages + 1}"))
    with pytest.raises(DatabaseError, match="database or disk is full"), sqlite.begin() as session:
        session.add_all(_row(f"{number:012}", "n" * 200) for number in range(1, 500))
    with sqlite.begin() as session:
        assert [row.id for row in session.scalars(select(KeyRow))] == ["0" * 12]
        session.execute(text(f"PRAGMA max_page_count={most}"))
    with sqlite.begin() as session:
        session.add(_row("1" * 12))


@on_postgresql
def test_a_database_that_goes_away_and_comes_back(database):
    def lose():
        with database.begin() as session:
            session.add(_row())
            session.flush()
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    with pytest.raises(DatabaseError, match="try again"):
        lose()
    with database.begin() as session:
        assert session.get(KeyRow, "0" * 12) is None
        session.add(_row())


def test_errors_tell_no_values(database):
    with pytest.raises(IntegrityError, match="parameters hidden"), database.begin() as session:
        session.add(KeyRow(id="1" * 12, name="very private", digest=None))


def test_the_path_may_be_in_a_home_and_in_new_folders(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    Database("sqlite:///~/new/folder/own.db").close()
    assert (tmp_path / "new/folder/own.db").is_file()


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        yield free.getsockname()[1]


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("deepgym.db", "no database URL: 'deepgym.db'; write sqlite:///PATH or postgresql://"),
        ("", "no database URL: ''"),
        ("postgresql//me:secret@host/x", "no database URL: 'postgresql//me:***@host/x'"),
        ("postgresql://me:secret@host:port/x", "no database URL: 'postgresql://me:***@host:port/x'"),
        ("mysql://me:secret@host/x", "no database for 'mysql' in 'mysql://me:***@host/x'"),
        ("postgresql+psycopg2://host/x", "no database for 'postgresql+psycopg2'"),
        ("sqlite+aiosqlite:///x.db", "no database for 'sqlite+aiosqlite'"),
        ("sqlite://", "is no file; keys and jobs outlive the server in one: write sqlite:///PATH"),
        ("sqlite:///:memory:", "is no file"),
        ("sqlite:///file:x.db?uri=true", "is no file"),
        ("sqlite:////", "is a folder; name a file in it"),
        ("sqlite:////proc/nowhere/own.db", "can't make the database sqlite"),
        ("sqlite:////dev/null/own.db", "can't make the database sqlite"),
        ("postgresql://me:secret@127.0.0.1:PORT/x", r"can't use the database postgresql://me:\*\*\*@127"),
    ],
)
def test_what_can_not_be_opened_says_what_can(url, message, port):
    message = message if "\\" in message else message.replace("*", r"\*").replace("+", r"\+")
    with pytest.raises(ConfigError, match=message) as caught:
        Database(url.replace("PORT", str(port)))
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database(tmp_path):
    (tmp_path / "notes.txt").write_text("remember the milk " * 100)
    with pytest.raises(ConfigError, match=r"file is not a database; name an SQLite file"):
        Database(f"sqlite:///{tmp_path}/notes.txt")
    with pytest.raises(ConfigError, match=r"no database sqlite.*missing.db"):
        Database(f"sqlite:///{tmp_path}/missing.db", create=False)
    assert not (tmp_path / "missing.db").exists()


@on_postgresql
def test_a_database_that_postgresql_does_not_have(database):
    url = database.engine.url.set(database="no_such_database")
    with pytest.raises(ConfigError, match=r'"no_such_database" does not exist; is the server up, the database made'):
        Database(url.render_as_string(hide_password=False))


@on_postgresql
def test_a_user_who_may_make_no_tables(database):
    role = f"deepgym_test_{uuid.uuid4().hex}"
    _migrate(database, command.downgrade, "base")
    with database.begin() as session:
        session.execute(text(f"DROP TABLE {schema.VERSION_TABLE}"))
        session.execute(text(f"CREATE ROLE {role} LOGIN"))
        own = session.scalar(text("SELECT current_schema()"))
        session.execute(text(f"GRANT USAGE ON SCHEMA {own} TO {role}"))
    try:
        url = database.engine.url.set(username=role).render_as_string(hide_password=False)
        with pytest.raises(ConfigError, match=r"permission denied for schema test_.*; .*make tables in it"):
            Database(url)
    finally:
        with database.begin() as session:
            session.execute(text(f"DROP OWNED BY {role}"))
            session.execute(text(f"DROP ROLE {role}"))


def test_psycopg_is_named_where_it_lacks(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match=r"needs psycopg: pip install 'deepgym-env\[postgres\]'"):
        Database("postgresql://127.0.0.1/x")


def test_the_environment_names_the_default(monkeypatch):
    monkeypatch.delenv("DEEPGYM_DATABASE", raising=False)
    assert Settings().database == "sqlite:///deepgym.db"
    monkeypatch.setenv("DEEPGYM_DATABASE", "sqlite:///elsewhere.db")
    assert Settings().database == "sqlite:///elsewhere.db"
