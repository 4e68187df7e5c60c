"""The results file of ``deepgym eval``: one JSON object per line, written as verdicts come in.

- :class:`ResultLog`: appends, and reads back what an earlier run left.
"""

from __future__ import annotations

import fcntl
import json
from collections import defaultdict, deque
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from deepgym_env.errors import ConfigError

if TYPE_CHECKING:
    from deepgym_env.cli.completions import Completion, Key
    from deepgym_env.result import RunResult

__all__ = ["Record", "ResultLog", "record_of"]

Record = dict[str, Any]
_OPENING = b'{"id": '  # how every line begins: tells a torn line of ours from another file's last one


class ResultLog:
    """An append-only file of results that survives being cut off anywhere.

    A last line that was torn is dropped; verdicts of whole lines are there to be taken. While it
    is open no other process can open it.
    """

    def __init__(self, path: Path) -> None:
        """Open ``path``, made if need be, and read it back.

        Raises:
            ConfigError: If it can't be used, holds something else, or another process is writing to it.
        """
        self._path = path
        self._verdicts: defaultdict[Key, deque[Record]] = defaultdict(deque)
        self.torn = False
        try:
            self._file = path.open("a+b")
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            self._lock()
            self._read_back()
        except OSError as error:
            self._file.close()
            raise _unusable(path, error) from error
        except BaseException:
            self._file.close()
            raise

    def take(self, completion: Completion) -> Record | None:
        """Return an earlier verdict of this completion, each only once; None if there is none."""
        verdicts = self._verdicts.get(completion.key)
        return verdicts.popleft() if verdicts else None

    def append(self, record: Record) -> None:
        """Write one result and flush it."""
        self._file.write(json.dumps(record).encode() + b"\n")
        self._file.flush()

    def __enter__(self) -> ResultLog:
        """Return the log itself."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close the file."""
        self._file.close()

    def _lock(self) -> None:
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ConfigError(f"{self._path}: another deepgym is writing to it; name another --output") from error

    def _read_back(self) -> None:
        self._file.seek(0)
        end = 0
        for number, line in enumerate(self._file, 1):
            if not line.endswith(b"\n"):
                self._drop(line, end, number)
                return
            end += len(line)
            record = _parse(line)
            if record is None:
                raise self._foreign(number)
            if record["has_verdict"]:
                self._verdicts[_key(record)].append(record)

    def _drop(self, line: bytes, end: int, number: int) -> None:
        if line[: len(_OPENING)] != _OPENING[: len(line)]:
            raise self._foreign(number)
        self._file.truncate(end)
        self.torn = True

    def _foreign(self, number: int) -> ConfigError:
        return ConfigError(f"{self._path}: line {number} is no result of deepgym eval; name another --output")


def record_of(completion: Completion, result: RunResult) -> Record:
    """Return the line of a result."""
    return {
        "id": completion.id,
        "task": result.task_id,
        "sha256": completion.sha256,
        "score": result.score,
        "passed": result.passed,
        "status": result.status,
        "has_verdict": result.has_verdict,
        "cases": [{"id": case.id, "status": case.status, "score": case.score} for case in result.cases],
        "reward_components": dict(result.reward_components),
        "seed": result.seed,
        "details": result.details,
    }


def _unusable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(f"{path}: {error.strerror or error}: --output takes a file that can be written and read back")


def _parse(line: bytes) -> Record | None:
    """Return a line's record, or None if it is none of ours."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    kinds = {"task": str, "sha256": str, "passed": bool, "status": str, "has_verdict": bool, "seed": int}
    if not isinstance(record, dict) or "id" not in record:
        return None
    if not all(isinstance(record.get(name), kind) for name, kind in kinds.items()):
        return None
    scored = isinstance(record.get("score"), int | float)
    return record if scored or not record["has_verdict"] else None


def _key(record: Record) -> Key:
    return json.dumps(record["id"]), record["task"], record["sha256"], record["seed"]
