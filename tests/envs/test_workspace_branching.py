"""Episodes of a workspace that branch, and that go on where their sandbox dies."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from gymnasium.error import ResetNeeded

from deepgym_env.envs import CodingEnv
from deepgym_env.errors import SandboxError
from deepgym_env.task import File, StateTest, WorkspaceTask

CHECK = '''
@public
def test_first(ws):
    """a holds 1"""
    assert ws.text("a").strip() == "1", "a holds %r" % ws.text("a")

def test_second(ws):
    assert ws.text("b").strip() == "2"

def test_ran(ws):
    assert ws.run("cat a b").stdout.split() == ["1", "2"]
'''
TASK = WorkspaceTask(
    id="toy",
    title="Toy",
    prompt="Write 1 into a and 2 into b.",
    tests=(StateTest(id="first", public=True, title="a holds 1"), StateTest(id="second"), StateTest(id="ran")),
    files=(File("a", b"0\n"),),
    check=CHECK,
    max_turns=20,
)
WORK = [
    "<bash>mkdir d; cd d; export A=1; ls ..</bash>",
    "<bash>echo $A > ../a; pwd</bash>",
    {"name": "read_file", "arguments": {"path": "a"}},
    {"name": "run_tests", "arguments": {}},
    "no call at all",
    "<bash>exit 3</bash>",
    {"name": "write_file", "arguments": {"path": "b", "content": "3"}},
    {"name": "edit_file", "arguments": {"path": "b", "old": "3", "new": "2"}},
    "<bash>pwd; echo $A</bash>",
    {"name": "list_files", "arguments": {}},
    {"name": "submit", "arguments": {}},
]


@pytest.fixture
def make(own):
    made = []

    def make_env(task=TASK, **options):
        env = CodingEnv(task, engine=own, **options)
        made.append(env)
        env.reset(seed=0)
        return env

    yield make_env
    for env in made:
        env.close()


def kill_runner(env):
    runner = env.session.runner
    runner._handle.process.kill()
    runner._handle.process.wait()
    while runner.alive:  # until the engine has noticed
        time.sleep(0.001)


def course(dense):
    """Return the turns of an episode: judged after each, it ends with the turn that solves the task."""
    return WORK[:8] if dense else WORK


def play(env, actions):
    """Take turns; return all that is told of them, in a form that can be compared."""
    return [
        (seen, reward.tolist(), over, cut, info) for seen, reward, over, cut, info in (env.step(act) for act in actions)
    ]


# ── branching ─────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("dense", [False, True])
def test_every_point_of_an_episode_can_be_gone_back_to(make, dense):
    env = make(dense=dense)
    snapshots, told = [], []
    for action in course(dense):
        snapshots.append(env.snapshot())
        told += play(env, [action])
    assert told[-1][2]
    for at in (0, 5, 7, 3):
        env.restore(snapshots[at])
        assert play(env, course(dense)[at:]) == told[at:]
        env.forget(snapshots[at])


def test_a_fork_goes_on_as_the_episode_would(make):
    env = make(dense=True)
    told = play(env, WORK[:4])
    fork = env.fork()
    assert play(fork, WORK[4:8]) == play(env, WORK[4:8])
    assert sum(np.array(turn[1]) for turn in told[:4]).tolist() == [1.0, 0.0, 0.0]
    fork.close()


def test_branches_do_not_see_each_other(make):
    env = make()
    play(env, WORK[:2])
    forks = [env.fork() for _ in range(5)]
    for number, fork in enumerate(forks):
        play(fork, [f"<bash>echo {number} > ../a; echo 2 > ../b</bash>"])
    ends = [play(fork, WORK[-1:])[0] for fork in forks]
    assert [end[4]["score"] for end in ends] == [pytest.approx(s) for s in (1 / 3, 1, 1 / 3, 1 / 3, 1 / 3)]
    assert env.step("<bash>cat ../a; ls ../b</bash>")[0].startswith("1\nls: cannot access")
    for fork in forks:
        fork.close()


def test_a_snapshot_is_restored_in_another_environment(make):
    env, other = make(), make()
    play(env, WORK[:3])
    kept = env.snapshot()
    play(other, ["<bash>rm a</bash>"])
    other.restore(kept)
    assert play(other, WORK[3:]) == play(env, WORK[3:])
    with pytest.raises(ResetNeeded):
        other.step("x")
    fresh = CodingEnv(TASK, engine=env._options["engine"])
    fresh.restore(kept)
    assert fresh.step(WORK[2])[0] == "1\n"
    fresh.close()


def test_an_ended_episode_is_kept_as_ended(make):
    env = make()
    play(env, WORK)
    kept = env.snapshot()
    env.reset(seed=0)
    env.restore(kept)
    assert env.unwrapped._episode.vector.tolist() == [1.0, 1.0, 1.0]
    with pytest.raises(ResetNeeded):
        env.step("x")


def test_a_snapshot_of_the_beginning(make):
    env = make()
    kept = env.snapshot()
    once = play(env, WORK)
    env.restore(kept)
    assert play(env, WORK) == once


# ── recovery ──────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("at", "dense"), [(0, False), (1, True), (5, True), (7, True), (8, False), (10, False)])
def test_a_killed_runner_changes_nothing(make, at, dense):
    undisturbed = play(make(dense=dense), course(dense))
    env = make(dense=dense)
    told = play(env, course(dense)[:at])
    kill_runner(env)
    assert told + play(env, course(dense)[at:]) == undisturbed


def test_a_runner_killed_again_and_again_changes_nothing(make):
    undisturbed = play(make(), WORK[:5])
    env = make()
    told = []
    for action in WORK[:5]:
        kill_runner(env)
        told += play(env, [action])
    assert told == undisturbed


@pytest.mark.parametrize("dense", [False, True])
def test_where_a_replay_differs_there_is_no_verdict(make, dense):
    env = make(dense=dense)
    before = env.step("<bash>echo 1 > a; date +%s%N</bash>")[1]
    kill_runner(env)
    seen, reward, terminated, truncated, info = env.step({"name": "submit", "arguments": {}})
    assert (terminated, truncated, info["has_verdict"], info["evaluated"]) == (False, True, False, False)
    assert reward.tolist() == [0.0, 0.0, 0.0]
    assert [test["score"] for test in info["tests"]] == before.tolist()
    assert "no fault of yours" in seen
    with pytest.raises(ResetNeeded):
        env.step("x")
    env.reset(seed=0)
    assert play(env, course(dense))[-1][4]["passed"]


def test_an_expired_session_is_brought_back(make):
    undisturbed = play(make(), WORK)
    env = make()
    told = play(env, WORK[:6])
    env._call(lambda _: env.session.close())
    assert told + play(env, WORK[6:]) == undisturbed


def test_a_snapshot_whose_runner_died_is_replayed(make):
    env = make()
    told = play(env, WORK[:4])
    kept = env.snapshot()
    told += play(env, WORK[4:])
    kill_runner(env)
    env.restore(kept)
    assert play(env, WORK[4:]) == told[4:]


def test_a_snapshot_whose_replay_differs_is_an_error(make):
    env = make()
    env.step("<bash>date +%s%N</bash>")
    kept = env.snapshot()
    kill_runner(env)
    with pytest.raises(SandboxError, match="gave other answers"):
        env.restore(kept)
    env.reset(seed=0)
    assert play(env, WORK)[-1][4]["passed"]


def test_a_snapshot_whose_runner_died_can_be_forgotten(make):
    env = make()
    kept = env.snapshot()
    kill_runner(env)
    play(env, WORK[:1])
    assert not kept.session.alive
    env.forget(kept)
    assert play(env, WORK[1:])[-1][4]["passed"]


def test_an_episode_whose_runner_died_can_be_forked(make):
    env = make()
    play(env, WORK[:4])
    kill_runner(env)
    fork = env.fork()
    assert play(fork, WORK[4:])[-1][4]["passed"]
    fork.close()


def test_closing_after_the_runner_died_does_no_harm(make):
    env = make()
    kill_runner(env)
    env.close()
    env.close()
    env.reset(seed=0)
    assert play(env, WORK)[-1][4]["passed"]


async def _sessions(engine):
    return set(engine._executor.fleet._host._sessions)


def test_an_environment_closed_under_a_turn_leaves_no_session(own):
    before = own.call(_sessions)
    env = CodingEnv(TASK, engine=own)
    env.reset()
    session = env.session
    with ThreadPoolExecutor(1) as thread:
        turn = thread.submit(env.step, "<bash>sleep 5</bash>")
        while not session._lock.locked():
            time.sleep(0.01)
        env.close()
        assert turn.result()[-1]["has_verdict"] is False
    assert own.call(_sessions) - {session} <= before
