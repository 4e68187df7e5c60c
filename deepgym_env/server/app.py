"""The FastAPI application of the REST API.

- :func:`create_app`
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI

from deepgym_env._version import __version__
from deepgym_env.blocking import DeepGym
from deepgym_env.server.live.running import sessions_running
from deepgym_env.server.routes import sessions, workspaces
from deepgym_env.server.services import Services
from deepgym_env.server.settings import Settings
from deepgym_env.server.store.database import Database

__all__ = ["create_app"]


def create_app(settings: Settings | None = None, *, engine: DeepGym | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: How it behaves.
        engine: What judges; by default one of its own, closed at its end.
    """
    settings = settings or Settings()
    judging = engine or DeepGym()
    database = Database(settings.database)
    services = Services(settings, judging, database)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with sessions_running(services):
            yield
        if engine is None:
            judging.close()
        database.close()

    app = FastAPI(title="DeepGym", version=__version__, lifespan=lifespan)
    app.state.services = services
    app.include_router(sessions.router)
    app.include_router(workspaces.router)
    return app
