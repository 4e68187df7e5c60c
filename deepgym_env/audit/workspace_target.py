"""Workspaces under attack.

- :class:`WorkspaceTarget`: runs a script in a session of the task and has what it leaves judged.
"""

from __future__ import annotations

from collections.abc import Sequence

from deepgym_env.audit.knowledge import knowledge_of_workspace
from deepgym_env.audit.target import Kind, Progress, Scored, score_each
from deepgym_env.blocking import DeepGym
from deepgym_env.engine import AsyncDeepGym
from deepgym_env.errors import RefusedError, SandboxError
from deepgym_env.task import WorkspaceTask

__all__ = ["WorkspaceTarget"]


class WorkspaceTarget:
    """A workspace task; a submission is a shell script.

    Example:
        >>> from deepgym_env import load_task
        >>> with DeepGym(workers=1) as dg:
        ...     WorkspaceTarget(dg, load_task("debug_fix")).score(["rm -rf *"])
        [Scored(score=0.0, passed=False, status='wrong_answer')]
    """

    kind: Kind = "workspace"

    def __init__(self, dg: DeepGym, task: WorkspaceTask) -> None:
        """Score by ``task`` on ``dg``."""
        self.name = task.id
        self.task = task
        self.knowledge = knowledge_of_workspace(task)
        self._dg = dg

    def score(self, submissions: Sequence[str], *, progress: Progress | None = None) -> list[Scored]:
        """Score scripts, each in a session of its own."""
        return score_each(self._dg, submissions, self._score, progress)

    async def _score(self, engine: AsyncDeepGym, script: str) -> Scored:
        try:
            session = await engine.session(self.task)
            async with session:
                try:
                    await session.exec(script)
                except RefusedError as error:
                    return Scored(0.0, False, f"refused: {error}")
                result = await engine.judge(self.task, session)
        except SandboxError as error:
            return Scored(None, False, f"no verdict: {error}")
        return Scored(result.score, result.passed, result.status)
