"""The index: what is in logs that grow, turn over, tear, and hold what is no episode."""

from __future__ import annotations

import json
import os
import shutil

import pytest
from viewer_episodes import hostile, line_of, made_up, turn, write_log

from deepgym_env import DeepGym, RunResult, load_task
from deepgym_env.cli.completions import Completion
from deepgym_env.cli.result_log import ResultLog, record_of
from deepgym_env.episodes import EpisodeWriter, read_episodes
from deepgym_env.errors import ConfigError
from deepgym_env.viewer import RunFolder
from deepgym_env.viewer.selection import Filters


def follow(path):
    return RunFolder(path, seconds_between=0)


def seeds(runs):
    runs.refresh()
    return [each.seed for each in runs.summaries]


def test_a_folder_holds_the_episodes_of_all_its_logs(played):
    runs = follow(played)
    read = [episode for log in ("functions.jsonl", "deep/workspaces.jsonl") for episode in read_episodes(played / log)]
    assert [runs.episode(each.id) for each in runs.summaries] == sorted(read, key=lambda each: each.wall["began"])
    assert {each.log for each in runs.summaries} == {"functions.jsonl", "deep/workspaces.jsonl"}
    assert [each.outcome for each in runs.summaries] == ["passed", "passed", "unfinished", "passed"]
    assert runs.problems == []
    assert seeds(follow(played / "functions.jsonl")) == [0, 1, 2]


def test_what_is_appended_appears_and_ids_stay_when_a_full_file_is_renamed(tmp_path):
    path = tmp_path / "log.jsonl"
    writer = EpisodeWriter(path, max_bytes=4000)
    writer.append(made_up(seed=0))
    runs = follow(tmp_path)
    known = {}
    for seed in range(1, 12):
        writer.append(made_up(seed=seed, wall={}))
        assert seeds(runs) == list(range(seed + 1))
        now = {each.seed: each.id for each in runs.summaries}
        assert known.items() <= now.items()
        known = now
    assert (tmp_path / "log.jsonl.2").exists()
    assert seeds(follow(path)) == list(range(12))
    assert [runs.episode(identity).seed for identity in known.values()] == list(range(12))


def test_only_what_is_new_is_read(tmp_path, monkeypatch):
    path = write_log(tmp_path / "log", *(made_up(seed=seed) for seed in range(3)))
    runs = follow(path)
    parsed = []
    monkeypatch.setattr("deepgym_env.viewer.index.summarize", lambda *args: parsed.append(args) or None)
    runs.refresh()
    assert parsed == []


def test_a_torn_line_is_told_of_until_it_is_whole(tmp_path):
    path = write_log(tmp_path / "log", made_up(seed=0))
    line = line_of(made_up(seed=1)).encode()
    whole = path.read_bytes()
    runs = follow(path)
    for cut in (1, 40, len(line) - 2):
        path.write_bytes(whole + line[:cut])
        assert seeds(runs) == [0]
        (problem,) = runs.problems
        assert (problem.log, problem.line) == ("log", 2)
        assert "not finished" in problem.message
    path.write_bytes(whole + line[:-1])  # only the line feed is missing
    assert seeds(runs) == [0, 1]
    EpisodeWriter(path).append(made_up(seed=2))
    assert seeds(runs) == [0, 1, 2]
    assert runs.problems == []


def test_lines_of_another_kind_are_told_of_and_left_out(tmp_path):
    path = tmp_path / "log.jsonl"
    good = made_up(seed=5)
    forged = [
        "[]",
        "not json",
        "{}",
        "[" * 100_000,
        line_of(good, score=0.25).strip(),
        line_of(good, turns=[]).strip(),
        line_of(good, turns=[{"action": 1}]).strip(),
        line_of(good, schema_version="7.0").strip(),
        '{"schema_version": "1.0", "score": ' + "9" * 5000 + "}",
        line_of(made_up(turn("a", "b", score=1)), score=10**400).strip(),
        json.dumps({**good.to_json(), "turns": [{**good.to_json()["turns"][0], "reward": [10**400]}]}),
        "\udcff",
    ]
    with path.open("w", encoding="utf-8", errors="surrogateescape") as file:
        for row in forged:
            file.write(line_of(good) + row + "\n\n")
    runs = follow(path)
    assert seeds(runs) == [5] * len(forged)
    assert len({each.id for each in runs.summaries}) == len(forged)  # the same line again is another episode
    assert [problem.line for problem in runs.problems] == [2 + 3 * index for index in range(len(forged))]


def test_of_very_many_wrong_lines_some_are_told(tmp_path):
    path = write_log(tmp_path / "log.jsonl", made_up())
    with path.open("a") as file:
        file.write("?\n" * 500)
    problems = follow(path).problems
    assert len(problems) == 51
    assert problems[-1].message == "450 more lines are no episodes"


def test_other_files_in_a_folder_are_no_logs(tmp_path):
    write_log(tmp_path / "log.jsonl", made_up())
    (tmp_path / "data.jsonl").write_text('{"text": "?"}\n')
    (tmp_path / "weights.bin").write_bytes(b"\0" * 100)
    (tmp_path / "empty.jsonl").touch()
    (tmp_path / ".cache").mkdir()
    write_log(tmp_path / ".cache" / "log.jsonl", made_up(seed=9))
    os.mkfifo(tmp_path / "pipe.jsonl")
    (tmp_path / "loop").symlink_to(tmp_path)
    (tmp_path / "gone.jsonl").symlink_to(tmp_path / "nothing")
    runs = follow(tmp_path)
    assert seeds(runs) == [1]
    assert [(each.log, each.message) for each in runs.problems] == [("data.jsonl", "no log of episodes: left out")]
    write_log(tmp_path / "empty.jsonl", made_up(seed=2))
    assert sorted(seeds(runs)) == [1, 2]


def test_a_file_replaced_or_cut_short_is_read_anew(tmp_path):
    path = write_log(tmp_path / "log", made_up(seed=0), made_up(seed=1))
    runs = follow(path)
    old = runs.summaries[1].id
    path.write_text(line_of(made_up(seed=7, task="another")))
    with pytest.raises(LookupError, match="any more"):
        runs.episode(old)
    assert seeds(runs) == [7]
    assert runs.get(old) is None
    path.write_text(line_of(made_up(seed=8, task="a third one")) * 4)
    assert seeds(runs) == [8] * 4
    path.unlink()
    assert seeds(runs) == []
    shutil.copy(write_log(tmp_path / "new", made_up(seed=3)), path)
    assert seeds(runs) == [3]


def test_a_copy_of_a_log_counts_once(tmp_path):
    write_log(tmp_path / "a", made_up(seed=0), made_up(seed=1))
    shutil.copy(tmp_path / "a", tmp_path / "b")
    assert len(follow(tmp_path).summaries) == 2


def test_nothing_there_is_an_error_that_says_what_to_give(tmp_path):
    with pytest.raises(ConfigError, match="give a log that EpisodeLogger wrote, or a folder"):
        RunFolder(tmp_path / "no" / "such")
    assert follow(tmp_path).summaries == []


def test_results_of_an_evaluation_are_episodes_of_one_turn(tmp_path):
    task = load_task("reverse_string")
    completions = {"right": task.reference, "wrong": "def reverse_string(s): return s"}
    with ResultLog(tmp_path / "results.jsonl") as log, DeepGym(workers=1) as engine:
        for name, code in completions.items():
            log.append(record_of(Completion(name, task, code, "0" * 64), engine.run(task, code)))
        lost = RunResult(task_id=task.id, status="infrastructure_error", cases=(), details="The sandbox failed.")
        log.append(record_of(Completion("lost", task, "", "0" * 64), lost))
    with (tmp_path / "results.jsonl").open("a") as file:
        file.write('{"id": 1, "task": "toy", "sha256": "?"}\n')
    runs = follow(tmp_path)
    assert [each.outcome for each in runs.summaries] == ["passed", "failed", "no_verdict"]
    right, wrong, lost = runs.summaries
    assert (right.score, lost.score) == (1.0, None)
    assert 0 < wrong.score < 1
    assert len(wrong.tests) == len(task.tests)
    assert "completion 'wrong'" in runs.episode(wrong.id).turns[0].action
    assert [each.line for each in runs.problems] == [4]


def test_episodes_without_a_verdict_have_no_score(tmp_path):
    lost = turn("x", "The sandbox failed", before=0.5, has_verdict=False, score=0.5, passed=False)
    path = write_log(tmp_path / "log", made_up(turn("x", "y", "passed", "wrong_answer"), lost, end="truncated"))
    (summary,) = follow(path).summaries
    assert (summary.outcome, summary.score, summary.scores) == ("no_verdict", None, (0.5, None))
    assert not summary.judged


@pytest.mark.parametrize(
    ("end", "passed", "outcome"),
    [
        ("terminated", True, "passed"),
        ("closed", True, "passed"),
        ("terminated", False, "failed"),
        ("truncated", False, "failed"),
        ("closed", False, "unfinished"),
        ("reset", False, "unfinished"),
    ],
)
def test_outcomes(tmp_path, end, passed, outcome):
    status = "passed" if passed else "timeout"
    (summary,) = follow(write_log(tmp_path / "log", made_up(turn("a", "b", status), end=end))).summaries
    assert summary.outcome == outcome


def test_an_environment_that_tells_nothing_of_tests(tmp_path):
    plain = made_up(turn(3, [0.1, 0.2]), tools=[], task=None)
    for each in plain.turns:
        each.info.clear()
    (summary,) = follow(write_log(tmp_path / "log", plain)).summaries
    assert (summary.outcome, summary.score, summary.task, summary.tests) == ("untold", None, "", ())


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ({}, [3, 2, 1, 0]),
        ({"sort": "oldest"}, [0, 1, 2, 3]),
        ({"sort": "worst"}, [1, 2, 0, 3]),
        ({"sort": "best"}, [0, 2, 1, 3]),
        ({"sort": "longest"}, [2, 0, 1, 3]),
        ({"task": "other"}, [2]),
        ({"outcome": "failed"}, [1]),
        ({"verdict": "no"}, [3]),
        ({"verdict": "yes", "sort": "oldest"}, [0, 1, 2]),
        ({"signs": "yes"}, [1]),
        ({"log": "b"}, [3, 2]),
        ({"q": "NEEDLE"}, [1]),
        ({"q": "naïve ♥"}, [2]),
        ({"q": "two\nlines"}, [2]),
        ({"q": '"quoted"'}, [2]),
        ({"q": "schema_version"}, []),
        ({"q": "other"}, [2]),
        ({"q": "3"}, [3]),
        ({"q": "wrong_ans", "log": "a"}, [1]),
        ({"q": "NEEDLE", "outcome": "passed"}, []),
    ],
)
def test_filters(tmp_path, given, wanted):
    signs = {"suspicious": True, "tampered": True}
    write_log(
        tmp_path / "a",
        made_up(seed=0, wall={"began": 1.0}),
        made_up(
            turn("find the needle", "no", "passed", "wrong_answer", hack_report=signs, score=0.0),
            seed=1,
            wall={"began": 2.0},
        ),
    )
    told = 'naïve ♥ "quoted" two\nlines'
    write_log(
        tmp_path / "b",
        made_up(turn(), turn("a", told, "passed", "timeout"), task="other", seed=2, end="closed", wall={"began": 3.0}),
        made_up(turn("a", "b", has_verdict=False), seed=3, end="truncated", wall={"began": 4.0}),
    )
    assert [each.seed for each in Filters.of(given).apply(follow(tmp_path)).episodes] == wanted


def test_filters_that_make_no_sense_are_refused():
    for given, message in [
        ({"sort": "x"}, "sort must be one of newest, oldest"),
        ({"outcome": "x"}, "outcome must be one of passed"),
        ({"page": "0"}, "page must be a number from 1, got '0'"),
        ({"page": "1e3"}, "page must be a number"),
        ({"page": "²"}, "page must be a number"),
    ]:
        with pytest.raises(ConfigError, match=message):
            Filters.of(given)


def test_pages_of_a_list(tmp_path):
    runs = follow(write_log(tmp_path / "log", *(made_up(seed=seed, wall={}) for seed in range(120))))
    pages = [Filters(page=number).apply(runs) for number in (1, 2, 3, 99)]
    assert [len(each.episodes) for each in pages] == [50, 50, 20, 20]
    assert [each.page for each in pages] == [1, 2, 3, 3]
    assert [each.seed for each in pages[2].episodes] == list(range(19, -1, -1))


def test_hostile_episodes_have_summaries(tmp_path):
    (summary,) = follow(write_log(tmp_path / "log", hostile("script"))).summaries
    assert summary.signs == ("tampered", "suspect names")
    assert summary.seconds is None
