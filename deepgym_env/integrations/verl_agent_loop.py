"""An agent loop for verl that owns its episode: many turns, one sandbox, and the reward of the state it ends in.

- :class:`DeepGymAgentLoop`. verl finds it by ``rollout.agent.agent_loop_config_path``, a YAML file of
  ``- {name: deepgym_agent, _target_: deepgym_env.integrations.verl_agent_loop.DeepGymAgentLoop}`` whose
  further keys are the class's last arguments. It is not registered on import besides, since verl imports it
  after it has read that file, and would forget these keys.

An infrastructure failure raises :class:`~deepgym_env.errors.SandboxError` where verl's trainer runs the
loop: it counts the trajectory as failed and goes on with the others of the group. The legacy trainer can't
leave a trajectory out, so there all of it is masked: no token of it is learnt from, but a group's mean
counts it with a reward of 0. ``no_verdict`` chooses one of the two for good.

Source: verl 0.9.1, ``experimental/agent_loop/agent_loop.py`` and ``trainer/ppo/v1/agent_loop_tq.py``.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Literal, get_args
from uuid import uuid4

import numpy as np
from verl.experimental.agent_loop.agent_loop import AgentLoopBase, AgentLoopOutput
from verl.utils.profiler import simple_timer

from deepgym_env.catalog import load_task
from deepgym_env.envs.coding import CodingEnv
from deepgym_env.envs.shared_engine import HeldEngine
from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.integrations.verl_rows import row_of_info, task_in
from deepgym_env.rollout import Reply, Rollout, arollout
from deepgym_env.task import WorkspaceTask

__all__ = ["DeepGymAgentLoop", "NoVerdict"]

NoVerdict = Literal["auto", "raise", "mask"]
_engine = HeldEngine()  # verl makes a loop for each trajectory
_ACROSS_TURNS = "max_global_steps"  # of what the server says with each answer, what its last turn has right


class DeepGymAgentLoop(AgentLoopBase):  # type: ignore[misc] # verl has no types
    """Plays an episode of the task its row names, and closes the sandbox whatever happens.

    What the model wrote is the action, token by token as it was generated; the observation comes back
    as a user message, masked. The episode ends when it is solved, submitted, out of turns, or when
    ``rollout.response_length`` is used up; a workspace is then judged as it is.
    """

    def __init__(
        self,
        *args: Any,
        max_turns: int | None = None,
        dense: bool = False,
        no_verdict: NoVerdict = "auto",
        **kwargs: Any,
    ) -> None:
        """Make the loop of a trajectory.

        Args:
            args: verl's.
            max_turns: As for :class:`~deepgym_env.envs.CodingEnv`.
            dense: As for :class:`~deepgym_env.envs.CodingEnv`; only workspaces heed it.
            no_verdict: What an infrastructure failure becomes: ``raise``, ``mask``, or ``auto``, which is
                ``raise`` under verl's trainer and ``mask`` under its legacy trainer.
            kwargs: verl's.

        Raises:
            ConfigError: If ``no_verdict`` is none of these.
        """
        super().__init__(*args, **kwargs)
        if no_verdict not in get_args(NoVerdict):
            raise ConfigError(f"no_verdict must be one of {', '.join(get_args(NoVerdict))}, got {no_verdict!r}")
        self._max_turns, self._dense, self._no_verdict = max_turns, dense, no_verdict

    async def run(self, sampling_params: dict[str, Any], priority: int = 0, **row: Any) -> AgentLoopOutput:
        """Play an episode.

        Args:
            sampling_params: verl's, for the server.
            priority: The trajectory's number in the batch.
            row: The data set's row; ``extra_info["task"]``, or the ground truth, is the task's id.

        Raises:
            SandboxError: If there is no verdict, see the module.
            ConfigError: If the row names no task.
            UnknownTaskError: If there is no such task.
        """
        name = task_in((row.get("reward_model") or {}).get("ground_truth"), row.get("extra_info"))
        if name is None:
            raise ConfigError("a row names no task: give it extra_info.task or reward_model.ground_truth")
        task = load_task(name)
        dense = self._dense and isinstance(task, WorkspaceTask)
        env = CodingEnv(task, max_turns=self._max_turns, dense=dense, engine=_engine())
        request = f"det-{priority}" if self.rollout_config.full_determinism else uuid4().hex
        talk = _Talk(self, list(row["raw_prompt"]), sampling_params, request)
        try:
            done = await arollout(env, talk, max_tokens=self.rollout_config.response_length)
        finally:
            await asyncio.shield(asyncio.to_thread(env.close))
        failed = not done.has_verdict
        # Only the worker of verl's trainer numbers sessions, and only it can do without one of them.
        if failed and (self._no_verdict == "raise" or (self._no_verdict == "auto" and "session_id" in row)):
            raise SandboxError(f"no verdict on {name}: the sandbox failed, the trajectory is not judged")
        return self._output(talk, done)

    def _output(self, talk: _Talk, done: Rollout) -> AgentLoopOutput:
        length = self.rollout_config.response_length
        said = len(talk.mask)
        result = row_of_info(done.info)
        return AgentLoopOutput(
            prompt_ids=talk.ids[: len(talk.ids) - said],
            response_ids=talk.ids[len(talk.ids) - said :][:length],
            response_mask=talk.mask[:length] if done.has_verdict else [0] * min(said, length),
            response_logprobs=talk.logprobs[:length] if talk.logprobs else None,
            multi_modal_data={},
            reward_score=result["score"],
            num_turns=len(talk.messages),
            metrics=talk.metrics,
            extra_fields={
                **talk.extra,
                "turn_scores": [float(np.mean(turn.reward)) for turn in done.turns],
                "tool_rewards": [],
                "reward_extra_info": result,
            },
        )


class _Talk:
    """A policy that speaks through verl's server and keeps the tokens of the conversation."""

    def __init__(
        self, loop: DeepGymAgentLoop, prompt: list[dict[str, Any]], sampling_params: dict[str, Any], request: str
    ) -> None:
        self._loop = loop
        self._sampling_params = sampling_params
        self._request = request
        self.messages = prompt
        self.ids: list[int] = []
        self.mask: list[int] = []
        self.logprobs: list[float] = []
        self.metrics: dict[str, Any] = {}
        self.extra: dict[str, Any] = {}

    async def __call__(self, messages: Sequence[dict[str, Any]], tools: Sequence[dict[str, Any]]) -> Reply:
        """Let the model answer the last observation."""
        before = len(self.mask)
        if self.ids:
            await self._hear(messages[-1])
        else:
            self.ids = await self._loop.ct_build_initial_tokens(self.messages)
        if len(self.mask) >= self._loop.rollout_config.response_length:
            return Reply("", len(self.mask) - before)  # no room for an answer: out of tokens
        text = await self._speak()
        self.messages = [*self.messages, {"role": "assistant", "content": text}]
        return Reply(text, len(self.mask) - before)

    async def _hear(self, observation: Mapping[str, Any]) -> None:
        heard = [*self.messages, dict(observation)]
        merged, self.mask, logprobs = await self._loop.ct_merge_context_msg(
            self.messages, heard, self.ids, self.mask, self.logprobs or None
        )
        self.messages, self.ids, self.logprobs = heard, merged.token_ids, logprobs or []

    async def _speak(self) -> str:
        with simple_timer("generate_sequences", self.metrics):
            output = await self._loop.server_manager.generate(
                request_id=self._request, prompt_ids=self.ids, sampling_params=self._sampling_params
            )
        self._note(output)
        room = self._loop.rollout_config.response_length - len(self.mask)
        said = list(output.token_ids)[:room]  # what is not learnt from is not judged either
        logprobs = list(output.log_probs)[:room] if output.log_probs else None
        kept = self.logprobs if self.logprobs or logprobs else None
        merged, self.mask, aligned = await self._loop.ct_merge_assistant_token(
            self.ids, said, self.mask, kept, assistant_logprobs=logprobs
        )
        self.ids, self.logprobs = merged.token_ids, aligned or []
        return str(self._loop.tokenizer.decode(said, skip_special_tokens=True))

    def _note(self, output: Any) -> None:
        preempted = -1 if output.num_preempted is None else output.num_preempted
        known = self.metrics.get("num_preempted")
        self.metrics["num_preempted"] = preempted if known is None else known + max(preempted, 0)
        latest = output.extra_fields.get(_ACROSS_TURNS)
        self.extra = {**output.extra_fields, **self.extra, **({_ACROSS_TURNS: latest} if latest else {})}
