"""Rewards for trainers that ask for numbers rather than environments.

- :class:`RewardFunction`
"""

from __future__ import annotations

from collections.abc import Sequence

from deepgym_env.blocking import DeepGym
from deepgym_env.engine import Environment
from deepgym_env.result import RunResult

__all__ = ["RewardFunction"]


class RewardFunction:
    """Scores completions of one task; None wherever there is no verdict.

    Example:
        >>> from deepgym_env import load_environment
        >>> with DeepGym(workers=1) as dg:
        ...     reward = RewardFunction(load_environment("reverse_string"), dg)
        ...     reward(["def reverse_string(s): return s[::-1]", "nonsense"])
        [1.0, 0.0]
    """

    def __init__(self, env: Environment | str, engine: DeepGym | None = None) -> None:
        """Score completions of ``env``.

        Args:
            env: The task, or the id of a built-in one.
            engine: The engine to use; by default one of its own, ended with :meth:`close`.
        """
        self._env = env
        self._own = engine is None
        self._engine = engine or DeepGym()

    def __call__(self, outputs: Sequence[str]) -> list[float | None]:
        """Return the score of each output, 0..1."""
        return [result.score for result in self._results(outputs)]

    def per_test_rewards(self, outputs: Sequence[str]) -> list[dict[str, float | None]]:
        """Return, per output, the reward of each test by its id, and the score as ``overall``."""
        return [
            {**{case.id: case.score if result.has_verdict else None for case in result.cases}, "overall": result.score}
            for result in self._results(outputs)
        ]

    def shaped_rewards(self, outputs: Sequence[str]) -> list[dict[str, float | None]]:
        """Return, per output, the reward of each component by its name."""
        return [
            {name: value if result.has_verdict else None for name, value in result.reward_components.items()}
            for result in self._results(outputs)
        ]

    def close(self) -> None:
        """End the engine, if it is this object's own."""
        if self._own:
            self._engine.close()

    def __enter__(self) -> RewardFunction:
        """Return the function itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Close it."""
        self.close()

    def _results(self, outputs: Sequence[str]) -> Sequence[RunResult]:
        return self._engine.run_batch(self._env, outputs).results
