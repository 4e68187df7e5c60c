"""What a mutation run came to.

- :class:`Survivor`: a mutant that passes.
- :class:`MutationReport`
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, computed_field

__all__ = ["MutationReport", "Survivor"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Survivor(_Frozen):
    """A mutant that passes every test.

    Attributes:
        operator: What kind of fault it has.
        line: Where.
        diff: What it changes.
        code: Its source.
        witness: A call whose answer tells it from the reference, as text; empty where none was found.
        test: That call as a line for ``cases.py``; empty where it can't be written as one.
        path: The file it is in, of a workspace.
        why: Why it is no fault, where the task says so.
    """

    operator: str
    line: int
    diff: str
    code: str
    witness: str = ""
    test: str = ""
    path: str = ""
    why: str = ""


class MutationReport(_Frozen):
    """How many small faults the tests notice.

    Attributes:
        task_id: The task.
        mutants: How many were made.
        killed: How many fail a test.
        survivors: Those that pass every test and yet fail tests drawn with other seeds, or in a workspace
            all that pass and are not listed below: faults the tests miss.
        unclear: Those that differ from the reference only on made-up inputs, which the task may not
            allow; no part of the score.
        equivalent: Those that differed on no input: equal to the reference, or the inputs were too
            few; in a workspace, programs that made the same. No part of the score.
        idle_tests: Tests that no mutant fails.
        inputs_tried: Calls that looked for a difference, per mutant that passed.
        accepted: Those that pass every test and are no faults, as the task says; no part of the score.
        files: Of a workspace, the files that were mutated; none: there is nothing to mutate.
        unseen: Python files the agent left that no test looks at, and that made nothing.
    """

    task_id: str
    mutants: int
    killed: int
    survivors: tuple[Survivor, ...] = ()
    unclear: tuple[Survivor, ...] = ()
    equivalent: tuple[Survivor, ...] = ()
    idle_tests: tuple[str, ...] = ()
    inputs_tried: int = 0
    accepted: tuple[Survivor, ...] = ()
    files: tuple[str, ...] = ()
    unseen: tuple[str, ...] = ()

    @computed_field  # type: ignore[prop-decorator]
    @property
    def score(self) -> float:
        """Share of the faults that are told apart by some input and fail a test."""
        faults = self.killed + len(self.survivors)
        return self.killed / faults if faults else 1.0
