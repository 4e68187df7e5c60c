"""``deepgym doctor``: what isolation is in force here, what is missing and how to get it."""

from __future__ import annotations

import os
import platform
import sys
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepgym_env.cli.console import note, one_line, print_json, status_text, stdout, table
from deepgym_env.cli.failures import ExitCode, complain
from deepgym_env.cli.inputs import ImageOption, JsonOption, Level, ModeOption, examples

if TYPE_CHECKING:
    from deepgym_env.blocking import DeepGym
    from deepgym_env.result import RunResult
    from deepgym_env.sandbox.isolation import Isolation, IsolationLevel

__all__ = ["EXAMPLES", "doctor"]

EXAMPLES = examples("deepgym doctor", "deepgym doctor --mode docker", "deepgym doctor --min-isolation full --json")

_TOOLS = ("bash", "git", "python3", "awk", "sed", "grep")
_TRIAL = "reverse_string"


def doctor(
    min_isolation: Annotated[Level, typer.Option("--min-isolation", help="Exit with 1 below this level.")] = (
        Level.process
    ),
    as_json: JsonOption = False,
    mode: ModeOption = None,
    image: ImageOption = None,
) -> None:
    """Check the sandbox: start one, judge a submission, report each layer of isolation and how to get it.

    Levels: [bold]full[/] (own namespaces and system call filter), [bold]process[/] (filters in the host's
    namespaces), [bold]none[/] (less than that).
    """
    from deepgym_env.blocking import DeepGym
    from deepgym_env.catalog import load_task
    from deepgym_env.errors import SandboxError

    task = load_task(_TRIAL)
    try:
        with DeepGym(workers=1, min_isolation="none") as engine:
            isolation = engine.isolation()
            trial = engine.run(task, str(task.reference))
            sessions = _try_session(engine)
    except (SandboxError, OSError) as error:
        _report_no_sandbox(str(error), min_isolation.value, as_json)
        raise typer.Exit(ExitCode.FAILED) from error
    enough = isolation.at_least(min_isolation.value)
    if as_json:
        print_json({**_description(isolation, trial, min_isolation.value), "sessions": sessions})
    else:
        _print_isolation(isolation, trial, sessions)
    if not trial.passed:  # layers in force are no use where nothing can be judged
        complain(f"the sandbox starts but can't judge a submission: {trial.details}")
    if not enough:
        complain(f"isolation is {isolation.level!r}, {min_isolation.value!r} was asked for; the fixes are listed above")
    if not (enough and trial.passed):
        raise typer.Exit(ExitCode.FAILED)


def _try_session(engine: DeepGym) -> dict[str, Any]:
    """Try what workspace tasks need: a session with a shell, git and Python."""
    from deepgym_env.errors import SandboxError

    try:
        with engine.session() as session:
            found = session.exec(f"for tool in {' '.join(_TOOLS)}; do command -v $tool >/dev/null && echo $tool; done")
            layers = session.session.isolation.layers
    except SandboxError as error:
        return {"ok": False, "error": str(error), "tools": [], "layers": {}}
    tools = found.stdout.split()
    layers_in_force = {layer.name: layer.active for layer in layers}
    return {"ok": {"bash", "python3"} <= set(tools), "error": None, "tools": tools, "layers": layers_in_force}


def _report_no_sandbox(error: str, asked: str, as_json: bool) -> None:
    remedy = _remedy()
    if as_json:
        print_json({**_host(), "ok": False, "level": None, "asked": asked, "error": error, "remedy": remedy})
    complain(f"the sandbox can't start: {error}")
    note(f"fix: {remedy}")


def _remedy() -> str:
    mode = os.environ.get("DEEPGYM_MODE") or "local"
    if mode != "local":
        return f"what the error says of {mode!r}; --mode local needs no other program"
    if not sys.platform.startswith("linux"):
        return "run DeepGym on Linux, or in a Linux container or virtual machine"
    return (
        f"see that {sys.executable} -V works, that /proc is mounted, and that processes and open files "
        "are not at their limits (ulimit -a)"
    )


def _host() -> dict[str, Any]:
    from deepgym_env._version import __version__

    return {
        "deepgym": __version__,
        "platform": platform.platform(),
        "kernel": platform.release(),
        "machine": platform.machine(),
    }


def _description(isolation: Isolation, trial: RunResult, asked: IsolationLevel) -> dict[str, Any]:
    names = ("name", "active", "purpose", "reason", "remedy")
    return {
        **_host(),
        "ok": isolation.at_least(asked) and trial.passed,
        "level": isolation.level,
        "asked": asked,
        "error": None if trial.passed else trial.details,
        "trial": trial.status,
        "layers": [{name: getattr(layer, name) for name in names} for layer in isolation.layers],
        "python": isolation.python,
        "missing_modules": list(isolation.missing_modules),
    }


def _print_isolation(isolation: Isolation, trial: RunResult, sessions: dict[str, Any]) -> None:
    from rich.table import Table

    console = stdout()
    grid = table("layer", "state", "what it does")
    for layer in isolation.layers:
        grid.add_row(layer.name, "[green]in force[/]" if layer.active else "[red]missing[/]", layer.purpose)
    console.print(grid)
    for layer in isolation.layers:
        if not layer.active:
            reason, remedy = one_line(layer.reason, markup=True), one_line(layer.remedy, markup=True)
            console.print(f"[bold]{layer.name}[/] is missing: {reason}\n  [dim]fix:[/] {remedy}\n", soft_wrap=True)
    facts = Table.grid(padding=(0, 2))
    facts.add_row("[dim]isolation level[/]", f"[bold]{isolation.level}[/]")
    facts.add_row("[dim]sandbox Python[/]", isolation.python)
    facts.add_row("[dim]not preloaded[/]", one_line(", ".join(isolation.missing_modules), markup=True) or "nothing")
    facts.add_row("[dim]trial submission[/]", status_text(trial.status))
    facts.add_row("[dim]sessions[/]", one_line(_sessions_text(sessions), markup=True))
    for name, value in _host().items():
        facts.add_row(f"[dim]{name}[/]", one_line(value, markup=True))
    console.print(facts)


def _sessions_text(sessions: dict[str, Any]) -> str:
    if sessions["error"] is not None:
        return f"can't be had: {sessions['error']}"
    layers = ", ".join(name for name, active in sessions["layers"].items() if active)
    missing = [tool for tool in _TOOLS if tool not in sessions["tools"]]
    told = f"; not installed: {', '.join(missing)}" if missing else ""
    return f"work, with {', '.join(sessions['tools'])}{told}; layers: {layers}"
