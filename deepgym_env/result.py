"""What a run came to: frozen data, in the shape of the verifier protocol.

- :data:`CaseStatus`, :data:`RunStatus`: the closed sets of statuses.
- :class:`CaseResult`: one test.
- :class:`RunResult`: one submission.
- :class:`BatchResult`: several, in the order they were given.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

__all__ = ["SCHEMA_VERSION", "BatchResult", "CaseResult", "CaseStatus", "RunResult", "RunStatus", "Timing"]

SCHEMA_VERSION = "1.0"

CaseStatus = Literal[
    "passed",
    "wrong_answer",
    "exception",
    "timeout",
    "memory_limit",
    "output_limit",
    "crashed",
    "forbidden",
    "tampered",
    "not_run",
]
RunStatus = Literal[CaseStatus, "no_code", "syntax_error", "infrastructure_error"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class CaseResult(_Frozen):
    """What one test came to.

    Attributes:
        id: The test's id.
        passed: Whether every call of it was right.
        score: 1.0 or 0.0.
        status: What happened; the first call that went wrong decides.
        public: Whether an agent may see the summaries.
        input_summary: The call, shortened; empty for hidden tests.
        expected_summary: The right answer, shortened; empty for hidden tests.
        output_summary: What came back, shortened; empty for hidden tests.
        stdout: What the submission printed, shortened; empty for hidden tests.
        error: What went wrong, without a hidden test's data.
        queries: Calls of query arguments, counted by the judge.
    """

    id: str
    passed: bool
    score: float
    status: CaseStatus
    public: bool = False
    input_summary: str = ""
    expected_summary: str = ""
    output_summary: str = ""
    stdout: str = ""
    error: str = ""
    queries: int = 0


class Timing(_Frozen):
    """What a run cost; no part of its verdict.

    Attributes:
        cpu_seconds: CPU time of the submission's processes.
        wall_seconds: From the call to the verdict.
        peak_memory_mb: Largest resident set of the submission's processes, MiB.
        attempts: Sandboxes it took; above 1 after an infrastructure failure.
    """

    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0
    peak_memory_mb: float = 0.0
    attempts: int = 1


class RunResult(_Frozen):
    """What one submission came to.

    Equality leaves ``timing`` out: the same submission has the same verdict every time.

    Attributes:
        task_id: The task.
        status: ``passed``, or what the first test that failed came to, or why nothing ran.
        cases: One result per test, in the task's order.
        reward_components: ``correctness`` (the score) and what else the task measures, each 0..1.
        details: One sentence for a person.
        seed: Seed the tests were drawn with.
        timing: What the run cost.
    """

    task_id: str
    status: RunStatus
    cases: tuple[CaseResult, ...]
    reward_components: dict[str, float] = Field(default_factory=dict)
    details: str = ""
    seed: int = 0
    timing: Timing = Timing()

    @property
    def has_verdict(self) -> bool:
        """Whether the submission was judged; False after an infrastructure failure."""
        return self.status != "infrastructure_error"

    @property
    def passed(self) -> bool:
        """Whether every test passed."""
        return self.status == "passed"

    @property
    def score(self) -> float | None:
        """Mean over the tests, 0..1; None without a verdict."""
        if not self.has_verdict:
            return None
        return sum(case.score for case in self.cases) / len(self.cases)

    @property
    def vector(self) -> npt.NDArray[np.float32]:
        """Scores of the tests: a new float32 array of shape ``(n_tests,)``."""
        return np.array([case.score for case in self.cases], dtype=np.float32)

    def to_protocol(self) -> dict[str, Any]:
        """Return the verifier protocol's JSON object."""
        shown = {"id", "passed", "score", "input_summary", "expected_summary", "error"}
        return {
            "schema_version": SCHEMA_VERSION,
            "score": self.score,
            "passed": self.passed,
            "details": self.details,
            "cases": [case.model_dump(include=shown) for case in self.cases],
            "reward_components": dict(self.reward_components),
            "seed": self.seed,
        }

    def __eq__(self, other: object) -> bool:
        """Compare everything but the timing."""
        if not isinstance(other, RunResult):
            return NotImplemented
        return self.model_dump(exclude={"timing"}) == other.model_dump(exclude={"timing"})

    __hash__ = None  # type: ignore[assignment]


class BatchResult(_Frozen):
    """Results in the order the submissions were given.

    Attributes:
        results: One per submission.
    """

    results: tuple[RunResult, ...]

    @property
    def scores(self) -> npt.NDArray[np.float64]:
        """Scores, shape ``(n,)``; NaN where there is no verdict."""
        return np.array([np.nan if r.score is None else r.score for r in self.results], dtype=np.float64)

    @property
    def vectors(self) -> npt.NDArray[np.float32]:
        """Per-test scores, shape ``(n, n_tests)``; rows of NaN where there is no verdict."""
        rows = [r.vector if r.has_verdict else np.full(len(r.cases), np.nan, np.float32) for r in self.results]
        return np.stack(rows) if rows else np.zeros((0, 0), dtype=np.float32)

    def advantages(self, *, normalize: bool = True) -> npt.NDArray[np.float64]:
        """Return group-relative advantages (GRPO, Shao et al. 2024), shape ``(n,)``.

        Submissions without a verdict count for nothing and get 0.

        Args:
            normalize: Divide by the group's standard deviation.
        """
        scores = self.scores
        judged = ~np.isnan(scores)
        centred = np.zeros_like(scores)
        if judged.any():
            centred[judged] = scores[judged] - scores[judged].mean()
            if normalize:
                centred /= scores[judged].std() + 1e-6
        return centred

    def __len__(self) -> int:
        """Return the number of submissions."""
        return len(self.results)

    def __getitem__(self, index: int) -> RunResult:
        """Return one result."""
        return self.results[index]

    def __iter__(self) -> Iterator[RunResult]:  # type: ignore[override]
        """Iterate over the results."""
        return iter(self.results)
