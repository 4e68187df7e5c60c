"""Jobs as the servers that judge them see them: items to claim, to answer and to give back.

- :class:`JobQueue`; :class:`Claimed`: an item that a server holds; :class:`Answer`: what one came to.
- :data:`Key`: what an item is known by.

A server holds what it claimed as long as it renews its lease. An answer is taken only from whoever holds the
item, so that each is written once, whatever happened to the servers.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import ColumnElement, SQLColumnExpression, case, delete, exists, func, insert, select, update
from sqlalchemy.orm import Session

from deepgym_env.server.store.database import Database
from deepgym_env.server.store.job_tables import (
    LOST_TWICE,
    OPEN,
    WAITING,
    JobItemRow,
    JobRow,
    JobServerRow,
    JobTaskRow,
)
from deepgym_env.server.store.jobs import clock, hold

__all__ = ["Answer", "Claimed", "JobQueue", "Key"]

Key = tuple[str, int]
"""A job's id and a position in it."""

_JOBS = 32  # that one claim takes from


@dataclass(frozen=True, slots=True)
class Claimed:
    """An item a server holds.

    Attributes:
        task: The number of its task in the job.
        completion: What to judge, compressed.
        lost: How often a server ended while it held this.
        failures: How often judging it came to no verdict.
    """

    job_id: str
    position: int
    task: int
    completion: bytes
    lost: int
    failures: int

    @property
    def key(self) -> Key:
        """What the item is known by."""
        return self.job_id, self.position


@dataclass(frozen=True, slots=True)
class Answer:
    """What an item came to.

    Attributes:
        result: The verdict, compressed.
    """

    result: bytes
    has_verdict: bool


class JobQueue:
    """What a server does with items; ``server`` is its name, which no other process has or had."""

    def __init__(self, database: Database, server: str) -> None:
        """Use a database under a name."""
        self._database = database
        self._server = server

    def renew(self, seconds: float) -> set[Key]:
        """Be taken for alive for so long; return what this server holds, which others may have taken from it."""
        with self._database.begin() as session:
            lease = clock(session) + seconds
            mine = update(JobServerRow).where(JobServerRow.name == self._server).values(lease=lease)
            if session.execute(mine.returning(JobServerRow.name)).first() is None:
                session.execute(insert(JobServerRow).values(name=self._server, lease=lease))
            held = select(JobItemRow.job_id, JobItemRow.position).where(JobItemRow.server == self._server)
            return {(job_id, position) for job_id, position in session.execute(held)}

    def reap(self) -> int:
        """Let what servers held that are gone be claimed again; return how many items that were."""
        with self._database.read() as session:
            held = JobItemRow.server.is_not(None), _gone(clock(session))
            jobs = session.scalars(select(JobItemRow.job_id).where(*held).distinct()).all()
        return sum(self._take_back(job_id) for job_id in jobs)

    def claim(self, limit: int, *, suspect: bool = True) -> list[Claimed]:
        """Take up to ``limit`` items that wait: owners take turns, then their jobs.

        Args:
            limit: How many.
            suspect: Whether one of them may be a suspect.
        """
        claimed: list[Claimed] = []
        jobs = self._jobs_with(WAITING if suspect else WAITING[:1])
        while jobs and len(claimed) < limit:
            share = -(-(limit - len(claimed)) // len(jobs))
            more = []
            for job_id in jobs:
                taken = self._take(job_id, min(share, limit - len(claimed)), suspect)
                suspect = suspect and not any(item.lost >= LOST_TWICE for item in taken)
                claimed += taken
                more += [job_id] if len(taken) == share else []
            jobs = more
        return claimed

    def task(self, job_id: str, number: int) -> bytes:
        """Return the record of a job's task."""
        with self._database.read() as session:
            return session.get_one(JobTaskRow, (job_id, number)).record

    def answer(self, job_id: str, answers: Mapping[int, Answer]) -> int:
        """Write what items of a job came to, by position; return how many of them this server still held."""
        with self._database.begin() as session:
            if not hold(session, job_id):
                return 0
            job = session.get_one(JobRow, job_id)
            held = self._held(session, job_id, answers)
            rows = [
                {"job_id": job_id, "position": position, "seq": job.done + number, "result": answers[position].result}
                for number, position in enumerate(held, 1)
            ]
            if rows:
                session.execute(update(JobItemRow), [{**_ANSWERED, **row} for row in rows])
            job.done += len(held)
            job.without_verdict += sum(not answers[position].has_verdict for position in held)
            if job.done == job.total:
                job.status, job.finished = "succeeded", clock(session)
        return len(held)

    def put_back(self, job_id: str, pauses: Mapping[int, float], *, failed: bool = True) -> None:
        """Let items be claimed again, by position: in so many seconds; ``failed`` if they came to no verdict."""
        with self._database.begin() as session:
            if not hold(session, job_id):
                return
            now = clock(session)
            for position in self._held(session, job_id, pauses):
                this = JobItemRow.job_id == job_id, JobItemRow.position == position
                again = {"available": now + pauses[position], "failures": JobItemRow.failures + int(failed)}
                session.execute(update(JobItemRow).where(*this).values({**again, **_waiting(JobItemRow.lost)}))

    def release(self) -> None:
        """Let everything this server holds be claimed again, as if it had never been, and be no server any more."""
        mine = JobItemRow.server == self._server
        with self._database.read() as session:
            jobs = session.scalars(select(JobItemRow.job_id).where(mine).distinct()).all()
        for job_id in jobs:
            with self._database.begin() as session:
                hold(session, job_id)
                held = JobItemRow.job_id == job_id, mine
                session.execute(update(JobItemRow).where(*held).values(_waiting(JobItemRow.lost)))
        with self._database.begin() as session:
            session.execute(delete(JobServerRow).where(JobServerRow.name == self._server))

    def forget_servers(self, older: float) -> None:
        """Remove servers whose lease has been over for so many seconds."""
        with self._database.begin() as session:
            session.execute(delete(JobServerRow).where(JobServerRow.lease < clock(session) - older))

    def _take_back(self, job_id: str) -> int:
        with self._database.begin() as session:
            hold(session, job_id)
            held = JobItemRow.job_id == job_id, JobItemRow.server.is_not(None), _gone(clock(session))
            lost = JobItemRow.lost + 1
            taken = update(JobItemRow).where(*held).values({"lost": lost, **_waiting(lost)})
            return len(session.execute(taken.returning(JobItemRow.position)).all())

    def _jobs_with(self, states: Iterable[str]) -> list[str]:
        """Return jobs with items to claim: of each owner the one whose turn it is, then each one's next."""
        with self._database.read() as session:
            ready = exists().where(
                JobItemRow.job_id == JobRow.id,
                JobItemRow.state.in_(tuple(states)),
                JobItemRow.available <= clock(session),
            )
            turn = func.row_number().over(partition_by=JobRow.owner, order_by=(JobRow.turn, JobRow.created))
            query = select(JobRow.id).where(JobRow.status.in_(OPEN), ready)
            return list(session.scalars(query.order_by(turn, JobRow.turn, JobRow.created).limit(_JOBS)))

    def _take(self, job_id: str, limit: int, suspect: bool) -> list[Claimed]:
        """Take items of a job: one suspect if that may be, and others."""
        with self._database.begin() as session:
            if not hold(session, job_id):
                return []
            now = clock(session)
            taken = self._waiting_items(session, job_id, "suspect", now, 1) if suspect else []
            taken += self._waiting_items(session, job_id, "queued", now, limit - len(taken))
            if taken:
                these = JobItemRow.job_id == job_id, JobItemRow.position.in_([item.position for item in taken])
                session.execute(update(JobItemRow).where(*these).values(state="claimed", server=self._server))
                session.execute(update(JobRow).where(JobRow.id == job_id).values(status="running", turn=now))
        return taken

    def _waiting_items(self, session: Session, job_id: str, state: str, now: float, limit: int) -> list[Claimed]:
        item = JobItemRow
        query = (
            select(item.position, item.task, item.completion, item.lost, item.failures)
            .where(item.job_id == job_id, item.state == state, item.available <= now)
            .order_by(item.position)
            .limit(limit)
        )
        return [
            Claimed(job_id, place, task, code or b"", *counts) for place, task, code, *counts in session.execute(query)
        ]

    def _held(self, session: Session, job_id: str, positions: Iterable[int]) -> list[int]:
        item = JobItemRow
        mine = item.job_id == job_id, item.server == self._server, item.position.in_(list(positions))
        return list(session.scalars(select(item.position).where(*mine).order_by(item.position)))


_ANSWERED = {"state": "done", "completion": None, "server": None}


def _waiting(lost: SQLColumnExpression[int]) -> dict[str, object]:
    """Return what an item becomes that waits again, having been lost so often."""
    return {"state": case((lost >= LOST_TWICE, "suspect"), else_="queued"), "server": None}


def _gone(now: float) -> ColumnElement[bool]:
    """Return the condition that the server that holds an item isn't alive."""
    return ~exists().where(JobServerRow.name == JobItemRow.server, JobServerRow.lease > now)
