"""``deepgym hub``: environments on the Hugging Face Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deepgym_env.cli.command_line import Command, CommandGroup
from deepgym_env.cli.console import note, one_line, print_json, stdout
from deepgym_env.cli.inputs import JsonOption, complete_task, examples

__all__ = ["app"]

_PUSH_EXAMPLES = examples(
    "deepgym hub push ./my_task someone/my-task --private",
    "deepgym hub push coin_change someone/coin-change",
    "deepgym hub push ./tasks someone/my-tasks --revision v2 --json",
    after=(
        "[bold]Token[/]  HF_TOKEN, or what `hf auth login` keeps. HF_ENDPOINT names another Hub.",
        "[bold]Secrets[/]  Whoever can read the repository can read its hidden tests.",
    ),
)
_PULL_EXAMPLES = examples(
    "deepgym hub pull someone/my-task",
    "deepgym hub pull someone/my-tasks --dir tasks --revision v2",
    "deepgym hub pull someone/my-task --content-hash sha256:0123...",
    "deepgym run ./my_task --solution solution.py",
    after=(
        "[bold]Code[/]  The folders made hold the tasks as data: loading them runs nothing of their author's.",
        "      --trust-code makes the folders that were pushed: whoever loads them runs their cases.py and setup.py.",
    ),
)
_EXAMPLES = examples("deepgym hub push ./my_task someone/my-task", "deepgym hub pull someone/my-task")

app = typer.Typer(cls=CommandGroup, help="Push tasks to the Hugging Face Hub, and pull them.", epilog=_EXAMPLES)

RepositoryArgument = Annotated[
    str, typer.Argument(metavar="OWNER/NAME", help="The data set's repository on the Hub.", show_default=False)
]


@app.callback(invoke_without_command=True)
def _hub(context: typer.Context) -> None:
    if context.invoked_subcommand is None:
        text = context.get_help()  # empty once rich has printed it
        if text.strip():
            typer.echo(text)


@app.command("push", cls=Command, epilog=_PUSH_EXAMPLES)
def push(
    task: Annotated[
        str,
        typer.Argument(
            metavar="PATH|ID",
            help="A task folder, a folder of task folders, or the id of a task.",
            autocompletion=complete_task,
            show_default=False,
        ),
    ],
    repository: RepositoryArgument,
    private: Annotated[bool, typer.Option("--private", help="Make a private repository.")] = False,
    revision: Annotated[
        str | None, typer.Option("--revision", help="A branch, made if there is none.", show_default=False)
    ] = None,
    message: Annotated[
        str | None, typer.Option("--message", "-m", help="The commit's message.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Push tasks, with a card and a hash of their content, to a repository that is made if there is none."""
    from deepgym_env.integrations.hub import push_environment_to_hub

    done = push_environment_to_hub(task, repository, private=private, revision=revision, message=message)
    if as_json:
        told = {"url": done.url, "commit": done.commit, "content_hash": done.content_hash, "tasks": done.tasks}
        print_json({**told, "unfrozen": done.unfrozen})
        return
    stdout().print(f"[bold]{one_line(', '.join(done.tasks), markup=True)}[/]", soft_wrap=True)
    stdout().print(f"  {one_line(done.url, markup=True)}", soft_wrap=True)
    stdout().print(f"  {done.content_hash}", soft_wrap=True)
    for name, why in done.unfrozen.items():
        note(f"{name} can only be loaded with --trust-code: {why}")


@app.command("pull", cls=Command, epilog=_PULL_EXAMPLES)
def pull(
    repository: RepositoryArgument,
    into: Annotated[Path, typer.Option("--dir", "-d", metavar="DIR", help="Where the folders are made.")] = Path("."),
    revision: Annotated[
        str | None, typer.Option("--revision", help="A branch, tag or commit.", show_default=False)
    ] = None,
    content_hash: Annotated[
        str | None,
        typer.Option("--content-hash", metavar="HASH", help="What the content must be.", show_default=False),
    ] = None,
    trust_code: Annotated[
        bool, typer.Option("--trust-code", help="Take the folders as they were pushed, with their author's code.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Pull tasks into folders that all other commands take; their content is held against its hash."""
    from deepgym_env.integrations.hub import pull_environment_from_hub

    folders = pull_environment_from_hub(
        repository, into, revision=revision, content_hash=content_hash, trust_code=trust_code
    )
    if as_json:
        print_json({"folders": [str(folder) for folder in folders]})
        return
    for folder in folders:
        shown = str(folder) if "/" in str(folder) else f"./{folder}"
        stdout().print(one_line(shown, markup=True), soft_wrap=True)
    if trust_code:
        note("whoever loads these folders runs their cases.py and setup.py: read them first")
