"""Work on a Ray cluster: ``DeepGym(mode="ray")``.

- :mod:`~deepgym_env.cluster.executor`: what the engine stands on.
- :mod:`~deepgym_env.cluster.env_runner`: episodes on all nodes.
"""

from __future__ import annotations

__all__: list[str] = []
