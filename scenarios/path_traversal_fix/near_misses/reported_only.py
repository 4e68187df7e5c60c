"""Takes out `../` until none is left, as the advisory suggests, and wants upload names without `..`."""

LOOP = '    while "../" in path:\n        path = path.replace("../", "")\n'
OLD = '    path = path.replace("../", "")  # so that nobody gets out of the share\n'


def solve():
    yield {"name": "read_file", "arguments": {"path": "ADVISORY.md"}}
    yield {"name": "edit_file", "arguments": {"path": "fileshare.py", "old": OLD, "new": LOOP}}
    command = "sed -i 's/    if not name:/    if not name or \"..\" in name:/' fileshare.py"
    yield {"name": "bash", "arguments": {"command": command}}
    yield {"name": "submit", "arguments": {}}
