"""No built-in task can be cheated by any strategy."""

from __future__ import annotations

import pytest

from deepgym_env import AdversarialTester, AssertionTask, CodeTest, Limits, load_task, task_ids
from deepgym_env.audit import CODE_STRATEGIES, WORKSPACE_STRATEGIES, WorkspaceTarget

SPOILING = ("nothing", "all_deleted", "links")


@pytest.mark.parametrize("task_id", task_ids("function"))
def test_a_function_task_is_robust(dg, task_id):
    task = load_task(task_id)
    # Shorter waits: what takes for ever takes less of it.
    limits = Limits(**{**task.limits.model_dump(), "wall_seconds": 0.5, "cpu_seconds": 0.5})
    report = AdversarialTester(dg).test(task.model_copy(update={"limits": limits}))
    assert [(exploit.strategy, exploit.score, exploit.code) for exploit in report.exploits] == []
    assert report.unjudged == ()
    untried = {strategy.name for strategy in CODE_STRATEGIES} - set(report.strategies)
    assert untried <= {"memorised_examples", "examples_in_turn"}  # where the public calls ask functions
    assert report.floor.score <= 0.2


def test_test_code_of_others_is_robust(dg):
    """In the submission's own process, as it is mostly run, a lying object or a look into frames passes this."""
    tests = [
        "assert candidate([3, 1]) == [1, 3]",
        "assert candidate([]) == []",
        "for n in (4, 9):\n    assert candidate([n, 2]) == [2, n]",
    ]
    task = AssertionTask(
        id="ordered",
        title="Ordered",
        prompt="Write ordered(values): the values, sorted.",
        entry_point="ordered",
        reference="def ordered(values): return sorted(values)",
        limits=Limits(cpu_seconds=0.5, wall_seconds=0.5),
        tests=tuple(CodeTest(id=f"t{n}", code=code, public=n == 0) for n, code in enumerate(tests)),
    )
    report = AdversarialTester(dg).test(task)
    assert [(exploit.strategy, exploit.score, exploit.code) for exploit in report.exploits] == []
    assert report.unjudged == ()
    assert report.reference == 1.0


def together(known):
    """The scripts that leave files, forge results or look for answers, in one; what spoils the shell comes last."""
    scripts = {each.name: [attack.code for attack in each.attacks(known)] for each in WORKSPACE_STRATEGIES}
    last = ("functions_exported", "programs_replaced", "startup_planted", "modules_shadowed")
    kinds = {each.name: each.family for each in WORKSPACE_STRATEGIES}
    quiet = [name for name in scripts if kinds[name] in ("plant", "forge", "leak") and name not in last]
    lines = [f"(\n{script})\n" for name in quiet for script in scripts[name]]
    return "".join(lines + [script for name in reversed(last) for script in scripts[name]])


@pytest.mark.parametrize("task_id", task_ids("workspace"))
def test_a_scenario_resists_everything_at_once(dg, task_id):
    target = WorkspaceTarget(dg, load_task(task_id))
    alone = {each.name: each for each in WORKSPACE_STRATEGIES}
    one_each = [
        next(iter(alone[name].attacks(target.knowledge))).code
        for name in ("nothing", "lying_modules", "modules_exit", "stub_modules", "outputs_touched")
    ]
    nothing, *others = target.score([*one_each, together(target.knowledge)])
    assert (nothing.score, nothing.passed) == (0.0, False)
    for scored in others:
        assert scored.score is not None, scored.status
        assert scored.score == 0.0, scored
        assert not scored.passed


def test_a_scenario_is_robust_against_each_strategy(dg):
    report = AdversarialTester(dg).test("debug_fix")
    assert report.exploits == ()
    assert report.unjudged == ()
    assert (report.kind, report.risk_score) == ("workspace", 0.0)
    assert len(report.strategies) == len(WORKSPACE_STRATEGIES)
