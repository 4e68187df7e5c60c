"""A task of lm-evaluation-harness, judged by DeepGym; its YAML files name this class.

- :class:`DeepGymTask`
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import datasets
from lm_eval.api.task import ConfigurableTask

from deepgym_env.blocking import DeepGym
from deepgym_env.datasets import rows
from deepgym_env.engine import Environment
from deepgym_env.errors import ConfigError
from deepgym_env.integrations.scoring import Scorer
from deepgym_env.result import RunResult
from deepgym_env.selection import select_tasks

__all__ = ["METRICS", "DeepGymTask"]

METRICS = ("score", "pass", "verdict")
"""Mean over the tests; share that pass all; share with a verdict, which alone the other two are of."""

_logger = logging.getLogger(__name__)
_MAX_NEW_TOKENS = 1024


class DeepGymTask(ConfigurableTask):  # type: ignore[misc]
    """A document per DeepGym task; the completions of all of them are judged in one batch.

    A completion without a verdict has the metric ``verdict`` 0 and no other, so that it is in the mean of
    none; lm-eval then says how many documents each metric is of.
    """

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        tasks: Iterable[Environment | str] | None = None,
        engine: DeepGym | None = None,
    ) -> None:
        """Make the task of a configuration.

        Args:
            config: lm-eval's own. Of ``dataset_kwargs`` it takes ``tasks``, ids, or ``benchmark``, the name
                of an imported one.
            tasks: Tasks or ids, instead of those in the configuration.
            engine: The engine that judges; by default this process's.

        Raises:
            ConfigError: If there are no tasks, or one can't be judged by one completion.
            UnknownTaskError: If there is no task of an id.
        """
        given = {name: value for name, value in config.items() if name != "class"}
        self._given = list(_named(given.get("dataset_kwargs") or {}) if tasks is None else tasks)
        self._scorer = Scorer(self._given, engine)
        self._results: dict[tuple[str, str], RunResult] = {}
        super().__init__(config={**_defaults(), **given})

    def download(self, dataset_kwargs: dict[str, Any] | None = None, **_: Any) -> None:
        """Make the data set of the tasks; nothing is downloaded."""
        found = [{"task": row["task"], "prompt": row["prompt"]} for row in rows(self._given, conversational=False)]
        self.dataset = datasets.DatasetDict({"test": datasets.Dataset.from_list(found)})

    def apply_filters(self) -> None:
        """Filter the completions, and have them judged."""
        super().apply_filters()
        if self._predicts_only:
            return
        self._results.clear()  # of an evaluation before
        said = {
            (instance.doc["task"], text): None
            for instance in self.instances
            for filtered in instance.filtered_resps.values()
            for text in _texts(filtered)
        }
        self._judge(list(said))

    def process_results(self, doc: Mapping[str, Any], results: Sequence[Any]) -> dict[str, float]:
        """Return the metrics of a document.

        Args:
            doc: The document.
            results: A completion, or a list of several (``repeats``), whose mean the metrics are.
        """
        if self._predicts_only:
            return dict(super().process_results(doc, results))
        keys = [(str(doc["task"]), text) for text in _texts(results[0])]
        self._judge([key for key in keys if key not in self._results])
        judged = [result for key in keys if (result := self._results[key]).has_verdict]
        metrics = {"verdict": len(judged) / len(keys)}
        if judged:
            metrics["score"] = sum(result.score or 0.0 for result in judged) / len(judged)
            metrics["pass"] = sum(result.passed for result in judged) / len(judged)
        return metrics

    @property
    def _predicts_only(self) -> bool:
        return "bypass" in self._metric_fn_list

    def _judge(self, keys: Sequence[tuple[str, str]]) -> None:
        """Have completions judged, given with the ids of their tasks."""
        if not keys:
            return
        for key, result in zip(keys, self._scorer([text for _, text in keys], [task for task, _ in keys]), strict=True):
            self._results[key] = result
            if not result.has_verdict:
                _logger.warning("no verdict on a completion of %s: %s", key[0], result.details)


def _named(kwargs: Mapping[str, Any]) -> Sequence[str]:
    unknown = set(kwargs) - {"tasks", "benchmark"}
    if unknown or len(kwargs) != 1:
        raise ConfigError(f"dataset_kwargs must hold tasks or benchmark, got {sorted(kwargs)}")
    return select_tasks(kwargs.get("tasks"), benchmark=kwargs.get("benchmark"))


def _texts(filtered: Any) -> list[str]:
    return [filtered] if isinstance(filtered, str) else list(filtered)


def _defaults() -> dict[str, Any]:
    return {
        "output_type": "generate_until",
        "test_split": "test",
        "doc_to_text": "prompt",
        "doc_to_target": "",
        "num_fewshot": 0,
        "process_results": "deepgym",  # this class's own
        "metric_list": [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in METRICS],
        "generation_kwargs": {"until": [], "do_sample": False, "temperature": 0.0, "max_gen_toks": _MAX_NEW_TOKENS},
    }
