"""What environments have in common whose actions make programs, out of a finite number, instead of text.

- :class:`ProgramEnv`
- :func:`refuse_clash`: names that could be meant in two ways.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable
from typing import Any, TypeVar

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded

from deepgym_env import added_tasks
from deepgym_env.blocking import DeepGym
from deepgym_env.envs.shared_engine import Lease, lease_engine
from deepgym_env.envs.verdicts import Request, Verdict, Verdicts, verdicts_of
from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.task import Task

__all__ = ["ProgramEnv", "refuse_clash"]

_Obs = TypeVar("_Obs")


class ProgramEnv(gym.Env[_Obs, np.int64]):
    """An environment of numbers whose discrete actions make programs; each is judged once per engine.

    The reward is a float: the change of the mean over the tests, 0 before the first judgement, so that the
    return of an episode is the score of the program it ended with. After an infrastructure failure a step
    changes nothing but that the episode is truncated, with ``info["has_verdict"]`` False.
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012 - Gymnasium's own form

    def __init__(self, *, engine: DeepGym | None = None, render_mode: str | None = None) -> None:
        """Start nothing yet.

        Args:
            engine: The engine that judges; by default one shared by all environments.
            render_mode: ``ansi`` or None.

        Raises:
            ConfigError: If there is no such render mode.
        """
        if render_mode not in (None, "ansi"):
            raise ConfigError(f"render_mode must be 'ansi' or None, got {render_mode!r}")
        self.render_mode = render_mode
        self._own_engine = engine
        self._lease: Lease | None = None
        self._credit = 0.0  # the score that has been paid out
        self._over = True
        self._foreseen: tuple[Request, Verdict | None] | None = None

    # ── what an environment adds ──────────────────────────────────────────────────────────

    @abstractmethod
    def request(self, action: int) -> Request | None:
        """Return the program an action makes; None if it makes none. Nothing changes."""

    @abstractmethod
    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Return which actions do something, bool ``(n_actions,)``: MaskablePPO's name for it."""

    # ── judging ───────────────────────────────────────────────────────────────────────────

    @property
    def verdicts(self) -> Verdicts:
        """What judges programs, and remembers, for all environments with the same engine."""
        if self._own_engine is not None:
            return verdicts_of(self._own_engine)
        if self._lease is None:
            self._lease = lease_engine(self)
        return verdicts_of(self._lease.engine)

    def foresee(self, request: Request, verdict: Verdict | None) -> None:
        """Take what the program of the next step came to, judged with those of other environments."""
        self._foreseen = request, verdict

    def _judged(self, request: Request) -> Verdict | None:
        foreseen, self._foreseen = self._foreseen, None
        if foreseen is not None and foreseen[0] == request:
            return foreseen[1]
        return self.verdicts.judge([request])[0]

    def _insist(self, request: Request) -> Verdict:
        """Return the verdict on a program without which no episode can begin.

        Raises:
            SandboxError: If there is none.
        """
        verdict = self._judged(request)
        if verdict is None:
            raise SandboxError(
                f"no episode of {request.task.id!r} can begin: its program has no verdict. `deepgym doctor` tells why"
            )
        return verdict

    @staticmethod
    def _tests(task: Task, verdict: Verdict | None) -> list[dict[str, Any]]:
        """Return ``info["tests"]``, which every environment has in this form; without a verdict none has run."""
        scores = [0.0] * len(task.tests) if verdict is None else verdict.vector.tolist()
        statuses = ("not_run",) * len(task.tests) if verdict is None else verdict.statuses
        return [
            {"id": test.id, "public": test.public, "status": status, "score": score}
            for test, status, score in zip(task.tests, statuses, scores, strict=True)
        ]

    def _paid(self, score: float) -> float:
        """Return the reward of reaching a score."""
        reward, self._credit = score - self._credit, score
        return reward

    def _checked(self, action: Any) -> int:
        """Return an action as an int.

        Raises:
            ResetNeeded: If the episode is over.
            ValueError: If there is no such action.
        """
        if self._over:
            raise ResetNeeded("the episode is over: call reset() before step()")
        if not self.action_space.contains(action):
            raise ValueError(f"the action must be of {self.action_space}, got {action!r}")
        return int(action)

    def close(self) -> None:
        """Give the share in the engine back; ``reset`` takes one again."""
        self._over = True
        if self._lease is not None:
            self._lease.release()
            self._lease = None


def refuse_clash(own: Iterable[str]) -> None:
    """Refuse names of our own programs that tasks have which were added.

    Raises:
        ConfigError: If there is one.
    """
    for name in own:
        if added_tasks.is_here(name):
            raise ConfigError(
                f"{name!r} is a program of DeepGym's and a task that was added: 'DeepGym/{name}' is the task"
            )
