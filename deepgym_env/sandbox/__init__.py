"""Running untrusted code: backends, the runners they start, and what isolation is in force.

- :class:`Backend`: starts runners somewhere; :class:`LocalBackend` on this machine; those of the other
  modes are in modules of their own, see :func:`~deepgym_env.sandbox.modes.backend_for`.
- :class:`Runner`: one running runner, and :class:`Pool`: several of them, replaced when they die.
- :class:`Session`: a workspace that lives from call to call; :class:`SessionHost` opens them.
- :class:`Job`, :class:`Ending`: what goes in and how it ends.
- :class:`Isolation`: the layers in force.
"""

from deepgym_env.sandbox.execution import Ending, Job
from deepgym_env.sandbox.isolation import Isolation, IsolationLevel, Layer
from deepgym_env.sandbox.local import LocalBackend
from deepgym_env.sandbox.pool import Pool
from deepgym_env.sandbox.process import Backend, Runner
from deepgym_env.sandbox.session import Command, Entry, Session, Snapshot
from deepgym_env.sandbox.session_host import SessionHost

__all__ = [
    "Backend",
    "Command",
    "Ending",
    "Entry",
    "Isolation",
    "IsolationLevel",
    "Job",
    "Layer",
    "LocalBackend",
    "Pool",
    "Runner",
    "Session",
    "SessionHost",
    "Snapshot",
]
