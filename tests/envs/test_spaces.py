from __future__ import annotations

import pickle
import string
import time
import tracemalloc

import numpy as np
import pytest
from gymnasium.error import CustomSpaceError
from gymnasium.spaces import Dict, Text, Tuple
from gymnasium.vector.utils import batch_space, create_shared_memory
from hypothesis import given
from hypothesis import strategies as st

from deepgym_env.envs import UnicodeText


@given(st.text(st.characters(codec=None)))
def test_every_text_is_contained(text):
    assert text in UnicodeText()


@pytest.mark.parametrize("other", [b"x", None, 1, ["x"], ("x",), np.array("x"), {"x": 1}])
def test_nothing_else_is(other):
    assert other not in UnicodeText()


def test_length_is_bounded():
    space = UnicodeText(3)
    assert "" in space
    assert "abc" in space
    assert "abcd" not in space


@given(st.integers(0, 2**31 - 1), st.integers(1, 200))
def test_samples_are_contained_and_repeat_with_the_seed(seed, length):
    one, two = UnicodeText(length, seed=seed), UnicodeText(length, seed=seed)
    samples = [one.sample() for _ in range(5)]
    assert samples == [two.sample() for _ in range(5)]
    assert all(sample in one and set(sample) <= set(string.printable) for sample in samples)


def test_samples_vary():
    space = UnicodeText(seed=0)
    assert len({space.sample() for _ in range(20)}) > 10


def test_equality_is_by_length():
    assert UnicodeText(5) == UnicodeText(5)
    assert UnicodeText(5) != UnicodeText(6)
    assert UnicodeText(5) != Text(5)
    assert repr(UnicodeText(5)) == "UnicodeText(5)"


def test_it_pickles():
    space = UnicodeText(7, seed=1)
    again = pickle.loads(pickle.dumps(space))
    assert again == space
    assert again.sample() == space.sample()


def test_it_is_cheap():
    began = time.process_time()
    tracemalloc.start()
    for _ in range(100):
        UnicodeText()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 22
    assert time.process_time() - began < 10


def test_it_is_not_flattenable():
    assert UnicodeText().is_np_flattenable is False


def test_it_batches_and_nests():
    batch = batch_space(UnicodeText(5), 2)
    assert isinstance(batch, Tuple)
    assert ("ab", "é\n") in batch
    assert ("ab", b"x") not in batch
    assert {"role": "user", "content": "naïve"} in Dict(role=UnicodeText(), content=UnicodeText())


def test_json_round_trip():
    space = UnicodeText(5)
    assert space.from_jsonable(space.to_jsonable(["a", "é"])) == ["a", "é"]


def test_shared_memory_is_refused():
    with pytest.raises(CustomSpaceError, match="shared_memory=False"):
        create_shared_memory(UnicodeText(), 2)
