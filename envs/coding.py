"""The environment of a coding task.

- :class:`CodingEnv`; :func:`tools_of`, the tools of a task; :func:`episode_of`, its episodes.
"""

from __future__ import annotations

import copy
import weakref
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.spaces import Box

from deepgym_env.actions import Tool
from deepgym_env.benchmarks import benchmark_of
from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import draws_tests, load_task
from deepgym_env.engine import AsyncDeepGym
from deepgym_env.envs.episode import Action, Episode, EpisodeSnapshot, Transition, Vector, turns_of
from deepgym_env.envs.shared_engine import Lease, lease_engine
from deepgym_env.envs.spaces import UnicodeText
from deepgym_env.envs.submission_episode import SubmissionEpisode
from deepgym_env.envs.workspace_episode import WorkspaceEpisode
from deepgym_env.errors import ClosedError, ConfigError
from deepgym_env.sandbox.workspace import Workspace
from deepgym_env.task import AnyTask, SubmissionTask, WorkspaceTask

__all__ = ["CodingEnv", "episode_of", "tools_of"]

_T = TypeVar("_T")


class CodingEnv(gym.Env[str, Action]):
    """Work on a coding task, turn by turn: write a function or a program, or work in a workspace with a shell.

    ## Observation Space
    ``UnicodeText``. After ``reset`` the task's prompt, for a workspace with its tools. After a step
    what the calls answered: feedback on a submission (failed public tests in full, hidden ones only
    counted), output of a command, contents of a file, or what was wrong with the action.

    ## Action Space
    ``UnicodeText``: what a model wrote. Tool calls are found in it in any of the usual forms, see
    :func:`~deepgym_env.actions.parse_action`; of a function task, text without a call is a
    submission (its last fenced block, or all of it). ``step`` also takes a tool call or a chat
    message as a dict. ``info["tools"]`` lists the tools in the OpenAI format: ``submit, run_code``
    for a function or a program; ``bash, read_file, write_file, edit_file, list_files, run_tests, submit`` for a
    workspace.

    ## Reward Space
    ``reward_space`` is a ``Box(-1, 1, (n_tests,), float32)``. With ``v`` the per-test scores of
    the state judged last (0 before the first), the reward of a step is the change of ``v``: the
    undiscounted return of an episode is the per-test result of the state it ended in, and no loop
    of submissions earns more than solving does. A step that judges nothing changes nothing. A
    function is judged with each submission; a workspace when it is submitted and when the turns
    are used up, or with ``dense`` after every turn.

    ## Episode Termination
    Terminated when the state judged passes every test, and when a workspace is submitted. Truncated
    after ``max_turns`` steps, and after an infrastructure failure, which is no verdict:
    ``info["has_verdict"]`` is False, the reward 0.

    ## Info
    ``task, turn, action_valid, has_verdict, evaluated, status, passed, score, tests,
    reward_components, tools``; ``tests`` lists ``{id, public, status, score}`` of the latest
    verdict. A function task adds ``hack_report``, signs of cheating in the submission judged last,
    which are no part of the reward (:func:`deepgym_env.hack_report.hack_report`). No time, id or path
    is in it: the same seed and actions give the same info.

    ## Branching
    ``snapshot``, ``restore`` and ``fork`` keep, bring back and copy an episode with its workspace,
    turns, shell state and reward state, as tree search needs it.

    ## Arguments
    ``gym.make("DeepGym/coin_change", max_turns=8, fresh_tests=False)``. ``reset(seed=s)`` draws
    the task of seed ``s``; with ``fresh_tests`` every reset draws a new one, with the same tests'
    number.

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
        task: str | AnyTask,
        *,
        max_turns: int | None = None,
        fresh_tests: bool = False,
        dense: bool = False,
        engine: DeepGym | None = None,
        render_mode: str | None = None,
    ) -> None:
        """Make the environment of a task; no sandbox is started yet.

        Args:
            task: Id of a task (built-in, an imported benchmark's, or registered), or a task.
            max_turns: Steps after which an episode is truncated; by default 8 for a function, and
                for a workspace what its task says.
            fresh_tests: Draw a new seed at every reset; needs a task that draws its tests, by id.
            dense: Judge a workspace after every turn, not only at the end.
            engine: The engine that judges; by default one shared by all environments.
            render_mode: ``ansi`` or None.

        Raises:
            UnknownTaskError: If there is no such task.
            ConfigError: If an option has a value that can't work.
        """
        if max_turns is not None and max_turns < 1:
            raise ConfigError(f"max_turns must be at least 1, got {max_turns!r}")
        if render_mode not in (None, "ansi"):
            raise ConfigError(f"render_mode must be 'ansi' or None, got {render_mode!r}")
        if fresh_tests and not isinstance(task, str):
            raise ConfigError("fresh_tests needs the id of a task that draws its tests: a Task's tests are fixed")
        if fresh_tests and isinstance(task, str) and not draws_tests(task):
            whose = "the benchmark's" if benchmark_of(task) is not None else "fixed"
            raise ConfigError(f"fresh_tests needs a task that draws its tests: the tests of {task} are {whose}")
        self._task_id = task if isinstance(task, str) else None
        self.task = load_task(task) if isinstance(task, str) else task
        _insist_dense_fits(self.task, dense)
        self._options: dict[str, Any] = {
            "max_turns": max_turns,
            "fresh_tests": fresh_tests,
            "dense": dense,
            "engine": engine,
            "render_mode": render_mode,
        }
        self.max_turns = turns_of(self.task, max_turns)
        self.render_mode = render_mode
        self._lease: Lease | None = None
        self._episode: Episode[Any] | None = None
        self._abandon: weakref.finalize[..., CodingEnv] | None = None
        self.observation_space = UnicodeText()
        self.action_space = UnicodeText()
        self.reward_space = Box(-1.0, 1.0, (len(self.task.tests),), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[str, dict[str, Any]]:
        """Begin an episode; return the prompt and the info of a state nothing passes in."""
        return self._do(self.resetting(seed))

    def step(self, action: Action) -> tuple[str, Vector, bool, bool, dict[str, Any]]:
        """Take a turn.

        Returns:
            What the action's calls answered, the change of the per-test scores (float32,
            ``(n_tests,)``), whether the task is solved or submitted, whether the episode is cut
            off, and the info.

        Raises:
            ResetNeeded: If the episode is over.
        """
        return self.settle(self._do(self.stepping(action)))

    def resetting(self, seed: int | None = None) -> Coroutine[Any, Any, tuple[str, dict[str, Any]]]:
        """Choose the task of the next episode; return the work of beginning it, for the engine's loop."""
        gym.Env.reset(self, seed=seed)
        self.task = self.draw(seed)
        episode = self._episode or self._new_episode()
        return self.begin(episode)

    def stepping(self, action: Action) -> Coroutine[Any, Any, Transition]:
        """Return the work of a turn, for the engine's loop; :meth:`settle` its outcome.

        Raises:
            ResetNeeded: If the episode is over.
        """
        episode = self._episode
        if episode is None or episode.over:
            raise ResetNeeded("the episode is over: call reset() before step()")
        return episode.step(action)

    def draw(self, seed: int | None) -> AnyTask:
        """Return the task of the next episode."""
        if self._task_id is None:
            return self.task
        if self._options["fresh_tests"]:
            return load_task(self._task_id, int(self.np_random.integers(2**31)))
        return self.task if seed is None else load_task(self._task_id, seed)

    async def begin(self, episode: Episode[Any]) -> tuple[str, dict[str, Any]]:
        """Begin an episode of the task chosen."""
        begun: tuple[str, dict[str, Any]] = await episode.reset(self.task)
        return begun

    def settle(self, transition: Transition) -> tuple[str, Vector, bool, bool, dict[str, Any]]:
        """Return a turn's outcome as Gymnasium has it."""
        return transition

    def snapshot(self) -> EpisodeSnapshot:
        """Keep the episode as it is now; :meth:`restore` brings it back, here or in another environment."""
        episode = self._begun()
        return self._call(lambda _: episode.snapshot())

    def restore(self, snapshot: EpisodeSnapshot) -> None:
        """Make the episode as it was when the snapshot was taken.

        Raises:
            SandboxError: If the sandbox that held it is gone, and repeating its turns in a new one
                gave other answers.
        """
        episode = self._episode or self._new_episode()
        self._call(lambda _: episode.restore(snapshot))
        self.task = episode.task

    def forget(self, snapshot: EpisodeSnapshot) -> None:
        """Give up what a snapshot holds in the sandbox; else it stays until the engine is closed."""
        episode = self._begun()
        self._call(lambda _: episode.forget(snapshot))

    def fork(self) -> CodingEnv:
        """Return another environment whose episode goes on from where this one is."""
        episode = self._begun()
        other = copy.copy(self)
        other.np_random = copy.deepcopy(self.np_random)
        other._lease = other._abandon = None
        other._keep(self._call(lambda _: episode.fork()))
        return other

    @property
    def session(self) -> Workspace:
        """The session of a workspace's episode, to look into; asynchronous, see :meth:`DeepGym.call`.

        Raises:
            ConfigError: If the task has none.
        """
        episode = self._begun()
        if not isinstance(episode, WorkspaceEpisode):
            raise ConfigError(f"{self.task.id!r} has no session: it is answered by one submission")
        return episode.session

    def render(self) -> str | None:
        """Return the latest observation under a line with task and score, in ``ansi`` mode."""
        if self.render_mode != "ansi":
            return None
        episode = self._begun()
        score = float(episode.vector.mean())
        return f"{self.task.id}: turn {episode.turn} of {episode.max_turns}, score {score:.2f}\n\n{episode.shown}"

    def close(self) -> None:
        """End the session and give the share in the engine back; ``reset`` starts both again."""
        episode, self._episode = self._episode, None
        if self._abandon is not None:
            self._abandon.detach()
        if episode is not None and not self._engine.closed:
            self._call(lambda _: episode.end())
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    # ── the engine behind it ──────────────────────────────────────────────────────────────

    @property
    def _engine(self) -> DeepGym:
        own: DeepGym | None = self._options["engine"]
        if own is not None:
            return own
        if self._lease is None:
            self._lease = lease_engine(self)
        return self._lease.engine

    def _call(self, ask: Callable[[AsyncDeepGym], Coroutine[Any, Any, _T]]) -> _T:
        return self._engine.call(ask)

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        try:
            return self._call(lambda _: work)
        except ClosedError:
            work.close()  # it may never have begun, of which Python would warn
            raise

    def _begun(self) -> Episode[Any]:
        if self._episode is None:
            raise ResetNeeded("no episode has begun: call reset() first")
        return self._episode

    def _new_episode(self) -> Episode[Any]:
        async def make(engine: AsyncDeepGym) -> Episode[Any]:
            return self._episode_of(engine)

        return self._keep(self._call(make))

    def _episode_of(self, engine: AsyncDeepGym) -> Episode[Any]:
        """Return an episode for the kind of task there is, not yet begun."""
        return episode_of(engine, self.task, max_turns=self._options["max_turns"], dense=self._options["dense"])

    def _keep(self, episode: Episode[Any]) -> Episode[Any]:
        """Take an episode as this environment's; it is closed when the environment is collected."""
        self._episode = episode
        self._abandon = weakref.finalize(self, self._engine.post, lambda _: episode.end())
        self._abandon.atexit = False
        return episode


def tools_of(task: AnyTask) -> tuple[Tool, ...]:
    """Return the tools an agent has in an episode of a task.

    Example:
        >>> [tool.name for tool in tools_of(load_task("two_sum"))]
        ['submit', 'run_code']
    """
    return WorkspaceEpisode.tools_of(task) if isinstance(task, WorkspaceTask) else SubmissionEpisode.tools_of(task)


def episode_of(
    engine: AsyncDeepGym, task: AnyTask, *, max_turns: int | None = None, dense: bool = False
) -> Episode[Any]:
    """Return an episode for the kind of task, not yet begun, as :class:`CodingEnv` drives it.

    Raises:
        ConfigError: If ``dense`` doesn't go with the task.
    """
    _insist_dense_fits(task, dense)
    if isinstance(task, WorkspaceTask):
        return WorkspaceEpisode(engine, task, max_turns=max_turns, dense=dense)
    return SubmissionEpisode(engine, task, max_turns=max_turns)


def _insist_dense_fits(task: AnyTask, dense: bool) -> None:
    if dense and isinstance(task, SubmissionTask):
        raise ConfigError("dense is for workspace tasks: any other is judged with every submission anyway")
