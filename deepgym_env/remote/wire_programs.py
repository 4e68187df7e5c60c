"""The REST API's messages about programs, the sandbox and audits, version 1.

- :class:`ProgramRequest`, :class:`ProgramResults`: a program to run on inputs, and what its runs came to.
- :class:`IsolationReport`: what stands between a submission and the machine; :class:`Languages`.
- :class:`AuditRequest`: a task to attack.
- :data:`Base64`: bytes in JSON.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field, PlainSerializer, WithJsonSchema

from deepgym_env.programs import Program, ProgramResult, ProgramStatus, ProgramTiming
from deepgym_env.remote.wire import MAX_ITEMS, Answer, Message, Tasks
from deepgym_env.sandbox import Isolation, IsolationLevel, Layer
from deepgym_env.task import File, LanguageName, ProgramLimits

__all__ = [
    "AuditRequest",
    "Base64",
    "IsolationReport",
    "Languages",
    "LayerReport",
    "ProgramFile",
    "ProgramOutcome",
    "ProgramRequest",
    "ProgramResults",
    "ProgramSource",
]


def _decoded(value: object) -> object:
    """Return what base64 means; bytes are what they are."""
    if not isinstance(value, str):
        return value
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"must be base64: {error}") from error


Base64 = Annotated[
    bytes,
    BeforeValidator(_decoded),
    PlainSerializer(lambda data: base64.b64encode(data).decode()),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
"""Bytes, in base64 where they are sent."""


class ProgramFile(Message):
    """A file beside a program's source."""

    path: str = Field(max_length=4096)
    data: Base64 = Field(description="What it holds, in base64.", examples=["aGVsbG8K"])
    executable: bool = False

    @classmethod
    def of(cls, file: File) -> ProgramFile:
        """Return a file as it goes over the wire."""
        return cls(path=file.path, data=file.data, executable=file.executable)

    def file(self) -> File:
        """Return the file this is."""
        return File(self.path, self.data, self.executable)


class ProgramSource(Message):
    """A stand-alone program."""

    language: LanguageName
    code: str = Field(examples=["name = input()\nprint(f'Hello, {name}')\n"])
    files: list[ProgramFile] = Field(default_factory=list, max_length=1000)
    args: list[str] = Field(default_factory=list, max_length=1000)
    limits: ProgramLimits = Field(default_factory=ProgramLimits, description="What a run may use.")
    fetch: list[str] = Field(
        default_factory=list, max_length=1000, description="Paths of files it may leave, to be sent back."
    )

    def program(self) -> Program:
        """Return the program this is."""
        return Program(
            language=self.language,
            code=self.code,
            files=tuple(file.file() for file in self.files),
            args=tuple(self.args),
            limits=self.limits,
            fetch=tuple(self.fetch),
        )


class ProgramRequest(Message):
    """A program to compile once and run on each input."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"program": {"language": "python", "code": "print('Hello,', input())\n"}, "stdins": ["eW91Cg=="]}
            ]
        }
    )

    program: ProgramSource
    stdins: list[Base64] = Field(
        default_factory=lambda: [b""],
        min_length=1,
        max_length=MAX_ITEMS,
        description="What each run reads from standard input, in base64.",
        examples=[["eW91Cg=="]],
    )

    @classmethod
    def of(cls, program: Program, stdins: Sequence[bytes]) -> ProgramRequest:
        """Return a program and its inputs as they go over the wire."""
        source = ProgramSource(
            language=program.language,
            code=program.code,
            files=[ProgramFile.of(file) for file in program.files],
            args=list(program.args),
            limits=program.limits,
            fetch=list(program.fetch),
        )
        return cls(program=source, stdins=list(stdins))


class ProgramOutcome(Answer):
    """What one run of a program came to; see :class:`~deepgym_env.programs.ProgramResult`."""

    status: ProgramStatus
    has_verdict: bool = Field(description="False after an infrastructure failure: the program was not run.")
    stdout: str
    stderr: str
    exit_code: int | None
    signal: int | None
    truncated: bool
    compile_output: str
    compiler_ended: str | None
    files: list[ProgramFile]
    unfetched: list[str]
    details: str
    timing: ProgramTiming

    @classmethod
    def of(cls, result: ProgramResult) -> ProgramOutcome:
        """Return a result as it goes over the wire."""
        return cls.model_validate(
            {
                **dict(result),
                "has_verdict": result.has_verdict,
                "files": [ProgramFile.of(file) for file in result.files],
            }
        )

    def result(self) -> ProgramResult:
        """Return the result this is of."""
        fields = {name: value for name, value in self if name not in ("has_verdict", "files")}
        return ProgramResult(**fields, files=tuple(file.file() for file in self.files))


class ProgramResults(Answer):
    """What the runs came to, in the order of the inputs."""

    results: list[ProgramOutcome]


class Languages(Answer):
    """Languages programs may be in."""

    languages: dict[LanguageName, str | None] = Field(
        description="The version of each one's toolchain; null where the sandbox has none.",
        examples=[{"python": "3.11.2", "java": None}],
    )


class LayerReport(Answer):
    """One layer of isolation."""

    name: str
    active: bool
    purpose: str
    reason: str = Field(description="Why it is not in force.")
    remedy: str = Field(description="How to get it.")


class IsolationReport(Answer):
    """What stands between a submission and the machine, as `deepgym doctor` says it."""

    level: IsolationLevel
    layers: list[LayerReport]
    python: str = Field(description="Version of the sandbox's interpreter.")
    missing_modules: list[str] = Field(description="Modules it was to hold and doesn't.")
    mode: str = Field(description="Where sandboxes run.")
    workers: int = Field(description="Sandboxes side by side.")

    @classmethod
    def of(cls, isolation: Isolation, *, mode: str, workers: int) -> IsolationReport:
        """Return what is in force, as it goes over the wire."""
        return cls(
            level=isolation.level,
            layers=[LayerReport.model_validate(layer, from_attributes=True) for layer in isolation.layers],
            python=isolation.python,
            missing_modules=list(isolation.missing_modules),
            mode=mode,
            workers=workers,
        )

    def isolation(self) -> Isolation:
        """Return the isolation this is of."""
        layers = tuple(Layer(**dict(layer)) for layer in self.layers)
        return Isolation(layers, self.python, tuple(self.missing_modules))


class AuditRequest(Message):
    """A task to attack."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"environment": "reverse_string", "strategies": ["exit"]}]}
    )

    environment: str = Field(max_length=512, description="A task's id, or the name of one in `tasks`.")
    seed: int = Field(default=0, ge=0, lt=2**63, description="Seed the task's tests are drawn with.")
    tasks: Tasks
    strategies: list[str] = Field(
        default_factory=list, max_length=256, description="Strategies or families; empty: all.", examples=[["exit"]]
    )
    mutants: bool = Field(default=False, description="Also: which small faults do the tests miss?")
    most_mutants: int | None = Field(default=None, ge=1, description="At most so many mutants, drawn.")
    runs: int = Field(default=3, ge=2, le=20, description="Runs that look for flaky verdicts.")


AuditAnswer = dict[str, Any]
"""What ``deepgym audit --json`` prints: the report, signs of weak tests, and the mutation score if it was asked for."""
