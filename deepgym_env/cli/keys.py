"""``deepgym keys``: API keys of a server's database."""

from __future__ import annotations

import contextlib
import dataclasses
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from enum import Enum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepgym_env.cli.command_line import Command, CommandGroup
from deepgym_env.cli.console import note, one_line, print_json, stdout, table
from deepgym_env.cli.inputs import JsonOption, examples
from deepgym_env.errors import ConfigError

if TYPE_CHECKING:
    from deepgym_env.server.store.credentials import Key
    from deepgym_env.server.store.keys import KeyStore

__all__ = ["app"]

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CREATE_EXAMPLES = examples(
    "deepgym keys create trainer",
    "deepgym keys create ci --scope run --scope read --expires 30d",
    "deepgym keys create shared --rate 20 --concurrency 64",
    "export DEEPGYM_API_KEY=$(deepgym keys create me)",
    after=(
        "[bold]Scopes[/]  read: what there is; run: judging, jobs, sessions; audit: audits; admin: everything.",
        "[bold]Secret[/]  The key is printed once, alone on stdout; only a hash of it is kept.",
    ),
)
_LIST_EXAMPLES = examples("deepgym keys list", "deepgym keys list --json")
_REVOKE_EXAMPLES = examples("deepgym keys revoke 0123456789ab")
_EXAMPLES = examples("deepgym keys create trainer", "deepgym keys list", "deepgym keys revoke 0123456789ab")

app = typer.Typer(cls=CommandGroup, help="Make and revoke the API keys of a server.", epilog=_EXAMPLES)


class ScopeName(str, Enum):
    """What a key may be good for, as choices."""

    read = "read"
    run = "run"
    audit = "audit"
    admin = "admin"


DatabaseOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="The server's database; by default DEEPGYM_DATABASE, else sqlite:///deepgym.db.",
        show_default=False,
    ),
]


@app.callback(invoke_without_command=True)
def _keys(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        text = context.get_help()  # empty once rich has printed it
        if text.strip():
            typer.echo(text)


@app.command("create", cls=Command, epilog=_CREATE_EXAMPLES)
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, for people.", show_default=False)],
    scopes: Annotated[
        list[ScopeName] | None,
        typer.Option(
            "--scope", help="What it is good for, by default read and run; repeat for more.", show_default=False
        ),
    ] = None,
    expires: Annotated[
        str | None,
        typer.Option(
            "--expires",
            metavar="TIME",
            help="How long it works: 12h, 30d, 8w. By default for ever.",
            show_default=False,
        ),
    ] = None,
    rate: Annotated[
        float | None,
        typer.Option("--rate", help="Requests a second, on average; by default as many as any.", show_default=False),
    ] = None,
    concurrency: Annotated[
        int | None,
        typer.Option("--concurrency", help="Requests at a time; by default as many as any.", show_default=False),
    ] = None,
    database: DatabaseOption = None,
) -> None:
    """Make a key, and print it alone on stdout: it can't be shown again."""
    chosen = scopes or [ScopeName.read, ScopeName.run]
    until = datetime.now(timezone.utc) + _duration(expires) if expires is not None else None
    with _store(database, create=True) as (keys, place):
        token = keys.create(name, [scope.value for scope in chosen], expires=until, rate=rate, concurrency=concurrency)
    stdout().out(token, highlight=False)
    good_for = ", ".join(sorted({scope.value for scope in chosen}))
    end = f", until {_moment(until)}" if until else ""
    note(f"key {token.split('_')[1]} in {place}, good for {good_for}{end}; it is shown only now")


@app.command("list", cls=Command, epilog=_LIST_EXAMPLES)
def list_keys(database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """List the keys there ever were, without their secrets."""
    with _store(database) as (keys, place):
        found, now = keys.list(), keys.now()
    if as_json:
        print_json([_record(key, now) for key in found])
        return
    if not found:
        note(f"there is no key in {place}; `deepgym keys create NAME` makes one")
        return
    grid = table("id", "name", "status", "scopes", "created", "expires", "last used", "rate", "concurrency")
    for key in found:
        grid.add_row(*(one_line(cell, markup=True) for cell in _cells(key, now)))
    stdout().print(grid)


@app.command("revoke", cls=Command, epilog=_REVOKE_EXAMPLES)
def revoke(
    key: Annotated[
        str, typer.Argument(metavar="ID", help="The id that `deepgym keys list` shows.", show_default=False)
    ],
    database: DatabaseOption = None,
) -> None:
    """Revoke a key: no server takes it a few seconds later."""
    with _store(database) as (keys, _):
        revoked = keys.revoke(key)
    note(f"revoked {revoked.id} ({revoked.name}); servers that run stop taking it within a few seconds")


@contextlib.contextmanager
def _store(url: str | None, *, create: bool = False) -> Iterator[tuple[KeyStore, str]]:
    """Open the keys of a database; also return its name."""
    from deepgym_env.optional import require
    from deepgym_env.server.settings import default_database

    for library in ("sqlalchemy", "alembic"):
        require(library, "`deepgym keys`", "server")
    from deepgym_env.server.store.database import Database
    from deepgym_env.server.store.keys import KeyStore

    database = Database(url if url is not None else default_database(), create=create)
    try:
        yield KeyStore(database), database.name
    finally:
        database.close()


def _duration(text: str) -> timedelta:
    found = re.fullmatch(r"(\d{1,6})([smhdw])", text.strip())
    if found is None:
        raise ConfigError(f"--expires takes a number and a unit, as 12h, 30d or 8w, not {text!r}")
    try:
        span = timedelta(**{_UNITS[found[2]]: int(found[1])})
        datetime.now(timezone.utc) + span
    except OverflowError as error:
        raise ConfigError(
            f"--expires {text!r} is beyond the calendar; leave it out for a key without an end"
        ) from error
    return span


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC" if at else ""


def _cells(key: Key, now: datetime) -> tuple[str, ...]:
    times = _moment(key.created), _moment(key.expires) or "never", _moment(key.last_used) or "never"
    limits = f"{key.rate:g}/s" if key.rate else "", str(key.concurrency or "")
    return key.id, key.name, key.status(now), ", ".join(sorted(key.scopes)), *times, *limits


def _record(key: Key, now: datetime) -> dict[str, Any]:
    told = dataclasses.asdict(key)
    times = {name: value.isoformat() for name, value in told.items() if isinstance(value, datetime)}
    return {**told, "scopes": sorted(key.scopes), **times, "status": key.status(now)}
