"""``deepgym list`` and ``deepgym show``."""

import json

import pytest

from deepgym_env.catalog import load_task, task_ids


def test_list_names_every_task_with_its_tests(deepgym):
    result = deepgym("list")
    assert result.exit_code == 0
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    for task_id in task_ids():
        task = load_task(task_id)
        assert task.title in rows[task_id]
        assert f" {len(task.tests)} " in rows[task_id]


def test_list_json_is_the_catalog(deepgym):
    result = deepgym("list", "--json")
    rows = json.loads(result.stdout)
    assert [row["id"] for row in rows] == list(task_ids())
    for row in rows:
        task = load_task(row["id"])
        assert row == {
            "id": task.id,
            "gym_id": f"DeepGym/{task.id}",
            "kind": "function" if task.id in task_ids("function") else "workspace",
            "title": task.title,
            "difficulty": task.difficulty,
            "tests": len(task.tests),
            "public": len(task.public_tests),
            "tags": list(task.tags),
        }


def test_list_filters_by_difficulty_and_by_all_tags(deepgym, coin_change):
    rows = json.loads(deepgym("list", "--json", "--difficulty", "easy").stdout)
    assert {row["id"] for row in rows} == {name for name in task_ids() if load_task(name).difficulty == "easy"}
    tag = coin_change.tags[0]
    rows = json.loads(deepgym("list", "--json", "--tag", tag, "--difficulty", coin_change.difficulty).stdout)
    assert "coin_change" in {row["id"] for row in rows}
    rows = json.loads(deepgym("list", "--json", "--tag", tag, "--tag", "strings").stdout)
    assert all({tag, "strings"} <= set(row["tags"]) for row in rows)
    assert "coin_change" not in {row["id"] for row in rows}


def test_list_of_nothing_says_so(deepgym):
    pairs = {(load_task(name).difficulty, tag) for name in task_ids() for tag in load_task(name).tags}
    tag = next(tag for _, tag in sorted(pairs) if ("hard", tag) not in pairs)
    result = deepgym("list", "--tag", tag, "--difficulty", "hard")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "no task matches" in result.stderr


def test_list_corrects_a_tag(refused):
    assert "did you mean 'strings'" in refused("list", "--tag", "string")
    assert "tags are" in refused("list", "--tag", "zzz")


@pytest.mark.parametrize("task_id", task_ids())
def test_show_tells_what_an_agent_may_know_and_no_more(deepgym, task_id):
    task = load_task(task_id)
    text, data = deepgym("show", task_id), deepgym("show", f"DeepGym/{task_id}", "--json")
    for result in (text, data):
        assert result.exit_code == 0, result.output
        for line in task.reference.splitlines()[1:]:  # the first is the signature, which the prompt has too
            assert len(line.strip()) < 20 or line.strip() not in result.stdout
    public = [test.id for test in task.public_tests]
    hidden = len(task.tests) - len(public)
    table = text.stdout[text.stdout.index("public test ") :].splitlines()[2:]
    assert [line.split()[0] for line in table if line[1:2].strip()] == public
    assert f"{len(public)} public, {hidden} hidden" in text.stdout
    shown = json.loads(data.stdout)
    assert shown["prompt"] == task.prompt
    assert shown["tests"] == {"total": len(task.tests), "public": len(public), "hidden": hidden}
    assert [test["id"] for test in shown["public_tests"]] == public


def test_show_renders_calls_limits_and_comparison(deepgym):
    text = deepgym("show", "coin_change").stdout
    assert "coin_change([1, 2, 5], 11)" in text
    assert "exact" in text
    assert "1 s CPU" in text
    assert "`coin_change" not in text, "Markdown is rendered"


def test_show_takes_a_folder(deepgym, square_task, monkeypatch):
    monkeypatch.chdir(square_task.parent)
    for name in (square_task, "square", "./square", "square/"):
        result = deepgym("show", name, "--json")
        assert json.loads(result.stdout)["id"] == "square", result.output
    monkeypatch.chdir(square_task)
    assert json.loads(deepgym("show", ".", "--json").stdout)["id"] == "square"


def test_show_does_not_read_terminal_codes_or_markup_of_a_prompt(deepgym, square_task):
    square_task.joinpath("prompt.md").write_text("see \x1b[2J [bold]this[/bold]\n")
    text = deepgym("show", square_task).stdout
    assert "\x1b" not in text
    assert "[bold]this[/bold]" in text


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("coin_chnge", "did you mean 'coin_change'"),
        ("DeepGym/two_sun", "did you mean 'two_sum'"),
        ("qqqqqq", "`deepgym list` shows all"),
        ("./nowhere", "no task folder './nowhere'"),
        ("DeepGym/../coin_change", "no task folder"),
        ("", "`deepgym list`"),
    ],
)
def test_unknown_task(refused, name, said):
    assert said in refused("show", name)


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("task.toml", "kind = ", "task.toml: not valid TOML"),
        ("task.toml", b"\xff\xfe", "task.toml: can't be read"),
        ("task.toml", 'kind = "riddle"', "kind must be one of 'frozen', 'function'"),
        ("task.toml", 'title = "x"', "entry_point: Field required"),
        ("task.toml", 'title = "x"\nentry_point = "square"\nprompt = "y"', "prompt"),
        ("prompt.md", None, "prompt.md: can't be read"),
        ("cases.py", "import", "cases.py: SyntaxError"),
        ("cases.py", "x = 1", "define `def cases(rng)`"),
        ("cases.py", "raise SystemExit(0)", "SystemExit"),
        (
            "cases.py",
            "from deepgym_env.task import Case\ndef cases(rng):\n    yield Case.of(1, expected=object())",
            "no plain data",
        ),
        ("reference.py", "def", "reference is not valid Python"),
    ],
)
def test_broken_task_folder(refused, square_task, file, content, said):
    path = square_task / file
    path.unlink()
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert said in refused("show", square_task)
    assert said in refused("run", square_task, "--solution", "-", stdin="x = 1")
