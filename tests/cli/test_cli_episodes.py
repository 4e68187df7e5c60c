"""``deepgym replay``, ``deepgym export`` and ``deepgym generate-prm``."""

import json
import subprocess
import sys

import gymnasium as gym
import pytest

from deepgym_env import load_task
from deepgym_env.wrappers.episode_logger import EpisodeLogger

RIGHT = load_task("reverse_string").reference
SAME = "def reverse_string(s): return s"  # right for palindromes
GOOD = "def square(x): return x * x"
BAD = "def square(x): return 9"  # right for one of the public tests


@pytest.fixture(scope="module")
def lines(tmp_path_factory):
    """The lines of a log: repaired, solved at once, given up."""
    path = tmp_path_factory.mktemp("log") / "log.jsonl"
    env = EpisodeLogger(gym.make("DeepGym/reverse_string", max_turns=2), path)
    for seed, actions in enumerate(([SAME, RIGHT], [RIGHT], [SAME, SAME])):
        env.reset(seed=seed)
        for action in actions:
            env.step(action)
    env.close()
    return path.read_text().splitlines()


@pytest.fixture
def log(tmp_path, lines):
    path = tmp_path / "log.jsonl"
    path.write_text("\n".join([*lines, ""]))
    return path


def edit(path, number, change):
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    change(rows[number - 1])
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))


def rows(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path, *lines):
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


# ── replay ────────────────────────────────────────────────────────────────────────────────────────


def test_replay_proves_a_log(deepgym, log):
    result = deepgym("replay", log)
    assert result.exit_code == 0, result.output
    assert result.stdout == "3 of 3 episodes equal (5 turns run)\n"
    assert "3/3" in result.stderr, "the progress bar is on stderr"


def test_replay_reads_full_files_and_ignores_a_torn_line(deepgym, log, lines):
    log.with_name("log.jsonl.1").write_text(lines[0] + "\n")
    log.write_text(lines[1] + "\n" + lines[2][:100])
    result = deepgym("replay", log, "--json")
    assert result.exit_code == 0, result.output
    shown = json.loads(result.stdout)
    assert [(row["episode"], row["turns"]) for row in shown["results"]] == [(1, 2), (2, 1)]
    assert {key: shown[key] for key in ("episodes", "turns", "equal", "different", "no_verdict", "unreplayable")} == {
        "episodes": 2,
        "turns": 3,
        "equal": 2,
        "different": 0,
        "no_verdict": 0,
        "unreplayable": 0,
    }


def test_replay_reports_the_first_difference_and_exits_with_1(deepgym, log):
    edit(log, 3, lambda row: row["turns"][1].update(observation="All \x1b[2J[bold] passed."))
    result = deepgym("replay", log)
    assert result.exit_code == 1
    assert "episode 3 (reverse_string), turn 2: different  observation, but all rewards are equal" in result.stdout
    assert r'logged   "All \u001b[2J[bold] passed."' in result.stdout
    assert "2 of 3 episodes equal" in result.stdout
    shown = json.loads(deepgym("replay", log, "--json", "--episode", "3").stdout)
    (row,) = shown["results"]
    assert (row["status"], row["turn"], row["turns"], row["what"]) == ("different", 2, 1, "observation")
    assert deepgym("replay", log, "--episode", "2").exit_code == 0


def test_replay_without_a_sandbox_exits_with_3(deepgym, log, no_sandbox):
    result = deepgym("replay", log, "--json")
    assert result.exit_code == 3
    assert json.loads(result.stdout)["no_verdict"] == 3
    assert "3 episodes have no verdict; `deepgym doctor`" in result.stderr


def test_replay_of_what_can_not_be_replayed_exits_with_2(deepgym, log):
    edit(log, 1, lambda row: row.update(env=None))
    result = deepgym("replay", log)
    assert result.exit_code == 2
    assert "episode 1 (reverse_string): unreplayable  the log has no spec" in result.stdout
    edit(log, 2, lambda row: row["turns"][0].update(observation="?"))
    assert deepgym("replay", log).exit_code == 1, "a difference weighs more"


@pytest.mark.parametrize("command", [["replay"], ["export", "--to", "sft", "-o", "out"]])
def test_bad_logs_are_one_line(refused, tmp_path, monkeypatch, log, command):
    monkeypatch.chdir(tmp_path)
    assert "none: No such file" in refused(*command, tmp_path / "none")
    assert "Is a directory" in refused(*command, tmp_path)
    empty = tmp_path / "empty"
    empty.write_text("")
    assert "no episodes; EpisodeLogger writes each when it ends" in refused(*command, empty)
    log.write_text('{"id": 1}\n')
    result = refused_after_progress(command, log)
    assert "line 1 is no episode: the episode has no 'schema_version'" in result
    assert not (tmp_path / "out").exists()


def refused_after_progress(command, log):
    done = subprocess.run(
        [sys.executable, "-m", "deepgym_env.cli", *command, str(log)], capture_output=True, text=True, timeout=120
    )
    assert (done.returncode, done.stdout) == (2, "")
    return done.stderr


def test_replay_of_an_episode_that_is_not_there(refused, log):
    assert "no episode 4, there are 3" in refused("replay", log, "--episode", "4")


# ── export ────────────────────────────────────────────────────────────────────────────────────────


def test_export_writes_each_format(deepgym, log, tmp_path):
    pytest.importorskip("pyarrow")
    pytest.importorskip("minari")
    pytest.importorskip("h5py")
    for to in ("sft", "prm", "trl", "parquet", "minari"):
        out = tmp_path / f"{to}-v0"
        result = deepgym("export", log, "--to", to, "-o", out)
        assert result.exit_code == 0, result.output
        assert result.stdout == f"3 of 3 episodes in {out}\n"
        assert out.is_dir() == (to == "minari")
    assert [row["labels"] for row in rows(tmp_path / "prm-v0")] == [[True, True], [True], [True, False]]


def test_export_selects(deepgym, refused, log, tmp_path):
    out = tmp_path / "out"
    for options, count in ((["--only-passed"], 2), (["--min-score", "0.01"], 3), (["--min-score", "1"], 2)):
        result = deepgym("export", log, "--to", "sft", "-o", out, *options)
        assert result.stdout == f"{count} of 3 episodes in {out}\n", result.output
        assert len(rows(out)) == count
    before = out.read_text()
    result = deepgym("export", log, "--to", "sft", "-o", out, "--min-score", "2")
    assert result.exit_code == 2
    assert "no episode to export" in result.stderr
    assert out.read_text() == before


def test_export_never_overwrites_the_log(refused, deepgym, log, lines):
    full = log.with_name("log.jsonl.1")
    full.write_text(lines[0] + "\n")
    for out in (log, full):
        assert "another file than LOG" in refused("export", log, "--to", "sft", "-o", out)
    assert full.read_text() == lines[0] + "\n"


def test_export_knows_its_formats(refused, log, tmp_path):
    assert "'csv'" in refused("export", log, "--to", "csv", "-o", tmp_path / "out")
    assert "--output" in refused("export", log, "--to", "sft")


# ── generate-prm ──────────────────────────────────────────────────────────────────────────────────


def test_generate_prm_labels_attempts_by_running_them(deepgym, square_task, tmp_path):
    solutions = write(
        tmp_path / "samples.jsonl",
        {"attempts": [BAD, BAD, GOOD]},
        GOOD,
        {"completion": f"```python\n{BAD}\n```", "id": 3},
        {"completions": ["x = 1"], "task": "square"},
    )
    solutions.write_bytes(b"\xef\xbb\xbf" + solutions.read_bytes().replace(b"\n", b"\r\n\n"))
    out = tmp_path / "prm.jsonl"
    result = deepgym("generate-prm", square_task, "--solutions", solutions, "-o", out, "--workers", 1)
    assert result.exit_code == 0, result.output
    assert result.stdout == f"4 rows, 4 of 6 steps good, in {out}\n"
    assert "6/6" in result.stderr
    prompt = "Write `square(x)`.\n"
    assert rows(out) == [
        {"prompt": prompt, "completions": [BAD, BAD, GOOD], "labels": [True, False, True]},
        {"prompt": prompt, "completions": [GOOD], "labels": [True]},
        {"prompt": prompt, "completions": [f"```python\n{BAD}\n```"], "labels": [True]},
        {"prompt": prompt, "completions": ["x = 1"], "labels": [False]},
    ]


def test_generate_prm_without_a_sandbox_writes_nothing(deepgym, square_task, tmp_path, no_sandbox):
    out = tmp_path / "prm.jsonl"
    result = deepgym("generate-prm", square_task, "--solutions", write(tmp_path / "s", GOOD), "-o", out)
    assert result.exit_code == 3
    assert "error: " in result.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["s", "square"]


def test_generate_prm_names_bad_lines(refused, square_task, tmp_path):
    solutions = write(
        tmp_path / "s", GOOD, 7, {"x": 1}, {"attempts": []}, {"code": ["x"]}, {"code": "x", "task": "two_sum"}
    )
    with solutions.open("a") as file:
        file.write("{\n")
    line = refused("generate-prm", square_task, "--solutions", solutions, "-o", tmp_path / "out")
    for told in (
        "6 malformed, nothing was run",
        "line 2: must be a JSON object or text",
        "line 3: no solution under completions, attempts, completion",
        "line 4: `attempts` must be a list of texts, at least one",
        "line 5: `code` must be text",
        "line 6: is for task 'two_sum', not 'square'",
        "and 1 more",
    ):
        assert told in line
    assert "no solutions" in refused("generate-prm", square_task, "--solutions", write(tmp_path / "e"), "-o", "out")
    good = write(tmp_path / "good", GOOD)
    assert "another file" in refused("generate-prm", square_task, "--solutions", good, "-o", good)


@pytest.mark.parametrize("command", ["replay", "export", "generate-prm"])
def test_help_has_examples(deepgym, command):
    result = deepgym(command, "--help")
    assert result.exit_code == 0
    assert f"deepgym {command} " in result.stdout
    assert "Examples" in result.stdout
