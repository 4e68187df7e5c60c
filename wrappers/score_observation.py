"""What passes, as numbers, for learners that can't read.

- :class:`TestVectorObservation`, :class:`VectorTestVectorObservation`
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box, Dict, flatten, flatten_space
from gymnasium.vector import VectorEnv, VectorWrapper
from gymnasium.vector.utils import batch_space, concatenate, create_empty_array

from deepgym_env.errors import ConfigError
from deepgym_env.wrappers.autoreset import info_of
from deepgym_env.wrappers.requirements import n_tests

__all__ = ["TestVectorObservation", "VectorTestVectorObservation"]


class TestVectorObservation(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """The observation becomes the scores by test and the number of turns taken.

    ``Dict(tests=Box(0, 1, (n_tests,)), turn=Box(0, inf, (1,)))``, or one flat ``Box`` that holds the
    tests and then the turn, as the MLP policies of Stable-Baselines3 take it. What was written is
    in neither: combine it with actions that say all, such as a choice among edits.

    Example:
        >>> import deepgym_env
        >>> env = TestVectorObservation(gym.make("DeepGym/fizzbuzz"), flat=True)
        >>> env.reset(seed=0)[0].sum().item()
        0.0
        >>> env.step(env.unwrapped.task.reference)[0].tolist() == [1.0] * len(env.unwrapped.task.tests) + [1.0]
        True
        >>> env.close()
    """

    __test__ = False  # pytest would take the name for a class of tests

    def __init__(self, env: gym.Env[Any, Any], flat: bool = False) -> None:
        """Wrap ``env``.

        Args:
            env: An environment with a ``reward_space``, that gives ``info["tests"]`` and ``info["turn"]``.
            flat: One ``Box`` in place of a ``Dict``.

        Raises:
            ConfigError: If the environment has no ``reward_space``.
        """
        gym.utils.RecordConstructorArgs.__init__(self, flat=flat)
        gym.Wrapper.__init__(self, env)
        self._view = _View(n_tests(env, "TestVectorObservation"), flat)
        self.observation_space = self._view.space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset, with nothing passed yet."""
        _, info = self.env.reset(seed=seed, options=options)
        return self._view.of(info), info

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """Step, with the scores of the state reached."""
        _, reward, terminated, truncated, info = self.env.step(action)
        return self._view.of(info), reward, terminated, truncated, info


class VectorTestVectorObservation(VectorWrapper, gym.utils.RecordConstructorArgs):
    """:class:`TestVectorObservation` for a vector environment, under any autoreset mode.

    Example:
        >>> import deepgym_env
        >>> from mo_gymnasium.wrappers.vector import MOSyncVectorEnv
        >>> envs = MOSyncVectorEnv([lambda: gym.make("DeepGym/fizzbuzz")] * 2)
        >>> envs = VectorTestVectorObservation(envs)
        >>> _ = envs.reset(seed=0)
        >>> observations = envs.step(["no idea", envs.unwrapped.envs[1].unwrapped.task.reference])[0]
        >>> observations["tests"].mean(axis=1).tolist(), observations["turn"].tolist()
        ([0.0, 1.0], [[1.0], [1.0]])
        >>> envs.close()
    """

    def __init__(self, env: VectorEnv[Any, Any, Any], flat: bool = False) -> None:
        """Wrap ``env``; the argument is :class:`TestVectorObservation`'s."""
        gym.utils.RecordConstructorArgs.__init__(self, flat=flat)
        VectorWrapper.__init__(self, env)
        self._view = _View(n_tests(env, "VectorTestVectorObservation"), flat)
        self.single_observation_space = self._view.space
        self.observation_space = batch_space(self._view.space, env.num_envs)
        nothing = {"tests": [], "turn": 0}
        self._latest = [self._view.of(nothing) for _ in range(env.num_envs)]

    def reset(self, *, seed: Any = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Reset all, or those of ``options["reset_mask"]``; the others' observations stay."""
        _, infos = self.env.reset(seed=seed, options=options)
        return self._observe(infos), infos

    def step(self, actions: Any) -> tuple[Any, npt.NDArray[Any], npt.NDArray[Any], npt.NDArray[Any], dict[str, Any]]:
        """Step, with the scores of the states reached, in ``infos["final_obs"]`` too."""
        _, rewards, terminations, truncations, infos = self.env.step(actions)
        if "final_obs" in infos:
            infos = {**infos, "final_obs": self._finals(infos)}
        return self._observe(infos), rewards, terminations, truncations, infos

    def _observe(self, infos: dict[str, Any]) -> Any:
        for i in range(self.num_envs):
            info = info_of(infos, i)
            if info:  # none for those that a partial reset leaves alone
                self._latest[i] = self._view.of(info)
        batch: Any = create_empty_array(self._view.space, self.num_envs)
        return concatenate(self._view.space, self._latest, batch)

    def _finals(self, infos: dict[str, Any]) -> npt.NDArray[Any]:
        finals = np.full(self.num_envs, None, dtype=object)
        for i in np.flatnonzero(infos["_final_obs"]).tolist():
            finals[i] = self._view.of(info_of(infos["final_info"], i))
        return finals


class _View:
    """The observation of a state, from its info."""

    def __init__(self, tests: int, flat: bool) -> None:
        self._tests = tests
        self._dict = Dict({"tests": Box(0.0, 1.0, (tests,)), "turn": Box(0.0, np.inf, (1,))})
        self._flat = flat
        self.space = flatten_space(self._dict) if flat else self._dict

    def of(self, info: dict[str, Any]) -> Any:
        if "tests" not in info or "turn" not in info:
            raise ConfigError("a test vector needs info['tests'] and info['turn'], which the environment doesn't give")
        scores = [test["score"] for test in info["tests"]]
        tests = np.zeros(self._tests, np.float32)  # longer than `scores` where tasks are padded
        tests[: len(scores)] = scores
        observation = {"tests": tests, "turn": np.array([info["turn"]], np.float32)}
        return flatten(self._dict, observation) if self._flat else observation
