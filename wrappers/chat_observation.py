"""The conversation so far as the observation, for policies that are chat models.

- :class:`ChatObservation`
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import gymnasium as gym
from gymnasium.spaces import Dict, Sequence, Text

from deepgym_env.envs.spaces import UnicodeText
from deepgym_env.errors import ConfigError
from deepgym_env.wrappers.branching import BranchingWrapper

__all__ = ["ChatObservation", "Message"]

Message = dict[str, str]
Chat = tuple[Message, ...]


class ChatObservation(BranchingWrapper, gym.utils.RecordConstructorArgs):
    """The observation becomes a tuple of messages, ``{"role": ..., "content": ...}``.

    The prompt is the ``user``'s, actions are the ``assistant``'s, and what the environment answers
    is the ``user``'s, or the ``tool``'s if the action was a tool call (a dict, shown as
    ``<tool_call>`` JSON). With ``max_messages`` or ``max_chars`` the oldest turns are left out,
    always a whole action with its answer; the prompt and the latest turn are kept, come what may.

    Example:
        >>> import deepgym_env
        >>> env = ChatObservation(gym.make("DeepGym/fizzbuzz"), system="You write Python.")
        >>> chat, _ = env.reset(seed=0)
        >>> chat, *_ = env.step("no idea")
        >>> [message["role"] for message in chat]
        ['system', 'user', 'assistant', 'user']
        >>> chat[2]["content"]
        'no idea'
        >>> env.close()
    """

    def __init__(
        self,
        env: gym.Env[Any, Any],
        system: str | None = None,
        max_messages: int | None = None,
        max_chars: int | None = None,
    ) -> None:
        """Wrap ``env``.

        Args:
            env: An environment whose observations are text.
            system: A ``system`` message to begin with.
            max_messages: How many messages to show at most, the prompt's included.
            max_chars: How many characters of content to show at most; exceeded only by the
                prompt and the latest turn together.

        Raises:
            ConfigError: If observations aren't text, or an option has a value that can't work.
        """
        if not isinstance(env.observation_space, Text):
            raise ConfigError(f"ChatObservation needs text to observe, but {env} gives {env.observation_space}")
        if system is not None and not isinstance(system, str):
            raise ConfigError(f"system must be text or None, got {system!r}")
        least = 3 if system is None else 4
        _check_limit("max_messages", max_messages, least, "the prompt and one turn")
        _check_limit("max_chars", max_chars, 1, "something")
        gym.utils.RecordConstructorArgs.__init__(self, system=system, max_messages=max_messages, max_chars=max_chars)
        BranchingWrapper.__init__(self, env)
        self.observation_space = Sequence(Dict({"role": UnicodeText(16), "content": UnicodeText()}))
        self._system = system
        self._max_messages = max_messages
        self._max_chars = max_chars
        self._prompt: list[Message] = []
        self._turns: list[tuple[Message, Message]] = []

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Chat, dict[str, Any]]:
        """Reset, and begin a conversation with the prompt."""
        prompt, info = self.env.reset(seed=seed, options=options)
        self._prompt = [] if self._system is None else [_message("system", self._system)]
        self._prompt.append(_message("user", prompt))
        self._turns = []
        return self._window(), info

    def step(self, action: Any) -> tuple[Chat, Any, bool, bool, dict[str, Any]]:
        """Step, and add the action and the answer to the conversation."""
        answer, reward, terminated, truncated, info = self.env.step(action)
        role = "user" if isinstance(action, str) else "tool"
        self._turns.append((_message("assistant", _written(action)), _message(role, answer)))
        return self._window(), reward, terminated, truncated, info

    def _memory(self) -> Any:
        return tuple(self._prompt), tuple(self._turns)

    def _remember(self, memory: Any) -> None:
        self._prompt, self._turns = map(list, memory)

    def _window(self) -> Chat:
        messages, chars = len(self._prompt), _chars(self._prompt)
        shown: list[Message] = []
        for number, turn in enumerate(reversed(self._turns)):
            messages, chars = messages + len(turn), chars + _chars(turn)
            if number and (_above(messages, self._max_messages) or _above(chars, self._max_chars)):
                break
            shown[:0] = turn
        return tuple(dict(message) for message in (*self._prompt, *shown))


def _message(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _written(action: Any) -> str:
    """Return an action as a model would have written it, whatever it is."""
    if isinstance(action, str):
        return action
    message = action if isinstance(action, Mapping) else {}
    calls = message.get("tool_calls", action)
    said = [message["content"]] if isinstance(message.get("content"), str) and calls is not action else []
    return "\n".join([*said, *(_tool_call(call) for call in (calls if isinstance(calls, list) else [calls]))])


def _tool_call(call: Any) -> str:
    if isinstance(call, Mapping):
        call = call.get("function", call)
    try:
        written = json.dumps(call, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        written = repr(call)
    return f"<tool_call>\n{written}\n</tool_call>"


def _chars(messages: Any) -> int:
    return sum(len(message["content"]) for message in messages)


def _above(size: int, limit: int | None) -> bool:
    return limit is not None and size > limit


def _check_limit(name: str, value: int | None, least: int, room_for: str) -> None:
    if value is not None and (type(value) is not int or value < least):
        raise ConfigError(f"{name} must leave room for {room_for}: an integer of at least {least}, got {value!r}")
