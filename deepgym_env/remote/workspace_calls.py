"""A distant session's calls as requests to ``/v1/workspaces/{id}/{operation}``.

- :func:`sent`, :func:`received`: a call's arguments as JSON, and what the JSON of its answer says.
- :func:`error_of`: what an answer that is a problem means.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from deepgym_env.errors import ClosedError, DeepGymError, RefusedError, SandboxError, UnknownSessionError
from deepgym_env.remote.wire import Message
from deepgym_env.remote.wire_sessions import SnapshotName
from deepgym_env.remote.wire_workspaces import (
    CommandOutcome,
    EditRequest,
    ExecRequest,
    FileContents,
    Listing,
    ListRequest,
    OpenedWorkspace,
    ReadRequest,
    ServiceState,
    WorkspaceIsolation,
    WriteRequest,
)
from deepgym_env.sandbox import Entry
from deepgym_env.task.base import problems_in

__all__ = ["error_of", "received", "sent"]

_REQUESTS: Mapping[str, type[Message]] = {
    "exec": ExecRequest,
    "read": ReadRequest,
    "edit": EditRequest,
    "list": ListRequest,
    "restore": SnapshotName,
    "drop": SnapshotName,
    "write": WriteRequest,
    "resume": SnapshotName,
}


def sent(operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body of the request that makes a call, for ``json.dumps``.

    Args:
        operation: A call of :data:`~deepgym_env.distant_session.Ask`.
        arguments: Its arguments; the session, which the address has, is left out.

    Raises:
        RefusedError: If an argument is nothing a session takes.

    Example:
        >>> sent("write", {"path": "a", "data": b"hi", "executable": False})
        {'text': None, 'data': 'aGk=', 'path': 'a', 'executable': False}
    """
    fields = {name: value for name, value in arguments.items() if name != "session"}
    if operation == "write" and isinstance(fields["data"], str):
        fields["text"] = fields.pop("data")
    made = _REQUESTS.get(operation)
    if made is None:
        return fields
    try:
        return made(**fields).model_dump()
    except ValidationError as error:
        raise RefusedError(f"{operation}: {problems_in(error)}") from error


def received(operation: str, answer: Mapping[str, Any]) -> Any:
    """Return what the JSON of an answer says, as the call returns it.

    Example:
        >>> received("read", {"data": "aGk="})
        b'hi'
    """
    if operation == "exec":
        return CommandOutcome(**answer).command()
    if operation == "read":
        return FileContents(**answer).data
    if operation == "list":
        listing = Listing(**answer)
        return [Entry(**dict(entry)) for entry in listing.entries], listing.complete
    if operation == "service_state":
        return ServiceState(**answer).state
    if operation == "snapshot":
        return SnapshotName(**answer).snapshot
    if operation in ("fork", "resume"):
        return OpenedWorkspace(**answer).id
    if operation == "isolation":
        return WorkspaceIsolation(**answer).isolation()
    return None


_ERRORS: Mapping[int, type[DeepGymError]] = {
    404: UnknownSessionError,
    409: ClosedError,
    410: SandboxError,
    422: RefusedError,
}


def error_of(status: int, detail: str) -> DeepGymError | None:
    """Return what a call on a workspace raises whose answer has that status; None if it is nothing of its own."""
    kind = _ERRORS.get(status)
    return kind(detail) if kind is not None else None
