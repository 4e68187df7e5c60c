"""An MCP server for the client that started this process.

- :func:`serve_stdio`: over standard input and output.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any

from deepgym_env.errors import ConfigError
from deepgym_env.optional import require

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server

__all__ = ["serve_stdio"]

_WHAT = "an MCP server"
_READ_BYTES = 1 << 16
_LONGEST_LINE = 64 << 20


def serve_stdio(server: Server[Any]) -> None:
    """Serve one client over standard input and output, until it closes them or the program is interrupted.

    Meanwhile nothing else reads from this process's standard input, and what is printed goes to standard error.

    Raises:
        KeyboardInterrupt: If it is interrupted.
        ConfigError: If the SDK isn't installed.
    """
    stdio = require("mcp.server.stdio", _WHAT, "mcp").stdio_server

    async def talk(descriptor: int) -> None:
        async with stdio(stdin=_Lines(descriptor)) as (read, write):
            await server.run(read, write, server.create_initialization_options())

    with _taken_stdin() as descriptor:
        require("anyio", _WHAT, "mcp").run(talk, descriptor)


@contextlib.contextmanager
def _taken_stdin() -> Iterator[int]:
    """Yield a descriptor of standard input of which no program that is started meanwhile knows."""
    own = os.dup(0)
    try:
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
        yield own
    finally:
        os.dup2(own, 0)
        os.close(own)


class _Lines:
    """The lines of a descriptor. The SDK's own wait for one can't be interrupted: it is a thread's."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    async def __aiter__(self) -> AsyncIterator[str]:
        """Yield line after line."""
        begun = bytearray()
        while data := await self._read():
            *ends, rest = data.split(b"\n")
            for end in ends:
                yield (begun + end).decode("utf-8", "replace")
                begun.clear()
            begun += rest
            if len(begun) > _LONGEST_LINE:
                raise ConfigError(f"a message is longer than {_LONGEST_LINE} bytes")
        if begun:
            yield begun.decode("utf-8", "replace")

    async def _read(self) -> bytes:
        try:
            await require("anyio", _WHAT, "mcp").wait_readable(self._descriptor)
        except PermissionError:  # of a file or a device nobody needs to wait for
            await require("anyio.lowlevel", _WHAT, "mcp").checkpoint()
        return os.read(self._descriptor, _READ_BYTES)
