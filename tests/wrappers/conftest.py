"""A small environment with the contract of DeepGym's, vectors of it, and a comparison of the two."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.spaces import Box, Discrete
from gymnasium.vector import AutoresetMode, SyncVectorEnv

MAX_TURNS = 6


class Switches(gym.Env[Any, Any]):
    """Three tests; an action toggles one, half-passes one, or is invalid. Which one it is, the seed decides.

    With ``padding`` the reward vector is longer, as a mixture of tasks has it.
    """

    def __init__(self, own: int = 3, padding: int = 0) -> None:
        self.own = own
        self.tests = tests = own + padding
        self.observation_space = Box(0.0, 10.0, (tests + 1,), np.float32)
        self.action_space = Discrete(own + 2)
        self.reward_space = Box(-1.0, 1.0, (tests,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.wiring = self.np_random.permutation(self.own)
        self.scores = np.zeros(self.tests, np.float32)
        self.turn = 0
        return self._observation(), self._info(True)

    def step(self, action):
        before = self.scores.copy()
        self.turn += 1
        if action < self.own:
            test = self.wiring[action]
            self.scores[test] = 1.0 - self.scores[test]
        elif action == self.own:
            self.scores[self.wiring[0]] = 0.5
        terminated = bool((self.scores[: self.own] == 1.0).all())
        truncated = not terminated and self.turn >= MAX_TURNS
        info = self._info(bool(action <= self.own))
        return self._observation(), self.scores - before, terminated, truncated, info

    def _observation(self):
        return np.append(self.scores, np.float32(self.turn))

    def _info(self, action_valid):
        scores = self.scores[: self.own]
        tests = [{"id": f"t{i}", "public": i == 0, "score": float(score)} for i, score in enumerate(scores)]
        components = {"correctness": float(scores.mean()), "efficiency": 1.0 / (1 + self.turn)}
        return {
            "turn": self.turn,
            "action_valid": action_valid,
            "score": float(scores.mean()),
            "tests": tests,
            "reward_components": components if self.turn else {},
        }


class VectorRewardSyncVectorEnv(SyncVectorEnv):
    """SyncVectorEnv with rewards ``(num_envs, n_tests)``; MO-Gymnasium's has one autoreset mode only."""

    def __init__(self, env_fns, autoreset_mode=AutoresetMode.NEXT_STEP):
        super().__init__(env_fns, autoreset_mode=autoreset_mode)
        self.reward_space = self.envs[0].unwrapped.reward_space
        self._rewards = np.zeros((self.num_envs, *self.reward_space.shape), np.float32)


class Twin:
    """One environment, reset when and as the sub-environment is that it is compared with."""

    def __init__(self, env, mode):
        self.env = env
        self.mode = mode
        self.over = False
        self.ended = 0

    def step(self, action):
        """Return observation, reward and ends, and the last observation of an episode reset in the same step."""
        if self.over and self.mode == AutoresetMode.NEXT_STEP:
            self.over = False
            return self.env.reset()[0], 0.0, (False, False), None
        observation, reward, *ends, _ = self.env.step(action)
        self.over = any(ends)
        self.ended += self.over
        if self.over and self.mode == AutoresetMode.SAME_STEP:
            return self.env.reset()[0], reward, tuple(ends), observation
        return observation, reward, tuple(ends), None


def _assert_same(batch, index, single):
    if isinstance(single, dict):
        assert batch.keys() == single.keys()
        for key, value in single.items():
            np.testing.assert_array_equal(batch[key][index], value)
    else:
        np.testing.assert_array_equal(batch[index], single)


def _reset_those_over(envs, twins):
    over = np.array([twin.over for twin in twins])
    if envs.metadata["autoreset_mode"] == AutoresetMode.DISABLED and over.any():
        observations, _ = envs.reset(options={"reset_mask": over})
        for i in np.flatnonzero(over):
            _assert_same(observations, i, twins[i].env.reset()[0])


def _assert_parity(envs, singles, steps=60):
    twins = [Twin(env, envs.metadata["autoreset_mode"]) for env in singles]
    rng = np.random.default_rng(7)
    observations, _ = envs.reset(seed=3)
    for i, twin in enumerate(twins):
        _assert_same(observations, i, twin.env.reset(seed=3 + i)[0])
    for _ in range(steps):
        _reset_those_over(envs, twins)
        actions = rng.integers(0, singles[0].action_space.n, len(twins))
        observations, rewards, terminations, truncations, infos = envs.step(actions)
        for i, twin in enumerate(twins):
            observation, reward, ends, final = twin.step(actions[i])
            _assert_same(observations, i, observation)
            np.testing.assert_array_equal(rewards[i], reward)
            assert (terminations[i], truncations[i]) == ends
            if final is not None:
                np.testing.assert_equal(infos["final_obs"][i], final)
    assert min(twin.ended for twin in twins) > 1


@pytest.fixture
def switches():
    """The environment class."""
    return Switches


@pytest.fixture(params=list(AutoresetMode), ids=lambda mode: mode.name)
def make_envs(request):
    """Makes a vector of ``n`` environments; once per autoreset mode."""
    return lambda n: VectorRewardSyncVectorEnv([Switches] * n, request.param)


@pytest.fixture
def assert_parity(make_envs):
    """Asserts that a vector wrapper does to a vector of environments what a wrapper does to each of them."""
    return lambda wrap, wrap_vector: _assert_parity(wrap_vector(make_envs(4)), [wrap(Switches()) for _ in range(4)])


@pytest.fixture
def rewards():
    """Returns the rewards of a list of actions, in an episode begun anew."""

    def rewards(env, *actions):
        env.reset(seed=0)
        return [env.step(action)[1] for action in actions]

    return rewards


@pytest.fixture
def wired(switches):
    """The environment, with action ``i`` toggling test ``i``."""

    class Wired(switches):
        def reset(self, **options):
            returned = super().reset(**options)
            self.wiring = np.arange(self.own)
            return returned

    return Wired()
