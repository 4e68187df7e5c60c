"""Sessions: commands and what they may use, files, snapshots, and how sessions begin and end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from deepgym_env import AsyncDeepGym, DeepGym
from deepgym_env.errors import ClosedError, ConfigError, RefusedError, SandboxError, TaskError
from deepgym_env.task import File, SessionLimits, StateTest, WorkspaceTask

QUICK = SessionLimits(cpu_seconds=0.4, wall_seconds=0.4, processes=24, memory_mb=200, disk_mb=2, files=64)
# Everything a snapshot has to keep: kinds, modes, times, links, sizes, hard links, blocks.
TREE = (
    "find /workspace /tmp -type l -printf '%p %l\\n' -o -printf '%p %y %m %T@ %s %n %b\\n' | sort;"
    "find . -type f -perm -400 | sort | xargs md5sum"
)


class Hands:
    """A session whose calls wait until they are done."""

    def __init__(self, engine, session):
        self.engine = engine
        self.session = session

    def __getattr__(self, name):
        method = getattr(self.session, name)
        return lambda *args, **named: self.engine.call(lambda _: method(*args, **named))

    def out(self, command, **options):
        return self.exec(command, **options).stdout

    def branch(self):
        return Hands(self.engine, self.fork())

    def kill_runner(self):
        process = self.session.runner._handle.process
        process.kill()
        process.wait()


@pytest.fixture
def start(own):
    """Starts sessions, ended with the test."""
    started = []

    def open_session(*args, **options):
        started.append(Hands(own, own.call(lambda e: e.session(*args, **options))))
        return started[-1]

    yield open_session
    for hands in started:
        hands.close()


@pytest.fixture
def ws(start):
    """An empty workspace."""
    return start()


def task(**fields):
    defaults = {"id": "toy", "title": "Toy", "prompt": "Work.", "check": "", "tests": (StateTest(id="t"),)}
    return WorkspaceTask(**{**defaults, **fields})


COUNTER = """
def handle(request, state):
    if request.method == "POST":
        state["n"] = state.get("n", 0) + request.json
    return 200, {"n": state.get("n", 0), "path": request.path, "query": request.query}
"""
ADD = "curl -s -d {} $SERVICE_URL/add | python3 -c 'import json, sys; print(json.load(sys.stdin)[\"n\"])'"


# ── commands ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("command", "code", "output"),
    [
        ("echo hi", 0, "hi\n"),
        (["echo", "a  b", "$HOME", "*"], 0, "a  b $HOME *\n"),
        ("", 0, ""),
        ("exit 3", 3, ""),
        ("false | true", 0, ""),
        ("set -o pipefail; false | true", 1, ""),
        ("kill -9 $$", 137, ""),
        ("kill -TERM $$", 143, ""),
        (["sh", "-c", "kill -9 $$"], 137, ""),
        pytest.param(
            *(["nope"], 127, "nope: command not found\n"),
        ),
        ("cat", 0, ""),
        ("echo one; echo two >&2; echo three", 0, "one\ntwo\nthree\n"),
        ("cat <(echo here) <<<there", 0, "here\n"),
        ("printf 'a\\0b'", 0, "a\0b"),
        ("printf '\\xff'", 0, "\ufffd"),
        ("python3 -c 'import sqlite3, ssl, json; print(1)'", 0, "1\n"),
        ("id -un; hostname; pwd", 0, "agent\nsandbox\n/workspace\n"),
    ],
)
def test_what_comes_of_a_command(ws, command, code, output):
    ran = ws.exec(command)
    assert (ran.code, ran.stdout, ran.stderr, ran.reason, ran.truncated) == (code, output, "", None, False)


@pytest.mark.parametrize("command", ["nope", "if", "cd /nowhere", ["/workspace"]])
def test_a_command_that_can_not_run_says_so(ws, command):
    ran = ws.exec(command)
    assert ran.code != 0
    assert ran.stdout.strip()


def test_streams_apart_and_standard_input(ws):
    ran = ws.exec("cat; echo oops >&2", stdin=b"in\xc3\xa9\n", merge=False)
    assert (ran.stdout, ran.stderr) == ("iné\n", "oops\n")
    assert ws.exec(["wc", "-c"], stdin=b"x" * 300_000).stdout == "300000\n"


def test_directory_and_exported_variables_carry_over(ws):
    ws.exec("mkdir -p a/b; cd a/b; export A='two\nlines' B=$'\\xff' ; C=not")
    show = 'pwd; printf "[%s][%s][%s]" "$A" "$B" "$C"'
    assert ws.out(show) == "/workspace/a/b\n[two\nlines][\ufffd][]"
    assert ws.out(["sh", "-c", show]) == "/workspace/a/b\n[two\nlines][\ufffd][]"
    assert ws.out(show, shell_state=False) == "/workspace\n[][][]"
    assert ws.out(show, cwd="/tmp", env={"A": "x"}).startswith("/tmp\n")


@pytest.mark.parametrize("end", ["exit 3", "if", "exec true", "exec nope", "kill -9 $$", "set -eu; false", "echo )"])
def test_however_a_command_ends_the_state_is_kept(ws, end):
    ws.exec("mkdir a; cd a; export A=1; exit 7")
    ws.exec(end)
    assert ws.out("pwd; echo $A") == "/workspace/a\n1\n"


def test_state_that_is_too_large_is_not_kept(ws):
    ws.exec("mkdir a; export A=1")
    ws.exec("cd a; export BIG=$(head -c 70000 /dev/zero | tr '\\0' x)")
    assert ws.out("pwd; echo $A ${#BIG}") == "/workspace\n1 0\n"


def test_a_directory_that_is_gone_is_told(ws):
    ws.exec("mkdir a; cd a; rmdir ../a")
    assert ws.out("pwd") == "[/workspace/a: No such file or directory; now in /workspace]\n/workspace\n"


def test_long_output_loses_its_middle(start):
    ran = start(limits=QUICK.model_copy(update={"output_bytes": 1000})).exec("seq 1 100000")
    assert (ran.code, ran.truncated) == (0, True)
    assert ran.stdout.startswith("1\n2\n")
    assert ran.stdout.endswith("\n99999\n100000\n")
    assert f"[... {588895 - 1000} bytes left out ...]" in ran.stdout
    assert len(ran.stdout) < 1100


def test_a_nul_and_nothing_are_no_command(ws):
    for command in ("a\0b", ["echo", "\0"]):
        with pytest.raises(RefusedError, match="NUL"):
            ws.exec(command)
    with pytest.raises(RefusedError, match="got nothing"):
        ws.exec([])
    assert ws.out("echo on") == "on\n"


# ── limits of a command ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("while :; do :; done", "cpu"),
        ("for i in 1 2 3; do (while :; do :; done) & done; wait", "cpu"),
        ("while :; do /bin/true; done", "cpu"),
        ("(while :; do :; done) & sleep 100", "cpu"),
        ("sleep 100", "wall"),
        ("trap '' TERM INT HUP; sleep 100", "wall"),
        ("sleep 100 & wait", "wall"),
        ("cat /dev/zero", "output"),
        (
            "for i in 1 2 3; do python3 -c 'x = bytearray(100 << 20); __import__(\"time\").sleep(5)' & done; wait",
            "memory",
        ),
    ],
)
def test_a_command_is_ended_at_its_limits(start, command, reason):
    ws = start(limits=QUICK)
    ran = ws.exec(
        command,
        limits=QUICK.model_copy(update={"cpu_seconds": 5, "wall_seconds": 2})
        if reason in ("output", "memory")
        else None,
    )
    assert (ran.code, ran.reason) == (137, reason)
    assert ws.out("echo on") == "on\n"


def test_computing_is_not_waiting(ws):
    limits = SessionLimits(cpu_seconds=5, wall_seconds=0.1)
    ran = ws.exec("python3 -c 'import time\nwhile time.process_time() < 0.5: pass'", limits=limits)
    assert (ran.code, ran.reason) == (0, None)
    assert ran.cpu_seconds > 0.5


DAEMON = """
import os, signal, time
for number in range(1, 32):
    try: signal.signal(number, signal.SIG_IGN)
    except OSError: pass
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        time.sleep(1000)
"""


@pytest.mark.parametrize(
    "command",
    [
        "sleep 1000 &",
        "setsid sleep 1000 &",
        "nohup sleep 1000 & disown",
        f"python3 -c '{DAEMON}'",
        "sleep 1000 & kill -STOP $!",
    ],
)
def test_what_is_left_in_the_background_ends_with_the_command(ws, processes, command):
    ws.exec("true")
    before = processes.below(os.getpid())
    assert ws.exec(command).reason is None
    new = {pid: at for pid, at in processes.below(os.getpid()).items() if pid not in before}
    assert processes.survivors(new, 5) == []
    assert int(ws.out("ls /proc | grep -c '^[0-9]'")) <= 5  # pid 1 and this command's own


@pytest.mark.parametrize("bomb", ["bomb() { bomb | bomb & }; bomb; wait", "python3 -c 'import os\nwhile 1: os.fork()'"])
def test_a_fork_bomb_burns_out(start, processes, bomb):
    ws = start(limits=QUICK)
    before = processes.below(os.getpid())
    ws.exec(bomb)
    new = {pid: at for pid, at in processes.below(os.getpid()).items() if pid not in before}
    assert processes.survivors(new, 5) == []
    assert ws.out("echo on") == "on\n"


def test_memory_of_a_process_is_limited(start):
    ws = start(limits=QUICK)
    assert "MemoryError" in ws.out(["python3", "-c", "bytearray(300 << 20)"])
    assert ws.exec(["python3", "-c", "bytearray(50 << 20)"]).code == 0


def test_a_full_disk_is_told_and_can_be_emptied(start):
    ws = start(limits=QUICK)
    ws.write("kept", "kept")
    assert "No space left" in ws.out(
        "head -c 1000000 /dev/zero > /tmp/a; head -c 3000000 /dev/zero > b; df . | tail -1"
    )
    for data in (b"x" * 100_000, b"x" * 5_000_000):
        with pytest.raises(RefusedError, match="No space left"):
            ws.write("kept", data)
    assert ws.read("kept") == b"kept"  # whole or not at all
    ws.exec("rm b")
    ws.write("kept", b"x" * 100_000)
    assert len(ws.read("kept")) == 100_000


def test_too_many_files_are_told_and_can_be_removed(start):
    ws = start(limits=QUICK)
    ws.write("kept", "kept")
    assert "No space left" in ws.out("mkdir many; for i in $(seq 100); do : > many/$i; done")
    with pytest.raises(RefusedError, match="No space left"):
        ws.write("kept", "new")
    assert ws.read("kept") == b"kept"
    ws.exec("rm -r many")
    ws.write("kept", "new")
    assert ws.read("kept") == b"new"


def test_files_given_that_do_not_fit_are_refused(own, start):
    with pytest.raises(RefusedError, match="No space left"):
        start(files=[File("big", b"x" * 3_000_000)], limits=QUICK)
    with pytest.raises(ConfigError, match="not both"):
        start(task(), files=[File("a", b"")])


# ── files ─────────────────────────────────────────────────────────────────────────────────


def test_files_are_as_given(start):
    ws = start(files=[File("a/b.txt", b"\0\xff\n"), File("run.sh", b"#!/bin/sh\necho ran\n", True), File("empty", b"")])
    assert ws.read("a/b.txt") == ws.read("/workspace/a/b.txt") == ws.read("./a//b.txt") == b"\0\xff\n"
    assert ws.out("./run.sh; stat -c %a a/b.txt run.sh a") == "ran\n644\n755\n755\n"
    assert ws.read("empty") == b""


def test_temporary_files_stay_and_are_no_part_of_the_workspace(ws):
    ws.exec("echo kept > /tmp/a; echo shared > /dev/shm/b")
    assert ws.out("cat /tmp/a /tmp/b") == "kept\nshared\n"
    assert ws.list() == ([], True)


def test_write_replaces_and_keeps_the_mode(ws):
    ws.write("deep/er/f.sh", "echo 1", executable=True)
    ws.write("deep/er/f.sh", "echo é")
    assert ws.out("deep/er/f.sh; stat -c %a deep/er/f.sh; ls -A deep/er") == "é\n755\nf.sh\n"
    ws.exec("ln -s deep/er/f.sh link; ln deep/er/f.sh hard; ln -s deep folder")
    ws.write("link", "via link")
    ws.write("folder/new", "in folder")
    assert ws.read("deep/er/f.sh") == b"via link"
    assert ws.out("cat deep/new; readlink link") == "in folderdeep/er/f.sh\n"


def test_edit_replaces_the_one_place(ws):
    ws.exec("printf 'one\\ntwo \\xff\\r\\nthree\\n' > f; chmod 750 f")
    ws.edit("f", "two ", "2 ")
    assert ws.read("f") == b"one\n2 \xff\r\nthree\n"
    ws.edit("f", "one\n", "")
    assert ws.out("stat -c %a f") == "750\n"
    for old, why in (
        ("e", "2 times"),
        ("nothing", "does not stand"),
        ("", "empty"),
        ("   three", "line 2 reads alike"),
    ):
        with pytest.raises(RefusedError, match=why):
            ws.edit("f", old, "x")
    assert ws.read("f") == b"2 \xff\r\nthree\n"


def test_listing(ws):
    ws.exec("mkdir -p a/b/c/d .git/x; echo 12 > a/f; ln -s f a/l; mkfifo a/p; touch a/b/c/d/deep $'\\xff' $'n\\nl'")
    entries, complete = ws.list()
    found = [(entry.path, entry.kind, entry.size) for entry in entries]
    assert complete
    assert found == [
        (".git", "folder", 0),
        ("a", "folder", 0),
        ("a/b", "folder", 0),
        ("a/b/c", "folder", 0),
        ("a/f", "file", 3),
        ("a/l", "link", 0),
        ("a/p", "other", 0),
        ("n\nl", "file", 0),
        ("\udcff", "file", 0),
    ]
    assert [entry.path for entry in ws.list("a/b", depth=2)[0]] == ["a/b/c", "a/b/c/d"]
    assert ws.list(limit=3)[1] is False
    assert ws.read("\udcff") == b""  # a name as it is listed can be read


def test_names_that_are_no_utf8_can_be_used(ws):
    ws.write("\udcfe/\udcff", "x")
    ws.edit("\udcfe/\udcff", "x", "y")
    assert ws.out("ls | od -An -tx1; cat */*") == " fe 0a\ny"


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("none", "No such file"),
        ("d", "is a folder"),
        ("pipe", "no regular file"),
        ("big", "larger than 1000 bytes"),
        ("a\0b", "NUL"),
        ("f/x", "Not a directory"),
        ("x" * 300, "name too long"),
        ("loop", "link that goes nowhere"),
        (5, "must be text"),
    ],
)
def test_what_can_not_be_read_is_refused_with_the_reason(ws, path, why):
    ws.exec("mkdir d; mkfifo pipe; seq 1000 > big; touch f; ln -s loop loop")
    with pytest.raises(RefusedError, match=why):
        ws.read(path, limit=1000)
    with pytest.raises(RefusedError):
        ws.list(path if path != "d" else "f")


@pytest.mark.parametrize("path", ["", ".", "d", "f/x", "pipe", "x" * 300, "dangling"])
def test_what_can_not_be_written_is_refused(ws, path):
    ws.exec("mkdir d; touch f; mkfifo pipe; ln -s nowhere dangling")
    with pytest.raises(RefusedError):
        ws.write(path, "x")
    assert ws.out("ls -A") == "d\ndangling\nf\npipe\n"


def test_a_write_through_a_link_is_whole_or_not_at_all(start):
    ws = start(limits=QUICK)
    ws.exec("echo old > target; ln -s target link; head -c 1500000 /dev/zero > fill")
    with pytest.raises(RefusedError):
        ws.write("link", b"n" * 1_000_000)
    assert ws.read("target") == b"old\n"


def test_half_a_character_is_refused(ws):
    with pytest.raises(RefusedError):
        ws.write("f", "\ud800")


# ── services ──────────────────────────────────────────────────────────────────────────────


def test_a_service_keeps_its_state_between_commands_and_in_snapshots(start):
    ws = start(task(id="counter", service=COUNTER))
    assert ws.service_state() == {}
    assert [ws.out(ADD.format(n)) for n in (1, 2)] == ["1\n", "3\n"]
    kept = ws.snapshot()
    other = ws.branch()
    assert ws.out(ADD.format(10)) == "13\n"
    assert (ws.service_state(), other.service_state()) == ({"n": 13}, {"n": 3})
    assert other.out(ADD.format(1)) == "4\n"
    ws.restore(kept)
    assert ws.out(ADD.format(0)) == "3\n"
    other.close()


def test_what_a_service_is_asked_and_answers(start):
    ws = start(task(id="counter", service=COUNTER))
    assert ws.out('curl -s "$SERVICE_URL/a%20b/c?x=1&y="') == '{"n": 0, "path": "/a b/c", "query": {"x": "1", "y": ""}}'
    assert ws.out("curl -s -o /dev/null -w '%{http_code}' -d '\"x\"' $SERVICE_URL/") == "500"  # 0 + "x"
    assert ws.out("curl -s -I $SERVICE_URL/ | grep -ci -e date -e server") == "0\n"  # the same every time


def test_a_service_that_does_not_start_is_an_error(start):
    ws = start(task(id="broken", service="raise ValueError('no service')"))
    with pytest.raises(SandboxError, match="did not start: ValueError: no service"):
        ws.exec("true")


# ── snapshots and forks ───────────────────────────────────────────────────────────────────


FURNISH = r"""
mkdir -p d/e 'o d'; echo text > d/f; printf '\xff' > $'d/\xfe'; ln d/f d/e/hard; ln -s ../nowhere d/dangling
ln -s d/f link; mkfifo d/pipe; truncate -s 3M sparse; echo end >> sparse; head -c 100000 /dev/urandom > data
chmod 000 data; chmod 4711 d/f; chmod 1777 'o d'; chmod 500 d/e; touch -d '2001-02-03 04:05:06.789' d/f d/e
touch -h -d '1999-01-01' link; truncate -s 1M hole; echo t > /tmp/t; touch -d 2002-01-01 /tmp d
python3 -c "import socket; socket.socket(socket.AF_UNIX).bind('/tmp/socket')"; rm /tmp/socket; touch -d 2002-01-01 /tmp
cd d; export A='x y'
"""


def test_a_copy_is_equal_in_every_respect(own, ws):
    ws.exec(FURNISH)
    tree = ws.out(f"cd /workspace; {TREE}", shell_state=False)
    assert len(tree.splitlines()) == 20
    kept = ws.snapshot()
    forked = ws.branch()
    resumed = Hands(own, own.call(lambda e: e.resume(kept)))
    ws.exec("cd /; chmod 700 /workspace/d/e; rm -rf /workspace/* /tmp/*; export A=other")
    ws.restore(kept)
    for copied in (ws, forked, resumed):
        assert copied.out(f"cd /workspace; {TREE}", shell_state=False) == tree
        assert copied.out("pwd; echo $A") == "/workspace/d\nx y\n"
    forked.close()
    resumed.close()


def test_a_copy_keeps_the_times_of_links(ws):
    ws.exec("ln -s nowhere link; touch -h -d 1999-01-01 link")
    ws.restore(ws.snapshot())
    assert ws.out("stat -c %Y link") == "915148800\n"


def test_branches_do_not_see_each_other(ws):
    ws.exec("echo 0 > f; cd /tmp; export A=0")
    branches = [ws.branch() for _ in range(20)]
    for number, branch in enumerate(branches):
        assert (
            branch.out(f"cat /workspace/f; echo $A; pwd; echo {number} > /workspace/f; export A={number}")
            == "0\n0\n/tmp\n"
        )
    assert [branch.out("cat /workspace/f; echo $A") for branch in branches] == [f"{n}\n{n}\n" for n in range(20)]
    assert ws.out("cat /workspace/f; echo $A") == "0\n0\n"
    for branch in branches:
        branch.close()


def test_a_snapshot_outlives_its_session_and_is_restored_many_times(own, start):
    first, second = start(), start()
    first.write("f", "kept")
    kept = first.snapshot()
    first.close()
    for _ in range(3):
        second.restore(kept)
        assert second.out("cat f; echo more >> f") == "kept"
    assert kept.alive
    second.drop(kept)
    with pytest.raises(RefusedError, match="No such file"):
        own.call(lambda e: e.resume(kept))


def test_a_full_workspace_can_be_copied(start):
    ws = start(limits=QUICK)
    ws.exec("for i in $(seq 40); do echo $i > $i; done; head -c 3000000 /dev/zero > fill")
    other = ws.branch()
    assert other.out(TREE) == ws.out(TREE)
    other.close()


def test_a_workspace_nested_too_deep_is_refused_and_goes_on(ws):
    ws.exec("for i in $(seq 200); do mkdir d && cd d; done")
    with pytest.raises(RefusedError, match="nested deeper"):
        ws.snapshot()
    with pytest.raises(RefusedError, match="nested deeper"):
        ws.fork()
    ws.exec("cd /workspace; rm -r d")
    ws.restore(ws.snapshot())


# ── beginning and end ─────────────────────────────────────────────────────────────────────


def test_sessions_work_at_the_same_time(own):
    async def work(engine, number):
        async with await engine.session(files=[File("n", str(number).encode())]) as session:
            await session.exec("sleep 0.1; cp n m")
            return await session.read("m")

    async def all_of_them(engine):
        return await asyncio.gather(*(work(engine, number) for number in range(12)))

    assert own.call(all_of_them) == [str(number).encode() for number in range(12)]


def test_calls_on_one_session_run_one_after_the_other(own, ws):
    async def at_once(_):
        await asyncio.gather(
            *(ws.session.exec("n=$(cat n 2>/dev/null || echo 0); sleep 0.02; echo $((n+1)) > n") for _ in range(8))
        )

    own.call(at_once)
    assert ws.read("n") == b"8\n"


def test_a_task_is_set_up_once(start):
    toy = task(files=(File("a", b"1"),), setup="date +%s%N > stamp; echo $PWD >> a; export A=1; cd /tmp")
    one, two = start(toy), start(toy)
    assert one.read("stamp") == two.read("stamp")
    assert one.read("a") == b"1/workspace\n"
    assert two.out("pwd; echo $A") == "/workspace\n\n"  # the set-up's shell is not the agent's
    one.write("a", "changed")
    assert start(toy).read("a") == b"1/workspace\n"
    assert start(toy.model_copy(update={"setup": toy.setup + " "})).read("stamp") != one.read("stamp")


def test_a_set_up_that_fails_is_an_error_each_time(start):
    for _ in range(2):
        with pytest.raises(TaskError, match=r"set-up of the workspace failed \(3\): broken"):
            start(task(id="broken", setup="echo broken; exit 3"))


def test_an_idle_session_expires(own, start):
    ws, other = start(ttl=0.2), start(ttl=None)
    ws.exec("sleep 0.4")  # at work is not idle
    deadline = time.monotonic() + 20
    while "expired" not in str(ws.session._closed) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ws.session not in own.call(_sessions)
    with pytest.raises(ClosedError, match="idle for 0 s and has expired"):
        ws.exec("true")
    assert other.out("echo on") == "on\n"


async def _sessions(engine):
    return list(engine._executor.fleet._host._sessions)


def test_closing(own, start):
    ws = start()
    kept = ws.snapshot()
    ws.close()
    ws.close()
    for call in (lambda: ws.exec("true"), lambda: ws.read("a"), ws.snapshot, lambda: ws.restore(kept)):
        with pytest.raises(ClosedError, match="closed"):
            call()

    async def used(engine):
        async with await engine.session() as session:
            return session

    with pytest.raises(ClosedError):
        Hands(own, own.call(used)).exec("true")


def test_closing_gives_everything_back(own, start):
    ws = start()
    before = len(own.call(_sessions))
    mounts = len(_mounts(ws))
    branches = [ws.branch() for _ in range(5)]
    assert len(_mounts(ws)) == mounts + 5
    for branch in branches:
        branch.close()
    assert len(_mounts(ws)) == mounts
    assert len(own.call(_sessions)) == before


def _mounts(ws):
    """Return the sessions mounted in the runner's own root."""
    supervisor = ws.session.runner._handle.process.pid
    with open(f"/proc/{supervisor}/task/{supervisor}/children") as file:
        zygote = file.read().split()[0]
    with open(f"/proc/{zygote}/mounts") as file:
        return [line for line in file if " /sessions/" in line]


def test_closing_the_engine_ends_what_runs(processes):
    before = processes.below(os.getpid())
    dg = DeepGym(workers=1)
    ws = Hands(dg, dg.call(lambda e: e.session()))
    errors = []

    def run():
        try:
            ws.exec("sleep 100")
        except Exception as error:
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    while not ws.session.busy:
        time.sleep(0.005)
    new = {pid: at for pid, at in processes.below(os.getpid()).items() if pid not in before}
    dg.close()
    thread.join(20)
    assert not thread.is_alive()
    assert isinstance(errors[0], (ClosedError, SandboxError))
    assert processes.survivors(new) == []
    with pytest.raises(ClosedError):
        ws.exec("true")


def test_an_engine_closed_on_its_loop_closes_its_sessions(own):
    async def closed():
        async with AsyncDeepGym(workers=1) as engine:
            session = await engine.session()
            running = asyncio.create_task(session.exec("sleep 100"))
            await asyncio.sleep(0.1)
        with pytest.raises(SandboxError):
            await running
        with pytest.raises(ClosedError, match="engine is closed"):
            await session.exec("true")
        with pytest.raises(ClosedError):
            await engine.session()

    asyncio.run(closed())


def test_a_cancelled_call_ends_its_processes(own, ws, processes):
    ws.exec("true")
    before = processes.below(os.getpid())

    async def cancelled(_):
        running = asyncio.create_task(ws.session.exec("sleep 1000"))
        while len(processes.below(os.getpid())) < len(before) + 3:
            await asyncio.sleep(0.01)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    own.call(cancelled)
    new = {pid: at for pid, at in processes.below(os.getpid()).items() if pid not in before}
    assert processes.survivors(new) == []
    assert ws.out("echo on") == "on\n"


def test_a_killed_runner_is_an_error_and_the_next_session_works(start):
    ws = start()
    kept = ws.snapshot()
    ws.kill_runner()
    for _ in range(2):
        with pytest.raises(SandboxError):
            ws.exec("true")
    assert not kept.alive
    ws.close()
    fresh = start()
    assert fresh.out("echo on") == "on\n"
    with pytest.raises(RefusedError, match="another runner"):
        fresh.restore(kept)


def test_a_runner_killed_during_a_command_is_an_error(start):
    ws = start()
    threading.Timer(0.15, lambda: os.kill(ws.session.runner._handle.process.pid, signal.SIGKILL)).start()
    with pytest.raises(SandboxError):
        ws.exec("sleep 100")


OWNER = """
import asyncio, deepgym_env
async def main():
    async with deepgym_env.AsyncDeepGym(workers=2) as dg:
        sessions = [await dg.session() for _ in range(4)]
        print("running", flush=True)
        await asyncio.gather(*(session.exec("setsid sleep 1000 & sleep 1000") for session in sessions))
asyncio.run(main())
"""


def test_nothing_outlives_a_killed_owner(own, processes):
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE) as owner:
        try:
            assert owner.stdout.readline() == b"running\n"
            while len(started := processes.below(owner.pid)) < 16:
                time.sleep(0.01)
        finally:
            owner.kill()
    assert processes.survivors(started) == []
    with open("/proc/self/mounts") as mounts:
        assert " /sessions" not in mounts.read()  # all mounts were in namespaces, gone with their processes
