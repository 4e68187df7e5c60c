"""A reference agent loop: a policy and an environment, turn by turn, to the end.

- :class:`Policy`: what answers messages; :func:`scripted` makes one of a generator.
- :class:`ChatPolicy`: a model behind any OpenAI-compatible chat endpoint.
- :class:`Rollout`, :class:`Turn`: what came of it.
- :func:`rollout`: one episode; :func:`arollout` and :func:`rollout_many`: many at a time.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import gymnasium as gym
import numpy as np
import numpy.typing as npt

from deepgym_env.errors import ConfigError, DeepGymError

__all__ = [
    "ChatPolicy",
    "Policy",
    "PolicyError",
    "Reply",
    "Rollout",
    "Turn",
    "arollout",
    "rollout",
    "rollout_many",
    "scripted",
]

Message = dict[str, Any]
End = Literal["solved", "submitted", "turns", "tokens", "no_verdict", "policy_error", "finished"]
Progress = Callable[[int, int], None]
_SUBMIT: dict[str, Any] = {"name": "submit", "arguments": {}}
_SEE_BELOW = "(answered with the last of these calls)"


class PolicyError(DeepGymError):
    """A policy could not answer: its endpoint failed after all retries, or its script ran out."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a policy answers.

    Attributes:
        message: A text, or a chat message as a dict, perhaps with ``tool_calls``.
        tokens: Tokens it cost, prompt included; 0 if unknown.
    """

    message: str | Mapping[str, Any]
    tokens: int = 0


class Policy(Protocol):
    """Anything that answers messages: a function, or an object with ``__call__``."""

    def __call__(
        self, messages: Sequence[Message], tools: Sequence[Message]
    ) -> Reply | str | Mapping[str, Any] | Awaitable[Reply | str | Mapping[str, Any]]:
        """Answer the messages so far, given the tools there are; may be asynchronous.

        Raises:
            PolicyError: If there is no answer to be had.
        """


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn: what was done, what came back, and what it earned."""

    action: str | Mapping[str, Any]
    observation: str
    reward: npt.NDArray[np.float64]
    info: dict[str, Any]


@dataclass(slots=True)
class Rollout:
    """What came of an episode.

    Attributes:
        messages: The conversation, as chat messages.
        turns: Its turns.
        end: Why it ended: ``solved``, ``submitted`` (not everything passed), ``turns`` or ``tokens``
            (used up), ``no_verdict`` (the sandbox failed), ``policy_error``, or ``finished``.
        tokens: Tokens it cost.
        error: What the policy failed of.
        seed: Seed the environment was reset with.
        info: The last info.
    """

    messages: list[Message] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    end: End = "finished"
    tokens: int = 0
    error: str = ""
    seed: int | None = None
    info: dict[str, Any] = field(default_factory=dict)

    @property
    def has_verdict(self) -> bool:
        """Whether its score means anything: neither the sandbox nor the policy failed."""
        return self.end not in ("no_verdict", "policy_error")

    @property
    def score(self) -> float | None:
        """Mean over the tests of the state it ended in, 0..1; None without a verdict."""
        return float(self.info["score"]) if self.has_verdict else None

    @property
    def returned(self) -> npt.NDArray[np.float64]:
        """The undiscounted return: the sum of the rewards."""
        return np.asarray(np.sum([turn.reward for turn in self.turns], axis=0, dtype=np.float64))


class _Loop:
    """The part of a rollout that asks nobody: messages in, messages out."""

    def __init__(self, env: gym.Env[Any, Any], max_turns: int | None, max_tokens: int | None) -> None:
        self.env = env
        self.max_turns = max_turns
        self.max_tokens = max_tokens
        self.rollout = Rollout()
        self.tools: list[Message] = []
        self.over = False

    def begin(self, seed: int | None) -> None:
        prompt, info = self.env.reset(seed=seed)
        self.tools = list(info.get("tools", ()))
        self.rollout = Rollout(messages=[{"role": "user", "content": prompt}], seed=seed, info=info)

    def take(self, reply: Reply | str | Mapping[str, Any]) -> None:
        answer = reply if isinstance(reply, Reply) else Reply(reply)
        done = self.rollout
        done.tokens += answer.tokens
        self._step(answer.message)
        used_up: End | None = None
        if len(done.turns) == self.max_turns:
            used_up = "turns"
        elif self.max_tokens is not None and done.tokens >= self.max_tokens:
            used_up = "tokens"
        if used_up and not self.over:
            if _takes_nothing(self.tools, _SUBMIT["name"]):  # so that the state it ends in is judged
                self._step(_SUBMIT)
            self.over = True
            done.end = used_up if done.info["has_verdict"] else "no_verdict"

    def _step(self, action: str | Mapping[str, Any]) -> None:
        done = self.rollout
        observation, reward, terminated, truncated, info = self.env.step(action)
        done.turns.append(Turn(action, observation, np.asarray(reward, dtype=np.float64), info))
        done.messages += _conversation(action, observation)
        done.info = info
        self.over = terminated or truncated
        if terminated:
            done.end = "solved" if info["passed"] else "submitted"
        elif truncated:
            done.end = "turns" if info["has_verdict"] else "no_verdict"

    def fail(self, error: PolicyError) -> None:
        self.over = True
        self.rollout.end, self.rollout.error = "policy_error", str(error)


def _takes_nothing(tools: Sequence[Message], name: str) -> bool:
    """Return whether there is a tool of that name that needs no argument."""
    functions = [tool["function"] for tool in tools]
    return any(each["name"] == name and not each["parameters"].get("required") for each in functions)


def _conversation(action: str | Mapping[str, Any], observation: str) -> list[Message]:
    """Return a turn as chat messages; a chat API wants an answer to each tool call by its id."""
    if isinstance(action, str):
        return [{"role": "assistant", "content": action}, {"role": "user", "content": observation}]
    said = {"role": "assistant", "content": action.get("content")}
    calls = action.get("tool_calls") or ()
    if not calls and "name" in action:  # a bare tool call
        return [{**said, "content": str(dict(action))}, {"role": "user", "content": observation}]
    if not calls:
        return [said, {"role": "user", "content": observation}]
    ids = [call.get("id", "") if isinstance(call, Mapping) else "" for call in calls]
    answers = [{"role": "tool", "tool_call_id": each, "content": _SEE_BELOW} for each in ids]
    answers[-1]["content"] = observation
    return [{**said, "tool_calls": list(calls)}, *answers]


def rollout(
    env: gym.Env[Any, Any],
    policy: Policy,
    *,
    seed: int | None = None,
    max_turns: int | None = None,
    max_tokens: int | None = None,
) -> Rollout:
    """Play one episode.

    Args:
        env: An environment of DeepGym, wrapped or not.
        policy: What answers.
        seed: For ``env.reset``.
        max_turns: Stop after so many turns, if the environment doesn't earlier.
        max_tokens: Stop once the policy has used so many tokens.

    Example:
        >>> import deepgym_env
        >>> env = gym.make("DeepGym/reverse_string")
        >>> done = rollout(env, lambda messages, tools: "def reverse_string(s): return s[::-1]")
        >>> done.end, done.score, len(done.messages)
        ('solved', 1.0, 3)
        >>> env.close()
    """
    loop = _Loop(env, max_turns, max_tokens)
    loop.begin(seed)
    while not loop.over:
        try:
            reply = policy(loop.rollout.messages, loop.tools)
        except PolicyError as error:
            loop.fail(error)
            break
        if inspect.isawaitable(reply):
            if inspect.iscoroutine(reply):
                reply.close()
            raise ConfigError("the policy is asynchronous: use arollout or rollout_many")
        loop.take(reply)
    return loop.rollout


async def arollout(
    env: gym.Env[Any, Any],
    policy: Policy,
    *,
    seed: int | None = None,
    max_turns: int | None = None,
    max_tokens: int | None = None,
    executor: ThreadPoolExecutor | None = None,
) -> Rollout:
    """Play one episode without blocking the event loop; the environment works on a thread."""
    events = asyncio.get_running_loop()
    loop = _Loop(env, max_turns, max_tokens)
    await events.run_in_executor(executor, loop.begin, seed)
    while not loop.over:
        try:
            reply = policy(loop.rollout.messages, loop.tools)
            answer = await reply if inspect.isawaitable(reply) else reply
        except PolicyError as error:
            loop.fail(error)
            break
        await events.run_in_executor(executor, loop.take, answer)
    return loop.rollout


async def rollout_many(
    make_env: Callable[[], gym.Env[Any, Any]],
    policy: Policy,
    seeds: Iterable[int | None],
    *,
    concurrency: int = 16,
    max_turns: int | None = None,
    max_tokens: int | None = None,
    progress: Progress | None = None,
) -> list[Rollout]:
    """Play one episode per seed, several at a time, each in an environment of its own.

    Args:
        make_env: Makes an environment; called up to ``concurrency`` times.
        policy: What answers, asynchronous or not; it serves all episodes.
        seeds: For ``env.reset``.
        concurrency: Episodes under way at a time.
        max_turns: As for :func:`rollout`.
        max_tokens: As for :func:`rollout`, of each episode.
        progress: Called with the episodes done and those there are.

    Returns:
        The rollouts, in the order of the seeds.
    """
    if concurrency < 1:
        raise ConfigError(f"concurrency must be at least 1, got {concurrency!r}")
    wanted = list(seeds)
    rollouts: list[Rollout | None] = [None] * len(wanted)
    queue = iter(enumerate(wanted))
    with ThreadPoolExecutor(concurrency, thread_name_prefix="deepgym-rollout") as executor:

        async def work() -> None:
            env = make_env()
            try:
                for number, seed in queue:
                    rollouts[number] = await arollout(
                        env, policy, seed=seed, max_turns=max_turns, max_tokens=max_tokens, executor=executor
                    )
                    if progress is not None:
                        progress(sum(done is not None for done in rollouts), len(rollouts))
            finally:
                await asyncio.get_running_loop().run_in_executor(executor, env.close)

        await asyncio.gather(*(work() for _ in range(min(concurrency, len(wanted)))))
    return [done for done in rollouts if done is not None]


def scripted(script: Callable[[], Generator[Any, str, None]]) -> Policy:
    """Return a policy that plays a script: a generator that yields actions and is sent what they answered.

    A script that runs out submits. The policy is for one episode.

    Example:
        >>> def solve():
        ...     seen = yield "<bash>ls</bash>"
        >>> policy = scripted(solve)
        >>> policy([], []), policy([{"role": "user", "content": "a.txt"}], [])
        ('<bash>ls</bash>', {'name': 'submit', 'arguments': {}})
    """
    playing: list[Generator[Any, str, None]] = []

    def policy(messages: Sequence[Message], tools: Sequence[Message]) -> Any:
        try:
            if playing:
                return playing[0].send(str(messages[-1]["content"]))
            playing.append(script())
            return next(playing[0])
        except StopIteration:
            return dict(_SUBMIT)

    return policy


class ChatPolicy:
    """A model behind an OpenAI-compatible chat endpoint; asynchronous, for many episodes at a time.

    Needs the ``openai`` package: ``pip install 'deepgym-env[rollout]'``.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        system: str | None = None,
        use_tools: bool = True,
        retries: int = 5,
        timeout: float = 600.0,
        **options: Any,
    ) -> None:
        """Talk to ``model``.

        Args:
            model: Its name at the endpoint.
            base_url: The endpoint, such as ``http://localhost:8000/v1``; by default OpenAI's, or
                what ``OPENAI_BASE_URL`` says.
            api_key: By default what ``OPENAI_API_KEY`` says; a local server takes any.
            system: A system message put first.
            use_tools: Offer the environment's tools to the endpoint; else the model calls them in text.
            retries: How often a request is repeated that failed of the network, load or rate limits.
            timeout: Seconds one request may take.
            options: Further parameters of each request: ``temperature``, ``max_tokens``, ``seed``, ...

        Raises:
            ConfigError: If ``openai`` isn't installed, or there is no key.
        """
        try:
            import openai
        except ImportError as error:
            raise ConfigError("ChatPolicy needs the openai package: pip install 'deepgym-env[rollout]'") from error
        key = api_key or ("none" if base_url else None)
        try:
            self._client = openai.AsyncOpenAI(base_url=base_url, api_key=key, max_retries=retries, timeout=timeout)
        except openai.OpenAIError as error:
            raise ConfigError(f"the endpoint can't be used: {error}; pass api_key or base_url") from error
        self._failure = openai.OpenAIError
        self._model = model
        self._system = system
        self._use_tools = use_tools
        self._options = options

    async def __call__(self, messages: Sequence[Message], tools: Sequence[Message]) -> Reply:
        """Ask the model for its next message.

        Raises:
            PolicyError: If the endpoint fails after all retries, or its answer holds no message.
        """
        first = [{"role": "system", "content": self._system}] if self._system else []
        offered = {"tools": list(tools)} if self._use_tools and tools else {}
        request: dict[str, Any] = {**self._options, **offered, "messages": [*first, *messages]}
        try:
            answer = await self._client.chat.completions.create(model=self._model, **request)
            message = answer.choices[0].message.model_dump(exclude_none=True, include={"content", "tool_calls"})
        except (self._failure, IndexError, AttributeError, TypeError) as error:
            raise PolicyError(f"{type(error).__name__}: {error}") from error
        tokens = answer.usage.total_tokens if answer.usage else 0
        calls = message.get("tool_calls")
        return Reply({"role": "assistant", **message} if calls else message.get("content") or "", tokens)

    async def aclose(self) -> None:
        """Close its connections."""
        await self._client.close()
