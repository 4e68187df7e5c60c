"""The warmed interpreter that forks one locked-down child per submission.

It never sees a submission, an input or an answer (so a child, born as its copy, finds none in
its memory): it is told a run's number and limits, and is handed the child's end of a channel.

Control messages, each one ``SOCK_SEQPACKET`` datagram:
to the zygote ``F run limits`` (with the channel) and ``K run``, to the second one ``W`` first; from
it ``R json`` (ready), ``E run status cpu rss`` (exited) and ``X run text`` (the fork failed).
"""

from __future__ import annotations

import gc
import importlib
import importlib.util
import json
import os
import select
import signal
import socket
import struct
import sys
import warnings
from typing import Any, Callable, Dict, List, NoReturn, Optional, Tuple

from . import child, kernel
from .channel import CHANNEL
from .layers import Layers, Limits

__all__ = ["EXITED", "ask_fork", "ask_kill", "ask_warm", "channel_pair", "main"]

FORK = struct.Struct("<IIIII")  # run, CPU seconds in all, memory MiB, tmp MiB, threads
EXITED = struct.Struct("<IidI")  # run, wait status, CPU seconds, peak resident KiB
_RUN = struct.Struct("<I")


def main(
    control: socket.socket,
    sys_path: List[str],
    modules: List[str],
    layers: Layers,
    pid_namespace: Optional[int],
    statm: Optional[int],
    serve: Callable[[Limits, Layers], NoReturn],
) -> None:
    """Serve until the control socket closes; each child ends in ``serve``.

    ``pid_namespace`` is None where there is none.
    """
    missing = _warm(sys_path, modules)
    wake_reader, wake_writer = os.pipe()
    os.set_blocking(wake_writer, False)
    os.set_blocking(wake_reader, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_writer, warn_on_full_buffer=False)
    server = _Zygote(control, layers, pid_namespace, serve)
    server.rehearse()
    gc.collect()
    gc.freeze()
    if statm is not None:
        layers.base_memory = int(os.pread(statm, 100, 0).split()[0]) * os.sysconf("SC_PAGE_SIZE")
        os.close(statm)
    control.send(b"R" + json.dumps({"missing": missing}).encode())
    server.serve(wake_reader)


def _warm(sys_path: List[str], modules: List[str]) -> List[str]:
    """Import what solutions use; return what could not be imported."""
    gc.disable()
    sys.path[:] = sys_path
    sys.dont_write_bytecode = True
    missing = []
    importlib.util.find_spec("no_module_has_this_name")  # lists every folder once: a child may not
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in modules:
            try:
                importlib.import_module(name)
            except Exception as error:
                missing.append("%s: %s" % (name, error))
    return missing


class _Zygote:
    def __init__(
        self,
        control: socket.socket,
        layers: Layers,
        pid_namespace: Optional[int],
        serve: Callable[[Limits, Layers], NoReturn],
    ) -> None:
        self.child_main = serve
        self.control = control
        self.layers = layers
        self.pid_namespace = pid_namespace
        self.runs: Dict[int, int] = {}

    def rehearse(self) -> None:
        """Fork once for nothing: the first child differs from later ones in what it touches."""
        pid = self._fork()
        if pid == 0:
            os._exit(0)
        os.waitpid(pid, 0)

    def serve(self, wake_reader: int) -> None:
        poll = select.poll()
        poll.register(self.control.fileno(), select.POLLIN)
        poll.register(wake_reader, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == wake_reader:
                    os.read(wake_reader, 4096)
                    self._reap()
                elif not self._obey():
                    return

    def _obey(self) -> bool:
        message, descriptors = _receive(self.control)
        if not message:
            return False
        if message[:1] == b"F":
            run, *limits = FORK.unpack_from(message, 1)
            self._start(run, Limits(*limits), descriptors[0])
        elif message[:1] == b"K":
            self._kill(_RUN.unpack_from(message, 1)[0])
        return True

    def _start(self, run: int, limits: Limits, channel: int) -> None:
        try:
            pid = self._fork()
        except OSError as error:
            os.close(channel)
            self.control.send(b"X" + _RUN.pack(run) + str(error).encode())
            return
        if pid == 0:
            try:
                child.reset_signals()
                os.dup2(channel, CHANNEL)
                self.child_main(limits, self.layers)
            finally:
                os._exit(1)
        os.close(channel)
        self.runs[pid] = run

    def _fork(self) -> int:
        if self.pid_namespace is None:
            return os.fork()
        kernel.unshare(kernel.CLONE_NEWPID)
        try:
            pid = os.fork()
        except OSError:
            kernel.setns(self.pid_namespace, kernel.CLONE_NEWPID)
            raise
        if pid:
            kernel.setns(self.pid_namespace, kernel.CLONE_NEWPID)
        return pid

    def _kill(self, run: int) -> None:
        for pid, number in self.runs.items():
            if number == run:
                os.kill(pid, signal.SIGKILL)

    def _reap(self) -> None:
        while True:
            try:
                pid, status, usage = os.wait4(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            run = self.runs.pop(pid, None)
            if run is not None:
                cpu = usage.ru_utime + usage.ru_stime
                self.control.send(b"E" + EXITED.pack(run, status, cpu, usage.ru_maxrss))


def channel_pair() -> Tuple[socket.socket, socket.socket]:
    """Return the supervisor's and the child's end of a new channel."""
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)  # the child's pid, as it is called here
    return ours, theirs


def ask_fork(control: socket.socket, run: int, header: Dict[str, Any], channel: socket.socket) -> None:
    """Ask the zygote for a child that talks on ``channel``; gives the descriptor away."""
    total = int(header["cpu"] * (header["answers"] + 1)) + 2
    message = b"F" + FORK.pack(run, total, header["memory_mb"], header["tmp_mb"], header["threads"])
    descriptors = struct.pack("i", channel.fileno())
    _send(control, [message], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, descriptors)])
    channel.close()


def ask_warm(control: socket.socket) -> None:
    """Ask the second zygote to import the packages."""
    _send(control, [b"W"], [])


def ask_kill(control: socket.socket, run: int) -> None:
    """Ask the zygote to kill a run's child."""
    _send(control, [b"K" + _RUN.pack(run)], [])


def _send(control: socket.socket, parts: List[bytes], ancillary: List[Any]) -> None:
    while True:
        try:
            control.sendmsg(parts, ancillary)
            return
        except BlockingIOError:
            select.select([], [control], [])


def _receive(control: socket.socket) -> Tuple[bytes, List[int]]:
    """Return one control message and the descriptors that came with it."""
    data, ancillary, _, _ = control.recvmsg(4096, socket.CMSG_SPACE(4))
    descriptors: List[int] = []
    for level, kind, payload in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            descriptors += struct.unpack("%di" % (len(payload) // 4), payload)
    return data, descriptors
