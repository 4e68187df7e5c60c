"""TRL's own trainer, with a tiny model, over DeepGym's tasks."""

from __future__ import annotations

import json
import math
import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("trl", reason="run `make test-integrations`")

from scripted_models import OPENING, make_model, make_tokenizer
from transformers.utils import get_json_schema
from trl import GRPOConfig, GRPOTrainer

from deepgym_env import DeepGym, ProgramTask, Task, load_environment
from deepgym_env.datasets import rows, to_hf
from deepgym_env.envs import CodingEnv
from deepgym_env.errors import ClosedError, ConfigError, PackageError, SandboxError, UnknownTaskError
from deepgym_env.integrations.trl import (
    make_trl_environment_factories,
    make_trl_environment_factory,
    make_trl_episode_reward,
    make_trl_reward_fn,
    make_trl_reward_fns,
    make_trl_rollout_func,
    trl_environment_of,
)
from deepgym_env.sandbox import Backend
from deepgym_env.sandbox.local import LocalBackend
from deepgym_env.task import SuiteTask

pytestmark = [
    pytest.mark.filterwarnings("ignore::FutureWarning:transformers"),  # what TRL asks of it is deprecated there
    pytest.mark.filterwarnings("ignore:You are using '(environment_factory|rollout_func)':UserWarning"),
    pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true:UserWarning"),
    pytest.mark.xdist_group("trl"),  # importing it takes longer than the tests do
]

RIGHT = "def reverse_string(s): return s[::-1]"
WRONG = "def reverse_string(s): return s"
STEPS = 3


def call(name: str, **arguments: Any) -> str:
    return f"<tool_call>\n{json.dumps({'name': name, 'arguments': arguments})}\n</tool_call>"


class Train:
    """Trains a model that writes scripts; keeps what the trainer logged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def __call__(
        self, scripts: Sequence[Sequence[str]], reward_funcs: Any, data: Any, *, length: int = 384, **options: Any
    ) -> GRPOTrainer:
        said = [text for script in scripts for text in script]
        asked = [prompt if isinstance(prompt, str) else prompt[-1]["content"] for prompt in data["prompt"]]
        tokenizer = make_tokenizer([*asked, *said])
        config = GRPOConfig(
            output_dir=str(self._folder),
            per_device_train_batch_size=4,
            num_generations=options.pop("num_generations", 4),
            max_completion_length=length,
            max_steps=STEPS,
            logging_steps=1,
            save_strategy="no",
            report_to="none",
            disable_tqdm=True,
            use_cpu=True,
            bf16=False,
        )
        trainer = GRPOTrainer(
            make_model(tokenizer, scripts),
            reward_funcs,
            args=config,
            train_dataset=data,
            processing_class=tokenizer,
            **options,
        )
        trainer.train()
        steps = [entry for entry in trainer.state.log_history if "loss" in entry]
        assert len(steps) == STEPS
        assert all(math.isfinite(entry["loss"]) and math.isfinite(entry["grad_norm"]) for entry in steps)
        return trainer


@pytest.fixture
def train(tmp_path: Path) -> Train:
    return Train(tmp_path)


@pytest.fixture(scope="module")
def broken() -> Iterator[DeepGym]:
    """An engine whose sandboxes never start."""
    with DeepGym(workers=1, retries=0, backend=LocalBackend(python="/bin/false")) as engine:
        yield engine


class WithoutSessions:
    """Sandboxes of submissions start, those of sessions, in which programs run, don't."""

    def __init__(self, inner: Backend) -> None:
        self._inner, self.name = inner, inner.name
        self.start = inner.start

    def for_sessions(self) -> Backend:
        return LocalBackend(python="/bin/false")


@pytest.fixture
def half_broken() -> Iterator[DeepGym]:
    with DeepGym(workers=1, retries=0, backend=WithoutSessions(LocalBackend())) as engine:
        yield engine


@pytest.fixture(scope="module")
def echo() -> ProgramTask:
    return ProgramTask(
        id="echo",
        title="Echo",
        prompt="Print the line you read.",
        tests=[{"id": "t", "stdin": "a\n", "expected": "a\n"}],
    )


def column(trainer: GRPOTrainer, name: str) -> list[Any]:
    return list(trainer._logs["rewards"][name])


def logged(trainer: GRPOTrainer, key: str) -> list[float]:
    return [entry[key] for entry in trainer.state.log_history if key in entry]


# ── reward functions ──────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("conversational", [True, False])
def test_a_completion_is_a_submission(train: Train, engine: DeepGym, conversational: bool) -> None:
    data = to_hf(["reverse_string"], conversational=conversational)
    # A plain prompt has no opening of an assistant's turn: there the model is random, and writes no code.
    trainer = train([[RIGHT], [WRONG]], make_trl_reward_fn(engine=engine), data, length=32)
    if conversational:
        assert column(trainer, "deepgym") == pytest.approx([1.0, 1 / 14, 1.0, 1 / 14])
        assert list(trainer._logs["extra"]["status"]) == ["passed", "wrong_answer"] * 2
        assert logged(trainer, "deepgym/pass_rate") == [0.5] * STEPS
        assert logged(trainer, "deepgym/wrong_answer") == [0.5] * STEPS
    else:
        assert column(trainer, "deepgym") == [0.0] * 4
        assert logged(trainer, "deepgym/pass_rate") == [0.0] * STEPS
    assert logged(trainer, "deepgym/no_verdict") == [0.0] * STEPS
    assert logged(trainer, "deepgym/timeout") == [0.0] * STEPS


def test_a_function_per_test_and_each_batch_is_run_once(train: Train, engine: DeepGym) -> None:
    ran: list[int] = []

    class Counted(DeepGym):
        def call(self, ask: Any) -> Any:
            ran.append(1)
            return engine.call(ask)

    with Counted() as counted:
        rewards = make_trl_reward_fns("reverse_string", engine=counted)
        trainer = train([[RIGHT], [WRONG]], rewards, to_hf(["reverse_string"]), length=32)
    tests = [test.id for test in load_environment("reverse_string").tests]
    assert [reward.__name__ for reward in rewards] == tests
    values = {test: column(trainer, test) for test in tests}
    easy = values.pop("empty_and_one_character")
    assert easy == [1.0] * 4
    assert all(value == [1.0, 0.0, 1.0, 0.0] for value in values.values())
    assert len(ran) == STEPS
    assert list(trainer._logs["extra"]["status"]) == ["passed", "wrong_answer"] * 2  # logged once


def test_rows_have_the_tests_of_their_own_task(engine: DeepGym, make_task: Callable[..., Task]) -> None:
    double, square = (make_task(([2], 4), ([3], right), id=name) for name, right in (("double", 6), ("square", 9)))
    rewards = make_trl_reward_fns([double, square], engine=engine)
    assert [reward.__name__ for reward in rewards] == ["double.t0", "double.t1", "square.t0", "square.t1"]
    said = ["def f(n): return 2 * n"] * 2
    values = [reward(prompts=["", ""], completions=said, task=["double", "square"]) for reward in rewards]
    assert values == [[1.0, None], [1.0, None], [None, 1.0], [None, 0.0]]


def test_components(engine: DeepGym) -> None:
    rewards = make_trl_reward_fns("first_bad_version", per="component", engine=engine)
    assert [reward.__name__ for reward in rewards] == ["correctness", "efficiency"]
    linear = "def first_bad_version(n, is_bad):\n    return next(k for k in range(1, n + 1) if is_bad(k))"
    said = [str(load_environment("first_bad_version").reference), linear, "no code"]
    correct, efficient = (reward(prompts=said, completions=said) for reward in rewards)
    assert (correct[0], efficient[0]) == (1.0, 1.0)
    assert 0 < efficient[1] < correct[1]
    assert (correct[2], efficient[2]) == (0.0, 0.0)


def test_no_verdict_is_none_and_training_goes_on(train: Train, broken: DeepGym) -> None:
    trainer = train([[RIGHT], [WRONG]], make_trl_reward_fn(engine=broken), to_hf(["reverse_string"]), length=32)
    assert all(math.isnan(value) for value in column(trainer, "deepgym"))  # TRL's form of None
    assert list(trainer._logs["advantages"]) == [0.0] * 4
    assert logged(trainer, "deepgym/no_verdict") == [1.0] * STEPS
    assert logged(trainer, "deepgym/pass_rate") == []


def test_no_verdict_is_no_zero_beside_another_reward(half_broken: DeepGym, echo: ProgramTask) -> None:
    def short(completions: list[str], **columns: Any) -> list[float]:
        return [0.25] * len(completions)

    rewards = make_trl_reward_fns(
        ["reverse_string", echo], per="score", beside=[short], engine=half_broken, task_column="which"
    )
    assert [reward.__name__ for reward in rewards] == ["deepgym", "short"]
    told: dict[str, float] = {}
    statuses: list[str] = []
    columns: dict[str, Any] = {
        "which": ["reverse_string", "echo", "reverse_string"],
        "log_metric": told.__setitem__,
        "log_extra": lambda name, values: statuses.extend(values),
    }
    said = [RIGHT, "print(input())", WRONG]
    values = [reward(prompts=["?"] * 3, completions=said, **columns) for reward in rewards]
    assert values == [[1.0, None, pytest.approx(1 / 14)], [0.25, None, 0.25]]
    assert statuses == ["passed", "infrastructure_error", "wrong_answer"]
    assert told["deepgym/pass_rate"] == 0.5
    assert told["deepgym/no_verdict"] == pytest.approx(1 / 3)
    assert told["deepgym/infrastructure_error"] == pytest.approx(1 / 3)


def test_a_group_without_a_verdict_leaves_the_others_alone(
    train: Train, half_broken: DeepGym, echo: ProgramTask
) -> None:
    reward = make_trl_reward_fn(["reverse_string", echo], engine=half_broken)
    data = to_hf(["reverse_string", echo])
    trainer = train([[RIGHT], [WRONG], [RIGHT], [WRONG]], reward, data, length=32, num_generations=2)
    by_prompt = {prompt[-1]["content"]: [] for prompt in trainer._logs["prompt"]}
    for prompt, value in zip(trainer._logs["prompt"], column(trainer, "deepgym"), strict=True):
        by_prompt[prompt[-1]["content"]].append(value)
    assert all(math.isnan(value) for value in by_prompt.pop(echo.prompt))
    (judged,) = by_prompt.values()
    assert judged == pytest.approx([1.0, 1 / 14])
    assert logged(trainer, "deepgym/no_verdict") == [0.5] * STEPS


def test_wrong_use_is_said_at_once(engine: DeepGym) -> None:
    reward = make_trl_reward_fn(engine=engine)
    with pytest.raises(UnknownTaskError, match="did you mean"):
        reward(prompts=["?"], completions=[RIGHT], task=["reverse_strin"])
    with pytest.raises(ConfigError, match="names no task"):
        reward(prompts=["?"], completions=[RIGHT])
    with pytest.raises(ConfigError, match="is a workspace"):
        make_trl_reward_fn("debug_fix")
    with pytest.raises(ConfigError, match="needs the tasks"):
        make_trl_reward_fns(None)
    with pytest.raises(ConfigError, match="per must be"):
        make_trl_reward_fns("two_sum", per="line")  # type: ignore[arg-type]

    async def slow(**columns: Any) -> list[float]:
        return []

    with pytest.raises(ConfigError, match="asynchronous"):
        make_trl_reward_fns("two_sum", beside=[slow])


def test_functions_share_a_batch_between_threads_but_never_an_old_one(engine: DeepGym) -> None:
    rewards = make_trl_reward_fns("reverse_string", engine=engine)
    logs: list[str] = []
    values: dict[str, list[list[float | None]]] = {}

    def ask(reward: Any) -> None:
        for said in ([RIGHT, WRONG], [RIGHT, WRONG], [WRONG, RIGHT]):
            got = reward(prompts=said, completions=said, log_extra=lambda name, _: logs.append(name))
            values.setdefault(reward.__name__, []).append(got)

    threads = [threading.Thread(target=ask, args=(reward,)) for reward in rewards]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert values.pop("empty_and_one_character") == [[1.0, 1.0]] * 3
    assert all(value == [[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]] for value in values.values())
    assert len(logs) == 3


def test_reward_functions_go_to_other_processes() -> None:
    first, *_ = rewards = pickle.loads(pickle.dumps(make_trl_reward_fns("reverse_string")))
    assert [reward(prompts=["?"], completions=[RIGHT]) for reward in rewards] == [[1.0]] * 14
    assert first.__name__ == "example"


# ── environments ──────────────────────────────────────────────────────────────────────────


def test_the_model_calls_tools(train: Train, engine: DeepGym) -> None:
    scripts = [
        [call("submit", code=RIGHT), "Done."],
        [call("run_code", code="print(6 * 7)"), call("submit", code=WRONG), "Done."],
    ]
    trainer = train(
        scripts,
        make_trl_episode_reward(),
        to_hf(["reverse_string"]),
        environment_factory=make_trl_environment_factory("reverse_string", engine=engine),
    )
    assert column(trainer, "deepgym_episode") == pytest.approx([1.0, 1 / 14, 1.0, 1 / 14])
    assert logged(trainer, "tools/call_frequency") == [1.5] * STEPS
    assert logged(trainer, "tools/failure_frequency") == [0.0] * STEPS
    assert logged(trainer, "deepgym/pass_rate") == [0.5] * STEPS
    answers = [message["content"] for message in trainer._logs["completion"][1] if message["role"] == "tool"]
    assert answers[0] == "42"
    assert answers[1].startswith("Public tests: 0 of 2 passed. Hidden tests: 1 of 12 passed.")


def test_kinds_of_tasks_by_a_column(train: Train, own: DeepGym) -> None:
    ids = ["reverse_string", "debug_fix"]
    data = to_hf(ids).map(lambda row: {"environment": trl_environment_of(row["task"])})
    scripts = [[call("submit", code=RIGHT), "Done."], [call("list_files"), "Done."]]
    trainer = train(
        scripts,
        make_trl_episode_reward(),
        data,
        num_generations=2,
        environment_factory=make_trl_environment_factories(ids, engine=own),
    )
    untouched = judged_untouched(own, "debug_fix")
    values = column(trainer, "deepgym_episode")
    functions = [value for value, kind in zip(values, trainer._batch_environments, strict=True) if kind == "function"]
    workspaces = [value for value, kind in zip(values, trainer._batch_environments, strict=True) if kind == "workspace"]
    # A function's model may submit, the workspace's `submit` takes no code: TRL or DeepGym refuses that call.
    assert functions == [1.0, 0.0]
    assert workspaces == pytest.approx([untouched] * 2)


def judged_untouched(engine: DeepGym, task: str) -> float:
    env = CodingEnv(task, engine=engine)
    env.reset()
    info = env.step({"name": "submit", "arguments": {}})[4]
    env.close()
    return float(info["score"])


def test_an_unsubmitted_workspace_is_judged_as_it_was_left(own: DeepGym) -> None:
    task = load_environment("debug_fix")
    environment = make_trl_environment_factory(task, engine=own)()
    assert environment.reset(prompt=[{"role": "user", "content": "Work:"}]) == f"\n\n{task.prompt}"
    assert environment.reset(prompt=next(rows(["debug_fix"]))["prompt"]) is None
    assert environment.write_file(path="note.txt", content="x") == "Wrote note.txt (1 characters)."
    assert "note.txt (1 bytes)" in environment.list_files()
    assert "has no argument 'file'" in environment.read_file(file="note.txt")
    reward = make_trl_episode_reward()
    first = reward(prompts=["?"], completions=["?"], environments=[environment])
    assert first == [pytest.approx(judged_untouched(own, "debug_fix"))]
    assert environment.bash(command="ls").startswith("The episode is over")
    assert reward(prompts=["?"], completions=["?"], environments=[environment]) == first  # judged once


def test_turns_run_out(engine: DeepGym) -> None:
    environment = make_trl_environment_factory("reverse_string", engine=engine, max_turns=1)()
    environment.reset()
    assert environment.run_code(code="print(1)") == "1"
    assert environment.submit(code=RIGHT) == "The episode is over: nothing was done."
    assert make_trl_episode_reward()(prompts=["?"], completions=["?"], environments=[environment]) == [0.0]


@pytest.mark.parametrize("name", ["reverse_string", "debug_fix", "echo"])
def test_schemas_are_those_of_the_environments(name: str, engine: DeepGym, echo: ProgramTask) -> None:
    task = echo if name == "echo" else load_environment(name)
    environment = make_trl_environment_factory(task, engine=engine)()
    env = CodingEnv(task, engine=engine)
    offered = {tool["function"]["name"]: tool["function"] for tool in env.reset()[1]["tools"]}
    env.close()
    public = {name for name in dir(type(environment)) if not name.startswith("_")}
    assert public == {"reset", *offered}
    for tool, ours in offered.items():
        theirs = get_json_schema(getattr(environment, tool))["function"]
        assert theirs["description"] == ours["description"]
        assert theirs["parameters"].get("required", []) == ours["parameters"].get("required", [])
        for key, schema in ours["parameters"]["properties"].items():
            found = theirs["parameters"]["properties"][key]
            assert (found["type"], found["description"]) == (schema["type"], schema["description"])


def test_environments_of_no_verdict_and_of_others(broken: DeepGym, engine: DeepGym) -> None:
    ill, well, workspace = (
        make_trl_environment_factory(task, engine=each)()
        for task, each in (("reverse_string", broken), ("reverse_string", engine), ("debug_fix", broken))
    )
    for environment in (ill, well, workspace):
        environment.reset()
    assert "no verdict" in ill.submit(code=RIGHT)
    assert ill.submit(code=RIGHT).startswith("The episode is over")
    well.submit(code=WRONG)
    statuses: list[Any] = []
    told: dict[str, float] = {}
    values = make_trl_episode_reward()(
        prompts=["?"] * 4,
        completions=["?"] * 4,
        environments=[ill, well, object(), workspace],
        log_extra=lambda name, values: statuses.extend(values),
        log_metric=told.__setitem__,
    )
    assert values == [None, pytest.approx(1 / 14), None, None]
    assert statuses == ["infrastructure_error", "wrong_answer", None, "infrastructure_error"]
    assert told["deepgym/no_verdict"] == pytest.approx(2 / 3)


def test_tools_on_a_broken_engine_train_to_nothing(train: Train, broken: DeepGym) -> None:
    trainer = train(
        [[call("submit", code=RIGHT), "Done."]],
        make_trl_episode_reward(),
        to_hf(["reverse_string"]),
        environment_factory=make_trl_environment_factory("reverse_string", engine=broken),
    )
    assert all(math.isnan(value) for value in column(trainer, "deepgym_episode"))
    assert list(trainer._logs["advantages"]) == [0.0] * 4


def test_a_call_that_fails_is_no_reward(engine: DeepGym) -> None:
    suite = "import unittest, double\nclass T(unittest.TestCase):\n    def test(self): self.assertEqual(double.f(2), 4)"
    told = {"id": "double", "title": "Double", "prompt": "Write f(x).", "module": "double", "packages": ("nosuchpkg",)}
    environment = make_trl_environment_factory(SuiteTask.of(suite, **told), engine=engine)()
    reward = make_trl_episode_reward()
    environment.reset()
    with pytest.raises(PackageError):  # TRL tells the model of it
        environment.submit(code="def f(x): return 2 * x")
    assert environment.submit(code="pass").startswith("The episode is over")
    for _ in range(2):
        with pytest.raises(PackageError, match="nosuchpkg"):
            reward(prompts=["?"], completions=["?"], environments=[environment])
    environment.reset()
    assert reward(prompts=["?"], completions=["?"], environments=[environment]) == [0.0]


def test_a_closed_engine_is_no_reward() -> None:
    with DeepGym(workers=1) as closed:
        environment = make_trl_environment_factory("reverse_string", engine=closed)()
        environment.reset()
    with pytest.raises(ClosedError):
        environment.submit(code=RIGHT)
    with pytest.raises(ClosedError):
        make_trl_episode_reward()(prompts=["?"], completions=["?"], environments=[environment])


def test_the_engine_outlives_an_episode() -> None:
    environment = make_trl_environment_factory("reverse_string")()
    environment.reset()
    before = environment._episode.env._engine
    assert make_trl_episode_reward()(prompts=["?"], completions=["?"], environments=[environment]) == [0.0]
    environment.reset()
    assert environment._episode.env._engine is before
    assert not before.closed


def test_wrong_use_of_environments_is_said_at_once(engine: DeepGym) -> None:
    with pytest.raises(ConfigError, match="several kinds"):
        make_trl_environment_factory(["reverse_string", "debug_fix"])
    with pytest.raises(ConfigError, match="at least one task"):
        make_trl_environment_factory([])
    with pytest.raises(ConfigError, match="needs GRPOTrainer"):
        make_trl_episode_reward()(prompts=["?"], completions=["?"])
    several = make_trl_environment_factory(["reverse_string", "two_sum"], engine=engine)()
    with pytest.raises(ConfigError, match="give each row"):
        several.reset()
    with pytest.raises(UnknownTaskError, match="made for reverse_string, two_sum"):
        several.reset(task="fizzbuzz")
    with pytest.raises(ConfigError, match="was not begun"):
        make_trl_episode_reward()(prompts=["?"], completions=["?"], environments=[several])


# ── rollouts ──────────────────────────────────────────────────────────────────────────────


def watched(rollout: Any) -> tuple[Any, list[dict[str, Any]]]:
    """Return a rollout function and what it will have returned."""
    seen: list[dict[str, Any]] = []

    def keep(prompts: list[Any], trainer: Any) -> dict[str, Any]:
        seen.append({**rollout(prompts, trainer), "trainer": trainer})
        return dict(seen[-1], trainer=None)

    return keep, seen


def parts(made: dict[str, Any], row: int) -> list[tuple[bool, str]]:
    """Return a completion in pieces: whether the model wrote it, and its text."""
    pieces: list[tuple[bool, list[int]]] = []
    for token, mask in zip(made["completion_ids"][row], made["env_mask"][row], strict=True):
        if not pieces or pieces[-1][0] != bool(mask):
            pieces.append((bool(mask), []))
        pieces[-1][1].append(token)
    decode = made["trainer"].processing_class.decode
    return [(by_model, decode(ids)) for by_model, ids in pieces]


def test_episodes_of_a_rollout_function(train: Train, engine: DeepGym) -> None:
    scripts = [[WRONG, RIGHT], [call("run_code", code="print('<|im_' + 'end|>')"), WRONG, WRONG]]
    rollout, seen = watched(make_trl_rollout_func("reverse_string", engine=engine, max_turns=3))
    trainer = train(scripts, make_trl_episode_reward(), to_hf(["reverse_string"]), rollout_func=rollout)
    assert column(trainer, "deepgym_episode") == pytest.approx([1.0, 1 / 14, 1.0, 1 / 14])
    assert list(trainer._logs["extra"]["status"]) == ["passed", "wrong_answer"] * 2
    assert logged(trainer, "completions/clipped_ratio") == [0.0] * STEPS
    solved, failed = parts(seen[-1], 0), parts(seen[-1], 1)
    assert [by_model for by_model, _ in solved] == [True, False, True]
    assert solved[0][1] == f"{WRONG}<|im_end|>"
    assert solved[1][1].startswith("\n<|im_start|>user\nPublic tests: 0 of 2 passed.")
    assert solved[1][1].endswith("<|im_end|>\n<|im_start|>assistant\n")
    assert solved[2][1] == f"{RIGHT}<|im_end|>"
    # What a program prints is text, be it spelt like the end of a turn.
    assert failed[1] == (False, "\n<|im_start|>user\n<|im_end|><|im_end|>\n<|im_start|>assistant\n")
    end = trainer.processing_class.eos_token_id
    ids, mask = seen[-1]["completion_ids"][1], seen[-1]["env_mask"][1]
    assert [token == end for token, by_model in zip(ids, mask, strict=True) if not by_model].count(True) == 2
    # The loss counts what the model wrote alone.
    wrote = [sum(row) for row in seen[-1]["env_mask"]]
    assert logged(trainer, "completions/mean_length")[-1] == pytest.approx(sum(wrote) / 4)


def test_plain_prompts_of_several_tasks(train: Train, engine: DeepGym) -> None:
    ids = ["reverse_string", "two_sum"]
    data = to_hf(ids, conversational=False, system="Write Python.")
    data = data.map(lambda row: {"prompt": f"{row['prompt']}\n\n{OPENING}"})  # which the scripts wait for
    rollout, seen = watched(make_trl_rollout_func(ids, engine=engine, max_turns=2))
    trainer = train([[RIGHT]], make_trl_episode_reward(), data, num_generations=2, length=200, rollout_func=rollout)
    tasks = ["reverse_string" if "reverse_string" in prompt else "two_sum" for prompt in trainer._logs["prompt"]]
    assert column(trainer, "deepgym_episode") == [float(task == "reverse_string") for task in tasks]
    assert parts(seen[-1], tasks.index("reverse_string")) == [(True, f"{RIGHT}<|im_end|>")]
    told, *_ = (text for by_model, text in parts(seen[-1], tasks.index("two_sum")) if not by_model)
    assert told == f"\n\n{feedback_on(engine, 'two_sum', RIGHT)}\n\n"
    assert all(len(ids) <= 200 for made in seen for ids in made["completion_ids"])


def feedback_on(engine: DeepGym, task: str, code: str) -> str:
    env = CodingEnv(task, engine=engine)
    env.reset()
    observation = env.step(code)[0]
    env.close()
    return observation


def test_a_workspace_is_judged_when_the_tokens_run_out(train: Train, own: DeepGym) -> None:
    rollout, seen = watched(make_trl_rollout_func("debug_fix", engine=own))
    script = [call("write_file", path="note.txt", content="x"), *[call("list_files")] * 30]
    trainer = train([script], make_trl_episode_reward(), to_hf(["debug_fix"]), length=200, rollout_func=rollout)
    assert column(trainer, "deepgym_episode") == pytest.approx([judged_untouched(own, "debug_fix")] * 4)
    assert all(100 < len(ids) <= 200 for ids in seen[-1]["completion_ids"])
    assert all(mask[-1] == 1 for mask in seen[-1]["env_mask"])
    prompt = trainer.processing_class.decode(seen[-1]["prompt_ids"][0])
    assert "## Tools" in prompt  # which the row's prompt doesn't have
    assert "note.txt (1 bytes)" in "".join(text for by_model, text in parts(seen[-1], 0) if not by_model)


def test_a_rollout_without_a_verdict(train: Train, broken: DeepGym) -> None:
    rollout = make_trl_rollout_func("reverse_string", engine=broken)
    trainer = train([[RIGHT]], make_trl_episode_reward(), to_hf(["reverse_string"]), rollout_func=rollout)
    assert all(math.isnan(value) for value in column(trainer, "deepgym_episode"))
    assert list(trainer._logs["advantages"]) == [0.0] * 4
    assert logged(trainer, "deepgym/no_verdict") == [1.0] * STEPS


def test_wrong_use_of_rollouts_is_said_at_once(engine: DeepGym, make_task: Callable[..., Task]) -> None:
    with pytest.raises(ConfigError, match="have the same prompt"):
        make_trl_rollout_func([make_task(([1], 1), id="a"), make_task(([1], 1), id="b")])
    with pytest.raises(ConfigError, match="none of the tasks reverse_string"):
        make_trl_rollout_func("reverse_string", engine=engine)(["Write a poem."], None)


def test_the_engines_that_break_here_do_break(broken: DeepGym) -> None:
    with pytest.raises(SandboxError):
        broken.isolation()
