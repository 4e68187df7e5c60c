from __future__ import annotations

import json

import gymnasium as gym
import numpy as np
import pytest
from published import HUMANEVAL, IDS, MBPP_PLUS, ROWS, UNPUBLISHED

from deepgym_env import benchmarks, load_environment
from deepgym_env.benchmarks.importing import CONVERTERS, import_benchmark
from deepgym_env.benchmarks.references import Referee, ReferenceFailed
from deepgym_env.benchmarks.rows import read_rows
from deepgym_env.envs import MixtureEnv, register_tasks
from deepgym_env.errors import ConfigError, StoreError, UnknownTaskError
from deepgym_env.task import Call, Limits


@pytest.mark.parametrize("name", ROWS)
def test_a_benchmark_is_imported_and_judged(name, published, engine):
    report = import_benchmark(name, [published(name)], engine=engine)
    assert (report.tasks, report.failures) == (1, ())
    task = load_environment(IDS[name])
    assert report.tests == len(task.tests) > 0
    if task.kind == "program" and engine.isolation().level != "full":
        pytest.skip("programs need namespaces: `deepgym doctor` says how to get them")
    assert engine.run(task, task.reference or UNPUBLISHED[name]).passed
    assert not engine.run(task, "def f(): pass").passed
    (entry,) = benchmarks.entries(IDS[name].partition("/")[0])
    assert (entry.id, entry.tests, entry.floor) == (task.id, len(task.tests), task.floor)


def test_every_benchmark_has_a_converter():
    assert set(CONVERTERS) == set(benchmarks.BENCHMARKS) == set(ROWS)


def test_plus_tests_are_the_different_inputs_with_the_reference_s_answers(published, engine):
    import_benchmark("humanevalplus", [published("humanevalplus")], engine=engine)
    task = load_environment("HumanEvalPlus/901")
    assert [test.id for test in task.tests] == ["base_0", "base_1", "plus_1", "plus_2", "plus_3", "plus_5"]
    assert [test.calls[0].expected for test in task.tests] == [2, 6, 3, 4, 5, 7]
    import_benchmark("mbppplus", [published("mbppplus")], engine=engine)
    assert [test.calls[0].args for test in load_environment("MBPPPlus/950").tests] == [
        *(((1, 2),), ((3,),)),
        *(((4, 5, 6),), ((),)),
    ]


def test_plus_inputs_are_drawn_the_same_way_with_the_same_names(published, engine):
    names = []
    for _ in range(2):
        import_benchmark("humanevalplus", [published("humanevalplus")], plus_inputs=3, engine=engine)
        names.append([test.id for test in load_environment("HumanEvalPlus/901").tests])
    assert names[0] == names[1]
    assert set(names[0]) < {"base_0", "base_1", *(f"plus_{n}" for n in range(6))}


def test_tolerances_are_evalplus_s(published, engine):
    halves = {**MBPP_PLUS, "task_id": "Mbpp/951", "canonical_solution": "def reverse(x): return sum(x) / 3"}
    import_benchmark("mbppplus", [published("mbppplus", halves)], engine=engine)
    task = load_environment("MBPPPlus/951")
    assert engine.run(task, "def reverse(x): return sum(x) / 3 + 1e-8").passed
    assert not engine.run(task, "def reverse(x): return sum(x) / 3 + 1e-5").passed


def test_what_no_converter_takes_is_reported_with_its_reason(published, engine):
    computes = {**HUMANEVAL, "task_id": "HumanEval/901", "test": "def check(candidate):\n    x = 1\n"}
    nonsense = {"task_id": "HumanEval/902"}
    report = import_benchmark("humaneval", [published("humaneval", computes, nonsense, HUMANEVAL)], engine=engine)
    assert report.tasks == 1
    reasons = {failure.row: failure.reason for failure in report.failures}
    assert "asserts nothing" in reasons["HumanEval/901"]
    assert "entry_point" in reasons["HumanEval/902"]
    assert "another row" in reasons["HumanEval/900"]


def test_a_further_converter_gets_what_the_first_can_t(published, engine, monkeypatch):
    first = CONVERTERS["humaneval"](None)
    data = import_benchmark("humaneval", [published("humaneval")], engine=engine)
    other = load_environment("HumanEval/900").model_copy(update={"id": "HumanEval/901", "title": "By another"})
    monkeypatch.setitem(CONVERTERS, "humaneval", lambda _: (*first, lambda row, referee: other))
    computes = {**HUMANEVAL, "task_id": "HumanEval/901", "test": "def check(candidate):\n    x = 1\n"}
    report = import_benchmark("humaneval", [published("humaneval", computes)], engine=engine)
    assert (data.tasks, report.tasks, report.failures) == (1, 2, ())
    assert load_environment("HumanEval/901").title == "By another"


@pytest.mark.parametrize(
    ("name", "sources", "options", "message"),
    [
        ("nonsense", ["x"], {}, "no benchmark 'nonsense': there are humaneval"),
        ("humaneval", ["missing.jsonl"], {}, "no file 'missing.jsonl'"),
        ("humaneval", [], {}, "takes a file"),
        ("humaneval", ["x"], {"plus_inputs": 3}, "humanevalplus"),
    ],
)
def test_bad_options_say_what_to_do(name, sources, options, message, engine):
    with pytest.raises(ConfigError, match=message):
        import_benchmark(name, sources, engine=engine, **options)


@pytest.mark.parametrize("text", ["", "[1]", "{", '"x"', "\x00"])
def test_a_file_of_another_form_is_refused(text, tmp_path, engine):
    (tmp_path / "file.json").write_text(text)
    with pytest.raises(ConfigError, match=r"file\.json"):
        import_benchmark("humaneval", [str(tmp_path / "file.json")], engine=engine)


def test_lines_end_at_line_feeds_alone(tmp_path, engine):
    odd = {**HUMANEVAL, "prompt": HUMANEVAL["prompt"].replace("Add one", "Add\u2028\x85 one")}
    (tmp_path / "file.jsonl").write_text(f"{json.dumps(odd, ensure_ascii=False)}\r\n\r\n", newline="")
    assert import_benchmark("humaneval", [str(tmp_path / "file.jsonl")], engine=engine).tasks == 1


@pytest.mark.parametrize(
    ("name", "split"), [("test2.jsonl", "test"), ("code_contests_valid.jsonl", "validation"), ("invalid.jsonl", None)]
)
def test_a_file_s_name_tells_its_split(tmp_path, name, split):
    (tmp_path / name).write_text(json.dumps(HUMANEVAL))
    assert [found for _, found in read_rows(str(tmp_path / name))] == [split]


def test_a_saved_data_set_is_read_with_its_splits(tmp_path, engine):
    datasets = pytest.importorskip("datasets")
    data = datasets.DatasetDict({"test": datasets.Dataset.from_list([HUMANEVAL])})
    data.save_to_disk(str(tmp_path / "saved"))
    import_benchmark("humaneval", [str(tmp_path / "saved")], engine=engine)
    assert "test" in load_environment("HumanEval/900").tags


# ── references ────────────────────────────────────────────────────────────────────────────


def test_references_are_asked_in_the_sandbox_and_once(tmp_path, engine):
    code = "import os, time\ndef f(x): return (os.getpid(), time.time_ns(), {'b': x, 'a': 1j})"
    calls = [Call(args=(1,)), Call(args=(2,))]
    first = Referee(engine, tmp_path).ask(code, "f", calls)
    assert Referee(engine, tmp_path).ask(code, "f", calls) == first
    assert list(first.values[1][2].items()) == [("a", 1j), ("b", 2)] or first.values[1][2] == {"a": 1j, "b": 2}
    for file in tmp_path.iterdir():
        file.write_bytes(file.read_bytes()[:-5])
    assert Referee(engine, tmp_path).ask(code, "f", calls).values[0][1] > first.values[0][1]


def test_a_reference_without_an_answer_is_no_reference(engine):
    with pytest.raises(ReferenceFailed, match="exception at input 1"):
        Referee(engine).ask("def f(x): return 1 / x", "f", [Call(args=(1,)), Call(args=(0,))], Limits())


# ── what is there afterwards ──────────────────────────────────────────────────────────────


def test_unknown_tasks_say_how_to_get_them(published, engine):
    with pytest.raises(UnknownTaskError, match="deepgym import humaneval --file"):
        load_environment("HumanEval/900")
    import_benchmark("humaneval", [published("humaneval")], engine=engine)
    with pytest.raises(UnknownTaskError, match="did you mean '900'"):
        load_environment("HumanEval/90")


def test_importing_again_replaces(published, engine):
    import_benchmark("humaneval", [published("humaneval", {**HUMANEVAL, "task_id": "HumanEval/1"})], engine=engine)
    assert len(benchmarks.imported("humaneval")) == 2
    import_benchmark("humaneval", [published("humaneval")], engine=engine)
    assert [entry.id for entry in benchmarks.imported("HumanEval")] == ["HumanEval/900"]


def test_a_damaged_store_is_named_with_its_fix(published, engine):
    file = import_benchmark("humaneval", [published("humaneval")], engine=engine).file
    whole = file.read_bytes()
    for damaged in (whole[:30], whole.replace(b'"format": 1', b'"format": 0'), b"", whole[:60] + b"x" + whole[61:]):
        file.write_bytes(damaged)
        with pytest.raises(StoreError, match=r"humaneval\.tasks .*deepgym import humaneval --file"):
            load_environment("HumanEval/900")
        assert list(benchmarks.entries()) == []
        assert len(benchmarks.problems()) == 1
    file.write_bytes(whole[:-9] + b"123456789")
    with pytest.raises(StoreError, match="no readable HumanEval/900"):
        load_environment("HumanEval/900")


def test_a_failed_import_leaves_the_store_alone(published, engine, home):
    import_benchmark("humaneval", [published("humaneval")], engine=engine)
    before = {path: path.read_bytes() for path in home.rglob("*.tasks")}
    with pytest.raises(RuntimeError, match="stopped"):
        import_benchmark("humaneval", [published("humaneval")], engine=engine, progress=_stop)
    assert {path: path.read_bytes() for path in home.rglob("*.tasks")} == before


def _stop(done, total):
    raise RuntimeError("stopped")


# ── as environments ───────────────────────────────────────────────────────────────────────


@pytest.fixture
def both(published, engine):
    import_benchmark("humanevalplus", [published("humanevalplus")], engine=engine)
    easy = {**ROWS["leetcode"][0], "task_id": "hard-tree", "meta": {"difficulty": "Hard"}}
    import_benchmark("leetcode", [published("leetcode", easy)], engine=engine)
    register_tasks(entry.id for entry in benchmarks.entries())
    yield
    for name in [name for name in gym.registry if name.startswith(("HumanEvalPlus/", "LeetCode/"))]:
        del gym.registry[name]


def test_gym_make_and_make_vec(both, engine):
    env = gym.make("HumanEvalPlus/901", engine=engine)
    prompt, info = env.reset(seed=0)
    assert "Add one to x" in prompt
    assert info["task"] == "HumanEvalPlus/901"
    reference = load_environment("HumanEvalPlus/901").reference
    _, reward, terminated, *_ = env.step(f"```python\n{reference}\n```")
    assert (reward.tolist(), terminated) == ([1.0] * 6, True)
    env.close()
    envs = gym.make_vec("LeetCode/mirror-tree", num_envs=2, vectorization_mode="vector_entry_point", engine=engine)
    envs.reset(seed=0)
    assert envs.step(["pass", load_environment("LeetCode/mirror-tree").reference])[1].mean(axis=1).tolist() == [
        0.0,
        1.0,
    ]
    envs.close()


def test_a_mixture_of_a_benchmark(both, engine):
    env = gym.make("DeepGym/mixture", benchmark="leetcode", difficulty="hard", engine=engine)
    assert env.unwrapped.sampler.tasks == ("LeetCode/hard-tree",)
    env.reset(seed=0)
    reward = env.step(load_environment("LeetCode/hard-tree").reference)[1]
    assert np.array_equal(reward, [1, 1])
    env.close()
    assert set(MixtureEnv(benchmark="LeetCode").sampler.tasks) == {"LeetCode/mirror-tree", "LeetCode/hard-tree"}
    assert MixtureEnv(tasks=["fizzbuzz", "HumanEvalPlus/901"]).reward_space.shape[0] > 6
    with pytest.raises(ConfigError, match="isn't imported"):
        MixtureEnv(benchmark="mbpp")
    with pytest.raises(ConfigError, match="no task is"):
        MixtureEnv(benchmark="leetcode", split="train")


def test_fresh_tests_are_for_built_in_tasks(both):
    with pytest.raises(ConfigError, match="the tests of HumanEvalPlus/901 are the benchmark's"):
        gym.make("HumanEvalPlus/901", fresh_tests=True)
