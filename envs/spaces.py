"""The space of Unicode text.

``gymnasium.spaces.Text`` admits alphanumerics by default, builds megabytes of tables for a full
character set, and returns wrong text from shared memory. This subclass checks length and type,
and refuses shared memory.
"""

from __future__ import annotations

import string
from typing import Any

from gymnasium.error import CustomSpaceError
from gymnasium.spaces import Text
from gymnasium.vector.utils import shared_memory

__all__ = ["UnicodeText"]

_SAMPLED_LENGTH = 64


class UnicodeText(Text):
    r"""Every ``str`` of at most ``max_length`` characters.

    Example:
        >>> "naïve\n" in UnicodeText()
        True
        >>> b"bytes" in UnicodeText()
        False
    """

    def __init__(self, max_length: int = 1 << 20, *, seed: int | None = None) -> None:
        """Admit text of up to ``max_length`` characters; samples are short and printable."""
        super().__init__(max_length, min_length=0, charset=string.printable, seed=seed)

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """Return a short printable text."""
        length = int(self.np_random.integers(0, min(self.max_length, _SAMPLED_LENGTH) + 1))
        picks = self.np_random.integers(0, len(string.printable), size=length)
        return "".join(string.printable[pick] for pick in picks)

    def contains(self, x: Any) -> bool:
        """Return whether ``x`` is text of an admitted length."""
        return isinstance(x, str) and len(x) <= self.max_length

    @property
    def is_np_flattenable(self) -> bool:
        """Return False: text has no fixed number of numbers."""
        return False

    def __eq__(self, other: object) -> bool:
        """Compare by the admitted length."""
        return isinstance(other, UnicodeText) and self.max_length == other.max_length

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        """Return the constructor's call."""
        return f"UnicodeText({self.max_length})"


@shared_memory.create_shared_memory.register(UnicodeText)
def _no_shared_memory(space: UnicodeText, n: int = 1, ctx: Any = None) -> Any:
    raise CustomSpaceError("text can't live in shared memory: pass shared_memory=False to AsyncVectorEnv")
