"""Puts this process into namespaces of its own with a root that holds Python and nothing else.

Order matters: as root the new root is built first, with real rights (the interpreter may lie
below a folder only root can enter), and only then given up for an unprivileged uid and a user
namespace. As an ordinary user the user namespace comes first.

- :func:`probe`: try it in a throw-away process; None, or why it can't work here.
- :func:`unshare_all`: take part one, up to the namespaces; the caller then forks pid 1.
- :func:`enter_root`: take part two, in pid 1.
"""

from __future__ import annotations

import os
import stat
from typing import Callable, List, Optional

from . import kernel
from .root import SUPPORT, Root

__all__ = [
    "BOX",
    "DEVICES",
    "PACKAGES",
    "PACKAGE_FOLDERS",
    "TMP",
    "enter_root",
    "library_folders",
    "own_pid_namespace",
    "probe",
    "unshare_all",
]

PACKAGES = "/packages"  # wherever they lie outside
BOX = "/box"
_EMPTY = "/box/empty"
_SENTRY = "/proc/sentry-meminfo"  # what gVisor has and no other kernel
TMP = "/box/tmp"  # a rule on /box also reaches what is mounted below it
_BASE = "/tmp"  # exists everywhere; covered in our own mount namespace only
_UNPRIVILEGED = 61000
_INSIDE_UID = 1000
DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
PACKAGE_FOLDERS = ("site-packages", "dist-packages")  # of a stdlib, never shown as a whole
_NAMESPACES = (
    kernel.CLONE_NEWUSER
    | kernel.CLONE_NEWNS
    | kernel.CLONE_NEWPID
    | kernel.CLONE_NEWIPC
    | kernel.CLONE_NEWUTS
    | kernel.CLONE_NEWCGROUP
    | kernel.CLONE_NEWNET
)


def probe(root: Root) -> Optional[str]:
    """Try everything in a forked process; return None, or the reason it fails."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        problem = "the process died"
        try:
            unshare_all(root)
            inner = os.fork()
            if inner == 0:
                _report(writer, lambda: enter_root(mount_tmp=True))
            os.waitpid(inner, 0)
            os._exit(0)
        except BaseException as error:
            problem = str(error)
        os.write(writer, problem.encode())
        os._exit(1)
    os.close(writer)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read().decode()
    os.waitpid(pid, 0)
    return None if answer == "ok" else answer or "the process died"


def own_pid_namespace() -> Optional[int]:
    """Return a descriptor to come back to this process's pid namespace by; None where there is no way back."""
    descriptor = os.open("/proc/self/ns/pid", os.O_RDONLY | os.O_CLOEXEC)
    try:
        kernel.setns(descriptor, kernel.CLONE_NEWPID)
    except OSError:  # as in gVisor
        os.close(descriptor)
        return None
    return descriptor


def _report(writer: int, action: Callable[[], None]) -> None:
    try:
        action()
        os.write(writer, b"ok")
    except BaseException as error:
        os.write(writer, str(error).encode())
    os._exit(0)


def unshare_all(root: Root) -> None:
    """Build the new root and enter new namespaces; children start in a new pid namespace."""
    if os.geteuid() == 0:
        kernel.unshare(kernel.CLONE_NEWNS)
        _build_root(root)
        os.setgroups([])
        os.setresgid(_UNPRIVILEGED, _UNPRIVILEGED, _UNPRIVILEGED)
        os.setresuid(_UNPRIVILEGED, _UNPRIVILEGED, _UNPRIVILEGED)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 1)  # else /proc/self/uid_map belongs to root
        _unshare_and_map()
    else:
        _unshare_and_map()
        _build_root(root)


def _unshare_and_map() -> None:
    uid, gid = os.geteuid(), os.getegid()
    kernel.unshare(_NAMESPACES)
    for name, line in (
        ("setgroups", "deny"),
        ("uid_map", "%d %d 1" % (_INSIDE_UID, uid)),
        ("gid_map", "%d %d 1" % (_INSIDE_UID, gid)),
    ):
        if os.path.exists("/proc/self/" + name):  # gVisor has no setgroups file, and no need of it
            with open("/proc/self/" + name, "w") as file:
                file.write(line)


def _build_root(root: Root) -> None:
    """Make a tmpfs at ``_BASE`` that holds what ``root`` lists."""
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    in_gvisor = os.path.exists(_SENTRY)
    if in_gvisor:
        _own_sources_as_files(root)
    shown = {**root.shown, **{device: device for device in DEVICES}}
    sources = [(place, os.open(source, os.O_PATH | os.O_CLOEXEC)) for place, source in shown.items()]
    kernel.mount_tmpfs(_BASE, kernel.MS_NOSUID | kernel.MS_NODEV, "2m", "1024", mode="755")
    for path, source in sources:
        _make_place(source, path)
    _furnish(root)
    if in_gvisor:
        _seal()
    for path, source in sources:
        _bind(source, path)
    for path in root.hidden:
        if os.path.isdir(_BASE + path):
            _cover(path, in_gvisor)
    if "/proc" in root.folders:  # for the zygote alone; without it no child could mount its own
        kernel.mount("/proc", _BASE + "/proc", None, kernel.MS_BIND)


def _seal() -> None:
    """Cover the root by an overlay that shows the same.

    On gVisor, read-only doesn't keep the owner of a tmpfs's folders, which every process here is, from
    changing their modes and times, and so from telling others something or locking them out.
    """
    kernel.mount("overlay", _BASE, "overlay", kernel.MS_RDONLY, "lowerdir=%s:%s" % (_BASE, _BASE + _EMPTY))


def _own_sources_as_files(root: Root) -> None:
    """Have this package's sources copied instead of shown: they lie in a tmpfs, see :func:`_seal`."""
    place = os.path.join(SUPPORT, "runner")
    source = root.shown.pop(place, None)
    for name in os.listdir(source) if source else ():
        with open(os.path.join(source or "", name)) as file:
            root.files[os.path.join(place, name)] = file.read()


def _cover(path: str, in_gvisor: bool) -> None:
    """Put an empty folder in the place of one."""
    if in_gvisor:
        kernel.mount(_BASE + _EMPTY, _BASE + path, None, kernel.MS_BIND)
        return
    flags = kernel.MS_NOSUID | kernel.MS_NODEV | kernel.MS_RDONLY
    kernel.mount_tmpfs(_BASE + path, flags, "4k", "1", mode="755")


def _furnish(root: Root) -> None:
    """Add what the root holds besides the host's folders."""
    for link in ("/lib", "/lib64"):
        if os.path.islink(link) and not os.path.lexists(_BASE + link):
            os.symlink(os.readlink(link), _BASE + link)
    os.makedirs(_BASE + TMP)
    os.makedirs(_BASE + _EMPTY)
    for folder in root.folders:
        os.makedirs(_BASE + folder, exist_ok=True)
    for path, text in root.files.items():
        os.makedirs(os.path.dirname(_BASE + path), exist_ok=True)
        with open(_BASE + path, "w") as file:
            file.write(text)
        os.chmod(_BASE + path, 0o644)
    for path, target in root.links.items():
        os.makedirs(os.path.dirname(_BASE + path), exist_ok=True)
        if not os.path.lexists(_BASE + path):
            os.symlink(target, _BASE + path)
    if not os.path.lexists(_BASE + "/tmp"):
        os.symlink(TMP, _BASE + "/tmp")


def _make_place(source: int, path: str) -> None:
    """Make what a folder or file of the host is shown in the place of."""
    target = _BASE + path
    if stat.S_ISDIR(os.fstat(source).st_mode):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_CREAT | os.O_RDONLY | os.O_CLOEXEC))


def _bind(source: int, path: str) -> None:
    target = _BASE + path
    kernel.mount("/proc/self/fd/%d" % source, target, None, kernel.MS_BIND)
    device = path in DEVICES
    flags = kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY | kernel.MS_NOSUID | _locked_flags(target)
    kernel.mount(None, target, None, flags if device else flags | kernel.MS_NODEV)
    if device and not os.access(target, os.W_OK):  # on gVisor read-only means its device as well
        kernel.mount(None, target, None, flags & ~kernel.MS_RDONLY)
    os.close(source)


def _locked_flags(path: str) -> int:
    """Flags a mount already has; in a user namespace a remount must keep them."""
    have = os.statvfs(path).f_flag
    pairs = (
        (os.ST_NODEV, kernel.MS_NODEV),
        (os.ST_NOEXEC, kernel.MS_NOEXEC),
        (os.ST_NOATIME, kernel.MS_NOATIME),
        (os.ST_NODIRATIME, kernel.MS_NODIRATIME),
        (os.ST_RELATIME, kernel.MS_RELATIME),
    )
    return sum(flag for bit, flag in pairs if have & bit)


def enter_root(mount_tmp: bool = False) -> None:
    """Make the new root the only one there is; call in pid 1 of the namespace."""
    kernel.mount(None, "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    kernel.mount(_BASE, _BASE, None, kernel.MS_BIND | kernel.MS_REC)
    os.chdir(_BASE)
    kernel.pivot_root(".", ".")
    kernel.umount(".")
    os.chdir("/")
    flags = kernel.MS_BIND | kernel.MS_REMOUNT | kernel.MS_RDONLY | kernel.MS_NOSUID | _locked_flags("/")
    kernel.mount(None, "/", None, flags | kernel.MS_NODEV)
    if mount_tmp:
        private_tmp(16)


def private_tmp(megabytes: int) -> None:
    """Give this process a mount namespace with an empty ``/tmp`` of a bounded size."""
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount_tmpfs(TMP, kernel.MS_NOSUID | kernel.MS_NODEV, "%dm" % megabytes, "%d" % (256 * megabytes))


def library_folders(modules: List[str], beside: List[str]) -> List[str]:
    """Return the folders that hold the shared libraries extension ``modules`` load.

    Args:
        modules: Paths of extension modules.
        beside: Folders the sandbox holds anyway; nothing that contains one is returned.
    """
    import ctypes

    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        for module in modules:
            try:
                ctypes.CDLL(module)
            except OSError:
                pass
        with open("/proc/self/maps") as maps, os.fdopen(writer, "w") as out:
            out.write("\n".join({line.split()[5] for line in maps if len(line.split()) == 6 and ".so" in line}))
            out.flush()
            os._exit(0)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        libraries = pipe.read().split("\n")
    os.waitpid(pid, 0)
    folders = {os.path.dirname(path) for path in libraries if path.startswith("/")}
    wanted = [folder for folder in sorted(folders) if not any(_within(folder, place) for place in beside)]
    return [folder for folder in wanted if not any(_within(place, folder) for place in beside)]


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")
