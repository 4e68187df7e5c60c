"""An environment of SkyRL-gym: ``env_class: deepgym`` in a row.

- :func:`register`: makes it available to ``skyrl_gym.make``.
- :class:`DeepGymEnv`: what that makes.

An infrastructure failure raises :class:`~deepgym_env.errors.SandboxError` once the engine's retries are used
up: SkyRL adds up rewards as they come and has no way to leave a trajectory out.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from deepgym_env.blocking import DeepGym
from deepgym_env.envs.coding import CodingEnv
from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.integrations.serving import named_task, told
from deepgym_env.optional import require

__all__ = ["DeepGymEnv", "register"]

_Messages = Sequence[Mapping[str, Any]]


def _base() -> Any:
    try:
        return importlib.import_module("skyrl_gym.envs.base_text_env").BaseTextEnv
    except ImportError:
        return object


_Base: Any = object if TYPE_CHECKING else _base()


def register(env_id: str = "deepgym") -> None:
    """Make :class:`DeepGymEnv` available as ``env_id``; a second call does nothing.

    Raises:
        ConfigError: If skyrl-gym isn't installed.
    """
    registration = require("skyrl_gym.envs.registration", "DeepGymEnv", "skyrl-gym")
    if env_id not in registration.registry:
        registration.register(id=env_id, entry_point=f"{__name__}:DeepGymEnv")


class DeepGymEnv(_Base):  # type: ignore[misc]
    """An episode of the task a row names, in ``extras["task"]`` or ``extras["reward_spec"]``.

    ``init`` keeps the row's system messages and puts the environment's own prompt for the rest: it tells
    of the tools there are. ``extras["max_turns"]``, which SkyRL's generator sets, ends the episode, so
    that a workspace is judged with its last turn.
    """

    def __init__(
        self,
        env_config: Any = None,
        extras: Mapping[str, Any] | None = None,
        *,
        engine: DeepGym | None = None,
    ) -> None:
        """Make the environment of a row.

        Args:
            env_config: SkyRL's configuration of the environment; a ``task`` in it is that of rows that name none.
            extras: The row's other columns.
            engine: The engine that judges; by default this process's.

        Raises:
            ConfigError: If skyrl-gym isn't installed, or no task is named.
            UnknownTaskError: If there is no such task.
        """
        require("skyrl_gym", "DeepGymEnv", "skyrl-gym")
        super().__init__()
        row = dict(extras or {})
        task = named_task(row) or (env_config or {}).get("task")
        if task is None:
            raise ConfigError("the row names no task: give it a column `task`")
        self._env = CodingEnv(task, max_turns=row.get("max_turns"), engine=engine)
        self._seed = row.get("seed")
        self._info: dict[str, Any] = {}
        self.max_turns = self._env.max_turns

    def init(self, prompt: _Messages) -> tuple[list[dict[str, Any]], dict[str, Any]]:
        """Begin the episode; return the first messages, and what the tests say of the empty state."""
        shown, self._info = self._env.reset(seed=self._seed)
        system = [dict(message) for message in prompt if message.get("role") == "system"]
        return [*system, {"role": "user", "content": shown}], told(self._info)

    def step(self, action: str) -> dict[str, Any]:
        """Take a turn.

        Returns:
            ``observations`` (none after the last turn), ``reward`` (the mean over the tests of their
            change), ``done``, and ``metadata``: what the tests say.

        Raises:
            SandboxError: If there is no verdict.
        """
        shown, reward, terminated, truncated, self._info = self._env.step(action)
        self.turns = self._info["turn"]
        if not self._info["has_verdict"]:
            self.close()  # SkyRL closes nothing after an exception
            raise SandboxError(f"no verdict on {self._info['task']}: {shown}")
        done = terminated or truncated
        return {
            "observations": [] if done else [{"role": "user", "content": shown}],
            "reward": float(reward.mean()),
            "done": done,
            "metadata": told(self._info),
        }

    def get_metrics(self) -> dict[str, float]:
        """Return the episode's score (0..1), whether it passed, and its turns."""
        if not self._info:
            return {}
        return {
            "score": float(self._info["score"]),
            "passed": float(self._info["passed"]),
            "turns": float(self._info["turn"]),
        }

    def close(self) -> None:
        """End the episode."""
        self._env.close()
