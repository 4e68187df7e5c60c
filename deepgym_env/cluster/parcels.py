"""Tasks as they travel: pickled once, kept in Ray's object store, fetched by each node once.

- :class:`Parcels`; :class:`Parcel`: one.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from deepgym_env.cluster.connection import ray
from deepgym_env.errors import TaskError
from deepgym_env.optional import require
from deepgym_env.task import SubmissionTask

__all__ = ["Parcel", "Parcels"]

_KEPT = 512


@dataclass(frozen=True, slots=True)
class Parcel:
    """A task, packed.

    Attributes:
        task: The task.
        key: Names what it holds.
        reference: Ray's reference to it.
    """

    task: SubmissionTask
    key: str
    reference: Any


class Parcels:
    """The tasks last sent."""

    def __init__(self) -> None:
        """Hold none."""
        self._parcels: OrderedDict[int, Parcel] = OrderedDict()

    def of(self, task: SubmissionTask) -> Parcel:
        """Return a task packed.

        Raises:
            TaskError: If it can't be pickled.
        """
        parcel = self._parcels.get(id(task))
        if parcel is None:
            parcel = self._parcels[id(task)] = _packed(task)  # holds the task, so its id stays taken
            if len(self._parcels) > _KEPT:
                self._parcels.popitem(last=False)
        self._parcels.move_to_end(id(task))
        return parcel


def _packed(task: SubmissionTask) -> Parcel:
    try:
        data: bytes = require("ray.cloudpickle", "mode 'ray'", "ray").dumps(task)
    except Exception as error:
        raise TaskError(f"{task.id}: the task can't be sent to a cluster: {type(error).__name__}: {error}") from error
    return Parcel(task, hashlib.sha256(data).hexdigest(), ray().put(data))
