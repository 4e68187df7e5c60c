"""``/v1/sessions``: episodes of many turns.

- :data:`router`
"""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from deepgym_env.remote.wire import Problem
from deepgym_env.remote.wire_sessions import (
    ResetSession,
    SessionList,
    SessionState,
    SnapshotName,
    StartSession,
    StepAnswer,
    StepRequest,
)
from deepgym_env.server.answers import answered, refusing
from deepgym_env.server.auth import Caller, allowed
from deepgym_env.server.live.running import Live, live_of

__all__ = ["router"]

_PROBLEMS: dict[int | str, dict[str, Any]] = {
    404: {"model": Problem, "description": "There is no such session, snapshot or task, or it is somebody else's."},
    409: {"model": Problem, "description": "The episode is over, or a step's name stands for another step."},
    422: {"model": Problem, "description": "Something in the request doesn't fit."},
    429: {"model": Problem, "description": "The key has as many sessions as one may."},
    503: {"model": Problem, "description": "There are as many sessions as may be, or no sandbox is to be had."},
}
router = APIRouter(prefix="/v1/sessions", tags=["sessions"], responses=_PROBLEMS)
_Live = Annotated[Live, Depends(live_of)]
_Caller = Annotated[Caller, Depends(allowed("run"))]


@router.post("", status_code=201, response_model=SessionState, operation_id="start_session")
async def start(request: StartSession, live: _Live, caller: _Caller) -> Response:
    """Begin an episode; the answer has the prompt and the tools."""
    with refusing():
        return answered(live.sessions.state(await live.sessions.start(caller.id, request)), 201)


@router.get("", response_model=SessionList, operation_id="list_sessions")
async def listed(live: _Live, caller: _Caller) -> Response:
    """List your episodes under way."""
    return answered(SessionList(sessions=[live.sessions.state(each) for each in live.sessions.of(caller.id)]))


@router.get("/{session}", response_model=SessionState, operation_id="show_session")
async def show(session: str, live: _Live, caller: _Caller) -> Response:
    """Show where an episode is."""
    with refusing():
        return answered(live.sessions.state(live.sessions.get(caller.id, session)))


@router.post("/{session}/steps", response_model=StepAnswer, operation_id="step_session")
async def step(session: str, request: StepRequest, live: _Live, caller: _Caller) -> Response:
    """Take a turn. The same `step_id` again, also while it is still taken, gives the same answer."""
    with refusing():
        return answered(await live.sessions.get(caller.id, session).step(request.step_id, request.action))


@router.post("/{session}/reset", response_model=SessionState, operation_id="reset_session")
async def reset(session: str, request: ResetSession, live: _Live, caller: _Caller) -> Response:
    """Begin anew; steps may have the names of earlier ones."""
    with refusing():
        held = live.sessions.get(caller.id, session)
        await held.reset(request.seed)
        return answered(live.sessions.state(held))


@router.post("/{session}/snapshot", response_model=SnapshotName, operation_id="snapshot_session")
async def snapshot(session: str, live: _Live, caller: _Caller) -> Response:
    """Keep the episode as it is now: files, shell, turns and reward. It is kept until the session ends."""
    with refusing():
        return answered(SnapshotName(snapshot=await live.sessions.get(caller.id, session).snapshot()))


@router.post("/{session}/restore", response_model=SessionState, operation_id="restore_session")
async def restore(session: str, request: SnapshotName, live: _Live, caller: _Caller) -> Response:
    """Make the episode as it was; steps taken since may be taken again."""
    with refusing():
        held = live.sessions.get(caller.id, session)
        await held.restore(request.snapshot)
        return answered(live.sessions.state(held))


@router.post("/{session}/drop", status_code=204, operation_id="drop_session_snapshot")
async def drop(session: str, request: SnapshotName, live: _Live, caller: _Caller) -> None:
    """Forget a snapshot."""
    with refusing():
        await live.sessions.get(caller.id, session).drop(request.snapshot)


@router.post("/{session}/fork", status_code=201, response_model=SessionState, operation_id="fork_session")
async def fork(session: str, live: _Live, caller: _Caller) -> Response:
    """Begin an episode that goes on from where this one is; it knows the steps taken so far."""
    with refusing():
        return answered(live.sessions.state(await live.sessions.fork(live.sessions.get(caller.id, session))), 201)


@router.delete("/{session}", status_code=204, operation_id="end_session")
async def end(session: str, live: _Live, caller: _Caller) -> None:
    """End an episode, also under a step that still goes on."""
    with refusing():
        await live.sessions.end(live.sessions.get(caller.id, session))
