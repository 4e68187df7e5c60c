"""Folders of frozen tasks, and the text they hold, which may be anybody's."""

from __future__ import annotations

import json

import gymnasium as gym
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepgym_env import load_task, load_task_folder, register
from deepgym_env.benchmarks.records import from_text, to_text
from deepgym_env.errors import TaskError


@pytest.fixture
def frozen(tmp_path):
    """Writes the folder of a frozen task."""

    def write(text, toml='kind = "frozen"\n'):
        folder = tmp_path / "kept"
        folder.mkdir()
        (folder / "task.toml").write_text(toml)
        (folder / "task.json").write_text(text)
        return folder

    return write


def test_a_frozen_task_is_what_it_was_whatever_the_seed(frozen):
    folder = frozen(to_text(load_task("fizzbuzz")))
    assert load_task_folder(folder) == load_task_folder(folder, seed=7) == load_task("fizzbuzz")


def test_gymnasium_plays_it(frozen, tasks_as_before):
    register(frozen(to_text(load_task("fizzbuzz"))))
    env = gym.make("DeepGym/kept")
    env.reset(seed=0)
    *_, terminated, _, info = env.step(load_task("fizzbuzz").reference)
    env.close()
    assert terminated
    assert info["passed"]


def test_a_workspace_comes_without_the_agent_that_checks_would_run(frozen):
    task = load_task("debug_fix")
    assert load_task_folder(frozen(to_text(task))) == task.model_copy(update={"reference": None})
    assert from_text(to_text(task), trusted=True) == task


@pytest.mark.parametrize(
    ("text", "toml", "said"),
    [
        (None, 'kind = "frozen"\ntitle = "Other"\n', r"task\.toml: title can't be set here"),
        ("{}", 'kind = "frozen"\n', r"task\.json: no task"),
        ('["function", 3]', 'kind = "frozen"\n', r"task\.json: no task"),
    ],
)
def test_what_is_wrong_is_told_with_the_file(frozen, text, toml, said):
    folder = frozen(to_text(load_task("fizzbuzz")) if text is None else text, toml)
    with pytest.raises(TaskError, match=said):
        load_task_folder(folder)


def test_a_budget_is_not_lost(make_task):
    task = make_task(((1,), 1))
    test = task.tests[0].model_copy(update={"budget": 3})
    with pytest.raises(TaskError, match="budgets of queries"):
        to_text(task.model_copy(update={"tests": (test,)}))


TREES = [json.loads(to_text(load_task(name))) for name in ("fizzbuzz", "level_order_traversal", "debug_fix")]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.floats(0, 1),
    st.text(max_size=5),
    st.just([]),
    st.just({"$": "tuple", "v": [1, 2]}),
    st.just({"$": "query", "v": 0}),
    st.just({"$": "nothing"}),
)


def places(tree, path=()):
    """Yield where there is anything in a tree."""
    yield path
    children = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, child in children:
        yield from places(child, (*path, key))


PLACES = [list(places(tree)) for tree in TREES]


@given(st.data())
def test_text_with_anything_in_it_is_a_task_or_told(data):
    number = data.draw(st.integers(0, len(TREES) - 1))
    path = data.draw(st.sampled_from(PLACES[number]))
    changed = json.loads(json.dumps(TREES[number]))
    if path:
        parent = changed
        for key in path[:-1]:
            parent = parent[key]
        parent[path[-1]] = data.draw(ODD)
    else:
        changed = data.draw(ODD)
    try:
        task = from_text(json.dumps(changed))
    except TaskError:
        return
    assert type(task).model_validate(dict(task)) == task
    assert all(type(test.id) is str and type(test.public) is bool for test in task.tests)
