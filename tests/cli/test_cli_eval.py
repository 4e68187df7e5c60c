"""``deepgym eval``: reading, judging, the results file, resuming."""

import fcntl
import hashlib
import json
import os
import signal
import time

import pytest

from deepgym_env import AsyncDeepGym, load_task
from deepgym_env.cli.completions import FIELDS
from deepgym_env.cli.evaluation_summary import summarize
from deepgym_env.result import RunResult

GOOD = "def square(x): return x * x"
BAD = "def square(x): return 9"  # right for one of the public tests


@pytest.fixture
def folder(tmp_path):
    place = tmp_path / "eval"
    place.mkdir()
    return place


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def read(path):
    text = path.read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def by_id(rows):
    return {row["id"]: row for row in rows}


def test_results_come_line_by_line_in_the_documented_form(deepgym, folder, square_task):
    samples = write(folder / "samples.jsonl", [{"completion": GOOD}, {"completion": BAD, "id": "b"}])
    result = deepgym("eval", square_task, "--solutions", samples, "--workers", 1)
    assert result.exit_code == 0, result.output
    rows = by_id(read(folder / "samples.results.jsonl"))
    assert rows["b"] == {
        "id": "b",
        "task": "square",
        "sha256": hashlib.sha256(BAD.encode()).hexdigest(),
        "score": pytest.approx(1 / 3),
        "passed": False,
        "status": "wrong_answer",
        "has_verdict": True,
        "cases": [
            {"id": "three", "status": "passed", "score": 1.0},
            {"id": "one", "status": "wrong_answer", "score": 0.0},
            {"id": "secret", "status": "wrong_answer", "score": 0.0},
        ],
        "reward_components": {"correctness": pytest.approx(1 / 3)},
        "seed": 0,
        "details": "1 of 3 tests passed",
    }
    assert rows[1]["passed"]
    assert "0.500 (1 of 2)" in result.stdout
    assert "pass@1" in result.stdout
    assert "2/2" in result.stderr, "the progress bar is on stderr"


def test_every_field_ids_tasks_and_blank_lines(deepgym, folder, square_task):
    two_sum = load_task("two_sum").reference
    rows = [{field: GOOD, "id": field} for field in FIELDS]
    rows += [{"code": two_sum, "task": "two_sum", "id": 1.5}, {"code": two_sum, "task": "DeepGym/two_sum", "id": None}]
    samples = write(folder / "s.jsonl", rows)
    samples.write_bytes(b"\xef\xbb\xbf" + samples.read_bytes().replace(b"\n", b"\r\n\n"))
    result = deepgym("eval", square_task, "--solutions", samples, "--output", folder / "out", "--json")
    assert result.exit_code == 0, result.output
    summary = json.loads(result.stdout)
    assert (summary["n"], summary["pass_rate"], summary["pass_at_1"]) == (7, 1.0, 1.0)
    assert {name: figures["n"] for name, figures in summary["tasks"].items()} == {"square": 5, "two_sum": 2}
    assert {(row["id"], row["task"]) for row in read(folder / "out")} == {
        *((field, "square") for field in FIELDS),
        (1.5, "two_sum"),
        (13, "two_sum"),
    }


def test_field_option_and_odd_text(deepgym, folder, square_task):
    rows = [{"text": GOOD + "  # \u2028 \x85", "completion": BAD}, {"text": f"x = '\ud800'\n{GOOD}"}, {"text": ""}]
    samples = write(folder / "s.jsonl", rows)
    result = deepgym("eval", square_task, "--solutions", samples, "--field", "text", "--json")
    assert result.exit_code == 0, result.output
    rows = by_id(read(folder / "s.results.jsonl"))
    assert rows[1]["passed"]
    assert rows[2]["has_verdict"]
    assert rows[3]["status"] == "no_code"


def test_equal_completions_are_told_apart_when_resuming(deepgym, folder, square_task):
    samples = write(folder / "s.jsonl", [{"code": GOOD, "id": "same"}] * 3)
    out = folder / "s.results.jsonl"
    assert deepgym("eval", square_task, "--solutions", samples).exit_code == 0
    whole = read(out)
    assert len(whole) == 3
    out.write_text(json.dumps(whole[0]) + "\n")
    result = deepgym("eval", square_task, "--solutions", samples, "--json")
    assert json.loads(result.stdout)["resumed"] == 1
    assert read(out) == whole


def test_a_finished_evaluation_runs_nothing_again(deepgym, folder, square_task, request):
    samples = write(folder / "s.jsonl", [{"code": GOOD}, {"code": BAD}])
    first = deepgym("eval", square_task, "--solutions", samples, "--json")
    before = (folder / "s.results.jsonl").read_bytes()
    request.getfixturevalue("no_sandbox")  # nothing could be run from here on
    again = deepgym("eval", square_task, "--solutions", samples, "--json")
    assert again.exit_code == 0, again.output
    assert json.loads(again.stdout) == {**json.loads(first.stdout), "resumed": 2}
    assert (folder / "s.results.jsonl").read_bytes() == before


def test_another_seed_or_completion_is_judged_anew(deepgym, folder, square_task):
    samples = write(folder / "s.jsonl", [{"code": GOOD}])
    for _ in range(2):
        deepgym("eval", square_task, "--solutions", samples)
        deepgym("eval", square_task, "--solutions", samples, "--seed", 3)
    write(samples, [{"code": BAD}])
    result = deepgym("eval", square_task, "--solutions", samples, "--json")
    assert json.loads(result.stdout)["resumed"] == 0
    rows = read(folder / "s.results.jsonl")
    assert [(row["seed"], row["passed"]) for row in rows] == [(0, True), (3, True), (0, False)]


@pytest.mark.parametrize("cut", ["newline", "middle", "opening", "one_byte", "first_line"])
def test_an_interrupted_results_file_is_completed(deepgym, folder, square_task, cut):
    codes = [GOOD, BAD, "def square(x): return None", "def square(x): return x"]
    samples = write(folder / "s.jsonl", [{"code": code} for code in codes])
    out = folder / "s.results.jsonl"
    assert deepgym("eval", square_task, "--solutions", samples).exit_code == 0
    whole = out.read_bytes()
    last = whole[:-1].rindex(b"\n") + 1
    ends = {"newline": len(whole) - 1, "middle": last + 50, "opening": last + 4, "one_byte": last + 1, "first_line": 40}
    out.write_bytes(whole[: ends[cut]])
    result = deepgym("eval", square_task, "--solutions", samples, "--json")
    assert result.exit_code == 0, result.output
    assert "torn last line was dropped" in result.stderr
    assert json.loads(result.stdout)["resumed"] == (0 if cut == "first_line" else 3)
    expected = [json.loads(line) for line in whole.splitlines()]
    assert by_id(read(out)) == by_id(expected)
    assert len(read(out)) == len(expected)


def test_rows_without_a_verdict_are_run_again(deepgym, folder, square_task):
    samples = write(folder / "s.jsonl", [{"code": GOOD}, {"code": BAD}])
    out = folder / "s.results.jsonl"
    deepgym("eval", square_task, "--solutions", samples)
    rows = read(out)
    lost = {"score": None, "passed": False, "status": "infrastructure_error", "has_verdict": False}
    write(out, [{**row, **lost} if row["id"] == 1 else row for row in rows])
    result = deepgym("eval", square_task, "--solutions", samples, "--json")
    summary = json.loads(result.stdout)
    assert (result.exit_code, summary["resumed"], summary["without_verdict"]) == (0, 1, 0)
    assert [row["has_verdict"] for row in read(out) if row["id"] == 1] == [False, True]


def test_missing_verdicts_exit_with_3_and_count_for_nothing(deepgym, folder, square_task, monkeypatch):
    judge = AsyncDeepGym.run

    async def lose_one(self, env, text):
        result = await judge(self, env, text)
        lost = RunResult(task_id=env.id, status="infrastructure_error", cases=result.cases, details="lost")
        return lost if text == BAD else result

    monkeypatch.setattr(AsyncDeepGym, "run", lose_one)
    samples = write(folder / "s.jsonl", [{"code": GOOD}, {"code": BAD}])
    result = deepgym("eval", square_task, "--solutions", samples)
    assert result.exit_code == 3
    assert "1 of 2 completions have no verdict" in result.stderr
    assert "1.000 (1 of 1)" in result.stdout
    row = by_id(read(folder / "s.results.jsonl"))[2]
    assert (row["has_verdict"], row["score"], row["details"]) == (False, None, "lost")


def test_a_sandbox_that_cannot_start_fails_once(deepgym, folder, square_task, no_sandbox):
    samples = write(folder / "s.jsonl", [{"code": GOOD}] * 5)
    result = deepgym("eval", square_task, "--solutions", samples)
    assert (result.exit_code, result.stdout) == (3, "")
    assert result.stderr.splitlines()[-1].startswith("error: can't start /nonexistent/python")
    assert (folder / "s.results.jsonl").read_bytes() == b""


def test_ctrl_c_keeps_what_is_judged_and_the_next_run_goes_on(shell, deepgym, folder, square_task):
    asleep = "import time\ntime.sleep(600)"
    samples = write(folder / "s.jsonl", [{"code": GOOD}, {"code": asleep}])
    out = folder / "s.results.jsonl"
    process = shell("eval", square_task, "--solutions", samples, "--workers", 1)
    while not (out.exists() and out.read_bytes().endswith(b"\n")):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert (process.returncode, stdout) == (130, b"")
    assert b"error: interrupted with 1 of 2 judged" in stderr
    assert b"Traceback" not in stderr
    write(samples, [{"code": GOOD}, {"code": BAD}])
    result = deepgym("eval", square_task, "--solutions", samples, "--json")
    assert json.loads(result.stdout)["resumed"] == 1
    assert [row["id"] for row in read(out)] == [1, 2]


def test_killed_outright_it_goes_on_too(shell, deepgym, folder, square_task):
    samples = write(folder / "s.jsonl", [{"code": GOOD}, {"code": "import time\ntime.sleep(600)"}])
    out = folder / "s.results.jsonl"
    process = shell("eval", square_task, "--solutions", samples, "--workers", 1)
    while not (out.exists() and out.read_bytes().endswith(b"\n")):
        assert process.poll() is None
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=60)
    write(samples, [{"code": GOOD}, {"code": BAD}])
    result = deepgym("eval", square_task, "--solutions", samples, "--json")
    assert (result.exit_code, json.loads(result.stdout)["resumed"]) == (0, 1)


def test_malformed_lines_are_named_before_anything_runs(refused, folder, square_task):
    lines = [
        '{"completion": "x = 1"}',
        '{"completion": 3}',
        "[]",
        "",
        '{"x": 1}',
        "{oops",
        '{"completion": "a", "task": "coin_chang"}',
        '{"completion": "a", "id": []}',
        '{"completion": "a", "task": 3}',
        "[" * 100_000,
    ]
    samples = folder / "s.jsonl"
    samples.write_text("\n".join(lines))
    line = refused("eval", square_task, "--solutions", samples)
    assert "8 malformed lines, nothing was run" in line
    for said in (
        "line 2: `completion` must be text, got a number",
        "line 3: must be a JSON object, got a list",
        "line 5: no completion under completion, solution, code, output or response",
        "line 6: not JSON",
        "line 7: no task 'coin_chang': did you mean 'coin_change'?",
        "and 3 more",
    ):
        assert said in line
    assert not (folder / "s.results.jsonl").exists()


def test_a_malformed_line_of_bytes_or_without_the_field(refused, folder, square_task):
    samples = folder / "s.jsonl"
    samples.write_bytes(b'{"code": "\xff"}\n')
    assert "line 1: not UTF-8 text" in refused("eval", square_task, "--solutions", samples)
    write(samples, [{"code": GOOD}])
    assert "line 1: no field 'text'; there are 'code'" in refused(
        "eval", square_task, "--solutions", samples, "--field", "text"
    )


def test_files_that_cannot_serve(refused, folder, square_task):
    samples = write(folder / "s.jsonl", [{"code": GOOD}])
    (folder / "empty.jsonl").write_text("\n")
    assert "no completions" in refused("eval", square_task, "--solutions", folder / "empty.jsonl")
    assert "No such file" in refused("eval", square_task, "--solutions", folder / "nope.jsonl")
    assert "Is a directory" in refused("eval", square_task, "--solutions", folder)
    assert "another file" in refused("eval", square_task, "--solutions", samples, "--output", samples)
    assert "--output takes" in refused("eval", square_task, "--solutions", samples, "--output", folder / "no" / "out")
    assert "--output takes" in refused("eval", square_task, "--solutions", samples, "--output", folder)


@pytest.mark.parametrize(
    "content",
    [
        b"my diary",
        b"{",
        b'{"a": 1}\n',
        b"dear diary\nmore",
        b'{"id": 1, "task": "square", "sha256": "x", "score": null, "passed": true, "status": "passed", '
        b'"has_verdict": true, "seed": 0}\n',
    ],
)
def test_a_file_of_something_else_is_left_alone(deepgym, refused, folder, square_task, content):
    samples = write(folder / "s.jsonl", [{"code": GOOD}])
    out = folder / "out"
    out.write_bytes(content)
    if content == b"{":  # might be the first byte of a torn line of ours
        assert deepgym("eval", square_task, "--solutions", samples, "--output", out).exit_code == 0
        return
    assert "is no result of deepgym eval" in refused("eval", square_task, "--solutions", samples, "--output", out)
    assert out.read_bytes() == content


def test_two_evaluations_do_not_share_a_results_file(refused, folder, square_task):
    samples = write(folder / "s.jsonl", [{"code": GOOD}])
    descriptor = os.open(folder / "s.results.jsonl", os.O_CREAT | os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert "another deepgym is writing to it" in refused("eval", square_task, "--solutions", samples)
    finally:
        os.close(descriptor)


def test_summary_without_any_verdict():
    record = {"task": "t", "has_verdict": False, "score": None, "passed": False, "status": "infrastructure_error"}
    summary = summarize([record, record])
    assert (summary["n"], summary["without_verdict"]) == (2, 2)
    assert summary["mean_score"] is summary["pass_rate"] is summary["pass_at_1"] is None


def test_pass_at_1_weighs_tasks_alike():
    def record(task, passed):
        return {"task": task, "has_verdict": True, "score": float(passed), "passed": passed, "status": "x"}

    summary = summarize([record("a", True), record("b", False), record("b", False), record("b", True)])
    assert summary["pass_at_1"] == pytest.approx((1 + 1 / 3) / 2)
    assert summary["pass_rate"] == 0.5
    assert summarize([record("a", True), record("b", False)])["pass_at_1"] is None
