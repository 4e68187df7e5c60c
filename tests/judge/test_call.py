"""Submissions before the judge: every status, and that nothing but the submission decides it."""

from __future__ import annotations

import json
import signal
import typing

import pytest

from deepgym_env import Call, DeepGym, Limits, Query, TestCase, load_task, task_ids
from deepgym_env.errors import DeepGymError
from deepgym_env.judge import CallJudge
from deepgym_env.judge.call import cause
from deepgym_env.result import CaseStatus, RunStatus
from deepgym_env.sandbox.execution import Ending, Forfeited

PLUS_ONE = [((n,), n + 1) for n in range(4)]
# Goes wrong in one way for the argument 1 and is right for every other.
GOES_WRONG = "def f(x):\n    if x == 1:\n        {}\n    return x + 1"
BURN = """
import time
def f(x):
    until = time.process_time() + 0.6
    while time.process_time() < until:
        pass
    return x + 1
"""


def test_a_right_solution_passes(engine, make_task):
    result = engine.run(make_task(*PLUS_ONE), "def f(x): return x + 1")
    assert (result.score, result.passed, result.status) == (1.0, True, "passed")
    assert [case.status for case in result.cases] == ["passed"] * 4
    assert result.details == "4 of 4 tests passed"
    assert result.reward_components == {"correctness": 1.0}


WRONG = [
    ("wrong_answer", "return 7"),
    ("wrong_answer", "return None"),
    ("wrong_answer", "return 2.0"),
    ("exception", "raise ValueError('no')"),
    ("exception", "return x.missing"),
    ("exception", "raise SystemExit(0)"),
    ("exception", "raise KeyboardInterrupt"),
    ("exception", "raise type('E', (Exception,), {'__str__': lambda self: 1 / 0})"),
    ("exception", "return f"),
    ("exception", "return iter([2])"),
    ("exception", "return f(x)"),
    ("timeout", "while True: pass"),
    ("timeout", "__import__('time').sleep(60)"),
    ("memory_limit", "return len(bytearray(1 << 30))"),
    ("memory_limit", "return [0] * (1 << 28)"),
    ("output_limit", "return 'x' * 10_000"),
    ("output_limit", "print('x' * 10_000)"),
    ("output_limit", "return [[]] * 4000"),
    ("crashed", "__import__('os')._exit(0)"),
    ("crashed", "__import__('os').abort()"),
    ("forbidden", "__import__('os').setuid(0)"),
]


@pytest.mark.parametrize(("status", "statement"), WRONG, ids=[statement for _, statement in WRONG])
def test_each_way_to_go_wrong_has_its_status_and_costs_no_other_test(engine, make_task, quick, status, statement):
    result = engine.run(make_task(*PLUS_ONE, limits=quick), GOES_WRONG.format(statement))
    assert [case.status for case in result.cases] == ["passed", status, "passed", "passed"]
    assert result.status == status
    assert result.vector.tolist() == [1, 0, 1, 1]
    assert result.score == 0.75
    assert not result.passed


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("no_code", ""),
        ("no_code", " \n\t"),
        ("no_code", "```python\n```"),
        ("syntax_error", "def f(x) return x"),
        ("syntax_error", "return 1"),
        ("syntax_error", "x = '\0'"),
        ("syntax_error", "(" * 500),
        ("exception", "x = 1"),
        ("exception", "f = 7"),
        ("exception", "1 / 0"),
        ("exception", "import no_such_module"),
        ("exception", "raise SystemExit"),
        ("timeout", "while True: pass"),
        ("timeout", "import time; time.sleep(60)"),
        ("memory_limit", "x = bytearray(1 << 30)"),
        ("output_limit", "print('x' * 10_000)"),
        ("output_limit", "#" * ((1 << 20) + 1)),
        ("crashed", "import os; os._exit(0)"),
        ("forbidden", "import os; os.setuid(0)"),
        ("tampered", "import os, struct\nos.write(3, struct.pack('<I', 30) + b'A' * 30)"),
    ],
    ids=lambda text: repr(text[:40]),
)
def test_code_that_can_not_be_loaded_runs_no_test(engine, make_task, quick, status, code):
    result = engine.run(make_task(*PLUS_ONE, limits=quick), code)
    assert result.status == status
    assert result.has_verdict
    assert result.score == 0.0
    assert {case.status for case in result.cases} == {"tampered" if status == "tampered" else "not_run"}
    assert len(result.cases) == 4
    assert result.reward_components == {"correctness": 0.0}


@pytest.mark.parametrize(
    "message",
    [
        "b'A' + bytes(8) + b'0' * 16 + b'V' + (1).to_bytes(4, 'little') + b'2'",  # no nonce it was given
        "b'Z' + bytes(8)",
        "b'L' + bytes(8)",
        "b'Q' + bytes(8) + bytes(4) + b'[]'",
        "b'A'",
    ],
)
def test_what_answers_no_question_is_tampering(engine, make_task, message):
    send = f"m = {message}; __import__('os').write(3, len(m).to_bytes(4, 'little') + m)"
    result = engine.run(make_task(*PLUS_ONE), GOES_WRONG.format(send))
    assert result.status == "tampered"
    assert result.score == 0.0
    assert {case.status for case in result.cases} == {"tampered"}


def test_what_follows_a_forgery_changes_nothing(make_task):
    hearing = CallJudge(make_task(*PLUS_ONE)).hear("")
    hearing.next_job()
    for payload in (b"A" + b"0" * 30, b'L{"status": "exception", "error": "E"}', b"L"):
        with pytest.raises(Forfeited):
            hearing.take(payload)
    assert hearing.verdict().status == "tampered"


def test_tests_left_over_after_too_many_killed_processes_are_not_run(engine, make_task):
    result = engine.run(make_task(*PLUS_ONE, ((4,), 5)), "import os\ndef f(x): os._exit(0)")
    assert [case.status for case in result.cases] == ["crashed"] * 3 + ["not_run"] * 2
    assert result.status == "crashed"


def test_an_infrastructure_error_is_no_verdict(make_task):
    class Nowhere:
        name = "nowhere"

        def start(self):
            from deepgym_env.errors import SandboxError

            raise SandboxError("no machine")

    with DeepGym(workers=1, retries=1, backend=Nowhere()) as dg:
        result = dg.run(make_task(*PLUS_ONE), "def f(x): return x + 1")
    assert (result.status, result.has_verdict, result.score, result.passed) == (
        "infrastructure_error",
        False,
        None,
        False,
    )
    assert result.details == "no machine"
    assert result.vector.tolist() == [0, 0, 0, 0]


def test_every_status_has_a_test_here():
    statuses = {*typing.get_args(CaseStatus), *typing.get_args(RunStatus)}
    code = {value for mark in test_code_that_can_not_be_loaded_runs_no_test.pytestmark for value in mark.args[1]}
    reached = {status for status, _ in WRONG} | {status for status, _ in code}
    assert statuses - reached == {"passed", "not_run", "infrastructure_error"}


# ── what several calls and limits mean ────────────────────────────────────────────────────


def test_every_call_of_a_test_must_be_right(engine, make_task):
    task = make_task([((1,), 2), ((2,), 3)], [((3,), 4), ((4,), 5)])
    result = engine.run(task, "def f(x): return x + 1 if x != 4 else 0")
    assert [case.status for case in result.cases] == ["passed", "wrong_answer"]
    result = engine.run(task, "def f(x):\n    assert x != 1\n    return x + 1")
    assert [case.status for case in result.cases] == ["exception", "passed"]


def test_keyword_arguments_arrive(engine, make_task):
    test = TestCase(id="only", calls=(Call(args=(1,), kwargs={"b": [2]}, expected=[1, 2]),), public=True)
    result = engine.run(make_task(test), "def f(a, *, b): return [a, *b]")
    assert result.passed
    assert result.cases[0].input_summary == "f(1, b=[2])"


def test_a_prelude_is_there_on_both_sides(engine):
    task = load_task("level_order_traversal")
    assert engine.run(task, task.reference).passed
    assert engine.run(task, "def level_order_traversal(root): return [] if root is None else 0").score < 0.5


def test_changing_an_argument_reaches_no_later_test(engine, make_task):
    shared = [1, 2, 3]
    task = make_task([((shared,), 3), ((shared,), 3)], ((shared,), 3))
    result = engine.run(task, "def f(xs):\n    xs.append(0)\n    return len(xs) - 1")
    assert result.passed
    assert shared == [1, 2, 3]
    assert task.tests[0].calls[0].args == ([1, 2, 3],)


def test_each_test_has_its_own_cpu_time(engine, make_task):
    task = make_task(*PLUS_ONE[:3], limits={"cpu_seconds": 0.5})
    assert engine.run(task, BURN.replace("0.6", "0.3")).passed


def test_sleeping_costs_no_cpu_time(engine, make_task):
    task = make_task(*PLUS_ONE[:2], limits={"cpu_seconds": 0.2, "wall_seconds": 20})
    assert engine.run(task, "import time\ndef f(x):\n    time.sleep(0.4)\n    return x + 1").passed


def test_the_seed_of_a_task_seeds_random(engine, make_task):
    code = "import random\nx = random.random()\ndef f(_): return x"
    outputs = {
        engine.run(make_task(((1,), 0), seed=seed), code).cases[0].output_summary for seed in (1, 1, 1, 2**40 + 7)
    }
    assert len(outputs) == 2


# ── public and hidden ─────────────────────────────────────────────────────────────────────

SECRET = "s3cr3t-input"
ANSWER = "s3cr3t-answer"


@pytest.fixture
def secretive(make_task):
    def test(name, argument, expected, public):
        return TestCase(id=name, calls=(Call(args=(argument,), expected=expected),), public=public)

    return make_task(
        test("hidden_1", SECRET, ANSWER, False), test("open", "a", "b", True), test("hidden_2", SECRET, ANSWER, False)
    )


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError(x)",
        "print(x); return x",
        "return x",
        "import sys; print(x, file=sys.stderr); raise KeyError(x)",
        "raise type(x, (Exception,), {})",
        "__import__('os')._exit(len(x))",
    ],
)
def test_nothing_of_a_hidden_test_is_shown(engine, secretive, body):
    result = engine.run(secretive, f"def f(x):\n    {body}")
    told = result.model_dump_json() + json.dumps(result.to_protocol())
    assert SECRET not in told
    assert ANSWER not in told
    for case in result.cases:
        if not case.public:
            assert case.input_summary == case.expected_summary == case.output_summary == case.stdout == ""


def test_of_a_public_test_everything_is_shown(engine, secretive):
    case = engine.run(secretive, "def f(x):\n    print('seen', x)\n    return x").cases[1]
    assert (case.id, case.public, case.status) == ("open", True, "wrong_answer")
    assert (case.input_summary, case.expected_summary, case.output_summary) == ("f('a')", "'b'", "'a'")
    assert case.stdout == "seen a\n"


def test_an_error_in_a_public_test_names_the_line(engine, secretive):
    case = engine.run(secretive, "def f(x):\n    return x + 1").cases[1]
    assert case.error.startswith("TypeError: ")
    assert case.error.endswith("(line 2)")


def test_public_tests_are_asked_first_and_cases_keep_the_order_of_the_task(engine, make_task):
    asked = []

    def test(name, public):
        query = Query(lambda: asked.append(name))
        return TestCase(id=name, calls=(Call(args=(query,), expected=None),), public=public)

    task = make_task(test("a", False), test("b", True), test("c", False), test("d", True))
    result = engine.run(task, "def f(ask): return ask()")
    assert asked == ["b", "d", "a", "c"]
    assert [case.id for case in result.cases] == ["a", "b", "c", "d"]
    assert result.passed


# ── queries ───────────────────────────────────────────────────────────────────────────────

ASK = "def f(ask, n):\n    for _ in range(n): last = ask(n)\n    return last"


@pytest.fixture
def asking(make_task):
    def make(*counts, **limits):
        tests = [
            TestCase(id=f"q{number}", calls=(Call(args=(Query(lambda n: 2 * n), n), expected=2 * n),), budget=4)
            for number, n in enumerate(counts)
        ]
        return make_task(*tests, limits=Limits(**limits))

    return make


def test_queries_are_answered_and_counted(engine, asking):
    result = engine.run(asking(1, 5, 30), ASK)
    assert result.passed
    assert [case.queries for case in result.cases] == [1, 5, 30]


def test_efficiency_is_the_budget_over_the_queries(engine, asking):
    assert engine.run(asking(4), ASK).reward_components == {"correctness": 1.0, "efficiency": 1.0}
    assert engine.run(asking(2), ASK).reward_components["efficiency"] == 1.0
    assert engine.run(asking(8, 16), ASK).reward_components["efficiency"] == pytest.approx((0.5 + 0.25) / 2)
    wrong = engine.run(asking(8, 4), "def f(ask, n): return ask(n) + n - 4")
    assert wrong.reward_components == {"correctness": 0.5, "efficiency": 0.5}
    assert engine.run(asking(8), "broken(").reward_components == {"correctness": 0.0, "efficiency": 0.0}


def test_queries_of_one_test_are_limited(engine, asking):
    result = engine.run(asking(5, 6, 5, queries=5), ASK)
    assert [case.status for case in result.cases] == ["passed", "timeout", "passed"]


def test_a_query_with_arguments_of_a_wrong_type_is_answered_with_none(engine, make_task):
    test = TestCase(id="q", calls=(Call(args=(Query(lambda n: n + 1),), expected=[None, None, 3]),))
    assert engine.run(make_task(test), "def f(ask): return [ask('x'), ask(), ask(2)]").passed


def test_a_query_is_no_object_of_the_judge(engine, make_task):
    test = TestCase(id="q", calls=(Call(args=(Query(lambda: ANSWER),), expected="function"),), public=True)
    result = engine.run(make_task(test), "def f(ask): return type(ask).__name__")
    assert result.passed
    assert result.cases[0].input_summary == "f(<function>)"
    assert engine.run(make_task(test), "def f(ask): return ask").status == "exception"


# ── the same every time ───────────────────────────────────────────────────────────────────


def test_the_same_result_every_time(engine, make_task, quick):
    task = make_task(*PLUS_ONE, limits=quick)
    for statement in ("return {x}", "raise ValueError(x)", "while True: pass", "__import__('os')._exit(1)"):
        results = [engine.run(task, GOES_WRONG.format(statement)) for _ in range(5)]
        assert all(result == results[0] for result in results), statement


def test_order_in_a_set_is_the_same_every_time(engine, make_task):
    task = make_task(((["b", "c", "a"],), None))
    results = [engine.run(task, "def f(xs): return list(set(xs)) + [hash('x')]") for _ in range(5)]
    assert len({result.cases[0].output_summary for result in results}) == 1


def test_load_on_the_machine_changes_no_verdict(make_task):
    task = make_task(*PLUS_ONE[:2], limits=Limits(cpu_seconds=1.0, wall_seconds=1.0))
    quickly = "def f(x): return x + 1"
    crowd = [f"{BURN if number % 2 else quickly}\n# {number}" for number in range(16)]
    with DeepGym(workers=4) as dg:
        alone = [dg.run(task, BURN) for _ in range(2)]
        crowded = dg.run_batch(task, crowd, max_parallel=16)
    assert all(result.passed for result in alone)
    assert all(result == alone[0] for result in crowded)


# ── the judge itself ──────────────────────────────────────────────────────────────────────


def test_no_job_holds_an_answer_or_an_open_secret(make_task):
    hidden = TestCase(id="h", calls=(Call(args=(SECRET,), expected=ANSWER),))
    public = TestCase(id="p", calls=(Call(args=("x",), expected=ANSWER),), public=True)
    job = CallJudge(make_task(hidden, public, reference=f"x = {ANSWER!r}")).hear("code").next_job()
    assert [after for after, _ in job.stages] == [0, 1, 2]
    assert all(ANSWER.encode() not in stage for _, stage in job.stages)
    assert [SECRET.encode() in stage for _, stage in job.stages] == [False, False, True]


def test_an_argument_that_is_no_data_is_refused(make_task):
    with pytest.raises((DeepGymError, ValueError), match="plain data"):
        CallJudge(make_task(((object(),), 1)))


@pytest.mark.parametrize("task_id", task_ids("function"))
def test_every_built_in_task_can_be_asked(task_id):
    job = CallJudge(load_task(task_id)).hear("x = 1").next_job()
    assert job.answers == len(load_task(task_id).tests) + 1
    assert all(json.loads(stage) for _, stage in job.stages)


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (signal.SIGSEGV, ("crashed", "the process died of SIGSEGV")),
        (signal.SIGKILL, ("crashed", "the process ended before it had answered")),
        (signal.SIGSYS, ("forbidden", "made a system call that is forbidden")),
        (3 << 8, ("crashed", "the process ended before it had answered")),
    ],
)
def test_what_is_noticed_first_of_a_process_that_ends_makes_no_difference(status, verdict):
    assert {cause(Ending(reason, int(status), 0.0, 0)) for reason in (None, "closed")} == {verdict}


def test_a_number_too_long_to_be_shown_costs_nobody_its_verdict(engine, make_task):
    result = engine.run(make_task(((10**5000,), 1), (([-(10**5000)],), 1)), "def f(n): return 1")
    assert result.passed, result.details
    assert result.cases[0].input_summary == "f(…)"
