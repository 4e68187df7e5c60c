"""How a command ends: one line on stderr and an exit code, never a traceback for bad input.

- :class:`ExitCode`: the codes.
- :func:`complain`: the one line.
- :func:`report`, :func:`report_usage`, :func:`report_bug`: say what happened, return its code.
"""

from __future__ import annotations

import os
import sys
import traceback
from enum import IntEnum
from typing import Any

from deepgym_env.cli.console import one_line, stderr
from deepgym_env.errors import DatabaseError, SandboxError

__all__ = ["ExitCode", "complain", "report", "report_bug", "report_usage"]


class ExitCode(IntEnum):
    """What the shell is told."""

    OK = 0
    FAILED = 1
    BAD_INPUT = 2
    INFRASTRUCTURE = 3
    INTERRUPTED = 130
    BROKEN_PIPE = 141


def complain(message: str) -> None:
    """Print ``error: message`` on stderr, on one line whatever the message holds."""
    try:
        stderr().print(f"[bold red]error:[/] {one_line(message, markup=True)}", soft_wrap=True)
    except BrokenPipeError:
        _silence(sys.stderr)


def report(error: BaseException) -> ExitCode:
    """Tell the user of an expected error; return the code."""
    if isinstance(error, BrokenPipeError):
        _silence(sys.stdout)
        return ExitCode.BROKEN_PIPE
    if isinstance(error, KeyboardInterrupt):
        complain("interrupted")
        return ExitCode.INTERRUPTED
    if isinstance(error, SandboxError):
        told = isinstance(error, DatabaseError) or "deepgym doctor" in str(error)
        hint = "" if told else "; `deepgym doctor` says what the sandbox needs"
        complain(f"{error}{hint}")
        return ExitCode.INFRASTRUCTURE
    if isinstance(error, OSError):
        place = f"{error.filename}: " if error.filename is not None else ""
        complain(f"{place}{error.strerror or error}")
        # Without a file it is no input of the user's: descriptors, processes or memory ran out.
        return ExitCode.BAD_INPUT if place else ExitCode.INFRASTRUCTURE
    complain(str(error))
    return ExitCode.BAD_INPUT


def report_usage(error: Any) -> ExitCode:
    """Report a usage error of click's."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "deepgym"
    complain(f"{error.format_message()} (see `{path} --help`)")
    return ExitCode.BAD_INPUT


def report_bug() -> ExitCode:
    """Report a bug of ours; not with Python's exit code 1, which means that a submission failed."""
    traceback.print_exc()
    complain("this is a bug in deepgym; please report it with the traceback above")
    return ExitCode.INFRASTRUCTURE


def _silence(stream: Any) -> None:
    """Send what is still buffered nowhere, so that the interpreter's last flush can't fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
