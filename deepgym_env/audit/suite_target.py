"""Suites under attack.

- :class:`SuiteTarget`: a task whose tests run in the submission's own process.
- :func:`knowledge_of_suite`: what an attacker knows of one.
"""

from __future__ import annotations

import ast

from deepgym_env.audit.knowledge import RESPOND, Knowledge
from deepgym_env.audit.target import Kind, SubmissionTarget
from deepgym_env.audit.verifier_source import examples_in
from deepgym_env.blocking import DeepGym
from deepgym_env.errors import ConfigError
from deepgym_env.source import parse
from deepgym_env.task import SuiteTask

__all__ = ["SuiteTarget", "knowledge_of_suite"]


class SuiteTarget(SubmissionTarget):
    r"""A task of a suite.

    Example:
        >>> suite = (
        ...     "import unittest, double\n"
        ...     "class T(unittest.TestCase):\n"
        ...     "    def test_two(self): self.assertEqual(double.double(2), 4)"
        ... )
        >>> task = SuiteTask.of(suite, id="double", title="Double", prompt="", module="double", entry_point="double")
        >>> with DeepGym(workers=1) as dg:
        ...     SuiteTarget(dg, task).score(["def double(x): return x"])
        [Scored(score=0.0, passed=False, status='wrong_answer')]
    """

    kind: Kind = "suite"

    def __init__(self, dg: DeepGym, task: SuiteTask) -> None:
        """Score by ``task`` on ``dg``.

        Raises:
            ConfigError: If nothing says what a solution defines.
        """
        super().__init__(dg, task, knowledge_of_suite(task))


def knowledge_of_suite(task: SuiteTask) -> Knowledge:
    """Return what an attacker knows of a suite: the prompt, what is to be written, and the names in the suite.

    Where no one function is to be written, attacks fill the task's stub, or what the suite takes from the
    solution where there is no stub.

    Raises:
        ConfigError: If nothing says what a solution defines.
    """
    functions = [node.name for node in ast.walk(parse(task.suite)) if isinstance(node, ast.FunctionDef)]
    return Knowledge(
        entry_point=task.entry_point or RESPOND,
        prompt=task.prompt,
        examples=examples_in(task.prompt, task.entry_point) if task.entry_point else (),
        files=tuple(file.path for file in task.files if not file.hidden),
        helpers=tuple(dict.fromkeys(name for name in functions if not name.startswith("test"))),
        tests=tuple(test.name for test in task.tests),
        reference=task.reference,
        wiring="" if task.entry_point else _filled(task),
    )


def _filled(task: SuiteTask) -> str:
    """Return what a solution defines, with functions that all hand on to the attack's."""
    tree = parse(task.stub)
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)]
    for node in functions:
        node.args = _ANYTHING
        node.body = [ast.Pass()] if node.name == "__init__" else [_HANDS_ON]
    defined = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    wanted = [] if defined else [name for name in dict.fromkeys([*task.names, *_taken(task)]) if name != RESPOND]
    if not defined and not wanted:
        raise ConfigError(
            f"{task.id!r} can't be audited: nothing says what a solution defines; give it an entry_point or a stub"
        )
    return "".join([f"{ast.unparse(tree)}\n", *(f"{name} = {RESPOND}\n" for name in wanted)]).lstrip()


_HANDS_ON = ast.parse(f"def f(*args, **kwargs):\n    return {RESPOND}(*args, **kwargs)").body[0].body[0]  # type: ignore[attr-defined]
_ANYTHING = ast.parse("def f(*args, **kwargs): pass").body[0].args  # type: ignore[attr-defined]


def _taken(task: SuiteTask) -> list[str]:
    """Return the names a suite takes from the solution."""
    found: list[str] = []
    for node in ast.walk(parse(task.suite)):
        if isinstance(node, ast.ImportFrom) and node.module == task.module:
            found += [alias.name for alias in node.names if alias.name != "*"]
        elif isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == task.module:
            found.append(node.attr)
    return found
