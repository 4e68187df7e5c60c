"""The child's system call filter, as classic BPF laid out for a binary search (stdlib only).

Unknown calls get EPERM, forbidden ones kill the process with SIGSYS, and calls whose arguments
matter get a small check. Laying the program out as a search tree keeps it near ten instructions
per call; the kernel's own documentation is ``Documentation/userspace-api/seccomp_filter.rst``.
"""

from __future__ import annotations

import errno
import struct
from typing import Dict, Iterable, List, Mapping, Optional, Tuple

from .syscalls import ALLOWED, ARCHES, FORBIDDEN, MISSING, UNSUPPORTED, WORKSPACE

__all__ = ["filter_program", "workspace_program"]

Table = Mapping[str, Tuple[Optional[int], Optional[int]]]
Instruction = Tuple[int, int, int, int]  # struct sock_filter
Code = List[Instruction]

_LOAD, _EQUAL, _GREATER_EQUAL, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_DENY = _ERRNO | errno.EPERM
_X32_BIT = 0x40000000

_CLONE_THREAD = 0x00010000
_CLONE_NEW_ANY = 0x7E020080  # every CLONE_NEW* flag
_IOCTLS = (0x5401, 0x5450, 0x5451, 0x5421, 0x541B)  # TCGETS FIONCLEX FIOCLEX FIONBIO FIONREAD
_PRCTLS = (3, 15, 16, 0x53564D41)  # GET_DUMPABLE SET_NAME GET_NAME SET_VMA
_TTY_INPUT = (0x5412, 0x541C)  # TIOCSTI TIOCLINUX: typing into a terminal
_SOCKETS = (1, 2, 10)  # AF_UNIX AF_INET AF_INET6, in a network that is a loopback device
_SIGNALLING = ("kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo", "pidfd_open")
_ALL = 0xFFFFFFFF  # the low word of pid -1: everybody
_PRCTLS_REFUSED = (22, 28, 35, 0x59616D61)  # SET_SECCOMP SET_SECUREBITS SET_MM SET_PTRACER
_FCNTLS = (0, 1, 2, 3, 4, 1030, 1031, 1032)  # DUPFD GETFD SETFD GETFL SETFL DUPFD_CLOEXEC pipe size


def filter_program(machine: str, own_pid_only: Optional[int]) -> bytes:
    """Return the filter of a submission as bytes of ``struct sock_filter``.

    Args:
        machine: ``platform.machine()``; one of ``ARCHES``.
        own_pid_only: Signals may go to this pid only (None: to any pid in the namespace).
    """
    tables = ((ALLOWED, _ret(_ALLOW)), (FORBIDDEN, _ret(_KILL)), (MISSING, _ret(_ERRNO | errno.ENOSYS)))
    return _program(machine, tables, _checks(own_pid_only))


def workspace_program(machine: str, *, spare_first: bool = False) -> bytes:
    """Return the filter of a shell and what it starts: processes, sockets, links and locks are theirs.

    Nothing is killed for a call: programs probe, and are told that they may not.

    Args:
        machine: ``platform.machine()``; one of ``ARCHES``.
        spare_first: Refuse signals to pid 1, which watches; where the kernel doesn't do so itself.
    """
    refused = ((MISSING, _ret(_ERRNO | errno.ENOSYS)), (UNSUPPORTED, _ret(_ERRNO | errno.ENOTSUP)))
    tables = ((ALLOWED, _ret(_ALLOW)), (WORKSPACE, _ret(_ALLOW)), *refused)
    checks = _workspace_checks()
    if spare_first:
        checks.update({name: _none_of(0, (1, _ALL)) for name in _SIGNALLING}, setpriority=_none_of(1, (1,)))
    return _program(machine, tables, checks)


def _program(machine: str, tables: Iterable[Tuple[Table, Code]], checks: Dict[str, Code]) -> bytes:
    column, audit_arch = ARCHES[machine]
    actions: Dict[int, Code] = {}
    for table, action in tables:
        for name, numbers in table.items():
            number = numbers[column]
            if number is not None:
                actions[number] = checks.get(name, action)
    code = [(_LOAD, 0, 0, 4), (_EQUAL, 1, 0, audit_arch), *_ret(_KILL), (_LOAD, 0, 0, 0)]
    if column == 0:
        code += [(_GREATER_EQUAL, 0, 1, _X32_BIT), *_ret(_KILL)]
    code += _tree(_intervals(actions))
    return b"".join(struct.pack("<HBBI", *instruction) for instruction in code)


def _ret(value: int) -> Code:
    return [(_RETURN, 0, 0, value)]


def _argument(number: int) -> Instruction:
    return (_LOAD, 0, 0, 16 + 8 * number)  # low word; both architectures are little-endian


def _one_of(number: int, values: Tuple[int, ...]) -> Code:
    """Allow when the argument's low word is one of ``values``, else refuse."""
    steps = [_argument(number)]
    for left, value in zip(range(len(values), 0, -1), values):
        steps.append((_EQUAL, left, 0, value))
    return [*steps, *_ret(_DENY), *_ret(_ALLOW)]


def _is_null(number: int) -> Code:
    """Allow when the whole pointer is null, else refuse."""
    high = (_LOAD, 0, 0, 20 + 8 * number)
    return [_argument(number), (_EQUAL, 0, 2, 0), high, (_EQUAL, 1, 0, 0), *_ret(_DENY), *_ret(_ALLOW)]


def _checks(own_pid_only: Optional[int]) -> Dict[str, Code]:
    """Return the calls whose arguments decide."""
    threads_only = [
        _argument(0),
        (_ANY_BIT, 0, 2, _CLONE_THREAD),
        (_ANY_BIT, 1, 0, _CLONE_NEW_ANY),
        *_ret(_ALLOW),
        *_ret(_DENY),
    ]
    checks = {
        "clone": threads_only,
        "ioctl": _one_of(1, _IOCTLS),
        "prctl": _one_of(0, _PRCTLS),
        "fcntl": _one_of(1, _FCNTLS),
        "socketpair": _one_of(0, (1,)),
        "sendto": _is_null(4),  # no address: only to the other end of a pair
        "prlimit64": _one_of(0, (0,)),
        "getcpu": _ret(_ALLOW),
    }
    if own_pid_only is not None:
        checks["kill"] = checks["tgkill"] = _one_of(0, (own_pid_only,))
    return checks


def _workspace_checks() -> Dict[str, Code]:
    no_namespaces = [_argument(0), (_ANY_BIT, 0, 1, _CLONE_NEW_ANY), *_ret(_DENY), *_ret(_ALLOW)]
    return {
        "clone": no_namespaces,
        "ioctl": _none_of(1, _TTY_INPUT),
        "socket": _one_of(0, _SOCKETS),
        "socketpair": _one_of(0, (1,)),
        "prctl": _none_of(0, _PRCTLS_REFUSED),
        "prlimit64": _one_of(0, (0,)),
    }


def _none_of(number: int, values: Tuple[int, ...]) -> Code:
    """Refuse when the argument's low word is one of ``values``, else allow."""
    steps = [_argument(number)]
    for left, value in zip(range(len(values), 0, -1), values):
        steps.append((_EQUAL, left, 0, value))
    return [*steps, *_ret(_ALLOW), *_ret(_DENY)]


def _intervals(actions: Dict[int, Code]) -> List[Tuple[int, Code]]:
    """Merge numbers into ``(first number, code)`` runs that cover all numbers from 0 up."""
    runs = [(0, _ret(_DENY))]
    for number in sorted(actions):
        if actions[number] != runs[-1][1]:
            runs.append((number, actions[number]))
        if number + 1 not in actions and runs[-1][1] != _ret(_DENY):
            runs.append((number + 1, _ret(_DENY)))
    merged: List[Tuple[int, Code]] = []
    for start, code in runs:
        if merged and merged[-1][0] == start:
            merged.pop()
        if not merged or merged[-1][1] != code:
            merged.append((start, code))
    return merged


def _tree(runs: List[Tuple[int, Code]]) -> Code:
    """Return code that finds the run a number lies in."""
    if len(runs) == 1:
        return runs[0][1]
    middle = len(runs) // 2
    below, above = _tree(runs[:middle]), _tree(runs[middle:])
    if len(below) > 255:
        raise ValueError("filter too large for an 8-bit jump")
    return [(_GREATER_EQUAL, len(below), 0, runs[middle][0]), *below, *above]
