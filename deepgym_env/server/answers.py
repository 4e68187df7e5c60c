"""Answers that hold what agents wrote.

- :func:`answered`: a message as a response.
"""

from __future__ import annotations

import json

from fastapi import Response
from pydantic import BaseModel

__all__ = ["answered"]


def answered(message: BaseModel, status: int = 200) -> Response:
    """Return a message as a response.

    What agents write may hold half characters, which JSON can only escape, and NaN, which is written as Python does.
    """
    return Response(json.dumps(message.model_dump()), status, media_type="application/json")
