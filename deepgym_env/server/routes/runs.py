"""``/v1/run`` and ``/v1/batch``: submissions that are judged while the client waits.

- :data:`router`
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, Depends, Request

from deepgym_env.remote.wire import BatchRequest, BatchResponse, Item, RunRequest, Verdict
from deepgym_env.result import RunResult
from deepgym_env.server.auth import Caller, allowed
from deepgym_env.server.observing import note
from deepgym_env.server.problems import declared
from deepgym_env.server.services import Services, services_of
from deepgym_env.server.work import wanted

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["judging"], responses=declared(404, 413, 415, 422, 503))

_Services = Annotated[Services, Depends(services_of)]
_Caller = Annotated[Caller, Depends(allowed("run"))]


@router.post("/run", operation_id="run", summary="Judge one submission")
async def run(request: Request, submission: RunRequest, services: _Services, caller: _Caller) -> Verdict:
    """Judge what a model wrote by every test of a task, in a sandbox.

    The same submission has the same verdict every time; only `timing` differs. After an infrastructure failure
    `has_verdict` is false and `score` is null: that is never a 0.
    """
    return (await _judged(request, services, [submission], submission.tasks))[0]


@router.post("/batch", operation_id="batch", summary="Judge many submissions")
async def batch(request: Request, submissions: BatchRequest, services: _Services, caller: _Caller) -> BatchResponse:
    """Judge submissions, each of a task of its own; equal ones of a task are run once.

    The answer comes when all are judged; `/v1/jobs` is for those that take longer than a connection lasts. Each
    result says for itself whether it is a verdict.
    """
    results = await _judged(request, services, submissions.items, submissions.tasks)
    return BatchResponse(results=results)


async def _judged(request: Request, services: Services, items: Sequence[Item], tasks: dict[str, str]) -> list[Verdict]:
    note(request.scope, items=len(items))
    with services.capacity.reserve(len(items)):
        results = await wanted(request, services, _results(services, items, tasks))
    services.metrics.judged(results)
    missing = sum(not result.has_verdict for result in results)
    note(request.scope, without_verdict=missing)
    if missing < len(results):
        services.readiness.judged()
    return [Verdict.of(result) for result in results]


async def _results(services: Services, items: Sequence[Item], tasks: dict[str, str]) -> list[RunResult]:
    work = await services.tasks.found(items, tasks)
    return await services.ask(lambda engine: engine.run_many(work))
