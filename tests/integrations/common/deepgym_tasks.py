"""A taskset plugin, as users make one."""

from deepgym_env.integrations.verifiers import DeepGymTaskset

__all__ = ["DeepGymTaskset"]
