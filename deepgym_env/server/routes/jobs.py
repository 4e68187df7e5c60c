"""``/v1/jobs``: submissions that are judged while nobody waits.

- :data:`router`
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

from deepgym_env.remote.wire import Job, JobRequest, JobResults, Jobs
from deepgym_env.server.auth import Caller, allowed
from deepgym_env.server.jobs.events import follow
from deepgym_env.server.jobs.submission import submission
from deepgym_env.server.observing import note
from deepgym_env.server.problems import declared
from deepgym_env.server.services import Services, services_of
from deepgym_env.server.store.jobs import JobStore, QueueFullError

__all__ = ["router"]

_RETRY_AFTER = {"Retry-After": "10"}
_INTEGERS = 2**31  # of a column
_TEXT = "^[^\\x00]*$"  # that PostgreSQL takes

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], responses=declared(503))

_Services = Annotated[Services, Depends(services_of)]


def _store_of(services: _Services) -> JobStore:
    settings = services.settings
    return JobStore(services.database, most=settings.job_queue, most_of_owner=settings.key_job_queue)


_Store = Annotated[JobStore, Depends(_store_of)]
_Caller = Annotated[Caller, Depends(allowed("run"))]


async def _job_of(
    store: _Store,
    caller: _Caller,
    job_id: Annotated[str, Path(description="The job's id.", max_length=32, pattern=_TEXT)],
) -> Job:
    """Return the job of a path: a dependency. Another key's is as none."""
    job = await asyncio.to_thread(store.get, job_id, _seen_by(caller))
    if job is None:
        raise HTTPException(404, f"this key has no job {job_id!r}: GET /v1/jobs lists those it has")
    return job


_Job = Annotated[Job, Depends(_job_of)]
_Limit = Annotated[int, Query(ge=1, le=1000, description="Most on this page.")]


@router.post(
    "",
    operation_id="submit_job",
    status_code=202,
    summary="Submit a job",
    responses=declared(404, 413, 415, 422, 503),
)
async def submit_job(
    request: Request,
    job_request: JobRequest,
    response: Response,
    services: _Services,
    store: _Store,
    caller: _Caller,
    idempotency_key: Annotated[
        str | None,
        Header(
            min_length=1, max_length=255, description="Names the request, so that sending it again makes no second job."
        ),
    ] = None,
) -> Job:
    """Take submissions to judge while nobody waits; `Location` is where the job is.

    It outlives restarts of the server, and each submission gets one verdict. Send an `Idempotency-Key` to be able to
    repeat the request when its answer was lost.
    """
    note(request.scope, items=len(job_request.items))
    submitted = await asyncio.to_thread(submission, job_request, idempotency_key, services.tasks)
    try:
        job = await asyncio.to_thread(store.create, caller.id, submitted)
    except QueueFullError as error:
        raise HTTPException(429 if error.own else 503, str(error), _RETRY_AFTER) from error
    response.headers["Location"] = f"/v1/jobs/{job.id}"
    return job


@router.get("", operation_id="list_jobs", summary="List jobs", responses=declared(422))
async def list_jobs(
    store: _Store,
    caller: _Caller,
    after: Annotated[
        str | None, Query(max_length=32, pattern=_TEXT, description="The `next` of the page before.")
    ] = None,
    limit: _Limit = 100,
) -> Jobs:
    """List the key's jobs, the newest first; an `admin` key sees all."""
    return await asyncio.to_thread(store.page, _seen_by(caller), after=after, limit=limit)


@router.get("/{job_id}", operation_id="show_job", summary="Show a job", responses=declared(404, 422))
async def show_job(job: _Job) -> Job:
    """Say how far a job is."""
    return job


@router.get(
    "/{job_id}/results", operation_id="job_results", summary="Read a job's results", responses=declared(404, 422)
)
async def job_results(
    job: _Job,
    store: _Store,
    after: Annotated[
        int, Query(ge=-1, lt=_INTEGERS, description="The `next` of the page before; -1 at the beginning.")
    ] = -1,
    limit: _Limit = 100,
) -> JobResults:
    """Return verdicts in the order of the submissions, up to the first that is still to come.

    Ask with `next` as `after` until it is null, also when a page is empty: then there is nothing new yet.
    Submissions of a cancelled job that were not judged have no result.
    """
    return await asyncio.to_thread(store.results, job.id, after=after, limit=limit)


@router.get(
    "/{job_id}/events",
    operation_id="job_events",
    summary="Follow a job",
    response_class=EventSourceResponse,
    responses=declared(404, 422),
)
async def job_events(
    job: _Job,
    services: _Services,
    store: _Store,
    last_event_id: Annotated[
        int, Header(ge=0, lt=_INTEGERS, description="The id of the last event that was received.")
    ] = 0,
) -> AsyncIterator[ServerSentEvent]:
    """Send what happens to a job, as it happens.

    `result` is a verdict, as soon as there is one, in any order; `progress` is the job; `end` is the job once it is
    over, and the last event. Only results have an id: with it as `Last-Event-ID`, a new connection goes on after
    that result, without loss or repetition.
    """
    async for event in follow(store, job.id, last_event_id, lambda: services.drain.draining):
        yield event


@router.post(
    "/{job_id}/cancel", operation_id="cancel_job", summary="Cancel a job", responses=declared(404, 413, 415, 422)
)
async def cancel_job(job: _Job, store: _Store) -> Job:
    """End a job: nothing more of it is judged, and what is being judged is dropped. What there is stays.

    A job that is over stays as it is.
    """
    return await asyncio.to_thread(store.cancel, job.id)


def _seen_by(caller: Caller) -> str | None:
    return None if "admin" in caller.scopes else caller.id
