"""A verifier's way to the submission, which runs elsewhere.

What the verifier imports, runs or executes in place of the submission is a stub that calls :func:`serve`.
Imported or executed, it gets the submission's names, bound to
:class:`~.remote.Remote` objects (data is copied). Run as a program, it has the submission run with its
arguments and standard input, and writes what that wrote.

- :func:`serve`: stands for the submission in a namespace.
- :func:`run`: stands for it as a program in a process of its own.
- :class:`SubmissionFailed`: what a use of it raises where its process ended.
"""

from __future__ import annotations

import builtins
import functools
import os
import socket
import struct
import sys
import threading
from typing import Any, Dict, List, NoReturn, Optional, Set, Tuple

from . import codec as codec  # which remote finds among what is loaded
from . import standard as standard
from .remote import Link, Remote
from .request import ADDRESS, pack, unpack

__all__ = ["SubmissionFailed", "missed_in", "note_stdout", "run", "serve", "verifies_in"]

_FOLDER = "/workspace/.deepgym"
_LENGTH = struct.Struct("<I")


class SubmissionFailed(Exception):
    """The submission's process ended, or its answer can't be had."""


class SubmissionTimedOut(SubmissionFailed, TimeoutError):
    """It used more time than it may."""


class SubmissionOutOfMemory(SubmissionFailed, MemoryError):
    """It used more memory than it may."""


class SubmissionNoPython(SubmissionFailed, SyntaxError):
    """It does not compile."""


_FAILURES = {
    "timeout": SubmissionTimedOut,
    "memory_limit": SubmissionOutOfMemory,
    "syntax_error": SubmissionNoPython,
}


class _Judge:
    """This process's connection to the judge."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.plug: Optional[socket.socket] = None

    def forked(self) -> None:
        self.lock = threading.RLock()
        self.plug = None

    def ask(self, header: Dict[str, Any], data: bytes = b"") -> Tuple[Dict[str, Any], bytes]:
        with self.lock:
            try:
                if self.plug is None:
                    self.plug = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
                    self.plug.connect(ADDRESS)
                payload = pack(header, data)
                self.plug.sendall(_LENGTH.pack(len(payload)) + payload)
                (length,) = _LENGTH.unpack(self._take(_LENGTH.size))
                return unpack(self._take(length))
            except BaseException:  # an alarm, for one: what is still to come is nobody's answer
                if self.plug is not None:
                    self.plug.close()
                self.plug = None
                raise

    def _take(self, count: int) -> bytes:
        data = bytearray()
        while len(data) < count:
            part = self.plug.recv(min(count - len(data), 1 << 20)) if self.plug is not None else b""
            if not part:
                raise ConnectionError("the judge has gone")
            data += part
        return bytes(data)


class _SubmissionLink(Link):
    """Asks the submission's process by way of the judge, and outlives it."""

    def __init__(self, judge: _Judge) -> None:
        super().__init__(judge.ask)
        self.judge = judge
        self.bound = False  # to objects of the process

    def use(self, operation: str, target: Any, args: List[Any], kwargs: Any = None) -> Any:
        with self.judge.lock:
            before, self.bound = self.bound, False
            try:
                return super().use(operation, target, args, kwargs)
            finally:
                self.bound = before

    def _named(self, target: Any) -> Any:
        if isinstance(target, tuple):
            if target[0] != self.process:
                raise _failure("crashed", "the process that had the object has ended")
            self.bound = True
        return super()._named(target)

    def _call_back(self, number: int, given: List[Any], named: Dict[Any, Any]) -> List[Any]:
        reply = super()._call_back(number, given, named)
        self.bound = True
        return reply

    def _ask(self, text: str) -> Any:
        header, data = self.judge.ask({"op": "use", "process": self.process, "bound": self.bound}, text.encode())
        self.process = header["process"]
        if header["printed"] and sys.stdout is not sys.__stdout__:  # else it would be among what the verifier says
            sys.stdout.write(header["printed"])
        return ("reply", data.decode()) if header["kind"] == "reply" else (header["kind"], *header["why"])

    def _end(self, status: str, why: str) -> Any:
        if status == "tampered":
            self.judge.ask({"op": "tampered", "why": why})
        return _failure(status, why)


_missed: List[str] = []  # names asked for that the submission hasn't
_verifier: Optional[Dict[str, Any]] = None  # the namespace of a verifier that runs in this process


@functools.lru_cache(maxsize=None)
def _link() -> _SubmissionLink:
    """Return this process's way to the submission."""
    judge = _Judge()
    os.register_at_fork(after_in_child=judge.forked)
    return _SubmissionLink(judge)


def _failure(status: str, why: str) -> Exception:
    error: Any = _FAILURES.get(status, SubmissionFailed)(why)
    error.of_submission_ = why
    return error  # type: ignore[no-any-return]


def verifies_in(space: Dict[str, Any]) -> None:
    """Note that a verifier runs in this process, in that namespace."""
    global _verifier
    _verifier = space


def missed_in(error: BaseException) -> Optional[str]:
    """Return the name that the submission lacks, where an import failed for want of it."""
    told = str(error) if isinstance(error, ImportError) else ""
    return next((name for name in _missed if told.startswith("cannot import name %r from" % name)), None)


def serve(space: Dict[str, Any]) -> None:
    """Stand for the submission in a namespace."""
    if space.get("__name__") == "__main__" and space is not _verifier:
        if _verifier is None:
            run()
        _run_here()
    _bind(space)


def _bind(space: Dict[str, Any]) -> None:
    """Give a namespace what the submission's has, but for what it has already."""
    taken = {*space, *dir(builtins)} if space is _verifier else set(space)
    found, functions, others = _names()
    found.update((name, Remote(_link(), name)) for name in (*functions, *others))
    for name in functions:  # functions are asked whether they are some, and pickled by name
        found[name] = _function(found[name], name, str(space.get("__name__")))
    for name, value in found.items():
        if name not in taken and name[:2] != "__":
            space[name] = value
    if space is not _verifier:
        with open(os.path.join(_FOLDER, "submission"), encoding="utf-8", errors="surrogatepass") as file:
            space["__source__"] = file.read()
        space["__getattr__"] = _Lookup(space, set(found))


class _Lookup:
    """What a module does that stands for the submission when it is asked for what it hasn't.

    It says what ``from solution import *`` brings: nothing that has a name already where it goes, as Python's own.
    """

    def __init__(self, space: Dict[str, Any], names: Set[str]) -> None:
        self.module = space.get("__name__")
        self.names = names

    def __call__(self, name: str) -> Any:
        if name != "__all__":
            error: Any = AttributeError("module %r has no attribute %r" % (self.module, name))
            error.of_submission_ = "the code defines no %r" % name
            _missed.append(name)
            raise error
        taken = {*sys._getframe(1).f_globals, *dir(builtins)}
        return sorted(each for each in self.names if each[:1] != "_" and each not in taken)


def _function(remote: Remote, name: str, module: str) -> Any:
    def function(*args: Any, **kwargs: Any) -> Any:
        return remote(*args, **kwargs)

    function.__name__ = function.__qualname__ = name
    function.__module__ = module
    return function


def _names() -> Tuple[Dict[str, Any], List[str], List[str]]:
    told = _link().use("names", None, [])
    if type(told) is list and list(map(type, told)) == [dict, list, list]:
        data, functions, others = told
        if all(type(name) is str for name in (*data, *functions, *others)):
            return data, functions, others
    raise _link()._end("tampered", "sent an answer that can't be read")


def _ran(stdin: bytes) -> Tuple[Dict[str, Any], bytes, bytes]:
    header, data = _link().judge.ask({"op": "run", "args": sys.argv[1:] if _verifier is None else []}, stdin)
    return header, data[: header["stdout"]], data[header["stdout"] :]


def _run_here() -> None:
    """Run it as a program where a verifier does: input and output are what the verifier put in their places."""
    header, stdout, stderr = _ran(b"" if sys.stdin is sys.__stdin__ else sys.stdin.read().encode())
    if sys.stdout is not sys.__stdout__:
        sys.stdout.write(stdout.decode("utf-8", "replace"))
    if header["code"]:
        lines = stderr.decode("utf-8", "replace").strip().splitlines()
        raise _failure(header["status"], lines[-1] if lines else "exit code %d" % header["code"])


def run() -> NoReturn:
    """Run it as this process would."""
    header, stdout, stderr = _ran(sys.stdin.buffer.read() if sys.stdin is not None else b"")
    _write(2 if _is_heard() else 1, stdout)
    _write(2, stderr)
    if header["signal"]:
        os.kill(os.getpid(), header["signal"])
    os._exit(header["code"])


def note_stdout() -> None:
    """Note where the verifier is heard."""
    with open(os.path.join(_FOLDER, "stdout"), "w") as file:
        file.write(_stdout())


def _is_heard() -> bool:
    """Return whether what this process writes would be among what the verifier says."""
    with open(os.path.join(_FOLDER, "stdout")) as file:
        return file.read() == _stdout()


def _stdout() -> str:
    state = os.fstat(1)
    return "%d:%d" % (state.st_dev, state.st_ino)


def _write(descriptor: int, data: bytes) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except OSError:  # nobody reads it
            return
