"""What runs in the fresh process of one submission: lock down, load the code, answer questions.

Nothing here is trusted by the judge: the submission shares this process and may change all of
it. It knows inputs and nonces only, and all it can forge are its own answers.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the C module: the enums of `signal` cost a child 50 pages
import gc
import json
import linecache
import os
import random
import resource
import struct
import sys
import traceback
import types
from typing import Any, Callable, Dict, List, NoReturn, Optional, Tuple

from . import codec, isolation, kernel, views, wire
from . import standard as standard  # for what is judged by test code, which finds it in sys.modules
from .channel import CHANNEL, Channel
from .layers import Layers, Limits, set_rlimits
from .network import enter_own_network

__all__ = ["lock_down", "main", "reset_signals"]

_PRINT_CAP = 4000
_CALL_HEAD = struct.Struct("<BI")


def lock_down(limits: Limits, layers: Layers) -> None:
    """Give up every right this process was born with; ``layers`` says which ways there are."""
    for target in (0, 1, 2):
        os.dup2(layers.devnull, target)
    if layers.landlock is not None:
        os.dup2(layers.landlock, CHANNEL + 1)
        os.closerange(CHANNEL + 2, layers.highest_fd)
    else:
        os.closerange(CHANNEL + 1, layers.highest_fd)
    os.setsid()
    if layers.namespaces:
        isolation.private_tmp(limits.tmp_mb)
        os.chdir("/tmp")
        # A user namespace of its own, so that the limit on threads counts this child's alone.
        kernel.unshare(kernel.CLONE_NEWUSER)
        if layers.programs:
            enter_own_network()
    _set_rlimits(limits, layers)
    kernel.capset_none()
    kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
    if not layers.own_pids:
        kernel.prctl(kernel.PR_SET_PDEATHSIG, _signal.SIGKILL)
        if os.getppid() != layers.zygote:
            raise OSError("the zygote has gone")
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
    if layers.landlock is not None:
        kernel.landlock_restrict(CHANNEL + 1)
        os.close(CHANNEL + 1)
    if layers.seccomp is not None:
        layers.seccomp().install()


def _set_rlimits(limits: Limits, layers: Layers) -> None:
    wanted = {
        resource.RLIMIT_AS: layers.base_memory + (limits.memory_mb << 20),
        resource.RLIMIT_CPU: limits.cpu_total,
        resource.RLIMIT_FSIZE: limits.tmp_mb << 20,
        resource.RLIMIT_NOFILE: 64,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
        resource.RLIMIT_RTPRIO: 0,
    }
    if layers.namespaces:  # else it would count every process of this user
        wanted[resource.RLIMIT_NPROC] = limits.threads
    set_rlimits(wanted)


class _Output:
    """Stands in for stdout and stderr: keeps the first part, refuses a flood."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self, cap: int) -> None:
        self.cap = cap
        self.used = 0
        self.kept = ""

    def write(self, text: str) -> int:
        if type(text) is not str:
            raise TypeError("write() argument must be str, not " + type(text).__name__)
        self.used += len(text)
        if len(self.kept) < _PRINT_CAP:
            self.kept += text[: _PRINT_CAP - len(self.kept)]
        if self.used > self.cap:
            raise _TooMuchOutput("printed more than %d characters" % self.cap)
        return len(text)

    def flush(self) -> None:
        pass

    def isatty(self) -> bool:
        return False

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError("stdout is not a file here")

    def take(self) -> str:
        kept, self.kept, self.used = self.kept, "", 0
        return kept


class _TooMuchOutput(BaseException):
    pass


def main(limits: Limits, layers: Layers) -> NoReturn:
    """Run one submission; never returns."""
    channel = Channel(alone=True)
    try:
        lock_down(limits, layers)
    except BaseException as error:
        channel.send(wire.ChildKind.BROKEN, str(error).encode())
        os._exit(1)
    channel.send(wire.ChildKind.READY)
    try:
        _serve(channel)
    except _Lost:
        pass
    os._exit(0)


class _Lost(BaseException):
    """The runner has gone away."""


def _serve(channel: Channel) -> None:
    raw = channel.receive()
    if raw is None:
        return
    job = json.loads(raw)
    output = _Output(job["output_bytes"])
    sys.stdout = sys.stderr = output
    sys.argv = ["solution.py"]
    _seed(job["seed"])
    gc.set_threshold(10_000, 10, 10)  # what was imported is frozen; most submissions never get here
    gc.enable()
    function, error = _load(job)
    output.take()
    if function is None:
        channel.send(wire.ChildKind.LOADED, json.dumps(error).encode())
        return
    channel.send(wire.ChildKind.LOADED)
    solver = _Solver(channel, job, function, output)
    left = job["tests"]
    while left:
        raw = channel.receive()
        if raw is None:
            return
        stage = json.loads(raw)
        if stage.get("last"):
            return
        left -= len(stage["nonces"])
        for nonce, calls in zip(stage["nonces"], stage["tests"]):
            channel.send(wire.ChildKind.ANSWER, nonce.encode() + solver.test(calls))


def _seed(seed: int) -> None:
    random.seed(seed)
    if "numpy.random" in sys.modules:
        sys.modules["numpy.random"].seed(seed)


def _load(job: Dict[str, Any]) -> Tuple[Optional[Callable[..., Any]], Optional[Dict[str, str]]]:
    """Run prelude and submission as module ``solution``; return the entry point, or what went wrong."""
    module = types.ModuleType("solution")
    module.__file__ = "solution.py"
    sys.modules["solution"] = module
    exec(compile(job["prelude"], "prelude.py", "exec"), module.__dict__)
    job["classes"] = {name: made for name, made in vars(module).items() if issubclass(type(made), type)}
    # What is asked may be the prelude's, and then the submission finds no trace of it.
    held = vars(module).pop(job["entry_point"]) if job.pop("held", False) and job.pop("prelude") else None
    code = job["code"]
    linecache.cache["solution.py"] = (len(code), None, code.splitlines(True), "solution.py")
    try:
        compiled = compile(code, "solution.py", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError) as error:
        return None, {"status": "syntax_error", "error": _describe_syntax(error)}
    try:
        exec(compiled, module.__dict__)
        function = held or _entry_point(module, job["entry_point"])
    except BaseException as error:
        return None, _failure(error)
    wanted = job.get("defines", job["entry_point"])  # what is asked is not always what is to be written
    if not callable(function) or not (wanted == job["entry_point"] or callable(getattr(module, wanted, None))):
        return None, {"status": "exception", "error": "the code defines no function %r" % wanted}
    return function, None


def _entry_point(module: types.ModuleType, path: str) -> Any:
    """Return a function of the submission, or a method of an instance of its class; None if there is none."""
    target: Any = module
    for name in path.split("."):
        target = target() if isinstance(target, type) else target
        target = getattr(target, name, None)
    return target


def _describe_syntax(error: BaseException) -> str:
    line = getattr(error, "lineno", None)
    return "%s: %s%s" % (type(error).__name__, getattr(error, "msg", error), " (line %d)" % line if line else "")


def _failure(error: BaseException) -> Dict[str, str]:
    """Describe an exception of the submission; total, whatever the exception is."""
    status = "exception"
    if isinstance(error, MemoryError):
        status = "memory_limit"
    elif isinstance(error, (_TooMuchOutput, codec.TooLarge)):
        status = "output_limit"
    try:
        text = str(error)[:1000]
        message = type(error).__name__ + (": " + text if text else "") + _line_of(error)
    except BaseException:
        message = "an exception that can't be shown"
    return {"status": status, "error": message.encode("utf-8", "backslashreplace").decode()}


def _line_of(error: BaseException) -> str:
    """Return where in the submission it was raised."""
    lines = [at for frame, at in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == "solution.py"]
    return " (line %d)" % lines[-1] if lines else ""


class _Solver:
    """Asks the submission's function and encodes what it returns."""

    def __init__(self, channel: Channel, job: Dict[str, Any], function: Callable[..., Any], output: _Output) -> None:
        self.channel = channel
        self.job = job
        self.function = function
        self.output = output

    def test(self, calls: List[Any]) -> bytes:
        """Return the outcomes of one test's calls, each ``kind | length | bytes``, then its output."""
        parts = []
        for call in calls:
            kind, data = self.call(*call)
            parts += [_CALL_HEAD.pack(kind, len(data)), data]
        printed = self.output.take().encode("utf-8", "backslashreplace")
        return b"".join([*parts, _CALL_HEAD.pack(ord("O"), len(printed)), printed])

    def call(self, tree_args: Any, tree_kwargs: Any, view: Optional[str] = None) -> Tuple[int, bytes]:
        try:
            args = codec.build(tree_args, self.job["classes"], self.query)
            kwargs = codec.build(tree_kwargs, self.job["classes"], self.query)
            value = self.function(*args, **kwargs)
            if view is not None:
                value = views.VIEWS[view](value)
            return ord("V"), codec.encode(value, self.job["output_bytes"]).encode()
        except _Lost:
            raise
        except BaseException as error:
            return ord("E"), json.dumps(_failure(error)).encode()

    def query(self, number: int) -> Callable[..., Any]:
        """Return the function argument of that number: each call of it goes to the judge."""

        def ask(*args: Any) -> Any:
            text = codec.encode(list(args), self.job["output_bytes"])
            self.channel.send(wire.ChildKind.QUERY, struct.pack("<I", number) + text.encode())
            reply = self.channel.receive()
            if reply is None:
                raise _Lost
            return codec.build(codec.parse(reply.decode()))

        return ask


def reset_signals() -> None:
    """Undo the zygote's signal set-up in a fresh child."""
    _signal.set_wakeup_fd(-1)
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    _signal.signal(_signal.SIGINT, _signal.default_int_handler)
