"""What a session costs: provisioning, commands, files, snapshots; medians of calls taken in turn.

Where a Docker daemon answers, ``docker run`` and ``docker exec`` of a shell in a container made of
this machine's own shell are timed in the same turns.

Usage: ``python benchmarks/sessions.py [ROUNDS]``
"""

from __future__ import annotations

import io
import shutil
import statistics
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from deepgym_env import DeepGym, load_task

IMAGE = "deepgym-bench-shell"


def timed(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return (time.perf_counter() - began) * 1e3


def quiet(*command: str, stdin: bytes | None = None) -> str:
    return subprocess.run(command, input=stdin, capture_output=True, check=True).stdout.decode().strip()


def shell_image() -> bytes:
    """Return a root file system with a shell and what it links to, as an archive."""
    shell = shutil.which("dash") or "/bin/sh"
    libraries = [word for word in quiet("ldd", shell).split() if word.startswith("/")]
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", dereference=True) as archive:
        archive.add(shell, "bin/sh")
        for library in libraries:
            archive.add(library, library.lstrip("/"))
    return buffer.getvalue()


@contextmanager
def docker() -> Iterator[dict[str, Callable[[], object]]]:
    """Give what to time in Docker: nothing where there is no daemon."""
    try:
        quiet("docker", "import", "-", IMAGE, stdin=shell_image())
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"no Docker daemon to compare with: {error}")
        yield {}
        return
    keep = quiet("docker", "run", "-di", "--rm", "--network=none", IMAGE, "/bin/sh")
    try:
        yield {
            "docker run  true": lambda: quiet("docker", "run", "--rm", "--network=none", IMAGE, "/bin/sh", "-c", ":"),
            "docker exec true": lambda: quiet("docker", "exec", keep, "/bin/sh", "-c", ":"),
        }
    finally:
        quiet("docker", "kill", keep)


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    task = load_task("debug_fix")
    with DeepGym(workers=1, min_isolation="full") as dg, docker() as others:
        session = dg.session(task)
        snapshot = session.snapshot()

        def provision() -> None:
            opened.append(dg.session(task))

        def fork() -> None:
            opened.append(session.fork())

        opened = [session]
        contestants: dict[str, Callable[[], object]] = {
            "provision": provision,
            "exec shell": lambda: session.exec(":"),
            "exec argv": lambda: session.exec(["/bin/true"], shell_state=False),
            "exec python": lambda: session.exec(["python3", "-I", "-S", "-c", "pass"], shell_state=False),
            "read": lambda: session.read("stats.py"),
            "write": lambda: session.write("notes.txt", "x" * 1000),
            "snapshot": lambda: session.drop(session.snapshot()),
            "restore": lambda: session.restore(snapshot),
            "fork": fork,
            "judge (9 tests)": lambda: dg.judge(task, session),
            **others,
        }
        samples: dict[str, list[float]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, action in contestants.items():
                samples[name].append(timed(action))
            for extra in opened[1:]:
                extra.close()
            del opened[1:]
    for name, values in samples.items():
        print(f"{name:16} {statistics.median(values):8.2f} ms")
    print("(asked: provision at most 20 ms; `snapshot` includes dropping it)")


if __name__ == "__main__":
    main()
