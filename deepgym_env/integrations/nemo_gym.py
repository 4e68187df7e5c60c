"""A resources server of NeMo-Gym: verification of one answer, and episodes of many turns.

- :func:`create_nemo_gym_app`: the FastAPI application; ``python -m deepgym_env.integrations.nemo_gym --port 8010``.

An infrastructure failure is an HTTP 503 with ``failure_kind`` and ``failure_reason`` in its detail: NeMo-Gym
counts the rollout as failed, never as one with reward 0.

The protocol: ``nemo_gym/base_resources_server.py``, ``resources_servers/gymnasium/base.py`` and
``responses_api_agents/gymnasium_agent/app.py`` of https://github.com/NVIDIA-NeMo/Gym.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from deepgym_env.blocking import DeepGym
from deepgym_env.errors import ConfigError, RefusedError, TaskError
from deepgym_env.integrations.live import LiveEpisodes
from deepgym_env.integrations.scoring import Scorer
from deepgym_env.integrations.serving import keeping, named_task, serve, told
from deepgym_env.optional import require
from deepgym_env.result import RunResult

__all__ = ["create_nemo_gym_app"]

_COOKIE = "deepgym_session"
_SEE_BELOW = "(answered with the last of these calls)"


class Row(BaseModel):
    """A row of the data set, whatever its columns."""

    model_config = ConfigDict(extra="allow")


class Answered(Row):
    """A row with what the model answered: an object of OpenAI's Responses API."""

    response: dict[str, Any]


def create_nemo_gym_app(
    task: str | None = None,
    *,
    max_turns: int | None = None,
    ttl: float = 3600.0,
    capacity: int = 4096,
    concurrency: int = 64,
    engine: DeepGym | None = None,
) -> Any:
    """Return a resources server.

    A row names its task in ``task`` or in ``verifier_metadata``. ``POST /verify`` judges one answer:
    ``reward`` is the score (0..1), ``reward_components`` what it is made of, ``tests`` the score of each
    test by id. ``POST /reset`` and ``/step`` are an episode under a session's cookie, whose rewards add up
    to the score of the state it ended in; ``/close`` ends it early. The prompt comes from ``/reset``: rows
    for it leave ``responses_create_params.input`` empty.

    Args:
        task: Id of the task of rows that name none.
        max_turns: Turns of an episode; by default the task's.
        ttl: Seconds after which an episode nobody asked for is ended.
        capacity: Most episodes at a time.
        concurrency: Requests that work at a time.
        engine: The engine that judges; by default this process's.

    Raises:
        ConfigError: If FastAPI isn't installed, or an option has a value that can't work.
    """
    fastapi = require("fastapi", "the resources server", "server")
    live, scorer = LiveEpisodes(ttl=ttl, capacity=capacity, engine=engine), Scorer(engine=engine)
    app = fastapi.FastAPI(title="DeepGym", lifespan=keeping(live, concurrency, scorer.close))
    cookie = fastapi.Cookie(default=None, alias=_COOKIE)

    def answer(status: int) -> Any:
        async def answered(request: Any, error: Exception) -> Any:
            return fastapi.responses.JSONResponse({"detail": str(error)}, status)

        return answered

    def opened(session: str, content: dict[str, Any]) -> Any:
        response = fastapi.responses.JSONResponse(content)
        response.set_cookie(_COOKIE, session, httponly=True)
        return response

    def lost(reason: str) -> Exception:
        detail = {"failure_kind": "provider_unavailable", "failure_reason": reason}
        failure: Exception = fastapi.HTTPException(503, detail)
        return failure

    def seed_session(row: Row, session: str | None = cookie) -> Any:
        _task_of(row, task)
        return opened(session or uuid.uuid4().hex, {})

    def verify(row: Answered) -> dict[str, Any]:
        (result,) = scorer([_text(row.response)], [_task_of(row, task)])
        if not result.has_verdict:
            raise lost(result.details)
        return {**row.model_dump(), **_reward(result)}

    def reset(row: Row, session: str | None = cookie) -> Any:
        key, seed = session or uuid.uuid4().hex, (row.model_extra or {}).get("seed")
        begun = seed if isinstance(seed, int) else None
        episode = live.start(key, _task_of(row, task), seed=begun, max_turns=max_turns)
        info = {**told(episode.info), "tools": episode.info["tools"], "supports_explicit_close": True}
        return opened(key, {"observation": episode.observation, "info": info})

    def step(row: Answered, session: str = fastapi.Cookie(alias=_COOKIE)) -> dict[str, Any]:
        calls = [item for item in _output(row.response) if item.get("type") == "function_call"]
        episode = live.get(session)
        if episode is None:
            raise RefusedError(f"no episode {session!r} is under way: it was ended, or never reset")
        with episode.lock:
            if episode.over:
                raise RefusedError(f"the episode {session!r} is over")
            before = episode.returned
            seen = episode.step(_action(_text(row.response), calls))
            if episode.over:
                episode.env.close()
            if not episode.info["has_verdict"]:
                raise lost(seen)
            return {
                "observation": None if calls else seen,
                "reward": episode.returned - before,
                "terminated": episode.terminated,
                "truncated": episode.truncated,
                "info": {**told(episode.info), "tool_outputs": _tool_outputs(calls, seen)},
            }

    def close(session: str | None = cookie) -> dict[str, Any]:
        live.end(session or "")
        return {}

    for endpoint in (seed_session, verify, reset, step, close):
        app.post(f"/{endpoint.__name__}")(endpoint)
    app.add_exception_handler(ConfigError, answer(422))
    app.add_exception_handler(TaskError, answer(422))
    app.add_exception_handler(RefusedError, answer(409))
    return app


def _task_of(row: Row, default: str | None) -> str:
    """Return the id of the task of a row."""
    task = named_task(row.model_dump()) or default
    if task is None:
        raise ConfigError(
            "the row names no task: put it in `task` or `verifier_metadata`, or start the server with one"
        )
    return task


def _output(response: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [item for item in response.get("output", ()) if isinstance(item, Mapping)]


def _text(response: Mapping[str, Any]) -> str:
    """Return what a response says."""
    said = [item.get("content", "") for item in _output(response) if item.get("type") == "message"]
    return "".join(part if isinstance(part, str) else "".join(map(_part, part)) for part in said)


def _part(part: Mapping[str, Any]) -> str:
    return str(part.get("text", "")) if part.get("type") == "output_text" else ""


def _action(text: str, calls: list[Mapping[str, Any]]) -> str | dict[str, Any]:
    """Return a response as an action: a text, or a chat message with tool calls."""
    if not calls:
        return text
    functions = [{"name": call.get("name"), "arguments": call.get("arguments")} for call in calls]
    return {"role": "assistant", "content": text, "tool_calls": [{"function": each} for each in functions]}


def _tool_outputs(calls: list[Mapping[str, Any]], observation: str) -> list[dict[str, Any]]:
    """Return an output for each call; the last one holds what they answered."""
    outputs = [{"call_id": call.get("call_id"), "output": _SEE_BELOW} for call in calls]
    if outputs:
        outputs[-1]["output"] = observation
    return outputs


def _reward(result: RunResult) -> dict[str, Any]:
    return {
        "reward": result.score,
        "reward_components": dict(result.reward_components),
        "tests": {case.id: case.score for case in result.cases},
        "passed": float(result.passed),
        "status": result.status,
    }


if __name__ == "__main__":
    serve(create_nemo_gym_app, "a resources server of NeMo-Gym", 8010)
