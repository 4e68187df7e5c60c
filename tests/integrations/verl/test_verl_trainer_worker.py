"""The worker of verl's trainer, its queue of trajectories, and what becomes of one without a verdict."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("verl.protocol", reason="run `make test-integrations`")
    import ray
    import transfer_queue
    from verl.trainer.ppo.v1 import AgentLoopWorkerTQ
    from verl.utils import tensordict_utils
    from verl_world import Server, model_in, row, with_loop

    from deepgym_env.integrations import verl_agent_loop

from omegaconf import OmegaConf, open_dict

from deepgym_env import DeepGym
from deepgym_env.envs import CodingEnv

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.xdist_group("ray")]

RIGHT = "def reverse_string(s): return s[::-1]"


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ray.init(num_cpus=4, include_dashboard=False, logging_level="ERROR", log_to_driver=False)
        storage = {"total_storage_size": 100, "num_data_storage_units": 1}
        transfer_queue.init(OmegaConf.create({"backend": {"SimpleStorage": storage}}))
    yield
    transfer_queue.close()
    ray.shutdown()


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Gives the environments to come an engine each."""

    def give(*given: DeepGym) -> None:
        left = iter(given)
        monkeypatch.setattr(
            verl_agent_loop, "CodingEnv", lambda task, **options: CodingEnv(task, engine=next(left), **options)
        )

    return give


def play(config: Any, uid: str) -> tuple[str, dict[str, Any]]:
    """Let verl's worker play a group; return the group's status, and the tags of the trajectories there are."""

    async def run() -> None:
        worker = AgentLoopWorkerTQ.__ray_metadata__.modified_class(config, None)
        worker.llm_client = Server(lambda prompt: RIGHT, worker.tokenizer)
        columns = {key: [value] for key, value in row("reverse_string", "deepgym_agent", uid=uid).items()}
        batch = tensordict_utils.get_tensordict(columns, {"global_steps": 1})
        await worker.generate_sequences(batch)
        await asyncio.gather(*worker.background_tasks)

    asyncio.run(run())
    known = transfer_queue.kv_list()["train"]
    return known[uid]["status"], {key: tag for key, tag in known.items() if key.startswith(f"{uid}_")}


@pytest.mark.usefixtures("queue")
def test_a_trajectory_without_a_verdict_is_left_out(
    tmp_path: Path, engine: DeepGym, engines: Callable[..., None]
) -> None:
    config = with_loop(model_in(tmp_path), tmp_path / "loops.yaml")
    with open_dict(config):
        config.actor_rollout_ref.rollout.n = 2
    with DeepGym("docker", image="there-is-no-such-image", retries=0) as broken:
        engines(engine, engine)
        status, trajectories = play(config, "well")
        assert (status, sorted(trajectories)) == ("finished", ["well_0_0", "well_1_0"])
        engines(engine, broken)
        status, trajectories = play(config, "half")
        assert (status, sorted(trajectories)) == ("failure", ["half_0_0"])
        kept = transfer_queue.kv_batch_get(keys=["half_0_0"], partition_id="train", select_fields=["rm_scores"])
        assert kept["rm_scores"].sum().item() == 1.0
