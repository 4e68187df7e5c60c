"""How many sessions a server keeps, and how many of them for one key.

- :class:`Seats`; :func:`share_of`: how many of them one key may have.
"""

from __future__ import annotations

import contextlib
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from fastapi import HTTPException

__all__ = ["Seats", "share_of"]

_SHARE = 0.75  # of all, for one key: the others still find room
_RETRY_SECONDS = "5"


def share_of(limit: int) -> int:
    """Return how many of so many sessions one key may have."""
    return math.ceil(limit * _SHARE)


class Seats:
    """Counts the sessions there are and those being opened, and refuses one too many.

    Example:
        >>> seats = Seats(2, lambda: {"key": 1})
        >>> with seats.opening("key"):
        ...     pass
    """

    def __init__(self, limit: int, held: Callable[[], Mapping[str, int]]) -> None:
        """Allow ``limit`` sessions; ``held`` tells how many each owner has."""
        self._limit, self._held = limit, held
        self._share = share_of(limit)
        self._opening: Counter[str] = Counter()

    @contextlib.contextmanager
    def opening(self, owner: str) -> Iterator[None]:
        """Reserve a seat while a session is opened; once it is, it is among those that are held.

        Raises:
            HTTPException: 503 if there is none, 429 if the key has its share, both with ``Retry-After``.
        """
        taken = Counter(self._held()) + self._opening
        if taken.total() >= self._limit:
            raise _refusal(503, f"{self._limit} sessions are open, the most there may be: try again later")
        if owner and taken[owner] >= self._share:
            raise _refusal(429, f"this key has {self._share} sessions open, the most one may: end some")
        self._opening[owner] += 1
        try:
            yield
        finally:
            self._opening[owner] -= 1


def _refusal(status: int, detail: str) -> HTTPException:
    return HTTPException(status, detail, {"Retry-After": _RETRY_SECONDS})
