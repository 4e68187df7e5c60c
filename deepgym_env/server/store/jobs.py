"""Jobs as their owners see them: submitted, looked at, cancelled.

- :class:`JobStore`; :class:`Submitted`: what one is made of.
- :class:`QueueFullError`: too many items wait.
- :func:`hold`: keep a job's row until the transaction ends; :func:`clock`: what time it is.

What the servers that judge them do is :class:`~deepgym_env.server.store.job_queue.JobQueue`.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

from sqlalchemy import ColumnElement, delete, func, insert, select, text, tuple_, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from deepgym_env.benchmarks.compression import decompress
from deepgym_env.errors import ConfigError, DeepGymError
from deepgym_env.remote.wire import Job, JobResult, JobResults, Jobs, JobStatus, Verdict
from deepgym_env.server.store.database import Database
from deepgym_env.server.store.job_tables import OPEN, WAITING, JobItemRow, JobRow, JobTaskRow

__all__ = ["JobStore", "QueueFullError", "Submitted", "clock", "hold"]

_PURGED = 16  # jobs that are removed at once: others want to write, too
_SUBMITTING = 0x6A6F6273  # any number that nothing else in the database takes for a lock


class QueueFullError(DeepGymError):
    """So many items of jobs wait that no more are taken.

    Attributes:
        own: Whether they are the owner's; else they are everybody's.
    """

    def __init__(self, own: bool, waiting: int, most: int) -> None:
        """Say how many wait, and how many may."""
        whose = "this key's jobs" if own else "all jobs"
        super().__init__(
            f"{waiting} items of {whose} would wait, and {most} may: submit fewer, or wait for some to end"
        )
        self.own = own


@dataclass(frozen=True, slots=True)
class Submitted:
    """What a job is made of.

    Attributes:
        tasks: Records of its tasks.
        items: Of each item the number of its task, and the completion, compressed.
        fingerprint: Of the request.
        idempotency_key: What the request was named by its sender, so that sending it again makes no other job.
    """

    name: str
    tasks: Sequence[bytes]
    items: Sequence[tuple[int, bytes]]
    fingerprint: str
    idempotency_key: str | None = None


class JobStore:
    """Jobs in the database. An ``owner`` sees their own jobs only; None is whoever may see all."""

    def __init__(self, database: Database, *, most: int = 1 << 30, most_of_owner: int = 1 << 30) -> None:
        """Use a database.

        Args:
            database: Where jobs are.
            most: How many items may wait or run at a time.
            most_of_owner: How many of one owner's.
        """
        self._database = database
        self._most = most
        self._most_of_owner = most_of_owner

    def create(self, owner: str, submitted: Submitted) -> Job:
        """Add a job; return the one there is if its idempotency key was used before.

        Raises:
            QueueFullError: If too many items wait.
            ConfigError: If the idempotency key was used for another request.
        """
        try:
            with self._database.begin() as session:
                return self._add(session, owner, submitted)
        except IntegrityError:
            return self._added_before(owner, submitted)

    def get(self, job_id: str, owner: str | None) -> Job | None:
        """Return a job, if there is one that the owner may see."""
        with self._database.read() as session:
            row = session.scalar(select(JobRow).where(JobRow.id == job_id, *_seen_by(owner)))
            return _job(row) if row else None

    def page(self, owner: str | None, *, after: str | None = None, limit: int = 100) -> Jobs:
        """Return jobs, the newest first, from the one that follows ``after`` on."""
        wanted = _seen_by(owner)
        if after is not None:
            last = select(JobRow.created, JobRow.id).where(JobRow.id == after).subquery()
            wanted.append(tuple_(JobRow.created, JobRow.id) < select(last.c.created, last.c.id).scalar_subquery())
        with self._database.read() as session:
            query = select(JobRow).where(*wanted).order_by(JobRow.created.desc(), JobRow.id.desc()).limit(limit + 1)
            rows = session.scalars(query).all()
        return Jobs(jobs=[_job(row) for row in rows[:limit]], next=rows[limit - 1].id if len(rows) > limit else None)

    def results(self, job_id: str, *, after: int = -1, limit: int = 100) -> JobResults:
        """Return results in the order of the items, up to the first one that is still to come."""
        item = JobItemRow
        with self._database.read() as session:
            job = session.get_one(JobRow, job_id)
            gap = select(func.min(item.position)).where(
                item.job_id == job_id, item.state.in_((*WAITING, "claimed")), item.position > after
            )
            until = session.scalar(gap)
            there = [item.job_id == job_id, item.state == "done", item.position > after]
            if until is not None:
                there.append(item.position < until)
            query = select(item.position, item.result).where(*there).order_by(item.position).limit(limit + 1)
            rows = session.execute(query).all()
        results = [_result(position, result) for position, result in rows[:limit]]
        more = len(rows) > limit or until is not None
        last = results[-1].position if results else after
        return JobResults(results=results, next=last if more or job.status in OPEN else None)

    def news(self, job_id: str, after: int, limit: int = 100) -> tuple[Job, list[tuple[int, JobResult]]] | None:
        """Return a job and the results that were written after the ``after``-th, with their numbers.

        A job that is over has had all its results written. None if the job was removed.
        """
        item = JobItemRow
        with self._database.read() as session:
            row = session.get(JobRow, job_id)
            if row is None:
                return None
            query = (
                select(item.seq, item.position, item.result)
                .where(item.job_id == job_id, item.seq > after)
                .order_by(item.seq)
                .limit(limit)
            )
            fresh = session.execute(query).all()
        return _job(row), [(seq or 0, _result(position, result)) for seq, position, result in fresh]

    def cancel(self, job_id: str) -> Job:
        """End a job, what is being judged included; one that is over stays as it is."""
        item = JobItemRow
        with self._database.begin() as session:
            if hold(session, job_id):
                waiting = item.job_id == job_id, item.state.in_((*WAITING, "claimed"))
                session.execute(update(item).where(*waiting).values(state="cancelled", completion=None, server=None))
                over = {"status": "cancelled", "finished": clock(session)}
                session.execute(update(JobRow).where(JobRow.id == job_id).values(over))
            return _job(session.get_one(JobRow, job_id))

    def depth(self, owner: str | None = None) -> int:
        """Return how many items wait or run."""
        with self._database.read() as session:
            return _depth(session, owner)

    def purge(self, older: float) -> int:
        """Remove some jobs that have been over for ``older`` seconds; return how many, 0 when none are left."""
        with self._database.begin() as session:
            old = select(JobRow.id).where(JobRow.finished < clock(session) - older).limit(_PURGED)
            ids = session.scalars(old).all()
            session.execute(delete(JobRow).where(JobRow.id.in_(ids)))
        return len(ids)

    def _add(self, session: Session, owner: str, submitted: Submitted) -> Job:
        if session.get_bind().dialect.name == "postgresql":  # in SQLite whoever writes is alone anyway
            session.execute(text(f"SELECT pg_advisory_xact_lock({_SUBMITTING})"))
        job_id = uuid.uuid4().hex
        row = JobRow(
            id=job_id,
            owner=owner,
            name=submitted.name,
            idempotency_key=submitted.idempotency_key,
            fingerprint=submitted.fingerprint,
            status="queued",
            total=len(submitted.items),
            done=0,
            without_verdict=0,
            created=clock(session),
            finished=None,
            turn=0.0,
        )
        session.add(row)
        session.flush()
        self._check_room(session, owner)
        tasks = [
            {"job_id": job_id, "number": number, "record": record} for number, record in enumerate(submitted.tasks)
        ]
        session.execute(insert(JobTaskRow), tasks)
        fresh = {"job_id": job_id, "state": "queued", "available": 0.0, "lost": 0, "failures": 0}
        items = [
            {**fresh, "position": position, "task": task, "completion": completion}
            for position, (task, completion) in enumerate(submitted.items)
        ]
        session.execute(insert(JobItemRow), items)
        return _job(row)

    def _check_room(self, session: Session, owner: str) -> None:
        own, everybodys = _depth(session, owner), _depth(session, None)
        if own > self._most_of_owner:
            raise QueueFullError(True, own, self._most_of_owner)
        if everybodys > self._most:
            raise QueueFullError(False, everybodys, self._most)

    def _added_before(self, owner: str, submitted: Submitted) -> Job:
        with self._database.read() as session:
            same = JobRow.owner == owner, JobRow.idempotency_key == submitted.idempotency_key
            row = session.scalars(select(JobRow).where(*same)).one()
        if row.fingerprint != submitted.fingerprint:
            raise ConfigError(
                f"the idempotency key {submitted.idempotency_key!r} was used for another request, job {row.id}: "
                "send another key with each new request"
            )
        return _job(row)


def hold(session: Session, job_id: str) -> bool:
    """Keep a job's row from others until the transaction ends; return whether the job isn't over.

    It must be the transaction's first statement: an update that changes nothing, which locks the row in PostgreSQL.
    SQLite lets in one writer at a time anyway.
    """
    same = update(JobRow).where(JobRow.id == job_id, JobRow.status.in_(OPEN)).values(done=JobRow.done)
    return session.execute(same.returning(JobRow.id)).first() is not None


def clock(session: Session) -> float:
    """Return the time as all servers of a database see it."""
    if session.get_bind().dialect.name == "postgresql":
        return float(session.execute(text("SELECT EXTRACT(EPOCH FROM clock_timestamp())")).scalar_one())
    return time.time()


def _seen_by(owner: str | None) -> list[ColumnElement[bool]]:
    return [] if owner is None else [JobRow.owner == owner]


def _depth(session: Session, owner: str | None) -> int:
    left = select(func.coalesce(func.sum(JobRow.total - JobRow.done), 0))
    return int(session.execute(left.where(JobRow.status.in_(OPEN), *_seen_by(owner))).scalar_one())


def _result(position: int, result: bytes | None) -> JobResult:
    return JobResult(position=position, verdict=Verdict.model_validate_json(decompress(result or b"")))


def _job(row: JobRow) -> Job:
    status: JobStatus = row.status  # type: ignore[assignment]
    return Job(
        id=row.id,
        name=row.name,
        status=status,
        total=row.total,
        done=row.done,
        without_verdict=row.without_verdict,
        created=datetime.fromtimestamp(row.created, timezone.utc),
        finished=None if row.finished is None else datetime.fromtimestamp(row.finished, timezone.utc),
    )
