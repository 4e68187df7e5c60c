from __future__ import annotations

import pytest

from deepgym_env import load_environment, load_task, load_task_folder, task_ids
from deepgym_env.errors import DeepGymError, TaskError, UnknownTaskError

FILES = {
    "task.toml": 'title = "Double"\nentry_point = "double"\n',
    "prompt.md": "Write `double(x)`.\n",
    "cases.py": (
        "from deepgym_env.task import Case\n"
        "def cases(rng):\n"
        "    yield Case.of(2, expected=4, id='two', public=True)\n"
        "    n = rng.randrange(10**9)\n"
        "    yield Case.of(n, expected=2 * n)\n"
    ),
    "reference.py": "def double(x):\n    return 2 * x\n",
}


@pytest.fixture
def folder(tmp_path):
    def make(**changes):
        for name, text in {**FILES, **{name.replace("__", "."): text for name, text in changes.items()}}.items():
            if text is not None:
                data = text if isinstance(text, bytes) else text.encode()
                (tmp_path / name).write_bytes(data)
        return tmp_path

    return make


def test_a_folder_is_a_task(folder, engine):
    task = load_task_folder(folder(), seed=3)
    assert task.id == folder().name
    assert (task.title, task.entry_point, task.seed) == ("Double", "double", 3)
    assert [test.id for test in task.tests] == ["two", "case_01"]
    assert [test.public for test in task.tests] == [True, False]
    assert task.public_tests == task.tests[:1]
    assert task.reference == FILES["reference.py"]
    assert engine.run(task, task.reference).passed


def test_a_path_may_be_text(folder):
    assert load_task_folder(str(folder())).title == "Double"


def test_a_seed_draws_the_same_tests_every_time(folder):
    path = folder()
    assert load_task_folder(path, 1).tests == load_task_folder(path, 1).tests
    assert load_task_folder(path, 1).tests[1] != load_task_folder(path, 2).tests[1]
    assert load_task_folder(path, 1).tests[0] == load_task_folder(path, 2).tests[0]


def test_the_reference_is_optional(folder):
    assert load_task_folder(folder(reference__py=None)).reference is None


def test_a_prelude_is_known_to_the_cases(folder):
    path = folder(
        prelude__py="class Box:\n    def __init__(self, x): self.x = x\n",
        cases__py="from deepgym_env.task import Case\ndef cases(rng):\n    yield Case.of(Box(1), expected=1)\n",
    )
    task = load_task_folder(path)
    assert task.prelude.startswith("class Box")
    assert task.tests[0].calls[0].args[0].x == 1


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"task__toml": None}, "task.toml"),
        ({"prompt__md": None}, "prompt.md"),
        ({"cases__py": None}, "cases.py"),
        ({"prompt__md": b"\xff\xfe\xff"}, "prompt.md"),
        ({"task__toml": b"\xff"}, "task.toml"),
        ({"task__toml": "title = "}, "task.toml"),
        ({"task__toml": 'kind = "poem"'}, "task.toml"),
        ({"cases__py": "def cases(rng:"}, "cases.py"),
        ({"cases__py": "1 / 0"}, "cases.py"),
        ({"cases__py": "raise SystemExit(0)"}, "cases.py"),
        ({"cases__py": "import no_such_module"}, "cases.py"),
        ({"cases__py": "x = 1"}, "cases.py"),
        ({"cases__py": "cases = 7"}, "cases.py"),
        ({"cases__py": "def cases(): return []"}, "cases.py"),
        ({"cases__py": "def cases(rng): return 7"}, "cases.py"),
        ({"cases__py": "def cases(rng):\n    yield 1\n"}, "cases.py"),
        ({"cases__py": "def cases(rng):\n    yield rng.nothing\n"}, "cases.py"),
        ({"prelude__py": "class"}, "prelude.py"),
        ({"prelude__py": "1 / 0"}, "prelude.py"),
    ],
    ids=str,
)
def test_a_broken_file_is_named(folder, changes, named):
    path = folder(**changes)
    with pytest.raises(TaskError) as error:
        load_task_folder(path)
    assert str(path / named) in str(error.value)


ONE_CASE = "from deepgym_env.task import Case\ndef cases(rng):\n    yield Case.of(1, expected=1, id={!r})\n"


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"task__toml": 'entry_point = "double"'}, "title"),
        ({"task__toml": 'title = "T"'}, "entry_point"),
        ({"task__toml": FILES["task.toml"] + "colour = 1"}, "colour"),
        ({"task__toml": 'title = "T"\nentry_point = "1x"'}, "entry_point"),
        ({"task__toml": FILES["task.toml"] + 'difficulty = "odd"'}, "difficulty"),
        ({"task__toml": FILES["task.toml"] + "[limits]\ncpu_seconds = -1"}, "limits.cpu_seconds"),
        ({"task__toml": FILES["task.toml"] + "[limits]\nmemory_mb = 'much'"}, "limits.memory_mb"),
        ({"task__toml": FILES["task.toml"] + "[comparison]\nkind = 'magic'"}, "comparison.kind"),
        ({"task__toml": FILES["task.toml"] + "[comparison]\nkind = 'checker'"}, "check"),
        ({"cases__py": FILES["cases.py"] + "\ndef check(args, expected, output): return True\n"}, "check"),
        ({"cases__py": "def cases(rng): return []"}, "tests"),
        ({"cases__py": ONE_CASE.format("with space")}, "id: String should match"),
        ({"cases__py": FILES["cases.py"] + "    yield Case.of(1, expected=2, id='two')\n"}, "unique"),
        ({"reference__py": "def double(x) return"}, "reference"),
    ],
    ids=str,
)
def test_a_wrong_field_is_named_with_its_folder(folder, changes, hint):
    path = folder(**changes)
    with pytest.raises(TaskError) as error:
        load_task_folder(path)
    assert str(path) in str(error.value)
    assert hint in str(error.value)


def test_a_folder_that_is_not_there():
    with pytest.raises(TaskError, match=r"/no/such/folder/task\.toml"):
        load_task_folder("/no/such/folder")


# ── built-in tasks ────────────────────────────────────────────────────────────────────────


def test_ids_are_sorted_and_loadable_under_both_names():
    ids = task_ids()
    assert list(ids) == sorted(set(ids))
    assert len(ids) >= 24
    assert load_task("DeepGym/coin_change") == load_task("coin_change") == load_environment("coin_change")
    assert load_task("coin_change", 5) is load_task("coin_change", 5)


@pytest.mark.parametrize(
    ("asked", "hint"),
    [("coin_chnge", "'coin_change'"), ("DeepGym/fizbuzz", "'fizzbuzz'"), ("zzz", "deepgym list"), ("", "deepgym list")],
)
def test_an_unknown_id_gets_a_hint(asked, hint):
    with pytest.raises(UnknownTaskError) as error:
        load_task(asked)
    assert repr(asked) in str(error.value)
    assert hint in str(error.value)
    assert isinstance(error.value, DeepGymError)


@pytest.mark.parametrize("asked", ["../scenarios/coin_change", "coin_change/", ".", "coin_change/../fizzbuzz"])
def test_an_id_is_no_path(asked):
    with pytest.raises(UnknownTaskError):
        load_task(asked)
