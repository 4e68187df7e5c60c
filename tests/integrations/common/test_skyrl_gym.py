"""SkyRL-gym's environment, made by skyrl_gym.make as SkyRL's generator does."""

from __future__ import annotations

import pytest

from deepgym_env import DeepGym
from deepgym_env.errors import ConfigError, SandboxError, UnknownTaskError

pytest.importorskip("skyrl_gym", reason="run `make test-integrations`")
import skyrl_gym
from skyrl_gym.envs.base_text_env import BaseTextEnv

from deepgym_env.integrations.skyrl_gym import DeepGymEnv, register

RIGHT = "```python\ndef reverse_string(s): return s[::-1]\n```"
PART = "```python\ndef reverse_string(s): return s\n```"
PROMPT = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Reverse a string."}]


@pytest.fixture(autouse=True)
def registered():
    register()
    register()
    yield
    skyrl_gym.envs.deregister("deepgym")


def make(engine: DeepGym, env_config=None, **extras):
    return skyrl_gym.make("deepgym", env_config=env_config or {}, extras=extras, engine=engine)


def test_an_episode(engine: DeepGym) -> None:
    env = make(engine, task="reverse_string", max_turns=4)
    assert isinstance(env, BaseTextEnv)
    messages, told = env.init(PROMPT)
    assert [message["role"] for message in messages] == ["system", "user"]
    assert "reverse_string" in messages[1]["content"]
    assert (told["score"], told["passed"]) == (0.0, False)
    first = env.step(PART)
    (answer,) = first["observations"]
    assert (answer["role"], first["done"]) == ("user", False)
    assert 0 < first["reward"] < 1
    last = env.step(RIGHT)
    assert (last["observations"], last["done"]) == ([], True)
    assert first["reward"] + last["reward"] == pytest.approx(1.0)
    assert set(last["metadata"]["tests"].values()) == {1.0}
    metrics = env.get_metrics()
    assert metrics == {"score": 1.0, "passed": 1.0, "turns": 2.0}
    env.close()
    env.close()
    assert BaseTextEnv.aggregate_metrics([metrics, {**metrics, "score": 0.0}])["score"] == 0.5


def test_a_workspace_is_judged_with_the_generators_last_turn(engine: DeepGym) -> None:
    env = make(engine, reward_spec={"ground_truth": "", "task": "debug_fix"}, max_turns=2)
    messages, _ = env.init(PROMPT)
    assert "## Tools" in messages[-1]["content"]
    first, last = env.step("<bash>ls</bash>"), env.step("<bash>ls</bash>")
    assert (first["done"], first["reward"], last["done"]) == (False, 0.0, True)
    assert last["metadata"]["status"] != "not_run"
    assert last["reward"] == pytest.approx(last["metadata"]["score"])
    env.close()


def test_an_infrastructure_failure_is_no_reward(nowhere: DeepGym) -> None:
    env = make(nowhere, task="reverse_string")
    env.init(PROMPT)
    with pytest.raises(SandboxError, match="no verdict on reverse_string"):
        env.step(RIGHT)


def test_rows_name_tasks_there_are(engine: DeepGym) -> None:
    with pytest.raises(ConfigError, match="names no task"):
        make(engine)
    with pytest.raises(UnknownTaskError):
        make(engine, task="reverse_strin")
    env = make(engine, {"task": "reverse_string"}, seed=3)
    assert isinstance(env, DeepGymEnv)
    assert "reverse_string" in env.init([])[0][0]["content"]
    env.close()
