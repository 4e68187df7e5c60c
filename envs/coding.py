"""The environment of a coding task.

- :class:`CodingEnv`
"""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box

from deepgym_env.catalog import load_task
from deepgym_env.engine import DeepGym
from deepgym_env.envs.shared_engine import Lease, lease_engine
from deepgym_env.envs.spaces import UnicodeText
from deepgym_env.errors import ConfigError
from deepgym_env.feedback import feedback
from deepgym_env.result import RunResult
from deepgym_env.task import Task

__all__ = ["CodingEnv"]

Vector = npt.NDArray[np.float32]


class CodingEnv(gym.Env[str, str]):
    """Write a function that passes every test; after each submission, read feedback and repair it.

    ## Observation Space
    ``UnicodeText``. After ``reset`` the task's prompt; after a step, feedback on the submission:
    failed public tests in full, hidden ones only counted.

    ## Action Space
    ``UnicodeText``. What a model wrote: its last fenced block is the submission, or all of it if
    there is none.

    ## Reward Space
    ``reward_space`` is a ``Box(-1, 1, (n_tests,), float32)``. With ``v`` the per-test scores of
    the latest submission (0 before the first), the reward of a step is the change of ``v``: the
    undiscounted return of an episode is the per-test result of the state it ended in, and no loop
    of submissions earns more than solving does. A message without code changes nothing.

    ## Episode Termination
    Terminated when every test passes. Truncated after ``max_turns`` steps, and after an
    infrastructure failure, which is no verdict: ``info["has_verdict"]`` is False, the reward 0.

    ## Info
    ``task, turn, action_valid, has_verdict, status, passed, score, tests, reward_components``;
    ``tests`` lists ``{id, public, status, score}`` of the latest verdict. No time, id or path is
    in it: the same seed and actions give the same info.

    ## Arguments
    ``gym.make("DeepGym/coin_change", max_turns=8, fresh_tests=False)``. ``reset(seed=s)`` draws
    the tests of seed ``s``; with ``fresh_tests`` every reset draws new ones, of the same number.

    Example:
        >>> env = CodingEnv("reverse_string")
        >>> prompt, info = env.reset(seed=0)
        >>> feedback, reward, terminated, truncated, info = env.step("def reverse_string(s): return s[::-1]")
        >>> float(reward.min()), terminated
        (1.0, True)
        >>> env.close()
    """

    metadata = {"render_modes": ["ansi"], "render_fps": 1}  # noqa: RUF012 - Gymnasium's own form

    def __init__(
        self,
        task: str | Task,
        *,
        max_turns: int = 8,
        fresh_tests: bool = False,
        engine: DeepGym | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Make the environment of a task; no sandbox is started yet.

        Args:
            task: Id of a built-in task, or a task.
            max_turns: Steps after which an episode is truncated.
            fresh_tests: Draw new random tests at every reset; needs a built-in task.
            engine: The engine that judges; by default one shared by all environments.
            render_mode: ``ansi`` or None.

        Raises:
            UnknownTaskError: If there is no such task.
            ConfigError: If an option has a value that can't work.
        """
        if max_turns < 1:
            raise ConfigError(f"max_turns must be at least 1, got {max_turns!r}")
        if render_mode not in (None, "ansi"):
            raise ConfigError(f"render_mode must be 'ansi' or None, got {render_mode!r}")
        if fresh_tests and isinstance(task, Task):
            raise ConfigError("fresh_tests needs the id of a built-in task: a Task's tests are fixed")
        self._task_id = task if isinstance(task, str) else None
        self.task = load_task(task) if isinstance(task, str) else task
        self.max_turns = max_turns
        self.render_mode = render_mode
        self._fresh_tests = fresh_tests
        self._engine = engine
        self._lease: Lease | None = None
        self.observation_space = UnicodeText()
        self.action_space = UnicodeText()
        self.reward_space = Box(-1.0, 1.0, (len(self.task.tests),), np.float32)
        self._vector: Vector = np.zeros(len(self.task.tests), dtype=np.float32)
        self._result: RunResult | None = None
        self._turn = 0
        self._over = True
        self._shown = ""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Begin an episode; return the prompt and the info of a state nothing passes in."""
        super().reset(seed=seed)
        if self._task_id is not None:
            if self._fresh_tests:
                self.task = load_task(self._task_id, int(self.np_random.integers(2**31)))
            elif seed is not None:
                self.task = load_task(self._task_id, seed)
        self._vector = np.zeros(len(self.task.tests), dtype=np.float32)
        self._result = None
        self._turn = 0
        self._over = False
        self._shown = self.task.prompt
        return self._shown, self._info(action_valid=True, has_verdict=True)

    def step(self, action: str) -> tuple[str, Vector, bool, bool, dict[str, Any]]:
        """Judge a submission.

        Returns:
            Feedback, the change of the per-test scores (float32, ``(n_tests,)``), whether all
            tests pass, whether the episode is cut off, and the info.

        Raises:
            ResetNeeded: If the episode is over.
        """
        if self._over:
            raise ResetNeeded("the episode is over: call reset() before step()")
        self._turn += 1
        before = self._vector
        if isinstance(action, str):
            result = self._judge().run(self.task, action)
            valid, verdict = result.status != "no_code", result.has_verdict
            if valid and verdict:
                self._result, self._vector = result, result.vector
            self._shown = feedback(result)
        else:
            valid, verdict = False, True
            self._shown = f"An action must be text, got {type(action).__name__}. Answer with one fenced Python block."
        terminated = bool((self._vector == 1.0).all())
        truncated = not terminated and (self._turn >= self.max_turns or not verdict)
        self._over = terminated or truncated
        return self._shown, self._vector - before, terminated, truncated, self._info(valid, verdict)

    def render(self) -> str | None:
        """Return the latest observation under a line with task and score, in ``ansi`` mode."""
        if self.render_mode != "ansi":
            return None
        score = float(self._vector.mean())
        return f"{self.task.id}: turn {self._turn} of {self.max_turns}, score {score:.2f}\n\n{self._shown}"

    def close(self) -> None:
        """Give the share in the engine back; the environment starts it again if it is used again."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def _judge(self) -> DeepGym:
        if self._engine is not None:
            return self._engine
        if self._lease is None:
            self._lease = lease_engine(self)
        return self._lease.engine

    def _info(self, action_valid: bool, has_verdict: bool) -> dict[str, Any]:
        result = self._result
        cases = result.cases if result else ()
        statuses = {case.id: case.status for case in cases}
        tests = [
            {"id": test.id, "public": test.public, "status": statuses.get(test.id, "not_run"), "score": float(score)}
            for test, score in zip(self.task.tests, self._vector, strict=True)
        ]
        return {
            "task": self.task.id,
            "turn": self._turn,
            "action_valid": action_valid,
            "has_verdict": has_verdict,
            "status": result.status if result else "not_run",
            "passed": bool((self._vector == 1.0).all()),
            "score": float(self._vector.mean()),
            "tests": tests,
            "reward_components": dict(result.reward_components) if result else {},
        }
