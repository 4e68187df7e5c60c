"""Programs before the judge: honest, wrong, hostile."""

from __future__ import annotations

import pytest

from deepgym_env import ProgramLimits, ProgramResult, ProgramTask, StdioComparison, StdioTest
from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.feedback import feedback
from deepgym_env.judge import StdioJudge

SECRET = "s3cr3t"
QUICK = ProgramLimits(cpu_seconds=0.5, wall_seconds=1.0, memory_mb=128, output_bytes=65536, processes=16)
ADDS = "a, b = map(int, input().split())\nprint(a + b)\n"


def task(*tests, **fields):
    """Return a task; each test is ``(stdin, expected)``, the first one public."""
    made = [StdioTest(id=f"t{n}", stdin=i, expected=o, public=n == 0) for n, (i, o) in enumerate(tests)]
    return ProgramTask(**{"id": "toy", "title": "Toy", "prompt": "Add.", "limits": QUICK, **fields}, tests=made)


@pytest.fixture(scope="module")
def add():
    return task(("1 2\n", "3\n"), ("10 -4\n", "6\n"), ("5 5", "10"))


def statuses(result):
    return [case.status for case in result.cases]


@pytest.mark.parametrize(
    "code",
    [
        ADDS,
        "import sys\nprint(sum(map(int, sys.stdin.read().split())))",
        "import sys\nfor line in sys.stdin: print(sum(map(int, line.split())))",
        "print(sum(map(int, open(0).read().split())))",
        "import os\nos.write(1, str(sum(map(int, os.read(0, 4096).split()))).encode())",
        "import sys\nsys.stdout.buffer.write(b'%d ' % sum(map(int, sys.stdin.buffer.readline().split())))",
        "if __name__ == '__main__':\n    print(sum(map(int, input().split())))\n    exit()",
    ],
    ids=["input", "read", "lines", "open", "descriptors", "buffers", "main"],
)
def test_programs_may_read_and_write_as_programs_do(own, add, code):
    result = own.run(add, code)
    assert (result.status, result.score, result.details) == ("passed", 1.0, "3 of 3 tests passed")


def test_every_test_runs_and_has_its_own_verdict(own):
    given = task(("0", "0"), ("1", "1"), ("2", "2"), ("3", "3"), ("4", "4"), ("5", "5"), ("6", "6"))
    code = (
        "import os, time\n"
        "n = int(input())\n"
        "if n == 1: print(7)\n"
        "elif n == 2: 1 / 0\n"
        "elif n == 3: time.sleep(60)\n"
        "elif n == 4: os.abort()\n"
        "elif n == 5:\n    while True: print('x' * 1000)\n"
        "else: print(n)\n"
    )
    result = own.run(given, code)
    wanted = ["passed", "wrong_answer", "exception", "timeout", "crashed", "output_limit", "passed"]
    assert (statuses(result), result.status) == (wanted, "wrong_answer")
    assert result.vector.tolist() == [1, 0, 0, 0, 0, 0, 1]
    assert result == own.run(given, code)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("while True: pass", "timeout"),
        ("x = bytearray(1 << 30)", "memory_limit"),
        (f"{ADDS}raise SystemExit(1)", "exception"),
        (f"{ADDS}import os, signal\nos.kill(os.getpid(), signal.SIGKILL)", "crashed"),
        ("", "no_code"),
    ],
    ids=["cpu", "memory", "exit code", "killed", "nothing"],
)
def test_what_fails_is_called_by_its_name(own, add, code, status):
    result = own.run(add, code)
    assert (result.status, result.score, result.has_verdict) == (status, 0.0, True)


@pytest.mark.parametrize("code", ["x y", "print(1)\0", "def f(:", "x = '\ud800"], ids=["words", "nul", "def", "half"])
def test_what_does_not_compile_is_not_run(own, add, code):
    result = own.run(add, code)
    assert result.status == "syntax_error"
    assert set(statuses(result)) == {"not_run"}
    assert "it does not compile" in feedback(result, of_program=True)


HOSTILE = {
    "reads nothing": ("print(3)", ["passed", "wrong_answer", "wrong_answer"]),
    "prints nothing": ("input()", ["wrong_answer"] * 3),
    "echo": ("print(input())", ["wrong_answer"] * 3),
    "closes stdout": ("import os\nos.close(1)", ["wrong_answer"] * 3),
    "closes everything": ("import os\nos.closerange(0, 100)", ["wrong_answer"] * 3),
    "NUL bytes": ("import os\nos.write(1, bytes(1000))", ["wrong_answer"] * 3),
    "no UTF-8": ("import os\nos.write(1, b'\\xff\\xfe\\x80' * 1000)", ["wrong_answer"] * 3),
    "endless": ("import os\nwhile True: os.write(1, b'3\\n' * 1000)", ["output_limit"] * 3),
    "endless errors": ("import os\nwhile True: os.write(2, b'x' * 65536)", ["output_limit"] * 3),
    "forks after it ends": (
        "import os, time\na = input()\nif os.fork() == 0:\n    time.sleep(0.1)\n    print(a)\nelse:\n    print(3)",
        None,
    ),
    "bomb": ("import os\nwhile True:\n    try: os.fork()\n    except OSError: pass", None),
    "leaves a note": (
        "import os\nold = [open(p).read() for p in ('/tmp/n', 'n') if os.path.exists(p)]\n"
        "for p in ('/tmp/n', 'n'): open(p, 'w').write(input() if p == 'n' else '')\nprint(len(old))",
        ["wrong_answer"] * 3,
    ),
    "looks for answers": (
        "import os\nfound = [open('/proc/self/environ').read(), open('/proc/self/cmdline').read()]\n"
        "for top in ('/workspace', '/tmp', '/dev/shm', '/run'):\n"
        "    for folder, _, names in os.walk(top):\n"
        "        paths = [os.path.join(folder, name) for name in names if name != 'main.py']\n"
        "        found += paths + [open(path, errors='replace').read() for path in paths]\n"
        "print(*found)",
        ["wrong_answer"] * 3,
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_programs_get_what_they_earn(own, add, name):
    code, wanted = HOSTILE[name]
    result = own.run(add, code)
    assert result.has_verdict
    assert not result.passed
    assert wanted is None or statuses(result) == wanted
    assert own.run(add, ADDS).passed


def test_an_input_that_is_not_read_costs_nothing(own):
    assert own.run(task(("1 2\n" * 500_000, "3")), "print(3)").passed


def test_a_long_output_is_compared_whole(own):
    lines = "".join(f"{n}\n" for n in range(8000))
    given = task(("8000", lines), ("7999", lines))
    assert statuses(own.run(given, "for n in range(int(input())): print(n)")) == ["passed", "wrong_answer"]


def test_several_outputs_may_be_right(own):
    made = StdioTest(id="t", stdin="", expected="1 2\n", accepted=("2 1\n",))
    given = ProgramTask(id="any", title="", prompt="", tests=(made,))
    assert [own.run(given, f"print('{text}')").passed for text in ("1 2", "2 1", "1 1")] == [True, True, False]


def test_floats_are_compared_as_the_task_has_it(own):
    near = task(("", "0.333333333"), comparison=StdioComparison(kind="float", abs_tol=1e-6))
    assert [own.run(near, f"print({text})").passed for text in ("1/3", "0.33")] == [True, False]


IN_OTHERS = {
    "bash": "read a b; echo $((a + b))",
    "c": '#include <stdio.h>\nint main() { long a, b; scanf("%ld %ld", &a, &b); printf("%ld\\n", a + b); }',
    "cpp": "#include <iostream>\nint main() { long a, b; std::cin >> a >> b; std::cout << a + b; }",
    "javascript": "const [a, b] = require('fs').readFileSync(0, 'utf8').split(' ').map(Number); console.log(a + b)",
    "java": "import java.util.*;\npublic class Add { public static void main(String[] x) {\n"
    "var s = new Scanner(System.in); System.out.println(s.nextLong() + s.nextLong()); } }",
}


@pytest.mark.parametrize("language", IN_OTHERS)
def test_the_same_task_in_another_language(own, add, language):
    if own.languages()[language] is None:
        pytest.skip(f"no toolchain for {language} in the sandbox")
    other = add.in_language(language).model_copy(update={"limits": ProgramLimits()})
    assert own.run(other, f"```{language}\n{IN_OTHERS[language]}\n```").passed
    assert own.run(other, ADDS).score == 0


def test_a_language_without_a_toolchain_is_said(own, add):
    missing = [language for language, version in own.languages().items() if version is None]
    if not missing:
        pytest.skip("the sandbox has every toolchain")
    with pytest.raises(ConfigError, match="no toolchain"):
        own.run(add.in_language(missing[0]), "x")


# ── what the agent is told ────────────────────────────────────────────────────────────────


def test_feedback_shows_public_runs_and_nothing_of_hidden_ones(own):
    given = task(("1\n2\n", "3\n"), (SECRET, SECRET))
    code = "import sys\ns = sys.stdin.read()\nprint(s[:99], file=sys.stderr)\nprint(s)\nsys.exit(len(s) % 200)"
    result = own.run(given, code)
    text = feedback(result, of_program=True)
    for part in ("  stdin:\n    1\n    2", "  expected stdout: 3", "  stdout:\n    1\n    2", "exit code 4"):
        assert part in text
    assert "Hidden tests: 0 of 1" in text
    assert SECRET not in result.model_dump_json()
    assert result.cases[1].error == ""  # an exit code could tell what a hidden input is


def test_feedback_tells_where_an_output_differs(own):
    text = feedback(own.run(task(("", "1\n2\n3\n")), "print(1)"), of_program=True)
    assert "stdin: (nothing)" in text
    assert "error: line 2: expected '2', got no more" in text


# ── verdicts ──────────────────────────────────────────────────────────────────────────────


def test_a_run_that_was_lost_is_no_verdict(add):
    runs = [ProgramResult(status="ok", stdout="3"), ProgramResult(status="infrastructure_error", details="gone")]
    with pytest.raises(SandboxError, match="gone"):
        StdioJudge(add).verdict([*runs, runs[0]])
