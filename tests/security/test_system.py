"""Attacks on the system around a submission: kernel, network, files, other processes.

A probe returns what it got. It counts as stopped when it raised, or when its process was killed
for the attempt; returning anything at all is a hole, unless a test says what is harmless.
"""

# ruff: noqa: E501  attacks are easier to read on one line

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import sysconfig
import threading
import time
from pathlib import Path

import pytest
from attacks.table import ATTACKS, judge_all
from ground import HONEST, TOOLKIT, digest_task

from deepgym_env import DeepGym
from deepgym_env.sandbox import LocalBackend

MACHINE = platform.machine()
ROOT = Path(__file__).parents[2]
X86 = pytest.mark.skipif(MACHINE != "x86_64", reason="machine code of x86_64")
ENGINES = ["engine", "degraded"]


@pytest.fixture(params=ENGINES)
def anywhere(request):
    """Both with namespaces and without."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def probe(attack, short_task):
    """Runs a function body in the sandbox; returns the result of its one public test."""

    def run(body: str, engine, on=short_task):
        source = "import ctypes, socket\nlibc = ctypes.CDLL(None, use_errno=True)\ndef solve(text):\n"
        source += "".join(f"    {line}\n" for line in body.splitlines())
        return attack(source, on=on, engine=engine).cases[0]

    return run


# ── system calls ──────────────────────────────────────────────────────────────────────────

# Numbers stand here once more, on purpose: the filter's own tables are what is on trial.
KILLED = {
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "process_madvise": (440, 440),
    "kcmp": (312, 272),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "mount": (165, 40),
    "umount2": (166, 39),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "unshare": (272, 97),
    "setns": (308, 268),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsmount": (432, 432),
    "mount_setattr": (442, 442),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "keyctl": (250, 219),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "userfaultfd": (323, 282),
    "kexec_load": (246, 104),
    "init_module": (175, 105),
    "finit_module": (313, 273),
    "open_by_handle_at": (304, 265),
    "name_to_handle_at": (303, 264),
    "personality": (135, 92),
    "seccomp": (317, 277),
    "setuid": (105, 146),
    "setresuid": (117, 147),
    "setgroups": (116, 159),
    "capset": (126, 91),
    "reboot": (169, 142),
    "swapon": (167, 224),
    "fanotify_init": (300, 262),
    "memfd_secret": (447, 447),
    "landlock_create_ruleset": (444, 444),
    "clock_settime": (227, 112),
    "syslog": (103, 116),
    "modify_ldt": (154, None),
    "iopl": (172, None),
}
REFUSED = {
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "memfd_create": (319, 279),
    "socket": (41, 198),
    "connect": (42, 203),
    "bind": (49, 200),
    "listen": (50, 201),
    "accept4": (288, 242),
    "sendmsg": (46, 211),
    "sendmmsg": (307, 269),
    "setsockopt": (54, 208),
    "symlinkat": (266, 36),
    "linkat": (265, 37),
    "mknodat": (259, 33),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "utimensat": (280, 88),
    "setxattr": (188, 5),
    "setxattrat": (463, 463),
    "pidfd_open": (434, 434),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "shmget": (29, 194),
    "msgget": (68, 186),
    "semget": (64, 190),
    "mq_open": (240, 180),
    "flock": (73, 32),
    "inotify_init1": (294, 26),
    "splice": (275, 76),
    "tee": (276, 77),
    "vmsplice": (278, 75),
    "signalfd4": (289, 74),
    "timerfd_create": (283, 85),
    "timer_create": (222, 107),
    "sched_setaffinity": (203, 122),
    "sched_setscheduler": (144, 119),
    "sched_setattr": (314, 274),
    "setpriority": (141, 140),
    "ioprio_set": (251, 30),
    "setsid": (112, 157),
    "setpgid": (109, 154),
    "sethostname": (170, 161),
    "mlockall": (151, 230),
    "mlock2": (325, 284),
    "sync": (162, 81),
    "syncfs": (306, 267),
    "openat2": (437, 437),
    "remap_file_pages": (216, 234),
    "pkey_alloc": (330, 289),
    "capget": (125, 90),
    "setrlimit": (160, 164),
    "lsm_set_self_attr": (460, 460),
    "map_shadow_stack": (453, 453),
    "mseal": (462, 462),
    "unknown": (1000, 1000),
}


def number_of(table, name):
    numbers = table[name]
    number = numbers[{"x86_64": 0, "aarch64": 1}.get(MACHINE, 0)]
    if number is None:
        pytest.skip(f"{MACHINE} has no {name}")
    return number


@pytest.mark.parametrize("name", KILLED)
def test_a_forbidden_call_ends_the_process(probe, engine, name):
    case = probe(f"return libc.syscall({number_of(KILLED, name)}, 0, 0, 0, 0, 0, 0)", engine)
    assert case.status == "forbidden", case


@pytest.mark.parametrize("name", REFUSED)
def test_a_needless_call_is_refused(probe, engine, name):
    number = number_of(REFUSED, name)
    case = probe(f"return libc.syscall({number}, 0, 0, 0, 0, 0, 0), ctypes.get_errno()", engine)
    assert case.output_summary == "(-1, 1)", case  # EPERM


@pytest.mark.parametrize("name", ["NEWUSER", "NEWNS", "NEWPID", "NEWNET", "NEWTIME", "none", "vfork", "thread+NEWUSER"])
def test_clone_makes_threads_only(probe, anywhere, name):
    flags = {
        "NEWUSER": 0x10000011,
        "NEWNS": 0x20011,
        "NEWPID": 0x20000011,
        "NEWNET": 0x40000011,
        "NEWTIME": 0x91,
        "none": 0x11,
        "vfork": 0x4111,
        "thread+NEWUSER": 0x10010F00,
    }[name]
    number = {"x86_64": 56, "aarch64": 220}[MACHINE]
    case = probe(f"return libc.syscall({number}, {flags}, 0, 0, 0, 0), ctypes.get_errno()", anywhere)
    assert case.output_summary == "(-1, 1)", case


def test_clone3_does_not_exist(probe, anywhere):
    """Its flags lie in memory, where no filter can see them."""
    body = "args = (ctypes.c_uint64 * 11)(0x10000000, 0, 0, 0, 17)\n"
    body += "return libc.syscall(435, args, 88), ctypes.get_errno()"
    assert probe(body, anywhere).output_summary == "(-1, 38)"


_MACHINE_CODE = """import mmap
code = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
code.write({code!r})
return ctypes.CFUNCTYPE(ctypes.c_long)(ctypes.addressof(ctypes.c_char.from_buffer(code)))()
"""


@X86
@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("getpid of 32 bits", b"\xb8\x14\x00\x00\x00\xcd\x80\xc3"),  # mov eax, 20; int 0x80
        ("fork of 32 bits", b"\xb8\x02\x00\x00\x00\xcd\x80\xc3"),
        ("getpid of x32", b"\xb8\x27\x00\x00\x40\x0f\x05\xc3"),  # mov eax, 0x40000027; syscall
        ("fork of x32", b"\xb8\x39\x00\x00\x40\x0f\x05\xc3"),
        ("ptrace of x32", b"\xb8\x09\x02\x00\x40\x0f\x05\xc3"),
    ],
)
def test_no_other_abi_goes_round_the_filter(probe, anywhere, gvisor, name, code):
    case = probe(_MACHINE_CODE.format(code=code), anywhere)
    if gvisor and name.endswith("of 32 bits") and case.status == "wrong_answer":
        assert int(case.output_summary) < 0, case  # taken for the call of that number, and refused
        return
    assert case.status in {"forbidden", "crashed"}, case  # crashed: a kernel without 32-bit calls


@X86
def test_machine_code_runs_at_all(probe, engine):
    """What the test above relies on: 39 is getpid."""
    case = probe(_MACHINE_CODE.format(code=b"\xb8\x27\x00\x00\x00\x0f\x05\xc3"), engine)
    assert int(case.output_summary) >= 1


PRCTLS = {1: 9, 4: 1, 8: 1, 10: 0, 12: 0, 22: 2, 24: 0, 26: 1, 28: 0, 29: 1, 35: 1, 36: 1, 38: 1, 47: 1, 53: 0, 62: 1}


@pytest.mark.parametrize("option", sorted(PRCTLS))
def test_prctl_changes_nothing_but_names(probe, anywhere, option):
    case = probe(f"return libc.prctl({option}, {PRCTLS[option]}, 0, 0, 0), ctypes.get_errno()", anywhere)
    assert case.output_summary == "(-1, 1)", case


@pytest.mark.parametrize("command", [5, 6, 7, 8, 9, 10, 15, 36, 37, 38, 1024, 1026, 1033, 1036])
def test_fcntl_takes_no_locks_and_no_signals(probe, engine, command):
    case = probe(f"return libc.fcntl(3, {command}, 0), ctypes.get_errno()", engine)
    assert case.output_summary == "(-1, 1)", case


@pytest.mark.parametrize("request_code", [0x5412, 0x541C, 0x540E, 0x8901, 0x8902, 0x8913, 0x5452, 0xAE01, 0x40049409])
def test_ioctl_reaches_no_device(probe, engine, request_code):
    case = probe(f"return libc.ioctl(3, ctypes.c_ulong({request_code}), 0), ctypes.get_errno()", engine)
    assert case.output_summary == "(-1, 1)", case


def test_the_filter_is_in_force_in_every_thread(attack, short_task, gvisor):
    result = attack(
        """
        import ctypes, threading
        def solve(text):
            t = threading.Thread(target=ctypes.CDLL(None).syscall, args=(157 if os.uname().machine[0] == "x" else 167, 1))
            t.start(); t.join()
            t = threading.Thread(target=ctypes.CDLL(None).unshare, args=(0,))
            t.start(); t.join()
        """,
        on=short_task,
    )
    # gVisor kills the thread where Linux kills the process, so that what waits for it waits in vain.
    assert result.status in {"forbidden", "timeout"} if gvisor else result.status == "forbidden"


# ── other processes ───────────────────────────────────────────────────────────────────────


def test_signals_reach_nobody_else(probe, full, processes):
    """In a pid namespace of its own there is nobody: only pid 1, which is the submission."""
    case = probe(
        "hit = []\n"
        "for pid in [*range(2, 4000), -1, os.getppid() or -2, -2, -os.getpid() - 1]:\n"
        "    try:\n"
        "        if pid != os.getpid(): os.kill(pid, 9)\n"
        "        else: continue\n"
        "    except (ProcessLookupError, PermissionError):\n"
        "        continue\n"
        "    hit.append(pid)\n"
        "return hit",
        full,
    )
    assert case.output_summary == "[]", case


def test_signals_reach_nobody_else_without_a_namespace(probe, degraded):
    """Nor the runner, its parent, nor any process of the same user: the filter knows one pid."""
    victim = subprocess.Popen(["sleep", "60"])
    try:
        case = probe(
            f"hit = []\n"
            f"for pid in [os.getppid(), {os.getpid()}, {victim.pid}, 1, 0, -1, -os.getpid(), -os.getppid()]:\n"
            f"    for number in (0, 15, 9):\n"
            f"        try:\n"
            f"            os.kill(pid, number)\n"
            f"        except (ProcessLookupError, PermissionError):\n"
            f"            continue\n"
            f"        hit.append(pid)\n"
            f"return hit",
            degraded,
        )
        assert case.output_summary == "[]", case
        assert victim.poll() is None
    finally:
        victim.kill()
        victim.wait()


def test_limits_of_others_are_out_of_reach(probe, anywhere):
    number = {"x86_64": 302, "aarch64": 261}[MACHINE]
    case = probe(
        f"return [(libc.syscall({number}, pid, 7, 0, 0), ctypes.get_errno()) for pid in (1, 2, os.getppid() or 3, {os.getpid()})]",
        anywhere,
    )
    assert case.output_summary == str([(-1, 1)] * 4), case


@pytest.mark.parametrize("limit", ["AS", "CPU", "FSIZE", "NOFILE", "CORE", "NPROC"])
def test_own_limits_can_not_be_raised(probe, full, limit):
    case = probe(f"import resource\nresource.setrlimit(resource.RLIMIT_{limit}, (1 << 40, 1 << 40))\nreturn True", full)
    assert case.status == "exception", case


SLEEPER = "import time\ndef solve(text): time.sleep(600)"


def sleeping(dg, processes, task):
    """Start a submission that sleeps; return its processes and the thread that waits for it."""
    dg.isolation()
    runner = processes.below(os.getpid())
    outcome = []

    def wait():
        try:
            outcome.append(dg.run(task, SLEEPER))
        except Exception as error:
            outcome.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    deadline = time.monotonic() + 20
    while not (new := {p: s for p, s in processes.below(os.getpid()).items() if p not in runner}):
        assert time.monotonic() < deadline, outcome
        time.sleep(0.01)
    time.sleep(0.3)  # locked down by now
    return new, waiting


@pytest.mark.parametrize("layers", [("namespaces", "seccomp", "landlock"), ("seccomp", "landlock")], ids=ENGINES)
def test_a_submission_has_no_rights_and_dies_with_its_engine(processes, layers):
    """Seen from outside: no capability, no way to new ones, a filter; and gone once the engine is."""
    with DeepGym(workers=1, retries=0, backend=LocalBackend(layers=layers)) as dg:
        new, waiting = sleeping(dg, processes, digest_task(1, 0, wall_seconds=300))
        (pid,) = new
        fields = dict(line.split(":\t", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
        rights = {name: int(fields[name], 16) for name in ("CapPrm", "CapEff", "CapInh", "CapAmb")}
    left = processes.survivors(new, seconds=10)
    for survivor in left:
        os.kill(survivor, 9)
    waiting.join(30)
    assert not left, "a submission outlived its engine"
    assert (fields["NoNewPrivs"], fields["Seccomp"]) == ("1", "2")
    assert rights == dict.fromkeys(rights, 0)


# ── network ───────────────────────────────────────────────────────────────────────────────

NETWORK = {
    "tcp": "socket.socket().connect(('127.0.0.1', 80)); return True",
    "udp": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 53)); return True",
    "tcp6": "socket.socket(socket.AF_INET6).connect(('::1', 80)); return True",
    "unix": "socket.socket(socket.AF_UNIX).connect('/run/dbus/system_bus_socket'); return True",
    "abstract": "socket.socket(socket.AF_UNIX).bind('\\0attack'); return True",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); return True",
    "packet": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0); return True",
    "vsock": "socket.socket(40, socket.SOCK_STREAM).connect((2, 1)); return True",
    "alg": "socket.socket(38, 5, 0).bind(('hash', 'sha256')); return True",
    "bluetooth": "socket.socket(31, 3, 0); return True",
    "names": "return socket.getaddrinfo('example.com', 80)",
    "numeric": "socket.create_connection(('127.0.0.1', 80), timeout=1); return True",
    "inet_pair": "socket.socketpair(socket.AF_INET); return True",
    "tipc_pair": "return libc.socketpair(30, 1, 0, (ctypes.c_int * 2)()) or [][0]",
    "pair_with_address": "a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM); a.sendto(b'x', '\\0attack'); return True",
    "urllib": "import urllib.request; return urllib.request.urlopen('http://127.0.0.1/').read()",
}


@pytest.mark.parametrize("name", NETWORK)
def test_there_is_no_network(probe, anywhere, name):
    case = probe(NETWORK[name], anywhere)
    if name == "tipc_pair":
        assert case.output_summary == "-1", case
    else:
        assert case.status == "exception", case


def test_a_socket_pair_works(probe, anywhere):
    """asyncio needs it."""
    body = "import asyncio\na, b = socket.socketpair()\na.sendall(b'x')\nassert b.recv(1) == b'x'\n"
    body += "async def main(): return await asyncio.to_thread(lambda: 42)\nreturn asyncio.run(main())"
    assert probe(body, anywhere).output_summary == "42"


# ── files ─────────────────────────────────────────────────────────────────────────────────


@pytest.fixture
def secret(tmp_path):
    """A file of the host, which the user of this process may read."""
    path = tmp_path / "secret-of-the-host"
    path.write_text("secret")
    return path


HOST_FILES = [
    "/etc/passwd",
    "/etc/hostname",
    "/etc/resolv.conf",
    "/proc/self/mem",
    "/proc/self/maps",
    "/proc/self/environ",
    "/proc/1/cmdline",
    "/proc/cpuinfo",
    "/proc/sys/kernel/hostname",
    "/sys/kernel/mm/transparent_hugepage/enabled",
    "/dev/kmsg",
    "/dev/mem",
    "/dev/vda",
    "/dev/sda",
    "/dev/tty",
    "/dev/ptmx",
    "/dev/fuse",
    "/dev/kvm",
    "/dev/net/tun",
    "/dev/loop0",
    "/bin/sh",
    "/root/.bashrc",
    "/root/.profile",
    "/usr/bin/env",
    "/var/log/dpkg.log",
    "/tmp/../etc/passwd",
    "/box/../../etc/passwd",
    "/proc/self/root/etc/passwd",
    "//etc//passwd",
]


@pytest.mark.parametrize("path", HOST_FILES)
def test_no_file_of_the_host_can_be_opened(probe, anywhere, path):
    case = probe(f"return os.open({path!r}, os.O_RDONLY | os.O_NONBLOCK)", anywhere)
    assert case.status == "exception", case


def test_nothing_of_the_project_can_be_read(probe, anywhere, secret):
    """Neither the tasks with their answers, nor what else is installed, nor what tests made."""
    home = Path.home()
    paths = [secret, ROOT / "pyproject.toml", ROOT / "tests" / "conftest.py", Path(__file__), *home.glob(".*rc")]
    paths += sorted((ROOT / "scenarios").glob("*/*.py"))[:4]
    paths += [Path(sysconfig.get_path("purelib")) / "pydantic" / "__init__.py", Path(pytest.__file__)]
    body = f"""opened = []
for path in {[str(path) for path in paths]!r}:
    try:
        opened.append(open(path).read(10) and path)
    except OSError:
        pass
return opened"""
    assert probe(body, anywhere).output_summary == "[]"


def test_no_folder_of_the_host_can_be_listed(probe, anywhere, secret, gvisor):
    home = str(Path.home())
    folders = ["/", "/etc", "/home", "/proc", "/sys", "/run", "/var", "/mnt", "/dev/shm", "/dev/pts", home, "/root"]
    folders += [str(ROOT), str(ROOT.parent), str(ROOT / "scenarios"), str(secret.parent), os.getcwd()]
    folders += [sysconfig.get_path("purelib")]
    folders = [folder for folder in folders if folder != "/tmp"]  # there is one inside, too
    if gvisor and anywhere.isolation().level == "full":  # without Landlock: folders that lead to Python
        leading = [*Path(sys.base_prefix).parents, *Path(sys.executable).resolve().parents]
        folders = [folder for folder in folders if folder not in map(str, leading)]
    body = f"""listed = []
for path in {folders!r}:
    try:
        listed.append((path, os.listdir(path)[:3]))
    except OSError:
        pass
return listed"""
    assert probe(body, anywhere).output_summary == "[]"


def test_packages_of_the_interpreter_are_hidden(probe, anywhere):
    """Where this package is installed next to the standard library, its tasks lie there, answers and all."""
    body = """import sysconfig
listed = []
for name in ("site-packages", "dist-packages"):
    try:
        listed += os.listdir(os.path.join(sysconfig.get_paths()["stdlib"], name))
    except OSError:
        pass
return listed[:3]"""
    assert probe(body, anywhere).output_summary == "[]"


def test_there_are_three_devices(probe, full):
    assert probe("return sorted(os.listdir('/dev'))", full).output_summary == "['null', 'urandom', 'zero']"


def test_without_a_root_of_its_own_no_other_device_opens(probe, degraded):
    """Landlock has to name the devices: as root, /dev holds the disks and the kernel's log."""
    devices = sorted(str(path) for path in Path("/dev").iterdir() if not path.is_dir())
    own = {"stdin", "stdout", "stderr"}  # links to the child's own descriptors, which are /dev/null
    devices = [path for path in devices if Path(path).name not in {"null", "zero", "urandom", "random", "full", *own}]
    body = f"""opened = []
for path in {devices!r}:
    try:
        opened.append(os.open(path, os.O_RDONLY | os.O_NONBLOCK) and path)
    except OSError:
        pass
return opened"""
    assert probe(body, degraded).output_summary == "[]"


WRITES = {
    "root": "open('/attack', 'w')",
    "box": "open('/box/attack', 'w')",
    "usr": "open('/usr/attack', 'w')",
    "dev": "open('/dev/attack', 'w')",
    "shm": "open('/dev/shm/attack', 'w')",
    "folder": "os.mkdir('/attack')",
    "stdlib": "open(os.path.join(os.path.dirname(os.__file__), 'attack.py'), 'w')",
    "stdlib_changed": "open(os.__file__, 'r+')",
    "stdlib_appended": "open(json.__file__, 'a')",
    "stdlib_truncated": "os.truncate(os.__file__, 0)",
    "stdlib_removed": "os.unlink(os.__file__)",
    "stdlib_renamed": "os.rename(os.__file__, os.__file__ + 'x')",
    "cache": "os.mkdir(os.path.join(os.path.dirname(os.__file__), '__pycache__', 'attack'))",
    "up": "open('/tmp/../attack', 'w')",
    "symlink": "os.symlink('/etc', '/tmp/etc')",
    "hard_link": "os.link(os.__file__, '/tmp/os.py')",
    "device": "os.mknod('/tmp/disk', 0o60600, os.makedev(8, 0))",
    "fifo": "os.mkfifo('/tmp/fifo')",
    "chmod": "os.chmod(os.__file__, 0o777)",
    "chown": "os.chown('/tmp', 0, 0)",
    "utime": "os.utime(os.__file__)",
    "null_removed": "os.unlink('/dev/null')",
    "descriptor_of_a_folder": "d = os.open('/', os.O_PATH)\nopen('attack', 'w', opener=lambda p, f: os.open(p, f, dir_fd=d))",
    "unnamed": "os.open('/', os.O_TMPFILE | os.O_RDWR)",
}


@pytest.mark.parametrize("name", WRITES)
def test_nothing_outside_its_own_tmp_can_be_written(probe, anywhere, name):
    case = probe(WRITES[name] + "\nreturn True", anywhere)
    assert case.status == "exception", case
    for folder in ("/", "/usr", "/dev", "/dev/shm", "/box", "/tmp"):
        assert not Path(folder, "attack").exists()


def test_tmp_is_its_own_and_gone_afterwards(probe, full):
    case = probe("open('/tmp/attack-of-the-tests', 'w').write('x')\nreturn os.listdir('/tmp')", full)
    assert case.output_summary == "['attack-of-the-tests']"
    assert not Path("/tmp/attack-of-the-tests").exists()
    assert probe("return os.listdir('/tmp') + os.listdir('.')", full).output_summary == "[]"


def test_submissions_next_to_each_other_see_nothing_of_each_other(full):
    """One leaves marks wherever it can while the other looks for them."""
    until = "began = time.monotonic()\n    while time.monotonic() - began < 0.5:\n        "
    leave = (
        TOOLKIT + "def solve(text):\n    open('/tmp/mark', 'w').write('x')\n    os.environ['MARK'] = 'x'\n"
        f"    {until}open('/tmp/mark', 'a').write('x')\n        time.sleep(0.005)\n    return ''\n"
    )
    look = (
        TOOLKIT + f"def solve(text):\n    found = set()\n    {until}found.update(os.listdir('/tmp'))\n"
        "        found.update(p for p in range(2, 60) if os.path.exists('/proc/%d' % p))\n        time.sleep(0.005)\n"
        "    return sorted(map(str, found))\n"
    )
    task = digest_task(1, 0, cpu_seconds=2, wall_seconds=5)
    batch = full.run_batch(task, [leave, look, leave + "#\n", look + "#\n"], max_parallel=2)
    assert [result.cases[0].output_summary for result in batch] == ["''", "[]"] * 2


def test_names_of_the_host_stay_outside(probe, full):
    """Environment, host name and user tell nothing of the machine."""
    os.environ["DEEPGYM_TEST_SECRET"] = "secret"
    try:
        with DeepGym(workers=1) as dg:
            case = probe("return sorted(os.environ), os.getppid(), os.getpid(), os.getuid() != 0", dg)
    finally:
        del os.environ["DEEPGYM_TEST_SECRET"]
    assert "SECRET" not in case.output_summary
    assert "HOME" not in case.output_summary
    assert case.output_summary.endswith(" True)")


# ── other users, fewer layers ─────────────────────────────────────────────────────────────


def expected_table() -> dict[str, list[object]]:
    return {name: [status, float(status == "passed")] for name, (status, _) in ATTACKS.items()}


def test_the_table_of_attacks(engine):
    assert judge_all(engine) == expected_table()


def test_the_table_without_namespaces(degraded):
    """seccomp and Landlock alone come to the same verdicts."""
    assert judge_all(degraded) == expected_table()


def test_the_table_as_another_user():
    if os.geteuid() != 0:
        pytest.skip("only root can become another user; as any other user the table above says it all")
    python = "/usr/bin/python3"
    paths = [str(ROOT), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")]
    user = {
        "user": 65534,
        "group": 65534,
        "extra_groups": [],
        "cwd": "/",
        "env": {"PYTHONPATH": os.pathsep.join(paths), "HOME": "/tmp", "PATH": "/usr/bin:/bin"},
        "capture_output": True,
        "text": True,
        "check": False,
    }
    try:
        ready = subprocess.run([python, "-c", "import deepgym_env"], timeout=60, **user)
    except OSError as error:
        pytest.skip(f"no {python}: {error}")
    if ready.returncode != 0:
        pytest.skip(f"{python} can't import this package as another user: {ready.stderr.strip().splitlines()[-1:]}")
    done = subprocess.run([python, str(Path(__file__).parent / "attacks" / "table.py")], timeout=120, **user)
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    assert told["verdicts"] == expected_table(), told["level"]


def test_honest_code_passes_everywhere(anywhere, task):
    assert anywhere.run(task, HONEST).passed
