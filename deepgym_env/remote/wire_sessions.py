"""The REST API's messages about episodes of many turns, version 1.

- :class:`StartSession`, :class:`ResetSession`: what an episode is of.
- :class:`SessionState`, :class:`SessionSummary`, :class:`SessionList`: those under way.
- :class:`StepRequest`, :class:`StepAnswer`: a turn.
- :class:`SnapshotName`: an episode as it was; :class:`TaskSource`, :class:`TaskFields`: which task.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from deepgym_env.remote.wire import Answer, Message

__all__ = [
    "ResetSession",
    "SessionList",
    "SessionState",
    "SessionSummary",
    "SnapshotName",
    "StartSession",
    "StepAnswer",
    "StepRequest",
    "TaskFields",
    "TaskSource",
]

_Seed = Annotated[int, Field(ge=0, lt=2**63)]


class TaskFields(Message):
    """Which task, if any: one the server has, by id and seed, or one it doesn't, by value."""

    environment: str | None = Field(default=None, max_length=512, description="A task's id.", examples=["debug_fix"])
    task: str | None = Field(
        default=None,
        description="A task the server doesn't have, as `deepgym_env.benchmarks.records.to_text` writes it.",
    )
    seed: _Seed = Field(default=0, description="Seed the task's tests are drawn with; a task by value has its own.")

    @property
    def names_one(self) -> bool:
        """Whether it names a task, and not two."""
        return (self.environment is None) != (self.task is None)


class TaskSource(TaskFields):
    """Which task."""

    @model_validator(mode="after")
    def _names_one(self) -> TaskSource:
        if not self.names_one:
            raise ValueError("give either `environment`, a task's id, or `task`, a task by value")
        return self


class StartSession(TaskSource):
    """An episode to begin."""

    max_turns: int | None = Field(
        default=None, ge=1, le=10_000, description="Steps after which it is truncated; by default what the task says."
    )
    dense: bool = Field(default=False, description="Judge a workspace after every turn, not only at the end.")


class ResetSession(Message):
    """Begin anew."""

    seed: _Seed | None = Field(default=None, description="Seed of the tests; by default what it was.")


class StepRequest(Message):
    """A turn to take. Sent again under the same `step_id`, it is answered again and not taken again."""

    step_id: str = Field(
        min_length=1, max_length=128, description="A name of your own, new for every step of an episode."
    )
    action: str | dict[str, Any] = Field(
        description="What the model wrote, or a tool call or chat message.",
        examples=[{"name": "bash", "arguments": {"command": "ls"}}],
    )


class StepAnswer(Answer):
    """What a turn came to.

    Attributes:
        step_id: The step.
        observation: What its calls answered.
        reward: The change of each test's score, -1..1.
        score: Mean over the tests of the state judged last, 0..1; null without a verdict.
        terminated: Whether the task is solved or submitted.
        truncated: Whether the episode is cut off: by its turns, or by an infrastructure failure.
        returned: Sum of the rewards so far, test by test: the result of the state judged last.
        info: Of the state judged last; `has_verdict` is false after an infrastructure failure, which is no verdict.
    """

    step_id: str
    observation: str
    reward: list[float]
    score: float | None
    terminated: bool
    truncated: bool
    returned: list[float]
    info: dict[str, Any]


class SessionSummary(Answer):
    """An episode under way, in a list.

    Attributes:
        id: Its id, which nobody can guess.
        task_id: The task.
        seed: Seed its tests were drawn with.
        turn: Steps taken.
        max_turns: Steps after which it is truncated.
        score: Mean over the tests of the state judged last, 0..1; null without a verdict.
        terminated: Whether the task is solved or submitted.
        truncated: Whether it is cut off.
        expires_in: Seconds without a request after which it is ended.
    """

    id: str
    task_id: str
    seed: int
    turn: int
    max_turns: int
    score: float | None
    terminated: bool
    truncated: bool
    expires_in: float


class SessionState(SessionSummary):
    """An episode under way.

    Attributes:
        observation: What was shown last: at first the prompt.
        info: Of the state judged last.
        tools: The tools an agent has, in the OpenAI format.
        returned: Sum of the rewards so far, test by test.
        snapshots: Ids of those that are kept, oldest first.
    """

    observation: str
    info: dict[str, Any]
    tools: list[dict[str, Any]]
    returned: list[float]
    snapshots: list[str]

    def summary(self) -> SessionSummary:
        """Return what a list has of it."""
        return SessionSummary(**{name: getattr(self, name) for name in SessionSummary.model_fields})


class SessionList(Answer):
    """Your episodes under way, oldest first."""

    sessions: list[SessionSummary]


class SnapshotName(Message):
    """An episode or a workspace as it was."""

    snapshot: str = Field(max_length=64)
