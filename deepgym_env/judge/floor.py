"""What a task gives away: the score of a function that always returns the same.

- :func:`best_constant`
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from deepgym_env.judge.compare import Expected, matches
from deepgym_env.sandbox.runner import codec
from deepgym_env.sandbox.runner.views import VIEWS
from deepgym_env.task import Call, Comparison, Task, TestCase

__all__ = ["best_constant"]

_TRIED = 32  # constants: the answers expected most often
_BY_TEXT = ({"exact"}, {"equal"})
_LISTS = ("any_of", "any_equal")


def best_constant(task: Task) -> float:
    """Return the best score any one of the expected values reaches as the answer to everything.

    Where answers are compared by text alone it is exact; else the answers expected most often are tried.

    Example:
        >>> from deepgym_env.task import Case, Task, TestCase
        >>> tests = [TestCase(id=f"t{n}", calls=Case.of(n, expected=n % 3 == 0).calls) for n in range(4)]
        >>> best_constant(Task(id="t", title="", prompt="", entry_point="f", tests=tests))
        0.5
    """
    calls = [call for test in task.tests for call in test.calls]
    if {_how(task, call).kind for call in calls} in _BY_TEXT and not any(call.view for call in calls):
        tally = Counter(text for test in task.tests for text in _texts_passing(task, test))
        return max(tally.values(), default=0) / len(task.tests)
    wanted = [(test, [Expected(call.expected) for call in test.calls]) for test in task.tests]
    best = max((sum(_passes(task, *each, value) for each in wanted) for value in _candidates(task)), default=0)
    return best / len(task.tests)


def _how(task: Task, call: Call) -> Comparison:
    return call.comparison or task.comparison


def _text(call: Call, how: Comparison) -> str:
    expected = Expected(call.expected)
    return expected.equal if how.kind == "equal" else expected.text.decode()


def _texts_passing(task: Task, test: TestCase) -> set[str]:
    """Return the text of the one constant that passes a test, if its calls agree on one."""
    texts = {_text(call, _how(task, call)) for call in test.calls}
    return texts if len(texts) == 1 else set()


def _candidates(task: Task) -> list[Any]:
    """Return constants worth a try, the likeliest first."""
    seen: Counter[str] = Counter()
    values: dict[str, Any] = {codec.encode(value): value for value in (None, True, False)}
    for test in task.tests:
        for call in test.calls:
            listed = _how(task, call).kind in _LISTS and isinstance(call.expected, list)
            for value in call.expected if listed else [call.expected]:
                text = codec.encode(value, 1 << 28)
                seen[text] += 1
                values.setdefault(text, value)
    likely = [text for text, _ in seen.most_common(_TRIED)]
    return [values[text] for text in dict.fromkeys([*likely, *map(codec.encode, (None, True, False))])]


def _passes(task: Task, test: TestCase, expected: list[Expected], value: Any) -> bool:
    return all(_right(task, call, right, value) for call, right in zip(test.calls, expected, strict=True))


def _right(task: Task, call: Call, expected: Expected, value: Any) -> bool:
    try:
        shown = value if call.view is None else VIEWS[call.view](value)
        answer = codec.encode(shown, 1 << 28).encode()
    except Exception:
        return False  # None has no length, a number no members: to such a question it is no answer
    return matches(expected, answer, _how(task, call), task.check, call.args)
