"""Tools for verl's ``tool_agent``: an episode that lives from call to call of a trajectory.

- :class:`DeepGymTool`: one tool of a task's episode; a tool configuration lists one entry for each.

verl creates and releases a tool around every single call and says nowhere that a trajectory is over, so
verl's object of the trajectory holds the episode: it ends when it is over, or with that object.
A trajectory's rewards telescope: their sum is the result of the state judged last, and that result reaches
:func:`deepgym_env.integrations.verl.compute_score` in ``extra_info`` by verl's manager ``naive``.

After an infrastructure failure, or where an episode could not be begun or a call failed, that result has
no verdict, and ``compute_score`` raises.
Source: verl 0.9.1, ``tools/base_tool.py`` and ``experimental/agent_loop/tool_agent_loop.py``.
"""

from __future__ import annotations

import asyncio
from typing import Any

from verl.tools.base_tool import BaseTool
from verl.tools.schemas import OpenAIFunctionToolSchema, ToolResponse

from deepgym_env.catalog import load_task
from deepgym_env.envs.coding import CodingEnv, tools_of
from deepgym_env.envs.shared_engine import HeldEngine
from deepgym_env.errors import ConfigError
from deepgym_env.integrations.live import LiveEpisode
from deepgym_env.integrations.verl import NOTE
from deepgym_env.integrations.verl_rows import row_of_info, unjudged
from deepgym_env.task import WorkspaceTask

__all__ = ["DeepGymTool"]

_OVER = "The episode is over: nothing was done."
_engine = HeldEngine()  # for longer than a trajectory


class DeepGymTool(BaseTool):  # type: ignore[misc] # verl has no types
    """One tool of an episode, such as ``submit`` or ``bash``.

    In verl's tool configuration::

        tools:
          - class_name: deepgym_env.integrations.verl_tool.DeepGymTool
            config: {type: native, tool: submit, task: two_sum}
          - class_name: deepgym_env.integrations.verl_tool.DeepGymTool
            config: {type: native, tool: run_code, task: two_sum}

    ``tool`` is its name and ``task`` a task that has it: the description comes from there. A row that
    names a task for the tool (``write_verl_parquet(..., agent="tool_agent")`` writes such rows) works on
    that one. Further keys: ``max_turns``; ``dense``, true: a workspace is judged after every call, since
    verl does not say which call is the last.
    """

    def __init__(self, config: dict[str, Any], tool_schema: OpenAIFunctionToolSchema | None = None) -> None:
        """Make the tool.

        Raises:
            ConfigError: If the configuration lacks ``tool`` or ``task``, or the task has no such tool.
            UnknownTaskError: If there is no such task.
        """
        if not isinstance(config.get("tool"), str) or not isinstance(config.get("task"), str):
            raise ConfigError("the configuration of a tool must have `tool`, its name, and `task`, a task that has it")
        self._task = config["task"]
        self._max_turns, self._dense = config.get("max_turns"), bool(config.get("dense", True))
        schemas = {tool.name: tool.schema() for tool in tools_of(load_task(self._task))}
        if config["tool"] not in schemas:
            raise ConfigError(f"{self._task} has no tool {config['tool']!r}: it has {', '.join(schemas)}")
        super().__init__(config, tool_schema or OpenAIFunctionToolSchema.model_validate(schemas[config["tool"]]))

    async def execute(
        self, instance_id: str, parameters: dict[str, Any], *, agent_data: Any, **kwargs: Any
    ) -> tuple[ToolResponse, float | None, dict[str, Any]]:
        """Make a call in the trajectory's episode, which the first call begins.

        Args:
            instance_id: verl's, a new one for each call.
            parameters: The call's arguments.
            agent_data: The trajectory.
            kwargs: What else verl gives.

        Returns:
            What the call answered, the change of the mean over the tests (None without a verdict), and the
            result so far.
        """
        trajectory = _trajectory_of(agent_data)
        async with trajectory.turn:  # calls made at the same time take turns, in the order they were made
            if trajectory.over:
                return ToolResponse(text=_OVER), 0.0, {}
            task = self._task_for(agent_data)
            try:
                episode = await asyncio.to_thread(self._call, trajectory, task, parameters)
            except Exception:  # verl only tells the model of it
                trajectory.over = True
                _note(agent_data, unjudged(task))
                raise
            trajectory.over = episode.over
            result = row_of_info(episode.info)
            _note(agent_data, result)
            return ToolResponse(text=episode.observation), episode.earned if result["has_verdict"] else None, result

    def _call(self, trajectory: _Trajectory, task: str, parameters: dict[str, Any]) -> LiveEpisode:
        """Make a call, of an episode begun now if none was; return the episode."""
        if trajectory.episode is None:
            dense = self._dense and isinstance(load_task(task), WorkspaceTask)
            env = CodingEnv(task, max_turns=self._max_turns, dense=dense, engine=_engine())
            trajectory.episode = LiveEpisode(env, None)
        episode = trajectory.episode
        episode.step({"name": self.name, "arguments": parameters})
        if episode.over:
            episode.env.close()
        return episode

    def _task_for(self, agent_data: Any) -> str:
        """Return the task a row has for this tool, else the configuration's."""
        bound = (agent_data.tools_kwargs or {}).get(self.name) or {}
        return str((bound.get("create_kwargs") or {}).get("task") or self._task)


class _Trajectory:
    """What is known of a trajectory between its calls; the session of its episode ends with it."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.episode: LiveEpisode | None = None
        self.over = False


def _trajectory_of(agent_data: Any) -> _Trajectory:
    """Return what verl's object of a trajectory carries for us."""
    known: _Trajectory = vars(agent_data).setdefault("_deepgym", _Trajectory())
    return known


def _note(agent_data: Any, result: dict[str, Any]) -> None:
    """Leave a result where ``compute_score`` finds it."""
    extras = agent_data.extra_fields.get("extras") or {}
    agent_data.extra_fields["extras"] = {**extras, NOTE: result}
