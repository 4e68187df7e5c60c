"""``deepgym keys``."""

import json
import os
from datetime import datetime, timedelta, timezone

import pytest

pytest.importorskip("sqlalchemy", reason="needs the server's libraries: pip install 'deepgym-env[server]'")

from deepgym_env.server.store.credentials import SCOPES
from deepgym_env.server.store.database import Database
from deepgym_env.server.store.keys import KeyStore


@pytest.fixture(autouse=True)
def url(tmp_path, monkeypatch):
    name = f"sqlite:///{tmp_path}/keys.db"
    monkeypatch.setenv("DEEPGYM_DATABASE", name)
    return name


def _find(url, token):
    database = Database(url)
    found = KeyStore(database).find(token)
    database.close()
    return found


def test_create_prints_the_key_alone(deepgym, url):
    made = deepgym("keys", "create", "trainer")
    assert made.exit_code == 0, made.output
    token = made.stdout.removesuffix("\n")
    key = _find(url, token)
    assert (key.name, key.scopes, key.expires, key.rate, key.concurrency) == ("trainer", {"read", "run"}, *[None] * 3)
    assert f"key {key.id} in {url}, good for read, run; it is shown only now" in made.stderr
    assert token not in made.stderr


@pytest.mark.parametrize("scope", SCOPES)
def test_create_with_everything(deepgym, url, scope):
    limits = ["--rate", "2.5", "--concurrency", "8", "--expires", "30d"]
    made = deepgym("keys", "create", "ci", "--scope", scope, "--scope", scope, *limits)
    assert made.exit_code == 0, made.output
    key = _find(url, made.stdout.strip())
    assert (key.scopes, key.rate, key.concurrency) == ({scope}, 2.5, 8)
    assert timedelta(0) <= datetime.now(timezone.utc) + timedelta(days=30) - key.expires < timedelta(hours=1)


def test_list_and_revoke(deepgym, url):
    tokens = [deepgym("keys", "create", name, "--rate", "2").stdout.strip() for name in ("first", "[red]second")]
    key_id = tokens[0].split("_")[1]
    revoked = deepgym("keys", "revoke", key_id)
    assert (revoked.exit_code, revoked.stdout) == (0, "")
    assert f"revoked {key_id} (first)" in revoked.stderr
    listed = deepgym("keys", "list")
    rows = [line.split() for line in listed.stdout.splitlines() if "UTC" in line]
    assert [row[:3] for row in rows] == [
        [key_id, "first", "revoked"],
        [tokens[1].split("_")[1], "[red]second", "active"],
    ]
    as_json = json.loads(deepgym("keys", "list", "--json").stdout)
    assert [(key["name"], key["status"], key["scopes"], key["rate"]) for key in as_json] == [
        ("first", "revoked", ["read", "run"], 2.0),
        ("[red]second", "active", ["read", "run"], 2.0),
    ]
    assert datetime.fromisoformat(as_json[0]["revoked"]) >= datetime.fromisoformat(as_json[0]["created"])
    assert [as_json[1][name] for name in ("revoked", "expires", "last_used", "concurrency")] == [None] * 4
    told = listed.stdout + json.dumps(as_json)
    assert not [token for token in tokens if token.split("_")[2] in told]


def test_a_database_can_be_named(deepgym, tmp_path):
    other = f"sqlite:///{tmp_path}/other.db"
    token = deepgym("keys", "create", "trainer", "--database", other).stdout.strip()
    assert _find(other, token).name == "trainer"
    assert json.loads(deepgym("keys", "list", "--json", "--database", other).stdout)[0]["name"] == "trainer"
    Database(f"sqlite:///{tmp_path}/empty.db").close()
    empty = deepgym("keys", "list", "--database", f"sqlite:///{tmp_path}/empty.db")
    assert (empty.exit_code, empty.stdout) == (0, "")
    assert "`deepgym keys create NAME` makes one" in empty.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "me", "--expires", "soon"], "--expires takes a number and a unit, as 12h, 30d or 8w, not 'soon'"),
        (["create", "me", "--expires", "0d"], "would be of no use"),
        (["create", "me", "--expires", "999999w"], "beyond the calendar"),
        (["create", "me", "--scope", "reed"], "'reed' is not one of"),
        (["create", "me", "--rate", "0"], "a key's rate is a number of requests a second above 0, not 0.0"),
        (["create", "me", "--concurrency", "-1"], "1 request at a time or more, not -1"),
        (["create", ""], "a key's name is"),
        (["create", "me", "--database", "keys.db"], "no database URL: 'keys.db'; write sqlite:///PATH"),
        (["list"], "no database sqlite"),
        (["revoke", "0123456789ab"], "no database sqlite"),
        (["revoke"], "Missing argument 'ID'"),
    ],
)
def test_bad_input_is_one_line(refused, tmp_path, arguments, said):
    assert said in refused("keys", *arguments)


def test_looking_makes_no_database(deepgym, refused, tmp_path):
    refused("keys", "list")
    assert os.listdir(tmp_path) == []
    deepgym("keys", "create", "me")
    assert "no key '0123456789ab'; `deepgym keys list`" in refused("keys", "revoke", "0123456789ab")


def test_help_has_examples(deepgym):
    assert {"create", "list", "revoke"} <= set(deepgym("keys").stdout.split())
    shown = deepgym("keys", "create", "--help").stdout
    assert "deepgym keys create ci --scope run --scope read --expires 30d" in shown
    assert set(SCOPES) <= set(shown.replace(":", " ").split())
