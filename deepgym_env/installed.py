"""Registers the tasks that other packages list by code, which importing DeepGym does not run.

Importing this module does it, so that ``gym.make("deepgym_env.installed:mypackage/task")`` works
anywhere. Packages that name a folder of task folders instead need none of this: ``gym.make("mypackage/task")``.

- :func:`register_installed`
"""

from __future__ import annotations

import warnings

from deepgym_env.added_tasks import everything
from deepgym_env.benchmarks import benchmark_of
from deepgym_env.catalog import gym_id, task_ids
from deepgym_env.envs.registration import register_tasks

__all__ = ["register_installed"]


def register_installed() -> list[str]:
    """Register the tasks of all packages; return what ``gym.make`` calls them. A broken package is a warning."""
    found, wrong = everything()
    for error in wrong:
        warnings.warn(str(error), stacklevel=2)
    ids = [added.id for added in found if added.id not in task_ids() and benchmark_of(added.id) is None]
    register_tasks(ids)
    return [gym_id(task_id) for task_id in ids]


register_installed()
