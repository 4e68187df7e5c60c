"""What every kind of task is made of.

- :class:`Test`: one entry of the reward vector.
- :class:`Described`: what a task says of itself.
- :class:`SubmissionTask`: a task answered by one piece of code, tested as its kind has it.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from deepgym_env.source import parse

__all__ = ["TEST_ID", "Described", "Difficulty", "Frozen", "LanguageName", "SubmissionTask", "Test", "insist_python"]

LanguageName = Literal["python", "bash", "c", "cpp", "javascript", "java", "rust", "go"]
Difficulty = Literal["easy", "medium", "hard"]
TEST_ID = r"^[A-Za-z0-9_.:\-]+$"
_TASK_ID = r"^([A-Za-z0-9_\-]+/)?[A-Za-z0-9_.\-]+$"


class Frozen(BaseModel):
    """Data that does not change once it is made; no field is made up."""

    model_config = ConfigDict(frozen=True, extra="forbid", arbitrary_types_allowed=True)


class Test(Frozen):
    """One entry of the reward vector.

    Attributes:
        id: Stable, unique within the task.
        public: Whether the agent may see it.
    """

    __test__ = False  # not a pytest class

    id: str = Field(pattern=TEST_ID)
    public: bool = False


class Described(Frozen):
    """What every task says of itself.

    Attributes:
        tests: The tests, in the order of the reward vector.
        id: Name, also the last part of the Gymnasium id.
        title: A few words for lists.
        prompt: What the agent reads, in Markdown.
        reference: Source of a correct solution; never shown to an agent.
        difficulty: ``easy``, ``medium`` or ``hard``; None where nobody said.
        tags: Topics.
        seed: Seed the tests were drawn with.
        source: Where the task comes from.
        license: Its licence.
    """

    id: str = Field(pattern=_TASK_ID)
    title: str
    prompt: str
    reference: str | None = None
    difficulty: Difficulty | None = "medium"
    tags: tuple[str, ...] = ()
    seed: int = 0
    source: str = ""
    license: str = "Apache-2.0"
    tests: tuple[Test, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _tests_told_apart(self) -> Described:
        ids = [test.id for test in self.tests]
        if len(set(ids)) != len(ids):
            raise ValueError(f"test ids must be unique, got {ids}")
        return self

    @property
    def public_tests(self) -> tuple[Test, ...]:
        """The tests an agent may see."""
        return tuple(test for test in self.tests if test.public)


class SubmissionTask(Described):
    """A task answered by one piece of code, judged as a whole each time it is submitted.

    Attributes:
        language: What the code is written in.
        floor: The best score of an answer that does nothing but say the same thing to everything,
            0..1, where it is known; :func:`~deepgym_env.judge.floor.floor_of` finds it out.
        kind: What lists call tasks of its kind.
    """

    kind: ClassVar[str] = "function"
    language: LanguageName = "python"
    floor: float | None = Field(default=None, ge=0, le=1)


def insist_python(**sources: str) -> None:
    """Refuse sources that are no Python.

    Raises:
        ValueError: If one isn't; the message names it.
    """
    for name, code in sources.items():
        try:
            parse(code)
        except SyntaxError as error:
            raise ValueError(f"{name} is not valid Python: {error}") from error
