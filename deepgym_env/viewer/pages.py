"""An episode as a page shows it.

- :func:`episode_page`: an episode to an :class:`EpisodePage` of :class:`TurnView` and :class:`CallView`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deepgym_env.actions import Tool
from deepgym_env.episodes import Episode, Turn
from deepgym_env.viewer.calls import Call, logged_tools, read_action
from deepgym_env.viewer.charts import Chart, chart
from deepgym_env.viewer.credit import Credit, credits_of
from deepgym_env.viewer.diffs import Diff, diff
from deepgym_env.viewer.files import Change, Files
from deepgym_env.viewer.heatmap import HeatMap, Status, heat_map, status_of
from deepgym_env.viewer.summary import Summary, finite, kinds_of
from deepgym_env.viewer.text import Excerpt, as_text, excerpt

__all__ = ["CallView", "EpisodePage", "FileView", "TurnView", "episode_page", "observed"]

_SHORT = 60  # characters of an argument that stands in a line
_DIFFED = ("old", "new")  # arguments that a difference shows
_MOST_TURNS = 500
_MOST_CALLS = 64


@dataclass(frozen=True, slots=True)
class FileView:
    """A file and what became of it."""

    path: str
    diff: Diff
    note: str


@dataclass(frozen=True, slots=True)
class CallView:
    """A call.

    Attributes:
        name: The tool.
        short: Arguments that fit in a line.
        long: The others.
        file: What it did to a file.
        folded: Whether the long arguments are shown by the file's difference already.
    """

    name: str
    short: tuple[tuple[str, str], ...]
    long: tuple[tuple[str, Excerpt], ...]
    file: FileView | None
    folded: bool


@dataclass(frozen=True, slots=True)
class TurnView:
    """A turn.

    Attributes:
        number: From 1.
        text: What was written around the calls.
        calls: The calls.
        valid: Whether the action was well-formed.
        observation: What the agent was told.
        credit: What the turn earned.
        status: What the state came to, if this turn judged it.
        judged: Whether it did.
        has_verdict: Whether the infrastructure worked.
        signs: Signs of cheating in what was submitted, and the report on them.
        report: The same in full, as text.
        components: What the reward is made of.
        end: How the episode ended here, if it did.
    """

    number: int
    text: Excerpt
    calls: tuple[CallView, ...]
    valid: bool
    observation: Excerpt
    credit: Credit
    status: Status
    judged: bool
    has_verdict: bool
    signs: tuple[str, ...]
    report: str
    components: tuple[tuple[str, float], ...]
    end: str


@dataclass(frozen=True, slots=True)
class EpisodePage:
    """An episode.

    Attributes:
        summary: What a list tells of it.
        env: Id of its environment.
        wrappers: Names of the wrappers around it.
        prompt: What its reset returned.
        tools: Names of the tools.
        turns: Its turns.
        turns_left_out: How many more there are.
        heat: Tests by turns.
        curve: Score, or sum of rewards, after each turn.
        files: Every file that was changed, from first to last.
        total: How much of the score its turns earned.
    """

    summary: Summary
    env: str
    wrappers: tuple[str, ...]
    prompt: Excerpt
    tools: tuple[str, ...]
    turns: tuple[TurnView, ...]
    turns_left_out: int
    heat: HeatMap
    curve: Chart
    files: tuple[FileView, ...]
    total: float | None


def episode_page(episode: Episode, summary: Summary) -> EpisodePage:
    """Return an episode as a page shows it."""
    shown = episode.turns[:_MOST_TURNS]
    earned = credits_of(shown)
    tools = logged_tools(episode.tools)
    files = Files()
    turns = [
        _turn(number, turn, credit, tools, files)
        for number, (turn, credit) in enumerate(zip(shown, earned, strict=True), 1)
    ]
    told = [credit.credit for credit in earned if credit.credit is not None]
    env, wrappers = _env(episode.env)
    return EpisodePage(
        summary=summary,
        env=env,
        wrappers=wrappers,
        prompt=excerpt(observed(episode.prompt)),
        tools=tuple(tools),
        turns=tuple(turns),
        turns_left_out=len(episode.turns) - len(shown),
        heat=heat_map(shown),
        curve=_curve(earned, scored=any("score" in turn.info for turn in shown)),
        files=tuple(map(_file, files.overall)),
        total=sum(told) if told else None,
    )


def observed(observation: Any) -> str:
    """Return an observation as text; of chat messages the contents, each under its role."""
    if isinstance(observation, list) and all(
        isinstance(each, dict) and isinstance(each.get("content"), str) for each in observation
    ):
        return "\n\n".join(f"[{as_text(each.get('role', '?'))}]\n{each['content']}" for each in observation)
    return as_text(observation)


def _turn(number: int, turn: Turn, credit: Credit, tools: Mapping[str, Tool], files: Files) -> TurnView:
    said = read_action(turn, tools)
    told = observed(turn.observation)
    changes = files.take(said, told)
    report = turn.info.get("hack_report") if turn.info.get("evaluated") else None
    return TurnView(
        number=number,
        text=excerpt(said.text),
        calls=tuple(map(_call, said.calls[:_MOST_CALLS], changes)),
        valid=said.made,
        observation=excerpt(told),
        credit=credit,
        status=status_of(str(turn.info.get("status", "not_run"))),
        judged=turn.info.get("evaluated") is True,
        has_verdict=turn.has_verdict,
        signs=tuple(kinds_of(report)) if report and report.get("suspicious") is True else (),
        report=json.dumps(report, indent=2) if report else "",
        components=tuple(_components(turn)),
        end="terminated" if turn.terminated else "truncated" if turn.truncated else "",
    )


def _components(turn: Turn) -> list[tuple[str, float]]:
    given = turn.info.get("reward_components", {}).items()
    return [(name, number) for name, value in given if (number := finite(value)) is not None]


def _call(call: Call, change: Change | None) -> CallView:
    texts = {name: as_text(value) for name, value in call.arguments.items()}
    short = {name: text for name, text in texts.items() if len(text) <= _SHORT and "\n" not in text}
    # Code, commands and contents are read as blocks, however short they are.
    blocks = {name: text for name, text in texts.items() if name not in short or name in ("code", "command", "content")}
    shows_all = change is not None and (bool(change.before) or call.name == "edit_file")
    return CallView(
        name=call.name,
        short=tuple(
            (name, text) for name, text in short.items() if name not in blocks and not (shows_all and name in _DIFFED)
        ),
        long=tuple((name, excerpt(text)) for name, text in blocks.items()),
        file=_file(change) if change is not None and shows_all else None,
        folded=shows_all,
    )


def _file(change: Change) -> FileView:
    return FileView(change.path, diff(change.before, change.after), change.note)


def _curve(earned: list[Credit], scored: bool) -> Chart:
    labels = [str(number) for number in range(1, len(earned) + 1)]
    if scored:
        return chart({"score": [credit.score for credit in earned]}, labels, height=170)
    total, sums = 0.0, []
    for credit in earned:
        total += credit.reward or 0.0
        sums.append(finite(total))
    return chart({"sum of rewards": sums}, labels, height=170, percent=False)


def _env(spec: dict[str, Any] | None) -> tuple[str, tuple[str, ...]]:
    given = (spec or {}).get("additional_wrappers")
    wrappers = given if isinstance(given, list | tuple) else ()
    names = [str(each.get("name")) for each in wrappers if isinstance(each, dict)]
    return str((spec or {}).get("id") or ""), tuple(names[:20])
