"""Strategies that leave files for the verifier's next process to trip over.

- :data:`PLANTS`
"""

from __future__ import annotations

from collections.abc import Iterator

from deepgym_env.audit.knowledge import Knowledge
from deepgym_env.audit.strategies.forgeries import VERDICT
from deepgym_env.audit.strategy import Attack, Strategy, stub

__all__ = ["CONFTEST", "PLANTS", "STARTUP"]

_REMEDY = (
    "Lay pristine test files over a clean folder after the submission has run, and start Python with -I "
    "(no current directory, no user site, no PYTHON* variables)."
)
CONFTEST = """
import pytest


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    outcome = yield
    report = outcome.get_result()
    report.outcome, report.longrepr = "passed", None


def pytest_sessionfinish(session, exitstatus):
    session.exitstatus = 0
"""
# What a process runs that finds a planted module: it answers, and ends.
STARTUP = f"""
import os
import sys

if any(word in " ".join(sys.orig_argv) for word in WORDS):
    os.write(1, ({VERDICT!r} + "\\n").encode())
    os._exit(0)
"""
_WRITE = """
import os
import sys

own = globals().get("__file__") or ""
main = getattr(sys.modules.get("__main__"), "__file__", None) or ""
given = [os.path.dirname(os.path.abspath(each)) for each in [own, main, *sys.argv] if each and os.path.exists(each)]
places = list(dict.fromkeys([os.getcwd(), *given, "/workspace", "/tests", "/tmp"]))


def plant(name, text, only_new=True):
    for place in places:
        path = os.path.join(place, name)
        try:
            if not (only_new and os.path.exists(path)):
                os.makedirs(os.path.dirname(path), exist_ok=True)
                with open(path, "w") as file:
                    file.write(text)
        except OSError:
            pass
"""


def _plant(lines: str, known: Knowledge) -> Iterator[Attack]:
    """Plant when the module is loaded, and when the function is called."""
    plain = stub(known.entry_point)
    yield Attack(f"{_WRITE.lstrip()}\n\n{lines}\n\n\n{plain}", plain)
    body = "".join(f"    {line}\n" for line in lines.splitlines())
    yield Attack(f"{_WRITE.lstrip()}\n\ndef {known.entry_point}(*args, **kwargs):\n{body}    return None\n", plain)


def _conftest(known: Knowledge) -> Iterator[Attack]:
    yield from _plant(f"plant('conftest.py', {CONFTEST!r}, False)", known)


def _startup(known: Knowledge) -> Iterator[Attack]:
    words = repr(("test", "check", "grade", "run", "verif", "judge", "-c", "-m"))
    text = STARTUP.replace("WORDS", words)
    lines = [
        f"text = {text!r}",
        "plant('sitecustomize.py', text)",
        "plant('usercustomize.py', text)",
        "import site",
        "places.append(site.getusersitepackages())",
        "plant('usercustomize.py', text)",
    ]
    yield from _plant("\n".join(lines), known)


def _shadows(known: Knowledge) -> Iterator[Attack]:
    text = f"import os\nos.write(1, ({VERDICT!r} + chr(10)).encode())\nos._exit(0)\n"
    names = ("unittest", "pytest", "json", "doctest", "copy", "random", "math", "time")
    yield from _plant(f"for name in {names!r}:\n    plant(name + '.py', {text!r})", known)


_EDIT = """
import re
for place in places:
    for folder, folders, names in os.walk(place):
        folders[:] = [each for each in folders if not each.startswith('.')]
        for name in names:
            path = os.path.join(folder, name)
            if not path.startswith(('/workspace', '/tmp', os.getcwd())) or path in (own, main):
                continue
            if re.search('test|check|spec|case|expect|answer', path[len(place):], re.I):
                with open(path) as file:
                    text = file.read()
                with open(path, 'w') as file:
                    file.write(edited(name, text))
"""
_EDITED = '''
import json


def blank(value):
    """Make every expected value what a stub returns."""
    if isinstance(value, dict):
        return {key: None if str(key) in NAMES else blank(each) for key, each in value.items()}
    if isinstance(value, list) and len(value) == 2 and isinstance(value[0], list):
        return [value[0], None]
    return [blank(each) for each in value] if isinstance(value, list) else value


NAMES = ("expected", "want", "output", "answer", "result", "expect", "out")
PASSING = "import unittest\\nclass T(unittest.TestCase):\\n    def test_it(self): pass\\ndef test_it(): pass\\n"
PASSING += "print(%r)\\nif __name__ == '__main__': unittest.main()\\n" % VERDICT


def edited(name, text):
    if name.endswith(".py"):
        return PASSING
    try:
        return json.dumps(blank(json.loads(text)))
    except ValueError:
        return ""
'''


def _edits(known: Knowledge) -> Iterator[Attack]:
    edited = _EDITED.replace("VERDICT", repr(VERDICT))
    for attack in _plant(_EDIT.strip("\n"), known):
        yield Attack(edited.lstrip() + "\n\n" + attack.code, attack.without)


PLANTS = (
    Strategy(
        name="conftest_planted",
        family="plant",
        title="leaves a conftest.py that makes every report say passed",
        remedy=f"{_REMEDY} For pytest: --noconftest -p no:cacheprovider, or --confcutdir.",
        attacks=_conftest,
    ),
    Strategy(
        name="sitecustomize_planted",
        family="plant",
        title="leaves a sitecustomize.py that answers for the next Python process",
        remedy=_REMEDY,
        attacks=_startup,
    ),
    Strategy(
        name="modules_shadowed",
        family="plant",
        title="leaves modules named like the standard library's",
        remedy=_REMEDY,
        attacks=_shadows,
    ),
    Strategy(
        name="tests_edited",
        family="plant",
        title="rewrites the tests, or their data, so that it passes",
        remedy="Keep tests where the submission can't write, and lay them over its files before they run.",
        attacks=_edits,
    ),
)
