"""OpenRLHF's agent as a file, whose path this prints when run.

``--train.agent_func_path "$(python -m deepgym_env.integrations.openrlhf_agent)"``

- :class:`AgentExecutor`: plays episodes of many turns; OpenRLHF loads it by this name.
- :class:`AgentInstance`: the environment of one episode, as OpenRLHF's own loop steps it.
- :class:`ChatTurns`: what the environment answers, as turns of the tokenizer's chat template.

An episode without a verdict is played again from the start, after a second, five and fifteen; then
SandboxError ends the rollout with its cause. OpenRLHF has no place for a sample that has no reward.
"""

from __future__ import annotations

import asyncio
import copy
import logging
from collections.abc import Sequence
from typing import Any

import torch
from openrlhf.utils.agent import AgentExecutorBase, AgentInstanceBase, MultiTurnAgentExecutor

from deepgym_env.blocking import DeepGym
from deepgym_env.envs.coding import CodingEnv
from deepgym_env.envs.episode import Action
from deepgym_env.envs.shared_engine import HeldEngine
from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.integrations.openrlhf import answer_in
from deepgym_env.integrations.openrlhf_reward import PAUSES
from deepgym_env.task import WorkspaceTask

__all__ = ["AgentExecutor", "AgentInstance", "ChatTurns"]

_logger = logging.getLogger(__name__)
_MARK = "deepgym-said-this"


class AgentExecutor(AgentExecutorBase):  # type: ignore[misc]
    """Plays an episode per sample; the label of a row is the id of its task.

    The reward of an episode is the mean over the tests of the state it ended in, to which those of its
    turns add up. An episode that the context is too short for is judged as it is. For other options, have a
    file of your own::

        from deepgym_env.integrations.openrlhf_agent import AgentExecutor as Episodes

        class AgentExecutor(Episodes):
            def __init__(self):
                super().__init__(max_turns=4)
    """

    def __init__(
        self, *, max_turns: int | None = None, engine: DeepGym | None = None, pauses: Sequence[float] = PAUSES
    ) -> None:
        """Play with these options.

        Args:
            max_turns: Turns of an episode; by default as its task has it.
            engine: The engine that judges; by default this process's.
            pauses: Seconds before each further try of an episode without a verdict.
        """
        self._max_turns, self._engine, self._pauses = max_turns, HeldEngine(engine), tuple(pauses)

    async def execute(
        self,
        prompt: str,
        label: str,
        sampling_params: Any,
        max_length: int,
        hf_tokenizer: Any,
        llm_engine: Any,
        images: Any = None,
    ) -> dict[str, Any]:
        """Play an episode; return what OpenRLHF's own loop returns.

        Raises:
            SandboxError: If there is no verdict.
            UnknownTaskError: If the label is no task's id.
        """
        for pause in (*self._pauses, None):
            instance = AgentInstance(
                max_turns=self._max_turns, engine=self._engine(), turns=ChatTurns(hf_tokenizer, prompt)
            )
            given = copy.deepcopy(sampling_params)  # OpenRLHF's loop changes it, and it is all the samples'
            heard = _Heard(llm_engine, instance)
            try:
                played = await _Loop(instance).execute(prompt, label, given, max_length, hf_tokenizer, heard, images)
                await instance.conclude()
                return {**played, "reward": instance.score, "scores": instance.score, "extra_logs": instance.logs}
            except SandboxError as error:
                if pause is None:
                    raise
                _logger.warning("an episode of %s is played again: %s", label, error)
                await asyncio.sleep(pause)
            finally:
                await asyncio.to_thread(instance.close)
        raise AssertionError  # the last try returns or raises


class AgentInstance(AgentInstanceBase):  # type: ignore[misc]
    """One episode of a :class:`~deepgym_env.envs.CodingEnv`.

    Attributes:
        over: Whether it was solved, submitted, or out of turns.
        score: Mean over the tests of the state judged last, 0..1, to which the rewards add up.
        logs: Numbers for the logs: ``passed`` and ``turns``.
        heard: The tokens of the model's last turn.
    """

    def __init__(
        self, *, max_turns: int | None = None, engine: DeepGym | None = None, turns: ChatTurns | None = None
    ) -> None:
        """Begin no episode yet; without ``turns`` the environment answers in plain text."""
        self._max_turns, self._engine, self._turns = max_turns, engine, turns
        self._env: CodingEnv | None = None
        self.over = False
        self.score = 0.0
        self.logs = {"passed": 0.0, "turns": 0.0}
        self.heard: Sequence[int] = ()

    async def reset(self, states: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Begin the episode of the task that the label names.

        Returns:
            The prompt as ``observation``: as it came, of a workspace with its tools.

        Raises:
            ConfigError: If there is no label.
            UnknownTaskError: If there is no such task.
        """
        if not states.get("label"):
            raise ConfigError("a row has no label: give its task's id in a column and name it by --data.label_key")
        self._env = env = CodingEnv(states["label"], max_turns=self._max_turns, engine=self._engine)
        shown, _info = await asyncio.to_thread(env.reset)
        asked = env.task.prompt.strip()
        return {"observation": states["observation"].replace(asked, shown.strip(), 1)}

    async def step(self, state_dict: dict[str, Any], **_: Any) -> dict[str, Any]:
        """Take the model's turn.

        Returns:
            ``rewards`` (a float32 tensor of shape ``()``), ``scores``, ``environment_feedback``, ``done``,
            ``sampling_params`` and ``extra_logs``.

        Raises:
            SandboxError: If there is no verdict.
        """
        reward, observation = await self._take(answer_in(state_dict["action_text"]))
        answer = "" if self.over else self._answer(observation)
        return {
            "rewards": torch.tensor(reward, dtype=torch.float32),
            "scores": self.score,
            "environment_feedback": answer,
            "done": self.over,
            "sampling_params": state_dict["sampling_params"],
            "extra_logs": dict(self.logs),
        }

    async def conclude(self) -> None:
        """Have the state judged in which an episode is left: a workspace is submitted."""
        if self._env is not None and not self.over and isinstance(self._env.task, WorkspaceTask):
            await self._take({"name": "submit", "arguments": {}})

    def close(self) -> None:
        """End the episode; a second call does nothing."""
        env, self._env = self._env, None
        if env is not None:
            env.close()

    async def _take(self, action: Action) -> tuple[float, str]:
        if self._env is None:
            raise ConfigError("the episode has not begun: call reset() first")
        observation, vector, terminated, truncated, info = await asyncio.to_thread(self._env.step, action)
        self.over = terminated or truncated
        if not info["has_verdict"]:
            raise SandboxError(f"no verdict on turn {info['turn']} of {info['task']}: the sandbox failed")
        self.score = float(info["score"])
        self.logs = {"passed": float(info["passed"]), "turns": float(info["turn"])}
        return float(vector.mean()), observation

    def _answer(self, observation: str) -> str:
        return self._turns.answer(observation, self.heard) if self._turns else f"\n\n{observation}\n\n"


class ChatTurns:
    """Turns of a tokenizer's chat template; plain text where the prompt is none of its."""

    def __init__(self, tokenizer: Any, prompt: str) -> None:
        """Answer as the user of a conversation that began with ``prompt``."""
        self._tokenizer = tokenizer
        begun = self._render([{"role": "user", "content": _MARK}]) if tokenizer.chat_template else ""
        self._templated = bool(begun) and prompt.rstrip().endswith(begun.partition(_MARK)[2].strip())

    def answer(self, text: str, said: Sequence[int]) -> str:
        """Return the text as a user's turn after the model's, and the opening of the model's next.

        Args:
            text: What is answered.
            said: The tokens of the model's turn. Where they end as the template ends a turn, that isn't repeated.
        """
        if not self._templated:
            return f"\n\n{text}\n\n"
        said_and_answered = [
            {"role": "user", "content": "?"},
            {"role": "assistant", "content": _MARK},
            {"role": "user", "content": text},
        ]
        answer = self._render(said_and_answered).partition(_MARK)[2]
        ending = self._tokenizer.decode(list(said), skip_special_tokens=False)
        shared = (
            length for length in range(min(len(answer), len(ending), 64), 0, -1) if ending.endswith(answer[:length])
        )
        return answer[next(shared, 0) :]

    def _render(self, messages: list[dict[str, str]]) -> str:
        return str(self._tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))


class _Loop(MultiTurnAgentExecutor):  # type: ignore[misc]
    """OpenRLHF's own loop over turns, of an episode that is made already."""

    def __init__(self, instance: AgentInstance) -> None:
        super().__init__(type(instance))
        self.agent_instance_cls = lambda: instance


class _Heard:
    """A model that tells an episode the tokens it said, which OpenRLHF's loop keeps to itself."""

    def __init__(self, engine: Any, instance: AgentInstance) -> None:
        self._engine, self._instance = engine, instance

    async def generate(self, *args: Any, **options: Any) -> Any:
        """Generate as the engine does."""
        output = await self._engine.generate(*args, **options)
        self._instance.heard = output.outputs[0].token_ids
        return output


if __name__ == "__main__":
    print(__file__)
