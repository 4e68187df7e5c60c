"""A stand-alone verifier under attack.

- :class:`VerifierTarget`: a file, run as people run it: whatever it does for its safety is its own doing.
- :class:`ScriptTarget`: a script task's, run as the engine runs it: out of the submission's reach.
- :func:`read_verdict`: what a run of it says.

The protocol: ``python verifier.py SOLUTION_PATH`` prints, as its last line that is not empty, a JSON object
with ``score`` or ``passed`` or both, or a bare number, ``true`` or ``false``; the exit code is ignored
then. With neither, exit code 0 means passed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from deepgym_env.audit.target import Kind, Progress, Scored, SubmissionTarget, score_each
from deepgym_env.audit.verifier_source import knowledge_of_verifier
from deepgym_env.blocking import DeepGym
from deepgym_env.engine import AsyncDeepGym
from deepgym_env.errors import ConfigError, RefusedError, SandboxError
from deepgym_env.judge.verdict import verdict_in
from deepgym_env.task import File, ScriptTask, SessionLimits

__all__ = ["ScriptTarget", "VerifierTarget", "read_verdict"]

_NAMES = ("verifier.py", "solution.py")
# A process of the submission's may outlive the verifier, where nobody ends it: it is given a moment.
_RUN = """
set -- /proc/[0-9]*; before=$#
python3 verifier.py solution.py; code=$?
for i in 1 2 3 4 5 6; do
    set -- /proc/[0-9]*; [ $# -le $before ] && break
    sleep 0.05
done
exit $code
"""


class VerifierTarget:
    """A verifier file. Each submission gets a fresh session with the verifier and itself in it.

    Example:
        >>> verifier = "import sys; exec(open(sys.argv[1]).read()); assert f(2) == 4"
        >>> with DeepGym(workers=1) as dg:
        ...     VerifierTarget(dg, verifier, entry_point="f").score(["def f(x): return 2 * x", "def f(x): return 1"])
        [Scored(score=1.0, passed=True, status='exit code 0'), Scored(score=0.0, passed=False, status='exit code 1')]
    """

    kind: Kind = "verifier"

    def __init__(
        self,
        dg: DeepGym,
        source: str,
        *,
        task: str = "",
        entry_point: str | None = None,
        reference: str | None = None,
        files: Sequence[File] = (),
        name: str = "verifier.py",
        seconds: float = 10.0,
    ) -> None:
        """Score by a verifier.

        Args:
            dg: Where it runs.
            source: The verifier.
            task: What an agent is told; examples in it (``f(2) == 4``, ``f(2) -> 4``) are learned by heart.
            entry_point: The function a solution defines; by default read from the verifier.
            reference: A correct solution.
            files: What lies beside the verifier.
            name: What it is called in the report.
            seconds: What one run may compute, and wait.

        Raises:
            ConfigError: If the entry point is not to be found, or a file's name is taken.
        """
        taken = {file.path for file in files} & set(_NAMES)
        if taken:
            raise ConfigError(f"files beside the verifier must not be called {' or '.join(_NAMES)}: {sorted(taken)}")
        self.name = name
        self.knowledge = knowledge_of_verifier(source, task, entry_point, reference)
        self._files = (File(_NAMES[0], source.encode()), *files)
        self._limits = SessionLimits(cpu_seconds=seconds, wall_seconds=seconds)
        self._dg = dg

    def score(self, submissions: Sequence[str], *, progress: Progress | None = None) -> list[Scored]:
        """Score submissions."""
        return score_each(self._dg, submissions, self._score, progress)

    async def _score(self, engine: AsyncDeepGym, code: str) -> Scored:
        files = (*self._files, File(_NAMES[1], code.encode("utf-8", "surrogatepass")))
        try:
            async with await engine.session(files=files, limits=self._limits) as session:
                ran = await session.exec(_RUN, merge=False, shell_state=False)
        except RefusedError as error:
            return Scored(0.0, False, f"refused: {error}")
        except SandboxError as error:
            return Scored(None, False, f"no verdict: {error}")
        if ran.reason is not None:
            return Scored(0.0, False, f"the verifier was ended: {ran.reason}")
        return read_verdict(ran.stdout, ran.code)


class ScriptTarget(SubmissionTarget):
    """A task that is judged by a verifier in Python.

    Example:
        >>> verifier = "import sys; exec(open(sys.argv[1]).read()); print(f(2) == 4)"
        >>> with DeepGym(workers=1) as dg:
        ...     target = ScriptTarget(dg, ScriptTask(prompt="Write f(x).", verifier=verifier))
        ...     target.score(["print(True); import os; os._exit(0)"])
        [Scored(score=0.0, passed=False, status='crashed')]
    """

    kind: Kind = "verifier"

    def __init__(self, dg: DeepGym, task: ScriptTask) -> None:
        """Score by ``task`` on ``dg``.

        Raises:
            ConfigError: If verifier or answer is in another language than Python, or no entry point is found.
        """
        if {task.language, task.verifier_language} != {"python"}:
            raise ConfigError(f"{task.id!r} can't be audited: attacks are written in Python, on verifiers in Python")
        super().__init__(dg, task, knowledge_of_verifier(task.verifier, task.prompt, reference=task.reference))


def read_verdict(stdout: str, code: int) -> Scored:
    r"""Return what a verifier's output and exit code say.

    Example:
        >>> read_verdict('testing\n{"score": 0.5, "passed": false}\n', 0)
        Scored(score=0.5, passed=False, status='printed a verdict')
        >>> read_verdict("all is well", 1).score
        0.0
    """
    last = next((line for line in reversed(stdout.splitlines()) if line.strip()), "")
    told = verdict_in(last.strip())
    if told is not None:
        score, passed = _number(told.get("score")), told.get("passed")
        if score is None:
            return Scored(float(passed is True), passed is True, "printed a verdict")
        bounded = min(1.0, max(0.0, score))
        return Scored(bounded, passed if isinstance(passed, bool) else bounded == 1.0, "printed a verdict")
    return Scored(float(code == 0), code == 0, f"exit code {code}")


def _number(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and math.isfinite(value) else None  # type: ignore[arg-type]
