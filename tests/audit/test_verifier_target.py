"""Stand-alone verifiers: the protocol, the entry point, the examples in a task's text."""

from __future__ import annotations

import pytest

from deepgym_env import File
from deepgym_env.audit import Scored, VerifierTarget
from deepgym_env.audit.knowledge import key_of
from deepgym_env.audit.verifier_source import entry_point_of, examples_in, knowledge_of_verifier
from deepgym_env.audit.verifier_target import read_verdict
from deepgym_env.errors import ConfigError

VERDICTS = {
    '{"score": 0.5, "passed": false}': (0.5, False),
    '{"score": 1}': (1.0, True),
    '{"score": 0.5, "passed": true}': (0.5, True),
    '{"passed": true}': (1.0, True),
    '{"passed": false, "score": null}': (0.0, False),
    '{"score": 7}': (1.0, True),
    '{"score": -1}': (0.0, False),
    '{"score": NaN, "passed": true}': (1.0, True),
    '{"score": true}': (0.0, False),
    "0.25": (0.25, False),
    "1.0": (1.0, True),
    "true": (1.0, True),
    "False": (0.0, False),
    'first\n{"score": 1.0}\n\n': (1.0, True),
}


@pytest.mark.parametrize("text", VERDICTS)
def test_the_last_line_is_the_verdict_whatever_the_exit_code(text):
    for code in (0, 1):
        scored = read_verdict(text, code)
        assert (scored.score, scored.passed) == VERDICTS[text]


@pytest.mark.parametrize("text", ["", "all good", '{"result": 1}', "[1.0]", "null", "{", "[" * 100_000])
def test_without_a_verdict_the_exit_code_is_one(text):
    assert read_verdict(text, 0) == Scored(1.0, True, "exit code 0")
    assert read_verdict(text, 3) == Scored(0.0, False, "exit code 3")


def test_it_runs_as_people_run_it(dg):
    source = """
import sys, helper
space = {}
exec(open(sys.argv[1]).read(), space)
print(helper.half(space["f"](4) == 16))
"""
    beside = [File("helper.py", b"def half(good): return 0.5 * good")]
    target = VerifierTarget(dg, source, files=beside)
    assert target.knowledge.entry_point == "f"
    scores = target.score(["def f(x): return x * x", "def f(x): return x", "raise ValueError"])
    assert [scored.score for scored in scores] == [0.5, 0.0, 0.0]


def test_a_verifier_that_runs_out_of_time_gives_no_points(dg):
    target = VerifierTarget(dg, "import sys\nwhile True: pass", entry_point="f", seconds=0.3)
    assert target.score(["x = 1"]) == [Scored(0.0, False, "the verifier was ended: cpu")]


def test_progress_is_told(dg):
    seen = []
    target = VerifierTarget(dg, "print(1.0)", entry_point="f")
    target.score(["a = 1", "a = 2"], progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]


def test_names_that_are_taken_are_refused(dg):
    with pytest.raises(ConfigError, match=r"must not be called verifier\.py or solution\.py: \['solution\.py'\]"):
        VerifierTarget(dg, "print(1.0)", entry_point="f", files=[File("solution.py", b"")])


ENTRIES = {
    "from solution import add\nprint(add(1, 2) == 3)": "add",
    "import solution\nprint(solution.add(1, 2) == 3)": "add",
    "ns = {}\nexec(open('x').read(), ns)\nprint(ns['add'](1, 2) == 3)": "add",
    "ns = {}\nexec(open('x').read(), ns)\nf = ns.get('add')\nprint(f(1, 2))": "add",
    "exec(open('x').read())\nassert add(1, 2) == 3": "add",
    "import importlib.util as u\nspec = u.spec_from_file_location('s', 'x')\nm = u.module_from_spec(spec)\n"
    "spec.loader.exec_module(m)\nprint(getattr(m, 'add')(1, 2))": "add",
    "TEST = 'from solution import add; assert add(1, 2) == 3'\nimport os\nos.system(TEST)": "add",
    "def check(f): return f(1, 2) == 3\nfrom solution import add\nprint(check(add))": "add",
}


@pytest.mark.parametrize("source", ENTRIES)
def test_the_entry_point_is_read_from_the_source(source):
    assert entry_point_of(source) == ENTRIES[source]


def test_the_entry_point_may_stand_in_the_task():
    assert entry_point_of("print(1.0)", "Write a function `add(a, b)`.") == "add"
    assert entry_point_of("print(1.0)", "```python\ndef add(a, b):\n```") == "add"


def test_what_says_nothing_is_refused_with_the_remedy():
    with pytest.raises(ConfigError, match="--entry-point"):
        entry_point_of("print(1.0)")
    with pytest.raises(ConfigError, match="not valid Python"):
        entry_point_of("print(")
    with pytest.raises(ConfigError, match="must be a Python name, got 'a b'"):
        knowledge_of_verifier("print(1.0)", entry_point="a b")


EXAMPLES = {
    "add(1, 2) == 3": [([1, 2], "3")],
    "`add([1], 'a')` -> `[1, 'a']`.": [([[1], "a"], "[1, 'a']")],
    ">>> add(1, 2)\n3\n>>> add(0, 0)\n0": [([1, 2], "3"), ([0, 0], "0")],
    "add(a=1, b=2) returns {'x': (1, 2)} for all": [([1, 2], "{'x': (1, 2)}")],
    "assert add((1, 2)) == True": [([(1, 2)], "True")],
    "add(x, y) is a sum; readd(1, 2) == 3; add(1": [],
}


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_are_read_from_a_task(text):
    found = [(example.key, example.expected) for example in examples_in(text, "add")]
    assert found == [(key_of(args), expected) for args, expected in EXAMPLES[text]]


def test_names_of_files_helpers_and_tests_are_known_but_no_answers():
    source = "def same(a, b): return a == b\ndef test_add(): assert same(add(1, 2), 3)\nopen('out/result.json')\n"
    known = knowledge_of_verifier(source, entry_point="add")
    assert (known.files, known.helpers, known.tests) == (("out/result.json",), ("same", "test_add"), ("test_add",))
    assert known.examples == ()
