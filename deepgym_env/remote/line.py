"""A connection for programs without an event loop of their own.

- :class:`Line`: asks a server, and waits for its answers.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import os
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
        self._patience = patience
        self._connect()
        self._lock = threading.Lock()
        self._portal: BlockingPortal | None = None
        self._hang_up: weakref.finalize[..., Line] | None = None
        self._closed = False
        _lines.add(self)

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
            self._portal = None
            hang_up = self._hang_up
        if hang_up is not None:
            hang_up()

    def _call(self, ask: Callable[[], Coroutine[Any, Any, _T]]) -> _T:
        with self._lock:
            if self._closed:
                raise ClosedError("the client is closed; make a new one")
            if self._portal is None:
                ending = contextlib.ExitStack()
                self._portal = ending.enter_context(start_blocking_portal())
                self._hang_up = weakref.finalize(self, _hang_up, self._portal, self._connection, ending)
            asking = self._portal.start_task_soon(ask)
        try:
            answer: _T = asking.result()
        except concurrent.futures.CancelledError as error:
            raise ClosedError("the client was closed while this ran") from error
        except KeyboardInterrupt:
            asking.cancel()
            raise
        return answer

    def _after_fork(self) -> None:
        """In a forked child: the thread and the connection are the parent's; connect anew when needed."""
        self._lock = threading.Lock()
        self._portal = None
        if self._hang_up is not None:
            _the_parents.append(self._hang_up.detach())
            self._hang_up = None
        self._connect()

    def _connect(self) -> None:
        self._connection = Connection(self.address, patience=self._patience)
        self._names = TaskNames(self._connection)


def _hang_up(portal: BlockingPortal, connection: Connection, ending: contextlib.ExitStack) -> None:
    """End what is under way, then the thread it is on: nobody waits for it any more."""
    portal.call(connection.aclose)
    ending.close()


_lines: weakref.WeakSet[Line] = weakref.WeakSet()
_the_parents: list[object] = []  # in a forked child: kept, since their end would wait for the parent's thread


def _forget_after_fork() -> None:
    for line in list(_lines):
        line._after_fork()


os.register_at_fork(after_in_child=_forget_after_fork)
