"""The REST API gives the library's verdicts, shows no hidden test, and describes itself."""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from running_server import Api, serving

from deepgym_env import DeepGym, Program, Task, load_environment, task_ids
from deepgym_env.benchmarks.records import to_text
from deepgym_env.remote.wire import EnvironmentDetails, Verdict
from deepgym_env.remote.wire_programs import IsolationReport, ProgramRequest, ProgramResults
from deepgym_env.sandbox.local import LocalBackend

RIGHT = "def reverse_string(s):\n    return s[::-1]\n"
SUBMISSIONS = {
    "right": RIGHT,
    "right in a fence": f"Here it is:\n```python\n{RIGHT}```\n",
    "wrong": "def reverse_string(s):\n    return s\n",
    "raises": "def reverse_string(s):\n    raise ValueError('\\ud800 no')\n",
    "crashes": "import os\ndef reverse_string(s):\n    os._exit(3)\n",
    "no Python": "def reverse_string(s:\n",
    "no code": "",
    "half a character": "def reverse_string(s):\n    return '\ud800'\n",
    "forges": "import os\nos.write(3, bytes([9, 0, 0, 0]) + b'forged...')\n" + RIGHT,
    "NUL": "\0",
}


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory, engine: DeepGym) -> Iterator[Api]:
    """A server that asks nobody for a key."""
    with serving(tmp_path_factory.mktemp("api"), engine) as running:
        yield running


def verdict_of(answer: Any) -> Any:
    assert answer.status_code == 200, answer.text
    return Verdict.model_validate(answer.json())


def post(api: Api, path: str, body: Any) -> Any:
    """Send JSON as Python writes it: any string, also one that is no Unicode text."""
    return api.post(path, content=json.dumps(body), headers={"Content-Type": "application/json"})


@pytest.mark.parametrize("completion", SUBMISSIONS.values(), ids=SUBMISSIONS.keys())
def test_a_verdict_is_the_librarys(api: Api, engine: DeepGym, completion: str) -> None:
    verdict = verdict_of(post(api, "/v1/run", {"environment": "reverse_string", "completion": completion}))
    mine = engine.run("reverse_string", completion)
    assert verdict.result() == mine
    assert (verdict.score, verdict.passed, verdict.has_verdict) == (mine.score, mine.passed, True)


def test_a_batch_keeps_its_order(api: Api, engine: DeepGym) -> None:
    items = [{"environment": "reverse_string", "completion": each} for each in SUBMISSIONS.values()]
    items += [{"environment": "two_sum", "completion": "x = 1", "seed": 7}, items[0]]
    answer = post(api, "/v1/batch", {"items": items})
    results = [Verdict.model_validate(each).result() for each in answer.json()["results"]]
    asked = [(load_environment(each["environment"], each.get("seed", 0)), each["completion"]) for each in items]
    assert results == engine.run_many(asked)
    assert results[-2].seed == 7


def test_a_task_by_value(api: Api, engine: DeepGym, make_task: Callable[..., Task]) -> None:
    task = make_task(((1,), 2), ((5,), 6), id="mine/plus_one")
    body = {
        "items": [{"environment": "p", "completion": "def f(x): return x + 1"}, {"environment": "p", "completion": ""}],
        "tasks": {"p": to_text(task)},
    }
    for _ in range(2):  # the second time it is known
        results = [Verdict.model_validate(each).result() for each in post(api, "/v1/batch", body).json()["results"]]
        assert results == list(engine.run_batch(task, ["def f(x): return x + 1", ""]))


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"environment": "coin_chang", "completion": "x"}, 404, "did you mean 'coin_change'"),
        ({"environment": "HumanEval/0", "completion": "x"}, 404, "deepgym import humaneval"),
        ({"environment": "debug_fix", "completion": "x"}, 422, "POST /v1/sessions"),
        ({"environment": "t", "completion": "x", "tasks": {"t": "[]"}}, 422, "no task"),
        ({"environment": "t", "completion": "x", "tasks": {"t": "[" * 100_000}}, 422, "no task"),
        ({"environment": "../../etc", "completion": "x"}, 404, "no task"),
        ({"environment": "coin_change"}, 422, "body.completion: Field required"),
        ({"environment": "coin_change", "completion": 5}, 422, "body.completion"),
        ({"environment": "coin_change", "completion": "x", "seed": -1}, 422, "body.seed"),
        ({"environment": "coin_change", "completion": "x", "seed": float("nan")}, 422, "body.seed"),
        ({"environment": "coin_change", "completion": "x", "timeout": 5}, 422, "body.timeout: Extra inputs"),
        ({"environment": "coin_change", "completion": "x", "é" * 999: 5}, 422, "Extra inputs"),
        ({"environment": "coin_change", "completion": "x", "\ud800": 5}, 422, "body"),
        ({"environment": "\ud800", "completion": "x"}, 422, "body.environment"),
    ],
)
def test_what_can_not_be_judged_is_told(api: Api, body: Any, status: int, said: str) -> None:
    answer = post(api, "/v1/run", body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert said in problem["detail"]
    assert len(answer.content) < 4000


def test_listing_pages(api: Api) -> None:
    found: list[str] = []
    after: dict[str, str] = {}
    while True:
        page = api.get("/v1/environments", params={"limit": 10, **after}).json()
        found += [each["id"] for each in page["environments"]]
        assert page["total"] == len(task_ids())
        if page["next"] is None:
            break
        after = {"after": page["next"]}
    assert found == list(task_ids())


@pytest.mark.parametrize(
    ("query", "fits"),
    [
        ("difficulty=easy", lambda each: each["difficulty"] == "easy"),
        ("tag=trees", lambda each: "trees" in each["tags"]),
        ("tag=trees&tag=hashing", lambda each: {"trees", "hashing"} <= set(each["tags"])),
        ("kind=workspace", lambda each: each["kind"] == "workspace"),
        ("text=STRING", lambda each: "string" in (each["id"] + each["title"]).lower()),
    ],
)
def test_listing_filters(api: Api, query: str, fits: Callable[[Any], bool]) -> None:
    everything = api.get("/v1/environments?limit=1000").json()["environments"]
    assert api.get(f"/v1/environments?limit=1000&{query}").json()["environments"] == list(filter(fits, everything))


def test_a_page_of_another_list_is_refused(api: Api) -> None:
    answer = api.get("/v1/environments", params={"after": "nonsense"})
    assert (answer.status_code, "nonsense" in answer.json()["detail"]) == (422, True)


@pytest.mark.parametrize("name", ["coin_change", "DeepGym/coin_change", "debug_fix"])
def test_showing_a_task_shows_no_hidden_test(api: Api, name: str) -> None:
    task = load_environment(name)
    answer = api.get(f"/v1/environments/{name}")
    details = EnvironmentDetails.model_validate(answer.json())
    assert (details.id, details.prompt, details.tests) == (task.id, task.prompt, len(task.tests))
    assert details.public_tests == len(task.public_tests)
    assert "submit" in [tool["function"]["name"] for tool in details.tools]
    assert str(task.reference) not in answer.text
    assert [test.id for test in task.tests if not test.public and f'"{test.id}"' in answer.text] == []


def test_a_fingerprint_tells_tasks_apart(api: Api) -> None:
    first, again, other = (
        api.get("/v1/environments/two_sum", params={"seed": seed}).json()["fingerprint"] for seed in (0, 0, 1)
    )
    assert first == again != other
    assert len(first) == 64


def test_programs_run(api: Api, engine: DeepGym) -> None:
    program = Program(
        language="python", code="import sys\nprint(sys.argv[1], input(), open('a.txt').read())", args=("x",)
    )
    program = program.model_copy(
        update={"files": (type(load_environment("debug_fix").files[0])("a.txt", b"file\xc3\xa9"),)}
    )
    asked = ProgramRequest.of(program, [b"one\n", b"two\n", b""])
    assert asked.program.program() == program
    answer = api.post("/v1/execute", content=asked.model_dump_json(), headers={"Content-Type": "application/json"})
    results = [each.result() for each in ProgramResults.model_validate(answer.json()).results]
    assert results == list(engine.execute_many(program, [b"one\n", b"two\n", b""]))
    assert [result.stdout for result in results[:2]] == ["x one fileé\n", "x two fileé\n"]


@pytest.mark.parametrize(
    ("program", "stdins"),
    [
        ({"language": "cobol", "code": ""}, []),
        ({"language": "python", "code": "", "files": [{"path": "../x", "data": ""}]}, [""]),
        ({"language": "python", "code": "", "files": [{"path": "x", "data": "no base64!"}]}, [""]),
        ({"language": "python", "code": "", "args": ["\0"]}, [""]),
        ({"language": "python", "code": "", "limits": {"cpu_seconds": -1}}, [""]),
        ({"language": "python", "code": ""}, []),
    ],
)
def test_a_program_that_can_not_be_run_is_refused(api: Api, program: Any, stdins: list[str]) -> None:
    answer = post(api, "/v1/execute", {"program": program, "stdins": stdins})
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


def test_the_sandbox_is_described(api: Api, engine: DeepGym) -> None:
    report = IsolationReport.model_validate(api.get("/v1/isolation").json())
    assert report.isolation() == engine.isolation()
    assert (report.level, report.mode, report.workers) == (engine.isolation().level, engine.mode, engine.workers)
    assert api.get("/v1/languages").json()["languages"] == dict(engine.languages())


def test_an_audit_is_the_consoles(api: Api, make_task: Callable[..., Task]) -> None:
    body = {"environment": "fizzbuzz", "strategies": ["exit", "object"], "runs": 2}
    report = post(api, "/v1/audit", body).json()
    assert (report["is_robust"], report["exploits_found"], report["signs"]["is_clean"]) == (True, 0, True)
    assert report["mutation"] is None
    weak = make_task(((1,), 1), ((2,), 1), reference="def f(x): return 1")
    body = {"environment": "w", "tasks": {"w": to_text(weak)}, "strategies": ["constants"], "runs": 2}
    assert post(api, "/v1/audit", body).json()["is_robust"] is False
    assert post(api, "/v1/audit", {**body, "strategies": ["nonsense"]}).status_code == 422


def test_one_audit_at_a_time(api: Api) -> None:
    first: list[Any] = []
    body = {"environment": "reverse_string", "strategies": ["exit", "trivial"], "runs": 2}
    auditing = threading.Thread(target=lambda: first.append(post(api, "/v1/audit", body)))
    auditing.start()
    wait_for(lambda: api.services.auditing.locked(), "the audit did not begin")
    answer = post(api, "/v1/audit", body)
    assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
    auditing.join()
    assert first[0].json()["is_robust"] is True


def wait_for(condition: Callable[[], bool], what: str, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.01)


async def tasks_there_are(_: Any) -> int:
    return len(asyncio.all_tasks())


def test_a_client_that_leaves_ends_its_work(api: Api, engine: DeepGym) -> None:
    before = engine.call(tasks_there_are)
    busy = "def reverse_string(s):\n    while True: pass\n"
    items = [{"environment": "reverse_string", "completion": f"{busy}# {n}"} for n in range(200)]
    with pytest.raises(httpx.ReadTimeout):
        api.post("/v1/batch", json={"items": items}, timeout=0.5)
    wait_for(lambda: api.services.capacity.used == 0, "its room was not given back")
    wait_for(lambda: engine.call(tasks_there_are) <= before, "its work went on")


def test_an_audit_nobody_waits_for_ends(api: Api) -> None:
    with pytest.raises(httpx.ReadTimeout):
        api.post("/v1/audit", json={"environment": "coin_change", "mutants": True}, timeout=0.5)
    wait_for(lambda: not api.services.auditing.locked(), "the audit went on", seconds=20)


def test_the_queue_is_bounded(tmp_path: Path, engine: DeepGym) -> None:
    with serving(tmp_path, engine, max_queue=2) as api:
        item = {"environment": "reverse_string", "completion": RIGHT}
        assert post(api, "/v1/batch", {"items": [item] * 2}).status_code == 200
        too_many = post(api, "/v1/batch", {"items": [item] * 3})
        assert (too_many.status_code, "more than this server takes" in too_many.json()["detail"]) == (422, True)
        with api.services.capacity.reserve(1):
            busy = post(api, "/v1/batch", {"items": [item] * 2})
            assert (busy.status_code, int(busy.headers["retry-after"]) > 0) == (503, True)
            assert post(api, "/v1/run", item).status_code == 200


def test_a_broken_sandbox_is_no_verdict(tmp_path: Path) -> None:
    backend = LocalBackend(python="/no/such/python")
    with DeepGym(workers=1, retries=0, backend=backend) as engine, serving(tmp_path, engine) as api:
        verdict = verdict_of(post(api, "/v1/run", {"environment": "reverse_string", "completion": RIGHT}))
        assert (verdict.has_verdict, verdict.score, verdict.status) == (False, None, "infrastructure_error")
        empty = verdict_of(post(api, "/v1/run", {"environment": "reverse_string", "completion": ""}))
        assert (empty.has_verdict, empty.score) == (True, 0.0)
        ready = api.get("/readyz")
        assert (ready.status_code, list(ready.json()["reasons"])) == (503, ["sandbox"])
        assert api.get("/healthz").status_code == 200
        for path in ("/v1/languages", "/v1/isolation"):
            answer = api.get(path)
            assert (answer.status_code, int(answer.headers["retry-after"]) > 0) == (503, True)
        text = api.get("/metrics").text
    assert "deepgym_submissions_without_verdict_total 1.0" in text
    assert 'deepgym_submissions_total{status="no_code"} 1.0' in text


def test_strangers_are_not_told_what_is_wrong(tmp_path: Path) -> None:
    backend = LocalBackend(python="/no/such/python")
    with DeepGym(workers=1, retries=0, backend=backend) as engine, serving(tmp_path, engine, keys_required=True) as api:
        assert api.get("/readyz").json()["reasons"] == {"sandbox": "the server's log says why"}


def test_an_engine_that_is_closed_says_so(tmp_path: Path) -> None:
    engine = DeepGym(workers=1)
    with serving(tmp_path, engine) as api:
        engine.close()
        answer = post(api, "/v1/run", {"environment": "reverse_string", "completion": RIGHT})
        assert answer.status_code == 409
        assert api.get("/readyz").status_code == 503


def test_keys_are_asked_for(tmp_path: Path, engine: DeepGym) -> None:
    with serving(tmp_path, engine, keys_required=True) as api:
        run = {"environment": "reverse_string", "completion": RIGHT}
        assert post(api, "/v1/run", run).status_code == 401
        assert [api.get(path).status_code for path in ("/healthz", "/readyz", "/metrics")] == [200, 200, 401]
        key = api.services.keys.create("reader", ["read"])
        api.headers["Authorization"] = f"Bearer {key}"
        assert (post(api, "/v1/run", run).status_code, api.get("/metrics").status_code) == (403, 200)
        api.headers["Authorization"] = f"Bearer {api.services.keys.create('runner', ['run'])}"
        assert (post(api, "/v1/run", run).status_code, api.get("/metrics").status_code) == (200, 403)
        assert post(api, "/v1/audit", {"environment": "fizzbuzz"}).status_code == 403


def test_a_request_has_an_id(api: Api) -> None:
    assert api.get("/healthz", headers={"X-Request-ID": "abc-1"}).headers["x-request-id"] == "abc-1"
    made = [
        api.get("/healthz", headers={"X-Request-ID": given}).headers["x-request-id"] for given in ("a b", "", "x" * 129)
    ]
    assert len(set(made)) == 3
    assert "a b" not in made


def test_large_answers_are_compressed(api: Api) -> None:
    items = [{"environment": "reverse_string", "completion": RIGHT}] * 100
    assert post(api, "/v1/batch", {"items": items}).headers["content-encoding"] == "gzip"


def test_the_description_is_complete(api: Api) -> None:
    description = api.get("/openapi.json").json()
    operations = [
        (path, method, operation)
        for path, methods in description["paths"].items()
        for method, operation in methods.items()
    ]
    assert {path for path, _, _ in operations} >= {
        "/healthz", "/metrics", "/readyz", "/v1/audit", "/v1/batch", "/v1/environments",
        "/v1/environments/{environment}", "/v1/execute", "/v1/isolation", "/v1/languages", "/v1/run",
    }  # fmt: skip
    for path, method, operation in operations:
        assert operation["summary"], (path, method)
        assert operation["description"], (path, method)
        assert operation["tags"], (path, method)
        if path.startswith("/v1/"):
            assert {"401", "403"} <= set(operation["responses"]), (path, method)
    ids = [operation["operationId"] for _, _, operation in operations]
    assert len(set(ids)) == len(ids)
    assert [name for name in ids if not name.isidentifier() or "_v1_" in name] == []


def test_errors_are_described_as_what_they_are(api: Api) -> None:
    paths = api.get("/openapi.json").json()["paths"]
    problem = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for path, methods in paths.items():
        for method, operation in methods.items():
            refused = {code: answer for code, answer in operation["responses"].items() if code >= "400"}
            if path != "/readyz":
                assert [answer["content"] for answer in refused.values()] == [
                    {"application/problem+json": problem}
                ] * len(refused), (path, method)
            if "requestBody" in operation:
                assert {"400", "413", "415", "422"} <= refused.keys(), (path, method)
    torn = api.post("/v1/run", content="{", headers={"content-type": "application/json"})
    assert (torn.status_code, torn.headers["content-type"]) == (400, "application/problem+json")
    unknown = post(api, "/submit", {"dataset": "deepgym", "id": "no_such_task", "completion": ""})
    assert unknown.status_code == 404
    assert "404" in paths["/submit"]["post"]["responses"]


def test_bounds_are_described_exactly(api: Api) -> None:
    seed = api.get("/openapi.json").json()["components"]["schemas"]["RunRequest"]["properties"]["seed"]
    assert isinstance(seed["exclusiveMaximum"], int)  # as a float it is written as 9.223372036854776e+18, which is more
    assert seed["exclusiveMaximum"] == 2**63


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/v1/run", "POST"),
        ("/v1/jobs", "GET, POST"),
        ("/v1/sessions", "GET, POST"),
        ("/v1/sessions/x", "DELETE, GET"),
        ("/healthz", "GET"),
    ],
)
def test_another_method_is_told_all_that_may_be_asked(api: Api, path: str, allowed: str) -> None:
    answer = api.request("PUT", path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)
    assert answer.json()["detail"] == f"PUT can't be asked of {path!r}: only {allowed}"


def test_the_examples_work(api: Api) -> None:
    schemas = api.get("/openapi.json").json()["components"]["schemas"]
    asked = {
        "/v1/run": "RunRequest",
        "/v1/batch": "BatchRequest",
        "/v1/execute": "ProgramRequest",
        "/v1/audit": "AuditRequest",
    }
    for path, name in asked.items():
        for example in schemas[name]["examples"]:
            assert post(api, path, example).status_code == 200, (path, example)


def test_the_description_in_a_browser_needs_nothing_from_elsewhere(api: Api) -> None:
    page = api.get("/docs")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "/v1/run" in page.text
    assert "http" not in page.text.replace("http://127.0.0.1", "")


def test_base64_is_read_strictly(api: Api) -> None:
    stdin = base64.b64encode(b"\xff\x00").decode()
    program = {"language": "python", "code": "import sys\nprint(list(sys.stdin.buffer.read()))"}
    answer = post(api, "/v1/execute", {"program": program, "stdins": [stdin]})
    assert answer.json()["results"][0]["stdout"] == "[255, 0]\n"
