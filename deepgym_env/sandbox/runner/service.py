"""A scenario's HTTP service: runs beside each command, on the loopback device of its network.

The service is a plain function, ``handle(request, state)``, that returns ``(status, body)`` or
``(status, body, headers)``. What it keeps in the dict ``state`` is written to a file out of the
agent's reach after every request, so that it is there for the next command and part of snapshots.
"""

from __future__ import annotations

import http.server
import json
import os
import resource
import signal
import threading
import urllib.parse
from typing import Any, Dict

from . import kernel
from .root import SESSIONS

__all__ = ["PORT", "Request", "start"]

PORT = 8000
_STATE = "state.json"
_MAX_BODY = 1 << 20
_MEMORY = 512 << 20
_MAX_DEPTH = 64


class Request:
    """What a client asked for: ``method, path, query, headers`` (names in lower case), ``body``."""

    def __init__(self, method: str, target: str, headers: Dict[str, str], body: bytes) -> None:
        parts = urllib.parse.urlsplit(target)
        self.method = method
        self.path = urllib.parse.unquote(parts.path)
        self.query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        self.headers = headers
        self.body = body

    @property
    def json(self) -> Any:
        """The body as JSON; None if it isn't, or is nested too deep."""
        try:
            value = json.loads(self.body)
        except (ValueError, RecursionError):
            return None
        return value if _is_shallow(value) else None


def _is_shallow(value: Any, depth: int = _MAX_DEPTH) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth > 0 and all(_is_shallow(each, depth - 1) for each in inner)


def start(source: str, session: str) -> int:
    """Fork a process that serves, and return its pid once it listens."""
    folder = os.open(os.path.join(SESSIONS, session, "service"), os.O_RDONLY | os.O_DIRECTORY)
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.closerange(3, min(folder, writer))
            kernel.prctl(kernel.PR_SET_DUMPABLE, 0)
            kernel.capset_none()
            kernel.prctl(kernel.PR_SET_NO_NEW_PRIVS, 1)
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            _serve(source, folder, writer)
        except BaseException as error:
            os.write(writer, ("%s: %s" % (type(error).__name__, error)).encode("utf-8", "replace")[:1000])
        os._exit(1)
    os.close(writer)
    os.close(folder)
    with os.fdopen(reader, "rb") as pipe:
        answer = pipe.read(1000)
    if answer != b"\n":
        raise OSError("the service did not start: %s" % answer.decode("utf-8", "replace"))
    return pid


def _serve(source: str, folder: int, ready: int) -> None:
    namespace: Dict[str, Any] = {"__name__": "service"}
    exec(compile(source, "service.py", "exec"), namespace)
    state = _load(folder)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", PORT), _handler(namespace["handle"], state, folder))
    os.write(ready, b"\n")
    os.close(ready)
    server.serve_forever()


def _load(folder: int) -> Dict[str, Any]:
    try:
        descriptor = os.open(_STATE, os.O_RDONLY, dir_fd=folder)
    except FileNotFoundError:
        return {}
    with os.fdopen(descriptor) as file:
        loaded: Dict[str, Any] = json.load(file)
    return loaded


def _save(folder: int, state: Dict[str, Any]) -> None:
    if not _is_shallow(state):
        raise ValueError("the state is nested deeper than %d" % _MAX_DEPTH)
    descriptor = os.open(_STATE + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600, dir_fd=folder)
    with os.fdopen(descriptor, "w") as file:
        json.dump(state, file)
    os.rename(_STATE + ".new", _STATE, src_dir_fd=folder, dst_dir_fd=folder)


def _handler(handle: Any, state: Dict[str, Any], folder: int) -> Any:
    lock = threading.Lock()  # one request at a time: what it leaves doesn't depend on luck

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 30

        def _answer(self) -> None:
            length = self.headers.get("Content-Length", "0")
            if not length.isdigit() or int(length) > _MAX_BODY:
                self._send(413, {"error": "body too large"}, {})
                self.close_connection = True
                return
            body = self.rfile.read(int(length))
            headers = {name.lower(): value for name, value in self.headers.items()}
            with lock:
                before = json.dumps(state)
                try:
                    answer = handle(Request(self.command, self.path, headers, body), state)
                    _save(folder, state)
                except Exception as error:  # then the request has changed nothing
                    answer = (500, {"error": "%s: %s" % (type(error).__name__, error)})
                    state.clear()
                    state.update(json.loads(before))
            self._send(answer[0], answer[1], answer[2] if len(answer) > 2 else {})

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = _answer

        def _send(self, status: int, body: Any, headers: Dict[str, str]) -> None:
            kind = "application/json"
            if isinstance(body, str):
                kind, data = "text/plain; charset=utf-8", body.encode()
            else:
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.send_response_only(status)  # without date and version: the same every time
            for name, value in {"Content-Type": kind, **headers, "Content-Length": str(len(data))}.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            pass

    return Handler
