"""The FastAPI application of the REST API.

- :func:`create_app`
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

from fastapi import FastAPI
from starlette.middleware.gzip import GZipMiddleware

from deepgym_env._version import __version__
from deepgym_env.blocking import DeepGym
from deepgym_env.server.admission import Admission
from deepgym_env.server.compatible import Compatible, pages
from deepgym_env.server.described import Described
from deepgym_env.server.gate import Gate
from deepgym_env.server.jobs.dispatcher import jobs_running
from deepgym_env.server.live.running import sessions_running
from deepgym_env.server.observing import Observing
from deepgym_env.server.problems import answer_problems
from deepgym_env.server.routes import (
    audit,
    docs,
    environments,
    health,
    jobs,
    programs,
    runs,
    sessions,
    workspaces,
)
from deepgym_env.server.services import Services
from deepgym_env.server.settings import Settings
from deepgym_env.server.store.database import Database

__all__ = ["create_app"]

_ROUTERS = (
    environments.router,
    runs.router,
    jobs.router,
    sessions.router,
    workspaces.router,
    programs.router,
    audit.router,
    health.router,
    docs.router,
)
_LARGE = 1 << 16  # bytes of an answer: from here on it is worth compressing

_DESCRIPTION = """\
Gymnasium environments for coding agents, judged test by test in a sandbox they can't leave.

What went wrong is told as `application/problem+json` (RFC 9457). An infrastructure failure is no verdict:
`has_verdict` is false and `score` is null.
"""


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
    compatible = Compatible(services)

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as running:
            # What goes on beside the requests is left before the engine is closed.
            await running.enter_async_context(jobs_running(services))
            app.state.live = await running.enter_async_context(sessions_running(services))
            await running.enter_async_context(compatible.running(app))
            yield
        if engine is None:
            judging.close()
        database.close()

    app = Described(
        title="DeepGym",
        version=__version__,
        description=_DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        lifespan=lifespan,
        docs_url=None,  # both load their scripts from elsewhere
        redoc_url=None,
    )
    app.state.services = services
    answer_problems(app)
    for router in (*_ROUTERS, compatible.router):
        app.include_router(router)
    if settings.runs is not None:
        app.include_router(pages(settings.runs))
    # The last one added is the first to see a request.
    app.add_middleware(GZipMiddleware, minimum_size=_LARGE, compresslevel=1)
    app.add_middleware(Gate, services=services)
    app.add_middleware(
        Admission, drain=services.drain, max_body=settings.max_body, open_to_all=not services.keys_required
    )
    app.add_middleware(Observing, metrics=services.metrics)
    return app
