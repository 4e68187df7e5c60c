"""A network that is a loopback device.

- :func:`enter_own_network`
"""

from __future__ import annotations

import errno
import fcntl
import socket
import struct

from . import kernel

__all__ = ["enter_own_network"]

_SIOCSIFFLAGS, _UP_AND_RUNNING = 0x8914, 0x41


def enter_own_network() -> None:
    """Enter a network of this process's own, in which nothing is but its own loopback device."""
    kernel.unshare(kernel.CLONE_NEWNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as plug:
        try:
            fcntl.ioctl(plug, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", _UP_AND_RUNNING))
        except OSError as error:
            if error.errno != errno.ENOTTY:  # gVisor's is up from the start
                raise
