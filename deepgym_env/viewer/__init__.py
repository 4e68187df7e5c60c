"""The viewer of episodes: pages made on the server out of logs, and one file that holds them all.

- :class:`RunFolder`: the episodes of a log or of a folder of logs, indexed, read one at a time.
- :func:`render_static`: all of it as one self-contained HTML file.
- :mod:`deepgym_env.viewer.app`: ``create_viewer_app`` and ``create_viewer_router``, which need FastAPI.

What an episode holds was written by programs nobody trusts: every text is escaped, what can't be seen is spelled
out, and no page runs, loads or names anything but the viewer's own files.
"""

from __future__ import annotations

from deepgym_env.viewer.runs import RunFolder
from deepgym_env.viewer.static import render_static

__all__ = ["RunFolder", "render_static"]
