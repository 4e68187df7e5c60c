"""Jobs, judged while nobody waits, by whichever server has room.

- :func:`~deepgym_env.server.jobs.dispatcher.jobs_running`: what a server does as long as it runs.
- :func:`~deepgym_env.server.jobs.submission.submission`: what a request is stored as.
- :func:`~deepgym_env.server.jobs.events.follow`: what happens to a job, as it happens.
"""
