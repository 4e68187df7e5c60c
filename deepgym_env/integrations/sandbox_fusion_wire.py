"""What goes over SandboxFusion's wire, and what it means here.

- :class:`RunCodeRequest`, :class:`RunCodeResponse`: a program to run, and what it came to.
- :class:`SubmitRequest`, :class:`EvalResult`: an answer to a problem of a data set, and its verdict.
- :func:`program_of`, :func:`response_of`: to a program of ours, and back from its result.
- :data:`LANGUAGES_OF`: its names of languages.

Names and values are those of ``sandbox/server`` and ``sandbox/runners/types.py`` of
https://github.com/bytedance/SandboxFusion, and of its clients.
"""

from __future__ import annotations

import base64
import binascii
import signal
from typing import Any, Literal, get_args

from pydantic import BaseModel, Field

from deepgym_env.errors import ConfigError
from deepgym_env.programs import Program, ProgramResult
from deepgym_env.result import CaseResult, RunResult
from deepgym_env.task import File, LanguageName, ProgramLimits

__all__ = [
    "LANGUAGES_OF",
    "EvalResult",
    "RunCodeRequest",
    "RunCodeResponse",
    "SubmitRequest",
    "language_of",
    "program_of",
    "response_of",
    "tests_of",
]

LANGUAGES_OF: dict[str, LanguageName] = {**{name: name for name in get_args(LanguageName)}, "nodejs": "javascript"}
_NOT_HERE = frozenset(
    "R D_ut csharp cuda go_test jest julia junit kotlin_script lean lua perl php pytest python_gpu racket ruby scala "
    "sql swift typescript verilog".split()
)
# Their syntax is checked before they run, but SandboxFusion knows of no compiler: it is the run that fails.
_INTERPRETED: dict[LanguageName, int] = {"python": 1, "javascript": 1, "bash": 2}
_UNLIMITED_MB = 4096
_LEAST_MB = ProgramLimits.model_fields["memory_mb"].metadata[0].ge
_OUTPUT_BYTES = 8 << 20  # SandboxFusion cuts at 1 MiB, and longer outputs can't be right there
_DISK_MB = 256
_COMPILER_CPUS = 4  # a compiler's time is told as it passes, and so many work at once
_LONGEST_SECONDS = 900.0
_FILES = 256
_LONGEST_CODE = 1 << 20


class RunCodeRequest(BaseModel):
    """A program to run.

    Attributes:
        code: Its source.
        language: SandboxFusion's name of its language.
        stdin: What it reads.
        compile_timeout: Seconds its compiler may take.
        run_timeout: Seconds of CPU time it may take, and as many of waiting.
        memory_limit_MB: Memory it may use; 0 or less: as much as is usual.
        files: Contents of files beside it by path, in Base64; None is no file.
        fetch_files: Paths of files it leaves that are wanted.
    """

    code: str = Field(max_length=_LONGEST_CODE)
    language: str = Field(max_length=64)
    stdin: str | None = None
    compile_timeout: float = Field(default=10.0, gt=0, le=_LONGEST_SECONDS)
    run_timeout: float = Field(default=10.0, gt=0, le=_LONGEST_SECONDS)
    memory_limit_MB: int = Field(default=-1, le=1 << 19)
    files: dict[str, str | None] = Field(default_factory=dict, max_length=_FILES)
    fetch_files: list[str] = Field(default_factory=list, max_length=_FILES)


class CommandRunResult(BaseModel):
    """What a compiler or a run came to; ``return_code`` is None where it was ended for its time."""

    status: Literal["Finished", "Error", "TimeLimitExceeded"]
    execution_time: float | None = None
    return_code: int | None = None
    stdout: str | None = None
    stderr: str | None = None


class RunCodeResponse(BaseModel):
    """What a program came to; ``SandboxError`` says nothing of the program."""

    status: Literal["Success", "Failed", "SandboxError"]
    message: str = ""
    compile_result: CommandRunResult | None = None
    run_result: CommandRunResult | None = None
    executor_pod_name: str | None = None
    files: dict[str, str] = Field(default_factory=dict)


class SubmitConfig(BaseModel):
    """Options of a submission; those about prompts are taken and mean nothing here."""

    language: str | None = None
    custom_extract_logic: str | None = None
    provided_data: Any = None


class SubmitRequest(BaseModel):
    """An answer to a problem of a data set."""

    dataset: str = Field(max_length=200)
    id: int | str
    completion: str
    config: SubmitConfig = Field(default_factory=SubmitConfig)


class EvalTestCase(BaseModel):
    """What came of one test."""

    passed: bool
    exec_info: RunCodeResponse
    test_info: dict[str, Any] | None = None


class EvalResult(BaseModel):
    """A verdict; the source of the tests is never in it."""

    id: int | str
    accepted: bool
    extracted_code: str
    full_code: str | None = None
    test_code: str | None = None
    tests: list[EvalTestCase]
    extracted_type: str | None = None
    extra: dict[str, Any] | None = None


def language_of(name: str) -> LanguageName:
    """Return what a language of SandboxFusion's is called here.

    Raises:
        ConfigError: If programs in it can't be run here.

    Example:
        >>> language_of("nodejs")
        'javascript'
    """
    if name in LANGUAGES_OF:
        return LANGUAGES_OF[name]
    what = "can't be run here" if name in _NOT_HERE else "is none that SandboxFusion knows"
    raise ConfigError(f"the language {name!r} {what}: use one of {', '.join(LANGUAGES_OF)}")


def program_of(request: RunCodeRequest) -> Program:
    """Return the program a request means.

    Raises:
        ConfigError: If its language can't be run here, or the contents of a file are no Base64.
        ValueError: If a file's path leads elsewhere, or is the program's own.
    """
    limits = ProgramLimits(
        cpu_seconds=request.run_timeout,
        wall_seconds=request.run_timeout,
        memory_mb=max(request.memory_limit_MB, _LEAST_MB) if request.memory_limit_MB > 0 else _UNLIMITED_MB,
        output_bytes=_OUTPUT_BYTES,
        disk_mb=_DISK_MB,
        compile_cpu_seconds=min(_COMPILER_CPUS * request.compile_timeout, 3600.0),
        compile_wall_seconds=request.compile_timeout,
    )
    files = [File(path, _decoded(path, data)) for path, data in request.files.items() if data is not None]
    return Program(
        language=language_of(request.language),
        code=request.code,
        files=tuple(files),
        limits=limits,
        fetch=tuple(request.fetch_files),
    )


def _decoded(path: str, data: str) -> bytes:
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigError(f"the contents of {path!r} must be Base64: {error}") from error


def response_of(language: LanguageName, result: ProgramResult) -> RunCodeResponse:
    """Return what came of a program as SandboxFusion tells it; no verdict is its ``SandboxError``.

    Times are of the CPU, so that they say something of the program and nothing of the load.
    """
    if not result.has_verdict:
        return RunCodeResponse(status="SandboxError", message=f"no verdict: {result.details}")
    told = "\n".join([*([result.details] if result.details else []), *result.unfetched])
    compiled = None if language in _INTERPRETED else _compiled(result)
    ran = None if compiled is not None and result.status == "syntax_error" else _ran(language, result)
    return RunCodeResponse(
        status="Success" if result.ok else "Failed",
        message=told,
        compile_result=compiled,
        run_result=ran,
        files={file.path: base64.b64encode(file.data).decode("ascii") for file in result.files},
    )


def _compiled(result: ProgramResult) -> CommandRunResult:
    seconds, said = result.timing.compile_cpu_seconds, result.compile_output
    if result.status != "syntax_error":
        return CommandRunResult(status="Finished", execution_time=seconds, return_code=0, stdout="", stderr=said)
    if result.compiler_ended in ("cpu", "wall"):
        return CommandRunResult(status="TimeLimitExceeded", execution_time=seconds, stdout="", stderr=said)
    code = 1 if result.compiler_ended is None else -signal.SIGKILL
    said = said or result.details
    return CommandRunResult(status="Finished", execution_time=seconds, return_code=code, stdout="", stderr=said)


def _ran(language: LanguageName, result: ProgramResult) -> CommandRunResult:
    if result.status == "syntax_error":  # of what needs no compiler
        return CommandRunResult(
            status="Finished",
            execution_time=result.timing.compile_cpu_seconds,
            return_code=_INTERPRETED[language],
            stdout="",
            stderr=result.compile_output or result.details,
        )
    timed_out = result.status == "timeout"
    return CommandRunResult(
        status="TimeLimitExceeded" if timed_out else "Finished",
        execution_time=result.timing.cpu_seconds,
        return_code=None if timed_out else _return_code(result),
        stdout=result.stdout,
        stderr=result.stderr,
    )


def _return_code(result: ProgramResult) -> int:
    """Return a code as Python has it, never 0 unless the program is well."""
    if result.signal is not None:
        return -result.signal
    if result.exit_code or result.ok:
        return result.exit_code or 0
    return -signal.SIGXFSZ if result.status == "output_limit" else -signal.SIGKILL


def tests_of(result: RunResult) -> list[EvalTestCase]:
    """Return the verdict on each test; what is said of a hidden one is what its result says."""
    return [EvalTestCase(passed=case.passed, exec_info=_info_of(case), test_info=_shown(case)) for case in result.cases]


def _info_of(case: CaseResult) -> RunCodeResponse:
    return RunCodeResponse(status="Success" if case.passed else "Failed", message=case.error or case.status)


def _shown(case: CaseResult) -> dict[str, Any]:
    shown = ("id", "public", "score", "status", "input_summary", "expected_summary", "output_summary")
    return case.model_dump(include=set(shown))
