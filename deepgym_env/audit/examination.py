"""Looks at the tests of a task, beside attacking them.

- :func:`examine_tests`: signs of weak tests, and the small faults they miss; :func:`has_mutants`.
- :func:`audit_json`: what an audit came to, in one JSON object.
"""

from __future__ import annotations

from typing import Any

from deepgym_env.audit.fresh import Redraw
from deepgym_env.audit.mutation import MutationReport, mutation_score, workspace_mutation_score
from deepgym_env.audit.mutation.workspace import MOST
from deepgym_env.audit.report import AuditReport
from deepgym_env.audit.signs import WeakSigns, weak_signs
from deepgym_env.audit.target import Progress
from deepgym_env.blocking import DeepGym
from deepgym_env.task import ProgramTask, Task, WorkspaceTask

__all__ = ["audit_json", "examine_tests", "has_mutants"]


def has_mutants(target: object) -> bool:
    """Return whether faults can be put into solutions of a task."""
    return isinstance(target, Task | WorkspaceTask)


def examine_tests(
    dg: DeepGym,
    target: object,
    *,
    redraw: Redraw | None = None,
    runs: int = 3,
    mutants: bool = False,
    most: int | None = None,
    progress: Progress | None = None,
) -> tuple[WeakSigns | None, MutationReport | None]:
    """Look at the tests of a task; None stands for what can't be said of its kind, or wasn't asked for.

    Args:
        dg: The engine.
        target: The task; of anything else nothing is said.
        redraw: Draws it with another seed; by default known for built-in tasks.
        runs: Runs that look for flaky verdicts.
        mutants: Whether to look for faults they miss, too.
        most: Mutants, at most; 0: all. By default all, and of a scenario 40.
        progress: Called with the mutants judged and those there are.

    Raises:
        TaskError: If the reference does not pass.
        SandboxError: If a submission got no verdict.
    """
    if isinstance(target, WorkspaceTask) and mutants:
        few = MOST if most is None else most or None
        return None, workspace_mutation_score(dg, target, most=few, progress=progress)
    if not isinstance(target, Task | ProgramTask):
        return None, None
    signs = weak_signs(dg, target, runs=runs)
    if not mutants or not isinstance(target, Task):
        return signs, None
    return signs, mutation_score(dg, target, redraw=redraw, most=most or None, progress=progress)


def audit_json(report: AuditReport, signs: WeakSigns | None, mutation: MutationReport | None) -> dict[str, Any]:
    """Return what an audit came to as one JSON object."""
    return {
        **report.model_dump(mode="json"),
        "signs": signs.model_dump(mode="json") if signs else None,
        "mutation": mutation.model_dump(mode="json") if mutation else None,
    }
