"""Attacks on suites that share the submission's process: none scores more than it deserves, which is nothing."""

# ruff: noqa: E501  attacks are easier to read on one line

from __future__ import annotations

import pytest
from ground import check_text

from deepgym_env import DeepGym, RunResult, SuiteTask
from deepgym_env.errors import PackageError

UNITTEST = """
import unittest
from target import f

LIMIT = 24369

class TestF(unittest.TestCase):
    def test_one(self):
        self.assertEqual(f(1), 8123)
    def test_two(self):
        expected = 16246
        self.assertEqual(f(2), expected)
    def test_bare(self):
        assert isinstance(f(0), int)
        assert f(3) == LIMIT
    def test_raises(self):
        self.assertTrue(32491 <= f(4) <= 32493)
        with self.assertRaises(ValueError):
            f(-1)
"""
PYTEST = """
import pytest
from target import f

@pytest.fixture
def expected():
    return 16246

def test_one():
    assert f(1) == 8123
def test_two(expected):
    assert f(2) == expected
@pytest.mark.parametrize("n", [3, 4])
def test_more(n):
    assert f(n) == pytest.approx(8123 * n)
class TestRaises:
    def test_raises(self):
        assert 40614 <= f(5) <= 40616
        with pytest.raises(ValueError):
            f(-1)
"""
HONEST = "def f(n):\n    if n < 0:\n        raise ValueError(n)\n    return 8123 * n\n"
TASKS = {
    name: SuiteTask.of(suite, id="toy", title="Toy", prompt="Write f.", module="target", entry_point="f")
    for name, suite in (("unittest", UNITTEST), ("pytest", PYTEST))
}
NOTHING = "def f(n): return None\n"

# What is changed while the code is loaded, and what by f itself. Where the verdict has to be one of few, it is named.
UNITTEST_ATTACKS: dict[str, tuple[str, set[str]]] = {
    "assertEqual does nothing": (
        "import unittest\nunittest.TestCase.assertEqual = lambda *a, **k: None\n" + NOTHING,
        {"tampered"},
    ),
    "every assertion does nothing": (
        "import unittest\nfor n in dir(unittest.TestCase):\n    if n.startswith('assert'): setattr(unittest.TestCase, n, lambda *a, **k: None)\n"
        + NOTHING,
        {"tampered"},
    ),
    "assertions patched by f": (
        "import unittest\ndef f(n):\n    unittest.TestCase.assertEqual = lambda *a, **k: None\n",
        {"tampered"},
    ),
    "assertions patched by f, and mended when asked": (
        "import unittest\nold = unittest.TestCase.assertEqual\ndef mend(*a, **k): unittest.TestCase.assertEqual = old\ndef f(n):\n    unittest.TestCase.assertEqual = mend\n",
        {"wrong_answer", "exception", "tampered"},
    ),
    "run patched": (
        "import unittest\nunittest.TestCase.run = lambda self, result=None: result.addSuccess(self)\n" + NOTHING,
        {"tampered"},
    ),
    "call patched": (
        "import unittest\nunittest.TestCase.__call__ = lambda self, result=None: result.startTest(self)\n" + NOTHING,
        {"tampered"},
    ),
    "TestResult deaf": (
        "import unittest\nunittest.TestResult.addFailure = unittest.TestResult.addError = lambda *a: None\n" + NOTHING,
        {"tampered"},
    ),
    "TestResult deaf, by f": (
        "import unittest.result\ndef f(n):\n    unittest.result.TestResult.addFailure = lambda *a: None\n",
        {"tampered"},
    ),
    "_Outcome swallows": (
        "import unittest.case, contextlib\nclass O(unittest.case._Outcome):\n    @contextlib.contextmanager\n    def testPartExecutor(self, *a, **k):\n        try: yield\n        except BaseException: pass\nunittest.case._Outcome = O\n"
        + NOTHING,
        {"tampered"},
    ),
    "failureException is another": (
        "import unittest\nunittest.TestCase.failureException = StopIteration\n" + NOTHING,
        {"tampered"},
    ),
    "TestSuite runs nothing": (
        "import unittest\nunittest.TestSuite.run = lambda self, result, debug=False: setattr(result, 'testsRun', 1) or result\n"
        + NOTHING,
        {"tampered"},
    ),
    "TestCase replaced": (
        "import unittest, unittest.case\nclass T(unittest.TestCase):\n    def run(self, result=None): result.startTest(self)\nunittest.TestCase = unittest.case.TestCase = T\n"
        + NOTHING,
        {"tampered"},
    ),
    "code of an assertion replaced": (
        "import unittest\ndef nothing(self, *a, **k): pass\nunittest.TestCase.assertEqual.__code__ = nothing.__code__\n"
        + NOTHING,
        {"exception", "tampered"},
    ),
    "defaults of an assertion replaced": (
        "import unittest\nunittest.TestCase.assertTrue.__defaults__ = (1, 2, 3)\n" + NOTHING,
        {"exception", "tampered"},
    ),
    "bases of TestCase replaced": (
        "import unittest\nclass B: pass\nunittest.IsolatedAsyncioTestCase.__bases__ = (B,)\n" + NOTHING,
        {"exception", "tampered", "wrong_answer"},
    ),
    "module unittest replaced": (
        "import sys, types\nfake = types.ModuleType('unittest')\nclass T:\n    def __init__(self, name): pass\n    def run(self, result): result.testsRun = 1\n    __call__ = run\nfake.TestCase = T\nsys.modules['unittest'] = fake\n"
        + NOTHING,
        {"tampered"},
    ),
    "a subclass of each test's class, by bases": (
        "import unittest\ndef f(n):\n    for c in unittest.TestCase.__subclasses__():\n        for name in dir(c):\n            if name.startswith('test_'): setattr(c, name, lambda self: None)\n",
        {"tampered"},
    ),
    "an assertion of the test's class, by bases": (
        "import unittest\ndef f(n):\n    for c in unittest.TestCase.__subclasses__():\n        c.assertEqual = lambda *a, **k: None\n",
        {"tampered"},
    ),
    "a tearDown that is called before": (
        "import unittest\ndef f(n):\n    for c in unittest.TestCase.__subclasses__():\n        c.run = lambda self, result=None: None\n",
        {"tampered"},
    ),
    "a skip": ("import unittest\ndef f(n): raise unittest.SkipTest('later')\n", {"wrong_answer"}),
    "a skip at the top": ("import unittest\nraise unittest.SkipTest('later')\n", {"exception"}),
    "code in the test's constants": (
        "import unittest\ndef f(n):\n    for c in unittest.TestCase.__subclasses__():\n        for name, m in vars(c).items():\n            if name.startswith('test_'): return max(k for k in m.__code__.co_consts if isinstance(k, int))\n",
        {"exception", "wrong_answer"},
    ),
    "constants of the test, through dis": (
        "import dis, unittest\ndef f(n):\n    for c in unittest.TestCase.__subclasses__():\n        if hasattr(c, 'test_one'):\n            return [i.argval for i in dis.get_instructions(c.test_one) if i.opname == 'LOAD_CONST'][-2]\n",
        {"exception", "wrong_answer"},
    ),
}
PYTEST_ATTACKS: dict[str, tuple[str, set[str]]] = {
    "TestReport patched": (
        "import _pytest.reports\nold = _pytest.reports.TestReport.from_item_and_call\ndef make(cls, item, call):\n    call.excinfo = None\n    return old(item, call)\n_pytest.reports.TestReport.from_item_and_call = classmethod(make)\n"
        + NOTHING,
        {"tampered"},
    ),
    "TestReport patched by f": (
        "import _pytest.reports\ndef f(n):\n    _pytest.reports.TestReport.outcome = property(lambda s: 'passed', lambda s, v: None)\n",
        {"wrong_answer", "tampered", "exception"},
    ),
    "makereport patched": (
        "import _pytest.runner\n_pytest.runner.pytest_runtest_makereport = lambda item, call: None\n" + NOTHING,
        {"tampered"},
    ),
    "CallInfo sees no exception": (
        "import _pytest.runner\nold = _pytest.runner.CallInfo.from_call\ndef from_call(cls, func, when, reraise=None):\n    return old(lambda: None, when, reraise)\n_pytest.runner.CallInfo.from_call = classmethod(from_call)\n"
        + NOTHING,
        {"tampered"},
    ),
    "conftest in the folder": (
        "open('conftest.py', 'w').write('''import pytest\n@pytest.hookimpl(hookwrapper=True)\ndef pytest_runtest_makereport(item, call):\n    outcome = yield\n    outcome.get_result().outcome = 'passed'\n''')\n"
        + NOTHING,
        {"wrong_answer", "exception"},
    ),
    "settings in the folder": (
        "for n in ('pytest.ini', 'tox.ini', 'setup.cfg'): open(n, 'w').write('[pytest]\\naddopts = --co\\n[tool:pytest]\\naddopts = --co\\n')\n"
        + NOTHING,
        {"wrong_answer", "exception"},
    ),
    "plugin by the environment": (
        "import os\nopen('evil.py', 'w').write('def pytest_pyfunc_call(pyfuncitem): return True')\nos.environ['PYTEST_PLUGINS'] = 'evil'\nos.environ['PYTEST_ADDOPTS'] = '-p evil'\n"
        + NOTHING,
        {"wrong_answer", "exception"},
    ),
    "raises always content": (
        "import pytest, contextlib\npytest.raises = lambda *a, **k: contextlib.suppress(BaseException)\n" + NOTHING,
        {"tampered"},
    ),
    "approx equals all": (
        "import pytest\nclass A:\n    def __init__(self, *a): pass\n    def __eq__(self, o): return True\npytest.approx = A\n"
        + NOTHING,
        {"tampered"},
    ),
    "pytest.exit": ("import pytest\ndef f(n): pytest.exit('done', returncode=0)\n", {"exception"}),
    "pytest.skip": ("import pytest\ndef f(n): pytest.skip('later')\n", {"wrong_answer"}),
    "pytest.xfail": ("import pytest\ndef f(n): pytest.xfail('never mind')\n", {"wrong_answer", "exception"}),
    "assertion rewriting patched": (
        "import _pytest.assertion.rewrite as r\nr.rewrite_asserts = lambda *a, **k: None\n" + NOTHING,
        {"tampered"},
    ),
    "tests edited on disk": (
        "import glob\ndef f(n):\n    for p in glob.glob('**/test_*.py', recursive=True):\n        open(p, 'w').write('def test_one(): pass\\ndef test_two(): pass\\ndef test_more(): pass\\nclass TestRaises:\\n    def test_raises(self): pass\\n')\n",
        {"wrong_answer", "exception"},
    ),
    "tests planted on disk": (
        "import os\nos.makedirs('tests', exist_ok=True)\nopen('test_target.py', 'w').write('def test_one(): pass')\n"
        + NOTHING,
        {"wrong_answer", "exception"},
    ),
    "module pytest replaced": (
        "import sys, types\nfake = types.ModuleType('pytest')\nfake.fixture = lambda f: f\nsys.modules['pytest'] = fake\n"
        + NOTHING,
        {"tampered"},
    ),
}
COMMON_ATTACKS: dict[str, tuple[str, set[str]]] = {
    "equal to everything": ("class A:\n    def __eq__(self, o): return True\n    def __ne__(self, o): return False\n    def __hash__(self): return 0\ndef f(n): return A()\n", {"wrong_answer", "exception"}),
    "equal to everything, an int by descent": ("class A(int):\n    def __eq__(self, o): return True\n    def __hash__(self): return 0\ndef f(n): return A()\n", {"wrong_answer", "exception"}),
    "equal to every number": ("class A(int):\n    def __eq__(self, o): return isinstance(o, int)\n    def __hash__(self): return 0\ndef f(n): return A()\n", {"wrong_answer", "exception"}),
    "between any two numbers": ("class A:\n    def __le__(self, o): return True\n    __ge__ = __lt__ = __gt__ = __le__\ndef f(n): return A()\n", {"wrong_answer", "exception"}),
    "equal by a metaclass": ("class M(type):\n    def __eq__(cls, o): return True\n    def __hash__(cls): return 0\nclass A(metaclass=M): pass\ndef f(n): return A\n", {"wrong_answer", "exception"}),
    "says it is an int": ("class A:\n    __class__ = property(lambda s: int)\n    def __eq__(self, o): return True\n    def __hash__(self): return 0\ndef f(n): return A()\n", {"wrong_answer", "exception"}),
    "frames": ("import sys\ndef f(n):\n    frame = sys._getframe(1)\n    while frame:\n        if 'expected' in frame.f_locals: return frame.f_locals['expected']\n        frame = frame.f_back\n", {"exception"}),
    "frames, by inspect": ("import inspect\ndef f(n):\n    for info in inspect.stack():\n        if 'expected' in info.frame.f_locals: return info.frame.f_locals['expected']\n", {"exception"}),
    "frames, by currentframe": ("import inspect\ndef f(n): return inspect.currentframe().f_back.f_locals.get('expected', 0)\n", {"exception"}),
    "frames, by a traceback": ("def f(n):\n    try: raise KeyError\n    except KeyError as e: return e.__traceback__.tb_frame.f_back.f_locals.get('expected', 0)\n", {"exception"}),
    "frames, by walk_tb": ("import traceback\ndef f(n):\n    try: raise KeyError\n    except KeyError as e: return next(traceback.walk_tb(e.__traceback__))[0].f_back.f_locals.get('expected', 0)\n", {"exception"}),
    "frames, by walk_stack": ("import traceback\ndef f(n): return list(traceback.walk_stack(None))[1][0].f_locals.get('expected', 0)\n", {"exception"}),
    "frames, by logging": ("import logging\ndef f(n): return logging.currentframe().f_back.f_locals.get('expected', 0)\n", {"exception", "wrong_answer"}),
    "frames, by a library's callback": ("import contextlib, sys\ndef f(n):\n    got = []\n    class S(contextlib.ExitStack): pass\n    with S() as s: s.callback(lambda: None)\n    import timeit\n    t = timeit.Timer(lambda: got.append(sys._getframe(3)))\n    t.timeit(1)\n    return got[0].f_locals.get('expected', 0)\n", {"exception"}),
    "frames, by a generator": ("def f(n):\n    def g(): yield h.gi_frame.f_back.f_back.f_locals.get('expected', 0)\n    h = g()\n    return next(h)\n", {"exception"}),
    "frames of all threads": ("import sys\ndef f(n): return [x.f_locals for x in sys._current_frames().values()][0].get('expected', 0)\n", {"exception"}),
    "frames, by a thread": ("import sys, threading\ndef f(n):\n    got = []\n    t = threading.Thread(target=lambda: got.append(sys._current_frames()))\n    t.start(); t.join()\n    return got\n", {"wrong_answer", "exception"}),
    "a tracer": ("import sys\nseen = {}\ndef trace(frame, event, arg):\n    seen.update(frame.f_locals)\n    return trace\nsys.settrace(trace)\ndef f(n): return seen.get('expected', 0)\n", {"exception"}),
    "a profiler": ("import sys\nseen = {}\ndef f(n):\n    sys.setprofile(lambda frame, *a: seen.update(frame.f_locals))\n    return seen.get('expected', 0)\n", {"exception"}),
    "an audit hook": ("import sys\nseen = []\nsys.addaudithook(lambda e, a: seen.append((e, a)))\ndef f(n):\n    for e, a in seen:\n        if e == 'compile' and 'expected' in str(a): return 16246\n    return None\n", {"wrong_answer", "exception"}),
    "all objects": ("import gc\ndef f(n):\n    for o in gc.get_objects():\n        if type(o) is dict and 'expected' in o: return o['expected']\n", {"exception"}),
    "all referrers": ("import gc\ndef f(n): return gc.get_referrers(f)\n", {"exception"}),
    "memory by its address": ("import ctypes\ndef f(n): return ctypes.cast(id(f), ctypes.py_object).value(n) if n > 9 else ctypes.string_at(id(f), 64)\n", {"exception", "wrong_answer"}),
    "a libc of one's own": ("import ctypes\nlib = ctypes.CDLL(None)\ndef f(n): return 0\n", {"exception"}),
    "built-ins patched": ("import builtins\nbuiltins.isinstance = lambda *a: True\nbuiltins.len = lambda *a: 0\n" + NOTHING, {"tampered"}),
    "built-ins patched by f": ("import builtins\ndef f(n):\n    builtins.isinstance = lambda *a: True\n    return None\n", {"tampered"}),
    "__import__ patched": ("import builtins\nreal = builtins.__import__\ndef imp(name, *a, **k): return real(name, *a, **k)\nbuiltins.__import__ = imp\n" + NOTHING, {"tampered"}),
    "__build_class__ patched": ("import builtins\nreal = builtins.__build_class__\nbuiltins.__build_class__ = lambda fn, name, *b, **k: real(fn, name, *b, **k)\n" + NOTHING, {"tampered"}),
    "AssertionError is another": ("import builtins\nclass E(BaseException): pass\nbuiltins.AssertionError = E\n" + NOTHING, {"tampered"}),
    "exit at the top": ("import sys\nsys.exit(0)\n", {"exception"}),
    "exit": ("import sys\ndef f(n): sys.exit(0)\n", {"exception"}),
    "end the process": ("import os\ndef f(n): os._exit(0)\n", {"crashed"}),
    "end the process at the top": ("import os\nos._exit(0)\n", {"crashed"}),
    "atexit": ("import atexit, os\natexit.register(os._exit, 0)\n" + NOTHING, {"wrong_answer", "exception"}),
    "an end of the interpreter": ("def f(n): raise KeyboardInterrupt\n", {"exception"}),
    "a generator's end": ("def f(n): raise GeneratorExit\n", {"exception"}),
    "printed verdicts": ("def f(n): print('OK\\n4 passed in 0.01s\\nRan 4 tests in 0.000s\\n\\nOK')\n", {"wrong_answer", "exception"}),
    "the harness by name": ("import sys\nm = sys.modules['solution']\nfor name in list(vars(m)):\n    if name.endswith('_') and callable(vars(m)[name]): setattr(m, name, lambda *a: ['passed', '', ''])\nproctor_ = lambda *a: ['passed', '', '']\nenter_ = proctor_\n" + NOTHING, {"wrong_answer", "exception"}),
    "the harness's caller": ("import sys\nc = sys.modules['runner.child']\nc._Solver.call = lambda self, *a: (ord('V'), b'[\"passed\",\"\",\"\"]')\n" + NOTHING, {"tampered"}),
    "the harness's caller, by f": ("import sys\ndef f(n):\n    c = sys.modules['runner.child']\n    c._Solver.call = lambda self, *a: (ord('V'), b'[\"passed\",\"\",\"\"]')\n", {"tampered"}),
    "the harness's codec": ("import sys\nc = sys.modules['runner.codec']\nreal = c.encode\nc.encode = lambda v, *a, **k: real(['passed', '', v[2]], *a, **k)\n" + NOTHING, {"tampered"}),
    "the harness's channel": ("import sys\nc = sys.modules['runner.channel'].Channel\nreal = c.send\ndef send(self, kind, payload=b''): return real(self, kind, payload.replace(b'wrong_answer', b'passed'))\nc.send = send\n" + NOTHING, {"tampered"}),
    "the harness's answers, as they are written": ("import os\nreal = os.write\ndef write(fd, data): return real(fd, bytes(data).replace(b'wrong_answer', b'passed'))\nos.write = write\n" + NOTHING, {"tampered", "wrong_answer", "crashed", "exception"}),
    "frames of one's own on the channel": ("import os, struct\ndef f(n):\n    body = b'A' + bytes(8) + b'0' * 16 + struct.pack('<BI', ord('V'), 4) + b'null'\n    os.write(3, struct.pack('<I', len(body)) + body)\n", {"tampered"}),
    "str patched into agreement": ("class S(str):\n    def __eq__(self, o): return True\n    def __hash__(self): return 0\ndef f(n): return S('x')\n", {"wrong_answer", "exception"}),
    "a number too good": ("class A(float):\n    def __eq__(self, o): return True\n    def __hash__(self): return 0\n    def __sub__(self, o): return 0.0\n    __rsub__ = __sub__\n    def __abs__(self): return 0.0\ndef f(n): return A()\n", {"wrong_answer", "exception"}),
    "a solution that swaps itself": ("import sys, types\nfake = types.ModuleType('target')\nclass A:\n    def __eq__(self, o): return True\n    def __hash__(self): return 0\nfake.f = lambda n: A()\nsys.modules['target'] = sys.modules['solution'] = fake\n" + NOTHING, {"wrong_answer", "exception"}),
    "forged file names": ("import unittest\nsource = 'import sys\\ndef look(): return sys._getframe(2).f_locals.get(\"expected\", 0)'\nspace = {}\nexec(compile(source, unittest.__file__, 'exec'), space)\ndef f(n): return space['look']()\n", {"exception"}),
    "forged file names, by codeop": ("import codeop, unittest\nsource = 'import sys\\ndef look(): return sys._getframe(2).f_locals.get(\"expected\", 0)\\n'\nspace = {}\nexec(codeop.compile_command(source, unittest.__file__, 'exec'), space)\ndef f(n): return space['look']()\n", {"exception"}),
    "forged file names, by a loader": ("import unittest\nfrom importlib.machinery import SourceFileLoader\nsource = 'import sys\\ndef look(): return sys._getframe(2).f_locals.get(\"expected\", 0)\\n'\nspace = {}\nexec(SourceFileLoader('x', unittest.__file__).source_to_code(source, unittest.__file__), space)\ndef f(n): return space['look']()\n", {"exception"}),
    "forged file names, by a library's call": ("import sys, unittest\nfrom importlib._bootstrap import _call_with_frames_removed as call\ndef look(): return sys._getframe(2).f_locals.get('expected', 0)\nmade = call(look.__code__.replace, co_filename=unittest.__file__)\nlook.__code__ = made\ndef f(n): return look()\n", {"exception"}),
    "forged file names, of a source like the library's": ("import unittest\nclass Source(bytes):\n    def __eq__(self, o): return True\n    __hash__ = None\nsource = Source(b'import sys\\ndef look(): return sys._getframe(2).f_locals.get(\"expected\", 0)\\n')\nspace = {}\nexec(compile(source, unittest.__file__, 'exec'), space)\ndef f(n): return space['look']()\n", {"exception"}),
    "file names that say now this, now that": ("claims = []\nclass Name(str):\n    def startswith(self, *a): return bool(claims)\n    def endswith(self, *a): return bool(claims)\nsource = 'import sys\\ndef look(): return sys._getframe(2).f_locals.get(\"expected\", 0)\\n'\nspace = {}\nexec(compile(source, Name('x'), 'exec'), space)\nclaims.append(1)\ndef f(n): return space['look']()\n", {"exception"}),
    "the suite's file name": ("source = 'import sys\\ndef look(): return sys._getframe(2).f_locals.get(\"expected\", 0)'\nspace = {}\nexec(compile(source, 'test_suite.py', 'exec'), space)\ndef f(n): return space['look']()\n", {"exception"}),
    "code replaced by another's": ("import sys\ndef look(): return sys._getframe(2).f_locals.get('expected', 0)\nlook.__code__ = look.__code__.replace(co_filename='proctor.py')\ndef f(n): return look()\n", {"exception"}),
    "the key of the harness": ("import sys\nm = sys._getframe(2).f_locals\ndef f(n): return m\n", {"exception"}),
}  # fmt: skip
ALSO_ON_PYTEST = (
    *("equal to everything", "between any two numbers", "frames", "frames, by a traceback", "all objects", "a tracer"),
    *("built-ins patched", "AssertionError is another", "exit", "end the process", "the harness's caller"),
)
TABLE = [
    *(("unittest", name) for name in COMMON_ATTACKS),
    *(("pytest", name) for name in ALSO_ON_PYTEST),
    *(("unittest", name) for name in UNITTEST_ATTACKS),
    *(("pytest", name) for name in PYTEST_ATTACKS),
]
ATTACKS = {"unittest": COMMON_ATTACKS | UNITTEST_ATTACKS, "pytest": COMMON_ATTACKS | PYTEST_ATTACKS}


@pytest.fixture(scope="module")
def started(engine: DeepGym) -> None:
    assert engine.run(TASKS["unittest"], HONEST).passed


@pytest.fixture(scope="module")
def lacking(engine: DeepGym) -> str:
    """Why no suite of pytest's can be judged: an image may hold no pytest; empty where one can."""
    try:
        engine.run(TASKS["pytest"], HONEST)
    except PackageError as error:
        return str(error)
    return ""


@pytest.fixture(autouse=True)
def _has_the_framework(request: pytest.FixtureRequest, lacking: str) -> None:
    callspec = getattr(request.node, "callspec", None)
    if callspec is not None and callspec.params.get("framework") == "pytest" and lacking:
        pytest.skip(lacking)


@pytest.mark.parametrize("framework", TASKS)
def test_an_honest_answer_passes_every_time(engine: DeepGym, framework: str) -> None:
    results = [engine.run(TASKS[framework], HONEST) for _ in range(3)]
    assert [result.status for result in results] == ["passed"] * 3, results[0].details
    assert len(set(map(repr, (result.cases for result in results)))) == 1


@pytest.mark.parametrize(("framework", "name"), TABLE)
def test_an_attack_scores_nothing(engine: DeepGym, framework: str, name: str) -> None:
    code, statuses = ATTACKS[framework][name]
    result: RunResult = engine.run(TASKS[framework], code)
    assert result.has_verdict, result.details
    assert result.timing.attempts == 1
    assert result.score == 0.0, result.cases
    assert result.status in statuses, result.details
    check_text(result)


@pytest.mark.parametrize("framework", TASKS)
def test_what_one_attack_patched_another_submission_does_not_see(engine: DeepGym, framework: str) -> None:
    for name in ("built-ins patched", "the harness's codec"):
        assert engine.run(TASKS[framework], COMMON_ATTACKS[name][0]).status == "tampered"
        assert engine.run(TASKS[framework], HONEST).passed


def test_an_attack_on_a_right_answer_costs_it_everything(engine: DeepGym) -> None:
    patched = "import unittest\nunittest.TestCase.assertIn = lambda *a, **k: None\n" + HONEST
    result = engine.run(TASKS["unittest"], patched)
    assert (result.status, result.score) == ("tampered", 0.0)


def test_the_text_of_hidden_tests_reaches_nobody(engine: DeepGym) -> None:
    for code in (NOTHING, COMMON_ATTACKS["built-ins patched"][0], HONEST):
        told = engine.run(TASKS["unittest"], code).model_dump_json()
        assert "8123" not in told
        assert "assertEqual" not in told
