"""The REST API's messages: what clients send and the server answers, version 1.

- :class:`RunRequest`, :class:`BatchRequest`, :class:`JobRequest`: submissions to judge.
- :class:`Verdict`: a :class:`~deepgym_env.result.RunResult` as JSON; :class:`BatchResponse`.
- :class:`EnvironmentSummary`, :class:`EnvironmentDetails`: tasks there are.
- :class:`Job`, :class:`Jobs`, :class:`JobResults`: batches that are judged while nobody waits.
- :class:`Problem`: what went wrong (RFC 9457).
- :class:`Message`, :class:`Answer`: what the others derive from.
- :data:`MAX_ITEMS`, :data:`MAX_TEXT`: how much one request may hold; :data:`Tasks`: tasks by value.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from deepgym_env.result import CaseResult, RunResult, RunStatus, Timing

__all__ = [
    "MAX_ITEMS",
    "MAX_TEXT",
    "Answer",
    "BatchRequest",
    "BatchResponse",
    "EnvironmentDetails",
    "EnvironmentSummary",
    "Item",
    "Job",
    "JobRequest",
    "JobResult",
    "JobResults",
    "JobStatus",
    "Jobs",
    "Message",
    "Page",
    "Problem",
    "RunRequest",
    "Tasks",
    "Verdict",
]

MAX_ITEMS = 10_000
MAX_TEXT = 1 << 24

JobStatus = Literal["queued", "running", "succeeded", "cancelled"]
"""A job succeeds once every item has an answer, which may be that there is no verdict."""

Tasks = Annotated[
    dict[str, str],
    Field(
        default_factory=dict,
        max_length=256,
        description="Tasks the server doesn't have, as `deepgym_env.benchmarks.records.to_text` writes them, by a "
        "name of your own; items name them as their environment.",
    ),
]


def _not_too_long(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise ValueError(f"must be no longer than {MAX_TEXT} characters, got {len(text)}")
    return text


# What a model writes may hold halves of characters, which a length checked by pydantic itself doesn't let pass.
_Text = Annotated[str, AfterValidator(_not_too_long), Field(json_schema_extra={"maxLength": MAX_TEXT})]


class Message(BaseModel):
    """What a client sends: a field that isn't known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """What the server answers: a client takes fields of a newer server's for nothing."""

    model_config = ConfigDict(frozen=True)


_EXAMPLE: dict[str, Any] = {
    "environment": "reverse_string",
    "completion": "def reverse_string(s):\n    return s[::-1]\n",
}


class Item(Message):
    """One submission."""

    environment: str = Field(
        max_length=512, description="A task's id, or the name of one in `tasks`.", examples=["coin_change"]
    )
    completion: _Text = Field(
        description="Code, or text with the code in its last fenced block.",
        examples=["def coin_change(coins, amount):\n    return -1\n"],
    )
    seed: int = Field(default=0, ge=0, lt=2**63, description="Seed the task's tests are drawn with.")


class RunRequest(Item):
    """One submission to judge now."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    tasks: Tasks


class BatchRequest(Message):
    """Submissions to judge now, each of a task of its own; equal ones are run once."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"items": [_EXAMPLE, {**_EXAMPLE, "environment": "palindrome_check"}]}]}
    )

    items: list[Item] = Field(min_length=1, max_length=MAX_ITEMS)
    tasks: Tasks


class JobRequest(BatchRequest):
    """Submissions to judge while nobody waits."""

    name: str = Field(default="", max_length=256, pattern="^[^\\x00]*$", description="For people.")


class Verdict(Answer):
    """What one submission came to.

    Attributes:
        task_id: The task.
        status: ``passed``, what the first test that failed came to, or why nothing ran.
        has_verdict: False after an infrastructure failure, which is no verdict: then ``score`` is null.
        passed: Whether every test passed.
        score: Mean over the tests, 0..1.
        cases: One per test, in the task's order; expected values of public ones only.
        reward_components: ``correctness`` and what else the task measures, each 0..1.
        details: One sentence for a person.
        seed: Seed the tests were drawn with.
        timing: What it cost; no part of the verdict.
    """

    task_id: str
    status: RunStatus
    has_verdict: bool
    passed: bool
    score: float | None
    cases: tuple[CaseResult, ...]
    reward_components: dict[str, float]
    details: str
    seed: int
    timing: Timing

    @classmethod
    def of(cls, result: RunResult) -> Verdict:
        """Return a result as it goes over the wire."""
        return cls(**dict(result), has_verdict=result.has_verdict, passed=result.passed, score=result.score)

    def result(self) -> RunResult:
        """Return the result this is of."""
        return RunResult(**{name: getattr(self, name) for name in RunResult.model_fields})


class BatchResponse(Answer):
    """Verdicts, in the order of the items."""

    results: list[Verdict]


class EnvironmentSummary(Answer):
    """A task there is, in a list."""

    id: str
    title: str
    kind: str = Field(description="`function`, `program`, `script`, `suite` or `workspace`.")
    difficulty: str | None = Field(description="null where nobody said.")
    tags: list[str]
    tests: int
    public_tests: int


class EnvironmentDetails(EnvironmentSummary):
    """A task there is: what an agent may know of it."""

    prompt: str
    language: str | None = Field(description="What it is answered in; null for a workspace.")
    tools: list[dict[str, Any]] = Field(description="The tools of an episode, in the OpenAI format.")
    max_turns: int
    source: str
    license: str
    seed: int = Field(description="Seed its tests are drawn with.")
    fingerprint: str | None = Field(
        description="SHA-256 of the whole task as `deepgym_env.benchmarks.records.to_text` writes it, or of its folder "
        "if it can't be written: who has a task of the same fingerprint has the same task. null if there is no telling."
    )


class Page(Answer):
    """Tasks there are, a page at a time."""

    environments: list[EnvironmentSummary]
    total: int
    next: str | None = Field(description="The `after` of the next page; null on the last one.")


class Job(Answer):
    """A batch that is judged while nobody waits."""

    id: str
    name: str
    status: JobStatus
    total: int
    done: int
    without_verdict: int
    created: datetime
    finished: datetime | None


class Jobs(Answer):
    """Jobs there are, the newest first, a page at a time."""

    jobs: list[Job]
    next: str | None = Field(description="The `after` of the next page; null on the last one.")


class JobResult(Answer):
    """The verdict on one item of a job."""

    position: int
    verdict: Verdict


class JobResults(Answer):
    """Verdicts in the order of the items, up to the first that is still to come, a page at a time."""

    results: list[JobResult]
    next: int | None = Field(
        description="The `after` of the next page; null once nothing more will come. The same as before when there "
        "is nothing yet: ask again later."
    )


class Problem(Answer):
    """What went wrong, as RFC 9457 has it (`application/problem+json`)."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[Mapping[str, Any]] = Field(default_factory=list, description="Fields that are wrong.")
