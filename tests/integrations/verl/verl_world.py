"""A verl without a model: its own workers, managers and data sets over a server that says what it is told to."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
import verl
from omegaconf import DictConfig, OmegaConf, open_dict
from tensordict import TensorDict
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast
from verl.experimental.agent_loop.agent_loop import AgentLoopWorker
from verl.experimental.reward_loop.reward_loop import RewardLoopWorker
from verl.protocol import DataProto
from verl.workers.rollout.replica import TokenOutput

from deepgym_env import load_environment

TEMPLATE = (
    "{% if tools %}<|im_start|>system\n{% for tool in tools %}{{ tool | tojson }}\n{% endfor %}<|im_end|>\n{% endif %}"
    "{% for message in messages %}<|im_start|>{{ message.role }}\n{{ message.content }}"
    "{% for call in message.tool_calls or [] %}<tool_call>\n{{ call.function | tojson }}\n</tool_call>{% endfor %}"
    "<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
LONG = 6000  # tokens of a prompt and of a response; a token is a byte


def model_in(folder: Path) -> Path:
    """Write what verl reads of a model that is never run: a tokenizer of bytes and a configuration."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    inner = Tokenizer(models.BPE({byte: number for number, byte in enumerate(alphabet)}, []))
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    inner.decoder = decoders.ByteLevel()
    special = {"eos_token": "<|im_end|>", "pad_token": "<|endoftext|>", "additional_special_tokens": ["<|im_start|>"]}
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, chat_template=TEMPLATE, **special)
    tokenizer.save_pretrained(folder)
    shape = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1, "num_key_value_heads": 1}
    config = {"model_type": "qwen2", "architectures": ["Qwen2ForCausalLM"], "vocab_size": 300, **shape}
    (folder / "config.json").write_text(json.dumps(config))
    return folder


def config_for(model: Path, **rollout: Any) -> DictConfig:
    """Return verl's own configuration of its trainer with this model and these settings of the rollout."""
    config = OmegaConf.load(Path(verl.__file__).parent / "trainer/config/_generated_ppo_trainer.yaml")
    with open_dict(config):
        config.actor_rollout_ref.model.path = str(model)
        config.actor_rollout_ref.rollout.name = "vllm"
        config.actor_rollout_ref.rollout.prompt_length = config.actor_rollout_ref.rollout.response_length = LONG
        config.actor_rollout_ref.rollout = OmegaConf.merge(config.actor_rollout_ref.rollout, rollout)
    return config


class Server:
    """Stands where verl's client of its inference servers does: a model is a function from text to text."""

    def __init__(self, model: Callable[[str], str], tokenizer: Any) -> None:
        self._model, self._tokenizer = model, tokenizer
        self.asked: list[str] = []

    async def generate(self, request_id: str, *, prompt_ids: list[int], sampling_params: Any, **_: Any) -> TokenOutput:
        text = self._tokenizer.decode(prompt_ids)
        self.asked.append(text)
        said = self._tokenizer.encode(self._model(text) + "<|im_end|>")
        return TokenOutput(token_ids=said, log_probs=[-0.5] * len(said), extra_fields={"max_global_steps": 7})


class Handle:
    """Calls a worker of this process as if it were one of Ray's."""

    def __init__(self, worker: RewardLoopWorker) -> None:
        self.compute_score = self
        self._worker = worker

    def remote(self, data: DataProto) -> Any:
        return self._worker.compute_score(data)


def play(config: DictConfig, model: Callable[[str], str], rows: list[dict[str, Any]], *, scored: bool) -> DataProto:
    """Return what verl's worker makes of rows, with verl's reward loop or with the agent loop's own rewards."""

    async def run() -> DataProto:
        worker = AgentLoopWorker(config, None, None, [Handle(RewardLoopWorker(config))] if scored else None)
        worker.llm_client = Server(model, worker.tokenizer)
        columns = {key: np.fromiter((row.get(key) for row in rows), dtype=object, count=len(rows)) for key in rows[0]}
        batch = TensorDict({"dummy": torch.zeros(len(rows), 1)}, batch_size=len(rows))
        return await worker.generate_sequences(DataProto(batch=batch, non_tensor_batch=columns))

    return asyncio.run(run())


def answers(tokenizer: Any, rows: list[tuple[str, str]], **extra: Any) -> DataProto:
    """Return a batch as verl's managers get it: an answer each to the task of a name."""
    prompts = [tokenizer.encode("?")] * len(rows)
    said = [tokenizer.encode(text) for _, text in rows]
    length = max(map(len, said))
    responses = torch.tensor([ids + [tokenizer.pad_token_id] * (length - len(ids)) for ids in said])
    attention = torch.tensor([[1] + [1] * len(ids) + [0] * (length - len(ids)) for ids in said])
    columns = {
        "data_source": ["DeepGym"] * len(rows),
        "reward_model": [{"style": "rule", "ground_truth": task} for task, _ in rows],
        "extra_info": [{"index": number, **extra} for number in range(len(rows))],
    }
    return DataProto(
        batch=TensorDict(
            {"prompts": torch.tensor(prompts), "responses": responses, "attention_mask": attention},
            batch_size=len(rows),
        ),
        non_tensor_batch={key: np.fromiter(values, dtype=object, count=len(rows)) for key, values in columns.items()},
    )


def row(task: str, agent: str, index: int = 0, **extra: Any) -> dict[str, Any]:
    return {
        "raw_prompt": [{"role": "user", "content": load_environment(task).prompt}],
        "agent_name": agent,
        "data_source": "DeepGym",
        "reward_model": {"style": "rule", "ground_truth": task},
        "extra_info": {"index": index, "task": task},
        "index": index,
        **extra,
    }


def with_loop(folder: Path, path: Path, **options: Any) -> Any:
    """Return a configuration in which ``deepgym_agent`` has these options."""
    target = "deepgym_env.integrations.verl_agent_loop.DeepGymAgentLoop"
    path.write_text(json.dumps([{"name": "deepgym_agent", "_target_": target, **options}]))
    return config_for(folder, agent={"agent_loop_config_path": str(path)})
