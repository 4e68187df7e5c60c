"""Suites judged in the submission's process: what works of unittest and pytest, and what a verdict says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from deepgym_env import AsyncDeepGym, DeepGym, Limits, SuiteFile, SuiteTask, SuiteTest
from deepgym_env.benchmarks.records import pack, unpack
from deepgym_env.cli.task_views import view_of
from deepgym_env.errors import PackageError, TaskError
from deepgym_env.judge import SuiteJudge, judge_of, packages, suite
from deepgym_env.judge.canaries import draw
from deepgym_env.task.discovery import find_tests, framework_of

UNITTEST = """
import asyncio
import unittest
from unittest.mock import patch
import work

class Base(unittest.TestCase):
    made = 0
    @classmethod
    def setUpClass(cls):
        cls.made += 1
    def setUp(self):
        self.addCleanup(work.log.append, "cleanup")
        work.log.clear()
    def tearDown(self):
        work.log.append("tearDown")

class T(Base):
    def test_fixtures(self):
        self.assertEqual((self.made, work.log), (1, []))
    def test_subtests(self):
        for n in range(3):
            with self.subTest(n=n):
                self.assertEqual(work.double(n), 2 * n)
    def test_patch(self):
        with patch("builtins.print") as printed:
            work.show("x")
        printed.assert_called_once_with("x")
    def test_patch_of_the_module(self):
        with patch("work.double", return_value=7):
            self.assertEqual(work.quadruple(1), 7)
    @unittest.expectedFailure
    def test_expected_failure(self):
        self.assertEqual(work.double(1), 3)
    def test_skips(self):
        if work.double(1) == 2:
            self.skipTest("not today")
    def test_objects(self):
        self.assertEqual(work.Point(1), work.Point(1))
        self.assertNotEqual(work.Point(1), work.Point(2))
    def test_data(self):
        with open("data.txt") as file:
            self.assertEqual(file.read(), "data")
    @unittest.skip("never")
    def test_never(self): pass

class A(unittest.IsolatedAsyncioTestCase):
    async def test_async(self):
        await asyncio.sleep(0)
        self.assertEqual(await work.later(), 4)
"""
WORK = """
log = []
class Point:
    def __init__(self, x): self.x = x
    def __eq__(self, other): return type(other) is Point and other.x == self.x
    def __hash__(self): return hash(self.x)
def double(n): return 2 * n
def quadruple(n): return double(double(n))
def show(text): print(text)
async def later(): return 4
"""


def made(source: str, **fields: Any) -> SuiteTask:
    given = {"id": "toy", "title": "Toy", "prompt": "Write it.", "module": "work", **fields}
    return SuiteTask.of(source, **given)


def statuses(engine: DeepGym, task: SuiteTask, code: str) -> dict[str, str]:
    result = engine.run(task, code)
    assert result.has_verdict, result.details
    return {case.id: case.status for case in result.cases}


TASK = made(UNITTEST, files=(SuiteFile(path="data.txt", text="data", hidden=True),))


def test_what_unittest_has_works(engine):
    assert statuses(engine, TASK, WORK) == {
        **{f"T.{test.id.partition('.')[2]}": "passed" for test in TASK.tests if test.id.startswith("T.")},
        "T.test_skips": "wrong_answer",
        "A.test_async": "passed",
    }


def test_a_wrong_answer_fails_the_tests_that_see_it(engine):
    told = statuses(engine, TASK, WORK.replace("return 2 * n", "return 3 * n"))
    failed = {name for name, status in told.items() if status != "passed"}
    assert failed == {"T.test_subtests", "T.test_expected_failure"} | ({"T.test_skips"} & failed)


def test_tests_are_found_by_reading():
    assert [test.id for test in TASK.tests][:2] == ["T.test_fixtures", "T.test_subtests"]
    assert "T.test_never" not in find_tests(UNITTEST)
    source = "class B(TestCase):\n  def test_b(self): ...\nclass C(B):\n  def test_c(self): ..."
    assert find_tests(source) == ("B.test_b", "C.test_c", "C.test_b")
    assert (framework_of(source), framework_of("def test_a(): ...")) == ("unittest", "pytest")
    assert framework_of("import pytest\n" + source) == "pytest"
    with pytest.raises(TaskError, match="no tests"):
        made("x = 1")
    one = made("class B(TestCase):\n  def test_b(self): ...")
    assert one.tests == (SuiteTest(id="test_b", name="B.test_b"),)


def test_public_tests_tell_what_went_wrong_and_hidden_ones_nothing(engine):
    source = "import unittest, work\nclass T(unittest.TestCase):\n" + "".join(
        f"    def test_{n}(self): self.assertEqual(work.f({n}), {n}77)\n" for n in range(1, 4)
    )
    result = engine.run(made(source, public={"T.test_2"}), "def f(n):\n    print('called')\n    return 'mine'\n")
    shown = {case.id: case for case in result.cases}
    assert [case.id for case in result.cases] == ["test_1", "test_2", "test_3"]
    assert shown["test_2"].error == "AssertionError: 'mine' != 277"
    assert shown["test_2"].stdout == "called\n"
    assert (shown["test_1"].error, shown["test_1"].stdout, shown["test_1"].input_summary) == ("", "", "")
    assert "177" not in result.model_dump_json(exclude={"timing"})
    assert "377" not in result.model_dump_json(exclude={"timing"})


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("def double(:", "syntax_error"),
        ("raise ValueError('no')", "exception"),
        ("x = 1", "exception"),
        ("def f(): return [0] * 10**10", "memory_limit"),
        ("def f():\n    while True: pass", "timeout"),
        ("import time\ndef f(): time.sleep(60)", "timeout"),
        ("import os\ndef f(): os._exit(0)", "crashed"),
        ("def f(): raise RecursionError", "exception"),
    ],
)
def test_every_end_has_its_status(engine, code, status):
    source = "import unittest\nfrom work import f\nclass T(unittest.TestCase):\n    def test(self): f()"
    task = made(source, limits=Limits(cpu_seconds=0.5, wall_seconds=0.5))
    assert engine.run(task, code).status == status


def test_a_test_that_ends_the_process_costs_the_others_nothing(engine):
    source = "import unittest, work\nclass T(unittest.TestCase):\n" + "".join(
        f"    def test_{n}(self): self.assertEqual(work.f({n}), {n})\n" for n in range(4)
    )
    told = statuses(engine, made(source), "import os\ndef f(n): return n if n != 1 else os._exit(0)")
    assert told == {"test_0": "passed", "test_1": "crashed", "test_2": "passed", "test_3": "passed"}


def test_the_submission_is_loaded_before_any_test_is_there(engine):
    code = """
import glob, os, sys, unittest
seen = [c.__name__ for c in unittest.TestCase.__subclasses__() if not c.__module__.startswith("unittest.")]
seen += [name for name in sys.modules if "suite_" in name] + glob.glob("**", recursive=True)
"""
    source = "import unittest, work\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(work.seen, [])"
    assert statuses(engine, made(source), code) == {"test": "passed"}


# As Django's settings do before they are set: asked what it is, it raises.
STAND_IN = """
class Lazy:
    @property
    def __class__(self): raise RuntimeError("not set up")
"""


@pytest.mark.parametrize("at", ["prelude", "code", "suite"])
def test_what_stands_for_something_else_is_not_asked_what_it_is(engine, at):
    source = "import unittest, work\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(work.f(), 1)\n"
    made_there = f"{STAND_IN}\nsettings = Lazy()\n"
    parts = {"prelude": "", "code": "def f(): return 1\n", "suite": source}
    parts[at] = made_there + parts[at]
    task = made(parts["suite"], prelude=parts["prelude"])
    assert statuses(engine, task, parts["code"]) == {"test": "passed"}


def test_a_suite_can_share_the_names_of_the_solution(engine):
    source = "import unittest\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(f(2), math.sqrt(4))"
    task = made(source, names=("f", "math"), entry_point="f")
    assert statuses(engine, task, "import math\ndef f(n): return math.sqrt(2 * n)") == {"test": "passed"}
    assert engine.run(task, "x = 1").status == "exception"
    shadowed = "import math\nf = lambda n: 0\nabs = isinstance = lambda *a: True"
    assert statuses(engine, task, shadowed) == {"test": "wrong_answer"}


def test_what_pytest_has_works(engine):
    source = """
import pytest
import work

@pytest.fixture
def two():
    yield 2
    work.log.append("over")

@pytest.mark.parametrize(("n", "expected"), [(1, 2), (2, 4)])
def test_each(n, expected): assert work.double(n) == expected
def test_fixtures(two, tmp_path, capsys, monkeypatch):
    (tmp_path / "x").write_text("x")
    monkeypatch.setattr(work, "log", [])
    work.show("hello")
    assert capsys.readouterr().out == "hello\\n"
    assert work.double(two) == pytest.approx(4)
class TestGroup:
    def test_raises(self):
        with pytest.raises(TypeError, match="missing"):
            work.double()
@pytest.mark.xfail
def test_known(): assert work.double(1) == 3
@pytest.mark.skipif("True")
def test_left_out(): pass
def test_last(): assert [1, 2] == [work.double(n) for n in (1, 2)]
"""
    told = statuses(engine, made(source), WORK)
    assert told == {
        "test_each": "passed",
        "test_fixtures": "passed",
        "TestGroup.test_raises": "passed",
        "test_known": "passed",
        "test_left_out": "wrong_answer",
        "test_last": "wrong_answer",
    }


def test_a_package_that_is_not_there_is_named():
    task = made(UNITTEST, packages=("no_such_package_anywhere",))

    async def judged() -> None:
        async with AsyncDeepGym(workers=1) as dg:
            await dg.run(task, WORK)

    with pytest.raises(PackageError, match="toy needs no_such_package_anywhere"):
        asyncio.run(judged())


def test_matplotlib_has_its_files_where_every_runner_has_them(engine):
    source = """
import os, unittest, work
class T(unittest.TestCase):
    def test_it(self): self.assertEqual(os.environ["MPLCONFIGDIR"], "/tmp/matplotlib")
"""
    assert engine.run(made(source), WORK).passed


def test_a_package_below_one_that_is_not_there_is_named(engine):
    with pytest.raises(PackageError, match=r"toy needs no_such_package\.below"):
        engine.run(made(UNITTEST, packages=("no_such_package.below",)), WORK)


def test_where_the_look_fails_nothing_is_known(engine, monkeypatch):
    task = made(UNITTEST, packages=("no_such_package_at_all",))
    with monkeypatch.context() as patch:
        patch.setattr(packages, "_LOOK", "def missing(names): raise KeyError")
        assert not engine.run(task, WORK).has_verdict
    with pytest.raises(PackageError, match="toy needs no_such_package_at_all"):
        engine.run(task, WORK)


@pytest.mark.parametrize("flip", [True, False])
def test_a_canary_that_fares_otherwise_makes_the_run_tampered(engine, monkeypatch, flip):
    """The canaries themselves: were one drawn the other way round, an honest answer would be found out."""

    def otherwise(framework: str) -> Any:
        canaries, source = draw(framework)
        wrong = next(canary for canary in canaries if canary.passes == flip)
        return [type(c)(c.name, not c.passes) if c is wrong else c for c in canaries], source

    monkeypatch.setattr(suite.canaries, "draw", otherwise)
    result = engine.run(TASK, WORK)
    assert (result.status, result.score) == ("tampered", 0.0)
    assert len(result.cases) == len(TASK.tests)


def test_the_names_of_canaries_are_drawn_anew():
    (first, _), (second, _) = draw("pytest"), draw("pytest")
    assert not {canary.name for canary in first} & {canary.name for canary in second}
    assert sum(canary.passes for canary in first) == sum(not canary.passes for canary in first) > 10


def test_a_suite_is_stored_and_shown():
    task = made(UNITTEST, files=TASK.files, packages=("numpy",), stub="x = 1", public={"T.test_data"})
    assert unpack(pack(task)) == task
    assert isinstance(judge_of(task), SuiteJudge)
    view = view_of(task)
    assert (view.kind, view.data(task)["trust"]) == ("suite", "in-process")
    assert dict(view.facts(task))["trust"].startswith("in-process")
    assert "assertEqual" not in str(view.data(task))


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"module": "no name"}, "Python names"),
        ({"stub": "def f(:"}, "stub is not valid Python"),
        ({"language": "rust"}, "a suite tests Python"),
    ],
)
def test_a_broken_task_is_refused(fields, match):
    with pytest.raises(ValueError, match=match):
        made(UNITTEST, **fields)


PROGRAMS = {
    "a copy of itself": "import os\ndef f():\n    pid = os.fork()\n    if pid: os.waitpid(pid, 0)\n    return 5",
    "a program": "import subprocess\ndef f(): return len(subprocess.run(['echo', 'four'], capture_output=True).stdout)",
    "Python": "import subprocess, sys\ndef f(): return subprocess.run([sys.executable, '-c', 'exit(5)']).returncode",
    "what PATH finds": "import subprocess\ndef f(): return subprocess.run('exit 5', shell=True).returncode",
    "a server": "import socket\ndef f():\n    with socket.create_server(('127.0.0.1', 8000)) as server:\n"
    "        with socket.create_connection(('127.0.0.1', 8000)): return 5",
    "modes of files": "import os\ndef f():\n    os.close(os.open('/tmp/x', os.O_CREAT))\n"
    "    os.chmod('/tmp/x', 0o500)\n    return os.stat('/tmp/x').st_mode >> 6 & 7",
}


@pytest.mark.parametrize("what", PROGRAMS)
def test_a_suite_may_start(engine, what):
    source = "import unittest\nfrom work import f\nclass T(unittest.TestCase):\n"
    source += "    def test_a(self): self.assertEqual(f(), 5)\n    def test_b(self): self.assertEqual(f(), 5)"
    result = engine.run(made(source), PROGRAMS[what])
    assert (result.status, result.timing.attempts) == ("passed", 1), result.details


def test_submissions_to_suites_share_no_network(engine):
    """Each has a loopback device of its own: what one listens on, another can't reach."""
    code = "import socket\nserver = socket.create_server(('127.0.0.1', 8000))\ndef f(): return server"
    source = "import unittest\nfrom work import f\nclass T(unittest.TestCase):\n    def test(self): f()"
    task = made(source)
    assert [result.status for result in engine.run_batch(task, [f"{code}\n# {n}" for n in range(8)])] == ["passed"] * 8


def test_a_suite_that_needs_no_package_asks_for_none(engine):
    """Where one is mentioned, a process is forked from one that has imported them all, which takes longer."""
    source = "import unittest, work\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(work.f(), [])"
    code = "import sys\ndef f(): return [name for name in sys.modules if name.startswith('num' + 'py')]"
    assert statuses(engine, made(source), code) == {"test": "passed"}
