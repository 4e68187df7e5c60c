"""The mutation score of a task's tests: how many small faults in the reference they notice.

- :func:`mutation_score`: makes mutants, judges them, gives a :class:`MutationReport`;
  :func:`workspace_mutation_score`: of what the agent of a workspace leaves.
- :class:`Mutant`: a reference with one fault; :func:`mutants_of` makes them.
- :class:`Survivor`: one the tests let pass, with an input that tells it apart.
- :func:`suggested_tests`: new tests that no survivor passes.
"""

from __future__ import annotations

from deepgym_env.audit.mutation.mutants import Mutant, mutants_of
from deepgym_env.audit.mutation.report import MutationReport, Survivor
from deepgym_env.audit.mutation.score import mutation_score
from deepgym_env.audit.mutation.suggestions import suggested_tests
from deepgym_env.audit.mutation.workspace import workspace_mutation_score

__all__ = [
    "Mutant",
    "MutationReport",
    "Survivor",
    "mutants_of",
    "mutation_score",
    "suggested_tests",
    "workspace_mutation_score",
]
