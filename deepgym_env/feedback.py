"""What an agent is told after a submission: public failures in full, hidden tests only counted."""

from __future__ import annotations

from deepgym_env.result import CaseResult, RunResult

__all__ = ["feedback"]

_MEANING = {
    "no_code": "Your message holds no code. Answer with one fenced block of it.",
    "infrastructure_error": "The sandbox failed, which is no fault of yours; there is no verdict.",
}


def feedback(result: RunResult, *, of_program: bool = False) -> str:
    """Return the feedback on a result.

    Args:
        result: The result.
        of_program: Whether a program was run: then its input and its output are shown as they are.

    Example:
        >>> from deepgym_env.result import CaseResult, RunResult
        >>> case = CaseResult(id="a", passed=True, score=1.0, status="passed", public=True)
        >>> print(feedback(RunResult(task_id="t", status="passed", cases=(case,))))
        All 1 tests passed.
    """
    if result.status in _MEANING:
        return _MEANING[result.status]
    if result.passed:
        return f"All {len(result.cases)} tests passed."
    if all(case.status == "not_run" for case in result.cases):
        return f"No test was run: {result.status.replace('_', ' ')}. {_reason(result)}".rstrip()
    public = [case for case in result.cases if case.public]
    hidden = [case for case in result.cases if not case.public]
    counts = [("Public", public), ("Hidden", hidden)]
    lines = [" ".join(f"{name} tests: {_count(cases)} passed." for name, cases in counts if cases)]
    describe = _describe_run if of_program else _describe
    lines += [describe(case) for case in public if not case.passed]
    return "\n\n".join(lines)


def _reason(result: RunResult) -> str:
    return result.details.rpartition(" tests passed; ")[2]


def _count(cases: list[CaseResult]) -> str:
    return f"{sum(case.passed for case in cases)} of {len(cases)}"


def _describe(case: CaseResult) -> str:
    facts = [
        ("call" if case.expected_summary else "looks for", case.input_summary),
        ("expected", case.expected_summary),
        ("returned", case.output_summary),
        ("error", case.error),
        ("printed", case.stdout),
    ]
    lines = [f"Test {case.id}: {case.status.replace('_', ' ')}"]
    lines += [f"  {name}: {text}" for name, text in facts if text]
    return "\n".join(lines)


def _describe_run(case: CaseResult) -> str:
    facts = [
        ("stdin", case.input_summary),
        ("expected stdout", case.expected_summary),
        ("stdout", case.output_summary),
        ("error", case.error),
    ]
    lines = [f"Test {case.id}: {case.status.replace('_', ' ')}"]
    lines += [f"  {name}:{_block(text)}" for name, text in facts if text or name != "error"]
    return "\n".join(lines)


def _block(text: str) -> str:
    """Return a text of one line behind its name, a longer one below it."""
    lines = text.rstrip("\n").split("\n")
    if len(lines) == 1:
        return f" {lines[0] or '(nothing)'}"
    return "".join(f"\n    {line}" for line in lines)
