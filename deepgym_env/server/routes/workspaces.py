"""``/v1/workspaces``: workspaces in a sandbox without an episode around them.

- :data:`router`
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Request, Response

from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.remote import wire_workspaces as wire
from deepgym_env.remote.wire import Problem, Verdict
from deepgym_env.remote.wire_sessions import SnapshotName, TaskFields
from deepgym_env.sandbox import Isolation
from deepgym_env.server.answers import answered
from deepgym_env.server.auth import Caller, allowed
from deepgym_env.server.live.running import Live, live_of
from deepgym_env.server.live.tasks import task_of
from deepgym_env.server.problems import declared
from deepgym_env.server.services import Services, services_of
from deepgym_env.server.work import wanted
from deepgym_env.task import StateTest, WorkspaceTask

__all__ = ["router"]

_LONG = ("exec", "judge")
_GONE: dict[int | str, dict[str, Any]] = {
    410: {"model": Problem, "description": "The sandbox it was in was lost, with all that was in it."}
}


class _Access:
    """The workspaces of a caller: a dependency."""

    def __init__(
        self,
        request: Request,
        live: Annotated[Live, Depends(live_of)],
        services: Annotated[Services, Depends(services_of)],
        caller: Annotated[Caller, Depends(allowed("run"))],
    ) -> None:
        self._request, self._live, self._caller, self._services = request, live, caller, services
        self.ttl = services.settings.session_ttl

    async def ask(self, operation: str, **arguments: Any) -> Any:
        """Perform an operation, see :meth:`Workspaces.perform`; a long one as long as the client is there.

        Raises:
            ConfigError: If limits are higher than they may be here.
            HTTPException: 410, if all there was is gone.
        """
        self._services.ceiling.check(arguments.get("limits"))
        work = self._live.workspaces.perform(self._caller.id, operation, arguments)
        try:
            return await (wanted(self._request, self._services, work) if operation in _LONG else work)
        except SandboxError as error:
            if operation == "open":  # there may be room later
                raise
            raise HTTPException(410, str(error)) from error

    async def task(self, named: TaskFields) -> WorkspaceTask:
        """Return the workspace task a request names."""
        task = await task_of(self._services.tasks, named)
        if not isinstance(task, WorkspaceTask):
            raise ConfigError(f"{task.id!r} is no workspace task: it is answered by one submission, at /v1/run")
        return task

    async def told(self, workspace: str) -> wire.OpenedWorkspace:
        """Return what is said of a workspace that was opened."""
        limits, isolation, ttl = await self.ask("describe", session=workspace)
        told = wire.WorkspaceIsolation.of(isolation)
        return wire.OpenedWorkspace(id=workspace, limits=limits, expires_in=ttl, isolation=told)


router = APIRouter(
    prefix="/v1/workspaces", tags=["workspaces"], responses={**declared(404, 409, 413, 415, 422, 503), **_GONE}
)
_Mine = Annotated[_Access, Depends(_Access)]


@router.post(
    "", status_code=201, response_model=wire.OpenedWorkspace, operation_id="open_workspace", summary="Open a workspace"
)
async def open_(request: wire.OpenWorkspace, mine: _Mine) -> Response:
    """Open a workspace: as a task begins, with files, or empty."""
    task = await mine.task(request) if request.names_one else None
    ttl = min(request.ttl or mine.ttl, mine.ttl)
    files = [file.file() for file in request.files]
    return answered(
        await mine.told(await mine.ask("open", task=task, files=files, limits=request.limits, ttl=ttl)), 201
    )


@router.post(
    "/resume",
    status_code=201,
    response_model=wire.OpenedWorkspace,
    operation_id="resume_workspace",
    summary="Open a workspace from a snapshot",
)
async def resume(request: SnapshotName, mine: _Mine) -> Response:
    """Open a workspace as another one was when a snapshot was taken."""
    return answered(await mine.told(await mine.ask("resume", snapshot=request.snapshot)), 201)


@router.post(
    "/{workspace}/exec", response_model=wire.CommandOutcome, operation_id="exec_in_workspace", summary="Run a command"
)
async def exec_(workspace: str, request: wire.ExecRequest, mine: _Mine) -> Response:
    """Run a command; the answer comes when it and all it started are over. Don't repeat one blindly."""
    return answered(wire.CommandOutcome.of(await mine.ask("exec", session=workspace, **dict(request))))


@router.post(
    "/{workspace}/read", response_model=wire.FileContents, operation_id="read_in_workspace", summary="Read a file"
)
async def read(workspace: str, request: wire.ReadRequest, mine: _Mine) -> Response:
    """Read a file."""
    return answered(wire.FileContents(data=await mine.ask("read", session=workspace, **dict(request))))


@router.post("/{workspace}/write", status_code=204, operation_id="write_in_workspace", summary="Write a file")
async def write(workspace: str, request: wire.WriteRequest, mine: _Mine) -> None:
    """Write a file, whole or not at all, with the folders it lies in."""
    path, data, executable = request.path, request.contents, request.executable
    await mine.ask("write", session=workspace, path=path, data=data, executable=executable)


@router.post("/{workspace}/edit", status_code=204, operation_id="edit_in_workspace", summary="Replace a piece of text")
async def edit(workspace: str, request: wire.EditRequest, mine: _Mine) -> None:
    """Replace a piece of text that stands exactly once in a file."""
    await mine.ask("edit", session=workspace, **dict(request))


@router.post(
    "/{workspace}/list", response_model=wire.Listing, operation_id="list_in_workspace", summary="List a folder"
)
async def list_(workspace: str, request: wire.ListRequest, mine: _Mine) -> Response:
    """List what lies below a folder."""
    return answered(wire.Listing.of(*await mine.ask("list", session=workspace, **dict(request))))


@router.post(
    "/{workspace}/service_state",
    response_model=wire.ServiceState,
    operation_id="service_state_of_workspace",
    summary="Show what its service kept",
)
async def service_state(workspace: str, mine: _Mine) -> Response:
    """Return what the workspace's service has kept."""
    return answered(wire.ServiceState(state=await mine.ask("service_state", session=workspace)))


@router.post(
    "/{workspace}/isolation",
    response_model=wire.WorkspaceIsolation,
    operation_id="isolation_of_workspace",
    summary="Show its isolation",
)
async def isolation(workspace: str, mine: _Mine) -> Response:
    """Return what isolates the workspace's commands."""
    found: Isolation = await mine.ask("isolation", session=workspace)
    return answered(wire.WorkspaceIsolation.of(found))


@router.post(
    "/{workspace}/snapshot",
    response_model=SnapshotName,
    operation_id="snapshot_workspace",
    summary="Keep the workspace as it is",
)
async def snapshot(workspace: str, mine: _Mine) -> Response:
    """Keep the workspace as it is now. A snapshot outlives it, and ends as a workspace does that nobody asks for."""
    return answered(SnapshotName(snapshot=await mine.ask("snapshot", session=workspace)))


@router.post("/{workspace}/restore", status_code=204, operation_id="restore_workspace", summary="Go back to a snapshot")
async def restore(workspace: str, request: SnapshotName, mine: _Mine) -> None:
    """Make the workspace as it was when the snapshot was taken, of this one or of another of yours."""
    await mine.ask("restore", session=workspace, snapshot=request.snapshot)


@router.post("/{workspace}/drop", status_code=204, operation_id="drop_workspace_snapshot", summary="Forget a snapshot")
async def drop(workspace: str, request: SnapshotName, mine: _Mine) -> None:
    """Forget a snapshot."""
    await mine.ask("drop", session=workspace, snapshot=request.snapshot)


@router.post(
    "/{workspace}/fork",
    status_code=201,
    response_model=wire.OpenedWorkspace,
    operation_id="fork_workspace",
    summary="Branch off",
)
async def fork(workspace: str, mine: _Mine) -> Response:
    """Open another workspace that begins as this one is now."""
    return answered(await mine.told(await mine.ask("fork", session=workspace)), 201)


@router.post(
    "/{workspace}/judge", response_model=Verdict, operation_id="judge_workspace", summary="Judge the workspace"
)
async def judge(workspace: str, request: wire.JudgeRequest, mine: _Mine) -> Response:
    """Judge the workspace as it is now by a task's tests; nothing in it changes."""
    task = await mine.task(request)
    tests = _tests_of(task, request.tests)
    return answered(Verdict.of(await mine.ask("judge", session=workspace, task=task, tests=tests)))


@router.delete("/{workspace}", status_code=204, operation_id="close_workspace", summary="End a workspace")
async def close(workspace: str, mine: _Mine) -> None:
    """End a workspace. One that is over already is none that fails."""
    await mine.ask("close", session=workspace)


def _tests_of(task: WorkspaceTask, names: list[str] | None) -> list[StateTest] | None:
    if names is None:
        return None
    known = {test.id: test for test in task.tests}
    missing = [name for name in names if name not in known]
    if missing or not names:
        raise ConfigError(f"tests must be ids of {task.id!r}'s tests, at least one, got {missing or names!a}")
    return [known[name] for name in names]
