"""Whatever is sent, the answer is a verdict or a problem of the sender's: never a crash, and never a leak."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from running_server import Api, serving

from deepgym_env import AsyncDeepGym, DeepGym
from deepgym_env.benchmarks.records import to_text
from deepgym_env.catalog import load_task
from deepgym_env.remote.wire import Verdict
from deepgym_env.server.logs import JsonFormatter, TextFormatter
from deepgym_env.task import FunctionTask

JSON = {"Content-Type": "application/json"}
GOOD = json.dumps({"environment": "reverse_string", "completion": "def reverse_string(s): return s[::-1]"})
LIMIT = 1 << 20


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, engine: DeepGym) -> Iterator[Api]:
    with serving(tmp_path_factory.mktemp("hostile"), engine, max_body=LIMIT) as running:
        yield running


BODIES = {
    "empty": (b"", 422),
    "torn": (b'{"environment": "reverse', 400),
    "not JSON": (b"environment=reverse_string", 400),
    "an array": (b"[]", 422),
    "null": (b"null", 422),
    "a number": (b"5", 422),
    "nested deeply": (b"[" * 200_000, 400),
    "nested objects": (b'{"a":' * 100_000, 400),
    "deep where a string goes": (b'{"environment": "x", "completion": ' + b"[" * 900 + b"]" * 900 + b"}", 422),
    "a huge number": (b'{"environment": "x", "completion": "y", "seed": ' + b"9" * 5000 + b"}", 400),
    "a large number": (b'{"environment": "x", "completion": "y", "seed": ' + b"9" * 400 + b"}", 422),
    "no UTF-8": (b'{"environment": "\xff\xfe", "completion": "x"}', 400),
    "infinite": (b'{"environment": "x", "completion": "y", "seed": Infinity}', 422),
    "UTF-16": (GOOD.encode("utf-16"), 200),
    "many fields": (json.dumps({f"field{number}": 1 for number in range(20_000)}).encode(), 422),
    "a long id": (json.dumps({"environment": "x" * 500_000, "completion": "y"}).encode(), 422),
    "NUL in an id": (b'{"environment": "a\\u0000b", "completion": "y"}', 404),
    "many tasks": (
        json.dumps({"environment": "x", "completion": "", "tasks": {str(n): "" for n in range(300)}}).encode(),
        422,
    ),
    "twice the same field": (b'{"environment": "nope", ' + GOOD[1:].encode(), 200),
}


@pytest.mark.parametrize(("body", "status"), BODIES.values(), ids=BODIES.keys())
def test_bodies(api: Api, body: bytes, status: int) -> None:
    answer = api.post("/v1/run", content=body, headers=JSON)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == status
        assert len(answer.content) < 20_000
        assert "Traceback" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v1/run", 405),
        ("DELETE", "/v1/batch", 405),
        ("POST", "/v1/environments", 405),
        ("BREW", "/v1/run", 405),
        ("GET", "/v1/environments/%00", 404),
        ("GET", "/v1/environments/%ff%fe", 404),
        ("GET", "/v1/environments/..%2f..%2fetc%2fpasswd", 404),
        ("GET", "/v1/environments/" + "x" * 5000, 422),
        ("GET", "/v1/environments/coin_change?seed=99999999999999999999999", 422),
        ("GET", "/v1/environments?limit=0", 422),
        ("GET", "/v1/environments?difficulty=%ff", 200),
        ("GET", "/" + "x" * 20_000, 404),
    ],
)
def test_paths(api: Api, method: str, path: str, status: int) -> None:
    answer = api.request(method, path, headers=JSON)
    assert answer.status_code == status, answer.text
    if status != 200:
        assert answer.headers["content-type"] == "application/problem+json"
        assert len(answer.content) < 5000
    if status == 405:
        assert answer.headers["allow"]


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/jsonx", ""],
)
def test_only_json_is_read(api: Api, kind: str) -> None:
    answer = api.post("/v1/run", content=GOOD, headers={"Content-Type": kind})
    assert (answer.status_code, answer.headers["content-type"]) == (415, "application/problem+json")


@pytest.mark.parametrize("kind", ["application/json; charset=utf-8", "Application/JSON", "application/vnd.x+json"])
def test_json_has_several_names(api: Api, kind: str) -> None:
    assert api.post("/v1/run", content=GOOD, headers={"Content-Type": kind}).status_code == 200


def test_encoded_bodies_are_refused(api: Api) -> None:
    answer = api.post("/v1/run", content=GOOD, headers={**JSON, "Content-Encoding": "gzip"})
    assert answer.status_code == 415


def chunks(total: int) -> Iterator[bytes]:
    yield b'{"environment": "reverse_string", "completion": "'
    for _ in range(total // 65536):
        yield b"x" * 65536
    yield b'"}'


def test_a_body_that_is_too_large(api: Api) -> None:
    told = api.post("/v1/run", content=b"x" * (LIMIT + 1), headers=JSON)
    assert (told.status_code, str(LIMIT) in told.json()["detail"]) == (413, True)
    chunked = api.post("/v1/run", content=chunks(2 * LIMIT), headers=JSON)
    assert (chunked.status_code, chunked.headers["content-type"]) == (413, "application/problem+json")
    assert api.post("/v1/run", content=chunks(LIMIT // 2), headers=JSON).status_code == 200


def test_a_length_alone_is_enough_to_refuse(api: Api) -> None:
    with socket.create_connection((api.base_url.host, api.base_url.port or 0), timeout=60) as line:
        line.sendall(
            b"POST /v1/run HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 99999999999\r\n\r\n"
        )
        assert line.recv(100).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("localhost:9", 200),
        ("127.0.0.1:80", 200),
        ("[::1]:80", 200),
        ("LOCALHOST", 200),
        ("evil.example", 403),
        ("localhost.evil.example", 403),
        ("127.0.0.1.evil.example", 403),
        ("evil.example#localhost", 403),
        ("localhost@evil.example", 403),
        ("[", 403),
        ("", 403),
    ],
)
def test_without_keys_only_this_machine_is_answered(api: Api, host: str, status: int) -> None:
    assert api.post("/v1/run", content=GOOD, headers={**JSON, "Host": host}).status_code == status


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_without_keys_nothing_that_a_proxy_passes_on_is_answered(api: Api, header: str) -> None:
    answer = api.post("/v1/run", content=GOOD, headers={**JSON, header: "203.0.113.9"})
    assert (answer.status_code, "a proxy" in answer.json()["detail"]) == (403, True)


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "http://127.0.0.1", "http://["]
)
def test_pages_of_others_are_refused(api: Api, origin: str) -> None:
    for method in ("POST", "GET", "OPTIONS"):
        answer = api.request(method, "/v1/run", content=GOOD, headers={**JSON, "Origin": origin})
        assert answer.status_code == 403
        assert not [name for name in answer.headers if name.startswith("access-control")]


def test_its_own_page_is_not(api: Api) -> None:
    own = f"http://{api.base_url.host}:{api.base_url.port}"
    assert api.post("/v1/run", content=GOOD, headers={**JSON, "Origin": own}).status_code == 200


def test_with_keys_any_host_is_answered(tmp_path, engine: DeepGym) -> None:
    with serving(tmp_path, engine, keys_required=True) as api:
        key = api.services.keys.create("runner", ["run"])
        headers = {**JSON, "Host": "deepgym.example", "X-Forwarded-For": "::1", "Authorization": f"Bearer {key}"}
        assert api.post("/v1/run", content=GOOD, headers=headers).status_code == 200


HALF = "def reverse_string(s): return '\ud800'"
HALVES = {
    "a submission": ("/v1/run", {"environment": "reverse_string", "completion": HALF}, 200),
    "a job": ("/v1/jobs", {"items": [{"environment": "reverse_string", "completion": HALF}]}, 202),
    "a program": ("/v1/execute", {"program": {"language": "python", "code": HALF}}, 200),
    "an argument": ("/v1/execute", {"program": {"language": "python", "code": "", "args": ["\ud800"]}}, 422),
    "a path": (
        "/v1/execute",
        {"program": {"language": "bash", "code": "", "files": [{"path": "\ud800", "data": ""}]}},
        422,
    ),
    "a task": ("/v1/run", {"environment": "t", "completion": "", "tasks": {"t": "\ud800"}}, 422),
    "a task's name": ("/v1/run", {"environment": "t", "completion": "", "tasks": {"\ud800": ""}}, 404),
    "an audit": ("/v1/audit", {"environment": "fizzbuzz", "strategies": ["\ud800"]}, 422),
    "an episode": ("/v1/sessions", {"environment": "\ud800"}, 422),
    "a file": ("/v1/workspaces", {"files": [{"path": "a", "text": "\ud800"}]}, 422),
}


@pytest.mark.parametrize(("path", "body", "status"), HALVES.values(), ids=HALVES.keys())
def test_halves_of_characters(api: Api, path: str, body: object, status: int) -> None:
    answer = api.post(path, content=json.dumps(body), headers=JSON)
    assert answer.status_code == status, answer.text


def test_halves_of_characters_in_a_job_are_judged_as_anywhere(api: Api, engine: DeepGym) -> None:
    body = {"items": [{"environment": "reverse_string", "completion": HALF}]}
    job = api.post("/v1/jobs", content=json.dumps(body), headers=JSON).json()["id"]
    results: list[dict] = []
    deadline = time.monotonic() + 60
    while not results:
        assert time.monotonic() < deadline
        results = api.get(f"/v1/jobs/{job}/results").json()["results"]
    assert Verdict.model_validate(results[0]["verdict"]).result() == engine.run("reverse_string", HALF)


def test_files_that_lie_too_deep_are_refused(api: Api) -> None:
    file = {"path": "a/" * 2000 + "x", "data": ""}
    body = {"program": {"language": "python", "code": "", "files": [file]}}
    answer = api.post("/v1/execute", json=body)
    assert (answer.status_code, "folders deep" in answer.json()["detail"]) == (422, True)


def test_a_bug_is_told_without_its_traceback(api: Api, monkeypatch, caplog) -> None:
    def broken(*_: object) -> None:
        raise KeyError("secret/path")

    monkeypatch.setattr(api.services.tasks, "submissions", broken)
    with caplog.at_level(logging.ERROR, "deepgym.server"):
        answer = api.post("/v1/run", content=GOOD, headers={**JSON, "X-Request-ID": "the-bug"})
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert "the-bug" in answer.json()["detail"]
    assert "secret" not in answer.text
    (record,) = (record for record in caplog.records if record.exc_info)
    line = json.loads(JsonFormatter().format(record))
    assert (line["request"], "secret/path" in line["traceback"]) == ("the-bug", True)


def test_logs_hold_neither_code_nor_keys(api: Api, caplog) -> None:
    with caplog.at_level(logging.INFO, "deepgym.server"):
        api.post("/v1/run", content=GOOD.replace("s[::-1]", "'hunter2'"), headers={**JSON, "X-API-Key": "dg_a_hunter2"})
        api.get("/v1/environments?text=hunter2")
    lines = [json.loads(JsonFormatter().format(record)) for record in caplog.records]
    assert "hunter2" not in json.dumps(lines)
    assert {"time", "level", "request", "method", "route", "status", "ms", "key", "items", "without_verdict"} <= set(
        lines[0]
    )
    assert (lines[0]["route"], lines[0]["status"], lines[0]["items"]) == ("/v1/run", 200, 1)
    text = TextFormatter().format(caplog.records[0])
    assert ("route=/v1/run" in text, "\n" in text) == (True, False)


def test_labels_of_metrics_are_not_the_clients(api: Api) -> None:
    for number in range(20):
        api.request(f"VERB{number}", f"/path/{number}", headers={"X-Request-ID": f"id{number}"})
        api.get(f"/v1/environments/nothing{number}")
    text = api.get("/metrics").text
    assert 'deepgym_http_requests_total{method="other",route="none",status="404"}' in text
    assert 'route="/v1/environments/{environment:path}",status="404"' in text
    assert [word for word in ("VERB", "path/1", "nothing1", "id1") if word in text] == []


def test_tasks_that_take_long_to_load_keep_nothing_else_waiting(tmp_path, engine: DeepGym, monkeypatch) -> None:
    loading = threading.Event()
    with serving(tmp_path, engine) as api, ThreadPoolExecutor(40) as threads:
        submissions = api.services.tasks.submissions

        def slowly(*args):
            loading.wait(60)
            return submissions(*args)

        monkeypatch.setattr(api.services.tasks, "submissions", slowly)
        asked = [threads.submit(api.post, "/v1/run", content=GOOD, headers=JSON) for _ in range(40)]
        while api.services.capacity.used < len(asked):
            time.sleep(0.01)
        try:
            ready = api.get("/readyz", timeout=20)
        finally:
            loading.set()
        assert ready.status_code == 200
        assert {each.result().status_code for each in asked} == {200}


def test_limits_above_the_machine_are_refused(tmp_path, engine: DeepGym) -> None:
    task = load_task("reverse_string")
    assert isinstance(task, FunctionTask)
    high = task.model_copy(update={"limits": task.limits.model_copy(update={"memory_mb": 1025})})
    by_value = {"tasks": {"t": to_text(high)}, "environment": "t", "completion": "x"}
    items = {"tasks": by_value["tasks"], "items": [{"environment": "t", "completion": "x"}]}
    program = {"language": "python", "code": "print(1)"}
    with serving(tmp_path, engine, max_memory_mb=1024) as api:
        opened = api.post("/v1/workspaces", json={}).json()["id"]
        high_exec = {"command": "ls", "limits": {"memory_mb": 1025}}
        refused = [
            api.post("/v1/execute", json={"program": {**program, "limits": {"memory_mb": 1025}}}),
            api.post("/v1/execute", json={"program": {**program, "limits": {"disk_mb": 1025}}}),
            api.post("/v1/workspaces", json={"limits": {"disk_mb": 1025}}),
            api.post(f"/v1/workspaces/{opened}/exec", json=high_exec),
            api.post("/v1/run", json=by_value),
            api.post("/v1/jobs", json=items),
            api.post("/v1/sessions", json={"task": to_text(high)}),
            api.post("/run_code", json={**program, "memory_limit_MB": 1025}),
        ]
        assert [answer.status_code for answer in refused] == [422] * len(refused)
        assert all("1024 at this server" in answer.json()["detail"] for answer in refused)
        high_exec["limits"] = {"memory_mb": 1024}
        assert api.post(f"/v1/workspaces/{opened}/exec", json=high_exec).json()["code"] == 0
        assert api.post("/run_code", json=program).json()["status"] == "Success"


def test_programs_that_write_more_than_an_answer_may_hold(tmp_path, engine: DeepGym) -> None:
    program = {"language": "python", "code": "print('x' * 50_000)"}
    with serving(tmp_path, engine, max_body=1 << 16) as api:
        few = api.post("/v1/execute", json={"program": program, "stdins": ["", ""]})
        assert [len(result["stdout"]) for result in few.json()["results"]] == [50_001] * 2
        begun: list[int] = []
        execute_many = AsyncDeepGym.execute_many

        async def counted(self, program, stdins):
            begun.append(len(stdins))
            return await execute_many(self, program, stdins)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(AsyncDeepGym, "execute_many", counted)
            many = api.post("/v1/execute", json={"program": program, "stdins": [""] * 1000})
        assert (many.status_code, "fewer inputs" in many.json()["detail"]) == (422, True)
        assert sum(begun) < 10  # the others were not run
