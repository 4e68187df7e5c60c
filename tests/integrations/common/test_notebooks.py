"""The notebooks run from top to bottom, and say what they said when they were written."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="run `make test-integrations`")
nbformat = pytest.importorskip("nbformat", reason="run `make test-integrations`")
pytest.importorskip("ipykernel", reason="run `make test-integrations`")
pytest.importorskip("matplotlib", reason="run `make test-integrations`")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq.*"),
]

FOLDER = Path(__file__).parents[3] / "notebooks"
NAMES = ["01_quick_start", "02_multi_turn_agent", "05_audit_your_verifier", "06_vectorized_rollouts_and_logs"]


@pytest.fixture(autouse=True)
def surroundings(tmp_path, monkeypatch):
    """A home without settings, and a kernel that finds its libraries."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    monkeypatch.setenv("MPLCONFIGDIR", str(tmp_path / "matplotlib"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", NAMES)
def test_a_notebook_says_again_what_it_said(name, tmp_path):
    kept = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    nbformat.validate(kept)
    made = nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)
    for cell in (cell for cell in made.cells if cell.cell_type == "code"):
        cell.update(outputs=[], execution_count=None)
    client = nbclient.NotebookClient(
        made,
        timeout=280,
        kernel_name="python3",
        coalesce_streams=True,  # else how much is printed at a time depends on how busy the machine is
        resources={"metadata": {"path": str(tmp_path)}},
    )
    client.execute()
    assert said(made) == said(kept)
    assert any("image/png" in output.get("data", {}) for cell in kept.cells for output in cell.get("outputs", []))


def said(notebook):
    """Return the outputs of each cell: text as it is, of a figure only that it is one."""
    return [[what(output) for output in cell.outputs] for cell in notebook.cells if cell.cell_type == "code"]


def what(output):
    if output.output_type == "stream":
        return output.name, output.text
    return output.output_type, output.data["text/plain"], "image/png" in output.data


def test_they_tell_of_no_place_and_no_error():
    for name in NAMES:
        outputs = [one for cell in nbformat.read(FOLDER / f"{name}.ipynb", 4).cells for one in cell.get("outputs", [])]
        assert outputs
        for output in outputs:
            assert output.output_type in ("stream", "display_data")
            assert output.get("name") != "stderr"
            assert not any(place in output.get("text", "") for place in ("/tmp/", "/home/", os.sep + "root"))
