"""How much callers may ask for: a key by itself, and all together."""

import asyncio
import math
import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated

import httpx
import pytest
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import StreamingResponse

from deepgym_env import DeepGym
from deepgym_env.errors import ConfigError
from deepgym_env.server.auth import Caller, allowed
from deepgym_env.server.gate import Gate
from deepgym_env.server.limits import Bucket, Capacity, Throttle, Throttles
from deepgym_env.server.services import Services
from deepgym_env.server.settings import Settings
from deepgym_env.server.store.database import Database


class Clock:
    """Seconds that pass when told to."""

    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_bucket_gives_its_burst_then_its_rate(clock):
    bucket = Bucket(rate=2.0, burst=3, clock=clock)
    assert [bucket.take() for _ in range(5)] == [0.0, 0.0, 0.0, 0.5, 0.5]
    clock.now += 0.5
    assert [bucket.take(), bucket.take()] == [0.0, 0.5]
    clock.now += 1000
    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]


@pytest.mark.parametrize("rate", [0.001, 0.3, 1.0, 7.0, 1e4])
@pytest.mark.parametrize("burst", [1, 10])
def test_whoever_waits_as_told_is_let_in(clock, rate, burst):
    bucket = Bucket(rate, burst, clock)
    drawn = random.Random(f"{rate} {burst}")
    began = clock.now
    for taken in range(1, 301):
        wait = bucket.take()
        if wait:
            clock.now += wait
            assert bucket.take() == 0.0
        clock.now += drawn.random() / rate
        assert taken <= burst + (clock.now - began) * rate + 1e-6


@pytest.mark.parametrize("rate", [0.01, 0.7, 3.0, 250.0])
def test_retry_after_is_honest(clock, rate):
    throttle = Throttle(100, Bucket(rate, 1, clock))
    assert throttle.enter() is None
    refusal = throttle.enter()
    assert refusal.seconds == max(1, math.ceil(1 / rate))
    assert "requests a second" in refusal.detail
    clock.now += refusal.seconds
    assert throttle.enter() is None


def test_so_many_at_a_time(clock):
    throttle = Throttle(2, Bucket(1.0, 2, clock))
    assert [throttle.enter(), throttle.enter()] == [None, None]
    clock.now += 2
    refusal = throttle.enter()
    assert (refusal.detail, refusal.seconds) == ("this key has 2 requests under way, all it may have at a time", 1)
    assert throttle.headers()["RateLimit"] == '"key";r=2;t=0', "one that is refused costs nothing"
    throttle.leave()
    assert throttle.enter() is None


def test_headers_tell_what_is_left(clock):
    throttle = Throttle(9, Bucket(2.0, 5, clock))
    told = []
    for _ in range(3):
        throttle.enter()
        told.append(throttle.headers())
    assert told[0] == {"RateLimit-Policy": '"key";q=5;w=3', "RateLimit": '"key";r=4;t=1'}
    assert told[2]["RateLimit"] == '"key";r=2;t=2'
    assert Throttle(9, None).headers() == {}


def test_a_keys_own_limits_come_first(clock):
    throttles = Throttles(concurrency=1, rate=None, burst=2, clock=clock)
    usual, own, fast = throttles.of("a"), throttles.of("b", concurrency=3), throttles.of("c", rate=4.0, concurrency=9)
    assert [usual.enter() is None for _ in range(2)] == [True, False]
    assert [own.enter() is None for _ in range(4)] == [True, True, True, False]
    assert [fast.enter() is None for _ in range(3)] == [True, True, False]
    assert throttles.of("a") is usual, "it counts on"
    assert fast.headers()["RateLimit-Policy"] == '"key";q=2;w=1'


def test_capacity_is_given_back_whatever_happens():
    capacity = Capacity(10)

    def fail():
        with capacity.reserve(7):
            raise RuntimeError("lost")

    async def leave():
        with capacity.reserve(7):
            await asyncio.sleep(60)

    async def cancel():
        task = asyncio.create_task(leave())
        await asyncio.sleep(0)
        assert capacity.used == 7
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with pytest.raises(RuntimeError, match="lost"):
        fail()
    asyncio.run(cancel())
    with capacity.reserve(10):
        assert capacity.used == 10
    assert capacity.used == 0


def test_beyond_capacity_is_503(clock):
    capacity = Capacity(10, clock)
    with capacity.reserve(8), pytest.raises(HTTPException) as caught, capacity.reserve(3):
        pass
    assert (caught.value.status_code, caught.value.headers) == (503, {"Retry-After": "1"})
    assert caught.value.detail == "the server is busy with 8 submissions"
    assert capacity.used == 0


def test_what_never_fits_is_no_reason_to_wait():
    capacity = Capacity(10)
    with pytest.raises(ConfigError, match="11 submissions are more than this server takes at a time, 10: send"):
        capacity.enter(11)
    assert capacity.used == 0


@pytest.mark.parametrize("pace", [0.5, 4.0, 50.0])
def test_the_wait_follows_the_pace(clock, pace):
    """At a steady pace, room for ``count`` is promised for about when it comes; at most a minute away."""
    capacity = Capacity(1000, clock)
    assert capacity.enter(1000) is None
    for _ in range(int(200 * pace)):
        clock.now += 1 / pace
        capacity.leave(1)
        assert capacity.enter(1) is None
    for count in (1, 20, 400):
        real = count / pace
        promised = capacity.enter(count).seconds
        assert 1 <= promised <= 60
        assert promised == pytest.approx(min(60, max(1, real)), rel=0.1, abs=1.0)


def test_capacity_is_shared_by_threads():
    capacity, most, lock = Capacity(5), [], threading.Lock()

    def work(_):
        for _ in range(200):
            if capacity.enter(2) is None:
                with lock:
                    most.append(capacity.used)
                capacity.leave(2)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert max(most) <= 5
    assert capacity.used == 0


@pytest.fixture
def serving(tmp_path, serve):
    """Serves routes behind the gate; gives its address and its parts."""
    made = []

    def start(**settings):
        database = Database(f"sqlite:///{tmp_path}/limits.db")
        engine = DeepGym()
        made.extend([engine, database])
        services = Services(Settings(keys_required=True, **settings), engine, database)
        return serve(_app(services)), services

    yield start
    for each in made:
        each.close()


def _app(services):
    app = FastAPI()
    app.state.services = services
    app.state.held = asyncio.Event()
    app.add_middleware(Gate, services=services)
    who = Annotated[Caller, Depends(allowed("run"))]

    @app.get("/quick")
    async def quick(caller: who) -> str:
        return caller.id

    @app.get("/held")
    async def held(caller: who) -> str:
        with services.capacity.reserve(3):
            await app.state.held.wait()
        return caller.id

    @app.get("/free")
    async def free() -> None:
        app.state.held.set()

    @app.get("/fails")
    async def fails(caller: who) -> None:
        raise HTTPException(418)

    @app.get("/stream")
    async def stream(caller: who) -> StreamingResponse:
        async def lines():
            yield "first\n"
            await app.state.held.wait()

        return StreamingResponse(lines())

    return app


def _client(url, services, **limits):
    token = services.keys.create("trainer", ["run"], **limits)
    return httpx.Client(base_url=url, headers={"X-API-Key": token}, timeout=60)


def _wait_until(is_so):
    for _ in range(6000):
        if is_so():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it never was so")


def test_a_rate_over_http(serving):
    url, services = serving(key_rate=0.01, key_burst=2)
    with _client(url, services) as client, _client(url, services, rate=1000.0) as other:
        first, second, third = (client.get("/quick") for _ in range(3))
        assert [first.status_code, second.status_code, third.status_code] == [200, 200, 429]
        assert (first.headers["RateLimit-Policy"], third.headers["RateLimit-Policy"]) == ('"key";q=2;w=200',) * 2
        assert [answer.headers["RateLimit"].partition(";t")[0] for answer in (first, second, third)] == [
            '"key";r=1',
            '"key";r=0',
            '"key";r=0',
        ]
        assert 90 <= int(third.headers["Retry-After"]) <= 100
        assert third.headers["Content-Type"] == "application/problem+json"
        assert (third.json()["title"], third.json()["status"]) == ("Too Many Requests", 429)
        assert other.get("/quick").status_code == 200, "another key has its own"
        assert "RateLimit" in client.get("/nowhere").headers, "also where there is nothing"


def test_requests_at_a_time_over_http(serving):
    url, services = serving()
    key = {"concurrency": 1}
    with _client(url, services, **key) as client, _client(url, services) as other, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.get, "/held")
        _wait_until(lambda: services.capacity.used == 3)
        refused = client.get("/quick")
        assert (refused.status_code, refused.headers["Retry-After"]) == (429, "1")
        assert other.get("/quick").status_code == 200
        assert httpx.get(f"{url}/free").status_code == 200
        assert waiting.result().status_code == 200
        assert [client.get("/fails").status_code, client.get("/quick").status_code] == [418, 200]


def test_a_stream_is_under_way_until_its_reader_has_gone(serving):
    url, services = serving()
    with _client(url, services, concurrency=1) as client:
        with client.stream("GET", "/stream") as answer:
            lines = answer.iter_lines()  # whose end would end the response
            assert next(lines) == "first"
            assert client.get("/quick").status_code == 429
        _wait_until(lambda: client.get("/quick").status_code == 200)


def test_an_open_server_limits_no_key(tmp_path, serve):
    database = Database(f"sqlite:///{tmp_path}/open.db")
    with DeepGym() as engine:
        services = Services(Settings(key_rate=0.01, key_burst=1, key_concurrency=1), engine, database)
        url = serve(_app(services))
        answers = [httpx.get(f"{url}/quick") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert not [name for name in answers[0].headers if re.match("ratelimit", name, re.I)]
    database.close()
