"""Checks the checker: attacks on tasks and verifiers, before a model is trained on them.

- :class:`AdversarialTester`: tries every way to cheat it knows; gives an :class:`AuditReport`.
- :class:`VerifierTarget`: a stand-alone verifier file, to be attacked as a task is; :class:`ScriptTarget`: one that
  the engine runs.
- :class:`FunctionTarget`, :class:`ProgramTarget`, :class:`SuiteTarget`, :class:`WorkspaceTarget`: tasks of these kinds.
- :class:`Target`, :class:`Scored`: the seam for anything else that scores submissions.
- :data:`CODE_STRATEGIES`, :data:`PROGRAM_STRATEGIES`, :data:`WORKSPACE_STRATEGIES`: the ways to cheat.
"""

from __future__ import annotations

from deepgym_env.audit.knowledge import Knowledge
from deepgym_env.audit.program_target import ProgramTarget
from deepgym_env.audit.report import AuditReport, Exploit, Floor
from deepgym_env.audit.strategies import CODE_STRATEGIES, PROGRAM_STRATEGIES, WORKSPACE_STRATEGIES
from deepgym_env.audit.strategy import FAMILIES, Attack, Strategy
from deepgym_env.audit.suite_target import SuiteTarget
from deepgym_env.audit.target import FunctionTarget, Scored, Target
from deepgym_env.audit.tester import AdversarialTester
from deepgym_env.audit.verifier_target import ScriptTarget, VerifierTarget
from deepgym_env.audit.workspace_target import WorkspaceTarget

__all__ = [
    "CODE_STRATEGIES",
    "FAMILIES",
    "PROGRAM_STRATEGIES",
    "WORKSPACE_STRATEGIES",
    "AdversarialTester",
    "Attack",
    "AuditReport",
    "Exploit",
    "Floor",
    "FunctionTarget",
    "Knowledge",
    "ProgramTarget",
    "Scored",
    "ScriptTarget",
    "Strategy",
    "SuiteTarget",
    "Target",
    "VerifierTarget",
    "WorkspaceTarget",
]
