"""SandboxFusion's endpoints, over HTTP and real sandboxes; its own clients are in tests/integrations/verl."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from deepgym_env import DeepGym, load_environment, register
from deepgym_env.benchmarks.catalogue import BENCHMARKS
from deepgym_env.benchmarks.importing import import_benchmark
from deepgym_env.errors import ConfigError
from deepgym_env.integrations.bounded_routes import LARGEST_BODY
from deepgym_env.integrations.sandbox_fusion import (
    create_sandbox_fusion_app,
    create_sandbox_fusion_router,
    task_id_of,
)
from deepgym_env.integrations.sandbox_fusion_wire import LANGUAGES_OF, response_of
from deepgym_env.programs import Program, ProgramResult
from deepgym_env.task import ProgramTask, StdioTest

JSON = {"content-type": "application/json"}
HELLO = {
    "python": ("print(input())", None),
    "cpp": ("#include <iostream>\nint main() { std::string s; std::cin >> s; std::cout << s << std::endl; }", 0),
    "nodejs": ("console.log(require('fs').readFileSync(0, 'utf8').trim())", None),
    "go": ('package main\nimport "fmt"\nfunc main() { var s string; fmt.Scan(&s); fmt.Println(s) }', 0),
    "java": (
        "import java.util.*; public class Main { public static void main(String[] a) { "
        "System.out.println(new Scanner(System.in).next()); } }",
        0,
    ),
    "bash": ("cat", None),
    "rust": ('fn main() { let mut s = String::new(); std::io::stdin().read_line(&mut s).unwrap(); print!("{s}"); }', 0),
}


@pytest.fixture
def client(served: Callable[[Any], httpx.Client], engine: DeepGym) -> httpx.Client:
    return served(create_sandbox_fusion_app(engine))


def run(client: httpx.Client, code: str, language: str = "python", **options: Any) -> dict[str, Any]:
    answer = client.post("/run_code", json={"code": code, "language": language, **options})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    assert set(told) == {"status", "message", "compile_result", "run_result", "executor_pod_name", "files"}
    return told


def refusal(client: httpx.Client, path: str, status: int, **body: Any) -> str:
    answer = client.post(path, json=body)
    assert answer.status_code == status, answer.text
    said: str = answer.json()["detail"]
    return said


def test_ping(client: httpx.Client) -> None:
    assert client.get("/v1/ping").json() == "pong"


@pytest.mark.parametrize("language", HELLO)
def test_languages_by_sandbox_fusions_names(client: httpx.Client, engine: DeepGym, language: str) -> None:
    if engine.languages()[LANGUAGES_OF[language]] is None:
        told = run(client, "x", language)
        assert (told["status"], told["run_result"]) == ("SandboxError", None)
        assert "toolchain" in told["message"]
        pytest.skip(f"no toolchain for {language} here")
    code, compiled = HELLO[language]
    told = run(client, code, language, stdin="hi\n", compile_timeout=60)
    assert (told["status"], told["message"], told["run_result"]["stdout"]) == ("Success", "", "hi\n")
    assert (told["run_result"]["status"], told["run_result"]["return_code"]) == ("Finished", 0)
    assert told["run_result"]["execution_time"] > 0
    assert (told["compile_result"] and told["compile_result"]["return_code"]) == compiled


@pytest.mark.parametrize(
    ("code", "options", "status", "return_code", "stderr"),
    [
        ("raise SystemExit(3)", {}, "Finished", 3, ""),
        ("1 / 0", {}, "Finished", 1, "ZeroDivisionError"),
        ("import os; os.abort()", {}, "Finished", -6, ""),
        ("while True: pass", {"run_timeout": 0.4}, "TimeLimitExceeded", None, ""),
        ("import time; time.sleep(60)", {"run_timeout": 0.4}, "TimeLimitExceeded", None, ""),
        ("x = bytearray(300 << 20)", {"memory_limit_MB": 100}, "Finished", 1, "MemoryError"),
        ("x = bytearray(10 << 20)", {"memory_limit_MB": 1}, "Finished", 0, ""),  # raised to the least there is
        ("x = bytearray(1 << 30)", {"memory_limit_MB": -1}, "Finished", 0, ""),
        ("print('x' * (9 << 20))", {}, "Finished", -25, ""),
        ("print(", {}, "Finished", 1, "SyntaxError"),  # SandboxFusion compiles no Python: it is the run that fails
        ("if", {"language": "bash"}, "Finished", 2, "syntax error"),
    ],
)
def test_how_runs_end(
    client: httpx.Client, code: str, options: dict[str, Any], status: str, return_code: int | None, stderr: str
) -> None:
    told = run(client, code, **{"language": "python", **options})
    ran = told["run_result"]
    assert (ran["status"], ran["return_code"]) == (status, return_code)
    assert stderr in ran["stderr"]
    assert told["status"] == ("Success" if return_code == 0 else "Failed")
    assert bool(told["message"]) == (return_code != 0)
    assert told["compile_result"] is None


def test_a_compiler_that_refuses(client: httpx.Client) -> None:
    told = run(client, "int main() {", "cpp")
    assert (told["status"], told["run_result"]) == ("Failed", None)
    assert (told["compile_result"]["status"], told["compile_result"]["return_code"]) == ("Finished", 1)
    assert "error" in told["compile_result"]["stderr"]


def test_a_compiler_that_takes_too_long(client: httpx.Client) -> None:
    many = "\n".join(f'std::regex r{n}("a");' for n in range(2000))
    told = run(client, f"#include <regex>\n{many}\nint main() {{}}", "cpp", compile_timeout=0.1)
    assert told["status"] == "Failed"
    assert told["compile_result"]["status"] == "TimeLimitExceeded"
    assert told["compile_result"]["return_code"] is None
    assert told["run_result"] is None


def test_files_go_in_and_come_out(client: httpx.Client) -> None:
    code = "import os, lib\nos.mkdir('out')\nopen('out/twice', 'wb').write(lib.twice(open('in/a', 'rb').read()))"
    data = bytes(range(256))
    files = {
        "in/a": base64.b64encode(data).decode(),
        "lib.py": base64.b64encode(b"def twice(data): return data * 2").decode(),
        "none": None,
    }
    told = run(client, code, files=files, fetch_files=["out/twice", "/workspace/in/a", "none", "/etc/passwd", "../x"])
    assert told["status"] == "Success"
    assert {path: base64.b64decode(content) for path, content in told["files"].items()} == {
        "out/twice": data * 2,
        "/workspace/in/a": data,
    }
    assert [line.partition(":")[0].partition(" ")[0] for line in told["message"].splitlines()] == [
        "'none'",
        "'/etc/passwd'",
        "'../x'",
    ]


def test_a_file_that_is_named_twice_is_fetched_once(engine: DeepGym) -> None:
    code = "open('a', 'wb').write(bytes(9 << 20))"  # twice would be more than a program may leave
    result = engine.execute(Program(language="python", code=code, fetch=("a", "a", "b", "b")))
    assert [file.path for file in result.files] == ["a"]
    assert len(result.unfetched) == 1


def test_files_a_program_left_are_fetched_whatever_became_of_it(client: httpx.Client) -> None:
    told = run(client, "open('log', 'w').write('so far'); 1 / 0", fetch_files=["log"])
    assert (told["status"], told["files"]) == ("Failed", {"log": base64.b64encode(b"so far").decode()})


def test_a_link_leads_nowhere_else(client: httpx.Client) -> None:
    told = run(client, "import os; os.symlink('/etc/passwd', 'link')", fetch_files=["link"])
    assert told["files"] == {}
    assert "leads out of /workspace" in told["message"]


def test_too_much_left_is_left_out(engine: DeepGym) -> None:
    code = "for name in 'abc': open(name, 'wb').write(bytes(7 << 20))"
    result = engine.execute(Program(language="python", code=code, fetch=("a", "b", "c")))
    assert [file.path for file in result.files] == ["a", "b"]
    assert ["larger than" in why for why in result.unfetched] == [True]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"language": "php"}, "can't be run here: use one of python, "),
        ({"language": "klingon"}, "is none that SandboxFusion knows"),
        ({"files": {"/abs": ""}}, "must lie beside the source"),
        ({"files": {"../up": ""}}, "must lie beside the source"),
        ({"files": {"main.py": ""}}, "the program's own is 'main.py'"),
        ({"files": {"a": "?"}}, "must be Base64"),
        ({"run_timeout": 0}, "run_timeout: Input should be greater than 0"),
        ({"compile_timeout": 1e9}, "compile_timeout: Input should be less than"),
        ({"memory_limit_MB": 1 << 40}, "memory_limit_MB"),
        ({"code": "x" * ((1 << 20) + 1)}, "code: "),
        ({"code": None}, "code: "),
        ({"fetch_files": ["a"] * 257}, "fetch_files: "),
    ],
)
def test_what_makes_no_sense_is_refused(client: httpx.Client, wrong: dict[str, Any], said: str) -> None:
    told = refusal(client, "/run_code", 422, **{"code": "x", "language": "python", **wrong})
    assert said in told
    assert len(told) < 500


def test_files_that_do_not_fit_are_refused(client: httpx.Client) -> None:
    files = {"a": "", "a/b": ""}
    assert "can't be taken" in refusal(client, "/run_code", 422, code="x", language="python", files=files)


def test_bodies_that_json_can_not_hold_or_nobody_should_send(client: httpx.Client) -> None:
    nan = client.post("/run_code", content=b'{"code": "x", "language": "python", "run_timeout": NaN}', headers=JSON)
    assert (nan.status_code, "run_timeout" in nan.json()["detail"]) == (422, True)
    half = b'{"code": "print(ascii(input()))", "language": "python", "stdin": "\\ud800"}'
    assert client.post("/run_code", content=half, headers=JSON).json()["status"] == "Success"
    long = b'{"code": "' + b"x" * LARGEST_BODY + b'"}'
    assert client.post("/run_code", content=long, headers=JSON).status_code == 413
    assert client.post("/run_code", content=iter([long[: 1 << 26], long[1 << 26 :]]), headers=JSON).status_code == 413


def test_many_at_a_time_and_each_apart(client: httpx.Client) -> None:
    def one(number: int) -> str:
        code = f"import os; print(os.listdir()); open('f{number}', 'w'); print({number})"
        told: str = run(client, code)["run_result"]["stdout"]
        return told

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(one, range(16))) == [f"['main.py']\n{number}\n" for number in range(16)]


def test_an_infrastructure_failure_is_a_sandbox_error(
    served: Callable[[Any], httpx.Client], nowhere: DeepGym, caplog: pytest.LogCaptureFixture
) -> None:
    client = served(create_sandbox_fusion_app(nowhere))
    told = run(client, "print(1)")
    assert (told["status"], told["run_result"], told["compile_result"]) == ("SandboxError", None, None)
    assert "no machine today" in told["message"]
    assert "no machine today" in caplog.text
    answer = {"dataset": "deepgym", "id": "two_sum", "completion": "def two_sum(numbers, target): return [0, 1]"}
    assert "no verdict" in refusal(client, "/submit", 503, **answer)


def test_a_closed_engine_is_a_sandbox_error(served: Callable[[Any], httpx.Client]) -> None:
    with DeepGym(workers=1) as closed:
        client = served(create_sandbox_fusion_app(closed))
    assert run(client, "print(1)")["status"] == "SandboxError"


def test_a_result_is_never_a_success_by_its_code() -> None:
    for status in ("exception", "memory_limit", "output_limit", "crashed"):
        told = response_of("python", ProgramResult(status=status, exit_code=0))
        assert told.status == "Failed"
        assert told.run_result is not None
        assert told.run_result.return_code not in (0, None)


# ── problems of data sets ─────────────────────────────────────────────────────────────────


def submit(client: httpx.Client, dataset: str, problem: int | str, completion: str, **config: Any) -> dict[str, Any]:
    body = {"dataset": dataset, "id": problem, "completion": completion, "config": config}
    answer = client.post("/submit", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_a_task_is_judged_test_by_test(client: httpx.Client) -> None:
    task = load_environment("reverse_string")
    right = submit(client, "deepgym", "reverse_string", f"So:\n```python\n{task.reference}\n```")
    assert (right["accepted"], right["id"], right["extra"]["score"]) == (True, "reverse_string", 1.0)
    assert right["extracted_code"].strip() == task.reference.strip()
    assert [test["passed"] for test in right["tests"]] == [True] * len(task.tests)
    part = submit(client, "deepgym", "reverse_string", "def reverse_string(s): return s")
    passed = [test["passed"] for test in part["tests"]]
    assert not part["accepted"]
    assert 0 < sum(passed) < len(passed)
    assert part["extra"]["score"] == pytest.approx(sum(passed) / len(passed))


@pytest.mark.parametrize(
    "end", ["os._exit(0)", "sys.exit(0)", "print('passed', file=sys.__stdout__, flush=True); os._exit(0)"]
)
def test_an_answer_that_exits_is_none(client: httpx.Client, end: str) -> None:
    judged = submit(client, "deepgym", "reverse_string", f"import os, sys\ndef reverse_string(s): return s\n{end}")
    assert not judged["accepted"]
    assert [test["passed"] for test in judged["tests"] if test["passed"]] == []


def test_hidden_tests_stay_hidden(client: httpx.Client) -> None:
    told = submit(client, "deepgym", "reverse_string", "def reverse_string(s): return 'no' + s")
    assert (told["full_code"], told["test_code"]) == (None, None)
    hidden = [test for test in told["tests"] if not test["test_info"]["public"]]
    shown = [test for test in told["tests"] if test["test_info"]["public"]]
    assert shown[0]["test_info"]["expected_summary"]
    assert hidden
    for test in hidden:
        info = test["test_info"]
        assert (info["input_summary"], info["expected_summary"], info["output_summary"]) == ("", "", "")
        assert test["exec_info"] == {
            "status": "Failed",
            "message": "wrong_answer",
            "compile_result": None,
            "run_result": None,
            "executor_pod_name": None,
            "files": {},
        }


def test_a_benchmarks_problem_by_sandbox_fusions_name(
    client: httpx.Client, engine: DeepGym, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = {
        "task_id": "HumanEval/0",
        "prompt": "def double(x):\n    '''Return twice x.'''\n",
        "entry_point": "double",
        "canonical_solution": "    return 2 * x\n",
        "test": "def check(candidate):\n    assert candidate(2) == 4\n    assert candidate(3) == 6\n",
    }
    monkeypatch.setenv("DEEPGYM_HOME", str(tmp_path))
    before = {"dataset": "humaneval_python", "id": 0, "completion": "x"}
    assert "deepgym import humaneval" in refusal(client, "/submit", 404, **before)
    (tmp_path / "rows.jsonl").write_text(json.dumps(row))
    import_benchmark("humaneval", [str(tmp_path / "rows.jsonl")], engine=engine)
    told = submit(client, "humaneval_python", 0, "```python\ndef double(x):\n    return 4\n```", language="python")
    assert [test["passed"] for test in told["tests"]] == [True, False]
    assert submit(client, "HumanEval", "HumanEval/0", "def double(x): return x + x")["accepted"]
    assert "no task 'HumanEval/7'" in refusal(client, "/submit", 404, **{**before, "id": 7})


def test_names_of_data_sets() -> None:
    assert task_id_of("code_contests", "x") == "CodeContests/x"
    assert {task_id_of(name, 1) for name in BENCHMARKS} == {f"{one.namespace}/1" for one in BENCHMARKS.values()}
    assert task_id_of("mypackage", "task") == "mypackage/task"


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ({"dataset": "nowhere", "id": 0}, 404, "no task 'nowhere/0'"),
        ({"dataset": "deepgym", "id": "two_sun"}, 404, "did you mean 'two_sum'"),
        ({"dataset": "deepgym", "id": "debug_fix"}, 422, "workspace"),
        ({"config": {"language": "cpp"}}, 422, "answered in python, not in cpp"),
        ({"config": {"language": "sql"}}, 422, "can't be run here"),
        ({"config": {"custom_extract_logic": "import os"}}, 422, "doesn't run"),
        ({"config": {"provided_data": [{"test": "assert True"}]}}, 422, "isn't taken"),
        ({"completion": None}, 422, "completion: "),
    ],
)
def test_submissions_that_can_not_be_judged(client: httpx.Client, body: dict[str, Any], status: int, said: str) -> None:
    asked = {"dataset": "deepgym", "id": "two_sum", "completion": "x", "config": {}, **body}
    assert said in refusal(client, "/submit", status, **asked)


def test_an_answer_in_another_language(client: httpx.Client, tasks_as_before: None) -> None:
    tests = (StdioTest(id="two", stdin="2\n", expected="4\n", public=True),)
    register(ProgramTask(id="double", title="Double", prompt="Print twice as much.", tests=tests))
    bash = "read n; echo $((n * 2))"
    assert submit(client, "deepgym", "double", bash, language="bash")["accepted"]
    assert not submit(client, "deepgym", "double", bash)["accepted"]


def test_text_that_is_no_utf_8(client: httpx.Client) -> None:
    body = b'{"dataset": "deepgym", "id": "two_sum", "completion": "def two_sum(a, b): return 0 # \\ud800"}'
    answer = client.post("/submit", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["accepted"]) == (200, False)


# ── in an application of one's own, and from a shell ──────────────────────────────────────


def test_beside_other_routes(served: Callable[[Any], httpx.Client], engine: DeepGym) -> None:
    app = FastAPI()
    app.include_router(create_sandbox_fusion_router(engine), prefix="/fusion")
    client = served(app)
    answer = client.post("/fusion/run_code", json={"code": "print(1)", "language": "python"}).json()
    assert answer["run_result"]["stdout"] == "1\n"
    assert {"/fusion/run_code", "/fusion/submit", "/fusion/v1/ping"} <= set(client.get("/openapi.json").json()["paths"])


def test_without_seats_nothing_works() -> None:
    with pytest.raises(ConfigError, match="at least 1"):
        create_sandbox_fusion_router(concurrency=0)


def test_the_server_from_a_shell() -> None:
    module = [sys.executable, "-m", "deepgym_env.integrations.sandbox_fusion"]
    helped = subprocess.run([*module, "--help"], capture_output=True, text=True, check=True).stdout
    assert "--port" in helped
    assert "--task" not in helped


def test_fewer_seats_than_requests(served: Callable[[Any], httpx.Client], engine: DeepGym) -> None:
    client = served(create_sandbox_fusion_app(engine, concurrency=1))
    slow = threading.Thread(target=run, args=(client, "import time; time.sleep(0.5)"))
    slow.start()
    assert client.get("/v1/ping").json() == "pong"
    assert run(client, "print(2)")["run_result"]["stdout"] == "2\n"
    slow.join()
