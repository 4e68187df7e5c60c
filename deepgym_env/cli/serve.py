"""``deepgym serve``: the REST API."""

from __future__ import annotations

import logging
import socket
import sys
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from deepgym_env.cli.console import note, stdout
from deepgym_env.cli.inputs import ImageOption, Level, LevelOption, ModeOption, WorkersOption, examples
from deepgym_env.cli.keys import DatabaseOption
from deepgym_env.errors import ConfigError
from deepgym_env.server.settings import Settings

if TYPE_CHECKING:
    from deepgym_env.blocking import DeepGym
    from deepgym_env.server.services import Services

__all__ = ["EXAMPLES", "serve"]

EXAMPLES = examples(
    "deepgym serve",
    "deepgym serve --workers 16 --database postgresql://deepgym@db/deepgym",
    "deepgym keys create trainer --scope run --scope read",
    "deepgym serve --host 0.0.0.0 --min-isolation full --log-format json",
    after=(
        "[bold]Keys[/]  Once there is a key, every request needs one. Without any, only this machine is served.",
        "[bold]Signals[/]  SIGTERM and Ctrl-C: what is under way is answered first. Once more: end at once.",
    ),
)


_USUAL = Settings()


class LogFormat(str, Enum):
    """What a line of the log looks like, as choices."""

    text = "text"
    json = "json"


def serve(
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port to listen on; 0: any free one.")] = 8000,
    database: DatabaseOption = None,
    keys: Annotated[
        bool | None,
        typer.Option(
            "--require-keys/--open",
            help="Whether requests need a key; by default if there is any.",
            show_default=False,
        ),
    ] = None,
    workers: WorkersOption = None,
    mode: ModeOption = None,
    image: ImageOption = None,
    min_isolation: LevelOption = Level.process,
    max_queue: Annotated[
        int, typer.Option("--max-queue", min=1, help="Submissions that may wait or run.")
    ] = _USUAL.max_queue,
    max_body: Annotated[int, typer.Option("--max-body", min=1024, help="Bytes of a request.")] = _USUAL.max_body,
    max_memory_mb: Annotated[
        int | None,
        typer.Option(
            "--max-memory-mb",
            min=64,
            help="MiB that callers' limits may be; by default the machine's memory.",
            show_default=False,
        ),
    ] = None,
    key_rate: Annotated[
        float | None,
        typer.Option("--key-rate", min=0.001, help="Requests of a key a second; by default any.", show_default=False),
    ] = None,
    key_burst: Annotated[int, typer.Option("--key-burst", min=1, help="Requests of a key at once.")] = _USUAL.key_burst,
    key_concurrency: Annotated[
        int, typer.Option("--key-concurrency", min=1, help="Requests of a key at a time.")
    ] = _USUAL.key_concurrency,
    max_sessions: Annotated[
        int, typer.Option("--max-sessions", min=1, help="Sessions at a time.")
    ] = _USUAL.max_sessions,
    session_ttl: Annotated[
        float, typer.Option("--session-ttl", min=1, help="Seconds a session may be idle.")
    ] = _USUAL.session_ttl,
    job_queue: Annotated[
        int, typer.Option("--job-queue", min=1, help="Items of jobs that may wait or run.")
    ] = _USUAL.job_queue,
    key_job_queue: Annotated[
        int, typer.Option("--key-job-queue", min=1, help="Items of a key's jobs that may.")
    ] = _USUAL.key_job_queue,
    job_lease: Annotated[
        float, typer.Option("--job-lease", min=0.5, help="Seconds until a killed server's items are others'.")
    ] = _USUAL.job_lease,
    job_attempts: Annotated[
        int, typer.Option("--job-attempts", min=1, help="Tries before an item has no verdict.")
    ] = _USUAL.job_attempts,
    job_pause: Annotated[
        float, typer.Option("--job-pause", min=0, help="Seconds until the second try; then twice that.")
    ] = _USUAL.job_pause,
    job_retention: Annotated[
        float, typer.Option("--job-retention", min=0, help="Seconds a job is kept once it is over.")
    ] = _USUAL.job_retention,
    drain_seconds: Annotated[
        float, typer.Option("--drain-seconds", min=0, help="How long requests may take after SIGTERM.")
    ] = _USUAL.drain_seconds,
    runs: Annotated[
        Path | None,
        typer.Option("--runs", metavar="FOLDER", help="Episode logs that /ui shows.", show_default=False),
    ] = None,
    log_format: Annotated[LogFormat, typer.Option("--log-format", help="Lines on stderr.")] = LogFormat.text,
) -> None:
    """Serve the REST API: judging, jobs, sessions and audits for other machines and languages."""
    from deepgym_env.optional import require

    for library in ("fastapi", "uvicorn", "sqlalchemy", "alembic", "prometheus_client"):
        require(library, "deepgym serve", "server")
    from deepgym_env.blocking import DeepGym

    given = {
        "database": database,
        "keys_required": keys,
        "max_queue": max_queue,
        "max_body": max_body,
        "max_memory_mb": max_memory_mb,
        "key_rate": key_rate,
        "key_burst": key_burst,
        "key_concurrency": key_concurrency,
        "max_sessions": max_sessions,
        "session_ttl": session_ttl,
        "job_queue": job_queue,
        "key_job_queue": key_job_queue,
        "job_lease": job_lease,
        "job_attempts": job_attempts,
        "job_pause": job_pause,
        "job_retention": job_retention,
        "drain_seconds": drain_seconds,
        "runs": runs,
    }
    settings = Settings.model_validate({name: value for name, value in given.items() if value is not None})
    with DeepGym(workers=workers, min_isolation=min_isolation.value) as engine:
        _serve(settings, engine, host, port, log_format)


def _serve(settings: Settings, engine: DeepGym, host: str, port: int, log_format: LogFormat) -> None:
    from deepgym_env.server.app import create_app
    from deepgym_env.server.logs import configure
    from deepgym_env.server.serving import DrainingServer, listen

    app = create_app(settings, engine=engine)
    services: Services = app.state.services
    _refuse_strangers(services, host)
    isolation = engine.isolation()  # a sandbox that can't start, or is too weak, fails here
    listening = listen(host, port)
    configure(log_format.value)
    _say_where(listening, services, isolation.level, log_format)
    DrainingServer(app, services.drain).run(sockets=[listening])


def _refuse_strangers(services: Services, host: str) -> None:
    from deepgym_env.server.serving import is_loopback

    if not services.keys_required and not is_loopback(host):
        raise ConfigError(
            f"--host {host} can be reached by other machines, and no key is asked for: make one with "
            "`deepgym keys create NAME --scope run --scope read`, or listen on 127.0.0.1"
        )


def _say_where(listening: socket.socket, services: Services, level: str, log_format: LogFormat) -> None:
    name, port = listening.getsockname()[:2]
    address = f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
    stdout().print(f"DeepGym serves {address}", soft_wrap=True)
    sys.stdout.flush()
    engine, keys = services.engine, services.keys_required
    if log_format is LogFormat.json:
        facts = {"address": address, "isolation": level, "mode": engine.mode, "workers": engine.workers, "keys": keys}
        logging.getLogger("deepgym.server").info("serving", extra={"facts": facts})
        return
    note(f"isolation: {level}; {engine.workers} workers; mode {engine.mode}")
    note("every request needs a key" if keys else "nobody is asked for a key, and only this machine is answered")
    note(f"description: {address}/docs and {address}/openapi.json")
