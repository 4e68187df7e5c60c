"""Sessions a server keeps for an engine.

- :class:`RemoteSessions`
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from pydantic import ValidationError

from deepgym_env.distant_session import DistantSession, DistantSnapshot
from deepgym_env.errors import ClosedError, ConfigError, DeepGymError
from deepgym_env.remote.http import Connection, Repeat, UnavailableError
from deepgym_env.remote.naming import TaskName, TaskNames
from deepgym_env.remote.wire import Verdict
from deepgym_env.remote.wire_workspaces import JudgeRequest, OpenedWorkspace, OpenWorkspace
from deepgym_env.remote.workspace_calls import error_of, received, sent
from deepgym_env.result import RunResult
from deepgym_env.task import File, SessionLimits, StateTest, WorkspaceTask

__all__ = ["RemoteSessions"]

_ONCE = ("exec", "edit")  # done twice they do something else


class RemoteSessions:
    """Opens sessions at a server, and carries their calls."""

    def __init__(self, connection: Connection, names: TaskNames) -> None:
        """Have no session yet."""
        self._connection, self._names = connection, names
        self._open: set[str] = set()

    @property
    def paths(self) -> list[str]:
        """Where the sessions are that nobody has closed."""
        return [_path(session) for session in self._open]

    async def open(
        self, task: WorkspaceTask | None, *, files: Sequence[File], limits: SessionLimits | None, ttl: float | None
    ) -> DistantSession:
        """Open a session; see :meth:`Executor.session`."""
        named = _fields(await self._names.name_of(task)) if task is not None else {}
        held = [{"path": file.path, "data": file.data, "executable": file.executable} for file in files]
        request = OpenWorkspace.model_validate({**named, "files": held, "limits": limits, "ttl": ttl})
        opened = await self._connection.ask_for(OpenedWorkspace, "POST", "/v1/workspaces", body=request.model_dump())
        self._open.add(opened.id)
        home, isolation = self._connection.address.url, opened.isolation.isolation()
        return DistantSession(opened.id, opened.limits, self._call, home=home, isolation=isolation)

    async def resume(self, snapshot: Any) -> DistantSession:
        """Start a session as another one was when the snapshot was taken."""
        if not isinstance(snapshot, DistantSnapshot) or snapshot.home != self._connection.address.url:
            raise ConfigError("the snapshot is of another place than this engine works in: use the engine it is of")
        return await DistantSession.resumed(snapshot, self._call)

    async def judge(self, task: WorkspaceTask, session: DistantSession, tests: Sequence[StateTest] | None) -> RunResult:
        """Judge the state of a session."""
        named = _fields(await self._names.name_of(task))
        request = JudgeRequest(**named, tests=None if tests is None else [test.id for test in tests])
        path = f"{_path(session.id)}/judge"
        return (
            await self._connection.ask_for(Verdict, "POST", path, body=request.model_dump(), meaning=_judging)
        ).result()

    async def _call(self, operation: str, arguments: Mapping[str, Any]) -> Any:
        """Carry a session's call."""
        more = dict(arguments)
        session = more.pop("session", None)
        path = "/v1/workspaces" if session is None else _path(session)
        if operation == "close":
            self._open.discard(session)
            await self._connection.ask("DELETE", path, meaning=error_of, repeat="never")
            return None
        repeat: Repeat = "undone" if operation in _ONCE else "always"
        body = sent(operation, more)
        answer = await self._connection.ask("POST", f"{path}/{operation}", body, meaning=error_of, repeat=repeat)
        try:
            result = received(operation, answer)
        except (ValidationError, TypeError) as error:
            raise self._connection.not_understood(error) from error
        if operation in ("fork", "resume"):
            self._open.add(result)
        return result


def _judging(status: int, detail: str) -> DeepGymError | None:
    """Return what a session that can't be judged comes to: it is over, or it was lost."""
    if status in (404, 409):
        return ClosedError(detail)
    return UnavailableError(detail, gone=False) if status == 410 else None


def _path(session: str) -> str:
    return f"/v1/workspaces/{quote(session, safe='')}"


def _fields(name: TaskName) -> dict[str, Any]:
    """Return the fields that name a task."""
    return {"task": name.text} if name.text is not None else {"environment": name.name, "seed": name.seed}
