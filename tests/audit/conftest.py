"""Verifiers as people write them, and what goes with them."""

from __future__ import annotations

import importlib.util
import io
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deepgym_env import DeepGym, File
from deepgym_env.audit import VerifierTarget

HERE = Path(__file__).parent
RUNNING_MAX = (
    "Write `running_max(numbers)`: the largest number so far, at each place. "
    "running_max([3, 1, 4]) == [3, 3, 4] and running_max([2, 2]) == [2, 2].",
    "def running_max(numbers):\n    return [max(numbers[: i + 1]) for i in range(len(numbers))]\n",
)
TASKS = {
    "inverse_of_the_task": (
        "Write `from_roman(text)`. from_roman('IX') == 9",
        "def from_roman(text):\n"
        "    numbers = [{'I': 1, 'V': 5, 'X': 10}[letter] for letter in text]\n"
        "    return sum(-a if a < b else a for a, b in zip(numbers, [*numbers[1:], 0]))\n",
    ),
    "certificate": ("Write `square_root(x)`. square_root(4.0) == 2.0", "def square_root(x):\n    return x ** 0.5\n"),
    "all_or_nothing": (
        "Write `distance(a, b)`. distance([1, 0], [0, 0]) == 1",
        "def distance(a, b):\n    return sum(x != y for x, y in zip(a, b))\n",
    ),
    "isclose_patched": (
        "Write `mean(numbers)`.",
        "def mean(numbers):\n    return sum(numbers) / len(numbers)\n",
    ),
    "answers_alternate": ("Write `is_even(n)`.", "def is_even(n):\n    return n % 2 == 0\n"),
    "exit_code_alone": (
        "Write `squeeze(text)`. squeeze('aab') == 'ab'",
        "def squeeze(text):\n    return ''.join(c for i, c in enumerate(text) if text[:i][-1:] != c)\n",
    ),
}


@pytest.fixture(scope="module")
def dg() -> Any:
    """An engine whose sessions work, with two runners."""
    with DeepGym(workers=2) as engine:
        if engine.isolation().level != "full":
            pytest.skip("sessions need namespaces: `deepgym doctor` says how to get them")
        yield engine


@pytest.fixture
def verifier(dg: DeepGym) -> Callable[[Path], VerifierTarget]:
    """Makes a target of a verifier file of these tests."""

    def make(path: Path) -> VerifierTarget:
        task, reference = TASKS.get(path.stem, RUNNING_MAX)
        files = [File("isolated.py", (HERE / "isolated.py").read_bytes())]
        if "pytest.zip" in path.read_text():
            files.append(File("pytest.zip", _pytest_zip()))
        return VerifierTarget(
            dg, path.read_text(), task=task, reference=reference, files=files, name=path.stem, seconds=4
        )

    return make


def _pytest_zip() -> bytes:
    """Return pytest and what it needs, as an archive that Python imports from: a sandbox has none."""
    kept = io.BytesIO()
    with zipfile.ZipFile(kept, "w") as archive:
        for name in ("pytest", "_pytest", "pluggy", "iniconfig", "packaging", "pygments", "py"):
            spec = importlib.util.find_spec(name)
            if spec is None or spec.origin is None:
                continue  # not every version of pytest needs each of them
            root = Path(spec.origin).parent
            paths = root.rglob("*.py") if spec.submodule_search_locations else [Path(spec.origin)]
            for path in paths:
                if path.parent.name != "lexers" or path.stem in ("__init__", "_mapping", "python", "diff"):
                    archive.write(path, path.relative_to(root.parent if spec.submodule_search_locations else root))
    return kept.getvalue()
