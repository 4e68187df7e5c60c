"""The viewer on a server.

- :func:`create_viewer_app`: an application that serves nothing else.
- :func:`create_viewer_router`: its pages, for an application of your own.

Nobody is asked who they are: whoever can reach the pages can read every log. An application that mounts the
router asks before it (``app.include_router(create_viewer_router(runs), prefix="/ui", dependencies=[...])``).
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import HTMLResponse, Response
from starlette.middleware.trustedhost import TrustedHostMiddleware

from deepgym_env.episodes.text import storable
from deepgym_env.errors import ConfigError
from deepgym_env.viewer.comparison import compare
from deepgym_env.viewer.links import Links
from deepgym_env.viewer.pages import episode_page, observed
from deepgym_env.viewer.progress import progress
from deepgym_env.viewer.rendering import asset, render
from deepgym_env.viewer.runs import RunFolder
from deepgym_env.viewer.selection import SORTS, Filters
from deepgym_env.viewer.summary import OUTCOMES, Summary
from deepgym_env.viewer.text import as_text

__all__ = ["LOOPBACK", "create_viewer_app", "create_viewer_router"]

LOOPBACK = ("127.0.0.1", "localhost", "[::1]", "::1")
"""Names of this machine: asked for under another one, the pages of a loopback server are not given."""
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_ASSETS = {"viewer.css": "text/css", "viewer.js": "text/javascript", "viewer.svg": "image/svg+xml"}
_OTHERS = 60  # episodes of the same task to compare with


def create_viewer_app(path: str | os.PathLike[str] | RunFolder, *, hosts: Sequence[str] = LOOPBACK) -> FastAPI:
    """Return an application that shows the episodes of a log or a folder of logs.

    Args:
        path: The log or the folder.
        hosts: Names that it may be asked for under; ``["*"]`` for any. Another site's page can't read a loopback
            server under a name of its own.

    Raises:
        ConfigError: If there is nothing at ``path``.
    """
    runs = path if isinstance(path, RunFolder) else RunFolder(path)
    app = FastAPI(title="DeepGym viewer", openapi_url=None, docs_url=None, redoc_url=None)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)
    app.include_router(create_viewer_router(runs))
    return app


def create_viewer_router(source: RunFolder | str | os.PathLike[str]) -> APIRouter:
    """Return the pages as a router; all their links are relative, so any prefix will do.

    Args:
        source: The episodes.

    Raises:
        ConfigError: If there is nothing there.
    """
    pages = _Pages(source if isinstance(source, RunFolder) else RunFolder(source))
    router = APIRouter(include_in_schema=False)
    for path, page in (
        ("/", pages.episodes),
        ("/episode", pages.episode),
        ("/run", pages.run),
        ("/compare", pages.compare),
        ("/raw", pages.raw),
    ):
        router.add_api_route(path, _guarded(page, pages), methods=["GET"], response_model=None)
    for name, kind in _ASSETS.items():
        router.add_api_route(f"/{name}", _asset(name, kind), methods=["GET"], response_model=None)
    return router


def _guarded(page: Callable[[Any], Response], pages: _Pages) -> Callable[..., Response]:
    """Return an endpoint: bad input and what isn't there become pages, each with the headers."""

    def endpoint(request: Request) -> Response:
        try:
            response = page(request.query_params)
        except ConfigError as error:
            response = pages.error(400, "That can't be shown", str(error))
        except LookupError as error:
            response = pages.error(404, "Not found", str(error.args[0]))
        response.headers.update(_HEADERS)
        return response

    return endpoint


def _asset(name: str, kind: str) -> Callable[[], Response]:
    def endpoint() -> Response:
        headers = {**_HEADERS, "Cache-Control": "no-cache"}
        return Response(asset(name), media_type=kind, headers=headers)

    return endpoint


class _Pages:
    """The pages, each made of what stands behind the ``?`` of its address."""

    def __init__(self, runs: RunFolder) -> None:
        self._runs = runs
        self._links = Links()

    def episodes(self, query: Any) -> Response:
        self._runs.refresh()
        filters = Filters.of(query)
        return self._html(
            "episodes.html",
            here="episodes",
            filters=filters,
            selection=filters.apply(self._runs),
            all=len(self._runs.summaries),
            problems=self._runs.problems,
            outcomes=OUTCOMES,
            sorts=[(value, label) for value, (label, *_) in SORTS.items()],
            left_out=0,
            **self._choices(),
        )

    def episode(self, query: Any) -> Response:
        self._runs.refresh()
        summary = self._summary(query.get("id", ""))
        identities = [each.id for each in self._runs.summaries]
        place = identities.index(summary.id)
        return self._html(
            "episode.html",
            here="",
            page=episode_page(self._runs.episode(summary.id), summary),
            before=identities[place - 1] if place else "",
            after=identities[place + 1] if place + 1 < len(identities) else "",
            others=self._like(summary),
        )

    def run(self, query: Any) -> Response:
        self._runs.refresh()
        filters = Filters.of({name: query[name] for name in ("task", "log") if name in query})
        shown = progress(filters.narrow(self._runs))
        return self._html("run.html", here="run", run=shown, filters=filters, **self._choices())

    def compare(self, query: Any) -> Response:
        self._runs.refresh()
        picked = query.getlist("pick")
        if picked and len(picked) != 2:
            raise ConfigError(f"choose two episodes to compare, not {len(picked)}")
        given = picked or [query.get("a", ""), query.get("b", "")]
        summaries = [self._summary(identity) for identity in given]
        one, other = (self._runs.episode(each.id) for each in summaries)
        pages = (episode_page(one, summaries[0]), episode_page(other, summaries[1]))
        return self._html("compare.html", here="", pages=pages, comparison=compare(one, other, pages))

    def raw(self, query: Any) -> Response:
        identity, part, turn = query.get("id", ""), query.get("part", ""), query.get("turn", "0")
        if part == "line":
            data = self._runs.line(self._summary(identity).id)
            return self._file(data, "application/json", f"{identity}.json")
        episode = self._runs.episode(self._summary(identity).id)
        if part == "prompt":
            return self._text(observed(episode.prompt), f"{identity}-prompt.txt")
        if not (turn.isascii() and turn.isdigit() and 0 < int(turn[:9]) <= len(episode.turns)):
            raise LookupError(f"episode {identity} has {len(episode.turns)} turns, there is no turn {turn[:20]!r}")
        texts = {
            "action": as_text(episode.turns[int(turn) - 1].action),
            "observation": observed(episode.turns[int(turn) - 1].observation),
        }
        if part not in texts:
            raise ConfigError(f"part must be one of action, observation, prompt, line, got {part[:40]!r}")
        return self._text(texts[part], f"{identity}-{int(turn)}-{part}.txt")

    def error(self, code: int, title: str, message: str) -> Response:
        response = self._html("error.html", here="", title=title, message=message)
        response.status_code = code
        return response

    def _summary(self, identity: str) -> Summary:
        summary = self._runs.get(identity)
        if summary is None:
            raise LookupError(f"there is no episode {identity[:40]!r} here (any more)")
        return summary

    def _like(self, summary: Summary) -> list[Summary]:
        same = [each for each in self._runs.summaries if each.task == summary.task and each.id != summary.id]
        return same[: -_OTHERS - 1 : -1]

    def _choices(self) -> dict[str, list[str]]:
        summaries = self._runs.summaries
        return {"tasks": sorted({each.task for each in summaries}), "logs": sorted({each.log for each in summaries})}

    def _html(self, template: str, **values: Any) -> Response:
        return HTMLResponse(render(template, links=self._links, name=self._runs.name, **values))

    def _text(self, text: str, name: str) -> Response:
        return self._file(storable(text).encode(), "text/plain; charset=utf-8", name)

    def _file(self, data: bytes, kind: str, name: str) -> Response:
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(data, media_type=kind, headers=headers)
