"""``/v1/sessions``: episodes of many turns.

- :data:`router`
"""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Response

from deepgym_env.remote.wire_sessions import (
    ResetSession,
    SessionList,
    SessionState,
    SnapshotName,
    StartSession,
    StepAnswer,
    StepRequest,
)
from deepgym_env.server.answers import answered
from deepgym_env.server.auth import Caller, allowed
from deepgym_env.server.live.running import Live, live_of
from deepgym_env.server.problems import declared

__all__ = ["router"]

router = APIRouter(prefix="/v1/sessions", tags=["sessions"], responses=declared(404, 409, 413, 415, 422, 503))
_Live = Annotated[Live, Depends(live_of)]
_Caller = Annotated[Caller, Depends(allowed("run"))]


@router.post("", status_code=201, response_model=SessionState, operation_id="start_session", summary="Begin an episode")
async def start(request: StartSession, live: _Live, caller: _Caller) -> Response:
    """Begin an episode; the answer has the prompt and the tools."""
    return answered(live.sessions.state(await live.sessions.start(caller.id, request)), 201)


@router.get("", response_model=SessionList, operation_id="list_sessions", summary="List your episodes")
async def listed(live: _Live, caller: _Caller) -> Response:
    """List your episodes under way."""
    mine = live.sessions.of(caller.id)
    return answered(SessionList(sessions=[live.sessions.state(each).summary() for each in mine]))


@router.get("/{session}", response_model=SessionState, operation_id="show_session", summary="Show an episode")
async def show(session: str, live: _Live, caller: _Caller) -> Response:
    """Show where an episode is."""
    return answered(live.sessions.state(live.sessions.get(caller.id, session)))


@router.post("/{session}/steps", response_model=StepAnswer, operation_id="step_session", summary="Take a turn")
async def step(session: str, request: StepRequest, live: _Live, caller: _Caller) -> Response:
    """Take a turn. The same `step_id` again, also while it is still taken, gives the same answer."""
    return answered(await live.sessions.get(caller.id, session).step(request.step_id, request.action))


@router.post("/{session}/reset", response_model=SessionState, operation_id="reset_session", summary="Begin anew")
async def reset(session: str, live: _Live, caller: _Caller, request: ResetSession | None = None) -> Response:
    """Begin anew; steps may have the names of earlier ones."""
    held = live.sessions.get(caller.id, session)
    await held.reset(request.seed if request is not None else None)
    return answered(live.sessions.state(held))


@router.post(
    "/{session}/snapshot",
    response_model=SnapshotName,
    operation_id="snapshot_session",
    summary="Keep the episode as it is",
)
async def snapshot(session: str, live: _Live, caller: _Caller) -> Response:
    """Keep the episode as it is now: files, shell, turns and reward. It is kept until the session ends."""
    return answered(SnapshotName(snapshot=await live.sessions.get(caller.id, session).snapshot()))


@router.post(
    "/{session}/restore", response_model=SessionState, operation_id="restore_session", summary="Go back to a snapshot"
)
async def restore(session: str, request: SnapshotName, live: _Live, caller: _Caller) -> Response:
    """Make the episode as it was; steps taken since may be taken again."""
    held = live.sessions.get(caller.id, session)
    await held.restore(request.snapshot)
    return answered(live.sessions.state(held))


@router.post("/{session}/drop", status_code=204, operation_id="drop_session_snapshot", summary="Forget a snapshot")
async def drop(session: str, request: SnapshotName, live: _Live, caller: _Caller) -> None:
    """Forget a snapshot."""
    await live.sessions.get(caller.id, session).drop(request.snapshot)


@router.post(
    "/{session}/fork", status_code=201, response_model=SessionState, operation_id="fork_session", summary="Branch off"
)
async def fork(session: str, live: _Live, caller: _Caller) -> Response:
    """Begin an episode that goes on from where this one is; it knows the steps taken so far."""
    return answered(live.sessions.state(await live.sessions.fork(live.sessions.get(caller.id, session))), 201)


@router.delete("/{session}", status_code=204, operation_id="end_session", summary="End an episode")
async def end(session: str, live: _Live, caller: _Caller) -> None:
    """End an episode, also under a step that still goes on."""
    await live.sessions.end(live.sessions.get(caller.id, session))
