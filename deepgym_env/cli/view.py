"""``deepgym view``: look at episodes in a browser, or write them to one file."""

from __future__ import annotations

import contextlib
import ipaddress
import os
import socket
import sys
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepgym_env.cli.console import note, one_line, stdout
from deepgym_env.cli.inputs import examples
from deepgym_env.errors import ConfigError
from deepgym_env.optional import require

if TYPE_CHECKING:
    from deepgym_env.viewer import RunFolder

__all__ = ["EXAMPLES", "view"]

EXAMPLES = examples(
    "deepgym view runs/",
    "deepgym view episodes.jsonl --open",
    "deepgym view episodes.jsonl --static out.html",
    after=(
        "Logs that grow are followed: reload the page. Nobody is asked who they are, so only this machine is",
        "listened to; to look at a run elsewhere, forward the port: ssh -L 8050:127.0.0.1:8050 HOST.",
    ),
)


def view(
    runs: Annotated[
        Path,
        typer.Argument(metavar="RUNS", help="A log that EpisodeLogger wrote, or a folder of logs.", show_default=False),
    ],
    host: Annotated[str, typer.Option("--host", help="Address to listen at.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port to listen at; 0 takes a free one.")
    ] = 8050,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen at an address that others can reach: they can read all.")
    ] = False,
    static: Annotated[
        Path | None,
        typer.Option("--static", metavar="OUT", help="Write one HTML file instead; a file there is replaced."),
    ] = None,
    browser: Annotated[bool, typer.Option("--open", help="Open a browser at the page.")] = False,
) -> None:
    """Show episodes turn by turn, runs over time and two episodes side by side, in a browser."""
    require("jinja2", "the viewer", "view")
    from deepgym_env.viewer import RunFolder

    if static is None and not allow_remote and not _is_loopback(host):
        raise ConfigError(
            f"--host {host} can be reached by others, who could read every episode: "
            "use 127.0.0.1, or say --allow-remote"
        )
    found = RunFolder(runs)
    if static is not None:
        _write(found, static)
        if browser:
            webbrowser.open(static.absolute().as_uri())
        return
    _serve(found, host, port, allow_remote, browser)


def _write(runs: RunFolder, out: Path) -> None:
    from deepgym_env.viewer.static import static_file

    if out.exists() and any(out.samefile(each) for each in runs.files):
        raise ConfigError(f"{out}: --static must be another file than a log")
    made = static_file(runs)
    temporary = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        temporary.write_text(made.html, encoding="utf-8")
        temporary.replace(out)
    finally:
        temporary.unlink(missing_ok=True)
    count = f"{made.shown}" if made.shown == made.total else f"the latest {made.shown} of {made.total}"
    stdout().print(f"{count} episodes in {one_line(str(out), markup=True)}", soft_wrap=True)


def _serve(runs: RunFolder, host: str, port: int, allow_remote: bool, browser: bool) -> None:
    require("fastapi", "the viewer", "view")
    uvicorn = require("uvicorn", "the viewer", "view")
    from deepgym_env.viewer.app import LOOPBACK, create_viewer_app

    app = create_viewer_app(runs, hosts=["*"] if allow_remote else [*LOOPBACK, host])
    with _listen(host, port) as listening:
        name = f"[{host}]" if ":" in host else host
        url = f"http://{name}:{listening.getsockname()[1]}/"
        stdout().print(f"{len(runs.summaries)} episodes at {url} (Ctrl-C ends it)", soft_wrap=True)
        sys.stdout.flush()
        for problem in runs.problems[:5]:
            note(f"{problem.log}{f', line {problem.line}' if problem.line else ''}: {problem.message}")
        if browser:
            webbrowser.open(url)
        server = uvicorn.Server(uvicorn.Config(app, log_level="warning", lifespan="off"))
        with contextlib.suppress(KeyboardInterrupt):  # which is how it ends
            server.run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise ConfigError(
            f"can't listen at {host} port {port}: {error.strerror or error}: give another --port, or 0 for a free one"
        ) from error


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
