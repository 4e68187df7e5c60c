"""An engine whose work a server does gives the results any engine gives."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading

import pytest
from real_server import serving

from deepgym_env import (
    AssertionTask,
    AsyncDeepGym,
    Call,
    CodeTest,
    Comparison,
    DeepGym,
    File,
    Limits,
    Program,
    ProgramTask,
    Query,
    StdioTest,
    TestCase,
    load_environment,
)
from deepgym_env.errors import (
    ClosedError,
    ConfigError,
    IsolationError,
    RemoteAccessError,
    RemoteError,
    TaskError,
    UnknownTaskError,
)
from deepgym_env.fleet import IN_FLIGHT
from deepgym_env.sandbox import LocalBackend

CODES = [f"def f(x): return {n}" for n in range(6)]


@pytest.fixture(scope="module")
def task(make_task):
    return make_task(*(((0,), n) for n in range(6)))


def name_of(dg: DeepGym, task):
    return dg.call(lambda engine: engine._executor._names.name_of(task))


# ── the same verdicts ─────────────────────────────────────────────────────────────────────

FENCED = '''
def reverse_string(s):
    """As in:
```python
no
```
````
"""
    return s[::-1]
'''
SUBMISSIONS = {
    "right": "def reverse_string(s):\n    return s[::-1]",
    "wrong": "def reverse_string(s):\n    return s",
    "partly right": "def reverse_string(s):\n    return s[::-1] if len(s) < 4 else s",
    "exception": "def reverse_string(s):\n    return 1 // 0",
    "crash": "import os\nos._exit(3)",
    "timeout": "def reverse_string(s):\n    while True: pass",
    "memory": "def reverse_string(s):\n    return 'x' * (1 << 40)",
    "output": "def reverse_string(s):\n    return 'x' * (1 << 22)",
    "forbidden": "import socket\nsocket.create_connection(('127.0.0.1', 80))",
    "equal to all": "class Liar(str):\n    __eq__ = lambda *_: True\ndef reverse_string(s): return Liar()",
    "syntax error": "def reverse_string(s: pass",
    "no code": "",
    "blank": " \n\t",
    "prose": "I don't know.",
    "fenced": "Sure:\n```python\ndef reverse_string(s):\n    return s[::-1]\n```\nDone.",
    "fences in the code": "`````python\n" + FENCED + "`````",
    "half a character": "def reverse_string(s):\n    return '\ud800'",
    "no character": "def reverse_string(s):\n    return '\0'",
    "any character": "def reverse_string(s):\n    return '\U0001f600\u2028é' and s[::-1]",
    "too long": "#" * ((1 << 20) + 1),
}


@pytest.mark.parametrize("code", SUBMISSIONS.values(), ids=SUBMISSIONS.keys())
def test_verdicts_are_what_they_are_anywhere(remote, own, quick, code):
    whole = load_environment("reverse_string", seed=3)
    task = whole.model_copy(update={"limits": quick, "tests": whole.tests[:5]})
    assert remote.run(task, code) == own.run(task, code)


def test_code_is_not_searched_for_code_again(remote):
    assert remote.run("reverse_string", SUBMISSIONS["fences in the code"]).passed


@pytest.mark.parametrize("task_id", ["reverse_string", "first_bad_version", "merge_intervals"])
@pytest.mark.parametrize("seed", [0, 5])
def test_a_task_the_server_has_goes_by_its_id(remote, task_id, seed):
    task = load_environment(task_id, seed)
    assert remote.run(task, task.reference).passed
    name = name_of(remote, task)
    assert (name.name, name.seed, name.text) == (task_id, seed, None)


def test_a_task_the_server_has_not_goes_by_value(remote, own, task):
    assert remote.run_batch(task, CODES) == own.run_batch(task, CODES)
    assert name_of(remote, task).text is not None


def test_a_task_of_the_same_id_with_other_tests_is_judged_by_its_own(remote, own):
    builtin = load_environment("reverse_string")
    other = builtin.model_copy(update={"tests": builtin.tests[:1]})
    backwards = builtin.model_copy(update={"tests": (TestCase(id="t", calls=(Call(args=("ab",), expected="ab"),)),)})
    for one in (other, backwards):
        results = remote.run_batch(one, [builtin.reference, "def reverse_string(s): return s"])
        assert results == own.run_batch(one, [builtin.reference, "def reverse_string(s): return s"])
        assert len(results[0].cases) == 1
    assert [result.passed for result in results] == [False, True]


def test_kinds_of_tasks_go_by_value(remote, own):
    stdio = ProgramTask(
        id="double", title="Double", prompt="", tests=(StdioTest(id="t", stdin="4\n", expected="8\n", public=True),)
    )
    asserts = AssertionTask(
        id="seven", title="Seven", prompt="", entry_point="f", tests=(CodeTest(id="t", code="assert f() == 7"),)
    )
    work = [
        (stdio, "print(2 * int(input()))"),
        (stdio, "print(3)"),
        (asserts, "def f(): return 7"),
        (asserts, "def f(): return 8"),
        ("fizzbuzz", load_environment("fizzbuzz").reference),
    ]
    results = remote.run_many(work)
    assert results == own.run_many(work)
    assert [result.passed for result in results] == [True, False, True, False, True]


def test_an_id_no_server_takes_hinders_nobody(remote, make_task):
    for task_id in ("mine/no.such-task", "x" * 600):
        assert remote.run(make_task(((1,), 1), id=task_id), "def f(x): return 1").passed


def test_a_task_that_is_no_data_says_so(remote, make_task):
    asks = make_task(TestCase(id="t", calls=(Call(args=(Query(lambda n: n),), expected=1),)))
    checks = make_task(((1,), 1), check=lambda *_: True, comparison=Comparison(kind="checker"))
    for task in (asks, checks):
        with pytest.raises(TaskError, match=r"toy: .*can't be sent to http://127.0.0.1.*mode='local'"):
            remote.run(task, "def f(x): return 1")


# ── batches ───────────────────────────────────────────────────────────────────────────────


def test_results_come_in_the_order_of_the_submissions(remote, task):
    slow_first = ["import time\ntime.sleep(0.2)\n" + CODES[0], *CODES[1:]]
    for number, result in enumerate(remote.run_batch(task, slow_first)):
        assert result.vector.tolist() == [float(n == number) for n in range(6)]


def test_equal_submissions_run_once(remote, task):
    batch = remote.run_batch(task, [CODES[0], CODES[1], CODES[0]])
    assert batch[0] is batch[2]
    assert batch[1] is not batch[0]


def test_a_batch_of_nothing(remote, task):
    assert len(remote.run_batch(task, [])) == 0


def test_progress_is_told_before_all_is_done(remote, task):
    calls = []
    many = [f"def f(x): return {n}" for n in range(40)]
    remote.run_batch(task, many, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(n, 40) for n in range(1, 41)]


def test_progress_that_raises_ends_the_batch(remote, task):
    def progress(done, total):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        remote.run_batch(task, CODES, progress=progress)
    assert remote.run(task, CODES[0]).score == pytest.approx(1 / 6)


@pytest.mark.parametrize("max_parallel", [1, 3])
def test_no_more_than_max_parallel_are_at_the_server(served, remote, task, max_parallel):
    capacity, most = served.services.capacity, []
    codes = [f"def f(x): return {n}" for n in range(20)]
    remote.run_batch(task, codes, max_parallel=max_parallel, progress=lambda *_: most.append(capacity.used))
    assert max(most) <= max_parallel


def test_workers_bound_what_is_at_the_server(served, task):
    capacity, most = served.services.capacity, []
    codes = [f"def f(x): return {n}" for n in range(20)]
    with DeepGym("remote", url=served.url, workers=1) as dg:
        assert dg.workers == 1
        dg.run_batch(task, codes, progress=lambda *_: most.append(capacity.used))
    assert max(most) <= IN_FLIGHT


def test_threads_share_one_engine(remote, task):
    results = {}

    def work(number):
        results[number] = [remote.run(task, CODES[number]) for _ in range(3)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(6):
        assert [int(result.vector.argmax()) for result in results[number]] == [number] * 3


def test_the_asyncio_engine_gives_the_same_results(served, own, task):
    async def main():
        async with AsyncDeepGym("remote", url=served.url) as dg:
            return await asyncio.gather(*(dg.run(task, code) for code in CODES)), await dg.isolation()

    singles, isolation = asyncio.run(main())
    assert tuple(singles) == own.run_batch(task, CODES).results
    assert isolation == own.isolation()


# ── programs ──────────────────────────────────────────────────────────────────────────────


def test_programs_run_there(remote, own):
    code = "import sys\nopen('left.bin', 'wb').write(bytes([0, 255]))\n"
    code += "print(open('data.txt').read(), sys.argv[1:], input()[::-1])"
    beside, fetch = (File("data.txt", b"beside"),), ("left.bin", "none.txt")
    program = Program(language="python", code=code, files=beside, args=("a", "b c"), fetch=fetch)
    stdins = [b"abc\n", b"", b"xyz\n"]
    results = remote.execute_many(program, stdins)
    assert results == own.execute_many(program, stdins)
    assert results[0].stdout == "beside ['a', 'b c'] cba\n"
    assert results[0].files == (File("left.bin", bytes([0, 255])),)
    assert len(results[0].unfetched) == 1
    assert [result.status for result in results] == ["ok", "exception", "ok"]
    assert remote.execute_many(program, []) == ()
    assert remote.languages() == own.languages()


def test_inputs_that_are_too_much_for_one_request_go_in_several(remote, monkeypatch):
    monkeypatch.setattr("deepgym_env.remote.executor._BYTES", 10)
    results = remote.execute_many(Program(language="bash", code="cat"), [b"1234567", b"89", b"0123", b"4" * 40])
    assert [result.stdout for result in results] == ["1234567", "89", "0123", "4" * 40]


# ── what the server is ────────────────────────────────────────────────────────────────────


def test_too_little_isolation_is_refused(task, tmp_path):
    weak = DeepGym(workers=1, backend=LocalBackend(layers=()), min_isolation="none")
    with weak, serving(weak, tmp_path) as server:
        with DeepGym("remote", url=server.url) as dg:
            for ask in (lambda: dg.run(task, CODES[0]), dg.isolation, dg.session):
                with pytest.raises(IsolationError, match=r"'none', 'process' was asked for.*switched off"):
                    ask()
        with DeepGym("remote", url=server.url, min_isolation="none") as dg:
            assert dg.run(task, CODES[0]).has_verdict


def test_a_key_is_asked_for(own, task, tmp_path):
    with serving(own, tmp_path, keys_required=True) as server:
        key = server.services.keys.create("trainer", ["run", "read"])
        other = server.services.keys.create("reader", ["read"])
        with DeepGym("remote", url=server.url, api_key=key) as dg:
            assert dg.run(task, CODES[0]).score == pytest.approx(1 / 6)
        for wrong, match in ((None, "DEEPGYM_API_KEY"), ("dg_0_1", "api_key="), (other, "run")):
            with DeepGym("remote", url=server.url, api_key=wrong) as dg:
                with pytest.raises(RemoteAccessError, match=match) as caught:
                    dg.run_batch(task, CODES)
                assert wrong is None or wrong not in str(caught.value)


def test_a_key_that_is_good_for_judging_alone_is_enough(own, task, tmp_path):
    with serving(own, tmp_path, keys_required=True) as server:
        key = server.services.keys.create("judge", ["run"])
        with DeepGym("remote", url=server.url, api_key=key, min_isolation="none") as dg:
            assert dg.run_batch("fizzbuzz", CODES) == own.run_batch("fizzbuzz", CODES)


def test_a_server_that_sets_the_pace_is_followed(own, task, tmp_path):
    with serving(own, tmp_path, keys_required=True, key_rate=20, key_burst=1, key_concurrency=1) as server:
        key = server.services.keys.create("trainer", ["run", "read"])
        with DeepGym("remote", url=server.url, api_key=key) as dg:
            assert dg.run_batch(task, CODES[:2]) == own.run_batch(task, CODES[:2])


def test_a_server_with_little_room_gets_little_at_a_time(own, task, tmp_path):
    codes = [f"def f(x): return {n}" for n in range(5)]
    with serving(own, tmp_path, max_queue=2) as server, DeepGym("remote", url=server.url) as dg:
        assert dg.run_batch(task, codes) == own.run_batch(task, codes)


def test_what_no_request_may_hold_is_an_error(own, task, tmp_path):
    with serving(own, tmp_path, max_body=4096) as server, DeepGym("remote", url=server.url) as dg:
        with pytest.raises(ConfigError, match="no request this large"):
            dg.run_batch(task, ["#" * 8000])
        assert dg.run("fizzbuzz", "def fizzbuzz(n): pass").has_verdict


def test_an_address_with_a_path_that_is_none_is_said(served, task):
    with DeepGym("remote", url=f"{served.url}/prefix") as dg, pytest.raises(RemoteError, match="check the address"):
        dg.run(task, CODES[0])


# ── the command line, and the end ─────────────────────────────────────────────────────────


def test_the_command_line_follows_the_environment(served, tmp_path):
    solution = tmp_path / "x.py"
    solution.write_text(load_environment("coin_change").reference)
    command = [sys.executable, "-m", "deepgym_env.cli", "run", "coin_change", "--solution", str(solution), "--json"]
    environment = {**os.environ, "DEEPGYM_MODE": "remote", "DEEPGYM_URL": served.url}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert '"score": 1.0' in done.stdout
    del environment["DEEPGYM_URL"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode != 0
    assert "set DEEPGYM_URL" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_closed_engine_says_so(served, task):
    dg = DeepGym("remote", url=served.url)
    session = dg.session()
    dg.close()
    dg.close()
    session.close()
    for use in (lambda: dg.run(task, CODES[0]), dg.isolation, dg.session):
        with pytest.raises(ClosedError, match="closed"):
            use()


def test_closing_ends_runs_under_way_here_and_there(served, make_task):
    task = make_task(((0,), 0), limits=Limits(wall_seconds=600))
    dg = DeepGym("remote", url=served.url)
    seen = []

    def work():
        try:
            seen.append(dg.run(task, "import time\ntime.sleep(600)"))
        except BaseException as error:
            seen.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    while not served.services.capacity.used:
        assert thread.is_alive()
    dg.close()
    thread.join(60)
    assert [type(each) for each in seen] == [ClosedError]
    while served.services.capacity.used:
        pass


def test_unknown_ids_are_found_out_here(remote):
    with pytest.raises(UnknownTaskError, match="did you mean 'fizzbuzz'"):
        remote.run("fizbuzz", "x = 1")


def test_the_number_of_runners_is_the_servers(served, own):
    with DeepGym("remote", url=served.url) as dg:
        dg.isolation()
        assert dg.workers == own.workers
