"""The notebook about Stable-Baselines3 runs from top to bottom, and its agent learns."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="run `make test-integrations`")
nbformat = pytest.importorskip("nbformat", reason="run `make test-integrations`")
for needed in ("ipykernel", "matplotlib", "stable_baselines3"):
    pytest.importorskip(needed, reason="run `make test-integrations`")

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:jupyter_client.*"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:zmq.*"),
]

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "04_sb3_repair.ipynb"


def test_the_agent_of_the_notebook_repairs_what_others_do_not(tmp_path, monkeypatch):
    for name in ("IPYTHONDIR", "JUPYTER_RUNTIME_DIR", "MPLCONFIGDIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    nbformat.validate(notebook)
    kept = printed(notebook)
    for cell in (cell for cell in notebook.cells if cell.cell_type == "code"):
        cell.update(outputs=[], execution_count=None)
    resources = {"metadata": {"path": str(tmp_path)}}
    nbclient.NotebookClient(notebook, timeout=280, kernel_name="python3", resources=resources).execute()
    for text in (kept, printed(notebook)):
        rates = {name: int(rate) for name, rate in re.findall(r"'(agent|greedy|random)': '(\d+)%'", text)}
        assert rates["agent"] >= 85
        assert rates["agent"] > rates["greedy"] + 25
        assert rates["agent"] > rates["random"] + 40
    assert any("image/png" in output.get("data", {}) for cell in notebook.cells for output in cell.get("outputs", []))


def printed(notebook):
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert all(output.get("name") != "stderr" for output in outputs)
    return "".join(output.get("text", "") for output in outputs)
