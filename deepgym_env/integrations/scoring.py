"""What the trainers' adapters have in common: completions, each of a task of its own, to results.

- :class:`Scorer`
- :func:`text_of`: what a completion says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import load_task
from deepgym_env.engine import Environment
from deepgym_env.envs.shared_engine import HeldEngine
from deepgym_env.errors import ConfigError, UnknownTaskError
from deepgym_env.result import RunResult
from deepgym_env.task import SubmissionTask, WorkspaceTask

__all__ = ["Completion", "Scorer", "Tasks", "text_of"]

Completion = str | Sequence[Mapping[str, Any]]
Tasks = Environment | str | Iterable[Environment | str] | None


class Scorer:
    """Scores batches of completions, each of the task its row names; safe to share between threads.

    Without an engine it shares this process's, which starts with the first batch. It can be pickled, as
    trainers do that send it to other processes, unless it was given an engine.

    Example:
        >>> scorer = Scorer()
        >>> results = scorer(["def reverse_string(s): return s[::-1]", "?"], ["reverse_string", "two_sum"])
        >>> [result.score for result in results]
        [1.0, 0.0]
        >>> scorer.close()
    """

    def __init__(self, env: Tasks = None, engine: DeepGym | None = None) -> None:
        """Score completions of ``env``.

        Args:
            env: One task or id: that of rows that name none. Several: those that rows may name, by id. None:
                rows may name any task there is.
            engine: The engine to use; it is not closed with the scorer.

        Raises:
            UnknownTaskError: If there is no task of an id.
            ConfigError: If a task can't be judged by what one completion says.
        """
        self._env = env if isinstance(env, str | SubmissionTask | WorkspaceTask | None) else list(env)
        self._tasks: dict[str, SubmissionTask] = {}
        for one in _listed(self._env):
            task = _judged_by_text(load_task(one) if isinstance(one, str) else one)
            self._tasks[task.id] = task
            if isinstance(one, str):
                self._tasks[one] = task
        self._open = env is None
        self._default = None if isinstance(self._env, list) else next(iter(self._tasks.values()), None)
        self._held = HeldEngine(engine)

    def __call__(self, completions: Sequence[Completion], tasks: Sequence[str | None] | None = None) -> list[RunResult]:
        """Return the result of each completion, in order.

        Args:
            completions: Texts, or chats whose last message is the answer.
            tasks: The id of each one's task; None for the scorer's own.

        Raises:
            UnknownTaskError: If a row names a task that is not one of the scorer's.
            ConfigError: If a row names none and the scorer has not exactly one.
        """
        return self.engine.run_many(self._rows(completions, tasks))

    async def ascore(
        self, completions: Sequence[Completion], tasks: Sequence[str | None] | None = None
    ) -> list[RunResult]:
        """Do the same without blocking the caller's event loop."""
        return await asyncio.to_thread(self, completions, tasks)

    def task_of(self, name: str | None) -> SubmissionTask:
        """Return the task of a row that names ``name``."""
        if name is None:
            if self._default is None:
                raise ConfigError("a row names no task: give each row the id of its task, or make this for one task")
            return self._default
        task = self._tasks.get(name)
        if task is None:
            if not self._open:
                raise UnknownTaskError(name, self._tasks, f"this was made for {', '.join(self._tasks)}")
            return _judged_by_text(load_task(name))  # not kept: what is in use is kept where it is loaded
        return task

    @property
    def tasks(self) -> tuple[SubmissionTask, ...]:
        """The tasks it was made for, each once."""
        return tuple({id(task): task for task in self._tasks.values()}.values())

    @property
    def engine(self) -> DeepGym:
        """The engine in use.

        Raises:
            ClosedError: If the one that was given is closed.
        """
        return self._held()

    def close(self) -> None:
        """Give back the share in the process's engine; it may be used again all the same."""
        self._held.release()

    def __reduce__(self) -> tuple[type[Scorer], tuple[Tasks]]:
        """Return what another process makes it of: ids of tasks go there, not what they are made of."""
        self._held.__reduce__()  # refuses one with an engine of its own
        return Scorer, (self._env,)

    def _rows(
        self, completions: Sequence[Completion], tasks: Sequence[str | None] | None
    ) -> list[tuple[Environment | str, str]]:
        if isinstance(completions, str):
            raise ConfigError("completions must be a sequence of them, got one str")
        names = [None] * len(completions) if tasks is None else list(tasks)
        if len(names) != len(completions):
            raise ConfigError(f"got {len(completions)} completions and {len(names)} tasks: one each is needed")
        known = {name: self.task_of(name) for name in dict.fromkeys(names)}
        return [(known[name], text_of(said)) for name, said in zip(names, completions, strict=True)]


def _listed(env: Tasks) -> Iterable[Environment | str]:
    if env is None:
        return ()
    return (env,) if isinstance(env, str | SubmissionTask | WorkspaceTask) else env


def text_of(completion: Completion) -> str:
    """Return what a completion says: a text itself, of a chat the last message of the assistant.

    Example:
        >>> text_of([{"role": "assistant", "content": "first"}, {"role": "assistant", "content": "last"}])
        'last'
    """
    if isinstance(completion, str):
        return completion
    said = [message.get("content") for message in completion if message.get("role") == "assistant"]
    return _plain(said[-1]) if said else ""


def _plain(content: Any) -> str:
    """Return a message's content as text; it may be a list of parts."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else ()
    return "".join(str(part.get("text", "")) for part in parts if isinstance(part, Mapping))


def _judged_by_text(task: Environment) -> SubmissionTask:
    if not isinstance(task, SubmissionTask):
        raise ConfigError(
            f"{task.id} is a workspace, not answered by one completion: use an adapter of episodes, or gym.make"
        )
    return task
