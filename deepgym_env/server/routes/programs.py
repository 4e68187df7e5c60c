"""``/v1/execute``, ``/v1/languages``, ``/v1/isolation``: the sandbox itself.

- :data:`router`
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError

from deepgym_env.errors import ConfigError
from deepgym_env.programs import Program
from deepgym_env.remote.wire_programs import (
    IsolationReport,
    Languages,
    ProgramOutcome,
    ProgramRequest,
    ProgramResults,
)
from deepgym_env.server.auth import Caller, allowed
from deepgym_env.server.observing import note
from deepgym_env.server.problems import declared
from deepgym_env.server.services import Services, services_of
from deepgym_env.server.work import wanted
from deepgym_env.task.base import problems_in

__all__ = ["router"]

router = APIRouter(prefix="/v1", tags=["sandbox"])

_Services = Annotated[Services, Depends(services_of)]
_Reader = Annotated[Caller, Depends(allowed("read"))]


@router.post("/execute", operation_id="execute", summary="Run a program", responses=declared(413, 415, 422, 503))
async def execute(
    request: Request, asked: ProgramRequest, services: _Services, caller: Annotated[Caller, Depends(allowed("run"))]
) -> ProgramResults:
    """Compile a program once and run it on each input; no run sees anything of the others.

    A run that could not be had for the sandbox's own faults has `has_verdict` false.
    """
    note(request.scope, items=len(asked.stdins))
    program = await asyncio.to_thread(_program, asked)
    with services.capacity.reserve(len(asked.stdins)):
        work = services.ask(lambda engine: engine.execute_many(program, asked.stdins))
        results = await wanted(request, services, work)
    note(request.scope, without_verdict=sum(not result.has_verdict for result in results))
    return ProgramResults(results=[ProgramOutcome.of(result) for result in results])


@router.get("/languages", operation_id="languages", summary="List languages", responses=declared(503))
async def languages(request: Request, services: _Services, caller: _Reader) -> Languages:
    """Say which languages the sandbox has a toolchain for, and its version."""
    found = await wanted(request, services, services.ask(lambda engine: engine.languages()))
    return Languages(languages=dict(found))


@router.get("/isolation", operation_id="isolation", summary="Show the isolation", responses=declared(503))
async def isolation(request: Request, services: _Services, caller: _Reader) -> IsolationReport:
    """Say what stands between a submission and the machine; a sandbox is started if none runs."""
    found = await wanted(request, services, services.ask(lambda engine: engine.isolation()))
    return IsolationReport.of(found, mode=services.engine.mode, workers=services.engine.workers)


def _program(asked: ProgramRequest) -> Program:
    try:
        return asked.program.program()
    except ValidationError as error:
        raise ConfigError(f"program: {problems_in(error)}") from error
