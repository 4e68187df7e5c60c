"""The few Linux calls Python has no function for, through ctypes (stdlib only)."""

from __future__ import annotations

import ctypes
import errno
import os
import struct
from typing import List, Optional

__all__ = [
    "Filter",
    "capset_none",
    "drop_bounding_set",
    "landlock_abi",
    "landlock_restrict",
    "landlock_rules",
    "mount",
    "mount_tmpfs",
    "pivot_root",
    "prctl",
    "setns",
    "umount",
    "unshare",
]

_libc = ctypes.CDLL(None, use_errno=True)
_SYS = {"x86_64": {"pivot_root": 155, "capset": 126}, "aarch64": {"pivot_root": 41, "capset": 91}}
_MACHINE = {"arm64": "aarch64"}.get(os.uname().machine, os.uname().machine)
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446

CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS, CLONE_NEWIPC = 0x20000, 0x2000000, 0x4000000, 0x8000000
CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x10000000, 0x20000000, 0x40000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT = 1, 2, 4, 8, 32
MS_NOATIME, MS_NODIRATIME, MS_BIND, MS_REC, MS_PRIVATE, MS_RELATIME = 1024, 2048, 4096, 16384, 1 << 18, 1 << 21
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP = 1, 4, 22, 24
PR_SET_NO_NEW_PRIVS = 38

LANDLOCK_READ = (1 << 0) | (1 << 2) | (1 << 3)  # execute, read a file, read a directory
_LANDLOCK_BY_ABI = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1}


def _check(result: int, what: str) -> int:
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, "%s: %s" % (what, os.strerror(number)))
    return result


def prctl(option: int, value: int = 0) -> None:
    _check(_libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0), "prctl %d" % option)


def unshare(flags: int) -> None:
    _check(_libc.unshare(flags), "unshare 0x%x" % flags)


def setns(descriptor: int, kind: int) -> None:
    _check(_libc.setns(descriptor, kind), "setns")


def mount(
    source: Optional[str], target: str, kind: Optional[str] = None, flags: int = 0, data: Optional[str] = None
) -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    source_, target_, kind_, data_ = encoded
    _check(_libc.mount(source_, target_, kind_, ctypes.c_ulong(flags), data_), "mount %s" % target)


def mount_tmpfs(target: str, flags: int, size: str, files: str, mode: str = "700") -> None:
    """Mount a file system in memory, with a limit on files where the kernel (not gVisor's) knows one."""
    options = "mode=%s,size=%s" % (mode, size)
    try:
        mount("tmpfs", target, "tmpfs", flags, "%s,nr_inodes=%s" % (options, files))
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
        mount("tmpfs", target, "tmpfs", flags, options)


def umount(target: str) -> None:
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), "umount %s" % target)


def pivot_root(new: str, old: str) -> None:
    number = _SYS[_MACHINE]["pivot_root"]
    _check(_libc.syscall(number, os.fsencode(new), os.fsencode(old)), "pivot_root")


# Made once, before any fork: what ctypes allocates in a child costs it pages.
_NO_CAPABILITIES = (
    _libc.syscall,
    ctypes.c_long(_SYS[_MACHINE]["capset"]),
    ctypes.create_string_buffer(struct.pack("<Ii", 0x20080522, 0)),
    ctypes.create_string_buffer(24),
)


def capset_none() -> None:
    """Drop every capability of this thread."""
    call, *arguments = _NO_CAPABILITIES
    _check(call(*arguments), "capset")


def drop_bounding_set() -> None:
    """Drop every capability from the bounding set; needs CAP_SETPCAP."""
    for capability in range(64):
        if _libc.prctl(PR_CAPBSET_DROP, ctypes.c_ulong(capability), 0, 0, 0) == -1:
            break


class Filter:
    """A system call filter in memory, ready to be installed."""

    def __init__(self, program: bytes) -> None:
        """Take the filter as bytes of ``struct sock_filter``."""
        self._code = ctypes.create_string_buffer(program, len(program))
        header = struct.pack("HxxxxxxP", len(program) // 8, ctypes.addressof(self._code))
        self._header = ctypes.create_string_buffer(header, len(header))
        self._arguments = (PR_SET_SECCOMP, ctypes.c_ulong(2), self._header, 0, 0)

    def install(self) -> None:
        """Filter this thread from now on; needs no_new_privs."""
        _check(_libc.prctl(*self._arguments), "seccomp")


def landlock_abi() -> int:
    """Return the kernel's Landlock version, 0 where there is none."""
    return max(0, int(_libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), ctypes.c_uint(1))))


def landlock_rules(readable: List[str], writable: List[str]) -> int:
    """Return the descriptor of a ruleset: read below ``readable``, everything below ``writable``."""
    handled = _LANDLOCK_BY_ABI.get(landlock_abi(), (1 << 16) - 1)
    attributes = ctypes.create_string_buffer(struct.pack("<Q", handled))
    rules = _check(_libc.syscall(_LANDLOCK_CREATE, attributes, ctypes.c_size_t(8), 0), "landlock")
    for paths, access in ((readable, LANDLOCK_READ), (writable, handled)):
        for path in paths:
            _landlock_allow(rules, path, access & handled)
    return rules


def _landlock_allow(rules: int, path: str, access: int) -> None:
    try:
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what isn't there needs no rule
    try:
        if not os.path.isdir(path):
            access &= 0b111 | 1 << 14  # a file takes no directory rights
        attributes = ctypes.create_string_buffer(struct.pack("<Qi", access, place), 12)
        _check(_libc.syscall(_LANDLOCK_ADD, rules, 1, attributes, 0), "landlock rule")
    finally:
        os.close(place)


def landlock_restrict(rules: int) -> None:
    _check(_libc.syscall(_LANDLOCK_RESTRICT, rules, 0), "landlock_restrict_self")
