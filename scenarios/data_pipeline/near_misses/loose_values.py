"""Prices by way of floats and dates by strptime: cents are lost, and days written with one digit are taken."""

import runpy
from pathlib import Path

PIPELINE = runpy.run_path(str(Path(__file__).parents[1] / "solve.py"))["PIPELINE"]
LOOSE = """

def date(text):
    for form in ("%Y-%m-%d", "%d/%m/%Y", "%Y%m%d"):
        try:
            return datetime.datetime.strptime(text, form).date().isoformat()
        except ValueError:
            pass
    raise ValueError(text)


def cents(text):
    return int(float(text.lstrip("$").replace(",", "")) * 100)


def quantity("""


def solve():
    head, _, rest = PIPELINE.partition("\n\ndef date(")
    source = head + LOOSE + rest.partition("\n\ndef quantity(")[2]
    yield {"name": "write_file", "arguments": {"path": "pipeline.py", "content": source}}
    yield {"name": "bash", "arguments": {"command": "python3 pipeline.py data shop.db report.json"}}
    yield {"name": "submit", "arguments": {}}
