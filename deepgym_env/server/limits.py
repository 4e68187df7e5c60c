"""How much callers may ask for.

- :class:`Bucket`: so many requests a second. :class:`Throttle`: what one key may ask for; :class:`Throttles`:
  those of all keys. :class:`~deepgym_env.server.gate.Gate` has every request pass its key's.
- :class:`Capacity`: submissions in flight, all callers' together. A route holds what it judges for as long as it
  takes, whatever ends it::

      with services.capacity.reserve(len(items)):
          results = await services.ask(lambda engine: engine.run_many(items))

- :class:`Refusal`: why not, and when to come back.

All of it is counted in one server process: two of them let through twice as much.
"""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import HTTPException

from deepgym_env.errors import ConfigError

__all__ = ["Bucket", "Capacity", "Refusal", "Throttle", "Throttles"]

Clock = Callable[[], float]

_PACE_SECONDS = 30.0
_LONGEST_WAIT = 60


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a request isn't taken now.

    Attributes:
        detail: For a person.
        seconds: After which it may be tried again.
    """

    detail: str
    seconds: int


class Bucket:
    """Tokens that come at a steady rate, and no more than fit; a request takes one.

    Example:
        >>> bucket = Bucket(rate=2.0, burst=1, clock=lambda: 0.0)
        >>> bucket.take(), bucket.take()
        (0.0, 0.5)
    """

    def __init__(self, rate: float, burst: int, clock: Clock = time.monotonic) -> None:
        """Have ``rate`` tokens come a second, and up to ``burst`` of them wait; it begins full."""
        self.rate = rate
        self.burst = burst
        self._clock = clock
        self._tokens = float(burst)
        self._at = clock()

    def take(self) -> float:
        """Take a token and return 0, or take none and return the seconds until there is one."""
        self._fill()
        # What rounding took off the time that was named isn't asked for once more.
        if self._tokens >= 1 - 1e-9:
            self._tokens = max(0.0, self._tokens - 1)
            return 0.0
        return (1 - self._tokens) / self.rate

    @property
    def left(self) -> int:
        """Tokens there are."""
        self._fill()
        return int(self._tokens + 1e-9)

    @property
    def full_in(self) -> float:
        """Seconds until no more fit."""
        self._fill()
        return (self.burst - self._tokens) / self.rate

    def _fill(self) -> None:
        now = self._clock()
        self._tokens = min(self.burst, self._tokens + (now - self._at) * self.rate)
        self._at = now


class Throttle:
    """What one key may ask for; used on one thread, the server's event loop.

    Example:
        >>> throttle = Throttle(concurrency=1, bucket=None)
        >>> throttle.enter()
        >>> throttle.enter().detail
        'this key has 1 request under way, all it may have at a time'
        >>> throttle.leave()
        >>> throttle.enter()
    """

    def __init__(self, concurrency: int, bucket: Bucket | None) -> None:
        """Let ``concurrency`` requests in at a time, and as many a second as ``bucket`` says; None: any number."""
        self._concurrency = concurrency
        self._bucket = bucket
        self._inside = 0

    def enter(self) -> Refusal | None:
        """Let a request in, which leaves later, or say why not; one that isn't let in counts for nothing."""
        if self._inside >= self._concurrency:
            under_way = f"{self._inside} request{'s' if self._inside > 1 else ''}"
            return Refusal(f"this key has {under_way} under way, all it may have at a time", 1)
        wait = self._bucket.take() if self._bucket else 0.0
        if self._bucket and wait:
            return Refusal(f"this key may make {self._bucket.rate:g} requests a second", max(1, math.ceil(wait)))
        self._inside += 1
        return None

    def leave(self) -> None:
        """End a request that was let in."""
        self._inside -= 1

    def headers(self) -> dict[str, str]:
        """Return what a response says of the rate: ``RateLimit`` and ``RateLimit-Policy`` of the IETF's draft."""
        bucket = self._bucket
        if bucket is None:
            return {}
        window, full_in = (math.ceil(seconds) for seconds in (bucket.burst / bucket.rate, bucket.full_in))
        return {
            "RateLimit-Policy": f'"key";q={bucket.burst};w={max(1, window)}',
            "RateLimit": f'"key";r={bucket.left};t={full_in}',
        }


class Throttles:
    """The throttles of all keys."""

    def __init__(self, concurrency: int, rate: float | None, burst: int, clock: Clock = time.monotonic) -> None:
        """Have keys without limits of their own share these."""
        self._concurrency = concurrency
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._of: dict[str, Throttle] = {}

    def of(self, key: str, rate: float | None = None, concurrency: int | None = None) -> Throttle:
        """Return the throttle of a key that is known, with its own limits where it has some."""
        if key not in self._of:
            rate = rate or self._rate
            bucket = Bucket(rate, self._burst, self._clock) if rate else None
            self._of[key] = Throttle(concurrency or self._concurrency, bucket)
        return self._of[key]


class Capacity:
    """Submissions in flight, all callers' together; safe to share between threads.

    Example:
        >>> capacity = Capacity(4)
        >>> with capacity.reserve(3):
        ...     capacity.used
        3
        >>> capacity.used
        0
    """

    def __init__(self, limit: int, clock: Clock = time.monotonic) -> None:
        """Let ``limit`` submissions in at a time."""
        self.limit = limit
        self._clock = clock
        self._lock = threading.Lock()
        self._used = 0
        self._ended = 0.0  # of late: older ones count less and less
        self._at = clock()

    @property
    def used(self) -> int:
        """Submissions in flight."""
        return self._used

    @contextmanager
    def reserve(self, count: int) -> Iterator[None]:
        """Hold room for ``count`` submissions.

        Raises:
            ConfigError: If it is more than there ever is.
            HTTPException: 503, with the time until there may be room.
        """
        refusal = self.enter(count)
        if refusal is not None:
            raise HTTPException(503, refusal.detail, {"Retry-After": str(refusal.seconds)})
        try:
            yield
        finally:
            self.leave(count)

    def enter(self, count: int) -> Refusal | None:
        """Let ``count`` submissions in, all of which leave later, or say why not.

        Raises:
            ConfigError: If it is more than there ever is.
        """
        if count > self.limit:
            raise ConfigError(
                f"{count} submissions are more than this server takes at a time, {self.limit}: send them in parts, "
                "or as a job"
            )
        with self._lock:
            excess = self._used + count - self.limit
            if excess > 0:
                return Refusal(f"the server is busy with {self._used} submissions", self._seconds_until(excess))
            self._used += count
            return None

    def leave(self, count: int) -> None:
        """End ``count`` of the submissions that were let in."""
        with self._lock:
            self._used -= count
            self._ended = self._recently() + count
            self._at = self._clock()

    def _recently(self) -> float:
        return self._ended * math.exp((self._at - self._clock()) / _PACE_SECONDS)

    def _seconds_until(self, count: int) -> int:
        """Return in how long ``count`` submissions will have ended, if they go on ending as of late."""
        a_second = self._recently() / _PACE_SECONDS
        seconds = math.ceil(count / a_second) if a_second * _LONGEST_WAIT > count else _LONGEST_WAIT
        return max(1, seconds) if self._ended else 1
