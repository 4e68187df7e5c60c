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
    together before any of them takes its step, each program once.
    """
    base: type[Any] = require("stable_baselines3.common.vec_env", "program_vec_env", "sb3").DummyVecEnv

    class ProgramVecEnv(base):  # type: ignore[misc]
        """Environments in one process whose programs run at the same time."""

        def __init__(self, env_fns: list[Callable[[], gym.Env[Any, Any]]]) -> None:
            super().__init__(env_fns)
            for env in self.envs:
                if not isinstance(env.unwrapped, ProgramEnv):
                    raise ConfigError(
                        f"{env} has no discrete actions that make programs: use DeepGym/repair or DeepGym/construct"
                    )

        def step_wait(self) -> Any:
            programs = [env.unwrapped for env in self.envs]
            wanted = [env.request(action) for env, action in zip(programs, self.actions, strict=True)]
            by_engine: dict[int, list[int]] = {}
            for number, env in enumerate(programs):
                by_engine.setdefault(id(env.verdicts), []).append(number)
            for numbers in by_engine.values():
                programs[numbers[0]].verdicts.judge([each for n in numbers if (each := wanted[n]) is not None])
            return super().step_wait()

    return ProgramVecEnv
