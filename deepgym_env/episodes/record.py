"""What is kept of an episode, and its JSON form.

- :class:`Episode`: one episode, enough to run it again.
- :class:`Turn`: one step of it.
- :data:`INFO_KEYS`, :data:`LATER_KEYS`: what is kept of an info; the latter is missing in older logs.
- :func:`plain`, :func:`plain_action`, :func:`plain_observation`: values as JSON would give them back.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, Literal, get_args

import numpy as np

__all__ = [
    "INFO_KEYS",
    "LATER_KEYS",
    "SCHEMA_VERSION",
    "End",
    "Episode",
    "Turn",
    "plain",
    "plain_action",
    "plain_observation",
]

SCHEMA_VERSION = "1.1"
LATER_KEYS = ("hack_report",)  # since 1.1
INFO_KEYS = (
    "action_valid",
    "has_verdict",
    "evaluated",
    "status",
    "passed",
    "score",
    "tests",
    "reward_components",
    *LATER_KEYS,
)

End = Literal["terminated", "truncated", "closed", "reset"]


@dataclass(frozen=True)
class Turn:
    """One step.

    Attributes:
        action: What the agent did, verbatim; None where JSON can't hold it.
        observation: What it was told.
        reward: The reward, as a list also where it is one number.
        terminated: Whether the episode ended.
        truncated: Whether it was cut off.
        info: Those of :data:`INFO_KEYS` that the environment gave.
        action_lost: Name of the action's type, where JSON can't hold it.
    """

    action: Any
    observation: Any
    reward: list[float]
    terminated: bool
    truncated: bool
    info: dict[str, Any]
    action_lost: str = ""

    @classmethod
    def of(
        cls,
        action: tuple[Any, str],
        observation: Any,
        reward: Any,
        terminated: Any,
        truncated: Any,
        info: Mapping[str, Any],
    ) -> Turn:
        """Copy what a step returned, and its :func:`plain_action`; later changes to the parts don't show here."""
        return cls(
            action=action[0],
            observation=plain_observation(observation),
            reward=[float(each) for each in np.atleast_1d(np.asarray(reward, dtype=np.float64))],
            terminated=bool(terminated),
            truncated=bool(truncated),
            info={key: plain(info[key]) for key in INFO_KEYS if key in info},
            action_lost=action[1],
        )

    @property
    def has_verdict(self) -> bool:
        """Whether the infrastructure worked in this turn."""
        return bool(self.info.get("has_verdict", True))

    @property
    def scores(self) -> list[float] | None:
        """Scores of the tests in the state reached; None where the environment told none."""
        tests = self.info.get("tests")
        return None if tests is None else [float(test["score"]) for test in tests]


@dataclass(frozen=True)
class Episode:
    """One episode.

    Attributes:
        env: The environment's ``EnvSpec``, wrappers included, as JSON; None where it has none that JSON can hold.
        task: The task, by ``info["task"]``.
        task_seed: Seed its tests were drawn with; None where that is unknown.
        seed: Seed given to ``reset``.
        rng: Where none was given, what the reset drew from: the seed of the latest seeded reset before it
            and the state of the random generator (JSON in a string, as its integers have 128 bits). None if
            that is unknown.
        options: Options given to ``reset``.
        prompt: What ``reset`` returned.
        tools: Tool schemas by ``info["tools"]``.
        turns: The steps, at least one.
        end: ``terminated``, ``truncated``, or cut off by ``close()`` or ``reset()``.
        wall: When it began and how long it took; no part of equality, and never replayed.
    """

    env: dict[str, Any] | None
    task: str | None
    task_seed: int | None
    seed: int | None
    rng: dict[str, Any] | None
    options: dict[str, Any] | None
    prompt: Any
    tools: list[Any]
    turns: list[Turn]
    end: End
    wall: dict[str, float] = field(default_factory=dict, compare=False)

    @property
    def returns(self) -> list[float]:
        """Sum of the rewards, test by test."""
        return [float(total) for total in np.sum([turn.reward for turn in self.turns], axis=0)]

    @property
    def score(self) -> float | None:
        """Score of the last state; None where the environment told none."""
        score = self.turns[-1].info.get("score")
        return None if score is None else float(score)

    @property
    def passed(self) -> bool | None:
        """Whether every test passes in the last state; None where the environment told nothing."""
        return self.turns[-1].info.get("passed")

    @property
    def judged_turns(self) -> list[Turn]:
        """The turns before the first infrastructure failure, which tells nothing about an agent."""
        failed = next((number for number, turn in enumerate(self.turns) if not turn.has_verdict), None)
        return self.turns[:failed]

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object of a line of the log."""
        own = {
            each.name: getattr(self, each.name) for each in fields(self) if each.name not in ("turns", "end", "wall")
        }
        return {
            "schema_version": SCHEMA_VERSION,
            **own,
            "turns": [_turn_to_json(turn) for turn in self.turns],
            "return": self.returns,
            "score": self.score,
            "passed": self.passed,
            "end": self.end,
            "wall": self.wall,
        }

    @classmethod
    def from_json(cls, row: Any) -> Episode:
        """Read a line of the log.

        Raises:
            ValueError: If it is no episode, or its summary is not that of its turns.
        """
        _check("the episode", row, _EPISODE)
        if row["schema_version"].partition(".")[0] != SCHEMA_VERSION.partition(".")[0]:
            raise ValueError(f"schema_version must be 1.x, got {row['schema_version']!r}")
        if row["end"] not in get_args(End) or not row["turns"]:
            raise ValueError(f"expected turns and an end in {get_args(End)}, got end {row['end']!r}")
        turns = [_turn_from_json(f"turn {number}", turn) for number, turn in enumerate(row["turns"], 1)]
        if len({len(turn.reward) for turn in turns}) > 1:
            raise ValueError("the rewards of its turns differ in length")
        own = {each.name: row[each.name] for each in fields(cls) if each.name != "turns"}
        episode = cls(**own, turns=turns)
        for name, value in (("return", episode.returns), ("score", episode.score), ("passed", episode.passed)):
            if row[name] != value:
                raise ValueError(f"{name!r} is {row[name]!r}, its turns say {value!r}")
        return episode


def plain(value: Any) -> Any:
    """Return a copy of ``value`` as JSON would give it back; arrays become lists.

    Example:
        >>> plain({"a": (1, np.float32(0.5)), "b": np.zeros(2)})
        {'a': [1, 0.5], 'b': [0.0, 0.0]}

    Raises:
        TypeError: If JSON can't hold it; a ValueError or RecursionError if it is too large or deep.
    """
    if type(value) is str:
        return value
    return json.loads(json.dumps(value, default=_array_to_list))


def plain_action(action: Any) -> tuple[Any, str]:
    """Return a copy of an action and "", or None and the name of its type where JSON can't hold it."""
    try:
        return plain(action), ""
    except (TypeError, ValueError, RecursionError):
        return None, type(action).__name__


def plain_observation(observation: Any) -> Any:
    """Return an observation in its JSON form, or as its ``repr`` if it has none."""
    try:
        return plain(observation)
    except TypeError:
        return repr(observation)


def _array_to_list(value: Any) -> Any:
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    raise TypeError(f"JSON can't hold a {type(value).__name__}")


def _turn_to_json(turn: Turn) -> dict[str, Any]:
    row = {each.name: getattr(turn, each.name) for each in fields(turn)}
    if not turn.action_lost:
        del row["action_lost"]
    return row


def _turn_from_json(what: str, row: Any) -> Turn:
    _check(what, row, _TURN)
    info = row["info"]
    _check(f"the info of {what}", info, {key: kind for key, kind in _INFO.items() if key in info})
    for test in info.get("tests", ()):
        _check(f"a test of {what}", test, _TEST)
    return Turn(**{each.name: row[each.name] for each in fields(Turn) if each.name in row})


_Kinds = dict[str, tuple[type, ...]]
_NONE = type(None)
_NUMBER = (int, float)
_EPISODE: _Kinds = {
    "schema_version": (str,),
    "env": (dict, _NONE),
    "task": (str, _NONE),
    "task_seed": (int, _NONE),
    "seed": (int, _NONE),
    "rng": (dict, _NONE),
    "options": (dict, _NONE),
    "prompt": (object,),
    "tools": (list,),
    "turns": (list,),
    "return": (list,),
    "score": (*_NUMBER, _NONE),
    "passed": (bool, _NONE),
    "end": (str,),
    "wall": (dict,),
}
_TURN: _Kinds = {
    "action": (object,),
    "observation": (object,),
    "reward": (list,),
    "terminated": (bool,),
    "truncated": (bool,),
    "info": (dict,),
}
_INFO: _Kinds = {
    "action_valid": (bool,),
    "has_verdict": (bool,),
    "evaluated": (bool,),
    "status": (str,),
    "passed": (bool,),
    "score": _NUMBER,
    "tests": (list,),
    "reward_components": (dict,),
    "hack_report": (dict,),
}
_TEST: _Kinds = {"id": (str,), "public": (bool,), "status": (str,), "score": _NUMBER}


def _check(what: str, row: Any, kinds: _Kinds) -> None:
    if not isinstance(row, dict):
        raise ValueError(f"{what} must be an object, got {row!r:.80}")
    for name, kind in kinds.items():
        if name not in row:
            raise ValueError(f"{what} has no {name!r}")
        if not isinstance(row[name], kind):
            wanted = " or ".join(each.__name__ for each in kind)
            raise ValueError(f"{name!r} of {what} must be {wanted}, got {row[name]!r:.80}")
    if not all(isinstance(each, _NUMBER) for each in row.get("reward", ())):
        raise ValueError(f"the reward of {what} must hold numbers")
