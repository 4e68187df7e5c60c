"""What one server process keeps between requests: episodes and workspaces.

- :func:`~deepgym_env.server.live.running.sessions_running`: keeps them as long as the application runs.
- :class:`~deepgym_env.server.live.episodes.LiveSessions`: episodes, by owner;
  :class:`~deepgym_env.server.live.episode.LiveSession`: one of them.
- :class:`~deepgym_env.server.live.workspaces.LiveWorkspaces`: bare workspaces, by owner.
- :class:`~deepgym_env.server.live.seats.Seats`: how many there may be.
"""
