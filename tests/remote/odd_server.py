"""A server on the loopback device that answers what it was told to: what stands between, and what is no DeepGym server.

- :class:`OddServer`; :func:`problem`: an answer as DeepGym's servers give it;
  :func:`passed_on`: another server's.
"""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, NamedTuple

import httpx

JSON = {"content-type": "application/json"}


class Answer(NamedTuple):
    """What one request is answered; no status: the connection is cut once the request was read."""

    status: int | None
    body: bytes = b"{}"
    headers: dict[str, str] = JSON


CUT = Answer(None)


def problem(status: int, detail: str, **headers: str) -> Answer:
    body = json.dumps({"title": "A title", "status": status, "detail": detail}).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, body, {"content-type": "application/problem+json", **named})


def passed_on(url: str, method: str, path: str, body: Any) -> Answer:
    """Return what another server answers."""
    answer = httpx.request(method, url + path, json=body, timeout=120, trust_env=False)
    return Answer(answer.status_code, answer.content, {"content-type": answer.headers["content-type"]})


class OddServer:
    """Answers one request after the other as it was told, and the last answer from then on.

    An answer may be a function of the request's method, path and JSON.
    """

    def __init__(
        self, *answers: Answer | Callable[..., Answer], port: int = 0, certificate: Path | None = None
    ) -> None:
        self.answers = list(answers)
        self.asked: list[tuple[str, str, dict[str, str], Any]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def answer(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length") or 0))
                headers = {name.lower(): value for name, value in self.headers.items()}
                outer.asked.append((self.command, self.path, headers, json.loads(body) if body else None))
                told = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                status, data, more = told(*outer.asked[-1][:2], outer.asked[-1][3]) if callable(told) else told
                if status is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                self.send_response(status)
                for name, value in {**more, "content-length": str(len(data))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_DELETE = answer

            def log_message(self, *args: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # a client that doesn't trust it hangs up
        self.port = self._server.server_port
        if certificate is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            listening = self._server.socket
            self._server.socket = context.wrap_socket(listening, server_side=True, do_handshake_on_connect=False)
        self.url = f"http{'s' if certificate else ''}://127.0.0.1:{self.port}"

    def __enter__(self) -> OddServer:
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
