"""Frames on both channels (stdlib only, Python 3.8+).

Engine and runner: ``u32 length | u8 kind | u32 run | u32 CRC of the payload | u32 CRC of these 13 bytes |
payload``; the length counts the payload, and the last CRC begins with the frame's number. So a bit that
falls over on the way (a daemon may be far), or a frame that is lost, ends the stream instead of changing a
verdict, and a wrong length is not waited for.
Child and runner: ``u32 length | payload``; of what a child sends the runner reads the kind byte and
the child's CPU clock (f64 seconds) behind it. All numbers are little-endian.
"""

from __future__ import annotations

import struct
from binascii import crc32
from typing import List, Tuple

__all__ = ["ChildKind", "FrameError", "FrameReader", "FrameWriter", "Kind", "child_frame", "child_frames"]

Frame = Tuple[int, int, bytes]  # kind, run, payload

_HEAD = struct.Struct("<IBII")
_CHECK = struct.Struct("<I")
_START = _HEAD.size + _CHECK.size  # of the payload
_NUMBERS = 0xFFFFFFFF
_LENGTH = struct.Struct("<I")
MAX_FRAME = 1 << 30


class Kind:
    """Kinds of frames between engine and runner."""

    CONFIG = 1  # engine: how to set up; first frame, JSON
    READY = 2  # runner: what is in force, JSON
    RUN = 3  # engine: u32 length | JSON limits and stages | the stages' bytes
    DATA = 4  # engine: more bytes for the child
    CANCEL = 5  # engine: kill the child
    ANSWER = 6  # runner: a child's payload, without its clock
    END = 7  # runner: how the child ended, JSON
    FAILED = 8  # runner: it can't go on, text
    PING = 9  # engine: are you there?
    PONG = 10  # runner: yes
    NEXT = 11  # engine: more bytes for the child, with which its next test begins


class ChildKind:
    """First byte of a child's payload."""

    READY = b"R"  # locked down; no line of the submission has run yet
    BROKEN = b"X"  # the set-up failed, text
    LOADED = b"L"  # the submission is loaded; JSON of what went wrong, if anything
    ANSWER = b"A"  # nonce | outcomes
    QUERY = b"Q"  # u32 number of the function argument | encoded arguments


class FrameError(Exception):
    """The bytes are no frame."""


def child_frame(payload: bytes) -> bytes:
    """Return one frame between child and runner."""
    return _LENGTH.pack(len(payload)) + payload


class FrameWriter:
    """Makes the frames of one stream, in the order they are sent."""

    def __init__(self) -> None:
        self._number = 0

    def frame(self, kind: int, run: int, payload: bytes = b"") -> bytes:
        """Return the next frame between engine and runner."""
        head = _HEAD.pack(len(payload), kind, run, crc32(payload))
        check = crc32(head, self._number)
        self._number = (self._number + 1) & _NUMBERS
        return head + _CHECK.pack(check) + payload


class FrameReader:
    """Collects the bytes of one stream and hands out whole frames."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._number = 0

    def feed(self, data: bytes) -> List[Frame]:
        """Add bytes; return the ``(kind, run, payload)`` frames now complete.

        Raises:
            FrameError: If they are not as they were sent.
        """
        buffer = self._buffer
        buffer += data
        frames = []
        start = 0
        while len(buffer) - start >= _START:
            length, kind, run, check = _HEAD.unpack_from(buffer, start)
            head = buffer[start : start + _HEAD.size]
            if crc32(head, self._number) != _CHECK.unpack_from(buffer, start + _HEAD.size)[0]:
                raise FrameError("the head of a frame is corrupt, or a frame is missing")
            if length > MAX_FRAME:
                raise FrameError("frame of %d bytes" % length)
            end = start + _START + length
            if len(buffer) < end:
                break
            payload = bytes(buffer[start + _START : end])
            if crc32(payload) != check:
                raise FrameError("a frame of %d bytes is corrupt" % length)
            frames.append((kind, run, payload))
            self._number = (self._number + 1) & _NUMBERS
            start = end
        if start:
            del buffer[:start]
        return frames


def child_frames(buffer: bytearray, limit: int) -> List[bytes]:
    """Take the complete payloads out of a child's ``buffer``, up to one that is no good.

    Raises:
        FrameError: If the first is empty or longer than ``limit``.
    """
    payloads: List[bytes] = []
    start = 0
    while len(buffer) - start >= _LENGTH.size:
        (length,) = _LENGTH.unpack_from(buffer, start)
        if length > limit or length == 0:
            if payloads:
                break
            raise FrameError("too long" if length else "empty")
        end = start + _LENGTH.size + length
        if len(buffer) < end:
            break
        payloads.append(bytes(buffer[start + _LENGTH.size : end]))
        start = end
    if start:
        del buffer[:start]
    return payloads
