"""Tasks that are a program to write.

- :class:`ProgramTask`: tested by running it: standard input, and what it should print (:class:`StdioTest`).
- :class:`StdioComparison`: how what it printed is held against what it should.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from deepgym_env.task.base import Frozen, LanguageName, SubmissionTask, Test
from deepgym_env.task.limits import ProgramLimits

__all__ = ["ProgramTask", "StdioComparison", "StdioTest"]

_CALLED: dict[LanguageName, str] = {
    "python": "Python 3",
    "bash": "Bash",
    "c": "C",
    "cpp": "C++",
    "javascript": "JavaScript (Node.js)",
    "java": "Java",
    "rust": "Rust",
    "go": "Go",
}


class StdioComparison(Frozen):
    """How what a program printed is compared.

    Attributes:
        kind: ``lines`` (line by line; white space at the end of a line doesn't count, nor do empty lines at
            the end); ``tokens`` (word by word, whatever white space is between them); ``float`` (the same,
            numbers within a tolerance; two whole numbers must be equal); ``decimal`` (line by line without
            white space around; a line of numbers may have them written otherwise, ``1.0`` for ``1``).
        rel_tol: Relative tolerance of ``float``.
        abs_tol: Absolute tolerance of ``float``.
        ignore_case: Whether ``YES`` is ``yes``.
    """

    kind: Literal["lines", "tokens", "float", "decimal"] = "lines"
    rel_tol: float = Field(default=1e-9, ge=0)
    abs_tol: float = Field(default=1e-9, ge=0)
    ignore_case: bool = False


class StdioTest(Test):
    """One run of a program.

    Attributes:
        stdin: What it reads from standard input.
        expected: What it should write to standard output; known to the judge alone.
        accepted: Other outputs that are right as well.
    """

    stdin: str = ""
    expected: str
    accepted: tuple[str, ...] = ()


class ProgramTask(SubmissionTask):
    r"""A stand-alone program to write, in any language: it reads standard input and writes standard output.

    The prompt always ends with what language that is in and how the program reads and writes: it is
    added to the one given, and follows the language (:meth:`in_language`).

    Attributes:
        tests: The tests, in the order of the reward vector.
        comparison: How outputs are compared.
        limits: What one run of it may use, and its compiler.
        references: Sources of correct programs by language; ``reference`` is the one in the task's.
        rejected: Sources of programs known to be wrong, by language, to check the tests with.

    Example:
        >>> task = ProgramTask(
        ...     id="double",
        ...     title="Double",
        ...     prompt="Read a number and print twice as much.",
        ...     tests=(StdioTest(id="two", stdin="2\n", expected="4\n", public=True),),
        ... )
        >>> task.in_language("cpp").prompt.splitlines()[-1]
        'Write a complete C++ program. It reads from standard input and writes to standard output.'
    """

    kind: ClassVar[str] = "program"
    tests: tuple[StdioTest, ...] = Field(min_length=1)
    comparison: StdioComparison = StdioComparison()
    limits: ProgramLimits = ProgramLimits()
    references: Mapping[LanguageName, str] = Field(default_factory=dict)
    rejected: Mapping[LanguageName, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _language_told(cls, given: Any) -> Any:
        if not isinstance(given, Mapping):
            return given
        given = dict(given)
        language, prompt = given.get("language", "python"), given.get("prompt")
        if language in _CALLED and isinstance(prompt, str) and _note(language) not in prompt:
            given["prompt"] = f"{prompt.rstrip()}\n\n{_note(language)}\n".lstrip()
        references = given.get("references") or {}
        if given.get("reference") is None and isinstance(references, Mapping):
            given["reference"] = references.get(language)
        elif isinstance(references, Mapping):
            given["references"] = {**references, language: given["reference"]}
        return given

    @model_validator(mode="after")
    def _can_be_passed(self) -> ProgramTask:
        for test in self.tests:
            for text in (test.expected, *test.accepted):
                size = len(text.encode("utf-8", "surrogatepass"))
                if size > self.limits.output_bytes:
                    raise ValueError(
                        f"test {test.id!r} expects {size} bytes of output, which is more than a program may write: "
                        f"raise limits.output_bytes (now {self.limits.output_bytes})"
                    )
        return self

    @property
    def public_tests(self) -> tuple[StdioTest, ...]:
        """The tests an agent may see."""
        return tuple(test for test in self.tests if test.public)

    def in_language(self, language: LanguageName) -> ProgramTask:
        """Return the same task for programs in another language.

        Raises:
            ValueError: If there is no such language.
        """
        if language not in _CALLED:
            raise ValueError(f"language must be one of {', '.join(_CALLED)}, got {language!r}")
        prompt = self.prompt.replace(_note(self.language), _note(language))
        return self.model_copy(
            update={"language": language, "prompt": prompt, "reference": self.references.get(language)}
        )


def _note(language: LanguageName) -> str:
    return f"Write a complete {_CALLED[language]} program. It reads from standard input and writes to standard output."
