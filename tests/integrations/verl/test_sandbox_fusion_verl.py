"""SandboxFusion's endpoints and those who ask them: verl's reward, given nothing but the URL, and its own client."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    pytest.importorskip("verl.protocol", reason="run `make test-integrations`")
    import sandbox_fusion as official
    from sandbox_fusion import models
    from verl.experimental.reward_loop.reward_loop import RewardLoopWorker
    from verl.utils.reward_score import default_compute_score
    from verl.utils.reward_score.sandbox_fusion import compute_score
    from verl.utils.reward_score.sandbox_fusion.utils import check_correctness
    from verl.workers.reward_manager import get_reward_manager_cls as get_legacy_cls
    from verl_world import answers, config_for, model_in

import numpy as np
from omegaconf import open_dict
from transformers import AutoTokenizer

from deepgym_env import DeepGym, load_environment
from deepgym_env.integrations.sandbox_fusion import create_sandbox_fusion_app

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")

STDIN = {"inputs": ["1 2\n", "3 4\n", "5 5\n"], "outputs": ["3\n", "7\n", "10"]}
FUNCTION = {"fn_name": "add", "inputs": ["1\n2", "[3]\n[4]"], "outputs": ["3", "[3, 4]"]}
ASSERTS = {"assert_case": ["assert add(1, 2) == 3", "assert add('a', 'b') == 'ab'"]}
RIGHT = "```python\na, b = map(int, input().split())\nprint(a + b)\n```"
PART = "It is:\n```python\na, b = map(int, input().split())\nprint(a + b if a < 5 else 0)\n```"
ADD = "```python\ndef add(a, b):\n    return a + b\n```"
METHOD = "```python\nclass Solution:\n    def add(self, a, b):\n        return a + b\n```"


@pytest.fixture
def url(served: Callable[[Any], httpx.Client], engine: DeepGym) -> str:
    return f"{served(create_sandbox_fusion_app(engine)).base_url}/run_code"


@pytest.fixture
def lost(served: Callable[[Any], httpx.Client], nowhere: DeepGym) -> str:
    return f"{served(create_sandbox_fusion_app(nowhere)).base_url}/run_code"


# ── verl's client ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("said", "cases", "score", "statuses"),
    [
        (RIGHT, STDIN, 1.0, ["success"] * 3),
        (PART, STDIN, 2 / 3, ["success", "success", "wrong_answer"]),
        ("```\npython\nprint(0)\n```", STDIN, 0.0, ["runtime_error"] * 3),
        ("```python\nprint(1 / 0)\n```", STDIN, 0.0, ["runtime_error"] * 3),
        ("```python\nprint(\n```", STDIN, 0.0, ["runtime_error"] * 3),
        (ADD, FUNCTION, 1.0, ["success"] * 2),
        (METHOD, FUNCTION, 1.0, ["success"] * 2),
        (ADD.replace("+", "-"), FUNCTION, 0.0, ["wrong_answer"] * 2),
        (ADD, ASSERTS, 1.0, ["success"] * 2),
        (ADD.replace("a + b", "3"), ASSERTS, 0.5, ["success", "runtime_error"]),
        ("no code", STDIN, 0.0, None),
    ],
)
def test_verls_reward(url: str, said: str, cases: dict[str, Any], score: float, statuses: list[str] | None) -> None:
    found, told = compute_score(url, None, 1024, said, json.dumps(cases))
    assert found == pytest.approx(score)
    if statuses is not None:
        assert [case["status"] for case in told] == statuses
        assert [case["api_request_error"] for case in told] == [None] * len(told)
        assert all(case["duration"] is not None for case in told)


@pytest.mark.parametrize(("cases", "score"), [(STDIN, 0.0), (FUNCTION, 0.0), (ASSERTS, 1.0)])
def test_what_an_answer_gains_by_exiting(url: str, cases: dict[str, Any], score: float) -> None:
    """verl's asserts share the answer's process, which the docs warn of; nothing else is gained."""
    said = "```python\nimport os\ndef add(a, b): return 0\nos._exit(0)\n```"
    assert compute_score(url, None, 1024, said, json.dumps(cases))[0] == score


def test_a_time_limit_is_kept(url: str) -> None:
    score, told = compute_score(url, None, 1024, "```python\nwhile True: pass\n```", STDIN, timeout=1)
    assert (score, [case["status"] for case in told]) == (0.0, ["timeout"] * 3)


def test_a_memory_limit_is_kept(url: str) -> None:
    said = "```python\nx = bytearray(400 << 20)\nprint(len(x))\n```"
    cases = {"inputs": [""], "outputs": [str(400 << 20)]}
    assert compute_score(url, None, 1024, said, cases)[0] == 1.0
    score, told = compute_score(url, None, 128, said, cases)
    assert (score, told[0]["status"], told[0]["exit_code"]) == (0.0, "runtime_error", 1)


def test_compiled_languages(url: str, engine: DeepGym) -> None:
    if engine.languages()["cpp"] is None:
        pytest.skip("no toolchain for cpp here")
    right = "#include <iostream>\nint main() { int a, b; std::cin >> a >> b; std::cout << a + b; }"
    assert check_correctness(url, STDIN, right, 30, 512, "cpp")[0] == [True] * 3
    found, told = check_correctness(url, STDIN, "int main() {", 30, 512, "cpp")
    assert found == [-4] * 3
    assert told[0]["status"] == "compile_error"
    assert "error" in told[0]["compile_stderr"]


def test_only_as_many_at_a_time_as_verls_semaphore_lets_through(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = sys.modules["verl.utils.reward_score.sandbox_fusion.utils"]
    lock, under_way, most = threading.Lock(), 0, 0
    call = module.call_sandbox_api

    def counted(**options: Any) -> Any:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        try:
            return call(**options)
        finally:
            with lock:
                under_way -= 1

    monkeypatch.setattr(module, "call_sandbox_api", counted)
    cases = {"inputs": [f"{n} 1\n" for n in range(12)], "outputs": [str(n + 1) for n in range(12)]}
    assert compute_score(url, threading.Semaphore(3), 1024, RIGHT, cases, continuous=True)[0] == 1.0
    assert most == 3


def test_without_a_verdict_verl_is_told_so(lost: str) -> None:
    found, told = check_correctness(lost, STDIN, "print(1)")
    assert found == [-1] * 3  # an error of the sandbox, which is no answer; compute_score counts it as one
    assert {case["status"] for case in told} == {"sandbox_error"}
    assert "no machine today" in told[0]["api_response"]["message"]


def test_what_verl_knows_and_we_do_not_is_an_error_of_the_request(url: str) -> None:
    found, told = check_correctness(url, STDIN, "print 1", language="lua")
    assert found == [-1] * 3
    assert {case["status"] for case in told} == {"api_error"}


# ── verl's reward loop and managers, told the URL alone ───────────────────────────────────


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return model_in(tmp_path_factory.mktemp("model"))


def batch(model: Path, rows: list[tuple[str, dict[str, Any]]], source: str = "codecontests") -> Any:
    tokenizer = AutoTokenizer.from_pretrained(model)
    data = answers(tokenizer, [(json.dumps(cases), said) for said, cases in rows])
    data.non_tensor_batch["data_source"] = np.array([source] * len(rows), dtype=object)
    return data


@pytest.mark.parametrize("manager", ["naive", "dapo"])
def test_the_reward_loop_needs_only_the_url(url: str, model: Path, manager: str) -> None:
    config = config_for(model)
    with open_dict(config):
        config.reward.reward_manager.name = manager
        config.reward.sandbox_fusion.url = url
        config.reward.sandbox_fusion.max_concurrent = 4
    rows = [(RIGHT, STDIN), (PART, STDIN), (METHOD, FUNCTION), (ADD, ASSERTS), ("?", STDIN)]

    async def score() -> list[dict[str, Any]]:
        return await RewardLoopWorker(config).compute_score_batch(batch(model, rows))

    scores = [one["reward_score"] for one in asyncio.run(score())]
    assert scores == pytest.approx([1.0, 2 / 3, 1.0, 1.0, 0.0])


def test_prime_scores_in_a_process_of_its_own(url: str, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prime = sys.modules["verl.workers.reward_manager.prime"]
    whole = prime.run_reward_scoring
    monkeypatch.setattr(prime, "run_reward_scoring", lambda *args, **kw: whole(*args, **{**kw, "num_processes": 1}))
    tokenizer = AutoTokenizer.from_pretrained(model)
    score = Bound(url)
    done = get_legacy_cls("prime")(tokenizer, num_examine=0, compute_score=score)(batch(model, [(PART, STDIN)], "taco"))
    assert done.sum().item() == pytest.approx(2 / 3)


class Bound:
    """What verl's own functions make of the URL; it goes to another process."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __call__(self, data_source: str, solution_str: str, ground_truth: str, extra_info: Any = None) -> Any:
        return default_compute_score(
            data_source, solution_str, ground_truth, extra_info, sandbox_fusion_url=self._url, memory_limit_mb=1024
        )


# ── SandboxFusion's own client ────────────────────────────────────────────────────────────


def test_its_own_client_runs_code(url: str) -> None:
    endpoint = url.removesuffix("/run_code")
    request = models.RunCodeRequest(code="print(open('a').read())", language="python", files={"a": "aGk="})
    told = official.run_code(request, endpoint)
    assert (told.status, told.run_result.stdout, told.run_result.return_code) == ("Success", "hi\n", 0)
    mapping = models.SummaryMapping(RunTimeout="slow", CompileFailed="broken")
    slow = models.RunCodeRequest(code="while True: pass", language="python", run_timeout=0.4)
    assert official.summary_run_code_result(official.run_code(slow, endpoint), mapping) == "slow"
    bad = models.RunCodeRequest(code="int main() {", language="cpp")
    assert official.summary_run_code_result(official.run_code(bad, endpoint), mapping) == "broken"


def test_its_own_client_submits(url: str) -> None:
    task = load_environment("reverse_string")
    request = models.SubmitRequest(
        dataset="deepgym", id=task.id, completion=f"```python\n{task.reference}\n```", config=models.TestConfig()
    )
    told = official.submit(request, url.removesuffix("/run_code"))
    assert told.accepted
    assert [test.passed for test in told.tests] == [True] * len(task.tests)


def test_its_own_client_never_takes_a_failure_for_a_verdict(lost: str) -> None:
    endpoint = lost.removesuffix("/run_code")
    with pytest.raises(Exception, match="no machine today"):
        official.run_code(models.RunCodeRequest(code="x", language="python"), endpoint, max_attempts=1)
    request = models.SubmitRequest(dataset="deepgym", id="two_sum", completion="x = 1", config=models.TestConfig())
    with pytest.raises(Exception, match=r"503: .*no machine today"):
        official.submit(request, endpoint, max_attempts=1)


# ── deepgym serve, with the key in the URL ────────────────────────────────────────────────


def test_verls_reward_from_a_server_with_keys(keyed_server: Any, model: Path) -> None:
    config = config_for(model)
    with open_dict(config):
        config.reward.sandbox_fusion.url = f"{keyed_server.with_key}/run_code"
        config.reward.sandbox_fusion.max_concurrent = 4
    rows = [(RIGHT, STDIN), (PART, STDIN), (METHOD, FUNCTION), (ADD, ASSERTS), ("?", STDIN)]

    async def score() -> list[dict[str, Any]]:
        return await RewardLoopWorker(config).compute_score_batch(batch(model, rows))

    scores = [one["reward_score"] for one in asyncio.run(score())]
    assert scores == pytest.approx([1.0, 2 / 3, 1.0, 1.0, 0.0])


def test_without_its_key_verl_has_no_answer(keyed_server: Any) -> None:
    found, told = check_correctness(f"{keyed_server.address}/run_code", STDIN, "print(1)")
    assert found == [-1] * 3
    assert {case["status"] for case in told} == {"api_error"}
    assert "401" in told[0]["api_request_error"]


def test_its_own_client_asks_a_server_with_keys(keyed_server: Any) -> None:
    endpoint = keyed_server.with_key
    request = models.RunCodeRequest(code="print(open('a').read())", language="python", files={"a": "aGk="})
    assert official.run_code(request, endpoint).run_result.stdout == "hi\n"
    task = load_environment("reverse_string")
    answer = models.SubmitRequest(
        dataset="deepgym", id=task.id, completion=f"```python\n{task.reference}\n```", config=models.TestConfig()
    )
    assert official.submit(answer, endpoint).accepted
    with pytest.raises(Exception, match="a key is needed"):
        official.run_code(request, keyed_server.address, max_attempts=1)
