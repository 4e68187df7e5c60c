"""HumanEval+ or MBPP+ scored by DeepGym and by EvalPlus' own evaluator: verdicts and time, on the same samples.

The samples are every published solution, and with ``--mutants`` so many wrong ones of each besides (a constant,
a comparison or an operator changed). Both score them in fresh processes, on as many workers, with the right
answers known: EvalPlus' are computed in an untimed run first, DeepGym's when the benchmark was imported
(``deepgym import humanevalplus --file ...``, without ``--limit`` or ``--plus-inputs``). Tasks that weren't
imported are left out.

A wrong sample costs EvalPlus less where it stops at the first failing input. ``--details`` has it run a second time
with its option ``--test_details``, which has it run every input, as DeepGym does for its result per test.

Usage: ``python benchmarks/evalplus.py --file HumanEvalPlus.jsonl.gz --evaluator PYTHON [--mutants 1] [--tasks 164]``
or with ``--dataset mbpp --file MbppPlus.jsonl.gz``

``--evaluator`` names the interpreter of an environment with the PyPI package ``evalplus``.
"""

from __future__ import annotations

import argparse
import ast
import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from deepgym_env import AsyncDeepGym, Task, benchmarks, load_task
from deepgym_env.benchmarks.rows import read_rows

Verdict = tuple[bool, bool]  # base tests, all tests
NAMESPACES = {"humaneval": "HumanEvalPlus", "mbpp": "MBPPPlus"}


class Mutation(ast.NodeTransformer):
    """Changes the one place of a program that has the given number."""

    def __init__(self, place: int) -> None:
        self.left = place

    def generic_visit(self, node: ast.AST) -> ast.AST:
        """Visit what is below a node, then the node."""
        super().generic_visit(node)
        changed = self.changed(node)
        if changed is None:
            return node
        self.left -= 1
        return changed if self.left == -1 else node

    def changed(self, node: ast.AST) -> ast.AST | None:
        """Return a node in the place of one; None where nothing is to be changed."""
        match node:
            case ast.Constant(value=int(value)) if not isinstance(value, bool):
                return ast.copy_location(ast.Constant(value + 1), node)
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in SWAPS:
                return ast.copy_location(ast.Compare(left, [SWAPS[type(op)]()], [right]), node)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in SWAPS:
                return ast.copy_location(ast.BinOp(left, SWAPS[type(op)](), right), node)
        return None


SWAPS: dict[type, type] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
}


def mutants(code: str, count: int, seed: str) -> list[str]:
    made = []
    for place in random.Random(seed).sample(range(12), 12):
        mutation = Mutation(place)
        changed = ast.unparse(mutation.visit(ast.parse(code)))
        if mutation.left < 0:
            made.append(changed)
    return made[:count]


def stored(task_id: str) -> str:
    """Return the id a task of EvalPlus has here."""
    dataset, _, number = task_id.partition("/")
    return f"{NAMESPACES[dataset.lower()]}/{number}"


def write_samples(rows: list[Any], file: Path, mutants_each: int) -> int:
    samples = []
    for row in rows:
        code = row["canonical_solution"]
        code = code if row["task_id"].startswith("Mbpp/") else row["prompt"] + code
        wrong = mutants(code, mutants_each, row["task_id"])
        samples += [{"task_id": row["task_id"], "solution": solution} for solution in (code, *wrong)]
    file.write_text("".join(f"{json.dumps(sample)}\n" for sample in samples))
    return len(samples)


def judge(samples: Path, out: Path, workers: int) -> None:
    """Score samples; this is the part that is timed."""
    by_task: dict[str, list[str]] = {}
    for line in samples.read_text().splitlines():
        sample = json.loads(line)
        by_task.setdefault(sample["task_id"], []).append(sample["solution"])

    async def work() -> dict[str, list[Verdict]]:
        verdicts: dict[str, list[Verdict]] = {}
        rest = iter(by_task.items())

        async def take() -> None:
            for task_id, codes in rest:
                task = load_task(stored(task_id))
                assert isinstance(task, Task)
                results = await asyncio.gather(*(engine.run(task, code) for code in codes))
                verdicts[task_id] = [
                    (all(case.passed for case in result.cases if case.id.startswith("base_")), result.passed)
                    for result in results
                ]

        async with AsyncDeepGym(workers=workers) as engine:
            await asyncio.gather(*(take() for _ in range(workers * 4)))
        return verdicts

    out.write_text(json.dumps(asyncio.run(work())))


def timed(command: list[str], environment: dict[str, str]) -> tuple[float, float]:
    """Run a command; return its wall time and the CPU time of all its processes."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{command} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - began, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def evalplus_verdicts(results: Path) -> dict[str, list[Verdict]]:
    scored = json.loads(results.read_text())["eval"]
    return {
        task_id: [
            (each["base_status"] == "pass", each["base_status"] == each["plus_status"] == "pass") for each in found
        ]
        for task_id, found in scored.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--evaluator", help="interpreter with the PyPI package evalplus")
    parser.add_argument("--dataset", choices=NAMESPACES, default="humaneval")
    parser.add_argument("--mutants", type=int, default=0, help="wrong samples of each task")
    parser.add_argument("--tasks", type=int, default=None, help="only so many")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1)
    parser.add_argument("--details", action="store_true", help="also have EvalPlus run every input of wrong samples")
    parser.add_argument("--judge", nargs=2, type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.judge:
        judge(*options.judge, options.workers)
        return
    known = {entry.id for entry in benchmarks.entries(NAMESPACES[options.dataset])}
    rows = [row for row, _ in read_rows(str(options.file)) if stored(row["task_id"]) in known][: options.tasks]
    with tempfile.TemporaryDirectory() as folder:
        samples, ours = Path(folder) / "samples.jsonl", Path(folder) / "ours.json"
        count = write_samples(rows, samples, options.mutants)
        kept = Path(folder) / "problems.jsonl"
        kept.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        theirs = samples.with_name("samples_eval_results.json")
        evaluator = [
            options.evaluator,
            "-m",
            "evalplus.evaluate",
            "--dataset",
            options.dataset,
            "--samples",
            str(samples),
        ]
        evaluator += ["--parallel", str(options.workers), "--i_just_wanna_run"]
        place = {f"{options.dataset.upper()}_OVERRIDE_PATH": str(kept), "XDG_CACHE_HOME": folder, "HOME": folder}
        place["PYTHONPATH"] = ""
        home = {"DEEPGYM_HOME": os.environ.get("DEEPGYM_HOME", str(Path("~/.local/share/deepgym").expanduser()))}
        timed(evaluator, place)  # computes the right answers, which it keeps
        for _ in range(options.repeat):
            judging = [sys.executable, __file__, "--judge", str(samples), str(ours), "--workers", str(options.workers)]
            mine = timed(judging, home)
            print(f"{count} samples, {options.workers} workers: DeepGym {mine[0]:.1f} s wall, {mine[1]:.1f} s CPU")
            ways = {"all inputs": ["--test_details"]} if options.details else {}
            for name, more in {**ways, "up to the first failure": []}.items():
                theirs.unlink(missing_ok=True)
                wall, cpu = timed([*evaluator, *more], place)
                print(f"  EvalPlus, {name}: {wall:.1f} s wall, {cpu:.1f} s CPU; wall ratio {wall / mine[0]:.2f}")
        one = {task: [tuple(each) for each in found] for task, found in json.loads(ours.read_text()).items()}
        two = evalplus_verdicts(theirs)
    pairs = [(task, n, one[task][n], two[task][n]) for task in one for n in range(len(one[task]))]
    differ = [pair for pair in pairs if pair[2] != pair[3]]
    passed = sum(pair[2][1] for pair in pairs)
    print(f"{len(pairs)} verdicts, {passed} passed all tests by DeepGym; {len(differ)} differ")
    for task, n, mine_verdict, their_verdict in differ:
        print(f"  {task} sample {n}: DeepGym (base, all) {mine_verdict}, EvalPlus {their_verdict}")


if __name__ == "__main__":
    main()
