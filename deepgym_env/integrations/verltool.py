"""A tool server of VerlTool: agents act in episodes by HTTP.

- :func:`create_verltool_app`: the FastAPI application; ``python -m deepgym_env.integrations.verltool --port 5000``.
- :func:`create_verltool_router`: its route for an application of yours.

An infrastructure failure is told in the observation: ``reward`` None, ``has_verdict`` False, ``valids``
False. The trajectory ends there, since its state is gone.

VerlTool's client asks again after a timeout. Whoever sends the action once more that an episode ended with
gets its answer once more; before the end an action sent again is another turn.

The protocol: ``verl_tool/servers/tool_server.py`` and ``verl_tool/agent_loop/verltool_agent_loop.py`` of
https://github.com/TIGER-AI-Lab/verl-tool.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, Field, model_validator

from deepgym_env.blocking import DeepGym
from deepgym_env.errors import ConfigError, RefusedError, TaskError
from deepgym_env.integrations.live import LiveEpisode, LiveEpisodes
from deepgym_env.integrations.serving import apart, keeping, named_task, serve, told
from deepgym_env.optional import require
from deepgym_env.task import WorkspaceTask

if TYPE_CHECKING:
    from fastapi import APIRouter

__all__ = ["create_verltool_app", "create_verltool_router"]

_OVER = "The episode is over."
_THREADS = 64
_Answer = tuple[dict[str, Any], bool, bool]
_SUBMIT: dict[str, Any] = {"name": "submit", "arguments": {}}


class ActionRequest(BaseModel):
    """Actions, each of the trajectory at its place."""

    trajectory_ids: list[str] = Field(min_length=1)
    actions: list[str]
    extra_fields: list[dict[str, Any]] | None = None
    finish: list[bool] | None = None
    is_last_step: list[bool] | None = None

    @model_validator(mode="before")
    @classmethod
    def _one_is_a_list(cls, given: Any) -> Any:
        """Take one id for a list of it: so the client's own cleanup sends it."""
        if isinstance(given, Mapping) and isinstance(given.get("trajectory_ids"), str):
            return {**given, "trajectory_ids": [given["trajectory_ids"]]}
        return given

    @model_validator(mode="after")
    def _as_long_as_each_other(self) -> ActionRequest:
        wanted = len(self.trajectory_ids)
        for name in ("actions", "extra_fields", "finish", "is_last_step"):
            value = getattr(self, name)
            if value is not None and len(value) != wanted:
                raise ValueError(f"{name} must have {wanted} items, as trajectory_ids has; got {len(value)}")
        return self


class ActionResponse(BaseModel):
    """What came of them, at the same places."""

    observations: list[str | dict[str, Any]]
    dones: list[bool]
    valids: list[bool]


def create_verltool_app(
    task: str | None = None,
    *,
    max_turns: int | None = None,
    ttl: float = 3600.0,
    capacity: int = 4096,
    concurrency: int = 64,
    engine: DeepGym | None = None,
) -> Any:
    """Return a tool server.

    ``POST /get_observation`` takes a turn in each trajectory's episode and answers with observations
    ``{obs, reward, score, tests, ...}``: ``obs`` is what the agent reads, ``reward`` the mean over the
    tests of their change; a trajectory's rewards add up to the score of the state it ended in. The first
    action of a trajectory begins its episode, of the task in its ``extra_fields``. ``finish`` ends it. A
    workspace is judged after the ``is_last_step``. ``GET /health`` says that it is up.

    Args:
        task: Id of the task of trajectories that name none.
        max_turns: Turns of an episode; by default the task's.
        ttl: Seconds after which an episode nobody asked for is ended.
        capacity: Most episodes at a time.
        concurrency: Trajectories that act at a time.
        engine: The engine that judges; by default this process's.

    Raises:
        ConfigError: If FastAPI isn't installed, or an option has a value that can't work.
    """
    fastapi = require("fastapi", "the tool server", "server")
    live = LiveEpisodes(ttl=ttl, capacity=capacity, engine=engine)
    threads = ThreadPoolExecutor(concurrency, thread_name_prefix="deepgym-verltool")
    app = fastapi.FastAPI(title="DeepGym", lifespan=keeping(live, concurrency, threads.shutdown))
    app.include_router(
        create_verltool_router(live, task, max_turns=max_turns, threads=threads, concurrency=concurrency)
    )

    def health() -> dict[str, Any]:
        live.sweep()
        return {"status": "healthy", "episodes": len(live)}

    app.get("/health")(health)
    return app


def create_verltool_router(
    live: LiveEpisodes,
    task: str | None = None,
    *,
    max_turns: int | None = None,
    threads: Executor | None = None,
    concurrency: int = _THREADS,
    owner: Callable[..., Any] | None = None,
    room: Callable[[int], AbstractContextManager[Any]] = contextlib.nullcontext,
) -> APIRouter:
    """Return a router with the ``POST /get_observation`` of :func:`create_verltool_app`.

    ``GET /health``, which VerlTool's scripts wait for, is the application's own: it must say
    ``{"status": "healthy"}``.

    Args:
        live: Keeps the episodes; closed by whoever made it. Trajectories that share it with other routers must
            not share their ids.
        task: Id of the task of trajectories that name none.
        max_turns: Turns of an episode; by default the task's.
        threads: What trajectories of one request act on at the same time; by default 64 threads.
        concurrency: Requests that are worked on at a time; the others wait.
        owner: A dependency that says whose a request's trajectories are: nobody reaches another's.
        room: Holds room for so many trajectories while they act, or raises.

    Raises:
        ConfigError: If FastAPI isn't installed.
    """
    fastapi = require("fastapi", "the tool server", "server")
    workers = threads or ThreadPoolExecutor(_THREADS, thread_name_prefix="deepgym-verltool")
    turns = _Turns(live, task, max_turns)
    away, whose = apart(concurrency), fastapi.Depends(owner or _nobody)
    router: APIRouter = fastapi.APIRouter(tags=["episodes"])

    def take(request: ActionRequest, owner: str) -> list[_Answer]:
        with room(len(request.trajectory_ids)):
            return turns.take_all(request, workers, owner)

    async def get_observation(request: ActionRequest, owner: str = whose) -> ActionResponse:
        """Take a turn in each trajectory's episode."""
        try:
            answers = await away(lambda: take(request, owner))
        except (ConfigError, TaskError) as error:
            raise fastapi.HTTPException(422, str(error)) from error
        except RefusedError as error:
            raise fastapi.HTTPException(503, str(error)) from error
        observations, dones, valids = zip(*answers, strict=True)
        return ActionResponse(observations=list(observations), dones=list(dones), valids=list(valids))

    router.add_api_route("/get_observation", get_observation, methods=["POST"])
    return router


async def _nobody() -> str:
    return ""


class _Turns:
    """The turns of trajectories."""

    def __init__(self, live: LiveEpisodes, task: str | None, max_turns: int | None) -> None:
        self._live, self._task, self._max_turns = live, task, max_turns

    def take_all(self, request: ActionRequest, threads: Executor, owner: str) -> list[_Answer]:
        """Take those of a request: trajectories at the same time, turns of one in their order."""
        places: dict[str, list[int]] = {}
        for place, key in enumerate(request.trajectory_ids):
            places.setdefault(key, []).append(place)
        answers: dict[int, _Answer] = {}

        def play(own: list[int]) -> None:
            for place in own:
                answers[place] = self.take(request, place, owner)

        list(threads.map(play, places.values()))
        return [answers[place] for place in range(len(answers))]

    def take(self, request: ActionRequest, place: int, owner: str) -> _Answer:
        """Take one; return observation, whether the trajectory is done, and whether the action was valid."""
        key = f"{owner}/{request.trajectory_ids[place]}" if owner else request.trajectory_ids[place]
        if request.finish and request.finish[place]:
            self._live.end(key)
            return {"obs": "", "reward": None}, True, True
        episode = self._live.get(key) or self._begin(key, request, place, owner)
        action, last = request.actions[place], bool(request.is_last_step and request.is_last_step[place])
        with episode.lock:
            if not episode.over:
                episode.answered = action, self._answer(episode, action, last)
            known = episode.answered
            if known is None or known[0] != action:
                return {"obs": _OVER, "reward": None, **told(episode.info)}, True, False
            answer: _Answer = known[1]
            return answer

    def _answer(self, episode: LiveEpisode, action: str, last: bool) -> _Answer:
        before = episode.returned
        seen, valid = episode.step(action), bool(episode.info["action_valid"])
        if last and not episode.over and isinstance(episode.env.task, WorkspaceTask):
            seen = f"{seen}\n\n{episode.step(_SUBMIT)}"
        if episode.over:
            episode.env.close()
        lost = not episode.info["has_verdict"]
        reward = None if lost else episode.returned - before
        return {"obs": seen, "reward": reward, **told(episode.info)}, episode.over, valid and not lost

    def _begin(self, key: str, request: ActionRequest, place: int, owner: str) -> LiveEpisode:
        extra: Mapping[str, Any] = request.extra_fields[place] if request.extra_fields else {}
        task = named_task(extra) or self._task
        if task is None:
            trajectory = request.trajectory_ids[place]
            raise ConfigError(
                f"trajectory {trajectory!r} names no task: send it in extra_fields, or start the server with one"
            )
        seed = extra.get("seed")
        seed = seed if isinstance(seed, int) else None
        return self._live.start(key, task, seed=seed, max_turns=self._max_turns, owner=owner)


if __name__ == "__main__":
    serve(create_verltool_app, "a tool server of VerlTool", 5000)
