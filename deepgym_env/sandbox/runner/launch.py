"""Starts the runner: reads its configuration, isolates itself as far as it can, forks the zygote.

The configuration is JSON, the stream's first frame: ``namespaces, seccomp, landlock`` (whether to use
them), ``packages`` (what to show beyond the stdlib: folders, or names of installed packages),
``self_contained`` (which of them bring the libraries they load, or need none that others don't),
``preload`` (modules of the stdlib to import), ``package_modules`` (modules of the packages that the
second zygote imports),
``sessions`` (whether its children work on sessions' workspaces instead of judging submissions),
``programs`` (whether submissions may start programs, and find those of a workspace: suites of tests do),
``store_mb`` (room for snapshots; without it a quarter of the memory).

There are two zygotes: one without packages, whose children are cheaper, and one that imports the
packages as well, once the first submission that mentions one of them comes.
"""

from __future__ import annotations

import glob
import json
import os
import re
import resource
import signal
import socket
import sys
import sysconfig
from typing import Any, Callable, Dict, List, NoReturn, Optional, Set, Tuple

from . import child, isolation, kernel, supervisor, wire, zygote
from .layers import Layers, Limits
from .root import BINARIES, SEARCHED, Root, programs_root, workspace_root
from .stream import Stream

__all__ = ["main"]

Program = Tuple[Callable[[Layers], None], Callable[[Limits, Layers], NoReturn]]

_SKIPPED_EXTENSIONS = ("_tkinter", "_test", "_curses", "readline", "nis", "_gdbm", "_dbm")
_WARM_TMP_MB = 16


def main() -> None:
    """Run until the engine closes the stream."""
    stream = Stream(0, 1)
    os.umask(0o022)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # also bounds descriptors in flight, all runners' together
    try:
        config = json.loads(stream.receive_first())
        controls, zygote_pid, report = _launch(config)
    except Exception as error:
        stream.send(wire.Kind.FAILED, 0, ("%s: %s" % (type(error).__name__, error)).encode())
        stream.flush_all()
        return
    stream.send(wire.Kind.READY, 0, json.dumps(report).encode())
    stream.flush_all()
    try:
        supervisor.serve(stream, controls)
    finally:
        os.kill(zygote_pid, signal.SIGKILL)  # and with it, as pid 1, all of its namespace
        os.waitpid(zygote_pid, 0)


def _launch(config: Dict[str, Any]) -> Tuple[List[socket.socket], int, Dict[str, Any]]:
    """Isolate, fork the zygotes, wait until the first is warm; return controls, pid and report."""
    packages = [folder for package in config["packages"] for folder in _package_folders(package)]
    self_contained = {folder for package in config.get("self_contained", ()) for folder in _package_folders(package)}
    folders, hidden, config["sys_path"] = _python_folders(packages, self_contained)
    root = Root({folder: folder for folder in folders}, hidden)
    root.shown.update((os.path.join(isolation.PACKAGES, os.path.basename(package)), package) for package in packages)
    programs = config["sessions"] or config.get("programs", False)
    if programs:
        root = workspace_root(root) if config["sessions"] else programs_root(root)
    reasons = {
        "namespaces": isolation.probe(root) if config["namespaces"] else "switched off",
        "seccomp": _try_seccomp() if config["seccomp"] else "switched off",
        "landlock": _try_landlock() if config["landlock"] else "switched off",
    }
    if programs:
        reasons["landlock"] = "not used where programs run, and nothing can be written but workspace and /tmp"
    program = _program(config)
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET) for _ in range(2)]
    if reasons["namespaces"] is None:
        isolation.unshare_all(root)
        config["sys_path"].append(isolation.PACKAGES)
        readable = list(root.shown)
    elif config["sessions"]:
        raise RuntimeError("a session needs namespaces, which can't be had here: %s" % reasons["namespaces"])
    else:
        config["sys_path"] += sorted({os.path.dirname(package) for package in packages})
        readable = [*folders, *packages]
    pid = os.fork()
    if pid == 0:
        for ours, _ in pairs:
            ours.close()
        _become_zygote([theirs for _, theirs in pairs], config, reasons, readable, program)
    for _, theirs in pairs:
        theirs.close()
    if reasons["namespaces"] is None:
        kernel.drop_bounding_set()
    first = pairs[0][0].recv(1 << 16)
    if first[:1] != b"R":
        raise RuntimeError(first[1:].decode("utf-8", "replace") or "the zygote died while it warmed up")
    if reasons["namespaces"] is None:
        kernel.capset_none()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    report = json.loads(first[1:])
    report.update(layers=reasons, python=sys.version.split()[0], machine=os.uname().machine)
    return [ours for ours, _ in pairs], pid, report


def _program(config: Dict[str, Any]) -> Program:
    """Return what a zygote does before it serves, and what its children do."""
    if not config["sessions"]:
        return lambda _: None, child.main
    from . import operations  # with an HTTP server, which other runners needn't load

    return lambda layers: operations.set_up(layers, config.get("store_mb")), operations.main


def _become_zygote(
    controls: List[socket.socket],
    config: Dict[str, Any],
    reasons: Dict[str, Optional[str]],
    readable: List[str],
    program: Program,
) -> NoReturn:
    """Turn this forked process into the first zygote, a fork of it into the second; never returns."""
    control, other = controls
    try:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        namespaces = reasons["namespaces"] is None
        # What /proc has to say is opened before the new root, which has no /proc.
        pid_namespace = isolation.own_pid_namespace() if namespaces else None
        reader, writer = os.pipe()
        second = os.fork() == 0
        statm = _open_or_none("/proc/self/statm")
        os.close(writer)
        if second:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            control, other = other, control
        else:
            os.read(reader, 1)  # until the second has opened its own
            if namespaces:
                isolation.enter_root()
        os.close(reader)
        other.close()
        if second and not control.recv(1):  # waits here until a submission asks for packages
            os._exit(0)
        if namespaces:
            kernel.drop_bounding_set()
        for descriptor in (0, 1):
            os.dup2(os.open("/dev/null", os.O_RDWR), descriptor)
        own_pids = pid_namespace is not None
        programs = namespaces and config.get("programs", False)  # else they would be the host's
        if second and namespaces and config["package_modules"]:
            isolation.private_tmp(_WARM_TMP_MB)  # some packages write while they are imported; children see another
        layers = Layers(
            namespaces, own_pids, reasons["seccomp"] is None, reasons["landlock"] is None, readable, programs
        )
        if programs:
            os.environ["PATH"] = SEARCHED
            sys.executable = os.path.join(BINARIES, "python3")
        set_up, serve = program
        set_up(layers)
        modules = config["preload"] + (config["package_modules"] if second else [])
        zygote.main(control, config["sys_path"], modules, layers, pid_namespace, statm, serve)
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


def _python_folders(packages: List[str], self_contained: Set[str]) -> Tuple[List[str], List[str], List[str]]:
    """Return the folders Python and ``packages`` need, what of them to cover, and the stdlib's ``sys.path``."""
    paths = sysconfig.get_paths()
    stdlib = {os.path.realpath(paths["stdlib"]), os.path.realpath(paths["platstdlib"])}
    sys_path = [path for path in sys.path if any(os.path.realpath(path).startswith(root) for root in stdlib)]
    hidden = [os.path.join(root, name) for root in stdlib for name in isolation.PACKAGE_FOLDERS]
    shown = sorted({*stdlib, *(os.path.dirname(path) for path in sys_path if os.path.realpath(path) not in stdlib)})
    shown = [path for path in shown if not any(path != root and path.startswith(root + "/") for root in stdlib)]
    extensions = _extension_modules(sys_path, [package for package in packages if package not in self_contained])
    libraries = isolation.library_folders(extensions, [*shown, *packages])
    return [*shown, *libraries], hidden, sys_path


def _package_folders(package: str) -> List[str]:
    """Return a package's folder (a module's file), and what its wheel brings beside it; none if not installed."""
    if os.path.isabs(package):
        return [package]
    paths = sysconfig.get_paths()
    places = [paths["purelib"], paths["platlib"], "/usr/lib/python3/dist-packages", "/usr/share", "/usr/local/share"]
    for place in places if package.endswith("_data") else places[:3]:  # what nltk looks for lies elsewhere
        folder = os.path.join(place, package)
        modules = [folder + ".py", *glob.glob(glob.escape(folder) + ".*.so")]
        found = [path for path in (folder, folder + ".libs", *modules) if os.path.exists(path)]
        if found:
            return found + _metadata(place, package)
    return []


def _metadata(place: str, package: str) -> List[str]:
    pattern = re.compile(re.escape(package).replace("_", "[-_.]") + r"-[^-]+\.dist-info", re.IGNORECASE)
    return [os.path.join(place, entry) for entry in os.listdir(place) if pattern.fullmatch(entry)]


def _extension_modules(sys_path: List[str], packages: List[str]) -> List[str]:
    """Return the extension modules of the stdlib and of the packages shown."""
    places = [path for path in sys_path if path.endswith("lib-dynload")]
    places += [place for package in packages for place, _, _ in os.walk(package)]
    found = [os.path.join(place, name) for place in places for name in os.listdir(place) if name.endswith(".so")]
    found += [package for package in packages if package.endswith(".so")]
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
        kernel.Filter(program).install()

    return _in_fork(install)


def _try_landlock() -> Optional[str]:
    if kernel.landlock_abi() == 0:
        return "the kernel has no Landlock, or it is switched off"

    def restrict() -> None:
        rules = kernel.landlock_rules(["/"], [])
        kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
        kernel.landlock_restrict(rules)

    return _in_fork(restrict)
