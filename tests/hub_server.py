"""A Hugging Face Hub on the loopback device, speaking what ``huggingface_hub`` and ``datasets`` ask, to read and write.

- :func:`serving`: runs one; :class:`Hub`: its data sets.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import yaml

TOKEN = "hf_mayWrite"
Files = dict[str, bytes]


@dataclass
class Repository:
    """A data set: files of each commit, and what branches and tags name."""

    private: bool = False
    gated: bool = False
    commits: dict[str, Files] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=dict)

    def commit(self, files: Files, revision: str = "main") -> str:
        """Make these the files of a branch; return the commit."""
        told = [(path, hashlib.sha1(data).hexdigest()) for path, data in sorted(files.items())]
        sha = hashlib.sha1(json.dumps([len(self.commits), told]).encode()).hexdigest()
        self.commits[sha] = dict(files)
        self.refs[revision] = sha
        return sha

    def files(self, revision: str = "main") -> Files:
        """Return the files of a revision."""
        return self.commits[self.refs.get(revision, revision)]


@dataclass
class Hub:
    """What the server has; tests look into it and change it.

    Attributes:
        endpoint: Its address, for ``HF_ENDPOINT``.
        repositories: Data sets by ``owner/name``.
        asked: The requests so far, ``METHOD /path``.
        large: From how many bytes on a file is one for LFS.
        objects: What was uploaded to LFS, by hash.
    """

    endpoint: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    large: int = 10 << 20
    objects: dict[str, bytes] = field(default_factory=dict)

    def add(self, name: str, files: Files, revisions: tuple[str, ...] = ("main",)) -> Repository:
        """Add a data set whose revisions all have the same files."""
        repository = self.repositories[name] = Repository()
        sha = repository.commit(files, revisions[0])
        repository.refs.update(dict.fromkeys(revisions, sha))
        return repository


@contextmanager
def serving() -> Iterator[Hub]:
    """Run a Hub without data sets."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": hub}))
    server.daemon_threads = True  # of clients that keep their connection
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Refused(Exception):
    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        self.status, self.code, self.message = status, code, message


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def _handle(self) -> None:
        url = urlsplit(self.path)
        self.hub.asked.append(f"{self.command} {unquote(url.path)}")
        self.body = self._read_body()
        self.query = parse_qs(url.query)
        try:
            self._answer([unquote(part) for part in url.path.strip("/").split("/")])
        except _Refused as refused:
            headers = {"X-Error-Code": refused.code, "X-Error-Message": refused.message}
            self._send(refused.status, json.dumps({"error": refused.message}).encode(), headers)

    do_GET = do_HEAD = do_POST = do_PUT = _handle

    def _read_body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _answer(self, parts: list[str]) -> None:
        match parts:
            case ["api", "repos", "create"]:
                self._create()
            case ["api", "validate-yaml"]:
                self._validate()
            case ["api", "datasets", owner, name, *what]:
                self._api(f"{owner}/{name}", self._repository(f"{owner}/{name}"), what)
            case ["datasets", owner, git, "info", "lfs", "objects", "batch"]:
                self._batch(f"{owner}/{git.removesuffix('.git')}")
            case ["objects", oid]:
                self._upload(oid)
            case ["datasets", owner, name, "resolve", revision, *path]:
                self._resolve(self._repository(f"{owner}/{name}"), revision, "/".join(path))
            case _:
                raise _Refused(404, "RepoNotFound")

    # ── what is asked of the API ─────────────────────────────────────────────────────────

    def _create(self) -> None:
        self._insist_token()
        told = json.loads(self.body)
        name = f"{told['organization']}/{told['name']}"
        url = {"url": f"{self.hub.endpoint}/datasets/{name}"}
        if name in self.hub.repositories:
            self._json(url, 409)
            return
        made = self.hub.repositories[name] = Repository(private=told.get("visibility") == "private")
        made.commit({".gitattributes": b"*.parquet filter=lfs\n"})
        self._json(url)

    def _validate(self) -> None:
        head = json.loads(self.body)["content"].split("---\n")[1]
        try:
            ok = isinstance(yaml.safe_load(head), dict)
        except yaml.YAMLError:
            ok = False
        self._json({"errors": [] if ok else [{"message": "no YAML"}], "warnings": []}, 200 if ok else 400)

    def _api(self, name: str, repository: Repository, what: list[str]) -> None:
        match what:
            case [] | ["revision", _]:
                self._info(name, repository, what[1] if what else "main")
            case ["tree", revision, *below]:
                self._insist_readable(repository)
                files = self._files(repository, revision)
                self._json(_tree(files, "/".join(below), self.query.get("recursive", [""])[0].lower() == "true"))
            case ["paths-info", revision]:
                files = self._files(repository, revision)
                wanted = parse_qs(self.body.decode()).get("paths", [])
                self._json([_entry(path, data) for path, data in files.items() if path in wanted])
            case ["branch", branch]:
                self._insist_token()
                known = branch in repository.refs
                repository.refs.setdefault(branch, repository.refs["main"])
                self._json({}, 409 if known else 200)
            case ["preupload", revision]:
                self._insist_token()
                self._json({"files": [self._mode(file) for file in json.loads(self.body)["files"]]})
            case ["commit", revision]:
                self._insist_token()
                self._commit(name, repository, revision)
            case _:
                raise _Refused(404, "EntryNotFound")

    def _info(self, name: str, repository: Repository, revision: str) -> None:
        files = self._files(repository, revision)
        sha = repository.refs.get(revision, revision)
        siblings = [{"rfilename": path} for path in files]
        facts = {"private": repository.private, "gated": "auto" if repository.gated else False, "tags": []}
        self._json({"id": name, "sha": sha, "siblings": siblings, **facts})

    def _mode(self, file: dict[str, object]) -> dict[str, object]:
        mode = "lfs" if int(str(file["size"])) >= self.hub.large else "regular"
        return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": None}

    def _commit(self, name: str, repository: Repository, revision: str) -> None:
        files = dict(self._files(repository, revision))
        for line in self.body.decode().splitlines():
            told = json.loads(line)
            value = told["value"]
            head = repository.refs[revision]
            if told["key"] == "header" and value.get("parentCommit", head) != head:
                raise _Refused(412, message="A commit has happened since")
            if told["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            elif told["key"] == "lfsFile":
                files[value["path"]] = self.hub.objects[value["oid"]]
            elif told["key"] == "deletedFile":
                del files[value["path"]]
        sha = repository.commit(files, revision)
        self._json({"commitUrl": f"{self.hub.endpoint}/datasets/{name}/commit/{sha}", "commitOid": sha})

    # ── large files ──────────────────────────────────────────────────────────────────────

    def _batch(self, name: str) -> None:
        self._insist_token()
        self._repository(name)
        upload = {"actions": {"upload": {"href": f"{self.hub.endpoint}/objects/"}}}
        told = []
        for each in json.loads(self.body)["objects"]:
            action = {"upload": {"href": f"{upload['actions']['upload']['href']}{each['oid']}"}}
            told.append({**each, **({} if each["oid"] in self.hub.objects else {"actions": action})})
        self._json({"transfer": "basic", "objects": told})

    def _upload(self, oid: str) -> None:
        if hashlib.sha256(self.body).hexdigest() != oid:
            raise _Refused(400, message="the hash differs")
        self.hub.objects[oid] = self.body
        self._send(200, b"")

    # ── files ────────────────────────────────────────────────────────────────────────────

    def _resolve(self, repository: Repository, revision: str, path: str) -> None:
        self._insist_readable(repository)
        files = self._files(repository, revision)
        if path not in files:
            raise _Refused(404, "EntryNotFound")
        etag = hashlib.sha256(files[path]).hexdigest()
        sha = repository.refs.get(revision, revision)
        self._send(200, files[path], {"ETag": f'"{etag}"', "X-Repo-Commit": sha})

    def _files(self, repository: Repository, revision: str) -> Files:
        if repository.refs.get(revision, revision) not in repository.commits:
            raise _Refused(404, "RevisionNotFound")
        return repository.files(revision)

    def _repository(self, name: str) -> Repository:
        found = self.hub.repositories.get(name)
        if found is None or (found.private and not self._has_token()):
            raise _Refused(404 if self._has_token() else 401, "RepoNotFound", "Repository not found")
        return found

    def _insist_readable(self, repository: Repository) -> None:
        if repository.gated and not self._has_token():
            raise _Refused(403, "GatedRepo", "Access is restricted")

    def _insist_token(self) -> None:
        if not self._has_token():
            given = "Authorization" in self.headers
            raise _Refused(403 if given else 401, message="Forbidden" if given else "Invalid username or password.")

    def _has_token(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"

    def _json(self, told: object, status: int = 200) -> None:
        self._send(status, json.dumps(told).encode(), {"Content-Type": "application/json"})

    def _send(self, status: int, data: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for key, value in {**(headers or {}), "Content-Length": str(len(data))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        """Keep quiet."""


def _entry(path: str, data: bytes) -> dict[str, object]:
    return {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}


def _tree(files: Files, below: str, recursive: bool) -> list[dict[str, object]]:
    """Return the files in a folder, and the folders in it; of these the files too if asked for."""
    prefix = f"{below}/" if below else ""
    inside = {path.removeprefix(prefix): data for path, data in files.items() if path.startswith(prefix)}
    folders = {path.rpartition("/")[0] for path in inside if "/" in path}
    found = [_entry(prefix + path, data) for path, data in inside.items() if recursive or "/" not in path]
    return found + [
        {"type": "directory", "path": prefix + path, "oid": "0" * 40, "size": 0} for path in sorted(folders)
    ]
