"""A taskset of verifiers (v1): tasks answered by one submission, with a reward per test.

- ``DeepGymTaskset``: yields the tasks a ``DeepGymConfig`` names.
- ``DeepGymTask``, ``DeepGymData``: one of them.

They derive from verifiers' classes and are made when first asked for, so that this module can be imported
without it. Verifiers finds a taskset by the name of a top-level module: make one that exports it::

    from deepgym_env.integrations.verifiers import DeepGymTaskset

    __all__ = ["DeepGymTaskset"]

An infrastructure failure raises verifiers' ``SandboxError``: the trace records it, has no reward, and is
done again by ``--resume``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

from pydantic import Field

from deepgym_env.catalog import task_ids
from deepgym_env.integrations.scoring import Scorer
from deepgym_env.optional import require

__all__: list[str] = []

_NAMES = ("DeepGymConfig", "DeepGymData", "DeepGymTask", "DeepGymTaskset")


def __getattr__(name: str) -> Any:
    """Return one of the classes that derive from verifiers'."""
    if name in _NAMES:
        return getattr(_classes(), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


@functools.cache
def _scorer() -> Scorer:
    """Return what judges all traces of this process."""
    return Scorer()


@functools.cache
def _classes() -> SimpleNamespace:
    """Return the classes that derive from verifiers', by name."""
    vf = require("verifiers.v1", "the verifiers taskset", "verifiers")

    class DeepGymConfig(vf.TasksetConfig):  # type: ignore[misc, name-defined]
        """Which tasks: ids, as ``load_environment`` takes them; none for all built-in functions."""

        tasks: list[str] = Field(default_factory=list)

    class DeepGymData(vf.TaskData):  # type: ignore[misc, name-defined]
        """A task by its id; its tests stay with the judge."""

        task: str

    class DeepGymTask(vf.Task[DeepGymData]):  # type: ignore[misc, name-defined]
        """Judges a trace's last reply."""

        @property
        def key(self) -> str:
            """The task's id."""
            return str(self.data.task)

        @vf.reward  # type: ignore[untyped-decorator]
        async def tests(self, trace: Any) -> dict[str, float]:
            """Return each test's share of the score by its id: together they are the score, 0..1.

            The metrics ``score``, ``passed`` and ``component:...`` go to the trace beside them.

            Raises:
                SandboxError: verifiers', if there is no verdict.
            """
            (result,) = await _scorer().ascore([trace.last_reply], [self.data.task])
            if not result.has_verdict:
                raise vf.SandboxError(f"no verdict on {self.data.task}: {result.details}")
            trace.record_metric("score", result.score)
            trace.record_metric("passed", float(result.passed))
            for name, value in result.reward_components.items():
                trace.record_metric(f"component:{name}", value)
            return {case.id: case.score / len(result.cases) for case in result.cases}

    class DeepGymTaskset(vf.Taskset[DeepGymTask, DeepGymConfig]):  # type: ignore[misc, name-defined]
        """The tasks of a list of ids, in its order."""

        def load(self) -> Iterator[Any]:
            """Yield the tasks.

            Raises:
                UnknownTaskError: If there is no task of an id.
                ConfigError: If one is a workspace.
            """
            for name in self.config.tasks or task_ids("function"):
                task = _scorer().task_of(name)
                data = DeepGymData(id=task.id, name=task.title, prompt=task.prompt, task=task.id)
                yield DeepGymTask(data, self.config.task)

    made = (DeepGymConfig, DeepGymData, DeepGymTask, DeepGymTaskset)
    return SimpleNamespace(**{each.__name__: each for each in made})
