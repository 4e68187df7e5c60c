"""Which episodes a list shows.

- :class:`Filters`: what was asked for; :meth:`Filters.apply` gives a :class:`Selection`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from deepgym_env.errors import ConfigError
from deepgym_env.viewer.runs import RunFolder
from deepgym_env.viewer.summary import OUTCOMES, Summary

__all__ = ["PER_PAGE", "SORTS", "Filters", "Selection"]

PER_PAGE = 50
_LONGEST = 200  # characters of a search
_LAST = float("inf")

_Key = Callable[[Summary], Any]
SORTS: dict[str, tuple[str, _Key | None, bool]] = {
    "newest": ("newest first", None, True),
    "oldest": ("oldest first", None, False),
    "worst": ("lowest score", lambda each: _LAST if each.score is None else each.score, False),
    "best": ("highest score", lambda each: -_LAST if each.score is None else each.score, True),
    "longest": ("most turns", lambda each: each.turns, True),
    "slowest": ("longest time", lambda each: each.seconds or 0.0, True),
    "task": ("task", lambda each: each.task, False),
}
_CHOICES = {"outcome": ("", *OUTCOMES), "verdict": ("", "yes", "no"), "signs": ("", "yes"), "sort": tuple(SORTS)}


@dataclass(frozen=True)
class Filters:
    """What was asked for; empty means any.

    Attributes:
        q: A text that an episode holds, its id or its seed.
        task: Its task.
        log: The file it is in.
        outcome: What it came to.
        verdict: Whether every turn has a verdict: ``yes`` or ``no``.
        signs: ``yes`` for those with signs of cheating.
        sort: One of :data:`SORTS`.
        page: From 1.
    """

    q: str = ""
    task: str = ""
    log: str = ""
    outcome: str = ""
    verdict: str = ""
    signs: str = ""
    sort: str = "newest"
    page: int = 1

    @classmethod
    def of(cls, given: Mapping[str, str]) -> Filters:
        """Read what a form gives; other names are left aside.

        Raises:
            ConfigError: If a value is none of those there are.

        Example:
            >>> Filters.of({"outcome": "passed", "page": "2"}).page
            2
        """
        known = {each.name: given[each.name] for each in fields(cls) if given.get(each.name)}
        for name, choices in _CHOICES.items():
            if known.get(name, choices[0]) not in choices:
                raise ConfigError(f"{name} must be one of {', '.join(filter(None, choices))}, got {known[name]!r:.80}")
        page = known.pop("page", "1")
        if not (page.isascii() and page.isdigit() and 0 < int(page[:9]) < 10**8):
            raise ConfigError(f"page must be a number from 1, got {page!r:.80}")
        known["q"] = known.get("q", "")[:_LONGEST].strip()
        return replace(cls(**known), page=int(page[:9]))  # type: ignore[arg-type]

    def query(self, **changes: Any) -> dict[str, str]:
        """Return what differs from the defaults, with some changes, as a form would give it."""
        mine, plain = {**asdict(self), **changes}, asdict(Filters())
        return {name: str(value) for name, value in mine.items() if value != plain[name]}

    def narrow(self, runs: RunFolder) -> list[Summary]:
        """Return the episodes that are asked for, in the order they began."""
        chosen = [each for each in runs.summaries if self._admits(each)]
        if not self.q:
            return chosen
        holding = runs.holding(self.q)
        return [each for each in chosen if each.id in holding or each.id.startswith(self.q) or str(each.seed) == self.q]

    def apply(self, runs: RunFolder) -> Selection:
        """Return the page that is asked for."""
        chosen = self.narrow(runs)
        _, key, backwards = SORTS[self.sort]
        if key is not None:
            chosen.sort(key=key, reverse=backwards)
        elif backwards:
            chosen.reverse()
        pages = max(1, -(-len(chosen) // PER_PAGE))
        page = min(self.page, pages)
        shown = chosen[(page - 1) * PER_PAGE : page * PER_PAGE]
        return Selection(tuple(shown), len(chosen), page, pages)

    def _admits(self, each: Summary) -> bool:
        return (
            (not self.task or each.task == self.task)
            and (not self.log or each.log == self.log)
            and (not self.outcome or each.outcome == self.outcome)
            and (not self.verdict or (each.outcome != "no_verdict") == (self.verdict == "yes"))
            and (not self.signs or bool(each.signs))
        )


@dataclass(frozen=True)
class Selection:
    """A page of a list.

    Attributes:
        episodes: Those shown.
        total: How many were asked for.
        page: The page, from 1.
        pages: How many there are.
    """

    episodes: tuple[Summary, ...]
    total: int
    page: int
    pages: int
