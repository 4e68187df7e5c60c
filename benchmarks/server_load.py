"""The server under load, on this machine's loopback: what HTTP costs, saturation, overload, a restart amid jobs.

Each part runs a real ``deepgym serve`` with keys and a database of its own. The load comes from threads of this
process, one connection each, so it takes CPU time from the server: on few cores read the ratios.

- ``overhead``: the same distinct completions by the library, by ``/v1/batch``, and one by one by ``/v1/run``.
- ``saturation``: requests/s and latency of ``/v1/run`` as clients are added.
- ``overload``: four times as many clients as the server has room for: what is answered, refused, lost.
- ``restart``: jobs whose server is killed (SIGKILL) again and again; every verdict must come, once.

Usage: ``python benchmarks/server_load.py [overhead|saturation|overload|restart ...] [--runs 1000] [--seconds 10]``
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import http.client
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from deepgym_env import DeepGym, load_environment

TASK = load_environment("coin_change")
HEADERS = {"Content-Type": "application/json"}


def completions(count: int, tag: str) -> list[str]:
    return [f"{TASK.reference}\n# {tag} {number}" for number in range(count)]


@dataclass
class Server:
    """A ``deepgym serve`` of its own."""

    folder: Path
    options: tuple[str, ...] = ()

    def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.log = (self.folder / "server.log").open("ab")
        command = [sys.executable, "-m", "deepgym_env.cli", "serve", "--port", "0", "--open"]
        database = f"sqlite:///{self.folder / 'deepgym.db'}"
        self.process = subprocess.Popen(
            [*command, "--database", database, *self.options], stdout=subprocess.PIPE, stderr=self.log, text=True
        )
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if "http://127.0.0.1:" in line:
                self.port = int(line.split("http://127.0.0.1:")[1].split("/")[0].split()[0])
                break
        else:
            raise SystemExit(f"no server: {(self.folder / 'server.log').read_text()}")
        threading.Thread(target=lambda: collections.deque(self.process.stdout, 0), daemon=True).start()
        while True:
            with contextlib.suppress(OSError):
                if ask(self.connect(), "GET", "/readyz")[0] == 200:
                    return
            time.sleep(0.1)

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it by a signal."""
        self.process.send_signal(how)
        self.process.wait()
        self.log.close()


@contextlib.contextmanager
def serving(*options: str) -> Iterator[Server]:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder), options)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def ask(
    connection: http.client.HTTPConnection, method: str, path: str, body: object = None
) -> tuple[int, dict[str, str], bytes]:
    connection.request(method, path, None if body is None else json.dumps(body), HEADERS if body is not None else {})
    answer = connection.getresponse()
    return answer.status, {key.lower(): value for key, value in answer.getheaders()}, answer.read()


def item(code: str) -> dict[str, str]:
    return {"environment": TASK.id, "completion": code}


def overhead(runs: int, seconds: float) -> None:
    with DeepGym() as dg, serving() as server:
        connection = server.connect()
        dg.run_batch(TASK, completions(50, "warm"))
        ask(connection, "POST", "/v1/batch", {"items": [item(code) for code in completions(50, "warm")]})
        rows: dict[str, list[float]] = collections.defaultdict(list)
        for turn in range(5):
            began = time.perf_counter()
            dg.run_batch(TASK, completions(runs, f"library {turn}"))
            rows["library, run_batch"].append(runs / (time.perf_counter() - began))
            began = time.perf_counter()
            batch = {"items": [item(code) for code in completions(runs, f"batch {turn}")]}
            status, _, answer = ask(connection, "POST", "/v1/batch", batch)
            assert status == 200, answer
            assert all(each["passed"] for each in json.loads(answer)["results"])
            rows["REST, one /v1/batch"].append(runs / (time.perf_counter() - began))
            load = Load(server, clients=16, codes=completions(runs, f"run {turn}"))
            rows["REST, /v1/run by 16 clients"].append(runs / load.run(None))
        base = statistics.median(rows["library, run_batch"])
        for name, rates in rows.items():
            middle = statistics.median(rates)
            print(f"{name}: {middle:.0f}/s ({min(rates):.0f}-{max(rates):.0f}), {middle / base:.2f} of the library")


class Load:
    """Clients that post submissions to ``/v1/run``, each on one connection, as fast as they are answered."""

    def __init__(self, server: Server, clients: int, codes: list[str] | None = None, patient: bool = False) -> None:
        self.server, self.clients, self.patient = server, clients, patient
        self.codes = iter(codes) if codes is not None else iter(lambda: f"{TASK.reference}\n# {next(NUMBERS)}", None)
        self.lock = threading.Lock()
        self.times: list[float] = []
        self.answers: collections.Counter[int] = collections.Counter()
        self.honest = 0
        self.lost: list[str] = []

    def run(self, seconds: float | None) -> float:
        """Post for so many seconds, or until there is nothing left; return how long it took."""
        began = time.perf_counter()
        end = None if seconds is None else began + seconds
        threads = [threading.Thread(target=self._post, args=(end,)) for _ in range(self.clients)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return time.perf_counter() - began

    def _post(self, end: float | None) -> None:
        connection = self.server.connect()
        while end is None or time.perf_counter() < end:
            with self.lock:
                code = next(self.codes, None)
            if code is None:
                return
            began = time.perf_counter()
            try:
                status, headers, answer = ask(connection, "POST", "/v1/run", item(code))
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(repr(error))
                connection = self.server.connect()
                continue
            took = time.perf_counter() - began
            with self.lock:
                self.answers[status] += 1
                if status == 200:
                    self.times.append(took)
                    if not json.loads(answer)["passed"]:
                        self.lost.append("another verdict")
                elif status in (429, 503) and float(headers.get("retry-after", "0")) > 0:
                    self.honest += 1
            if status != 200 and self.patient:
                time.sleep(0.05)  # less than it asks for: an impatient client


NUMBERS = iter(range(10**9))


def saturation(runs: int, seconds: float) -> None:
    with serving() as server:
        Load(server, 4).run(2)
        for clients in (1, 2, 4, 8, 16, 32, 64):
            load = Load(server, clients)
            took = load.run(seconds)
            times = sorted(load.times)
            print(
                f"{clients:3} clients: {len(times) / took:.0f}/s, p50 {1e3 * times[len(times) // 2]:.0f} ms, "
                f"p99 {1e3 * times[int(len(times) * 0.99)]:.0f} ms, answers {dict(load.answers)}, lost {len(load.lost)}"
            )


def overload(runs: int, seconds: float) -> None:
    room = 16
    for times in (1, 4):
        with serving("--max-queue", str(room)) as server:
            Load(server, 4).run(2)
            load = Load(server, room * times, patient=True)
            took = load.run(seconds)
            spent = sorted(load.times)
            refused = load.answers.total() - load.answers[200]
            print(
                f"{room * times} clients, room for {room}: {len(spent) / took:.0f}/s answered, "
                f"p50 {1e3 * spent[len(spent) // 2]:.0f} ms, p99 {1e3 * spent[int(len(spent) * 0.99)]:.0f} ms; "
                f"{refused} refused, {load.honest} of them with Retry-After; answers {dict(load.answers)}; "
                f"lost {len(load.lost)} {load.lost[:1]}"
            )


def restart(runs: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        server = Server(Path(folder))
        server.start()
        codes = completions(runs, "job")
        _, _, answer = ask(server.connect(), "POST", "/v1/jobs", {"items": [item(code) for code in codes]})
        job, kills, began = json.loads(answer), 0, time.perf_counter()
        while job["status"] not in ("succeeded", "cancelled"):
            time.sleep(1.0)
            before = json.loads(ask(server.connect(), "GET", f"/v1/jobs/{job['id']}")[2])["done"]
            if kills < 3 and before > runs * (kills + 1) / 5:
                server.stop(signal.SIGKILL)
                server.start()
                kills += 1
            job = json.loads(ask(server.connect(), "GET", f"/v1/jobs/{job['id']}")[2])
        took = time.perf_counter() - began
        seen: collections.Counter[int] = collections.Counter()
        passed, after = 0, None
        while True:
            query = "" if after is None else f"?after={after}"
            page = json.loads(ask(server.connect(), "GET", f"/v1/jobs/{job['id']}/results{query}")[2])
            seen.update(each["position"] for each in page["results"])
            passed += sum(each["verdict"]["passed"] for each in page["results"])
            after = page["next"]
            if after is None:
                break
        server.stop()
        print(
            f"{runs} items, server killed {kills} times: {len(seen)} verdicts, {passed} passed, "
            f"{sum(count > 1 for count in seen.values())} twice, {took:.0f} s"
        )


PARTS = {"overhead": overhead, "saturation": saturation, "overload": overload, "restart": restart}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", default=list(PARTS), metavar="PART")
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    print(f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.1f}")
    for name in options.parts:
        print(f"\n{name}")
        PARTS[name](options.runs, options.seconds)


if __name__ == "__main__":
    main()
