"""``deepgym rollout``: a model behind a chat endpoint plays episodes of a task."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepgym_env.cli.console import note, print_json, progress_bar, stdout, table
from deepgym_env.cli.inputs import ImageOption, JsonOption, ModeOption, SeedOption, TaskArgument, examples, resolve_task
from deepgym_env.task import AnyTask

if TYPE_CHECKING:
    from deepgym_env.rollout import ChatPolicy, Rollout

__all__ = ["EXAMPLES", "rollout"]

EXAMPLES = examples(
    "deepgym rollout debug_fix --model my-model --base-url http://localhost:8000/v1",
    "deepgym rollout two_sum --model my-model --base-url http://localhost:8000/v1 --episodes 16 --log episodes.jsonl",
    "OPENAI_API_KEY=... deepgym rollout debug_fix --model gpt-5 --max-tokens 100000",
)


def rollout(
    task: TaskArgument,
    model: Annotated[str, typer.Option(help="The model's name at the endpoint.", show_default=False)],
    base_url: Annotated[
        str | None,
        typer.Option(envvar="OPENAI_BASE_URL", help="The endpoint; by default OpenAI's.", show_default=False),
    ] = None,
    episodes: Annotated[int, typer.Option("--episodes", "-n", min=1, help="How many.")] = 1,
    concurrency: Annotated[int, typer.Option(min=1, help="Episodes under way at a time.")] = 8,
    seed: SeedOption = 0,
    temperature: Annotated[float | None, typer.Option(min=0, help="Of the sampling.", show_default=False)] = None,
    tools: Annotated[bool, typer.Option("--tools/--no-tools", help="Offer tools to the API, or in text only.")] = True,
    max_turns: Annotated[int | None, typer.Option(min=1, help="Turns of an episode.", show_default=False)] = None,
    max_tokens: Annotated[
        int | None, typer.Option(min=1, help="Tokens after which an episode is cut off.", show_default=False)
    ] = None,
    log: Annotated[
        Path | None, typer.Option(help="Append the episodes to this JSONL file.", show_default=False)
    ] = None,
    as_json: JsonOption = False,
    mode: ModeOption = None,
    image: ImageOption = None,
) -> None:
    """Have a model play a task, with tool calls, and show how it did.

    Exit code 0 if every episode got a verdict, 3 if one did not: its endpoint or the sandbox failed.
    """
    from deepgym_env.rollout import ChatPolicy

    judged = resolve_task(task, seed)
    options: dict[str, Any] = {} if temperature is None else {"temperature": temperature}
    policy = ChatPolicy(model, base_url=base_url, use_tools=tools, **options)
    limits = {"concurrency": concurrency, "max_turns": max_turns, "max_tokens": max_tokens}
    rollouts = asyncio.run(_play(judged, policy, episodes, log, limits))
    if as_json:
        print_json([_row(done) for done in rollouts])
    else:
        _print_rollouts(rollouts)
    for error in dict.fromkeys(done.error for done in rollouts if done.error):
        note(error)
    raise typer.Exit(0 if all(done.has_verdict for done in rollouts) else 3)


async def _play(
    task: AnyTask, policy: ChatPolicy, episodes: int, log: Path | None, limits: dict[str, Any]
) -> list[Rollout]:
    from deepgym_env.rollout import rollout_many

    try:
        with progress_bar() as bar:
            line = bar.add_task(task.id, total=episodes)
            return await rollout_many(
                lambda: _make(task, log),
                policy,
                [task.seed] * episodes,
                progress=lambda done, _: bar.update(line, completed=done),
                **limits,
            )
    finally:
        await policy.aclose()


def _make(task: AnyTask, log: Path | None) -> Any:
    import gymnasium as gym

    from deepgym_env.catalog import gym_id, is_known, load_task
    from deepgym_env.envs import CodingEnv
    from deepgym_env.wrappers import EpisodeLogger

    # A folder's task may have the id of another one.
    registered = gym_id(task.id) in gym.registry and is_known(task.id) and load_task(task.id, task.seed) is task
    env = gym.make(gym_id(task.id)) if registered else CodingEnv(task)
    return env if log is None else EpisodeLogger(env, log)


def _row(done: Rollout) -> dict[str, Any]:
    return {
        "end": done.end,
        "score": done.score,
        "has_verdict": done.has_verdict,
        "turns": len(done.turns),
        "tokens": done.tokens,
        "error": done.error,
    }


def _print_rollouts(rollouts: list[Rollout]) -> None:
    grid = table("end", "episodes", "mean score", "turns", "tokens")
    for end, count in Counter(done.end for done in rollouts).most_common():
        some = [done for done in rollouts if done.end == end]
        scores = [done.score for done in some if done.score is not None]
        mean = f"{sum(scores) / len(scores):.2f}" if scores else "no verdict"
        turns, tokens = sum(len(done.turns) for done in some) / count, sum(done.tokens for done in some) / count
        grid.add_row(end, str(count), mean, f"{turns:.1f}", f"{tokens:.0f}")
    stdout().print(grid)
