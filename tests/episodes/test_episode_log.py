"""The log: whole lines whatever happens, rotation, several writers, reading back."""

from __future__ import annotations

import collections
import json
import os
import pickle
import subprocess
import sys
from pathlib import Path

import pytest

from deepgym_env.episodes import EpisodeWriter, count_episodes, read_episodes
from deepgym_env.episodes.log import log_files
from deepgym_env.errors import ConfigError


def seeds(path):
    return [episode.seed for episode in read_episodes(path)]


def test_what_is_appended_is_read_back(tmp_path, made_up):
    path = tmp_path / "a" / "b.jsonl"
    episodes = [
        made_up([0.5, 0.0], [1.0, 1.0]),
        made_up([0.0], prompt="naïve \u2028 \ud800 \0", seed=None, rng={"seed": None, "state": "{}"}),
        made_up([0.25, 1.0, 0.0], options={"a": [1]}, tools=[{"type": "function"}], env={"id": "x"}),
    ]
    for episode in episodes:
        EpisodeWriter(path, fsync=True).append(episode)
    assert list(read_episodes(path)) == episodes
    assert count_episodes(path) == 3
    assert all(json.loads(line) for line in path.read_text(encoding="ascii").splitlines())


@pytest.mark.parametrize("max_bytes", [1, 3000, 10_000])
def test_rotation_loses_nothing_and_keeps_the_order(tmp_path, made_up, max_bytes):
    path = tmp_path / "log[1].jsonl"  # a name that globbing would misread
    (tmp_path / "log[1].jsonl.old").write_text("not ours")
    writer = EpisodeWriter(path, max_bytes=max_bytes)
    for number in range(30):
        writer.append(made_up([0.0], seed=number))
    files = log_files(path)
    assert [file.name for file in files] == [
        *(f"log[1].jsonl.{number}" for number in range(1, len(files))),
        "log[1].jsonl",
    ]
    assert seeds(path) == list(range(30))
    assert count_episodes(path) == 30
    for file in files:
        assert file.stat().st_size <= max_bytes or file.read_bytes().count(b"\n") == 1
    assert len(files) == (30 if max_bytes == 1 else pytest.approx(30 * 800 / max_bytes, rel=0.5))


def test_a_full_file_can_be_read_by_itself(tmp_path, made_up):
    writer = EpisodeWriter(tmp_path / "log", max_bytes=1)
    for number in range(3):
        writer.append(made_up([0.0], seed=number))
    assert seeds(tmp_path / "log.2") == [1]
    (tmp_path / "log").rename(tmp_path / "gone")  # as if the process was killed between two files
    assert seeds(tmp_path / "log") == [0, 1]
    writer.append(made_up([0.0], seed=9))
    assert seeds(tmp_path / "log") == [0, 1, 9]


def test_a_line_torn_anywhere_is_ignored_and_removed_by_the_next_writer(tmp_path, made_up):
    path = tmp_path / "log"
    writer = EpisodeWriter(path)
    writer.append(made_up([0.0], seed=0))
    whole = path.read_bytes()
    writer.append(made_up([1.0], seed=1))
    both = path.read_bytes()
    for cut in range(len(whole), len(both) + 1):
        path.write_bytes(both[:cut])
        kept = [0, 1] if cut >= len(both) - 1 else [0]  # only the line feed may be missing
        assert seeds(path) == kept
        if cut % 7 == 0 or cut > len(both) - 3:
            writer.append(made_up([0.0], seed=2))
            assert seeds(path) == [*kept, 2]
            assert path.read_bytes().count(b"\n") == len(kept) + 1
    path.write_bytes(both[: len(whole) // 2])  # torn in the first line
    assert seeds(path) == []
    EpisodeWriter(path).append(made_up([0.0], seed=3))
    assert seeds(path) == [3]


def test_other_files_are_refused_and_left_as_they_are(tmp_path, made_up):
    path = tmp_path / "notes.txt"
    for text in ("notes\n", "notes", '{"id": 1}\n', "{"):
        path.write_text(text)
        if text != "{":
            with pytest.raises(ConfigError, match="no episode log"):
                EpisodeWriter(path)
            assert path.read_text() == text
    log = tmp_path / "log"
    writer = EpisodeWriter(log)
    writer.append(made_up([0.0]))
    with log.open("a") as file:
        file.write("someone else's line, not ended")
    before = log.read_bytes()
    with pytest.raises(ConfigError, match="no episode log"):
        writer.append(made_up([0.0]))
    assert log.read_bytes() == before


def test_paths_that_can_not_be_written(tmp_path):
    for path in (tmp_path, tmp_path / "file" / "log"):
        (tmp_path / "file").write_text("")
        with pytest.raises(ConfigError, match="an episode log is a file"):
            EpisodeWriter(path)
    with pytest.raises(ConfigError, match="max_bytes must be at least 1, got 0"):
        EpisodeWriter(tmp_path / "log", max_bytes=0)
    with pytest.raises(FileNotFoundError):
        list(read_episodes(tmp_path / "none"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda row: row.pop("turns"), "no 'turns'"),
        (lambda row: row.update(turns=[]), "expected turns"),
        (lambda row: row.update(schema_version="2.0"), "schema_version must be 1.x, got '2.0'"),
        (lambda row: row.update(seed="7"), "'seed' of the episode must be int or NoneType, got '7'"),
        (lambda row: row.update(score=0.75), "'score' is 0.75, its turns say 1.0"),
        (lambda row: row.update({"return": [0.0]}), "'return' is"),
        (lambda row: row["turns"][0].update(reward=["1"]), "reward of turn 1 must hold numbers"),
        (lambda row: row["turns"][0]["info"].update(tests=[1]), "a test of turn 1 must be an object"),
        (lambda row: row["turns"][0]["info"].update(score=10**400), "too large"),
        (lambda row: row["turns"].__setitem__(0, None), "turn 1 must be an object"),
    ],
)
def test_lines_that_are_no_episodes_are_named(tmp_path, made_up, change, message):
    row = made_up([1.0]).to_json()
    change(row)
    path = tmp_path / "log"
    path.write_text(json.dumps(made_up([0.0]).to_json()) + "\n" + json.dumps(row) + "\n")
    episodes = read_episodes(path)
    next(episodes)
    with pytest.raises(ConfigError, match=f"log: line 2 is no episode: .*{message}"):
        next(episodes)


WRITERS = """
import json, os, random, signal, sys
from collections import Counter
from deepgym_env.episodes import Episode, EpisodeWriter, Turn

path, size, max_bytes, rounds, names, patience = sys.argv[1], *map(int, sys.argv[2:])

def write(name, first, pipe):
    writer = EpisodeWriter(path, max_bytes=max_bytes)
    for number in range(first, 1_000_000):
        turn = Turn("x" * (size * (number % 7)), "", [0.0], False, False, {})
        writer.append(Episode(None, name, None, number, None, None, "", [], [turn], "closed"))
        os.write(pipe, b"%d\\n" % number)

rng = random.Random(0)
reported = Counter()
for round in range(rounds):
    started = []
    for name in map(str, range(names)):
        here, there = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(here)
            write(name, 1000 * round, there)
        os.close(there)
        started.append((name, pid, os.fdopen(here)))
    for name, pid, pipe in started:
        for _ in range(rng.randint(1, patience)):
            reported[f"{name}:{pipe.readline().strip()}"] += 1
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        reported.update(f"{name}:{line.strip()}" for line in pipe)
print(json.dumps(reported))
"""


def write_and_kill(path, *arguments):
    """Run writers that are killed at work; return what they had reported as written."""
    command = [sys.executable, "-c", WRITERS, str(path), *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("max_bytes", [1 << 40, 8 << 20], ids=["one file", "rotation"])
def test_killed_writers_lose_nothing_they_reported(tmp_path, max_bytes):
    path = tmp_path / "log.jsonl"
    reported = write_and_kill(path, 300_000, max_bytes, 15, 3, 4)  # lines long enough to be torn
    assert len(reported) >= 15 * 3
    written = collections.Counter()
    for file in log_files(path):
        *whole, tail = file.read_bytes().split(b"\n")
        assert not tail or file == path, "only the newest file may end torn"
        written.update(f"{row['task']}:{row['seed']}" for row in map(json.loads, whole))
    assert reported.keys() <= written.keys()
    assert set(written.values()) == {1}
    for name in ("0", "1", "2"):  # in order, and none missing in between
        own = [episode.seed for episode in read_episodes(path) if episode.task == name]
        assert own == [number for round in range(15) for number in own if number // 1000 == round]
        assert all(number % 1000 == 0 or number - 1 in own for number in own)
    before = count_episodes(path)
    EpisodeWriter(path).append(next(iter(read_episodes(path))))
    assert count_episodes(path) == before + 1
    assert (len(log_files(path)) > 1) == (max_bytes < 1 << 40)


def test_several_processes_append_to_one_log(tmp_path):
    path = tmp_path / "log.jsonl"
    reported = write_and_kill(path, 3000, 200_000, 1, 4, 200)
    numbers = collections.defaultdict(list)
    for episode in read_episodes(path):
        numbers[episode.task].append(episode.seed)
        assert len(episode.turns[0].action) == 3000 * (episode.seed % 7)
    assert len(numbers) == 4
    assert all(own == list(range(len(own))) for own in numbers.values())
    assert reported.keys() <= {f"{name}:{number}" for name, own in numbers.items() for number in own}
    assert len(log_files(path)) > 3


FULL_DISK = """
import resource, sys
from pathlib import Path
from deepgym_env.episodes import Episode, EpisodeWriter, Turn

path = Path(sys.argv[1])
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
writer = EpisodeWriter(path)
written = 0
for number in range(100):
    turn = Turn("x" * 5000, "", [0.0], False, False, {})
    try:
        writer.append(Episode(None, "t", None, number, None, None, "", [], [turn], "closed"))
    except OSError as error:
        assert path.read_bytes().endswith(b"}\\n"), "half a line was left"
        assert path.stat().st_size > 90_000
        print(error.strerror, number)
        break
"""


def test_a_full_disk_leaves_no_half_line(tmp_path):
    path = tmp_path / "log"
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    reason, _, number = done.stdout.strip().rpartition(" ")
    assert reason == os.strerror(27)  # EFBIG
    assert seeds(path) == list(range(int(number)))


def test_a_writer_can_be_sent_to_another_process(tmp_path, made_up):
    writer = EpisodeWriter(Path(os.path.relpath(tmp_path)) / "log")
    writer.append(made_up([0.0], seed=0))
    script = "import pickle, sys; w, e = pickle.load(sys.stdin.buffer); w.append(e)"
    data = pickle.dumps((writer, made_up([0.0], seed=1)))
    subprocess.run([sys.executable, "-c", script], input=data, cwd="/", check=True, timeout=60)
    assert seeds(tmp_path / "log") == [0, 1]
