"""The text that files can hold.

- :func:`storable`: text that any UTF-8 file can hold.
"""

from __future__ import annotations

__all__ = ["storable"]


def storable(text: str) -> str:
    r"""Return ``text`` with lone surrogates as U+FFFD: strings of JSON may hold them, UTF-8 can't.

    Example:
        >>> storable("na\u00efve \ud800") == "na\u00efve \ufffd"
        True
    """
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
