"""Reads the specification, writes both ends, and plays the captures."""

TELELINK = r'''"""The telemetry link: see PROTOCOL.md."""

from binascii import crc_hqx

FLAG = 0x7E
ESCAPE = 0x7D
FLOW = (0x11, 0x13)
MAX_FRAME = 512


class Decoder:
    """Turns what comes from the line into events."""

    def __init__(self):
        self._reset()

    def _reset(self):
        self._frame = None  # None: no flag yet
        self._noise = 0
        self._escaping = False
        self._skipping = False
        self._last = None
        self._waiting = None  # (kind, payload so far)

    def feed(self, data):
        """Take the next bytes; return the list of events they complete."""
        events = []
        for byte in data:
            if byte == FLAG:
                events += self._flag()
            elif byte not in FLOW:
                events += self._byte(byte)
        return events

    def finish(self):
        """The line is closed: return the events that are due then, and be as new."""
        events = [("noise", self._noise)] if self._noise else []
        if self._frame or self._escaping:
            events.append(("error", "truncated"))
        if self._waiting is not None:
            events.append(("error", "fragment"))
        self._reset()
        return events

    def _byte(self, byte):
        if self._frame is None:
            self._noise += 1
        elif not self._skipping:
            if self._escaping:
                self._frame.append(byte ^ 0x20)
                self._escaping = False
            elif byte == ESCAPE:
                self._escaping = True
            else:
                self._frame.append(byte)
            if len(self._frame) > MAX_FRAME:
                self._skipping, self._frame = True, bytearray()
                return [("error", "oversize")]
        return []

    def _flag(self):
        frame, escaping, noise = self._frame, self._escaping, self._noise
        self._frame, self._escaping, self._noise, self._skipping = bytearray(), False, 0, False
        if noise:
            return [("noise", noise)]
        if not frame and not escaping:
            return []
        problem = "abort" if escaping else _problem(frame)
        return [("error", problem)] if problem else self._good(frame)

    def _good(self, frame):
        more, kind, seq = frame[0] & 0x80, frame[0] & 0x7F, frame[1]
        if seq == self._last:
            return []
        events = []
        lost = 0 if self._last is None else (seq - self._last - 1) % 256
        self._last = seq
        if lost:
            events.append(("lost", lost))
        if self._waiting is not None and (lost or self._waiting[0] != kind):
            events.append(("error", "fragment"))
            self._waiting = None
        payload = (self._waiting[1] if self._waiting else b"") + bytes(frame[_header(frame) : -2])
        self._waiting = (kind, payload) if more else None
        return events if more else [*events, ("message", kind, seq, payload)]


def _header(frame):
    return 4 if frame[2] & 0x80 else 3


def _problem(frame):
    if len(frame) < 5:
        return "short"
    if crc_hqx(bytes(frame[:-2]), 0xFFFF) != frame[-2] << 8 | frame[-1]:
        return "checksum"
    start = _header(frame)
    if len(frame) < start + 2 or bytes(frame[2:start]) != _length(len(frame) - start - 2):
        return "length"
    return "kind" if not frame[0] & 0x7F else None


def _length(number):
    return bytes([number]) if number < 0x80 else bytes([number & 0x7F | 0x80, number >> 7])


def encode(kind, seq, payload, size=256):
    """Return the bytes that send a message."""
    for name, value, low, high in (("kind", kind, 1, 127), ("seq", seq, 0, 255), ("size", size, 1, 506)):
        if not low <= value <= high:
            raise ValueError("%s must be from %d to %d, got %r" % (name, low, high, value))
    parts = [payload[at : at + size] for at in range(0, len(payload), size)] or [b""]
    sent = bytearray([FLAG])
    for number, part in enumerate(parts):
        more = 0x80 if number < len(parts) - 1 else 0
        frame = bytes([kind | more, (seq + number) % 256]) + _length(len(part)) + part
        frame += crc_hqx(frame, 0xFFFF).to_bytes(2, "big")
        for byte in frame:
            sent += bytes([ESCAPE, byte ^ 0x20]) if byte in (FLAG, ESCAPE, *FLOW) else bytes([byte])
        sent.append(FLAG)
    return bytes(sent)
'''
PLAY = """python3 - <<'END'
import ast, telelink
for name in ("quiet", "rough"):
    data = bytes.fromhex(open("captures/%s.hex" % name).read())
    wanted = [ast.literal_eval(line) for line in open("captures/%s.events" % name)]
    decoder = telelink.Decoder()
    print(name, decoder.feed(data) + decoder.finish() == wanted)
END"""


def solve():
    """Yield one action per turn; receive what the environment answered."""
    seen = yield {"name": "bash", "arguments": {"command": "cat PROTOCOL.md telelink.py; head -c 300 captures/*"}}
    assert "CCITT-FALSE" in seen
    yield {"name": "write_file", "arguments": {"path": "telelink.py", "content": TELELINK}}
    seen = yield {"name": "bash", "arguments": {"command": PLAY}}
    assert seen.split() == ["quiet", "True", "rough", "True"], seen
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
