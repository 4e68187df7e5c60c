"""One command in a session: a process tree in namespaces of its own, dead when the command ends.

This process is pid 1 of that tree. It shows the tree its session's workspace and nothing of any
other, collects its output, keeps its limits, and ends what is left of it when the command is over.
"""

from __future__ import annotations

import fcntl
import os
import resource
import signal
import time
from typing import Any, Dict, List, NoReturn, Optional

from . import kernel, service
from .channel import Channel
from .layers import set_rlimits
from .link import Link
from .network import enter_own_network
from .root import SEARCHED, SESSIONS, STORE, WORKSPACE
from .watch import Outcome, Stream, Watch

__all__ = ["run"]

_STATE = 9  # the descriptor a shell writes its state to
_DESCRIPTORS = 256
_UID = 1000
# Carries directory and exported variables from one command to the next, whatever way it ends.
_SHELL_SCRIPT = (
    'trap \'dg_status=$?; { printf "%s\\0" "$PWD"; export -p; } >&9 2>/dev/null; exit $dg_status\' EXIT; '
    'eval "$1" 2>/dev/null; shift; eval "$1"'
)
_ARGV_SCRIPT = 'eval "$1" 2>/dev/null; shift; exec "$@"'
_ENVIRONMENT = {
    "PATH": SEARCHED,
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


def run(spec: Dict[str, Any], stdin: bytes, seccomp: Optional[kernel.Filter], channel: Channel) -> Outcome:
    """Run a command and wait for its end; call in a pid namespace of its own, as pid 1.

    What it asks on its link, if it has one, goes out on ``channel``.
    """
    wake = _wake_on_child()
    outputs = [os.pipe() for _ in range(1 if spec["merge"] else 2)]
    state = os.pipe()
    _enter(spec["session"])
    link = Link(channel) if spec.get("link") else None
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
    watch = Watch(spec, pid, helper, [Stream(reader, spec["output_bytes"]) for reader, _ in outputs], state[0], link)
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
    kernel.unshare(kernel.CLONE_NEWNS)
    enter_own_network()


def _show_session(session: str) -> None:
    tree = os.path.join(SESSIONS, session)
    kernel.mount(os.path.join(tree, "workspace"), WORKSPACE, None, kernel.MS_BIND)
    kernel.mount(os.path.join(tree, "tmp"), "/tmp", None, kernel.MS_BIND)
    kernel.umount(SESSIONS)
    kernel.umount(STORE)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_NOEXEC
    for options in ("subset=pid", None):  # older kernels, and gVisor's, know no subset
        try:
            kernel.mount("proc", "/proc", "proc", flags, options)
            return
        except OSError:
            pass
    # Where a container masks its own: none rather than the zygote's.
    kernel.mount_tmpfs("/proc", flags | kernel.MS_RDONLY, "4k", "1")


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
        resource.RLIMIT_AS: spec["address_space_mb"] * megabyte,
        resource.RLIMIT_CPU: int(spec["cpu"]) + 2,
        resource.RLIMIT_FSIZE: spec["disk_mb"] * megabyte,
        resource.RLIMIT_NOFILE: _DESCRIPTORS,
        resource.RLIMIT_NPROC: spec["processes"],
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_RTPRIO: 0,
    }
    set_rlimits(wanted)
    if spec["deep_stack"]:
        highest = resource.getrlimit(resource.RLIMIT_STACK)[1]
        resource.setrlimit(resource.RLIMIT_STACK, (highest, highest))  # unlimited: threads keep a stack of 2 MiB


def _argv(spec: Dict[str, Any]) -> List[str]:
    shell = next(path for path in ("/bin/bash", "/bin/sh") if os.path.exists(path))
    base = [shell, "--noprofile", "--norc"] if shell.endswith("bash") else [shell]
    if spec["command"] is not None:
        return [*base, "-c", _SHELL_SCRIPT, "bash", spec["exports"], spec["command"]]
    if spec["exports"]:
        return [*base, "-c", _ARGV_SCRIPT, "bash", spec["exports"], *spec["argv"]]
    return list(spec["argv"])
