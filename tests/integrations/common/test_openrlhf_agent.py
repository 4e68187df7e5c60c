"""Episodes of many turns in OpenRLHF's own loop."""

from __future__ import annotations

import asyncio
import json
import runpy
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("openrlhf", reason="run `make test-integrations`")

import torch
from openrlhf_rollouts import Model, MultiTurnAgentExecutor, as_experience, load_agent_executor, prompt_of, sample
from tiny_models import END

from deepgym_env import DeepGym, load_environment
from deepgym_env.envs import CodingEnv
from deepgym_env.errors import ConfigError, SandboxError, UnknownTaskError
from deepgym_env.feedback import feedback
from deepgym_env.integrations import openrlhf_agent
from deepgym_env.integrations.openrlhf_agent import AgentExecutor, AgentInstance, ChatTurns
from deepgym_env.sandbox.local import LocalBackend

SCENARIOS = Path(__file__).parents[3] / "scenarios"
TASK = load_environment("reverse_string")
RIGHT = "```python\ndef reverse_string(s): return s[::-1]\n```"
HALF = "```python\ndef reverse_string(s): return s\n```"


@pytest.fixture(autouse=True)
def closed(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Every environment made is closed in the end."""
    made: list[Any] = []

    class Watched(CodingEnv):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            made.append(self)

        def close(self) -> None:
            super().close()
            self.was_closed = True

    monkeypatch.setattr(openrlhf_agent, "CodingEnv", Watched)
    yield made
    assert [env for env in made if not hasattr(env, "was_closed")] == []


def test_an_episode_is_a_conversation(engine: DeepGym, tokenizer: Any) -> None:
    played = sample(AgentExecutor(engine=engine), tokenizer, HALF, RIGHT)
    prompt, _ = prompt_of(tokenizer, "reverse_string")
    answer = feedback(engine.run(TASK, HALF))
    said = f"{HALF}{END}\n<|im_start|>user\n{answer}{END}\n<|im_start|>assistant\n{RIGHT}{END}"
    assert tokenizer.decode(played["observation_tokens"]) == prompt + said
    actions = [tokenizer.decode(played["observation_tokens"][start:end]) for start, end in played["action_ranges"]]
    assert actions == [HALF + END, RIGHT + END]
    assert (played["reward"], played["scores"]) == (1.0, 1.0)
    assert played["extra_logs"] == {"passed": 1.0, "turns": 2.0}
    experience = as_experience(played)
    assert experience.rewards.tolist() == [1.0]
    assert experience.action_mask.sum() == sum(end - start for start, end in played["action_ranges"])


def test_the_engine_outlives_an_episode(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[DeepGym] = []
    reset = CodingEnv.reset

    def watched(env: CodingEnv) -> Any:
        used.append(env._engine)
        return reset(env)

    monkeypatch.setattr(CodingEnv, "reset", watched)
    executor = AgentExecutor()
    for _ in range(2):
        assert sample(executor, tokenizer, RIGHT)["reward"] == 1.0
    first, second = used
    assert first is second
    assert not first.closed


def test_rewards_add_up_to_the_state_it_ends_in(engine: DeepGym, tokenizer: Any) -> None:
    rewards = []

    class Noted(AgentInstance):
        def __init__(self) -> None:
            super().__init__(engine=engine, max_turns=3)

        async def step(self, state_dict: dict[str, Any], **options: Any) -> dict[str, Any]:
            stepped = await super().step(state_dict, **options)
            rewards.append(stepped["rewards"])
            if stepped["done"]:
                self.close()
            return stepped

    half = engine.run(TASK, HALF).score
    played = sample(MultiTurnAgentExecutor(Noted), tokenizer, RIGHT.replace("-1", "-2"), HALF, "def broken(")
    assert 0 < half < 1
    assert len(rewards) == 3
    assert {(reward.dtype, reward.shape) for reward in rewards} == {(torch.float32, ())}
    assert played["reward"] == pytest.approx(sum(map(float, rewards)))
    assert played["scores"] == 0.0 == pytest.approx(played["reward"])
    assert sample(AgentExecutor(engine=engine, max_turns=1), tokenizer, HALF)["reward"] == pytest.approx(half)


def test_it_is_loaded_from_its_file(tokenizer: Any, tmp_path: Path) -> None:
    executor = load_agent_executor(openrlhf_agent.__file__)
    assert sample(executor, tokenizer, RIGHT)["reward"] == 1.0
    own = tmp_path / "agent.py"
    own.write_text(
        "from deepgym_env.integrations.openrlhf_agent import AgentExecutor as Episodes\n"
        "class AgentExecutor(Episodes):\n    def __init__(self):\n        super().__init__(max_turns=1)\n"
    )
    assert sample(load_agent_executor(str(own)), tokenizer, HALF)["extra_logs"]["turns"] == 1.0


def test_samples_of_a_prompt_are_played_at_once(engine: DeepGym, tokenizer: Any) -> None:
    prompt, label = prompt_of(tokenizer, "reverse_string")
    params, executor = SimpleNamespace(max_tokens=512, logprobs=None), AgentExecutor(engine=engine)

    async def play() -> list[dict[str, Any]]:
        scripts = [(RIGHT,), (HALF, RIGHT), (HALF, HALF, RIGHT)]
        models = [Model(tokenizer, *script) for script in scripts]
        return await asyncio.gather(*(executor.execute(prompt, label, params, 4096, tokenizer, it) for it in models))

    played = asyncio.run(play())
    assert [each["reward"] for each in played] == [1.0] * 3
    assert [each["extra_logs"]["turns"] for each in played] == [1, 2, 3]
    assert params.max_tokens == 512


def test_no_verdict_ends_the_rollout(broken: DeepGym, tokenizer: Any, closed: list[Any]) -> None:
    with pytest.raises(SandboxError, match="no verdict on turn 1 of reverse_string"):
        sample(AgentExecutor(engine=broken, pauses=(0, 0)), tokenizer, RIGHT, RIGHT, RIGHT)
    assert len(closed) == 3


def test_an_episode_without_a_verdict_is_played_again(tokenizer: Any, closed: list[Any]) -> None:
    class Refusing(LocalBackend):
        """The first time its sandbox can't be started."""

        refuse = True

        def start(self) -> Any:
            if self.refuse:
                self.refuse = False
                raise SandboxError("no sandbox today")
            return super().start()

    prompt, label = prompt_of(tokenizer, "reverse_string")
    model, params = Model(tokenizer, "def broken(", RIGHT), SimpleNamespace(max_tokens=512, logprobs=None)
    with DeepGym(workers=1, retries=0, backend=Refusing()) as engine:
        executor = AgentExecutor(engine=engine, pauses=(0, 0, 0))
        played = asyncio.run(executor.execute(prompt, label, params, 2048, tokenizer, model))
    assert played["reward"] == 1.0
    assert len(closed) == 2
    assert model.asked == [prompt, prompt]


def test_a_model_that_fails_leaves_no_episode(engine: DeepGym, tokenizer: Any, closed: list[Any]) -> None:
    with pytest.raises(IndexError):  # it has no more to say
        sample(AgentExecutor(engine=engine), tokenizer, HALF)
    assert len(closed) == 1


def calls(script: Any, env: CodingEnv) -> list[str]:
    """Return what a scripted solution says, as Hermes calls, until it submits."""
    env.reset()
    said, action = [], next(script)
    while action["name"] != "submit":
        said.append(f"<tool_call>\n{json.dumps(action)}\n</tool_call>")
        action = script.send(env.step(action)[0])
    env.close()
    return said


def test_a_workspace(own: DeepGym, tokenizer: Any) -> None:
    solution = calls(
        runpy.run_path(str(SCENARIOS / "debug_fix/solve.py"))["solve"](), CodingEnv("debug_fix", engine=own)
    )
    submit = '<tool_call>\n{"name": "submit", "arguments": {}}\n</tool_call>'
    executor = AgentExecutor(engine=own)
    played = sample(executor, tokenizer, *solution, submit, task="debug_fix", max_length=1 << 16)
    assert (played["reward"], played["scores"]) == (1.0, 1.0)
    assert played["extra_logs"]["turns"] == len(solution) + 1
    told = tokenizer.decode(played["observation_tokens"][: played["action_ranges"][0][0]])
    assert "write_file" in told
    assert told.startswith("<|im_start|>user\n")
    assert told.endswith(f"{END}\n<|im_start|>assistant\n")

    # The context ends before it is submitted.
    length = played["action_ranges"][-1][0] - 1
    cut_off = sample(executor, tokenizer, *solution, submit, task="debug_fix", max_length=length)
    assert len(cut_off["action_ranges"]) == len(solution)
    assert cut_off["reward"] == 1.0
    nothing = sample(executor, tokenizer, *solution[:1], task="debug_fix", max_length=played["action_ranges"][1][0] - 1)
    assert (nothing["reward"], nothing["extra_logs"]["passed"]) == (0.0, 0.0)


def test_rows_that_name_no_task(tokenizer: Any) -> None:
    params = SimpleNamespace(max_tokens=512, logprobs=None)
    for label, error in (("", ConfigError), ("no_such_task", UnknownTaskError)):
        with pytest.raises(error):
            asyncio.run(AgentExecutor().execute("Do it.", label, params, 512, tokenizer, Model(tokenizer)))


def test_a_prompt_without_a_template(engine: DeepGym, tokenizer: Any) -> None:
    prompt, label = prompt_of(tokenizer, "reverse_string", templated=False)
    params = SimpleNamespace(max_tokens=512, logprobs=None)
    model = Model(tokenizer, HALF, RIGHT)
    asyncio.run(AgentExecutor(engine=engine).execute(prompt, label, params, 4096, tokenizer, model))
    assert model.asked[1] == f"{prompt}{HALF}{END}\n\n{feedback(engine.run(TASK, HALF))}\n\n"


def test_a_turn_ends_once(tokenizer: Any) -> None:
    turns = ChatTurns(tokenizer, prompt_of(tokenizer, "reverse_string")[0])
    answer = f"\n<|im_start|>user\nNo.{END}\n<|im_start|>assistant\n"
    assert turns.answer("No.", tokenizer(f"x{END}")["input_ids"]) == answer
    assert turns.answer("No.", tokenizer("x")["input_ids"]) == END + answer
