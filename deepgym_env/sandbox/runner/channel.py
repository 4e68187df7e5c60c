"""A child's end of its channel to the supervisor."""

from __future__ import annotations

import os
import select
import struct
import time
from typing import Optional

from . import wire

__all__ = ["CHANNEL", "Channel"]

CHANNEL = 3  # the one descriptor a child is born with
_pid_of_this = os.getpid
_CPU = struct.Struct("<d")


class Channel:
    """Blocking frames on the one descriptor that is left."""

    def __init__(self, *, alone: bool = False) -> None:
        """``alone``: copies that this process makes of itself have no say."""
        self.received = bytearray()
        self._pid = _pid_of_this() if alone else None

    def receive(self) -> Optional[bytes]:
        """Return the next payload, or None at the end."""
        while True:
            frames = wire.child_frames(self.received, wire.MAX_FRAME)
            if frames:
                self.received[:0] = b"".join(map(wire.child_frame, frames[1:]))
                return frames[0]
            data = os.read(CHANNEL, 1 << 20)
            if not data:
                return None
            self.received += data

    def send(self, kind: bytes, payload: bytes = b"") -> None:
        if self._pid is not None and _pid_of_this() != self._pid:
            os._exit(0)
        data = memoryview(wire.child_frame(kind + _CPU.pack(time.process_time()) + payload))
        while data:
            try:
                data = data[os.write(CHANNEL, data) :]
            except BlockingIOError:
                select.select([], [CHANNEL], [])
