"""Episodes of workspace tasks: an agent works in a live sandbox, turn by turn.

- :class:`WorkspaceEpisode`, and the tools an agent has in it.
"""

from __future__ import annotations

from typing import ClassVar

from deepgym_env.actions import Tool, describe_tools
from deepgym_env.engine import AsyncDeepGym
from deepgym_env.envs.episode import Episode, EpisodeSnapshot
from deepgym_env.errors import ClosedError, RefusedError, SandboxError
from deepgym_env.feedback import feedback
from deepgym_env.sandbox import Command, Entry
from deepgym_env.sandbox.workspace import Keepsake, Workspace
from deepgym_env.task import SessionLimits, WorkspaceTask

__all__ = ["WorkspaceEpisode"]

_SHELLS = ("bash", "sh", "shell", "console", "zsh")
_READ_BYTES = 1 << 20
_LISTED = 200


class WorkspaceEpisode(Episode[WorkspaceTask]):
    """The state is judged when the agent submits, when the turns are used up, or after every turn."""

    fences: ClassVar = dict.fromkeys(_SHELLS, ("bash", "command"))

    def __init__(
        self, engine: AsyncDeepGym, task: WorkspaceTask, *, max_turns: int | None = None, dense: bool = False
    ) -> None:
        """Make the episode of a task; ``dense`` judges after every turn."""
        super().__init__(engine, task, max_turns=max_turns)
        self._dense = dense
        self._session: Workspace | None = None
        self._submitted = False

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools of a workspace; ``run_tests`` only where the task has public ones."""
        return self.tools_of(self.task)

    @staticmethod
    def tools_of(task: WorkspaceTask) -> tuple[Tool, ...]:
        """Return the tools an agent has in episodes of a task."""
        return tuple(tool for tool in _TOOLS if tool.name != "run_tests" or task.public_tests)

    @property
    def session(self) -> Workspace:
        """The session of the episode under way.

        Raises:
            SandboxError: If there is none: it could not be started.
        """
        if self._session is None:
            raise SandboxError("the workspace could not be provided")
        return self._session

    def prompt(self) -> str:
        """Return the task's prompt and a description of the tools."""
        return f"{self.task.prompt.rstrip()}\n\n{describe_tools(self.tools)}"

    async def begin(self) -> None:
        """Provide the workspace."""
        self._submitted = False
        self._session = await self.engine.session(self.task)

    async def conclude(self, last: bool) -> bool:
        """Judge the state where it is due."""
        if self._submitted or self._dense or last:
            result = await self.engine.judge(self.task, self.session)
            self.judged(result)
            if self._submitted:
                self.shown = f"{self.shown}\n\n{feedback(result)}" if self.shown else feedback(result)
        return self._submitted

    @property
    def finished(self) -> bool:
        """Whether the agent has submitted."""
        return self._submitted

    async def recover(self) -> bool:
        """Repeat the turns so far in a new sandbox; True if every answer is what it was."""
        await self.close()
        await self.begin()
        for action, shown in self._history:
            if await self._act(self.read(action)) != shown:
                return False
        return True

    def copy(self) -> WorkspaceEpisode:
        """Return another episode of the same make, not yet begun."""
        return WorkspaceEpisode(self.engine, self.task, max_turns=self._max_turns, dense=self._dense)

    def submit(self) -> None:
        """End the episode with this turn."""
        self._submitted = True

    async def close(self) -> None:
        """End the session."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def test(self) -> str:
        """Run the public tests; return how they went."""
        result = await self.engine.judge(self.task, self.session, tests=self.task.public_tests)
        if not result.has_verdict:
            raise SandboxError(result.details)
        if result.passed:
            return f"All {len(result.cases)} public tests pass. The hidden ones are run when you submit."
        return feedback(result)

    async def _keep(self) -> Keepsake | None:
        try:
            return await self.session.snapshot()
        except (SandboxError, ClosedError):
            if not await self.recover():
                raise
        return await self.session.snapshot()

    async def _bring_back(self, snapshot: EpisodeSnapshot) -> None:
        self._submitted = False
        kept = snapshot.session
        if kept is None:
            await self.close()
        elif not await self._restored(kept) and not await self.recover():
            raise SandboxError("the snapshot's sandbox is gone, and repeating its turns gave other answers")

    async def _restored(self, kept: Keepsake) -> bool:
        """Go on from a snapshot of a session, where it is; False if its sandbox is gone."""
        try:
            if self._session is not None and self._session.holds(kept):
                await self._session.restore(kept)
            else:
                await self.close()
                self._session = await self.engine.resume(kept)
        except (SandboxError, ClosedError):
            return False
        return True

    async def forget(self, snapshot: EpisodeSnapshot) -> None:
        """Give up the files of a snapshot."""
        kept = snapshot.session
        if kept is not None and kept.alive and self._session is not None and self._session.holds(kept):
            await self._session.drop(kept)


# ── tools: what they answer is what the agent reads ───────────────────────────────────────


async def bash(episode: WorkspaceEpisode, command: str) -> str:
    """Run a command in a bash shell. Directory and exported variables carry over to the next call.

    Args:
        command: What to run. It gets no input, and what it leaves in the background is ended with it.
    """
    try:
        return _report(await episode.session.exec(command), episode.session.limits)
    except RefusedError as error:
        return f"Error: {error}"


async def read_file(episode: WorkspaceEpisode, path: str) -> str:
    """Read a text file.

    Args:
        path: Relative to /workspace.
    """
    try:
        data = await episode.session.read(path, limit=_READ_BYTES)
    except RefusedError as error:
        return f"Error: {error}"
    text, cap = data.decode("utf-8", "replace"), episode.session.limits.output_bytes
    if len(text) <= cap:
        return text or "[the file is empty]"
    half, left_out = cap // 2, len(text) - 2 * (cap // 2)
    return f"{text[:half]}\n[... {left_out} characters left out ...]\n{text[-half:]}"


async def write_file(episode: WorkspaceEpisode, path: str, content: str) -> str:
    """Write a text file, new or over what was there; folders are made as needed.

    Args:
        path: Relative to /workspace.
        content: The whole text.
    """
    try:
        await episode.session.write(path, content)
    except RefusedError as error:
        return f"Error: {error}"
    return f"Wrote {path} ({len(content)} characters)."


async def edit_file(episode: WorkspaceEpisode, path: str, old: str, new: str) -> str:
    """Replace a piece of text that stands exactly once in a file.

    Args:
        path: Relative to /workspace.
        old: The text to replace, exactly as it stands, blanks and line breaks included.
        new: What to put in its place.
    """
    try:
        await episode.session.edit(path, old, new)
    except RefusedError as error:
        return f"Error: {error}"
    return f"Edited {path}."


async def list_files(episode: WorkspaceEpisode, path: str = ".", depth: int = 3) -> str:
    """List files and folders.

    Args:
        path: The folder to begin at, relative to /workspace.
        depth: How many levels down to look.
    """
    try:
        entries, complete = await episode.session.list(path, depth=max(1, min(depth, 32)), limit=_LISTED)
    except RefusedError as error:
        return f"Error: {error}"
    lines = [_line(entry) for entry in entries]
    return "\n".join(lines if complete else [*lines, "[more is left out]"]) or "[the folder is empty]"


async def run_tests(episode: WorkspaceEpisode) -> str:
    """Run the public tests on the workspace as it is now, and read how they went. Nothing ends by it."""
    return await episode.test()


async def submit(episode: WorkspaceEpisode) -> str:
    """Hand in the workspace as it is now. This ends the episode."""
    episode.submit()
    return ""


def _report(command: Command, limits: SessionLimits) -> str:
    why = {
        "cpu": f"ended: it used more than {limits.cpu_seconds:g} s of CPU time",
        "wall": f"ended: it waited for more than {limits.wall_seconds:g} s",
        "memory": f"ended: it used more than {limits.memory_mb} MiB of memory",
        "output": "ended: it wrote too much",
    }
    lines = [command.stdout.rstrip("\n")] if command.stdout.strip() else []
    if command.reason is not None:
        lines.append(f"[{why[command.reason]}]")
    elif command.code != 0:
        lines.append(f"[exit code {command.code}]")
    return "\n".join(lines) or "[no output]"


def _line(entry: Entry) -> str:
    marks = {"folder": "/", "link": "@", "other": "="}
    name = entry.path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return name + marks[entry.kind] if entry.kind in marks else f"{name} ({entry.size} bytes)"


_TOOLS = tuple(
    Tool.from_function(function) for function in (bash, read_file, write_file, edit_file, list_files, run_tests, submit)
)
