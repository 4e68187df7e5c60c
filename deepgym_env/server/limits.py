"""How much a server takes on at a time.

- :class:`Capacity`: submissions in flight, all callers' together.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from fastapi import HTTPException

__all__ = ["Capacity"]


class Capacity:
    """Room for submissions that wait or run; used on one event loop.

    Example:
        >>> capacity = Capacity(8)
        >>> with capacity.reserve(3):
        ...     capacity.used
        3
    """

    def __init__(self, limit: int) -> None:
        """Be empty.

        Args:
            limit: Submissions there is room for.
        """
        self.limit = limit
        self.used = 0

    @contextlib.contextmanager
    def reserve(self, count: int) -> Iterator[None]:
        """Take room for some submissions, as long as they wait or run.

        Raises:
            HTTPException: If there isn't enough room: now (503), or ever (413).
        """
        if count > self.limit:
            raise HTTPException(
                413, f"{count} submissions are more than this server takes at a time ({self.limit}): send fewer"
            )
        if self.used + count > self.limit:
            told = f"{self.used} submissions wait or run, and there is room for {self.limit}: ask again later"
            raise HTTPException(503, told, {"Retry-After": "1"})
        self.used += count
        try:
            yield
        finally:
            self.used -= count
