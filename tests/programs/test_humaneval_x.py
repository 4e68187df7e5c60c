"""HumanEval-X: canonical solutions pass in every language, broken ones don't.

The data lies outside the repository: ``DEEPGYM_HUMANEVALX`` names its folder. A few tasks of each
language are run; ``DEEPGYM_HUMANEVALX_ALL=1`` runs all 164.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import os
from pathlib import Path

import pytest

from deepgym_env import Program, ProgramLimits

FOLDER = Path(os.environ.get("DEEPGYM_HUMANEVALX") or Path(__file__).parents[3] / "shared/data/humanevalx")
ALL = bool(os.environ.get("DEEPGYM_HUMANEVALX_ALL"))
SAMPLE = {
    "python": range(0, 164, 11),
    "javascript": range(0, 164, 18),
    "cpp": range(0, 164, 40),
    "java": range(0, 164, 40),
}
FILES = {"python": "python", "javascript": "js", "cpp": "cpp", "java": "java"}
# Node's console.assert only writes a line.
STRICT = 'console.assert = (holds) => { if (!holds) throw new Error("wrong"); };\n'
# Of has_close_elements: right only where two are close.
WRONG = {
    "python": "    return True\n",
    "javascript": "  return true;\n}\n",
    "cpp": "    return true;\n}\n",
    "java": "        return true;\n    }\n}\n",
}
# They need Boost, OpenSSL or js-md5; the solutions of JavaScript/112 and 155 fail their own assertions.
NOT_HERE = {"cpp": (22, 137, 162), "javascript": (112, 155, 162)}


def tasks(language):
    path = FOLDER / f"humaneval_{FILES[language]}.jsonl.gz"
    if not path.exists():
        pytest.skip(f"no HumanEval-X in {FOLDER}: set DEEPGYM_HUMANEVALX")
    with gzip.open(path, "rt") as lines:
        found = [json.loads(line) for line in lines]
    chosen = range(164) if ALL else SAMPLE[language]
    return [found[number] for number in chosen if number not in NOT_HERE.get(language, ())]


def program(language, task, solution):
    code = f"{task['prompt']}{solution}\n{task['test']}"
    code = STRICT + code if language == "javascript" else code
    return Program(language=language, code=code, limits=ProgramLimits(cpu_seconds=20))


@pytest.mark.parametrize("language", SAMPLE)
@pytest.mark.timeout(3600 if ALL else 300)
def test_canonical_solutions_pass(own, needs, language):
    needs(language)

    chosen = tasks(language)
    programs = [program(language, task, task["canonical_solution"]) for task in chosen]

    async def run(engine):
        return await asyncio.gather(*map(engine.execute, programs))

    results = own.call(run)
    failed = {
        task["task_id"]: (result.status, result.details, result.compile_output[:300] or result.stderr[-300:])
        for task, result in zip(chosen, results, strict=True)
        if not result.ok
    }
    assert failed == {}


@pytest.mark.parametrize("language", WRONG)
def test_a_wrong_solution_fails(own, needs, language):
    needs(language)
    result = own.execute(program(language, tasks(language)[0], WRONG[language]))
    assert result.status in ("exception", "crashed"), result
    assert "ssert" in result.stderr or "wrong" in result.stderr
