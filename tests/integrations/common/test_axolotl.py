"""Axolotl's rules, as its documentation and source have them; it is not installed itself."""

from __future__ import annotations

import importlib
import inspect
import math
from pathlib import Path

import pytest

pytest.importorskip("trl", reason="run `make test-integrations`")

from test_trl import RIGHT, STEPS, WRONG, Train, column, logged, pytestmark  # noqa: F401

from deepgym_env import DeepGym
from deepgym_env.datasets import to_hf
from deepgym_env.episodes.prm import generate_prm

PATH = "deepgym_env.integrations.axolotl.reward"


def test_trl_trains_with_the_function_of_a_path(tmp_path: Path) -> None:
    module, _, name = PATH.rpartition(".")
    reward = getattr(importlib.import_module(module), name)
    assert len(inspect.signature(reward).parameters) >= 2
    trainer = Train(tmp_path)([[RIGHT], [WRONG]], reward, to_hf(["reverse_string"]), length=32)
    assert column(trainer, "reward") == pytest.approx([1.0, 1 / 14, 1.0, 1 / 14])
    assert logged(trainer, "deepgym/pass_rate") == [0.5] * STEPS


def test_rows_of_process_rewards_fit(engine: DeepGym) -> None:
    rows = generate_prm(engine, "reverse_string", [[WRONG, RIGHT], RIGHT, "no code"])
    assert [row["labels"] for row in rows] == [[True, True], [True], [False]]
    for row in rows:
        assert set(row) == {"prompt", "completions", "labels"}
        assert isinstance(row["prompt"], str)
        assert all(isinstance(step, str) and step for step in row["completions"])
        # Labels pass through int(), and what has no partner is dropped without a word.
        assert all(isinstance(label, bool) for label in row["labels"])
        assert len(row["completions"]) == len(row["labels"])
        assert not any(math.isnan(label) for label in row["labels"])
