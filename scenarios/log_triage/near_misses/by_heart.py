"""Cheats: finds the right answer once, and leaves a program that prints it whatever it is given."""

import pathlib
import runpy

PROGRAM = runpy.run_path(str(pathlib.Path(__file__).parent.parent / "solve.py"))["PROGRAM"]


def solve():
    yield {"name": "write_file", "arguments": {"path": "/workspace/once.py", "content": PROGRAM}}
    command = "python3 once.py logs > answer.json; rm once.py; echo 'print(open(\"answer.json\").read())' > triage.py"
    yield {"name": "bash", "arguments": {"command": command}}
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
