"""Jobs on a server whose sandboxes fail, engine ends or tasks are gone: no verdict is made up, and none lost."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from deepgym_env import DeepGym, added_tasks
from deepgym_env.benchmarks.records import to_text
from deepgym_env.errors import SandboxError
from deepgym_env.remote.wire import Item, Job, JobRequest, Verdict
from deepgym_env.sandbox import Backend, LocalBackend
from deepgym_env.server.jobs.dispatcher import jobs_running
from deepgym_env.server.jobs.submission import submission
from deepgym_env.server.services import Services
from deepgym_env.server.settings import Settings
from deepgym_env.server.store.database import Database
from deepgym_env.server.store.job_queue import JobQueue
from deepgym_env.server.store.job_tables import JobServerRow
from deepgym_env.server.store.jobs import JobStore
from deepgym_env.server.tasks import TaskShelf

RIGHT = "def f(x): return x * x"


class Refusing:
    """A backend whose first sandboxes can't be started."""

    def __init__(self, refusals: float) -> None:
        self._inner: Backend = LocalBackend()
        self.name = self._inner.name
        self._refusals = itertools.count() if refusals == float("inf") else iter(range(int(refusals)))

    def start(self) -> Any:
        if next(self._refusals, None) is not None:
            raise SandboxError("no sandbox today")
        return self._inner.start()

    def for_sessions(self) -> Backend:
        return self._inner.for_sessions()

    def for_suites(self) -> Backend:
        return self._inner.for_suites()


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/jobs.db")
    yield database
    database.close()


@pytest.fixture
def submit(database: Database, make_task: Callable[..., Any]) -> Callable[..., Job]:
    """Makes a job of completions for a task by value, or for one by name."""
    text = to_text(make_task(((1,), 1), ((2,), 4)))

    def submit(*completions: str, environment: str = "toy") -> Job:
        items = [Item(environment=environment, completion=completion) for completion in completions]
        request = JobRequest(items=items, tasks={"toy": text})
        return JobStore(database).create("", submission(request, None, TaskShelf()))

    return submit


def judge(database: Database, engine: DeepGym, job: Job, **settings: Any) -> tuple[Job, list[Verdict]]:
    """Have a server judge a job to its end; return it and its verdicts."""
    services = Services(Settings(**{"job_pause": 0.0, "job_attempts": 3, **settings}), engine, database)
    store = JobStore(database)

    async def judged() -> Job:
        async with jobs_running(services):
            return await until_over(store, job)

    over = asyncio.run(asyncio.wait_for(judged(), 120))
    return over, [result.verdict for result in store.results(job.id).results]


async def until_over(store: JobStore, job: Job) -> Job:
    """Wait for a job's end."""
    while True:
        now = await asyncio.to_thread(store.get, job.id, None)
        assert now is not None
        if now.finished:
            return now
        await asyncio.sleep(0.05)


def test_sandboxes_that_fail_for_a_while_cost_no_verdict(database: Database, submit: Any) -> None:
    job = submit(RIGHT, "def f(x): return 1")
    with DeepGym(backend=Refusing(2), workers=1, retries=0) as engine:
        over, verdicts = judge(database, engine, job)
    assert (over.done, over.without_verdict) == (2, 0)
    assert [verdict.score for verdict in verdicts] == [1.0, 0.5]


def test_sandboxes_that_fail_for_good_are_no_verdict(database: Database, submit: Any) -> None:
    job = submit(RIGHT)
    with DeepGym(backend=Refusing(float("inf")), workers=1, retries=0) as engine:
        over, (verdict,) = judge(database, engine, job)
    assert (over.status, over.done, over.without_verdict) == ("succeeded", 1, 1)
    assert (verdict.has_verdict, verdict.score, verdict.status) == (False, None, "infrastructure_error")
    assert "no sandbox today" in verdict.details
    assert [case.id for case in verdict.cases] == ["t0", "t1"]


def test_what_an_engine_that_was_closed_had_begun_is_judged_by_another(database: Database, submit: Any) -> None:
    job = submit("import time\ndef f(x):\n    time.sleep(1)\n    return x * x", "def f(x): return 1")
    services = Services(Settings(job_pause=0.0, job_attempts=1000), DeepGym(workers=1), database)

    async def close_in_the_middle() -> None:
        async with jobs_running(services):
            while (await asyncio.to_thread(JobStore(database).get, job.id, None)).done == 0:
                await asyncio.sleep(0.02)
            await asyncio.to_thread(services.engine.close)
            await asyncio.sleep(0.2)

    asyncio.run(close_in_the_middle())
    with DeepGym(workers=1) as engine:
        over, verdicts = judge(database, engine, job, job_attempts=1000)
    assert (over.done, over.without_verdict) == (2, 0)
    assert [verdict.score for verdict in verdicts] == [1.0, 0.5]


def test_what_another_took_meanwhile_may_come_back(database: Database, submit: Any, engine: DeepGym) -> None:
    slow = submit("import time\ndef f(x):\n    time.sleep(1)\n    return x * x")
    services = Services(Settings(job_pause=0.0), engine, database)
    store, other = JobStore(database), JobQueue(database, "other")
    engine.isolation()  # warm, so that what is begun twice does not end at once

    def lose_it() -> bool:
        """Have the lease of whoever holds the job end early, as by a clock that jumps, and another server notice."""
        with database.begin() as session:
            session.execute(update(JobServerRow).values(lease=0.0))
        return other.reap() == 1

    async def judge_both() -> list[Job]:
        async with jobs_running(services):
            while not await asyncio.to_thread(lose_it):
                await asyncio.sleep(0.02)
            first = await until_over(store, slow)
            await asyncio.sleep(1.5)  # what was begun twice has ended twice
            return [first, await until_over(store, await asyncio.to_thread(submit, RIGHT))]

    over = asyncio.run(asyncio.wait_for(judge_both(), 60))
    assert [(job.done, job.without_verdict) for job in over] == [(1, 0), (1, 0)]
    assert store.results(slow.id).results[0].verdict.score == 1.0


@pytest.mark.usefixtures("tasks_as_before")
def test_a_task_that_is_gone_is_no_verdict(
    database: Database, submit: Any, engine: DeepGym, make_task: Callable[..., Any]
) -> None:
    added_tasks.keep(added_tasks.describe(make_task(((1,), 1), id="fleeting")))
    job = submit(RIGHT, RIGHT, environment="fleeting")
    del added_tasks._registered["fleeting"]
    over, verdicts = judge(database, engine, job)
    assert (over.status, over.without_verdict) == ("succeeded", 2)
    for verdict in verdicts:
        assert (verdict.has_verdict, verdict.score, verdict.task_id) == (False, None, "fleeting")
        assert "no task 'fleeting'" in verdict.details


@pytest.mark.parametrize(
    "completion", ["def f(x): return x * x  # \U0001f600 \u2028", "def f(x): return x * x  # \x00", ""]
)
def test_completions_come_through_as_they_are(
    database: Database, submit: Any, engine: DeepGym, make_task: Callable[..., Any], completion: str
) -> None:
    over, (verdict,) = judge(database, engine, submit(completion))
    assert over.done == 1
    assert verdict.result() == engine.run(make_task(((1,), 1), ((2,), 4)), completion)
