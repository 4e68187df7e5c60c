"""Rewards in verl's own managers and reward loop, and rows in its data set."""

from __future__ import annotations

import asyncio
import json
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("verl.protocol", reason="run `make test-integrations`")
    from verl.experimental.reward_loop.reward_loop import RewardLoopWorker
    from verl.experimental.reward_loop.reward_manager import get_reward_manager_cls
    from verl.trainer.ppo.reward import get_custom_reward_fn
    from verl.utils.dataset.rl_dataset import RLHFDataset, collate_fn
    from verl.workers.reward_manager import get_reward_manager_cls as get_legacy_cls
    from verl_world import answers, config_for, model_in

from omegaconf import OmegaConf, open_dict
from transformers import AutoTokenizer

from deepgym_env import DeepGym, Task, load_environment
from deepgym_env.errors import ConfigError, SandboxError, UnknownTaskError
from deepgym_env.integrations import verl as adapter
from deepgym_env.integrations.verl import acompute_score, compute_score, make_verl_compute_score
from deepgym_env.integrations.verl_rows import KEYS, write_verl_parquet

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

RIGHT = "def reverse_string(s): return s[::-1]"
WRONG = "def reverse_string(s): return s"
ROWS = [
    ("reverse_string", RIGHT),
    ("two_sum", f"Here it is:\n```python\n{load_environment('two_sum').reference}\n```"),
    ("two_sum", "no code at all"),
    ("reverse_string", WRONG),
]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_in(tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def tokenizer(model: Path) -> Any:
    return AutoTokenizer.from_pretrained(model)


@pytest.fixture
def broken() -> Iterator[DeepGym]:
    """An engine whose sandboxes can't be started."""
    with DeepGym("docker", image="there-is-no-such-image", retries=0) as engine:
        yield engine


def reward_config(model: Path, manager: str = "naive", name: str = "compute_score", **kwargs: Any) -> Any:
    config = config_for(model)
    with open_dict(config):
        config.reward.reward_manager.name = manager
        config.reward.custom_reward_function = {
            "path": "pkg://deepgym_env.integrations.verl",
            "name": name,
            "reward_kwargs": kwargs,
        }
    return config


@pytest.mark.parametrize(
    ("manager", "name"),
    [
        ("naive", "compute_score"),
        ("naive", "acompute_score"),
        ("dapo", "acompute_score"),
        ("gdpo", "acompute_score"),
        ("rate_limited", "compute_score"),
    ],
)
def test_the_reward_loop_scores_rows(model: Path, tokenizer: Any, manager: str, name: str) -> None:
    async def score() -> list[dict[str, Any]]:
        worker = RewardLoopWorker(reward_config(model, manager, name, mode="local"))
        return await worker.compute_score_batch(answers(tokenizer, ROWS))

    results = asyncio.run(score())
    scores = [result["reward_score"] for result in results]
    assert scores[:3] == [1.0, 1.0, 0.0]
    assert 0.0 < scores[3] < 1.0
    infos = [result["reward_extra_info"] for result in results]
    assert {tuple(info) for info in infos} == {KEYS}
    assert [info["status"] for info in infos] == ["passed", "passed", "syntax_error", "wrong_answer"]
    assert [info["acc"] for info in infos] == [1.0, 1.0, 0.0, 0.0]
    assert sum(json.loads(infos[3]["tests"]).values()) == infos[3]["tests_passed"] > 0


@pytest.mark.parametrize("manager", ["naive", "dapo"])
def test_older_managers_score_rows(tokenizer: Any, manager: str) -> None:
    score = make_verl_compute_score(["reverse_string", "two_sum"])
    done = get_legacy_cls(manager)(tokenizer, num_examine=0, compute_score=score)(
        answers(tokenizer, ROWS), return_dict=True
    )
    score.close()
    assert done["reward_tensor"].sum(dim=1).tolist()[:3] == [1.0, 1.0, 0.0]
    assert {len(column) for column in done["reward_extra_info"].values()} == {len(ROWS)}


def test_prime_scores_in_processes_of_its_own(tokenizer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    prime = sys.modules["verl.workers.reward_manager.prime"]
    whole = prime.run_reward_scoring
    monkeypatch.setattr(prime, "run_reward_scoring", lambda *args, **kw: whole(*args, **{**kw, "num_processes": 1}))
    score = make_verl_compute_score(returns="score")
    done = get_legacy_cls("prime")(tokenizer, num_examine=0, compute_score=score)(answers(tokenizer, ROWS[:1]))
    assert done.sum().item() == 1.0


def test_it_goes_to_threads_and_processes() -> None:
    score = make_verl_compute_score("reverse_string")
    copy = pickle.loads(pickle.dumps(score))
    with ThreadPoolExecutor(4) as threads:
        said = [RIGHT, WRONG] * 4
        results = list(threads.map(lambda text: copy("x", text, None)["passed"], said))
    assert results == [True, False] * 4
    copy.close()


def test_rows_name_their_task() -> None:
    score = make_verl_compute_score(["reverse_string", "two_sum"])
    assert score("x", RIGHT, "reverse_string")["passed"]
    assert score("x", RIGHT, {"anything": 1}, {"task": "reverse_string"})["passed"]
    assert score("x", RIGHT, "two_sum", {"task": "reverse_string"})["passed"]
    with pytest.raises(ConfigError, match="names no task"):
        score("x", RIGHT, None)
    with pytest.raises(UnknownTaskError, match="made for"):
        score("x", RIGHT, "fizzbuzz")
    score.close()
    with pytest.raises(ConfigError, match="debug_fix is a workspace"):
        compute_score("x", "text", "debug_fix")
    with pytest.raises(ConfigError, match="finite"):
        make_verl_compute_score(no_verdict_score=float("nan"))
    with pytest.raises(ConfigError, match="returns must be one of"):
        make_verl_compute_score(returns="tensor")


def test_a_task_of_ones_own(engine: DeepGym, make_task: Callable[..., Task]) -> None:
    score = make_verl_compute_score(make_task(([2], 4)), engine=engine)
    assert score("x", "def f(n): return 2 * n", "toy", {"tool_rewards": []})["passed"]
    assert not score("x", "def f(n): return n", None)["passed"]


def test_no_verdict_is_no_reward(broken: DeepGym) -> None:
    with pytest.raises(SandboxError, match="no verdict on reverse_string"):
        make_verl_compute_score(engine=broken)("x", RIGHT, "reverse_string")
    with pytest.raises(SandboxError, match="no verdict"):
        asyncio.run(make_verl_compute_score(engine=broken).ascore("x", RIGHT, "reverse_string"))
    chosen = make_verl_compute_score(engine=broken, no_verdict_score=-1)("x", RIGHT, "reverse_string")
    assert tuple(chosen) == KEYS
    assert (chosen["score"], chosen["acc"], chosen["has_verdict"]) == (-1.0, 0.0, False)
    assert chosen["status"] == "infrastructure_error"


@pytest.mark.parametrize("manager", ["naive", "dapo", "gdpo"])
def test_no_verdict_goes_through_the_reward_loop(
    model: Path, tokenizer: Any, manager: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DOCKER_HOST", "unix:///nowhere.sock")

    async def score() -> Any:
        manager_cls = get_reward_manager_cls(manager)
        config = reward_config(model, manager, mode="docker")
        return await manager_cls(config, tokenizer, get_custom_reward_fn(config)).run_single(
            answers(tokenizer, ROWS[:1])
        )

    with pytest.raises(SandboxError, match="no verdict"):
        asyncio.run(score())


def test_verls_data_set_reads_the_rows(tmp_path: Path, tokenizer: Any) -> None:
    path = tmp_path / "rows.parquet"
    assert write_verl_parquet(["two_sum", "debug_fix"], path, agent="tool_agent", system="Be brief.") == 2
    options = {"max_prompt_length": 6000, "cache_dir": str(tmp_path), "filter_overlong_prompts_workers": 1}
    data = RLHFDataset(str(path), tokenizer, OmegaConf.create(options))
    first, second = data[0], data[1]
    assert [message["role"] for message in first["raw_prompt"]] == ["system", "user"]
    assert first["reward_model"]["ground_truth"] == first["extra_info"]["task"] == first["task"] == "two_sum"
    assert first["extra_info"]["tool_selection"] == ["submit", "run_code"]
    assert second["tools_kwargs"]["bash"]["create_kwargs"]["task"] == "debug_fix"
    assert (first["agent_name"], second["ability"], second["index"]) == ("tool_agent", "agent", 1)
    assert collate_fn([first, second])["data_source"].tolist() == ["DeepGym", "DeepGym"]


def test_prompts_of_workspaces_tell_of_their_tools(tmp_path: Path) -> None:
    import datasets

    def prompts(agent: Any) -> list[str]:
        path = tmp_path / f"{agent}.parquet"
        write_verl_parquet(["two_sum", "debug_fix"], path, agent=agent)
        rows = datasets.Dataset.from_parquet(str(path), cache_dir=str(tmp_path / "cache"))
        return [row["prompt"][-1]["content"] for row in rows]

    plain, told = prompts(None), prompts("deepgym_agent")
    assert plain[0] == told[0]
    assert "edit_file" not in plain[1]
    assert "`edit_file(path: string" in told[1]
    with pytest.raises(ConfigError, match=r"\.parquet"):
        write_verl_parquet(["two_sum"], tmp_path / "rows.json")
    with pytest.raises(ConfigError, match="agent must be one of"):
        write_verl_parquet(["two_sum"], tmp_path / "rows.parquet", agent="none")


def test_the_asynchronous_one_takes_the_same_options() -> None:
    assert asyncio.run(acompute_score("x", RIGHT, "reverse_string", returns="score")) == 1.0


def test_a_mode_has_one_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []

    class Counted(DeepGym):
        def __init__(self, mode: str) -> None:
            made.append(mode)

    monkeypatch.setattr(adapter, "DeepGym", Counted)
    monkeypatch.setattr(adapter, "_scorers", {})
    assert adapter._scorer("docker") is adapter._scorer("docker")
    assert made == ["docker"]
