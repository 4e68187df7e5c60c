"""Wrappers around DeepGym environments, each with a twin for vector environments where that makes sense.

Rewards:

- :class:`ScalarReward`: the per-test reward vector as one number.
- :class:`SparseReward`: the same, all of it at the end of the episode.
- :class:`GatedReward`: efficiency and the like, counted only once the code is right.
- :class:`TurnPenalty`, :class:`FormatPenalty`: costs of steps and of unreadable actions.
- :class:`PotentialShaping`: reward for progress that leaves the best policy the best.

Observations and actions:

- :class:`ChatObservation`: the conversation so far.
- :class:`TestVectorObservation`: what passes, as numbers.
- :class:`ToolCallAction`: tool calls as the action space.

Records:

- :class:`EpisodeLogger`: episodes as lines of a log, to replay and to export.
- :class:`HackMonitor`: counts of signs of cheating; no part of the reward.

Of the reward wrappers, first the one that makes a number of the vector (Scalar, Sparse or Gated), then
penalties, then shaping; observation and action wrappers go anywhere. To branch an episode, call
``snapshot`` and ``restore`` on the outermost wrapper.
"""

from deepgym_env.wrappers.chat_observation import ChatObservation
from deepgym_env.wrappers.episode_logger import EpisodeLogger, VectorEpisodeLogger
from deepgym_env.wrappers.gated_reward import GatedReward, VectorGatedReward
from deepgym_env.wrappers.hack_monitor import HackMonitor, VectorHackMonitor
from deepgym_env.wrappers.penalties import FormatPenalty, TurnPenalty, VectorFormatPenalty, VectorTurnPenalty
from deepgym_env.wrappers.potential_shaping import PotentialShaping, VectorPotentialShaping
from deepgym_env.wrappers.scalar_reward import ScalarReward, VectorScalarReward
from deepgym_env.wrappers.score_observation import TestVectorObservation, VectorTestVectorObservation
from deepgym_env.wrappers.sparse_reward import SparseReward, VectorSparseReward
from deepgym_env.wrappers.tool_call_action import ToolCallAction

__all__ = [
    "ChatObservation",
    "EpisodeLogger",
    "FormatPenalty",
    "GatedReward",
    "HackMonitor",
    "PotentialShaping",
    "ScalarReward",
    "SparseReward",
    "TestVectorObservation",
    "ToolCallAction",
    "TurnPenalty",
    "VectorEpisodeLogger",
    "VectorFormatPenalty",
    "VectorGatedReward",
    "VectorHackMonitor",
    "VectorPotentialShaping",
    "VectorScalarReward",
    "VectorSparseReward",
    "VectorTestVectorObservation",
    "VectorTurnPenalty",
]
