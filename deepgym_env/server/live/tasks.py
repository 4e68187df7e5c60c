"""The task a request names.

- :func:`task_of`
"""

from __future__ import annotations

import asyncio

from deepgym_env.catalog import load_task
from deepgym_env.remote.wire_sessions import TaskFields
from deepgym_env.server.tasks import TaskShelf
from deepgym_env.task import AnyTask

__all__ = ["task_of"]


async def task_of(shelf: TaskShelf, named: TaskFields, seed: int | None = None) -> AnyTask:
    """Return the task a request names, loaded off the event loop; a task by value is checked and never run.

    Args:
        shelf: Keeps those that came by value.
        named: What names it.
        seed: Another seed than its own.

    Raises:
        UnknownTaskError: If there is no such task.
        TaskError: If a task by value is none.
    """
    if named.task is not None:
        return await asyncio.to_thread(shelf.of_text, named.task)
    return await asyncio.to_thread(load_task, named.environment or "", named.seed if seed is None else seed)
