"""All is right but the clocks: inventory's is taken for UTC, and a session belongs to whoever had it last."""

import pathlib
import runpy

PROGRAM = runpy.run_path(str(pathlib.Path(__file__).parent.parent / "solve.py"))["PROGRAM"]
WRONG = PROGRAM.replace('" -0500"', '" +0000"').replace("if event[0] <= when]", "]")


def solve():
    assert WRONG.count("+0000") == 1
    yield {"name": "write_file", "arguments": {"path": "triage.py", "content": WRONG}}
    yield {"name": "bash", "arguments": {"command": "python3 triage.py logs > answer.json"}}
    yield {"name": "submit", "arguments": {}}
