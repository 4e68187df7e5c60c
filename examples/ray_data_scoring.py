"""Score a Parquet file of completions on a Ray cluster, streaming: any number of rows, bounded memory.

The file has a column ``task`` (ids as ``load_environment`` takes them) and a column ``completion``. What is written
has in addition ``score`` (0..1), ``passed``, ``status``, ``tests`` (the score of each test) and ``has_verdict``. A row
whose sandbox failed has no verdict: its ``score``, ``passed`` and ``tests`` are null, never 0.

    pip install 'deepgym-env[ray]' 'ray[data]'
    python examples/ray_data_scoring.py completions.parquet scored/ --workers 4

Each actor of the pool judges on its own node, in sandboxes of its own. It asks for as many CPUs as it has runners;
Ray Data starts more actors while there are rows to score and CPUs free, and reruns what a lost node had.
"""

from __future__ import annotations

import argparse
from typing import Any

import pyarrow as pa
import ray

from deepgym_env import DeepGym, load_environment
from deepgym_env.result import RunResult


class Scorer:
    """Scores batches of rows; one per actor."""

    def __init__(self, workers: int) -> None:
        """Start with no task loaded."""
        self._engine = DeepGym(mode="local", workers=workers)
        self._tasks: dict[str, Any] = {}

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Return the rows with their scores."""
        names, texts = rows.column("task").to_pylist(), rows.column("completion").to_pylist()
        for name in set(names) - self._tasks.keys():
            self._tasks[name] = load_environment(name)
        asked = [(self._tasks[name], text or "") for name, text in zip(names, texts, strict=True)]
        return with_scores(rows, self._engine.run_many(asked))


def with_scores(rows: pa.Table, results: list[RunResult]) -> pa.Table:
    """Return rows with the results as columns; what has no verdict is null."""
    judged = [result if result.has_verdict else None for result in results]
    columns = {
        "score": pa.array([r and r.score for r in judged], pa.float64()),
        "passed": pa.array([r and r.passed for r in judged], pa.bool_()),
        "status": pa.array([r.status for r in results], pa.string()),
        "tests": pa.array([r and r.vector.tolist() for r in judged], pa.list_(pa.float32())),
        "has_verdict": pa.array([r.has_verdict for r in results], pa.bool_()),
    }
    for name, column in columns.items():
        rows = rows.append_column(name, column)
    return rows


def score(source: str, target: str, *, workers: int = 1, actors: tuple[int, int] = (1, 64), batch: int = 256) -> None:
    """Score the completions in ``source``; write Parquet to the folder ``target``.

    Args:
        source: A Parquet file, or a folder of them.
        target: A folder.
        workers: Runners of each actor, and CPUs it asks for.
        actors: The fewest and the most there may be.
        batch: Rows judged together.
    """
    rows = ray.data.read_parquet(source, columns=["task", "completion"])
    scored = rows.map_batches(
        Scorer,
        fn_constructor_kwargs={"workers": workers},
        batch_size=batch,
        batch_format="pyarrow",
        num_cpus=workers,
        compute=ray.data.ActorPoolStrategy(min_size=actors[0], max_size=actors[1]),
    )
    scored.write_parquet(target)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("source", help="a Parquet file, or a folder of them")
    parser.add_argument("target", help="a folder")
    parser.add_argument("--workers", type=int, default=1, help="runners of each actor")
    parser.add_argument("--address", help="the cluster's; by default RAY_ADDRESS, else one on this machine")
    options = parser.parse_args()
    ray.init(address=options.address)
    score(options.source, options.target, workers=options.workers)


if __name__ == "__main__":
    main()
