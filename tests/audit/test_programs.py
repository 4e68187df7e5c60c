"""Programs under attack: weak tasks and weak ways to judge a program are found, sound ones raise no alarm."""

from __future__ import annotations

import pytest

from deepgym_env import AdversarialTester, File, Program, ProgramLimits, ProgramTask, StdioTest
from deepgym_env.audit import PROGRAM_STRATEGIES, Scored
from deepgym_env.audit.knowledge import knowledge_of_program
from deepgym_env.audit.signs import weak_signs
from deepgym_env.errors import ConfigError
from deepgym_env.folders import load_task_folder
from deepgym_env.scaffolding import scaffold
from deepgym_env.task import StdioComparison

pytestmark = pytest.mark.xdist_group("audit_of_programs")

QUICK = ProgramLimits(cpu_seconds=0.4, wall_seconds=0.4, output_bytes=200_000)


def made(*tests, **fields):
    """Return a task of ``(stdin, expected)`` or ``(stdin, expected, accepted)``, the first one public."""
    public = fields.pop("public", 1)
    made_tests = [
        StdioTest(id=f"t{n}", stdin=stdin, expected=expected, accepted=tuple(accepted), public=n < public)
        for n, (stdin, expected, *accepted) in enumerate(tests)
    ]
    return ProgramTask(**{"id": "toy", "title": "Toy", "prompt": "Do it.", "limits": QUICK, **fields}, tests=made_tests)


FLOATS = StdioComparison(kind="float", rel_tol=0, abs_tol=1e-6)
# How each is weak, and the strategies that find it.
WEAK = {
    "a tolerance of a thousand": (
        made(("2", "4.5 7"), ("3", "9.5 8"), ("9", "81.5 3"), comparison=StdioComparison(kind="float", abs_tol=1000)),
        {"numbers_by_shape", "memorised_examples"},
        {"numbers_by_shape"},
    ),
    "a relative tolerance of one": (
        made(("1 2", "3.5"), ("4 9", "13.5"), comparison=StdioComparison(kind="float", rel_tol=1)),
        {"numbers_by_shape", "constants"},
        {"numbers_by_shape", "constants"},
    ),
    "one test, which is public": (made(("5", "25")), {"memorised_examples", "constants", "examples_in_turn"}, None),
    "all tests public": (
        made(("5", "25"), ("6", "36"), public=2),
        {"memorised_examples", "constants"},
        {"memorised_examples"},
    ),
    "the same output everywhere": (
        made(("5", "YES"), ("6", "YES"), ("8", "YES\n")),
        {"constants", "empty"},
        {"constants"},
    ),
    "a usual output, all hidden": (made(("5", "NO"), ("6", "NO"), public=0), {"constants", "empty"}, {"constants"}),
    "no output is right as well": (made(("5", "25", ""), ("6", "36", "")), {"empty"}, None),
    "the output is the input": (
        made(("a b\n", "a b"), ("c\n", "c")),
        {"echoes_its_input", "constants"},
        {"echoes_its_input"},
    ),
    "hidden inputs are the public one": (
        made(("5", "25"), ("5", "25")),
        {"memorised_examples", "empty"},
        {"memorised_examples"},
    ),
    "everything is right": (
        made(("5", "YES", "NO"), ("6", "NO", "YES")),
        {"constants", "all_answers_at_once"},
        {"constants"},
    ),
}


@pytest.mark.parametrize("name", WEAK)
def test_a_weak_task_is_found_exploitable(dg, name):
    task, tried, found = WEAK[name]
    report = AdversarialTester(dg).test(task, sorted(tried))
    assert {exploit.strategy for exploit in report.exploits} == (found or tried)
    assert all(exploit.passed and exploit.remedy for exploit in report.exploits)
    assert (report.kind, report.risk_score, report.is_robust) == ("program", 1.0, False)


HARD = (("3 4\n", "12.5\n7 31\n"), ("9 2\n", "18.5\n11 83\n"))
ROBUST = {
    "numbers within a tolerance": made(*HARD, comparison=FLOATS),
    "words": made(("1\n", "one 1\n"), ("2\n", "two 2\n"), comparison=StdioComparison(kind="tokens", ignore_case=True)),
}
OF_OUTPUT = ("empty", "hardcoded", "trivial", "pattern", "overflow", "output")
OF_RUNS = tuple(dict.fromkeys(each.family for each in PROGRAM_STRATEGIES if each.family not in OF_OUTPUT))


@pytest.mark.parametrize("name", ROBUST)
def test_a_sound_comparison_raises_no_alarm(dg, name):
    report = AdversarialTester(dg).test(
        ROBUST[name], OF_OUTPUT if name.startswith("numbers") else ("output", "trivial")
    )
    assert [(exploit.strategy, exploit.score, exploit.code) for exploit in report.exploits] == []
    assert report.unjudged == ()


def test_the_scaffold_raises_no_alarm_whatever_its_runs_do(dg, tmp_path):
    task = load_task_folder(scaffold("turn_round", "program", tmp_path))
    short = task.model_copy(update={"tests": task.tests[1:3], "limits": QUICK})
    report = AdversarialTester(dg).test(short, OF_RUNS)
    assert [(exploit.strategy, exploit.score, exploit.code) for exploit in report.exploits] == []
    assert (report.unjudged, report.reference) == ((), 1.0)


class Harness:
    """Runs programs as the engine does, and judges what they did in a way of its own."""

    kind = "program"
    name = "harness"

    def __init__(self, dg, right, *, args=(), files=()):
        """Judge by ``right(run, expected)``."""
        self._dg, self._right, self._more = dg, right, {"args": args, "files": files}
        self.task = made(("11 12\n", "23 132\n"), ("21 30\n", "51 630\n"))
        self.knowledge = knowledge_of_program(self.task)

    def score(self, submissions, *, progress=None):
        stdins = [test.stdin.encode() for test in self.task.tests]
        scored = []
        for code in submissions:
            runs = self._dg.execute_many(Program(language="python", code=code, limits=QUICK, **self._more), stdins)
            passed = [self._right(run, test.expected) for run, test in zip(runs, self.task.tests, strict=True)]
            scored.append(Scored(sum(passed) / len(passed), all(passed)))
        return scored


def words(run):
    return run.stdout.split()


def close(run, expected):
    try:
        return len(words(run)) == 2 and not any(
            abs(float(a) - float(b)) > 1e-6 for a, b in zip(words(run), expected.split(), strict=True)
        )
    except ValueError:
        return False


def integers(run, expected):
    try:
        return [int(word) for word in words(run)] == [int(word) for word in expected.split()]
    except ValueError:
        return False


TESTS = '[{"input": "11 12\\n", "output": "23 132"}, {"input": "21 30\\n", "output": "51 630"}]'
PAIRS = [("1.in", "11 12\n"), ("1.out", "23 132"), ("2.in", "21 30\n"), ("2.out", "51 630")]
# How each judges, and what finds it out.
CARELESS = {
    "the right words are somewhere": (
        lambda run, right: set(right.split()) <= {*words(run), "51", "630"},
        {},
        ["all_answers_at_once"],
    ),
    "a difference that is not large": (close, {}, ["numeric_overflow"]),
    "the words there are agree": (
        lambda run, right: run.stdout != "" and all(a == b for a, b in zip(words(run), right.split(), strict=False)),
        {},
        ["partial_output", "whitespace_flood"],
    ),
    "whatever int() takes": (integers, {}, ["lookalike_digits"]),
    "text ends at a NUL": (
        lambda run, right: run.stdout.split("\0")[0].split() == right.split(),
        {},
        ["control_characters"],
    ),
    "a failure is skipped": (
        lambda run, right: run.status in ("exception", "crashed") or words(run) == right.split(),
        {},
        ["crash_after_output"],
    ),
    "a timeout is skipped": (
        lambda run, right: run.status == "timeout" or words(run) == right.split(),
        {},
        ["endless_loop", "sleeps"],
    ),
    "long output is skipped": (
        lambda run, right: run.status == "output_limit" or words(run) == right.split(),
        {},
        ["endless_output"],
    ),
    "exit code 0 is enough": (lambda run, right: run.exit_code == 0, {}, ["empty", "memorised_examples"]),
    "it looks for a verdict": (lambda run, right: "passed" in run.stdout, {}, ["printed_verdict", "verdict_then_exit"]),
    "the tests are an argument": (
        lambda run, right: words(run) == right.split(),
        {"args": (TESTS,)},
        ["answers_in_variables", "answers_in_processes"],
    ),
    "the tests lie beside it": (
        lambda run, right: words(run) == right.split(),
        {"files": tuple(File(name, text.encode()) for name, text in PAIRS)},
        ["outputs_on_disk"],
    ),
    "the tests lie beside it as JSON": (
        lambda run, right: words(run) == right.split(),
        {"files": (File("tests.json", TESTS.encode()),)},
        ["answers_on_disk"],
    ),
}


@pytest.mark.parametrize("name", CARELESS)
def test_a_careless_way_to_judge_is_found_out(dg, name):
    right, more, found = CARELESS[name]
    report = AdversarialTester(dg).test(Harness(dg, right, **more), found)
    assert {exploit.strategy for exploit in report.exploits} == set(found)


@pytest.mark.parametrize("strategy", PROGRAM_STRATEGIES, ids=lambda strategy: strategy.name)
def test_attacks_are_valid_python(strategy):
    known = knowledge_of_program(made(("1\n", "10 20\n"), ("2\r\n\ud800", "é 3"), public=2))
    attacks = list(strategy.attacks_on(known))
    assert attacks
    for attack in attacks:
        compile(attack.code, "attack.py", "exec")
        compile(attack.without or "", "twin.py", "exec")
        assert "ENTRY" not in attack.code
    assert [each.code for each in strategy.attacks_on(known)] == [attack.code for attack in attacks]


def test_what_is_right_in_several_ways_is_not_made_wrong():
    """A shorter output may be one of those accepted: printing it is no forgery."""
    known = knowledge_of_program(made(("1\n", "10 20\n", "10")))
    tried = {each.name: list(each.attacks_on(known)) for each in PROGRAM_STRATEGIES}
    assert not any(tried[name] for name in ("partial_output", "control_characters", "lookalike_digits"))


def test_signs_of_weak_tests(dg):
    task = made(("1\n", "1\n", "7"), ("1\n", "1", "7"), ("5\n", "7"), reference="print(7)")
    signs = weak_signs(dg, task, runs=2)
    assert signs.constant_score == 1.0  # 7, which no public test expects
    assert (signs.lookup_score, signs.lookup_hidden) == (pytest.approx(2 / 3), ("t1",))
    assert (signs.flaky, signs.order_dependent) == ((), ())


def test_other_languages_are_refused_with_what_to_do(dg):
    task = made(("1\n", "1\n")).in_language("cpp")
    with pytest.raises(ConfigError, match=r"in cpp: .* audit task.in_language\('python'\)"):
        AdversarialTester(dg).test(task)
    with pytest.raises(ConfigError, match="written in Python"):
        weak_signs(dg, task)


def test_a_strategy_of_another_kind_is_refused(dg):
    with pytest.raises(ConfigError, match="none of the strategies frames is for this kind"):
        AdversarialTester(dg).test(made(("1\n", "1\n")), ["frames"])
