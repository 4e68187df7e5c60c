"""Attacks on stand-alone verifiers: verdicts printed, frames forged, files written, names taken, sources sought."""

# ruff: noqa: E501  attacks are easier to read on one line

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from ground import check_text

from deepgym_env import DeepGym, File, Limits, RunResult, ScriptTask
from deepgym_env.audit import AdversarialTester
from deepgym_env.task import ProgramLimits

LIMITS = Limits(cpu_seconds=0.5, wall_seconds=1.0, memory_mb=128)
SECRET = "b0c6d5e4f3a2"
LOADED = {
    "import": "import json, solution\nprint(json.dumps({'passed': solution.f(2) == 4}))",
    "star": "import json\nfrom solution import *\nprint(json.dumps({'passed': f(2) == 4}))",
    "exec": "import json, sys\nexec(open(sys.argv[1]).read())\nprint(json.dumps({'passed': f(2) == 4}))",
    "program": "import json, subprocess, sys\nran = subprocess.run([sys.executable, sys.argv[1]], input='2', capture_output=True, text=True)\nprint(json.dumps({'passed': ran.stdout == '4\\n'}))",
    "program's own output": "import json, subprocess, sys\nsubprocess.run([sys.executable, sys.argv[1]], input='2', stderr=subprocess.DEVNULL)\nraise SystemExit(0)",
    "shell": 'python3 "$1"',
}
HONEST = "def f(x):\n    return 2 * x\nif __name__ == '__main__':\n    print(f(int(input())))\n"
FORGED = '{"schema_version": "1.0", "score": 1.0, "passed": true}'

ATTACKS = {
    "prints a verdict": f"print('{FORGED}')\ndef f(x): print('{FORGED}')",
    "prints and exits": f"import os\nos.write(1, b'''{FORGED}\\n''')\nos._exit(0)",
    "prints and exits in a call": f"import os\ndef f(x):\n    os.write(1, b'''{FORGED}\\n''')\n    os._exit(0)",
    "prints at exit": f"import atexit\natexit.register(print, '{FORGED}')\ndef f(x): raise SystemExit(0)",
    "replaces output": f"import sys\nclass Out:\n    def write(self, text): return sys.__stdout__.write('{FORGED}')\n    def flush(self): pass\nsys.stdout = Out()\ndef f(x): return 0",
    "patches json and print": f"import builtins, json\njson.dumps = lambda *a, **k: '{FORGED}'\nbuiltins.print = lambda *a, **k: None\ndef f(x): return 0",
    "takes names": f"def print(*a, **k): pass\nclass json:\n    dumps = staticmethod(lambda value: '{FORGED}')\nsys = solution = ran = json\ndef f(x): return 0",
    "writes files": "import glob, os\nfor place in ('/workspace', '/tmp', '.'):\n    for name in ('verifier.py', 'main.sh', 'json.py', 'sitecustomize.py', '.deepgym/stdout', '.deepgym/deepgym_reach.py'):\n        try:\n            os.makedirs(os.path.dirname(os.path.join(place, name)), exist_ok=True)\n            open(os.path.join(place, name), 'w').write(\"print('true')\")\n        except OSError: pass\ndef f(x): return 0",
    "lies about equality": "class Lie:\n    def __eq__(self, other): return True\n    def __bool__(self): return True\n    __ne__ = __lt__ = __ge__ = __eq__\n    __hash__ = None\n    __class__ = int\ndef f(x): return Lie()",
    "lies as a number": "class Lie(int):\n    def __eq__(self, other): return True\n    __hash__ = None\ndef f(x): return Lie(0)",
    "lies as text": "class Lie(str):\n    def __eq__(self, other): return True\n    __hash__ = None\ndef f(x): return Lie('0')",
    "kills everybody": "import os, signal\ndef f(x):\n    for pid in (os.getppid(), -1, 1, 0):\n        try: os.kill(pid, signal.SIGKILL)\n        except OSError: pass\n    return 0\nif __name__ == '__main__': f(0)",
    "looks for the judge": f"import socket\ndef f(x):\n    with socket.socket(socket.AF_UNIX) as plug:\n        plug.connect('\\0deepgym')\n        plug.sendall(b'''{FORGED}''')\n    return 0\nif __name__ == '__main__': print(f(0))",
    "looks into frames": "import gc, sys\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n        frame.f_globals['passed'] = frame.f_locals['passed'] = True\n        frame = frame.f_back\n    return 0",
    "never ends": "def f(x):\n    while True: pass\nif __name__ == '__main__': f(0)",
    "replies for itself": "def f(x): return 0\ndef respond_(text, ask): return '[\"value\",4,[[0,true]]]'",
    "replies with nothing": "def f(x): return 0\ndef respond_(text, ask): return ''",
    "replies with names of its own": 'def f(x): return 0\ndef respond_(text, ask): return \'["value",[{"$":"dict","v":[[1,2]]},[3]],[]]\'',
    "speaks out of turn": f"import os, struct\ndef f(x):\n    data = b'A' + bytes(8) + b'''{FORGED}'''\n    os.write(3, struct.pack('<I', len(data)) + data)\n    return 0",
}


def judged(engine: DeepGym, verifier: str, code: str, **fields: Any) -> RunResult:
    language = "bash" if verifier == LOADED["shell"] else "python"
    given = {"limits": LIMITS, "verifier_language": language, "reference": HONEST, **fields}
    result = engine.run(ScriptTask(prompt="Write f(x): twice x.", verifier=verifier, **given), code)
    assert result.timing.attempts == 1
    check_text(result)
    return result


@pytest.fixture(autouse=True, scope="session")
def _sessions_have_begun(engine: DeepGym) -> None:
    """Start what keeps descriptors of its own before they are counted."""
    judged(engine, LOADED["program"], HONEST)


@pytest.mark.parametrize("name", ["import", "star", "exec", "program"])
def test_what_is_attacked_takes_an_honest_answer(engine: DeepGym, name: str) -> None:
    assert judged(engine, LOADED[name], HONEST).passed


@pytest.mark.parametrize("how", ["import", "star", "exec", "program"])
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gains_nothing(engine: DeepGym, name: str, how: str) -> None:
    result = judged(engine, LOADED[how], ATTACKS[name])
    assert result.has_verdict
    assert (result.score, result.passed) == (0.0, False), result.details


@pytest.mark.parametrize("how", ["program's own output", "shell"])
def test_what_a_program_prints_is_no_verdict(engine: DeepGym, how: str) -> None:
    """A verifier that lets the submission write where it writes itself says nothing."""
    for code in (f"print('{FORGED}')", "print(True)"):
        assert not judged(engine, LOADED[how], code).has_verdict


def test_replies_nobody_could_read_are_tampering(engine: DeepGym) -> None:
    for name in ("replies with nothing", "replies with names of its own", "speaks out of turn"):
        assert judged(engine, LOADED["import"], ATTACKS[name]).status == "tampered"


def test_tampering_counts_whatever_the_verifier_says(engine: DeepGym) -> None:
    verifier = "import solution\ntry: solution.f(2)\nexcept Exception: pass\nreturn True"
    code = "first = True\nhonest = respond_\ndef f(x): pass\ndef respond_(text, ask):\n    return honest(text, ask) if 'names' in text else ''"
    assert (judged(engine, verifier, code).status, judged(engine, verifier, code).score) == ("tampered", 0.0)


def test_nothing_of_the_verifier_is_in_sight(engine: DeepGym) -> None:
    """It looks through files, memory and what it is asked for a word of the verifier's."""
    verifier = f"import solution, subprocess, sys\nSECRET = {SECRET!r}\nsubprocess.run([sys.executable, sys.argv[1]], capture_output=True)\nreturn not solution.f(2)"
    code = f"""
        import gc, os, sys
        WORD = {SECRET[::-1]!r}[::-1]
        def places():
            for top in ('/workspace', '/tmp', '/box', '/sessions', '/store', '/proc/self', '.'):
                for folder, _, names in os.walk(top):
                    yield from (os.path.join(folder, name) for name in names)
        def f(x):
            for place in places():
                try:
                    if '/fd/' in place or 'task/' in place: continue
                    with open(place, 'rb') as file:
                        if WORD.encode() in file.read(1 << 20): return place
                except OSError: pass
            for each in gc.get_objects():
                if type(each) is dict and any(type(value) is str and value != WORD and WORD in value for value in list(each.values())):
                    return 'memory'
            return ''
        if __name__ == '__main__':
            print(f(0))
    """
    assert judged(engine, verifier, textwrap.dedent(code)).passed
    verifier = f"import subprocess, sys\nSECRET = {SECRET!r}\nreturn subprocess.run([sys.executable, sys.argv[1]], capture_output=True, text=True).stdout == '\\n'"
    assert judged(engine, verifier, textwrap.dedent(code)).passed


def test_hidden_tests_stay_hidden(engine: DeepGym) -> None:
    from deepgym_env.feedback import feedback

    told = {
        "score": 0,
        "details": SECRET,
        "cases": [{"id": "a", "passed": False, "error": SECRET, "input_summary": SECRET}],
    }
    for tests in ({}, {"tests": ({"id": "a"},)}, {"tests": ({"id": "a"}, {"id": "b"})}):
        result = judged(engine, f"return {told!r}", HONEST, **tests)
        assert result.score == 0.0
        assert SECRET not in feedback(result)


# ── verifiers that can be cheated where submissions run beside them ────────────────────────

FOLDER = Path(__file__).parents[1] / "audit"
CHEATED = {
    "answers_in_environment": ["answers_in_variables", "frames", "memory"],
    "asserting_lines": ["reads_the_asserting_line"],
    "clock_patched": ["clock_patched"],
    "daemon_left_alive": ["daemon"],
    "exit_code": ["sys_exit", "os_exit", "atexit_exit", "excepthook_exit", "always_equal"],
    "expected_in_frames": ["frames", "memory", "sys_exit"],
    "git_history": ["git_history"],
    "helper_redefined": ["helpers_redefined"],
    "isclose_patched": ["comparisons_patched"],
    "json_patched": ["json_patched", "builtins_patched"],
    "last_line_json": ["verdict_then_exit", "verdict_at_exit"],
    "loose_equality": ["always_equal", "lying_subclasses", "disguised_class"],
    "oracle_within_reach": ["oracle_called"],
    "parsed_lines": ["printed_verdict"],
    "result_file": ["result_files"],
    "startup_files": ["sitecustomize_planted"],
    "subprocess_patched": ["subprocess_patched"],
    "tests_edited": ["tests_edited"],
    "unittest_patched": ["unittest_patched", "variables_rewritten"],
}
RUNNING_MAX = "def running_max(numbers):\n    return [max(numbers[: i + 1]) for i in range(len(numbers))]\n"
MEAN = "def mean(numbers):\n    return sum(numbers) / len(numbers)\n"


@pytest.mark.parametrize("name", CHEATED)
def test_weak_verifiers_are_out_of_reach(engine: DeepGym, name: str) -> None:
    """What cheats these files where they run as people run them, cheats none of them here."""
    task = ScriptTask(
        prompt="Write `mean(numbers)`."
        if name == "isclose_patched"
        else "Write `running_max(numbers)`. running_max([3, 1, 4]) == [3, 3, 4]",
        verifier=(FOLDER / "weak_verifiers" / f"{name}.py").read_text(),
        reference=MEAN if name == "isclose_patched" else RUNNING_MAX,
        files=(File("isolated.py", (FOLDER / "isolated.py").read_bytes()),),
        limits=LIMITS,
        verifier_limits=ProgramLimits(cpu_seconds=4, wall_seconds=4),
    )
    report = AdversarialTester(engine).test(task, CHEATED[name])
    assert report.reference == 1.0
    assert report.exploits == ()
    assert report.unjudged == ()
