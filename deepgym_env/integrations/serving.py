"""What the protocols' servers have in common: starting one from a shell, and a turn as JSON.

- :func:`serve`: the ``python -m`` of a server's module; :func:`keeping`: its application's lifespan.
- :func:`apart`: blocking work on threads of its own.
- :func:`told`: what an episode's info says of the tests, for a trainer.
- :func:`named_task`: the task a row names.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from deepgym_env.catalog import load_task
from deepgym_env.errors import TaskError
from deepgym_env.integrations.live import LiveEpisodes
from deepgym_env.optional import require

__all__ = ["Apart", "apart", "keeping", "named_task", "serve", "told"]

_T = TypeVar("_T")
_SWEEP_SECONDS = 60.0

_NESTED = ("extra_info", "verifier_metadata", "reward_spec", "extras")


class Apart(Protocol):
    """Runs blocking work; see :func:`apart`."""

    def __call__(self, work: Callable[[], _T]) -> Awaitable[_T]:
        """Return what ``work`` returns."""


def apart(concurrency: int) -> Apart:
    """Return what runs blocking work on threads, so many at a time.

    They are others than those a framework has for short work: however long theirs takes, it still answers.
    """
    anyio = require("anyio", "the server", "server")
    threads = require("anyio.to_thread", "the server", "server")
    limiter = anyio.CapacityLimiter(concurrency)

    async def run(work: Callable[[], _T]) -> _T:
        done: _T = await threads.run_sync(work, limiter=limiter)
        return done

    return run


def serve(
    make_app: Callable[..., Any], what: str, port: int, argv: Sequence[str] | None = None, *, episodes: bool = True
) -> None:
    """Serve what ``make_app`` makes of a task's id, until interrupted.

    Args:
        make_app: Makes the application; given the task of rows that name none, or None, and ``max_turns``.
        what: What is served, for the help text.
        port: The port unless the command line names another.
        argv: The command line without the program; by default this process's.
        episodes: Whether there are any; else ``make_app`` is given nothing.

    Raises:
        ConfigError: If uvicorn isn't installed.
    """
    parser = argparse.ArgumentParser(description=f"Serve {what}.", allow_abbrev=False)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=port)
    if episodes:
        parser.add_argument("--task", help="id of the task of rows that name none")
        parser.add_argument("--max-turns", type=int, help="turns of an episode; a workspace is judged after the last")
    given = parser.parse_args(argv)
    uvicorn = require("uvicorn", what, "server")
    try:
        if episodes and given.task is not None:
            load_task(given.task)
    except TaskError as error:
        parser.error(str(error))
    app = make_app(given.task, max_turns=given.max_turns) if episodes else make_app()
    uvicorn.run(app, host=given.host, port=given.port, log_level="warning")


def keeping(
    live: LiveEpisodes, concurrency: int, close: Callable[[], None]
) -> Callable[[Any], contextlib.AbstractAsyncContextManager[None]]:
    """Return the lifespan of an application that keeps episodes.

    Args:
        live: The episodes; idle ones are ended while it runs, the rest at its end.
        concurrency: Requests that work at a time; a framework's default is 40.
        close: Called at its end too.
    """

    async def sweep() -> None:
        while True:
            await asyncio.sleep(_SWEEP_SECONDS)
            await asyncio.to_thread(live.sweep)

    @contextlib.asynccontextmanager
    async def lifespan(app: Any) -> AsyncIterator[None]:
        threads = require("anyio.to_thread", "the server", "server")
        threads.current_default_thread_limiter().total_tokens = concurrency
        sweeping = asyncio.create_task(sweep())
        try:
            yield
        finally:  # also where it is interrupted
            sweeping.cancel()
            close()
            live.close()

    return lifespan


def told(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an info says of the state judged last, as plain data: no text of a test is in it.

    Returns:
        ``task``, ``turn``, ``has_verdict``, ``status``, ``passed``, ``score`` (0..1, None without a
        verdict), ``tests`` (the score of each by id) and ``reward_components``.
    """
    kept = ("task", "turn", "has_verdict", "status", "passed")
    return {
        **{key: info[key] for key in kept},
        "score": float(info["score"]) if info["has_verdict"] else None,
        "tests": {test["id"]: test["score"] for test in info["tests"]},
        "reward_components": dict(info["reward_components"]),
    }


def named_task(row: Mapping[str, Any]) -> str | None:
    """Return the id of the task a row names: in a column ``task``, or in what trainers keep aside.

    Example:
        >>> named_task({"extra_info": {"task": "two_sum"}}), named_task({})
        ('two_sum', None)
    """
    inner = (value for key in _NESTED if isinstance(value := row.get(key), Mapping))
    found = (part.get("task") for part in (row, *inner))
    return next((task for task in found if isinstance(task, str)), None)
