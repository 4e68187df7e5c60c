"""Feeds streams to the decoder; what they should give is known from how they were made."""

import bisect

DRIVER = """
import telelink

def play(data, cuttings, end):
    played = []
    for cuts in cuttings:
        decoder, start, seen = telelink.Decoder(), 0, []
        for cut in cuts:
            seen += [(cut, event) for event in decoder.feed(data[start:cut])]
            start = cut
        played.append((seen, decoder.finish() if end else None))
    return played

def beside(data, other):
    one, two = telelink.Decoder(), telelink.Decoder()
    seen, crossed = [], []
    for at in range(max(len(data), len(other))):
        seen += one.feed(data[at : at + 1])
        crossed += two.feed(other[at : at + 1])
    return seen, crossed, one.finish(), one.feed(data)
"""


def driven(ws, function, requests):
    assert ws.exists("telelink.py"), "there is no telelink.py"
    ws.write("drive_telelink.py", DRIVER)
    return ws.calls("drive_telelink.py", function, requests)


def encoded(ws, requests):
    assert ws.exists("telelink.py"), "there is no telelink.py"
    return ws.calls("telelink.py", "encode", requests)


def plays(ws, streams, ends=None):
    """Each stream gives its events when they are due, however it is cut."""
    requests, wanted = [], []
    for stream, end in zip_(streams, ends or [None] * len(streams)):
        size = len(stream.data)
        cuttings = [[size], list(range(1, size + 1))]
        for pieces in (2, 9):
            cuttings.append(sorted([size, *(ws.rng.randrange(size + 1) for _ in range(pieces))]))
        requests.append((bytes(stream.data), cuttings, end is not None))
        wanted.append([expected(stream, cuts, end) for cuts in cuttings])
    for got, want in zip_(driven(ws, "play", requests), wanted):
        compare(got, want)


def expected(stream, cuts, end):
    return [(cuts[bisect.bisect_left(cuts, due)], event) for due, event in stream.events], end


def compare(got, wanted):
    assert isinstance(got, list), "the decoder %r" % (got,)
    for (seen, end), (due, due_at_end) in zip_(got, wanted):
        for at, each in enumerate(due):
            other = seen[at] if at < len(seen) else "nothing"
            assert exact(other) == exact(each), "(byte, event) %.300r, expected %.300r" % (other, each)
        assert len(seen) == len(due), "%.300r is one event too many" % (seen[len(due)],)
        assert exact(end) == exact(due_at_end), "finish() returned %.300r, expected %.300r" % (end, due_at_end)


def exact(value):
    """Text that tells bytes from bytearray, 1 from True, and a tuple from a list."""
    return repr(value)


def zip_(one, other):
    assert len(one) == len(other), "%d answers, expected %d" % (len(one), len(other))
    return [(one[at], other[at]) for at in range(len(one))]


@public
def test_lines_without_errors(ws):
    """quiet lines are decoded, the one of captures/quiet.hex and others"""
    plays(ws, [quiet(ws.setup_rng()), quiet(ws.rng), quiet(ws.rng)])


@public
def test_message_in_one_frame(ws):
    """encode() sends the example of PROTOCOL.md and other short messages"""
    cases = [(1, 2, b"\x7e\x41")]
    cases += [(ws.rng.randrange(1, 128), ws.rng.randrange(256), Stream(ws.rng).payload(n)) for n in (0, 1, 9, 127, 128)]
    sent = [b"\x7e" + escaped(framed(*case)) + b"\x7e" for case in cases]
    assert sent[0].hex() == "7e0102027d5e414be67e", "the example is wrong"
    for case, (got, want) in zip_(cases, zip_(encoded(ws, cases), sent)):
        assert exact(got) == exact(want), "encode%r: got %r, expected %r" % (case, got, want)


def test_payloads_of_every_size(ws):
    stream = Stream(ws.rng).flags(2)
    for seq, size in enumerate((0, 1, 126, 127, 128, 129, 255, 256, 505, 506), 250):
        stream.good(ws.rng.randrange(1, 128), seq % 256, stream.payload(size)).flags(seq % 3)
    plays(ws, [stream])


def test_escapes_and_modems(ws):
    streams = []
    for modem in (0.2, 0.6):
        stream = Stream(ws.rng, modem).flags()
        for seq in range(4):
            stream.good(0x11 + seq, 0x7D + seq, stream.payload(20))
        streams.append(stream)
    needless = Stream(ws.rng, 0.1).flags()
    needless.send(b"".join(bytes([0x7D, byte ^ 32]) for byte in framed(5, 130, b"plain text")))
    needless.flags().due("message", 5, 130, b"plain text")
    streams.append(needless)
    plays(ws, streams)


def errors(ws, reasons, count):
    """Streams of bad frames among good ones."""
    stream, seq = Stream(ws.rng, 0.02).flags(), ws.rng.randrange(256)
    left = dict.fromkeys(reasons, count)
    while any(left.values()):
        reason, wire = bad_frame(stream)
        if left.get(reason):
            left[reason] -= 1
            stream.bad(reason, wire)
            if ws.rng.random() < 0.4:
                seq = (seq + 1) % 256
                stream.good(3, seq, stream.payload(5)).flags(ws.rng.randrange(2))
    return stream.good(4, (seq + 1) % 256, b"after all")


def test_garbled_frames(ws):
    plays(ws, [errors(ws, ["checksum"], 8), errors(ws, ["checksum", "abort"], 4)])


def test_short_and_aborted_frames(ws):
    stream = errors(ws, ["short", "abort"], 5)
    for wire in (b"\x7d", b"\x00", framed(1, 1, b"")[:4], b"\x7d\x5e\x7d"):
        stream.bad("short" if wire[-1:] != b"\x7d" else "abort", wire)
    plays(ws, [stream.good(1, stream.last, b"again").good(1, (stream.last + 1) % 256, b"next")])


def test_wrong_lengths_and_kinds(ws):
    stream = errors(ws, ["length", "kind"], 4)
    stream.bad("length", escaped(sealed(b"\x00\x01\x02")))
    stream.bad("length", escaped(sealed(b"\x05\x01\x81\x80" + b"x")))
    stream.bad("length", escaped(sealed(b"\x05\x01\x80\x00")))
    stream.bad("length", escaped(sealed(b"\x05\x01\x80")))
    plays(ws, [stream])


def test_noise(ws):
    streams = [Stream(ws.rng, modem).noise(count) for modem, count in ((0, 1), (0.4, 7), (0, 300))]
    for stream in streams:
        stream.flags(ws.rng.randrange(4)).good(9, ws.rng.randrange(256), stream.payload(6))
    idle = Stream(ws.rng)
    idle.send(b"\x11\x13\x7e\x7e\x11\x7e\x13\x13\x7e")
    plays(ws, [*streams, idle.good(1, 0, b"first")])


def test_frames_too_large(ws):
    first = Stream(ws.rng, 0.01).flags().good(1, 7, b"before").oversize(3).good(1, 8, b"after")
    second = Stream(ws.rng).flags().oversize().oversize(40).good(2, 200, b"x").flags(2).oversize(1)
    largest = Stream(ws.rng).flags().bad("checksum", escaped(b"\x01" * 512)).good(1, 1, b"z" * 506)
    plays(ws, [first, second, largest], [[], [], []])


def test_lost_and_repeated_frames(ws):
    stream, seq = Stream(ws.rng).flags(), ws.rng.randrange(256)
    for step in (0, 1, 0, 2, 0, 0, 255, 1, 128, 256, 3, 1):
        seq = (seq + step) % 256
        stream.good(ws.rng.randrange(1, 128), seq, stream.payload(2))
    other = (
        Stream(ws.rng)
        .flags()
        .good(1, 255, b"a")
        .good(1, 0, b"b")
        .good(1, 3, b"c")
        .bad("kind", escaped(framed(0, 4, b"")))
    )
    plays(ws, [stream, other.good(2, 3, b"other").good(1, 5, b"d")])


def test_messages_in_parts(ws):
    stream, seq = Stream(ws.rng, 0.05).flags(), ws.rng.randrange(250, 256)
    for count in (2, 3, 1, 5):
        kind = ws.rng.randrange(1, 128)
        for part in range(count):
            seq = (seq + 1) % 256
            stream.good(kind, seq, stream.payload(ws.rng.randrange(9)), part < count - 1)
            if part == 1:
                stream.good(kind, seq, b"repeated").bad("checksum", escaped(b"garbled"))
    large = Stream(ws.rng).flags()
    for seq in range(6):
        large.good(64, seq, large.payload(400), seq < 5)
    plays(ws, [stream, large])


def test_parts_that_are_not_continued(ws):
    other = Stream(ws.rng).flags().good(5, 1, b"a", True).good(6, 2, b"b", True).good(6, 3, b"c").good(7, 4, b"d", True)
    other.good(8, 5, b"e")
    gap = Stream(ws.rng).flags().good(5, 1, b"a", True).good(5, 2, b"b", True).good(5, 4, b"c").good(5, 5, b"d", True)
    gap.good(5, 9, b"e", True).good(5, 10, b"f")
    empty = Stream(ws.rng).flags().good(5, 1, b"", True).good(6, 2, b"x").good(5, 3, b"", True).good(5, 4, b"")
    plays(ws, [other, gap, empty, empty.good(9, 5, b"y", True).good(9, 7, b"z")])


def test_everything_at_once(ws):
    streams = [rough(ws.rng) for _ in range(3)]
    plays(ws, streams, [stream.end() for stream in streams])


def test_end_of_the_line(ws):
    streams, ends = [], []
    for parts, left in ((0, b"\x01\x02"), (1, b""), (1, b"\x7d"), (0, b"\x11\x13"), (2, b"\x05" * 40), (0, b"\x7d")):
        stream = Stream(ws.rng).flags()
        for seq in range(parts):
            stream.good(8, seq, stream.payload(3), True)
        stream.good(3, 9, b"whole") if not parts else None
        stream.send(left)
        streams.append(stream)
        ends.append(stream.end(truncated=left.strip(b"\x11\x13") != b""))
    noise, huge = Stream(ws.rng), Stream(ws.rng).flags()
    noise.send(b"\x01\x11\x02\x7d")
    huge.oversize()
    del huge.data[-1:]  # ends within the frame
    plays(ws, [*streams, noise, huge], [*ends, [("noise", 4 - 1)], []])


def test_decoders_on_their_own(ws):
    """Two in turn, and one that is used again after its end."""
    data, other = rough(ws.rng), rough(ws.rng)
    data.good(77, (data.last + 2) % 256, b"waiting", True)
    cases = [(bytes(data.data), bytes(other.data))]
    wanted = [event for _, event in data.events], [event for _, event in other.events], data.end()
    got = driven(ws, "beside", cases)[0]
    assert exact(got) == exact((*wanted, wanted[0])), "got %.300r, expected %.300r" % (got, wanted)


def test_messages_cut_into_parts(ws):
    cases, sent = [], []
    for size, count in ((1, 3), (5, 10), (5, 11), (256, 256), (256, 600), (506, 507), (7, 0)):
        kind, seq, payload = ws.rng.randrange(1, 128), ws.rng.randrange(254, 256), Stream(ws.rng).payload(count)
        parts = [payload[at : at + size] for at in range(0, max(count, 1), size)]
        frames = [
            escaped(framed(kind if at == len(parts) - 1 else kind | 128, (seq + at) % 256, part))
            for at, part in enumerate(parts)
        ]
        cases.append((kind, seq, payload, size))
        sent.append(b"\x7e" + b"\x7e".join(frames) + b"\x7e")
    for case, (got, want) in zip_(cases, zip_(encoded(ws, cases), sent)):
        assert exact(got) == exact(want), "encode%.100r: got %.200r, expected %.200r" % (case, got, want)


def test_messages_that_cannot_be_sent(ws):
    bad = [(0, 1, b"x"), (128, 1, b"x"), (-1, 1, b""), (1, 256, b"x"), (1, -1, b""), (1, 1, b"x", 0), (1, 1, b"", 507)]
    good = [(127, 255, b"", 506), (1, 0, b"x", 1)]
    got = encoded(ws, [*bad, *good])
    for case, (raised, _) in zip_(bad, zip_(got[: len(bad)], bad)):
        assert isinstance(raised, Raised), "encode%r returned %.100r" % (case, raised)
        assert raised.type == "ValueError", "encode%r %r" % (case, raised)
    for case, (value, _) in zip_(good, zip_(got[len(bad) :], good)):
        want = b"\x7e" + escaped(framed(*case[:3])) + b"\x7e"
        assert exact(value) == exact(want), "encode%r: got %r, expected %r" % (case, value, want)
