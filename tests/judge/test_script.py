"""Stand-alone verifiers: every way they reach a submission, what they print, and whose fault a failure is."""

from __future__ import annotations

import copy
import pickle
import textwrap

import pytest
from pydantic import ValidationError

from deepgym_env import DeepGym, File, Limits, RunResult, ScriptTask, Task
from deepgym_env.programs import LANGUAGES
from deepgym_env.task import ProgramLimits, Test

ADD = "def add(a, b):\n    return a + b\n"
WRONG = "def add(a, b):\n    return 4\n"

LOADING = {
    "import": "import json, solution\nprint(json.dumps({'passed': solution.add(1, 2) == 3}))",
    "from import": "from solution import add\nprint(add(1, 2) == 3)",
    "import star": "from solution import *\nprint(add(1, 2) == 3)",
    "import_module": "import importlib\nprint(importlib.import_module('solution').add(1, 2) == 3)",
    "spec": """
        import importlib.util, sys
        spec = importlib.util.spec_from_file_location("candidate", sys.argv[1])
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        add = getattr(module, "add", None)
        if not add or not callable(add): sys.exit("no add")
        print(float(add(1, 2) == 3))
    """,
    "runpy": "import runpy, sys\nprint(runpy.run_path(sys.argv[1])['add'](1, 2) == 3)",
    "runpy main": "import runpy, sys\nprint(runpy.run_path(sys.argv[1], run_name='__main__')['add'](1, 2) == 3)",
    "exec in a namespace": "import sys\nns = {}\nexec(open(sys.argv[1]).read(), ns)\nprint(ns['add'](1, 2) == 3)",
    "exec as main": """
        import sys
        ns = {"__name__": "__main__"}
        exec(compile(open(sys.argv[1]).read(), "solution.py", "exec"), ns)
        print(ns["add"](1, 2) == 3)
    """,
    "exec here": "import sys\nexec(open(sys.argv[1]).read())\nprint(add(1, 2) == 3)",
    "another process": """
        import subprocess, sys
        code = "import solution; print(solution.add(1, 2))"
        print(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "3")
    """,
    "a pool": """
        import multiprocessing, solution
        def ask(pair): return solution.add(*pair)
        if __name__ == "__main__":
            with multiprocessing.get_context("fork").Pool(2) as pool:
                print(pool.map(ask, [(1, 2), (3, 4)]) == [3, 7])
    """,
    "a pool of pickles": """
        import multiprocessing, solution
        from concurrent.futures import ProcessPoolExecutor
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("fork")) as pool:
            print(pool.submit(solution.add, 1, 2).result(timeout=20) == 3)
    """,
    "the only function": """
        import inspect, solution
        [(name, function)] = inspect.getmembers(solution, inspect.isfunction)
        print(name == function.__name__ == "add" and function(1, 2) == 3)
    """,
    "a copy elsewhere": """
        import shutil, sys
        shutil.copy(sys.argv[1], "/tmp/answer.py")
        sys.path.insert(0, "/tmp")
        import answer
        print(answer.add(1, 2) == 3)
    """,
    "verify": "def verify(solution, test_cases=None):\n    import solution\n    return solution.add(1, 2) == 3",
    "verify of one": "def verify(path):\n    import solution\n    return {'score': float(solution.add(1, 2) == 3)}",
    "verify that is called": """
        import sys
        def verify(path):
            import solution
            return solution.add(1, 2) == 3
        print(verify(sys.argv[1]))
    """,
    "verify with a main part": """
        import sys
        def verify(path):
            import solution
            return {"passed": solution.add(1, 2) == 3}
        if __name__ == "__main__":
            import json
            print(json.dumps(verify(sys.argv[1])))
    """,
    "a body": "import solution\nreturn solution.add(1, 2) == 3",
    "a body that asserts": "from solution import add\nassert add(1, 2) == 3\nreturn 1.0",
    "a body with text": 'text = """\nx\n"""\nimport solution\nreturn text == "\\nx\\n" and solution.add(1, 2) == 3',
}


def judged(engine: DeepGym, verifier: str, code: str = ADD, **fields: object) -> RunResult:
    task = ScriptTask(prompt="Write add(a, b).", verifier=textwrap.dedent(verifier), **fields)
    return engine.run(task, textwrap.dedent(code))


def outcome(result: RunResult) -> tuple[str, float | None]:
    return result.status, result.score


@pytest.mark.parametrize("style", LOADING)
def test_every_way_to_load_a_submission(engine: DeepGym, style: str) -> None:
    assert outcome(judged(engine, LOADING[style])) == ("passed", 1.0)
    assert outcome(judged(engine, LOADING[style], WRONG)) == ("wrong_answer", 0.0)


PROGRAM = """
import subprocess, sys
def ran(text, *args):
    command = [sys.executable, sys.argv[1], *args]
    return subprocess.run(command, input=text, capture_output=True, text=True)
"""


def test_a_submission_run_as_a_program(engine: DeepGym) -> None:
    verifier = PROGRAM + "print(ran('1 2').stdout == '3\\n' and ran('1 2', '-v').stdout == 'sum 3\\n')"
    code = "import sys\nprint('sum ' * ('-v' in sys.argv) + str(sum(map(int, input().split()))))"
    assert outcome(judged(engine, verifier, code)) == ("passed", 1.0)
    assert outcome(judged(engine, verifier, "print(3)")) == ("wrong_answer", 0.0)


def test_how_a_program_ends_is_told(engine: DeepGym) -> None:
    verifier = PROGRAM + "one = ran('')\nprint(one.returncode == -6 and one.stdout == 'so far' and 'why' in one.stderr)"
    code = "import os, sys\nsys.stdout.write('so far'); sys.stdout.flush(); sys.stderr.write('why\\n'); os.abort()"
    assert outcome(judged(engine, verifier, code)) == ("passed", 1.0)
    verifier = PROGRAM + "print(ran('').returncode == 3)"
    assert outcome(judged(engine, verifier, "raise SystemExit(3)")) == ("passed", 1.0)


def test_a_program_executed_where_the_verifier_is(engine: DeepGym) -> None:
    verifier = """
        import contextlib, io, sys
        source = open(sys.argv[1]).read()
        sys.stdin, out = io.StringIO("1 2"), io.StringIO()
        with contextlib.redirect_stdout(out):
            exec(source, {"__name__": "__main__"})
        print(out.getvalue().strip() == "3")
    """
    code = "if __name__ == '__main__':\n    print(sum(map(int, input().split())))"
    assert outcome(judged(engine, verifier, code)) == ("passed", 1.0)


def test_what_a_function_prints_can_be_captured(engine: DeepGym) -> None:
    verifier = """
        import contextlib, io, solution
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            solution.greet("you")
        return out.getvalue() == "hello you\\n"
    """
    code = "print('loading')\ndef greet(name): print('hello', name)"
    assert outcome(judged(engine, verifier, code)) == ("passed", 1.0)


def test_objects_and_data(engine: DeepGym) -> None:
    verifier = """
        import solution
        assert solution.LIMITS == {"a": (1, 2)} and hasattr(solution, "Stack") and not hasattr(solution, "Queue")
        stack = solution.Stack()
        stack.push(1); stack.push(2)
        assert len(stack) == 2 and stack.pop() == 2 and list(stack) == [1]
        values = [3, 1, 2]
        solution.sort(values, key=lambda value: -value)
        try:
            stack.drop()
        except LookupError as error:
            return values == [3, 2, 1] and str(error) == "'nothing'"
    """
    code = """
        import math
        LIMITS = {"a": (1, 2)}
        class Stack(list):
            push = list.append
            def drop(self): raise KeyError("nothing")
        def sort(values, key): values.sort(key=key)
    """
    assert outcome(judged(engine, verifier, code)) == ("passed", 1.0)


def test_as_many_calls_as_it_takes(engine: DeepGym) -> None:
    verifier = "import solution\nreturn all(solution.add(n, 1) == n + 1 for n in range(3000))"
    assert outcome(judged(engine, verifier, limits=Limits(queries=10, cpu_seconds=5))) == ("passed", 1.0)


def test_test_cases_are_a_file(engine: DeepGym) -> None:
    verifier = """
        def verify(solution_path, test_cases_path=None):
            import json, solution
            cases = json.load(open(test_cases_path))
            return sum(solution.add(*given) == right for given, right in cases) / len(cases)
    """
    files = (File("test_cases.json", b"[[[1, 2], 3], [[2, 2], 4]]"), File("data/more.txt", b""))
    assert outcome(judged(engine, verifier, files=files)) == ("passed", 1.0)
    assert outcome(judged(engine, verifier, WRONG, files=files)) == ("wrong_answer", 0.5)


def test_the_text_of_a_submission(engine: DeepGym) -> None:
    verifier = """
        import ast, os, solution
        text = open(os.environ["DEEPGYM_SOLUTION_SOURCE"]).read()
        return text == solution.__source__ and isinstance(ast.parse(text).body[0], ast.FunctionDef)
    """
    assert outcome(judged(engine, verifier)) == ("passed", 1.0)


# ── other languages ───────────────────────────────────────────────────────────────────────

SUMS = {
    "bash": ("read a b; echo $((a + b))", 'bash "$1"'),
    "c": (
        '#include <stdio.h>\nint main() { int a, b; scanf("%d %d", &a, &b); printf("%d", a + b); }',
        'gcc "$1" && ./a.out',
    ),
    "cpp": (
        "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b; }",
        'g++ "$1" && ./a.out',
    ),
    "javascript": (
        "console.log(require('fs').readFileSync(0, 'utf8').split(' ').map(Number).reduce((a, b) => a + b))",
        'node "$1"',
    ),
    "java": (
        "import java.util.*; public class Main { public static void main(String[] args) {"
        " Scanner in = new Scanner(System.in); System.out.println(in.nextInt() + in.nextInt()); } }",
        'javac -d . "$1" && java Main',
    ),
    "rust": (
        "fn main() { let mut line = String::new(); std::io::stdin().read_line(&mut line).unwrap();"
        ' println!("{}", line.split_whitespace().map(|word| word.parse::<i32>().unwrap()).sum::<i32>()); }',
        'rustc -o sum "$1" && ./sum',
    ),
    "go": (
        'package main\nimport "fmt"\nfunc main() { var a, b int; fmt.Scan(&a, &b); fmt.Println(a + b) }',
        'go build -o sum "$1" && ./sum',
    ),
}
ROOM = ProgramLimits(cpu_seconds=60, wall_seconds=60, memory_mb=4096, processes=256)


@pytest.mark.parametrize("language", SUMS)
def test_a_submission_in_another_language(engine: DeepGym, language: str) -> None:
    if engine.languages()[language] is None:
        pytest.skip(f"the sandbox has no {language}")
    code, command = SUMS[language]
    variables = "".join(f"export {name}={value}\n" for name, value in LANGUAGES[language].compile_env.items())
    verifier = f"""{variables}[ "$(echo '1 2' | {{ {command}; }})" = 3 ] && echo true || echo false"""
    how = {"verifier_language": "bash", "language": language, "verifier_limits": ROOM}
    assert outcome(judged(engine, verifier, code, **how)) == ("passed", 1.0)


VERIFIERS = {
    "bash": 'python3 -c "import solution; print(solution.add(1, 2) == 3)"',
    "javascript": """
        const run = require("child_process").execFileSync;
        const sum = run("python3", ["-c", "import solution; print(solution.add(1, 2))"]).toString();
        console.log(JSON.stringify({ score: Number(sum) === 3 ? 1 : 0, details: process.argv[2] }));
    """,
    "c": """
        #include <stdio.h>
        int main(int argc, char **argv) {
            int sum = 0;
            FILE *answer = popen("python3 -c 'import solution; print(solution.add(1, 2))'", "r");
            if (fscanf(answer, "%d", &sum) != 1) return 1;
            printf("{\\"passed\\": %s}\\n", sum == 3 ? "true" : "false");
        }
    """,
}


@pytest.mark.parametrize("language", VERIFIERS)
def test_a_verifier_in_another_language(engine: DeepGym, language: str) -> None:
    if engine.languages()[language] is None:
        pytest.skip(f"the sandbox has no {language}")
    assert outcome(judged(engine, VERIFIERS[language], verifier_language=language)) == ("passed", 1.0)
    assert outcome(judged(engine, VERIFIERS[language], WRONG, verifier_language=language)) == ("wrong_answer", 0.0)


# ── verdicts ──────────────────────────────────────────────────────────────────────────────


def test_all_of_the_protocol(engine: DeepGym) -> None:
    verifier = """
        import json, random, solution
        cases = [
            {"id": "one", "passed": solution.add(1, 2) == 3, "input_summary": "add(1, 2)", "expected_summary": "3"},
            {"id": "two", "passed": solution.add(2, 2) == 4, "error": "seen by nobody"},
            {"id": "half", "passed": False, "score": 0.5},
        ]
        print("{ no verdict")
        print(json.dumps({
            "schema_version": "1.0", "score": 0.9, "passed": False, "details": f"drew {random.randrange(100)}",
            "cases": cases, "reward_components": {"style": 0.25}, "seed": 7,
        }, indent=2))
        print("done")
    """
    tests = (Test(id="one", public=True), Test(id="two"), Test(id="half"))
    result = judged(engine, verifier, WRONG, tests=tests, seed=5)
    assert result.vector.tolist() == [0.0, 1.0, 0.5]
    assert [case.status for case in result.cases] == ["wrong_answer", "passed", "wrong_answer"]
    assert result.cases[0].input_summary == "add(1, 2)"
    assert result.cases[1].error == ""
    assert result.reward_components == {"correctness": 0.5, "style": 0.25}
    assert (result.status, result.seed) == ("wrong_answer", 7)
    assert result.details.endswith("; 1 of 3 tests passed")
    assert judged(engine, verifier, WRONG, tests=tests, seed=5) == result


@pytest.mark.parametrize(
    ("printed", "score", "passed"),
    [
        ("0.25", 0.25, False),
        ("1", 1.0, True),
        ("True", 1.0, True),
        ("false", 0.0, False),
        ('testing\n{"score": 0.5}', 0.5, False),
        ('{"passed": true}', 1.0, True),
        ('{"score": 0.8, "passed": true}', 0.8, True),
        ('{"score": 0}\n{"score": 1}', 1.0, True),
    ],
)
def test_short_verdicts(engine: DeepGym, printed: str, score: float, passed: bool) -> None:
    result = judged(engine, f"print({printed!r})")
    assert (result.score, result.passed) == (score, passed)


@pytest.mark.parametrize(
    ("verifier", "why"),
    [
        ("print('all is well')", "no verdict"),
        ("print('nan')", "from 0 to 1"),
        ("print('{\"score\": NaN}')", "from 0 to 1"),
        ("print(1.5)", "from 0 to 1"),
        ('print(\'{"score": "1"}\')', "from 0 to 1"),
        ("print('{\"passed\": 1}')", "true or false"),
        ("raise RuntimeError('broken')", "RuntimeError: broken"),
        ("print(True)\nraise RuntimeError('broken')", "RuntimeError: broken"),
        ("return None", "a bool, a number or a dict"),
        ("import os\nprint('{\"score\": 1.0}', flush=True)\nos._exit(1)", "exits with code 1"),
        ("import os\nos.abort()", "signal 6"),
        ("while True: pass", "more CPU time"),
        ("import time\ntime.sleep(60)", "more waiting"),
    ],
)
def test_a_verifier_that_fails_is_no_verdict(engine: DeepGym, verifier: str, why: str) -> None:
    limits = ProgramLimits(cpu_seconds=0.5, wall_seconds=1)
    for fields in ({}, {"reference": ADD}):
        result = judged(engine, verifier, verifier_limits=limits, **fields)
        assert (result.status, result.score, result.has_verdict) == ("infrastructure_error", None, False)
        assert why in result.details
        assert result.timing.attempts == 1


def test_cases_that_are_not_declared(engine: DeepGym) -> None:
    tests = (Test(id="a"), Test(id="b"))
    result = judged(engine, "return {'passed': True, 'cases': [{'id': 'c', 'passed': True}]}", tests=tests)
    assert not result.has_verdict
    assert "reports a case 'c'" in result.details
    result = judged(engine, "return {'passed': True, 'cases': [{'id': 'a', 'passed': True}]}", tests=tests)
    assert "nothing of ['b']" in result.details
    result = judged(engine, "return {'passed': False, 'cases': [{'id': 'a', 'passed': True}]}", tests=tests)
    assert [case.status for case in result.cases] == ["passed", "wrong_answer"]


# ── whose fault ───────────────────────────────────────────────────────────────────────────

QUICK = Limits(cpu_seconds=0.5, wall_seconds=1.0, memory_mb=128)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("def add(a, b): raise ValueError('no')", "exception"),
        ("raise ValueError('no')", "exception"),
        ("def add(a, b): return 1 +", "syntax_error"),
        ("def add(a, b):\n    while True: pass", "timeout"),
        ("import time\ndef add(a, b): time.sleep(60)", "timeout"),
        ("import os\ndef add(a, b): os._exit(0)", "crashed"),
        ("import os\nos._exit(0)", "crashed"),
        ("import sys\nsys.exit(0)", "exception"),
        ("def add(a, b): return bytearray(1 << 30)", "memory_limit"),
        ("def add(a, b): return 'x' * (1 << 22)", "output_limit"),
        ("def subtract(a, b): return a - b", "exception"),
        ("", "no_code"),
    ],
)
def test_a_submission_that_fails(engine: DeepGym, code: str, status: str) -> None:
    result = judged(engine, "import solution\nreturn solution.add(1, 2) == 3", code, limits=QUICK)
    assert outcome(result) == (status, 0.0), result.details


@pytest.mark.parametrize("style", ["import", "from import", "import_module", "runpy"])
def test_a_function_that_is_missing(engine: DeepGym, style: str) -> None:
    code = "def subtract(a, b): return a - b"
    if style != "runpy":  # a key that is missing may be anybody's fault: the reference tells whose
        result = judged(engine, LOADING[style], code)
        assert outcome(result) == ("exception", 0.0)
        assert result.details == "0 of 1 tests passed; the code defines no 'add'"
    assert judged(engine, LOADING[style], code, reference=ADD).score == 0.0


def test_what_is_missing_otherwise(engine: DeepGym) -> None:
    code = "def subtract(a, b): return a - b"
    assert outcome(judged(engine, "import solution\nreturn hasattr(solution, 'add')", code)) == ("wrong_answer", 0.0)
    assert not judged(engine, "import solution\nhasattr(solution, 'add')\nfrom json import nothing", code).has_verdict


def test_a_verifier_that_catches_what_a_submission_does(engine: DeepGym) -> None:
    """One call that hangs or kills its process costs its case, not the others."""
    verifier = """
        import json, solution
        cases = []
        for number in range(4):
            try:
                passed, error = solution.add(number, 1) == number + 1, ""
            except TimeoutError:
                passed, error = False, "too slow"
            except Exception as failure:
                passed, error = False, type(failure).__name__
            cases.append({"id": str(number), "passed": passed, "error": error})
        print(json.dumps({"score": 0.5, "cases": cases}))
    """
    code = """
        import os
        def add(a, b):
            if a == 1: os._exit(0)
            while a == 2: pass
            return a + b
    """
    tests = tuple(Test(id=str(number), public=True) for number in range(4))
    result = judged(engine, verifier, code, tests=tests, limits=QUICK)
    assert result.vector.tolist() == [1, 0, 0, 1]
    assert [case.error for case in result.cases] == ["", "SubmissionFailed", "too slow", ""]


def test_an_answer_of_a_type_the_verifier_does_not_expect(engine: DeepGym) -> None:
    """Whether that is the submission's fault is seen from the reference, where there is one."""
    verifier, code = "import solution\nreturn abs(solution.add(1, 2) - 3) < 1e-9", "def add(a, b): pass"
    assert not judged(engine, verifier, code).has_verdict
    result = judged(engine, verifier, code, reference=ADD)
    assert outcome(result) == ("wrong_answer", 0.0)
    assert "TypeError" in result.details
    broken = verifier.replace("1e-9", "tolerance")
    assert not judged(engine, broken, code, reference=ADD).has_verdict


def test_time_limits_of_the_verifiers_own(engine: DeepGym) -> None:
    alarm = """
        import signal, solution
        def ring(*_): raise TimeoutError
        signal.signal(signal.SIGALRM, ring)
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        try:
            solution.add(1, 2)
        except TimeoutError:
            return solution.add(1, 0) == 1
    """
    code = "import time\ndef add(a, b):\n    while b: time.sleep(0.1)\n    return a"
    assert outcome(judged(engine, alarm, code, limits=QUICK)) == ("passed", 1.0)
    thread = """
        import concurrent.futures, solution
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            try:
                return pool.submit(solution.add, 1, 2).result(timeout=0.2) == 3
            except concurrent.futures.TimeoutError:
                return 0.5
    """
    assert judged(engine, thread, code, limits=QUICK).score == 0.5


def test_an_object_does_not_outlive_its_process(engine: DeepGym) -> None:
    verifier = """
        import solution
        counter = solution.Counter()
        counter.up()
        try:
            solution.end()
        except Exception:
            assert solution.Counter().up() == 1
        return counter.up() == 2
    """
    code = """
        import os
        class Counter:
            value = 0
            def up(self):
                self.value += 1
                return self.value
        def end(): os._exit(0)
    """
    result = judged(engine, verifier, code)
    assert (result.status, result.score) == ("crashed", 0.0)


# ── tasks ─────────────────────────────────────────────────────────────────────────────────


def test_a_task_in_one_line(engine: DeepGym) -> None:
    task = Task(prompt="# Sums\n\nWrite `add(a, b)`.", verifier="import solution\nreturn solution.add(1, 2) == 3")
    assert type(task) is ScriptTask
    assert (task.title, task.id) == ("Sums", "custom-" + task.id[-12:])
    assert engine.run(task, f"```python\n{ADD}```").passed
    for other in (copy.deepcopy(task), pickle.loads(pickle.dumps(task)), task.model_copy()):
        assert other == task
    assert Task(prompt="a", verifier="return 1").id != Task(prompt="b", verifier="return 1").id


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"verifier": "def f(:"}, "verifier is not valid Python"),
        ({"verifier": "  "}, "the verifier is empty"),
        ({"verifier": "return 1", "files": (File("solution.py", b""),)}, "the name is taken"),
        ({"verifier": "return 1", "files": (File("solution/__init__.py", b""),)}, "the name is taken"),
        ({"verifier": "return 1", "files": (File("../up", b""),)}, "lead to no other folder"),
        ({"verifier": "return 1", "id": "no id"}, "id"),
    ],
)
def test_what_is_no_task(fields: dict[str, object], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        ScriptTask(prompt="", **fields)
