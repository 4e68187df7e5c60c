"""Turns what a submission answered into verdicts; the only place that knows the right answers."""

from deepgym_env.judge.call import CallJudge, Hearing

__all__ = ["CallJudge", "Hearing"]
