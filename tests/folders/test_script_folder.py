"""Folders of script tasks, and what takes such tasks: the engine, Gymnasium, the store, rewards."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from deepgym_env import DeepGym, File, RewardFunction, ScriptTask, load_task_folder
from deepgym_env.benchmarks.records import pack, unpack
from deepgym_env.envs import CodingEnv
from deepgym_env.errors import TaskError
from deepgym_env.task import Limits, ProgramLimits, Test

FILES = {
    "task.toml": 'kind = "script"\ntitle = "Double"\ntests = ["first", { id = "second", public = true }]\n'
    "[limits]\ncpu_seconds = 2.0\n",
    "prompt.md": "Write `double(x)`.\n",
    "verifier.py": (
        "import json, sys\n"
        "from helper import same\n"
        "from solution import double\n"
        "cases = json.load(open(sys.argv[2]))\n"
        "told = [{'id': name, 'passed': same(double(x), y), 'error': 'wrong'} for name, x, y in cases]\n"
        "print(json.dumps({'score': sum(case['passed'] for case in told) / len(told), 'cases': told}))\n"
    ),
    "test_cases.json": '[["first", 2, 4], ["second", -1, -2]]',
    "files/helper.py": "def same(a, b):\n    return a == b\n",
    "reference.py": "def double(x):\n    return 2 * x\n",
}


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Path]:
    def make(without: str = "", **changes: str) -> Path:
        for name, text in {**FILES, **{name.replace("__", "."): text for name, text in changes.items()}}.items():
            if name != without:
                (tmp_path / name).parent.mkdir(exist_ok=True)
                (tmp_path / name).write_text(text)
        return tmp_path

    return make


def loaded(path: Path) -> ScriptTask:
    task = load_task_folder(path, seed=3)
    assert isinstance(task, ScriptTask)
    return task


def test_a_folder_is_a_task(folder: Callable[..., Path], engine: DeepGym) -> None:
    task = loaded(folder())
    assert (task.id, task.title, task.seed) == (folder().name, "Double", 3)
    assert task.tests == (Test(id="first"), Test(id="second", public=True))
    assert task.limits.cpu_seconds == 2.0
    assert task.reference is not None
    assert engine.run(task, task.reference).vector.tolist() == [1, 1]
    result = engine.run(task, "def double(x): return 4")
    assert result.vector.tolist() == [1, 0]
    assert [case.error for case in result.cases] == ["", "wrong"]


def test_a_verifier_in_another_language(folder: Callable[..., Path], engine: DeepGym) -> None:
    bash = 'python3 -c "import solution; print(solution.double(3) == 6)"'
    task = loaded(folder(without="verifier.py", verifier__sh=bash, task__toml='kind = "script"\ntitle = "Double"\n'))
    assert task.verifier_language == "bash"
    assert engine.run(task, FILES["reference.py"]).passed
    assert not engine.run(task, "def double(x): return x").passed


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"without": "verifier.py"}, "found none; it is called one of verifier.py"),
        ({"verifier__sh": "echo true"}, "found verifier.py and verifier.sh"),
        ({"verifier__py": "def f(:"}, "verifier is not valid Python"),
        ({"task__toml": 'kind = "script"\nverifier = "x"\n'}, "verifier can't be set here"),
        ({"task__toml": 'kind = "script"\ntests = "all"\n'}, "tests must be a list"),
        ({"task__toml": 'kind = "script"\ntests = ["a", "a"]\n'}, "unique"),
        ({"task__toml": 'kind = "script"\nlanguage = "cobol"\n'}, "language"),
        ({"task__toml": 'kind = "scripts"\n'}, "'function', 'program', 'script', 'workspace'"),
    ],
)
def test_what_is_wrong_is_named(folder: Callable[..., Path], changes: dict[str, str], why: str) -> None:
    with pytest.raises(TaskError, match=why):
        load_task_folder(folder(**changes))


def test_it_is_an_environment(folder: Callable[..., Path]) -> None:
    env = CodingEnv(task=loaded(folder()))
    observation, _ = env.reset(seed=0)
    assert "double" in observation
    observation, reward, terminated, _, info = env.step("```python\ndef double(x): return 4\n```")
    assert (reward.tolist(), terminated) == ([1, 0], False)
    assert "Test second: wrong answer" in observation
    assert "first" not in observation
    _, reward, terminated, _, info = env.step(FILES["reference.py"])
    assert (reward.tolist(), terminated) == ([0, 1], True)
    assert [test["status"] for test in info["tests"]] == ["passed", "passed"]
    env.close()


def test_it_rewards() -> None:
    task = ScriptTask(prompt="Write f.", verifier="import solution\nreturn solution.f() / 2")
    with DeepGym(workers=1) as dg:
        assert RewardFunction(task, dg)(["def f(): return 1", "def f(): return 2"]) == [0.5, 1.0]


def test_it_can_be_stored() -> None:
    task = ScriptTask(
        prompt="Write f.",
        verifier="return 1",
        tests=(Test(id="a", public=True),),
        files=(File("data.bin", bytes(range(256)), executable=True),),
        limits=Limits(cpu_seconds=3),
        verifier_limits=ProgramLimits(memory_mb=100),
        difficulty=None,
        tags=("x",),
    )
    assert unpack(pack(task)) == task


def test_the_commands_take_it(folder: Callable[..., Path], tmp_path: Path) -> None:
    from typer.testing import CliRunner

    from deepgym_env.cli import app

    def ran(*arguments: object) -> tuple[int, str]:
        result = CliRunner().invoke(app, [*map(str, arguments)])
        return result.exit_code, result.stdout

    path = folder()
    solution = tmp_path / "answer.py"
    solution.write_text("def double(x): return 4")
    code, text = ran("run", path, "--solution", solution, "--json")
    told = json.loads(text)
    assert (code, told["score"], told["passed"]) == (1, 0.5, False)
    assert [case["passed"] for case in told["cases"]] == [True, False]
    code, text = ran("show", path, "--json")
    told = json.loads(text)
    assert (code, told["kind"], told["tests"]) == (0, "script", {"total": 2, "public": 1, "hidden": 1})
    assert "a verifier in python" in ran("show", path)[1]
    assert "same" not in ran("show", path)[1]
