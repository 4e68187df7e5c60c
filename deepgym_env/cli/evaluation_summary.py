"""What ``deepgym eval`` says at the end.

- :func:`summarize`: the figures; :func:`print_summary`: the same for a person.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from deepgym_env.cli.console import status_text, stdout, table

if TYPE_CHECKING:
    from rich.table import Table

    from deepgym_env.cli.result_log import Record

__all__ = ["print_summary", "summarize"]


def summarize(records: Sequence[Record]) -> dict[str, Any]:
    """Return the figures; what has no verdict counts for nothing but itself.

    ``pass_at_1`` is the mean over the tasks of the share that passed, where a task has several
    completions; otherwise None.

    Example:
        >>> record = {"task": "t", "has_verdict": True, "score": 0.5, "passed": False, "status": "wrong_answer"}
        >>> summarize([record])["mean_score"]
        0.5
    """
    by_task: defaultdict[str, list[Record]] = defaultdict(list)
    for record in records:
        by_task[record["task"]].append(record)
    tasks = {task: _figures(of_task) for task, of_task in sorted(by_task.items())}
    rates = [figures["pass_rate"] for figures in tasks.values() if figures["pass_rate"] is not None]
    several = any(figures["n"] > 1 for figures in tasks.values())
    return {
        **_figures(records),
        "pass_at_1": sum(rates) / len(rates) if several and rates else None,
        "statuses": dict(Counter(record["status"] for record in records).most_common()),
        "tasks": tasks,
    }


def _figures(records: Sequence[Record]) -> dict[str, Any]:
    judged = [record for record in records if record["has_verdict"]]
    passed = sum(record["passed"] for record in judged)
    return {
        "n": len(records),
        "without_verdict": len(records) - len(judged),
        "passed": passed,
        "mean_score": sum(record["score"] for record in judged) / len(judged) if judged else None,
        "pass_rate": passed / len(judged) if judged else None,
    }


def print_summary(summary: dict[str, Any]) -> None:
    """Print the figures, by task if there are several."""
    from rich.table import Table

    console = stdout()
    grid = Table.grid(padding=(0, 2))
    grid.add_row("[dim]completions[/]", str(summary["n"]))
    grid.add_row("[dim]mean score[/]", f"[bold]{_number(summary['mean_score'])}[/]")
    judged = summary["n"] - summary["without_verdict"]
    grid.add_row("[dim]pass rate[/]", f"[bold]{_number(summary['pass_rate'])}[/] ({summary['passed']} of {judged})")
    if summary["pass_at_1"] is not None:
        tasks = len(summary["tasks"])
        grid.add_row("[dim]pass@1[/]", f"{_number(summary['pass_at_1'])} (mean over {_count(tasks, 'task')})")
    if summary["without_verdict"]:
        grid.add_row("[dim]without verdict[/]", f"[magenta]{summary['without_verdict']}[/]")
    console.print(grid)
    if len(summary["tasks"]) > 1:
        console.print(_task_table(summary["tasks"]))
    statuses = table("status", "completions")
    for status, count in summary["statuses"].items():
        statuses.add_row(status_text(status), str(count))
    console.print(statuses)


def _task_table(tasks: dict[str, dict[str, Any]]) -> Table:
    grid = table("task", "completions", "mean score", "pass rate")
    for task, figures in tasks.items():
        grid.add_row(task, str(figures["n"]), _number(figures["mean_score"]), _number(figures["pass_rate"]))
    return grid


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
