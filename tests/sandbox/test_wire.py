from __future__ import annotations

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepgym_env.sandbox.runner import wire

frames = st.lists(st.tuples(st.integers(0, 255), st.integers(0, 2**32 - 1), st.binary(max_size=50)), max_size=6)
payloads = st.lists(st.binary(min_size=1, max_size=50), max_size=6)


def chunks(data, sizes):
    """Cut ``data`` as a stream would, at arbitrary places."""
    while data:
        size = sizes.pop() if sizes else len(data)
        yield data[:size]
        data = data[size:]


@given(frames, st.lists(st.integers(1, 20), max_size=40))
def test_frames_survive_any_cutting_of_the_stream(sent, sizes):
    reader = wire.FrameReader()
    data = b"".join(wire.frame(*frame) for frame in sent)
    assert [frame for chunk in chunks(data, sizes) for frame in reader.feed(chunk)] == sent


@given(payloads, st.lists(st.integers(1, 20), max_size=40))
def test_child_frames_survive_any_cutting_of_the_stream(sent, sizes):
    buffer, got = bytearray(), []
    for chunk in chunks(b"".join(map(wire.child_frame, sent)), sizes):
        buffer += chunk
        got += wire.child_frames(buffer, 50)
    assert got == sent
    assert not buffer


def test_an_unfinished_frame_waits():
    reader = wire.FrameReader()
    data = wire.frame(wire.Kind.DATA, 7, b"hello")
    assert reader.feed(data[:-1]) == []
    assert reader.feed(data[-1:]) == [(wire.Kind.DATA, 7, b"hello")]


def test_a_frame_may_not_be_huge():
    head = struct.pack("<IBII", wire.MAX_FRAME + 1, 1, 1, 0)
    with pytest.raises(wire.FrameError):
        wire.FrameReader().feed(head + struct.pack("<I", zlib.crc32(head)))


@given(st.binary(max_size=30), st.data())
def test_a_bit_that_falls_over_is_noticed_before_more_is_waited_for(payload, data):
    sent = bytearray(wire.frame(wire.Kind.ANSWER, 7, payload))
    at = data.draw(st.integers(0, len(sent) * 8 - 1))
    sent[at // 8] ^= 1 << at % 8
    with pytest.raises(wire.FrameError):
        wire.FrameReader().feed(bytes(sent))


def test_a_child_frame_over_its_limit_is_refused_before_it_has_arrived():
    assert wire.child_frames(bytearray(wire.child_frame(b"x" * 10)), 10) == [b"x" * 10]
    with pytest.raises(wire.FrameError, match="too long"):
        wire.child_frames(bytearray(struct.pack("<I", 11)), 10)


def test_an_empty_child_frame_is_refused():
    with pytest.raises(wire.FrameError, match="empty"):
        wire.child_frames(bytearray(wire.child_frame(b"")), 10)


def test_kinds_are_distinct():
    for kinds in (wire.Kind, wire.ChildKind):
        numbers = [value for name, value in vars(kinds).items() if name.isupper()]
        assert len(set(numbers)) == len(numbers)
