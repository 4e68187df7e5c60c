"""Attacks out of a session: on files outside of it, other sessions, the runner, the judge, and the verdict itself."""

# ruff: noqa: E501  attacks are easier to read on one line

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

import deepgym_env
from deepgym_env.envs import CodingEnv
from deepgym_env.errors import RefusedError, SandboxError
from deepgym_env.judge import state as state_module
from deepgym_env.sandbox import session as session_module
from deepgym_env.task import File, SessionLimits, StateTest, WorkspaceTask

X86 = pytest.mark.skipif(platform.machine() != "x86_64", reason="system call numbers of x86_64")
REPOSITORY = Path(deepgym_env.__file__).parents[1]
QUICK = SessionLimits(cpu_seconds=2, wall_seconds=0.5, processes=48, memory_mb=300, disk_mb=4, files=512)


class Hands:
    """A session whose calls wait until they are done; none may take long."""

    def __init__(self, engine, session):
        self.engine = engine
        self.session = session

    def __getattr__(self, name):
        method = getattr(self.session, name)
        return lambda *args, **named: self.engine.call(lambda _: asyncio.wait_for(method(*args, **named), 20))

    def out(self, command, **options):
        return self.exec(command, **options).stdout

    def python(self, source, **options):
        """Run a Python program of the workspace's own; return what it printed."""
        self.write("/workspace/attack.py", textwrap.dedent(source))
        return self.out(["python3", "-I", "/workspace/attack.py"], **options)


@pytest.fixture
def start(own):
    started = []

    def open_session(*args, **options):
        started.append(Hands(own, own.call(lambda e: e.session(*args, **options))))
        return started[-1]

    yield open_session
    for hands in started:
        with contextlib.suppress(SandboxError):
            hands.close()


@pytest.fixture
def ws(start):
    return start()


def make_task(check, **fields):
    source = textwrap.dedent(check)
    names = [line[len("def test_") :].partition("(")[0] for line in source.splitlines() if line.startswith("def test_")]
    defaults = {"id": "toy", "title": "Toy", "prompt": "Work.", "tests": tuple(StateTest(id=name) for name in names)}
    return WorkspaceTask(**{"limits": QUICK, **defaults, **fields}, check=source)


@pytest.fixture
def judge(own, start, monkeypatch):
    monkeypatch.setattr(state_module, "_WALL_SECONDS", 0.5)
    monkeypatch.setattr(state_module, "_SHORT_WALL_SECONDS", 0.5)

    def judged(task, *commands, seconds=60):
        ws = start(task)
        for command in commands:
            ws.exec(command)
        ws.exec(["rm", "-f", "/tmp/pwned"], shell_state=False)  # what the agent itself ran is no matter
        return own.call(lambda e: asyncio.wait_for(e.judge(task, ws.session), seconds))

    return judged


def statuses(result):
    return {case.id: case.status for case in result.cases}


def test_sessions_have_every_layer_of_isolation(ws):
    assert ws.session.runner.isolation.level == "full"
    told = ws.out("cat /proc/self/status; ulimit -c")
    for line in ("CapEff:\t0000000000000000", "CapPrm:\t0000000000000000", "Seccomp:\t2"):
        assert line in told
    assert ws.python("import ctypes\nprint(ctypes.CDLL(None).prctl(39, 0, 0, 0, 0))") == "1\n"  # PR_GET_NO_NEW_PRIVS


# ── paths ─────────────────────────────────────────────────────────────────────────────────

LINKS = {
    "etc": "/etc",
    "passwd": "/etc/passwd",
    "root": "/proc/1/root",
    "self": "/proc/self/cwd",
    "up": "..",
    "upup": "../../../../../../..",
    "sessions": "/sessions",
    "store": "/store",
    "tmp": "/tmp",
    "one": "two",
    "two": "three/../up",
    "three": ".",
    "fd": "/proc/self/fd/3",
    "box": "/box/lib/runner/tree.py",
}
OUTSIDE = [
    *("../x", "a/../../x", "..", "/etc/passwd", "/", "//etc/passwd", "/workspace/../etc/passwd", "/workspacex"),
    *("/proc/self/environ", "etc/passwd", "passwd", "root/etc/passwd", "self/x", "up/x", "upup/etc/passwd", "one/x"),
    *("sessions", "store/p1", "tmp/x", "fd", "box", "three/three/up/tmp/t", "d/up/x", "up/workspace/f"),
]


@pytest.mark.parametrize("path", OUTSIDE)
def test_no_path_leads_out(ws, path):
    ws.exec(
        "mkdir d; ln -s ../.. d/up; echo inside > f; echo t > /tmp/t; "
        + "; ".join(f"ln -s {t} {n}" for n, t in LINKS.items())
    )
    for call in (
        lambda: ws.read(path),
        lambda: ws.write(path, "x"),
        lambda: ws.edit(path, "root", "x"),
        lambda: ws.list(path),
        lambda: ws.list(f"{path}/"),
        lambda: ws.write(f"{path}/new/file", "x"),
    ):
        with pytest.raises(RefusedError):
            call()
    assert ws.out("cat /tmp/t; ls /tmp; head -c 4 /etc/passwd") == "t\nt\nroot"


def test_a_link_swapped_while_it_is_read_never_leads_out(own, ws):
    """Calls of a session wait for each other, so this one is given a twin that doesn't."""
    ws.exec("mkdir real; echo inside > real/passwd; ln -s real d; ln -s real a; ln -s /etc b")
    ws.write(
        "swap.py",
        "import os, time\nend = time.monotonic() + 1.2\nwhile time.monotonic() < end:\n os.rename('a', 'd'); os.symlink('real', 'a'); os.rename('b', 'd'); os.symlink('/etc', 'b')\n",
    )

    async def race(engine):
        twin = engine._executor.fleet._host.adopt(ws.session.runner, ws.session.limits, None, None)
        twin.name = ws.session.name
        swapping = asyncio.create_task(ws.session.exec(["python3", "swap.py"]))
        await asyncio.sleep(0.2)
        seen, wrote = set(), 0
        while not swapping.done():
            with contextlib.suppress(RefusedError):
                seen.add(await twin.read("d/passwd"))
            with contextlib.suppress(RefusedError):
                await twin.write("d/new", "x")
                wrote += 1
        engine._executor.fleet._host.forget(twin)
        return seen, wrote

    seen, _ = own.call(race)
    assert seen <= {b"inside\n"}
    assert ws.exec("ls /etc/new").code != 0


# ── trees that are hard to handle ─────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "make",
    [
        "mkfifo .deepgym-partial",
        "ln -s /etc/passwd .deepgym-partial",
        "ln -s f .deepgym-partial",
        "mkdir .deepgym-partial",
        "ln f .deepgym-partial",
        "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('.deepgym-partial')\"",
    ],
)
def test_writing_is_not_led_astray(ws, make):
    ws.exec(f"echo kept > f; {make}")

    async def write(_):
        with contextlib.suppress(RefusedError):
            await asyncio.wait_for(ws.session.write("g", "new"), 5)

    ws.engine.call(write)
    assert "root" in ws.out("cat /etc/passwd")
    if make != "ln f .deepgym-partial":  # two names of one file: its own doing
        assert ws.read("f") == b"kept\n"


HOSTILE = {
    "fifo": "mkfifo f",
    "socket": "python3 -c \"import socket; socket.socket(socket.AF_UNIX).bind('f')\"",
    "whiteout": "mknod f c 0 0 || touch f",
    "sparse": "truncate -s 4M f; truncate -s 4M g",
    "deep": "python3 -c \"import os\nfor _ in range(500): os.mkdir('d'); os.chdir('d')\"",
    "many": "python3 -c \"import itertools\ntry:\n  for n in itertools.count(): open('n%d' % n, 'w').close()\nexcept OSError: pass\"",
    "names": "touch $'a\\nb' $'\\x01\\x1b[2J' $'\\xff\\xfe' \"$(printf 'x%.0s' $(seq 255))\" ' ' '*' -rf $'\\xed\\xa0\\x80'",
    "no_rights": "mkdir -p d/e; touch d/e/f g; chmod 000 d/e/f g d/e d .",
    "loops": "ln -s a b; ln -s b a; ln -s . c; mkdir d; ln -s .. d/up",
    "hard_links": "touch f; python3 -c \"import os\nfor n in range(400): os.link('f', 'h%d' % n)\"",
    "full": "head -c 9999999 /dev/zero > f",
    "old": "touch -d 1902-01-01 f; touch -d 2400-01-01 g",
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_tree_is_listed_copied_and_removed(own, start, hostile):
    ws = start(limits=QUICK)
    ws.exec(hostile)
    entries, _ = ws.list(".", depth=32)
    for entry in entries[:30]:
        if entry.kind != "folder":
            with contextlib.suppress(RefusedError):
                ws.read(entry.path)
    with contextlib.suppress(RefusedError):  # nested too deep, that is
        copied = Hands(own, ws.fork())
        left_out = ws.out("find . -type s -o -type c").split()  # sockets and whiteouts aren't copied
        assert copied.list(".", depth=32)[0] == [entry for entry in entries if f"./{entry.path}" not in left_out]
        copied.close()
    ws.exec("chmod -R 700 .; cd /; rm -rf /workspace/* /workspace/.[a-z]*")
    ws.write("f", "x")
    assert ws.read("f") == b"x"


# ── what can be seen ──────────────────────────────────────────────────────────────────────

MARK = "mark-5f0c3e7a9b"
SEARCH = f"""
import os
found = []
mark = '{MARK[:5]}' + '{MARK[5:]}'
for place, folders, files in os.walk('/'):
    if place in ('/usr', '/lib', '/lib64', '/lib32', '/bin', '/sbin') or place.startswith(os.path.dirname(os.__file__)):
        folders[:] = []
        continue
    for name in files:
        path = os.path.join(place, name)
        try:
            descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        except OSError:
            continue
        try:
            if mark.encode() in os.read(descriptor, 1 << 20):
                found.append(path)
        except OSError:
            pass
        os.close(descriptor)
print(found, [value for value in os.environ.values() if mark in value])
"""


def test_neither_tests_nor_solution_nor_service_are_in_sight(own, start):
    check = f"def test_a(ws):\n    '''{MARK}'''\n    assert ws.run('true').code == 0\n"
    service = f"# {MARK}\ndef handle(request, state):\n    state['secret'] = '{MARK}'\n    return 200, {{}}\n"
    task = make_task(
        check, service=service, support=f"# {MARK}", reference=f"# {MARK}", setup=f": {MARK}", limits=SessionLimits()
    )
    ws, other = start(task), start()
    ws.exec("curl -s $SERVICE_URL")
    other.write("f", MARK)
    own.call(lambda e: e.judge(task, ws.session))
    assert ws.python(SEARCH) == "[] []\n"
    ws.write("f", MARK)
    assert ws.python(SEARCH) == "['/workspace/f'] []\n"  # it does find


def test_files_of_the_host_are_not_in_sight(ws, gvisor):
    packages = Path(json.__file__).parent.parent / "site-packages"
    paths = [
        REPOSITORY / "pyproject.toml",
        REPOSITORY / "scenarios",
        REPOSITORY / "deepgym_env" / "engine.py",
        Path(__file__),
    ]
    paths += [
        Path(p)
        for p in ("/etc/shadow", "/etc/hostname", "/sys/kernel", "/var/log", "/home/x", "/run/x", "/boot", REPOSITORY)
    ]
    paths += [
        Path(p)
        for p in (
            "/dev/kvm",
            "/dev/mem",
            "/dev/tty",
            "/dev/pts",
            "/dev/vda",
            "/dev/fuse",
            "/dev/net",
            "/proc/kcore",
        )
    ]
    paths += [] if gvisor else [Path("/proc/sys")]  # gVisor's are settings of its own
    source = f"import os\nprint([p for p in {[str(path) for path in paths]} if os.path.exists(p)])\n"
    source += f"print(os.listdir('/sessions') + os.listdir('/store') + os.listdir({str(packages)!r}))\n"
    assert ws.python(source) == "[]\n[]\n"
    assert ws.python("import deepgym_env, numpy").endswith("ModuleNotFoundError: No module named 'deepgym_env'\n")


def test_nothing_outside_the_workspace_can_be_written(ws):
    told = ws.python("""
        import os
        for place, folders, files in os.walk('/'):
            folders[:] = [f for f in folders if os.path.join(place, f) not in ('/workspace', '/tmp', '/proc', '/usr', '/dev/fd')]
            for how in (lambda: open(os.path.join(place, 'new'), 'w'), lambda: os.chmod(place, 0o777),
                        lambda: os.rename(place, place + 'x')):
                try:
                    how()
                    print(place)
                except OSError:
                    pass
            for name in files[:20]:
                path = os.path.join(place, name)
                try:
                    if os.path.isfile(path):
                        open(path, 'r+b')
                        print(path)
                except OSError:
                    pass
        """)
    assert told == ""


SECRETIVE = """
import os, socket, time
keep = [socket.create_server(("127.0.0.1", 5555)), socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)]
keep[1].bind("\\0shared"); keep[1].listen()
keep[2].bind("/tmp/shared"); keep[2].listen()
open("/dev/shm/memory", "w").write("secret")
open("/workspace/shared", "w").write("secret")
os.mkfifo("/tmp/pipe")
print(os.getpid(), flush=True)
time.sleep(1.5)
"""
SPY = """
import os, socket
def got(what):
    try:
        value = what()
        if value: print("GOT", value)
    except OSError: pass
def connect(family, address):
    socket.socket(family).connect(address)
    return address
got(lambda: connect(socket.AF_INET, ("127.0.0.1", 5555)))
got(lambda: connect(socket.AF_INET, ("127.0.0.1", 8000)))
got(lambda: connect(socket.AF_INET, ("1.1.1.1", 53)))
got(lambda: connect(socket.AF_UNIX, "\\0shared"))
got(lambda: connect(socket.AF_UNIX, "/tmp/shared"))
got(lambda: os.listdir("/dev/shm") + [n for n in os.listdir("/tmp")])
got(lambda: [l for l in open("/proc/net/unix") if "shared" in l])
got(lambda: open("/workspace/shared").read())
got(lambda: sorted(int(n) for n in os.listdir("/proc") if n.isdigit())[3:])
for pid in range(1, 200):
    if pid != os.getpid():
        for name in ("root", "cwd", "exe", "fd", "map_files", "mem", "environ", "maps", "ns/net", "ns/mnt"):
            path = "/proc/%d/%s" % (pid, name)
            got(lambda: pid == 1 and os.readlink(path))
            got(lambda: pid == 1 and open(path, "rb").read(10))
            got(lambda: pid == 1 and os.listdir(path))
"""


# What gVisor shows besides: names of Unix sockets of the whole sandbox, and of pid 1, which watches, what Linux
# hides of a process that isn't dumpable. Nothing of it can be opened or says anything.
SHOWN_BY_GVISOR = (
    r"GOT \['0000.*",
    r"GOT \['0'.*",
    r"GOT b'(PYTHONHASH|LANG=C\.UTF|PATH=/usr/|HOSTNAME=.|MALLOC_ARE|OPENBLAS_N|OMP_NUM_TH|PYTHONDONT|HOME=.*)'",
    r"GOT b'[0-9a-f]{10}'",
    r"GOT (net|mnt):.*",
)


def test_a_session_at_work_beside_it_is_not_in_sight(own, start, gvisor):
    one, two = start(), start()

    async def both(_):
        secretive = asyncio.create_task(one.session.exec(["python3", "-c", SECRETIVE]))
        await asyncio.sleep(0.5)
        spied = await two.session.exec(["python3", "-c", SPY])
        killed = await two.session.exec("kill -9 -1; kill -9 1")
        return spied, killed, await secretive

    spied, _, secretive = own.call(both)
    shown = SHOWN_BY_GVISOR if gvisor else ()
    seen = [line for line in spied.stdout.splitlines() if not any(re.fullmatch(one, line) for one in shown)]
    assert (seen, spied.code) == ([], 0)
    assert secretive.code == 0


# ── the kernel ────────────────────────────────────────────────────────────────────────────

CALLS = {
    "ptrace": (101, 16, 1),
    "process_vm_readv": (310, 1),
    "pidfd_getfd": (438, 3, 3),
    "kcmp": (312, 1, 1),
    "unshare": (272, 0x10000000),
    "setns": (308, 3),
    "clone_newuser": (56, 0x10000011),
    "clone3": (435, 0, 64),
    "clone_newns_of_init": (56, 0x00020011),
    "clone_newpid": (56, 0x20000011),
    "clone_newnet": (56, 0x40000011),
    "mount": (165, 0, 0, 0, 4096),
    "umount2": (166, 0, 2),
    "pivot_root": (155, 0, 0),
    "chroot": (161, 0),
    "open_tree": (428, -100, 0, 1),
    "move_mount": (429,),
    "fsopen": (430,),
    "mount_setattr": (442,),
    "bpf": (321, 0),
    "perf_event_open": (298,),
    "userfaultfd": (323, 1),
    "io_uring_setup": (425, 1),
    "keyctl": (250, 0, -3, 1),
    "add_key": (248,),
    "request_key": (249,),
    "name_to_handle_at": (303,),
    "shmget": (29, 1, 4096, 0o1666),
    "semget": (64, 1, 1, 0o1666),
    "msgget": (68, 1, 0o1666),
    "mq_open": (240,),
    "seccomp": (317, 0),
    "personality": (135, 0x0040000),
    "modify_ldt": (154, 0),
    "swapon": (167,),
    "acct": (163, 0),
    "setuid": (105, 0),
    "setgid": (106, 0),
    "setgroups": (116, 0),
    "capset": (126,),
    "sethostname": (170, 0, 1),
    "fanotify_init": (300,),
    "landlock": (444, 0, 0, 1),
    "syslog": (103, 3),
    "reboot": (169,),
    "kexec_load": (246,),
    "memfd_secret": (447,),
    "quotactl": (179,),
    "init_module": (175,),
    "clock_settime": (227,),
    "setxattr": (188,),
    "prctl_ptracer": (157, 0x59616D61, -1),
    "prctl_mm": (157, 35),
    "prlimit_init": (302, 1, 7, 0, 0),
    "setpriority_init": (141, 0, 1, 19),
    "tioctl_sti": (16, 0, 0x5412),
    "netlink": (41, 16, 3, 0),
    "packet": (41, 17, 3, 0),
    "vsock": (41, 40, 1, 0),
    "raw": (41, 2, 3, 1),
    "alg": (41, 38, 5, 0),
    "sched_setscheduler": (144, 1, 5),
}


@X86
def test_no_forbidden_call_is_made(ws):
    told = ws.python(f"""
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        for name, (number, *arguments) in {CALLS!r}.items():
            ctypes.set_errno(0)
            result = libc.syscall(number, *(ctypes.c_long(a) for a in arguments), *[ctypes.c_long(0)] * (6 - len(arguments)))
            if result == 0 and name.startswith("clone"):
                os._exit(0)
            if ctypes.get_errno() not in (1, 38, 95):  # EPERM, ENOSYS, ENOTSUP
                print(name, result, ctypes.get_errno())
        """)
    assert told == ""


@X86
@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a compiler")
def test_a_32_bit_call_is_no_way_around_the_filter(ws):
    ws.write(
        "a.c",
        '#include <stdio.h>\nint main(){long r; puts("begun"); fflush(stdout); __asm__ volatile("int $0x80":"=a"(r):"a"(310),"b"(0x10000000)); printf("GOT %ld\\n", r);}\n',
    )
    ws.write(
        "x.c",
        '#include <stdio.h>\nint main(){long r; puts("begun"); fflush(stdout); __asm__ volatile("syscall":"=a"(r):"a"(0x40000000|272),"D"(0x10000000):"rcx","r11","memory"); printf("GOT %ld\\n", r);}\n',
    )
    assert "GOT" not in ws.out("gcc a.c -o a && ./a; gcc x.c -o x && ./x")


@pytest.mark.parametrize("number", [1, 2, 3, 9, 13, 15, 17, 19, 25, 34])
def test_pid_1_takes_no_signal(ws, number):
    ran = ws.exec(
        f"kill -{number} 1; kill -{number} -1; python3 -c 'import os; os.kill(1, {number})'; sleep 0.05; true"
    )
    assert ran.reason is None
    assert ws.out("echo on") == "on\n"


SERVICE = "def handle(request, state):\n    state['n'] = state.get('n', 0) + 1\n    return 200, {'n': state['n']}\n"


@pytest.mark.parametrize(
    "attack",
    [
        "pkill -9 python; kill -9 2",
        "kill -STOP 2",
        "kill -9 2; sleep 0.05; python3 -c \"import socket; s = socket.create_server(('127.0.0.1', 8000))\"",
        "cat /proc/2/environ /proc/2/maps /proc/2/mem /proc/2/fd/* /proc/2/cwd/* /proc/2/root/sessions/*/service/*",
        "python3 -c \"import socket; [socket.create_connection(('127.0.0.1', 8000)) for _ in range(200)]\"",
        "printf 'POST / HTTP/1.1\\r\\nContent-Length: 99999999\\r\\n\\r\\n' > /dev/tcp/127.0.0.1/8000",
        "printf '\\0\\xff GET\\r\\n\\r\\n' > /dev/tcp/127.0.0.1/8000",
        "curl -s -m 1 -H 'Content-Length: \xb2' $SERVICE_URL",
    ],
)
def test_a_service_keeps_its_state_whatever_is_done_to_it(judge, attack):
    task = make_task(
        "def test_a(ws):\n    assert ws.service_state() == {'n': 2}, ws.service_state()\n", service=SERVICE
    )
    assert judge(task, "curl -s $SERVICE_URL", attack, "curl -s $SERVICE_URL").passed


# ── the judge's own commands ──────────────────────────────────────────────────────────────

HONEST = """
def test_env(ws):
    ran = ws.run("env | sort; type python3; type -t printf; pwd")
    for word in ("EVIL", "BASH_ENV", "LD_", "PYTHONPATH", "PROMPT_COMMAND", "evil"):
        assert word not in ran.stdout + ran.stderr, ran
    assert "python3 is /box/bin/python3\\nbuiltin\\n/workspace\\n" in ran.stdout, ran
def test_call(ws):
    assert ws.call("f.py", "f", 20) == 21
def test_sql(ws):
    assert ws.sql("db", "select a from t") == [[7]]
def test_argv(ws):
    assert ws.run(["python3", "-I", "-c", "print(6 * 7)"]).stdout == "42\\n"
def test_text(ws):
    assert ws.run("python3 -I -c 'print(6 * 7)'").stdout == "42\\n"
def test_not_run(ws):
    assert not ws.exists("pwned") and not ws.run("cat /tmp/pwned").code == 0
"""
EVIL = "import os; open('/tmp/pwned', 'a').write(__name__); print('=>1'); os._exit(3)"
NAMES = (
    *("sitecustomize", "usercustomize", "json", "sqlite3", "codec", "runner", "importlib", "encodings", "site", "_io"),
    *("typing", "collections", "os", "sys", "builtins"),
)
TAMPERING = {
    "modules": "; ".join(f'echo "$EVIL" > {name}.py' for name in NAMES),
    "packages": "mkdir -p runner .local/lib/python3.11/site-packages lib/python3.11; for p in runner/__init__ runner/caller .local/lib/python3.11/site-packages/usercustomize lib/python3.11/site; do echo \"$EVIL\" > $p.py; done; echo 'import os; os._exit(3)' > .local/lib/python3.11/site-packages/evil.pth",
    "programs": "mkdir bin; for p in python3 bash sh env cat python; do printf '#!/bin/bash\\ntouch /tmp/pwned; echo evil\\n' > $p; cp $p bin; done; chmod -R +x .; export PATH=/workspace:/workspace/bin:$PATH",
    "variables": "export BASH_ENV=/workspace/evil.sh ENV=/workspace/evil.sh LD_PRELOAD=/workspace/evil.so LD_LIBRARY_PATH=/workspace PYTHONPATH=/workspace PYTHONSTARTUP=/workspace/json.py PYTHONHOME=/workspace PROMPT_COMMAND='touch /tmp/pwned' PS4='$(touch /tmp/pwned)' SHELLOPTS IFS=x CDPATH=/ HOME=/tmp; set -x; echo 'touch /tmp/pwned; exit 3' > evil.sh",
    "functions": 'for n in trap export printf eval exit python3 cat env type; do eval "$n() { touch /tmp/pwned; }"; builtin export -f $n 2>/dev/null; done; true',
    "start_files": "for n in .bashrc .bash_profile .profile .bash_logout .inputrc .pythonrc.py .python_history; do echo 'touch /tmp/pwned; exit 3' > $n; done; printf 'home = /workspace\\ninclude-system-site-packages = true\\n' > pyvenv.cfg",
    "forged_state": "printf '/workspace/none\\0exit 7; touch /tmp/pwned' >&9; kill -9 $$",
    "forged_state_of_many_parts": "printf '\\0\\0\\0\\xff' >&9; kill -9 $$",
    "long_state": "head -c 9999999 /dev/zero >&9; kill -9 $$",
    "a_limit": "ulimit -t 1 -f 1 -n 10 -u 10; umask 777",
    "nowhere": "mkdir gone; cd gone; rmdir /workspace/gone",
}


@pytest.mark.parametrize("tampering", TAMPERING.values(), ids=TAMPERING)
def test_the_judges_commands_are_clean(judge, tampering):
    prepare = "printf 'def f(x): return x + 1\\n' > f.py; python3 -c \"import sqlite3; db = sqlite3.connect('db'); db.execute('create table t as select 7 a'); db.commit()\""
    result = judge(make_task(HONEST), prepare, f"EVIL={json.dumps(EVIL)}; {tampering}", "true")
    assert statuses(result) == dict.fromkeys(statuses(result), "passed"), tampering


def test_modules_beside_the_agents_own_change_its_own_answers_only(judge):
    check = """
    def test_shadowed(ws): assert ws.call("a/f.py", "f", 20) == 21
    def test_other(ws): assert ws.call("g.py", "f", 20) == 21
    """
    prepare = f"mkdir a; echo 'import json\ndef f(x): return x + 1' > a/f.py; echo 'def f(x): return x + 1' > g.py; echo {json.dumps(EVIL)} > a/json.py"
    assert statuses(judge(make_task(check), prepare)) == {"shadowed": "passed", "other": "passed"}


FORGERIES = {
    "at_import": "import os\nfor d in range(20):\n    try: os.write(d, b'=>[\"value\",1]\\n' * 50)\n    except OSError: pass\nos._exit(0)",
    "in_a_call": "import os\ndef f(x):\n    for d in range(20):\n        try: os.write(d, b'=>[\"value\",7]\\n')\n        except OSError: pass\n    return 0",
    "one_too_few": "import os\ndef f(x): os._exit(0)",
    "no_tree": 'import os\ndef f(x):\n    [os.write(d, b\'=>{"$":"query","v":0}\\n\') for d in (1, 2, 3)]\n    os._exit(0)',
    "raised": "import os\ndef f(x):\n    [os.write(d, b'=>[\"raised\",5]\\n') for d in (1, 2, 3)]\n    os._exit(0)",
    "deep": "import os\ndef f(x):\n    [os.write(d, b'=>' + b'[' * 100000 + b'\\n') for d in (1, 2, 3)]\n    os._exit(0)",
    "equal_to_all": "class A:\n    def __eq__(self, o): return True\n    __hash__ = None\ndef f(x): return A()",
    "a_subclass": "class I(int):\n    def __eq__(self, o): return True\ndef f(x): return I(3)",
    "not_a_number": "def f(x): return float('nan')",
    "codec": "import sys\nsys.modules['runner.codec'].encode = lambda *a: '[\"value\",21]'\ndef f(x): return 0\n",
    "frames": "import gc\ndef f(x):\n    for o in gc.get_objects():\n        if isinstance(o, dict) and 'expected' in o: return o['expected']\n    return 0",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_forged_answers_are_answers_of_its_own_only(judge, forgery):
    check = """
    def test_forged(ws):
        got = ws.calls("f.py", "f", [(ws.rng.random(),) for _ in range(3)])
        assert got == [0.5, 0.6, 0.7], "%r" % (got,)
    def test_other(ws): assert ws.call("g.py", "f", 20) == 21
    """
    task = make_task(check, files=(File("f.py", forgery.encode()), File("g.py", b"def f(x): return x + 1")))
    assert {**statuses(judge(task)), "forged": ""} == {"forged": "", "other": "passed"}
    assert statuses(judge(task))["forged"] != "passed"


# ── workspaces that burn the checker ──────────────────────────────────────────────────────

BURNING = {
    "huge": "truncate -s 20M f",
    "large_json": "python3 -c \"open('f', 'w').write('[' + '[],' * 5_000_000 + '0]')\"",
    "deep_json": "python3 -c \"open('f', 'w').write('[' * 1_000_000)\"",
    "long_number": "python3 -c \"open('f', 'w').write('9' * 1_000_000)\"",
    "infinite": 'echo \'{"a": NaN, "b": Infinity, "c": 1e99999}\' > f',
    "halves": "echo '\"\\ud800\"' > f",
    "bomb": "python3 -c \"import zlib; open('f', 'wb').write(zlib.compress(bytes(1 << 30)))\"",
    "slow": "python3 -c \"print('a' * 40 + '!')\" > f",
    "stdout": "ln -s /dev/zero f",
    "deep_source": "python3 -c \"open('f', 'w').write('(' * 90000 + ')' * 90000)\"",
}


@pytest.mark.parametrize("burning", BURNING.values(), ids=BURNING)
def test_a_workspace_that_burns_the_checker_fails_its_tests_only(judge, burning, monkeypatch):
    monkeypatch.setattr(state_module, "_LIMITS", state_module._LIMITS.model_copy(update={"cpu_seconds": 2.0}))
    check = """
    import ast, re, zlib
    def test_before(ws): assert ws.exists("kept")
    def test_json(ws): assert len(repr(ws.json("f"))) < 0
    def test_zlib(ws): assert len(zlib.decompress(ws.read("f"))) < 0
    def test_regex(ws): assert re.fullmatch(r"(a|aa)+", ws.text("f").strip())
    def test_source(ws): assert ast.literal_eval(ws.text("f")) is ...
    def test_cat(ws): assert ws.run("cat f").stdout == "?"
    def test_after(ws): assert ws.exists("kept")
    """
    limits = QUICK.model_copy(update={"disk_mb": 64, "cpu_seconds": 10})
    result = judge(make_task(check, limits=limits), "touch kept", burning)
    assert result.has_verdict
    told = statuses(result)
    assert (told.pop("before"), told.pop("after")) == ("passed", "passed")
    assert "passed" not in told.values()


# ── dodging the verdict ───────────────────────────────────────────────────────────────────

LOOKS = """
def test_read(ws): assert ws.text("f.py")
def test_list(ws): assert ws.files() and ws.folders()
def test_write(ws): ws.write("d/new", "x" * 100); assert ws.run("cat d/new").code == 0
def test_sql(ws): assert ws.sql("db", "select 1")
def test_run(ws): assert ws.run("cat f.py", cpu=0.5).code == 0
def test_calls(ws): assert ws.calls("f.py", "f", [(1,), (2,)], cpu=1.0) == [2, 3]
def test_exists(ws): assert ws.exists("f.py")
def test_names(ws):
    for name in ws.files()[:8]:
        ws.run(["cat", name])
def test_state(ws): assert ws.service_state()
"""
POST = "python3 -c \"import urllib.request as u, os; u.urlopen(os.environ['SERVICE_URL'], data=(b'[' * {0} + b']' * {0})).read()\""
DODGES = {
    **HOSTILE,
    "fifo_for_all": "rm -rf *; mkfifo f.py d",
    "links_for_all": "rm -rf *; ln -s /dev/zero f.py; ln -s /proc/self/mem db; ln -s / d",
    "nothing": "rm -rf /workspace/* /tmp/*",
    "kill_all": "kill -9 -1",
    "kill_init": "for n in 1 3 6 9 15 18 19; do kill -$n 1; done",
    "endless_module": "echo 'while 1: pass' > f.py",
    "sleeping_module": "echo 'import time; time.sleep(99)' > f.py",
    "killing_module": "echo 'import os; os.kill(-1, 9)' > f.py",
    "bombing_module": "printf 'import os\\nwhile 1: os.fork()\\n' > f.py",
    "flooding_module": "printf 'import os\\nwhile 1: os.write(1, b\"x\" * 65536)\\n' > f.py",
    "hungry_module": "echo 'x = [bytearray(1 << 20) for _ in range(10**6)]' > f.py",
    "filling_module": 'printf \'open("x", "w").write("x" * 10**8)\' > f.py',
    "closing_module": "printf 'import os\\nos.closerange(0, 100)\\n' > f.py",
    "crash": "printf 'import ctypes\\nctypes.string_at(0)\\n' > f.py",
    "deep_250": "python3 -c \"import os\nfor _ in range(250): os.mkdir('d'); os.chdir('d')\" 2>/dev/null; rm f.py",
    "full_service": POST.format(150),
    "output": "cat /dev/zero",
    "descriptors": 'python3 -c "import os, time\nx = []\ntry:\n  while 1: x.append(os.pipe())\nexcept OSError: time.sleep(.1)"',
    "folder_for_file": "rm f.py; mkdir f.py",
    "temporary_folder": "mkdir -p d/.deepgym-partial/x",
    "temporary_fifo": "mkdir -p d; mkfifo d/.deepgym-partial",
    "deep_state": POST.format(300),
    "deeper_state": POST.format(980),
    "interrupting_module": "echo 'import os; os.kill(1, 2)' > f.py",
}
KEEPING = "def handle(request, state):\n    state['kept'] = request.json\n    return 200, {}\n"


@pytest.mark.parametrize("dodge", DODGES.values(), ids=DODGES)
def test_whatever_is_left_there_is_a_verdict(judge, dodge):
    insist_on_a_verdict(judge, dodge, again=dodge in HOSTILE.values())


def insist_on_a_verdict(judge, dodge, again=False, seconds=60):
    task = make_task(LOOKS, files=(File("f.py", b"def f(x): return x + 1"), File("d/e", b"")), service=KEEPING)
    try:
        first = judge(task, dodge, seconds=seconds)
    except asyncio.TimeoutError:
        pytest.fail("judging hangs")
    assert first.has_verdict, first.details
    assert not first.passed
    if again:
        assert judge(task, dodge) == first


@pytest.mark.parametrize(
    "action",
    [
        {"name": "read_file", "arguments": {"path": "/proc/1/mem"}},
        {"name": "read_file", "arguments": {"path": "x" * 100_000}},
        {"name": "read_file", "arguments": {"path": "a\0b"}},
        {"name": "write_file", "arguments": {"path": "f", "content": "x" * 10_000_000}},
        {"name": "list_files", "arguments": {"depth": 10**30}},
        '{"name": "read_file", "arguments": {"path": "\\ud800"}}',
        {"name": "bash", "arguments": {"command": "x" * 5_000_000}},
        {"name": "bash", "arguments": {"command": "a\0b"}},
        "<bash>kill -9 -1; kill -9 1</bash>",
        "<bash>:(){ :|:& };:</bash>",
        "<bash>cat /dev/zero</bash>",
        "<bash>printf 'exit 7' >&9; exec true</bash>",
        "<bash>touch $'\\xff' $'\\n'; mkdir -p a/b</bash>",
        {"name": "read_file", "arguments": {"path": "."}},
        "<bash>kill -INT 1; sleep 1</bash>",
    ],
)
def test_no_action_ends_an_episode_without_a_verdict(own, action):
    env = CodingEnv(make_task("def test_a(ws):\n    assert ws.run('true').code == 0\n"), engine=own)
    env.reset(seed=0)
    try:
        for _ in range(2):
            seen, _, terminated, truncated, info = env.step(action)
            assert (terminated, truncated, info["has_verdict"]) == (False, False, True), seen
            json.dumps(info)
        seen = env.step({"name": "list_files", "arguments": {}})[0]
        assert isinstance(seen, str)
        info = env.step({"name": "submit", "arguments": {}})[4]
        assert (info["has_verdict"], info["passed"]) == (True, True)
    finally:
        env.close()


def test_what_an_agent_is_shown_can_be_stored(own):
    env = CodingEnv(make_task("def test_a(ws):\n    pass\n"), engine=own)
    env.reset(seed=0)
    env.step("<bash>touch $'\\xff'</bash>")
    seen = env.step({"name": "list_files", "arguments": {}})[0]
    env.close()
    assert seen.encode().decode() == seen
    assert "xff" in seen


# ── at the cost of others ─────────────────────────────────────────────────────────────────


CYCLES = """
import os, socket
for _ in range(30):
    one, two = socket.socketpair()
    socket.send_fds(one, [b"x"], [one.fileno(), two.fileno(), 9])
os.kill(os.getpid(), 9)
"""


def test_descriptors_in_flight_do_not_fail_a_command(ws):
    ws.write("a.py", CYCLES)
    for _ in range(20):
        assert ws.exec("exec python3 -I -S a.py").code in (1, 137)


SHARED = """
import mmap, os, time
for _ in range(4):
    if os.fork() == 0:
        held = mmap.mmap(-1, 50 << 20)
        for page in range(0, len(held), 4096):
            held[page] = 1
        time.sleep(1)
        os._exit(0)
time.sleep(1.2)
"""


@pytest.mark.parametrize(
    "how",
    ["bytearray(50 << 20)", "mmap.mmap(-1, 50 << 20)"],
)
def test_memory_of_all_processes_together_is_limited(start, how):
    ws = start(limits=SessionLimits(memory_mb=100, wall_seconds=5))
    assert ws.exec(["python3", "-c", SHARED.replace("mmap.mmap(-1, 50 << 20)", how)]).reason == "memory"


def test_children_nobody_waits_for_count(start):
    """What lives for less than a look at the tree (50 ms) escapes; the limit on waiting bounds that."""
    ws = start(limits=SessionLimits(cpu_seconds=0.6, wall_seconds=20))
    source = "import os, signal, time\nsignal.signal(signal.SIGCHLD, signal.SIG_IGN)\nfor _ in range(10):\n    if os.fork() == 0:\n        while time.process_time() < 0.2: pass\n        os._exit(0)\n    try: os.wait()\n    except OSError: pass\n"
    ws.write("a.py", source)
    assert ws.exec("exec python3 -I a.py").reason == "cpu"


def test_computing_and_then_waiting_is_no_failure_of_the_sandbox(ws, monkeypatch):
    monkeypatch.setattr(session_module, "SLACK_SECONDS", 0.5)
    limits = SessionLimits(cpu_seconds=1, wall_seconds=0.3)
    ws.exec("python3 -c 'import time\nwhile time.process_time() < 0.5: pass\ntime.sleep(2)'", limits=limits)


@pytest.mark.skipif(shutil.which("gcc") is None, reason="needs a compiler")
def test_renaming_in_one_session_does_not_disturb_reading_in_another(own, start):
    one, two = start(), start()
    one.exec("mkdir sub; echo text > f; ln -s ../f sub/link")
    two.write(
        "r.c",
        '#include <stdio.h>\n#include <time.h>\nint main(){time_t e=time(0)+3;while(time(0)<e)for(int i=0;i<1000;i++){rename("x","y");rename("y","x");}}',
    )
    two.exec("touch x; gcc -O1 r.c -o r")

    async def both(_):
        renaming = asyncio.create_task(two.session.exec("./r"))
        await asyncio.sleep(0.1)
        try:
            while not renaming.done():
                assert await one.session.read("sub/link") == b"text\n"
        finally:
            await renaming

    own.call(both)


IN_FLIGHT = """
import asyncio, resource
resource.setrlimit(resource.RLIMIT_NOFILE, (1024, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
from deepgym_env import AsyncDeepGym
ATTACK = '''
import socket, time
keep = []
end = time.monotonic() + 1.5
while time.monotonic() < end:
    keep.append(socket.socketpair())
    try:
        for _ in range(20): socket.send_fds(keep[-1][0], [b"x"], [0] * 100)
    except OSError: time.sleep(0.005)
'''
async def main():
    async with AsyncDeepGym(workers=1) as dg:
        one, two = await dg.session(), await dg.session()
        attack = asyncio.create_task(one.exec(["python3", "-c", ATTACK]))
        for _ in range(10):
            await asyncio.sleep(0.08)
            await two.exec("true")
        await attack
        print("unharmed")
asyncio.run(main())
"""


def test_descriptors_in_flight_do_not_end_the_runner(own):
    done = subprocess.run([sys.executable, "-c", IN_FLIGHT], capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "unharmed\n", done.stderr.splitlines()[-1:]


def test_a_command_at_all_its_limits_costs_others_nothing(own, start):
    one, two = start(limits=QUICK), start()
    bomb = "head -c 99999999 /dev/zero > fill; (for i in $(seq 600); do : > n$i; done) 2>/dev/null; for i in $(seq 40); do (while :; do :; done) & done; cat /dev/zero | head -c 1000000"

    async def both(_):
        burning = asyncio.create_task(one.session.exec(bomb))
        outputs = [(await two.session.exec(f"echo {n} > f; cat f")).stdout for n in range(10)]
        return outputs, await burning

    began = time.monotonic()
    outputs, burnt = own.call(both)
    assert outputs == [f"{n}\n" for n in range(10)]
    assert burnt.reason in ("cpu", "output", None)
    assert time.monotonic() - began < 60
    assert two.exec(["sh", "-c", "df /workspace | tail -1 | tr -s ' ' | cut -d' ' -f5"]).stdout == "1%\n"


def test_hundreds_of_short_sessions_leave_nothing(own, processes):
    async def many(engine):
        async def one():
            async with await engine.session(files=[File("f", b"x")]) as session:
                await session.exec("sleep 1000 &")

        await one()
        before = processes.below(os.getpid()), len(os.listdir("/proc/self/fd"))
        for _ in range(10):
            await asyncio.gather(*(one() for _ in range(10)))
        return before

    before, descriptors = own.call(many)
    new = {pid: at for pid, at in processes.below(os.getpid()).items() if pid not in before}
    assert processes.survivors(new, 10) == []
    assert len(os.listdir("/proc/self/fd")) <= descriptors
