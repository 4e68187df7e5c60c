"""Episodes of workspaces on a cluster: as here, branching, and going on where their node dies."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest

pytest.importorskip("ray.cluster_utils", reason="run `make test-integrations`")

import ray
from ray_world import members, wait_for

from deepgym_env.blocking import BlockingSession
from deepgym_env.envs import CodingEnv
from deepgym_env.errors import ClosedError, ConfigError, RefusedError, SandboxError
from deepgym_env.task import File, StateTest, WorkspaceTask

pytestmark = pytest.mark.xdist_group("ray")

CHECK = '''
@public
def test_first(ws):
    """a holds 1"""
    assert ws.text("a").strip() == "1", "a holds %r" % ws.text("a")

def test_second(ws):
    assert ws.run("cat b").stdout.strip() == "2"
'''
TASK = WorkspaceTask(
    id="ray_toy",
    title="Toy",
    prompt="Write 1 into a and 2 into b.",
    tests=(StateTest(id="first", public=True, title="a holds 1"), StateTest(id="second")),
    files=(File("a", b"0\n"),),
    check=CHECK,
    max_turns=20,
)
WORK = [
    "<bash>mkdir d; cd d; export A=1; ls ..</bash>",
    "<bash>echo $A > ../a; pwd</bash>",
    {"name": "run_tests", "arguments": {}},
    {"name": "write_file", "arguments": {"path": "b", "content": "3"}},
    {"name": "edit_file", "arguments": {"path": "b", "old": "3", "new": "2"}},
    "<bash>pwd; echo $A</bash>",
    {"name": "list_files", "arguments": {}},
    {"name": "submit", "arguments": {}},
]


def play(env, actions):
    return [env.step(action) for action in actions]


def same(turns, others):
    for (seen, reward, *ends, info), (seen2, reward2, *ends2, info2) in zip(turns, others, strict=True):
        assert (seen, ends) == (seen2, ends2)
        np.testing.assert_array_equal(reward, reward2)
        assert info == info2


@pytest.fixture
def make(dg):
    made = []

    def make_env(engine=dg):
        env = CodingEnv(TASK, engine=engine)
        made.append(env)
        env.reset(seed=0)
        return env

    yield make_env
    for env in made:
        env.close()


def test_an_episode_is_as_it_is_here(make, own):
    turns = play(make(), WORK)
    same(turns, play(make(own), WORK))
    assert turns[-1][2]
    assert turns[-1][4]["passed"]


def test_an_episode_branches_on_its_node(make):
    env = make()
    play(env, WORK[:2])
    kept = env.snapshot()
    first = play(env, WORK[2:])
    env.restore(kept)
    with contextlib.closing(env.fork()) as other:
        same(play(env, WORK[2:]), first)
        same(play(other, WORK[2:]), first)


def test_snapshots_and_forks_of_a_session(dg):
    with dg.session(files=[File("a", b"0")]) as session:
        session.exec("echo 1 > a; export A=x")
        kept = session.snapshot()
        session.write("a", "2\n")
        with session.fork() as other, dg.resume(kept) as older:
            assert [each.exec("cat a; echo $A").stdout.split() for each in (session, other, older)] == [
                ["2", "x"],
                ["2", "x"],
                ["1", "x"],
            ]
            assert older.session.home is session.session.home
        session.restore(kept)
        assert session.read("a") == b"1\n"
        with pytest.raises(RefusedError):
            session.read("nothing")


@pytest.mark.parametrize("at_once", [False, True])
def test_sessions_go_to_the_node_with_the_fewest(dg, at_once):
    if at_once:
        futures = [dg.submit(lambda engine: engine.session()) for _ in range(4)]
        sessions = [BlockingSession(future.result(), dg) for future in futures]
    else:
        sessions = [dg.session() for _ in range(4)]
    homes = [session.session.home.id for session in sessions]
    assert {homes.count(member.id) for member in members(dg)} == {2}
    for session in sessions:
        session.close()


def test_a_session_of_another_engine_is_refused(dg, own):
    with own.session() as session, pytest.raises(ConfigError, match="another place"):
        dg.judge(TASK, session)


def test_a_lost_node_takes_its_sessions_along(dg):
    session = dg.session()
    kept = session.snapshot()
    ray.kill(session.session.home.actor)
    with pytest.raises((SandboxError, ClosedError)):
        session.exec("true")
    wait_for(lambda: session.session.home not in members(dg))
    with pytest.raises(SandboxError):
        dg.resume(kept)
    assert not kept.alive
    session.close()


def test_an_episode_goes_on_where_its_node_dies(make, own):
    env = make()
    turns = play(env, WORK[:4])
    ray.kill(env.unwrapped._episode._session.home.actor)
    same(turns + play(env, WORK[4:]), play(make(own), WORK))
