"""SandboxFusion's endpoints over DeepGym's sandboxes: what asks SandboxFusion is pointed here by its URL alone.

- :func:`create_sandbox_fusion_router`: ``POST /run_code``, ``POST /submit``, ``GET /v1/ping``.
- :func:`create_sandbox_fusion_app`: a server of them;
  ``python -m deepgym_env.integrations.sandbox_fusion --port 8080``.

``/run_code`` runs a program and judges nothing: what a client holds its output against stays with the client.
A client that appends its tests to the answer and reads the exit code (verl's ``assert_case``) can be fooled by an
answer that exits; ``/submit`` can't be, for there we judge. An infrastructure failure is
``status: "SandboxError"`` in ``/run_code``, which SandboxFusion's own client tries again; in ``/submit``, whose
answer has no such place, it is HTTP 503.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import ValidationError

from deepgym_env.benchmarks.catalogue import BENCHMARKS
from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import load_task
from deepgym_env.envs.shared_engine import HeldEngine
from deepgym_env.errors import ConfigError, DeepGymError, RefusedError, StoreError, TaskError, UnknownTaskError
from deepgym_env.extraction import extract_code
from deepgym_env.integrations.sandbox_fusion_wire import (
    EvalResult,
    RunCodeRequest,
    RunCodeResponse,
    SubmitRequest,
    language_of,
    program_of,
    response_of,
    tests_of,
)
from deepgym_env.integrations.serving import serve
from deepgym_env.optional import require
from deepgym_env.task import ProgramTask, SubmissionTask

if TYPE_CHECKING:
    from fastapi import APIRouter

__all__ = ["create_sandbox_fusion_app", "create_sandbox_fusion_router", "task_id_of"]

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")
_OURS = ("deepgym", "")
# Its data sets that are benchmarks of ours under another name; any other is looked up by the name it has here.
_DATASETS = {"humaneval_python": "humaneval", "code_contests": "codecontests", "live_code_bench_v1": "livecodebench"}


def create_sandbox_fusion_app(engine: DeepGym | None = None, *, concurrency: int = 64) -> Any:
    """Return a server of :func:`create_sandbox_fusion_router`.

    Args:
        engine: The engine to use; by default this process's.
        concurrency: Requests that are worked on at a time; the others wait.

    Raises:
        ConfigError: If FastAPI isn't installed, or ``concurrency`` is below 1.
    """
    fastapi = require("fastapi", "the server", "server")
    held = HeldEngine(engine)

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        yield
        held.release()

    app = fastapi.FastAPI(title="DeepGym", lifespan=lifespan)
    app.include_router(_router(held, concurrency))
    return app


def create_sandbox_fusion_router(
    engine: DeepGym | None = None, *, concurrency: int = 64, most_memory_mb: int | None = None
) -> APIRouter:
    """Return a router with SandboxFusion's ``POST /run_code``, ``POST /submit`` and ``GET /v1/ping``.

    Args:
        engine: The engine to use; by default this process's.
        concurrency: Requests that are worked on at a time; the others wait.
        most_memory_mb: The most that ``memory_limit_MB`` may be; None: any.

    Raises:
        ConfigError: If FastAPI isn't installed, or ``concurrency`` is below 1.
    """
    return _router(HeldEngine(engine), concurrency, most_memory_mb)


def _router(held: HeldEngine, concurrency: int, most_memory_mb: int | None = None) -> APIRouter:
    fastapi = require("fastapi", "a router", "server")
    anyio = require("anyio", "a router", "server")
    threads = require("anyio.to_thread", "a router", "server")
    routes = require("deepgym_env.integrations.bounded_routes", "a router", "server")
    if concurrency < 1:
        raise ConfigError(f"concurrency must be at least 1, got {concurrency!r}")
    limiter = anyio.CapacityLimiter(concurrency)
    router: APIRouter = fastapi.APIRouter(
        tags=["sandbox"], route_class=routes.BoundedRoute, default_response_class=routes.AsciiResponse
    )

    async def away(work: Callable[[], _T]) -> _T:
        done: _T = await threads.run_sync(work, limiter=limiter)
        return done

    async def run_code(request: RunCodeRequest) -> RunCodeResponse:
        """Run a program."""
        if most_memory_mb is not None and request.memory_limit_MB > most_memory_mb:
            raise fastapi.HTTPException(422, f"memory_limit_MB may be {most_memory_mb} at this server: ask for less")
        return await away(lambda: _run_code(held, request))

    async def submit(request: SubmitRequest) -> EvalResult:
        """Judge an answer to a problem."""
        return await away(lambda: _submit(held, request))

    async def ping() -> str:
        """Say that the server is up."""
        return "pong"

    router.add_api_route("/run_code", run_code, methods=["POST"])
    router.add_api_route("/submit", submit, methods=["POST"])
    router.add_api_route("/v1/ping", ping, methods=["GET"])
    return router


def _run_code(held: HeldEngine, request: RunCodeRequest) -> RunCodeResponse:
    """Run a program.

    Raises:
        HTTPException: If the request means none (422).
    """
    refusal = require("fastapi", "a router", "server").HTTPException
    stdin = (request.stdin or "").encode("utf-8", "surrogatepass")
    try:
        program = program_of(request)
    except ValidationError as error:
        raise refusal(422, "; ".join(fault["msg"].removeprefix("Value error, ") for fault in error.errors())) from error
    except ConfigError as error:
        raise refusal(422, str(error)) from error
    try:
        response = response_of(program.language, held().execute(program, stdin))
    except RefusedError as error:
        raise refusal(422, f"the files can't be taken: {error}") from error
    except DeepGymError as error:  # no toolchain, or no sandbox: nothing was found out about the program
        response = RunCodeResponse(status="SandboxError", message=str(error))
    if response.status == "SandboxError":
        _logger.warning("/run_code has no verdict: %s", response.message)
    return response


def _submit(held: HeldEngine, request: SubmitRequest) -> EvalResult:
    """Judge an answer.

    Raises:
        HTTPException: If there is no such problem (404), the request asks for what isn't done here (422), or
            there is no verdict (503).
    """
    refusal = require("fastapi", "a router", "server").HTTPException
    try:
        task = _problem(request)
    except UnknownTaskError as error:
        raise refusal(404, str(error)) from error
    except StoreError as error:
        raise refusal(503, str(error)) from error
    except (ConfigError, TaskError) as error:
        raise refusal(422, str(error)) from error
    try:
        result = held().run(task, request.completion)
    except DeepGymError as error:
        raise refusal(503, f"no verdict: {error}") from error
    if not result.has_verdict:
        _logger.warning("/submit has no verdict: %s", result.details)
        raise refusal(503, f"no verdict: {result.details}", headers={"Retry-After": "1"})
    return EvalResult(
        id=request.id,
        accepted=result.passed,
        extracted_code=extract_code(request.completion, task.language),
        tests=tests_of(result),
        extra={"task": task.id, "score": result.score, "status": result.status},
    )


def _problem(request: SubmitRequest) -> SubmissionTask:
    """Return the task a submission is for, in the language it asks for."""
    if request.config.custom_extract_logic:
        raise ConfigError("custom_extract_logic is code, which this server doesn't run: send the code itself")
    if request.config.provided_data is not None:
        raise ConfigError("provided_data isn't taken: import the benchmark (`deepgym import`) or register the task")
    task = load_task(task_id_of(request.dataset, request.id))
    if not isinstance(task, SubmissionTask):
        raise ConfigError(f"{task.id} is a workspace, not answered by one completion")
    language = task.language if request.config.language is None else language_of(request.config.language)
    if language == task.language:
        return task
    if not isinstance(task, ProgramTask):
        raise ConfigError(f"{task.id} is answered in {task.language}, not in {language}")
    return task.in_language(language)


def task_id_of(dataset: str, problem: int | str) -> str:
    """Return the id of the task that a problem of a data set is.

    Args:
        dataset: A data set of SandboxFusion's, a benchmark of ours by its name or as its ids begin, or ``deepgym``.
        problem: Its id there; for ``deepgym`` that of any task.

    Example:
        >>> task_id_of("humaneval_python", 0), task_id_of("mbpp", "11"), task_id_of("deepgym", "two_sum")
        ('HumanEval/0', 'MBPP/11', 'two_sum')
    """
    if dataset.casefold() in _OURS:
        return str(problem)
    name = _DATASETS.get(dataset, dataset)
    namespace = BENCHMARKS[name].namespace if name in BENCHMARKS else name
    return f"{namespace}/{str(problem).removeprefix(f'{namespace}/')}"


if __name__ == "__main__":
    serve(create_sandbox_fusion_app, "SandboxFusion's endpoints", 8080, episodes=False)
