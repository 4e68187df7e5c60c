"""A byte stream over a terminal: what is said is bounded, taken apart whole, and nothing else is taken for it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepgym_env.sandbox import terminal
from deepgym_env.sandbox.terminal import DATA, PIECE, WINDOW, WORDS, Link, command_line

SHELL_LINE_LIMIT = 4096  # of a terminal that edits no lines
DAEMON_MESSAGES = 256  # what Daytona keeps for a client that is slow


@given(st.lists(st.binary(max_size=300), max_size=20), st.integers(1, 400))
def test_pieces_arrive_as_sent_however_they_are_cut(pieces, size):
    here, there = Link(), Link()
    sent = b"".join(here.pack(piece) for piece in pieces)
    got = [message for at in range(0, len(sent), size) for message in there.feed(sent[at : at + size])]
    assert got == [(DATA, piece) for piece in pieces]


@pytest.mark.parametrize("size", [1, 100, PIECE])
def test_no_more_is_under_way_than_the_other_end_takes(size):
    here, there = Link(), Link()
    messages = []
    while here.room():
        messages.append(here.pack(bytes(min(size, here.room()))))
    assert len(messages) < DAEMON_MESSAGES
    assert sum(map(len, messages)) < WINDOW + len(messages) * 5 + 1
    answers = b""
    for message in messages:
        for _, piece in there.feed(message):
            answers += there.acknowledge(piece)
    here.feed(answers)
    assert here.room() == PIECE  # it goes on


def test_what_is_no_message_is_refused():
    with pytest.raises(ValueError, match="no message of a link"):
        Link().feed(b"bash: python3: command not found")
    with pytest.raises(ValueError, match="no message of a link"):
        Link().feed(bytes([DATA]) + (PIECE + 1).to_bytes(4, "little"))


class Terminal:
    """A shell on a terminal, in which the relay runs a program."""

    def __init__(self, program: str) -> None:
        self.ours, theirs = pty.openpty()
        self.shell = subprocess.Popen(["sh", "-i"], stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True)
        os.close(theirs)
        command = ["-S", "-c", program]
        source = Path(terminal.__file__).read_text()
        relay = f"{source}\nrelay({command!r}, {{}}, 'word')\n".encode()
        os.write(self.ours, command_line(sys.executable, relay, "word"))
        self.until(b"word")
        self.write(relay)
        self.until(b"word")
        self.link = Link()

    def write(self, data: bytes) -> None:
        while data:
            data = data[os.write(self.ours, data[:1024]) :]

    def until(self, word: bytes) -> None:
        text = b""
        while word not in text:
            text += os.read(self.ours, 1024)

    def talk(self, data: bytes) -> tuple[bytes, str]:
        """Send all of it; return what comes back, and the last words."""
        back = bytearray()
        while True:
            size = min(len(data), self.link.room(), 2048)
            if size:
                self.write(self.link.pack(data[:size]))
                data = data[size:]
            for kind, payload in self.link.feed(os.read(self.ours, 1 << 16)):
                if kind == WORDS:
                    return bytes(back), payload.decode()
                back += payload
                self.write(self.link.acknowledge(payload))

    def close(self) -> None:
        os.close(self.ours)
        self.shell.wait(10)


@pytest.fixture
def terminals():
    opened = []

    def open_one(program):
        opened.append(Terminal(program))
        return opened[-1]

    yield open_one
    for each in opened:
        each.close()


def test_every_byte_passes_a_terminal(terminals):
    data = bytes(range(256)) * 40
    echo = f"""
import os
left = {len(data)}
while left:
    left -= os.write(1, os.read(0, 999))
"""
    assert terminals(echo).talk(data) == (data, "")


def test_more_than_the_window_passes(terminals):
    size = 5 * WINDOW
    program = f"import os\nleft = b'x' * {size}\nwhile left:\n    left = left[os.write(1, left):]"
    back, _ = terminals(program).talk(b"")
    assert back == b"x" * size


def test_the_last_words_of_a_program_arrive(terminals):
    _, words = terminals("raise SystemExit('no room on the disk')").talk(b"")
    assert words == "no room on the disk\n"


def test_the_program_ends_with_its_terminal(terminals, processes):
    opened = terminals("import os\nos.write(1, b'here')\nos.read(0, 1)")
    while not opened.link.feed(os.read(opened.ours, 100)):
        pass
    family = processes.below(opened.shell.pid)
    assert len(family) == 1
    opened.close()
    opened.ours = os.open(os.devnull, os.O_RDWR)
    assert processes.survivors(family) == []
    assert opened.shell.returncode is not None


def test_the_line_is_short_enough_for_any_shell_and_does_not_hold_the_word():
    line = command_line("python3", b"x" * 10**6, "0123456789abcdef")
    assert len(line) < SHELL_LINE_LIMIT
    assert b"0123456789abcdef" not in line
