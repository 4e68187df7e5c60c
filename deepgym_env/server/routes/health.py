"""``/healthz``, ``/readyz`` and ``/metrics``: for those that watch the server.

- :data:`router`
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel

from deepgym_env.server.auth import Caller, allowed
from deepgym_env.server.metrics import Metrics
from deepgym_env.server.problems import declared
from deepgym_env.server.services import Services, services_of

__all__ = ["Health", "router"]

router = APIRouter(tags=["watching"])

_Services = Annotated[Services, Depends(services_of)]


class Health(BaseModel):
    """How the server is."""

    status: Literal["ok", "unavailable"]
    reasons: dict[str, str] = {}


@router.get("/healthz", operation_id="healthz", summary="Is the process up?")
async def healthz() -> Health:
    """Answer as long as the process runs. No key is needed."""
    return Health(status="ok")


@router.get(
    "/readyz",
    operation_id="readyz",
    summary="Can it work?",
    responses={503: {"model": Health, "description": "It can't; `reasons` says why."}},
)
async def readyz(services: _Services, response: Response) -> Health:
    """Say whether the database answers, a sandbox starts, and the server is not going down. No key is needed."""
    reasons = dict(await services.readiness.problems())
    if services.drain.draining:
        reasons["drain"] = "the server is going down"
    response.headers["Cache-Control"] = "no-store"
    if services.keys_required:  # who asks may be anybody
        reasons = dict.fromkeys(reasons, "the server's log says why")
    if not reasons:
        return Health(status="ok")
    response.status_code = 503
    return Health(status="unavailable", reasons=reasons)


@router.get(
    "/metrics",
    operation_id="metrics",
    summary="What it counts",
    response_class=Response,
    responses={**declared(), 200: {"content": {"text/plain": {}}, "description": "Prometheus' text format."}},
)
def metrics(services: _Services, caller: Annotated[Caller, Depends(allowed("read"))]) -> Response:
    """Return counters of requests, submissions and verdicts, and how full the server is."""
    return Response(services.metrics.text(), media_type=Metrics.content_type)
