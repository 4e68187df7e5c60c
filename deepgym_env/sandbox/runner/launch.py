"""Starts the runner: reads its configuration, isolates itself as far as it can, forks the zygote.

The configuration (JSON, the stream's first frame): ``namespaces, seccomp, landlock`` (whether to
use them), ``packages`` (folders beyond the stdlib to show), ``preload`` (modules to import).
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import sysconfig
from typing import Any, Callable, Dict, List, NoReturn, Optional, Tuple

from . import isolation, kernel, supervisor, wire, zygote
from .layers import Layers

__all__ = ["main"]

_SKIPPED_EXTENSIONS = ("_tkinter", "_test", "_curses", "readline", "nis", "_gdbm", "_dbm")


def main() -> None:
    """Run until the engine closes the stream."""
    stream = supervisor.Stream(0, 1)
    try:
        config = json.loads(stream.receive_first())
        control, report = _launch(config)
    except Exception as error:
        stream.send(wire.Kind.FAILED, 0, ("%s: %s" % (type(error).__name__, error)).encode())
        stream.flush_all()
        return
    stream.send(wire.Kind.READY, 0, json.dumps(report).encode())
    stream.flush_all()
    supervisor.serve(stream, control)


def _launch(config: Dict[str, Any]) -> Tuple[socket.socket, Dict[str, Any]]:
    """Isolate, fork the zygote, wait until it is warm; return its control socket and a report."""
    readable, hidden, sys_path = _python_folders(config["packages"])
    config["sys_path"] = sys_path
    reasons = {
        "namespaces": isolation.probe(readable, hidden) if config["namespaces"] else "switched off",
        "seccomp": _try_seccomp() if config["seccomp"] else "switched off",
        "landlock": _try_landlock() if config["landlock"] else "switched off",
    }
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
    if reasons["namespaces"] is None:
        isolation.unshare_all(readable, hidden)
    pid = os.fork()
    if pid == 0:
        _become_zygote(theirs, ours, config, reasons, readable)
    theirs.close()
    if reasons["namespaces"] is None:
        kernel.drop_bounding_set()
    first = ours.recv(1 << 16)
    if first[:1] != b"R":
        raise RuntimeError(first[1:].decode("utf-8", "replace") or "the zygote died while it warmed up")
    if reasons["namespaces"] is None:
        kernel.capset_none()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    report = json.loads(first[1:])
    report.update(layers=reasons, python=sys.version.split()[0], machine=os.uname().machine)
    return ours, report


def _become_zygote(
    control: socket.socket,
    other: socket.socket,
    config: Dict[str, Any],
    reasons: Dict[str, Optional[str]],
    readable: List[str],
) -> NoReturn:
    """Turn this forked process into the zygote; never returns."""
    try:
        other.close()
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        pid_namespace = None
        statm = _open_or_none("/proc/self/statm")
        if reasons["namespaces"] is None:
            pid_namespace = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
            isolation.enter_root()
            kernel.drop_bounding_set()
        for descriptor in (0, 1):
            os.dup2(os.open("/dev/null", os.O_RDWR), descriptor)
        layers = Layers(
            reasons["namespaces"] is None, reasons["seccomp"] is None, reasons["landlock"] is None, readable
        )
        zygote.main(control, config, layers, pid_namespace, statm)
    except BaseException as error:
        try:
            control.send(b"!" + ("%s: %s" % (type(error).__name__, error)).encode())
        except OSError:
            pass
    os._exit(0)


def _open_or_none(path: str) -> Optional[int]:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _python_folders(packages: List[str]) -> Tuple[List[str], List[str], List[str]]:
    """Return what the sandbox must show, what of it to cover, and ``sys.path`` inside."""
    paths = sysconfig.get_paths()
    stdlib = {os.path.realpath(paths["stdlib"]), os.path.realpath(paths["platstdlib"])}
    sys_path = [path for path in sys.path if any(os.path.realpath(path).startswith(root) for root in stdlib)]
    hidden = [os.path.join(root, name) for root in stdlib for name in ("site-packages", "dist-packages")]
    shown = sorted({*stdlib, *(os.path.dirname(path) for path in sys_path if os.path.realpath(path) not in stdlib)})
    shown = [path for path in shown if not any(path != root and path.startswith(root + "/") for root in stdlib)]
    extensions = _extension_modules(sys_path, packages)
    libraries = isolation.library_folders(extensions, [*shown, *packages])
    readable = [*shown, *packages, *libraries]
    return readable, hidden, sys_path + sorted({os.path.dirname(package) for package in packages})


def _extension_modules(sys_path: List[str], packages: List[str]) -> List[str]:
    """Return the extension modules of the stdlib and of the packages shown."""
    places = [path for path in sys_path if path.endswith("lib-dynload")]
    places += [place for package in packages for place, _, _ in os.walk(package)]
    found = [os.path.join(place, name) for place in places for name in os.listdir(place) if name.endswith(".so")]
    return [path for path in found if not os.path.basename(path).startswith(_SKIPPED_EXTENSIONS)]


def _in_fork(action: Callable[[], None]) -> Optional[str]:
    """Try ``action`` in a throw-away process; return None, or why it failed."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            action()
        except BaseException as error:
            os.write(writer, str(error).encode() or b"failed")
        os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        problem = pipe.read()
    _, status = os.waitpid(pid, 0)
    return problem or (None if status == 0 else "the process died with status %d" % status)


def _try_seccomp() -> Optional[str]:
    from . import seccomp

    def install() -> None:
        program = seccomp.filter_program(os.uname().machine, None)
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.seccomp(program)

    return _in_fork(install)


def _try_landlock() -> Optional[str]:
    if kernel.landlock_abi() == 0:
        return "the kernel has no Landlock, or it is switched off"

    def restrict() -> None:
        rules = kernel.landlock_rules(["/"], [])
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.landlock_restrict(rules)

    return _in_fork(restrict)
