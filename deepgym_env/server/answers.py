"""Answers of routes, and errors as HTTP has them.

- :func:`answered`: a message as a response; :func:`refusing`: our errors as HTTP's.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator

from fastapi import HTTPException, Response
from gymnasium.error import ResetNeeded
from pydantic import BaseModel

from deepgym_env.actions import ToolArgumentError
from deepgym_env.errors import (
    ClosedError,
    ConfigError,
    RefusedError,
    SandboxError,
    TaskError,
    UnknownSessionError,
    UnknownTaskError,
)
from deepgym_env.server.live.steps import ConflictError

__all__ = ["answered", "refusing"]


def answered(message: BaseModel, status: int = 200) -> Response:
    """Return a message as a response; what agents write may hold half characters, which JSON can only escape."""
    return Response(json.dumps(message.model_dump(), allow_nan=False), status, media_type="application/json")


@contextlib.contextmanager
def refusing(lost: int = 503) -> Iterator[None]:
    """Raise our errors as HTTP's.

    Args:
        lost: What a sandbox that was lost is: 503 where another is to be had, 410 where all there was is gone.
    """
    try:
        yield
    except (UnknownSessionError, UnknownTaskError) as error:
        raise HTTPException(404, str(error)) from error
    except (RefusedError, ConfigError, TaskError, ToolArgumentError) as error:
        raise HTTPException(422, str(error)) from error
    except (ConflictError, ClosedError, ResetNeeded) as error:
        raise HTTPException(409, str(error)) from error
    except SandboxError as error:
        raise HTTPException(lost, str(error), {"Retry-After": "5"} if lost == 503 else None) from error
