"""What the pages are made of: calls, files, differences, heat maps, credit, a run over time, comparisons."""

from __future__ import annotations

import dataclasses
import unicodedata

import pytest
from viewer_episodes import made_up, turn, workspace_tools, write_log

from deepgym_env.viewer import RunFolder
from deepgym_env.viewer.calls import Call, answers, logged_tools, read_action
from deepgym_env.viewer.charts import chart, sparkline
from deepgym_env.viewer.comparison import compare
from deepgym_env.viewer.credit import credits_of
from deepgym_env.viewer.diffs import diff
from deepgym_env.viewer.files import Files
from deepgym_env.viewer.heatmap import heat_map, status_of
from deepgym_env.viewer.pages import episode_page
from deepgym_env.viewer.progress import progress
from deepgym_env.viewer.summary import summarize
from deepgym_env.viewer.text import excerpt, pieces, visible

SUBMITS = logged_tools(made_up().tools)
WORKS = logged_tools(workspace_tools())


def page_of(episode):
    return episode_page(episode, summarize(episode, "abc", "log"))


# ── text ─────────────────────────────────────────────────────────────────────────────────


def test_whatever_can_not_be_seen_is_spelled_out():
    hidden = [
        chr(code)
        for code in range(0x110000)
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") and chr(code) not in "\t\n"
    ]
    assert len(hidden) > 100_000
    shown = visible("".join(hidden))
    assert shown.isascii()
    assert shown.count("\\") == len(hidden)
    for text in ("plain", "tab\tline\n", "naïve 漢字 🙂 שלום עברית", "\\x1b"):
        assert visible(text) == text
        assert list(pieces(text)) == [(text, "")]


def test_long_texts_keep_both_ends():
    text = "".join(map(str, range(10_000)))
    short = excerpt(text, 100)
    assert text.startswith(short.head)
    assert text.endswith(short.tail)
    assert len(short.head) + len(short.tail) + short.left_out == short.length == len(text)


# ── what was done ────────────────────────────────────────────────────────────────────────


def test_submissions_are_found_in_every_form():
    code = "def f():\n    return 1\n"
    for action, text in [
        (f"First.\n```python\n{code}```\nThen.", "First.\n\nThen."),
        (code, ""),
        ({"name": "submit", "arguments": {"code": code}}, ""),
        (
            {
                "role": "assistant",
                "content": "First.",
                "tool_calls": [{"function": {"name": "submit", "arguments": '{"code": "def f():\\n    return 1\\n"}'}}],
            },
            "First.",
        ),
        (f"<submit><code>\n{code}\n</code></submit>", ""),
    ]:
        said = read_action(turn(action), SUBMITS)
        assert said.calls == (Call("submit", {"code": code}),), action
        assert said.text.split() == text.split()


def test_actions_that_call_nothing_are_shown_as_they_are():
    for action, info, text in [
        ("no call here", {"action_valid": False}, "no call here"),
        ({"name": 3}, {"action_valid": False}, '{\n  "name": 3\n}'),
        ({"x": 1}, {}, '{\n  "x": 1\n}'),
        ([1, 2], {}, "[\n  1,\n  2\n]"),
        (7, {}, "7"),
        (None, {}, "null"),
        ("", {}, ""),
    ]:
        said = read_action(turn(action, **info), SUBMITS)
        assert (said.text, said.calls) == (text, ())
        assert said.made == (not info)
    assert read_action(turn("a = 1"), {}).calls == ()
    lost = dataclasses.replace(turn(None), action_lost="ndarray")
    assert "ndarray" in read_action(lost, SUBMITS).text


def test_fenced_commands_are_calls_in_a_workspace():
    said = read_action(turn("Look:\n```bash\nls\n```\n"), WORKS)
    assert said.calls == (Call("bash", {"command": "ls\n"}),)


def test_answers_to_several_calls_are_told_apart():
    calls = (Call("bash", {}), Call("bash", {}), Call("submit", {}))
    told = "[1] bash\na\n[2] nothing\n\n[2] bash\nb\n\n[3] submit"
    assert answers(calls, told) == ["a\n[2] nothing", "b", ""]
    assert answers(calls, "[1] bash\nstopped") == ["stopped", "", ""]
    assert answers(calls[:1], told) == [told]


def test_files_are_put_together_from_calls():
    files = Files()

    def take(name, answer="Done.", **arguments):
        said = read_action(turn({"name": name, "arguments": arguments}), WORKS)
        (change,) = files.take(said, answer)
        return change and (change.path, change.before, change.after, bool(change.note))

    assert take("read_file", "one\ntwo\n", path="a.py") is None
    assert take("edit_file", path="./a.py", old="two", new="2") == ("a.py", "one\ntwo\n", "one\n2\n", False)
    assert take("edit_file", path="/workspace/a.py", old="one", new="1") == ("a.py", "one\n2\n", "1\n2\n", False)
    assert take("edit_file", "Error: not there", path="a.py", old="x", new="y") is None
    assert take("edit_file", path="b.py", old="x", new="y") == ("b.py", "x", "y", True)
    assert take("write_file", path="c.py", content="new\n") == ("c.py", "", "new\n", True)
    assert take("bash", command="sed -i s/1/9/ a.py") is None
    assert take("edit_file", path="a.py", old="2", new="3") == ("a.py", "1\n2\n", "1\n3\n", True)
    assert take("read_file", "9\n3\n", path="a.py") is None
    assert take("edit_file", path="a.py", old="9", new="1") == ("a.py", "9\n3\n", "1\n3\n", False)
    assert take("read_file", "a\n[... 9 characters left out ...]\nb", path="d.py") is None
    assert take("edit_file", path="d.py", old="a", new="b") == ("d.py", "a", "b", True)
    assert take("submit") is None
    assert {each.path: (each.before, each.after) for each in files.overall} == {
        "a.py": ("one\ntwo\n", "1\n3\n"),
        "c.py": ("", "new\n"),
    }
    assert files.written == {"a.py": "1\n3\n", "c.py": "new\n"}


def test_a_malformed_action_changes_no_file():
    said = read_action(
        turn({"name": "write_file", "arguments": {"path": "a", "content": "b"}}, action_valid=False), WORKS
    )
    files = Files()
    assert files.take(said, "No call was made") == [None]
    assert files.written == {}


# ── differences ──────────────────────────────────────────────────────────────────────────


def test_differences_have_line_numbers_and_gaps():
    old = "\n".join(map(str, range(40)))
    new = old.replace("\n5\n", "\nfive\n").replace("\n30\n", "\n")
    found = diff(old, new)
    assert (found.added, found.removed) == (1, 2)
    assert [(line.text, line.old, line.new) for line in found.lines if line.kind in ("added", "removed")] == [
        ("5", 6, None),
        ("five", None, 6),
        ("30", 31, None),
    ]
    assert [line.kind for line in found.lines].count("gap") == 1
    same = diff("a\r\n", "a\r\n")
    assert (same.lines, same.note) == ((), "nothing changed")
    assert [line.text for line in diff("a\x0cb", "a\x0cc").lines] == ["a\x0cb", "a\x0cc"]


def test_texts_made_to_be_slow_to_compare_are_not_compared():
    slow = "\n".join(str(index % 50) for index in range(2000))
    assert "too long to compare" in diff(slow, slow + "\nx").note
    assert "too long to compare" in diff("", "x\n" * 5000).note
    many = diff("", "\n".join(map(str, range(2000))))
    assert len(many.lines) == 600
    assert many.note == "1400 more lines"


# ── tests, turns, credit ─────────────────────────────────────────────────────────────────


def test_a_heat_map_tells_what_was_gained_lost_and_kept():
    turns = [
        turn("a", "b", "wrong_answer", "passed"),
        dataclasses.replace(
            turn("a", "b", "wrong_answer", "passed"),
            info={**turn("a", "b", "wrong_answer", "passed").info, "evaluated": False},
        ),
        turn("a", "b", has_verdict=False),
        turn("a", "b", "passed", "timeout"),
    ]
    heat = heat_map(turns)
    assert [(row.names, row.public) for row in heat.rows] == [(("t0",), True), (("t1",), False)]
    assert ["".join(cell.status.sign for cell in row.cells) for row in heat.rows] == ["✗✗?✓", "✓✓?T"]
    assert [[cell.change for cell in row.cells] for row in heat.rows] == [[0, 0, 0, 1], [1, 0, 0, -1]]
    assert [cell.fresh for cell in heat.rows[0].cells] == [True, False, True, True]
    assert {each.name for each in heat.legend} == {"passed", "wrong answer", "timeout", "no verdict"}
    assert status_of("<b>").style == "other"


def test_of_many_tests_those_with_one_history_share_a_row():
    heat = heat_map([turn("a", "b", *["passed"] * 300, *["crashed"] * 200)])
    assert [(row.public, len(row.names)) for row in heat.rows] == [(True, 1), (False, 299), (False, 200)]
    assert heat_map([]).rows == ()


def test_credit_telescopes_and_what_has_no_verdict_earns_nothing():
    first = turn("a", "b", "passed", "wrong_answer", "wrong_answer", "wrong_answer")
    lost = turn("a", "b", before=0.25, has_verdict=False)
    last = turn("a", "b", "wrong_answer", "passed", "passed", "passed", before=0.25)
    earned = credits_of([first, lost, last])
    assert [each.credit for each in earned] == [0.25, None, 0.5]
    assert [each.score for each in earned] == [0.25, None, 0.75]
    assert [each.reward for each in earned] == [0.25, None, 0.5]
    assert (earned[2].gained, earned[2].lost) == (("t1", "t2", "t3"), ("t0",))


def test_charts_stay_in_their_frame():
    drawn = chart({"a": [0.0, None, 1.0, 5.0], "b": [None] * 4}, ["1", "2", "3", "4"])
    assert [len(line.strokes) for line in drawn.lines] == [2, 0]
    assert all(0 <= point.x <= drawn.width and 0 <= point.y <= drawn.height for point in drawn.lines[0].points)
    assert chart({"a": []}, []).lines[0].points == ()
    assert chart({"a": [1e308, -1e308]}, ["1", "2"], percent=False).lines[0].points
    assert len(sparkline([0.5] * 100_000)[0].split()) == 400


# ── played ───────────────────────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def runs(played):
    return RunFolder(played)


def test_a_played_function(runs):
    summary = next(each for each in runs.summaries if each.seed == 0 and each.task == "reverse_string")
    page = episode_page(runs.episode(summary.id), summary)
    first, second, third = page.turns
    assert (first.valid, first.judged, first.calls) == (False, False, ())
    assert [call.name for call in second.calls] == ["submit"]
    assert second.text.head == "Let me see."
    assert second.calls[0].file is None  # a first submission is shown whole
    assert second.calls[0].long[0][1].head == "def reverse_string(s):\n    return s\n"
    (call,) = third.calls
    assert (call.file.path, call.file.diff.added, call.file.diff.removed) == ("submission", 1, 1)
    assert page.total == pytest.approx(1.0)
    assert [each.credit.score for each in page.turns] == list(summary.scores)
    assert third.end == "terminated"
    assert {cell.status.name for row in page.heat.rows for cell in row.cells[2:]} == {"passed"}
    assert page.env == "DeepGym/reverse_string"


def test_a_played_workspace(runs):
    summary = next(each for each in runs.summaries if each.task == "debug_fix")
    page = episode_page(runs.episode(summary.id), summary)
    assert [call.name for each in page.turns for call in each.calls] == [
        "read_file",
        "bash",
        *["edit_file"] * 4,  # judged after each, and solved by the last
    ]
    edits = [each.calls[0].file for each in page.turns[2:]]
    assert {each.path for each in edits} == {"stats.py"}
    assert all("shell command" in each.note for each in edits)  # unittest ran after it was read
    (whole,) = page.files
    assert whole.path == "stats.py"
    assert whole.diff.added >= sum(each.diff.added for each in edits) - 2
    assert page.heat.turns == len(page.turns) == 6
    assert page.turns[0].judged  # dense


def test_two_played_episodes(runs):
    one, other = (each for each in runs.summaries if each.task == "reverse_string" and each.seed in (1, 2))
    episodes = runs.episode(one.id), runs.episode(other.id)
    pages = episode_page(episodes[0], one), episode_page(episodes[1], other)
    found = compare(*episodes, pages)
    assert 0 < found.differ < len(found.tests)
    (file,) = found.files
    assert [line.text for line in file.diff.lines if line.kind == "added"] == ["    return s"]
    assert len(found.turns) == 1


def test_an_environment_without_tests_has_a_curve_of_rewards():
    plain = [dataclasses.replace(turn(3, [0.5]), reward=[1.0, 2.0], info={}) for _ in range(3)]
    page = page_of(made_up(*plain, tools=[], task=None, env=None))
    assert page.heat.rows == ()
    assert [point.value for point in page.curve.lines[0].points] == [3.0, 6.0, 9.0]
    assert page.total is None


def test_a_lost_episode_has_no_point_at_zero():
    page = page_of(made_up(turn("a", "b", has_verdict=False), end="truncated"))
    assert page.curve.lines[0].name == "score"
    assert page.curve.lines[0].points == ()
    assert page.total is None


# ── a run ────────────────────────────────────────────────────────────────────────────────


def test_a_run_over_time(tmp_path):
    signs = {"suspicious": True, "gap": 1.0, "memorised": 2, "suspect": [], "tampered": False}
    episodes = []
    for number in range(24):
        status = "passed" if number >= 12 else "wrong_answer"
        report = {"hack_report": signs} if number < 3 else {}
        each = turn("a", "b", status, **report)
        lost = turn("a", "b", has_verdict=False)
        made = made_up(
            lost if number == 23 else each,
            task="even" if number % 2 == 0 else "odd",
            end="reset" if number == 0 else "truncated",
            wall={"began": float(number), "seconds": 2.0},
        )
        episodes.append(made)
    run = progress(RunFolder(write_log(tmp_path / "log", *episodes)).summaries)
    assert (run.whole.episodes, run.whole.judged, run.whole.passed) == (24, 22, 11)
    assert run.whole.pass_rate == 0.5
    assert (run.whole.no_verdict, run.whole.suspicious) == (1, 3)
    assert run.labels[0] == "1–2"
    assert run.labels[-1] == "23–24"
    assert [span.pass_rate for span in run.spans] == [0.0] * 6 + [1.0] * 6
    assert [(each.task, each.whole.episodes, each.whole.judged) for each in run.tasks] == [
        ("even", 12, 11),
        ("odd", 12, 11),
    ]
    assert run.signs == (("special-cased", 3), ("memorised", 3))
    assert [each.began for each in run.suspects] == [2.0, 1.0, 0.0]
    assert [each.began for each in run.lost] == [23.0]
    assert (run.began, run.ended) == (0.0, 25.0)


def test_a_run_of_nothing_has_no_rate(tmp_path):
    assert progress([]).whole.pass_rate is None
    lost = made_up(turn("a", "b", has_verdict=False), end="truncated")
    run = progress(RunFolder(write_log(tmp_path / "log", lost)).summaries)
    assert (run.whole.pass_rate, run.whole.mean_score) == (None, None)
    assert run.chart.lines[0].points == ()
    assert run.chart.lines[2].points[0].value == 1.0
