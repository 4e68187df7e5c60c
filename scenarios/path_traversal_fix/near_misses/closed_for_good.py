"""Refuses whatever comes: safe, and no file share any more."""

SHARE = """import os

UPLOADS = "uploads"


def refuse(status):
    reason = {400: b"Bad Request", 404: b"Not Found"}[status]
    return status, "text/plain; charset=utf-8", reason + b"\\n"


def respond(root, target):
    return refuse(404 if target.startswith("/") else 400)


def store(root, name, data):
    return 409 if os.path.lexists(os.path.join(root, UPLOADS, "x" + name[:50])) else 400


def unpack(root, name, archive):
    return 400, []
"""


def solve():
    yield {"name": "write_file", "arguments": {"path": "fileshare.py", "content": SHARE}}
    yield {"name": "submit", "arguments": {}}
