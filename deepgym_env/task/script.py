"""Tasks whose submissions are judged by a stand-alone verifier.

- :class:`ScriptTask`
"""

from __future__ import annotations

import hashlib
from pathlib import PurePosixPath
from typing import Any

from pydantic import Field, model_validator

from deepgym_env.task.base import LanguageName, SubmissionTask, Test, insist_python
from deepgym_env.task.limits import Limits, ProgramLimits
from deepgym_env.task.workspace import File, insist_inside

__all__ = ["TEST_CASES", "ScriptTask"]

TEST_CASES = "test_cases.json"
_LIMITS = Limits(cpu_seconds=5.0, wall_seconds=10.0, memory_mb=512)
_VERIFIER_LIMITS = ProgramLimits(cpu_seconds=30.0, wall_seconds=60.0, memory_mb=1024, output_bytes=1 << 22)
_TITLE = 80
_TAKEN = ("main", "solution", "verifier")  # names of files without their endings


class ScriptTask(SubmissionTask):
    """A task whose submissions are judged by a stand-alone verifier: any program that prints a verdict.

    The verifier is run as ``verifier.py SOLUTION_PATH [TEST_CASES_PATH]`` and prints JSON such as
    ``{"score": 0.5, "passed": false}``. It runs in a sandbox of its own. The submission runs in another one
    and is reached through the file at ``SOLUTION_PATH``, which can be imported, executed or run as a
    program. ``docs/verifiers.md`` has the protocol.

    Attributes:
        verifier: Source of the verifier; in Python it may also be the body of a function, or define
            ``verify(solution_path, test_cases_path=None)``, that returns a bool, a number or a dict.
        verifier_language: What it is written in.
        files: What lies beside it; ``test_cases.json`` is passed as ``TEST_CASES_PATH``.
        tests: The cases it reports; by default the single test ``verifier``, which has its score.
        limits: What the submission may use in one run of the verifier, or where the verifier runs it as a
            program, in one run of that.
        verifier_limits: What the verifier may use.

    Example:
        >>> task = ScriptTask(prompt="Write add(a, b).", verifier="import solution; return solution.add(1, 2) == 3")
        >>> task.title, [test.id for test in task.tests]
        ('Write add(a, b).', ['verifier'])
    """

    id: str = Field(default="", pattern=r"^([A-Za-z0-9_\-]+/)?[A-Za-z0-9_.\-]+$")
    title: str = ""
    verifier: str
    verifier_language: LanguageName = "python"
    files: tuple[File, ...] = ()
    tests: tuple[Test, ...] = Field(default=(Test(id="verifier"),), min_length=1)
    limits: Limits = _LIMITS
    verifier_limits: ProgramLimits = _VERIFIER_LIMITS

    @model_validator(mode="before")
    @classmethod
    def _named(cls, data: Any) -> Any:
        """Give it an id and a title, where nobody did: the same for the same task."""
        if not isinstance(data, dict) or (data.get("id") and data.get("title")):
            return data
        prompt, verifier = str(data.get("prompt", "")), str(data.get("verifier", ""))
        digest = hashlib.sha256(f"{prompt}\0{verifier}".encode("utf-8", "surrogatepass")).hexdigest()
        lines = [line.strip("# \t") for line in prompt.splitlines()]
        title = next(filter(None, lines), "Custom task")
        title = title if len(title) <= _TITLE else f"{title[: _TITLE - 1]}…"
        return {**data, "id": data.get("id") or f"custom-{digest[:12]}", "title": data.get("title") or title}

    @model_validator(mode="after")
    def _script_consistent(self) -> ScriptTask:
        if not self.verifier.strip():
            raise ValueError("the verifier is empty")
        if self.verifier_language == "python":
            insist_python(verifier=self.verifier)
        insist_inside(self.files)
        for file in self.files:
            first = PurePosixPath(file.path).parts[0]
            if first.partition(".")[0].lower() in _TAKEN or first == ".deepgym":
                raise ValueError(f"a file beside the verifier can't be called {file.path!r}: the name is taken")
        return self

    @property
    def test_cases(self) -> str | None:
        """Name of the file that is passed as ``TEST_CASES_PATH``, if there is one."""
        return next((file.path for file in self.files if file.path == TEST_CASES), None)
