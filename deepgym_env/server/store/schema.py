"""Bringing a database's tables up to date.

- :func:`upgrade`: run the migrations it lacks; several servers may do so at once.
- :func:`configuration`: Alembic's, for a connection; :data:`VERSION_TABLE`: where a database's version is kept.
- :data:`READS`: execution options of a connection that only reads.
"""

from __future__ import annotations

import threading
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from deepgym_env.errors import ConfigError

__all__ = ["READS", "VERSION_TABLE", "configuration", "upgrade"]

VERSION_TABLE = "deepgym_schema"
"""Not Alembic's own name: another program's tables may be in the same database."""

READS = {"deepgym_reads": True}

_MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK_KEY = int.from_bytes(b"deepgym", "big")
_one_at_a_time = threading.Lock()  # Alembic's environment is the process's


def upgrade(engine: Engine, name: str) -> None:
    """Run the migrations that a database lacks, all of them or none.

    Servers that start at once wait for the first one: on SQLite for its write transaction, which is all that
    the engine begins; on PostgreSQL for an advisory lock.

    Args:
        engine: Connects to it.
        name: The database's, for messages.

    Raises:
        ConfigError: If the database is of a newer DeepGym.
    """
    scripts = ScriptDirectory(str(_MIGRATIONS))
    with engine.execution_options(**READS).connect() as connection:
        if _versions(connection) == set(scripts.get_heads()):
            return
    with _one_at_a_time, engine.begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
        have = _versions(connection)
        known = {script.revision for script in scripts.walk_revisions()}
        if have - known:
            newer = ", ".join(sorted(have - known))
            raise ConfigError(
                f"the database {name} is of a newer DeepGym (its tables are of version {newer}): "
                "pip install --upgrade deepgym-env, or name another database"
            )
        if have != set(scripts.get_heads()):
            command.upgrade(configuration(connection), "head")


def configuration(connection: Connection) -> Config:
    """Return what Alembic's commands take to work on a connection's database."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _versions(connection: Connection) -> set[str]:
    context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
    return set(context.get_current_heads())
