"""Compression of what is stored: short records quickly, long ones well.

- :func:`compress`, :func:`decompress`.

Expected values can be a hundred megabytes of text that repeats itself at distances of megabytes, which
zlib's window of 32 KiB can't see and LZMA's can.
"""

from __future__ import annotations

import zlib

try:
    import lzma
except ImportError:  # Python built without it: long records stay long
    lzma = None  # type: ignore[assignment]

__all__ = ["compress", "decompress"]

_LONG = 1 << 20
_WINDOW = 1 << 25
_XZ = b"\xfd7zXZ"


def compress(data: bytes) -> bytes:
    """Return the data compressed.

    Example:
        >>> decompress(compress(b"a" * 100))[:3]
        b'aaa'
    """
    if lzma is None or len(data) < _LONG:
        return zlib.compress(data, 6 if len(data) < _LONG else 1)
    quick = {"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": _WINDOW, "mf": lzma.MF_HC4, "nice_len": 273, "depth": 4}
    return lzma.compress(data, filters=[quick])


def decompress(data: bytes) -> bytes:
    """Return the data as it was.

    Raises:
        ValueError: If it is damaged, or needs an LZMA this Python lacks.
    """
    try:
        if not data.startswith(_XZ):
            return zlib.decompress(data)
        if lzma is None:
            raise ValueError("compressed with LZMA, which this Python is built without")
        return lzma.decompress(data)
    except zlib.error as error:
        raise ValueError(f"damaged: {error}") from error
    except EOFError as error:
        raise ValueError("damaged: it ends too soon") from error
    except Exception as error:  # lzma.LZMAError, where there is an lzma
        raise ValueError(f"damaged: {error}") from error
