"""What an episode's calls made of the files, as far as the calls tell.

- :class:`Files`: follows an episode turn by turn; :class:`Change`: what a call did to a file.

The log holds no files: they are put together from what was written, edited and read. What a shell
command did to them isn't known, so a file that was known before one is marked as uncertain after it.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import Any

from deepgym_env.viewer.calls import Call, Said, answers

__all__ = ["SUBMISSION", "Change", "Files"]

SUBMISSION = "submission"
"""What submitted code is called among the files."""
_ROOT = "/workspace"
_NO_TEXT = "[the file is empty]"
_CUT = "characters left out ...]"


@dataclass(frozen=True, slots=True)
class Change:
    """What a call did to a file.

    Attributes:
        path: The file; :data:`SUBMISSION` for submitted code.
        before: What it held, "" if it wasn't there or that isn't known.
        after: What it holds.
        note: What a reader should know of how this is known.
    """

    path: str
    before: str
    after: str
    note: str = ""


@dataclass(slots=True)
class _Known:
    text: str
    certain: bool = True


class Files:
    """The files of an episode, after its turns so far."""

    def __init__(self) -> None:
        """Begin with nothing known."""
        self._known: dict[str, _Known] = {}
        self._first: dict[str, str] = {}
        self._written: set[str] = set()

    def take(self, said: Said, observation: str) -> list[Change | None]:
        """Follow a turn; return what each of its calls changed.

        Args:
            said: Its action.
            observation: What was answered.
        """
        if not said.made:
            return [None] * len(said.calls)
        told = answers(said.calls, observation)
        return [self._follow(call, answer) for call, answer in zip(said.calls, told, strict=True)]

    @property
    def overall(self) -> list[Change]:
        """Every file that was changed: from the first that is known of it to the last."""
        return [
            Change(path, self._first[path], known.text, "" if known.certain else _UNCERTAIN)
            for path, known in self._known.items()
            if path in self._first and (self._first[path] != known.text)
        ]

    @property
    def written(self) -> dict[str, str]:
        """What is in the files that were written or edited, as far as it is known."""
        return {path: known.text for path, known in self._known.items() if path in self._written}

    def _follow(self, call: Call, answer: str) -> Change | None:
        arguments = call.arguments
        if call.name == "submit" and isinstance(arguments.get("code"), str):
            return self._write(SUBMISSION, arguments["code"], "")
        if call.name == "bash":
            for known in self._known.values():
                known.certain = False
            return None
        path = _normal(arguments.get("path"))
        if path is None or answer.startswith("Error: "):
            return None
        if call.name == "write_file" and isinstance(arguments.get("content"), str):
            return self._write(path, arguments["content"], "")
        if call.name == "edit_file" and all(isinstance(arguments.get(key), str) for key in ("old", "new")):
            return self._edit(path, arguments)
        if call.name == "read_file" and _CUT not in answer:
            self._known[path] = _Known("" if answer == _NO_TEXT else answer)
            self._first.setdefault(path, self._known[path].text)
        return None

    def _write(self, path: str, text: str, note: str) -> Change:
        known = self._known.get(path)
        before = known.text if known else ""
        if known is None and path != SUBMISSION:
            note = "what it held before isn't in the log"
        elif known is not None and not known.certain and path != SUBMISSION:
            note = _UNCERTAIN
        self._first.setdefault(path, text if path == SUBMISSION else before)  # a first submission changes nothing
        self._written.add(path)
        self._known[path] = _Known(text)
        return Change(path, before, text, note)

    def _edit(self, path: str, arguments: Any) -> Change:
        old, new = arguments["old"], arguments["new"]
        known = self._known.get(path)
        if known is None or known.text.count(old) != 1:
            return Change(path, old, new, "only the part that was edited: the rest isn't in the log")
        self._written.add(path)
        before, known.text = known.text, known.text.replace(old, new)
        return Change(path, before, known.text, "" if known.certain else _UNCERTAIN)


_UNCERTAIN = "a shell command ran since this file was seen, which may have changed it"


def _normal(path: object) -> str | None:
    """Return a path relative to the workspace."""
    if not isinstance(path, str) or not path:
        return None
    return posixpath.relpath(posixpath.normpath(posixpath.join(_ROOT, path)), _ROOT)
