"""An environment of OpenEnv: a server with a session per WebSocket, and its client.

- :func:`create_app`: the FastAPI application; ``python -m deepgym_env.integrations.openenv --port 8000``.
- ``DeepGymAction``, ``DeepGymObservation``, ``DeepGymState``: what goes over the wire.
- ``DeepGymEnvironment``: an episode on the server; ``DeepGymClient``: OpenEnv's client for it.

These five derive from OpenEnv's classes and are made when first asked for, so that this module can be
imported without it.

An infrastructure failure is an error message (``EXECUTION_ERROR``), which OpenEnv's client raises: no
observation, and no reward, comes of that step.
"""

from __future__ import annotations

import functools
from types import SimpleNamespace
from typing import Any

from pydantic import Field

from deepgym_env.blocking import DeepGym
from deepgym_env.envs.coding import CodingEnv
from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.integrations.serving import serve, told
from deepgym_env.optional import require

__all__ = ["create_app"]

_NAMES = ("DeepGymAction", "DeepGymClient", "DeepGymEnvironment", "DeepGymObservation", "DeepGymState")


def create_app(
    task: str | None = None,
    *,
    max_turns: int | None = None,
    ttl: float = 3600.0,
    capacity: int = 256,
    engine: DeepGym | None = None,
) -> Any:
    """Return a server; ``reset(task="two_sum", seed=0)`` of a client chooses the task of its session.

    Args:
        task: Id of the task of a reset that names none.
        max_turns: Turns of an episode; by default the task's.
        ttl: Seconds after which a session nobody used is ended.
        capacity: Most sessions at a time.
        engine: The engine that judges; by default this process's.

    Raises:
        ConfigError: If OpenEnv isn't installed, or an option has a value that can't work.
    """
    made = _classes()
    server = require("openenv.core.env_server", "the OpenEnv server", "openenv")
    types = require("openenv.core.env_server.types", "the OpenEnv server", "openenv")
    if ttl <= 0 or capacity < 1:
        raise ConfigError(f"ttl must be positive and capacity at least 1, got {ttl!r} and {capacity!r}")
    return server.create_app(
        functools.partial(made.DeepGymEnvironment, task, max_turns=max_turns, engine=engine),
        made.DeepGymAction,
        made.DeepGymObservation,
        env_name="deepgym",
        concurrency_config=types.ConcurrencyConfig(max_concurrent_envs=capacity, session_timeout=ttl),
        state_cls=made.DeepGymState,
    )


def __getattr__(name: str) -> Any:
    """Return one of the classes that derive from OpenEnv's."""
    if name in _NAMES:
        return getattr(_classes(), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@functools.cache
def _classes() -> SimpleNamespace:
    """Return the classes that derive from OpenEnv's, by name."""
    core = require("openenv.core", "the OpenEnv environment", "openenv")
    wire = _wire(core)
    environment = _environment(core, wire)
    return SimpleNamespace(**vars(wire), DeepGymEnvironment=environment, DeepGymClient=_client(core, wire))


def _wire(core: Any) -> SimpleNamespace:
    class DeepGymAction(core.Action):  # type: ignore[misc]
        """What the agent wrote: code, or tool calls in any form ``parse_action`` knows."""

        text: str

    class DeepGymObservation(core.Observation):  # type: ignore[misc]
        """What a step gave; ``text`` is for the agent, the rest for the trainer.

        ``reward`` is the mean over the tests of their change: an episode's rewards add up to ``score``.
        The lists are in the order of the task's tests.
        """

        text: str
        task: str
        turn: int
        status: str
        passed: bool
        score: float = Field(description="mean over the tests of the state judged last, 0..1")
        terminated: bool = False
        truncated: bool = False
        action_valid: bool = True
        test_ids: list[str]
        test_scores: list[float] = Field(description="of the state judged last, 0..1")
        test_rewards: list[float] = Field(description="their change by this step, -1..1")
        reward_components: dict[str, float] = Field(default_factory=dict)

    class DeepGymState(core.State):  # type: ignore[misc]
        """An episode's task and how it stands."""

        task: str | None = None
        score: float | None = None

    return SimpleNamespace(
        DeepGymAction=DeepGymAction, DeepGymObservation=DeepGymObservation, DeepGymState=DeepGymState
    )


def _environment(core: Any, wire: SimpleNamespace) -> Any:
    class DeepGymEnvironment(core.Environment):  # type: ignore[misc]
        """An episode at a time of whatever task a reset names."""

        SUPPORTS_CONCURRENT_SESSIONS = True

        def __init__(
            self, task: str | None = None, *, max_turns: int | None = None, engine: DeepGym | None = None
        ) -> None:
            super().__init__()
            self._task, self._max_turns, self._engine = task, max_turns, engine
            self._env: CodingEnv | None = None
            self._state = wire.DeepGymState()

        def reset(
            self, seed: int | None = None, episode_id: str | None = None, task: str | None = None, **kwargs: Any
        ) -> Any:
            """Begin an episode.

            Raises:
                ConfigError: If no task is named.
                UnknownTaskError: If there is no such task.
            """
            chosen = task or self._task
            if chosen is None:
                raise ConfigError("no task is named: reset(task=...), or start the server with one")
            self.close()
            self._env = CodingEnv(chosen, max_turns=self._max_turns, engine=self._engine)
            shown, info = self._env.reset(seed=seed)
            self._state = wire.DeepGymState(episode_id=episode_id, task=info["task"])
            return self._observed(shown, info, [0.0] * len(info["tests"]), reward=None)

        def step(self, action: Any, timeout_s: float | None = None, **kwargs: Any) -> Any:
            """Take a turn.

            Raises:
                ConfigError: If no episode has begun.
                SandboxError: If there is no verdict.
            """
            if self._env is None:
                raise ConfigError("no episode has begun: reset first, over the WebSocket; HTTP keeps no episode")
            shown, reward, terminated, truncated, info = self._env.step(action.text)
            self._state.step_count = info["turn"]
            if not info["has_verdict"]:
                self._state.score = None
                raise SandboxError(shown)
            return self._observed(
                shown,
                info,
                reward.tolist(),
                reward=float(reward.mean()),
                done=terminated or truncated,
                terminated=terminated,
                truncated=truncated,
            )

        def _observed(self, shown: str, info: dict[str, Any], rewards: list[float], **fields: Any) -> Any:
            seen = told(info)
            tests, _ = seen.pop("tests"), seen.pop("has_verdict")
            self._state.score = seen["score"]
            return wire.DeepGymObservation(
                **seen,
                **fields,
                text=shown,
                action_valid=info["action_valid"],
                test_ids=list(tests),
                test_scores=list(tests.values()),
                test_rewards=rewards,
            )

        @property
        def state(self) -> Any:
            """The episode's task, turns and score."""
            return self._state

        def close(self) -> None:
            """End the episode."""
            if self._env is not None:
                self._env.close()
                self._env = None

    return DeepGymEnvironment


def _client(core: Any, wire: SimpleNamespace) -> Any:
    result = require("openenv.core.client_types", "the OpenEnv client", "openenv").StepResult

    class DeepGymClient(core.EnvClient):  # type: ignore[misc]
        """Talks to the server in ``DeepGymAction`` and ``DeepGymObservation``."""

        def _step_payload(self, action: Any) -> dict[str, Any]:
            return {"text": action} if isinstance(action, str) else dict(action.model_dump())

        def _parse_result(self, payload: dict[str, Any]) -> Any:
            top = {"reward": payload.get("reward"), "done": payload.get("done", False)}
            observation = wire.DeepGymObservation(**payload["observation"], **top)
            return result(observation=observation, **top)

        def _parse_state(self, payload: dict[str, Any]) -> Any:
            return wire.DeepGymState(**payload)

    return DeepGymClient


if __name__ == "__main__":
    serve(create_app, "an environment of OpenEnv", 8000)
