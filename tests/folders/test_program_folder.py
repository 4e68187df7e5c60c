from __future__ import annotations

import pytest

from deepgym_env import load_task_folder
from deepgym_env.errors import TaskError

FILES = {
    "task.toml": 'kind = "program"\ntitle = "Double"\npublic = ["two"]\n[comparison]\nkind = "tokens"\n'
    "[limits]\ncpu_seconds = 2.0\n",
    "prompt.md": "Read a number and print twice as much.\n",
    "tests/two.in": "2\r\n",
    "tests/two.out": "4\n",
    "tests/three.in": "3\n",
    "tests/three.out": "6\n",
    "tests/three.out.1": "six\n",
    "tests/none.out": "0\n",
    "reference.py": "import sys\nprint(2 * int(sys.stdin.read() or 0))\n",
    "reference.sh": "n=$(tr -d '\\r'); echo $((2 * n))\n",
}


@pytest.fixture
def folder(tmp_path):
    def make(changes):
        for name, text in {**FILES, **changes}.items():
            if text is not None:
                (tmp_path / name).parent.mkdir(exist_ok=True)
                (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return make


def test_a_folder_is_a_task(folder, own):
    task = load_task_folder(folder({}), seed=3)
    assert (task.id, task.title, task.language, task.seed) == (folder({}).name, "Double", "python", 3)
    assert [(test.id, test.public, test.stdin, test.expected) for test in task.tests] == [
        ("two", True, "2\r\n", "4\n"),
        ("none", False, "", "0\n"),
        ("three", False, "3\n", "6\n"),
    ]
    assert task.tests[2].accepted == ("six\n",)
    assert (task.comparison.kind, task.limits.cpu_seconds) == ("tokens", 2.0)
    assert own.run(task, task.reference).passed
    other = task.in_language("bash")
    assert own.run(other, other.reference).passed


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"prompt.md": None}, "prompt.md"),
        ({"tests/two.out": b"\xff"}, r"two\.out: can't be read"),
        ({"tests/tow.in": "1"}, r"tow\.in: belongs to no test"),
        ({"tests/two.txt": "1"}, r"two\.txt: belongs to no test"),
        ({"tests/two.out.new": "1"}, r"two\.out\.new: belongs to no test"),
        ({"task.toml": 'kind = "program"\ntitle = "x"\npublic = ["tow"]\n'}, "names no test 'tow': did you mean 'two'"),
        ({"task.toml": 'kind = "program"\ntitle = "x"\npublic = "two"\n'}, "public must list names"),
        ({"task.toml": 'kind = "program"\n'}, "title"),
        ({"task.toml": 'kind = "program"\ntitle = "x"\nlanguage = "cobol"\n'}, "language"),
        ({"task.toml": 'kind = "program"\ntitle = "x"\nreference = "x"\n'}, "reference can't be set here"),
        ({"task.toml": 'kind = "program"\ntitle = "x"\nentry_point = "f"\n'}, "entry_point"),
        ({"tests/a b.out": "1"}, r"a b\.out: id"),
        ({name: None for name in FILES if name.startswith("tests/")}, r"there is no NAME\.out"),
    ],
)
def test_mistakes_are_named(folder, changes, message):
    with pytest.raises(TaskError, match=message):
        load_task_folder(folder(changes))
