"""What the trainers' adapters have in common: completions, each of a task of its own, to results.

- :class:`Scorer`
- :func:`text_of`: what a completion says.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import load_task
from deepgym_env.engine import AsyncDeepGym, Environment
from deepgym_env.envs.shared_engine import Lease, lease_engine
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
        several = not isinstance(env, str | SubmissionTask | WorkspaceTask | None)
        self._tasks: dict[str, SubmissionTask] = {}
        for one in _listed(env):
            task = _judged_by_text(load_task(one) if isinstance(one, str) else one)
            self._tasks[task.id] = task
            if isinstance(one, str):
                self._tasks[one] = task
        self._open = env is None
        self._default = None if several else next(iter(self._tasks.values()), None)
        self._engine = engine
        self._given = engine is not None
        self._lease: Lease | None = None
        self._lock = threading.Lock()

    def __call__(self, completions: Sequence[Completion], tasks: Sequence[str | None] | None = None) -> list[RunResult]:
        """Return the result of each completion, in order.

        Args:
            completions: Texts, or chats whose last message is the answer.
            tasks: The id of each one's task; None for the scorer's own.

        Raises:
            UnknownTaskError: If a row names a task that is not one of the scorer's.
            ConfigError: If a row names none and the scorer has not exactly one.
        """
        rows = self._rows(completions, tasks)
        return self.engine.call(lambda engine: _run(engine, rows))

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
            task = self._tasks[name] = _judged_by_text(load_task(name))
        return task

    @property
    def tasks(self) -> tuple[SubmissionTask, ...]:
        """The tasks it was made for, each once."""
        return tuple({id(task): task for task in self._tasks.values()}.values())

    @property
    def engine(self) -> DeepGym:
        """The engine in use."""
        with self._lock:
            if self._engine is None or self._engine.closed:
                if self._given:
                    raise ConfigError("the engine this was made with is closed: make it with an open one")
                self._lease = lease_engine(self)
                self._engine = self._lease.engine
            return self._engine

    def close(self) -> None:
        """Give back the share in the process's engine; it may be used again all the same."""
        with self._lock:
            lease, self._lease = self._lease, None
            if not self._given:
                self._engine = None
        if lease is not None:
            lease.release()

    def __getstate__(self) -> dict[str, Any]:
        """Return what another process needs."""
        if self._given:
            raise TypeError("a scorer with an engine of its own can't be pickled: make it without `engine`")
        return {**self.__dict__, "_engine": None, "_lease": None, "_lock": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take it over."""
        self.__dict__.update(state, _lock=threading.Lock())

    def _rows(
        self, completions: Sequence[Completion], tasks: Sequence[str | None] | None
    ) -> list[tuple[SubmissionTask, str]]:
        if isinstance(completions, str):
            raise ConfigError("completions must be a sequence of them, got one str")
        names = [None] * len(completions) if tasks is None else list(tasks)
        if len(names) != len(completions):
            raise ConfigError(f"got {len(completions)} completions and {len(names)} tasks: one each is needed")
        return [(self.task_of(name), text_of(said)) for name, said in zip(names, completions, strict=True)]


async def _run(engine: AsyncDeepGym, rows: Sequence[tuple[SubmissionTask, str]]) -> list[RunResult]:
    groups: dict[int, list[int]] = {}
    for number, (task, _) in enumerate(rows):
        groups.setdefault(id(task), []).append(number)
    batches = await asyncio.gather(
        *(engine.run_batch(rows[numbers[0]][0], [rows[n][1] for n in numbers]) for numbers in groups.values())
    )
    results: dict[int, RunResult] = {}
    for numbers, batch in zip(groups.values(), batches, strict=True):
        results.update(zip(numbers, batch, strict=True))
    return [results[number] for number in range(len(rows))]


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
