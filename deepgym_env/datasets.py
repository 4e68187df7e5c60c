"""Tasks as a Hugging Face data set, in the columns trainers read.

- :func:`to_hf`: a ``datasets.Dataset`` with a row per task; :func:`rows`: the rows, without the library.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

from deepgym_env.catalog import gym_id, load_task
from deepgym_env.errors import ConfigError
from deepgym_env.optional import require
from deepgym_env.pass_rates import Rates
from deepgym_env.selection import Criteria, known
from deepgym_env.task import AnyTask, Difficulty, SubmissionTask

if TYPE_CHECKING:
    import datasets

__all__ = ["Trainer", "rows", "to_hf"]

Trainer = Literal["trl", "verl", "openrlhf"]
_SPLITS = ("train", "test", "validation")


def to_hf(
    tasks: Iterable[str | AnyTask],
    *,
    trainer: Trainer = "trl",
    conversational: bool = True,
    system: str | None = None,
    split: str | None = None,
    difficulty: Difficulty | None = None,
    tags: Iterable[str] = (),
    pass_rate: Sequence[float] | None = None,
    rates: Rates | None = None,
) -> datasets.Dataset:
    """Return tasks as a data set with a row per task.

    Every row has ``prompt``, ``task`` (the id ``load_environment`` takes), ``split``, ``difficulty`` and
    ``tags``. For verl it has ``data_source``, ``ability``, ``reward_model`` and ``extra_info`` besides, for
    OpenRLHF ``label``, which is the task's id: what a reward function of these trainers is given.

    Args:
        tasks: Ids, or tasks.
        trainer: Whose columns: ``trl``, ``verl`` or ``openrlhf``.
        conversational: Whether a prompt is a list of messages, else text.
        system: A system message before each prompt.
        split: The split of tasks that are in none.
        difficulty: Only tasks of that difficulty.
        tags: Only tasks with all of these; a benchmark's split is one.
        pass_rate: Only tasks solved at least and at most so often, ``(0.1, 0.9)``.
        rates: Where that was measured: a results file of ``deepgym eval``, a log of episodes, or a mapping.

    Raises:
        ConfigError: If ``datasets`` isn't installed, or an option has a value that can't work.
        UnknownTaskError: If there is no task of an id.

    Example:
        >>> data = to_hf(["fizzbuzz", "two_sum"])
        >>> data["task"][0], data[0]["prompt"][0]["role"]
        ('fizzbuzz', 'user')
    """
    library = require("datasets", "to_hf", "hf")
    given = list(tasks)
    criteria = Criteria.of(difficulty, tags, pass_rate=pass_rate, rates=rates)
    if criteria:
        given = [task for task in given if criteria.fits(known(task) if isinstance(task, str) else task)]
    found = list(rows(given, trainer=trainer, conversational=conversational, system=system, split=split))
    if not found:
        raise ConfigError(
            f"a data set needs at least one task, {f'and none is {criteria}' if criteria else 'got none'}"
        )
    return cast("datasets.Dataset", library.Dataset.from_list(found))


def rows(
    tasks: Iterable[str | AnyTask],
    *,
    trainer: Trainer = "trl",
    conversational: bool = True,
    system: str | None = None,
    split: str | None = None,
) -> Iterator[dict[str, Any]]:
    """Yield the rows of :func:`to_hf`, whose arguments up to ``split`` it takes."""
    if trainer not in get_args(Trainer):
        raise ConfigError(f"trainer must be one of {', '.join(get_args(Trainer))}, got {trainer!r}")
    if trainer == "verl" and not conversational:
        raise ConfigError("verl takes conversational prompts only: leave conversational=True")
    for number, given in enumerate(tasks):
        task = load_task(given) if isinstance(given, str) else given
        named = next((tag for tag in task.tags if tag in _SPLITS), split)
        row = {
            "prompt": _prompt(task, conversational, system),
            "task": task.id,
            "split": named,
            "difficulty": task.difficulty,
            "tags": list(task.tags),
        }
        yield {**row, **_extra(task, trainer, number, named)}


def _prompt(task: AnyTask, conversational: bool, system: str | None) -> str | list[dict[str, str]]:
    if not conversational:
        return f"{system}\n\n{task.prompt}" if system else task.prompt
    messages = [{"role": "system", "content": system}] if system else []
    return [*messages, {"role": "user", "content": task.prompt}]


def _extra(task: AnyTask, trainer: Trainer, number: int, split: str | None) -> dict[str, Any]:
    """Return what a trainer wants besides."""
    if trainer == "openrlhf":
        return {"label": task.id}
    if trainer == "verl":
        return {
            "data_source": gym_id(task.id).partition("/")[0],
            "ability": "code" if isinstance(task, SubmissionTask) else "agent",
            "reward_model": {"style": "rule", "ground_truth": task.id},
            "extra_info": {"index": number, "split": split, "task": task.id},
        }
    return {}
