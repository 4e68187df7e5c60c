"""Scratch code: run for what it prints, as a task whose only test calls it.

- :func:`scratch_task`
"""

from __future__ import annotations

from deepgym_env.task import Call, Limits, Task, TestCase

__all__ = ["scratch_task"]

_RUNNER = (
    "def run_code(code):\n    exec(compile(code, 'solution.py', 'exec', dont_inherit=True), {'__name__': '__main__'})\n"
)


def scratch_task(code: str, limits: Limits) -> tuple[Task, str]:
    """Return a task and the submission that together run ``code`` once.

    Its one case holds what was printed (``stdout``) and raised (``error``).

    Example:
        >>> task, submission = scratch_task("print(6 * 7)", Limits())
        >>> task.tests[0].calls[0].args
        ('print(6 * 7)',)
    """
    test = TestCase(id="run", calls=(Call(args=(code,)),), public=True)
    task = Task(id="scratch", title="Scratch code", prompt="", entry_point="run_code", tests=(test,), limits=limits)
    return task, _RUNNER
