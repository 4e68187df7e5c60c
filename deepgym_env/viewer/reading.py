"""A line of a log as an episode: of episodes, or of the results of ``deepgym eval``.

- :func:`read_line`: a line to an :class:`~deepgym_env.episodes.Episode`.
- :data:`BROKEN`: what that raises for a line that is none.
- :data:`OPENINGS`: how the lines begin.
"""

from __future__ import annotations

import json
from typing import Any

from deepgym_env.episodes import Episode
from deepgym_env.episodes.record import SCHEMA_VERSION

__all__ = ["BROKEN", "OPENINGS", "read_line"]

OPENINGS = (b'{"schema_version": ', b'{"id": ')
BROKEN = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, RecursionError)
"""What reading a line raises that anybody may have written."""


def read_line(line: bytes) -> Episode:
    """Return the episode of a line; a result of ``deepgym eval`` is an episode of one turn, without its code.

    Raises:
        ValueError: If it is neither; or another of :data:`BROKEN`.
    """
    row = json.loads(line)
    if isinstance(row, dict) and "sha256" in row and "turns" not in row:
        row = _as_episode(row)
    return Episode.from_json(row)


def _as_episode(result: dict[str, Any]) -> dict[str, Any]:
    """Return a result as the line of an episode."""
    judged = result["has_verdict"] is True
    info: dict[str, Any] = {"has_verdict": judged, "evaluated": judged, "status": result["status"]}
    if judged:
        tests = [{"public": False, **{key: case[key] for key in ("id", "status", "score")}} for case in result["cases"]]
        told = {key: result[key] for key in ("score", "passed", "reward_components")}
        info.update(**told, tests=tests)
    reward = [result["score"] if judged else 0.0]
    turn = {
        "action": f"[completion {result['id']!r:.200}, SHA-256 {result['sha256']:.64}: results don't hold the code]",
        "observation": result["details"],
        "reward": reward,
        "terminated": judged,
        "truncated": not judged,
        "info": info,
    }
    return {
        "schema_version": SCHEMA_VERSION,
        "env": {"id": "deepgym eval"},
        "task": result["task"],
        "task_seed": result["seed"],
        "seed": result["seed"],
        "rng": None,
        "options": None,
        "prompt": "",
        "tools": [],
        "turns": [turn],
        "return": reward,
        "score": result["score"] if judged else None,
        "passed": result["passed"] if judged else None,
        "end": "terminated" if judged else "truncated",
        "wall": {},
    }
