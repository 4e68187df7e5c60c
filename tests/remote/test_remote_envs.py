"""Environments whose episodes' sandboxes are a server's."""

from __future__ import annotations

import gymnasium as gym
import pytest

from deepgym_env import DeepGym, File, load_environment
from deepgym_env.errors import ClosedError, ConfigError, RefusedError, SandboxError
from deepgym_env.task import SessionLimits
from deepgym_env.trials import trials_of

FIX = {"name": "write_file", "arguments": {"path": "note.txt", "content": "here"}}


def bash(command):
    return {"name": "bash", "arguments": {"command": command}}


def played(engine, env_id, actions, seed=0):
    """Return everything an agent and a trainer see of an episode."""
    with gym.make(env_id, engine=engine) as env:
        seen = [env.reset(seed=seed)]
        for action in actions:
            observation, reward, *rest = env.step(action)
            seen.append((observation, reward.tolist(), *rest))
    return seen


def test_an_episode_of_a_function_is_what_it_is_anywhere(remote, own):
    right = load_environment("fizzbuzz", seed=4).reference
    actions = ["no code here", "```python\ndef fizzbuzz(n):\n    return []\n```", right]
    seen = played(remote, "DeepGym/fizzbuzz", actions, seed=4)
    assert seen == played(own, "DeepGym/fizzbuzz", actions, seed=4)
    assert seen[-1][2]


def test_an_episode_in_a_workspace_is_what_it_is_anywhere(remote, own):
    actions = [
        bash("ls; export X=1; cd tests"),
        bash("echo $X; pwd; exit 3"),
        FIX,
        {"name": "read_file", "arguments": {"path": "note.txt"}},
        {"name": "read_file", "arguments": {"path": "no such file"}},
        {"name": "edit_file", "arguments": {"path": "note.txt", "old": "here", "new": "there"}},
        {"name": "run_tests", "arguments": {}},
        {"name": "submit", "arguments": {}},
    ]
    assert played(remote, "DeepGym/debug_fix", actions) == played(own, "DeepGym/debug_fix", actions)


@pytest.mark.parametrize("task_id", ["debug_fix", "api_request"])
def test_scenarios_are_solved_there(remote, own, task_id):
    task = load_environment(task_id, seed=1)
    done = trials_of(task, remote).judge(None)
    assert done.passed
    assert done == trials_of(task, own).judge(None)


def test_an_episode_branches(remote):
    with gym.make("DeepGym/debug_fix", engine=remote) as env:
        env.reset()
        env.step(bash("echo one > a.txt"))
        kept = env.unwrapped.snapshot()
        env.step(bash("echo two > a.txt"))
        other = env.unwrapped.fork()
        env.unwrapped.restore(kept)
        assert "one" in env.step(bash("cat a.txt"))[0]
        assert "two" in other.step(bash("cat a.txt"))[0]
        other.restore(kept)
        assert "one" in other.step(bash("cat a.txt"))[0]
        env.unwrapped.forget(kept)
        other.close()


def test_vector_environments(remote, own):
    def returned(engine):
        envs = gym.make_vec("DeepGym/fizzbuzz", num_envs=4, vectorization_mode="vector_entry_point", engine=engine)
        envs.reset(seed=[0, 1, 2, 3])
        right = load_environment("fizzbuzz").reference
        _, rewards, terminated, _, _ = envs.step((right, "x = 1", right, "def fizzbuzz(n): return []"))
        envs.close()
        return rewards.tolist(), terminated.tolist()

    assert returned(remote) == returned(own)
    assert returned(remote)[1] == [True, False, True, False]


# ── sessions ──────────────────────────────────────────────────────────────────────────────


def test_a_session_has_its_methods(remote):
    limits = SessionLimits(cpu_seconds=3, output_bytes=300)
    with remote.session(files=[File("run.sh", b"#!/bin/sh\necho run; cat", executable=True)], limits=limits) as session:
        assert session.session.limits == limits
        assert session.session.isolation.level == "full"
        done = session.exec(["./run.sh"], stdin=b"\xff in", merge=False)
        assert (done.code, done.stdout) == (0, "run\n\ufffd in")
        assert session.exec("yes", limits=SessionLimits(cpu_seconds=0.2, output_bytes=256)).truncated
        assert session.exec("echo $A; kill -9 $$", env={"A": "b"}).signal == 9
        session.write("data", b"\x00\xff\n")
        assert session.read("data") == b"\x00\xff\n"
        session.write("deep/half", "\udcff")
        assert session.read("deep/half") == b"\xff"
        session.edit("run.sh", "echo run", "echo ran")
        assert session.exec("./run.sh < /dev/null").stdout == "ran\n"
        entries, complete = session.list()
        assert [entry.path for entry in entries] == ["data", "deep", "deep/half", "run.sh"]
        assert complete
        for refused in (
            lambda: session.read("../etc/passwd"),
            lambda: session.read("none"),
            lambda: session.edit("run.sh", "none", ""),
            lambda: session.write("a\0b", ""),
        ):
            with pytest.raises(RefusedError):
                refused()
        with session.fork() as other:
            other.write("data", "other")
        assert session.read("data") == b"\x00\xff\n"
    session.close()
    with pytest.raises(ClosedError):
        session.read("data")


def test_a_snapshot_outlives_its_session(remote):
    with remote.session(files=[File("a", b"kept")]) as session:
        kept = session.snapshot()
    with remote.resume(kept) as again:
        assert again.read("a") == b"kept"
        again.drop(kept)
    with pytest.raises(SandboxError):
        remote.resume(kept)


def test_the_state_of_a_session_is_judged(remote, own):
    task = load_environment("debug_fix", seed=2)
    with remote.session(task) as there, own.session(task) as here:
        assert remote.judge(task, there) == own.judge(task, here)
        public = remote.judge(task, there, tests=task.public_tests)
        assert public == own.judge(task, here, tests=task.public_tests)
        other = task.model_copy(update={"title": "Mine"})
        assert remote.judge(other, there) == own.judge(other, here)
        with pytest.raises(ConfigError, match="another place"):
            remote.judge(task, here)
        with pytest.raises(ConfigError, match="another place"):
            own.judge(task, there)
        with pytest.raises(ConfigError, match="another place"):
            remote.resume(here.snapshot())


def test_a_session_that_was_ended_there_is_closed(served, remote):
    session = remote.session()
    with DeepGym("remote", url=served.url) as dg:
        dg.call(lambda engine: engine._executor._connection.ask("DELETE", f"/v1/workspaces/{session.session.id}"))
    with pytest.raises(ClosedError, match="no session"):
        session.exec("ls")
    with pytest.raises(ClosedError, match="no session"):
        remote.judge("debug_fix", session)
    session.close()


def test_closing_an_engine_ends_its_sessions(served):
    def held():
        return sum(served.state.live.workspaces.held().values())

    before = held()
    with DeepGym("remote", url=served.url) as dg:
        dg.session().fork()
        assert held() == before + 2
    assert held() == before
