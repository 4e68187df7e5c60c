"""``deepgym audit``: attack a task, or a stand-alone verifier, before a model is trained on it."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deepgym_env.cli.audit_tables import print_audit, print_mutation, print_signs, print_strategies
from deepgym_env.cli.console import note, print_json, progress_bar
from deepgym_env.cli.failures import ExitCode, complain
from deepgym_env.cli.inputs import (
    ImageOption,
    JsonOption,
    ModeOption,
    SeedOption,
    WorkersOption,
    examples,
    read_text,
    resolve_submission,
    resolve_task,
)
from deepgym_env.errors import ConfigError

if TYPE_CHECKING:
    from deepgym_env.audit import AdversarialTester, AuditReport, Target
    from deepgym_env.audit.mutation import MutationReport
    from deepgym_env.audit.signs import WeakSigns
    from deepgym_env.blocking import DeepGym
    from deepgym_env.rollout import ChatPolicy
    from deepgym_env.task import Task

__all__ = ["EXAMPLES", "audit"]

EXAMPLES = examples(
    "deepgym audit coin_change",
    "deepgym audit ./my_task --mutants --suggest-tests",
    "deepgym audit debug_fix --mutants --most-mutants 0",
    "deepgym audit debug_fix --strategy plant --strategy git_history --json",
    'deepgym audit --verifier verifier.py --task "Write add(a, b). add(1, 2) == 3" --reference solution.py',
    "deepgym audit two_sum --model my-model --base-url http://localhost:8000/v1",
    after=(
        "[bold]Verifiers[/]  run as `python verifier.py SOLUTION_PATH`. The last line they print is the verdict: "
        "JSON with score or passed,",
        "  or a bare number, true or false. Without one, exit code 0 means passed.",
        "[bold]Exit codes[/]  0: nothing worked. 1: something did. 3: the sandbox failed.",
    ),
)


def audit(
    env: Annotated[
        str | None,
        typer.Argument(
            metavar="[ENV|PATH]",
            help="Id of a task, built in or imported, or path of a task folder; of any kind.",
            show_default=False,
        ),
    ] = None,
    verifier: Annotated[
        str | None,
        typer.Option("--verifier", metavar="FILE|-", help="A verifier file instead of a task.", show_default=False),
    ] = None,
    task: Annotated[
        str, typer.Option("--task", help="With --verifier: what an agent is told.", show_default=False)
    ] = "",
    entry_point: Annotated[
        str | None,
        typer.Option("--entry-point", help="With --verifier: the function; else read from it.", show_default=False),
    ] = None,
    reference: Annotated[
        Path | None,
        typer.Option("--reference", help="With --verifier: a correct solution.", show_default=False),
    ] = None,
    beside: Annotated[
        list[Path] | None,
        typer.Option("--file", help="With --verifier: a file that lies beside it. Repeatable.", show_default=False),
    ] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="With --verifier: limit of a run.")] = 10.0,
    strategies: Annotated[
        list[str] | None,
        typer.Option("--strategy", "-s", help="A strategy or family; by default all. Repeatable.", show_default=False),
    ] = None,
    list_them: Annotated[bool, typer.Option("--list", help="List the strategies and exit.")] = False,
    mutants: Annotated[bool, typer.Option("--mutants", help="Also: which small faults do the tests miss?")] = False,
    most: Annotated[
        int | None,
        typer.Option(
            "--most-mutants",
            min=0,
            help="At most so many mutants, drawn; 0: all. By default all, and of a scenario 40.",
            show_default=False,
        ),
    ] = None,
    suggest_tests: Annotated[
        bool, typer.Option("--suggest-tests", help="Also: tests that surviving mutants fail.")
    ] = False,
    runs: Annotated[int, typer.Option("--runs", min=2, help="Runs that look for flaky verdicts.")] = 3,
    model: Annotated[
        str | None, typer.Option("--model", help="Also attack with what this model writes.", show_default=False)
    ] = None,
    base_url: Annotated[
        str | None,
        typer.Option(envvar="OPENAI_BASE_URL", help="The model's endpoint; by default OpenAI's.", show_default=False),
    ] = None,
    samples: Annotated[int, typer.Option("--samples", min=1, help="Attacks the model writes.")] = 8,
    seed: SeedOption = 0,
    workers: WorkersOption = None,
    as_json: JsonOption = False,
    mode: ModeOption = None,
    image: ImageOption = None,
) -> None:
    """Try to cheat a task or a verifier: exits with 1 if something works, 0 if nothing does."""
    if list_them:
        print_strategies()
        return
    if (env is None) == (verifier is None):
        raise ConfigError("give a task (its id or folder), or a verifier with --verifier FILE")
    if verifier is not None and (mutants or suggest_tests):
        raise ConfigError("--mutants and --suggest-tests need a task: a verifier file has no inputs to draw")
    from deepgym_env.audit import AdversarialTester
    from deepgym_env.audit.examination import audit_json
    from deepgym_env.blocking import DeepGym

    with DeepGym(workers=workers) as engine:
        if env is not None:
            target: Any = resolve_task(env, seed)
            _refuse_what_has_no_mutants(target, mutants, suggest_tests)
        else:
            target = _verifier(engine, str(verifier), task, entry_point, reference, beside or [], seconds)
        engine.isolation()  # a sandbox that can't start fails here, once
        tester = AdversarialTester(engine, model=_policy(model, base_url), samples=samples)
        report = _attacked(tester, target, strategies or None)
        signs, mutation = _of_tests(engine, env, seed, target, runs, mutants or suggest_tests, most)
    if as_json:
        print_json(audit_json(report, signs, mutation))
    else:
        print_audit(report)
        if signs is not None:
            print_signs(signs)
        if mutation is not None:
            print_mutation(mutation, suggest_tests)
    _remark(report)
    raise typer.Exit(_exit_code(report))


def _refuse_what_has_no_mutants(task: Any, mutants: bool, suggest_tests: bool) -> None:
    from deepgym_env.audit.examination import has_mutants
    from deepgym_env.task import WorkspaceTask

    if suggest_tests and isinstance(task, WorkspaceTask):
        raise ConfigError(f"--suggest-tests is for function tasks: {task.id!r} is a workspace task; try --mutants")
    if (mutants or suggest_tests) and not has_mutants(task):
        raise ConfigError(f"--mutants is for scenarios and for functions tested by calls, {task.id!r} is neither")


def _attacked(tester: AdversarialTester, target: Any, strategies: list[str] | None) -> AuditReport:
    from deepgym_env.rollout import PolicyError

    try:
        report: AuditReport = _with_bar("attacks", lambda tick: tester.test(target, strategies, progress=tick))
    except PolicyError as error:
        complain(f"the model's endpoint failed: {error}")
        raise typer.Exit(ExitCode.INFRASTRUCTURE) from error
    return report


def _policy(model: str | None, base_url: str | None) -> ChatPolicy | None:
    if model is None:
        return None
    from deepgym_env.rollout import ChatPolicy

    return ChatPolicy(model, base_url=base_url, use_tools=False)


def _verifier(
    engine: DeepGym,
    path: str,
    task: str,
    entry_point: str | None,
    reference: Path | None,
    beside: list[Path],
    seconds: float,
) -> Target:
    from deepgym_env.audit import VerifierTarget
    from deepgym_env.task import File

    return VerifierTarget(
        engine,
        read_text(path, "--verifier"),
        task=task,
        entry_point=entry_point,
        reference=None if reference is None else read_text(str(reference), "--reference"),
        files=[File(each.name, each.read_bytes()) for each in beside],
        name=Path(path).name,
        seconds=seconds,
    )


def _of_tests(
    engine: DeepGym, name: str | None, seed: int, target: Any, runs: int, mutants: bool, most: int | None
) -> tuple[WeakSigns | None, MutationReport | None]:
    """Look at the tests of a task, beside attacking them."""
    from deepgym_env.audit.examination import examine_tests
    from deepgym_env.task import Task

    def redraw(seed: int) -> Task:
        drawn = resolve_submission(str(name), seed)
        return drawn if isinstance(drawn, Task) else target

    work = functools.partial(examine_tests, engine, target, redraw=redraw, runs=runs, mutants=mutants, most=most)
    found: tuple[WeakSigns | None, MutationReport | None] = _with_bar("mutants", lambda tick: work(progress=tick))
    return found


def _with_bar(name: str, work: Callable[[Callable[[int, int], None]], Any]) -> Any:
    """Show a bar from the first news on, so that an error before it stands alone."""
    with contextlib.ExitStack() as shown:
        bars: list[tuple[Any, Any]] = []

        def tick(done: int, total: int) -> None:
            if not bars:
                progress = shown.enter_context(progress_bar())
                bars.append((progress, progress.add_task(name)))
            progress, bar = bars[0]
            progress.update(bar, completed=done, total=total)

        return work(tick)


def _remark(report: AuditReport) -> None:
    if report.reference is not None and report.reference < 1.0:
        note(f"the correct solution scores {report.reference:.2f}: this says more of the verifier than any attack")
    if report.unjudged:
        complain(f"no verdict on attacks of {', '.join(report.unjudged)}; `deepgym doctor` says what the sandbox needs")


def _exit_code(report: AuditReport) -> ExitCode:
    if not report.is_robust:
        return ExitCode.FAILED
    return ExitCode.INFRASTRUCTURE if report.unjudged else ExitCode.OK
