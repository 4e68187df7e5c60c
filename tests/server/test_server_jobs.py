"""Jobs over HTTP, judged by real server processes that are killed, restarted and cut off from their database."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import make_url

from deepgym_env import DeepGym, Limits, load_environment
from deepgym_env.benchmarks.records import to_text
from deepgym_env.remote.wire import Verdict
from deepgym_env.server.store.database import Database
from deepgym_env.server.store.keys import KeyStore

pytestmark = pytest.mark.xdist_group("server jobs")


class Server:
    """A server process."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdout is not None
        self.process = process
        self.client = httpx.Client(base_url=process.stdout.readline().rpartition(" ")[2].strip(), timeout=60)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def submit(
        self, items: list[dict[str, Any]], headers: dict[str, str] | None = None, **fields: Any
    ) -> dict[str, Any]:
        response = self.client.post("/v1/jobs", json={"items": items, **fields}, headers=headers)
        assert response.status_code == 202, response.text
        assert response.headers["Location"] == f"/v1/jobs/{response.json()['id']}"
        return response.json()

    def job(self, job_id: str) -> dict[str, Any]:
        response = self.client.get(f"/v1/jobs/{job_id}")
        assert response.status_code == 200, response.text
        return response.json()

    def wait(
        self, job_id: str, until: Callable[[dict[str, Any]], bool] = lambda job: job["finished"]
    ) -> dict[str, Any]:
        deadline = time.monotonic() + 120
        while not until(job := self.job(job_id)):
            assert time.monotonic() < deadline, job
            time.sleep(0.05)
        return job

    def results(self, job_id: str, limit: int = 7) -> list[tuple[int, Verdict]]:
        """All results there are, read in pages."""
        found, after = [], -1
        while after is not None:
            page = self.client.get(f"/v1/jobs/{job_id}/results", params={"after": after, "limit": limit}).json()
            found += [(each["position"], Verdict.model_validate(each["verdict"])) for each in page["results"]]
            after = page["next"]
        return found

    def events(self, job_id: str, last: int = 0, until: int | None = None) -> Iterator[tuple[str, int | None, Any]]:
        """Events as (name, id, data), until the end or ``until`` results came."""
        headers = {"Last-Event-ID": str(last)} if last else {}
        with self.client.stream("GET", f"/v1/jobs/{job_id}/events", headers=headers) as response:
            assert response.headers["content-type"].startswith("text/event-stream")
            fields: dict[str, str] = {}
            for line in response.iter_lines():
                if line:
                    name, _, value = line.partition(": ")
                    fields[name] = value
                elif fields.get("event"):
                    yield fields["event"], int(fields["id"]) if "id" in fields else None, json.loads(fields["data"])
                    until = until - (fields["event"] == "result") if until else until
                    if until == 0:
                        return
                    fields = {}


@pytest.fixture(scope="module")
def toy(make_task: Callable[..., Any]) -> str:
    """A task by value, that waits a little for whom asks."""
    limits = Limits(wall_seconds=10.0, cpu_seconds=5.0)
    return to_text(make_task(((1,), 1), ((2,), 4), id="square", limits=limits))


@contextmanager
def serving(url: str, *options: str) -> Iterator[Server]:
    command = [
        sys.executable,
        str(Path(__file__).with_name("jobs_server.py")),
        "serve",
        "--port",
        "0",
        "--workers",
        "1",
    ]
    command += ["--database", url, "--job-lease", "1.5", "--job-pause", "0", "--drain-seconds", "1", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    server = Server(process)
    try:
        yield server
    finally:
        server.client.close()
        process.terminate()
        process.wait()
        process.stdout.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One that the tests that kill nothing share."""
    with serving(f"sqlite:///{tmp_path_factory.mktemp('jobs')}/jobs.db") as server:
        yield server


def squares(count: int, seconds: float = 0.0) -> list[dict[str, Any]]:
    """Submissions that are right, half right and wrong in turn, none of them like another."""
    bodies = ("x * x", "1 if x == 1 else 0", "'no'")
    wait = f"\n    import time; time.sleep({seconds})" if seconds else ""
    return [
        {"environment": "sq", "completion": f"def f(x):  # {number}{wait}\n    return {bodies[number % 3]}"}
        for number in range(count)
    ]


def scores(results: list[tuple[int, Verdict]]) -> list[tuple[int, float | None]]:
    return [(position, verdict.score) for position, verdict in results]


def expected(count: int) -> list[tuple[int, float]]:
    return [(number, (1.0, 0.5, 0.0)[number % 3]) for number in range(count)]


def test_verdicts_are_the_library_s(server: Server, engine: DeepGym, toy: str) -> None:
    items = [
        {"environment": "fizzbuzz", "completion": "def fizzbuzz(n): return []"},
        {"environment": "two_sum", "completion": load_environment("two_sum").reference},
        {"environment": "two_sum", "completion": load_environment("two_sum").reference, "seed": 7},
        {"environment": "two_sum", "completion": "no code"},
        *squares(2),
    ]
    job = server.submit(items, tasks={"sq": toy}, name="a few")
    over = server.wait(job["id"])
    assert (over["status"], over["name"], over["done"], over["without_verdict"]) == ("succeeded", "a few", 6, 0)
    tasks = [load_environment("fizzbuzz"), *(load_environment("two_sum", seed) for seed in (0, 7, 0))]
    here = [engine.run(task, item["completion"]) for task, item in zip(tasks, items, strict=False)]
    there = server.results(job["id"], limit=2)
    assert [position for position, _ in there] == list(range(6))
    assert [verdict.result() for _, verdict in there[:4]] == here
    assert [verdict.score for _, verdict in there[4:]] == [1.0, 0.5]


def test_hidden_tests_stay_hidden(server: Server) -> None:
    job = server.submit([{"environment": "fizzbuzz", "completion": "def fizzbuzz(n): return []"}])
    server.wait(job["id"])
    ((_, verdict),) = server.results(job["id"])
    hidden = [case for case in verdict.cases if not case.public]
    assert hidden
    assert {case.expected_summary + case.input_summary for case in hidden} == {""}


def test_events_go_on_where_they_were_cut_off(server: Server, toy: str) -> None:
    job = server.submit(squares(12, seconds=0.1), tasks={"sq": toy})
    first = [event for event in server.events(job["id"], until=5) if event[0] == "result"]
    assert [number for _, number, _ in first] == [1, 2, 3, 4, 5]
    rest = list(server.events(job["id"], last=5))
    results = [event for event in rest if event[0] == "result"]
    assert [number for _, number, _ in results] == list(range(6, 13))
    assert sorted(data["position"] for _, _, data in first + results) == list(range(12))
    assert [name for name, _, _ in rest].count("end") == 1
    assert rest[-1] == ("end", None, server.job(job["id"]))
    assert [data for name, _, data in rest if name == "progress"][-1] == rest[-1][2]
    assert [name for name, _, _ in server.events(job["id"], last=12)] == ["progress", "end"]


def test_equal_submissions_have_equal_verdicts(server: Server, toy: str) -> None:
    job = server.submit(squares(1) * 30, tasks={"sq": toy})
    server.wait(job["id"])
    assert scores(server.results(job["id"])) == [(number, 1.0) for number in range(30)]


def test_a_job_is_cancelled_and_makes_room(server: Server, toy: str) -> None:
    job = server.submit(squares(40, seconds=1.0), tasks={"sq": toy})
    server.wait(job["id"], lambda job: job["status"] == "running")
    over = server.client.post(f"/v1/jobs/{job['id']}/cancel").json()
    assert over["status"] == "cancelled"
    assert over["finished"] is not None
    assert over["done"] < 40
    after = server.submit(squares(3), tasks={"sq": toy})
    assert server.wait(after["id"])["status"] == "succeeded"
    assert server.job(job["id"]) == over
    assert len(server.results(job["id"])) == over["done"]
    assert list(server.events(job["id"]))[-1] == ("end", None, over)
    assert server.client.post(f"/v1/jobs/{job['id']}/cancel").json() == over


def test_a_small_job_passes_a_huge_one(server: Server, toy: str) -> None:
    huge = server.submit(squares(10_000, seconds=0.01), tasks={"sq": toy})
    assert server.job(huge["id"])["total"] == 10_000
    small = server.submit(squares(3), tasks={"sq": toy})
    server.wait(small["id"])
    assert server.job(huge["id"])["done"] < 10_000
    over = server.client.post(f"/v1/jobs/{huge['id']}/cancel").json()
    assert over["done"] < 10_000
    listed = server.client.get("/v1/jobs", params={"limit": 2}).json()
    assert [job["id"] for job in listed["jobs"]] == [small["id"], huge["id"]]
    assert listed["next"] == huge["id"]


def test_a_request_sent_again_makes_no_second_job(server: Server, toy: str) -> None:
    headers = {"Idempotency-Key": "once"}
    job = server.submit(squares(2), headers, tasks={"sq": toy})
    assert server.submit(squares(2), headers, tasks={"sq": toy})["id"] == job["id"]


@pytest.mark.parametrize(
    ("change", "path"),
    [({"items": []}, "items"), ({"name": "a\x00b"}, "name"), ({"items": [{"environment": "fizzbuzz"}]}, "completion")],
)
def test_requests_that_are_wrong(server: Server, change: dict[str, Any], path: str) -> None:
    body = {"items": [{"environment": "fizzbuzz", "completion": ""}], **change}
    response = server.client.post("/v1/jobs", json=body)
    assert response.status_code == 422
    assert path in response.text


def test_there_is_no_such_job(server: Server) -> None:
    for method, path in (("GET", ""), ("GET", "/results"), ("GET", "/events"), ("POST", "/cancel")):
        response = server.client.request(method, f"/v1/jobs/none{path}")
        assert response.status_code == 404
        assert "no job 'none'" in response.text


def test_addresses_no_database_takes_are_refused(database_url: str) -> None:
    with serving(database_url) as server:
        job = server.submit([{"environment": "fizzbuzz", "completion": ""}])["id"]
        for method, path in (
            *(("GET", f"/v1/jobs/%00{part}") for part in ("", "/results", "/events")),
            ("POST", "/v1/jobs/%00/cancel"),
            ("GET", "/v1/jobs?after=%00"),
            *(("GET", f"/v1/jobs/{job}/results?after={after}") for after in (2**31, 2**63, 10**30)),
        ):
            assert server.client.request(method, path).status_code == 422, path
        for last in (2**31, 2**63, 10**30):
            events = server.client.get(f"/v1/jobs/{job}/events", headers={"Last-Event-ID": str(last)})
            assert events.status_code == 422, last
        most = 2**31 - 1
        assert server.client.get(f"/v1/jobs/{job}/results?after={most}").status_code == 200
        server.wait(job)
        assert [name for name, _, _ in server.events(job, last=most)] == ["progress", "end"]


def test_a_server_killed_in_the_middle_loses_nothing(database_url: str, toy: str) -> None:
    with serving(database_url) as server:
        job = server.submit(squares(40, seconds=0.3), tasks={"sq": toy})
        server.wait(job["id"], lambda job: job["done"] >= 3)
        server.kill()
    with serving(database_url) as server:
        assert 3 <= server.job(job["id"])["done"] < 40
        events = list(server.events(job["id"]))
        numbers = [number for name, number, _ in events if name == "result"]
        assert numbers == list(range(1, 41))
        assert sorted(data["position"] for name, _, data in events if name == "result") == list(range(40))
        over = events[-1][2]
        assert (over["status"], over["done"], over["without_verdict"]) == ("succeeded", 40, 0)
        assert scores(server.results(job["id"])) == expected(40)


def test_a_server_that_ends_gives_back_what_it_had_begun(tmp_path: Path, toy: str) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    with serving(url, "--job-lease", "3600") as server:
        job = server.submit(squares(30, seconds=0.15), tasks={"sq": toy})
        events = []
        for event in server.events(job["id"]):  # ends by itself
            events.append(event)
            if len(events) == 3:
                server.process.terminate()
        assert server.process.wait() == 0
    numbers = [number for name, number, _ in events if name == "result"]
    assert "end" not in [name for name, _, _ in events]
    with serving(url, "--job-lease", "3600") as server:
        rest = list(server.events(job["id"], last=numbers[-1]))
        numbers += [number for name, number, _ in rest if name == "result"]
        assert numbers == list(range(1, 31))
        assert scores(server.results(job["id"])) == expected(30)


def test_two_servers_share_a_job(database_url: str, toy: str) -> None:
    with ExitStack() as stack:
        first, second = (stack.enter_context(serving(database_url)) for _ in range(2))
        job = first.submit(squares(40, seconds=0.1), tasks={"sq": toy})
        second.wait(job["id"], lambda job: job["done"] >= 1)
        first.kill()
        numbers = [number for name, number, _ in second.events(job["id"]) if name == "result"]
        assert numbers == list(range(1, 41))
        assert scores(second.results(job["id"])) == expected(40)


def test_an_item_that_ends_every_server_is_given_up(tmp_path: Path) -> None:
    fine = {"environment": "lethal", "completion": "def f(x): return x"}
    killed, job = 0, None
    while True:
        with serving(f"sqlite:///{tmp_path}/jobs.db", "--job-attempts", "1", "--job-lease", "0.6") as server:
            job = job or server.submit([fine, {**fine, "seed": 9}])
            try:
                over = server.wait(job["id"])
                results = server.results(job["id"])
                break
            except httpx.TransportError:
                assert server.process.wait() == -signal.SIGKILL
                killed += 1
    assert killed == 4
    assert (over["status"], over["done"], over["without_verdict"]) == ("succeeded", 2, 1)
    assert scores(results) == [(0, 1.0), (1, None)]
    assert "4 servers ended" in results[1][1].details


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_database_is_away_in_the_middle(database_url: str, toy: str) -> None:
    import psycopg

    name = make_url(database_url).database
    elsewhere = make_url(database_url).set(drivername="postgresql", database="postgres")
    with (
        serving(database_url) as server,
        psycopg.connect(elsewhere.render_as_string(hide_password=False), autocommit=True) as administrator,
    ):
        job = server.submit(squares(40, seconds=0.15), tasks={"sq": toy})
        server.wait(job["id"], lambda job: job["done"] >= 3)
        administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        administrator.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        away = server.client.get(f"/v1/jobs/{job['id']}")
        assert away.status_code == 503
        assert int(away.headers["Retry-After"]) > 0
        time.sleep(4.5)  # three leases
        administrator.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
        over = server.wait(job["id"])
        assert (over["done"], over["without_verdict"]) == (40, 0)
        assert scores(server.results(job["id"])) == expected(40)


def test_too_many_submissions_are_refused_for_now(tmp_path: Path, toy: str) -> None:
    with serving(f"sqlite:///{tmp_path}/jobs.db", "--job-queue", "3", "--key-job-queue", "5") as server:
        for count, status in ((4, 503), (6, 429)):
            response = server.client.post("/v1/jobs", json={"items": squares(count), "tasks": {"sq": toy}})
            assert response.status_code == status
            assert int(response.headers["Retry-After"]) > 0
            assert f"{count} items" in response.text
        assert server.client.get("/v1/jobs").json() == {"jobs": [], "next": None}


def test_a_key_sees_its_own_jobs_only(tmp_path: Path, toy: str) -> None:
    url = f"sqlite:///{tmp_path}/jobs.db"
    database = Database(url)
    keys = KeyStore(database)
    ann, bob, root, reader = (keys.create("trainer", [scope]) for scope in ("run", "run", "admin", "read"))
    database.close()
    with serving(url) as server:

        def ask(key: str, method: str, path: str = "", **more: Any) -> httpx.Response:
            headers = {"Authorization": f"Bearer {key}"}
            return server.client.request(method, f"/v1/jobs{path}", headers=headers, **more)

        body = {"items": squares(2), "tasks": {"sq": toy}}
        assert ask(reader, "POST", json=body).status_code == 403
        assert server.client.get("/v1/jobs").status_code == 401
        job = ask(ann, "POST", json=body).json()["id"]
        for path in ("", "/results", "/events"):
            assert ask(bob, "GET", f"/{job}{path}").status_code == 404
        assert ask(bob, "POST", f"/{job}/cancel").status_code == 404
        assert ask(bob, "GET").json()["jobs"] == []
        for key in (ann, root):
            assert [each["id"] for each in ask(key, "GET").json()["jobs"]] == [job]
            assert ask(key, "GET", f"/{job}").status_code == 200
