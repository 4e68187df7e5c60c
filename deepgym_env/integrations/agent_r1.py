"""An environment of Agent-R1 (v0.1), which asks it for each turn's whole prompt.

- :class:`DeepGymEnv`: registered as ``deepgym`` where Agent-R1 is installed; import this module to have it.
- :class:`Action`, :class:`Observation`: Agent-R1's own, or their like where it isn't.

An infrastructure failure is a reward of None, which leaves the reward to the trainer's reward function:
DeepGym's for verl judges the answer again. ``info["has_verdict"]`` is False.

The protocol: ``agent_r1/env/base.py`` and ``agent_r1/agent_flow/agent_env_loop.py`` of
https://github.com/AgentR1/Agent-R1.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deepgym_env.blocking import DeepGym
from deepgym_env.envs.coding import CodingEnv
from deepgym_env.errors import ConfigError
from deepgym_env.integrations.serving import named_task, told

__all__ = ["Action", "DeepGymEnv", "Observation"]


@dataclass
class _Observation:
    """What the model reads next, whole; exactly one field is set."""

    text: str | None = None
    messages: list[dict[str, Any]] | None = None
    token_ids: list[int] | None = None


@dataclass
class _Action:
    """What the model said."""

    text: str | None = None
    token_ids: list[int] | None = None


def _framework() -> Any:
    try:
        return importlib.import_module("agent_r1.env.base")
    except ImportError:
        return None


_base = _framework()
Action: Any = _base.Action if _base else _Action
Observation: Any = _base.Observation if _base else _Observation
_Base: Any = object if TYPE_CHECKING or not _base else _base.AgentEnv


class DeepGymEnv(_Base):  # type: ignore[misc]
    """An episode of a task; each observation holds the whole conversation so far.

    Example:
        >>> import asyncio
        >>> env = DeepGymEnv(task="reverse_string")
        >>> env.reset().messages[0]["role"]
        'user'
        >>> answer = Action(text="def reverse_string(s): return s[::-1]")
        >>> observation, reward, done, info = asyncio.run(env.step(answer))
        >>> reward, done, len(observation.messages)
        (1.0, True, 3)
    """

    def __init__(
        self,
        task: str | None = None,
        *,
        max_turns: int | None = None,
        system: str | None = None,
        engine: DeepGym | None = None,
    ) -> None:
        """Take an episode's options, from the row's ``env_kwargs``.

        Args:
            task: Id of the task of rows that name none.
            max_turns: Turns of an episode; by default the task's.
            system: A system message before the prompt.
            engine: The engine that judges; by default this process's.
        """
        self._task, self._max_turns, self._system, self._engine = task, max_turns, system, engine
        self._env: CodingEnv | None = None
        self._messages: list[dict[str, Any]] = []

    def reset(self, **row: Any) -> Any:
        """Begin an episode of the task the row names, in ``task`` or in ``extra_info``.

        Raises:
            ConfigError: If none is named.
            UnknownTaskError: If there is no such task.
        """
        task = named_task(row) or self._task
        if task is None:
            raise ConfigError("the row names no task: give it a column `task`, or `task` in env_kwargs")
        self.close()
        self._env = CodingEnv(task, max_turns=self._max_turns, engine=self._engine)
        seed = row.get("seed")
        prompt, _ = self._env.reset(seed=seed if isinstance(seed, int) else None)
        system = [{"role": "system", "content": self._system}] if self._system else []
        self._messages = [*system, {"role": "user", "content": prompt}]
        return self._seen()

    async def step(self, action: Any) -> tuple[Any, float | None, bool, Mapping[str, Any]]:
        """Take a turn.

        Returns:
            The next prompt as messages; the mean over the tests of their change, None without a
            verdict; whether the episode is over; and ``truncated`` beside what the tests say.
        """
        if self._env is None:
            raise ConfigError("no episode has begun: call reset() before step()")
        said = action.text or ""
        shown, reward, terminated, truncated, info = await asyncio.to_thread(self._env.step, said)
        self._messages += [{"role": "assistant", "content": said}, {"role": "user", "content": shown}]
        done = terminated or truncated
        if done:
            self.close()
        earned = float(reward.mean()) if info["has_verdict"] else None
        return self._seen(), earned, done, {**told(info), "truncated": truncated}

    def close(self) -> None:
        """End the episode; so does its last turn, and collecting the object."""
        if self._env is not None:
            self._env.close()
            self._env = None

    def _seen(self) -> Any:
        return Observation(messages=[dict(message) for message in self._messages])


if _base:
    _base.AgentEnv.register("deepgym")(DeepGymEnv)
