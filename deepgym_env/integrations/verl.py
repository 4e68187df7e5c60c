"""Rewards for verl: a ``compute_score`` for its reward loop, and for its older reward managers.

- :func:`compute_score`, :func:`acompute_score`: for ``reward.custom_reward_function``, with
  ``path=pkg://deepgym_env.integrations.verl``; ``reward_kwargs`` are their last arguments.
- :func:`make_verl_compute_score`: one for tasks or an engine of your own.

An infrastructure failure raises :class:`~deepgym_env.errors.SandboxError`. verl's reward loop passes it
on: its trainer counts that trajectory as failed and learns nothing from it, its legacy trainer stops.
Two managers swallow errors and put a reward of 0 in their place, ``rate_limited`` and ``prime``: choose
another. Where you must have a number, ``no_verdict_score`` is it; ``has_verdict`` is False then.

Tools (:mod:`~deepgym_env.integrations.verl_tool`) leave what their episode came to in ``extra_info``, and
that is the result then; an agent loop (:mod:`~deepgym_env.integrations.verl_agent_loop`) brings its
reward itself. Source: verl 0.9.1, ``experimental/reward_loop/reward_manager``, ``workers/reward_manager``.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any, Literal, get_args

from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import load_task
from deepgym_env.engine import Mode
from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.integrations.scoring import Scorer, Tasks
from deepgym_env.integrations.verl_rows import row_of, task_in, untouched

__all__ = ["NOTE", "ComputeScore", "acompute_score", "compute_score", "make_verl_compute_score"]

NOTE = "deepgym"  # under which tools leave their episode's result, in the field verl calls `extras`
Returns = Literal["dict", "score"]


class ComputeScore:
    """Scores one completion as verl asks for it; safe to share between threads.

    It can be pickled unless it was given an engine. Its method ``ascore`` is the same, asynchronous.

    Example:
        >>> score = make_verl_compute_score("reverse_string")
        >>> result = score("DeepGym", "def reverse_string(s): return s[::-1]", "reverse_string")
        >>> result["score"], result["passed"], result["status"]
        (1.0, True, 'passed')
        >>> score.close()
    """

    def __init__(self, scorer: Scorer, *, no_verdict_score: float | None = None, returns: Returns = "dict") -> None:
        """Score with ``scorer``; see :func:`make_verl_compute_score`."""
        if no_verdict_score is not None and not math.isfinite(no_verdict_score):
            raise ConfigError(f"no_verdict_score must be a finite number or None, got {no_verdict_score!r}")
        if returns not in get_args(Returns):
            raise ConfigError(f"returns must be one of {', '.join(get_args(Returns))}, got {returns!r}")
        self._scorer, self._no_verdict_score, self._returns = scorer, no_verdict_score, returns

    def __call__(
        self,
        data_source: str,
        solution_str: str,
        ground_truth: Any,
        extra_info: Mapping[str, Any] | None = None,
        reward_router_address: str | None = None,
        reward_model_tokenizer: Any = None,
    ) -> dict[str, Any] | float:
        """Return the result of a completion, or its score, as ``returns`` says.

        Args:
            data_source: verl's name for the data set; no part of the verdict.
            solution_str: What the model wrote.
            ground_truth: The task's id, unless ``extra_info`` has it as ``task``.
            extra_info: The row's column of that name, and what verl adds to it.
            reward_router_address: Not used.
            reward_model_tokenizer: Not used.

        Raises:
            SandboxError: If there is no verdict and no ``no_verdict_score``.
            UnknownTaskError: If the row names a task that isn't one of these.
            ConfigError: If it names none; or a workspace, and the manager does not tell what tools did.
        """
        return self._lowered(self._row(solution_str, ground_truth, extra_info or {}))

    async def ascore(
        self,
        data_source: str,
        solution_str: str,
        ground_truth: Any,
        extra_info: Mapping[str, Any] | None = None,
        reward_router_address: str | None = None,
        reward_model_tokenizer: Any = None,
    ) -> dict[str, Any] | float:
        """Do the same without blocking the caller's event loop."""
        return await asyncio.to_thread(self, data_source, solution_str, ground_truth, extra_info)

    def close(self) -> None:
        """Give back what it holds; it may be used again all the same."""
        self._scorer.close()

    def _row(self, solution_str: str, ground_truth: Any, info: Mapping[str, Any]) -> dict[str, Any]:
        """Return what tools made of an episode, else the result of what was written."""
        noted = (info.get("extras") or {}).get(NOTE)
        if noted is not None and noted["status"] != "not_run":
            return dict(noted)
        name = task_in(ground_truth, info)
        try:
            self._scorer.task_of(name)
        except ConfigError:
            if name is None or "tool_rewards" not in info:  # no tools, or a manager that doesn't tell of them
                raise
            return untouched(load_task(name))
        return row_of(self._scorer([solution_str], [name])[0])

    def _lowered(self, row: dict[str, Any]) -> dict[str, Any] | float:
        if not row["has_verdict"]:
            if self._no_verdict_score is None:
                raise SandboxError(f"no verdict on {row['task']}: the sandbox failed, the submission is not judged")
            row = {**row, "score": float(self._no_verdict_score)}
        return row if self._returns == "dict" else float(row["score"])


def make_verl_compute_score(
    env: Tasks = None,
    *,
    engine: DeepGym | None = None,
    no_verdict_score: float | None = None,
    returns: Returns = "dict",
) -> ComputeScore:
    """Return a ``compute_score`` for verl.

    Args:
        env: One task or id, that of rows that name none; several, those that rows may name; None: any.
        engine: The engine to use; by default this process's.
        no_verdict_score: The score where there is no verdict; None raises.
        returns: ``dict``, or only the ``score``, which verl's manager ``prime`` needs.

    Raises:
        UnknownTaskError: If there is no task of an id.
        ConfigError: If an option has a value that can't work.
    """
    return ComputeScore(Scorer(env, engine), no_verdict_score=no_verdict_score, returns=returns)


def compute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    *,
    mode: Mode | None = None,
    no_verdict_score: float | None = None,
    returns: Returns = "dict",
    reward_router_address: str | None = None,
    reward_model_tokenizer: Any = None,
) -> dict[str, Any] | float:
    """Score one completion of the task its row names.

    Args:
        data_source: As verl gives it.
        solution_str: What the model wrote.
        ground_truth: The task's id, unless ``extra_info`` has it as ``task``.
        extra_info: The row's column of that name.
        mode: Where submissions run, ``local``, ``docker``, ...; by default what ``DEEPGYM_MODE`` says.
        no_verdict_score: As for :func:`make_verl_compute_score`.
        returns: As for :func:`make_verl_compute_score`.
        reward_router_address: Not used.
        reward_model_tokenizer: Not used.

    Returns:
        A dict, always with the same keys, of which verl makes columns: ``score``, the mean over the tests,
        0..1; ``acc``, 1.0 if all passed; ``passed``, ``has_verdict``, ``status``, ``task``,
        ``tests_passed``; and ``tests``, the score of each test by its id, as JSON text.

    Raises:
        SandboxError: If there is no verdict and no ``no_verdict_score``.
    """
    score = ComputeScore(_scorer(mode), no_verdict_score=no_verdict_score, returns=returns)
    return score(data_source, solution_str, ground_truth, extra_info)


async def acompute_score(
    data_source: str,
    solution_str: str,
    ground_truth: Any,
    extra_info: Mapping[str, Any] | None = None,
    **reward_kwargs: Any,
) -> dict[str, Any] | float:
    """Do what :func:`compute_score` does without blocking the caller's event loop."""
    return await asyncio.to_thread(compute_score, data_source, solution_str, ground_truth, extra_info, **reward_kwargs)


_scorers: dict[Mode | None, Scorer] = {}


def _scorer(mode: Mode | None) -> Scorer:
    """Return this process's scorer of a mode; one that isn't kept starts nothing."""
    known = _scorers.get(mode)
    return known or _scorers.setdefault(mode, Scorer() if mode is None else Scorer(engine=DeepGym(mode)))
