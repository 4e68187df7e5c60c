"""Steps with labels, for process reward models.

A row is Axolotl's ``stepwise_supervised`` and TRL's ``PRMTrainer`` form: ``prompt``, ``completions``
and as many ``labels``. Every label comes from an execution:

    A step is good if after it every test passes, or if it newly passed a test and lost none,
    compared to the judged state before it.

- :func:`is_good_step`: that rule.
- :func:`prm_row`: the row of a logged episode.
- :func:`generate_prm`: rows of solutions, judged now.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import load_task
from deepgym_env.engine import Progress
from deepgym_env.episodes.messages import action_text, observation_text
from deepgym_env.episodes.record import Episode
from deepgym_env.errors import ConfigError
from deepgym_env.result import RunResult
from deepgym_env.task import AnyTask, SubmissionTask

__all__ = ["generate_prm", "is_good_step", "prm_row"]

Row = dict[str, Any]


def is_good_step(before: Sequence[float], after: Sequence[float]) -> bool:
    """Return the label of a step from the test scores before and after it.

    Example:
        >>> is_good_step([1, 0, 0], [1, 1, 0]), is_good_step([1, 0, 0], [0, 1, 1]), is_good_step([1, 1], [1, 1])
        (True, False, True)
    """
    passed = [(old == 1.0, new == 1.0) for old, new in zip(before, after, strict=True)]
    gained = any(new and not old for old, new in passed)
    lost = any(old and not new for old, new in passed)
    return all(new for _, new in passed) or (gained and not lost)


def prm_row(episode: Episode) -> Row | None:
    """Return the row of an episode, or None if nothing in it was judged.

    A step is a turn. Turns that judged nothing (reading a file, say) have no label of their own:
    they belong to the step of the next judged turn, joined by blank lines, or are left out after
    the last. A malformed action is a step that gained nothing.

    Raises:
        ConfigError: If the log has no scores of single tests, or its observations are no text.
    """
    completions: list[str] = []
    labels: list[bool] = []
    before: list[float] | None = None
    prepared: list[str] = []
    for turn in episode.judged_turns:
        after = turn.scores
        if after is None:
            raise ConfigError("a log for prm needs info['tests']: log a DeepGym environment")
        before = before or [0.0] * len(after)
        prepared.append(action_text(turn.action))
        if turn.info.get("evaluated", True) or not turn.info.get("action_valid", True):
            completions.append("\n\n".join(prepared))
            labels.append(is_good_step(before, after))
            before, prepared = after, []
    if not completions:
        return None
    return {"prompt": observation_text(episode.prompt), "completions": completions, "labels": labels}


def generate_prm(
    engine: DeepGym,
    task: AnyTask | str,
    solutions: Iterable[str | Sequence[str]],
    *,
    progress: Progress | None = None,
) -> list[Row]:
    """Judge solutions and return their rows.

    A step is a whole attempt at the task, for only what can be executed can be labelled truthfully:
    the first half of a function, or a line of reasoning, passes no test of its own. Several attempts
    at the task, each made knowing the one before, are a trajectory and make one row with one label
    per attempt, as the turns of a logged episode do; a lone solution is a trajectory of one.

    Args:
        engine: Judges the attempts; equal ones once.
        task: The task, or the id of a built-in one.
        solutions: A text, or a sequence of successive attempts, each.
        progress: Called with ``(done, total)`` after each attempt.

    Returns:
        A row per solution. An attempt without a verdict ends its row early, since nothing after it
        can be labelled either; a row that would be empty is left out.

    Raises:
        ConfigError: If the task is a workspace.
    """
    found = load_task(task) if isinstance(task, str) else task
    if not isinstance(found, SubmissionTask):
        raise ConfigError(f"{found.id!r} is a workspace, not solved by one text: log episodes, then export them to prm")
    trajectories = [[each] if isinstance(each, str) else list(each) for each in solutions]
    attempts = [attempt for trajectory in trajectories for attempt in trajectory]
    results = iter(engine.run_batch(found, attempts, progress=progress))
    rows = (_row(found, trajectory, list(islice(results, len(trajectory)))) for trajectory in trajectories)
    return [row for row in rows if row["completions"]]


def _row(task: SubmissionTask, attempts: Sequence[str], results: Sequence[RunResult]) -> Row:
    labels = list(_labels(results))
    return {"prompt": task.prompt, "completions": list(attempts[: len(labels)]), "labels": labels}


def _labels(results: Sequence[RunResult]) -> Iterator[bool]:
    before: list[float] | None = None
    for result in results:
        if not result.has_verdict:
            return
        scores = [case.score for case in result.cases]
        # As in an episode, a message without code changes nothing.
        after = before if result.status == "no_code" and before is not None else scores
        yield is_good_step(before or [0.0] * len(after), after)
        before = after
