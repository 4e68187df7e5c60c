"""Moves each report into a class of its own, copies and all."""

SCRIPT = r"""
import re
source = open("shipping_report.py").read()
for kind, name in (("text", "TextReport"), ("csv", "CsvReport"), ("html", "HtmlReport")):
    source = source.replace("def %s_report(lines):" % kind, "def _%s(lines):" % kind)
    source += "\n\nclass %s(Report):\n    old = staticmethod(_%s)\n" % (name, kind)
    source += "\n\ndef %s_report(lines):\n    return %s(lines).render()\n" % (kind, name)
base = "class Report:\n    def __init__(self, lines):\n        self.lines = lines\n\n"
base += "    def render(self):\n        return self.old(self.lines)\n\n\n"
head, rest = source.split("def _text", 1)
open("shipping_report.py", "w").write(head + base + "def _text" + rest)
"""


def solve():
    yield {"name": "bash", "arguments": {"command": "python3 - <<'END'\n" + SCRIPT + "END"}}
    yield {"name": "bash", "arguments": {"command": "python3 -m unittest discover tests"}}
    yield {"name": "submit", "arguments": {}}
