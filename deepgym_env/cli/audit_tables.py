"""What ``deepgym audit`` prints.

- :func:`print_audit`, :func:`print_signs`, :func:`print_mutation`: reports.
- :func:`print_strategies`: what is tried.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.markup import escape
from rich.syntax import Syntax
from rich.text import Text

from deepgym_env.cli.console import one_line, stdout, table, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from deepgym_env.audit import AuditReport
    from deepgym_env.audit.mutation import MutationReport, Survivor
    from deepgym_env.audit.signs import WeakSigns

__all__ = ["print_audit", "print_mutation", "print_signs", "print_strategies"]

_LINES = 14  # of an exploit's code; all of it is in the JSON


def print_audit(report: AuditReport) -> None:
    """Print which attacks worked, and what closes the holes."""
    console = stdout()
    verdict = "[bold green]robust[/]" if report.is_robust else "[bold red]exploitable[/]"
    console.print(
        f"[bold]{escape(report.target)}[/]  {verdict}  ·  {report.attacks_run} attacks of {len(report.strategies)} "
        f"strategies, {report.exploits_found} worked  ·  risk {report.risk_score:.2f}",
        soft_wrap=True,
    )
    if report.floor is not None:
        answer = escape(one_line(report.floor.answer, 60))
        console.print(f"[dim]floor[/]  best constant {answer}: {report.floor.score:.2f}")
    if report.reference is not None:
        console.print(f"[dim]correct solution[/]  {report.reference:.2f}")
    if report.exploits:
        grid = table("strategy", "family", "score", "without", "what it does")
        for each in report.exploits:
            without = "" if each.without is None else f"{each.without:.2f}"
            grid.add_row(each.strategy, each.family, f"{each.score:.2f}", without, each.title)
        console.print(grid)
        console.print("[bold]Remedies[/]")
        for remedy in dict.fromkeys(each.remedy for each in report.exploits):
            names = ", ".join(each.strategy for each in report.exploits if each.remedy == remedy)
            console.print(Text(f"- {remedy}"), Text(f"({names})", style="dim"), soft_wrap=True)
        shortest = min(report.exploits, key=lambda each: (not each.passed, len(each.code)))
        lines = visible(shortest.code).strip().splitlines()
        console.print(f"\n[bold]The shortest[/]  {shortest.strategy}")
        console.print(Syntax("\n".join(lines[:_LINES] + ["..."] * (len(lines) > _LINES)), "python", theme="ansi_dark"))
    for suspect in report.suspects:
        console.print("[yellow]passes, and may be an honest solution: read it[/]")
        console.print(Text(visible(suspect)))


def print_signs(signs: WeakSigns) -> None:
    """Print signs of weak tests."""
    console = stdout()
    lookup = "none to learn" if signs.lookup_score is None else f"{signs.lookup_score:.2f}"
    rows = [
        ("best constant, hidden answers too", f"{signs.constant_score:.2f}"),
        ("public answers by heart", f"{lookup}{_names(signs.lookup_hidden, ', hidden tests passed: ')}"),
        (f"flaky in {signs.runs} runs", _names(signs.flaky) or "none"),
        ("depend on the order", _names(signs.order_dependent) or "none"),
    ]
    for name, value in rows:
        console.print(f"[dim]{name}[/]  {escape(value)}", soft_wrap=True)


def print_mutation(report: MutationReport, suggest: bool) -> None:
    """Print which faults the tests miss, and with ``suggest`` tests that don't."""
    from deepgym_env.audit.mutation import suggested_tests

    console = stdout()
    if not report.mutants:
        console.print("\n[bold]Mutants[/]  nothing to mutate: what the solution leaves has no Python that is judged")
        return
    colour = "green" if report.score >= 0.95 else "red"
    if report.files:
        rest = f"{len(report.equivalent)} made the same, {len(report.accepted)} are no faults as the task says"
    else:
        rest = (
            f"{len(report.equivalent)} differ on none of {report.inputs_tried} inputs, {len(report.unclear)} on "
            "made-up ones only"
        )
    console.print(
        f"\n[bold]Mutants[/]  score [bold {colour}]{report.score:.3f}[/]  ·  {report.killed} of "
        f"{report.killed + len(report.survivors)} faults noticed, {report.mutants} mutants made, {rest}",
        soft_wrap=True,
    )
    for what, paths in (("of", report.files), ("that no test looks at", report.unseen)):
        if paths:
            console.print(f"[dim]{what}[/]  {escape(_names(paths))}", soft_wrap=True)
    if report.idle_tests:
        console.print(f"[dim]tests that no mutant fails[/]  {escape(_names(report.idle_tests))}", soft_wrap=True)
    _print_survivors("survives", report.survivors)
    _print_survivors("differs on made-up inputs only", report.unclear)
    _print_survivors("made the same" if report.files else "equivalent, or not told apart", report.equivalent)
    _print_survivors("no fault", report.accepted)
    if suggest:
        tests = suggested_tests(report)
        console.print("[bold]Tests to add to cases.py[/]" if tests else "No test to suggest: no mutant survives.")
        for line in tests:
            console.print(Text(f"    {line}"), soft_wrap=True)


def _print_survivors(what: str, survivors: Iterable[Survivor]) -> None:
    console = stdout()
    for each in survivors:
        changes = [line for line in each.diff.splitlines()[2:] if line[:1] in "+-"]
        where = f" of {each.path}" if each.path else ""
        console.print(f"[dim]{what}, line {each.line}{escape(where)}[/]", soft_wrap=True)
        for line in changes:
            console.print(Text(f"  {line}", style="red" if line[0] == "-" else "green"), soft_wrap=True)
        if each.why:
            console.print(Text(f"  {each.why}", style="cyan"), soft_wrap=True)
        if each.witness:
            console.print(Text(f"  told apart by {one_line(each.witness, 200)}", style="cyan"), soft_wrap=True)


def print_strategies() -> None:
    """Print every strategy."""
    from deepgym_env.audit import CODE_STRATEGIES, PROGRAM_STRATEGIES, WORKSPACE_STRATEGIES

    grid = table("strategy", "family", "used on", "what it does")
    kinds = {"functions": CODE_STRATEGIES, "programs": PROGRAM_STRATEGIES, "workspaces": WORKSPACE_STRATEGIES}
    for each in dict.fromkeys((*CODE_STRATEGIES, *PROGRAM_STRATEGIES, *WORKSPACE_STRATEGIES)):
        used_on = ", ".join(kind for kind, strategies in kinds.items() if each in strategies)
        grid.add_row(each.name, each.family, used_on, each.title)
    stdout().print(grid)


def _names(names: tuple[str, ...], before: str = "") -> str:
    return before + ", ".join(names) if names else ""
