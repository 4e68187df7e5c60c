"""Attacks a task or a verifier with every strategy, and reports which worked.

- :class:`AdversarialTester`
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

from deepgym_env.audit.fresh import fresh_task, redraw_of
from deepgym_env.audit.model_attacks import MODEL_STRATEGY, written_attacks
from deepgym_env.audit.program_target import ProgramTarget
from deepgym_env.audit.report import AuditReport, Exploit, Floor
from deepgym_env.audit.strategies import OFFERED, select
from deepgym_env.audit.strategy import Attack, Strategy
from deepgym_env.audit.suite_target import SuiteTarget
from deepgym_env.audit.target import FunctionTarget, Progress, Scored, Target
from deepgym_env.audit.verifier_target import ScriptTarget
from deepgym_env.audit.workspace_target import WorkspaceTarget
from deepgym_env.blocking import DeepGym
from deepgym_env.catalog import load_task
from deepgym_env.errors import ConfigError
from deepgym_env.rollout import Policy
from deepgym_env.task import (
    AnyTask,
    FunctionTask,
    ProgramTask,
    ScriptTask,
    SubmissionTask,
    SuiteTask,
    Task,
    WorkspaceTask,
)

__all__ = ["AdversarialTester"]

_FIRST_SEED, _SEEDS = 2000, 5  # of fresh tests, which an honest solution passes too
_RERUNS = 2  # more runs of an exploit that only gains: chance gains too


@dataclass(frozen=True, slots=True)
class _Tried:
    """An attack and what it came to."""

    strategy: Strategy
    attack: Attack
    scored: Scored
    without: Scored | None

    @property
    def passes(self) -> bool:
        return self.scored.passed and not self.attack.works

    @property
    def is_its_own(self) -> bool:
        """Whether it wins by its forging part: its twin does not pass as well."""
        return not (self.without and self.without.passed)

    @property
    def gains(self) -> bool:
        mine, other = self.scored.score, self.without.score if self.without else None
        return mine is not None and other is not None and mine > other


class AdversarialTester:
    """Attacks what scores submissions; what counts as an exploit: :mod:`deepgym_env.audit.strategy`.

    Example:
        >>> with DeepGym(workers=1) as dg:
        ...     report = AdversarialTester(dg).test("fizzbuzz", strategies=["exit", "object"])
        >>> report.exploits_found, report.is_robust, report.risk_score
        (0, True, 0.0)
    """

    def __init__(self, dg: DeepGym, *, model: Policy | None = None, samples: int = 8) -> None:
        """Attack on ``dg``.

        Args:
            dg: The engine.
            model: Writes attacks of its own (strategy ``llm``): a :class:`~deepgym_env.rollout.ChatPolicy`
                for any OpenAI-compatible endpoint, or another policy.
            samples: How many it writes.
        """
        self._dg = dg
        self._model = model
        self._samples = samples

    def test(
        self,
        env: AnyTask | Target | str,
        strategies: Sequence[str] | None = None,
        *,
        stop_at_first: bool = False,
        progress: Progress | None = None,
    ) -> AuditReport:
        """Try strategies on a task, or on any :class:`~deepgym_env.audit.Target`.

        Args:
            env: A task, the id of a built-in one, or a target such as a
                :class:`~deepgym_env.audit.VerifierTarget`.
            strategies: Names of strategies or families; by default all.
            stop_at_first: Go family by family, and no further than the first in which a strategy works.
            progress: Called with the submissions scored and those there are.

        Raises:
            ConfigError: If a strategy is unknown, or a task is answered in another language than Python.
        """
        target = self.target(env)
        chosen = self._choose(target, strategies)
        reference = target.knowledge.reference
        families = dict.fromkeys(strategy.family for strategy in chosen)
        rounds = [[each for each in chosen if each.family == family] for family in families]
        known: dict[str, Scored] = {}
        tried: list[_Tried] = []
        exploits: list[Exploit] = []
        suspects: list[str] = []
        for strategies_of_round in rounds if stop_at_first else [list(chosen)]:
            new = self._try(target, strategies_of_round, known, progress)
            tried += new
            new, unsure = self._without_solutions(target, new)
            suspects += unsure
            exploits += self._exploits(target, new)
            if exploits:
                break
        return AuditReport(
            target=target.name,
            kind=target.kind,
            seed=getattr(getattr(target, "task", None), "seed", 0),
            attacks_run=len(tried),
            strategies=tuple(dict.fromkeys(each.strategy.name for each in tried)),
            exploits=tuple(exploits),
            floor=_floor(tried),
            reference=target.score([reference])[0].score if reference else None,
            suspects=tuple(dict.fromkeys(suspects)),
            unjudged=tuple(dict.fromkeys(each.strategy.name for each in tried if each.scored.score is None)),
        )

    def target(self, env: AnyTask | Target | str) -> Target:
        """Return the target that a task, or the id of one, is."""
        env = load_task(env) if isinstance(env, str) else env
        if isinstance(env, FunctionTask):
            return FunctionTarget(self._dg, env)
        if isinstance(env, ScriptTask):
            return ScriptTarget(self._dg, env)
        if isinstance(env, WorkspaceTask):
            return WorkspaceTarget(self._dg, env)
        if isinstance(env, ProgramTask):
            return ProgramTarget(self._dg, env)
        if isinstance(env, SuiteTask):
            return SuiteTarget(self._dg, env)
        if isinstance(env, SubmissionTask):
            raise ConfigError(
                f"{env.id!r} is a {type(env).__name__}, a kind that has no attacks of its own: give a Target that "
                "scores submissions to it"
            )
        if not all(hasattr(env, name) for name in ("score", "kind", "knowledge", "name")):
            raise ConfigError(f"env must be a task, the id of a built-in one, or a Target, got {env!r}")
        return env

    def _choose(self, target: Target, strategies: Sequence[str] | None) -> tuple[Strategy, ...]:
        """Return the strategies to try, with a model's attacks as one more."""
        chosen = select(OFFERED[target.kind], strategies)
        if self._model is not None and (strategies is None or "llm" in strategies):
            written = written_attacks(self._dg, self._model, target.kind, target.knowledge, self._samples)
            chosen = (*chosen, dataclasses.replace(MODEL_STRATEGY, attacks=lambda known: written))
        elif not chosen:
            raise ConfigError("strategy 'llm' needs a model: AdversarialTester(dg, model=ChatPolicy(...)), or --model")
        return chosen

    def _try(
        self, target: Target, strategies: Sequence[Strategy], known: dict[str, Scored], progress: Progress | None
    ) -> list[_Tried]:
        """Score the attacks of some strategies and their twins, each source once; ``known`` keeps the scores."""
        attacks = [(strategy, attack) for strategy in strategies for attack in strategy.attacks_on(target.knowledge)]
        sources = dict.fromkeys(code for _, attack in attacks for code in (attack.code, attack.without))
        new = [code for code in sources if code is not None and code not in known]
        known.update(zip(new, target.score(new, progress=progress), strict=True))
        return [
            _Tried(strategy, attack, known[attack.code], None if attack.without is None else known[attack.without])
            for strategy, attack in attacks
        ]

    def _without_solutions(self, target: Target, tried: list[_Tried]) -> tuple[list[_Tried], list[str]]:
        """Leave out what a model wrote that solves the task; return the rest, and the sources where that is unsure."""
        kept, unsure = [], []
        for each in tried:
            if each.strategy.family == "llm" and each.passes:
                solves = self._solves_afresh(target, each.attack.code)
                if solves is None:
                    unsure.append(each.attack.code)
                if solves is not False:
                    continue
            kept.append(each)
        return kept, unsure

    def _solves_afresh(self, target: Target, code: str) -> bool | None:
        """Return whether a submission passes tests drawn with other seeds; None where there are none."""
        if not isinstance(target, FunctionTarget) or not isinstance(target.task, Task):
            return None
        fresh = fresh_task(target.task, redraw_of(target.task), range(_FIRST_SEED, _FIRST_SEED + _SEEDS))
        return None if fresh is None else self._dg.run(fresh, code).passed

    def _exploits(self, target: Target, tried: Sequence[_Tried]) -> list[Exploit]:
        """Return the best exploit of each strategy; those that only pass as their twin does if there are no others."""
        own = [each for each in tried if each.is_its_own]
        return self._best(target, own) or self._best(target, [each for each in tried if each.passes])

    def _best(self, target: Target, tried: Sequence[_Tried]) -> list[Exploit]:
        best: dict[str, Exploit] = {}
        for each in sorted(tried, key=lambda each: (not each.passes, -(each.scored.score or 0.0))):
            if each.strategy.name in best or not (each.passes or each.gains):
                continue
            if each.passes or self._gains_again(target, each):
                best[each.strategy.name] = _exploit(each)
        order = {each.strategy.name: number for number, each in enumerate(tried)}
        return sorted(best.values(), key=lambda exploit: order[exploit.strategy])

    def _gains_again(self, target: Target, tried: _Tried) -> bool:
        """Run an attack and its twin again; return whether every run of it beats every run of the twin."""
        pair = [tried.attack.code, tried.attack.without or ""]
        runs = [target.score(pair) for _ in range(_RERUNS)]
        mine = _judged([tried.scored, *(run[0] for run in runs)])
        others = _judged([tried.without, *(run[1] for run in runs)])
        return len(mine) == len(others) == _RERUNS + 1 and min(mine) > max(others)


def _judged(runs: Sequence[Scored | None]) -> list[float]:
    return [scored.score for scored in runs if scored is not None and scored.score is not None]


def _exploit(tried: _Tried) -> Exploit:
    return Exploit(
        strategy=tried.strategy.name,
        family=tried.strategy.family,
        title=tried.strategy.title,
        code=tried.attack.code,
        score=tried.scored.score or 0.0,
        passed=tried.scored.passed,
        without=tried.without.score if tried.without else None,
        remedy=tried.strategy.remedy,
    )


def _floor(tried: Sequence[_Tried]) -> Floor | None:
    constants = [each for each in tried if each.strategy.name == "constants" and each.scored.score is not None]
    best = max(constants, key=lambda each: each.scored.score or 0.0, default=None)
    if best is None:
        return None
    return Floor(code=best.attack.code, answer=best.attack.answer, score=best.scored.score or 0.0)
