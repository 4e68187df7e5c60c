"""Environments whose actions are numbers that make programs: repair and construction."""

from __future__ import annotations

import ast
import contextlib
import itertools
import os
import pickle
import random
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from gymnasium.utils.env_checker import check_env

from deepgym_env import DeepGym, Task, load_task, register, task_ids
from deepgym_env.envs import ConstructEnv, ProgramEnv, RepairEnv
from deepgym_env.envs.construct import RULES, TARGETS
from deepgym_env.envs.edit_sites import LOOKS, editable
from deepgym_env.envs.repair import FEATURES
from deepgym_env.envs.repair_baselines import GreedyEdits, RandomEdits, solved_rate
from deepgym_env.envs.repair_programs import OPTIONS, SITES, SPLITS, TESTS, repair_program
from deepgym_env.envs.small_programs import SMALL_PROGRAMS, small_task
from deepgym_env.envs.verdicts import Request, Verdicts, verdicts_of
from deepgym_env.episodes import read_episodes, replay
from deepgym_env.errors import ConfigError, SandboxError, UnknownTaskError
from deepgym_env.sandbox import LocalBackend
from deepgym_env.wrappers import EpisodeLogger

PROGRAMS = (*SPLITS["train"], *SPLITS["heldout"])
QUICK = {"programs": ["leap_days", "second_largest"]}  # no loop of theirs runs for ever
MAKES: dict[str, Callable[..., ProgramEnv[Any]]] = {
    "DeepGym/repair": lambda **options: RepairEnv(**{**QUICK, **options}),
    "DeepGym/construct": lambda **options: ConstructEnv(**options),
}


class Failing(LocalBackend):
    """A backend that loses its sandboxes and starts none while it is told to fail."""

    failing = False

    def start(self) -> Any:
        if self.failing:
            raise SandboxError("no sandbox today")
        self.handle = super().start()
        return self.handle

    def fail(self, processes: Any) -> None:
        self.failing = True
        for pid in (self.handle.process.pid, *processes.below(self.handle.process.pid)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


@pytest.fixture(params=sorted(MAKES))
def make(request, engine) -> Iterator[Callable[..., ProgramEnv[Any]]]:
    made: list[ProgramEnv[Any]] = []

    def make_env(**options: Any) -> ProgramEnv[Any]:
        made.append(MAKES[request.param](**{"engine": engine, **options}))
        return made[-1]

    yield make_env
    for env in made:
        env.close()


def play(env: ProgramEnv[Any], seed: int, masked: bool = True) -> list[tuple[Any, ...]]:
    """Return the steps of an episode of random actions."""
    rng = np.random.default_rng(seed)
    env.reset(seed=seed)
    steps: list[tuple[Any, ...]] = []
    while not steps or not (steps[-1][2] or steps[-1][3]):
        masks = env.action_masks() if masked else np.ones(env.action_space.n, bool)
        steps.append(env.step(rng.choice(np.flatnonzero(masks))))
    return steps


# ── the API ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("env_id", sorted(MAKES))
def test_check_env(env_id):
    env = gym.make(env_id, **(QUICK if env_id == "DeepGym/repair" else {}))
    check_env(env.unwrapped, skip_render_check=True)
    env.close()
    env.close()


@pytest.mark.parametrize("env_id", sorted(MAKES))
def test_a_spec_makes_the_same_environment_again(env_id):
    env = gym.make(env_id, engine=None)
    again = gym.make(pickle.loads(pickle.dumps(env.spec)))
    assert type(again.unwrapped) is type(env.unwrapped)
    assert again.observation_space == env.observation_space


def test_the_same_seed_and_actions_give_the_same_episode(make):
    one, other = play(make(), seed=3), play(make(), seed=3)
    assert len(one) == len(other)
    for first, second in zip(one, other, strict=True):
        np.testing.assert_equal(first, second)


def test_observations_are_new_each_time_and_of_the_space(make):
    env = make()
    first, _ = env.reset(seed=1)
    before = pickle.dumps(first)
    for observation, *_ in play(env, seed=1):
        assert env.observation_space.contains(observation)
    assert pickle.dumps(first) == before


def test_what_has_not_begun_or_is_over_takes_no_step(make):
    env = make()
    with pytest.raises(ResetNeeded):
        env.step(0)
    play(env, seed=0)
    with pytest.raises(ResetNeeded):
        env.step(0)
    env.reset()
    with pytest.raises(ValueError, match="must be of Discrete"):
        env.step(env.action_space.n)


# ── rewards ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("masked", [True, False])
def test_the_return_is_the_score_of_the_program_it_ended_with(make, masked):
    env = make()
    for seed in range(6):
        steps = play(env, seed, masked)
        rewards = [reward for _, reward, *_ in steps]
        assert all(type(reward) is float for reward in rewards)
        info = steps[-1][4]
        assert sum(rewards) == pytest.approx(info["score"])
        assert info["score"] == pytest.approx(np.mean([test["score"] for test in info["tests"]]))


def test_the_score_is_the_engines_verdict(make, engine):
    env = make()
    for seed in range(3):
        env.reset(seed=seed)
        over = False
        while not over:
            action = int(np.flatnonzero(env.action_masks())[seed])
            request = env.request(action)
            *_, terminated, truncated, info = env.step(action)
            over = terminated or truncated
            if request is not None:
                result = engine.run(request.task, request.code)
                assert info["tests"] == [
                    {"id": case.id, "public": case.public, "status": case.status, "score": case.score}
                    for case in result.cases
                ]


@pytest.mark.parametrize("env_id", sorted(MAKES))
def test_a_log_is_read_and_replays(env_id, tmp_path):
    env = EpisodeLogger(gym.make(env_id, **(QUICK if env_id == "DeepGym/repair" else {})), tmp_path / "log.jsonl")
    env.reset(seed=0)
    over = False
    while not over:
        over = any(env.step(int(np.flatnonzero(env.unwrapped.action_masks())[0]))[2:4])
    (episode,) = read_episodes(tmp_path / "log.jsonl")
    assert episode.turns[-1].scores == [test["score"] for test in episode.turns[-1].info["tests"]]
    assert replay(episode).status == "equal"
    env.close()


def test_a_construction_has_run_no_test_to_begin_with():
    _, info = ConstructEnv("distance").reset()
    assert {(test["status"], test["score"]) for test in info["tests"]} == {("not_run", 0.0)}


# ── masks ─────────────────────────────────────────────────────────────────────────────────


def test_masks_allow_what_does_something_and_nothing_else(make):
    env = make()
    for seed in range(4):
        env.reset(seed=seed)
        rng = random.Random(seed)
        over = False
        while not over:
            action = rng.randrange(env.action_space.n)
            allowed = env.action_masks()[action]
            *_, terminated, truncated, info = env.step(action)
            assert info["action_valid"] == allowed
            over = terminated or truncated


def test_asking_for_a_program_changes_nothing(make):
    env, other = make(), make()
    for one in (env, other):
        one.reset(seed=5)
    for action in range(env.action_space.n):
        env.request(action)
    action = int(np.flatnonzero(env.action_masks())[0])
    np.testing.assert_equal(env.step(action), other.step(action))


# ── without a verdict ─────────────────────────────────────────────────────────────────────


def test_no_verdict_truncates_and_changes_nothing(processes):
    backend = Failing()
    with DeepGym(workers=1, retries=0, backend=backend) as fragile:
        env = RepairEnv(**QUICK, engine=fragile)
        before, _ = env.reset(seed=0)
        program = env.chosen
        action = int(np.flatnonzero(env.action_masks())[0])
        backend.fail(processes)
        observation, reward, terminated, truncated, info = env.step(action)
        assert (reward, terminated, truncated) == (0.0, False, True)
        assert info["has_verdict"] is False
        assert env.chosen == program
        np.testing.assert_equal(observation["options"], before["options"])
        np.testing.assert_equal(observation["tests"], before["tests"])
        with pytest.raises(SandboxError, match="no verdict"):
            env.reset(seed=1)
        backend.failing = False  # what had no verdict is not remembered
        env.reset(seed=0)
        assert env.step(action)[4]["has_verdict"] is True


def test_a_reset_that_fails_leaves_the_episode_before_ended(processes):
    backend = Failing()
    with DeepGym(workers=1, retries=0, backend=backend) as fragile:
        env = RepairEnv(**QUICK, engine=fragile)
        env.reset(seed=0)
        before, masks = env.observation(), env.action_masks()
        drawn, chosen = env.drawn, env.chosen
        backend.fail(processes)
        for seed in range(1, 5):  # of both programs
            with pytest.raises(SandboxError, match="no verdict"):
                env.reset(seed=seed)
            assert (env.drawn, env.chosen) == (drawn, chosen)
            np.testing.assert_equal((env.observation(), env.action_masks()), (before, masks))
            with pytest.raises(ResetNeeded):
                env.step(0)


def test_programs_without_a_verdict_are_not_counted():
    backend = Failing()
    with DeepGym(workers=1, retries=0, backend=backend) as fragile:
        backend.failing = True
        task = small_task("gcd")
        assert verdicts_of(fragile).judge([Request(task, "pass")]) == [None]
        assert verdicts_of(fragile).executed == 0


def test_an_expression_without_a_verdict_is_not_finished():
    backend = Failing()
    with DeepGym(workers=1, retries=0, backend=backend) as fragile:
        env = ConstructEnv("distance", engine=fragile)
        env.reset(seed=0)
        backend.failing = True
        _, reward, terminated, truncated, info = env.step(RULES.index("0"))
        assert (reward, terminated, truncated) == (0.0, False, True)
        assert (info["has_verdict"], info["expression"]) == (False, "")


# ── repair ────────────────────────────────────────────────────────────────────────────────


def test_every_program_is_right_as_it_was_written(engine):
    programs = [(name, variant) for name in PROGRAMS for variant in range(repair_program(name).variants)]
    requests = []
    for name, variant in programs:
        made = repair_program(name, variant)
        assert 2 <= len(made.program.sites) <= SITES
        assert len(made.task.tests) == TESTS
        requests.append(Request(made.task, made.program.code(made.program.original)))
    verdicts = verdicts_of(engine).judge(requests)
    assert [each for each, verdict in zip(programs, verdicts, strict=True) if not (verdict and verdict.passed)] == []


def test_no_held_out_program_is_learnt_from():
    assert not set(SPLITS["train"]) & set(SPLITS["heldout"])
    assert len(set(PROGRAMS)) == len(PROGRAMS)
    sources = {name: ast.dump(repair_program(name).program.tree) for name in PROGRAMS}
    assert len(set(sources.values())) == len(PROGRAMS)
    assert not SMALL_PROGRAMS.keys() & set(task_ids())


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_choice_of_options_is_another_program(name):
    program = repair_program(name).program
    rng = random.Random(name)
    for _ in range(10):
        chosen = [rng.randrange(len(site.options)) for site in program.sites]
        written = program.code(chosen)
        compile(written, name, "exec")
        for place, site in enumerate(program.sites):
            rivals = {
                program.code([*chosen[:place], option, *chosen[place + 1 :]]) for option in range(len(site.options))
            }
            assert len(rivals) == len(site.options)
            assert written in rivals


def test_sites_do_not_tell_which_option_was_written():
    places = [
        site.original for name in PROGRAMS for site in repair_program(name).program.sites if len(site.options) == 3
    ]
    counts = np.bincount(places, minlength=OPTIONS)
    assert counts.min() > 0.2 * len(places)


def test_undoing_every_fault_repairs_the_program(engine):
    env = RepairEnv(**QUICK, engine=engine)
    for seed in range(4):
        env.reset(seed=seed)
        original = env.drawn.program.original
        wrong = [place for place, option in enumerate(env.chosen) if option != original[place]]
        assert len(wrong) == env.faults
        for place in wrong:
            assert env.score != 1.0
            _, _, terminated, truncated, info = env.step(place * OPTIONS + original[place])
            if terminated:
                break
        assert (terminated, truncated, info["is_success"]) == (True, False, True)


def test_submitting_ends_an_episode_with_the_score_there_was(engine):
    env = RepairEnv(**QUICK, engine=engine)
    _, info = env.reset(seed=2)
    _, reward, terminated, truncated, after = env.step(SITES * OPTIONS)
    assert (reward, terminated, truncated) == (info["score"], True, False)
    assert after["action_valid"] is True


def test_the_number_of_edits_is_limited(engine):
    env = RepairEnv(**QUICK, max_edits=3, engine=engine)
    env.reset(seed=0)
    stay = env.chosen[0]  # changes nothing
    outcomes = [env.step(stay) for _ in range(3)]
    assert [(each[2], each[3]) for each in outcomes] == [(False, False), (False, False), (False, True)]
    assert outcomes[-1][4]["action_valid"] is False


def table(observation):
    return observation["options"].reshape(-1, len(FEATURES))


def test_observations_tell_what_edits_did(engine):
    env = RepairEnv(**QUICK, engine=engine)
    first, _ = env.reset(seed=1)
    action = int(np.flatnonzero(env.action_masks())[0])
    observation, *_, info = env.step(action)
    exists, current, initial, tried, effect, mended, broken = table(observation)[action, :7]
    assert (exists, current, initial, tried) == (1, 1, 0, 1)
    assert effect == pytest.approx(observation["progress"][0] - first["progress"][0])
    assert effect == pytest.approx(mended - broken)
    assert observation["tests"][1::4].mean() == pytest.approx(info["score"])
    assert table(observation)[:, 1].sum() == len(env.chosen)
    stood = int(table(first)[:OPTIONS, 1].argmax())
    assert table(env.step(stood)[0])[[action, stood], 1].tolist() == [0, 1]


def test_an_action_taken_back_leads_to_the_program_before(engine):
    env = RepairEnv(**QUICK, engine=engine)
    env.reset(seed=4)
    before = env.chosen
    action = int(np.flatnonzero(env.action_masks())[3])
    back = env.inverse(action)
    env.step(action)
    assert env.tried(back)
    assert env.tried(action)
    env.step(back)
    assert env.chosen == before


def test_climbing_takes_back_what_does_harm_and_nothing_else(engine):
    env = RepairEnv(**QUICK, engine=engine)
    for seed in range(4):
        agent = GreedyEdits(seed)
        _, info = env.reset(seed=seed)
        states, scores, over = [env.chosen], [info["score"]], False
        while not over:
            *_, terminated, truncated, info = env.step(agent(env))
            over = terminated or truncated
            states.append(env.chosen)
            scores.append(info["score"])
        tries = [number for number in range(1, len(states)) if number < 2 or states[number] != states[number - 2]]
        harm = {number for number in tries if scores[number] < scores[number - 1]}
        taken_back = {number - 1 for number in range(2, len(states)) if states[number] == states[number - 2]}
        assert taken_back == harm - {len(states) - 1}


def test_the_solved_rate_is_that_of_episodes(engine):
    env = RepairEnv(**QUICK, engine=engine)

    def right(env: RepairEnv) -> int:
        original = env.drawn.program.original
        return next(place * OPTIONS + best for place, best in enumerate(original) if env.chosen[place] != best)

    assert solved_rate(right, env, episodes=5) == 1.0
    assert solved_rate(lambda env: SITES * OPTIONS, env, episodes=5) == 0.0
    assert solved_rate(RandomEdits(), env, episodes=5) < 1.0


def test_the_solved_rate_leaves_out_what_has_no_verdict(engine, monkeypatch):
    env = RepairEnv(**QUICK, engine=engine)
    submit, mended = env.step, itertools.count()

    def lost(action):
        observation, reward, _, _, info = submit(action)
        return observation, reward, False, True, info | {"has_verdict": False, "passed": False}

    def every_other_lost(action):
        if next(mended) % 2:
            return lost(action)
        observation, reward, terminated, truncated, info = submit(action)
        return observation, reward, terminated, truncated, info | {"passed": True}

    monkeypatch.setattr(env, "step", every_other_lost)
    assert solved_rate(lambda env: SITES * OPTIONS, env, episodes=4) == 1.0
    monkeypatch.setattr(env, "step", lost)
    with pytest.raises(SandboxError, match="no episode had a verdict: `deepgym doctor`"):
        solved_rate(lambda env: SITES * OPTIONS, env, episodes=2)


def test_rendering_shows_the_program(engine):
    env = RepairEnv(programs=["gcd"], faults=1, render_mode="ansi", engine=engine)
    env.reset(seed=0)
    assert "def gcd(a: int, b: int) -> int:" in str(env.render())
    assert RepairEnv(**QUICK).render() is None


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"split": "test"}, ConfigError, "split must be one of train, heldout"),
        ({"programs": []}, ConfigError, "one name or more"),
        ({"programs": "gcd"}, ConfigError, "a list"),
        ({"programs": ["nothing"]}, UnknownTaskError, "nothing"),
        ({"programs": ["debug_fix"]}, ConfigError, "needs a function task"),
        ({"programs": ["reverse_string"]}, ConfigError, "places to edit"),
        ({"faults": 0}, ConfigError, "faults must be from 1 to"),
        ({"max_edits": 0}, ConfigError, "max_edits"),
        ({"render_mode": "human"}, ConfigError, "render_mode"),
    ],
)
def test_options_that_can_not_work_are_refused(options, error, text):
    with pytest.raises(error, match=text):
        RepairEnv(**options)


# ── construction ──────────────────────────────────────────────────────────────────────────


def test_masks_lead_to_an_expression_in_time(engine):
    for target, most in itertools.product(TARGETS, (1, 2, 5)):
        env = ConstructEnv(target, max_symbols=most, engine=engine)
        for seed in range(5):
            steps = play(env, seed)
            assert len(steps) <= most
            assert not isinstance(ast.parse(steps[-1][4]["expression"], mode="eval").body, ast.Tuple)


def test_no_constant_and_no_parameter_builds_a_target(engine):
    for target in TARGETS:
        env = ConstructEnv(target, engine=engine)
        for symbol in range(len(RULES)):
            env.reset()
            if env.action_masks()[symbol] and env.request(symbol):
                assert env.step(symbol)[1] < 0.7


def test_a_right_expression_passes(engine):
    env = ConstructEnv("clamp", render_mode="ansi", engine=engine)
    env.reset()
    scores = []
    for rule in ("parameter 1", "parameter 2", "max({}, {})", "parameter 3"):
        scores.append(env.step(RULES.index(rule))[4]["score"])
    assert scores[0] == scores[1] < scores[2] == scores[3] < 1.0
    assert env.render() == "max(value, low), high"
    _, reward, terminated, _, info = env.step(RULES.index("min({}, {})"))
    assert (reward, terminated, info["is_success"]) == (pytest.approx(1 - scores[3]), True, True)


def test_tasks_that_are_no_expression_are_refused():
    with pytest.raises(ConfigError, match="can't be built"):
        ConstructEnv("debug_fix")
    with pytest.raises(ConfigError, match="max_symbols"):
        ConstructEnv(max_symbols=0)
    assert ConstructEnv("climbing_stairs").action_masks()[:3].tolist() == [True, False, False]


# ── sites and verdicts ────────────────────────────────────────────────────────────────────


def test_looks_tell_the_options_of_a_place_apart_but_for_names():
    source = (
        "def f(a, b):\n    while a < b and not b == 2:\n        a += range(a + 1)[a:b - 1]\n    return a if b else -1\n"
    )
    program = editable(source, sites=20)
    looks = {LOOKS[look] for site in program.sites for look in site.looks}
    assert {"<", "and", "==", "2", "+", "choice"} <= looks


def test_verdicts_are_remembered_by_engine(engine):
    task = small_task("gcd")
    verdicts = verdicts_of(engine)
    before = verdicts.executed
    right, wrong = Request(task, task.reference or ""), Request(task, "def gcd(a, b): return 1")
    first = verdicts.judge([right, wrong, right])
    assert [each.passed for each in first if each] == [True, False, True]
    assert verdicts.executed == before + 2
    assert verdicts.judge([wrong]) == [first[1]]
    assert verdicts.executed == before + 2
    assert verdicts_of(engine) is verdicts
    with DeepGym(workers=1) as another:
        assert verdicts_of(another) is not verdicts


def test_the_built_in_tasks_stay_as_they_are():
    full = load_task("coin_change")
    assert len(repair_program("coin_change").task.tests) < len(full.tests)
    assert load_task("coin_change").limits == full.limits


def doubled(a: int, b: int) -> int:
    """Return twice the larger of two numbers."""
    return max(a, b) * 2 if a < b else a + a


def tripled(a: int, b: int) -> int:
    """Return three times the larger of two numbers."""
    return max(a, b) * 3 if a < b else a + a + a


@pytest.mark.usefixtures("tasks_as_before")
def test_a_task_that_was_replaced_is_taken_anew():
    inputs = [(number, number + step) for number in range(4) for step in (-1, 1)]
    register(Task.from_function(doubled, inputs), "mine/larger")
    first, built = repair_program("mine/larger"), ConstructEnv("mine/larger").task
    assert repair_program("mine/larger") is first
    register(Task.from_function(tripled, inputs), "mine/larger")
    assert repair_program("mine/larger").task.reference != first.task.reference
    assert ConstructEnv("mine/larger").task.reference != built.reference


@pytest.mark.usefixtures("tasks_as_before")
def test_an_added_task_with_the_name_of_a_program_of_ours_is_named_in_full():
    inputs = [(number, number + step) for number in range(4) for step in (-1, 1)]
    for name in ("gcd", "distance"):
        register(Task.from_function(doubled, inputs), name)
    with pytest.raises(ConfigError, match="'DeepGym/gcd' is the task"):
        RepairEnv(programs=["gcd"])
    with pytest.raises(ConfigError, match="'DeepGym/distance' is the task"):
        ConstructEnv("distance")
    assert RepairEnv(split="train").programs == SPLITS["train"]
    assert repair_program("DeepGym/gcd").task.entry_point == "doubled"
    assert ConstructEnv("DeepGym/distance").task.entry_point == "doubled"


def test_the_oldest_verdicts_are_forgotten(engine, monkeypatch):
    monkeypatch.setattr("deepgym_env.envs.verdicts._KEPT", 2)
    task, verdicts = small_task("gcd"), Verdicts(engine)
    one, two, three = (Request(task, f"def gcd(a, b): return {number}") for number in range(3))
    verdicts.judge([one, two])
    verdicts.judge([three])
    verdicts.judge([two, three])
    assert verdicts.executed == 3
    verdicts.judge([one])
    assert verdicts.executed == 4


FORKING = """
import os, signal
from deepgym_env import DeepGym
from deepgym_env.envs import verdicts as module
from deepgym_env.envs.small_programs import small_task

with DeepGym(workers=1) as engine:
    verdicts = module.verdicts_of(engine)
    request = module.Request(small_task("gcd"), "def gcd(a, b): return 1")
    known = verdicts.judge([request])
    with module._making, verdicts._lock:  # as another thread may hold them
        child = os.fork()
        if child == 0:
            signal.alarm(20)
            os._exit(not (module.verdicts_of(engine) is verdicts and verdicts.judge([request]) == known))
    print(os.waitpid(child, 0)[1])
"""


def test_a_forked_child_waits_for_no_thread_of_its_parents():
    done = subprocess.run([sys.executable, "-c", FORKING], capture_output=True, text=True, timeout=120)
    assert done.stdout == "0\n"
