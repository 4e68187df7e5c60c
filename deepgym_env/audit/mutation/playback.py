"""Plays the scripted reference agent of a workspace, so that it can be played again with one file otherwise.

- :class:`Playback`: the episode, kept at each turn that left other Python files.
- :class:`Work`: a Python file the agent left; :class:`Ending`: what a state came to.

What is played again is what follows the turn that left the file as it stays, without turns that changed nothing: so a
program whose results are handed in makes them anew, and a commit holds what it would have held.
"""

from __future__ import annotations

import ast
import json
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Any

from deepgym_env.blocking import DeepGym
from deepgym_env.errors import RefusedError, SandboxError, TaskError
from deepgym_env.task import SessionLimits, WorkspaceTask
from deepgym_env.trials import solver_of

if TYPE_CHECKING:
    from deepgym_env.envs import CodingEnv
    from deepgym_env.envs.episode import EpisodeSnapshot

__all__ = ["Ending", "Playback", "Work"]

_SUBMIT = {"name": "submit", "arguments": {}}
_SHELL, _SERVICE, _UNREAD = (
    "shell",
    "service",
    "unread",
)  # what a state holds beside files, whose paths begin with a slash
_HOME = "/workspace/"
_STATE_BYTES = 1 << 22
# What lies in the workspace and beside it: path -> SHA-256, or where a link leads.
_LOOK = """
import hashlib, json, os
found = {}
for top in "/workspace", "/tmp":
    for place, folders, names in os.walk(top):
        folders[:] = [name for name in folders if name != "__pycache__"]
        found[place] = ""
        for path in (os.path.join(place, name) for name in names):
            if os.path.islink(path):
                found[path] = os.readlink(path)
            elif os.path.isfile(path):
                with open(path, "rb") as file:
                    found[path] = hashlib.sha256(file.read()).hexdigest()
print(json.dumps(found))
"""

_State = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Work:
    """A Python file the agent left.

    Attributes:
        path: Relative to the workspace.
        before: What it was to begin with; empty: it is new.
        after: What it is.
        turn: The turn that left it as it stays.
    """

    path: str
    before: str
    after: str
    turn: int


@dataclass(frozen=True, slots=True)
class Ending:
    """What a state came to.

    Attributes:
        passed: Whether every test passed.
        failed: The tests that didn't.
        state: What was there, if all did: files by path with their contents' hash, shell and service.
    """

    passed: bool
    failed: frozenset[str]
    state: _State


class Playback:
    """The reference agent's episode; use as a context manager, which plays it.

    Example:
        >>> from deepgym_env import load_task
        >>> with DeepGym(workers=1) as dg, Playback(dg, load_task("debug_fix")) as playback:
        ...     [work.path for work in playback.works]
        ...     playback.again(playback.works[0], "").passed
        ['stats.py']
        False
    """

    def __init__(self, dg: DeepGym, task: WorkspaceTask) -> None:
        """Play ``task`` on ``dg``."""
        self._dg = dg
        self._task = task
        self._roomy = SessionLimits(**{**task.limits.model_dump(), "output_bytes": _STATE_BYTES})
        self._env = self._new_env()
        self._actions: list[Any] = []
        self._states: list[_State] = []  # that before the first turn first
        self._kept: dict[int, EpisodeSnapshot] = {}
        self.works: tuple[Work, ...] = ()

    def __enter__(self) -> Playback:
        """Play the episode.

        Raises:
            TaskError: If the script fails, or what it leaves doesn't pass.
            SandboxError: If there is no verdict.
        """
        try:
            self._play()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Give up what is kept."""
        self.close()

    def close(self) -> None:
        """Give up what is kept."""
        for snapshot in self._kept.values():
            self._env.forget(snapshot)
        self._kept.clear()
        self._env.close()

    def repeats(self, work: Work) -> bool:
        """Return whether anything happens after a file is as it stays, and so is played again."""
        return bool(self._following(work.turn))

    def again(self, work: Work, source: str) -> Ending:
        """Play the episode again from where ``work`` is as it stays, with another source in its place."""
        return self._again(work.turn, {"name": "write_file", "arguments": {"path": work.path, "content": source}})

    def without(self, work: Work) -> Ending:
        """Have the state judged that the agent left, without a file."""
        return self._again(len(self._actions), {"name": "bash", "arguments": {"command": _removal(work.path)}})

    def same(self, ending: Ending, work: Work) -> bool:
        """Return whether a state is the one the agent left, apart from a file."""
        return not _changed(self._states[-1], ending.state) - {_HOME + work.path}

    # ── playing ───────────────────────────────────────────────────────────────────────────

    def _play(self) -> None:
        env, script = self._env, solver_of(self._task)()
        env.reset(seed=self._task.seed)
        self._states.append(self._state(env))
        before = self._sources(self._states[0])
        turns: dict[str, int] = {}
        try:
            action = next(script)
            while not _submits(action):
                seen, *_, info = env.step(action)
                self._note(action, info, turns)
                action = script.send(seen)
        except StopIteration:
            pass
        except SandboxError:
            raise
        except Exception as error:  # the author's script found the workspace other than it thought
            raise TaskError(f"solve.py of {self._task.id!r}: {type(error).__name__}: {error}") from error
        self._kept[len(self._actions)] = env.snapshot()
        after, moved = self._sources(self._states[-1]), set(before.values())
        self.works = tuple(
            Work(path, before.get(path, ""), source, turns[path])
            for path, source in sorted(after.items())
            if source not in moved
        )
        _, *_, info = env.step(_SUBMIT)
        if not _verdict(self._task, info)["passed"]:
            failed = ", ".join(sorted(_failed(info)))
            raise TaskError(f"what solve.py of {self._task.id!r} leaves does not pass: {failed}")

    def _note(self, action: Any, info: Mapping[str, Any], turns: dict[str, int]) -> None:
        """Note a turn, and keep the state if it left other Python files."""
        _verdict(self._task, info)
        state = self._state(self._env)
        self._actions.append(action)
        self._states.append(state)
        if _UNREAD in state:
            raise TaskError(f"what solve.py of {self._task.id!r} leaves can't be looked at: {state[_UNREAD]}")
        turn = len(self._actions)
        changed = [key[len(_HOME) :] for key in _changed(self._states[-2], state) if _is_source(key)]
        turns.update(dict.fromkeys(changed, turn))
        if changed:
            self._kept[turn] = self._env.snapshot()

    def _following(self, turn: int) -> list[Any]:
        """Return the actions after a turn that changed anything."""
        pairs = zip(self._states[turn:], self._states[turn + 1 :], strict=False)
        return [action for action, pair in zip(self._actions[turn:], pairs, strict=True) if _changed(*pair)]

    def _again(self, turn: int, change: dict[str, Any]) -> Ending:
        env = self._new_env()
        try:
            env.restore(self._kept[turn])
            for action in (change, *self._following(turn), _SUBMIT):
                _, *_, info = env.step(action)
                _verdict(self._task, info)
            passed = bool(info["passed"])
            return Ending(passed, _failed(info), self._state(env) if passed else {})
        finally:
            env.close()

    def _new_env(self) -> CodingEnv:
        from deepgym_env.envs import CodingEnv

        return CodingEnv(self._task, engine=self._dg, max_turns=2 * self._task.max_turns + 3)

    # ── looking ───────────────────────────────────────────────────────────────────────────

    def _state(self, env: CodingEnv) -> _State:
        session = env.session

        async def look() -> _State:
            command = ["python3", "-I", "-S", "-c", _LOOK]
            ran = await session.exec(command, merge=False, shell_state=False, cwd="/", limits=self._roomy)
            shell = await session.exec("pwd; export -p")
            kept = await session.service_state() if self._task.service else None
            if ran.code != 0 or ran.truncated:
                return {_SHELL: shell.stdout, _UNREAD: ran.stderr or "there is too much"}
            return {**json.loads(ran.stdout), _SHELL: shell.stdout, _SERVICE: repr(kept)}

        return self._dg.call(lambda _: look())

    def _sources(self, state: _State) -> dict[str, str]:
        """Return the Python files there are; none that only has the name of one."""
        session, paths = self._env.session, [key[len(_HOME) :] for key in state if _is_source(key)]

        async def read(path: str) -> bytes:
            try:
                return await session.read(path)
            except RefusedError:  # a link, or a file too large
                return b""

        found = {}
        for path in paths:
            data = self._dg.call(lambda _, path=path: read(path))  # type: ignore[misc]
            try:
                ast.parse(data)
                found[path] = data.decode()
            except (SyntaxError, ValueError):
                continue
        return found


def _is_source(key: str) -> bool:
    return key.startswith(_HOME) and key.endswith(".py")


def _changed(before: _State, after: _State) -> set[str]:
    return {key for key in before.keys() | after.keys() if before.get(key) != after.get(key)}


def _removal(path: str) -> str:
    return f"rm -f -- {shlex.quote(_HOME + path)}"


def _submits(action: Any) -> bool:
    return isinstance(action, Mapping) and action.get("name") == "submit"


def _verdict(task: WorkspaceTask, info: Mapping[str, Any]) -> Mapping[str, Any]:
    if not info["has_verdict"]:
        raise SandboxError(f"the sandbox of {task.id!r} failed: there is no verdict")
    return info


def _failed(info: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(test["id"] for test in info["tests"] if test["score"] != 1.0)
