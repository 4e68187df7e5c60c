"""The engine environments share: started with the first, ended with the last.

A process with a thousand environments has one pool of sandboxes, not a thousand.
"""

from __future__ import annotations

import os
import threading
import weakref

from deepgym_env.blocking import DeepGym

__all__ = ["Lease", "lease_engine"]


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
