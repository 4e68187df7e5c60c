from __future__ import annotations

import json

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.vector import AsyncVectorEnv, SyncVectorEnv

from deepgym_env.envs import UnicodeText
from deepgym_env.wrappers import ChatObservation, ToolCallAction

CALL = {"name": "bash", "arguments": '{"command": "ls"}'}


class Recorder(gym.Env):
    """Keeps the actions it gets."""

    observation_space = UnicodeText()
    action_space = UnicodeText()

    def __init__(self):
        self.actions = []

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return "Go.", {}

    def step(self, action):
        self.actions.append(action)
        return str(action), 0.0, False, False, {}


@pytest.fixture
def env():
    env = ToolCallAction(Recorder())
    env.reset(seed=0)
    return env


def test_the_environment_gets_the_call(env):
    env.step(CALL)
    assert env.unwrapped.actions == [CALL]
    assert env.unwrapped.actions[0] is not CALL


@pytest.mark.parametrize(
    ("action", "got"),
    [
        ({**CALL, "id": "call_1", "type": "function"}, CALL),
        ({"name": "bash", "arguments": {"command": "ls"}}, {"name": "bash", "arguments": {"command": "ls"}}),
        ({"name": "bash", "arguments": "{not JSON"}, {"name": "bash", "arguments": "{not JSON"}),
        ({"name": "bash"}, {"name": "bash"}),
        ({}, {}),
        ("free text", "free text"),
        (None, None),
    ],
    ids=str,
)
def test_what_is_malformed_is_left_to_the_environment(env, action, got):
    env.step(action)
    assert env.unwrapped.actions == [got]


def test_the_space(env):
    assert CALL in env.action_space
    for other in ("text", {"name": "bash"}, {**CALL, "arguments": {}}, {**CALL, "name": "n" * 65}):
        assert other not in env.action_space
    env.action_space.seed(0)
    for _ in range(20):
        action = env.action_space.sample()
        assert action in env.action_space
        env.step(action)
    assert all(action in env.action_space for action in env.unwrapped.actions)


@pytest.mark.parametrize(
    "vector", [SyncVectorEnv, lambda envs: AsyncVectorEnv(envs, shared_memory=False)], ids=["sync", "async"]
)
def test_vectors_batch_it(vector):
    envs = vector([lambda: ToolCallAction(Recorder())] * 2)
    envs.reset(seed=0)
    envs.action_space.seed(0)
    observations, *_ = envs.step(envs.action_space.sample())
    assert all(observation.startswith("{'arguments'") or "'name'" in observation for observation in observations)
    observations, *_ = envs.step({"name": ("a", "b"), "arguments": ("{}", "[]")})
    assert observations == ("{'name': 'a', 'arguments': '{}'}", "{'name': 'b', 'arguments': '[]'}")
    envs.close()


@pytest.mark.parametrize(
    "wrap", [lambda e: ChatObservation(ToolCallAction(e)), lambda e: ToolCallAction(ChatObservation(e))]
)
def test_with_a_chat(wrap):
    env = wrap(Recorder())
    env.reset(seed=0)
    chat, *_ = env.step(CALL)
    assert [message["role"] for message in chat] == ["user", "assistant", "tool"]
    assert np.shape(env.unwrapped.actions) == (1,)


def test_a_real_task():
    env = ToolCallAction(gym.make("DeepGym/fizzbuzz"))
    env.reset(seed=0)
    _, reward, terminated, _, info = env.step({"name": "no_such_tool", "arguments": "{}"})
    assert (reward.any(), terminated, info["action_valid"]) == (False, False, False)
    submission = json.dumps({"code": env.unwrapped.task.reference})
    assert env.step({"name": "submit", "arguments": submission})[2]
    env.close()
