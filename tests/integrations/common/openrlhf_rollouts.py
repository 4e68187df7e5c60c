"""OpenRLHF's rollout code without a model: what it needs of the modules that would need vLLM, Ray and a GPU."""

from __future__ import annotations

import ast
import asyncio
import importlib.util
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

with warnings.catch_warnings():
    warnings.filterwarnings("ignore", "invalid escape sequence", DeprecationWarning)
    from openrlhf.datasets.prompts_dataset import preprocess_data
    from openrlhf.trainer.ppo_utils.experience import Experience
    from openrlhf.utils.agent import AgentExecutorBase, MultiTurnAgentExecutor, SingleTurnAgentExecutor

from deepgym_env.datasets import rows

__all__ = [
    "Model",
    "MultiTurnAgentExecutor",
    "SingleTurnAgentExecutor",
    "as_experience",
    "load_agent_executor",
    "prompt_of",
    "sample",
]


class Model:
    """A fake of the engine that rollouts ask: it says what it is given, token by token."""

    def __init__(self, tokenizer: Any, *replies: str) -> None:
        self.tokenizer, self.replies = tokenizer, list(replies)
        self.asked: list[str] = []

    async def generate(self, tokens: list[int], sampling_params: Any, multi_modal_data: Any = None) -> Any:
        self.asked.append(self.tokenizer.decode(tokens))
        reply = self.tokenizer(self.replies.pop(0), add_special_tokens=False)["input_ids"]
        said = [*reply, self.tokenizer.eos_token_id][: sampling_params.max_tokens]
        done = said[-1] == self.tokenizer.eos_token_id
        text = self.tokenizer.decode(said[:-1] if done else said)
        output = SimpleNamespace(token_ids=said, text=text, finish_reason="stop" if done else "length", logprobs=None)
        return SimpleNamespace(outputs=[output])


def prompt_of(tokenizer: Any, task: str, *, templated: bool = True) -> tuple[str, str]:
    """Return the prompt and the label of a task as OpenRLHF reads them from a row."""
    (row,) = rows([task], trainer="openrlhf", conversational=templated)
    return preprocess_data(row, None, "prompt", "label", tokenizer.apply_chat_template if templated else None)


def sample(
    executor: Any, tokenizer: Any, *replies: str, task: str = "reverse_string", max_length: int = 2048
) -> dict[str, Any]:
    """Roll out a task with these replies."""
    prompt, label = prompt_of(tokenizer, task)
    params = SimpleNamespace(max_tokens=512, logprobs=None)
    return asyncio.run(executor.execute(prompt, label, params, max_length, tokenizer, Model(tokenizer, *replies)))


def as_experience(response: dict[str, Any]) -> Experience:
    """Turn a response into what OpenRLHF trains on."""
    names = {"torch": torch, "Experience": Experience}
    return _defined("trainer/ppo_utils/samples_generator.py", "_process_response_into_experience", names)(
        None, response, max_len=1 << 20
    )


def load_agent_executor(path: str) -> Any:
    """Load the executor of ``--train.agent_func_path``."""
    return _defined("trainer/ray/vllm_engine.py", "_load_agent_executor", {"AgentExecutorBase": AgentExecutorBase})(
        path
    )


def _defined(module: str, name: str, names: dict[str, Any]) -> Any:
    """Return a function from a module of OpenRLHF that can't be imported here."""
    path = Path(importlib.util.find_spec("openrlhf").origin).parent / module
    tree = ast.parse(path.read_text())
    names = {**names, "Optional": Any}
    found = next(node for node in ast.walk(tree) if getattr(node, "name", "") == name)
    exec(compile(ast.Module([found], []), str(path), "exec"), names)
    return names[name]
