"""What sessions tell programs' runs: address space, stacks, signals and lengths of output."""

from __future__ import annotations

import pytest

from deepgym_env import SessionLimits


@pytest.fixture
def session(own):
    with own.session() as session:
        yield session


def test_address_space_is_as_memory_unless_it_is_said(session):
    assert session.exec("ulimit -v").stdout == f"{1024 << 10}\n"
    limits = SessionLimits(memory_mb=256, address_space_mb=8192)
    assert session.exec("ulimit -v", limits=limits).stdout == f"{8192 << 10}\n"
    reserve = ["python3", "-c", "import mmap; mmap.mmap(-1, 2 << 30); print('reserved')"]
    assert session.exec(reserve, limits=limits).stdout == "reserved\n"
    fill = ["python3", "-c", "x = bytearray(b'1') * (600 << 20); import time; time.sleep(20)"]
    assert session.exec(fill, limits=limits).reason == "memory"


def test_a_deep_stack_has_no_bound_of_its_own(session):
    most = session.exec("ulimit -H -s").stdout.strip()
    deep = session.exec("ulimit -S -s; ulimit -H -s", limits=SessionLimits(deep_stack=True)).stdout.split()
    assert deep == [most, most]


def test_signals_and_exit_codes_are_told_apart(session):
    killed = session.exec(["sh", "-c", "kill -SEGV $$"])
    assert (killed.code, killed.signal) == (139, 11)
    exited = session.exec(["sh", "-c", "exit 139"])
    assert (exited.code, exited.signal) == (139, None)


def test_what_was_written_is_counted_where_it_is_cut(session):
    limits = SessionLimits(output_bytes=256)
    done = session.exec("printf %1000d 1; printf 12345 >&2", merge=False, limits=limits)
    assert (done.written, done.truncated, done.stderr) == ((1000, 5), True, "12345")
    assert session.exec("printf %1000d 1; printf 12345 >&2", limits=limits).written == (1005,)
