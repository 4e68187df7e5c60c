"""Tasks that are no part of DeepGym: registered, in folders, in other packages."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap

import gymnasium as gym
import pytest

from deepgym_env import (
    Task,
    added_tasks,
    load_environment,
    load_task,
    register,
    register_folder,
    select_tasks,
)
from deepgym_env.benchmarks.records import to_text
from deepgym_env.envs import CodingEnv, MixtureEnv
from deepgym_env.errors import ConfigError, TaskError, UnknownTaskError
from deepgym_env.scaffolding import scaffold


def triple(x):
    """Return three times x."""
    return 3 * x


pytestmark = pytest.mark.usefixtures("tasks_as_before")


@pytest.fixture
def task():
    return Task.from_function(triple, [1, 2, 3, 4])


# ── registered ────────────────────────────────────────────────────────────────────────────


def test_a_registered_task_is_there_by_id_everywhere(task, engine):
    assert register(task) == "DeepGym/triple"
    assert load_task("triple") == load_task("DeepGym/triple") == load_environment("triple") == task
    env = gym.make("DeepGym/triple", engine=engine)
    assert env.reset(seed=3)[1]["task"] == "triple"
    assert env.step(task.reference)[1].tolist() == [1.0] * 4
    env.close()
    envs = gym.make_vec("DeepGym/triple", num_envs=2, vectorization_mode="vector_entry_point", engine=engine)
    envs.reset(seed=0)
    assert envs.step([task.reference, "pass"])[1].mean(axis=1).tolist() == [1.0, 0.0]
    envs.close()
    assert MixtureEnv(tasks=["triple", "fizzbuzz"]).sampler.tasks == ("triple", "fizzbuzz")
    assert engine.run("triple", task.reference).passed


def test_an_id_of_one_s_own(task):
    assert register(task, "mine/three") == "mine/three"
    assert load_task("mine/three").id == "mine/three"
    assert select_tasks(benchmark="mine") == ("mine/three",)
    assert MixtureEnv(benchmark="mine").sampler.tasks == ("mine/three",)
    with pytest.raises(UnknownTaskError, match="no task 'mine/four'"):
        load_task("mine/four")


def test_registering_again_replaces(task):
    register(task)
    other = task.model_copy(update={"title": "Other"})
    register(other)
    assert load_task("triple").title == "Other"


def test_a_function_of_a_seed_has_fresh_tests(task, engine):
    def draw(seed):
        return Task.from_function(triple, lambda rng: [rng.randrange(10**9) for _ in range(3)], seed=seed)

    register(draw, "draw")
    assert load_task("draw", 1).tests != load_task("draw", 2).tests
    env = CodingEnv("draw", fresh_tests=True, engine=engine)
    env.reset(seed=0)
    seen = env.task.tests
    env.reset()
    assert env.task.tests != seen
    env.close()
    register(task)
    with pytest.raises(ConfigError, match="the tests of triple are fixed"):
        CodingEnv("triple", fresh_tests=True)


def test_a_frozen_folder_has_no_fresh_tests(tmp_path, task):
    folder = tmp_path / "kept"
    folder.mkdir()
    folder.joinpath("task.toml").write_text('kind = "frozen"\n')
    folder.joinpath("task.json").write_text(to_text(task))
    register(folder)
    with pytest.raises(ConfigError, match="fresh_tests"):
        CodingEnv("kept", fresh_tests=True)


def test_a_folder_is_read_again_when_it_has_changed(tmp_path):
    folder = scaffold("peaks", into=tmp_path)
    assert register(folder) == "DeepGym/peaks"
    first = load_task("peaks")
    assert first is load_task("peaks")
    assert load_task("peaks", 1).tests != first.tests
    folder.joinpath("prompt.md").write_text("Write peaks, again.\n")
    os.utime(folder / "prompt.md", ns=(1, 1))
    assert load_task("peaks").prompt == "Write peaks, again.\n"


def test_a_folder_of_folders(tmp_path):
    scaffold("one", into=tmp_path)
    scaffold("two", kind="workspace", into=tmp_path)
    assert register_folder(tmp_path) == ["DeepGym/one", "DeepGym/two"]
    assert register_folder(tmp_path, "mine") == ["mine/one", "mine/two"]
    assert load_task("mine/two").id == "mine/two"
    with pytest.raises(TaskError, match="holds no task folders"):
        register_folder(tmp_path / "one" / "nothing")


def broken(seed):
    raise ValueError("no such luck")


@pytest.mark.parametrize(
    ("given", "name", "said"),
    [
        ("nowhere", None, "no task folder: it has no task.toml"),
        (3, None, "can be registered, got 3"),
        ("task", "fizzbuzz", "the id of a built-in task"),
        ("task", "mixture", "the name of an environment"),
        ("task", "DeepGym/repair", "the name of an environment"),
        ("task", "HumanEval/0", "a benchmark's"),
        ("task", "two words", "of letters, digits"),
        ("task", "a/b/c", "of letters, digits"),
    ],
)
def test_what_can_t_be_registered_is_refused_and_leaves_nothing(task, given, name, said):
    before = dict(added_tasks._registered)
    with pytest.raises(TaskError, match=said):
        register(task if given == "task" else given, name)
    assert added_tasks._registered == before


def test_what_a_function_makes_is_looked_at():
    register(lambda seed: 5, "five")
    register(broken)
    with pytest.raises(TaskError, match="five: a task was wanted, got 5"):
        load_task("five")
    with pytest.raises(TaskError, match="broken: ValueError: no such luck"):
        load_task("broken")


# ── folders, in a process of its own ──────────────────────────────────────────────────────


def python(code, **environment):
    command = [sys.executable, "-c", textwrap.dedent(code)]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environment}, timeout=200)


def test_deepgym_tasks_names_folders_that_are_registered_and_not_loaded(tmp_path):
    scaffold("peaks", into=tmp_path / "a")
    scaffold("mend", kind="workspace", into=tmp_path / "b")
    bad = scaffold("bad", into=tmp_path / "b")
    bad.joinpath("cases.py").write_text("raise RuntimeError('loaded')\n")
    done = python(
        """
        import deepgym_env, gymnasium
        print([name for name in gymnasium.registry if name in ("DeepGym/peaks", "DeepGym/mend", "DeepGym/bad")])
        env = gymnasium.make("DeepGym/peaks")
        print(env.reset(seed=0)[1]["task"])
        print(deepgym_env.load_task("mend").title)
        """,
        DEEPGYM_TASKS=f"{tmp_path / 'a'}{os.pathsep}{tmp_path / 'b'}",
    )
    assert done.stderr == ""
    assert done.stdout == "['DeepGym/peaks', 'DeepGym/bad', 'DeepGym/mend']\npeaks\nMend\n"


def test_a_built_in_task_keeps_its_name(tmp_path):
    scaffold("peaks", into=tmp_path).rename(tmp_path / "two_sum")
    done = python(
        "import deepgym_env; print(deepgym_env.load_task('two_sum').entry_point)",
        DEEPGYM_TASKS=f"{tmp_path}{os.pathsep}{tmp_path / 'nowhere'}",
    )
    assert done.stdout == "two_sum\n"
    assert "has the name of a built-in task, which wins: rename its folder" in done.stderr
    assert "nowhere, which is no folder" in done.stderr


def test_a_folder_with_the_name_of_an_environment_is_named_and_left_out(tmp_path):
    scaffold("peaks", into=tmp_path).rename(tmp_path / "repair")
    done = python(
        "import gymnasium, deepgym_env; from deepgym_env import added_tasks; print(list(added_tasks.cheap()));"
        "print(gymnasium.spec('DeepGym/repair').entry_point)",
        DEEPGYM_TASKS=str(tmp_path),
    )
    assert done.stdout == "[]\ndeepgym_env.envs.repair:RepairEnv\n"
    assert "has the name of an environment of DeepGym's: rename its folder" in done.stderr


@pytest.mark.parametrize("name", ["repair", "DeepGym/construct", "mixture"])
def test_an_environment_is_no_task(name):
    with pytest.raises(UnknownTaskError, match=r"it is an environment: gym\.make\('DeepGym/"):
        load_environment(name)


# ── other packages ────────────────────────────────────────────────────────────────────────

PLUGIN = """
    [deepgym.tasks]
    shapes = shapes.tasks
    numbers = shapes.listing:everything
    broken = shapes.broken:nothing
    HumanEval = shapes.tasks
"""
LISTING = """
    import pathlib
    from deepgym_env import Task

    def triple(x):
        "Return three times x."
        return 3 * x

    def everything():
        yield Task.from_function(triple, [1, 2, 3])
        yield pathlib.Path(__file__).parent / "tasks"
"""


@pytest.fixture
def installed(tmp_path):
    """A folder of installed packages that has one more, with tasks; importing it is seen."""
    site = tmp_path / "site"
    info = site / "shapes-1.0.dist-info"
    info.mkdir(parents=True)
    info.joinpath("METADATA").write_text("Metadata-Version: 2.1\nName: shapes\nVersion: 1.0\n")
    info.joinpath("entry_points.txt").write_text(textwrap.dedent(PLUGIN))
    info.joinpath("RECORD").write_text("")
    package = site / "shapes"
    scaffold("circle", into=package / "tasks")
    scaffold("square", kind="workspace", into=package / "tasks")
    package.joinpath("__init__.py").write_text("")
    package.joinpath("listing.py").write_text(textwrap.dedent(LISTING))
    package.joinpath("broken.py").write_text("raise RuntimeError('this package is broken')\n")
    return str(site)


def test_a_package_s_folder_of_tasks_is_there_without_importing_it(installed):
    done = python(
        """
        import sys, warnings
        warnings.simplefilter("ignore")
        import deepgym_env, gymnasium
        print(sorted(name for name in gymnasium.registry if name.startswith(("shapes/", "numbers/", "HumanEval/"))))
        env = gymnasium.make("shapes/circle")
        print(env.reset(seed=0)[1]["task"], deepgym_env.load_task("shapes/square").id)
        print(deepgym_env.select_tasks(benchmark="shapes"))
        print("shapes" in sys.modules)
        """,
        PYTHONPATH=installed,
    )
    assert done.stdout == (
        "['shapes/circle', 'shapes/square']\nshapes/circle shapes/square\n('shapes/circle', 'shapes/square')\nFalse\n"
    ), done.stderr


def test_tasks_that_are_code_are_there_when_asked_for(installed):
    done = python(
        """
        import sys, warnings
        warnings.simplefilter("ignore")
        import deepgym_env, gymnasium
        print("shapes.listing" in sys.modules)
        print(deepgym_env.load_task("numbers/triple").prompt.splitlines()[0])
        env = gymnasium.make("deepgym_env.installed:numbers/triple")
        print(env.reset(seed=0)[1]["task"], "numbers/circle" in gymnasium.registry)
        try:
            deepgym_env.load_task("broken/x")
        except deepgym_env.errors.TaskError as error:
            print(error)
        """,
        PYTHONPATH=installed,
    )
    assert done.stdout.splitlines() == [
        "False",
        "Write a function `triple(x)`.",
        "numbers/triple True",
        "entry point broken = shapes.broken:nothing of group deepgym.tasks: RuntimeError: this package is broken",
    ], done.stderr


def test_the_command_line_knows_them(installed):
    def deepgym(*args):
        command = [sys.executable, "-W", "ignore", "-m", "deepgym_env.cli", *args]
        environment = {**os.environ, "PYTHONPATH": installed}
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200)

    listed = deepgym("list", "--json")
    ids = [row["gym_id"] for row in json.loads(listed.stdout)]
    assert {"DeepGym/fizzbuzz", "shapes/circle", "shapes/square", "numbers/triple"} <= set(ids)
    assert "this package is broken" in listed.stderr
    assert [row["id"] for row in json.loads(deepgym("list", "--benchmark", "numbers", "--json").stdout)] == [
        "numbers/triple",
        "numbers/circle",
        "numbers/square",
    ]
    assert "circle(numbers: list[int])" in deepgym("show", "shapes/circle").stdout


def test_a_namespace_of_deepgym_s_own_is_refused(installed):
    done = python("import deepgym_env", PYTHONPATH=installed)
    assert "the namespace HumanEval is DeepGym's own; it needs another name" in done.stderr
    assert done.returncode == 0
