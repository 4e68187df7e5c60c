"""A Hugging Face Hub of a few files on the loopback device, speaking what ``huggingface_hub`` asks."""

from __future__ import annotations

import hashlib
import json
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def hub_of(repositories: dict[str, dict[str, bytes]], revisions: tuple[str, ...] = ("main",)) -> ThreadingHTTPServer:
    """Return a server, not yet started, of data sets given as files by path; ``asked`` lists the requests."""

    class Hub(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self):
            self._answer(body=False)

        def do_GET(self):
            self._answer()

        def do_POST(self):
            self._answer(parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()))

        def _answer(self, form=None, body=True):
            path = unquote(urlsplit(self.path).path)
            self.server.asked.append(f"{self.command} {path}")
            for name, files in repositories.items():
                if path.startswith(f"/datasets/{name}/resolve/"):
                    revision, _, file = path.removeprefix(f"/datasets/{name}/resolve/").partition("/")
                    return self._file(files.get(file), revision, body)
                if path == f"/api/datasets/{name}" or path.startswith(f"/api/datasets/{name}/"):
                    what, _, rest = path.removeprefix(f"/api/datasets/{name}").strip("/").partition("/")
                    return self._facts(name, files, what, rest, form or {})
            return self._send(404, b"{}", body, {"X-Error-Code": "RepoNotFound"})

        def _file(self, data, revision, body):
            if revision not in (*revisions, COMMIT):
                return self._send(404, b"", body, {"X-Error-Code": "RevisionNotFound"})
            if data is None:
                return self._send(404, b"", body, {"X-Error-Code": "EntryNotFound"})
            etag = hashlib.sha256(data).hexdigest()
            return self._send(200, data, body, {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT})

        def _facts(self, name, files, what, rest, form):
            if what == "tree":
                found = _tree(files, rest.partition("/")[2], "recursive=true" in self.path.lower())
            elif what == "paths-info":
                wanted = form.get("paths", [])
                found = [_entry(path, data) for path, data in files.items() if path in wanted]
            else:
                siblings = [{"rfilename": path} for path in files]
                found = {"id": name, "sha": COMMIT, "siblings": siblings, "private": False, "tags": [], "gated": False}
            return self._send(200, json.dumps(found).encode(), True, {"Content-Type": "application/json"})

        def _send(self, code, data, body, headers):
            self.send_response(code)
            for key, value in {**headers, "Content-Length": str(len(data))}.items():
                self.send_header(key, value)
            self.end_headers()
            if body:
                self.wfile.write(data)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.asked = []
    return server


def _entry(path: str, data: bytes) -> dict[str, object]:
    return {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}


def _tree(files: dict[str, bytes], below: str, recursive: bool) -> list[dict[str, object]]:
    """Return the files in a folder, and the folders in it; of these the files too if asked for."""
    prefix = f"{below}/" if below else ""
    inside = {path.removeprefix(prefix): data for path, data in files.items() if path.startswith(prefix)}
    folders = {path.rpartition("/")[0] for path in inside if "/" in path}
    found = [_entry(prefix + path, data) for path, data in inside.items() if recursive or "/" not in path]
    return found + [
        {"type": "directory", "path": prefix + path, "oid": "0" * 40, "size": 0} for path in sorted(folders)
    ]
