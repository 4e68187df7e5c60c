"""Agent-R1's environment. Agent-R1 is not on PyPI: the loop that drives it is written from the protocol.

Its calls are those of ``agent_r1/agent_flow/agent_env_loop.py``. Where Agent-R1 is missing, its base class,
``Observation`` and ``Action`` are stood in for.
"""

from __future__ import annotations

import asyncio
import json
import runpy
import sys
import types

import pytest

from deepgym_env import DeepGym
from deepgym_env.errors import ConfigError
from deepgym_env.integrations import agent_r1
from deepgym_env.integrations.agent_r1 import Action, DeepGymEnv, Observation

RIGHT = "```python\ndef reverse_string(s): return s[::-1]\n```"
PART = "```python\ndef reverse_string(s): return s\n```"
ROW = {
    "task": "reverse_string",
    "env_kwargs": json.dumps({"env_type": "deepgym", "system": "Be brief.", "max_turns": 3}),
}


async def play(engine: DeepGym, row, answers):
    """Drive one trajectory; return ``(prompt, reward)`` of each turn, and the last info and observation."""
    options = json.loads(row["env_kwargs"])
    assert options.pop("env_type") == "deepgym"
    env = DeepGymEnv(**options, engine=engine)
    seen = env.reset(**row)
    turns, info = [], {}
    for text in answers:
        prompt = seen
        seen, reward, done, info = await env.step(Action(text=text, token_ids=[1]))
        turns.append((prompt, reward))
        if done:
            break
    return turns, info, seen


def test_each_observation_is_a_whole_prompt(engine: DeepGym) -> None:
    turns, info, last = asyncio.run(play(engine, ROW, [PART, RIGHT, RIGHT]))
    assert [len(prompt.messages) for prompt, _ in turns] == [2, 4]
    assert [message["role"] for message in last.messages] == ["system", "user", *["assistant", "user"] * 2]
    assert last.messages[:4] == turns[1][0].messages
    assert sum(reward for _, reward in turns) == pytest.approx(1.0)
    assert 0 < turns[0][1] < 1
    assert (info["passed"], info["truncated"], info["has_verdict"]) == (True, False, True)
    assert set(info["tests"].values()) == {1.0}
    for observation in (last, Observation(text="x")):
        assert sum(part is not None for part in (observation.text, observation.messages, observation.token_ids)) == 1


def test_turns_used_up_are_a_truncation(engine: DeepGym) -> None:
    turns, info, _ = asyncio.run(play(engine, ROW, [PART] * 4))
    assert len(turns) == 3
    assert info["truncated"]
    assert sum(reward for _, reward in turns) == pytest.approx(info["score"])


def test_trajectories_play_beside_each_other(engine: DeepGym) -> None:
    async def all_of_them():
        return await asyncio.gather(*(play(engine, ROW, [RIGHT if n % 2 else "?"] * 3) for n in range(6)))

    assert [info["score"] for _, info, _ in asyncio.run(all_of_them())] == [0, 1] * 3


def test_an_infrastructure_failure_is_no_reward(nowhere: DeepGym) -> None:
    turns, info, _ = asyncio.run(play(nowhere, ROW, [RIGHT]))
    assert [reward for _, reward in turns] == [None]
    assert (info["has_verdict"], info["score"], info["truncated"]) == (False, None, True)


def test_a_row_must_name_a_task(engine: DeepGym) -> None:
    with pytest.raises(ConfigError, match="names no task"):
        DeepGymEnv(engine=engine).reset(raw_prompt=[])
    with pytest.raises(ConfigError, match="no episode has begun"):
        asyncio.run(DeepGymEnv("reverse_string", engine=engine).step(Action(text=RIGHT)))


def test_it_is_registered_where_agent_r1_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Agent-R1's base module is stood in for."""
    base = types.ModuleType("agent_r1.env.base")
    registered = {}
    base.AgentEnv = type(
        "AgentEnv", (), {"register": staticmethod(lambda name: lambda cls: registered.update({name: cls}))}
    )
    base.Action, base.Observation = type("Action", (), {}), type("Observation", (), {})
    for name, module in (("agent_r1", types.ModuleType("agent_r1")), ("agent_r1.env", types.ModuleType("env"))):
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setitem(sys.modules, base.__name__, base)
    loaded = runpy.run_path(agent_r1.__file__)
    assert issubclass(registered["deepgym"], base.AgentEnv)
    assert (loaded["Action"], loaded["Observation"]) == (base.Action, base.Observation)
