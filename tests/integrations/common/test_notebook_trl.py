"""The notebook that trains with TRL runs from top to bottom, and the model learns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="run `make test-integrations`")
nbformat = pytest.importorskip("nbformat", reason="run `make test-integrations`")
nbclient = pytest.importorskip("nbclient", reason="run `make test-integrations`")

PATH = Path(__file__).parents[3] / "notebooks" / "03_grpo_trl.ipynb"
pytestmark = pytest.mark.xdist_group("trl")


def texts(notebook) -> str:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", ())]
    assert not [output for output in outputs if output.output_type == "error"]
    return "".join(output.get("text", "") for output in outputs)


def learned(printed: str) -> bool:
    """Return whether the reward grew, by what the notebook printed; the last digits are the machine's."""
    first, last = (float(re.findall(rf"{ten} ten ([\d.]+)", printed)[0]) for ten in ("first", "last"))
    return last > first + 0.15


@pytest.mark.timeout(900)  # under a minute on a quiet machine
def test_it_learns(tmp_path: Path) -> None:
    notebook = nbformat.read(PATH, as_version=4)
    nbclient.NotebookClient(notebook, timeout=800, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert learned(texts(notebook))


def test_its_outputs_are_kept() -> None:
    notebook = nbformat.read(PATH, as_version=4)
    nbformat.validate(notebook)
    assert learned(texts(notebook))
    figures = [
        output for cell in notebook.cells for output in cell.get("outputs", ()) if "image/png" in output.get("data", {})
    ]
    assert len(figures) == 1
