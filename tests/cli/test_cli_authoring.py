"""``deepgym new`` and ``deepgym check``, and every command on a task of one's own."""

from __future__ import annotations

import json

import pytest

from deepgym_env.scaffolding import scaffold


def test_new_makes_a_folder_that_passes_check_as_it_is(deepgym, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = deepgym("new", "peaks")
    assert made.exit_code == 0, made.output
    assert sorted(path.name for path in (tmp_path / "peaks").iterdir()) == [
        *("cases.py", "prompt.md", "reference.py", "task.toml")
    ]
    for command in ("deepgym check ./peaks", "deepgym run ./peaks --solution FILE", 'gym.make("DeepGym/peaks")'):
        assert command in made.stdout
    checked = deepgym("check", "./peaks")
    assert checked.exit_code == 0, checked.output
    assert "fit to train on" in checked.stdout
    assert "the best constant answer scores 0.08" in checked.stdout


def test_new_makes_every_kind_where_it_is_told(deepgym, tmp_path):
    made = deepgym("new", "mend", "--kind", "workspace", "--dir", tmp_path / "tasks")
    assert made.exit_code == 0, made.output
    assert "workspace/words.py" in made.stdout
    assert f"deepgym play {tmp_path}/tasks/mend" in made.stdout


def test_new_overwrites_nothing(refused, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "peaks").mkdir()
    assert "peaks exists: choose another name, or remove it" in refused("new", "peaks")
    assert list((tmp_path / "peaks").iterdir()) == []


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("two_sum",), "two_sum is a built-in task: choose another name"),
        (("1st",), "begins with a letter"),
        (("a/b",), "begins with a letter"),
        (("class",), "begins with a letter"),
        (("peaks", "--kind", "riddle"), "'riddle' is not one of"),
    ],
)
def test_new_refuses_what_is_no_name(refused, tmp_path, monkeypatch, args, said):
    monkeypatch.chdir(tmp_path)
    assert said in refused("new", *args)


@pytest.fixture
def two(tmp_path):
    """A folder of task folders, one of them unfit."""
    scaffold("peaks", into=tmp_path)
    unfit = scaffold("unfit", into=tmp_path)
    unfit.joinpath("prompt.md").write_text("Guess.\n")
    return tmp_path


def test_check_takes_several_and_folders_of_them(deepgym, two):
    result = deepgym("check", two, "coin_change", "--runs", 2)
    assert result.exit_code == 1
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert "ok" in rows["peaks"]
    assert "ok" in rows["coin_change"]
    assert "prompt: the prompt doesn't name the entry point 'unfit'" in rows["unfit"]
    assert result.stderr.endswith("unfit: unfit\n")


def test_check_as_json(deepgym, two):
    result = deepgym("check", two, "--json", "--runs", 2)
    assert result.exit_code == 1
    reports = {report["task"]: report for report in json.loads(result.stdout)}
    assert {task: report["passed"] for task, report in reports.items()} == {"peaks": True, "unfit": False}
    (error,) = [finding for finding in reports["unfit"]["findings"] if finding["level"] == "error"]
    assert error["check"] == "prompt"
    assert (reports["peaks"]["tests"], reports["peaks"]["public"]) == (13, 2)


def test_check_of_a_broken_folder_is_a_finding(deepgym, two):
    (two / "unfit" / "cases.py").write_text("import nowhere\n")
    result = deepgym("check", two / "unfit")
    assert result.exit_code == 1
    assert "ModuleNotFoundError" in result.stdout


def test_check_of_nothing_says_so(refused):
    assert "no task folder './nowhere'" in refused("check", "./nowhere")
    assert "did you mean 'coin_change'" in refused("check", "coin_chnge")


def test_check_has_no_verdict_without_a_sandbox(deepgym, two, no_sandbox):
    result = deepgym("check", two / "peaks")
    assert (result.exit_code, result.stdout) == (3, "")


@pytest.mark.parametrize("named", ["folder", "id"])
def test_every_command_takes_a_task_of_one_s_own(deepgym, square_task, tmp_path, monkeypatch, named):
    task = str(square_task)
    if named == "id":
        monkeypatch.setenv("DEEPGYM_TASKS", str(tmp_path))
        task = "DeepGym/square"
    samples = tmp_path / "samples.jsonl"
    samples.write_text(json.dumps({"completion": "def square(x): return x * x"}) + "\n")
    for args in (
        ("show", task),
        ("run", task, "--solution", square_task / "reference.py"),
        ("eval", task, "--solutions", samples),
        ("check", task, "--runs", 2),
        ("bench", "--task", task, "--runs", 2),
        ("generate-prm", task, "--solutions", samples, "-o", tmp_path / "prm.jsonl"),
        *([("audit", task, "--strategy", "constants")] if named == "folder" else []),
    ):
        result = deepgym(*args)
        assert result.exit_code == 0, (args, result.output)
    assert json.loads((tmp_path / "samples.results.jsonl").read_text())["task"] == "square"
    played = deepgym("play", task, stdin=":quit\n")
    assert "square" in played.output


def test_tasks_of_one_s_own_are_listed(deepgym, two, monkeypatch):
    monkeypatch.setenv("DEEPGYM_TASKS", str(two))
    result = deepgym("list", "--json")
    ids = [row["id"] for row in json.loads(result.stdout)]
    assert ids[-2:] == ["peaks", "unfit"]
    (two / "unfit" / "cases.py").write_text("import nowhere\n")
    result = deepgym("list", "--json")
    assert "unfit" not in [row["id"] for row in json.loads(result.stdout)]
    assert "unfit" in result.stderr


def test_list_by_pass_rate(deepgym, refused, tmp_path):
    log = tmp_path / "scores.jsonl"
    record = {"id": 1, "has_verdict": True}
    lines = [{**record, "task": "two_sum", "passed": passed} for passed in (True, False, False, False)]
    log.write_text(
        "".join(json.dumps(line) + "\n" for line in [*lines, {**record, "task": "fizzbuzz", "passed": True}])
    )
    rows = json.loads(deepgym("list", "--rates", log, "--max-pass-rate", 0.9, "--json").stdout)
    assert [(row["id"], row["pass_rate"]) for row in rows] == [("two_sum", 0.25)]
    shown = deepgym("list", "--rates", log).stdout
    assert "pass rate" in shown
    assert " 0.25 " in next(line for line in shown.splitlines() if line.strip().startswith("two_sum"))
    assert "need --rates FILE" in refused("list", "--min-pass-rate", 0.1)


def test_a_rollout_plays_the_folder_also_under_a_built_in_task_s_id(deepgym, endpoint, tmp_path, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    folder = scaffold("peaks", into=tmp_path)
    toml = folder / "task.toml"
    toml.write_text(toml.read_text().replace('id = "peaks"', 'id = "two_sum"'))
    args = ("rollout", folder, "--model", "m", "--base-url", endpoint, "--max-turns", 1, "--json")
    result = deepgym(*args)
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)[0]["score"] == 0  # the endpoint answers with two_sum's reference
