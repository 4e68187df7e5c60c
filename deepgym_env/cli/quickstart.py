"""``deepgym quickstart``: one episode from prompt to full score, in a second."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from deepgym_env.cli.console import stdout, visible
from deepgym_env.cli.inputs import examples
from deepgym_env.errors import SandboxError

if TYPE_CHECKING:
    from rich.console import Console

    from deepgym_env.blocking import DeepGym

__all__ = ["EXAMPLES", "quickstart"]

EXAMPLES = examples("deepgym quickstart")

_TASK = "coin_change"
_WIDTH = 100
_GREEDY = """\
def coin_change(coins, amount):
    count = 0
    for coin in sorted(coins, reverse=True):  # take the largest coin while it fits
        count += amount // coin
        amount %= coin
    return count if amount == 0 else -1
"""
_CORRECT = """\
def coin_change(coins, amount):
    fewest = [0] + [amount + 1] * amount
    for total in range(1, amount + 1):
        for coin in coins:
            if coin <= total:
                fewest[total] = min(fewest[total], fewest[total - coin] + 1)
    return fewest[amount] if fewest[amount] <= amount else -1
"""
_NEXT = (
    ("deepgym list", "all tasks"),
    ("deepgym show two_sum", "one of them"),
    ("deepgym run two_sum --solution FILE", "judge your own solution"),
    ("deepgym eval two_sum --solutions FILE.jsonl", "judge what a model sampled"),
    ("deepgym doctor", "what isolates submissions here"),
)


def quickstart() -> None:
    """Play one episode: a prompt, a wrong solution, its feedback and reward, a right one, full score."""
    from deepgym_env.blocking import DeepGym

    console = stdout()
    with DeepGym() as engine:
        isolation = engine.isolation()  # first, so that a sandbox that can't start is the only thing shown
        _play_episode(console)
        _judge_directly(console, engine)
    missing = [layer.name for layer in isolation.layers if not layer.active]
    without = f", without {', '.join(missing)}" if missing else ""
    console.print(f"Submissions ran at isolation level [bold]{isolation.level}[/]{without}.\n")
    console.print("[bold]Next steps[/]")
    for command, purpose in _NEXT:
        console.print(f"  [cyan]{command:<45}[/] [dim]{purpose}[/]")


def _play_episode(console: Console) -> None:
    import gymnasium as gym

    import deepgym_env  # noqa: F401 - registers the tasks

    env: Any = gym.make(f"DeepGym/{_TASK}")
    try:
        _show_code(console, f'env = gym.make("DeepGym/{_TASK}")\nprompt, info = env.reset(seed=0)')
        prompt, _ = env.reset(seed=0)
        _show_prompt(console, prompt)
        for name, code in (("a greedy solution", _GREEDY), ("a correct one", _CORRECT)):
            _show_code(console, code, title=f"action: {name}")
            _show_code(console, "feedback, reward, terminated, truncated, info = env.step(action)")
            _show_step(console, *env.step(f"```python\n{code}```"))
        console.print(
            "[dim]The reward is the change of each test's score; over the episode it adds up to the score.[/]\n"
        )
    finally:
        env.close()


def _show_step(
    console: Console, feedback: str, reward: Any, terminated: bool, truncated: bool, info: dict[str, Any]
) -> None:
    if not info["has_verdict"]:
        raise SandboxError("the sandbox failed, so there is no verdict")
    console.print(visible(feedback), style="yellow" if not terminated else "green", markup=False)
    console.print(f"[dim]reward[/] {reward.tolist()}", soft_wrap=False)
    console.print(
        f"[dim]score[/] {info['score']:.3f}  [dim]terminated[/] {terminated}  [dim]truncated[/] {truncated}\n"
    )


def _judge_directly(console: Console, engine: DeepGym) -> None:
    from deepgym_env.cli.run import case_table
    from deepgym_env.engine import load_environment

    _show_code(
        console,
        f'with DeepGym() as dg:\n    result = dg.run(load_environment("{_TASK}"), code)\n'
        "print(result.score, result.passed)",
        title="the same without Gymnasium",
    )
    result = engine.run(load_environment(_TASK), _CORRECT)
    if not result.has_verdict:
        raise SandboxError(f"no verdict: {result.details}")
    console.print(f"[bold green]{result.score} {result.passed}[/]")
    console.print(case_table(result))


def _show_prompt(console: Console, prompt: str) -> None:
    from rich.markdown import Markdown
    from rich.panel import Panel

    console.print(
        Panel(Markdown(visible(prompt)), title="prompt", title_align="left", border_style="dim", width=_width(console))
    )
    console.print()


def _show_code(console: Console, code: str, title: str | None = None) -> None:
    from rich.syntax import Syntax

    if title:
        console.print(f"[dim]# {title}[/]")
    console.print(
        Syntax(code.rstrip("\n"), "python", theme="ansi_dark", background_color="default"), width=_width(console)
    )


def _width(console: Console) -> int:
    return min(console.width, _WIDTH)
