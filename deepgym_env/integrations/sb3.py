"""Stable-Baselines3: many environments whose programs are judged at once, over one pool of sandboxes.

- :func:`make_sb3_vec_env`: a ``VecEnv`` of ``DeepGym/repair`` or ``DeepGym/construct``.
- :func:`program_vec_env`: its class, a ``DummyVecEnv``.

An infrastructure failure truncates the episode with reward 0, the state being the one before it:
``TimeLimit.truncated`` is True and SB3 adds the value of that state, so the failure counts neither for nor
against the agent; ``infos[i]["has_verdict"]`` is False. A vector whose next episode can't begin for want of a
verdict raises :class:`~deepgym_env.errors.SandboxError`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gymnasium as gym

from deepgym_env.envs.program_env import ProgramEnv
from deepgym_env.envs.verdicts import Request, Verdicts
from deepgym_env.errors import ConfigError
from deepgym_env.optional import require

if TYPE_CHECKING:
    from stable_baselines3.common.vec_env import VecEnv

__all__ = ["make_sb3_vec_env", "program_vec_env"]


def make_sb3_vec_env(id: str, n_envs: int = 1, *, seed: int | None = None, **options: Any) -> VecEnv:
    """Return a vector of environments with numbers of episodes in its infos, as SB3's ``make_vec_env`` does.

    Args:
        id: ``DeepGym/repair``, ``DeepGym/construct``, or another environment of discrete actions that make
            programs (a :class:`~deepgym_env.envs.ProgramEnv`).
        n_envs: How many.
        seed: They get ``seed, seed + 1, ...``.
        **options: The arguments of each.

    Raises:
        ConfigError: If Stable-Baselines3 is missing, or the environment is of another kind.

    Source: SB3's ``make_vec_env`` (https://stable-baselines3.readthedocs.io/en/master/common/env_util.html).
    """
    vec_env = require("stable_baselines3.common.vec_env", "make_sb3_vec_env", "sb3")
    if n_envs < 1:
        raise ConfigError(f"n_envs must be at least 1, got {n_envs!r}")
    made = program_vec_env()([functools.partial(gym.make, id, **options) for _ in range(n_envs)])
    made.seed(seed)
    return vec_env.VecMonitor(made)


@functools.cache
def program_vec_env() -> Any:
    """Return the class of vectors: made of functions that make an environment, as ``DummyVecEnv`` is.

    It is a ``DummyVecEnv`` in all but this: the programs that the environments' actions make are judged
    together before any of them takes its step, each program once, whether it gets a verdict or not.
    """
    base: type[Any] = require("stable_baselines3.common.vec_env", "program_vec_env", "sb3").DummyVecEnv

    class ProgramVecEnv(base):  # type: ignore[misc]
        """Environments in one process whose programs run at the same time."""

        def __init__(self, env_fns: list[Callable[[], gym.Env[Any, Any]]]) -> None:
            super().__init__([functools.partial(_made, make) for make in env_fns])

        def step_wait(self) -> Any:
            asked: dict[Verdicts, list[tuple[ProgramEnv[Any], Request]]] = {}
            for env, action in zip(self.envs, self.actions, strict=True):
                request = env.unwrapped.request(action)
                if request is not None:
                    asked.setdefault(env.unwrapped.verdicts, []).append((env.unwrapped, request))
            for verdicts, pairs in asked.items():
                found = verdicts.judge([request for _, request in pairs])
                for (env, request), verdict in zip(pairs, found, strict=True):
                    env.foresee(request, verdict)
            return super().step_wait()

    return ProgramVecEnv


def _made(make: Callable[[], gym.Env[Any, Any]]) -> gym.Env[Any, Any]:
    """Return the environment a function makes.

    Raises:
        ConfigError: If its actions make no programs.
    """
    env = make()
    if not isinstance(env.unwrapped, ProgramEnv):
        env.close()
        raise ConfigError(f"{env} has no discrete actions that make programs: use DeepGym/repair or DeepGym/construct")
    return env
