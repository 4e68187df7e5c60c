"""Watches a command: collects its output, keeps its limits, and ends what is left of its processes.

- :class:`Watch`; :class:`Outcome`, :class:`Stream`: what became of the command, and what it wrote.
"""

from __future__ import annotations

import os
import resource
import select
import signal
import time
from typing import Any, Dict, List, Optional, Tuple

from .link import Link

__all__ = ["Outcome", "Stream", "Watch"]

_STATE_CAP = 1 << 16
_PAUSE = 0.001  # seconds for what was killed to end
_LOOK = 0.05
_LOAD_FACTOR = 20.0  # wall time that CPU time buys, as in the supervisor
_MOST_OUTPUT = 1 << 26
_TICK = os.sysconf("SC_CLK_TCK")


class Outcome:
    """What became of a command."""

    def __init__(self) -> None:
        self.code: Optional[int] = None
        self.signal: Optional[int] = None
        self.reason: Optional[str] = None  # why it was ended: cpu, wall, memory or output
        self.cpu = 0.0
        self.streams: List["Stream"] = []
        self.state: Optional[bytes] = None


class Stream:
    """Keeps the first and the last part of what is written to a pipe."""

    def __init__(self, reader: int, cap: int) -> None:
        self.reader = reader
        self.cap = cap // 2
        self.head = b""
        self.tail = b""
        self.total = 0

    def take(self) -> bool:
        """Read once; return whether there may be more to come.

        Raises:
            BlockingIOError: If there is nothing to read now.
        """
        data = os.read(self.reader, 1 << 16)
        self.total += len(data)
        room = self.cap - len(self.head)
        self.head += data[:room]
        if len(data) > room:
            self.tail = (self.tail + data[max(0, room) :])[-self.cap :]
        return bool(data)


class _Reading:
    """CPU time of a process tree at one moment: of who is gone, and of who is there, by pid."""

    def __init__(self, reaped: float) -> None:
        self.reaped = reaped
        self.own: Dict[int, float] = {}
        self.waited_for: Dict[int, float] = {}  # time of the children each has waited for
        self.memory = 0

    def add(self, pid: int) -> None:
        fields = _read("/proc/%d/stat" % pid).rpartition(b")")[2].split()
        if not fields:
            return
        ticks = [int(field) / _TICK for field in fields[11:15]]
        self.own[pid], self.waited_for[pid] = ticks[0] + ticks[1], ticks[2] + ticks[3]
        lines = _read("/proc/%d/status" % pid).split(b"\n")
        parts = [line for line in lines if line.startswith((b"RssAnon", b"RssShmem"))]
        parts = parts or [line for line in lines if line.startswith(b"VmRSS")]  # gVisor counts no closer than that
        kilobytes = sum(int(line.split()[1]) for line in parts)
        self.memory += kilobytes << 10

    def cpu(self) -> float:
        return self.reaped + sum(self.own.values()) + sum(self.waited_for.values())

    def lost_since(self, before: "_Reading") -> float:
        """Return what those that are gone since had used and nobody has waited for."""
        gone = before.own.keys() - self.own.keys()
        missing = sum(before.own[pid] + before.waited_for.get(pid, 0.0) for pid in gone)
        found = self.reaped - before.reaped
        found += sum(time - before.waited_for.get(pid, 0.0) for pid, time in self.waited_for.items())
        return max(0.0, missing - found - len(gone) / _TICK)  # ticks are rounded down


class Watch:
    """Collects a command's output and keeps its limits."""

    def __init__(
        self,
        spec: Dict[str, Any],
        pid: int,
        helper: Optional[int],
        streams: List[Stream],
        state: int,
        link: Optional[Link],
    ) -> None:
        self.pid = pid
        self.helper = helper
        self.link = link
        self.cpu_limit = spec["cpu"]
        self.memory_limit = spec["memory_mb"] << 20
        self.wall_limit = spec["wall"]
        self.state_reader = state
        self.state = b""
        self.status: Optional[int] = None
        self.outcome = Outcome()
        self.outcome.streams = streams
        self.others_cpu = 0.0  # of the helper, which is no part of the command
        self.cpu_lost = 0.0
        self.last = _Reading(0.0)

    def until_end(self, wake: int, began: float) -> None:
        poll = select.poll()
        for descriptor in (wake, self.state_reader, *(stream.reader for stream in self.outcome.streams)):
            os.set_blocking(descriptor, False)
            poll.register(descriptor, select.POLLIN)
        if self.link is not None:
            self.link.watch(poll)
        next_look = began + _LOOK
        while self.status is None:
            for descriptor, _ in poll.poll(max(0.0, next_look - time.monotonic()) * 1000):
                if descriptor == wake:
                    os.read(wake, 4096)
                elif self.link is not None and self.link.handle(descriptor):
                    pass
                elif not self._take_ready(descriptor):
                    poll.unregister(descriptor)
            self._reap()
            now = time.monotonic()
            if now >= next_look and self.status is None:
                next_look = now + _LOOK
                self._check(now - began - (self.link.waited(now) if self.link is not None else 0.0))
        self._end_all()

    def _take_ready(self, descriptor: int) -> bool:
        try:
            return self._take(descriptor)
        except BlockingIOError:
            return True

    def _take(self, descriptor: int) -> bool:
        """Read once from one of the pipes; return whether there may be more to come."""
        if descriptor == self.state_reader:
            data = os.read(descriptor, 1 << 16)
            self.state = (self.state + data)[: _STATE_CAP + 1]
            return bool(data)
        stream = next(stream for stream in self.outcome.streams if stream.reader == descriptor)
        more = stream.take()
        if stream.total > _MOST_OUTPUT:
            self._stop("output")
        return more and stream.total <= _MOST_OUTPUT

    def _drain(self, descriptor: int) -> None:
        """Read what is left in a pipe nobody writes to any more; its end may come late, or never."""
        try:
            while self._take(descriptor) and len(self.state) <= _STATE_CAP:
                pass
        except BlockingIOError:
            pass

    def _check(self, elapsed: float) -> None:
        used, memory = self._usage()
        if used > self.cpu_limit:
            self._stop("cpu")
        elif memory > self.memory_limit:
            self._stop("memory")
        elif elapsed > self.wall_limit + _LOAD_FACTOR * used:
            self._stop("wall")

    def _stop(self, reason: str) -> None:
        if self.outcome.reason is None:
            self.outcome.reason = reason
            os.kill(self.pid, signal.SIGKILL)

    def _reap(self) -> bool:
        """Take note of those that have ended; return whether there are others."""
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self.pid:
                self.status = status
            elif pid == self.helper:
                self.others_cpu += usage.ru_utime + usage.ru_stime

    def _usage(self) -> Tuple[float, int]:
        """Return CPU time of the tree so far, and its memory now, bytes.

        Where a parent ignores its children, the kernel forgets their time with them. So what was seen of
        those that are gone must turn up with who waited for them, or it is added here (what such a child
        used since it was last looked at is lost; the limit on waiting bounds that). A reading may come
        just between, so what is missing is looked for once more.
        """
        reading = self._read_tree()
        lost = reading.lost_since(self.last)
        if lost > 0:
            reading = self._read_tree()
            lost = reading.lost_since(self.last)
        self.cpu_lost += lost
        self.last = reading
        return reading.cpu() + self.cpu_lost, reading.memory

    def _read_tree(self) -> "_Reading":
        gone = resource.getrusage(resource.RUSAGE_CHILDREN)
        reading = _Reading(gone.ru_utime + gone.ru_stime - self.others_cpu)
        names = os.listdir("/proc")
        if not names and self.status is None:  # no /proc here: at least the command's first process counts
            reading.own[self.pid] = time.clock_gettime((~self.pid << 3) | 2)
        for name in names:
            if name.isdigit() and int(name) not in (1, self.helper):
                reading.add(int(name))
        return reading

    def _end_all(self) -> None:
        """End what is left of the tree, then read what is left of its output.

        Killed again as long as something is left: under gVisor one can be born while the others are killed.
        """
        self._kill_all()
        while self._reap():
            time.sleep(_PAUSE)
            self._kill_all()
        for descriptor in (self.state_reader, *(stream.reader for stream in self.outcome.streams)):
            self._drain(descriptor)
        self._conclude()

    @staticmethod
    def _kill_all() -> None:
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass

    def _conclude(self) -> None:
        outcome, status = self.outcome, self.status or 0
        if os.WIFSIGNALED(status):
            outcome.signal = os.WTERMSIG(status)
        else:
            outcome.code = os.WEXITSTATUS(status)
        outcome.cpu = self._usage()[0]
        if outcome.reason is None and (outcome.cpu > self.cpu_limit or outcome.signal == signal.SIGXCPU):
            outcome.reason = "cpu"  # though it ended before anybody looked: the verdict is the same
        if outcome.reason is None:
            outcome.state = self.state


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:  # it has just ended
        return b""
