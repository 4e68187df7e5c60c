"""The environment of a program to repair by choosing edits.

- :class:`RepairEnv`
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import numpy.typing as npt
from gymnasium.spaces import Box, Dict, Discrete

from deepgym_env.blocking import DeepGym
from deepgym_env.envs.edit_sites import LOOKS, Editable
from deepgym_env.envs.program_env import ProgramEnv, refuse_clash
from deepgym_env.envs.repair_programs import OPTIONS, SITES, SPLITS, TESTS, RepairProgram, repair_program
from deepgym_env.envs.small_programs import SMALL_PROGRAMS
from deepgym_env.envs.verdicts import Request, Verdict
from deepgym_env.errors import ConfigError

__all__ = ["FEATURES", "RepairEnv"]

Observation = dict[str, npt.NDArray[np.float32]]
_FLAGS = ("exists", "current", "first", "tried", "effect", "mended", "broken")
FEATURES = (*_FLAGS, *LOOKS)
_ACTIONS = SITES * OPTIONS
_DRAWS = 200  # of faults, until some test notices them


class RepairEnv(ProgramEnv[Observation]):
    """Repair a program that has faults, edit by edit, judged by its tests after each.

    A small function has up to 6 places where an operator, a constant, an argument or a condition can be
    one of up to 3; an episode begins with the wrong one at ``faults`` of them.

    ## Observation Space
    ``Dict`` of float32 ``Box`` es:

    - ``options``, ``(18 * n_features,)``: what could stand at each place, three options a place, in no telling
      order. Of each (:data:`FEATURES`): whether there is such an option, whether it stands there now, whether it
      did when the episode began, whether it was tried, what it did then (change of the score, share of
      tests mended and broken), and what it looks like (one-hot: ``<=``, ``one less``, ``if not``, ...).
    - ``tests``, ``(8 * 4,)``: of each whether there is such a test, it passes, was answered by an exception, or by
      nothing within its time.
    - ``progress``, ``(2,)``: the score and the share of edits that are left.

    ## Action Space
    ``Discrete(19)``: ``3 * place + option`` puts an option in a place; 18 submits. ``action_masks()`` is True
    for edits that change the program, and for submitting; any other does nothing but take a step.

    ## Reward Space
    A ``float``: the change of the mean over the tests, beginning at 0 (so the first step also pays for what
    passed to begin with). The return of an episode is the score of the program it ended with.

    ## Episode Termination
    Terminated when every test passes, and when it is submitted. Truncated after ``max_edits`` steps, and after
    an infrastructure failure: then nothing else has changed, and ``info["has_verdict"]`` is False.

    ## Info
    ``program, score, passed, is_success, status, turn, action_valid, has_verdict, tests``; ``tests`` lists
    ``id, public, status, score`` of each. ``reset`` raises :class:`~deepgym_env.errors.SandboxError` if the first
    program gets no verdict.

    ## Arguments
    ``gym.make("DeepGym/repair", split="train", faults=2, max_edits=8)``. The programs of ``split="heldout"`` are
    other functions; ``programs=["coin_change"]`` names them (also any function task with a reference).

    Example:
        >>> env = RepairEnv(programs=["max_subarray"], faults=1)
        >>> observation, info = env.reset(seed=0)
        >>> env.action_masks().shape, info["passed"]
        ((19,), False)
        >>> env.close()
    """

    def __init__(
        self,
        *,
        split: str = "train",
        programs: Sequence[str] | None = None,
        faults: int = 2,
        max_edits: int = 8,
        engine: DeepGym | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Make the environment; no sandbox is started yet.

        Args:
            split: ``train`` or ``heldout``: which programs.
            programs: Names of programs instead; ``DeepGym/<name>`` is always a task's.
            faults: How many places of a program are wrong to begin with.
            max_edits: Steps after which an episode is truncated.
            engine: The engine that judges; by default one shared by all environments.
            render_mode: ``ansi`` or None.

        Raises:
            UnknownTaskError: If there is no such program.
            ConfigError: If an option has a value that can't work, or a name is one of ours and of a task added.
        """
        super().__init__(engine=engine, render_mode=render_mode)
        if split not in SPLITS:
            raise ConfigError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
        if isinstance(programs, str) or (programs is not None and not programs):
            raise ConfigError(f"programs must be a list of one name or more, got {programs!r}")
        if max_edits < 1:
            raise ConfigError(f"max_edits must be at least 1, got {max_edits!r}")
        refuse_clash(SMALL_PROGRAMS.keys() & (programs or ()))
        self.programs = tuple(programs or SPLITS[split])
        fewest = min(len(repair_program(name).program.sites) for name in self.programs)
        if not 1 <= faults <= fewest:
            raise ConfigError(f"faults must be from 1 to {fewest}, the places of the smallest program, got {faults!r}")
        self.faults = faults
        self.max_edits = max_edits
        self.observation_space = Dict(  # type: ignore[assignment]  # of arrays by name, which is what it has
            options=Box(-1.0, 1.0, (_ACTIONS * len(FEATURES),), np.float32),
            tests=Box(0.0, 1.0, (TESTS * 4,), np.float32),
            progress=Box(0.0, 1.0, (2,), np.float32),
        )
        self.action_space = Discrete(_ACTIONS + 1)

    # ── Gymnasium's calls ─────────────────────────────────────────────────────────────────

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Draw a program and faults that some test notices.

        Raises:
            SandboxError: If it gets no verdict.
        """
        gym.Env.reset(self, seed=seed)
        self._over = True  # until there is another: a reset that fails leaves the episode before, ended
        name = self.programs[self.np_random.integers(len(self.programs))]
        drawn = repair_program(name, int(self.np_random.integers(repair_program(name).variants)))
        for _ in range(_DRAWS):
            chosen = self._with_faults(drawn.program)
            verdict = self._insist(Request(drawn.task, drawn.program.code(chosen)))
            if not verdict.passed:
                break
        else:
            raise ConfigError(f"the tests of {name!r} notice none of {_DRAWS} draws of faults: use another")
        self.drawn: RepairProgram = drawn
        self.chosen, self._verdict = chosen, verdict
        self._table = self._first_table()
        self.turn, self._credit, self._over = 0, 0.0, False
        return self.observation(), self._info()

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Make an edit and have the program judged, or submit.

        Returns:
            The observation, the change of the score, whether the program is right or submitted, whether the
            episode is cut off, and the info.

        Raises:
            ResetNeeded: If the episode is over.
            ValueError: If there is no such action.
        """
        action = self._checked(action)
        self.turn += 1
        lost = False
        request = self.request(action)
        if request is not None:
            verdict = self._judged(request)
            lost = verdict is None
            if verdict is not None:
                self._edit(action, verdict)
        terminated = not lost and (self._verdict.passed or action == _ACTIONS)
        truncated = not terminated and (lost or self.turn >= self.max_edits)
        self._over = terminated or truncated
        reward = 0.0 if lost else self._paid(self._verdict.score)
        return (
            self.observation(),
            reward,
            terminated,
            truncated,
            self._info(request is not None or action == _ACTIONS, not lost),
        )

    def action_masks(self) -> npt.NDArray[np.bool_]:
        """Return which actions change the program or submit it, bool ``(19,)``."""
        self._begun()
        masks = (self._table[:, 0] > 0) & (self._table[:, 1] == 0)
        return np.append(masks, True)

    def request(self, action: int) -> Request | None:
        """Return the program an edit makes; None if it changes nothing."""
        self._begun()
        site, option = divmod(int(action), OPTIONS)
        sites = self.drawn.program.sites
        if site >= len(sites) or option >= len(sites[site].options) or option == self.chosen[site]:
            return None
        chosen = (*self.chosen[:site], option, *self.chosen[site + 1 :])
        return Request(self.drawn.task, self.drawn.program.code(chosen))

    def observation(self) -> Observation:
        """Return what an agent sees of the episode now."""
        self._begun()
        tests = np.zeros((TESTS, 4), np.float32)
        here = len(self._verdict.vector)
        tests[:here, 0] = 1
        statuses = np.array(self._verdict.statuses)
        tests[:here, 1:] = np.stack([self._verdict.vector, statuses == "exception", statuses == "timeout"], axis=1)
        progress = np.array([self._verdict.score, 1 - self.turn / self.max_edits], np.float32)
        return {"options": self._table.ravel().copy(), "tests": tests.ravel(), "progress": progress}

    @property
    def score(self) -> float:
        """Mean over the tests of the program as it is, 0..1."""
        self._begun()
        return self._verdict.score

    def tried(self, action: int) -> bool:
        """Return whether an edit leads to an option that has stood there before in this episode."""
        self._begun()
        return bool(self._table[action, 2:4].any())

    def inverse(self, action: int) -> int:
        """Return the edit that will take an edit back."""
        self._begun()
        site = int(action) // OPTIONS
        return site * OPTIONS + self.chosen[site]

    def render(self) -> str | None:
        """Return the program as it is under a line with name and score, in ``ansi`` mode."""
        if self.render_mode != "ansi":
            return None
        self._begun()
        score = f"{self.drawn.name}: edit {self.turn} of {self.max_edits}, score {self._verdict.score:.2f}"
        return f"{score}\n\n{self.drawn.program.code(self.chosen)}\n"

    # ── the state ─────────────────────────────────────────────────────────────────────────

    def _with_faults(self, program: Editable) -> tuple[int, ...]:
        sites = program.sites
        chosen = list(program.original)
        for place in self.np_random.choice(len(sites), self.faults, replace=False):
            others = [option for option in range(len(sites[place].options)) if option != chosen[place]]
            chosen[place] = others[self.np_random.integers(len(others))]
        return tuple(chosen)

    def _edit(self, action: int, verdict: Verdict) -> None:
        """Take over an edit and what came of it."""
        site, option = divmod(action, OPTIONS)
        before, now = self._verdict, verdict
        row = self._table[action]
        self._table[site * OPTIONS + self.chosen[site], 1] = 0
        gained, lost = now.vector > before.vector, now.vector < before.vector
        row[[1, 3]] = 1
        row[4:7] = now.score - before.score, gained.mean(), lost.mean()
        self.chosen = (*self.chosen[:site], option, *self.chosen[site + 1 :])
        self._verdict = verdict

    def _first_table(self) -> npt.NDArray[np.float32]:
        table = np.zeros((_ACTIONS, len(FEATURES)), np.float32)
        for number, (site, chosen) in enumerate(zip(self.drawn.program.sites, self.chosen, strict=True)):
            for option, look in enumerate(site.looks):
                row = table[number * OPTIONS + option]
                row[0], row[len(_FLAGS) + look] = 1, 1
                row[1] = row[2] = option == chosen
        return table

    def _info(self, action_valid: bool = True, has_verdict: bool = True) -> dict[str, Any]:
        return {
            "program": self.drawn.name,
            "score": self._verdict.score,
            "passed": self._verdict.passed,
            "is_success": self._verdict.passed,
            "status": self._verdict.status,
            "turn": self.turn,
            "action_valid": action_valid,
            "has_verdict": has_verdict,
            "tests": self._tests(self.drawn.task, self._verdict),
        }

    def _begun(self) -> None:
        if not hasattr(self, "drawn"):
            raise gym.error.ResetNeeded("no episode has begun: call reset() first")
