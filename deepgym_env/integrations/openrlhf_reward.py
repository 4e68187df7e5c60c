"""OpenRLHF's reward as a file, whose path this prints when run.

``--reward.remote_url "$(python -m deepgym_env.integrations.openrlhf_reward)"``

- :func:`reward_func`: what OpenRLHF calls, on a thread of its rollout workers.

A completion without a verdict, after the engine's own retries, is judged again after a second, five and
fifteen; then SandboxError is raised. OpenRLHF logs it and has no reward for the sample, which ends the
step with an error: no number is right.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from deepgym_env.errors import SandboxError
from deepgym_env.integrations.openrlhf import completion_of, reward_fields, tasks_of
from deepgym_env.integrations.scoring import Scorer
from deepgym_env.result import RunResult

__all__ = ["PAUSES", "judged", "reward_func"]

PAUSES = (1.0, 5.0, 15.0)
"""Seconds before each further try."""

_scorer = Scorer()


def reward_func(
    queries: Sequence[str], prompts: Sequence[str], labels: Sequence[str | None], **_: Any
) -> dict[str, Any]:
    """Score what a model wrote.

    Args:
        queries: Prompts with their completions.
        prompts: The prompts.
        labels: Ids of the tasks: ``--data.label_key label`` for rows of ``to_hf(..., trainer="openrlhf")``.

    Returns:
        ``rewards``, ``scores`` and ``extra_logs``: lists with a number per query.

    Raises:
        SandboxError: If there is no verdict.
        UnknownTaskError: If a label is no task's id.
        ConfigError: If a query doesn't begin with its prompt, or has no label.

    Example:
        >>> reward_func(["Reverse. def reverse_string(s): return s[::-1]</s>"], ["Reverse."], ["reverse_string"])
        {'rewards': [1.0], 'scores': [1.0], 'extra_logs': {'passed': [1.0]}}
    """
    completions = [completion_of(query, prompt) for query, prompt in zip(queries, prompts, strict=True)]
    return reward_fields(judged(_scorer, completions, tasks_of(labels, len(completions))))


def judged(
    scorer: Scorer, completions: Sequence[str], tasks: Sequence[str | None], pauses: Sequence[float] | None = None
) -> list[RunResult]:
    """Return results that all have a verdict.

    Args:
        scorer: Judges them.
        completions: What is to be judged.
        tasks: The id of each one's task; None for the scorer's own.
        pauses: Seconds before each further try; by default ``PAUSES``.

    Raises:
        SandboxError: If one has none after all tries.
    """
    results = scorer(completions, tasks)
    for pause in PAUSES if pauses is None else pauses:
        lost = [number for number, result in enumerate(results) if not result.has_verdict]
        if not lost:
            break
        time.sleep(pause)
        again = scorer([completions[number] for number in lost], [tasks[number] for number in lost])
        for number, result in zip(lost, again, strict=True):
            results[number] = result
    for result in results:
        if not result.has_verdict:
            raise SandboxError(f"no verdict on a submission of {result.task_id}: {result.details}")
    return results


if __name__ == "__main__":
    print(__file__)
