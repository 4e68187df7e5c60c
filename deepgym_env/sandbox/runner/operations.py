"""What a runner does for sessions: each operation in a fresh process, forked for it.

A session is a tmpfs of its own with three folders: ``workspace`` and ``tmp``, which its commands
see, and ``service``, which they don't. A snapshot is a copy of it in the store.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
from typing import Any, Callable, Dict, NoReturn, Optional

from . import child, command, kernel, tree, wire
from . import seccomp as filters
from .channel import Channel
from .layers import Layers, Limits
from .request import Answer, pack, unpack
from .root import SESSIONS, STORE

__all__ = ["main", "set_up"]

_FOLDERS = ("workspace", "tmp", "service")
_filter: Optional[kernel.Filter] = None


def set_up(layers: Layers, store_mb: Optional[int]) -> None:
    """Make room for sessions and snapshots; call in the zygote, in its own root."""
    global _filter
    socket.sethostname("sandbox")
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount_tmpfs(SESSIONS, flags, "1m", "64k")
    store_mb = store_mb or os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") >> 22
    kernel.mount_tmpfs(STORE, flags, "%dm" % store_mb, "4m")
    if layers.seccomp is not None:
        # Where children are in no pid namespace of their own, a namespace's pid 1 is no safer than others.
        _filter = kernel.Filter(filters.workspace_program(os.uname().machine, spare_first=not layers.own_pids))


def main(limits: Limits, layers: Layers) -> NoReturn:
    """Do one operation; never returns."""
    channel = Channel()
    try:
        for target in (0, 1, 2):
            os.dup2(layers.devnull, target)
        os.closerange(4, layers.highest_fd)
        child.reset_signals()
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the one signal that Python lets reach a pid 1
        channel.send(wire.ChildKind.READY)
        request = channel.receive()
        if request is not None:
            header, data = unpack(request)
            if header["op"] == "exec" and not layers.own_pids:
                _become_first_process()
            channel.send(wire.ChildKind.ANSWER, pack(*_perform(header, data, channel)))
    finally:
        os._exit(0)


def _become_first_process() -> None:
    """Go on as pid 1 of a pid namespace: what a command leaves behind ends with it."""
    kernel.unshare(kernel.CLONE_NEWPID)
    pid = os.fork()
    if pid:
        os.waitpid(pid, 0)
        os._exit(0)
    kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)


def _perform(header: Dict[str, Any], data: bytes, channel: Channel) -> Answer:
    try:
        if header["op"] == "exec":
            return _exec(header, data, channel)
        return _OPERATIONS[header["op"]](header, data)
    except tree.TreeError as error:
        return {"refused": str(error)}, b""
    except (OSError, UnicodeError) as error:  # of files as the agent made them; only a command needs more than files
        outcome = "failed" if header["op"] == "exec" else "refused"
        return {outcome: "%s: %s" % (header["op"], error)}, b""
    except Exception as error:
        return {"failed": "%s: %s" % (type(error).__name__, error)}, b""


def _session(name: str) -> str:
    return os.path.join(SESSIONS, name)


def _workspace(header: Dict[str, Any]) -> int:
    return os.open(os.path.join(_session(header["session"]), "workspace"), os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)


def _create(header: Dict[str, Any], data: bytes) -> Answer:
    """Make a session: empty, or as a snapshot or another session; then write ``files``."""
    place = _session(header["session"])
    os.mkdir(place, 0o700)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount_tmpfs(place, flags, "%dm" % header["disk_mb"], "%d" % header["files_max"])
    try:
        _fill(place, _origin(header))
        _write_all(header, data)
    except BaseException:
        _remove(header, b"")
        raise
    return {}, b""


def _fill(place: str, origin: Optional[str]) -> None:
    for name in _FOLDERS:
        target = os.path.join(place, name)
        if origin is None:
            os.mkdir(target, 0o755)
        else:
            tree.copy(os.path.join(origin, name), target)


def _write_all(header: Dict[str, Any], data: bytes) -> None:
    root = _workspace(header)
    at = 0
    for path, mode, length in header.get("files", ()):
        tree.write(root, path, data[at : at + length], mode)
        at += length
    os.close(root)


def _remove(header: Dict[str, Any], _: bytes) -> Answer:
    place = _session(header["session"])
    if os.path.isdir(place):
        kernel.umount(place)
        os.rmdir(place)
    return {}, b""


def _origin(header: Dict[str, Any]) -> Optional[str]:
    kind, name = header.get("origin") or (None, "")
    return None if kind is None else os.path.join(STORE if kind == "snapshot" else SESSIONS, name)


def _restore(header: Dict[str, Any], data: bytes) -> Answer:
    """Make a session as a snapshot was."""
    _remove(header, b"")
    return _create(header, data)


def _save(header: Dict[str, Any], _: bytes) -> Answer:
    """Copy a session to the store."""
    target = os.path.join(STORE, header["snapshot"])
    os.mkdir(target, 0o700)
    try:
        for name in _FOLDERS:
            tree.copy(os.path.join(_session(header["session"]), name), os.path.join(target, name))
    except BaseException:
        shutil.rmtree(target, ignore_errors=True)
        raise
    return {}, b""


def _drop(header: Dict[str, Any], _: bytes) -> Answer:
    shutil.rmtree(os.path.join(STORE, header["snapshot"]), ignore_errors=True)
    return {}, b""


def _read(header: Dict[str, Any], _: bytes) -> Answer:
    return {}, tree.read(_workspace(header), header["path"], header["limit"])


def _write(header: Dict[str, Any], data: bytes) -> Answer:
    tree.write(_workspace(header), header["path"], data, header["mode"])
    return {}, b""


def _list(header: Dict[str, Any], _: bytes) -> Answer:
    found, complete = tree.entries(_workspace(header), header["path"], header["depth"], header["limit"])
    return {"entries": found, "complete": complete}, b""


def _service_state(header: Dict[str, Any], _: bytes) -> Answer:
    try:
        with open(os.path.join(_session(header["session"]), "service", "state.json"), "rb") as file:
            return {}, file.read()
    except FileNotFoundError:
        return {}, b"{}"


def _exec(header: Dict[str, Any], data: bytes, channel: Channel) -> Answer:
    outcome = command.run(header, data, _filter, channel)
    state = outcome.state
    streams = [[stream.total, len(stream.head), len(stream.tail)] for stream in outcome.streams]
    report = {
        "code": outcome.code,
        "signal": outcome.signal,
        "reason": outcome.reason,
        "cpu": outcome.cpu,
        "streams": streams,
        "state": None if state is None else len(state),
    }
    parts = [part for stream in outcome.streams for part in (stream.head, stream.tail)]
    return report, b"".join([*parts, state or b""])


_OPERATIONS: Dict[str, Callable[[Dict[str, Any], bytes], Answer]] = {
    "create": _create,
    "remove": _remove,
    "restore": _restore,
    "save": _save,
    "drop": _drop,
    "read": _read,
    "write": _write,
    "list": _list,
    "service_state": _service_state,
}
