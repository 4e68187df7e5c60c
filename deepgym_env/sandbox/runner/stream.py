"""The runner's end of the stream to the engine."""

from __future__ import annotations

import os
import select
from typing import List, Optional

from . import wire

__all__ = ["Stream"]


class Stream:
    """Frames over two descriptors that don't block (a socket twice, or two pipes)."""

    def __init__(self, reader: int, writer: int) -> None:
        self.reader = reader
        self.writer = writer
        self.frames = wire.FrameReader()
        self.writes = wire.FrameWriter()
        self.pending = bytearray()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)

    def receive(self) -> Optional[List[wire.Frame]]:
        """Return the frames that have arrived, or None at the end of the stream."""
        try:
            data = os.read(self.reader, 1 << 20)
        except BlockingIOError:
            return []
        except ConnectionError:
            return None
        return self.frames.feed(data) if data else None

    def receive_first(self) -> bytes:
        """Wait for the first frame and return its payload."""
        while True:
            select.select([self.reader], [], [])
            frames = self.receive()
            if frames is None:
                raise EOFError("the stream closed before the configuration came")
            if frames:
                return frames[0][2]

    def send(self, kind: int, run: int, payload: bytes = b"") -> None:
        """Queue a frame; :meth:`flush` writes it, with all others queued by then."""
        self.pending += self.writes.frame(kind, run, payload)

    def flush(self) -> None:
        """Write what can be written without blocking."""
        while self.pending:
            try:
                written = os.write(self.writer, self.pending)
            except BlockingIOError:
                return
            del self.pending[:written]

    def flush_all(self) -> None:
        """Write everything, however long it takes."""
        self.flush()
        while self.pending:
            select.select([], [self.writer], [])
            self.flush()
