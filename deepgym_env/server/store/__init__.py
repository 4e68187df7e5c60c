"""What outlives the server: keys and jobs, in SQLite or PostgreSQL.

- :class:`~deepgym_env.server.store.database.Database`: the database, brought up to date when it is opened.
- :class:`~deepgym_env.server.store.keys.KeyStore`: its API keys.
"""
