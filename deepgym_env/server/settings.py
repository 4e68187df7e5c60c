"""How the server behaves.

- :class:`Settings`; :func:`default_database`: where keys and jobs are kept unless a place is named.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

__all__ = ["Settings", "default_database"]


def default_database() -> str:
    """Return the URL of the database that DEEPGYM_DATABASE names, else of a file in the current folder."""
    return os.environ.get("DEEPGYM_DATABASE") or "sqlite:///deepgym.db"


class Settings(BaseModel):
    """Limits and places; ``deepgym serve`` has an option for each.

    Attributes:
        database: SQLAlchemy's URL of the store; by default what DEEPGYM_DATABASE names.
        keys_required: Whether every request needs a key; None: if there is any key.
        max_queue: Submissions that may wait or run at a time, all callers' together; beyond that 503.
        key_concurrency: Requests of one key at a time; beyond that 429.
        key_rate: Requests of one key a second, on average; beyond that 429. None: any number.
        key_burst: Requests of one key that may come at once.
        max_body: Bytes of a request's body.
        max_memory_mb: The most that callers may set limits of memory, and of files, to, in MiB; None: the machine's.
        max_sessions: Most sessions at a time.
        session_ttl: Seconds after which a session nobody asked for is ended.
        job_queue: Items of jobs that may wait or run at a time, all callers' together; beyond that 503.
        key_job_queue: Items of one key's jobs that may wait or run at a time; beyond that 429.
        job_lease: Seconds after which another server takes over what a server that was killed had begun.
        job_attempts: How often an item of a job is tried when its sandbox fails or its server ends, before it is
            kept without a verdict.
        job_pause: Seconds until an item whose sandbox failed is tried again; twice as many each time.
        job_retention: Seconds a job that is over is kept.
        drain_seconds: How long requests under way may take after SIGTERM.
        runs: Folder of the episode logs that ``/ui`` shows; None: there is no ``/ui``.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: str = Field(default_factory=default_database)
    keys_required: bool | None = None
    max_queue: int = Field(default=4096, ge=1)
    key_concurrency: int = Field(default=256, ge=1)
    key_rate: float | None = Field(default=None, gt=0)
    key_burst: int = Field(default=100, ge=1)
    max_body: int = Field(default=64 << 20, ge=1024)
    max_memory_mb: int | None = Field(default=None, ge=64)
    max_sessions: int = Field(default=1024, ge=1)
    session_ttl: float = Field(default=3600.0, gt=0)
    job_queue: int = Field(default=500_000, ge=1)
    key_job_queue: int = Field(default=100_000, ge=1)
    job_lease: float = Field(default=30.0, gt=0)
    job_attempts: int = Field(default=5, ge=1)
    job_pause: float = Field(default=5.0, ge=0)
    job_retention: float = Field(default=7 * 86400.0, ge=0)
    drain_seconds: float = Field(default=30.0, ge=0)
    runs: Path | None = None
