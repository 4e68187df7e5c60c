"""A connection for programs without an event loop of their own.

- :class:`Line`: asks a server, and waits for its answers.
"""

from __future__ import annotations

import contextlib
import functools
import threading
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from anyio.from_thread import BlockingPortal, start_blocking_portal
from pydantic import BaseModel

from deepgym_env.errors import ClosedError
from deepgym_env.remote.address import Address
from deepgym_env.remote.http import Connection
from deepgym_env.remote.naming import TaskName, TaskNames
from deepgym_env.task import AnyTask

__all__ = ["Line"]

_T = TypeVar("_T")
_Message = TypeVar("_Message", bound=BaseModel)


class Line:
    """A connection on an event loop on a thread; safe to share between threads."""

    def __init__(self, address: Address, *, patience: float) -> None:
        """Start nothing yet; see :class:`~deepgym_env.remote.http.Connection`."""
        self.address = address
        self._connection = Connection(address, patience=patience)
        self._names = TaskNames(self._connection)
        self._lock = threading.Lock()
        self._portal: BlockingPortal | None = None
        self._ending = contextlib.ExitStack()
        self._closed = False

    def ask(self, method: str, path: str, kind: type[_Message], **more: Any) -> _Message:
        """Send a request; return what it was answered, see :meth:`Connection.ask`."""
        return self._call(functools.partial(self._connection.ask_for, kind, method, path, **more))

    def ask_plain(self, method: str, path: str, **more: Any) -> Any:
        """Send a request; return the answer's JSON as it is."""
        return self._call(functools.partial(self._connection.ask, method, path, **more))

    def name_of(self, task: AnyTask) -> TaskName:
        """Return what stands for a task at the server."""
        return self._call(functools.partial(self._names.name_of, task))

    def close(self) -> None:
        """Hang up. Closing twice does no harm."""
        with self._lock:
            self._closed = True
            portal, self._portal = self._portal, None
        if portal is not None:
            portal.call(self._connection.aclose)
            self._ending.close()

    def _call(self, ask: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        with self._lock:
            if self._closed:
                raise ClosedError("the client is closed; make a new one")
            if self._portal is None:
                self._portal = self._ending.enter_context(start_blocking_portal())
                weakref.finalize(self, self._ending.close)
            portal = self._portal
        answer: _T = portal.call(ask)
        return answer
