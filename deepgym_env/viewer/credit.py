"""Which turn earned what.

- :func:`credits_of`: the turns of an episode to one :class:`Credit` each.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deepgym_env.episodes import Turn
from deepgym_env.viewer.summary import finite

__all__ = ["Credit", "credits_of"]


@dataclass(frozen=True, slots=True)
class Credit:
    """A turn's part in the result: rewards telescope, so credits add up to the score of the last state.

    Attributes:
        score: Score of the state after the turn; None without a verdict, or where none was told.
        credit: By how much the turn changed it; None without a verdict.
        reward: The sum of the turn's reward over the tests, as it was logged; None without a verdict.
        gained: Tests that pass since this turn.
        lost: Tests that don't pass any more.
    """

    score: float | None
    credit: float | None
    reward: float | None
    gained: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


def credits_of(turns: Sequence[Turn]) -> list[Credit]:
    """Return the credit of each turn."""
    return list(_credits(turns))


def _credits(turns: Sequence[Turn]) -> Iterator[Credit]:
    before = 0.0
    passing: frozenset[str] = frozenset()
    for turn in turns:
        reward = finite(sum(each for each in turn.reward if finite(each) is not None))
        score = finite(turn.info.get("score"))
        if not turn.has_verdict or score is None:
            yield Credit(None, None, reward if turn.has_verdict else None)
            continue
        now = frozenset(test["id"] for test in turn.info.get("tests", ()) if test["status"] == "passed")
        yield Credit(score, score - before, reward, tuple(sorted(now - passing)), tuple(sorted(passing - now)))
        before, passing = score, now
