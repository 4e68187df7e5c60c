"""The system call filter of a container that holds a runner, as Docker takes it.

Docker's own default profile refuses a container user namespaces, without which a runner could not give
each submission a root, a ``/tmp`` and limits of its own. So a runner's container gets a profile made for
it: the calls on our own list, what the runner needs to build namespaces, and nothing else. That is fewer
calls than the default allows, and the ones that build namespaces are out of a submission's reach: the
filter it runs under, put on before its first line, refuses them.

- :func:`profile`: see Docker's "Seccomp security profiles for Docker" for the format.
"""

from __future__ import annotations

import errno
import json

from deepgym_env.sandbox.runner import syscalls

__all__ = ["profile"]

_RUNNER = (
    *("unshare", "setns", "mount", "umount2", "pivot_root", "sethostname", "memfd_create", "openat2", "pidfd_open"),
    *(
        "clone",
        "fork",
        "vfork",
        "execve",
        "execveat",
        "wait4",
        "waitid",
        "kill",
        "prctl",
        "seccomp",
        "capget",
        "capset",
    ),
    *("landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "setgroups", "setresuid", "setresgid"),
    *("socket", "bind", "listen", "accept", "accept4", "connect", "socketpair", "sendmsg", "recvmsg", "getsockopt"),
    *("setsockopt", "prlimit64", "setrlimit", "getrlimit", "poll", "ppoll", "select", "pselect6", "umask", "chmod"),
    *("setuid", "setgid", "fchown", "chown", "fchownat", "statfs", "fstatfs", "arch_prctl"),
)


def profile() -> str:
    """Return the profile as JSON."""
    names = {*syscalls.ALLOWED, *syscalls.WORKSPACE, *_RUNNER} - {*syscalls.MISSING}
    refused = [
        {"names": sorted(syscalls.MISSING), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOSYS},
        {"names": sorted(syscalls.UNSUPPORTED), "action": "SCMP_ACT_ERRNO", "errnoRet": errno.ENOTSUP},
    ]
    allowed = {"names": sorted(names), "action": "SCMP_ACT_ALLOW"}
    return json.dumps(
        {"defaultAction": "SCMP_ACT_ERRNO", "defaultErrnoRet": errno.EPERM, "syscalls": [allowed, *refused]}
    )
