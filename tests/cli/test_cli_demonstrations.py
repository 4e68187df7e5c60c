"""``deepgym bench`` and ``deepgym quickstart``."""

import json

from deepgym_env import load_task


def test_bench_measures_distinct_submissions(deepgym):
    result = deepgym("bench", "--task", "two_sum", "--runs", 5, "--workers", 1, "--json")
    assert result.exit_code == 0, result.output
    figures = json.loads(result.stdout)
    assert (figures["task"], figures["runs"], figures["workers"]) == ("two_sum", 5, 1)
    assert figures["tests"] == len(load_task("two_sum").tests)
    assert 0 < figures["latency_ms"]["median"] <= figures["latency_ms"]["p95"] <= figures["latency_ms"]["max"]
    assert figures["submissions_per_second"] > 0
    assert result.stderr.count("5/5") == 2


def test_bench_for_people(deepgym, square_task):
    result = deepgym("bench", "--task", square_task, "--runs", 1)
    assert result.exit_code == 0, result.output
    assert "submissions/s" in result.stdout
    assert "median" in result.stdout


def test_bench_needs_a_reference_that_passes(refused, deepgym, square_task):
    square_task.joinpath("reference.py").write_text("def square(x): return 1")
    result = deepgym("bench", "--task", square_task, "--runs", 1)
    assert result.exit_code == 2
    assert "does not pass its own tests" in result.stderr
    square_task.joinpath("reference.py").unlink()
    assert "has no reference.py" in refused("bench", "--task", square_task)


def test_bench_without_a_sandbox(deepgym, no_sandbox):
    result = deepgym("bench", "--runs", 1)
    assert (result.exit_code, result.stdout) == (3, "")
    assert "error: no verdict: can't start" in result.stderr


def test_quickstart_plays_an_episode_to_full_score(deepgym, coin_change):
    result = deepgym("quickstart")
    assert (result.exit_code, result.stderr) == (0, ""), result.output
    text = result.stdout
    wrong, right = text.index("terminated False"), text.index("terminated True")
    assert wrong < text.index(f"All {len(coin_change.tests)} tests passed.") < right
    assert "1.0 True" in text
    for test in coin_change.tests:
        assert any(line.split()[:1] == [test.id] and " passed" in line for line in text.splitlines())
    assert "isolation level" in text
    assert text.index("Next steps") < text.index("deepgym list")


def test_quickstart_without_a_sandbox_says_only_that(refused, no_sandbox):
    assert "deepgym doctor" in refused("quickstart", code=3)
