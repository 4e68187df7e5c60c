from __future__ import annotations

import os
import subprocess
import sys

import pytest

from deepgym_env.benchmarks.importing import import_benchmark


def python(code):
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ.copy(), timeout=120)


def test_what_was_imported_is_registered_with_the_package(published, engine):
    import_benchmark("humaneval", [published("humaneval")], engine=engine)
    done = python("import gymnasium, deepgym_env; print(gymnasium.make('HumanEval/900').reset(seed=0)[1]['task'])")
    assert (done.stdout, done.returncode) == ("HumanEval/900\n", 0), done.stderr


def test_registering_loads_no_task(published, engine):
    import_benchmark("humaneval", [published("humaneval")], engine=engine)
    loaded = "import deepgym_env.benchmarks.catalogue as c; import deepgym_env; print(c._loaded.cache_info().currsize)"
    assert python(loaded).stdout == "0\n"


def test_a_damaged_store_is_a_warning_and_no_more(published, engine):
    import_benchmark("humaneval", [published("humaneval")], engine=engine).file.write_bytes(b"nonsense")
    done = python("import deepgym_env; print(len(deepgym_env.task_ids()) > 30)")
    assert done.stdout == "True\n"
    assert "deepgym import humaneval --file" in done.stderr


@pytest.mark.parametrize("module", ["deepgym_env.benchmarks", "deepgym_env"])
def test_importing_the_package_reads_no_importer(module):
    done = python(
        f"import sys, {module}; print([m for m in sys.modules if m.startswith('deepgym_env.benchmarks.import')])"
    )
    assert done.stdout == "[]\n", done.stderr
