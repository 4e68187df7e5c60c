"""The filter, run in a small interpreter of classic BPF: what each system call comes to."""

from __future__ import annotations

import errno
import random
import struct

import pytest

from deepgym_env.sandbox.runner import seccomp, syscalls

ALLOW, KILL = 0x7FFF0000, 0x80000000
REFUSE, MISSING = 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
OWN_PID = 4321
MACHINES = sorted(syscalls.ARCHES)
CHECKED = {"clone", "ioctl", "prctl", "fcntl", "socketpair", "sendto", "prlimit64"}


def run(program, number, arguments=(), arch=None):
    """Interpret ``program`` over one system call; return the action and how many steps it took."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    code = list(struct.iter_unpack("<HBBI", program))
    at = steps = accumulator = 0
    while True:
        operation, if_true, if_false, constant = code[at]
        at += 1
        steps += 1
        if operation == 0x20:
            assert constant % 4 == 0
            (accumulator,) = struct.unpack_from("<I", data, constant)
        elif operation == 0x06:
            return constant, steps
        else:
            holds = {
                0x15: accumulator == constant,
                0x35: accumulator >= constant,
                0x45: bool(accumulator & constant),
            }[operation]
            at += if_true if holds else if_false


class Filter:
    def __init__(self, machine, own_pid=None):
        self.column, self.arch = syscalls.ARCHES[machine]
        self.program = seccomp.filter_program(machine, own_pid)

    def number(self, name):
        tables = {**syscalls.ALLOWED, **syscalls.FORBIDDEN, **syscalls.MISSING}
        return tables[name][self.column]

    def __call__(self, call, *arguments):
        number = self.number(call) if isinstance(call, str) else call
        return run(self.program, number, arguments, self.arch)[0]

    def expected(self):
        """Return the tables' action by number, for the calls whose arguments don't matter."""
        actions = {}
        for table, action in ((syscalls.ALLOWED, ALLOW), (syscalls.FORBIDDEN, KILL), (syscalls.MISSING, MISSING)):
            for name, numbers in table.items():
                if numbers[self.column] is not None and name not in CHECKED:
                    assert numbers[self.column] not in actions, name
                    actions[numbers[self.column]] = action
        return actions


@pytest.fixture(params=MACHINES)
def bpf(request):
    return Filter(request.param)


def test_every_number_comes_to_what_the_tables_say(bpf):
    actions = bpf.expected()
    checked = {bpf.number(name) for name in CHECKED}
    for number in set(range(1200)) - checked:
        assert bpf(number) == actions.get(number, REFUSE), number


def test_unknown_numbers_are_refused(bpf):
    rng = random.Random(0)
    for number in [0x3FFFFFFF, *(rng.randrange(1200, 0x40000000) for _ in range(500))]:
        assert bpf(number) == REFUSE


def test_arguments_of_other_calls_do_not_matter(bpf):
    rng = random.Random(1)
    for number, action in bpf.expected().items():
        assert bpf(number, *(rng.getrandbits(64) for _ in range(6))) == action


def test_the_other_abi_of_x86_is_killed():
    bpf = Filter("x86_64")
    for number in [0x40000000, 0x40000000 + bpf.number("read"), 0x40000000 + 520, 0xFFFFFFFF]:
        assert bpf(number) == KILL


def test_high_numbers_are_refused_on_arm():
    assert Filter("aarch64")(0x40000000) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("arch", [0, 0x40000003, 0x40000028, 0xC0000015])
def test_another_architecture_is_killed(machine, arch):
    bpf = Filter(machine)
    for number in (bpf.number("read"), bpf.number("exit_group"), 0, 11):
        assert run(bpf.program, number, (), arch)[0] == KILL


def test_one_machine_does_not_pass_for_the_other():
    x86, arm = Filter("x86_64"), Filter("aarch64")
    assert run(x86.program, 0, (), arm.arch)[0] == KILL
    assert run(arm.program, 63, (), x86.arch)[0] == KILL


def test_programs_fit_the_kernel(bpf):
    code = list(struct.iter_unpack("<HBBI", bpf.program))
    assert len(code) <= 4096
    for at, (operation, if_true, if_false, _) in enumerate(code):
        assert operation in (0x20, 0x15, 0x35, 0x45, 0x06)
        if operation in (0x15, 0x35, 0x45):
            assert at + 1 + max(if_true, if_false) < len(code)
    assert code[-1][0] == 0x06


def test_a_decision_takes_few_steps(bpf):
    assert max(run(bpf.program, number, (), bpf.arch)[1] for number in range(600)) <= 30


# ── calls whose arguments decide ──────────────────────────────────────────────────────────

CLONE_THREAD = 0x00010000
NEW_NAMESPACES = (0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000)


def test_clone_makes_threads_only(bpf):
    pthread = 0x3D0F00
    assert bpf("clone", pthread) == ALLOW
    assert bpf("clone", CLONE_THREAD) == ALLOW
    for flags in (0, 17, pthread & ~CLONE_THREAD, 0x4111):
        assert bpf("clone", flags) == REFUSE
    for namespace in NEW_NAMESPACES:
        assert bpf("clone", namespace) == REFUSE
        assert bpf("clone", pthread | namespace) == REFUSE


def test_clone3_is_missing_so_that_libc_falls_back(bpf):
    assert bpf("clone3", 0, 88) == MISSING


@pytest.mark.parametrize(
    ("call", "position", "allowed"),
    [
        ("ioctl", 1, {0x5401, 0x5421, 0x541B, 0x5450, 0x5451}),
        ("prctl", 0, {3, 15, 16, 0x53564D41}),
        ("fcntl", 1, {0, 1, 2, 3, 4, 1030, 1031, 1032}),
        ("socketpair", 0, {1}),
        ("prlimit64", 0, {0}),
    ],
)
def test_only_some_arguments_are_allowed(bpf, call, position, allowed):
    rng = random.Random(call)
    others = {*range(2000), 0x5412, 0x541C, 0x80000000, *(rng.getrandbits(32) for _ in range(100))}
    for value in allowed | others:
        arguments = [rng.getrandbits(64) for _ in range(6)]
        arguments[position] = value
        assert bpf(call, *arguments) == (ALLOW if value in allowed else REFUSE), value


@pytest.mark.parametrize(
    ("call", "dangerous"), [("ioctl", 0x5412), ("prctl", 22), ("prctl", 4), ("fcntl", 8), ("socketpair", 2)]
)
def test_dangerous_arguments_are_refused(bpf, call, dangerous):
    arguments = (dangerous,) if call in ("prctl", "socketpair") else (0, dangerous)
    assert bpf(call, *arguments) == REFUSE


def test_sendto_takes_no_address(bpf):
    assert bpf("sendto", 3, 1, 1, 0, 0, 0) == ALLOW
    for address in (1, 0x7FFF12345678, 0x100000000, 0xFFFFFFFF00000000):
        assert bpf("sendto", 3, 1, 1, 0, address, 16) == REFUSE


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("call", ["kill", "tgkill"])
def test_without_a_pid_namespace_signals_reach_the_process_itself_only(machine, call):
    bpf = Filter(machine, OWN_PID)
    assert bpf(call, OWN_PID, 9, 9) == ALLOW
    for pid in (0, 1, OWN_PID + 1, 0xFFFFFFFF):
        assert bpf(call, pid, 9, 9) == REFUSE
    assert Filter(machine)(call, 1, 9, 9) == ALLOW
    numbers = [bpf.number(name) for name in CHECKED | {"kill", "tgkill"}]
    for number, action in bpf.expected().items():
        if number not in numbers:
            assert bpf(number) == action


def test_an_unknown_machine_has_no_filter():
    with pytest.raises(KeyError):
        seccomp.filter_program("riscv64", None)


def test_tables_do_not_overlap():
    names = [*syscalls.ALLOWED, *syscalls.FORBIDDEN, *syscalls.MISSING]
    assert len(set(names)) == len(names)


# ── the filter of a workspace ─────────────────────────────────────────────────────────────

DENIED = 0x00050000 | 1
NOT_SUPPORTED = 0x00050000 | 95


@pytest.fixture(params=MACHINES)
def workspace(request):
    column, arch = syscalls.ARCHES[request.param]
    program = seccomp.workspace_program(request.param)
    tables = {
        **syscalls.ALLOWED,
        **syscalls.FORBIDDEN,
        **syscalls.WORKSPACE,
        **syscalls.UNSUPPORTED,
        **syscalls.MISSING,
    }

    def ask(name, *arguments):
        number = tables[name][column]
        return None if number is None else run(program, number, arguments, arch)[0]

    return ask


def test_a_workspace_may_what_a_shell_needs(workspace):
    for name in ("execve", "wait4", "setpgid", "symlinkat", "linkat", "fchmodat", "flock", "bind", "listen", "read"):
        assert workspace(name) in (ALLOW, None), name
    assert workspace("clone", 0x11) == ALLOW  # a fork
    for family in (1, 2, 10):
        assert workspace("socket", family) == ALLOW
    assert workspace("ioctl", 0, 0x5413) == ALLOW  # the size of a terminal


def test_a_workspace_is_told_that_it_may_not(workspace):
    for name in syscalls.FORBIDDEN:
        if name not in syscalls.WORKSPACE:
            assert workspace(name) in (DENIED, None), name
    for flag in (0x10000000, 0x20000000, 0x40000000, 0x20000, 0x80):
        assert workspace("clone", 0x11 | flag) == DENIED
    for family in (16, 17, 40, 38):  # netlink, packet, vsock, alg
        assert workspace("socket", family) == DENIED
    assert workspace("ioctl", 0, 0x5412) == DENIED  # TIOCSTI
    assert workspace("prctl", 22) == DENIED
    assert workspace("fsetxattr") == NOT_SUPPORTED
    assert workspace("clone3") == MISSING
    assert not set(syscalls.WORKSPACE) & {"memfd_create", "shmget", "mq_open", "keyctl", "mount", "unshare", "ptrace"}


@pytest.mark.parametrize("name", ["kill", "tkill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo"])
def test_pid_1_is_spared_where_the_kernel_does_not(name):
    for machine, (column, arch) in seccomp.ARCHES.items():
        number = {**syscalls.ALLOWED, **syscalls.WORKSPACE}[name][column]
        for spared, first in ((False, ALLOW), (True, REFUSE)):
            program = seccomp.workspace_program(machine, spare_first=spared)
            assert run(program, number, (1, 9), arch)[0] == first
            assert run(program, number, (0xFFFFFFFFFFFFFFFF, 9), arch)[0] == first
            assert run(program, number, (2, 9), arch)[0] == ALLOW
