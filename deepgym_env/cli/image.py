"""``deepgym image``: images for sandboxes in containers, made without a registry, and those there are."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Annotated

import typer

from deepgym_env.cli.command_line import Command, CommandGroup
from deepgym_env.cli.console import note, one_line, print_json, stderr, stdout, table
from deepgym_env.cli.inputs import JsonOption, examples

if TYPE_CHECKING:
    from deepgym_env.images import BuiltImage

__all__ = ["app"]

_DEFAULT_TAG = "deepgym-sandbox"
_STEP_WIDTH = 48
_BUILD_EXAMPLES = examples(
    "deepgym image build",
    "deepgym image build --with c --with cpp --tag deepgym-sandbox:c",
    "deepgym image build --package numpy --package pandas",
    "sudo deepgym image build --from debootstrap --suite bookworm",
    "deepgym image build --from root.tar --tag my-sandbox",
)
_LIST_EXAMPLES = examples("deepgym image list", "deepgym image list --json")
_EXAMPLES = examples("deepgym image build", "deepgym image list", "deepgym image build --help")

app = typer.Typer(
    cls=CommandGroup,
    help="Make images for sandboxes in containers, without a registry.",
    epilog=_EXAMPLES,
)


@app.callback(invoke_without_command=True)
def _image(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        text = context.get_help()  # empty once rich has printed it
        if text.strip():
            typer.echo(text)


@app.command("build", cls=Command, epilog=_BUILD_EXAMPLES)
def build(
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="SOURCE",
            help="host: this machine's programs and Python; debootstrap: a small Debian; "
            "or a root file system, in a folder or a tar archive.",
        ),
    ] = "host",
    tag: Annotated[str, typer.Option("--tag", help="The image's name.")] = _DEFAULT_TAG,
    languages: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="LANG",
            help="A language besides Python that it must hold: c, cpp, go, java, javascript or rust; repeat for more.",
            show_default=False,
        ),
    ] = None,
    packages: Annotated[
        list[str] | None,
        typer.Option(
            "--package",
            metavar="NAME",
            help="A Python package to hold, instead of numpy; repeat for more.",
            show_default=False,
        ),
    ] = None,
    suite: Annotated[
        str | None,
        typer.Option("--suite", help="For debootstrap: the release, by default this machine's.", show_default=False),
    ] = None,
    mirror: Annotated[
        str | None,
        typer.Option(
            "--mirror",
            metavar="URL",
            help="For debootstrap: where packages come from, by default this machine's mirror or the suite's.",
            show_default=False,
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an image, check that it works, and hand it to the Docker daemon."""
    from deepgym_env.images import build_image

    with _progress() as progress:
        built = build_image(
            tag,
            source=source,
            packages=packages,
            include=languages or (),
            suite=suite,
            mirror=mirror,
            progress=progress,
        )
    if as_json:
        print_json(dataclasses.asdict(built))
        return
    _print_image(built)
    choice = "" if built.tag == _DEFAULT_TAG else f" --image {built.tag}"
    note(f"next: `deepgym doctor --mode docker{choice}`")


@app.command("list", cls=Command, epilog=_LIST_EXAMPLES)
def list_built(as_json: JsonOption = False) -> None:
    """List the images made here that the Docker daemon holds."""
    from deepgym_env.images import list_images

    images = list_images()
    if as_json:
        print_json([dataclasses.asdict(image) for image in images])
        return
    if not images:
        note("there is no image yet; `deepgym image build` makes one")
        return
    grid = table("tag", "python", "packages", "languages", "size")
    for image in images:
        cells = (image.tag, image.python, ", ".join(image.packages), ", ".join(image.languages), _size(image))
        grid.add_row(*(one_line(cell, markup=True) for cell in cells))
    stdout().print(grid)


@contextlib.contextmanager
def _progress() -> Iterator[Callable[[str, float], None]]:
    """Show what is being done on stderr; a bar that runs to and fro where its end isn't known."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    console = stderr()
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        step = bar.add_task("", total=None)

        def show(what: str, share: float) -> None:
            total = 1.0 if share > 0 else None
            bar.update(step, description=one_line(what, _STEP_WIDTH), completed=share, total=total)

        yield show


def _print_image(image: BuiltImage) -> None:
    from rich.table import Table

    facts = Table.grid(padding=(0, 2))
    facts.add_row("[dim]image[/]", f"[bold]{one_line(image.tag, markup=True)}[/]")
    facts.add_row("[dim]id[/]", image.id.removeprefix("sha256:")[:12])
    facts.add_row("[dim]size[/]", _size(image))
    facts.add_row("[dim]python[/]", image.python)
    facts.add_row("[dim]packages[/]", ", ".join(image.packages) or "none")
    facts.add_row("[dim]languages[/]", ", ".join(image.languages) or "none asked for besides Python")
    facts.add_row("[dim]programs[/]", f"{len(image.programs)}, with {', '.join(_notable(image)) or 'no shell'}")
    if image.missing:
        facts.add_row("[dim]not in it[/]", ", ".join(image.missing))
    stdout().print(facts)


def _notable(image: BuiltImage) -> list[str]:
    return [name for name in ("bash", "git", "grep", "sed", "awk", "make") if name in image.programs]


def _size(image: BuiltImage) -> str:
    return f"{image.bytes / 1e6:.0f} MB"
