"""Snapshots of wrapped environments: what a wrapper remembers of an episode is kept with the episode.

- :class:`BranchingWrapper`: the base of wrappers that remember something.
- :class:`WrappedSnapshot`: what it remembered, and the snapshot of what it wraps.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, NamedTuple

import gymnasium as gym

from deepgym_env.errors import ConfigError

__all__ = ["BranchingWrapper", "WrappedSnapshot"]


class WrappedSnapshot(NamedTuple):
    """What a wrapper remembered, and the snapshot of what it wraps."""

    memory: Any
    inner: Any


class BranchingWrapper(gym.Wrapper[Any, Any, Any, Any]):
    """Gives ``snapshot``, ``restore`` and ``forget`` to a wrapper whose environment has them.

    Call them on the outermost wrapper. Restoring the environment below it alone would leave the
    wrappers with memories of another branch.
    """

    def snapshot(self) -> WrappedSnapshot:
        """Keep the episode as it is now, wrappers included."""
        return WrappedSnapshot(self._memory(), self.env.get_wrapper_attr("snapshot")())

    def restore(self, snapshot: WrappedSnapshot) -> None:
        """Make the episode as it was when the snapshot was taken.

        Raises:
            ConfigError: If it is no snapshot of an environment wrapped like this one.
        """
        self.env.get_wrapper_attr("restore")(self._checked(snapshot).inner)
        self._remember(snapshot.memory)

    def forget(self, snapshot: WrappedSnapshot) -> None:
        """Give up what a snapshot holds."""
        self.env.get_wrapper_attr("forget")(self._checked(snapshot).inner)

    @abstractmethod
    def _memory(self) -> Any:
        """Return what is remembered, as something that no longer changes."""

    @abstractmethod
    def _remember(self, memory: Any) -> None:
        """Take over what :meth:`_memory` returned; it may be used again."""

    def _checked(self, snapshot: object) -> WrappedSnapshot:
        if not isinstance(snapshot, WrappedSnapshot):
            raise ConfigError(f"expected a snapshot taken by {type(self).__name__}.snapshot(), got {snapshot!r}")
        return snapshot
