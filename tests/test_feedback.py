from __future__ import annotations

import pytest

from deepgym_env.feedback import feedback

SECRET = "s3cr3t"


@pytest.fixture
def task(make_task):
    return make_task((("open",), "answer"), ((SECRET,), f"{SECRET}-answer"), ((SECRET * 2,), SECRET))


def test_success_is_said_briefly(engine, make_task):
    assert feedback(engine.run(make_task(((1,), 1)), "def f(x): return x")) == "All 1 tests passed."


def test_public_failures_are_told_in_full_and_hidden_ones_counted(engine, task):
    text = feedback(engine.run(task, "def f(x):\n    print('saw', x)\n    return x"))
    assert text.splitlines()[0] == "Public tests: 0 of 1 passed. Hidden tests: 0 of 2 passed."
    assert "Test t0: wrong answer" in text
    for part in ("call: f('open')", "expected: 'answer'", "returned: 'open'", "printed: saw open"):
        assert part in text
    assert SECRET not in text
    assert "t1" not in text


def test_a_hidden_failure_alone_tells_no_more_than_a_count(engine, task):
    text = feedback(engine.run(task, "def f(x):\n    if x == 'open': return 'answer'\n    raise ValueError(x)"))
    assert text == "Public tests: 1 of 1 passed. Hidden tests: 0 of 2 passed."


def test_an_error_names_type_and_line(engine, task):
    text = feedback(engine.run(task, "def f(x):\n    return x + 1"))
    assert "error: TypeError: " in text
    assert "(line 2)" in text


@pytest.mark.parametrize(
    ("code", "parts"),
    [
        ("", ["no code", "fenced"]),
        ("def f(x) return", ["syntax error", "line 1"]),
        ("import no_such_module", ["No test was run", "no_such_module", "line 1"]),
        ("x = 1", ["No test was run", "defines no function 'f'"]),
        ("import os; os._exit(1)", ["No test was run", "crashed"]),
        ("#" * ((1 << 20) + 1), ["No test was run", "output limit", "longer than"]),
    ],
    ids=["nothing", "syntax", "import", "name", "crash", "length"],
)
def test_why_no_test_ran_is_said(engine, task, code, parts):
    text = feedback(engine.run(task, code))
    for part in parts:
        assert part in text
    assert SECRET not in text


def test_tampering_is_named(engine, task):
    text = feedback(engine.run(task, "import os\nos.write(3, b'\\x09\\0\\0\\0Z' + bytes(8))\ndef f(x): return x"))
    assert "tampered" in text
