"""The command as a shell sees it: help, usage errors, exit codes, pipes, signals."""

import importlib.metadata
import os
import signal
import time

import pytest

import deepgym_env
from deepgym_env import cli
from deepgym_env.cli.failures import ExitCode

COMMANDS = ["quickstart", "list", "show", "run", "eval", "doctor", "bench"]


def test_the_console_script_is_main():
    (script,) = [point for point in importlib.metadata.entry_points(group="console_scripts") if point.name == "deepgym"]
    assert script.load() is cli.main


def test_version(deepgym):
    result = deepgym("--version")
    assert (result.exit_code, result.stdout) == (0, f"deepgym {deepgym_env.__version__}\n")


@pytest.mark.parametrize("flag", ["-h", "--help", None])
def test_help_lists_commands_and_exit_codes(deepgym, flag):
    result = deepgym(*filter(None, [flag]))
    assert result.exit_code == 0
    for command in COMMANDS:
        assert f" {command} " in result.stdout
    for code in ExitCode:
        assert f" {code.value}  " in result.stdout
        assert f"{code.value}" in cli.__doc__


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_examples(deepgym, command):
    result = deepgym(command, "-h")
    assert result.exit_code == 0
    examples = result.stdout[result.stdout.index("Examples") :].splitlines()
    assert f"deepgym {command}" in examples[1]
    assert result.stdout == deepgym(command, "--help").stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["lst"], "No such command 'lst'"),
        (["--bogus"], "No such option: --bogus"),
        (["run"], "Missing argument 'TASK'. (see `deepgym run --help`)"),
        (["run", "coin_change"], "Missing option '--solution'"),
        (["run", "coin_change", "-s", "-", "--seed", "-1"], "'--seed'"),
        (["run", "coin_change", "-s", "-", "--min-isolation", "lots"], "'lots' is not one of"),
        (["list", "--difficulty", "so so"], "'so so' is not one of"),
        (["list", "extra"], "extra"),
        (["bench", "--runs", "0"], "'--runs'"),
        (["eval", "coin_change", "--solutions", "x", "--workers", "0"], "'--workers'"),
    ],
)
def test_usage_errors_are_one_line(refused, args, said):
    assert said in refused(*args)


def test_a_bug_of_ours_is_no_failed_submission(deepgym, monkeypatch):
    monkeypatch.setattr("deepgym_env.catalog.task_ids", lambda: 1 / 0)
    result = deepgym("list")
    assert result.exit_code == 3
    assert "ZeroDivisionError" in result.stderr
    assert "bug in deepgym" in result.stderr


@pytest.mark.parametrize("args", [["list"], ["list", "--json"], ["show", "coin_change"]])
def test_a_reader_that_goes_away_is_no_error(shell, args):
    reader, writer = os.pipe()
    os.close(reader)
    process = shell(*args, stdout=writer)
    os.close(writer)
    _, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (141, b"")


@pytest.mark.parametrize("args", [["--version"], ["--help"], ["run", "--help"]])
def test_nor_is_it_for_help(shell, args):
    reader, writer = os.pipe()
    os.close(reader)
    process = shell(*args, stdout=writer)
    os.close(writer)
    assert process.communicate(timeout=60)[1] == b""


def test_ascii_terminals_lose_no_output(shell):
    process = shell("show", "first_bad_version", env={"PYTHONIOENCODING": "ascii"})
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stderr) == (0, b"")
    assert b"first_bad_version(5" in stdout


@pytest.mark.parametrize(
    ("code", "returncode"), [(b"def square(x): return x * x", 0), (b"def square(x): return x", 1), (b"\xff", 2)]
)
def test_run_from_a_shell(shell, square_task, code, returncode):
    process = shell("run", square_task, "--solution", "-")
    _, stderr = process.communicate(code, timeout=60)
    assert process.returncode == returncode
    assert b"Traceback" not in stderr


def test_ctrl_c_exits_with_130(shell, square_task):
    process = shell("run", square_task, "--solution", "-", "--json")
    process.stdin.write(b"import time\ntime.sleep(600)")
    process.stdin.close()
    process.stdin = None
    while process.poll() is None and not any(_children(process.pid)):  # the sandbox is starting
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout, stderr) == (130, b"", b"error: interrupted\n")


def _children(pid):
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children") as file:
            yield from file.read().split()
