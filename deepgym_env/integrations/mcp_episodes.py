"""Episodes of one task, one for each client, that begin by themselves with the first call.

- :class:`TaskEpisodes`: takes the turns; :class:`Turn`: what came of one.
- :data:`RESET`: the name of the tool that begins another episode.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deepgym_env.engine import Environment
from deepgym_env.envs.episode import turns_of
from deepgym_env.errors import ConfigError, DeepGymError
from deepgym_env.integrations.live import LiveEpisode, LiveEpisodes
from deepgym_env.integrations.serving import told

__all__ = ["RESET", "TaskEpisodes", "Turn"]

RESET = "reset"
_FORGOTTEN_FROM = 10_000  # clients; of one that comes back after more, it isn't known that it has been here


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of a call.

    Attributes:
        text: What the agent reads.
        data: How the episode stands, as :func:`~deepgym_env.integrations.serving.told` has it, with ``reward``,
            ``over`` and ``observation``; None where no turn was taken.
        failed: Whether the call could not be made as it was meant, or there is no verdict.
    """

    text: str
    data: dict[str, Any] | None = None
    failed: bool = False


@dataclass(slots=True)
class _Client:
    lock: threading.Lock = field(default_factory=threading.Lock)
    has_begun: bool = False


class TaskEpisodes:
    """An episode for each client; safe to share between threads, a client's calls are taken one by one.

    Attributes:
        task: The task.
        turns: Turns of an episode.
        once: Whether each client has one episode and no other.

    Example:
        >>> from deepgym_env import load_environment
        >>> with LiveEpisodes() as live:
        ...     episodes = TaskEpisodes(live, load_environment("reverse_string"))
        ...     turn = episodes.call("a client", "submit", {"code": "def reverse_string(s): return s[::-1]"})
        ...     turn.data["passed"], turn.text.splitlines()[-1]
        ...     episodes.call("a client", "run_code", {"code": "print(1)"}).failed
        (True, '[The episode is over. Call `reset` to begin another.]')
        True
    """

    def __init__(
        self, live: LiveEpisodes, task: Environment, *, max_turns: int | None = None, once: bool = False
    ) -> None:
        """Begin nothing yet.

        Args:
            live: Keeps the episodes.
            task: The task.
            max_turns: Turns of an episode; by default the task's.
            once: Give each client one episode and no other.

        Raises:
            ConfigError: If there are to be no turns.
        """
        if max_turns is not None and max_turns < 1:
            raise ConfigError(f"max_turns must be at least 1, got {max_turns!r}")
        self.task, self.turns, self.once = task, turns_of(task, max_turns), once
        self._live = live
        self._lock = threading.Lock()
        self._clients: dict[str, _Client] = {}

    def call(self, key: str, name: str, arguments: Mapping[str, Any]) -> Turn:
        """Make a client's call of a tool: a turn of its episode, which begins if there was none."""
        client = self._client(key)
        with client.lock:
            try:
                episode = self._live.get(key) or (None if client.has_begun else self._begin(key, client))
                if episode is None:
                    return Turn(
                        f"The episode was ended, since nobody called for too long. {self._way_on()}", failed=True
                    )
                with episode.lock:
                    return self._turn(episode, {"name": name, "arguments": dict(arguments)})
            except DeepGymError as error:
                return Turn(f"The call could not be made: {error}", failed=True)

    def reset(self, key: str) -> Turn:
        """Begin a client's episode anew; what it has is given up unjudged."""
        client = self._client(key)
        with client.lock:
            try:
                episode = self._begin(key, client)
            except DeepGymError as error:
                return Turn(f"No episode could be begun: {error}", failed=True)
            text = f"{self.task.prompt.rstrip()}\n\n[A new episode has begun. It has {self.turns} turns.]"
            return Turn(text, _standing(episode, 0.0, text))

    def end(self, key: str) -> None:
        """End a client's episode: the client has left."""
        with self._lock:
            self._clients.pop(key, None)
        self._live.end(key)

    def _client(self, key: str) -> _Client:
        with self._lock:
            if key not in self._clients and len(self._clients) >= _FORGOTTEN_FROM:
                del self._clients[next(iter(self._clients))]
            return self._clients.setdefault(key, _Client())

    def _begin(self, key: str, client: _Client) -> LiveEpisode:
        episode = self._live.start(key, self.task, max_turns=self.turns)
        client.has_begun = True
        return episode

    def _turn(self, episode: LiveEpisode, action: dict[str, Any]) -> Turn:
        if episode.over:
            text = f"The episode is over. {self._way_on()}"
            return Turn(text, _standing(episode, 0.0, text), failed=True)
        text = episode.step(action)
        if episode.over:
            episode.env.close()
            text = f"{text}\n\n[The episode is over. {self._way_on()}]"
        failed = not (episode.info["action_valid"] and episode.info["has_verdict"])
        return Turn(text, _standing(episode, episode.earned, text), failed)

    def _way_on(self) -> str:
        return "There is no other." if self.once else f"Call `{RESET}` to begin another."


def _standing(episode: LiveEpisode, reward: float, text: str) -> dict[str, Any]:
    """Return how an episode stands; what the agent reads too, for clients that show a model nothing but the data."""
    known = told(episode.info)
    earned = reward if known["has_verdict"] else None
    return {"observation": text, "reward": earned, "over": episode.over, **known}
