"""API keys: made, kept, looked up, revoked; what callers may do with them."""

import asyncio
import hashlib
import logging
import os
import sqlite3
import threading
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI
from sqlalchemy import event, select, text

from deepgym_env import DeepGym
from deepgym_env.errors import ConfigError, DatabaseError
from deepgym_env.server.auth import SCOPES, Caller, allowed
from deepgym_env.server.gate import Gate
from deepgym_env.server.services import Services
from deepgym_env.server.settings import Settings
from deepgym_env.server.store import keys as keys_module
from deepgym_env.server.store.database import Database
from deepgym_env.server.store.keys import CACHE_SECONDS, KeyRow, KeyStore

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
START = datetime(2030, 1, 1, tzinfo=timezone.utc)
UNKNOWN = f"dg_{'0' * 12}_{'0' * 64}"


class Clock:
    """A time that passes when told to."""

    def __init__(self):
        self.seconds = 0.0

    def now(self):
        return START + timedelta(seconds=self.seconds)

    def monotonic(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def keys(database, clock):
    return KeyStore(database, now=clock.now, monotonic=clock.monotonic)


@contextmanager
def statements(database):
    """Collect what is asked of a database."""
    asked = []

    def note(_connection, _cursor, statement, *_):
        asked.append(statement.split()[0])

    event.listen(database.engine, "before_cursor_execute", note)
    yield asked
    event.remove(database.engine, "before_cursor_execute", note)


def queries(asked):
    return [word for word in asked if word in ("SELECT", "UPDATE", "INSERT")]


def test_a_key_is_found_by_itself_alone(keys):
    token = keys.create("trainer", ["run", "read"], rate=2.5, concurrency=8)
    key = keys.find(token)
    assert (key.name, key.scopes, key.rate, key.concurrency) == ("trainer", {"run", "read"}, 2.5, 8)
    assert (key.created, key.expires, key.revoked) == (START, None, None)
    prefix, key_id, secret = token.split("_")
    assert (prefix, key.id, len(secret) * 4) == ("dg", key_id, 256)
    other = keys.create("trainer", ["run"])
    assert other != token
    wrong = [UNKNOWN, "", "dg_", key_id, secret, token[:-1], token + "0", token.upper(), f" {token}"]
    crossed = f"dg_{key_id}_{other.split('_')[2]}"
    assert [keys.find(each) for each in [*wrong, crossed, f"dg_{key_id}_{'0' * 64}"]] == [None] * 11


def test_only_a_hash_is_kept(database_url, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    logging.getLogger("sqlalchemy.engine").setLevel(logging.DEBUG)
    try:
        database = Database(database_url)
        keys = KeyStore(database)
        token = keys.create("trainer", ["run"])
        assert keys.find(token) is not None
        keys.revoke(token)
    finally:
        logging.getLogger("sqlalchemy.engine").setLevel(logging.NOTSET)
    with database.read() as session:
        row = session.scalars(select(KeyRow)).one()
        kept = repr({name: getattr(row, name) for name in KeyRow.__table__.columns.keys()})  # noqa: SIM118
    secret = token.split("_")[2]
    shown = repr(keys.find(token)) + repr(keys.list())
    files = b"".join(path.read_bytes() for path in tmp_path.glob("deepgym.db*"))
    database.close()
    assert row.digest == hashlib.sha256(secret.encode()).digest()
    assert "INSERT INTO api_keys" in caplog.text, "statements are logged in this test"
    for place in (kept, shown, caplog.text, files.decode("latin-1")):
        assert secret not in place
    assert repr(row.digest) not in shown


def test_the_list_has_all_in_order(keys, clock):
    assert keys.any() is False
    tokens = []
    for name in "abc":
        clock.seconds += 1
        tokens.append(keys.create(name, ["read"]))
    keys.revoke(tokens[1])
    assert [(key.name, key.status(clock.now())) for key in keys.list()] == [
        ("a", "active"),
        ("b", "revoked"),
        ("c", "active"),
    ]


def test_a_request_costs_no_query(database, keys, clock):
    token = keys.create("trainer", ["run"])
    keys.find(token)
    keys.find(UNKNOWN)
    with statements(database) as asked:
        for _ in range(20):
            assert keys.find(token) is not None
            assert keys.find(UNKNOWN) is None
            assert asyncio.run(keys.ask(token)).name == "trainer"
            assert asyncio.run(keys.ask("nonsense")) is None
        assert asked == []
        clock.seconds += CACHE_SECONDS
        assert asyncio.run(keys.ask(token)).name == "trainer"
        assert queries(asked) == ["SELECT"]


def test_what_is_remembered_is_bounded(keys, monkeypatch):
    monkeypatch.setattr(keys_module, "_MAX_REMEMBERED", 4)
    token = keys.create("trainer", ["run"])
    for number in range(20):
        keys.find(f"dg_{number:012}_{'0' * 64}")
        assert len(keys._memory) <= 4
    assert keys.find(token) is not None


def test_a_revoked_key_ends_at_once_here_and_soon_elsewhere(database, keys, clock):
    elsewhere = KeyStore(database, now=clock.now, monotonic=clock.monotonic)
    token = keys.create("trainer", ["run"])
    assert elsewhere.find(token).status(clock.now()) == "active"
    clock.seconds += 1
    revoked = keys.revoke(token.split("_")[1])
    assert revoked.revoked == clock.now()
    assert keys.find(token).status(clock.now()) == "revoked"
    clock.seconds = CACHE_SECONDS - 0.1
    assert elsewhere.find(token).status(clock.now()) == "active"
    clock.seconds = CACHE_SECONDS
    assert elsewhere.find(token).status(clock.now()) == "revoked"
    assert keys.revoke(token).revoked == revoked.revoked, "the first time counts"
    assert keys.any(), "a server that asked for keys doesn't open again"


@on_sqlite
@pytest.mark.parametrize("given", ["", "trainer", "0" * 12, UNKNOWN, "dg_", "0" * 13])
def test_only_a_key_can_be_revoked(keys, given):
    with pytest.raises(ConfigError, match=r"no key '.*'; `deepgym keys list`") as caught:
        keys.revoke(given)
    assert "0" * 20 not in str(caught.value), "what may be a secret isn't repeated"


def test_a_key_expires(keys, clock):
    token = keys.create("trainer", ["run"], expires=START + timedelta(seconds=2))
    assert keys.find(token).status(clock.now()) == "active"
    clock.seconds = 1.9
    assert keys.find(token).status(clock.now()) == "active"
    clock.seconds = 2.0
    assert keys.find(token).status(clock.now()) == "expired", "also one that is remembered"


def test_the_last_use_is_written_once_a_minute(database, keys, clock):
    token = keys.create("trainer", ["run"])
    assert keys.list()[0].last_used is None
    with statements(database) as asked:
        for seconds in range(0, 150, 3):
            clock.seconds = seconds
            keys.find(token)
    assert asked.count("UPDATE") == 3
    assert keys.list()[0].last_used == START + timedelta(seconds=120)


@pytest.mark.parametrize("how", ["revoked", "expired", "wrong"])
def test_only_a_use_that_counts_is_written(database, keys, clock, how):
    token = keys.create("trainer", ["run"], expires=START + timedelta(seconds=9))
    if how == "revoked":
        keys.revoke(token)
    clock.seconds = 10.0 if how == "expired" else 1.0
    keys.find(token[:-64] + "0" * 64 if how == "wrong" else token)
    assert keys.list()[0].last_used is None


@on_sqlite
def test_a_database_that_can_not_be_written_stops_no_request(database, keys, caplog):
    @event.listens_for(database.engine, "checkout")
    def _hurry(connection, *_):
        connection.execute("PRAGMA busy_timeout=1").close()

    token = keys.create("trainer", ["run"])
    other = sqlite3.connect(database.engine.url.database, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    assert keys.find(token).name == "trainer"
    other.execute("ROLLBACK")
    other.close()
    assert "isn't written down" in caplog.text
    assert token.split("_")[2] not in caplog.text


@on_sqlite
@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": ""}, "a key's name is 1 to 200 characters on one line, not ''"),
        ({"name": "two\nlines"}, "on one line"),
        ({"name": "n" * 201}, "1 to 200 characters"),
        ({"scopes": []}, "a key needs a scope: read, run, audit, admin"),
        ({"scopes": ["run", "reed"]}, "no scope 'reed': did you mean 'read'"),
        ({"scopes": ["*"]}, r"no scope '\*': read, run, audit, admin"),
        ({"expires": START}, "expired at 2030-01-01 00:00"),
        ({"rate": 0}, "above 0, not 0"),
        ({"rate": float("nan")}, "above 0, not nan"),
        ({"rate": float("inf")}, "above 0, not inf"),
        ({"concurrency": 0}, "1 request at a time or more, not 0"),
        ({"concurrency": 2**31}, "1 request at a time or more"),
    ],
)
def test_what_no_key_can_be(keys, wrong, message):
    with pytest.raises(ConfigError, match=message):
        keys.create(**{"name": "trainer", "scopes": ["run"], **wrong})
    assert keys.list() == []


@pytest.fixture
def serving(database, serve):
    """Serves a route for each scope, behind the gate or without it; gives its address and its parts."""
    closing = []

    def start(*, gate=True, **settings):
        app = FastAPI()
        engine = DeepGym()
        closing.append(engine)
        app.state.services = services = Services(Settings(**settings), engine, database)
        if gate:
            app.add_middleware(Gate, services=services)
        for scope in SCOPES:
            _add_routes(app, scope)

        @app.get("/open")
        def read_open() -> str:
            return "open"

        return httpx.Client(base_url=serve(app)), services

    clients = []

    def client(**options):
        made, services = start(**options)
        clients.append(made)
        return made, services

    yield client
    for made in clients:
        made.close()
    for engine in closing:
        engine.close()


def _add_routes(app, scope):
    @app.get(f"/{scope}")
    async def read(caller: Annotated[Caller, Depends(allowed(scope))]) -> dict[str, object]:
        return {"id": caller.id, "scopes": sorted(caller.scopes)}

    @app.post(f"/{scope}")
    async def write(body: dict[str, int], caller: Annotated[Caller, Depends(allowed(scope))]) -> str:
        return caller.id


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("gate", [True, False])
def test_every_scope_by_every_key(serving, database, gate):
    tokens = {scope: KeyStore(database).create(scope, [scope]) for scope in SCOPES}
    client, _ = serving(gate=gate)
    for has, token in tokens.items():
        for needed in SCOPES:
            answer = client.get(f"/{needed}", headers=bearer(token))
            if has in (needed, "admin"):
                assert (answer.status_code, answer.json()["id"]) == (200, token.split("_")[1])
            else:
                assert answer.status_code == 403
                assert answer.json()["detail"] == f"this needs a key with the scope '{needed}'; yours has: {has}"
                challenge = f'Bearer realm="deepgym", error="insufficient_scope", scope="{needed}"'
                assert answer.headers["WWW-Authenticate"] == challenge


@pytest.mark.parametrize("gate", [True, False])
@on_sqlite
def test_who_gets_in(serving, database, gate):
    store = KeyStore(database)
    good, revoked = store.create("good", ["read"]), store.create("revoked", ["read"])
    expired = store.create("expired", ["read"], expires=datetime.now(timezone.utc) + timedelta(hours=1))
    with database.begin() as session:
        session.get(KeyRow, expired.split("_")[1]).expires = START - timedelta(days=3650)
    store.revoke(revoked)
    client, _ = serving(gate=gate)

    def status(method="GET", path="/read", **headers):
        answer = client.request(method, path, headers=headers, json={"a": 1} if method == "POST" else None)
        if answer.status_code == 401:
            assert answer.headers["WWW-Authenticate"].startswith('Bearer realm="deepgym"')
            return answer.json()["detail"].partition(";")[0].partition(":")[0]
        return answer.status_code

    for method in ("GET", "POST"):
        assert status(method, Authorization=f"Bearer {good}") == 200
        assert status(method, Authorization=f"bearer  {good}") == 200
        assert status(method, **{"X-API-Key": good}) == 200
        assert status(method, **{"X-API-Key": good, "Authorization": "Basic eDp5"}) == 200
        assert status(method) == "a key is needed"
        assert status(method, Authorization=good) == "a key is needed"
        assert status(method, Authorization="Bearer") == "a key is needed"
        assert status(method, Authorization=f"Bearer {UNKNOWN}") == "the key is unknown"
        assert status(method, Authorization=f"Bearer {good[:-64]}{'0' * 64}") == "the key is unknown"
        assert status(method, Authorization=f"Bearer {revoked}") == "the key is revoked"
        assert status(method, Authorization=f"Bearer {expired}") == "the key is expired"
    assert status(path="/open") == 200


@on_sqlite
def test_strangers_bodies_are_not_read(serving, database):
    KeyStore(database).create("good", ["run"])
    client, _ = serving()
    answer = client.post("/run", content=b"this is no JSON, which nobody notices")
    assert answer.status_code == 401
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {
        "type": "about:blank",
        "title": "Unauthorized",
        "status": 401,
        "detail": "a key is needed: send `Authorization: Bearer dg_...`; `deepgym keys create` makes one",
        "errors": [],
    }


@pytest.mark.parametrize(
    ("required", "there_is_one", "status"),
    [(None, False, 200), (None, True, 401), (True, False, 401), (False, True, 200)],
)
@on_sqlite
def test_whether_a_key_is_asked_for_is_settled_at_the_start(serving, database, required, there_is_one, status):
    if there_is_one:
        KeyStore(database).create("good", ["run"])
    client, services = serving(keys_required=required)
    assert client.get("/admin").status_code == status
    if status == 200:
        assert client.get("/admin", headers=bearer(UNKNOWN)).json() == {"id": "", "scopes": sorted(SCOPES)}
    services.keys.create("later", ["run"])
    assert client.get("/admin").status_code == status


@on_sqlite
def test_a_server_that_asked_for_keys_does_not_open_again(serving, database):
    store = KeyStore(database)
    store.revoke(store.create("only", ["run"]))
    client, _ = serving()
    assert client.get("/run").status_code == 401


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_keys_that_can_not_be_read_are_no_reason_to_let_anyone_in(serving, database, caplog):
    psycopg = pytest.importorskip("psycopg")
    token = KeyStore(database).create("good", ["run"])
    client, services = serving()
    assert client.get("/run", headers=bearer(token)).status_code == 200
    name = database.engine.url.database
    services.keys._memory.clear()
    with psycopg.connect(os.environ["DEEPGYM_TEST_POSTGRES"], autocommit=True) as connection:
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        answer = client.get("/run", headers=bearer(token))
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        for told in (answer, client.get("/run", headers=bearer(UNKNOWN))):  # its address and user are for the log
            assert (told.status_code, told.json()["detail"].partition(";")[0]) == (503, "the database is away")
        assert "not currently accepting connections" in caplog.text
        connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    while client.get("/run", headers=bearer(token)).status_code == 503:
        threading.Event().wait(0.05)
    assert client.get("/run", headers=bearer(token)).status_code == 200


@on_sqlite
def test_a_database_without_an_answer_is_not_asked_by_everyone(database, keys, clock):
    token = keys.create("trainer", ["run"])

    def rename(old, new):
        with database.begin() as session:
            session.execute(text(f"ALTER TABLE {old} RENAME TO {new}"))

    rename("api_keys", "hidden")
    with pytest.raises(DatabaseError, match="no such table"):
        keys.find(token)
    rename("hidden", "api_keys")
    with statements(database) as asked:
        for _ in range(5):
            with pytest.raises(DatabaseError, match="no such table"):
                keys.find(token)
        assert asked == []
    clock.seconds += 1
    assert keys.find(token).name == "trainer"


@on_sqlite
def test_openapi_tells_how_keys_come(serving):
    client, _ = serving()
    described = client.get("/openapi.json").json()
    schemes = described["components"]["securitySchemes"]
    assert (schemes["HTTPBearer"]["type"], schemes["HTTPBearer"]["scheme"]) == ("http", "bearer")
    assert schemes["APIKeyHeader"]["name"] == "X-API-Key"
    assert described["paths"]["/run"]["get"]["security"] == [{"HTTPBearer": []}, {"APIKeyHeader": []}]
    assert "security" not in described["paths"]["/open"]["get"]
