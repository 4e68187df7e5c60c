"""Episodes as chats.

- :func:`conversation`: an episode's prompt and what followed, as chat messages.
- :func:`action_text`, :func:`observation_text`: one action or observation as text.
"""

from __future__ import annotations

import json
from typing import Any

from deepgym_env.actions.formats import ARGUMENTS, NAMES, find_calls
from deepgym_env.actions.values import MalformedActionError
from deepgym_env.episodes.record import Episode
from deepgym_env.errors import ConfigError

__all__ = ["Message", "action_text", "conversation", "observation_text"]

Message = dict[str, Any]


def conversation(episode: Episode) -> tuple[list[Message], list[Message]]:
    """Return the prompt's messages, and those of the turns up to the last judged action.

    A text is an assistant message as the model wrote it, and the observation a user message. A tool
    call given as a dict becomes OpenAI's ``tool_calls``, the observation a message of the ``tool``
    role; of several calls in one action, the last one's message holds it. The observation after the
    last action is left out: nothing was written in reply to it.

    Raises:
        ConfigError: If an observation is neither text nor chat messages.
    """
    prompt = [_chat_message(message) for message in episode.prompt] if _is_chat(episode.prompt) else None
    messages: list[Message] = []
    for turn in episode.judged_turns:
        said = _assistant(turn.action, f"call_{len(messages)}")
        messages += [said, *_replies(said, observation_text(turn.observation))]
    while messages and messages[-1]["role"] != "assistant":
        messages.pop()
    return prompt or [{"role": "user", "content": observation_text(episode.prompt)}], messages


def action_text(action: Any) -> str:
    """Return a text as it is, anything else as JSON."""
    return action if isinstance(action, str) else json.dumps(action)


def observation_text(observation: Any) -> str:
    """Return a text as it is, of chat messages the last one's content.

    Raises:
        ConfigError: If it is neither.
    """
    if isinstance(observation, str):
        return observation
    if _is_chat(observation):
        return str(observation[-1]["content"])
    raise ConfigError(
        f"expected observations of text or chat messages, got {observation!r:.80}: "
        "put EpisodeLogger inside the wrapper that makes them"
    )


def _is_chat(observation: Any) -> bool:
    return (
        isinstance(observation, list)
        and bool(observation)
        and all(isinstance(message, dict) and {"role", "content"} <= message.keys() for message in observation)
    )


def _chat_message(message: Message) -> Message:
    return {"role": message["role"], "content": message["content"]}


def _assistant(action: Any, call_id: str) -> Message:
    """Return an action as an assistant message; what is no readable call stays text, as it was tried."""
    if isinstance(action, str):
        return {"role": "assistant", "content": action}
    try:
        found = find_calls(action, {}, {})
        calls = [_tool_call(call, f"{call_id}_{number}") for number, call in enumerate(found.calls)]
    except MalformedActionError:
        return {"role": "assistant", "content": action_text(action)}
    if not calls:
        return {"role": "assistant", "content": found.text or action_text(action)}
    return {"role": "assistant", "content": found.text, "tool_calls": calls}


def _tool_call(call: Any, default_id: str) -> Message:
    """Return a call in OpenAI's form, its arguments as JSON text."""
    if not isinstance(call, dict):
        raise MalformedActionError("a call is a dict")
    function = call["function"] if isinstance(call.get("function"), dict) else call
    name = next((function[key] for key in NAMES if isinstance(function.get(key), str)), None)
    if name is None:
        raise MalformedActionError("a call names a tool")
    arguments: Any = next((function[key] for key in ARGUMENTS if key in function), {})
    text = arguments if isinstance(arguments, str) else json.dumps(arguments)
    call_id = call.get("id")
    return {
        "id": call_id if isinstance(call_id, str) and call_id else default_id,
        "type": "function",
        "function": {"name": name, "arguments": text},
    }


def _replies(said: Message, observation: str) -> list[Message]:
    calls = said.get("tool_calls")
    if not calls:
        return [{"role": "user", "content": observation}]
    contents = ["" for _ in calls[1:]] + [observation]
    return [
        {"role": "tool", "tool_call_id": call["id"], "content": content}
        for call, content in zip(calls, contents, strict=True)
    ]
