"""Makes streams of the telemetry link together with the events they give, frame by frame."""


def files(rng):
    """Return the captures the agent is given."""
    captures = {}
    for name, make in (("quiet", quiet), ("rough", rough)):
        stream = make(rng)
        captures[f"captures/{name}.hex"] = bytes(stream.data).hex() + "\n"
        events = [event for _, event in stream.events] + stream.end()
        captures[f"captures/{name}.events"] = "".join(f"{event!r}\n" for event in events)
    return captures


def crc(data):
    """CRC-16/CCITT-FALSE, bit by bit."""
    value = 0xFFFF
    for byte in data:
        value ^= byte << 8
        for _ in range(8):
            value = (value << 1 ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return value


def length(number):
    return bytes([number]) if number < 128 else bytes([number & 127 | 128, number >> 7])


def framed(kind, seq, payload):
    """A frame before it is escaped."""
    return sealed(bytes([kind, seq]) + length(len(payload)) + payload)


def sealed(head):
    return head + crc(head).to_bytes(2, "big")


def escaped(body):
    return b"".join(bytes([125, byte ^ 32]) if byte in (126, 125, 17, 19) else bytes([byte]) for byte in body)


class Stream:
    """What was sent so far, and the events due: ``(bytes sent by then, event)``."""

    def __init__(self, rng, modem=0.0):
        self.rng = rng
        self.modem = modem  # how often a modem puts in a byte of its own
        self.data = bytearray()
        self.events = []
        self.last = None
        self.parts = None  # kind and payload of the parts that are waiting

    def due(self, *event):
        self.events.append((len(self.data), event))

    def send(self, wire):
        for byte in wire:
            if self.rng.random() < self.modem:
                self.data += self.rng.choice([b"\x11", b"\x13", b"\x11\x13"])
            self.data.append(byte)

    def flags(self, count=1):
        self.send(b"\x7e" * count)
        return self

    def noise(self, count):
        noise = bytes(self.rng.choice([125, 1, 32, 94, 255]) for _ in range(count))
        self.send(noise + b"\x7e")
        self.due("noise", count)
        return self

    def good(self, kind, seq, payload=b"", more=False):
        """Send a frame that is right; its beginning flag is there."""
        self.send(escaped(framed(kind | 128 if more else kind, seq, payload)) + b"\x7e")
        if seq == self.last:
            return self
        lost = 0 if self.last is None else (seq - self.last - 1) % 256
        self.last = seq
        if lost:
            self.due("lost", lost)
        if self.parts is not None and (lost or self.parts[0] != kind):
            self.due("error", "fragment")
            self.parts = None
        joined = (b"" if self.parts is None else self.parts[1]) + payload
        self.parts = (kind, joined) if more else None
        if not more:
            self.due("message", kind, seq, joined)
        return self

    def bad(self, reason, wire):
        """Send what is no right frame, as it goes over the line."""
        self.send(wire + b"\x7e")
        self.due("error", reason)
        return self

    def oversize(self, spare=0):
        body = self.payload(513)
        self.send(escaped(body))
        self.due("error", "oversize")
        self.send(escaped(self.payload(spare)) + self.rng.choice([b"", b"\x7d"]) + b"\x7e")
        return self

    def end(self, truncated=False):
        """What ``finish`` returns."""
        return [("error", "truncated")] * truncated + [("error", "fragment")] * (self.parts is not None)

    def payload(self, count):
        """Bytes of which many must be escaped."""
        rng = self.rng
        return bytes(rng.choice([126, 125, 17, 19, rng.randrange(256), rng.randrange(256)]) for _ in range(count))


def quiet(rng):
    """A line without errors."""
    stream, seq = Stream(rng), rng.randrange(250)
    stream.flags()
    for _ in range(4):
        stream.good(rng.randrange(1, 128), seq, stream.payload(rng.randrange(12)))
        seq = (seq + 1) % 256
    stream.good(9, seq, stream.payload(130))
    return stream


def rough(rng, frames=14):
    """Everything that can come up, in any order."""
    stream, seq = Stream(rng, modem=0.03), rng.randrange(256)
    stream.noise(rng.randrange(1, 9))
    for step in sorted(range(frames), key=lambda _: rng.random()):
        kind = rng.randrange(1, 128)
        if step % 7 == 0:
            stream.bad(*bad_frame(stream))
        elif step % 7 == 1:
            seq += rng.choice([1, 2, 200])
            stream.good(kind, seq % 256, stream.payload(4)).flags(rng.randrange(3))
        elif step % 7 in (2, 3, 4):
            count = rng.randrange(1, 4)
            for part in range(count):
                seq += 1
                if rng.random() < 0.15:
                    stream.bad(*bad_frame(stream))
                    seq += 1
                more = part < count - 1 or rng.random() < 0.1
                stream.good(kind, seq % 256, stream.payload(rng.randrange(8)), more)
        elif step % 7 == 5:
            stream.good(kind, (seq + 1) % 256, b"twice").good(kind, (seq + 1) % 256, b"twice")
            seq += 1
        elif step == 6:
            stream.oversize(rng.randrange(4))
        seq %= 256
    return stream


def bad_frame(stream):
    """A reason, and a frame as sent to which it applies, one of those that end with a flag."""
    rng, kind, seq = stream.rng, stream.rng.randrange(1, 128), stream.rng.randrange(256)
    payload = stream.payload(rng.randrange(1, 20))
    whole = framed(kind, seq, payload)
    at = rng.randrange(len(whole))
    flipped = whole[:at] + bytes([whole[at] ^ 1 << rng.randrange(8)]) + whole[at + 1 :]
    claimed = rng.choice([length(len(payload) + rng.choice([-1, 1, 200])), bytes([len(payload) | 128, 0]), b"\x81\x80"])
    return rng.choice(
        [
            ("abort", escaped(whole) + b"\x7d"),
            ("short", escaped(whole[: rng.randrange(1, 5)])),
            ("checksum", escaped(flipped)),
            ("checksum", escaped(whole[:-2] + whole[:-3:-1]) if whole[-1] != whole[-2] else escaped(flipped)),
            ("length", escaped(sealed(bytes([kind, seq]) + claimed + payload))),
            ("kind", escaped(framed(rng.choice([0, 128]), seq, payload))),
        ]
    )
