"""``deepgym play``: a person, or a script, works on a task in the terminal."""

from __future__ import annotations

import json
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepgym_env.cli.console import note, stdout, visible
from deepgym_env.cli.inputs import ImageOption, ModeOption, SeedOption, TaskArgument, examples, resolve_task
from deepgym_env.errors import ConfigError

if TYPE_CHECKING:
    from deepgym_env.envs import CodingEnv

__all__ = ["EXAMPLES", "play"]

EXAMPLES = examples(
    "deepgym play debug_fix",
    "deepgym play two_sum --max-turns 3",
    "deepgym play debug_fix --script scenarios/debug_fix/solve.py",
)

_HELP = """\
In a workspace a line is a command for the shell. Besides:
  :read PATH     show a file             :write PATH   write a file: lines until one that is just a dot
  :files [PATH]  list files              :tests        run the public tests
  :submit        hand in, which ends it  :quit         give up
For a function:
  :submit [FILE] judge code: of a file, or lines until one that is just a dot
  :run [FILE]    run scratch code        :quit         give up
A line that begins with { is a tool call as JSON; :tools lists the tools."""


def play(
    task: TaskArgument,
    seed: SeedOption = 0,
    script: Annotated[
        Path | None,
        typer.Option(help="A Python file whose solve() yields actions; it plays instead of you.", exists=True),
    ] = None,
    max_turns: Annotated[int | None, typer.Option(help="Turns, by default what the task says.", min=1)] = None,
    mode: ModeOption = None,
    image: ImageOption = None,
) -> None:
    """Work on a task in the terminal, with the tools and the feedback an agent has.

    Exit code 0 if every test passed, 1 if not.
    """
    from deepgym_env.envs import CodingEnv

    env = CodingEnv(resolve_task(task, seed), max_turns=max_turns)
    try:
        passed = _watch(env, script) if script is not None else _converse(env)
    finally:
        env.close()
    raise typer.Exit(0 if passed else 1)


def _watch(env: CodingEnv, script: Path) -> bool:
    """Let a script play, and show each turn."""
    from deepgym_env.rollout import rollout, scripted

    solve = runpy.run_path(str(script)).get("solve")
    if not callable(solve):
        raise ConfigError(f"{script}: define `def solve()`, a generator that yields actions")
    done = rollout(env, scripted(solve))
    for turn in done.turns:
        _show_action(turn.action)
        _show(turn.observation)
    return _conclude(done.info)


def _converse(env: CodingEnv) -> bool:
    """Let a person play."""
    prompt, info = env.reset()
    _show(prompt)
    note("type :help for what you can do")
    lines = _lines()
    for line in lines:
        action = _action(line, lines, info)
        if action is None:
            if line.strip() == ":quit":
                break
            continue
        observation, _, terminated, truncated, info = env.step(action)
        _show(observation)
        if terminated or truncated:
            break
    return _conclude(info)


def _lines() -> Iterator[str]:
    while True:
        if sys.stdin.isatty():
            stdout().print("[bold]>[/] ", end="")
        line = sys.stdin.readline()
        if not line:
            return
        yield line.rstrip("\n")


def _action(line: str, lines: Iterator[str], info: dict[str, Any]) -> str | dict[str, Any] | None:
    """Return the action a line means; None if it is none, which has then been said."""
    names = {tool["function"]["name"] for tool in info["tools"]}
    word, _, rest = line.strip().partition(" ")
    rest = rest.strip()
    if not word or word in (":help", ":tools", ":quit"):
        if word == ":help":
            stdout().print(_HELP, markup=False, highlight=False)
        elif word == ":tools":
            stdout().print(json.dumps(info["tools"], indent=2), markup=False, highlight=False)
        return None
    if word.startswith("{"):
        return line
    if "bash" not in names:
        return _function_action(word, rest, lines)
    if not word.startswith(":"):
        return _call("bash", command=line)
    if word == ":write" and rest:
        return _call("write_file", path=rest, content=_until_dot(lines))
    calls = {
        ":read": ("read_file", {"path": rest}),
        ":files": ("list_files", {"path": rest or "."}),
        ":tests": ("run_tests", {}),
        ":submit": ("submit", {}),
    }
    if word not in calls or calls[word][0] not in names:
        note(f"there is no {word}; type :help for what you can do")
        return None
    name, arguments = calls[word]
    return _call(name, **arguments)


def _function_action(word: str, file: str, lines: Iterator[str]) -> dict[str, Any] | None:
    name = {":submit": "submit", ":run": "run_code"}.get(word)
    if name is None:
        note(f"there is no {word}; type :help for what you can do")
        return None
    if not file:
        return _call(name, code=_until_dot(lines))
    try:
        return _call(name, code=Path(file).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        note(f"{file} can't be read: {error}")
        return None


def _until_dot(lines: Iterator[str]) -> str:
    text = []
    for line in lines:
        if line == ".":
            break
        text.append(f"{line}\n")
    return "".join(text)


def _call(name: str, **arguments: str) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def _show_action(action: Any) -> None:
    text = action if isinstance(action, str) else json.dumps(action, ensure_ascii=False)
    stdout().print(f"> {visible(text)}", style="bold", markup=False, highlight=False)


def _show(text: str) -> None:
    stdout().print(visible(text), markup=False, highlight=False)


def _conclude(info: dict[str, Any]) -> bool:
    if not info["has_verdict"]:
        note("the sandbox failed: there is no verdict")
        return False
    passed = sum(test["score"] == 1.0 for test in info["tests"])
    note(f"score {info['score']:.2f}: {passed} of {len(info['tests'])} tests pass after {info['turn']} turns")
    return bool(info["passed"])
