"""Mutants of what the agents of scenarios leave are noticed, and checkers that miss some are found out."""

from __future__ import annotations

import os

import pytest

from deepgym_env import DeepGym, File, WorkspaceTask, load_task, load_task_folder, task_ids
from deepgym_env.audit.mutation import workspace_mutation_score
from deepgym_env.audit.mutation.workspace import MOST
from deepgym_env.errors import ConfigError, TaskError
from deepgym_env.task import Equivalent, StateTest

ALL = bool(os.environ.get("DEEPGYM_MUTANTS_ALL"))
CLAMP = """def clamp(x, low, high):
    # the nearest that is allowed
    if x < low:
        return low
    if x > high:
        return high
    return x
"""
WEAK = """
@public
def test_between(ws):
    assert ws.call("clamp.py", "clamp", 5, 0, 10) == 5

def test_below(ws):
    assert ws.call("clamp.py", "clamp", -5, 0, 10) == 0
"""
STRONG = (
    WEAK
    + """
def test_above(ws):
    assert ws.call("clamp.py", "clamp", 15, 0, 10) == 10
"""
)
# A program the agent writes, runs, and hands in only what it made.
MAKES = """
import json
print(json.dumps({"sum": sum([1, 2, 3]), "most": max(1, 3)}))
"""


@pytest.fixture(scope="module")
def own():
    with DeepGym(workers=2) as engine:
        if engine.isolation().level != "full":
            pytest.skip("sessions need namespaces: `deepgym doctor` says how to get them")
        yield engine


def written(*files, commands=()):
    """The source of an agent that writes files, then runs commands."""
    actions = [{"name": "write_file", "arguments": {"path": path, "content": text}} for path, text in files]
    actions += [{"name": "bash", "arguments": {"command": command}} for command in commands]
    return f"def solve():\n    for action in {actions!r}:\n        yield action\n"


def task_of(check, reference, **fields):
    ids = [line[9:-5] for line in check.splitlines() if line.startswith("def test_")]
    tests = tuple(StateTest(id=name, public=number == 0) for number, name in enumerate(ids))
    return WorkspaceTask(
        id="toy", title="Toy", prompt="", tests=tests, check=check, reference=reference, **{"files": (), **fields}
    )


def lines_of(survivors):
    return {line[1:].strip() for each in survivors for line in each.diff.splitlines()[2:] if line[0] == "+"}


@pytest.mark.parametrize("task_id", task_ids("workspace") if ALL else ["debug_fix"])
@pytest.mark.timeout(1800)
def test_the_tests_of_a_scenario_notice_small_faults(own, task_id):
    report = workspace_mutation_score(own, load_task(task_id), most=MOST if ALL else None)
    assert report.score >= 0.95, [survivor.diff for survivor in report.survivors]
    others = len(report.survivors) + len(report.equivalent) + len(report.accepted)
    assert report.mutants == report.killed + others
    assert (report.mutants == 0) == (task_id == "sql_analytics")  # its solution is in SQL


def test_a_checker_that_misses_faults_is_found_out(own):
    weak = workspace_mutation_score(own, task_of(WEAK, written(("clamp.py", CLAMP))))
    assert weak.score < 0.8
    missed = lines_of(weak.survivors)
    assert {"if not x > high:", "return None"} & missed
    assert all(survivor.path == "clamp.py" for survivor in weak.survivors)
    assert weak.survivors[0].diff.startswith("--- clamp.py\n+++ mutant.py\n")
    assert weak.idle_tests == ()
    strong = workspace_mutation_score(own, task_of(STRONG, written(("clamp.py", CLAMP))))
    assert lines_of(strong.survivors) == {"if x <= low:", "if x >= high:"}  # equal to the reference, which nobody said
    assert strong.score > weak.score


def test_changes_that_a_task_excuses_are_no_part_of_the_score(own):
    at_a_bound = "at the bound itself both give the bound"
    equivalents = tuple(
        Equivalent(path="clamp.py", was=f"  if x {sign} {bound}:", now=f"if x {sign}= {bound}:", why=at_a_bound)
        for sign, bound in (("<", "low"), (">", "high"))
    )
    elsewhere = Equivalent(path="clamp.py", within="other", was="return x", now="return None", why="no such function")
    task = task_of(STRONG, written(("clamp.py", CLAMP)), equivalents=(elsewhere, *equivalents))
    report = workspace_mutation_score(own, task)
    assert (report.score, report.survivors) == (1.0, ())
    assert [each.why for each in report.accepted] == [at_a_bound] * 2


def test_of_a_file_that_was_there_only_new_lines_are_mutated(own):
    begun = File("clamp.py", CLAMP.replace("x > high", "x > low").encode())
    report = workspace_mutation_score(own, task_of(STRONG, written(("clamp.py", CLAMP)), files=(begun,)))
    assert report.files == ("clamp.py",)
    assert 3 <= report.mutants <= 4  # of one line: >= and <=, not, nothing
    assert lines_of(report.survivors) == {"if x >= high:"}


def test_a_program_counts_by_what_it_made(own):
    check = "def test_made(ws):\n    assert ws.json('made.json')['sum'] == 6\n"
    task = task_of(check, written(("make.py", MAKES), commands=["python3 make.py > made.json", "cat made.json"]))
    report = workspace_mutation_score(own, task)
    assert report.files == ("make.py",)
    assert report.killed >= 6  # each number of the sum by one
    assert "print(json.dumps({'sum': sum([1, 2, 3]), 'most': min(1, 3)}))" in lines_of(report.survivors)
    assert "print(json.dumps({'sum': sum([1, 2, 3]), 'most': max(3, 1)}))" in lines_of(report.equivalent)
    assert lines_of(report.survivors).isdisjoint(lines_of(report.equivalent))


def test_what_is_made_of_a_file_later_holds_the_fault(own):
    """As a commit does: a mutant laid over the end alone would differ from the copy, and fail for that."""
    check = (
        "def test_copied(ws):\n"
        "    assert ws.text('clamp.py') == ws.text('copy.txt')\n"
        "    assert ws.call('clamp.py', 'clamp', 5, 0, 10) == 5\n"
    )
    task = task_of(check, written(("clamp.py", CLAMP), commands=["cp clamp.py copy.txt"]))
    report = workspace_mutation_score(own, task, most=8)
    assert report.survivors
    assert report.killed


def test_files_no_test_looks_at_are_named_and_left_alone(own):
    task = task_of(
        WEAK, written(("clamp.py", CLAMP), ("scratch.py", "print(1 + 1)\n"), commands=["python3 scratch.py"])
    )
    report = workspace_mutation_score(own, task, most=2)
    assert (report.files, report.unseen, report.mutants) == (("clamp.py",), ("scratch.py",), 2)


def test_nothing_to_mutate(own):
    check = "def test_text(ws):\n    assert ws.text('a.txt') == 'a'\n"
    report = workspace_mutation_score(own, task_of(check, written(("a.txt", "a"))))
    assert (report.mutants, report.files, report.idle_tests) == (0, (), ())


def test_the_same_task_gives_the_same_report(own):
    task = task_of(WEAK, written(("clamp.py", CLAMP)))
    assert workspace_mutation_score(own, task, most=3) == workspace_mutation_score(own, task, most=3)


def test_what_can_not_be_mutated_is_said(own):
    with pytest.raises(ConfigError, match=r"no solve\.py"):
        workspace_mutation_score(own, task_of(WEAK, None))
    with pytest.raises(TaskError, match="does not pass: below, between"):
        workspace_mutation_score(own, task_of(WEAK, written()))
    with pytest.raises(TaskError, match=r"solve\.py of 'toy': ZeroDivisionError"):
        workspace_mutation_score(own, task_of(WEAK, "def solve():\n    yield str(1 / 0)\n"))
    layout = "def test_comment(ws):\n    assert '#' in ws.text('clamp.py')\n"
    with pytest.raises(TaskError, match="without its comments"):
        workspace_mutation_score(own, task_of(layout, written(("clamp.py", CLAMP))))


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[equivalent]]\npath = 'a.py'\nwas = 'x'\nnow = 'y'\n", "why"),
        ("[[equivalent]]\npath = 'a.py'\nwas = 'x'\nnow = 'y'\nwhy = ''\n", "why"),
        ("[[equivalents]]\npath = 'a.py'\n", r"\[\[equivalent\]\]"),
        ("[[equivalent", "not valid TOML"),
    ],
)
def test_mistakes_in_a_list_of_equivalents_are_told(tmp_path, text, told):
    (tmp_path / "task.toml").write_text('kind = "workspace"\nid = "toy"\ntitle = "Toy"\n')
    (tmp_path / "prompt.md").write_text("Write clamp.")
    (tmp_path / "check.py").write_text(WEAK)
    assert load_task_folder(tmp_path).equivalents == ()
    (tmp_path / "equivalents.toml").write_text(text)
    with pytest.raises(TaskError, match=told):
        load_task_folder(tmp_path)
