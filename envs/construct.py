"""The environment of an expression to build, symbol by symbol.

- :class:`ConstructEnv`
- :data:`TARGETS`: functions to build.
"""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box, Discrete

from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import load_task
from deepgym_env.envs.program_env import ProgramEnv, refuse_clash
from deepgym_env.envs.verdicts import Request, Verdict
from deepgym_env.errors import ConfigError
from deepgym_env.source import parse
from deepgym_env.task import Task

__all__ = ["RULES", "TARGETS", "ConstructEnv"]

Observation = npt.NDArray[np.float32]
_PARAMETERS = 3
# What a symbol is written as; the braces are what was built last.
_OPERATIONS = ("0", "1", "abs({})", "min({}, {})", "max({}, {})", "({} + {})", "({} - {})", "({} * {})")
RULES = (*(f"parameter {number}" for number in range(1, _PARAMETERS + 1)), *_OPERATIONS)
_ARITY = np.array([rule.count("{}") for rule in RULES])


def clamp(value: int, low: int, high: int) -> int:
    """Return the value, but at least low and at most high."""
    return min(max(value, low), high)


def spread(a: int, b: int, c: int) -> int:
    """Return how far the largest of three numbers is from the smallest."""
    return max(a, b, c) - min(a, b, c)


def distance(a: int, b: int) -> int:
    """Return how far two numbers are apart."""
    return abs(a - b)


def _inputs(rng: Any) -> Iterator[tuple[int, ...]]:
    for number in range(12):
        low, high = sorted(rng.sample(range(-9, 10), 2))
        value = (rng.randint(low, high), low - rng.randint(1, 9), high + rng.randint(1, 9))[number % 3]
        yield value, low, high


TARGETS: Mapping[str, Callable[..., int]] = MappingProxyType({"clamp": clamp, "spread": spread, "distance": distance})


@functools.cache
def _own_target(name: str) -> Task:
    function = TARGETS[name]
    arity = function.__code__.co_argcount
    return Task.from_function(function, lambda rng: [given[:arity] for given in _inputs(rng)])


def _target(name: str) -> Task:
    """Return a target as a task, or a task by id.

    Raises:
        UnknownTaskError: If there is none.
        ConfigError: If its function can't be an expression of up to three parameters, or the name is a target's
            and of a task that was added.
    """
    if name in TARGETS:
        refuse_clash([name])
        return _own_target(name)
    task = load_task(name)
    if not isinstance(task, Task) or not 1 <= len(_parameters(task)) <= _PARAMETERS:
        raise ConfigError(f"{name!r} can't be built: it must be a function of 1 to {_PARAMETERS} parameters")
    return task


def _parameters(task: Task) -> tuple[str, ...]:
    """Return the names of a function's parameters, as its reference has them."""
    for node in ast.walk(parse(task.reference or "")):
        if isinstance(node, ast.FunctionDef) and node.name == task.entry_point:
            return tuple(argument.arg for argument in node.args.args)
    return ()


class ConstructEnv(ProgramEnv[Observation]):
    """Build an expression that answers a function's tests, from the inside to the outside.

    ## Observation Space
    ``Box(0, 1, (12 * max_symbols + 2,), float32)``: the symbols so far in the order they were chosen, one-hot
    over :data:`RULES`, with one column more for those to come; the score, and the share of ``max_symbols`` used.

    ## Action Space
    ``Discrete(11)``, :data:`RULES`: a parameter, 0 or 1, which is laid aside, or an operation, which takes as its
    operands what was laid aside last and lays aside the result (postfix notation). ``action_masks()`` is True for
    operations with operands enough, and for what leaves symbols enough to make one expression of all; any
    other does nothing but take a step.

    ## Reward Space
    A ``float``: the change of the mean over the tests. It is judged whenever there is one expression and nothing
    beside it; the return of an episode is the score of the one that was judged last.

    ## Episode Termination
    Terminated when every test passes, and when ``max_symbols`` are used: the number of symbols is part of the
    problem. Truncated after ``2 * max_symbols`` steps, which only actions that do nothing can reach, and after an
    infrastructure failure: then the last symbol is taken back, and ``info["has_verdict"]`` is False.

    ## Info
    ``task, expression, score, passed, is_success, turn, action_valid, has_verdict, tests``; ``tests`` lists
    ``id, public, status, score`` of each.

    ## Arguments
    ``gym.make("DeepGym/construct", task="clamp", max_symbols=7)``: one of :data:`TARGETS`, or the id of a function
    task with up to three parameters.

    Example:
        >>> env = ConstructEnv("distance")
        >>> observation, info = env.reset(seed=0)
        >>> for rule in ("parameter 2", "parameter 1", "({} - {})", "abs({})"):
        ...     observation, reward, terminated, truncated, info = env.step(RULES.index(rule))
        >>> info["expression"], info["score"], terminated
        ('abs((b - a))', 1.0, True)
        >>> env.close()
    """

    def __init__(
        self,
        task: str = "clamp",
        *,
        max_symbols: int = 7,
        engine: DeepGym | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Make the environment; no sandbox is started yet.

        Args:
            task: What to build; ``DeepGym/<name>`` is always a task's.
            max_symbols: Most symbols of an expression.
            engine: The engine that judges; by default one shared by all environments.
            render_mode: ``ansi`` or None.

        Raises:
            UnknownTaskError: If there is no such task.
            ConfigError: If an option has a value that can't work.
        """
        super().__init__(engine=engine, render_mode=render_mode)
        if max_symbols < 1:
            raise ConfigError(f"max_symbols must be at least 1, got {max_symbols!r}")
        self.task = _target(task)
        self.max_symbols = max_symbols
        self._names = _parameters(self.task)
        self.observation_space = Box(0.0, 1.0, ((len(RULES) + 1) * max_symbols + 2,), np.float32)
        self.action_space = Discrete(len(RULES))
        self.symbols: tuple[int, ...] = ()
        self._verdict: Verdict | None = None
        self.turn = 0

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Begin with nothing."""
        gym.Env.reset(self, seed=seed)
        self.symbols, self._verdict = (), None
        self.turn, self._credit, self._over = 0, 0.0, False
        return self._observation(), self._info()

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Add a symbol; have what was built judged if it is one expression.

        Returns:
            The observation, the change of the score, whether every test passes or the symbols are used up,
            whether the episode is cut off, and the info.

        Raises:
            ResetNeeded: If the episode is over.
            ValueError: If there is no such action.
        """
        action = self._checked(action)
        self.turn += 1
        valid, lost = bool(self.action_masks()[action]), False
        if valid:
            request = self.request(action)
            verdict = self._judged(request) if request is not None else self._verdict
            lost = request is not None and verdict is None
            if not lost:
                self.symbols, self._verdict = (*self.symbols, action), verdict
        passed = self._verdict is not None and self._verdict.passed
        terminated = not lost and (passed or len(self.symbols) == self.max_symbols)
        truncated = not terminated and (lost or self.turn >= 2 * self.max_symbols)
        self._over = terminated or truncated
        reward = self._paid(self._score)
        return self._observation(), reward, terminated, truncated, self._info(valid, has_verdict=not lost)

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Return which symbols have operands enough and can still become one expression, bool ``(11,)``."""
        aside = _aside(self.symbols)
        fits: npt.NDArray[np.bool_] = (aside >= _ARITY) & (aside - _ARITY < self.max_symbols - len(self.symbols))
        fits[len(self._names) : _PARAMETERS] = False
        return fits

    def request(self, action: int) -> Request | None:
        """Return the program a symbol makes; None if more than one expression is laid aside then."""
        symbols = (*self.symbols, int(action))
        if not self.action_masks()[action] or _aside(symbols) != 1:
            return None
        code = f"def {self.task.entry_point}({', '.join(self._names)}):\n    return {self._written(symbols)}\n"
        return Request(self.task, code)

    def render(self) -> str | None:
        """Return the expressions laid aside, the last one last, in ``ansi`` mode."""
        return self._written(self.symbols) if self.render_mode == "ansi" else None

    # ── the state ─────────────────────────────────────────────────────────────────────────

    def _written(self, symbols: Sequence[int]) -> str:
        aside: list[str] = []
        for symbol in symbols:
            if symbol < _PARAMETERS:
                aside.append(self._names[symbol])
            else:
                start = len(aside) - int(_ARITY[symbol])
                aside[start:] = [RULES[symbol].format(*aside[start:])]
        return ", ".join(aside)

    @property
    def _score(self) -> float:
        return self._verdict.score if self._verdict else 0.0

    def _observation(self) -> Observation:
        symbols = np.zeros((self.max_symbols, len(RULES) + 1), np.float32)
        symbols[len(self.symbols) :, -1] = 1
        symbols[np.arange(len(self.symbols)), list(self.symbols)] = 1
        progress = np.array([self._score, len(self.symbols) / self.max_symbols], np.float32)
        return np.concatenate([symbols.ravel(), progress])

    def _info(self, action_valid: bool = True, has_verdict: bool = True) -> dict[str, Any]:
        verdict = self._verdict
        return {
            "task": self.task.id,
            "expression": self._written(self.symbols),
            "score": self._score,
            "passed": verdict is not None and verdict.passed,
            "is_success": verdict is not None and verdict.passed,
            "turn": self.turn,
            "action_valid": action_valid,
            "has_verdict": has_verdict,
            "tests": self._tests(self.task, verdict),
        }


def _aside(symbols: Sequence[int]) -> int:
    """Return how many expressions are laid aside."""
    return len(symbols) - sum(int(_ARITY[symbol]) for symbol in symbols)
