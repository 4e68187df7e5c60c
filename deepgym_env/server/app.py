"""The FastAPI application of the REST API.

- :func:`create_app`
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI

from deepgym_env._version import __version__
from deepgym_env.blocking import DeepGym
from deepgym_env.server.jobs.dispatcher import jobs_running
from deepgym_env.server.routes import jobs
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

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with jobs_running(app.state.services):
            yield
        if engine is None:
            judging.close()
        database.close()

    app = FastAPI(title="DeepGym", version=__version__, lifespan=lifespan)
    app.state.services = Services(settings, judging, database)
    app.include_router(jobs.router)
    return app
