"""Programs under attack.

- :class:`ProgramTarget`: a task whose answer reads standard input and writes standard output.
"""

from __future__ import annotations

from deepgym_env.audit.knowledge import knowledge_of_program
from deepgym_env.audit.target import Kind, SubmissionTarget
from deepgym_env.blocking import DeepGym
from deepgym_env.errors import ConfigError
from deepgym_env.task import ProgramTask

__all__ = ["ProgramTarget"]


class ProgramTarget(SubmissionTarget):
    """A program task; attacks are programs in Python.

    Example:
        >>> from deepgym_env.task import StdioTest
        >>> test = StdioTest(id="two", stdin="2", expected="4")
        >>> with DeepGym(workers=1) as dg:
        ...     target = ProgramTarget(dg, ProgramTask(id="double", title="Double", prompt="", tests=(test,)))
        ...     target.score(["print(input())"])
        [Scored(score=0.0, passed=False, status='wrong_answer')]
    """

    kind: Kind = "program"

    def __init__(self, dg: DeepGym, task: ProgramTask) -> None:
        """Score by ``task`` on ``dg``.

        Raises:
            ConfigError: If its programs are to be in another language than Python.
        """
        if task.language != "python":
            raise ConfigError(
                f"{task.id!r} can't be audited in {task.language}: attacks are written in Python. Its tests are the "
                "same in every language: audit task.in_language('python'), or a folder with language = \"python\""
            )
        super().__init__(dg, task, knowledge_of_program(task))
