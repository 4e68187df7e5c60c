"""The card of a repository of environments on the Hugging Face Hub: the ``README.md`` it is shown with.

- :func:`card`
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from deepgym_env.integrations.hub_bundle import Bundle
from deepgym_env.task import AnyTask, SubmissionTask

__all__ = ["card"]

# What the Hub calls licences that tasks name by their SPDX identifiers.
_LICENSES = ("apache-2.0", "bsd-2-clause", "bsd-3-clause", "cc-by-4.0", "cc-by-sa-4.0", "cc0-1.0", "gpl-3.0", "mit")
_TAGS = ("deepgym", "gymnasium", "reinforcement-learning", "code")
_SIZES = ((1000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"))

_SUBMISSION = """from deepgym_env import DeepGym
from deepgym_env.integrations.hub import load_environment_from_hub

task = load_environment_from_hub(
    "{repo}"{which},
    content_hash="{hash}",
)
with DeepGym() as dg:
    print(dg.run(task, "your model's answer").vector)"""
_WORKSPACE = """from deepgym_env.envs import CodingEnv
from deepgym_env.integrations.hub import load_environment_from_hub

task = load_environment_from_hub(
    "{repo}"{which},
    content_hash="{hash}",
)
env = CodingEnv(task)
observation, info = env.reset(seed=0)
observation, reward, terminated, truncated, info = env.step("<bash>ls</bash>")
print(observation)
env.close()"""


def card(repo: str, bundle: Bundle, tasks: Sequence[AnyTask]) -> str:
    """Return the card of a repository.

    Args:
        repo: Its id, ``owner/name``.
        bundle: What it holds.
        tasks: Its tasks.
    """
    return f"---\n{_head(tasks)}\n---\n\n{_body(repo, bundle, tasks)}"


def _head(tasks: Sequence[AnyTask]) -> str:
    """Return the card's metadata, in YAML; each value is written as JSON, which is YAML too."""
    named = {task.license.lower() for task in tasks}
    (license_name,) = named if len(named) == 1 else ("other",)
    size = next((name for limit, name in _SIZES if len(tasks) < limit), "100K<n<1M")
    return "\n".join(
        f"{key}: {json.dumps(value, ensure_ascii=False)}"
        for key, value in {
            "license": license_name if license_name in _LICENSES else "other",
            "pretty_name": tasks[0].title if len(tasks) == 1 else f"{len(tasks)} environments",
            "task_categories": ["text-generation"],
            "size_categories": [size],
            "tags": [*_TAGS, *sorted({tag for task in tasks for tag in task.tags} - {*_TAGS})],
            "configs": [{"config_name": "default", "data_files": [{"split": "train", "path": "tasks.jsonl"}]}],
        }.items()
    )


def _body(repo: str, bundle: Bundle, tasks: Sequence[AnyTask]) -> str:
    first = tasks[0]
    usage = (_SUBMISSION if isinstance(first, SubmissionTask) else _WORKSPACE).format(
        repo=repo, which=f', "{first.id}"' if len(tasks) > 1 else "", hash=bundle.content_hash
    )
    title = first.title if len(tasks) == 1 else repo.rpartition("/")[2]
    return f"""# {_plain(title)}

Environments for coding agents, rewarded test by test, for [DeepGym](https://pypi.org/project/deepgym-env/).

{_table(tasks)}

## Use

```
pip install 'deepgym-env[hf]'
```

```python
{usage}
```

The content hash is checked, so that nobody can change a test unnoticed. Loading runs no code of this repository:
`frozen/` has the tasks as data, tests included. `trust_code=True` loads the folders in `folders/` instead, whose
Python runs in your process and can draw new tests from other seeds: read it first.

Whoever can read this repository can read the hidden tests: don't train a model on its files.
"""


def _table(tasks: Sequence[AnyTask]) -> str:
    lines = ["| task | | kind | tests | of them public | difficulty | license |", "|---|---|---|---|---|---|---|"]
    for task in tasks:
        kind = task.kind if isinstance(task, SubmissionTask) else "workspace"
        cells = (
            task.id,
            task.title,
            kind,
            len(task.tests),
            len(task.public_tests),
            task.difficulty or "",
            task.license,
        )
        lines.append(f"| {' | '.join(_plain(str(cell)) for cell in cells)} |")
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Return a text without what would end a cell or a line."""
    return " ".join(text.replace("|", "\\|").split())
