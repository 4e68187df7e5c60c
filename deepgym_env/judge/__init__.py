"""Turns what a submission answered, or an agent left, into verdicts; the only place that knows the right answers."""

from deepgym_env.judge.call import CallJudge, Hearing
from deepgym_env.judge.state import Inspection, StateJudge

__all__ = ["CallJudge", "Hearing", "Inspection", "StateJudge"]
