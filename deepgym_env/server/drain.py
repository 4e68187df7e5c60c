"""Going down without losing anything.

- :class:`Drain`: whether the server is to go down, and what it still has to answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterator

__all__ = ["Drain"]


class Drain:
    """Whether a server is to go down, and what it still has to answer.

    Once it has begun, new work is refused. It is over when nothing is under way any more, or its time is up: then
    :attr:`over` is set, and what is still under way gives up.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Not begun yet.

        Args:
            seconds: How long requests under way may take.
            clock: Tells the time.
        """
        self.over = asyncio.Event()
        self.under_way = 0
        self._seconds = seconds
        self._clock = clock
        self._began: float | None = None

    @property
    def draining(self) -> bool:
        """Whether it has begun."""
        return self._began is not None

    def begin(self) -> None:
        """Begin; may be called by a signal handler."""
        self._began = self._clock()

    def check(self) -> bool:
        """Return whether it is over, and tell who waits; to be called now and then, on the event loop."""
        if self._began is None:
            return False
        if not self.under_way or self._clock() - self._began >= self._seconds:
            self.over.set()
        return self.over.is_set()

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Count a request as under way."""
        self.under_way += 1
        try:
            yield
        finally:
            self.under_way -= 1
