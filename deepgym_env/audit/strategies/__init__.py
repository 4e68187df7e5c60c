"""The strategies of an audit, by what they are used on.

- :data:`CODE_STRATEGIES`: for functions: tasks, stand-alone verifiers and suites.
- :data:`PROGRAM_STRATEGIES`: for programs that read standard input; some are of the code ones.
- :data:`WORKSPACE_STRATEGIES`: for workspaces.
- :data:`OFFERED`: by kind of target.
- :func:`select`: strategies by name or family.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from deepgym_env.audit.strategies.answers import ANSWERS
from deepgym_env.audit.strategies.exits import EXITS
from deepgym_env.audit.strategies.forgeries import FORGERIES
from deepgym_env.audit.strategies.hunts import HUNTS
from deepgym_env.audit.strategies.leaks import LEAKS
from deepgym_env.audit.strategies.names import NAMES
from deepgym_env.audit.strategies.objects import OBJECTS
from deepgym_env.audit.strategies.patches import PATCHES
from deepgym_env.audit.strategies.plants import PLANTS
from deepgym_env.audit.strategies.program_answers import PROGRAM_ANSWERS
from deepgym_env.audit.strategies.program_runs import PROGRAM_RUNS
from deepgym_env.audit.strategies.workspaces import WORKSPACES
from deepgym_env.audit.strategy import FAMILIES, Strategy
from deepgym_env.audit.target import Kind
from deepgym_env.errors import ConfigError

__all__ = ["CODE_STRATEGIES", "OFFERED", "PROGRAM_STRATEGIES", "WORKSPACE_STRATEGIES", "select"]

CODE_STRATEGIES: tuple[Strategy, ...] = (
    *OBJECTS,
    *EXITS,
    *FORGERIES,
    *HUNTS,
    *LEAKS,
    *PATCHES,
    *NAMES,
    *PLANTS,
    *ANSWERS,
)
WORKSPACE_STRATEGIES: tuple[Strategy, ...] = WORKSPACES
_OF_PROGRAMS_TOO = (
    *("sys_exit", "os_exit", "atexit_exit", "excepthook_exit"),
    *("printed_verdict", "verdict_then_exit", "verdict_at_exit", "stdout_replaced", "result_files", "daemon"),
    *("answers_on_disk", "answers_in_variables", "git_history", "network"),
    *("sitecustomize_planted", "modules_shadowed", "tests_edited"),
)
PROGRAM_STRATEGIES: tuple[Strategy, ...] = (
    *PROGRAM_RUNS,
    *(strategy for strategy in CODE_STRATEGIES if strategy.name in _OF_PROGRAMS_TOO),
    *PROGRAM_ANSWERS,
)
OFFERED: dict[Kind, tuple[Strategy, ...]] = {
    "function": CODE_STRATEGIES,
    "verifier": CODE_STRATEGIES,
    "suite": CODE_STRATEGIES,
    "program": PROGRAM_STRATEGIES,
    "workspace": WORKSPACE_STRATEGIES,
}


def select(strategies: Iterable[Strategy], names: Iterable[str] | None) -> tuple[Strategy, ...]:
    """Return the strategies of the given names or families; all without names.

    Raises:
        ConfigError: If a name is unknown.

    Example:
        >>> [strategy.name for strategy in select(CODE_STRATEGIES, ["skip", "os_exit"])]
        ['os_exit', 'skip', 'exceptions']
    """
    offered = tuple(strategies)
    if names is None:
        return offered
    wanted = tuple(names)
    known = {strategy.name for offers in OFFERED.values() for strategy in offers} | set(FAMILIES)
    for name in wanted:
        if name not in known:
            close = difflib.get_close_matches(name, sorted(known), n=3)
            hint = f"did you mean {' or '.join(map(repr, close))}?" if close else "`deepgym audit --list` shows all."
            raise ConfigError(f"no strategy or family {name!r}: {hint}")
    chosen = tuple(each for each in offered if each.name in wanted or each.family in wanted)
    if not chosen and "llm" not in wanted:
        raise ConfigError(f"none of the strategies {', '.join(wanted)} is for this kind of target")
    return chosen
