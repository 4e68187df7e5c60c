"""Episodes of many turns for TRL.

- :func:`make_trl_environment_factory`: a class whose methods TRL offers to the model as tools;
  :func:`make_trl_environment_factories` and :func:`trl_environment_of` for tasks of several kinds.
- :func:`make_trl_episode_reward`: what the episodes of a batch are worth.
- :class:`Episodes`: begins them; :func:`conclude` judges what they came to.

TRL neither closes an environment nor says when its rollout is over: the reward does both.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar, TypeVar

from deepgym_env.actions import Tool
from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import load_task
from deepgym_env.engine import Environment
from deepgym_env.envs.coding import CodingEnv, tools_of
from deepgym_env.envs.shared_engine import HeldEngine
from deepgym_env.errors import ConfigError, UnknownTaskError
from deepgym_env.integrations.live import LiveEpisode
from deepgym_env.integrations.trl_metrics import Outcome, RewardFn, log_outcomes
from deepgym_env.task import AnyTask, ProgramTask, SubmissionTask, WorkspaceTask

__all__ = [
    "EPISODE",
    "Episodes",
    "conclude",
    "each",
    "last_said",
    "make_trl_environment_factories",
    "make_trl_environment_factory",
    "make_trl_episode_reward",
    "trl_environment_of",
]

EPISODE = "deepgym_episode"  # the column in which a rollout function hands its outcomes to the reward
_OVER = "The episode is over: nothing was done."
_SUBMIT = {"name": "submit", "arguments": {}}
_THREADS = 32
_Item = TypeVar("_Item")
_Made = TypeVar("_Made")


class Episodes:
    """Begins episodes of the tasks it knows, all on one engine."""

    def __init__(
        self, env: Environment | str | Iterable[Environment | str], engine: DeepGym | None, max_turns: int | None
    ) -> None:
        """Know the tasks ``env``; nothing is started."""
        given = (env,) if isinstance(env, str | SubmissionTask | WorkspaceTask) else env
        tasks = [load_task(one) if isinstance(one, str) else one for one in given]
        self.tasks: dict[str, AnyTask] = {task.id: task for task in tasks}
        if not self.tasks:
            raise ConfigError("episodes need at least one task, got none")
        self._engine, self._max_turns = HeldEngine(engine), max_turns

    def task_of(self, name: str | None) -> AnyTask:
        """Return the task of a row that names ``name``; of one that names none, the only one."""
        if name is None and len(self.tasks) == 1:
            return next(iter(self.tasks.values()))
        if name is None:
            raise ConfigError("a row names no task, and there are several: give each row the id of its task")
        if name not in self.tasks:
            raise UnknownTaskError(name, self.tasks, f"this was made for {', '.join(self.tasks)}")
        return self.tasks[name]

    def begin(self, task: AnyTask) -> LiveEpisode:
        """Begin an episode of a task."""
        return LiveEpisode(CodingEnv(task, max_turns=self._max_turns, engine=self._engine()), None)


def conclude(episode: LiveEpisode) -> Outcome:
    """End an episode and return what it came to; a workspace not handed in is judged as it was left."""
    if not episode.over and isinstance(episode.env.task, WorkspaceTask):
        episode.step(_SUBMIT)
    episode.env.close()
    status = episode.info["status"] if episode.info["has_verdict"] else "infrastructure_error"
    return Outcome(str(status), episode.score)


def each(function: Callable[[_Item], _Made], items: Sequence[_Item]) -> list[_Made]:
    """Return what a function that waits for sandboxes makes of each item; several at a time."""
    if not items:
        return []
    with ThreadPoolExecutor(min(_THREADS, len(items)), thread_name_prefix="deepgym-trl") as threads:
        return list(threads.map(function, items))


# ── environments ──────────────────────────────────────────────────────────────────────────


class _Environment:
    """What TRL makes one of per rollout and uses again for the next; its tools are added per kind of task.

    TRL takes every public method for a tool, so that there is none but ``reset``.
    """

    _episodes: ClassVar[Episodes]
    _task_column: ClassVar[str]

    def __init__(self) -> None:
        self._episode: LiveEpisode | None = None
        self._outcome: Outcome | None = None
        self._failure: Exception | None = None

    def reset(self, **row: Any) -> str | None:
        """Begin the episode of a row; return the task's prompt, unless the row's prompt has it already."""
        if self._episode is not None:
            self._episode.env.close()
        task = self._episodes.task_of(row.get(self._task_column))
        self._episode, self._outcome, self._failure = self._episodes.begin(task), None, None
        said = last_said(row.get("prompt"))
        if task.prompt.strip() in said:
            return None
        return f"\n\n{task.prompt}" if said else task.prompt

    def _call(self, name: str, arguments: Mapping[str, Any]) -> str:
        """Make a call, which is a turn; return what it answered."""
        if self._episode is None or self._outcome or self._failure or self._episode.over:
            return _OVER
        try:
            return self._episode.step({"name": name, "arguments": dict(arguments)})
        except Exception as error:  # TRL only tells the model of it, and goes on
            self._failure = error
            raise

    def _conclude(self) -> Outcome:
        if self._episode is None:
            raise ConfigError("the environment has no episode: its rollout was not begun with reset()")
        if self._failure is not None:
            self._episode.env.close()
            raise self._failure
        if self._outcome is None:
            self._outcome = conclude(self._episode)
        return self._outcome


def make_trl_environment_factory(
    env: Environment | str | Iterable[Environment | str],
    *,
    engine: DeepGym | None = None,
    max_turns: int | None = None,
    task_column: str = "task",
) -> type[Any]:
    """Return a class of environments for ``GRPOTrainer(environment_factory=...)``.

    Its methods are the tools of the tasks: ``submit`` and ``run_code``, or those of a workspace. A call is a
    turn, and a text without a call ends the rollout: what it holds is no submission. TRL makes the calls of a
    batch one rollout after another; :func:`~deepgym_env.integrations.trl.make_trl_rollout_func` takes the
    turns of all rollouts at a time.

    Args:
        env: One task or id, or several with the same tools.
        engine: The engine that judges; by default this process's.
        max_turns: Calls after which an episode is over; by default as in ``gym.make``.
        task_column: The column of the data set that names a row's task; not needed for one task.

    Returns:
        The class. Give the trainer :func:`make_trl_episode_reward` as the reward.

    Raises:
        UnknownTaskError: If there is no task of an id.
        ConfigError: If the tasks don't have the same tools: see :func:`make_trl_environment_factories`.

    Example:
        >>> Environment = make_trl_environment_factory("reverse_string")
        >>> environment = Environment()
        >>> environment.reset()[:17]
        'Write a function '
        >>> environment.submit(code="def reverse_string(s): return s[::-1]")
        'All 14 tests passed.'
    """
    episodes = Episodes(env, engine, max_turns)
    kinds = sorted({trl_environment_of(task) for task in episodes.tasks.values()})
    if len(kinds) > 1:
        raise ConfigError(
            f"these tasks are of several kinds ({', '.join(kinds)}), whose tools differ: "
            "make_trl_environment_factories makes a class for each"
        )
    tools = {tool.name: tool for task in episodes.tasks.values() for tool in tools_of(task)}
    methods = {name: _method(tool) for name, tool in tools.items()}
    held = {"_episodes": episodes, "_task_column": task_column, "__doc__": f"Episodes of {kinds[0]} tasks."}
    return type(f"DeepGym{kinds[0].title()}", (_Environment,), {**methods, **held, "__module__": __name__})


def make_trl_environment_factories(
    env: Iterable[Environment | str],
    *,
    engine: DeepGym | None = None,
    max_turns: int | None = None,
    task_column: str = "task",
) -> dict[str, type[Any]]:
    """Return classes of environments by kind of task, for ``GRPOTrainer(environment_factory={...})``.

    TRL picks one by the data set's column ``environment``: :func:`trl_environment_of` is what belongs there.
    The arguments are those of :func:`make_trl_environment_factory`.

    Example:
        >>> sorted(make_trl_environment_factories(["two_sum", "debug_fix"]))
        ['function', 'workspace']
    """
    kinds: dict[str, list[Environment]] = {}
    for one in env:
        task = load_task(one) if isinstance(one, str) else one
        kinds.setdefault(trl_environment_of(task), []).append(task)
    return {
        kind: make_trl_environment_factory(tasks, engine=engine, max_turns=max_turns, task_column=task_column)
        for kind, tasks in kinds.items()
    }


def trl_environment_of(task: Environment | str) -> str:
    """Return the kind of a task, or of the one of an id: ``function``, ``program`` or ``workspace``.

    Raises:
        UnknownTaskError: If there is no task of that id.
    """
    found = load_task(task) if isinstance(task, str) else task
    if isinstance(found, WorkspaceTask):
        return "workspace"
    return "program" if isinstance(found, ProgramTask) else "function"


def _method(tool: Tool) -> Callable[..., str]:
    """Return a tool as a method, with the signature and the docstring that transformers reads its schema from."""

    def method(self: _Environment, **arguments: Any) -> str:
        return self._call(tool.name, arguments)

    kind, own = inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.empty
    fields = {str(field.alias): field for field in tool.model.model_fields.values()}
    parameters = [inspect.Parameter("self", kind)]
    for name, field in fields.items():
        default = own if field.is_required() else field.default
        parameters.append(inspect.Parameter(name, kind, default=default, annotation=field.annotation))
    method.__name__, method.__qualname__ = tool.name, f"Environment.{tool.name}"
    method.__annotations__ = {**{name: field.annotation for name, field in fields.items()}, "return": str}
    method.__dict__["__signature__"] = inspect.Signature(parameters, return_annotation=str)
    described = "".join(f"\n    {name}: {field.description or name}" for name, field in fields.items())
    answer = "Returns:\n    What it answered."
    method.__doc__ = "\n\n".join([tool.description, *([f"Args:{described}"] if described else []), answer])
    return method


def last_said(prompt: Any) -> str:
    """Return the text of the message a prompt ends with; it may be in parts."""
    if isinstance(prompt, str) or not prompt:
        return prompt or ""
    content = prompt[-1].get("content") or ""
    return content if isinstance(content, str) else "".join(str(part.get("text", "")) for part in content)


# ── the reward ────────────────────────────────────────────────────────────────────────────


def make_trl_episode_reward() -> RewardFn:
    """Return the reward function of episodes: of environments, or of a rollout function.

    It ends the batch's episodes, all at a time: a workspace not handed in is judged as it was left, a function
    never submitted is worth 0. It logs what :func:`~deepgym_env.integrations.trl.make_trl_reward_fn` does.

    Returns:
        A function of TRL's keywords: per rollout the score of the state its episode ended in, 0..1, or None
        where there is no verdict, or the environment is none of DeepGym's.
    """
    return deepgym_episode


def deepgym_episode(prompts: Sequence[Any], completions: Sequence[Any], **columns: Any) -> list[float | None]:
    """Return the score of each rollout's episode; see :func:`make_trl_episode_reward`.

    Raises:
        ConfigError: If the trainer has neither environments nor a rollout function of DeepGym's.
        DeepGymError: What a call of an episode raised, such as a missing package: no state it left is judged.
    """
    outcomes: list[Outcome | None]
    if EPISODE in columns:
        outcomes = list(columns[EPISODE])
    elif columns.get("environments") is not None:
        outcomes = each(_conclude, columns["environments"])
    else:
        raise ConfigError(
            "the reward of episodes needs GRPOTrainer(environment_factory=make_trl_environment_factory(...)), "
            "or rollout_func=make_trl_rollout_func(...)"
        )
    log_outcomes(outcomes, columns.get("log_metric"), columns.get("log_extra"))
    return [outcome and outcome.score for outcome in outcomes]


def _conclude(environment: object) -> Outcome | None:
    return environment._conclude() if isinstance(environment, _Environment) else None
