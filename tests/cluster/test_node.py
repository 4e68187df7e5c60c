"""A node without a cluster: what goes in as plain values comes out as plain values."""

from __future__ import annotations

import asyncio
import pickle

import pytest

from deepgym_env.cluster.node import Greeting, Node, NodeConfig, portable
from deepgym_env.errors import (
    ConfigError,
    IsolationError,
    RefusedError,
    SandboxError,
    UnknownSessionError,
    UnknownTaskError,
)
from deepgym_env.programs import Program

RIGHT = "def f(n): return 2 * n"


async def sent(data):
    return data


def parcels(**tasks):
    return {name: sent(pickle.dumps(task)) for name, task in tasks.items()}


def on_node(work, **config):
    """Return what ``work`` returns of a node."""

    async def main():
        node = Node(NodeConfig(**config))
        try:
            return await work(node)
        finally:
            await node.close()

    return asyncio.run(main())


async def outcomes(node, number):
    """Return so many outcomes by ticket, however many calls they take."""
    found = {}
    while len(found) < number:
        found.update(await node.exchange([], {}))
    return found


@pytest.fixture(scope="module")
def task(make_task):
    return make_task(((1,), 2), ((2,), 4))


def test_submissions_are_judged_and_told_once(task, engine):
    codes = [RIGHT, "def f(n): return 2", "raise ValueError"] * 4

    async def work(node):
        await node.begin([(number, "a", code) for number, code in enumerate(codes)], parcels(a=task))
        found = await outcomes(node, len(codes))
        return found, await node.exchange([], {})

    found, more = on_node(work)
    assert [found[number] for number in range(len(codes))] == list(engine.run_batch(task, codes))
    assert more == []


def test_a_task_is_fetched_once(task):
    fetched = []

    async def counted():
        fetched.append(1)
        return pickle.dumps(task)

    async def work(node):
        for round_number in range(3):
            packed = counted()
            await node.begin([(round_number, "a", RIGHT)], {"a": packed})
            assert (await outcomes(node, 1))[round_number].passed
            packed.close()

    on_node(work)
    assert len(fetched) == 1


def test_what_cannot_be_read_is_an_error_of_its_own(task):
    async def work(node):
        await node.begin(
            [(1, "bad", RIGHT), (2, "good", RIGHT)], {"bad": sent(b"cnowhere\nThing\n."), **parcels(good=task)}
        )
        return await outcomes(node, 2)

    found = on_node(work)
    assert isinstance(found[1], ConfigError)
    assert "same DeepGym" in str(found[1])
    assert found[2].passed


def test_what_is_withdrawn_is_not_told(task):
    async def work(node):
        slow = "import time\ndef f(n): time.sleep(1.5)"
        await node.begin([(1, "a", slow)], parcels(a=task))
        waiting = asyncio.ensure_future(node.exchange([], {}))
        await asyncio.sleep(0.3)
        await node.withdraw([1, 99])
        return await waiting

    assert on_node(work) == []


def test_a_node_says_what_it_is_like():
    greeting = on_node(lambda node: node.greet())
    assert isinstance(greeting, Greeting)
    assert greeting.isolation.at_least("process")


def test_sessions_answer_with_values_and_errors():
    async def work(node):
        session, error, number = await node.perform("open", {"task": None, "files": [], "limits": None, "ttl": None})
        assert (error, number) == (None, 1)
        told = await node.perform("exec", {"session": session, "command": "echo hi"})
        refused = await node.perform("read", {"session": session, "path": "nothing"})
        unknown = await node.perform("read", {"session": "no such", "path": "a"})
        closed = await node.perform("close", {"session": session})
        return told, refused, unknown, closed

    told, refused, unknown, closed = on_node(work)
    assert told[0].stdout == "hi\n"
    assert isinstance(refused[1], RefusedError)
    assert isinstance(unknown[1], UnknownSessionError)
    assert closed == (None, None, 0)


def test_programs_run():
    program = Program(language="bash", code="read n; echo $((2 * n))")
    (result,) = on_node(lambda node: node.execute(program, [b"21\n"], None))
    assert result.stdout == "42\n"


def test_less_isolation_than_asked_for_is_told(monkeypatch):
    monkeypatch.setattr("deepgym_env.sandbox.isolation.Isolation.at_least", lambda self, level: False)
    assert isinstance(on_node(lambda node: node.greet(), min_isolation="full"), IsolationError)


def test_errors_can_be_sent():
    class Local(SandboxError):
        pass

    unknown = UnknownTaskError("coin_chang", ["coin_change"])
    assert isinstance(portable(unknown), UnknownTaskError)
    assert str(pickle.loads(pickle.dumps(unknown))) == str(unknown)
    assert type(portable(Local("gone"))) is SandboxError
    assert str(portable(Local("gone"))) == "Local: gone"
