"""Episodes of tasks answered by one submission: submit code, read feedback, repair it.

- :class:`SubmissionEpisode`
"""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from deepgym_env.actions import ParsedAction, Tool, ToolCall
from deepgym_env.envs.episode import Episode
from deepgym_env.errors import SandboxError
from deepgym_env.extraction import extract_code
from deepgym_env.feedback import feedback
from deepgym_env.hack_report import hack_report
from deepgym_env.judge.scratch import scratch_task
from deepgym_env.programs import Program, ProgramResult
from deepgym_env.task import FunctionTask, Limits, ProgramLimits, ProgramTask, SubmissionTask, SuiteTask

__all__ = ["SubmissionEpisode"]

_NO_CODE = "Your message holds no code. Answer with one fenced block of it."


class SubmissionEpisode(Episode[SubmissionTask]):
    """Submissions are judged as they come; the episode ends when one passes every test."""

    @property
    def tools(self) -> tuple[Tool, ...]:
        """``submit`` and ``run_code``; of a program that takes standard input too."""
        return self.tools_of(self.task)

    @staticmethod
    def tools_of(task: SubmissionTask) -> tuple[Tool, ...]:
        """Return the tools an agent has in episodes of a task."""
        return _PROGRAM_TOOLS if isinstance(task, ProgramTask) else _TOOLS

    def prompt(self) -> str:
        """Return the task's prompt."""
        return self.task.prompt

    def read(self, action: object) -> ParsedAction:
        """Return the calls in an action; text without a call is a submission."""
        parsed = super().read(action)
        if not isinstance(action, str) or parsed.attempted:
            return parsed
        if not extract_code(action, self.task.language):
            return ParsedAction((), _NO_CODE, action, attempted=False)
        return ParsedAction((ToolCall("submit", {"code": action}),), "", "")

    def info(self, action_valid: bool, has_verdict: bool) -> dict[str, Any]:
        """Return the info of the state, with signs of cheating in what was judged last."""
        return {**super().info(action_valid, has_verdict), "hack_report": copy.deepcopy(dict(self.signs))}

    async def conclude(self, last: bool) -> bool:
        """Return False: submissions have been judged where they were made."""
        return False

    def copy(self) -> SubmissionEpisode:
        """Return another episode of the same make, not yet begun."""
        return SubmissionEpisode(self.engine, self.task, max_turns=self._max_turns)


async def submit(episode: SubmissionEpisode, code: str) -> str:
    """Submit code to be judged by all tests, and read how it did. You may submit again.

    Args:
        code: The source of the whole solution.
    """
    result = await episode.engine.run(episode.task, code)
    if result.status == "no_code":
        return _NO_CODE
    episode.judged(
        result,
        hack_report(episode.task, extract_code(code, episode.task.language), result) if result.has_verdict else None,
    )
    return feedback(result, of_program=isinstance(episode.task, ProgramTask))


async def run_code(episode: SubmissionEpisode, code: str) -> str:
    """Run scratch Python code and read what it prints; nothing is judged.

    Args:
        code: Python source of a whole program, standard library only.
    """
    limits = episode.task.limits if isinstance(episode.task, FunctionTask | SuiteTask) else Limits()
    case = (await episode.engine.run(*scratch_task(code, limits))).cases[0]
    if case.status == "not_run":
        raise SandboxError("the scratch code could not be run")
    ended = "" if case.status in ("passed", "exception") else f"[{case.status.replace('_', ' ')}]"
    return "\n".join(part for part in (case.stdout.rstrip("\n"), case.error, ended) if part) or "[no output]"


async def _run_program(episode: SubmissionEpisode, code: str, stdin: str = "") -> str:
    """Compile and run a program in the task's language and read what it prints; nothing is judged.

    Args:
        code: The source of the whole program.
        stdin: What it reads from standard input.
    """
    task = episode.task
    limits = task.limits if isinstance(task, ProgramTask) else ProgramLimits()
    program = Program(language=task.language, code=code, limits=limits)
    run = await episode.engine.execute(program, stdin.encode("utf-8", "surrogatepass"))
    if not run.has_verdict:
        raise SandboxError(run.details)
    return _told(run)


def _told(run: ProgramResult) -> str:
    """Return what a program wrote, and how it ended unless that was well."""
    ended = "" if run.ok else f"[{run.status.replace('_', ' ')}: {run.details}]"
    wrote = (run.stdout, run.stderr, "" if run.ok else run.compile_output)
    return "\n".join([*(part.rstrip("\n") for part in wrote if part), *([ended] if ended else [])]) or "[no output]"


_TOOLS = (Tool.from_function(submit), Tool.from_function(run_code))
_PROGRAM_TOOLS = (_TOOLS[0], replace(Tool.from_function(_run_program), name="run_code"))
