"""Batches a server judges while nobody waits.

- :class:`RemoteJob`
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from urllib.parse import quote

from deepgym_env.errors import ConfigError, DeepGymError
from deepgym_env.remote.line import Line
from deepgym_env.remote.wire import Job, JobResults
from deepgym_env.result import BatchResult, RunResult

__all__ = ["RemoteJob"]

_PAGE = 500
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 3.0
_NOT_JUDGED = RunResult(
    task_id="", status="infrastructure_error", cases=(), details="the job was cancelled before this was judged"
)


class RemoteJob:
    """A job at a server; made by :meth:`Client.submit` and :meth:`Client.job`.

    It goes on when this program ends: note its ``id``, and ask for it again.
    """

    def __init__(self, line: Line, job_id: str) -> None:
        """Speak for a job there is."""
        self._line = line
        self.id = job_id
        self._path = f"/v1/jobs/{quote(job_id, safe='')}"

    def status(self) -> Job:
        """Return how far it is.

        Raises:
            ConfigError: If the server has no such job, or it is another key's.
        """
        return self._line.ask("GET", self._path, Job, meaning=_meaning)

    def cancel(self) -> Job:
        """Have nothing more of it judged; return how far it came."""
        return self._line.ask("POST", f"{self._path}/cancel", Job, meaning=_meaning)

    def results(self) -> Iterator[RunResult]:
        """Iterate over the results, one for each submission in their order, waiting for those still to come.

        What was not judged when the job was cancelled has no verdict.
        """
        told = 0
        after: int | None = None
        pause = _FIRST_PAUSE
        while True:
            params = {"limit": _PAGE} | ({} if after is None else {"after": after})
            page = self._line.ask("GET", f"{self._path}/results", JobResults, params=params, meaning=_meaning)
            for each in page.results:
                yield from itertools.repeat(_NOT_JUDGED, each.position - told)
                yield each.verdict.result()
                told = each.position + 1
            if page.next is None:
                yield from itertools.repeat(_NOT_JUDGED, self.status().total - told)
                return
            after = page.next
            if page.results:
                pause = _FIRST_PAUSE
            else:
                time.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE)

    def wait(self) -> BatchResult:
        """Wait until it is over; return all results."""
        return BatchResult(results=tuple(self.results()))

    def __repr__(self) -> str:
        """Name the job."""
        return f"RemoteJob({self.id!r} at {self._line.address.url})"


def _meaning(status: int, detail: str) -> DeepGymError | None:
    return ConfigError(detail) if status == 404 else None
