"""Where the pages' links lead.

- :class:`Links`: on a server; every address is relative, so that the pages work under any prefix.
- :class:`StaticLinks`: within one file.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

__all__ = ["Links", "StaticLinks"]


class Links:
    """Addresses of a server's pages, all in one folder."""

    static = False

    def episodes(self, query: dict[str, str] | None = None) -> str:
        """Return the address of the list."""
        return f"./?{urlencode(query)}" if query else "./"

    def run(self, query: dict[str, str] | None = None) -> str:
        """Return the address of the run over time."""
        return f"run?{urlencode(query)}" if query else "run"

    def episode(self, identity: str, turn: int = 0) -> str:
        """Return the address of an episode, or of a turn of it."""
        return f"episode?{urlencode({'id': identity})}{f'#{self.anchor(identity, turn)}' if turn else ''}"

    def compare(self, one: str, other: str) -> str:
        """Return the address of a comparison; "" where there is none."""
        return f"compare?{urlencode({'a': one, 'b': other})}"

    def raw(self, identity: str, turn: int, part: str) -> str:
        """Return the address of a text as a file; "" where there is none."""
        return f"raw?{urlencode({'id': identity, 'turn': turn, 'part': part})}"

    def anchor(self, identity: str, turn: Any) -> str:
        """Return the id of a turn's, or another part's, element."""
        return f"turn-{turn}"


class StaticLinks(Links):
    """Places in a file that holds every page."""

    static = True

    def episodes(self, query: dict[str, str] | None = None) -> str:
        """Return the place of the list; a file can't filter by address."""
        return "#episodes"

    def run(self, query: dict[str, str] | None = None) -> str:
        """Return the place of the run over time."""
        return "#run"

    def episode(self, identity: str, turn: int = 0) -> str:
        """Return the place of an episode, or of a turn of it."""
        return f"#{self.anchor(identity, turn)}" if turn else f"#e-{identity}"

    def compare(self, one: str, other: str) -> str:
        """Return "": there are too many pairs for a file."""
        return ""

    def raw(self, identity: str, turn: int, part: str) -> str:
        """Return "": a file holds no other files."""
        return ""

    def anchor(self, identity: str, turn: Any) -> str:
        """Return the id of a turn's, or another part's, element."""
        return f"e-{identity}-{turn}"
