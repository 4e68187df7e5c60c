"""The command group and the commands: what Typer leaves to be wished for.

- :class:`CommandGroup`: errors end in one line and a documented exit code.
- :class:`Command`: a command of it. Both print their examples as they were written.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import typer
from rich.text import Text
from typer.core import TyperCommand, TyperGroup

from deepgym_env.cli.console import stdout
from deepgym_env.cli.failures import ExitCode, report, report_bug, report_usage
from deepgym_env.errors import DeepGymError

__all__ = ["Command", "CommandGroup"]


class Command(TyperCommand):
    """A command whose epilog keeps its lines."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        epilog, self.epilog = self.epilog, None
        super().format_help(ctx, formatter)
        self.epilog = epilog
        _print_epilog(epilog, formatter)


class CommandGroup(TyperGroup):
    """Commands whose errors end in one line and a documented exit code, also under a test runner."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run and exit, or with ``standalone_mode=False`` return and raise as click does."""
        extra.update(complete_var=complete_var, windows_expand_args=windows_expand_args)
        if not standalone_mode:
            return super().main(args, prog_name, standalone_mode=False, **extra)
        try:
            code = super().main(args, prog_name, standalone_mode=False, **extra)
        except (typer.Abort, KeyboardInterrupt):
            code = report(KeyboardInterrupt())
        except BrokenPipeError as error:  # while printing help
            code = report(error)
        except Exception as error:
            # Newer Typers bring a click of their own, so its errors are known by their methods.
            code = report_usage(error) if hasattr(error, "format_message") else report_bug()
        sys.exit(int(code) if isinstance(code, int) else ExitCode.OK)

    def invoke(self, ctx: Any) -> Any:
        """Invoke a command; what it raises on purpose becomes an exit code."""
        try:
            return super().invoke(ctx)
        except (DeepGymError, OSError, UnicodeError, KeyboardInterrupt) as error:
            raise typer.Exit(report(error)) from error

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Print the help."""
        epilog, self.epilog = self.epilog, None
        super().format_help(ctx, formatter)
        self.epilog = epilog
        _print_epilog(epilog, formatter)


def _print_epilog(epilog: str | None, formatter: Any) -> None:
    """Print the epilog's lines one by one, which Typer would join or space out."""
    text = Text.from_markup(epilog or "")
    if formatter.getvalue():  # Typer without rich collects plain text
        formatter.write(f"\n{text.plain}\n")
    else:
        stdout().print(text, "", sep="\n", soft_wrap=True)
