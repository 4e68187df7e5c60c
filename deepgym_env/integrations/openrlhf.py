"""Rewards for OpenRLHF 0.11: a router for its ``--reward.remote_url``, and what its other ways in have in common.

- :func:`create_openrlhf_router`: ``POST /reward/score`` for a FastAPI application.
- :func:`completion_of`: the answer in what OpenRLHF sends, which is one text with the prompt.
- :func:`reward_fields`: results as the fields OpenRLHF reads.

OpenRLHF has no place for a sample without a verdict: a reward of None ends training with an error that
names no cause, anything else is trained on. So after the engine's own retries a request without a
verdict is answered with HTTP 503, which OpenRLHF tries again four times. It drops the body of an answer that
is no reward, so the cause is in the log of the server as well.
"""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, model_validator

from deepgym_env.blocking import DeepGym
from deepgym_env.errors import ConfigError, DeepGymError, TaskError
from deepgym_env.integrations.scoring import Scorer, Tasks
from deepgym_env.integrations.serving import apart
from deepgym_env.optional import require
from deepgym_env.result import RunResult

if TYPE_CHECKING:
    from fastapi import APIRouter

__all__ = ["RewardRequest", "answer_in", "completion_of", "create_openrlhf_router", "reward_fields"]

_logger = logging.getLogger(__name__)
_END = re.compile(r"(?:<[|｜][^<>|｜\s]{1,64}[|｜]>|</s>|<eos>|<end_of_turn>|<pad>)\Z")
_LONGEST_END = 80
_THREADS = 64  # requests that are worked on at a time
_LEAST_SHARED = 32  # characters of a prompt that was cut off at its start, white space aside


class RewardRequest(BaseModel):
    """A body of one of two forms.

    Attributes:
        query: Prompts with their completions, as OpenRLHF decodes them.
        prompts: The prompts, one per query or output.
        labels: Ids of the tasks, one each; may be left out where the router is for one task.
        outputs: Completions alone, instead of ``query``.
    """

    query: list[str] | None = None
    prompts: list[str] | None = None
    labels: list[str | None] | None = None
    outputs: list[str] | None = None

    @model_validator(mode="after")
    def _one_form(self) -> RewardRequest:
        if (self.query is None) == (self.outputs is None):
            raise ValueError("give either query, with prompts, or outputs")
        if self.query is not None and self.prompts is None:
            raise ValueError("query needs prompts: a completion is what follows its prompt")
        count = len(self.query if self.query is not None else self.outputs or ())
        for name, given in (("prompts", self.prompts), ("labels", self.labels)):
            if given is not None and len(given) != count:
                raise ValueError(f"got {count} texts and {len(given)} {name}: one each is needed")
        return self

    def completions(self) -> list[str]:
        """Return what is to be judged.

        Raises:
            ConfigError: If a query doesn't begin with its prompt.
        """
        if self.outputs is not None:
            return [answer_in(output) for output in self.outputs]
        return [completion_of(*each) for each in zip(self.query or (), self.prompts or (), strict=True)]


def create_openrlhf_router(
    env: Tasks = None,
    dg: DeepGym | None = None,
    *,
    room: Callable[[int], AbstractContextManager[Any]] = contextlib.nullcontext,
) -> APIRouter:
    """Return a router with ``POST /reward/score`` for ``--reward.remote_url http://HOST:PORT/reward/score``.

    It answers ``{"query": [...], "prompts": [...], "labels": [...]}``, which OpenRLHF sends, and
    ``{"prompts": [...], "outputs": [...]}`` alike, with ``rewards`` and ``scores``, the mean over a task's
    tests (0..1), and ``extra_logs``. A body it can't use is answered with 422 and what is wrong with it, a
    completion without a verdict with 503 and the cause; both are logged.

    Args:
        env: The task of rows without a label, or the tasks that labels may name; None: labels name any.
        dg: The engine to use; by default this process's.
        room: Holds room for so many completions while they are judged, or raises.

    Raises:
        ConfigError: If FastAPI isn't installed, or a task can't be judged by one completion.
        UnknownTaskError: If there is no task of an id.
    """
    fastapi = require("fastapi", "a router", "server")
    scorer, away = Scorer(env, dg), apart(_THREADS)
    router: APIRouter = fastapi.APIRouter(tags=["reward"])

    def refused(status: int, told: str, headers: dict[str, str] | None = None) -> Exception:
        _logger.warning("/reward/score answered %d: %s", status, told)
        refusal: Exception = fastapi.HTTPException(status, told, headers=headers)
        return refusal

    def judged(body: RewardRequest) -> dict[str, Any]:
        try:
            completions = body.completions()
            labels = tasks_of(body.labels, len(completions))
            for label in labels:
                scorer.task_of(label)
        except (ConfigError, TaskError) as error:
            raise refused(422, str(error)) from error
        try:
            with room(len(completions)):
                results = scorer(completions, labels)
        except ConfigError as error:
            raise refused(422, str(error)) from error
        except DeepGymError as error:
            raise refused(503, f"no verdict: {error}") from error
        lost = [result.details for result in results if not result.has_verdict]
        if lost:
            raise refused(503, f"no verdict on {len(lost)} of {len(results)}: {lost[0]}", {"Retry-After": "1"})
        return reward_fields(results)

    async def score(body: RewardRequest) -> dict[str, Any]:
        """Score completions, test by test."""
        return await away(lambda: judged(body))

    router.add_api_route("/reward/score", score, methods=["POST"])
    return router


def tasks_of(labels: Sequence[str | None] | None, count: int) -> list[str | None]:
    """Return the task's id of each row; OpenRLHF's label is empty where the data set has none."""
    return [label or None for label in labels] if labels is not None else [None] * count


def reward_fields(results: Iterable[RunResult]) -> dict[str, Any]:
    """Return results, which must all have a verdict, as OpenRLHF reads them.

    Returns:
        ``rewards`` and ``scores``, 0..1, and ``extra_logs`` with ``passed``, 1.0 where every test was:
        lists with a number per result. OpenRLHF filters groups of samples by ``scores``.
    """
    judged = list(results)
    rewards = [result.score for result in judged]
    if None in rewards:
        raise ConfigError("a result without a verdict has no reward")
    return {
        "rewards": rewards,
        "scores": list(rewards),
        "extra_logs": {"passed": [float(result.passed) for result in judged]},
    }


def completion_of(query: str, prompt: str) -> str:
    r"""Return the completion in a query, without the special tokens it ends with.

    A query is the prompt's tokens and the completion's, decoded: white space may be another than in the
    prompt, something may stand before it, and of a long prompt only the end may be there.

    Raises:
        ConfigError: If the query doesn't begin with its prompt.

    Example:
        >>> completion_of("<s> Add.\n[/INST] x = 1</s>", "<s>Add.\n[/INST]")
        'x = 1'
    """
    if query.startswith(prompt):
        return answer_in(query[len(prompt) :])
    places = [place for place, character in enumerate(query) if not character.isspace()]
    told, said = "".join(prompt.split()), "".join(query[place] for place in places)
    found = said.find(told)
    end = found + len(told) if found >= 0 else _shared(told, said)
    if end < min(len(told), _LEAST_SHARED):
        raise ConfigError(f"a query must begin with its prompt, got {query[:60]!r} and the prompt {prompt[:60]!r}")
    return answer_in(query[places[end - 1] + 1 :] if end else query)


def answer_in(text: str) -> str:
    r"""Return a completion without the special tokens it ends with, which no language has at a program's end.

    Nor has it the one space before it that decoding puts there, which Python would take for an indent.

    Example:
        >>> answer_in("x = 1<|im_end|>\n<|endoftext|>")
        'x = 1'
    """
    if text.startswith(" ") and not text.startswith("  "):
        text = text[1:]
    end = kept = len(text)
    while True:
        while end and text[end - 1].isspace():
            end -= 1
        token = _END.search(text, max(0, end - _LONGEST_END), end)
        if token is None:
            return text[:kept]
        end = kept = token.start()


def _shared(told: str, said: str) -> int:
    """Return the length of the longest end of ``told`` that ``said`` begins with (Knuth, Morris and Pratt 1977)."""
    sequence = [*said[: len(told)], None, *told]
    lengths = [0] * len(sequence)
    for place in range(1, len(sequence)):
        length = lengths[place - 1]
        while length and sequence[length] != sequence[place]:
            length = lengths[length - 1]
        lengths[place] = length + (sequence[length] == sequence[place])
    return lengths[-1]
