from __future__ import annotations

import numpy as np
import pytest

from deepgym_env import ProgramTask, StdioTest
from deepgym_env.envs import CodingEnv, CodingVectorEnv

DOUBLE = "print(2 * int(input()))"


@pytest.fixture(scope="module")
def task():
    tests = [("2\n", "4\n"), ("5\n", "10\n")]
    made = [StdioTest(id=f"t{n}", stdin=i, expected=o, public=n == 0) for n, (i, o) in enumerate(tests)]
    return ProgramTask(id="double", title="Double", prompt="Print twice the number read.", tests=made)


@pytest.fixture
def env(task, own):
    made = CodingEnv(task, engine=own)
    yield made
    made.close()


def test_an_episode_of_a_program(env):
    prompt, info = env.reset(seed=0)
    assert "standard output" in prompt
    assert [tool["function"]["name"] for tool in info["tools"]] == ["submit", "run_code"]
    told, reward, terminated, *_ = env.step("```python\nprint(4)\n```")
    assert (reward.tolist(), terminated) == ([1.0, 0.0], False)
    assert "Hidden tests: 0 of 1" in told
    told, reward, terminated, _, info = env.step(f"```python\n{DOUBLE}\n```")
    assert (told, reward.tolist(), terminated) == ("All 2 tests passed.", [0.0, 1.0], True)
    assert info["hack_report"]["suspicious"] is False


def test_failures_show_input_and_output(env):
    env.reset(seed=0)
    told = env.step("print(input())")[0]
    assert "  stdin: 2\n  expected stdout: 4\n  stdout: 2\n" in told
    assert "10" not in told


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"code": DOUBLE, "stdin": "21\n"}, "42"),
        ({"code": "print('hello')"}, "hello"),
        ({"code": "pass"}, "[no output]"),
        (
            {"code": "import sys; print('a'); print('b', file=sys.stderr); sys.exit(3)"},
            "a\nb\n[exception: exit code 3]",
        ),
        ({"code": "x y"}, "[syntax error: it does not compile]"),
    ],
)
def test_code_may_be_tried_on_an_input(env, arguments, told):
    env.reset(seed=0)
    shown, reward, terminated, truncated, info = env.step({"name": "run_code", "arguments": arguments})
    assert told in shown
    assert (reward.tolist(), terminated, truncated, info["action_valid"]) == ([0.0, 0.0], False, False, True)


def test_code_is_tried_in_the_task_s_language(task, own):
    env = CodingEnv(task.in_language("bash"), engine=own)
    assert "Bash" in env.reset(seed=0)[0]
    call = {"name": "run_code", "arguments": {"code": "read n; echo $((n + 1))", "stdin": "1"}}
    assert env.step(call)[0] == "2"
    assert env.step("```bash\nread n; echo $((n * 2))\n```")[2] is True
    env.close()


def test_a_vector_of_programs(task, own):
    envs = CodingVectorEnv(task, num_envs=2, engine=own)
    envs.reset(seed=0)
    rewards = envs.step([DOUBLE, "print(4)"])[1]
    assert np.array_equal(rewards, [[1, 1], [1, 0]])
    envs.close()


def test_what_is_shown_and_stands_in_the_code_is_reported(own):
    shown = StdioTest(id="a", stdin="", expected="a long answer\n", public=True)
    task = ProgramTask(id="t", title="", prompt="", tests=(shown, StdioTest(id="b", stdin="1", expected="2")))
    env = CodingEnv(task, engine=own)
    env.reset(seed=0)
    report = env.step("import sys\nprint('a long answer')\nsys.exit()")[4]["hack_report"]
    assert (report["memorised"], report["suspect"], report["gap"]) == (1, [], 1.0)
    assert report["suspicious"] is True
    env.close()
