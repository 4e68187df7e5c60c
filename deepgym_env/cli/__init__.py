"""The ``deepgym`` command: list tasks, judge submissions, check the sandbox.

- :data:`app`: the Typer application; :func:`main`: what the console script calls.

Exit codes, the same for every command:

- 0: all well; for ``run`` and ``play``, everything passed.
- 1: ``run``, ``play``, ``benchmarks check``: not everything passed; ``check``: a task is unfit; ``audit``: something
  can be cheated; ``replay``: something differs; ``doctor``: less isolation than asked for.
- 2: bad input or usage; one line on stderr says what to do.
- 3: infrastructure failure: the sandbox can't start, or there is no verdict.
- 130: interrupted (Ctrl-C). 141: the reader of the output went away.
"""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from deepgym_env.cli import (
    audit,
    authoring,
    bench,
    benchmarks,
    doctor,
    evaluate,
    export,
    generate_prm,
    hub,
    image,
    keys,
    play,
    quickstart,
    replay,
    rollout,
    run,
    serve,
    tasks,
)
from deepgym_env.cli.command_line import Command, CommandGroup
from deepgym_env.cli.inputs import examples

__all__ = ["app", "main"]

_EPILOG = examples(
    "deepgym quickstart",
    "deepgym show coin_change",
    "deepgym run coin_change --solution solution.py",
    "deepgym eval coin_change --solutions samples.jsonl",
    after=(
        "[bold]Exit codes[/]",
        "    0  all well; for run and play, everything passed",
        "    1  run, play: not everything passed; check: a task is unfit; audit: something can be cheated; "
        "replay: something differs; "
        "doctor: less isolation than asked for",
        "    2  bad input or usage; one line on stderr says what to do",
        "    3  infrastructure failure: the sandbox can't start, or there is no verdict",
        "  130  interrupted (Ctrl-C)",
        "  141  the reader of the output went away",
    ),
)

app = typer.Typer(
    name="deepgym",
    cls=CommandGroup,
    help="Gymnasium environments for coding agents, rewarded test by test from a sandbox they can't leave.",
    epilog=_EPILOG,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
    pretty_exceptions_enable=False,
)
app.command("quickstart", cls=Command, epilog=quickstart.EXAMPLES)(quickstart.quickstart)
app.command("list", cls=Command, epilog=tasks.LIST_EXAMPLES)(tasks.list_tasks)
app.command("show", cls=Command, epilog=tasks.SHOW_EXAMPLES)(tasks.show)
app.command("run", cls=Command, epilog=run.EXAMPLES)(run.run)
app.command("eval", cls=Command, epilog=evaluate.EXAMPLES)(evaluate.evaluate)
app.command("audit", cls=Command, epilog=audit.EXAMPLES)(audit.audit)
app.command("new", cls=Command, epilog=authoring.NEW_EXAMPLES)(authoring.new)
app.command("check", cls=Command, epilog=authoring.CHECK_EXAMPLES)(authoring.check)
app.command("play", cls=Command, epilog=play.EXAMPLES)(play.play)
app.command("rollout", cls=Command, epilog=rollout.EXAMPLES)(rollout.rollout)
app.command("replay", cls=Command, epilog=replay.EXAMPLES)(replay.replay)
app.command("export", cls=Command, epilog=export.EXAMPLES)(export.export)
app.command("generate-prm", cls=Command, epilog=generate_prm.EXAMPLES)(generate_prm.generate_prm)
app.command("doctor", cls=Command, epilog=doctor.EXAMPLES)(doctor.doctor)
app.command("serve", cls=Command, epilog=serve.EXAMPLES)(serve.serve)
app.command("import", cls=Command, epilog=benchmarks.IMPORT_EXAMPLES)(benchmarks.import_)
app.add_typer(benchmarks.app, name="benchmarks")
app.add_typer(hub.app, name="hub")
app.add_typer(image.app, name="image")
app.add_typer(keys.app, name="keys")
app.command("bench", cls=Command, epilog=bench.EXAMPLES)(bench.bench)


def _print_version(asked: bool) -> None:
    if asked:
        from deepgym_env._version import __version__

        typer.echo(f"deepgym {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def _deepgym(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        text = context.get_help()  # empty once rich has printed it
        if text.strip():
            typer.echo(text)


def main() -> None:
    """Run the command line and exit with its code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")  # submissions print what the terminal can't show
    app(prog_name="deepgym")
