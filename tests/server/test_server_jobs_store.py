"""Jobs in the database: what is claimed, answered, taken back, cancelled and removed, on SQLite and on PostgreSQL."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import text

from deepgym_env.benchmarks.compression import compress
from deepgym_env.errors import ConfigError
from deepgym_env.remote.wire import Job, Verdict
from deepgym_env.result import RunResult
from deepgym_env.server.store.database import Database
from deepgym_env.server.store.job_queue import Answer, JobQueue
from deepgym_env.server.store.jobs import JobStore, QueueFullError, Submitted

LEASE = 600.0


@pytest.fixture
def store(database: Database) -> JobStore:
    return JobStore(database)


@pytest.fixture
def queue(database: Database) -> Callable[[str], JobQueue]:
    """Makes servers that are alive."""

    def make(name: str, lease: float = LEASE) -> JobQueue:
        queue = JobQueue(database, name)
        queue.renew(lease)
        return queue

    return make


def submitted(count: int, **fields: Any) -> Submitted:
    items = [(0, f"code {number}".encode()) for number in range(count)]
    return Submitted(**{"name": "", "tasks": [b"task"], "items": items, "fingerprint": "f", **fields})


def answer(text: str = "", has_verdict: bool = True) -> Answer:
    result = RunResult(task_id="t", status="no_code" if has_verdict else "infrastructure_error", cases=(), details=text)
    if has_verdict:
        result = result.model_copy(update={"status": "passed"})
    verdict = Verdict.model_construct(**dict(result), has_verdict=has_verdict, passed=has_verdict, score=None)
    return Answer(compress(verdict.model_dump_json().encode()), has_verdict)


def positions(job: Job, claimed: list[Any]) -> list[int]:
    return sorted(item.position for item in claimed if item.job_id == job.id)


def test_a_job_from_its_submission_to_its_end(store: JobStore, queue: Any) -> None:
    job = store.create("ann", submitted(3, name="first"))
    assert (job.status, job.total, job.done, job.name, job.finished) == ("queued", 3, 0, "first", None)
    assert store.get(job.id, "ann") == job
    server = queue("a")
    claimed = server.claim(10)
    assert positions(job, claimed) == [0, 1, 2]
    assert [item.completion for item in claimed] == [b"code 0", b"code 1", b"code 2"]
    assert server.task(job.id, claimed[0].task) == b"task"
    assert store.get(job.id, "ann").status == "running"
    assert server.answer(job.id, {2: answer("two"), 0: answer("zero", has_verdict=False)}) == 2
    assert server.answer(job.id, {1: answer("one")}) == 1
    over = store.get(job.id, "ann")
    assert (over.status, over.done, over.without_verdict) == ("succeeded", 3, 1)
    assert over.created <= over.finished
    page = store.results(job.id)
    assert [(result.position, result.verdict.details) for result in page.results] == [
        (0, "zero"),
        (1, "one"),
        (2, "two"),
    ]
    assert page.next is None


def test_two_servers_never_claim_the_same(store: JobStore, queue: Any) -> None:
    jobs = [store.create("ann", submitted(40)) for _ in range(3)]
    claimed: list[Any] = []
    ready = threading.Barrier(4)

    def work(name: str) -> None:
        server = queue(name)
        ready.wait()
        while taken := server.claim(7):
            claimed.extend(taken)
            for item in taken:
                assert server.answer(item.job_id, {item.position: answer(name)}) == 1

    threads = [threading.Thread(target=work, args=(f"server {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(Counter(item.key for item in claimed).values()) == {1}
    assert len(claimed) == 120
    for job in jobs:
        over = store.get(job.id, None)
        assert (over.status, over.done) == ("succeeded", 40)
        numbers = [number for number, _ in store.news(job.id, 0, 100)[1]]
        assert numbers == list(range(1, 41))


def test_an_answer_counts_once_and_only_from_the_holder(store: JobStore, queue: Any) -> None:
    job = store.create("ann", submitted(1))
    first, second = queue("a", lease=-1.0), queue("b")
    assert positions(job, first.claim(1)) == [0]
    assert second.claim(1) == []
    assert second.reap() == 1  # the first one's lease is over
    assert positions(job, second.claim(1)) == [0]
    assert first.answer(job.id, {0: answer("late")}) == 0
    assert first.renew(LEASE) == set()
    assert second.answer(job.id, {0: answer("right")}) == 1
    assert second.answer(job.id, {0: answer("again")}) == 0
    assert store.get(job.id, None).done == 1
    assert [result.verdict.details for result in store.results(job.id).results] == ["right"]


def test_what_a_living_server_holds_is_not_taken(store: JobStore, queue: Any) -> None:
    job = store.create("ann", submitted(2))
    first, second = queue("a"), queue("b")
    first.claim(1)
    assert second.reap() == 0
    assert positions(job, second.claim(5)) == [1]
    assert first.renew(LEASE) == {(job.id, 0)}


def test_a_huge_job_and_a_busy_owner_starve_nobody(store: JobStore, queue: Any) -> None:
    huge = [store.create("ann", submitted(500)) for _ in range(40)]
    small, other = store.create("bob", submitted(2)), store.create("cem", submitted(2))
    claimed = queue("a").claim(64)
    assert len(claimed) == 64
    assert positions(small, claimed) == [0, 1]
    assert positions(other, claimed) == [0, 1]
    assert sum(item.job_id in {job.id for job in huge} for item in claimed) == 60


def test_jobs_of_an_owner_take_turns(store: JobStore, queue: Any) -> None:
    jobs = [store.create("ann", submitted(50)) for _ in range(3)]
    server = queue("a")
    turns = [server.claim(1)[0].job_id for _ in range(6)]
    assert turns == [job.id for job in jobs] * 2


def test_released_items_wait_again_as_if_nothing_had_been(store: JobStore, queue: Any) -> None:
    job = store.create("ann", submitted(3))
    first, second = queue("a"), queue("b")
    first.claim(2)
    first.release()
    claimed = second.claim(5)
    assert positions(job, claimed) == [0, 1, 2]
    assert {(item.lost, item.failures) for item in claimed} == {(0, 0)}


def test_an_item_without_a_verdict_is_tried_again_after_a_pause(store: JobStore, queue: Any) -> None:
    job = store.create("ann", submitted(2))
    server = queue("a")
    server.claim(2)
    server.put_back(job.id, {0: 0.0, 1: 3600.0})
    (again,) = server.claim(5)
    assert (again.position, again.failures, again.lost) == (0, 1, 0)
    assert store.get(job.id, None).done == 0


def test_suspects_are_judged_one_at_a_time(store: JobStore, queue: Any) -> None:
    job = store.create("ann", submitted(4))
    for name in ("a", "b"):  # each ends while it holds the first three
        assert positions(job, queue(name, lease=-1.0).claim(3)) == [0, 1, 2]
        queue("reaper").reap()
    server = queue("c")
    claimed = server.claim(10)
    assert [(item.position, item.lost) for item in claimed] == [(0, 2), (3, 0)]
    assert server.claim(10, suspect=False) == []
    assert [(item.position, item.lost) for item in server.claim(10)] == [(1, 2)]


def test_cancelling_ends_what_waits_and_what_runs(store: JobStore, queue: Any) -> None:
    job = store.create("ann", submitted(4))
    server = queue("a")
    server.claim(2)
    server.answer(job.id, {1: answer("kept")})
    over = store.cancel(job.id)
    assert (over.status, over.done) == ("cancelled", 1)
    assert over.finished is not None
    assert server.renew(LEASE) == set()
    assert server.answer(job.id, {0: answer("dropped")}) == 0
    assert server.claim(5) == []
    assert store.cancel(job.id) == over
    page = store.results(job.id)
    assert [(result.position, result.verdict.details) for result in page.results] == [(1, "kept")]
    assert page.next is None
    assert store.depth() == 0


def test_a_job_that_is_over_is_not_cancelled(store: JobStore, queue: Any) -> None:
    job = store.create("ann", submitted(1))
    server = queue("a")
    server.claim(1)
    server.answer(job.id, {0: answer()})
    assert store.cancel(job.id).status == "succeeded"


def test_results_come_in_pages_and_none_is_passed_over(store: JobStore, queue: Any) -> None:
    job = store.create("ann", submitted(6))
    server = queue("a")
    server.claim(6)
    server.answer(job.id, {number: answer() for number in (0, 1, 2, 4)})

    def page(after: int) -> tuple[list[int], int | None]:
        page = store.results(job.id, after=after, limit=2)
        return [result.position for result in page.results], page.next

    assert page(-1) == ([0, 1], 1)
    assert page(1) == ([2], 2)  # 4 is there, but 3 is not
    assert page(2) == ([], 2)
    server.answer(job.id, {3: answer(), 5: answer()})
    assert page(2) == ([3, 4], 4)
    assert page(4) == ([5], None)


def test_an_owner_sees_their_own_jobs_only(store: JobStore) -> None:
    mine = [store.create("ann", submitted(1)) for _ in range(3)]
    theirs = store.create("bob", submitted(1))
    assert store.get(mine[0].id, "bob") is None
    assert store.get(mine[0].id, None) == mine[0]
    assert store.page("bob").jobs == [theirs]
    assert {job.id for job in store.page(None).jobs} == {job.id for job in [*mine, theirs]}


def test_jobs_are_listed_in_pages(store: JobStore) -> None:
    made = [store.create("ann", submitted(1)).id for _ in range(5)]
    first = store.page("ann", limit=2)
    second = store.page("ann", limit=2, after=first.next)
    third = store.page("ann", limit=2, after=second.next)
    assert third.next is None
    assert [job.id for page in (first, second, third) for job in page.jobs] == made[::-1]


def test_a_request_sent_again_makes_no_second_job(store: JobStore) -> None:
    job = store.create("ann", submitted(2, idempotency_key="k"))
    assert store.create("ann", submitted(2, idempotency_key="k")) == job
    assert store.create("bob", submitted(2, idempotency_key="k")).id != job.id
    assert store.create("ann", submitted(2)).id != store.create("ann", submitted(2)).id
    with pytest.raises(ConfigError, match="'k' was used for another request"):
        store.create("ann", submitted(2, idempotency_key="k", fingerprint="other"))


def test_a_request_sent_by_many_at_once_makes_one_job(store: JobStore) -> None:
    jobs = []
    ready = threading.Barrier(4)

    def submit() -> None:
        ready.wait()
        jobs.append(store.create("ann", submitted(50, idempotency_key="k")).id)

    threads = [threading.Thread(target=submit) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(jobs) == 4
    assert len(set(jobs)) == 1
    assert store.depth() == 50


def test_the_queue_has_an_end(database: Database, queue: Any) -> None:
    store = JobStore(database, most=10, most_of_owner=6)
    first = store.create("ann", submitted(6))
    with pytest.raises(QueueFullError, match="7 items of this key's jobs would wait, and 6 may") as own:
        store.create("ann", submitted(1))
    assert own.value.own
    with pytest.raises(QueueFullError, match="11 items of all jobs") as everybodys:
        store.create("bob", submitted(5))
    assert not everybodys.value.own
    assert [job.id for job in store.page(None).jobs] == [first.id]
    queue("a").claim(2)
    queue("a").answer(first.id, {0: answer()})
    assert store.depth() == 5
    store.create("ann", submitted(1))


def test_old_jobs_are_removed_whole(database: Database, store: JobStore, queue: Any) -> None:
    old, going = store.create("ann", submitted(2)), store.create("ann", submitted(2))
    server = queue("a")
    server.claim(4)
    server.answer(old.id, {0: answer(), 1: answer()})
    server.answer(going.id, {0: answer()})
    assert store.purge(3600.0) == 0
    assert store.purge(-1.0) == 1
    assert store.purge(-1.0) == 0
    assert store.get(old.id, None) is None
    assert store.news(old.id, 0) is None
    with database.begin() as session:
        for table in ("job_items", "job_tasks"):
            assert set(session.scalars(text(f"SELECT job_id FROM {table}"))) == {going.id}


def test_completions_are_not_kept_longer_than_needed(database: Database, store: JobStore, queue: Any) -> None:
    job = store.create("ann", submitted(2))
    server = queue("a")
    server.claim(1)
    server.answer(job.id, {0: answer()})
    store.cancel(job.id)
    with database.begin() as session:
        assert list(session.scalars(text("SELECT completion FROM job_items"))) == [None, None]
