"""Leaves it to zipfile to drop what climbs, instead of refusing the archive."""

import runpy
from pathlib import Path

SHARE = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["SHARE"]
UNPACK = '''def unpack(root, name, archive):
    """Unpack a ZIP file into a new folder of the uploads; return the status and the sorted names of its files."""
    try:
        folder = place_for(root, name)
    except Refused as error:
        return error.status, []
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            opened.extractall(folder)
            return 201, sorted(entry.filename for entry in opened.infolist() if not entry.is_dir())
    except zipfile.BadZipFile:
        return 400, []
'''


def solve():
    head, found, _ = SHARE.partition("def unpack(")
    assert found
    yield {"name": "write_file", "arguments": {"path": "fileshare.py", "content": head + UNPACK}}
    yield {"name": "submit", "arguments": {}}
