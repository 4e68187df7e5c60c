"""Benchmarks read from the Hugging Face Hub: a small one on this machine, asked by the real libraries."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest
from hub_server import serving
from published import HUMANEVAL, MBPP

from deepgym_env import benchmarks
from deepgym_env.benchmarks.importing import import_benchmark
from deepgym_env.errors import ConfigError

pyarrow = pytest.importorskip("pyarrow")
pytest.importorskip("datasets")

CARD = """---
configs:
- config_name: {name}
  default: true
  data_files:
  - split: test
    path: {path}
---
# A data set
"""


def parquet(*rows):
    import pyarrow.parquet

    out = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(list(rows)), out)
    return out.getvalue()


@pytest.fixture
def hub():
    humaneval = {
        "README.md": CARD.format(name="openai_humaneval", path="openai_humaneval/test-*").encode(),
        "openai_humaneval/test-00000-of-00001.parquet": parquet(HUMANEVAL),
    }
    lines = {"README.md": b"# Lines\n", "train.jsonl": json.dumps(MBPP).encode() + b"\n"}
    with serving() as server:
        server.add("openai/openai_humaneval", humaneval)
        server.add("someone/lines", lines, ("main", "v1"))
        yield server


@pytest.fixture
def deepgym(hub, home, tmp_path):
    """Runs the command where the Hub is the small one; the libraries read its address when they are imported."""

    def run(*args, endpoint=hub.endpoint):
        environment = {
            **os.environ,
            "HF_ENDPOINT": endpoint,
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "NO_PROXY": "127.0.0.1",
        }
        command = [sys.executable, "-m", "deepgym_env.cli", *args]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, cwd=tmp_path)

    return run


def test_without_a_file_a_benchmark_is_read_from_where_the_hub_has_it(deepgym, hub):
    done = deepgym("import", "humaneval", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tasks"] == 1
    assert "asking the Hugging Face Hub for openai/openai_humaneval" in done.stderr
    assert any("test-00000-of-00001.parquet" in line for line in hub.asked)
    (entry,) = benchmarks.imported("humaneval")
    assert (entry.id, entry.tags[-1]) == ("HumanEval/900", "test")


def test_another_data_set_and_revision_can_be_named(deepgym, hub):
    done = deepgym("import", "mbpp", "--hub", "someone/lines", "--revision", "v1", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tasks"] == 1
    assert any("/resolve/v1/" in line or "/revision/v1" in line for line in hub.asked)
    assert any(
        hub.repositories["someone/lines"].refs["v1"] in line for line in hub.asked
    )  # what the revision was at that moment


@pytest.mark.parametrize("args", [("someone/else",), ("someone/lines", "--revision", "v9")])
def test_what_the_hub_can_t_give_is_told_with_the_way_out(deepgym, args):
    done = deepgym("import", "mbpp", "--hub", *args)
    assert done.returncode == 2, done.stderr
    assert f"the Hugging Face Hub can't give {' at revision '.join(args[::2])}: " in done.stderr
    assert done.stderr.endswith("give --file FILE\n")


@pytest.mark.parametrize(
    ("name", "sources", "options", "said"),
    [
        ("mbpp", (), {"hub": "nonsense"}, "owner/name or owner/name:configuration, got 'nonsense'"),
        ("mbpp", ["x.jsonl"], {"hub": "someone/lines"}, "from files or from the Hugging Face Hub, not both"),
        ("humanevalplus", (), {}, "importing humanevalplus takes a file, --file FILE"),
    ],
)
def test_what_can_t_be_asked_of_the_hub_is_refused(name, sources, options, said, engine):
    with pytest.raises(ConfigError, match=said):
        import_benchmark(name, sources, engine=engine, **options)
