"""What verl reads and logs: rows of data sets, and results under fixed names.

- :func:`write_verl_parquet`: tasks as a file for verl's ``RLHFDataset``.
- :data:`KEYS`, :func:`row_of`, :func:`row_of_info`, :func:`untouched`, :func:`unjudged`: what a result says,
  always under the same names, since verl makes a column of each.
- :func:`task_in`: the task a row names.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from typing import Any, Literal, get_args

from deepgym_env.actions import describe_tools
from deepgym_env.catalog import load_task
from deepgym_env.datasets import to_hf
from deepgym_env.envs.coding import tools_of
from deepgym_env.errors import ConfigError
from deepgym_env.optional import require
from deepgym_env.result import RunResult
from deepgym_env.task import AnyTask, WorkspaceTask

__all__ = [
    "KEYS",
    "Agent",
    "row_of",
    "row_of_info",
    "task_in",
    "unjudged",
    "untouched",
    "write_verl_parquet",
]

KEYS = ("score", "acc", "passed", "has_verdict", "status", "task", "tests_passed", "tests")
Agent = Literal["single_turn_agent", "tool_agent", "deepgym_agent"]


def write_verl_parquet(
    tasks: Iterable[str | AnyTask], path: str | os.PathLike[str], *, agent: Agent | None = None, **options: Any
) -> int:
    """Write tasks to a parquet file that verl's ``RLHFDataset`` reads; return the number of rows.

    Args:
        tasks: Ids, or tasks.
        path: The file, whose name must end in ``.parquet`` for verl.
        agent: The agent loop of the rows, a column ``agent_name``: ``single_turn_agent``; ``tool_agent``, for
            which rows name their tools and the task these work on; ``deepgym_agent``, for which prompts of
            workspaces describe the tools. None leaves it to verl's configuration.
        options: As for :func:`~deepgym_env.datasets.to_hf`, but for ``trainer``.

    Raises:
        ConfigError: If ``datasets`` isn't installed, or an option has a value that can't work.
        UnknownTaskError: If there is no task of an id.
    """
    if not os.fspath(path).endswith(".parquet"):
        raise ConfigError(f"verl reads files whose name ends in .parquet, got {os.fspath(path)!r}")
    if agent is not None and agent not in get_args(Agent):
        raise ConfigError(f"agent must be one of {', '.join(get_args(Agent))} or None, got {agent!r}")
    library = require("datasets", "write_verl_parquet", "hf")
    given = [load_task(task) if isinstance(task, str) else task for task in tasks]
    known = {task.id: task for task in given}
    found = [_for_agent(row, known[row["task"]], agent) for row in to_hf(given, trainer="verl", **options)]
    library.Dataset.from_list(found).to_parquet(os.fspath(path))
    return len(found)


def _for_agent(row: dict[str, Any], task: AnyTask, agent: Agent | None) -> dict[str, Any]:
    """Return a row with what an agent loop wants besides."""
    if agent is None:
        return row
    row = {**row, "agent_name": agent}
    if agent == "tool_agent":
        names = [tool.name for tool in tools_of(task)]
        bound = {name: {"create_kwargs": {"task": task.id}} for name in names}
        extra = {"need_tools_kwargs": True, "tool_selection": names, "tools_kwargs": bound}
        return {**row, "extra_info": {**row["extra_info"], **extra}}
    if agent == "deepgym_agent" and isinstance(task, WorkspaceTask):
        *before, last = row["prompt"]
        told = f"{last['content'].rstrip()}\n\n{describe_tools(tools_of(task))}"
        return {**row, "prompt": [*before, {**last, "content": told}]}
    return row


def task_in(ground_truth: Any, extra_info: Mapping[str, Any] | None) -> str | None:
    """Return the id of the task a row names: ``extra_info["task"]``, else the ground truth; None without."""
    named = (extra_info or {}).get("task") or ground_truth
    return named if isinstance(named, str) and named else None


def row_of(result: RunResult) -> dict[str, Any]:
    """Return a result under :data:`KEYS`; without a verdict its numbers are 0 and mean nothing."""
    return _row(result.task_id, result.status, result.has_verdict, {case.id: case.score for case in result.cases})


def row_of_info(info: Mapping[str, Any]) -> dict[str, Any]:
    """Return what an episode's info says under :data:`KEYS`."""
    has_verdict = bool(info["has_verdict"])
    status = info["status"] if has_verdict else "infrastructure_error"
    return _row(info["task"], status, has_verdict, {test["id"]: test["score"] for test in info["tests"]})


def untouched(task: AnyTask) -> dict[str, Any]:
    """Return the row of a task nobody did anything about."""
    return _row(task.id, "not_run", True, dict.fromkeys((test.id for test in task.tests), 0.0))


def unjudged(task: str) -> dict[str, Any]:
    """Return the row of a task's submission that could not be judged."""
    return _row(task, "infrastructure_error", False, {})


def _row(task: str, status: str, has_verdict: bool, tests: Mapping[str, float]) -> dict[str, Any]:
    scores = tests if has_verdict else {}
    passed = bool(scores) and all(score == 1.0 for score in scores.values())
    values = (
        sum(scores.values()) / len(scores) if scores else 0.0,
        float(passed),
        passed,
        has_verdict,
        status,
        task,
        sum(score == 1.0 for score in scores.values()),
        json.dumps(scores),
    )
    return dict(zip(KEYS, values, strict=True))
