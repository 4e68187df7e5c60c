"""Episodes for the viewer's tests: made up, and made up by somebody who wishes the reader ill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deepgym_env.episodes import Episode, EpisodeWriter, Turn

EVIL = "evil.example"  # nothing may ever be asked of it
ATTACKS = {
    "script": "</script><script>alert('script')</script>",
    "image": "<img src=x onerror=alert('image')>",
    "attribute": "\"><svg onload=alert('attribute')>",
    "quotes": "' onmouseover='alert(1)' x=\" onfocus=alert(1) autofocus tabindex=1 ",
    "template": "{{ 7 * 7 }}{% include 'base.html' %}${7*7}",
    "link": "[click](javascript:alert('link')) <a href=javascript:alert(1)>here</a>",
    "frame": f"<iframe src=//{EVIL}/></iframe><object data=//{EVIL}/></object><embed src=//{EVIL}/>",
    "head": f"</title></style></pre><base href=//{EVIL}/><meta http-equiv=refresh content=0;url=//{EVIL}/>",
    "style": f"<style>*{{display:none}}@import '//{EVIL}/x.css'</style><link rel=stylesheet href=//{EVIL}/x.css>",
    "form": f"<form action=//{EVIL}/><button autofocus>Go</button></form></main></body></html><!-- ]]>",
    "terminal": f"\x1b[31mred\x1b[0m \x1b]8;;http://{EVIL}/\x07link\x1b]8;;\x07 \x9b2J\r\x08",
    "direction": "user \u202e\u2066// admin\u2069\u202c\u200b\u2028 \u061c\ufeff",
    "no text": "nul \x00 lone \ud800 pair \udc00 tag \U000e0041",
    "entities": "&lt;script&gt;alert(1)&lt;/script&gt;&#x3c;img src=x onerror=alert(1)&#x3e;",
}


def state(*statuses: str) -> list[dict[str, Any]]:
    """Return the tests of a state, the first of them public."""
    return [
        {"id": f"t{i}", "public": i == 0, "status": status, "score": 1.0 if status == "passed" else 0.0}
        for i, status in enumerate(statuses)
    ]


def turn(action: Any = "code", observation: Any = "told", *statuses: str, before: float = 0.0, **info: Any) -> Turn:
    """Return a turn that judged, with these statuses; without any, one that judged nothing."""
    tests = state(*statuses)
    score = sum(test["score"] for test in tests) / len(tests) if tests else before
    told: dict[str, Any] = {
        "action_valid": True,
        "has_verdict": True,
        "evaluated": bool(statuses),
        "status": next((status for status in statuses if status != "passed"), "passed" if statuses else "not_run"),
        "passed": bool(statuses) and set(statuses) == {"passed"},
        "score": score,
        "tests": tests,
        "reward_components": {"correctness": score},
        **info,
    }
    return Turn(action, observation, [score - before], False, False, told)


def made_up(*turns: Turn, **fields: Any) -> Episode:
    """Return an episode of these turns."""
    known: dict[str, Any] = {
        "env": {"id": "DeepGym/toy"},
        "task": "toy",
        "task_seed": 0,
        "seed": 1,
        "rng": None,
        "options": None,
        "prompt": "Write f.",
        "tools": [_schema("submit", "code"), _schema("run_code", "code")],
        "turns": list(turns) or [turn("x = 1", "well done", "passed", "passed")],
        "end": "terminated",
        "wall": {"began": 1_700_000_000.0, "seconds": 1.5},
        **fields,
    }
    return Episode(**known)


def workspace_tools() -> list[Any]:
    """Return the tools of a workspace, as logs describe them."""
    named = {"bash": ["command"], "read_file": ["path"], "write_file": ["path", "content"], "submit": []}
    return [_schema(name, *names) for name, names in {**named, "edit_file": ["path", "old", "new"]}.items()]


def hostile(name: str) -> Episode:
    """Return an episode that has an attack wherever an episode has a text."""
    evil = ATTACKS[name]
    tests = [
        {"id": f"{evil} {i}", "public": i == 0, "status": status, "score": 0.5}
        for i, status in enumerate((evil, "passed", "wrong_answer"))
    ]
    report = {"suspicious": True, "suspect": [evil], evil: evil, "tampered": True, "gap": evil, "memorised": None}
    info = {"tests": tests, "status": evil, "reward_components": {evil: 1.0, "b": evil}, "hack_report": report}
    call = {"name": evil, "arguments": {evil: evil, "path": evil, "content": f"{evil}\n" * 3}}
    edit = {"name": "edit_file", "arguments": {"path": evil, "old": f"a\n{evil}", "new": f"b\n{evil}"}}
    write = {"name": "write_file", "arguments": {"path": evil, "content": evil}}
    return made_up(
        *(
            turn(action, f"{evil}\n{evil}", "failed", before=before, **info)
            for before, action in [
                (0.0, evil),
                (1 / 3, f"{evil}\n```python\n{evil}\n```\n{evil}"),
                (0.0, call),
                (0.0, [write, edit, {"name": "submit", "arguments": {"code": evil}}]),
                (0.0, {evil: [evil]}),
                (0.0, {"role": "assistant", "content": evil, "tool_calls": [{"function": edit}]}),
            ]
        ),
        env={"id": evil, "additional_wrappers": [{"name": evil}, evil]},
        task=f"{name} {evil}",
        prompt=[{"role": evil, "content": evil}],
        tools=[*workspace_tools(), _schema(evil, evil), {"function": {"name": evil, "parameters": evil}}, evil],
        end="truncated",
        wall={"began": 1e308, "seconds": evil},
        options={evil: evil},
    )


def write_log(path: Path, *episodes: Episode) -> Path:
    """Write a log."""
    writer = EpisodeWriter(path)
    for episode in episodes:
        writer.append(episode)
    return path


def line_of(episode: Episode, **changes: Any) -> str:
    """Return the line of an episode, with some fields forged."""
    return json.dumps({**episode.to_json(), **changes}) + "\n"


def _schema(name: str, *arguments: str) -> dict[str, Any]:
    properties = {each: {"type": "string"} for each in arguments}
    parameters = {"type": "object", "properties": properties, "required": list(arguments)}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}
