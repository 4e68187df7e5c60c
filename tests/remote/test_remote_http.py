"""Requests to servers that are away, busy, broken or no DeepGym servers at all."""

from __future__ import annotations

import asyncio
import logging
import socket
import subprocess
import traceback
import warnings

import pytest
from odd_server import CUT, Answer, OddServer, problem

from deepgym_env import DeepGym
from deepgym_env.errors import (
    ClosedError,
    ConfigError,
    RemoteAccessError,
    RemoteBusyError,
    RemoteError,
    UnknownTaskError,
)
from deepgym_env.remote import wire
from deepgym_env.remote.address import Address, address_of
from deepgym_env.remote.http import Connection, UnavailableError

KEY = "dg_mine_secret"


def ask(url, *, patience=20.0, method="POST", path="/v1/batch", body=None, **more):
    async def main():
        connection = Connection(Address(url, KEY, loopback=True), patience=patience)
        try:
            return await connection.ask(method, path, {"a": 1} if body is None else body, **more)
        finally:
            await connection.aclose()

    return asyncio.run(main())


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


# ── what is repeated ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "failure",
    [
        problem(429, "too many", Retry_After="0"),
        problem(503, "busy", Retry_After="0"),
        problem(503, "busy", Retry_After="soon"),
        problem(503, "busy", Retry_After="Wed, 21 Oct 2015 07:28:00 GMT"),
        Answer(502, b"<html>Bad Gateway", {"content-type": "text/html"}),
        Answer(504, b"", {}),
        CUT,
    ],
    ids=lambda answer: str(answer.status),
)
def test_what_may_be_well_later_is_asked_again(failure):
    with OddServer(failure, failure, Answer(200, b'{"fine": true}')) as server:
        assert ask(server.url) == {"fine": True}
    assert [body for *_, body in server.asked] == [{"a": 1}] * 3


def test_retry_after_is_waited_for():
    busy = problem(503, "there is room again in a second", Retry_After="1")
    with OddServer(busy, Answer(200)) as server:
        # Five times the patience is less than what is asked for: then waiting is of no use.
        with pytest.raises(RemoteBusyError, match="room again"):
            ask(server.url, patience=0.1)
        assert len(server.asked) == 1
        server.answers.insert(0, busy)
        assert ask(server.url, patience=1.0) == {}
    assert len(server.asked) == 3


def test_what_must_not_be_done_twice_is_asked_again_only_if_nothing_was_done():
    with OddServer(problem(429, "busy"), problem(503, "busy"), Answer(200)) as server:
        assert ask(server.url, repeat="undone") == {}
    for failure in (CUT, Answer(502), Answer(504)):
        with OddServer(failure, Answer(200)) as server, pytest.raises(UnavailableError) as caught:
            ask(server.url, repeat="undone")
        assert caught.value.gone
        assert len(server.asked) == 1


def test_a_server_that_is_away_is_waited_for():
    with OddServer(Answer(200, b'{"fine": true}')) as server:
        pass  # so that its port is a free one

    async def main():
        connection = Connection(Address(server.url, KEY, loopback=True), patience=60)
        asking = asyncio.ensure_future(connection.ask("GET", "/v1/isolation"))
        await asyncio.sleep(0.3)
        back = OddServer(Answer(200, b'{"fine": true}'), port=server.port)
        with back:
            answer = await asking
        await connection.aclose()
        return answer

    assert asyncio.run(main()) == {"fine": True}


@pytest.mark.parametrize("patience", [0, 0.5])
def test_patience_ends(patience):
    with pytest.raises(UnavailableError, match=r"http://127.0.0.1:\d+ can't be reached") as caught:
        ask(f"http://127.0.0.1:{free_port()}", patience=patience)
    assert caught.value.gone


# ── what is not ───────────────────────────────────────────────────────────────────────────

PAGE = {"content-type": "text/html"}


@pytest.mark.parametrize(
    ("answer", "kind", "match"),
    [
        (problem(401, "no key"), RemoteAccessError, "DEEPGYM_API_KEY.*no key"),
        (Answer(401, b"", {}), RemoteAccessError, "api_key="),
        (problem(403, "the key has no scope 'run'"), RemoteAccessError, "no scope 'run'"),
        (problem(404, "no task 'fizbuzz'"), UnknownTaskError, "^no task 'fizbuzz'$"),
        (problem(404, "nothing is at '/v1/batch'"), RemoteError, "has no /v1/batch: check the address"),
        (problem(409, "it was asked for before"), ConfigError, "before"),
        (problem(413, "65 MB"), ConfigError, "no request this large.*65 MB"),
        (problem(422, "tests must be ids"), ConfigError, "tests must be ids"),
        (problem(500, "it was us"), UnavailableError, "failed: it was us"),
        (Answer(404, b"<html>nothing here", PAGE), RemoteError, r"404 to POST /v1/batch: '<html>nothing here'.*check"),
        (Answer(200, b"<html>Welcome!", PAGE), RemoteError, "Welcome!"),
        (Answer(200, b"{"), RemoteError, "no JSON"),
        (Answer(307, b"", {"location": "https://other.example/v1/batch"}), RemoteError, "https://other.example"),
    ],
)
def test_what_is_wrong_is_said_at_once(answer, kind, match):
    with OddServer(answer) as server, pytest.raises(kind, match=match) as caught:
        ask(server.url)
    assert len(server.asked) == 1
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_statuses_may_mean_something_else_where_a_request_goes():
    with OddServer(problem(404, "no session")) as server, pytest.raises(ClosedError, match="no session"):
        ask(server.url, meaning=lambda status, detail: ClosedError(detail) if status == 404 else None)
    with OddServer(problem(404, "nothing is at /v1")) as server, pytest.raises(RemoteError, match="check the address"):
        ask(server.url, meaning=lambda status, detail: ClosedError(detail))


# ── keys and addresses ────────────────────────────────────────────────────────────────────


def test_the_key_goes_with_each_request_and_nowhere_else(caplog):
    caplog.set_level(logging.DEBUG)
    with OddServer(Answer(200)) as server:
        ask(f"{server.url}/behind/a/proxy")
        ((method, path, headers, _),) = server.asked
    assert (method, path) == ("POST", "/behind/a/proxy/v1/batch")
    assert headers["authorization"] == f"Bearer {KEY}"
    assert headers["user-agent"].startswith("deepgym/")
    address = address_of(server.url, KEY)
    assert KEY not in f"{address!r} {address} {caplog.text}"
    with DeepGym("remote", url=server.url, api_key=KEY) as dg:
        assert KEY not in repr(vars(dg._make()._executor))


def test_the_environment_says_where_and_who(monkeypatch):
    monkeypatch.setenv("DEEPGYM_URL", "http://localhost:8000/")
    monkeypatch.setenv("DEEPGYM_API_KEY", " dg_theirs\n")
    assert address_of() == Address("http://localhost:8000", "dg_theirs", loopback=True)
    assert address_of("https://x.example/a/", "dg_mine") == Address("https://x.example/a", "dg_mine")
    monkeypatch.setenv("DEEPGYM_API_KEY", "")
    assert address_of().key is None


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("", "DEEPGYM_URL"),
        ("localhost:8000", "http://"),
        ("ftp://x.example", "http://"),
        ("http://", "http://"),
        ("http://x.example:99999", "http://"),
        ("http://[::1", "http://"),
        ("https://me:hush@x.example", "api_key="),
        ("https://x.example/v1", "without the /v1"),
        ("https://x.example/v1/", "without the /v1"),
        ("https://x.example/?key=hush", "query"),
    ],
)
def test_an_address_that_is_none_is_refused(url, match, monkeypatch):
    monkeypatch.delenv("DEEPGYM_URL", raising=False)
    with pytest.raises(ConfigError, match=match) as caught:
        DeepGym("remote", url=url)
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("key", ["two words", "schlüssel", "a\nb", "\x7f"])
def test_a_key_that_is_none_is_refused_and_not_shown(key):
    with pytest.raises(ConfigError, match="deepgym keys create") as caught:
        address_of("http://localhost", key)
    assert key not in str(caught.value)


def test_a_key_that_would_go_unencrypted_is_warned_of_once():
    with pytest.warns(UserWarning, match=r"x.example unencrypted: use https://") as told:
        DeepGym("remote", url="http://x.example", api_key=KEY).close()
    assert len(told) == 1
    assert KEY not in str(told[0].message)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for url, key in [("https://x.example", KEY), ("http://127.0.0.9:1", KEY), ("http://[::1]:1", KEY)]:
            DeepGym("remote", url=url, api_key=key).close()
        DeepGym("remote", url="http://x.example").close()


@pytest.mark.parametrize("option", ["image", "backend"])
def test_what_the_server_chooses_is_no_option(option):
    with pytest.raises(ConfigError, match=rf"takes no {option}.*deepgym serve"):
        DeepGym("remote", url="http://localhost", **{option: "x"})


# ── the end ───────────────────────────────────────────────────────────────────────────────


def test_closing_ends_requests_under_way():
    async def main():
        connection = Connection(Address(f"http://127.0.0.1:{free_port()}"), patience=600)
        asking = asyncio.ensure_future(connection.ask("GET", "/healthz"))
        await asyncio.sleep(0.1)
        await connection.aclose()
        await connection.aclose()
        with pytest.raises(ClosedError, match="while this ran"):
            await asking
        with pytest.raises(ClosedError, match="make a new one"):
            await connection.ask("GET", "/healthz")

    asyncio.run(main())


def test_a_connection_serves_one_event_loop():
    connection = Connection(Address("http://127.0.0.1:1"), patience=0)

    async def once():
        try:
            await connection.ask("GET", "/healthz")
        finally:
            await asyncio.sleep(0)

    with pytest.raises(UnavailableError):
        asyncio.run(once())
    with pytest.raises(ConfigError, match="event loop"):
        asyncio.run(once())


# ── TLS ───────────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1 that no authority has signed, with its key."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    kind = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    try:
        command = ["openssl", "req", "-x509", *kind, *subject, "-keyout", path, "-out", f"{path}.crt"]
        subprocess.run(command, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("this machine has no openssl")
    path.write_text(path.read_text() + path.with_name("server.pem.crt").read_text())
    return path


def test_a_certificate_that_is_not_trusted_is_an_error_at_once(certificate, monkeypatch):
    with OddServer(Answer(200, b'{"fine": true}'), certificate=certificate) as server:
        assert server.url.startswith("https://")
        with pytest.raises(RemoteError, match=r"isn't trusted here.*SSL_CERT_FILE"):
            ask(server.url)
        assert server.asked == []
        monkeypatch.setenv("SSL_CERT_FILE", f"{certificate}.crt")
        assert ask(server.url) == {"fine": True}


def test_what_a_newer_server_adds_to_an_answer_is_no_fault():
    job = {"id": "a", "name": "", "status": "queued", "total": 1, "done": 0, "without_verdict": 0}
    told = {**job, "created": "2026-01-01T00:00:00Z", "finished": None, "priority": "high"}
    assert wire.Job.model_validate(told).id == "a"
    with pytest.raises(ValueError, match="priority"):
        wire.JobRequest.model_validate({"items": [{"environment": "a", "completion": ""}], "priority": "high"})
