"""``/v1/execute``, ``/v1/languages``, ``/v1/isolation``: the sandbox itself.

- :data:`router`
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from pydantic import ValidationError

from deepgym_env.engine import AsyncDeepGym
from deepgym_env.errors import ConfigError
from deepgym_env.programs import Program, ProgramResult
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

_ANSWER = 4  # times what a request may hold
_FETCHED = 16 << 20  # bytes of the files that one run may leave

_Services = Annotated[Services, Depends(services_of)]
_Reader = Annotated[Caller, Depends(allowed("read"))]


@router.post("/execute", operation_id="execute", summary="Run a program", responses=declared(413, 415, 422, 503))
async def execute(
    request: Request, asked: ProgramRequest, services: _Services, caller: Annotated[Caller, Depends(allowed("run"))]
) -> ProgramResults:
    """Compile a program once and run it on each input; no run sees anything of the others.

    A run that could not be had for the sandbox's own faults has `has_verdict` false. What all runs write may be
    four times as much as a request may hold; many runs that may write much are made, and compiled, in parts.
    """
    note(request.scope, items=len(asked.stdins))
    services.ceiling.check(asked.program.limits)
    program = await asyncio.to_thread(_program, asked)
    with services.capacity.reserve(len(asked.stdins)):
        results = await wanted(request, services, _results(services, program, asked.stdins))
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


async def _results(services: Services, program: Program, stdins: Sequence[bytes]) -> list[ProgramResult]:
    """Run a program; so many runs at a time that together they can't write more than the machine holds.

    Raises:
        ConfigError: If they write more than an answer may hold.
    """
    room = _ANSWER * services.settings.max_body
    part = max(1, 2 * room // (2 * program.limits.output_bytes + (_FETCHED if program.fetch else 0)))
    results: list[ProgramResult] = []
    for begin in range(0, len(stdins), part):
        run = partial(AsyncDeepGym.execute_many, program=program, stdins=stdins[begin : begin + part])
        results += await services.ask(run)
        if sum(map(_size, results)) > room:
            raise ConfigError(
                f"{len(results)} of {len(stdins)} runs wrote more than an answer may hold, {room} bytes: send fewer "
                "inputs at a time, or lower limits.output_bytes"
            )
    return results


def _size(result: ProgramResult) -> int:
    return len(result.stdout) + len(result.stderr) + sum(len(file.data) for file in result.files)


def _program(asked: ProgramRequest) -> Program:
    try:
        return asked.program.program()
    except ValidationError as error:
        raise ConfigError(f"program: {problems_in(error)}") from error
