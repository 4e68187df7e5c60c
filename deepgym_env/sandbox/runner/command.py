"""One command in a session: a process tree in namespaces of its own, dead when the command ends.

This process is pid 1 of that tree. It shows the tree its session's workspace and nothing of any
other, collects its output, keeps its limits, and ends what is left of it when the command is over.
"""

from __future__ import annotations

import fcntl
import os
import resource
import select
import signal
import socket
import struct
import time
from typing import Any, Dict, List, NoReturn, Optional, Tuple

from . import kernel, service
from .root import BINARIES, SESSIONS, STORE, WORKSPACE

__all__ = ["Outcome", "run"]

_STATE = 9  # the descriptor a shell writes its state to
_STATE_CAP = 1 << 16
_LOOK = 0.05
_LOAD_FACTOR = 20.0  # wall time that CPU time buys, as in the supervisor
_MOST_OUTPUT = 1 << 26
_DESCRIPTORS = 256
_TICK = os.sysconf("SC_CLK_TCK")
_UID = 1000
_SIOCSIFFLAGS, _UP_AND_RUNNING = 0x8914, 0x41
# Carries directory and exported variables from one command to the next, whatever way it ends.
_SHELL_SCRIPT = (
    'trap \'dg_status=$?; { printf "%s\\0" "$PWD"; export -p; } >&9 2>/dev/null; exit $dg_status\' EXIT; '
    'eval "$1" 2>/dev/null; shift; eval "$1"'
)
_ARGV_SCRIPT = 'eval "$1" 2>/dev/null; shift; exec "$@"'
_ENVIRONMENT = {
    "PATH": BINARIES + ":/usr/local/bin:/usr/bin:/bin",
    "HOME": WORKSPACE,
    "USER": "agent",
    "SHELL": "/bin/bash",
    "LANG": "C.UTF-8",
    "TZ": "UTC",
    "TERM": "dumb",
    "PAGER": "cat",
    "GIT_PAGER": "cat",
    "GIT_TERMINAL_PROMPT": "0",
    "PYTHONHASHSEED": "0",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONUNBUFFERED": "1",
}


class Outcome:
    """What became of a command."""

    def __init__(self) -> None:
        self.code: Optional[int] = None
        self.signal: Optional[int] = None
        self.reason: Optional[str] = None  # why it was ended: cpu, wall, memory or output
        self.cpu = 0.0
        self.streams: List["_Stream"] = []
        self.state: Optional[bytes] = None


class _Stream:
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


def run(spec: Dict[str, Any], stdin: bytes, seccomp: Optional[kernel.Filter]) -> Outcome:
    """Run a command and wait for its end; call in a pid namespace of its own, as pid 1."""
    wake = _wake_on_child()
    outputs = [os.pipe() for _ in range(1 if spec["merge"] else 2)]
    state = os.pipe()
    _enter(spec["session"])
    source = spec.get("service")
    helper = service.start(source, spec["session"]) if source else None
    _show_session(spec["session"])
    kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # no look into this process from the command
    descriptors = [_stdin(stdin), outputs[0][1], outputs[-1][1], state[1]]
    began = time.monotonic()
    pid = os.fork()
    if pid == 0:
        _become_command(spec, descriptors, seccomp)
    for descriptor in {*descriptors}:
        os.close(descriptor)
    watch = _Watch(spec, pid, helper, [_Stream(reader, spec["output_bytes"]) for reader, _ in outputs], state[0])
    watch.until_end(wake, began)
    return watch.outcome


def _wake_on_child() -> int:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    os.set_blocking(writer, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    return reader


def _enter(session: str) -> None:
    """Enter a mount namespace and a network that is a loopback device."""
    kernel.unshare(kernel.CLONE_NEWNS | kernel.CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        fcntl.ioctl(plug, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _UP_AND_RUNNING))


def _show_session(session: str) -> None:
    tree = os.path.join(SESSIONS, session)
    kernel.mount(os.path.join(tree, "workspace"), WORKSPACE, None, kernel.MS_BIND)
    kernel.mount(os.path.join(tree, "tmp"), "/tmp", None, kernel.MS_BIND)
    kernel.umount(SESSIONS)
    kernel.umount(STORE)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    try:
        kernel.mount("proc", "/proc", "proc", flags, "subset=pid")
    except OSError:  # an older kernel, or a container that masks its own: none rather than the zygote's
        kernel.mount("tmpfs", "/proc", "tmpfs", flags | kernel.MS_RDONLY, "size=4k,nr_inodes=1")


def _stdin(data: bytes) -> int:
    if not data:
        return os.open("/dev/null", os.O_RDONLY)
    descriptor = os.memfd_create("stdin")
    with os.fdopen(os.dup(descriptor), "wb") as file:
        file.write(data)
    os.lseek(descriptor, 0, os.SEEK_SET)
    return descriptor


# ── the command's own process ─────────────────────────────────────────────────────────────


def _become_command(spec: Dict[str, Any], descriptors: List[int], seccomp: Optional[kernel.Filter]) -> NoReturn:
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGCHLD, signal.SIGPIPE, signal.SIGINT, signal.SIGXFSZ):
            signal.signal(number, signal.SIG_DFL)
        os.setsid()
        _arrange(descriptors)
        problem = _change_folder(spec["cwd"])
        _own_user_namespace()
        _set_rlimits(spec)
        argv = _argv(spec)
        environment = {**_ENVIRONMENT, **spec["env"], "PWD": os.getcwd()}
        kernel.capset_none()
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        if seccomp is not None:
            seccomp.install()
        if problem:
            os.write(2, problem)
        os.execvpe(argv[0], argv, environment)
    except FileNotFoundError:
        os.write(2, ("%s: command not found\n" % (spec["argv"] or ["bash"])[0]).encode("utf-8", "replace"))
        os._exit(127)
    except BaseException as error:
        os.write(2, ("%s\n" % error).encode("utf-8", "replace"))
    os._exit(126)


def _arrange(descriptors: List[int]) -> None:
    """Put the four descriptors in their places and close all others."""
    high = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, 20) for descriptor in descriptors]
    for target, source in zip((0, 1, 2, _STATE), high):
        os.dup2(source, target)
    os.closerange(3, _STATE)
    os.closerange(_STATE + 1, 4096)


def _change_folder(folder: str) -> bytes:
    try:
        os.chdir(folder)
    except OSError as error:
        os.chdir(WORKSPACE)
        return ("[%s: %s; now in %s]\n" % (folder, os.strerror(error.errno or 0), WORKSPACE)).encode("utf-8", "replace")
    return b""


def _own_user_namespace() -> None:
    """Enter a user namespace in which the limit on processes counts this command's alone."""
    kernel.unshare(kernel.CLONE_NEWUSER)
    kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # else the maps belong to root
    _write_proc("oom_score_adj", "1000")  # where memory runs out, it is the command that goes
    identity = "%d %d 1" % (_UID, _UID)
    for name, line in (("setgroups", "deny"), ("uid_map", identity), ("gid_map", identity)):
        _write_proc(name, line)


def _write_proc(name: str, text: str) -> None:
    try:
        with open("/proc/self/" + name, "w") as file:
            file.write(text)
    except OSError:
        pass  # without /proc: it is nobody then, which works as well


def _set_rlimits(spec: Dict[str, Any]) -> None:
    megabyte = 1 << 20
    wanted = {
        resource.RLIMIT_AS: spec["memory_mb"] * megabyte,
        resource.RLIMIT_CPU: int(spec["cpu"]) + 2,
        resource.RLIMIT_FSIZE: spec["disk_mb"] * megabyte,
        resource.RLIMIT_NOFILE: _DESCRIPTORS,
        resource.RLIMIT_NPROC: spec["processes"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_RTPRIO: 0,
    }
    for name, value in wanted.items():
        highest = resource.getrlimit(name)[1]
        value = value if highest == resource.RLIM_INFINITY else min(value, highest)
        resource.setrlimit(name, (value, value))


def _argv(spec: Dict[str, Any]) -> List[str]:
    shell = next(path for path in ("/bin/bash", "/bin/sh") if os.path.exists(path))
    base = [shell, "--noprofile", "--norc"] if shell.endswith("bash") else [shell]
    if spec["command"] is not None:
        return [*base, "-c", _SHELL_SCRIPT, "bash", spec["exports"], spec["command"]]
    if spec["exports"]:
        return [*base, "-c", _ARGV_SCRIPT, "bash", spec["exports"], *spec["argv"]]
    return list(spec["argv"])


# ── watching it ───────────────────────────────────────────────────────────────────────────


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
        kilobytes = sum(int(line.split()[1]) for line in lines if line.startswith((b"RssAnon", b"RssShmem")))
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


class _Watch:
    """Collects a command's output and keeps its limits."""

    def __init__(
        self, spec: Dict[str, Any], pid: int, helper: Optional[int], streams: List[_Stream], state: int
    ) -> None:
        self.pid = pid
        self.helper = helper
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
        next_look = began + _LOOK
        while self.status is None:
            for descriptor, _ in poll.poll(max(0.0, next_look - time.monotonic()) * 1000):
                if descriptor == wake:
                    os.read(wake, 4096)
                elif not self._take_ready(descriptor):
                    poll.unregister(descriptor)
            self._reap(os.WNOHANG)
            now = time.monotonic()
            if now >= next_look and self.status is None:
                next_look = now + _LOOK
                self._check(now - began)
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

    def _reap(self, options: int) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, options)
            except ChildProcessError:
                return
            if pid == 0:
                return
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
        """End what is left of the tree, then read what is left of its output."""
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._reap(0)
        for descriptor in (self.state_reader, *(stream.reader for stream in self.outcome.streams)):
            self._drain(descriptor)
        self._conclude()

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
