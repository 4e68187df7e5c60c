"""Tasks for lm-evaluation-harness 0.4, with the metrics ``score``, ``pass`` and ``verdict``.

- :func:`make_lm_eval_task`: a task for ``lm_eval.simple_evaluate``.
- :func:`register_deepgym_tasks`: a folder for ``lm_eval --include_path``; from a shell it is printed by
  ``python -m deepgym_env.integrations.lm_eval``.

A completion without a verdict counts for ``verdict`` alone, the share that have one: it is in the mean of
no other metric. It is for one process (``WORLD_SIZE`` 1): lm-eval gathers metrics of which a rank may have none.
Submissions run in DeepGym's sandbox: ``--confirm_run_unsafe_code`` isn't needed.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deepgym_env._version import __version__
from deepgym_env.benchmarks import BENCHMARKS
from deepgym_env.benchmarks.home import home, write_atomically
from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import task_ids
from deepgym_env.engine import Environment
from deepgym_env.errors import DeepGymError
from deepgym_env.integrations.scoring import Scorer
from deepgym_env.optional import require
from deepgym_env.selection import known, of_namespace
from deepgym_env.task import SubmissionTask, WorkspaceTask

if TYPE_CHECKING:
    from lm_eval.api.task import Task

__all__ = ["lm_eval_name", "make_lm_eval_task", "register_deepgym_tasks"]

_CLASS = "deepgym_env.integrations.lm_eval_task.DeepGymTask"


def make_lm_eval_task(
    env: Environment | str | Iterable[Environment | str],
    dg: DeepGym | None = None,
    *,
    name: str | None = None,
    repeats: int = 1,
) -> Task:
    """Return a task for ``lm_eval.simple_evaluate(model, tasks=[...])``.

    Args:
        env: A task or its id, the name of an imported benchmark, or several tasks: a document each.
        dg: The engine that judges; by default this process's.
        name: What lm-eval calls it; by default ``deepgym_`` and the id.
        repeats: Completions per document; the metrics are means over them.

    Raises:
        ConfigError: If lm-eval isn't installed, or a task can't be judged by one completion.
        UnknownTaskError: If there is no task of an id.
    """
    module = require("deepgym_env.integrations.lm_eval_task", "lm-eval tasks", "lm-eval")
    single = isinstance(env, str | SubmissionTask | WorkspaceTask)
    called = env if isinstance(env, str) else getattr(env, "id", "tasks")
    if isinstance(env, str) and env in BENCHMARKS:
        tasks: list[Environment | str] = list(of_namespace(env))
    else:
        tasks = [env] if single else list(env)  # type: ignore[list-item, arg-type]
    config: dict[str, Any] = {"task": name or lm_eval_name(called), "metadata": {"version": __version__}}
    if repeats > 1:
        every = {"function": "take_first_k", "k": repeats}
        config |= {"repeats": repeats, "filter_list": [{"name": "none", "filter": [every]}]}
    made: Task = module.DeepGymTask(config, tasks=tasks, engine=dg)
    return made


def register_deepgym_tasks(folder: str | Path | None = None, names: Iterable[str] = ()) -> Path:
    """Write the YAML files by which lm-eval finds tasks, and return their folder.

    It is for ``--include_path``, or ``TaskManager(include_path=...)``. Its tasks are ``deepgym_coin_change``
    and so on for the built-in functions, tagged ``deepgym_easy`` and so on by difficulty; the group ``deepgym``
    has all of them, with the mean over tasks.

    Args:
        folder: Where; by default ``lm_eval`` in DeepGym's data folder. What is there stays, unless of the same name.
        names: Further tasks, by id, and imported benchmarks, by name: ``humaneval`` becomes ``deepgym_humaneval``.

    Raises:
        ConfigError: If a benchmark was not imported, or a task can't be judged by one completion.
        UnknownTaskError: If there is no task of an id.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as place:
        ...     folder = register_deepgym_tasks(place)
        ...     print((folder / "deepgym_fizzbuzz.yaml").read_text())
        task: deepgym_fizzbuzz
        class: !function deepgym_env.integrations.lm_eval_task.DeepGymTask
        dataset_kwargs: {tasks: ["fizzbuzz"]}
        tag: deepgym_easy
        metadata: {version: ...}
    """
    place = Path(folder) if folder is not None else home() / "lm_eval"
    functions = task_ids("function")
    files = {lm_eval_name(task): _task(task) for task in functions}
    files["deepgym"] = _group("deepgym", [lm_eval_name(task) for task in functions])
    for name in names:
        files[lm_eval_name(name)] = _benchmark(name) if name in BENCHMARKS else _task(name)
    for called, text in files.items():
        write_atomically(place / f"{called}.yaml", text.encode())
    return place


def lm_eval_name(name: str) -> str:
    """Return what lm-eval calls a task or a benchmark; its names become names of files.

    Example:
        >>> lm_eval_name("coin_change"), lm_eval_name("HumanEval/0")
        ('deepgym_coin_change', 'deepgym_HumanEval_0')
    """
    return "deepgym_" + re.sub(r"\W+", "_", name.removeprefix("DeepGym/"))


def _task(task_id: str) -> str:
    Scorer(task_id)  # refuses what one completion can't answer
    return _yaml(
        lm_eval_name(task_id), f"tasks: [{json.dumps(task_id)}]", f"tag: deepgym_{known(task_id).difficulty}\n"
    )


def _benchmark(name: str) -> str:
    of_namespace(name)  # refuses what was not imported
    return _yaml(lm_eval_name(name), f"benchmark: {name}")


def _yaml(called: str, what: str, more: str = "") -> str:
    return (
        f"task: {called}\nclass: !function {_CLASS}\ndataset_kwargs: {{{what}}}\n{more}"
        f"metadata: {{version: {__version__}}}\n"
    )


def _group(called: str, members: Iterable[str]) -> str:
    means = "".join(f"  - {{metric: {metric}, weight_by_size: false}}\n" for metric in ("score", "pass", "verdict"))
    listed = "".join(f"  - {member}\n" for member in members)
    return f"group: {called}\ntask:\n{listed}aggregate_metric_list:\n{means}metadata: {{version: {__version__}}}\n"


def main(argv: Sequence[str] | None = None) -> None:
    """Print the folder, as ``python -m deepgym_env.integrations.lm_eval`` does."""
    parser = argparse.ArgumentParser(description="Write DeepGym's tasks for lm-eval; print the folder of them.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="a further task's id, or an imported benchmark")
    given = parser.parse_args(argv)
    try:
        print(register_deepgym_tasks(names=given.names))
    except DeepGymError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
