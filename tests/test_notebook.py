"""The notebooks run from top to bottom."""

import contextlib
import io
import json
from pathlib import Path

import pytest

PRINTED = {"tour": "All 16 tests passed.", "multi_turn": "submitted 0.1"}
ELSEWHERE = {"03_grpo_trl": "integrations/common/test_notebook_trl.py"}  # those that need a framework
NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", [path for path in NOTEBOOKS if path.stem not in ELSEWHERE], ids=lambda path: path.stem)
def test_every_cell_runs(path: Path) -> None:
    cells = [cell for cell in json.loads(path.read_text())["cells"] if cell["cell_type"] == "code"]
    printed = io.StringIO()
    namespace: dict[str, object] = {"__name__": "__main__"}
    with contextlib.redirect_stdout(printed):
        for number, cell in enumerate(cells):
            exec(compile(cell["source"], f"{path.name}[{number}]", "exec"), namespace)
    assert PRINTED[path.stem] in printed.getvalue()


def test_all_are_there() -> None:
    assert {path.stem for path in NOTEBOOKS} == {*PRINTED, *ELSEWHERE}
    assert all((Path(__file__).parent / path).is_file() for path in ELSEWHERE.values())
