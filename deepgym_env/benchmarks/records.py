"""Tasks as data: as bytes for the store, as text for files that people pass on.

- :func:`pack`, :func:`unpack`: a task to bytes and back; neither runs anything.
- :func:`to_text`, :func:`from_text`: a task to JSON and back, which may be a stranger's.

Values go through the codec that crosses the sandbox's wall, so types are kept exactly. Tasks of another
kind get another entry in the two tables.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from deepgym_env.benchmarks.compression import compress, decompress
from deepgym_env.benchmarks.plus_oracles import CHECKS
from deepgym_env.errors import TaskError
from deepgym_env.sandbox.runner import codec
from deepgym_env.task import (
    AnyTask,
    AssertionTask,
    Call,
    CodeTest,
    Comparison,
    Equivalent,
    File,
    Limits,
    ProgramLimits,
    ProgramTask,
    ScriptTask,
    SessionLimits,
    StateTest,
    StdioComparison,
    StdioTest,
    SuiteFile,
    SuiteTask,
    SuiteTest,
    Task,
    Test,
    TestCase,
    WorkspaceTask,
)
from deepgym_env.task.base import problems_in

__all__ = ["from_text", "pack", "to_text", "unpack"]

_LARGEST = 1 << 30
_LONG = 1 << 14  # of an expected value's text: from here on it is kept as text
_TEXT = "deepgym: the text of a value"
_BY_TEXT = ("exact", "equal", "close")
_DESCRIBED = ("id", "title", "prompt", "reference", "difficulty", "tags", "seed", "source", "license")
_PLAIN = (*_DESCRIBED, "entry_point", "prelude")
_SCRIPT = (*_DESCRIBED, "floor", "language", "verifier", "verifier_language")
_WORKSPACE = (*_DESCRIBED, "setup", "support", "service", "check", "max_turns")
_SUITE = (*_PLAIN, "floor", "suite", "framework", "module", "names", "packages", "stub")


def pack(task: AnyTask) -> bytes:
    """Return a task as bytes.

    Raises:
        TaskError: If it is of a kind that can't be stored, or holds what is no plain data.
    """
    return compress(to_text(task).encode())


def unpack(data: bytes) -> AnyTask:
    """Return the task bytes hold.

    Raises:
        Exception: Of any kind, if they are no task's.
    """
    return _made(json.loads(decompress(data)))


def to_text(task: AnyTask) -> str:
    """Return a task as JSON.

    Raises:
        TaskError: If it is of a kind that can't be stored, or holds what is no plain data.
    """
    for kind, (made, to_record, _) in _KINDS.items():
        if isinstance(task, made):
            try:
                return codec.encode([kind, to_record(task)], _LARGEST, in_order=True)
            except codec.CodecError as error:
                raise TaskError(f"{task.id}: {error}; a stored task must be plain data") from error
    raise TaskError(f"{task.id}: tasks of the kind {type(task).__name__} can't be stored")


def from_text(text: str, trusted: bool = False) -> AnyTask:
    """Return the task a text holds, which may be anybody's: every part of it is checked, and nothing is run.

    Args:
        text: The text.
        trusted: Whether a workspace keeps its scripted agent, which checks, audits and demonstrations of the
            task run in this process.

    Raises:
        TaskError: If it is no task's.

    Example:
        >>> from deepgym_env import load_task
        >>> from_text(to_text(load_task("fizzbuzz"))) == load_task("fizzbuzz")
        True
    """
    try:
        task = _made(codec.parse(text))
        if isinstance(task, WorkspaceTask):
            return task if trusted else task.model_copy(update={"reference": None})
        return _checked(task) if isinstance(task, Task) else task
    except ValidationError as error:
        raise TaskError(f"no task: {problems_in(error)}") from error
    except Exception as error:  # text that is anything upsets whatever reads it first
        raise TaskError(f"no task ({type(error).__name__}: {error})") from error


def _made(tree: Any) -> AnyTask:
    kind, record = codec.build(tree)
    made: AnyTask = _KINDS[kind][2](record)
    return made


def _checked(task: Task) -> Task:
    """Return a task with its tests checked, which :func:`_function` takes as they are."""
    tests = tuple(
        TestCase(id=test.id, public=test.public, calls=tuple(_checked_call(call) for call in test.calls))
        for test in task.tests
    )
    return Task(**{**dict(task), "tests": tests})


def _checked_call(call: Call) -> Call:
    if isinstance(call.expected, codec.Encoded):
        codec.parse(call.expected.text)
    return Call(**dict(call))


def _function_record(task: Task) -> dict[str, Any]:
    names = [name for name, check in CHECKS.items() if check is task.check]
    if task.check is not None and not names:
        raise TaskError(f"{task.id}: a stored task can't have a checker of its own")
    if any(test.budget is not None for test in task.tests):
        raise TaskError(f"{task.id}: a stored task can't have budgets of queries")
    comparisons = list(dict.fromkeys(_text(c.comparison) for test in task.tests for c in test.calls if c.comparison))
    numbers = {text: number for number, text in enumerate(comparisons)}

    def call_record(call: Call) -> list[Any]:
        number = None if call.comparison is None else numbers[_text(call.comparison)]
        return [list(call.args), dict(call.kwargs), _kept(task, call), call.view, number]

    return {
        **{name: getattr(task, name) for name in _PLAIN},
        "check": names[0] if names else None,
        "comparison": _text(task.comparison),
        "comparisons": comparisons,
        "limits": _text(task.limits),
        "floor": task.floor,
        "tests": [[test.id, test.public, [call_record(call) for call in test.calls]] for test in task.tests],
    }


def _kept(task: Task, call: Call) -> Any:
    """Return an expected value as it is stored: a long one that is compared by its text, as that text."""
    if (call.comparison or task.comparison).kind not in _BY_TEXT:
        return call.expected
    text = codec.encode(call.expected, _LARGEST)
    return (_TEXT, text) if len(text) > _LONG else call.expected


def _expected(kept: Any) -> Any:
    return codec.Encoded(kept[1]) if type(kept) is tuple and kept[:1] == (_TEXT,) else kept


def _function(record: dict[str, Any]) -> Task:
    comparisons = [Comparison.model_validate_json(text) for text in record["comparisons"]]

    def call(args: list[Any], kwargs: dict[str, Any], expected: Any, view: Any, number: int | None) -> Call:
        how = None if number is None else comparisons[number]
        return Call.model_construct(
            args=tuple(args), kwargs=kwargs, expected=_expected(expected), view=view, comparison=how
        )

    # Checked when they were stored; doing so again would take most of the time.
    tests = tuple(
        TestCase.model_construct(id=name, public=public, calls=tuple(call(*each) for each in calls))
        for name, public, calls in record["tests"]
    )
    return Task(
        **{name: record[name] for name in _PLAIN},
        check=CHECKS[record["check"]] if record["check"] else None,
        comparison=Comparison.model_validate_json(record["comparison"]),
        limits=Limits.model_validate_json(record["limits"]),
        floor=record["floor"],
        tests=tests,
    )


def _assertion_record(task: AssertionTask) -> dict[str, Any]:
    return {
        **{name: getattr(task, name) for name in (*_PLAIN, "floor", "support")},
        "limits": _text(task.limits),
        "tests": [[test.id, test.public, test.code] for test in task.tests],
    }


def _assertion(record: dict[str, Any]) -> AssertionTask:
    return AssertionTask(
        **{name: record[name] for name in (*_PLAIN, "floor", "support")},
        limits=Limits.model_validate_json(record["limits"]),
        tests=tuple(CodeTest(id=name, public=public, code=code) for name, public, code in record["tests"]),
    )


def _script_record(task: ScriptTask) -> dict[str, Any]:
    return {
        **{name: getattr(task, name) for name in _SCRIPT},
        "limits": _text(task.limits),
        "verifier_limits": _text(task.verifier_limits),
        "files": [[file.path, file.data, file.executable] for file in task.files],
        "tests": [[test.id, test.public] for test in task.tests],
    }


def _script(record: dict[str, Any]) -> ScriptTask:
    return ScriptTask(
        **{name: record[name] for name in _SCRIPT},
        limits=Limits.model_validate_json(record["limits"]),
        verifier_limits=ProgramLimits.model_validate_json(record["verifier_limits"]),
        files=tuple(_file(*each) for each in record["files"]),
        tests=tuple(Test(id=name, public=public) for name, public in record["tests"]),
    )


def _file(path: Any, data: Any, executable: Any) -> File:
    if type(path) is not str or type(data) is not bytes or type(executable) is not bool:
        raise TaskError(f"a file is a path, its bytes and whether it may be run, got {path!r}")
    return File(path, data, executable)


def _workspace_record(task: WorkspaceTask) -> dict[str, Any]:
    return {
        **{name: getattr(task, name) for name in _WORKSPACE},
        "limits": _text(task.limits),
        "files": [[file.path, file.data, file.executable] for file in task.files],
        "equivalents": [equivalent.model_dump() for equivalent in task.equivalents],
        "tests": [[test.id, test.public, test.title] for test in task.tests],
    }


def _workspace(record: dict[str, Any]) -> WorkspaceTask:
    return WorkspaceTask(
        **{name: record[name] for name in _WORKSPACE},
        limits=SessionLimits.model_validate_json(record["limits"]),
        files=tuple(_file(*each) for each in record["files"]),
        equivalents=tuple(Equivalent(**each) for each in record["equivalents"]),
        tests=tuple(StateTest(id=name, public=public, title=title) for name, public, title in record["tests"]),
    )


def _program_record(task: ProgramTask) -> dict[str, Any]:
    return {
        **{name: getattr(task, name) for name in (*_DESCRIBED, "floor", "language")},
        "references": dict(task.references),
        "rejected": {language: list(codes) for language, codes in task.rejected.items()},
        "comparison": _text(task.comparison),
        "limits": _text(task.limits),
        "tests": [[test.id, test.public, test.stdin, test.expected, list(test.accepted)] for test in task.tests],
    }


def _program(record: dict[str, Any]) -> ProgramTask:
    return ProgramTask(
        **{name: record[name] for name in (*_DESCRIBED, "floor", "language", "references", "rejected")},
        comparison=StdioComparison.model_validate_json(record["comparison"]),
        limits=ProgramLimits.model_validate_json(record["limits"]),
        tests=tuple(
            StdioTest(id=name, public=public, stdin=stdin, expected=expected, accepted=tuple(accepted))
            for name, public, stdin, expected, accepted in record["tests"]
        ),
    )


def _suite_record(task: SuiteTask) -> dict[str, Any]:
    return {
        **{name: getattr(task, name) for name in _SUITE},
        "limits": _text(task.limits),
        "files": [[file.path, file.text, file.hidden] for file in task.files],
        "tests": [[test.id, test.public, test.name] for test in task.tests],
    }


def _suite(record: dict[str, Any]) -> SuiteTask:
    return SuiteTask(
        **{name: record[name] for name in _SUITE},
        limits=Limits.model_validate_json(record["limits"]),
        files=tuple(SuiteFile(path=path, text=text, hidden=hidden) for path, text, hidden in record["files"]),
        tests=tuple(SuiteTest(id=test_id, public=public, name=name) for test_id, public, name in record["tests"]),
    )


def _text(model: Comparison | Limits | StdioComparison | ProgramLimits | SessionLimits) -> str:
    return json.dumps(model.model_dump(exclude_defaults=True), sort_keys=True)


_KINDS: dict[str, tuple[type, Callable[[Any], dict[str, Any]], Callable[[dict[str, Any]], AnyTask]]] = {
    "function": (Task, _function_record, _function),
    "assertion": (AssertionTask, _assertion_record, _assertion),
    "script": (ScriptTask, _script_record, _script),
    "program": (ProgramTask, _program_record, _program),
    "suite": (SuiteTask, _suite_record, _suite),
    "workspace": (WorkspaceTask, _workspace_record, _workspace),
}
