"""The judge of suites: test code of others that needs the submission's own objects, in its process.

Nothing of that process is to be trusted, so much is made of little:

- The submission is loaded first, with no test in its process. The suite comes with the first question.
- A proctor (:mod:`deepgym_env.judge.proctor`), made before the submission was loaded and out of its reach,
  runs one test at a time, as it is asked. It signs what it tells with a key the submission isn't told, and the
  answer carries the question's nonce. Exit codes, printed text and files prove nothing.
- What the tests stand on (built-ins, ``unittest``, the harness) is sealed: a change is ``tampered``
  (:mod:`deepgym_env.judge.seal`). Frames, the garbage collector and the like are refused to the submission
  (:mod:`deepgym_env.judge.guard`), and values that claim to equal everything fail the test they come up in
  (:mod:`deepgym_env.judge.probe`).
- Canaries, tests that must pass and tests that must fail, come among the tests in places drawn each time
  (:mod:`deepgym_env.judge.canaries`). One that fares otherwise makes the whole run ``tampered``.

docs/security.md says what this doesn't stop.

- :class:`SuiteJudge`: a task's suite.
"""

from __future__ import annotations

import ast
import dataclasses
import hashlib
import json
import secrets
from collections.abc import Iterator, Sequence
from typing import Any

from deepgym_env.errors import ConfigError, PackageError
from deepgym_env.judge import canaries, entrance, guard, probe, proctor, pytest_host, seal
from deepgym_env.judge.base import Sandboxes
from deepgym_env.judge.call import CallJudge, Hearing, claim
from deepgym_env.judge.canaries import Canary
from deepgym_env.judge.packages import FOLDER, missing_packages
from deepgym_env.judge.sources import source_of
from deepgym_env.result import CaseResult, RunResult
from deepgym_env.sandbox.execution import Ending, Job
from deepgym_env.sandbox.runner import codec
from deepgym_env.source import parse
from deepgym_env.task import Call, SuiteTask, SuiteTest, Task, TestCase

__all__ = ["SuiteJudge"]

_ENTRY = "proctor_"
_CORE = (
    *("builtins", "unittest", "unittest.case", "unittest.result", "unittest.suite", "unittest.util"),
    *("unittest.async_case", "unittest.mock", "traceback"),
    *("runner.child", "runner.codec", "runner.channel", "runner.wire"),
)
_RELATIONS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
    ast.NotIn: "not in",
    ast.Is: "is",
    ast.IsNot: "is not",
}
_CHECKED = ast.Name("checked_", ast.Load())
_STATUSES = ("passed", "wrong_answer", "exception", "memory_limit", "tampered")


class SuiteJudge:
    r"""A task's suite.

    Example:
        >>> from deepgym_env.task import SuiteTask
        >>> suite = "import unittest\nclass T(unittest.TestCase):\n    def test_a(self): self.assertEqual(f(), 1)"
        >>> test = SuiteTest(id="a", name="T.test_a")
        >>> task = SuiteTask(id="t", title="T", prompt="", suite=suite, names=("f",), tests=(test,))
        >>> SuiteJudge(task).imports
        ('unittest',)
    """

    def __init__(self, task: SuiteTask) -> None:
        """Find what the suite imports, to have it there before the submission is."""
        self.task = task
        own = {task.module, "solution", *(file.path.removesuffix(".py") for file in task.files)}
        self.imports = tuple(name for name in _imported(task.suite) if name.partition(".")[0] not in own)

    async def judge(self, code: str, sandboxes: Sandboxes) -> RunResult:
        """Return the verdict on ``code``.

        Raises:
            PackageError: If the sandbox lacks a package the task needs.
            ConfigError: If it has no folder for the files the task needs.
        """
        await self._insist_on_packages(sandboxes)
        hearing = _SuiteHearing(_Questions(self.task, self.imports), code)
        await hearing.hold(sandboxes, suites=True)
        return hearing.verdict()

    async def _insist_on_packages(self, sandboxes: Sandboxes) -> None:
        with_pytest = self.task.framework == "pytest"
        needed = [*self.task.packages, *(["pytest"] if with_pytest else [])]
        needed += [FOLDER] if with_pytest or self.task.files else []
        missing = await missing_packages(list(dict.fromkeys(needed)), sandboxes)
        if FOLDER in missing:
            raise ConfigError(
                f"{self.task.id} has files, or a suite of pytest's, and the sandbox no folder to write them to: that "
                "takes namespaces, `deepgym doctor` says how to get them"
            )
        if missing:
            raise PackageError(
                f"{self.task.id} needs {', '.join(missing)}, which the sandbox hasn't got: install it where the "
                "sandbox gets its packages from (mode 'local': this Python), or leave out tasks that need it. What may "
                "be imported is listed in deepgym_env.sandbox.bundle.SUITE_PACKAGES; LocalBackend(packages=...) adds"
            )


class _Questions(CallJudge):
    """The tests as questions to the proctor, canaries among them, for one submission."""

    def __init__(self, task: SuiteTask, imports: Sequence[str]) -> None:
        self.key = secrets.token_bytes(16)
        drawn, source = canaries.draw(task.framework)
        self.suite_tests = {test.id: test for test in task.tests}
        self.canaries = {f"{_ENTRY}:{number}": canary for number, canary in enumerate(drawn)}
        self._suite = {
            "source": _with_checks(task.suite),
            "canaries": source,
            "names": list(task.names),
            "files": {file.path: file.text for file in task.files if file.hidden},
        }
        super().__init__(
            Task(
                id=task.id,
                title=task.title,
                prompt=task.prompt,
                entry_point=_ENTRY,
                tests=tuple(_mixed(task.tests, self.canaries)),
                limits=task.limits,
                prelude=_prelude(task, imports, self.key.hex()),
                seed=task.seed,
            )
        )
        self._fixed += f',"held":true,"defines":{json.dumps(task.entry_point or _ENTRY)}'

    def job(self, code: str, first: int, nonces: Sequence[str]) -> Job:
        """Return the questions one stage each, the suite with the first: who knows a nonce knows no other."""
        job = super().job(code, first, nonces)
        stages = [job.stages[0]]
        for number, (question, nonce) in enumerate(zip(self.questions[first:], nonces, strict=True)):
            text = question.text if number else self._first_question(question.test)
            stages.append((1 + number, f'{{"nonces":["{nonce}"],"tests":[{text}]}}'.encode()))
        return dataclasses.replace(job, stages=tuple(stages))

    def _first_question(self, test: TestCase) -> str:
        (call,) = test.calls
        return f"[[{codec.encode([*call.args, self._suite], 1 << 28, in_order=True)},{codec.encode({})}]]"

    def without_canaries(self) -> None:
        """Forget the canaries, which are no tests of the task."""
        self.questions = [question for question in self.questions if question.test.id not in self.canaries]


def _mixed(tests: Sequence[SuiteTest], drawn: dict[str, Canary]) -> Iterator[TestCase]:
    """Yield the tests in their order, each canary in a place drawn for it."""
    chance = secrets.SystemRandom()
    places: list[tuple[float, str, str, bool]] = [
        (float(at), test.id, test.name, test.public) for at, test in enumerate(tests)
    ]
    public = sum(test.public for test in tests)
    for name, canary in drawn.items():
        at = chance.uniform(-1, len(tests))
        places.append((at, name, canary.name, public > 0 and chance.random() < public / len(tests)))
    for _, test_id, name, shown in sorted(places):
        yield TestCase(id=test_id, public=shown, calls=(Call(args=(name,)),))


def _prelude(task: SuiteTask, imports: Sequence[str], key: str) -> str:
    """Return what runs before the submission; its names don't outlive it."""
    given = {
        "key": key,
        "seed": task.seed,
        "module": task.module,
        "names": [f"suite_{secrets.token_hex(4)}" for _ in range(2)],
        "files": {file.path: file.text for file in task.files if not file.hidden},
        "hidden": [file.path for file in task.files if file.hidden],
        "core": _CORE,
        "others": [*imports],
        "imports": [*_CORE, *imports],
    }
    # No name of a package is among these: a process that mentions one is forked from a larger one that has them all.
    parts = {"probe": probe, "guard": guard, "seal": seal, "proctor": proctor}
    if task.framework == "pytest":
        parts["host"] = pytest_host
    sources = {name: source_of(part) for name, part in parts.items()}
    return f"{source_of(entrance)}\n{_ENTRY} = enter_({sources!r}, {given!r})\ndel enter_\n{task.prelude}\n"


class _SuiteHearing(Hearing):
    """A submission's process before the judge, which believes what is signed as long as the canaries agree."""

    def __init__(self, judge: _Questions, code: str) -> None:
        super().__init__(judge, code)
        self._questions = judge

    def _weigh(self, question: Any, outcomes: list[tuple[int, bytes]], printed: bytes) -> CaseResult:
        kind, data = outcomes[0]
        test_id = question.test.id
        if kind != ord("V"):
            return self._told(test_id, *claim(data), printed)
        status, message, signature = codec.build(codec.parse(data.decode()))
        (name,) = question.test.calls[0].args
        told = "\0".join([name, status, message]).encode()
        signed = hashlib.blake2b(told, key=self._questions.key, digest_size=16).hexdigest()
        if status not in _STATUSES or not secrets.compare_digest(signature, signed):
            raise ValueError("an outcome that nobody signed")
        canary = self._questions.canaries.get(test_id)
        if status == "tampered":
            self._tampered(message)
        elif canary is not None and canary.passes != (status == "passed"):
            self._tampered("made tests come out otherwise than they must")
        return self._told(test_id, status, message, printed)

    def _told(self, test_id: str, status: Any, message: str, printed: bytes) -> CaseResult:
        test = self._questions.suite_tests.get(test_id)
        public = test is not None and test.public
        return CaseResult(
            id=test_id,
            passed=status == "passed",
            score=float(status == "passed"),
            status=status,
            public=public,
            input_summary=test.name if test is not None and public else "",
            stdout=printed.decode("utf-8", "replace") if public else "",
            error=message if public else "",
        )

    def end(self, ending: Ending) -> bool:
        """Note how the process ended; at a canary, it is the next test that has to answer for it."""
        rest = self._questions.questions
        while self._refused is None and self._loaded and len(self._cases) < len(rest):
            test_id = rest[len(self._cases)].test.id
            if test_id not in self._questions.canaries:
                break
            self._cases.append(self._told(test_id, "not_run", "", b""))
        return super().end(ending)

    def verdict(self) -> RunResult:
        """Return the result, without the canaries."""
        kept = self._questions.suite_tests
        self._cases = [case for case in self._cases if case.id in kept]
        self._questions.without_canaries()
        return super().verdict()


def _with_checks(suite: str) -> str:
    """Return a suite whose bare asserts and comparisons ask their values what unittest's assertions do."""
    return ast.unparse(_Checks().visit(parse(suite)))


class _Checks(ast.NodeTransformer):
    def visit_Assert(self, node: ast.Assert) -> ast.Assert:
        match node.test:
            case ast.Compare(left=left, ops=[op], comparators=[right]) if node.msg is None:
                relation = ast.Constant(_RELATIONS[type(op)])
                node.test = ast.Call(_CHECKED, [self.visit(left), relation, self.visit(right)], [])
            case ast.Call() | ast.Name() | ast.Attribute() | ast.Subscript():
                self.generic_visit(node)
                node.test = _checked(node.test)
            case _:
                self.generic_visit(node)
        return node

    def visit_Compare(self, node: ast.Compare) -> ast.Compare:
        self.generic_visit(node)
        node.left = _checked(node.left)
        node.comparators = [_checked(other) for other in node.comparators]
        return node


def _checked(value: ast.expr) -> ast.expr:
    return value if isinstance(value, ast.Constant) else ast.Call(_CHECKED, [value], [])


def _imported(suite: str) -> list[str]:
    """Return the modules a suite imports, whatever comes of it."""
    found: dict[str, None] = {}
    for node in ast.walk(parse(suite)):
        if isinstance(node, ast.Import):
            found.update((alias.name, None) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found[node.module] = None
    return list(found)
