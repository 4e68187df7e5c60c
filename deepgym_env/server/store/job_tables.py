"""The tables of jobs.

- :class:`JobRow`: a job, with how far it is; :class:`JobTaskRow`: what its items are judged by.
- :class:`JobItemRow`: a submission, and what it came to.
- :class:`JobServerRow`: a server that judges items, and until when it is taken for alive.
- :data:`OPEN`, :data:`WAITING`, :data:`LOST_TWICE`: statuses of jobs and items.

Completions and results are bytes: PostgreSQL's texts can't hold every character that Python's can.
"""

from __future__ import annotations

from sqlalchemy import Double, ForeignKey, Index, Integer, LargeBinary, SmallInteger, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from deepgym_env.server.store.database import Base

__all__ = ["LOST_TWICE", "OPEN", "WAITING", "JobItemRow", "JobRow", "JobServerRow", "JobTaskRow"]

OPEN = ("queued", "running")
"""Statuses of a job that isn't over."""
WAITING = ("queued", "suspect")
"""States of an item that may be claimed; the others are ``claimed``, ``done`` and ``cancelled``."""
LOST_TWICE = 2
"""An item whose server ended that often under it is a suspect: a server judges one of them at a time."""


class JobRow(Base):
    """A job. Whoever changes it or its items holds its row first, so that changes of a job never cross.

    Attributes:
        owner: The key it was submitted with.
        fingerprint: Of the request, so that an idempotency key can't stand for two.
        turn: When an item of it was last claimed.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        UniqueConstraint("owner", "idempotency_key", name="uq_jobs_owner_idempotency_key"),
        Index("ix_jobs_owner_created", "owner", "created"),
        Index("ix_jobs_status", "status"),
    )

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    owner: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(256))
    idempotency_key: Mapped[str | None] = mapped_column(String(255))
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[str] = mapped_column(String(16))
    total: Mapped[int] = mapped_column(Integer)
    done: Mapped[int] = mapped_column(Integer)
    without_verdict: Mapped[int] = mapped_column(Integer)
    created: Mapped[float] = mapped_column(Double)
    finished: Mapped[float | None] = mapped_column(Double)
    turn: Mapped[float] = mapped_column(Double)


class JobTaskRow(Base):
    """A task of a job, stored once however many items it has."""

    __tablename__ = "job_tasks"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    record: Mapped[bytes] = mapped_column(LargeBinary)


class JobItemRow(Base):
    """A submission.

    Attributes:
        task: Number of its task in the job.
        completion: What is judged, compressed; nothing once that is done.
        available: When it may be claimed.
        lost: How often its server ended while it held this.
        failures: How often judging it came to no verdict.
        server: Who holds it.
        seq: Its place in the order in which the job's results were written, from 1.
        result: The verdict, compressed.
    """

    __tablename__ = "job_items"
    __table_args__ = (
        Index("ix_job_items_state", "job_id", "state", "position"),
        Index("ix_job_items_seq", "job_id", "seq"),
        Index("ix_job_items_server", "server"),
    )

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    task: Mapped[int] = mapped_column(Integer)
    completion: Mapped[bytes | None] = mapped_column(LargeBinary)
    state: Mapped[str] = mapped_column(String(16))
    available: Mapped[float] = mapped_column(Double)
    lost: Mapped[int] = mapped_column(SmallInteger)
    failures: Mapped[int] = mapped_column(SmallInteger)
    server: Mapped[str | None] = mapped_column(String(64))
    seq: Mapped[int | None] = mapped_column(Integer)
    result: Mapped[bytes | None] = mapped_column(LargeBinary)


class JobServerRow(Base):
    """A server that judges items; what it holds is anybody's once its lease is over."""

    __tablename__ = "job_servers"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    lease: Mapped[float] = mapped_column(Double)
