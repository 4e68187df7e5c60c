"""Other servers' endpoints, and the pages: what the application has besides ``/v1``.

- :class:`Compatible`: SandboxFusion's, OpenRLHF's and VerlTool's routes, for clients that know only a URL.
- :func:`pages`: the viewer of a folder of logs, at ``/ui``.

Clients that can't send a key send it as a password in the URL (``http://key:dg_...@host``).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import RedirectResponse

from deepgym_env.integrations.live import LiveEpisodes
from deepgym_env.integrations.openrlhf import create_openrlhf_router
from deepgym_env.integrations.sandbox_fusion import create_sandbox_fusion_router
from deepgym_env.integrations.serving import keeping
from deepgym_env.integrations.verltool import create_verltool_router
from deepgym_env.server.auth import Caller, allowed, authorize
from deepgym_env.server.live.seats import share_of
from deepgym_env.server.problems import declared
from deepgym_env.server.services import Services, services_of

__all__ = ["Compatible", "pages"]

_THREADS = 64
_HEALTHY = {"status": "healthy"}


class Compatible:
    """The routes other servers have, with the keys and the room of this one.

    Attributes:
        router: The routes.
    """

    def __init__(self, services: Services) -> None:
        """Keep no episode yet."""
        settings = services.settings
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="deepgym-compatible")
        most, engine, room = settings.max_sessions, services.engine, services.capacity.reserve
        self._live = LiveEpisodes(ttl=settings.session_ttl, capacity=most, share=share_of(most), engine=engine)
        self.router = APIRouter(
            dependencies=[Depends(allowed("run"))],
            responses=declared(413, 415, 422, 503),
            generate_unique_id_function=lambda route: route.name,
        )
        self.router.include_router(
            create_sandbox_fusion_router(engine, concurrency=_THREADS, most_memory_mb=services.ceiling.memory_mb),
            dependencies=[Depends(_room)],
            responses=declared(404),
        )
        self.router.include_router(create_openrlhf_router(dg=engine, room=room))
        self.router.include_router(create_verltool_router(self._live, threads=self._threads, owner=_owner, room=room))
        self.router.add_api_route("/health", _health, methods=["GET"], tags=["episodes"], name="verltool_health")

    def running(self, app: object) -> AbstractAsyncContextManager[None]:
        """Return what goes on beside the requests: episodes nobody asks for are ended."""
        return keeping(self._live, _THREADS, self._threads.shutdown)(app)


def pages(runs: Path) -> APIRouter:
    """Return the pages that show a folder of logs, for browsers: they ask for a key as for a password.

    Raises:
        ConfigError: If the viewer's libraries aren't installed, or the folder can't be read.
    """
    from deepgym_env.optional import require

    require("jinja2", "/ui", "view")
    from deepgym_env.viewer.app import create_viewer_router

    runs.mkdir(parents=True, exist_ok=True)
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/ui", _to_pages, methods=["GET"])
    router.include_router(create_viewer_router(runs), prefix="/ui", dependencies=[Depends(_reader)])
    return router


async def _owner(caller: Annotated[Caller, Depends(allowed("run"))]) -> str:
    """Return whose a request's trajectories are: two keys may well have chosen the same ids."""
    return caller.id


async def _room(services: Annotated[Services, Depends(services_of)]) -> AsyncIterator[None]:
    """Take a place in the queue for as long as a request takes."""
    with services.capacity.reserve(1):
        yield


def _health() -> dict[str, str]:
    """Say that the server is up, as VerlTool's scripts ask it."""
    return _HEALTHY


def _to_pages() -> RedirectResponse:
    return RedirectResponse("ui/")


async def _reader(request: Request) -> None:
    """Insist on a key that may read; a browser then asks for it."""
    try:
        await authorize(request, "read")
    except HTTPException as error:
        if error.status_code == 401:
            raise HTTPException(401, error.detail, {"WWW-Authenticate": 'Basic realm="deepgym"'}) from error
        raise
