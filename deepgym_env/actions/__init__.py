"""What an agent can do, and how what it wrote becomes calls.

- :class:`Tool`: a typed Python function as a tool; :func:`describe_tools` tells a model about tools.
- :func:`parse_action`: a text or a dict to a :class:`ParsedAction` of :class:`ToolCall`.
"""

from __future__ import annotations

from deepgym_env.actions.parsing import ParsedAction, ToolCall, parse_action
from deepgym_env.actions.tools import Tool, ToolArgumentError, describe_tools

__all__ = ["ParsedAction", "Tool", "ToolArgumentError", "ToolCall", "describe_tools", "parse_action"]
