"""The engine environments share: started with the first, ended with the last.

A process with a thousand environments has one pool of sandboxes, not a thousand.

- :func:`lease_engine`: a share in it; :class:`Lease`.
- :class:`HeldEngine`: for what makes environments, so that the engine outlives each of them.
"""

from __future__ import annotations

import os
import threading
import weakref

from deepgym_env.blocking import DeepGym
from deepgym_env.errors import ClosedError

__all__ = ["HeldEngine", "Lease", "lease_engine"]


class Lease:
    """A share in the engine; given back by :meth:`release`, or when its owner is collected."""

    def __init__(self, owner: object) -> None:
        """Take a share on behalf of ``owner``."""
        self.engine = _take()
        self._finalizer = weakref.finalize(owner, _give_back)

    def release(self) -> None:
        """Give the share back; a second call does nothing."""
        self._finalizer()


def lease_engine(owner: object) -> Lease:
    """Return a share in this process's engine."""
    return Lease(owner)


class HeldEngine:
    """An engine that was given, or this process's, held from its first use on; safe to share between threads.

    Without it the engine would end with each environment that happens to be the only one. It can be pickled
    unless it was given an engine.
    """

    def __init__(self, given: DeepGym | None = None) -> None:
        """Hold ``given``, which is not closed by this, or nothing yet."""
        self._given = given
        self._lease: Lease | None = None
        self._lock = threading.Lock()

    def __call__(self) -> DeepGym:
        """Return the engine.

        Raises:
            ClosedError: If the one that was given is closed.
        """
        if self._given is not None:
            if self._given.closed:
                raise ClosedError("the engine this was made with is closed: make it with an open one")
            return self._given
        with self._lock:
            if self._lease is None or self._lease.engine.closed:
                self._lease = lease_engine(self)
            return self._lease.engine

    def release(self) -> None:
        """Give the share in the process's engine back; it is taken again when it is used."""
        with self._lock:
            lease, self._lease = self._lease, None
        if lease is not None:
            lease.release()

    def __reduce__(self) -> tuple[type[HeldEngine], tuple[()]]:
        """Return what another process makes of it: one that holds its own."""
        if self._given is not None:
            raise TypeError("what was given an engine can't be pickled: make it without `engine`")
        return HeldEngine, ()


_lock = threading.Lock()
_engine: DeepGym | None = None
_shares = 0


def _take() -> DeepGym:
    global _engine, _shares
    with _lock:
        if _engine is None:
            _engine = DeepGym()
        _shares += 1
        return _engine


def _give_back() -> None:
    global _engine, _shares
    with _lock:
        _shares -= 1
        unused, _engine = (_engine, None) if _shares == 0 else (None, _engine)
    if unused is not None:
        unused.close()


def _after_fork() -> None:
    global _lock
    _lock = threading.Lock()


os.register_at_fork(after_in_child=_after_fork)
