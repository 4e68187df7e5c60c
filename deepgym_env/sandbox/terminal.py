"""A byte stream over a terminal: where a place offers nothing better to talk to a process in it.

Stdlib only, Python 3.8+: its source also runs in sandboxes. A terminal in raw mode passes every byte, but
what stands between it and us may drop a client that doesn't keep up. So each end sends no more than the
other has room for: ``u8 kind | u32 length | payload``, where an acknowledgement is a length alone.

- :class:`Link`: what either end keeps in mind.
- :func:`command_line`: what to type into a shell, so that it becomes a program sent after it.
- :func:`relay`: that program: it starts a command and passes its standard streams on.
"""

from __future__ import annotations

import collections
import contextlib
import os
import select
import socket
import struct
import subprocess
import sys
import tempfile

__all__ = ["DATA", "PIECE", "WINDOW", "WORDS", "Link", "command_line", "relay"]

DATA, ACK, WORDS = 1, 2, 3  # WORDS: what the command last wrote to stderr; then nothing follows
PIECE = 16 << 10  # bytes in a message; Daytona takes 64 KiB at most
WINDOW = 192 << 10  # bytes under way; Daytona drops a client that has 256 messages waiting
_LEAST = 1 << 10  # a piece counts for this at least: that bounds the number of messages as well
_HEAD = struct.Struct("<BI")
_WAIT = 2.0


class Link:
    """One end: takes messages apart, and knows how much the other end still has room for.

    Example:
        >>> here, there = Link(), Link()
        >>> there.feed(here.pack(b"hello"))
        [(1, b'hello')]
    """

    def __init__(self) -> None:
        """Begin with nothing under way."""
        self._buffer = bytearray()
        self._under_way = 0
        self._owed = 0

    def room(self) -> int:
        """Return how many bytes may be packed next."""
        left = WINDOW - self._under_way
        return min(PIECE, left) if left >= _LEAST else 0

    def pack(self, data: bytes) -> bytes:
        """Return the message for a piece of the stream."""
        self._under_way += max(len(data), _LEAST)
        return _HEAD.pack(DATA, len(data)) + data

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """Add what has arrived; return the messages now complete, but for acknowledgements.

        Raises:
            ValueError: If this is not what the other end sends.
        """
        buffer = self._buffer
        buffer += data
        messages = []
        at = 0
        while len(buffer) - at >= _HEAD.size:
            kind, length = _HEAD.unpack_from(buffer, at)
            if kind == ACK:
                self._under_way -= length
                at += _HEAD.size
                continue
            if kind not in (DATA, WORDS) or length > PIECE:
                raise ValueError(f"no message of a link: {bytes(buffer[at : at + 40])!r}")
            end = at + _HEAD.size + length
            if len(buffer) < end:
                break
            messages.append((kind, bytes(buffer[at + _HEAD.size : end])))
            at = end
        del buffer[:at]
        return messages

    def acknowledge(self, piece: bytes) -> bytes:
        """Note that a piece has been passed on; return what to tell the other end, if it is time."""
        self._owed += max(len(piece), _LEAST)
        if self._owed < WINDOW // 4:
            return b""
        owed, self._owed = self._owed, 0
        return _HEAD.pack(ACK, owed)


def command_line(python: str, program: bytes, ready: str) -> bytes:
    """Return a line for a shell: makes the terminal raw, prints ``ready`` and runs what then is sent.

    ``ready`` stands backwards in the line, so that an echo of it is not mistaken for the answer.
    """
    steps = (
        "import sys,termios as t",
        "a=t.tcgetattr(0)",
        "a[0]=a[1]=a[3]=0",
        "a[6][t.VMIN]=1",
        "a[6][t.VTIME]=0",
        "t.tcsetattr(0,t.TCSANOW,a)",
        f'print("{ready[::-1]}"[::-1],end="",flush=True)',
        f'exec(compile(sys.stdin.buffer.read({len(program)}),"relay","exec"))',
    )
    # An interactive shell would live on if it could not become that.
    return f" command -v {python} >/dev/null || exit 127; exec {python} -I -S -c '{';'.join(steps)}'\n".encode()


def relay(command: list[str], environment: dict[str, str], ready: str) -> None:
    """Run ``python command folder``, and pass on its standard streams until either end is gone."""
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [sys.executable, *command, folder],
            stdin=theirs.fileno(),
            stdout=theirs.fileno(),
            stderr=errors,
            env=environment,
            cwd="/",
            start_new_session=True,
        )
        theirs.close()
        os.write(1, ready.encode())
        link = Link()
        with contextlib.suppress(OSError, ValueError):  # one end is gone, or not what it was
            _pass_on(link, ours)
        ours.close()
        try:
            process.wait(_WAIT)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        errors.seek(0)
        last = errors.read()[-500:]
        _flush(bytearray(_HEAD.pack(WORDS, len(last)) + last))
        select.select([0], [], [], _WAIT)  # what a terminal holds when its last process ends may be lost


def _pass_on(link: Link, command: socket.socket) -> None:
    """Pass bytes on between the terminal and the command, until one of them has no more."""
    inwards: collections.deque[memoryview] = collections.deque()  # bounded by what the other end may send
    sizes: collections.deque[bytes] = collections.deque()
    outwards = bytearray()
    os.set_blocking(0, False)
    command.setblocking(False)
    while True:
        sources: list[int] = [0, *([command.fileno()] if link.room() else [])]
        sinks: list[int] = [*([1] if outwards else []), *([command.fileno()] if inwards else [])]
        readable, writable, _ = select.select(sources, sinks, [])
        if 0 in readable:
            data = os.read(0, 1 << 16)
            if not data:
                return
            for _, piece in link.feed(data):
                inwards.append(memoryview(piece))
                sizes.append(piece)
        if command.fileno() in readable:
            data = command.recv(link.room())
            if not data:
                _flush(outwards)
                return
            outwards += link.pack(data)
        if command.fileno() in writable:
            inwards[0] = inwards[0][command.send(inwards[0]) :]
            if not inwards[0]:
                inwards.popleft()
                outwards += link.acknowledge(sizes.popleft())
        if 1 in writable:
            del outwards[: os.write(1, outwards)]


def _flush(data: bytearray) -> None:
    os.set_blocking(1, True)
    while data:
        del data[: os.write(1, data)]
