from __future__ import annotations

import pytest

from deepgym_env import load_task
from deepgym_env.datasets import to_hf
from deepgym_env.errors import ConfigError, UnknownTaskError

pytest.importorskip("datasets")
IDS = ["fizzbuzz", "coin_change", "debug_fix"]


def test_a_row_per_task_with_the_prompt_as_messages():
    data = to_hf(IDS, system="Be brief.", split="train")
    assert data["task"][:] == IDS
    assert data[0]["prompt"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": load_task("fizzbuzz").prompt},
    ]
    assert data["split"][:] == ["train"] * 3
    assert data[1]["tags"] == list(load_task("coin_change").tags)


def test_plain_prompts():
    assert to_hf([load_task("fizzbuzz")], conversational=False)[0]["prompt"] == load_task("fizzbuzz").prompt


def test_a_task_s_own_split_counts():
    task = load_task("fizzbuzz")
    tagged = task.model_copy(update={"tags": (*task.tags, "test")})
    assert to_hf([task, tagged], split="train")["split"][:] == ["train", "test"]


def test_what_other_trainers_read():
    verl = to_hf(IDS, trainer="verl")
    assert verl[2]["reward_model"] == {"style": "rule", "ground_truth": "debug_fix"}
    assert verl[2]["extra_info"] == {"index": 2, "split": None, "task": "debug_fix"}
    assert (verl[0]["data_source"], verl[0]["ability"], verl[2]["ability"]) == ("DeepGym", "code", "agent")
    assert to_hf(IDS, trainer="openrlhf", conversational=False)["label"][:] == IDS


def test_every_row_s_task_can_be_loaded():
    assert [load_task(name).prompt for name in to_hf(IDS)["task"]] == [load_task(name).prompt for name in IDS]


@pytest.mark.parametrize(
    ("tasks", "options", "error"),
    [
        (IDS, {"trainer": "nonsense"}, ConfigError),
        (IDS, {"trainer": "verl", "conversational": False}, ConfigError),
        ([], {}, ConfigError),
        (["nonsense"], {}, UnknownTaskError),
    ],
)
def test_what_can_t_work_is_refused(tasks, options, error):
    with pytest.raises(error):
        to_hf(tasks, **options)
