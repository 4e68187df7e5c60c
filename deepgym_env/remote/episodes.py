"""Episodes of many turns that a server keeps, for programs without Gymnasium.

- :class:`RemoteEpisode`
"""

from __future__ import annotations

import contextlib
import itertools
import secrets
from collections.abc import Mapping
from typing import Any, TypeVar
from urllib.parse import quote

from pydantic import BaseModel

from deepgym_env.errors import UnknownSessionError
from deepgym_env.remote.line import Line
from deepgym_env.remote.wire_sessions import SessionState, SnapshotName, StepAnswer
from deepgym_env.remote.workspace_calls import error_of

__all__ = ["RemoteEpisode"]

_Message = TypeVar("_Message", bound=BaseModel)


class RemoteEpisode:
    """An episode at a server; made by :meth:`Client.start`.

    With Gymnasium: ``gym.make("DeepGym/debug_fix", engine=DeepGym(mode="remote"))``.

    Attributes:
        id: Its id there.
        observation: What was shown last: at first the prompt.
        tools: The tools an agent has, in the OpenAI format.
    """

    def __init__(self, line: Line, state: SessionState) -> None:
        """Speak for an episode there is."""
        self._line = line
        self.id = state.id
        self.observation = state.observation
        self.tools = state.tools
        self._path = f"/v1/sessions/{quote(state.id, safe='')}"
        self._run = secrets.token_hex(8)  # so that a second client of the same episode takes steps of its own
        self._steps = itertools.count()

    def step(self, action: str | Mapping[str, Any]) -> StepAnswer:
        """Take a turn: once, also where the connection breaks and it is asked for again.

        Args:
            action: What the model wrote, or a tool call or chat message.
        """
        body = {
            "step_id": f"{self._run}-{next(self._steps)}",
            "action": action if isinstance(action, str) else dict(action),
        }
        answer = self._ask("POST", f"{self._path}/steps", StepAnswer, body=body)
        self.observation = answer.observation
        return answer

    def state(self) -> SessionState:
        """Return how it stands."""
        return self._ask("GET", self._path, SessionState)

    def reset(self, seed: int | None = None) -> SessionState:
        """Begin anew; with other tests, if a seed is given."""
        return self._shown(self._ask("POST", f"{self._path}/reset", SessionState, body={"seed": seed}))

    def snapshot(self) -> str:
        """Keep the episode as it is now; return what it is called."""
        return self._ask("POST", f"{self._path}/snapshot", SnapshotName).snapshot

    def restore(self, snapshot: str) -> SessionState:
        """Make the episode as it was when the snapshot was taken."""
        return self._shown(self._ask("POST", f"{self._path}/restore", SessionState, body={"snapshot": snapshot}))

    def fork(self) -> RemoteEpisode:
        """Return another episode that goes on from where this one is."""
        return RemoteEpisode(self._line, self._ask("POST", f"{self._path}/fork", SessionState))

    def close(self) -> None:
        """End it. Closing twice does no harm."""
        with contextlib.suppress(UnknownSessionError):
            self._line.ask_plain("DELETE", self._path, repeat="never", meaning=error_of)

    def __enter__(self) -> RemoteEpisode:
        """Return the episode itself."""
        return self

    def __exit__(self, *exc: object) -> None:
        """End it."""
        self.close()

    def _ask(self, method: str, path: str, kind: type[_Message], **more: Any) -> _Message:
        return self._line.ask(method, path, kind, meaning=error_of, **more)

    def _shown(self, state: SessionState) -> SessionState:
        self.observation = state.observation
        return state
