"""The workspace scenarios: each can be solved, by work and nothing else."""

from __future__ import annotations

import ast
import runpy
from pathlib import Path

import pytest

from deepgym_env import load_task, task_ids
from deepgym_env.envs import CodingEnv
from deepgym_env.rollout import rollout, scripted

SCENARIOS = Path(__file__).parents[2] / "scenarios"
NEAR_MISSES = sorted(path for task in task_ids("workspace") for path in (SCENARIOS / task).glob("near_misses/*.py"))
FORBIDDEN = {"exec", "eval", "compile", "__import__", "open", "importlib", "subprocess", "os", "runpy", "pickle"}

each_task = pytest.mark.parametrize("task_id", task_ids("workspace"))


@pytest.fixture
def play(own):
    def play(task_id, script, seed=0):
        env = CodingEnv(task_id, engine=own)
        try:
            done = rollout(env, scripted(script), seed=seed)
        finally:
            env.close()
        assert done.has_verdict, done.messages[-1]
        assert done.returned.tolist() == [test["score"] for test in done.info["tests"]]
        return done

    return play


def nothing():
    yield {"name": "submit", "arguments": {}}


def script_of(path):
    return runpy.run_path(str(path))["solve"]


@each_task
@pytest.mark.parametrize("seed", [0, 1])
def test_the_oracle_scores_one(play, task_id, seed):
    done = play(task_id, script_of(SCENARIOS / task_id / "solve.py"), seed)
    assert [test["id"] for test in done.info["tests"] if test["score"] != 1.0] == [], done.messages[-1]["content"]
    assert done.end == "solved"


@each_task
@pytest.mark.parametrize("seed", [0, 1])
def test_doing_nothing_scores_nothing(play, task_id, seed):
    done = play(task_id, nothing, seed)
    assert [test["id"] for test in done.info["tests"] if test["score"] != 0.0] == []


@pytest.mark.parametrize("path", NEAR_MISSES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_a_near_miss_does_not_pass(play, path):
    done = play(path.parts[-3], script_of(path))
    assert done.score < 1.0
    assert done.end == "submitted"


@each_task
def test_the_same_work_gets_the_same_verdict(play, task_id):
    script = script_of(sorted((SCENARIOS / task_id / "near_misses").glob("*.py"))[0])
    first, second = play(task_id, script), play(task_id, script)
    assert first.info == second.info
    assert first.messages == second.messages


def spoil(command):
    def script():
        yield {"name": "bash", "arguments": {"command": command}}
        yield {"name": "submit", "arguments": {}}

    return script


HOSTILE = {
    "nothing left": "rm -rf /workspace/* /workspace/.[!.]*",
    "folders for files": "find . -type f | while read f; do rm -f $f; mkdir -p $f; done",
    "binary junk": "find . -type f -exec sh -c 'head -c 5000 /dev/urandom > \"$1\"' _ {} \\;",
    "links away": "find . -type f | while read f; do ln -sf /etc/passwd $f; done",
    "full disk": "head -c 100M /dev/zero > zeros; true",
}


@each_task
@pytest.mark.parametrize("command", HOSTILE.values(), ids=HOSTILE)
def test_what_is_spoilt_gets_a_verdict(play, task_id, command):
    assert play(task_id, spoil(command)).score < 0.5


@each_task
def test_a_scenario_is_complete(task_id):
    task = load_task(task_id)
    assert len(task.tests) >= 6
    assert 1 <= len(task.public_tests) < len(task.tests)
    assert all(test.title for test in task.public_tests)
    assert "submit" in task.prompt
    assert len(list((SCENARIOS / task_id).glob("near_misses/*.py"))) >= 2
    assert task.tags
    assert load_task(task_id, 1).tests == task.tests


@each_task
def test_a_checker_runs_nothing_itself(task_id):
    """It asks for data; what it is given by the agent it neither runs nor loads as code."""
    tree = ast.parse(load_task(task_id).check)
    texts = {node.targets[0].id for node in tree.body if isinstance(node, ast.Assign) and _is_text(node.value)}
    own = {
        node.func
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and [getattr(each, "id", None) in texts for each in node.args] == [True]
    }  # exec(SOURCE), of a constant of its own
    named = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node not in own}
    imports = [node for node in ast.walk(tree) if isinstance(node, (ast.Import, ast.ImportFrom))]
    modules = {
        name for node in imports for name in [getattr(node, "module", None), *(each.name for each in node.names)]
    }
    assert not FORBIDDEN & (named | {str(name).split(".")[0] for name in modules})


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)
