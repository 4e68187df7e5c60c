"""lm-evaluation-harness evaluates models on our tasks."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("lm_eval", reason="run `make test-integrations`")

import lm_eval
import lm_eval.models  # without it, registering a model hides lm-eval's own
from lm_eval.api.instance import Instance
from lm_eval.api.model import LM
from lm_eval.tasks import TaskManager
from lm_eval.utils import make_table

from deepgym_env import DeepGym, Task, load_environment, task_ids
from deepgym_env.benchmarks.importing import import_benchmark
from deepgym_env.envs import register
from deepgym_env.errors import ConfigError, SandboxError, UnknownTaskError
from deepgym_env.integrations.lm_eval import main, make_lm_eval_task, register_deepgym_tasks
from deepgym_env.integrations.lm_eval_task import DeepGymTask
from deepgym_env.sandbox.local import LocalBackend

HALF = "def reverse_string(s): return s"
ADD = {
    "entry_point": "add",
    "prompt": 'def add(a, b):\n    """Add."""\n',
    "canonical_solution": "    return a + b\n",
    "test": "def check(candidate):\n    assert candidate(2, 3) == 5\n    assert candidate(0, 7) == 7\n",
}


class Knowing(LM):
    """A model that answers prompts it knows, one answer after the other in turn, and others not."""

    def __init__(self, answers: dict[str, list[str]]) -> None:
        super().__init__()
        self.answers, self.requests = answers, []

    def generate_until(self, requests: list[Instance]) -> list[str]:
        self.requests += requests
        given: dict[str, Iterator[str]] = {prompt: cycle(answers) for prompt, answers in self.answers.items()}
        return [next(given.get(request.args[0], iter(())), "I don't know.") for request in requests]

    def loglikelihood(self, requests: Any) -> Any:
        raise NotImplementedError

    loglikelihood_rolling = loglikelihood


def knowing(*tasks: str) -> Knowing:
    """Return a model that knows the reference solutions."""
    loaded = [load_environment(task) for task in tasks]
    return Knowing({task.prompt: [f"Sure.\n```python\n{task.reference}\n```"] for task in loaded})


def evaluate(model: Any, *tasks: Any, place: Path | None = None, **options: Any) -> dict[str, Any]:
    """Evaluate without lm-eval's own tasks, which take long to find."""
    manager = TaskManager(include_defaults=False, include_path=place)
    return lm_eval.simple_evaluate(model, tasks=list(tasks), task_manager=manager, bootstrap_iters=0, **options)


def metrics(results: dict[str, Any], name: str) -> dict[str, float]:
    """Return the metrics of a task."""
    found = results["results"][name]
    return {
        key.removesuffix(",none"): value for key, value in found.items() if key.endswith(",none") and "_std" not in key
    }


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    """No tokenizer is looked for in the network, as the dummy model's is."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder of the test's own."""
    monkeypatch.setenv("DEEPGYM_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_task(engine: DeepGym) -> None:
    tasks = [make_lm_eval_task(name, engine) for name in ("coin_change", "two_sum")]
    results = evaluate(knowing("coin_change"), *tasks)
    assert metrics(results, "deepgym_coin_change") == {"score": 1.0, "pass": 1.0, "verdict": 1.0}
    assert metrics(results, "deepgym_two_sum") == {"score": 0.0, "pass": 0.0, "verdict": 1.0}
    assert results["higher_is_better"]["deepgym_two_sum"] == {"score": True, "pass": True, "verdict": True}


def test_the_dummy_model(engine: DeepGym) -> None:
    results = evaluate("dummy", make_lm_eval_task("coin_change", engine))
    assert metrics(results, "deepgym_coin_change") == {"score": 0.0, "pass": 0.0, "verdict": 1.0}


def test_the_group_of_all_functions(tmp_path: Path) -> None:
    place = register_deepgym_tasks(tmp_path / "tasks")
    results = evaluate(knowing(*task_ids("function")), "deepgym", place=place)
    assert len(results["group_subtasks"]["deepgym"]) == len(task_ids("function")) >= 24
    assert results["groups"].keys() == {"deepgym"}
    assert metrics(results, "deepgym") == {"score": 1.0, "pass": 1.0, "verdict": 1.0}
    assert "deepgym_coin_change" in make_table(results)


def test_tags_are_difficulties(tmp_path: Path) -> None:
    place = register_deepgym_tasks(tmp_path / "tasks")
    manager = TaskManager(include_defaults=False, include_path=place)
    tags = {tag: manager.task_index[tag].tags for tag in manager.all_tags}
    assert tags.keys() <= {"deepgym_easy", "deepgym_medium", "deepgym_hard"}
    assert set.union(*tags.values()) == set(manager.all_subtasks)
    assert "deepgym_fizzbuzz" in tags["deepgym_easy"]


def test_a_model_of_hugging_face(engine: DeepGym, tokenizer: Any) -> None:
    from lm_eval.models.huggingface import HFLM
    from tiny_models import tiny_llama

    model = HFLM(pretrained=tiny_llama(tokenizer), tokenizer=tokenizer, device="cpu", batch_size=2)
    task = make_lm_eval_task(["reverse_string", "two_sum"], engine)
    results = evaluate(model, task, gen_kwargs={"max_gen_toks": 4}, apply_chat_template=True)
    assert metrics(results, "deepgym_tasks") == {"score": 0.0, "pass": 0.0, "verdict": 1.0}
    asked = [sample["arguments"][0][0] for sample in results["samples"]["deepgym_tasks"]]
    assert all(prompt.startswith("<|im_start|>user\n") for prompt in asked)


def test_no_verdict_is_no_score(broken: DeepGym, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        results = evaluate(knowing("reverse_string"), make_lm_eval_task("reverse_string", broken))
    assert metrics(results, "deepgym_reverse_string") == {"verdict": 0.0}
    assert "no verdict on a completion of reverse_string" in caplog.text


def test_what_has_no_verdict_is_in_no_mean(caplog: pytest.LogCaptureFixture) -> None:
    class Refusing(LocalBackend):
        """The first time its sandbox can't be started."""

        refuse = True

        def start(self) -> Any:
            if self.refuse:
                self.refuse = False
                raise SandboxError("no sandbox today")
            return super().start()

    tasks = ["reverse_string", "two_sum", "fizzbuzz"]
    with DeepGym(workers=1, retries=0, backend=Refusing()) as engine, caplog.at_level(logging.WARNING):
        results = evaluate(knowing(*tasks), make_lm_eval_task(tasks, engine))
    assert metrics(results, "deepgym_tasks") == {"score": 1.0, "pass": 1.0, "verdict": pytest.approx(2 / 3)}
    assert "score,none=2" in caplog.text  # lm-eval says so


def test_a_group_leaves_out_what_has_no_verdict(tmp_path: Path, broken: DeepGym, engine: DeepGym) -> None:
    members = [make_lm_eval_task("reverse_string", engine), make_lm_eval_task("two_sum", broken)]
    means = [{"metric": metric, "weight_by_size": False} for metric in ("score", "pass", "verdict")]
    group = lm_eval.api.group.Group.from_config({"group": "both", "aggregate_metric_list": means})
    for member in members:
        group.add(member)
    results = evaluate(knowing("reverse_string", "two_sum"), group)
    assert metrics(results, "both") == {"score": 1.0, "pass": 1.0, "verdict": 0.5}


def test_several_completions_per_document(engine: DeepGym) -> None:
    task = load_environment("reverse_string")
    half = engine.run(task, HALF).score
    model = Knowing({task.prompt: [str(task.reference), HALF, "no idea", "no idea"]})
    results = evaluate(model, make_lm_eval_task(task, engine, repeats=4))
    assert metrics(results, "deepgym_reverse_string") == {"score": (1 + half) / 4, "pass": 0.25, "verdict": 1.0}
    assert len(model.requests) == 4


def test_completions_are_judged_in_one_batch(engine: DeepGym, monkeypatch: pytest.MonkeyPatch) -> None:
    task = make_lm_eval_task(["reverse_string", "two_sum"], engine)
    batches, scorer = [], task._scorer

    def noted(completions: Any, tasks: Any) -> Any:
        batches.append(len(completions))
        return scorer(completions, tasks)

    monkeypatch.setattr(task, "_scorer", noted)
    evaluate(knowing("two_sum"), task)
    assert batches == [2]


def test_predicting_only_judges_nothing(broken: DeepGym) -> None:
    results = evaluate("dummy", make_lm_eval_task("coin_change", broken), predict_only=True)
    assert results["samples"]["deepgym_coin_change"][0]["filtered_resps"] == ["lol"]
    assert metrics(results, "deepgym_coin_change") == {"bypass": 999}


def test_results_tell_no_hidden_test(engine: DeepGym, make_task: Callable[..., Task]) -> None:
    task = make_task(((1,), 1), ((271828,), 314159), reference="def f(n): return n")
    written = json.dumps(evaluate("dummy", make_lm_eval_task(task, engine)), default=str)
    assert "Write f." in written
    assert all(hidden not in written for hidden in ("271828", "314159", "return n"))


def test_a_benchmark(home: Path, tmp_path: Path, engine: DeepGym) -> None:
    with pytest.raises(ConfigError, match="import"):
        register_deepgym_tasks(names=["humaneval"])
    file = tmp_path / "humaneval.jsonl"
    published = [{**ADD, "task_id": f"HumanEval/{n}", "prompt": ADD["prompt"].replace("Add", f"{n}")} for n in (0, 1)]
    file.write_text("\n".join(map(json.dumps, published)))
    import_benchmark("humaneval", [str(file)], engine=engine)
    place = register_deepgym_tasks(names=["humaneval", "HumanEval/1"])
    assert place == home / "lm_eval"
    results = evaluate(knowing("HumanEval/1"), "deepgym_humaneval", "deepgym_HumanEval_1", place=place)
    assert metrics(results, "deepgym_humaneval") == {"score": 0.5, "pass": 0.5, "verdict": 1.0}
    assert results["n-samples"]["deepgym_humaneval"] == {"original": 2, "effective": 2}
    assert metrics(results, "deepgym_HumanEval_1")["score"] == 1.0
    assert make_lm_eval_task("humaneval", engine).task_name == "deepgym_humaneval"


def test_what_is_no_task(tmp_path: Path) -> None:
    with pytest.raises(UnknownTaskError, match="did you mean 'coin_change'"):
        make_lm_eval_task("coin_chang")
    with pytest.raises(ConfigError, match="debug_fix is a workspace"):
        make_lm_eval_task("debug_fix")
    with pytest.raises(ConfigError, match="debug_fix is a workspace"):
        register_deepgym_tasks(tmp_path, ["debug_fix"])
    with pytest.raises(ConfigError, match=r"must hold tasks or benchmark, got \['task'\]"):
        DeepGymTask({"task": "x", "dataset_kwargs": {"task": "coin_change"}})


def test_a_task_with_the_name_of_a_number(home: Path, tmp_path: Path, make_task: Callable[..., Task]) -> None:
    register(make_task(([2], 4), id="2048", reference="def f(n): return 2 * n"))
    place = register_deepgym_tasks(tmp_path, ["2048"])
    results = evaluate(knowing("2048"), "deepgym_2048", place=place)
    assert metrics(results, "deepgym_2048") == {"score": 1.0, "pass": 1.0, "verdict": 1.0}


def test_its_command_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["fizzbuzz"])
    assert capsys.readouterr().out == f"{home / 'lm_eval'}\n"
    for argv, code, said in ((["--help"], 0, "usage:"), (["fizbuzz"], 2, "error: no task 'fizbuzz'")):
        with pytest.raises(SystemExit) as left:
            main(argv)
        assert left.value.code == code
        assert said in "".join(capsys.readouterr())


@pytest.mark.timeout(600)  # lm-eval reads the thousands of files of its own tasks
def test_from_the_shell(tmp_path: Path) -> None:
    """As the documentation has it."""
    env = {**os.environ, "DEEPGYM_HOME": str(tmp_path), "HF_HUB_OFFLINE": "1"}
    place = subprocess.run(
        [sys.executable, "-m", "deepgym_env.integrations.lm_eval"], env=env, capture_output=True, text=True, check=True
    ).stdout.rstrip("\n")
    tasks = "deepgym_coin_change,deepgym_two_sum"
    command = ["lm_eval", "run", "--model", "dummy", "--tasks", tasks, "--include_path", place, "--limit", "1"]
    done = subprocess.run([sys.executable, "-m", *command], env=env, capture_output=True, text=True, check=True)
    for name in tasks.split(","):
        assert f"|{name}" in done.stdout.replace(" ", "")
    assert done.stdout.count("|verdict|") == 2
