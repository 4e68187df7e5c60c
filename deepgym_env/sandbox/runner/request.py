"""A session's requests and their answers: a JSON header and bytes, ``u32 length | header | bytes``."""

from __future__ import annotations

import json
import struct
from typing import Any, Dict, Tuple

__all__ = ["ADDRESS", "Answer", "pack", "unpack"]

ADDRESS = "\0deepgym"  # of a command's link, in its own network

Answer = Tuple[Dict[str, Any], bytes]
_LENGTH = struct.Struct("<I")


def pack(header: Dict[str, Any], data: bytes = b"") -> bytes:
    """Return a request or an answer as bytes."""
    encoded = json.dumps(header).encode()
    return _LENGTH.pack(len(encoded)) + encoded + data


def unpack(payload: bytes) -> Answer:
    """Return header and bytes of a request or an answer."""
    (length,) = _LENGTH.unpack_from(payload)
    return json.loads(payload[4 : 4 + length]), payload[4 + length :]
