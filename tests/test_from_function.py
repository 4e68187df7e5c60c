"""Tasks made of a Python function."""

from __future__ import annotations

import functools
import math
import subprocess
import sys
from collections.abc import Sequence

import pytest

from deepgym_env import Call, Task
from deepgym_env.errors import TaskError

SHIFT = 10
STREAM = sys.stdout


def shifted(x):
    return math.floor(x) + SHIFT


@functools.cache
def cached(x):
    return shifted(x)


class Base:
    step = 2


class Counter(Base):
    def __init__(self, start):
        self.value = start + self.step


def add(a: int, b: int = SHIFT) -> int:
    """Return the sum."""
    return a + b


def uses_much(values: Sequence[float], *, factor=SHIFT) -> list[int]:
    """Shift and count."""
    return [cached(value) * factor + Counter(1).value for value in values]


def is_even(n):
    """Return whether n is even."""
    return n % 2 == 0


def append_one(items):
    """Append 1."""
    items.append(1)
    return items


def prints(x):
    """Print to a stream."""
    STREAM.write(str(x))


def test_five_lines_are_a_task(engine):
    task = Task.from_function(add, [(1, 2), (3,), Call(args=(4,), kwargs={"b": 5})])
    assert (task.id, task.title, task.entry_point) == ("add", "Add", "add")
    assert [call.expected for test in task.tests for call in test.calls] == [3, 13, 9]
    assert [test.public for test in task.tests] == [True, True, False]
    assert "Write a function `add(a: int, b: int=SHIFT) -> int`.\n\nReturn the sum." in task.prompt
    assert "add(1, 2)  # 3\nadd(3)  # 13\n" in task.prompt
    assert "b=5" not in task.prompt
    assert engine.run(task, task.reference).passed
    assert engine.run(task, "def add(a, b=10): return 3").vector.tolist() == [1.0, 0.0, 0.0]


def test_the_reference_brings_what_it_uses(engine):
    task = Task.from_function(uses_much, [[1.5, 2.5], [], [7]])
    assert engine.run(task, task.reference).passed
    for line in (
        "import math",
        "import functools",
        "SHIFT = 10",
        "class Base:",
        "from collections.abc import Sequence",
    ):
        assert task.reference.count(line) == 1


def test_inputs_can_be_drawn_of_a_seed():
    def draw(rng):
        return [rng.randrange(10**9) for _ in range(5)]

    first, again, other = (Task.from_function(is_even, draw, seed=seed) for seed in (0, 0, 1))
    assert first.tests == again.tests != other.tests
    assert (first.seed, other.seed) == (0, 1)


def test_an_oracle_answers_instead(engine):
    task = Task.from_function(is_even, range(6), oracle=lambda n: n in (0, 2, 4), per_test=2, public=1)
    assert [[call.expected for call in test.calls] for test in task.tests] == [[True, False]] * 3
    assert engine.run(task, task.reference).passed
    assert engine.run(task, "def is_even(n): return True").score == 0


def test_expected_values_may_be_given():
    task = Task.from_function(is_even, [1, 2], expected=[False, True], name="parity", prompt="Do.", tags=("maths",))
    assert (task.id, task.prompt, task.tags) == ("parity", "Do.", ("maths",))
    assert [test.calls[0].expected for test in task.tests] == [False, True]


def test_a_reference_that_changes_its_arguments_changes_no_test(engine):
    task = Task.from_function(append_one, [[1], []])
    assert [test.calls[0].args for test in task.tests] == [([1],), ([],)]
    assert engine.run(task, task.reference).passed


def test_comparisons_and_checkers(engine):
    task = Task.from_function(add, [(0.1, 0.2)], comparison="float")
    assert engine.run(task, "def add(a, b): return 0.3").passed
    task = Task.from_function(add, [(4, 4)], checker=lambda args, expected, output: output in (8, sum(args) + 1))
    assert engine.run(task, "def add(a, b): return 9").passed


def test_source_may_be_given():
    made = eval("lambda x: x * 2")
    made.__name__ = "twice"
    task = Task.from_function(made, [2], prompt="Write twice(x).", source="def twice(x): return x * 2")
    assert task.reference == "def twice(x): return x * 2"


def closure():
    factor = 3

    def scaled(x):
        """Scale."""
        return factor * x

    return scaled


async def later(x):
    """Answer later."""


def no_docstring(x):
    return x


@pytest.mark.parametrize(
    ("function", "inputs", "options", "said"),
    [
        (len, [[1]], {}, "made with def"),
        (lambda x: x, [1], {}, "made with def"),
        (later, [1], {}, "async or a generator"),
        (closure(), [1], {}, "uses factor of the function around it"),
        (prints, [1], {}, "uses STREAM, a"),
        (no_docstring, [1], {}, "give it a docstring, or prompt="),
        (add, [], {}, "at least one input"),
        (add, [("a", 1)], {}, "raised TypeError"),
        (add, lambda rng: 1 / 0, {}, "ZeroDivisionError"),
        (add, [(1, 2)], {"expected": [1, 2]}, "1 inputs, but 2 expected"),
        (add, [(1, 2)], {"expected": [1], "oracle": add}, "not both"),
        (add, [(1, 2)], {"comparison": "fuzzy"}, "must be a Comparison or one of exact, float"),
        (add, [(1, 2)], {"per_test": 0}, "per_test must be at least 1"),
        (add, [(1, 2)], {"difficulty": "absurd"}, "difficulty"),
        (add, [(1, 2)], {"nonsense": 1}, "nonsense"),
        (add, [(1, 2)], {"name": "no name"}, "id: "),
    ],
)
def test_what_can_t_be_a_task_says_what_to_do(function, inputs, options, said):
    with pytest.raises(TaskError, match=said):
        Task.from_function(function, inputs, **options)


def test_a_function_typed_in_says_how_to_give_its_source():
    code = (
        "from deepgym_env import Task\n"
        "def f(x):\n    'Do.'\n    return x\n"
        "try:\n    Task.from_function(f, [1])\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
        "print(Task.from_function(f, [1], source='def f(x): return x').entry_point)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=100)
    assert "TaskError the source of f isn't to be had" in done.stdout or sys.version_info >= (3, 13), done.stderr
    assert done.stdout.endswith("f\n")


def test_annotations_stay_unread(tmp_path, engine):
    (tmp_path / "postponed.py").write_text(
        "from __future__ import annotations\n"
        "from typing import TYPE_CHECKING\n"
        "if TYPE_CHECKING:\n    from nowhere import Thing\n"
        "def f(x: Thing) -> Thing:\n    'Do.'\n    return x\n"
    )
    sys.path.insert(0, str(tmp_path))
    try:
        from postponed import f
    finally:
        sys.path.remove(str(tmp_path))
    task = Task.from_function(f, [1, 2])
    assert engine.run(task, task.reference).passed
