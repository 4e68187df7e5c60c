"""Reads the module and the advisory, and gives it one place where paths are resolved and one for names."""

SHARE = r'''"""A small file share: serves a folder, takes uploads, unpacks archives."""

import io
import os
import re
import stat
import zipfile
from urllib.parse import unquote_to_bytes

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
REASONS = {400: "Bad Request", 404: "Not Found"}
UPLOADS = "uploads"


class Refused(Exception):
    """A request can't be answered; holds the status."""

    def __init__(self, status):
        super().__init__(status)
        self.status = status


def refuse(status):
    """Return the answer to a request that is refused."""
    return status, "text/plain; charset=utf-8", (REASONS[status] + "\n").encode()


def respond(root, target):
    """Return status, content type and body for a request target."""
    try:
        asked, path = resolve(root, parts_of(target))
        extension = os.path.splitext(asked)[1].lower()
        with open(path, "rb") as file:
            return 200, TYPES.get(extension, "application/octet-stream"), file.read()
    except Refused as error:
        return refuse(error.status)
    except (OSError, ValueError):
        return refuse(404)


def parts_of(target):
    """Return the parts of the path that a request target names."""
    target = target.partition("?")[0]
    if not target.startswith("/") or re.search("%(?![0-9A-Fa-f]{2})", target):
        raise Refused(400)
    try:
        path = unquote_to_bytes(target).decode("utf-8")
    except UnicodeError:
        raise Refused(400)
    if "\0" in path or "\\" in path:
        raise Refused(400)
    parts = []
    for part in path.split("/"):
        if part == "..":
            if not parts:
                raise Refused(404)
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return parts


def resolve(root, parts):
    """Return the path asked for and the real one, of a regular file inside the root that nothing hides."""
    root = os.path.realpath(root)
    asked = os.path.join(root, *parts)
    asked = os.path.join(asked, "index.html") if os.path.isdir(asked) else asked
    path = os.path.realpath(asked)
    inside = path[len(root) + 1 :] if path.startswith(root + os.sep) else ""
    hidden = any(part.startswith(".") for part in parts + inside.split("/"))
    if not inside or hidden or not os.path.isfile(path):
        raise Refused(404)
    return asked, path


def place_for(root, name):
    """Return the path a new upload may have."""
    if not name or len(name) > 100 or name.startswith(".") or any(mark in name for mark in "/\\\0"):
        raise Refused(400)
    path = os.path.join(root, UPLOADS, name)
    if os.path.lexists(path):
        raise Refused(409)
    return path


def store(root, name, data):
    """Write an uploaded file; return 201, 400 (no good name) or 409 (there already)."""
    try:
        with open(place_for(root, name), "xb") as file:
            file.write(data)
    except Refused as error:
        return error.status
    return 201


def unpack(root, name, archive):
    """Unpack a ZIP file into a new folder of the uploads; return the status and the sorted names of its files."""
    try:
        folder = place_for(root, name)
        entries = contents(archive)
    except Refused as error:
        return error.status, []
    os.mkdir(folder)
    for entry, data in entries:
        path = os.path.join(folder, entry)
        if data is None:
            os.makedirs(path, exist_ok=True)
            continue
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)
    return 201, sorted(entry for entry, data in entries if data is not None)


def contents(archive):
    """Return (name, data or None for a folder) of every entry, all of them good."""
    entries = []
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            for entry in opened.infolist():
                name = entry.filename
                bad = name.startswith("/") or "\\" in name or any(part.startswith(".") for part in name.split("/"))
                if bad or stat.S_ISLNK(entry.external_attr >> 16):
                    raise Refused(400)
                entries.append((name, None if entry.is_dir() else opened.read(entry)))
    except (zipfile.BadZipFile, ValueError, OSError, EOFError):
        raise Refused(400)
    return entries
'''


def solve():
    """Yield one action per turn; receive what the environment answered."""
    seen = yield {"name": "bash", "arguments": {"command": "cat ADVISORY.md fileshare.py"}}
    assert "public-old" in seen
    yield {"name": "write_file", "arguments": {"path": "fileshare.py", "content": SHARE}}
    seen = yield {"name": "bash", "arguments": {"command": "python3 -m unittest discover tests 2>&1 | tail -1"}}
    assert seen == "OK", seen
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
