"""A rollout function for TRL: whole episodes, a turn of all of them at a time.

- :func:`make_trl_rollout_func`

What the environment said is in the completion, but masked: the loss is over what the model wrote. The model
is shown the very tokens it wrote, never their text tokenized anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from deepgym_env.blocking import DeepGym
from deepgym_env.engine import Environment
from deepgym_env.errors import ConfigError
from deepgym_env.integrations.live import LiveEpisode
from deepgym_env.integrations.trl_episodes import EPISODE, Episodes, conclude, each, last_said
from deepgym_env.task import AnyTask

__all__ = ["RolloutFunc", "make_trl_rollout_func"]

RolloutFunc = Callable[[list[Any], Any], dict[str, Any]]
_ANSWER, _OBSERVATION = "deepgym-answer", "deepgym-observation"


def make_trl_rollout_func(
    env: Environment | str | Iterable[Environment | str],
    *,
    engine: DeepGym | None = None,
    max_turns: int | None = None,
    max_length: int | None = None,
) -> RolloutFunc:
    """Return a function for ``GRPOTrainer(rollout_func=...)`` that plays an episode per prompt.

    The model writes text, and calls tools in any of the forms :func:`~deepgym_env.actions.parse_action` reads;
    of a function task, text without a call is a submission. An episode goes on until it is over, or until what
    was said fills ``max_completion_length``; then the state it is in is judged.

    TRL gives such a function no column but the prompts: a prompt's task is the one whose text it holds. A
    workspace's is extended by a description of its tools.

    Args:
        env: The tasks, or their ids.
        engine: The engine that judges; by default this process's.
        max_turns: Turns after which an episode is over; by default as in ``gym.make``.
        max_length: Most tokens of prompt and completion together; by default the positions the model has.
            Where vLLM holds the model, what its ``max_model_len`` says.

    Returns:
        The function. Give the trainer :func:`~deepgym_env.integrations.trl.make_trl_episode_reward` as the
        reward. It generates with the trainer's own ``_tokenize_prompts`` and ``_generate_single_turn``, and so
        as TRL does with tools, by whichever backend the trainer uses.

    Raises:
        UnknownTaskError: If there is no task of an id.
        ConfigError: If two tasks have the same prompt; the function raises it of a prompt that is no task's.
    """
    episodes = Episodes(env, engine, max_turns)
    by_prompt: dict[str, AnyTask] = {}
    for task in episodes.tasks.values():
        other = by_prompt.setdefault(task.prompt.strip(), task)
        if other is not task:
            raise ConfigError(f"{other.id} and {task.id} have the same prompt, by which a rollout is told its task")
    return _RolloutFunc(episodes, by_prompt, max_length)


@dataclass
class _Rollout:
    """An episode and its tokens so far."""

    episode: LiveEpisode
    prompt_ids: list[int]
    completion_ids: list[int] = field(default_factory=list)
    mask: list[int] = field(default_factory=list)
    logprobs: list[float | None] = field(default_factory=list)
    said: str = ""
    complete: bool = False

    @property
    def ids(self) -> list[int]:
        return self.prompt_ids + self.completion_ids

    def add(self, ids: Sequence[int], logprobs: Sequence[float | None] | None, *, by_model: bool) -> None:
        self.completion_ids += ids
        self.mask += [int(by_model)] * len(ids)
        self.logprobs += [0.0] * len(ids) if logprobs is None else logprobs


class _RolloutFunc:
    """Plays the episodes of a batch in step."""

    def __init__(self, episodes: Episodes, by_prompt: Mapping[str, AnyTask], max_length: int | None) -> None:
        self._episodes, self._max_length = episodes, max_length
        self._by_prompt = dict(sorted(by_prompt.items(), key=lambda item: len(item[0]), reverse=True))

    def __call__(self, prompts: list[Any], trainer: Any) -> dict[str, Any]:
        """Return the tokens of an episode per prompt, their mask, and what each episode came to."""
        matched = [self._match(prompt) for prompt in prompts]
        begun = each(lambda pair: self._episodes.begin(pair[1]), matched)
        shown = [
            _rewritten(prompt, text, episode.observation)
            for prompt, (text, _), episode in zip(prompts, matched, begun, strict=True)
        ]
        prompt_ids = trainer._tokenize_prompts(shown)[0]
        rollouts = [_Rollout(episode, list(ids)) for episode, ids in zip(begun, prompt_ids, strict=True)]
        speech = _Speech(trainer, conversational=not isinstance(prompts[0], str))
        limit = self._max_length or trainer.model.config.get_text_config().max_position_embeddings
        going, scored = rollouts, True
        while going:
            scored = self._turn(going, trainer, speech, limit) and scored
            going = [one for one in going if not one.episode.over and _answered(one, trainer, speech, limit)]
        return {
            "prompt_ids": [one.prompt_ids for one in rollouts],
            "completion_ids": [one.completion_ids for one in rollouts],
            "logprobs": [one.logprobs for one in rollouts] if scored else None,
            "env_mask": [one.mask for one in rollouts],
            EPISODE: each(lambda one: conclude(one.episode), rollouts),
        }

    def _turn(self, going: Sequence[_Rollout], trainer: Any, speech: _Speech, limit: int) -> bool:
        """Let the model write and the environments answer; return whether the backend told probabilities."""
        ids, logprobs = trainer._generate_single_turn([one.ids for one in going], None, {}, num_generations=1)
        for number, one in enumerate(going):
            if (room := _room(one, trainer, limit)) < 1:
                raise ConfigError(f"a prompt of {len(one.prompt_ids)} tokens leaves the model no room to answer")
            wrote = list(ids[number][:room])
            one.add(wrote, None if logprobs is None else logprobs[number][:room], by_model=True)
            one.said, one.complete = speech.read(wrote)
        each(lambda one: one.episode.step(one.said), going)
        return logprobs is not None

    def _match(self, prompt: Any) -> tuple[str, AnyTask]:
        """Return the task of a prompt, and its text as it stands there."""
        text = last_said(prompt)
        if (task := self._by_prompt.get(text.strip())) is not None:
            return text.strip(), task
        for known, task in self._by_prompt.items():
            if known in text:
                return known, task
        raise ConfigError(
            f"a prompt holds the text of none of the tasks {', '.join(self._episodes.tasks)}, by which a rollout is "
            f"told its task: {text[:200]!r}"
        )


def _room(rollout: _Rollout, trainer: Any, limit: int) -> int:
    """Return how many tokens more fit in."""
    completion = len(rollout.completion_ids)
    return min(int(trainer.max_completion_length), limit - len(rollout.prompt_ids)) - completion


def _answered(rollout: _Rollout, trainer: Any, speech: _Speech, limit: int) -> bool:
    """Add what the environment said; False if it, or an answer to it, has no room."""
    ids = speech.observation(rollout.episode.observation, rollout.complete)
    if len(ids) >= _room(rollout, trainer, limit):
        return False
    rollout.add(ids, None, by_model=False)
    return True


class _Speech:
    """How the model's turns end and the environment's are put, in tokens.

    Conversations follow the chat template: what stands between an assistant's text and an observation, and
    after it, is read off a conversation with marks in their places. An observation is tokenized by itself and
    without special tokens, so that nothing a program prints can end the environment's turn.
    """

    def __init__(self, trainer: Any, *, conversational: bool) -> None:
        self._tokenizer = trainer._tokenizer
        self._ends = set(trainer.eos_token_ids)
        self._before = self._before_cut_off = self._after = self._ids("\n\n")
        if conversational:
            self._read_template(trainer)

    def read(self, ids: Sequence[int]) -> tuple[str, bool]:
        """Return what the model wrote, and whether it ended its turn itself."""
        ended = bool(ids) and ids[-1] in self._ends
        return str(self._tokenizer.decode(ids, skip_special_tokens=True)), ended

    def observation(self, text: str, complete: bool) -> list[int]:
        """Return the tokens from the end of the model's turn to the beginning of its next."""
        inner = self._tokenizer(text, add_special_tokens=False, split_special_tokens=True)["input_ids"]
        return [*(self._before if complete else self._before_cut_off), *inner, *self._after]

    def _read_template(self, trainer: Any) -> None:
        said = [("user", "?"), ("assistant", _ANSWER), ("user", _OBSERVATION)]
        text = trainer.processing_class.apply_chat_template(
            [{"role": role, "content": content} for role, content in said],
            add_generation_prompt=True,
            tokenize=False,
            chat_template=trainer.chat_template,
            **trainer.chat_template_kwargs,
        )
        between, mark, after = text.rpartition(_ANSWER)[2].partition(_OBSERVATION)
        if not mark:
            raise ConfigError("the chat template leaves out what a user says after an assistant: it can't be used here")
        self._before_cut_off = self._ids(between)
        ended = self._tokenizer.eos_token
        self._before = self._ids(between.partition(ended)[2] if ended in between else between)
        self._after = self._ids(after)

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer(text, add_special_tokens=False)["input_ids"])


def _rewritten(prompt: Any, text: str, observation: str) -> Any:
    """Return a prompt with the environment's first observation in the place of the task's text."""
    whole = last_said(prompt).replace(text, observation)
    return whole if isinstance(prompt, str) else [*prompt[:-1], {**prompt[-1], "content": whole}]
