"""A reward function that Axolotl finds by its path: ``trl.reward_funcs: ["deepgym_env.integrations.axolotl.reward"]``.

- :func:`reward`: the score of a completion of the task its row names.

Axolotl's GRPO is TRL's trainer, and what :mod:`~deepgym_env.integrations.trl` makes serves there as well, from a
module of your own. An infrastructure failure is None, as for TRL.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from deepgym_env.integrations.scoring import Completion
from deepgym_env.integrations.trl import make_trl_reward_fn

__all__ = ["reward"]

_score = make_trl_reward_fn()


def reward(prompts: Sequence[Any], completions: Sequence[Completion], **columns: Any) -> list[float | None]:
    """Return the score of each completion, 0..1; None where there is no verdict.

    Args:
        prompts: As the trainer has them; not read.
        completions: Plain or conversational.
        columns: Those of the data set, as lists: ``task`` has the id of each row's task, as ``datasets.to_hf``
            makes it. The trainer's ``log_metric`` and ``log_extra`` are used where they are given.

    Raises:
        UnknownTaskError: If a row's ``task`` is none.
        ConfigError: If there is no column ``task``, or it names a workspace.

    Example:
        >>> reward(["?"], ["def reverse_string(s): return s[::-1]"], task=["reverse_string"])
        [1.0]
    """
    return _score(prompts=prompts, completions=completions, **columns)
