"""New tests that survivors fail.

- :func:`suggested_tests`
"""

from __future__ import annotations

from deepgym_env.audit.mutation.report import MutationReport

__all__ = ["suggested_tests"]


def suggested_tests(report: MutationReport) -> tuple[str, ...]:
    """Return lines for the task's ``cases.py``, one for each call that a survivor fails.

    Expected values are those of the oracle that drew the call, not of the reference.
    """
    return tuple(dict.fromkeys(survivor.test for survivor in report.survivors if survivor.test))
