"""Where an episode is, told of while the next turn is under way.

- :class:`State`; :func:`info_told`, :func:`score_of`: what is told of an info.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from deepgym_env.actions import Tool
from deepgym_env.envs.episode import Episode
from deepgym_env.remote.wire_sessions import SessionState
from deepgym_env.task import AnyTask

__all__ = ["State", "info_told", "score_of"]


@dataclass(frozen=True, slots=True)
class State:
    """Where an episode is between two turns."""

    task: AnyTask
    tools: tuple[Tool, ...]
    max_turns: int
    turn: int
    observation: str
    returned: list[float]
    info: dict[str, Any]
    terminated: bool = False
    truncated: bool = False

    @classmethod
    def of(
        cls, episode: Episode[Any], info: dict[str, Any], terminated: bool = False, truncated: bool = False
    ) -> State:
        """Return where an episode is now."""
        return cls(
            task=episode.task,
            tools=episode.tools,
            max_turns=episode.max_turns,
            turn=episode.turn,
            observation=episode.shown,
            returned=episode.vector.tolist(),
            info=info,
            terminated=terminated,
            truncated=truncated,
        )

    def told(self, session: str, snapshots: list[str], expires_in: float) -> SessionState:
        """Return it as it goes over the wire."""
        return SessionState(
            id=session,
            task_id=self.task.id,
            seed=self.task.seed,
            observation=self.observation,
            info=info_told(self.info),
            tools=[tool.schema() for tool in self.tools],
            turn=self.turn,
            max_turns=self.max_turns,
            score=score_of(self.info),
            terminated=self.terminated,
            truncated=self.truncated,
            returned=self.returned,
            snapshots=snapshots,
            expires_in=expires_in,
        )


def score_of(info: dict[str, Any]) -> float | None:
    """Return the score an info has; None without a verdict."""
    return float(info["score"]) if info["has_verdict"] else None


def info_told(info: dict[str, Any]) -> dict[str, Any]:
    """Return an info for the wire: the tools are told once, and no verdict is no score of 0."""
    return {**{key: value for key, value in info.items() if key != "tools"}, "score": score_of(info)}
