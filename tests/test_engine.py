from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading

import pytest

from deepgym_env import AsyncDeepGym, DeepGym, Limits, load_environment
from deepgym_env.errors import ClosedError, ConfigError, IsolationError, UnknownTaskError
from deepgym_env.sandbox import LocalBackend

CODES = [f"def f(x): return {n}" for n in range(6)]


@pytest.fixture
def task(make_task):
    return make_task(*(((0,), n) for n in range(6)))


# ── batches ───────────────────────────────────────────────────────────────────────────────


def test_results_come_in_the_order_of_the_submissions(engine, task):
    slow_first = ["import time\ntime.sleep(0.2)\n" + CODES[0], *CODES[1:]]
    batch = engine.run_batch(task, slow_first)
    assert len(batch) == 6
    for number, result in enumerate(batch):
        assert result.vector.tolist() == [float(n == number) for n in range(6)]


def test_equal_submissions_run_once(engine, task):
    fenced = f"Here:\n```python\n{CODES[0]}\n```\nDone."
    batch = engine.run_batch(task, [CODES[0], CODES[1], CODES[0], fenced, fenced, CODES[0]])
    assert batch[0] is batch[2] is batch[5]
    assert batch[3] is batch[4]
    assert batch[1] is not batch[0]
    assert batch[3] == batch[0]


def test_a_batch_of_nothing(engine, task):
    batch = engine.run_batch(task, [])
    assert len(batch) == 0
    assert batch.scores.shape == (0,)
    assert batch.advantages().shape == (0,)


def test_progress_counts_every_submission_up_to_all(engine, task):
    calls = []
    engine.run_batch(task, [*CODES, CODES[0], CODES[0]], progress=lambda done, total: calls.append((done, total)))
    assert [total for _, total in calls] == [8] * 6
    assert [done for done, _ in calls] == sorted(done for done, _ in calls)
    assert calls[-1] == (8, 8)


def test_progress_that_raises_ends_the_batch(engine, task):
    def progress(done, total):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        engine.run_batch(task, CODES, progress=progress)
    assert engine.run(task, CODES[0]).score == pytest.approx(1 / 6)


def test_progress_must_not_call_the_engine(engine, task):
    with pytest.raises(ConfigError, match="progress"):
        engine.run_batch(task, CODES, progress=lambda *_: engine.run(task, CODES[0]))


@pytest.mark.parametrize("max_parallel", [1, 2, 8, None])
def test_max_parallel_changes_no_result(engine, task, max_parallel):
    batch = engine.run_batch(task, CODES, max_parallel=max_parallel)
    assert [result.passed for result in batch] == [False] * 6
    assert batch.scores.tolist() == pytest.approx([1 / 6] * 6)


@pytest.mark.parametrize("limit", [1, 3])
def test_no_more_than_max_parallel_run_at_a_time(engine, make_task, limit):
    from deepgym_env import Call, Query, TestCase

    running, most = set(), []

    def note(number):
        running.symmetric_difference_update({number})
        most.append(len(running))

    task = make_task(TestCase(id="t", calls=(Call(args=(Query(note),), expected=None),)))
    code = "import time\ndef f(note):\n    note({n})\n    time.sleep(0.05)\n    note({n})"
    with DeepGym(workers=2) as dg:
        assert all(r.passed for r in dg.run_batch(task, [code.format(n=n) for n in range(8)], max_parallel=limit))
    assert 1 <= max(most) <= limit
    assert not running


# ── sharing, and both engines ─────────────────────────────────────────────────────────────


def test_threads_share_one_engine(engine, task):
    results = {}

    def work(number):
        results[number] = [engine.run(task, CODES[number]) for _ in range(3)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for number in range(6):
        assert [int(result.vector.argmax()) for result in results[number]] == [number] * 3


def test_several_tasks_at_a_time(engine):
    ids = ["fizzbuzz", "coin_change", "two_sum"]
    tasks = [load_environment(task_id) for task_id in ids]
    results = {}
    threads = [
        threading.Thread(target=lambda t=task: results.update({t.id: engine.run(t, t.reference)})) for task in tasks
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {task_id: results[task_id].task_id for task_id in ids} == {task_id: task_id for task_id in ids}
    assert all(result.passed for result in results.values())


def test_asyncio_engine_gives_the_same_results(engine, task):
    async def main():
        async with AsyncDeepGym(workers=1) as dg:
            isolation = await dg.isolation()
            singles = await asyncio.gather(*(dg.run(task, code) for code in CODES))
            return isolation, singles, await dg.run_batch(task, CODES, max_parallel=2)

    isolation, singles, batch = asyncio.run(main())
    assert isolation == engine.isolation()
    assert tuple(singles) == batch.results == engine.run_batch(task, CODES).results


def test_an_asyncio_engine_serves_one_event_loop(task):
    dg = AsyncDeepGym(workers=1)

    async def first():
        return await dg.run(task, CODES[0])

    async def second():
        try:
            with pytest.raises(ConfigError, match="event loop"):
                await dg.run(task, CODES[0])
        finally:
            await dg.aclose()

    with asyncio.Runner() if sys.version_info >= (3, 11) else _Runner() as runner:
        assert runner.run(first()).score == pytest.approx(1 / 6)
        thread = threading.Thread(target=lambda: failed.extend(_caught(second)))
        failed: list[BaseException] = []
        thread.start()
        thread.join()
        assert failed == []


class _Runner:
    """What asyncio.Runner is from Python 3.11 on, as far as it is used here."""

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        return self

    def run(self, coroutine):
        return self.loop.run_until_complete(coroutine)

    def __exit__(self, *exc):
        self.loop.close()


def _caught(main):
    try:
        asyncio.run(main())
    except BaseException as error:
        return [error]
    return []


# ── the end ───────────────────────────────────────────────────────────────────────────────


def test_a_closed_engine_says_so(task):
    dg = DeepGym(workers=1)
    dg.close()
    dg.close()
    with pytest.raises(ClosedError, match="closed"):
        dg.run(task, CODES[0])
    with DeepGym(workers=1) as dg:
        dg.run(task, CODES[0])
    for use in (lambda: dg.run(task, ""), lambda: dg.run_batch(task, CODES), dg.isolation):
        with pytest.raises(ClosedError, match="closed"):
            use()


def test_an_engine_that_is_being_closed_says_so():
    begun, ending, ended = threading.Event(), threading.Event(), threading.Event()

    async def slow_to_end(_):
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ending.set()
            await asyncio.to_thread(ended.wait, 60)

    async def forever(_):
        await asyncio.Event().wait()

    dg = DeepGym(workers=1)
    dg.submit(slow_to_end)
    begun.wait()
    core = dg._core  # as a thread has it that asks just as another one closes
    closing = threading.Thread(target=dg.close)
    closing.start()
    ending.wait()
    try:
        with pytest.raises(ClosedError, match="make a new one"):
            core.submit(forever).result(10)
    finally:
        ended.set()
        closing.join()


def test_an_engine_whose_last_reference_goes_on_its_own_thread_ends():
    dg = DeepGym(workers=1)
    dg.isolation()
    thread = dg._core._thread
    held, may_drop = [dg], threading.Event()

    async def drop(_):
        await asyncio.to_thread(may_drop.wait, 60)
        held.clear()

    dropped = dg.submit(drop)
    del dg
    may_drop.set()
    dropped.result(20)
    thread.join(20)
    assert not thread.is_alive()


def test_a_closed_asyncio_engine_says_so(task):
    async def main():
        dg = AsyncDeepGym(workers=1)
        await dg.run(task, CODES[0])
        await dg.aclose()
        await dg.aclose()
        with pytest.raises(ClosedError):
            await dg.run(task, CODES[0])
        with pytest.raises(ClosedError):
            await dg.isolation()

    asyncio.run(main())


def test_closing_ends_runs_under_way(make_task):
    task = make_task(((0,), 0), limits=Limits(wall_seconds=600))
    dg = DeepGym(workers=1)
    dg.isolation()
    seen = []

    def work():
        try:
            seen.append(dg.run(task, "import time\ntime.sleep(600)"))
        except BaseException as error:
            seen.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    dg.run(task, "def f(x): return 0")  # by now the other is on its way
    dg.close()
    thread.join(60)
    assert not thread.is_alive()
    assert len(seen) == 1
    assert isinstance(seen[0], ClosedError), repr(seen[0])


def run_script(script, **options):
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", script], capture_output=True, text=True, timeout=120, **options
    )


def test_a_forked_child_uses_the_engine_afresh_and_the_parent_goes_on():
    script = """
import os, warnings, deepgym_env
warnings.filterwarnings("ignore", category=DeprecationWarning)  # Python 3.12 warns of fork with threads
dg = deepgym_env.DeepGym(workers=1)
task = deepgym_env.load_environment("reverse_string")
first = dg.run(task, task.reference)
pid = os.fork()
if pid == 0:
    same = dg.run(task, task.reference) == first
    dg.close()
    os._exit(0 if same else 1)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
assert dg.run(task, task.reference) == first and first.passed
dg.close()
print("fine")
"""
    done = run_script(script)
    assert (done.stdout, done.stderr, done.returncode) == ("fine\n", "", 0)


LEFT_OPEN = """
import os, subprocess, sys, deepgym_env
dg = deepgym_env.DeepGym(workers=2)
task = deepgym_env.load_environment("reverse_string")
assert dg.run(task, task.reference).passed
print("ran", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize(
    ("ending", "code"), [("", 0), ("sys.exit(3)", 3), ("del dg", 0), ("os._exit(4)", 4), ("dg.close()", 0)]
)
def test_the_interpreter_may_end_without_close(processes, ending, code):
    command = [sys.executable, "-W", "error", "-c", LEFT_OPEN + ending]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, **pipes) as owner:
        assert owner.stdout.readline() == "ran\n"
        started = processes.below(owner.pid)
        assert started
        _, errors = owner.communicate("go\n", timeout=60)
    assert (errors, owner.returncode) == ("", code)
    assert processes.survivors(started) == []


def test_a_keyboard_interrupt_cancels_the_run_and_leaves_the_engine_usable():
    script = """
import os, signal, threading, time, deepgym_env
from deepgym_env import Call, Query, Task, TestCase
started = Query(lambda: os.kill(os.getpid(), signal.SIGINT))
test = TestCase(id="t", calls=(Call(args=(started,), expected=1),))
task = Task(id="t", title="", prompt="", entry_point="f", tests=(test,), limits={"wall_seconds": 600})
with deepgym_env.DeepGym(workers=1) as dg:
    try:
        dg.run(task, "import time\\ndef f(started):\\n    started()\\n    time.sleep(600)")
    except KeyboardInterrupt:
        print("interrupted", flush=True)
    other = deepgym_env.load_environment("reverse_string")
    print(dg.run(other, other.reference).passed)
"""
    done = run_script(script)
    assert (done.stdout, done.stderr, done.returncode) == ("interrupted\nTrue\n", "", 0)


def test_an_engine_that_is_dropped_ends_its_runners(processes, task):
    before = processes.below(os.getpid())
    dg = DeepGym(workers=1)
    dg.run(task, CODES[0])
    started = {p: start for p, start in processes.below(os.getpid()).items() if p not in before}
    assert started
    del dg
    assert processes.survivors(started) == []


def test_sigterm_leaves_no_process(processes):
    command = [sys.executable, "-c", LEFT_OPEN]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as owner:
        owner.stdout.readline()
        started = processes.below(owner.pid)
        owner.send_signal(signal.SIGTERM)
        owner.communicate(timeout=60)
    assert processes.survivors(started) == []


# ── wrong arguments ───────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", [DeepGym, AsyncDeepGym])
@pytest.mark.parametrize(
    "options",
    [
        {"mode": "cloud"},
        {"workers": 0},
        {"workers": -1},
        {"retries": -1},
        {"min_isolation": "some"},
        {"min_isolation": None},
    ],
    ids=str,
)
def test_a_wrong_option_is_named(kind, options):
    with pytest.raises(ConfigError, match=next(iter(options))):
        kind(**options)


def test_a_wrong_argument_is_named(engine, task):
    with pytest.raises(ConfigError, match="env"):
        engine.run(None, "x = 1")
    with pytest.raises(ConfigError, match="model_output"):
        engine.run(task, None)
    with pytest.raises(ConfigError, match="model_output"):
        engine.run_batch(task, ["x = 1", b"x = 1"])
    with pytest.raises(ConfigError, match="outputs"):
        engine.run_batch(task, "x = 1")
    with pytest.raises(ConfigError, match="max_parallel"):
        engine.run_batch(task, CODES, max_parallel=0)
    with pytest.raises(UnknownTaskError, match="did you mean 'fizzbuzz'"):
        engine.run("fizbuzz", "x = 1")


def test_a_task_may_be_named_by_its_id(engine):
    reference = load_environment("reverse_string").reference
    assert engine.run("reverse_string", reference) == engine.run("DeepGym/reverse_string", reference)


def test_workers_default_to_the_cpus_of_this_process():
    assert DeepGym().workers == len(os.sched_getaffinity(0))


def test_too_little_isolation_is_refused(task):
    backend = LocalBackend(layers=())
    with DeepGym(workers=1, backend=backend) as dg:
        with pytest.raises(IsolationError, match=r"'none', 'process' was asked for.*switched off"):
            dg.run(task, CODES[0])
        with pytest.raises(IsolationError):
            dg.isolation()
    with DeepGym(workers=1, backend=backend, min_isolation="none") as dg:
        assert dg.run(task, CODES[0]).has_verdict


def test_full_isolation_is_refused_where_there_are_no_namespaces(engine, task):
    if "landlock" not in {layer.name for layer in engine.isolation().layers if layer.active}:
        pytest.skip("this machine has no Landlock")
    with (
        DeepGym(workers=1, backend=LocalBackend(layers=("seccomp", "landlock")), min_isolation="full") as dg,
        pytest.raises(IsolationError, match="namespaces"),
    ):
        dg.run(task, CODES[0])
