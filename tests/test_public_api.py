"""What users write, as they write it."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
import subprocess
import sys
from types import ModuleType

import gymnasium as gym
import numpy as np
import pytest

import deepgym_env

COIN_CHANGE = """Here is my solution:

```python
def coin_change(coins, amount):
    best = [0] + [None] * amount
    for total in range(1, amount + 1):
        options = [best[total - coin] for coin in coins if coin <= total and best[total - coin] is not None]
        best[total] = min(options) + 1 if options else None
    return -1 if best[amount] is None else best[amount]
```
"""
GREEDY = """
def coin_change(coins, amount):
    count = 0
    for coin in sorted(coins, reverse=True):
        count += amount // coin
        amount %= coin
    return -1 if amount else count
"""


def test_quick_start():
    from deepgym_env import DeepGym, load_environment

    dg = DeepGym(mode="local")
    env = load_environment("coin_change")
    result = dg.run(env, model_output=COIN_CHANGE)
    assert (result.score, result.passed) == (1.0, True)
    assert len(result.cases) == len(env.tests)
    for case, test in zip(result.cases, env.tests, strict=True):
        assert (case.id, case.passed, case.score, case.status) == (test.id, True, 1.0, "passed")
        assert case.input_summary.startswith("coin_change(") == test.public
    assert result.reward_components["correctness"] == 1.0
    dg.close()


def test_batch_and_advantages():
    from deepgym_env import DeepGym, load_environment

    env = load_environment("coin_change")
    outputs = [COIN_CHANGE, GREEDY, "no idea", "def coin_change(coins, amount): return -1"] * 2
    with DeepGym(mode="local") as dg:
        batch = dg.run_batch(env, outputs, max_parallel=8)
    assert [result.score for result in batch] == batch.scores.tolist()
    assert batch.scores[0] == 1.0
    assert 0.0 < batch.scores[1] < 1.0
    assert batch.scores[2] == 0.0
    np.testing.assert_array_equal(batch.scores[:4], batch.scores[4:])
    advantages = batch.advantages()
    assert advantages.sum() == pytest.approx(0, abs=1e-9)
    assert advantages.std() == pytest.approx(1, abs=1e-4)
    assert advantages.argmax() == 0


def test_reward_function(engine):
    from deepgym_env import RewardFunction, load_environment

    env = load_environment("coin_change")
    with RewardFunction(env) as reward_fn:
        assert reward_fn([COIN_CHANGE]) == [1.0]
        (per_test,) = reward_fn.per_test_rewards([GREEDY])
        (shaped,) = reward_fn.shaped_rewards([GREEDY])
    ids = [test.id for test in env.tests]
    assert list(per_test) == [*ids, "overall"]
    assert per_test["overall"] == pytest.approx(sum(per_test[test_id] for test_id in ids) / len(ids))
    assert shaped == {"correctness": per_test["overall"]}


def test_gymnasium():
    env = gym.make("DeepGym/coin_change")
    prompt, _ = env.reset(seed=0)
    assert "coin_change" in prompt
    _, reward, terminated, truncated, info = env.step(COIN_CHANGE)
    assert reward.tolist() == [1.0] * len(info["tests"])
    assert (terminated, truncated, info["passed"]) == (True, False, True)
    env.close()


IMPORT = """
import threading, os, sys
before = set(threading.enumerate())
import deepgym_env, gymnasium
assert set(threading.enumerate()) == before, threading.enumerate()
try:
    os.waitpid(-1, os.WNOHANG)
except ChildProcessError:
    pass
else:
    raise AssertionError("a process was started")
registered = {i for i in gymnasium.registry if i.startswith("DeepGym/")}
wanted = {f"DeepGym/{i}" for i in deepgym_env.task_ids()}
assert wanted and wanted <= registered, wanted - registered
heavy = {"torch", "stable_baselines3", "mo_gymnasium", "docker", "ray", "pygame"} & set(sys.modules)
assert not heavy, heavy
"""


def test_importing_starts_nothing_and_registers_everything():
    done = subprocess.run([sys.executable, "-W", "error", "-c", IMPORT], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr, done.returncode) == ("", "", 0)


# scenarios hold data, cli prints, and the runner runs as a package of its own.
MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(deepgym_env.__path__, "deepgym_env.")
    if not module.name.startswith("deepgym_env.scenarios.") and not module.name.endswith("__main__")
)


def imported(name: str) -> ModuleType:
    """Import a module; one that a framework loads by its path needs the framework."""
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if not name.startswith("deepgym_env.integrations.") or (error.name or "").startswith("deepgym_env"):
            raise
        pytest.skip(f"{name} needs {error.name}: run `make test-integrations`")


@pytest.mark.parametrize("name", ["deepgym_env", *MODULES])
def test_every_public_name_exists(name):
    module = imported(name)
    names = getattr(module, "__all__", [])
    assert len(set(names)) == len(names)
    assert [missing for missing in names if not hasattr(module, missing)] == []


def test_all_parts_are_searched():
    assert {f"deepgym_env.{part}" for part in ("engine", "envs.coding", "wrappers.scalar_reward", "judge.call")} <= set(
        MODULES
    )


def test_star_import_gives_the_documented_names():
    names: dict[str, object] = {}
    exec("from deepgym_env import *", names)
    assert {"DeepGym", "AsyncDeepGym", "load_environment", "RewardFunction", "RunResult", "Task"} <= names.keys()


def test_the_version_is_one():
    from importlib.metadata import version

    assert deepgym_env.__version__ == version("deepgym-env")


OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


@pytest.mark.usefixtures("tasks_as_before")
@pytest.mark.parametrize("name", ["deepgym_env", *MODULES])
def test_examples_in_docstrings(name):
    module = imported(name)
    failures, _ = doctest.testmod(module, optionflags=OPTIONS)
    assert failures == 0


def test_there_are_examples_in_docstrings():
    finder = doctest.DocTestFinder()
    modules = [importlib.import_module(name) for name in MODULES if not name.startswith("deepgym_env.integrations.")]
    found = [test.name for module in modules for test in finder.find(module) if test.examples]
    assert len(found) >= 8
