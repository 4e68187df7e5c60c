"""A job's request as it is stored, and its tasks as they are read again.

- :func:`submission`: what a request is stored as.
- :func:`task_of`: the task a record stands for; :func:`name_of`: what it was called in the request.
"""

from __future__ import annotations

import hashlib
import json
from typing import Any

from deepgym_env.benchmarks.compression import compress, decompress
from deepgym_env.remote.wire import Item, JobRequest
from deepgym_env.server.store.jobs import Submitted
from deepgym_env.server.tasks import TaskShelf
from deepgym_env.task import SubmissionTask

__all__ = ["name_of", "submission", "task_of"]


def submission(request: JobRequest, idempotency_key: str | None, shelf: TaskShelf) -> Submitted:
    """Return what a request is stored as.

    Of tasks that are drawn from several seeds one is loaded, so that the sender is told what is wrong.

    Raises:
        TaskError: If an item names no task, or a task of the request is none.
        ConfigError: If a task is one that is worked on in many turns.
    """
    named = {item.environment: item for item in reversed(request.items)}
    shelf.submissions(list(reversed(named.values())), request.tasks)
    numbers: dict[str, int] = {}
    items = [
        (
            numbers.setdefault(_record(item, request), len(numbers)),
            compress(item.completion.encode("utf-8", "surrogatepass")),
        )
        for item in request.items
    ]
    return Submitted(
        name=request.name,
        tasks=[compress(record.encode()) for record in numbers],
        items=items,
        fingerprint=hashlib.sha256(json.dumps(request.model_dump()).encode()).hexdigest(),
        idempotency_key=idempotency_key,
    )


def task_of(record: bytes, shelf: TaskShelf) -> SubmissionTask:
    """Return the task a record stands for.

    Raises:
        TaskError: If there is none, or no longer.
        ConfigError: If it is one that is worked on in many turns.
    """
    fields = _read(record)
    item = Item(environment=fields["environment"], completion="", seed=fields["seed"])
    by_value = {item.environment: fields["text"]} if "text" in fields else {}
    return shelf.submissions([item], by_value)[0][0]


def name_of(record: bytes) -> str:
    """Return what the task of a record was called in the request."""
    name: str = _read(record)["environment"]
    return name


def _record(item: Item, request: JobRequest) -> str:
    text = request.tasks.get(item.environment)
    if text is not None:  # its tests are what they are
        return json.dumps({"environment": item.environment, "seed": 0, "text": text})
    return json.dumps({"environment": item.environment, "seed": item.seed})


def _read(record: bytes) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(decompress(record))
    return fields
