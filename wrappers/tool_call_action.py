"""Tool calls as the action space.

- :class:`ToolCallAction`
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
from gymnasium.spaces import Dict

from deepgym_env.envs.spaces import UnicodeText

__all__ = ["ToolCallAction"]

_MAX_NAME = 64  # OpenAI's limit


class ToolCallAction(gym.ActionWrapper[Any, Any, Any], gym.utils.RecordConstructorArgs):
    """The action becomes a tool call, ``{"name": ..., "arguments": ...}``, with the arguments as JSON text.

    That is the form in which chat models give it, and one that vector environments can batch. The
    JSON is read by the environment, which says what is wrong with it. Other keys are left out; an
    action that is no mapping, such as a model's plain text, is passed on as it is.

    Example:
        >>> import deepgym_env
        >>> env = ToolCallAction(gym.make("DeepGym/fizzbuzz"))
        >>> {"name": "submit", "arguments": '{"code": "pass"}'} in env.action_space
        True
        >>> env.action({"name": "submit", "arguments": "{}", "id": "call_0", "type": "function"})
        {'name': 'submit', 'arguments': '{}'}
        >>> env.close()
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        """Wrap ``env``, whose ``step`` takes tool calls as dicts."""
        gym.utils.RecordConstructorArgs.__init__(self)
        gym.ActionWrapper.__init__(self, env)
        self.action_space = Dict({"name": UnicodeText(_MAX_NAME), "arguments": UnicodeText()})

    def action(self, action: Any) -> Any:
        """Return the call as the environment takes it."""
        if not isinstance(action, Mapping):
            return action
        return {key: action[key] for key in ("name", "arguments") if key in action}
