"""Starting the protocols' servers from a shell."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from deepgym_env.integrations import serving


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was served so far, and where; nothing is."""
    seen: list[Any] = []
    uvicorn = SimpleNamespace(run=lambda app, host, port, **_: seen.append((app, host, port)))
    monkeypatch.setattr(serving, "require", lambda *_: uvicorn)
    return seen


def make_app(task: str | None, *, max_turns: int | None) -> Any:
    return task, max_turns


def test_options(served: list[Any]) -> None:
    serving.serve(make_app, "a server", 5000, [])
    serving.serve(make_app, "a server", 5000, ["--task", "two_sum", "--max-turns", "3", "--port", "1"])
    assert served == [((None, None), "127.0.0.1", 5000), (("two_sum", 3), "127.0.0.1", 1)]


def test_a_server_without_episodes(served: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    serving.serve(lambda: "app", "a server", 5000, ["--port", "1"], episodes=False)
    assert served == [("app", "127.0.0.1", 1)]
    with pytest.raises(SystemExit):
        serving.serve(lambda: "app", "a server", 5000, ["--task", "two_sum"], episodes=False)
    assert "--task" in capsys.readouterr().err


def test_a_task_there_is_not(served: list[Any], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        serving.serve(make_app, "a server", 5000, ["--task", "two_sun"])
    assert "did you mean 'two_sum'" in capsys.readouterr().err
    assert served == []
