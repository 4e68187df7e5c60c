"""A command's way to the judge: what its processes ask goes out as queries, and the answers come back.

The socket is a name in the command's own network, not a file: its processes find it wherever they are, and
nobody else does. One question is under way at a time, the others wait their turn. Frames are
``u32 length | payload``; the judge learns with each which connection it came on.
"""

from __future__ import annotations

import select
import socket
import struct
import time
from collections import deque

from . import wire
from .channel import CHANNEL, Channel
from .request import ADDRESS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Deque, Dict, Optional, Tuple

__all__ = ["Link"]

_BACKLOG = 64
_NUMBER = struct.Struct("<I")


class _Connection:
    def __init__(self, number: int, plug: socket.socket) -> None:
        self.number = number
        self.plug = plug
        self.received = bytearray()
        self.pending = bytearray()


class Link:
    """Serves the processes of one command; its owner polls."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(ADDRESS)
        self.listener.listen(_BACKLOG)
        self.listener.setblocking(False)
        self.connections: Dict[int, _Connection] = {}  # by descriptor
        self.accepted = 0
        self.questions: Deque[Tuple[_Connection, bytes]] = deque()
        self.asking: Optional[_Connection] = None  # whose question is with the judge
        self.since = 0.0
        self.waited_before = 0.0
        self.poll: Any = None

    def watch(self, poll: Any) -> None:
        """Have a poll wait for what happens here."""
        self.poll = poll
        for descriptor in (self.listener.fileno(), CHANNEL):
            poll.register(descriptor, select.POLLIN)

    def waited(self, now: float) -> float:
        """Return for how long a question has been with the judge, all of them together."""
        return self.waited_before + (now - self.since if self.asking is not None else 0.0)

    def handle(self, descriptor: int) -> bool:
        """Do what a descriptor is ready for; return whether it is one of ours."""
        if descriptor == CHANNEL:
            self._answer()
        elif descriptor == self.listener.fileno():
            self._accept()
        elif descriptor in self.connections:
            self._exchange(self.connections[descriptor])
        else:
            return False
        return True

    def _accept(self) -> None:
        try:
            plug, _ = self.listener.accept()
        except OSError:  # it has gone again
            return
        plug.setblocking(False)
        self.connections[plug.fileno()] = _Connection(self.accepted, plug)
        self.accepted += 1
        self.poll.register(plug.fileno(), select.POLLIN)

    def _exchange(self, connection: _Connection) -> None:
        try:
            if connection.pending:
                self._write(connection)
            data = connection.plug.recv(1 << 18)
            connection.received += data
            frames = wire.child_frames(connection.received, wire.MAX_FRAME)
        except BlockingIOError:
            return
        except (OSError, wire.FrameError):
            data, frames = b"", []
        if not data:
            self._close(connection)
        self.questions.extend((connection, frame) for frame in frames)
        self._ask()

    def _ask(self) -> None:
        if self.asking is None and self.questions:
            self.asking, question = self.questions.popleft()
            self.since = time.monotonic()
            self.channel.send(wire.ChildKind.QUERY, _NUMBER.pack(self.asking.number) + question)

    def _answer(self) -> None:
        reply = self.channel.receive()
        connection, self.asking = self.asking, None
        if reply is None or connection is None:
            raise OSError("the supervisor has gone")
        self.waited_before += time.monotonic() - self.since
        if connection.plug.fileno() >= 0:  # it may have gone meanwhile
            connection.pending += wire.child_frame(reply)
            self._write(connection)
        self._ask()

    def _write(self, connection: _Connection) -> None:
        try:
            sent = connection.plug.send(connection.pending)
            del connection.pending[:sent]
        except BlockingIOError:
            pass
        except OSError:
            connection.pending.clear()
        self.poll.modify(connection.plug.fileno(), select.POLLIN | (select.POLLOUT if connection.pending else 0))

    def _close(self, connection: _Connection) -> None:
        self.poll.unregister(connection.plug.fileno())
        del self.connections[connection.plug.fileno()]
        connection.plug.close()
        self.questions = deque(each for each in self.questions if each[0] is not connection)
