"""A job's request as it is stored, and its tasks as they are read again.

- :func:`submission`: what a request is stored as.
- :func:`task_of`: the task a record stands for; :func:`name_of`: what it is called if it can't be loaded.
"""

from __future__ import annotations

import functools
import hashlib
import json
from typing import Any

from deepgym_env.benchmarks.compression import compress, decompress
from deepgym_env.benchmarks.records import from_text
from deepgym_env.catalog import load_task
from deepgym_env.errors import ConfigError
from deepgym_env.remote.wire import Item, JobRequest
from deepgym_env.server.store.jobs import Submitted
from deepgym_env.task import AnyTask, SubmissionTask

__all__ = ["name_of", "submission", "task_of"]


def submission(request: JobRequest, idempotency_key: str | None) -> Submitted:
    """Return what a request is stored as.

    Raises:
        UnknownTaskError: If an item names no task.
        TaskError: If a task of the request is none.
        ConfigError: If a task is one that is worked on in many turns.
    """
    numbers: dict[str, int] = {}
    items = []
    for item in request.items:
        number = numbers.setdefault(_record(item, request), len(numbers))
        items.append((number, compress(item.completion.encode())))
    _check(request)
    return Submitted(
        name=request.name,
        tasks=[compress(record.encode()) for record in numbers],
        items=items,
        fingerprint=hashlib.sha256(request.model_dump_json().encode()).hexdigest(),
        idempotency_key=idempotency_key,
    )


def task_of(record: bytes) -> SubmissionTask:
    """Return the task a record stands for.

    Raises:
        TaskError: If there is none, or no longer.
        ConfigError: If it is one that is worked on in many turns.
    """
    fields = _read(record)
    if "text" in fields:
        return _by_value(fields["text"])
    return _submittable(load_task(fields["environment"], fields["seed"]))


def name_of(record: bytes) -> str:
    """Return what the task of a record was called in the request."""
    name: str = _read(record)["environment"]
    return name


def _record(item: Item, request: JobRequest) -> str:
    text = request.tasks.get(item.environment)
    if text is not None:
        return json.dumps({"environment": item.environment, "text": text})
    return json.dumps({"environment": item.environment, "seed": item.seed})


def _read(record: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(decompress(record))
    return fields


def _check(request: JobRequest) -> None:
    """Load every task, of those drawn from a seed one each, so that the sender is told what is wrong."""
    first = {item.environment: item for item in reversed(request.items)}
    for item in first.values():
        text = request.tasks.get(item.environment)
        if text is not None:
            _by_value(text)
        else:
            _submittable(load_task(item.environment, item.seed))


@functools.lru_cache(maxsize=64)
def _by_value(text: str) -> SubmissionTask:
    return _submittable(from_text(text))


def _submittable(task: AnyTask) -> SubmissionTask:
    if not isinstance(task, SubmissionTask):
        raise ConfigError(
            f"{task.id!r} is a workspace task, worked on in many turns: a job judges submissions; use a session"
        )
    return task
