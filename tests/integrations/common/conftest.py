"""What tests with real frameworks share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from deepgym_env import DeepGym
from deepgym_env.sandbox.local import LocalBackend


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    """A tokenizer with a chat template."""
    pytest.importorskip("transformers", reason="run `make test-integrations`")
    from tiny_models import chat_tokenizer

    return chat_tokenizer()


@pytest.fixture(scope="session")
def broken() -> Iterator[DeepGym]:
    """An engine whose sandboxes can't be started."""
    with DeepGym(workers=1, retries=0, backend=LocalBackend(python="/no/such/python")) as engine:
        yield engine
