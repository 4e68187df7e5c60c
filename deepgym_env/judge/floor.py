"""What a task gives away: the score of a submission that always answers the same.

- :func:`floor_of`: of any task answered by a submission; :func:`known_floor`: the same, None where nobody knows.
- :func:`best_constant`, :func:`best_output`: what it is for a task of calls, and for one of a program.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from deepgym_env.judge.compare import Expected, matches
from deepgym_env.judge.equality import close
from deepgym_env.judge.printed import Printed
from deepgym_env.sandbox.runner.views import VIEWS
from deepgym_env.task import Call, Comparison, ProgramTask, SubmissionTask, Task, TestCase

__all__ = ["best_constant", "best_output", "floor_of", "known_floor"]

_TRIED = 16  # constants: the answers expected most often
_BY_TEXT = ({"exact"}, {"equal"})
_LISTS = ("any_of", "any_equal")


def floor_of(task: SubmissionTask) -> float:
    """Return the best score of a submission that answers the same whatever it is asked, 0..1.

    Of tests that are code it is known only if the task says so; else it counts as 0.
    """
    return known_floor(task) or 0.0


def known_floor(task: SubmissionTask) -> float | None:
    """Return the floor as :func:`floor_of` does; None where it isn't known."""
    if task.floor is not None:
        return task.floor
    if isinstance(task, ProgramTask):
        return best_output(task)
    return best_constant(task) if isinstance(task, Task) else None


def best_output(task: ProgramTask) -> float:
    """Return the best score any one of the outputs expected reaches as the output of every run.

    Where outputs are compared as text it is exact; else the outputs expected most often are tried.

    Example:
        >>> from deepgym_env.task import StdioTest
        >>> tests = [StdioTest(id=f"t{n}", stdin=f"{n}", expected="YES" if n % 3 else "NO") for n in range(4)]
        >>> best_output(ProgramTask(id="t", title="", prompt="", tests=tests))
        0.5
    """
    right = [[Printed(text, task.comparison) for text in (test.expected, *test.accepted)] for test in task.tests]
    keys = [{option.key: option.text for option in options} for options in right]
    seen = Counter(key for options in keys for key in options)
    if task.comparison.kind in ("lines", "tokens"):
        return max(seen.values()) / len(right)
    texts = {key: text for options in keys for key, text in options.items()}
    likely = [texts[key] for key, _ in seen.most_common(_TRIED)]
    passes = [sum(any(one.difference(text) is None for one in options) for options in right) for text in likely]
    return max(passes) / len(right)


def best_constant(task: Task) -> float:
    """Return the best score any one of the expected values reaches as the answer to everything.

    Where answers are compared by text alone it is exact; else the answers expected most often are tried.

    Example:
        >>> from deepgym_env.task import Case, Task, TestCase
        >>> tests = [TestCase(id=f"t{n}", calls=Case.of(n, expected=n % 3 == 0).calls) for n in range(4)]
        >>> best_constant(Task(id="t", title="", prompt="", entry_point="f", tests=tests))
        0.5
    """
    wanted = [[(call, Expected(call.expected)) for call in test.calls] for test in task.tests]
    calls = [call for test in wanted for call, _ in test]
    if {_how(task, call).kind for call in calls} in _BY_TEXT and not any(call.view for call in calls):
        tally = Counter(text for test in wanted for text in _texts_passing(task, test))
        best = max(tally.values(), default=0)
    else:
        constants = map(_Constant, _candidates(task))
        best = max((sum(constant.passes(task, test) for test in wanted) for constant in constants), default=0)
    return best / len(task.tests)


_Test = list[tuple[Call, Expected]]


def _how(task: Task, call: Call) -> Comparison:
    return call.comparison or task.comparison


def _texts_passing(task: Task, test: _Test) -> set[str]:
    """Return the text of the one constant that passes a test, if its calls agree on one."""
    texts = {right.equal if _how(task, call).kind == "equal" else right.text.decode() for call, right in test}
    return texts if len(texts) == 1 else set()


def _candidates(task: Task) -> list[Any]:
    """Return constants worth a try, the likeliest first."""
    seen: Counter[bytes] = Counter()
    values: dict[bytes, Any] = {Expected(value).text: value for value in (None, True, False)}
    for value in _expected_values(task.tests, task):
        text = Expected(value).text
        seen[text] += 1
        values.setdefault(text, value)
    likely = [text for text, _ in seen.most_common(_TRIED)]
    return [values[text] for text in dict.fromkeys([*likely, *list(values)[:3]])]


def _expected_values(tests: tuple[TestCase, ...], task: Task) -> Iterator[Any]:
    for test in tests:
        for call in test.calls:
            several = _how(task, call).kind in _LISTS and isinstance(call.expected, list)
            yield from call.expected if several else [call.expected]


class _Constant:
    """A value that answers everything, looked at as the questions ask."""

    def __init__(self, value: Any) -> None:
        self._value = value
        self._seen: dict[str | None, Expected | None] = {}

    def passes(self, task: Task, test: _Test) -> bool:
        return all(self._right(task, call, right) for call, right in test)

    def _right(self, task: Task, call: Call, right: Expected) -> bool:
        answer = self._as(call.view)
        if answer is None:
            return False
        how = _how(task, call)
        if how.kind == "equal":
            return answer.equal == right.equal
        if how.kind == "close":
            return answer.text == right.text or close(right.tree, answer.tree, how.rel_tol, how.abs_tol)
        return matches(right, answer.text, how, task.check, call.args)

    def _as(self, view: str | None) -> Expected | None:
        """Return the value as a view has it; None where the view raises, which is no answer."""
        if view not in self._seen:
            try:
                self._seen[view] = Expected(self._value if view is None else VIEWS[view](self._value))
            except Exception:  # None has no members, text is no number
                self._seen[view] = None
        return self._seen[view]
