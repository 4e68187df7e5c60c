"""What an attacker would bring along; put in front of submissions, never imported by the tests."""

# ruff: noqa: SIM105  plain code, for any interpreter

import gc
import hashlib
import json  # noqa: F401  submissions use it
import os
import re
import struct
import sys
import time

CHANNEL = 3


def say(kind, payload=b"", cpu=None):
    """Send a frame in the harness's name."""
    clock = time.process_time() if cpu is None else cpu
    body = kind + struct.pack("<d", clock) + payload
    os.write(CHANNEL, struct.pack("<I", len(body)) + body)


def hear():
    """Read the next frame in the harness's place."""
    data = b""
    while len(data) < 4 or len(data) < 4 + struct.unpack_from("<I", data)[0]:
        more = os.read(CHANNEL, 1 if len(data) < 4 else 4 + struct.unpack_from("<I", data)[0] - len(data))
        if not more:
            return None
        data += more
    return data[4:]


def seen(name):
    """Return a local variable of one of the harness's frames."""
    frame = sys._getframe()
    while frame is not None:
        if name in frame.f_locals and frame.f_globals.get("__name__") != "solution":
            return frame.f_locals[name]
        frame = frame.f_back
    raise LookupError(name)


def part(kind, data):
    return struct.pack("<BI", ord(kind), len(data)) + data


def answer(nonce, data=b"null", kind="V", printed=b""):
    return nonce.encode() + part(kind, data) + part("O", printed)


def in_frames():
    """Everything the frames of all threads hold."""
    for frame in sys._current_frames().values():
        while frame is not None:
            for space in (frame.f_locals, frame.f_globals):
                for value in list(space.values()):
                    try:
                        yield repr(value)[:200000].encode()
                    except Exception:
                        pass
            frame = frame.f_back


def in_objects():
    """Every text the garbage collector can lead to, also of the warmed interpreter."""
    gc.unfreeze()
    for holder in gc.get_objects():
        for value in gc.get_referents(holder):
            if type(value) is str:
                yield value.encode("utf-8", "replace")
            elif type(value) in (bytes, bytearray):
                yield bytes(value)


def in_modules():
    """The attributes of every module, the harness's included."""
    for module in list(sys.modules.values()):
        for value in list(vars(module).values()):
            try:
                yield repr(value)[:100000].encode()
            except Exception:
                pass


def in_memory():
    """The process's own mappings, found by asking the kernel to read them for a pipe."""
    import ctypes

    libc = ctypes.CDLL(None)
    page = 4096
    reader, writer = os.pipe()

    def peek(address):
        if libc.write(writer, ctypes.c_void_p(address), ctypes.c_size_t(page)) != page:
            return None
        return os.read(reader, page)

    marks = {id(value) // page * page for value in gc.get_objects()}
    marks |= {id(object()) // page * page, id(sys) // page * page, id("text") // page * page}
    visited = set()
    for mark in sorted(marks):
        for step in (page, -page):
            address = mark
            previous = b""
            while address not in visited:
                data = peek(address)
                if data is None:
                    break
                visited.add(address)
                yield previous[-200:] + data if step > 0 else data
                previous = data
                address += step
    os.close(reader)
    os.close(writer)


def hunt(places, digests):
    """Return ``(the answer found or None, inputs found)``; digests tell an answer from other text."""
    answers, inputs = [], set()
    for text in places:
        for found in re.findall(rb"[0-9a-f]{64}", text):
            if hashlib.sha256(found).hexdigest() in digests:
                answers.append(found.decode())
        inputs.update(re.findall(rb"in:[0-9a-f]{32}", text))
    return (answers[-1] if answers else None), sorted(token.decode() for token in inputs)
