"""What an audit came to: frozen data with a JSON form.

- :class:`Exploit`: an attack that worked, and what closes it.
- :class:`Floor`: the best constant answer.
- :class:`AuditReport`: the whole.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, computed_field

from deepgym_env.audit.target import Kind

__all__ = ["AuditReport", "Exploit", "Floor"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Exploit(_Frozen):
    """An attack that worked; what counts as one: :mod:`deepgym_env.audit.strategy`.

    Attributes:
        strategy: Name of the strategy.
        family: What the strategy belongs to.
        title: What it does.
        code: The submission.
        score: What it scored.
        passed: Whether it counted as a solution.
        without: Score of the same submission without its forging part; None where there is none.
        remedy: What closes the hole.
    """

    strategy: str
    family: str
    title: str
    code: str
    score: float
    passed: bool
    without: float | None = None
    remedy: str

    @property
    def gain(self) -> float:
        """What it won by cheating, 0..1; a pass is all there is to win."""
        return 1.0 if self.passed else self.score - (self.without or 0.0)


class Floor(_Frozen):
    """What a constant answer scores, the best there is among common ones and public answers.

    Attributes:
        code: The submission.
        answer: The constant, as Python source.
        score: What it scored.
    """

    code: str
    answer: str = ""
    score: float


class AuditReport(_Frozen):
    """What an audit came to.

    Attributes:
        target: What was attacked.
        kind: ``function``, ``program``, ``suite``, ``verifier`` or ``workspace``.
        seed: Seed of the task's tests.
        attacks_run: Submissions that were tried, without their harmless twins.
        strategies: Names of the strategies they are of.
        exploits: Those that worked, the best of each strategy.
        floor: The best constant; None where none was tried.
        reference: Score of the correct solution; None where there is none.
        unjudged: Strategies with an attack that got no verdict: the sandbox failed.
        suspects: Submissions of a model that passed and may be honest solutions: read them.
    """

    target: str
    kind: Kind
    seed: int = 0
    attacks_run: int
    strategies: tuple[str, ...]
    exploits: tuple[Exploit, ...] = ()
    floor: Floor | None = None
    reference: float | None = None
    unjudged: tuple[str, ...] = ()
    suspects: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def exploits_found(self) -> int:
        """Number of strategies that worked."""
        return len(self.exploits)

    @computed_field  # type: ignore[prop-decorator]
    @property
    def is_robust(self) -> bool:
        """Whether none worked."""
        return not self.exploits

    @computed_field  # type: ignore[prop-decorator]
    @property
    def risk_score(self) -> float:
        """1.0 if an exploit passes, else the most that one gains over its harmless twin; 0.0 if none works."""
        return max((exploit.gain for exploit in self.exploits), default=0.0)
