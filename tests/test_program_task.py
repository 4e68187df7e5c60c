from __future__ import annotations

import pytest
from pydantic import ValidationError

from deepgym_env import ProgramLimits, ProgramTask, StdioTest
from deepgym_env.benchmarks.records import pack, unpack
from deepgym_env.judge.floor import floor_of
from deepgym_env.task import StdioComparison


def made(*pairs, **fields):
    tests = [StdioTest(id=f"t{n}", stdin=i, expected=o) for n, (i, o) in enumerate(pairs or [("", "1")])]
    return ProgramTask(**{"id": "toy", "title": "Toy", "prompt": "Print 1.", **fields}, tests=tests)


def test_the_prompt_says_how_to_read_and_write_once():
    task = made()
    assert task.prompt.startswith("Print 1.\n\n")
    assert task.prompt.count("standard input") == 1
    assert "Python 3" in task.prompt
    again = ProgramTask(**{name: getattr(task, name) for name in ("id", "title", "prompt", "tests")})
    assert again.prompt == task.prompt


def test_another_language_has_its_own_prompt_and_reference():
    task = made(references={"python": "print(1)", "cpp": "int main() {}"})
    other = task.in_language("cpp")
    assert (task.reference, other.reference, task.in_language("go").reference) == ("print(1)", "int main() {}", None)
    assert "C++" in other.prompt
    assert "Python" not in other.prompt
    assert other.in_language("python") == task
    with pytest.raises(ValueError, match="one of python, bash"):
        task.in_language("cobol")


def test_a_reference_is_the_one_of_its_language():
    assert made(reference="print(1)").references == {"python": "print(1)"}
    assert made(reference="echo 1", language="bash").in_language("python").reference is None


def test_what_no_program_may_print_is_refused():
    with pytest.raises(ValidationError, match=r"'t0' expects 300 bytes .* raise limits.output_bytes"):
        made(("", "x" * 300), limits=ProgramLimits(output_bytes=256))


def test_storing_keeps_everything():
    task = made(
        ("a\r\n\0", "é\ud800"),
        references={"java": "x"},
        rejected={"python": ("y", "z")},
        comparison=StdioComparison(kind="float", abs_tol=0.5, ignore_case=True),
        limits=ProgramLimits(cpu_seconds=2.5),
        floor=0.5,
        tags=("a",),
        difficulty=None,
    )
    assert unpack(pack(task)) == task


@pytest.mark.parametrize(
    ("expected", "how", "floor"),
    [
        (["YES", "YES\n", "NO", "yes"], {}, 0.5),
        (["YES", "YES", "NO", "yes"], {"ignore_case": True}, 0.75),
        (["1 2", "1\n2", "3"], {"kind": "tokens"}, 2 / 3),
        (["1 2", "1\n2", "3"], {"kind": "lines"}, 1 / 3),
        (["1.00", "1.05", "1.1", "9"], {"kind": "float", "rel_tol": 0, "abs_tol": 0.06}, 0.75),
        (["1", "1.0", "2"], {"kind": "decimal"}, 2 / 3),
    ],
)
def test_the_floor_is_the_best_constant_output(expected, how, floor):
    task = made(*(("", text) for text in expected), comparison=StdioComparison(**how))
    assert floor_of(task) == pytest.approx(floor)


def test_outputs_that_are_right_as_well_count_for_the_floor():
    tests = [StdioTest(id="a", expected="1", accepted=("2",)), StdioTest(id="b", expected="2")]
    assert floor_of(ProgramTask(id="t", title="", prompt="", tests=tests)) == 1.0
