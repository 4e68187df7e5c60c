"""``/v1/environments``: the tasks there are.

- :data:`router`
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query

from deepgym_env import benchmarks
from deepgym_env.catalog import load_task
from deepgym_env.envs.coding import tools_of
from deepgym_env.envs.episode import turns_of
from deepgym_env.errors import ConfigError
from deepgym_env.remote.fingerprint import fingerprint_of
from deepgym_env.remote.wire import EnvironmentDetails, EnvironmentSummary, Page
from deepgym_env.selection import Criteria, Known, own_tasks
from deepgym_env.server.auth import Caller, allowed
from deepgym_env.server.problems import declared
from deepgym_env.task import SubmissionTask

__all__ = ["router"]

router = APIRouter(prefix="/v1/environments", tags=["environments"])

_Caller = Annotated[Caller, Depends(allowed("read"))]


# Plain functions: reading files and loading tasks is done on threads.
@router.get("", operation_id="list_environments", summary="List tasks", responses=declared(422))
def list_environments(
    caller: _Caller,
    difficulty: Annotated[str | None, Query(max_length=100, description="Only these.", examples=["hard"])] = None,
    tag: Annotated[list[str] | None, Query(max_length=20, description="Only tasks with all of these.")] = None,
    kind: Annotated[
        str | None, Query(max_length=100, description="`function`, `program`, `script`, `suite` or `workspace`.")
    ] = None,
    text: Annotated[str | None, Query(max_length=200, description="Only with this in their id or title.")] = None,
    after: Annotated[str | None, Query(max_length=512, description="The `next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=1000, description="Most on this page.")] = 100,
) -> Page:
    """List the built-in tasks, those added on the server, and those of imported benchmarks.

    Hidden tests are only counted.
    """
    criteria, words = Criteria.of(difficulty, tag or ()), (text or "").casefold()
    found = [
        task
        for task in _everything()
        if criteria.fits(task)
        and kind in (None, _kind(task))
        and (words in task.id.casefold() or words in task.title.casefold())
    ]
    begin = _place(found, after)
    page = found[begin : begin + limit]
    more = begin + limit < len(found)
    return Page(
        environments=[EnvironmentSummary(**_summary(task)) for task in page],
        total=len(found),
        next=page[-1].id if more else None,
    )


@router.get("/{environment:path}", operation_id="show_environment", summary="Show a task", responses=declared(404, 422))
def show_environment(
    caller: _Caller,
    environment: Annotated[
        str, Path(max_length=512, description="Its id, which may hold a slash.", examples=["coin_change"])
    ],
    seed: Annotated[int, Query(ge=0, lt=2**63, description="Seed its tests are drawn with.")] = 0,
) -> EnvironmentDetails:
    """Say what an agent may know of a task: neither hidden tests nor the solution."""
    task = load_task(environment, seed)
    return EnvironmentDetails(
        **_summary(task),
        prompt=task.prompt,
        language=task.language if isinstance(task, SubmissionTask) else None,
        tools=[tool.schema() for tool in tools_of(task)],
        max_turns=turns_of(task, None),
        source=task.source,
        license=task.license,
        seed=task.seed,
        fingerprint=fingerprint_of(task),
    )


def _everything() -> Iterator[Known]:
    """Yield what is known of all tasks; what is broken is left out, as the console's list has it too."""
    yield from own_tasks()[0]
    yield from benchmarks.entries()


def _place(found: list[Known], after: str | None) -> int:
    if after is None:
        return 0
    for number, task in enumerate(found, 1):
        if task.id == after:
            return number
    raise ConfigError(f"after must be the `next` of a page with the same filters, got {after!r}")


def _kind(task: Known) -> str:
    if isinstance(task, benchmarks.Entry):
        return task.kind
    return task.kind if isinstance(task, SubmissionTask) else "workspace"


def _summary(task: Known) -> dict[str, Any]:
    counted = (
        (task.tests, task.public) if isinstance(task, benchmarks.Entry) else (len(task.tests), len(task.public_tests))
    )
    return {
        "id": task.id,
        "title": task.title,
        "kind": _kind(task),
        "difficulty": task.difficulty,
        "tags": list(task.tags),
        "tests": counted[0],
        "public_tests": counted[1],
    }
