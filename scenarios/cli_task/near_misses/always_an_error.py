"""Refuses everything, politely and with the exit status that most errors have."""


def solve():
    source = "import sys\nsys.stderr.write('tab: wrong usage\\n')\nsys.exit(2)\n"
    yield {"name": "write_file", "arguments": {"path": "tab.py", "content": source}}
    yield {"name": "submit", "arguments": {}}
