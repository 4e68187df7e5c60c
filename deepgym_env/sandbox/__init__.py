"""Running untrusted code: backends, the runners they start, and what isolation is in force.

- :class:`Backend`: starts runners somewhere; :class:`LocalBackend` on this machine.
- :class:`Runner`: one running runner, and :class:`Pool`: several of them, replaced when they die.
- :class:`Job`, :class:`Ending`: what goes in and how it ends.
- :class:`Isolation`: the layers in force.
"""

from deepgym_env.sandbox.execution import Ending, Job
from deepgym_env.sandbox.isolation import Isolation, IsolationLevel, Layer
from deepgym_env.sandbox.local import LocalBackend
from deepgym_env.sandbox.pool import Pool
from deepgym_env.sandbox.process import Backend, Runner

__all__ = [
    "Backend",
    "Ending",
    "Isolation",
    "IsolationLevel",
    "Job",
    "Layer",
    "LocalBackend",
    "Pool",
    "Runner",
]
