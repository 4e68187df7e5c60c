"""The right structure, with what looked like oddities tidied on the way.

Lines are counted without comments and blanks, csv and html modules quote more than the old code did.
"""

import pathlib
import runpy

SOLVE = pathlib.Path(__file__).parents[1] / "solve.py"


def solve():
    source = runpy.run_path(str(SOLVE))["REWRITTEN"]
    for old, new in (
        ("html.escape(one.ident, quote=False)", "html.escape(one.ident)"),
        ("enumerate(lines, 1)", "enumerate([one for one in lines if one.strip()], 1)"),
    ):
        assert old in source
        source = source.replace(old, new)
    yield {"name": "write_file", "arguments": {"path": "shipping_report.py", "content": source}}
    yield {"name": "run_tests", "arguments": {}}
    yield {"name": "submit", "arguments": {}}
