"""``/v1/audit``: attack a task before a model is trained on it.

- :data:`router`
"""

from __future__ import annotations

import asyncio
import threading
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request

from deepgym_env.audit import AdversarialTester
from deepgym_env.audit.examination import audit_json, examine_tests, has_mutants
from deepgym_env.errors import ClosedError, ConfigError
from deepgym_env.remote.wire_programs import AuditAnswer, AuditRequest
from deepgym_env.server.auth import Caller, allowed
from deepgym_env.server.problems import declared
from deepgym_env.server.services import Services, services_of
from deepgym_env.server.work import wanted

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["audit"])


@router.post("/audit", operation_id="audit", summary="Attack a task", responses=declared(404, 413, 415, 422, 503))
async def audit(
    request: Request,
    asked: AuditRequest,
    services: Annotated[Services, Depends(services_of)],
    caller: Annotated[Caller, Depends(allowed("audit"))],
) -> AuditAnswer:
    """Try every known way to cheat a task's tests; say which work, and what closes the holes.

    The answer is what `deepgym audit --json` prints. It holds submissions that score well and thus tells of hidden
    tests: it is for who writes the task, never for an agent. An audit takes up to some minutes; the server makes one
    at a time.
    """
    if services.auditing.locked():
        raise HTTPException(503, "an audit is under way, and the server makes one at a time", {"Retry-After": "30"})
    async with services.auditing:
        return await wanted(request, services, _audited(services, asked))


async def _audited(services: Services, asked: AuditRequest) -> AuditAnswer:
    """Make an audit on a thread, which ends soon after nobody waits for it any more."""
    unwanted = threading.Event()
    working = asyncio.ensure_future(asyncio.to_thread(_audit, services, asked, unwanted))
    try:
        return await asyncio.shield(working)
    finally:
        unwanted.set()
        await asyncio.wait({working})


def _audit(services: Services, asked: AuditRequest, unwanted: threading.Event) -> AuditAnswer:
    def tick(done: int, total: int) -> None:
        if unwanted.is_set():
            raise ClosedError("nobody waits for this audit any more")

    task = services.tasks.find(asked.environment, asked.seed, asked.tasks)
    if asked.mutants and not has_mutants(task):
        raise ConfigError(f"mutants are for scenarios and for functions tested by calls, {task.id!r} is neither")
    services.engine.isolation()  # a sandbox that can't start fails here, once
    report = AdversarialTester(services.engine).test(task, asked.strategies or None, progress=tick)
    signs, mutation = examine_tests(
        services.engine, task, runs=asked.runs, mutants=asked.mutants, most=asked.most_mutants, progress=tick
    )
    return audit_json(report, signs, mutation)
