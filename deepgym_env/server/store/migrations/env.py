"""What Alembic runs for each of its commands; the connection comes from ``schema.configuration``.

A new version of the tables is a file in ``versions/``: ``NNNN_name.py`` with its predecessor's name as
``down_revision``. The tests hold the tables that all of them make against the models.
"""

from __future__ import annotations

import importlib
import pkgutil

from alembic import context

from deepgym_env.server import store
from deepgym_env.server.store.database import Base
from deepgym_env.server.store.schema import VERSION_TABLE

for module in pkgutil.iter_modules(store.__path__, f"{store.__name__}."):
    importlib.import_module(module.name)  # so that Base knows every table

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite changes few things about a table in place
)
with context.begin_transaction():
    context.run_migrations()
