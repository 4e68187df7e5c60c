"""The judge of states: what a checker sees, what it may do, and what becomes of it."""

from __future__ import annotations

import textwrap

import pytest
from pydantic import ValidationError

from deepgym_env.errors import SandboxError, TaskError
from deepgym_env.judge import state
from deepgym_env.task import File, StateTest, WorkspaceTask

FILES = {
    "a.txt": "one\n",
    "sub/b.json": '{"x": [1, 2.5, null, "é"]}',
    "sub/f.py": """
        import os, sys
        def add(a, b=1): return a + b
        def fail(text): raise KeyError(text)
        def give(value):
            print("=>forged")
            return value
        def where(): return os.getcwd()
        def end(): os._exit(0)
        def late():
            os.write(1, b"=>broken"); return 1
        class Stack:
            def __init__(self): self.items = []
            def push(self, item): self.items.append(item); return self.items
    """,
    "bad.py": "def f(:",
    "helper.py": "from sub.f import add\nimport sibling\ndef f(x): return add(x)",
}


def make_task(check, *, public=True, **fields):
    """Return a task whose tests are the functions of ``check``."""
    source = textwrap.dedent(check)
    names = [line[len("def test_") :].partition("(")[0] for line in source.splitlines() if line.startswith("def test_")]
    tests = tuple(StateTest(id=name, public=public, title=name) for name in names or ["t"])
    files = tuple(File(path, textwrap.dedent(text).encode()) for path, text in FILES.items())
    defaults = {"id": "toy", "title": "Toy", "prompt": "Work.", "files": files, "tests": tests}
    return WorkspaceTask(**{**defaults, **fields}, check=source)


@pytest.fixture
def judge(own):
    """Judges a workspace, after commands, by a checker; returns the result."""
    sessions = []

    def judged(check, *commands, task=None, tests=None, **fields):
        task = task or make_task(check, **fields)

        async def work(engine):
            session = await engine.session(task)
            sessions.append(session)
            for command in commands:
                await session.exec(command)
            return await engine.judge(task, session, tests=tests)

        return own.call(work)

    yield judged
    for session in sessions:
        own.call(lambda _, session=session: session.close())


def statuses(result):
    return {case.id: case.status for case in result.cases}


# ── what a checker sees ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "statement",
    [
        "ws.read('a.txt') == b'one\\n'",
        "ws.text('/workspace/a.txt') == 'one\\n'",
        "ws.json('sub/b.json') == {'x': [1, 2.5, None, 'é']}",
        "ws.exists('a.txt') and not ws.exists('none') and not ws.exists('../a')",
        "not ws.exists('sub')",
        "ws.files() == ['a.txt', 'bad.py', 'helper.py', 'sub/b.json', 'sub/f.py']",
        "ws.files('sub') == ['sub/b.json', 'sub/f.py'] and ws.folders() == ['.git', '__pycache__', 'sub']",
        "ws.run('cat; pwd; exit 3', stdin='in').stdout == 'in/workspace\\n'",
        "ws.run(['sh', '-c', 'echo $A; exit 3'], env={'A': 'x y'}, cwd='/tmp').code == 3",
        "ws.run(['echo', '{\"a\": 1}']).json() == {'a': 1}",
        "ws.run('while :; do :; done', cpu=0.2).reason == 'cpu'",
        "ws.call('sub/f.py', 'add', 2, b=3) == 5",
        "ws.calls('sub/f.py', 'add', [(1,), (1, 2), ((1,), {'b': 5})]) == [2, 3, 6]",
        "ws.call('sub/f.py', 'give', (1, {2: {3}}, b'x', 2 ** 70, None)) == (1, {2: {3}}, b'x', 2 ** 70, None)",
        "type(ws.call('sub/f.py', 'give', True)) is bool",
        "ws.call('sub/f.py', 'Stack.push', 1) == [1]",
        "ws.call('sub/f.py', 'where') == '/workspace'",
        "(lambda r: (type(r), r.type, r.message) == (Raised, 'KeyError', \"'x'\"))(ws.call('sub/f.py', 'fail', 'x'))",
        "ws.sql('db', 'select a, b from t where a > ? order by a', 1) == [[2, 'two'], [3, None]]",
        "ws.seed == 7",
        "[ws.rng.random(), ws.setup_rng().random()] == [__import__('random').Random(s).random() "
        "for s in ('toy:7:it', 'toy:7')]",
        "SUPPORT == 'seen'",
        "ws.service_state() == {}",
    ],
)
def test_a_checker_sees(judge, statement):
    setup = (
        "python3 -c \"import sqlite3; db = sqlite3.connect('db'); db.execute('create table t (a, b)'); "
        "db.executemany('insert into t values (?, ?)', [(1, 'one'), (2, 'two'), (3, None)]); db.commit()\""
    )
    check = f"def test_it(ws):\n    assert {statement}\n"
    commands = [setup] if "sql" in statement else ["mkdir -p .git __pycache__; touch .git/x __pycache__/y"]
    result = judge(check, *commands, seed=7, support="SUPPORT = 'seen'")
    assert result.passed, result.cases[0].error


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("ws.read('none')", "'none': No such file or directory"),
        ("ws.read('sub/../a.txt')", "'..' is not allowed"),
        ("ws.files('a.txt')", "Not a directory"),
        ("ws.json('a.txt')", "a.txt is no JSON"),
        ("ws.text('bin')", "bin is no UTF-8 text"),
        ("ws.run('echo no').json()", "what was printed is no JSON"),
        ("ws.call('none.py', 'f')", "no answer to every call: FileNotFoundError"),
        ("ws.call('bad.py', 'f')", "SyntaxError"),
        ("ws.call('helper.py', 'f', 1)", "ModuleNotFoundError: No module named 'sibling'"),
        ("ws.call('sub/f.py', 'none')", "has no attribute 'none'"),
        ("ws.call('sub/f.py', 'end')", "no answer to every call"),
        ("ws.sql('none.db', 'select 1')", "unable to open database file"),
        ("ws.sql('a.txt', 'select * from t')", "a.txt: sqlite3."),
        ("ws.write('sub', 'x')", "no regular file"),
        ("assert False", "an assertion of the test failed"),
        ("assert 1 == 2, 'one is not two'", "one is not two"),
    ],
)
def test_what_is_not_there_fails_the_test_with_a_reason(judge, statement, message):
    result = judge(f"def test_it(ws):\n    {statement}\n", "printf '\\xff' > bin")
    assert statuses(result) == {"it": "wrong_answer"}
    assert message in result.cases[0].error


def test_hidden_tests_tell_nothing(judge):
    result = judge("def test_it(ws):\n    assert False, 'secret'\n", public=False)
    assert (result.cases[0].error, result.cases[0].input_summary) == ("", "")
    assert "secret" not in result.model_dump_json()


# ── tests don't touch each other ──────────────────────────────────────────────────────────


def test_tests_work_in_copies_of_their_own(own, judge):
    check = """
    def test_writes(ws):
        ws.write("a.txt", "changed")
        ws.remove("sub")
        ws.run("echo new > new; export A=1; cd sub")
        assert ws.text("a.txt") == "changed" and ws.exists("new") and not ws.exists("sub/f.py")
        assert ws.run("cat new; echo $A; pwd").stdout == "new\\n\\n/workspace\\n"

    def test_sees_nothing_of_it(ws):
        assert ws.text("a.txt") == "one\\n" and not ws.exists("new") and ws.exists("sub/f.py")
        assert ws.run("cat a.txt").stdout == "one\\n"
    """
    task = make_task(check)
    assert judge(check, task=task).passed
    assert judge(check, task=task, tests=task.tests[::-1]).passed


def test_judging_changes_nothing_and_gives_the_same_verdict_twice(own):
    task = make_task("def test_a(ws):\n    ws.run('rm -rf *; exit 0'); assert ws.rng.random() < 0.5, ws.rng.random()\n")
    tree = "pwd; echo $A; find . -printf '%p %T@ %C@\\n' | sort"

    async def work(engine):
        async with await engine.session(task) as session:
            await session.exec("cd sub; export A=1")
            before = await session.exec(tree)
            results = [await engine.judge(task, session) for _ in range(3)]
            return before, await session.exec(tree), results

    before, after, results = own.call(work)
    assert after == before
    assert results[0] == results[1] == results[2]


def test_some_of_the_tests(judge):
    task = make_task("def test_a(ws):\n    pass\ndef test_b(ws):\n    assert 0\n")
    result = judge("", task=task, tests=task.tests[:1])
    assert statuses(result) == {"a": "passed"}
    assert result.passed


# ── a checker that misbehaves ─────────────────────────────────────────────────────────────


def test_each_test_comes_to_its_own_end(judge):
    check = """
    def test_passes(ws): pass
    def test_fails(ws): assert 0
    def test_raises(ws): 1 / 0
    def test_exits(ws): raise SystemExit
    def test_recurses(ws): test_recurses(ws)
    def test_takes_memory(ws): bytearray(1 << 40)
    def test_prints(ws): print("x" * 100)
    def test_is_the_last(ws): pass
    """
    result = judge(check)
    assert statuses(result) == {
        "passes": "passed",
        "fails": "wrong_answer",
        "raises": "exception",
        "exits": "exception",
        "recurses": "exception",
        "takes_memory": "exception",
        "prints": "passed",
        "is_the_last": "passed",
    }
    assert result.cases[2].error == "ZeroDivisionError: division by zero"
    assert result.score == 3 / 8


@pytest.mark.parametrize("check", ["def broken(", "raise ValueError('no')", "import yaml", ""])
def test_a_broken_checker_is_an_error_of_the_task(judge, check):
    if not check:
        assert statuses(judge(check)) == {"t": "exception"}  # loaded, but without the test
        return
    with pytest.raises(TaskError, match=r"check.py of 'toy'"):
        judge(check)


def test_the_checker_is_locked_in(judge):
    check = """
    import os, socket
    def test_file(ws): open("/etc/passwd")
    def test_list(ws): os.listdir("/workspace")
    def test_socket(ws): socket.socket()
    """
    assert statuses(judge(check)) == {"file": "exception", "list": "exception", "socket": "exception"}


# ── what agents can't do ──────────────────────────────────────────────────────────────────


def test_a_lost_session_is_no_verdict(own):
    task = make_task("def test_a(ws):\n    ws.read('a.txt')\n")

    async def work(engine):
        session = await engine.session(task)
        session.runner._handle.process.kill()
        result = await engine.judge(task, session)
        fresh = await engine.session(task)
        return result, await engine.judge(task, fresh)

    lost, judged = own.call(work)
    assert (lost.status, lost.has_verdict, lost.score) == ("infrastructure_error", False, None)
    assert judged.passed


def test_the_service_is_judged_by_the_agents_own_requests(judge):
    service = "def handle(request, state):\n    state['n'] = state.get('n', 0) + 1\n    return 200, {}\n"
    check = """
    def test_state(ws): assert ws.service_state() == {"n": 2}, ws.service_state()
    def test_run(ws):
        ws.run("curl -s $SERVICE_URL; curl -s $SERVICE_URL")
        assert ws.service_state() == {"n": 2}, ws.service_state()
    """
    result = judge(check, "curl -s $SERVICE_URL", "curl -s $SERVICE_URL", service=service)
    assert result.passed, result.cases


@pytest.mark.parametrize(
    "statement",
    [
        pytest.param("ws.run(['echo', 1])", id="number"),
        pytest.param("ws.run([])", id="nothing"),
        pytest.param("ws.run('echo', env={'A': 1})", id="env"),
        pytest.param("ws.run('echo', cwd=1)", id="cwd"),
        pytest.param("ws.read('\\ud800')", id="half_a_character"),
    ],
)
def test_a_question_of_a_wrong_type_fails_its_test(judge, statement):
    """A checker passes on what it read in the agent's JSON: that must not cost the episode its verdict."""
    result = judge(f"def test_it(ws):\n    {statement}\ndef test_other(ws):\n    pass\n")
    assert result.has_verdict
    assert result.cases[1].passed


@pytest.mark.parametrize("path", ["../../up", "/etc/passwd", "", ".", "a\0b"])
def test_files_of_a_workspace_lie_in_it(path):
    with pytest.raises(ValidationError, match="lead to no other folder"):
        make_task("def check_it(ws): pass", files=(File(path, b""),))


def test_no_file_is_hidden_by_its_depth(judge):
    check = "def test_it(ws):\n    assert not [name for name in ws.files() if name.endswith('left.tmp')]\n"
    folder = "/".join("d" * 40)
    assert not judge(check, f"mkdir -p {folder}; touch {folder}/left.tmp").passed


def test_a_timeout_of_one_test_costs_no_other_its_verdict(judge, monkeypatch):
    monkeypatch.setattr(state, "_WALL_SECONDS", 0.3)
    check = """
    def test_a(ws): ws.run("sleep 100")
    def test_b(ws): assert ws.run("sleep 100").reason is None
    def test_c(ws): assert ws.run("true").code == 0
    """
    result = judge(check)
    assert statuses(result) == {"a": "passed", "b": "wrong_answer", "c": "passed"}


def test_an_unknown_runner_is_not_waited_for(own):
    closed = own.call(lambda e: e.session())
    own.call(lambda _: closed.close())
    task = make_task("def test_a(ws):\n    ws.read('a.txt')\n")
    with pytest.raises((SandboxError, RuntimeError)):
        own.call(lambda e: e.judge(task, closed))
