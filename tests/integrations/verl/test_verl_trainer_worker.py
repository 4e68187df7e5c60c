"""The worker of verl's trainer: what becomes of a trajectory without a verdict."""

from __future__ import annotations

import asyncio
import warnings
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("verl.protocol", reason="run `make test-integrations`")
    from verl.trainer.ppo.v1 import agent_loop_tq
    from verl.utils import tensordict_utils
    from verl_world import Server, model_in, row, with_loop

    from deepgym_env.integrations import verl_agent_loop

from omegaconf import open_dict

from deepgym_env import DeepGym

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

RIGHT = "def reverse_string(s): return s[::-1]"


class Queue:
    """Keeps what the worker puts in verl's queue, which has processes of Ray's behind it."""

    def __init__(self) -> None:
        self.tags: dict[str, dict[str, Any]] = defaultdict(dict)
        self.fields: dict[str, Any] = {}

    def init(self) -> None:
        """Do nothing."""

    async def async_kv_put(self, key: str, partition_id: str, tag: dict[str, Any]) -> None:
        self.tags[key].update(tag)

    async def async_kv_batch_put(self, keys: list[str], fields: Any, tags: list[Any], partition_id: str) -> None:
        for number, key in enumerate(keys):
            self.tags[key].update(tags[number])
            self.fields[key] = fields[number]


@pytest.fixture
def queue(monkeypatch: pytest.MonkeyPatch) -> Queue:
    made = Queue()
    monkeypatch.setattr(agent_loop_tq, "tq", made)
    return made


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives the environments to come an engine each."""

    def give(*given: DeepGym) -> None:
        left = iter(given)
        monkeypatch.setattr(verl_agent_loop, "_engine", lambda: next(left))

    return give


def play(config: Any, uid: str) -> None:
    """Let verl's worker play a group."""

    async def run() -> None:
        worker = agent_loop_tq.AgentLoopWorkerTQ.__ray_metadata__.modified_class(config, None)
        worker.llm_client = Server(lambda prompt: RIGHT, worker.tokenizer)
        columns = {key: [value] for key, value in row("reverse_string", "deepgym_agent", uid=uid).items()}
        await worker.generate_sequences(tensordict_utils.get_tensordict(columns, {"global_steps": 1}))
        await asyncio.gather(*worker.background_tasks)

    asyncio.run(run())


def test_a_trajectory_without_a_verdict_is_left_out(
    tmp_path: Path, engine: DeepGym, queue: Queue, engines: Callable[..., None]
) -> None:
    config = with_loop(model_in(tmp_path), tmp_path / "loops.yaml")
    with open_dict(config):
        config.actor_rollout_ref.rollout.n = 2
    engines(engine, engine)
    play(config, "well")
    assert queue.tags["well"]["status"] == "finished"
    assert sorted(queue.fields) == ["well_0_0", "well_1_0"]
    assert queue.fields["well_0_0"]["rm_scores"].sum().item() == 1.0
    with DeepGym("docker", image="there-is-no-such-image", retries=0) as broken:
        engines(engine, broken)
        play(config, "half")
    assert queue.tags["half"]["status"] == "failure"
    assert sorted(queue.fields) == ["half_0_0", "well_0_0", "well_1_0"]
    assert queue.fields["half_0_0"]["rm_scores"].sum().item() == 1.0
