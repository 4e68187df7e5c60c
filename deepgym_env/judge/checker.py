"""What a scenario's ``check.py`` is written with.

Its source runs before ``check.py`` in a process of their own, where no line of the agent's ever
runs: they ask for what they want to know about the workspace, and plain data comes back. Hence it
imports the standard library only.

- :func:`public`: marks a test the agent may run.
- :class:`Workspace`: what a test is given, to look at the workspace and to run things in it.
- :class:`Ran`, :class:`Raised`: what became of a command; of a call that raised.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

__all__ = ["Raised", "Ran", "Workspace", "public"]

_Test = TypeVar("_Test", bound=Callable[..., None])
_CALLER = "import sys; sys.path.insert(0, '/box/lib'); from runner.caller import main; main()"
_QUERY = (
    "import json, sqlite3, sys\n"
    "name, text, values = json.load(sys.stdin)\n"
    "base = sqlite3.connect('file:' + name + '?mode=ro', uri=True)\n"
    "print(json.dumps(base.execute(text, values).fetchall()))\n"
)


def public(test: _Test) -> _Test:
    """Mark a test that the agent may run, and whose failure it may read."""
    return test


class Ran:
    """What became of a command: ``code``, ``stdout``, ``stderr``, and ``reason`` if it was ended."""

    def __init__(self, code: int, stdout: str, stderr: str, reason: str | None) -> None:
        """Keep what came back."""
        self.code = code
        self.stdout = stdout
        self.stderr = stderr
        self.reason = reason

    def __repr__(self) -> str:
        """Show all of it, shortened."""
        told = ", ended for its %s limit" % self.reason if self.reason else ""
        return "exit code %d%s, stdout %.300r, stderr %.300r" % (self.code, told, self.stdout, self.stderr)

    def json(self) -> Any:
        """Return what it printed, as JSON; the test fails if it isn't."""
        return _json(self.stdout, "what was printed")


class Raised:
    """What a call raised: the exception's ``type`` (its name) and ``message``."""

    def __init__(self, type: str, message: str) -> None:
        """Keep what came back."""
        self.type = type
        self.message = message

    def __repr__(self) -> str:
        """Show as it would be printed."""
        return "raised %s: %.200s" % (self.type, self.message)


class Workspace:
    """The workspace as the agent left it.

    Files are read as they were left. What runs, runs in a copy made for this test, which
    :meth:`write` changes too: no test changes what another one sees. Where something isn't there or
    isn't what was asked for, the test fails with a message that says so.

    Attributes:
        seed: Seed of the task.
        rng: A ``random.Random`` of this test's own, the same every time, for hidden inputs.
    """

    def __init__(self, ask: Callable[..., Any], task_id: str, seed: int, test: str) -> None:
        """Ask through ``ask``."""
        self._ask = ask
        self._task_id = task_id
        self.seed = seed
        self.rng = random.Random("%s:%d:%s" % (task_id, seed, test))

    def setup_rng(self) -> random.Random:
        """Return a ``random.Random`` as ``files(rng)`` of ``setup.py`` was given."""
        return random.Random("%s:%d" % (self._task_id, self.seed))

    def read(self, path: str) -> bytes:
        """Return a file's contents."""
        data: bytes = self._get("read", path)
        return data

    def text(self, path: str) -> str:
        """Return a file's text."""
        try:
            return self.read(path).decode("utf-8")
        except UnicodeDecodeError:
            raise AssertionError("%s is no UTF-8 text" % path) from None

    def json(self, path: str) -> Any:
        """Return what a JSON file holds."""
        return _json(self.text(path), path)

    def exists(self, path: str) -> bool:
        """Return whether there is a file (not a folder) of that name that can be read."""
        return bool(self._ask("read", path)[0] == "ok")

    def files(self, path: str = ".") -> list[str]:
        """Return the paths (from the workspace) of all files below a folder, sorted, but what tools keep there."""
        entries = self._get("list", path)
        hidden = {".git", "__pycache__"}
        return [name for name, kind, _ in entries if kind == "file" and not hidden & set(name.split("/"))]

    def folders(self, path: str = ".") -> list[str]:
        """Return the paths of all folders below a folder, sorted."""
        return [name for name, kind, _ in self._get("list", path) if kind == "folder"]

    def write(self, path: str, data: str | bytes) -> None:
        """Write a file into this test's copy."""
        self._get("write", path, data.encode() if isinstance(data, str) else data)

    def remove(self, path: str) -> None:
        """Remove a file or folder from this test's copy."""
        self.run(["rm", "-rf", "--", path])

    def run(
        self,
        command: str | Sequence[str],
        *,
        stdin: str | bytes = "",
        cwd: str = "/workspace",
        env: dict[str, str] | None = None,
        cpu: float = 10.0,
    ) -> Ran:
        """Run a command in this test's copy, in a clean environment.

        Args:
            command: Text for a shell, or a program and its arguments (``python3`` is there).
            stdin: What it can read.
            cwd: Where it runs.
            env: More variables.
            cpu: CPU seconds it may use; waiting is bounded as well.
        """
        given = stdin.encode() if isinstance(stdin, str) else stdin
        what = command if isinstance(command, str) else list(command)
        return Ran(*self._get("run", what, given, cwd, dict(env or {}), cpu))

    def call(self, file: str, function: str, *args: Any, **kwargs: Any) -> Any:
        """Call a function of a Python file in the workspace; return its value, or :class:`Raised`.

        ``file`` is imported with its folder and the workspace on ``sys.path``, in a process of its
        own per call of this method. Arguments and values are plain data.
        """
        return self.calls(file, function, [(args, kwargs)])[0]

    def calls(self, file: str, function: str, arguments: Sequence[Any], *, cpu: float = 10.0) -> list[Any]:
        """Call a function several times in one process; return its values or :class:`Raised`.

        Args:
            file: Path of the Python file.
            function: Name of the function; ``Class.method`` is called on ``Class()``.
            arguments: For each call a tuple of arguments, or ``(args, kwargs)`` with a tuple and a dict.
            cpu: CPU seconds for all of them.
        """
        codec = sys.modules["runner.codec"]
        pairs = [_pair(each) for each in arguments]
        request = codec.encode([file, function, [[list(args), kwargs] for args, kwargs in pairs]], 1 << 26)
        ran = self.run(["python3", "-u", "-I", "-S", "-c", _CALLER], stdin=request, cpu=cpu)
        lines = [line for line in ran.stdout.splitlines() if line.startswith("=>")]
        if len(lines) != len(pairs):
            problem = ran.stderr.strip().splitlines()[-1:] or [repr(ran)]
            raise AssertionError("%s of %s: no answer to every call: %s" % (function, file, problem[0][:300]))
        return [_value(codec, line[2:]) for line in lines]

    def sql(self, database: str, query: str, *values: Any) -> list[list[Any]]:
        """Return the rows of a query on a SQLite file, opened read-only in the sandbox."""
        path = database if database.startswith("/") else "/workspace/" + database
        ran = self.run(["python3", "-I", "-c", _QUERY], stdin=json.dumps([path, query, values]), cwd="/")
        assert ran.code == 0, "%s: %s" % (database, "".join(ran.stderr.strip().splitlines()[-1:])[:300])
        rows: list[list[Any]] = ran.json()
        return rows

    def service_state(self) -> dict[str, Any]:
        """Return what the scenario's service has kept, as the agent's commands left it."""
        state: dict[str, Any] = self._get("service")
        return state

    def _get(self, *request: Any) -> Any:
        kind, value = self._ask(*request)
        if kind != "ok":
            raise AssertionError(value)
        return value


def _pair(arguments: Any) -> Any:
    if len(arguments) == 2 and isinstance(arguments[0], tuple) and isinstance(arguments[1], dict):
        return arguments
    return tuple(arguments), {}


def _value(codec: Any, line: str) -> Any:
    try:
        kind, value = codec.build(codec.parse(line), max_keys=100_000)
    except (codec.CodecError, ValueError, TypeError):
        raise AssertionError("an answer that can't be read") from None
    return value if kind == "value" else Raised(str(value[0]), str(value[1]))


def _json(text: str, what: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise AssertionError("%s is no JSON: %s" % (what, error)) from None


def judge_(name: str, task_id: str, seed: int, ask: Callable[..., Any]) -> list[str]:
    """Run one test; return ``passed``, ``failed`` or ``error`` and a message."""
    ask("begin")
    try:
        getattr(sys.modules["solution"], "test_" + name)(Workspace(ask, task_id, seed, name))
    except AssertionError as error:
        return ["failed", str(error)[:2000] or "an assertion of the test failed"]
    except Exception as error:
        return ["error", "%s: %s" % (type(error).__name__, str(error)[:1000])]
    return ["passed", ""]
