"""The runner's outer process: holds the stream to the engine and keeps the limits.

It relays bytes between the engine and each child's channel, reads each child's CPU clock from
outside, and has those killed that overstep. A test is given CPU time, not wall time: what load on
the machine costs doesn't count. Wall time only ends a child that computes next to nothing.
"""

from __future__ import annotations

import json
import os
import select
import socket
import struct
import time
from typing import Any, Dict, List, Optional, Tuple

from . import wire, zygote
from .stream import Stream

__all__ = ["serve"]

_RUN = struct.Struct("<I")
_CPU = struct.Struct("<d")
_CREDENTIALS = struct.Struct("iII")
# CPU time buys this much wall time, so that only a child that sleeps meets the wall limit.
_LOAD_FACTOR = 20.0
_SET_UP_SECONDS = 60.0
_DYING_SECONDS = 30.0
_SHORTEST_CHECK = 0.005
_LATE = 0.05
_IDLE = 5.0
# A child that needs nothing more from us is not listened to answer by answer: its end wakes us,
# and until then we look as often as this, unless it sends more than a socket comfortably holds.
_LOOK = 0.05
_MUCH = 1 << 16


class _Child:
    """One submission's process, as the supervisor knows it."""

    def __init__(self, run: int, header: Dict[str, Any], channel: socket.socket, control: socket.socket) -> None:
        self.run = run
        self.control = control  # of the zygote it is forked by
        self.cpu_limit = header["cpu"]
        self.wall_limit = header["wall"]
        self.frame_cap = header["frame_cap"]
        self.answers_left = header["answers"]
        self.answered = 0
        self.stages: List[Tuple[int, bytes]] = []  # (answers it must have given before, bytes), in order
        self.queries = header["queries"]  # that one test may make
        self.query_bytes = header["query_bytes"]  # of one test's queries: the judge reads each
        self.queried = self.queried_bytes = 0
        self.interactive = header["interactive"]  # asked piece by piece; the engine says where a test begins
        self.attentive = self.queries > 0 or self.interactive  # listen to each frame
        self.interest = select.POLLIN
        self.channel = channel
        self.received = bytearray()
        self.pending = bytearray()
        self.pid: Optional[int] = None
        self.ready = False
        self.waiting_since: Optional[float] = None  # when the child began to wait for the judge
        self.reason: Optional[str] = None  # why it was killed, or what it broke
        self.killed_at = 0.0
        self.problem: Optional[str] = None
        self.exited: Optional[Tuple[int, float, int]] = None
        self.closed = False
        self.base_cpu = 0.0
        self.base_wall = time.monotonic()

    def cpu(self) -> float:
        """Return the child's CPU time so far, seconds."""
        if self.pid is None or self.exited is not None:
            return self.base_cpu
        try:
            return time.clock_gettime((~self.pid << 3) | 2)  # its CPUCLOCK_SCHED
        except OSError:
            return self.base_cpu

    def begin(self, cpu: float) -> None:
        """Start the clocks of the next test."""
        self.base_cpu = cpu
        self.base_wall = time.monotonic()
        self.queried = self.queried_bytes = 0

    def overstepped(self, now: float) -> Tuple[Optional[str], float]:
        """Return which limit is overstepped, or None, and when to look again."""
        if not self.ready:
            left = self.base_wall + _SET_UP_SECONDS - now
            return ("setup" if left < 0 else None), now + max(left, _SHORTEST_CHECK)
        used = self.cpu() - self.base_cpu
        if used > self.cpu_limit:
            return "cpu", now
        if self.waiting_since is not None:
            return None, now + _IDLE
        wall_left = self.wall_limit + _LOAD_FACTOR * used - (now - self.base_wall)
        if wall_left < 0:
            return "wall", now
        return None, now + max(_SHORTEST_CHECK, min(self.cpu_limit - used, wall_left))


def serve(stream: Stream, controls: List[socket.socket]) -> None:
    """Serve until the engine or the zygote goes away."""
    _Supervisor(stream, controls).loop()


class _Supervisor:
    def __init__(self, stream: Stream, controls: List[socket.socket]) -> None:
        self.stream = stream
        self.controls = {control.fileno(): control for control in controls}
        self.plain, self.packages = controls
        self.packages_warm = False
        self.children: Dict[int, _Child] = {}  # by run
        self.by_channel: Dict[int, _Child] = {}  # by descriptor
        self.parent = os.getppid()
        self.next_check = 0.0
        self.writing = False
        self.poll = select.poll()  # not epoll: what it watches counts against a limit of the user's
        self.poll.register(stream.reader, select.POLLIN)
        if stream.writer != stream.reader:
            self.poll.register(stream.writer, 0)
        for control in controls:
            self.poll.register(control.fileno(), select.POLLIN)
            control.setblocking(False)

    def loop(self) -> None:
        while True:
            began = time.monotonic()
            timeout = max(0.0, self.next_check - began)
            events = self.poll.poll(timeout * 1000)
            now = time.monotonic()
            self._forgive(now - began - timeout)
            if not self._handle(events):
                return
            if now >= self.next_check:
                if os.getppid() != self.parent:
                    return
                self.next_check = self._check()
            self._flush()

    def _forgive(self, late: float) -> None:
        """When this process itself was kept waiting, so were the children: don't count it."""
        if late > _LATE:
            for child in self.children.values():
                child.base_wall += late
                child.killed_at += late

    def _handle(self, events: List[Tuple[int, int]]) -> bool:
        for descriptor, _ in events:
            if descriptor in self.controls:
                if not self._from_zygote(self.controls[descriptor]):
                    return False
            elif descriptor == self.stream.reader or descriptor == self.stream.writer:
                if not self._from_engine():
                    return False
            elif descriptor in self.by_channel:
                child = self.by_channel[descriptor]
                self._feed(child)
                self._drain(child)
        return True

    def _flush(self) -> None:
        """Write to the engine; watch for room only while something is left."""
        self.stream.flush()
        if bool(self.stream.pending) != self.writing:
            self.writing = bool(self.stream.pending)
            same = self.stream.writer == self.stream.reader
            self.poll.modify(
                self.stream.writer,
                (select.POLLOUT if self.writing else 0) | (select.POLLIN if same else 0),
            )

    # ── engine ────────────────────────────────────────────────────────────────────────────

    def _from_engine(self) -> bool:
        frames = self.stream.receive()
        if frames is None:
            return False
        for kind, run, payload in frames:
            if kind == wire.Kind.RUN:
                self._start(run, payload)
            elif kind == wire.Kind.PING:
                self.stream.send(wire.Kind.PONG, 0)
            elif run in self.children and kind in (wire.Kind.DATA, wire.Kind.NEXT):
                self._answer(self.children[run], payload, begins=kind == wire.Kind.NEXT)
            elif run in self.children and kind == wire.Kind.CANCEL:
                self._kill(self.children[run], "cancelled")
        return True

    def _start(self, run: int, payload: bytes) -> None:
        (length,) = _RUN.unpack_from(payload)
        header = json.loads(payload[4 : 4 + length])
        ours, theirs = zygote.channel_pair()
        child = _Child(run, header, ours, self.packages if header["packages"] else self.plain)
        self.children[run] = child
        self.by_channel[ours.fileno()] = child
        self.poll.register(ours.fileno(), child.interest)
        self.next_check = min(self.next_check, time.monotonic() + _LOOK)
        if header["packages"] and not self.packages_warm:
            self.packages_warm = True
            zygote.ask_warm(self.packages)
        try:
            zygote.ask_fork(child.control, run, header, theirs)
        except OSError as error:
            theirs.close()
            child.problem, child.exited = str(error), (0, 0.0, 0)
        at = 4 + length
        for after, size in header["stages"]:
            child.stages.append((after, payload[at : at + size]))
            at += size
        self._next_stages(child)

    def _next_stages(self, child: _Child) -> None:
        """Let the child know what its answers so far entitle it to."""
        while child.stages and child.answered >= child.stages[0][0]:
            child.pending += wire.child_frame(child.stages.pop(0)[1])
        self._feed(child)

    def _answer(self, child: _Child, payload: bytes, begins: bool) -> None:
        """Pass on what the judge answers to a query, or asks next."""
        if child.waiting_since is not None:
            child.base_wall += time.monotonic() - child.waiting_since
            child.waiting_since = None
        if begins:
            child.begin(child.cpu())
        child.pending += wire.child_frame(payload)
        self._feed(child)

    def _feed(self, child: _Child) -> None:
        """Write what the child's channel takes, and listen for what matters next."""
        if child.closed:
            return
        if child.pending:
            try:
                sent = child.channel.send(child.pending)
                del child.pending[:sent]
            except BlockingIOError:
                pass
            except OSError:
                child.pending.clear()
        wanted = select.POLLOUT if child.pending else 0
        if child.attentive or child.stages or not child.ready:
            wanted |= select.POLLIN
        if wanted != child.interest:
            if not wanted & select.POLLIN:  # from here on only a look tells what it has sent
                self.next_check = min(self.next_check, time.monotonic() + _LOOK)
            child.interest = wanted
            self.poll.modify(child.channel.fileno(), wanted)

    # ── zygote ────────────────────────────────────────────────────────────────────────────

    def _from_zygote(self, control: socket.socket) -> bool:
        while True:
            try:
                message = control.recv(4096)
            except BlockingIOError:
                return True
            except OSError:
                return False
            if not message:
                return False
            self._note(message)

    def _note(self, message: bytes) -> None:
        if message[:1] not in b"EX":
            return  # the second zygote is warm, which nobody waits for
        run = _RUN.unpack_from(message, 1)[0]
        child = self.children.get(run)
        if child is None:
            return
        if message[:1] == b"E":
            _, status, cpu, peak_kb = zygote.EXITED.unpack_from(message, 1)
            child.exited = (status, cpu, peak_kb)
            self._drain(child)
        elif message[:1] == b"X":
            child.problem = message[5:].decode()
            child.exited = (0, 0.0, 0)
            self._drain(child)

    def _kill(self, child: _Child, reason: str) -> None:
        if child.reason is None:
            child.reason = reason
            child.killed_at = time.monotonic()
            if child.exited is None:
                zygote.ask_kill(child.control, child.run)

    # ── children ──────────────────────────────────────────────────────────────────────────

    def _drain(self, child: _Child) -> None:
        """Relay what the child has sent; finish it when it is gone and its channel is empty."""
        while not child.closed:
            try:
                data = self._read(child)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self._close(child)
                break
            if len(data) > _MUCH:
                child.attentive = True
            if child.reason is None:
                child.received += data
                self._relay(child)
        if child.exited is not None:
            self._finish(child, *child.exited)

    def _read(self, child: _Child) -> bytes:
        """Read from the channel; the kernel says with the first bytes whose they are."""
        if child.pid is not None:
            return child.channel.recv(1 << 18)
        data, ancillary, _, _ = child.channel.recvmsg(1 << 18, socket.CMSG_SPACE(_CREDENTIALS.size))
        if ancillary:
            child.pid = _CREDENTIALS.unpack(ancillary[0][2])[0]
        return data

    def _relay(self, child: _Child) -> None:
        while child.reason is None:
            try:
                payloads = wire.child_frames(child.received, child.frame_cap)
            except wire.FrameError as error:
                self._kill(child, "output" if str(error) == "too long" else "protocol")
                return
            if not payloads:
                return
            clock = child.cpu()
            for payload in payloads:
                if child.reason is None:
                    self._one(child, payload, clock)

    def _one(self, child: _Child, payload: bytes, clock: float) -> None:
        """Account for one payload and pass it on.

        The child says when it finished (its own clock, exact under any load); what it says is
        held between the last answer and now, so a lie gains it nothing.
        """
        kind = payload[:1]
        if len(payload) < 9:
            self._kill(child, "protocol")
            return
        reported = _CPU.unpack_from(payload, 1)[0]
        cpu = reported if child.base_cpu <= reported <= clock else clock
        if not child.ready:
            child.ready = kind == wire.ChildKind.READY
            if not child.ready:
                child.problem = payload[9:].decode("utf-8", "replace")
            child.begin(cpu)
            self.next_check = min(self.next_check, time.monotonic() + _LOOK)  # its limits count from now
            return
        if cpu - child.base_cpu > child.cpu_limit:
            self._kill(child, "cpu")
            return
        if kind == wire.ChildKind.QUERY and child.queries:
            child.queried += 1
            child.queried_bytes += len(payload)
            if child.queried > child.queries or child.queried_bytes > child.query_bytes:
                self._kill(child, "queries")
                return
            child.waiting_since = time.monotonic()
        elif kind in (wire.ChildKind.ANSWER, wire.ChildKind.LOADED):
            child.answers_left -= 1
            if child.answers_left < 0:
                self._kill(child, "protocol")
                return
            child.answered += 1
            if child.interactive:
                child.waiting_since = time.monotonic()
            else:
                child.begin(cpu)
            self._next_stages(child)
        else:
            self._kill(child, "protocol")
            return
        self.stream.send(wire.Kind.ANSWER, child.run, kind + payload[9:])

    def _close(self, child: _Child) -> None:
        if not child.closed:
            child.closed = True
            self.by_channel.pop(child.channel.fileno(), None)
            self.poll.unregister(child.channel.fileno())
            child.channel.close()
            if child.exited is None and child.reason is None:
                self._kill(child, "closed")

    def _finish(self, child: _Child, status: int, cpu: float, peak_kb: int) -> None:
        self._close(child)
        del self.children[child.run]
        end = {
            "ready": child.ready,
            "reason": child.reason,
            "problem": child.problem,
            "status": status,
            "cpu": cpu,
            "rss_kb": peak_kb,
        }
        self.stream.send(wire.Kind.END, child.run, json.dumps(end).encode())

    def _check(self) -> float:
        """Kill who oversteps a limit; return when to look again."""
        now = time.monotonic()
        soonest = now + _IDLE
        for child in list(self.children.values()):
            if child.exited is not None:
                continue
            if child.reason is not None:
                if now - child.killed_at > _DYING_SECONDS:
                    raise RuntimeError("a process that was killed does not end: the zygote is stuck")
                continue
            reason, again = child.overstepped(now)
            if reason is not None:
                self._drain(child)  # it may have answered in time, unread so far
                if child.exited is None and child.reason is None:
                    reason, again = child.overstepped(now)
                    if reason is not None:
                        self._kill(child, reason)
            if not child.closed and not child.interest & select.POLLIN:
                self._drain(child)
                self._feed(child)
                again = min(again, now + _LOOK)
            soonest = min(soonest, again)
        return soonest
