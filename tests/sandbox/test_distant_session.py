"""Sessions somewhere else, over nothing but plain values: they behave as sessions here do."""

# ruff: noqa: F811 - fixtures that are imported with the checks

from __future__ import annotations

import asyncio
import pickle

import pytest
from test_sessions import (  # noqa: F401 - the same checks, with the fixtures of this module
    start,
    test_a_command_is_ended_at_its_limits,
    test_a_copy_is_equal_in_every_respect,
    test_a_directory_that_is_gone_is_told,
    test_a_full_workspace_can_be_copied,
    test_a_nul_and_nothing_are_no_command,
    test_a_service_keeps_its_state_between_commands_and_in_snapshots,
    test_a_set_up_that_fails_is_an_error_each_time,
    test_a_task_is_set_up_once,
    test_a_workspace_nested_too_deep_is_refused_and_goes_on,
    test_branches_do_not_see_each_other,
    test_directory_and_exported_variables_carry_over,
    test_edit_replaces_the_one_place,
    test_files_are_as_given,
    test_half_a_character_is_refused,
    test_listing,
    test_long_output_loses_its_middle,
    test_names_that_are_no_utf8_can_be_used,
    test_streams_apart_and_standard_input,
    test_what_can_not_be_read_is_refused_with_the_reason,
    test_what_can_not_be_written_is_refused,
    test_write_replaces_and_keeps_the_mode,
    ws,
)

from deepgym_env import AsyncDeepGym, DeepGym, load_environment
from deepgym_env.distant_session import DistantSession, DistantSnapshot
from deepgym_env.envs import CodingEnv
from deepgym_env.errors import ClosedError, ConfigError, RefusedError, SandboxError, UnknownSessionError
from deepgym_env.task import File, SessionLimits
from deepgym_env.workspaces import Workspaces


class Elsewhere:
    """The sessions of an engine as an executor gives them whose other end takes plain values only."""

    workers = 1

    def __init__(self, engine, **options):
        self.engine = engine
        self.workspaces = Workspaces(engine, **options)

    async def ask(self, operation, arguments):
        arguments = pickle.loads(pickle.dumps(arguments))
        return pickle.loads(pickle.dumps(await self.workspaces.perform(operation, arguments)))

    async def session(self, task=None, *, files=(), limits=None, ttl=3600.0):
        name = await self.ask("open", {"task": task, "files": files, "limits": limits, "ttl": ttl})
        isolation = await self.ask("isolation", {"session": name})
        limits = limits or (task.limits if task else SessionLimits())
        return DistantSession(name, limits, self.ask, home="elsewhere", isolation=isolation)

    async def resume(self, snapshot):
        return await DistantSession.resumed(snapshot, self.ask)

    async def judge(self, task, session, tests):
        return await self.ask("judge", {"session": session.id, "task": task, "tests": tests})

    async def aclose(self):
        await self.workspaces.aclose()
        await self.engine.aclose()


@pytest.fixture(scope="module")
def own():
    """An engine that has its sessions elsewhere."""

    async def move(engine):
        engine._executor = Elsewhere(AsyncDeepGym(workers=1))
        return await engine._executor.engine.isolation()

    with DeepGym(workers=1) as dg:
        if dg.call(move).level != "full":
            pytest.skip("sessions need namespaces: `deepgym doctor` says how to get them")
        yield dg


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def there(own, ask, **options):
    """Run ``ask(workspaces)`` on sessions of their own, of the engine behind."""

    async def on_the_loop(engine):
        workspaces = Workspaces(engine._executor.engine, **options)
        try:
            return await ask(workspaces)
        finally:
            await workspaces.aclose()

    return own.call(on_the_loop)


def runner_of(own, session):
    """Return the runner a session is on."""
    return own._core._engine._executor.workspaces._sessions[session.id].thing.runner


# ── a session ─────────────────────────────────────────────────────────────────────────────


def test_a_snapshot_outlives_its_session(own, start):
    first, second = start(), start()
    first.write("f", "kept")
    kept = first.snapshot()
    first.close()
    for _ in range(3):
        second.restore(kept)
        assert second.out("cat f; echo more >> f") == "kept"
    assert kept.alive
    assert second.session.holds(kept)
    second.drop(kept)
    assert not kept.alive
    with pytest.raises(SandboxError, match="it was dropped"):
        own.call(lambda e: e.resume(kept))
    with pytest.raises(ClosedError, match="it was dropped"):  # so that an episode repeats its turns
        second.restore(kept)
    assert second.read("f") == b"keptmore\n"


def test_a_snapshot_that_is_somewhere_else_is_refused(ws):
    kept = DistantSnapshot("x", home="another place")
    assert not ws.session.holds(kept)
    assert not ws.session.holds("x")
    for call in (ws.restore, ws.drop):
        with pytest.raises(RefusedError, match="somewhere else"):
            call(kept)


def test_a_session_that_is_over_counts_as_closed(own, start):
    ws = start()
    ws.close()
    ws.close()
    for call in (lambda: ws.exec("true"), lambda: ws.read("a"), ws.snapshot, ws.fork):
        with pytest.raises(ClosedError, match="closed"):
            call()
    gone = start()
    own.call(lambda e: e._executor.workspaces.close(gone.session.id))
    with pytest.raises(ClosedError, match=r"no session '.*': it was ended, or never begun"):
        gone.exec("true")
    gone.close()


def test_what_isolates_it_is_told(own, ws):
    behind = runner_of(own, ws.session).isolation
    assert (ws.session.isolation, behind.level) == (behind, "full")
    branch = ws.branch()
    assert branch.session.isolation == behind
    branch.close()
    unknown = DistantSession("x", SessionLimits(), own._core._engine._executor.ask)
    with pytest.raises(SandboxError, match="isn't known here"):
        _ = unknown.isolation


def test_a_killed_sandbox_is_an_error_and_the_next_session_works(own, start):
    ws = start()
    kept = ws.snapshot()
    process = runner_of(own, ws.session)._handle.process
    process.kill()
    process.wait()
    for _ in range(2):
        with pytest.raises(SandboxError):
            ws.exec("true")
    with pytest.raises(SandboxError):
        own.call(lambda e: e.resume(kept))
    ws.close()
    assert start().out("echo on") == "on\n"


def test_an_environment_works_elsewhere_and_survives_a_lost_sandbox(own):
    task = load_environment("debug_fix")
    env = CodingEnv(task, engine=own)
    env.reset(seed=0)
    env.step({"name": "bash", "arguments": {"command": "echo 1 > mine; export A=kept"}})
    branch, kept = env.fork(), env.snapshot()
    process = runner_of(own, env.session)._handle.process
    process.kill()
    process.wait()
    look = {"name": "bash", "arguments": {"command": "cat mine; echo $A"}}
    for one in (env, branch):
        shown, _, _, truncated, info = one.step(look)
        assert (shown, truncated, info["has_verdict"]) == ("1\nkept", False, True)
    env.restore(kept)
    assert env.step(look)[0] == "1\nkept"
    *_, info = env.step({"name": "submit", "arguments": {}})
    assert info["has_verdict"]
    assert not info["passed"]
    env.close()
    branch.close()


# ── what keeps them ───────────────────────────────────────────────────────────────────────


def test_what_nobody_asks_for_is_ended(own):
    clock = Clock()

    async def ask(workspaces):
        short, long, endless = [await workspaces.open(None, ttl=ttl) for ttl in (10.0, 30.0, None)]
        kept = await workspaces.call(short, "snapshot")
        clock.now = 11.0
        assert await workspaces.sweep() == 1
        with pytest.raises(UnknownSessionError, match="ended, or never begun"):
            await workspaces.call(short, "exec", command="true")
        with pytest.raises(UnknownSessionError, match="has expired"):
            await workspaces.resume(kept)
        await workspaces.call(long, "exec", command="true")
        clock.now = 40.0
        assert await workspaces.sweep() == 0
        clock.now = 1e6
        at_work = asyncio.ensure_future(workspaces.call(long, "exec", command="sleep 0.2; echo done"))
        await asyncio.sleep(0)
        clock.now = 2e6
        assert await workspaces.sweep() == 0
        assert (await at_work).stdout == "done\n"
        clock.now = 3e6
        await workspaces.open(None)  # sweeps too
        assert len(workspaces) == 2
        return (await workspaces.call(endless, "exec", command="echo on")).stdout

    assert there(own, ask, clock=clock) == "on\n"


def test_there_are_as_many_as_may_be(own):
    async def ask(workspaces):
        first = await workspaces.open(None)
        opening = [asyncio.ensure_future(workspaces.open(None)) for _ in range(3)]
        got = await asyncio.gather(*opening, return_exceptions=True)
        assert sorted(type(each).__name__ for each in got) == ["SandboxError", "SandboxError", "str"]
        for call in (workspaces.open(None), workspaces.call(first, "fork")):
            with pytest.raises(SandboxError, match="2 sessions are open, the most there may be"):
                await call
        await workspaces.close(first)
        assert len(workspaces) == 1
        return await workspaces.open(None, files=[File("a", b"1")])

    assert there(own, ask, capacity=2)


def test_a_snapshot_can_be_restored_on_another_runner():
    async def main():
        async with AsyncDeepGym(workers=2) as engine:
            workspaces = Workspaces(engine)
            one, other = [await workspaces.open(None) for _ in range(2)]
            runners = {workspaces._sessions[each].thing.runner for each in (one, other)}
            await workspaces.call(one, "exec", command="echo 1 > f; export A=2")
            kept = await workspaces.call(one, "snapshot")
            await workspaces.close(one)
            await workspaces.call(other, "restore", snapshot=kept)
            shown = await workspaces.call(other, "exec", command="cat f; echo $A")
            await workspaces.call(other, "drop", snapshot=kept)
            with pytest.raises(UnknownSessionError):
                await workspaces.resume(kept)
            await workspaces.aclose()
            return len(runners), shown.stdout

    assert asyncio.run(main()) == (2, "1\n2\n")


def test_a_snapshot_nobody_else_holds_is_given_back(own):
    clock = Clock()

    async def ask(workspaces):
        session = await workspaces.open(None, ttl=10.0)
        runner = workspaces._sessions[session].thing.runner
        await workspaces.call(session, "write", path="big", data=b"x" * (1 << 20))
        await workspaces.call(session, "snapshot")
        await workspaces.close(session)
        clock.now = 11.0
        host = own._core._engine._executor.engine._executor.fleet._host
        before = set(host._sessions)
        await workspaces.sweep()
        assert workspaces._snapshots == {}
        assert set(host._sessions) == before  # the one made to drop it is closed again
        return runner.alive

    assert there(own, ask, clock=clock)


def test_only_what_a_session_can_do_is_done(own):
    async def ask(workspaces):
        session = await workspaces.open(None)
        with pytest.raises(ConfigError, match="operation must be one of exec, read"):
            await workspaces.call(session, "create", files=())
        with pytest.raises(ConfigError, match="operation must be one of"):
            await workspaces.perform("aclose", {"session": session})

    there(own, ask)


def test_nothing_is_begun_after_the_end(own):
    async def ask(workspaces):
        session = await workspaces.open(None)
        opening = asyncio.ensure_future(workspaces.open(None))
        await asyncio.sleep(0)
        await workspaces.aclose()
        with pytest.raises(ClosedError):
            await opening
        with pytest.raises(ClosedError):
            await workspaces.open(None)
        with pytest.raises(UnknownSessionError):
            await workspaces.call(session, "exec", command="true")
        assert len(workspaces) == 0

    there(own, ask)


def test_a_capacity_that_can_not_be_is_refused(own):
    with pytest.raises(ConfigError, match="capacity must be at least 1, got 0"):
        Workspaces(own, capacity=0)
