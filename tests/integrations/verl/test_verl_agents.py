"""Episodes in verl's own agent loops: its tool agent, and the loop that owns its episode."""

from __future__ import annotations

import asyncio
import gc
import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("verl.protocol", reason="run `make test-integrations`")
    import verl_world
    from verl.tools.tool_registry import initialize_tools_from_config
    from verl.trainer.ppo.core_algos import agg_loss, compute_grpo_outcome_advantage
    from verl_world import config_for, model_in, play, row, with_loop

    from deepgym_env import integrations
    from deepgym_env.integrations import verl as adapter
    from deepgym_env.integrations import verl_agent_loop, verl_tool

import numpy as np
import torch
from omegaconf import open_dict
from transformers import AutoTokenizer

from deepgym_env import AsyncDeepGym, DeepGym, load_environment
from deepgym_env.envs import CodingEnv, shared_engine
from deepgym_env.envs.shared_engine import HeldEngine
from deepgym_env.errors import ConfigError, SandboxError, UnknownTaskError
from deepgym_env.feedback import feedback

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

RIGHT = "def reverse_string(s): return s[::-1]"
WRONG = "def reverse_string(s): return s"
Model = Callable[[str], str]
LAST_WINDOW = {"path": "stats.py", "old": "len(values) - window)", "new": "len(values) - window + 1)"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_in(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def tokenizer(folder: Path) -> Any:
    return AutoTokenizer.from_pretrained(folder)


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The tasks of the environments closed so far."""
    seen: list[str] = []
    close = CodingEnv.close

    def watched(env: CodingEnv) -> None:
        close(env)
        seen.append(env.task.id)

    monkeypatch.setattr(CodingEnv, "close", watched)
    return seen


@pytest.fixture
def no_sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Environments made now find no daemon to start sandboxes."""
    for scorer in adapter._scorers.values():
        scorer.close()
    for module in (verl_tool, verl_agent_loop):
        module._engine.release()
    gc.collect()
    assert shared_engine._shares == 0, "something still shares an engine that works"
    monkeypatch.setenv("DEEPGYM_MODE", "docker")
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")
    yield
    for module in (verl_tool, verl_agent_loop):
        module._engine.release()
    gc.collect()


def in_turn(*said: str) -> Model:
    """A model that says one thing after another; each conversation begins anew."""

    def model(prompt: str) -> str:
        return said[prompt.count("<|im_start|>assistant") - 1]

    return model


def call(name: str, **arguments: Any) -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


def learnt(tokenizer: Any, done: Any, number: int = 0) -> str:
    """What is learnt from of a trajectory."""
    return tokenizer.decode(done.batch["responses"][number][done.batch["response_mask"][number] == 1])


# ── the loop that owns its episode ────────────────────────────────────────────────────────


def test_an_episode_of_many_turns(
    folder: Path, tokenizer: Any, tmp_path: Path, closed: list[str], engine: DeepGym
) -> None:
    config = with_loop(folder, tmp_path / "loops.yaml", max_turns=4)
    model = in_turn(call("run_code", code="print(6 * 7)"), WRONG, RIGHT)
    done = play(config, model, [row("reverse_string", "deepgym_agent")], scored=False)
    assert done.batch["rm_scores"].sum().item() == 1.0
    assert learnt(tokenizer, done) == "<|im_end|>".join([call("run_code", code="print(6 * 7)"), WRONG, RIGHT, ""])
    whole = tokenizer.decode(done.batch["responses"][0])
    assert "<|im_start|>user\n42<|im_end|>" in whole
    assert feedback(engine.run(load_environment("reverse_string"), WRONG)) in whole
    extra = {key: value[0] for key, value in done.non_tensor_batch.items()}
    assert sum(extra["turn_scores"]) == pytest.approx(1.0)
    assert (extra["passed"], extra["has_verdict"], extra["status"]) == (True, True, "passed")
    assert (extra["max_global_steps"], extra["__num_turns__"]) == (7, 6)
    assert closed == ["reverse_string"]


def test_rewards_of_a_batch_are_those_of_the_last_states(
    folder: Path, tmp_path: Path, engine: DeepGym, monkeypatch: pytest.MonkeyPatch
) -> None:
    # verl imports the loop when it plays the first row; the file's options must hold for the second too.
    monkeypatch.delitem(sys.modules, "deepgym_env.integrations.verl_agent_loop", raising=False)
    monkeypatch.delattr(integrations, "verl_agent_loop", raising=False)
    config = with_loop(folder, tmp_path / "loops.yaml", max_turns=2)
    rows = [row("reverse_string", "deepgym_agent"), row("two_sum", "deepgym_agent", 1)]
    done = play(config, in_turn(RIGHT.replace("-1", "1"), WRONG), rows, scored=False)
    expected = [engine.run(load_environment("reverse_string"), WRONG).score, 0.0]
    assert done.batch["rm_scores"].sum(dim=1).tolist() == pytest.approx(expected)
    assert done.non_tensor_batch["task"].tolist() == ["reverse_string", "two_sum"]
    sys.modules["deepgym_env.integrations.verl_agent_loop"]._engine.release()


def test_the_engine_outlives_a_trajectory(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[DeepGym] = []
    reset = CodingEnv.reset

    def watched(env: CodingEnv, **options: Any) -> Any:
        used.append(env._engine)
        return reset(env, **options)

    monkeypatch.setattr(CodingEnv, "reset", watched)
    loop = with_loop(folder, tmp_path / "loops.yaml")
    tools = with_tools(folder, tmp_path / "tools.yaml", "reverse_string", "submit")
    for config, said, agent in (
        (loop, RIGHT, {"agent": "deepgym_agent"}),
        (tools, call("submit", code=RIGHT), {"agent": "tool_agent", "tools_kwargs": {}}),
    ):
        used.clear()
        for _ in range(2):
            play(
                config, in_turn(said, "Done."), [row("reverse_string", **agent)], scored=agent["agent"] == "tool_agent"
            )
        first, second = used
        assert first is second
        assert not first.closed


def test_a_workspace_is_judged_where_it_stands(folder: Path, tmp_path: Path, closed: list[str]) -> None:
    fix = call("edit_file", **LAST_WINDOW)
    rows = [row("debug_fix", "deepgym_agent")]
    submitted = play(with_loop(folder, tmp_path / "a"), in_turn(fix, call("submit")), rows, scored=False)
    cut = play(with_loop(folder, tmp_path / "b", max_turns=1), in_turn(fix), rows, scored=False)
    env = CodingEnv("debug_fix")
    env.reset()
    env.step(fix)
    info = env.step({"name": "submit", "arguments": {}})[-1]
    env.close()
    assert 0.0 < info["score"] < 1.0
    assert submitted.batch["rm_scores"].sum().item() == pytest.approx(info["score"])
    assert cut.batch["rm_scores"].sum().item() == pytest.approx(info["score"])
    assert closed == ["debug_fix"] * 3


def test_out_of_tokens_is_the_end(folder: Path, tokenizer: Any, tmp_path: Path, closed: list[str]) -> None:
    config = with_loop(folder, tmp_path / "loops.yaml")
    with open_dict(config):
        config.actor_rollout_ref.rollout.response_length = 200
    workspace = play(
        config, in_turn(call("edit_file", **LAST_WINDOW), "x" * 500), [row("debug_fix", "deepgym_agent")], scored=False
    )
    assert workspace.batch["responses"].shape == (1, 200)
    assert workspace.batch["rm_scores"].sum().item() > 0.0
    # What is cut off is no part of the answer, though with it the answer would be right.
    answer = f"# {'x' * 180}\n{RIGHT}"
    function = play(config, in_turn(answer), [row("reverse_string", "deepgym_agent")], scored=False)
    assert function.batch["rm_scores"].sum().item() == 0.0
    # Feedback leaves no room for another answer.
    wrong = play(config, in_turn(WRONG, RIGHT), [row("reverse_string", "deepgym_agent")], scored=False)
    assert learnt(tokenizer, wrong) == WRONG + "<|im_end|>"
    assert 0.0 < wrong.batch["rm_scores"].sum().item() < 1.0
    assert closed == ["debug_fix", "reverse_string", "reverse_string"]


def test_the_sandbox_is_closed_when_the_model_fails(folder: Path, tmp_path: Path, closed: list[str]) -> None:
    def fail(prompt: str) -> str:
        raise RuntimeError("the server is down")

    with pytest.raises(RuntimeError, match="the server is down"):
        play(with_loop(folder, tmp_path / "a"), fail, [row("reverse_string", "deepgym_agent")], scored=False)
    assert closed == ["reverse_string"]


def test_the_sandbox_is_closed_when_the_trajectory_is_given_up(
    folder: Path, tmp_path: Path, closed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def give_up(*args: Any, **kwargs: Any) -> Any:
        raise asyncio.CancelledError

    monkeypatch.setattr(verl_world.Server, "generate", give_up)
    with pytest.raises(asyncio.CancelledError):
        play(with_loop(folder, tmp_path / "a"), in_turn(RIGHT), [row("debug_fix", "deepgym_agent")], scored=False)
    assert closed == ["debug_fix"]


def test_rows_name_a_task(folder: Path, tmp_path: Path) -> None:
    config = with_loop(folder, tmp_path / "a")
    nameless = {**row("reverse_string", "deepgym_agent"), "extra_info": {}, "reward_model": {}}
    with pytest.raises(ConfigError, match="names no task"):
        play(config, in_turn(RIGHT), [nameless], scored=False)
    with pytest.raises(UnknownTaskError):
        play(
            config,
            in_turn(RIGHT),
            [{**nameless, "extra_info": {"task": "reverse_strin"}}],
            scored=False,
        )


@pytest.mark.usefixtures("no_sandbox")
def test_no_verdict_is_masked_or_raised(folder: Path, tmp_path: Path, closed: list[str]) -> None:
    rows = [row("reverse_string", "deepgym_agent"), row("debug_fix", "deepgym_agent", 1)]
    done = play(
        with_loop(folder, tmp_path / "a"), in_turn(call("submit", code=RIGHT), call("submit")), rows, scored=False
    )
    assert done.batch["response_mask"].sum().item() == 0
    assert done.batch["attention_mask"][:, -6000:].sum().item() > 0
    assert done.non_tensor_batch["has_verdict"].tolist() == [False, False]
    assert done.non_tensor_batch["status"].tolist() == ["infrastructure_error"] * 2
    advantages, _ = compute_grpo_outcome_advantage(
        torch.stack([done.batch["rm_scores"][0], torch.eye(1, 6000)[0]]),
        torch.stack([done.batch["response_mask"][0], torch.ones(6000)]),
        np.array(["a", "a"]),
    )
    assert advantages[0].abs().sum().item() == 0.0
    with pytest.raises(SandboxError, match="no verdict on reverse_string"):
        play(with_loop(folder, tmp_path / "b", no_verdict="raise"), in_turn(RIGHT), rows[:1], scored=False)
    assert sorted(closed) == ["debug_fix", "reverse_string", "reverse_string"]


def test_a_masked_trajectory_moves_no_weight() -> None:
    weight = torch.ones(2, 3, requires_grad=True)
    mask = torch.tensor([[0, 0, 0], [1, 1, 0]])
    for mode in ("token-mean", "seq-mean-token-sum", "seq-mean-token-mean"):
        agg_loss(weight * 2.0, mask, mode).backward()
        assert weight.grad is not None
        assert weight.grad[0].abs().sum().item() == 0.0
        assert weight.grad[1].abs().sum().item() > 0.0


# ── tools of verl's own agent ─────────────────────────────────────────────────────────────


@pytest.fixture
def tools_engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[DeepGym]:
    """An engine of the tools' own."""
    with DeepGym(workers=1) as engine:
        monkeypatch.setattr(verl_tool, "_engine", HeldEngine(engine))
        yield engine


async def sessions_of(engine: AsyncDeepGym) -> int:
    return len(engine._executor.fleet._host._sessions)


def with_tools(folder: Path, path: Path, task: str, *names: str, **options: Any) -> Any:
    """Return a configuration with these tools and this adapter's reward function."""
    entries = [
        {
            "class_name": "deepgym_env.integrations.verl_tool.DeepGymTool",
            "config": {"type": "native", "tool": name, "task": task, **options},
        }
        for name in names
    ]
    path.write_text(json.dumps({"tools": entries}))
    config = config_for(folder, multi_turn={"tool_config_path": str(path), "max_tool_response_length": 2000})
    with open_dict(config):
        config.reward.custom_reward_function = {"path": "pkg://deepgym_env.integrations.verl", "name": "compute_score"}
    return config


def test_tools_work_on_one_episode(folder: Path, tokenizer: Any, tmp_path: Path, tools_engine: DeepGym) -> None:
    config = with_tools(folder, tmp_path / "tools.yaml", "debug_fix", "bash", "edit_file")
    model = in_turn(
        call("bash", command="cd tests && export WHERE=here"),
        call("bash", command="echo $WHERE; pwd"),
        call("edit_file", **LAST_WINDOW),
        "That should do.",
    )
    bound = {name: {"create_kwargs": {"task": "debug_fix"}} for name in ("bash", "edit_file")}
    rows = [row("debug_fix", "tool_agent", index, tools_kwargs=bound) for index in range(2)]
    done = play(config, model, rows, scored=True)
    whole = tokenizer.decode(done.batch["responses"][0])
    assert "here\n/workspace/tests" in whole
    deadline = time.monotonic() + 30
    while tools_engine.call(sessions_of):  # verl does not say that they are over: they end with what it holds of them
        gc.collect()
        assert time.monotonic() < deadline
        time.sleep(0.01)
    scores = done.batch["rm_scores"].sum(dim=1).tolist()
    assert scores[0] == scores[1] == pytest.approx(sum(done.non_tensor_batch["tool_rewards"][0]))
    assert 0.0 < scores[0] < 1.0
    assert done.non_tensor_batch["status"].tolist() == ["wrong_answer"] * 2


def test_the_state_judged_last_is_the_reward(folder: Path, tmp_path: Path) -> None:
    config = with_tools(folder, tmp_path / "tools.yaml", "reverse_string", "submit", "run_code")
    model = in_turn(call("submit", code=WRONG), call("submit", code=RIGHT), call("submit", code=WRONG), "Done.")
    rows = [row("reverse_string", "tool_agent", tools_kwargs={})]
    done = play(config, model, rows, scored=True)
    assert done.batch["rm_scores"].sum().item() == 1.0
    assert done.non_tensor_batch["tool_rewards"][0][-1] == 0.0  # the episode was over
    assert done.non_tensor_batch["passed"].tolist() == [True]
    nothing = play(config, in_turn("I can't."), [row("debug_fix", "tool_agent", tools_kwargs={})], scored=True)
    assert nothing.non_tensor_batch["status"].tolist() == ["not_run"]
    text = play(config, in_turn(RIGHT), rows, scored=True)
    assert text.non_tensor_batch["status"].tolist() == ["passed"]


def test_calls_of_one_message_take_turns(folder: Path, tokenizer: Any, tmp_path: Path) -> None:
    config = with_tools(folder, tmp_path / "tools.yaml", "debug_fix", "bash", dense=False)
    with open_dict(config):
        config.actor_rollout_ref.rollout.multi_turn.max_parallel_calls = 3
    calls = [call("bash", command="echo one > it"), call("bash", command="cat it"), call("bash", command="ls")]
    model = in_turn("\n".join(calls), "Done.")
    done = play(config, model, [row("debug_fix", "tool_agent", tools_kwargs={})], scored=True)
    whole = tokenizer.decode(done.batch["responses"][0])
    assert "tool\none<|im_end|>" in whole
    assert "it\nstats.py\ntests" in whole
    assert done.non_tensor_batch["status"].tolist() == ["not_run"]  # neither submitted nor judged after each call


def test_an_answer_after_scratch_work_is_judged(folder: Path, tmp_path: Path) -> None:
    config = with_tools(folder, tmp_path / "tools.yaml", "reverse_string", "run_code")
    model = in_turn(call("run_code", code="print('abc'[::-1])"), f"```python\n{RIGHT}\n```")
    done = play(config, model, [row("reverse_string", "tool_agent", tools_kwargs={})], scored=True)
    assert done.non_tensor_batch["passed"].tolist() == [True]


def test_a_call_that_fails_is_no_reward(folder: Path, tmp_path: Path, tools_engine: DeepGym) -> None:
    config = with_tools(folder, tmp_path / "tools.yaml", "reverse_string", "submit")
    rows = [row("reverse_string", "tool_agent", tools_kwargs={})]

    def close(prompt: str) -> str:
        said = in_turn(call("submit", code=WRONG), call("submit", code=RIGHT), "Done.")(prompt)
        if RIGHT in said:
            tools_engine.close()
        return said

    with pytest.raises(SandboxError, match="no verdict on reverse_string"):
        play(config, close, rows, scored=True)


def test_an_episode_that_could_not_begin_is_no_reward(folder: Path, tmp_path: Path) -> None:
    config = with_tools(folder, tmp_path / "tools.yaml", "debug_fix", "bash")
    model = in_turn(call("bash", command="ls"), "Done.")
    bound = {"bash": {"create_kwargs": {"task": "no_such_task"}}}
    with pytest.raises(SandboxError, match="no verdict on no_such_task"):
        play(config, model, [row("debug_fix", "tool_agent", tools_kwargs=bound)], scored=True)


@pytest.mark.usefixtures("no_sandbox")
def test_no_verdict_in_a_tool_is_no_reward(folder: Path, tmp_path: Path) -> None:
    config = with_tools(folder, tmp_path / "tools.yaml", "reverse_string", "submit")
    rows = [row("reverse_string", "tool_agent", tools_kwargs={})]
    with pytest.raises(SandboxError, match="no verdict on reverse_string"):
        play(config, in_turn(call("submit", code=RIGHT), "Done."), rows, scored=True)


def test_tools_are_described(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "tools.yaml"
    with_tools(folder, path, "debug_fix", "bash", "list_files", "submit")
    schemas = [tool.tool_schema.model_dump(exclude_none=True) for tool in initialize_tools_from_config(str(path))]
    assert [schema["function"]["name"] for schema in schemas] == ["bash", "list_files", "submit"]
    assert schemas[0]["function"]["parameters"]["required"] == ["command"]
    with pytest.raises(ConfigError, match="has no tool 'bash': it has submit, run_code"):
        verl_tool.DeepGymTool({"tool": "bash", "task": "two_sum"})
    with pytest.raises(ConfigError, match="must have `tool`"):
        verl_tool.DeepGymTool({"tool": "bash"})


def test_options_are_checked(folder: Path, tmp_path: Path) -> None:
    config = with_loop(folder, tmp_path / "a", no_verdict="ignore")
    with pytest.raises(Exception, match="no_verdict must be one of auto, raise, mask, got 'ignore'"):
        play(config, in_turn(RIGHT), [row("reverse_string", "deepgym_agent")], scored=False)
