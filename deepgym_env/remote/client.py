"""A server's lists, jobs, episodes and audits: what engines have no method for.

- :class:`Client`
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from deepgym_env.errors import ConfigError
from deepgym_env.remote.address import address_of
from deepgym_env.remote.episodes import RemoteEpisode
from deepgym_env.remote.jobs import RemoteJob
from deepgym_env.remote.line import Line
from deepgym_env.remote.wire import EnvironmentDetails, EnvironmentSummary, Job, Jobs, Page
from deepgym_env.remote.wire_sessions import SessionState
from deepgym_env.task import AnyTask

__all__ = ["Client"]

_PATIENCE = 30.0  # seconds, for each of the retries


class Client:
    """A DeepGym server; safe to share between threads.

    To judge and to wait for it, ``DeepGym(mode="remote")`` has the methods every engine has.

    Example::

        with Client("https://deepgym.example.org", api_key) as client:
            job = client.submit([("coin_change", code) for code in codes])
            for result in job.results():
                print(result.score)
    """

    def __init__(self, url: str | None = None, api_key: str | None = None, *, retries: int = 2) -> None:
        """Connect to nothing yet.

        Args:
            url: The server's address; by default ``DEEPGYM_URL``.
            api_key: The key; by default ``DEEPGYM_API_KEY``.
            retries: A server that can't be reached is asked again for 30 seconds times this.

        Raises:
            ConfigError: If there is no address, or an option has a value that can't work.
        """
        if retries < 0:
            raise ConfigError(f"retries must not be negative, got {retries!r}")
        self._line = Line(address_of(url, api_key), patience=_PATIENCE * retries)

    def environments(self, **filters: Any) -> Iterator[EnvironmentSummary]:
        """Iterate over the tasks the server has.

        Args:
            filters: Which: what the query of ``GET /v1/environments`` takes, such as ``difficulty="easy"``.
        """
        params = dict(filters)
        while True:
            page = self._line.ask("GET", "/v1/environments", Page, params=params)
            yield from page.environments
            if page.next is None:
                return
            params["after"] = page.next

    def environment(self, task_id: str, seed: int = 0) -> EnvironmentDetails:
        """Return what an agent may know of a task the server has.

        Raises:
            UnknownTaskError: If there is none.
        """
        return self._line.ask("GET", f"/v1/environments/{quote(task_id)}", EnvironmentDetails, params={"seed": seed})

    def submit(self, submissions: Sequence[tuple[AnyTask | str, str]], *, name: str = "") -> RemoteJob:
        """Have submissions judged while nobody waits: one job, also where the connection breaks.

        Args:
            submissions: Tasks, or the ids the server has for them, and what a model wrote.
            name: For people.
        """
        tasks: dict[str, str] = {}
        items = [{**self._named(task, tasks), "completion": output} for task, output in submissions]
        body = {"items": items, "tasks": tasks, "name": name}
        key = {"Idempotency-Key": uuid.uuid4().hex}
        return RemoteJob(self._line, self._line.ask("POST", "/v1/jobs", Job, body=body, headers=key).id)

    def job(self, job_id: str) -> RemoteJob:
        """Return a job that was submitted before, from here or elsewhere."""
        return RemoteJob(self._line, job_id)

    def jobs(self) -> Iterator[Job]:
        """Iterate over your jobs, the newest first."""
        params: dict[str, Any] = {}
        while True:
            page = self._line.ask("GET", "/v1/jobs", Jobs, params=params)
            yield from page.jobs
            if page.next is None:
                return
            params["after"] = page.next

    def start(
        self, task: AnyTask | str, *, seed: int = 0, max_turns: int | None = None, dense: bool = False
    ) -> RemoteEpisode:
        """Begin an episode of many turns.

        Args:
            task: The task, or the id the server has for it.
            seed: Draws the tests; a task that isn't named by its id has its own.
            max_turns: Steps after which it is truncated; by default what the task says.
            dense: Judge a workspace after every turn, not only at the end.
        """
        body: dict[str, Any] = {"max_turns": max_turns, "dense": dense}
        if isinstance(task, str):
            body |= {"environment": task, "seed": seed}
        else:
            named = self._line.name_of(task)
            body |= {"task": named.text} if named.text else {"environment": named.name, "seed": named.seed}
        return RemoteEpisode(self._line, self._line.ask("POST", "/v1/sessions", SessionState, body=body))

    def audit(self, task: AnyTask | str, **options: Any) -> Mapping[str, Any]:
        """Attack a task, as ``deepgym audit --json`` does; the key needs the scope ``audit``.

        Args:
            task: The task, or the id the server has for it.
            options: What ``POST /v1/audit`` takes, such as ``strategies=["exit"]``.
        """
        tasks: dict[str, str] = {}
        body = {**options, **self._named(task, tasks), "tasks": tasks}
        report: Mapping[str, Any] = self._line.ask_plain("POST", "/v1/audit", body=body)
        return report

    def close(self) -> None:
        """Hang up; jobs and episodes go on. Closing twice does no harm."""
        self._line.close()

    def __enter__(self) -> Client:
        """Return the client itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """Hang up."""
        self.close()

    def __repr__(self) -> str:
        """Name the server."""
        return f"Client({self._line.address.url!r})"

    def _named(self, task: AnyTask | str, tasks: dict[str, str]) -> dict[str, Any]:
        """Return the fields that name a task; what the server hasn't got is put into ``tasks``."""
        if isinstance(task, str):
            return {"environment": task}
        named = self._line.name_of(task)
        if named.text is not None:
            tasks[named.name] = named.text
        return {"environment": named.name, "seed": named.seed}
