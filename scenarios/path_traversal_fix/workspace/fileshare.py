"""A small file share: serves a folder, takes uploads, unpacks archives."""

import io
import os
import zipfile
from urllib.parse import unquote

TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
REASONS = {400: "Bad Request", 403: "Forbidden", 404: "Not Found"}
UPLOADS = "uploads"


def refuse(status):
    """Return the answer to a request that is refused."""
    return status, "text/plain; charset=utf-8", (REASONS[status] + "\n").encode()


def respond(root, target):
    """Return status, content type and body for a request target."""
    path = unquote(target.split("?")[0])
    path = path.replace("../", "")  # so that nobody gets out of the share
    full = os.path.join(root, unquote(path[1:]))  # some clients encode twice
    if not os.path.abspath(full).startswith(os.path.abspath(root)):
        return refuse(403)
    if os.path.basename(full).startswith("."):
        return refuse(404)
    if os.path.isdir(full):
        full = os.path.join(full, "index.html")
    if not os.path.exists(full):
        return refuse(404)
    extension = os.path.splitext(full)[1].lower()
    with open(full, "rb") as file:
        return 200, TYPES.get(extension, "application/octet-stream"), file.read()


def store(root, name, data):
    """Write an uploaded file; return 201, 400 (no good name) or 409 (there already)."""
    if not name:
        return 400
    path = os.path.join(root, UPLOADS, name)
    if os.path.exists(path):
        return 409
    with open(path, "wb") as file:
        file.write(data)
    return 201


def unpack(root, name, archive):
    """Unpack a ZIP file into a new folder of the uploads; return the status and the sorted names of its files."""
    if not name:
        return 400, []
    folder = os.path.join(root, UPLOADS, name)
    if os.path.exists(folder):
        return 409, []
    os.mkdir(folder)
    names = []
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        for entry in opened.infolist():
            path = os.path.join(folder, entry.filename)
            if entry.is_dir():
                os.makedirs(path, exist_ok=True)
                continue
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as file:
                file.write(opened.read(entry))
            names.append(entry.filename)
    return 201, sorted(names)
