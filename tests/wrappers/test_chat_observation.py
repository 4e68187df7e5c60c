from __future__ import annotations

import gymnasium as gym
import pytest

from deepgym_env.envs import UnicodeText
from deepgym_env.errors import ConfigError
from deepgym_env.wrappers import ChatObservation, ScalarReward


class Parrot(gym.Env):
    """Repeats what it is told."""

    observation_space = UnicodeText()
    action_space = UnicodeText()

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        return "Say something.", {}

    def step(self, action):
        return f"You said {action!r}.", 0.0, False, False, {}


def last_chat(env, *actions):
    chat, _ = env.reset(seed=0)
    for action in actions:
        chat, *_ = env.step(action)
    return chat


def contents(chat):
    return [message["content"] for message in chat]


def test_the_conversation_grows():
    env = ChatObservation(Parrot(), system="Be brief.")
    assert last_chat(env) == (
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Say something."},
    )
    assert last_chat(env, "a", "b")[2:] == (
        {"role": "assistant", "content": "a"},
        {"role": "user", "content": "You said 'a'."},
        {"role": "assistant", "content": "b"},
        {"role": "user", "content": "You said 'b'."},
    )


def test_a_reset_begins_anew():
    env = ChatObservation(Parrot())
    assert last_chat(env, "a", "b")[:1] == last_chat(env)


@pytest.mark.parametrize(
    ("action", "written"),
    [
        (
            {"name": "bash", "arguments": {"command": "ls"}},
            '<tool_call>\n{"name": "bash", "arguments": {"command": "ls"}}\n</tool_call>',
        ),
        (
            {"role": "assistant", "content": "Hm.", "tool_calls": [{"id": "1", "function": {"name": "é"}}]},
            'Hm.\n<tool_call>\n{"name": "é"}\n</tool_call>',
        ),
        (
            [{"name": "a"}, {"name": "b"}],
            '<tool_call>\n{"name": "a"}\n</tool_call>\n<tool_call>\n{"name": "b"}\n</tool_call>',
        ),
        ({"tool_calls": 5}, "<tool_call>\n5\n</tool_call>"),
        ({"content": None, "tool_calls": ["x"]}, '<tool_call>\n"x"\n</tool_call>'),
        ({1: {2}}, "<tool_call>\n{1: {2}}\n</tool_call>"),
        (None, "<tool_call>\nnull\n</tool_call>"),
    ],
    ids=str,
)
def test_tool_calls_are_shown_as_text_and_answered_by_the_tool(action, written):
    chat = last_chat(ChatObservation(Parrot()), action)
    assert chat[1] == {"role": "assistant", "content": written}
    assert chat[2]["role"] == "tool"


def test_a_limit_of_messages_keeps_the_prompt_and_whole_turns():
    for limit, shown in ((4, ["b"]), (5, ["b"]), (6, ["a", "b"]), (99, ["a", "b"])):
        chat = last_chat(ChatObservation(Parrot(), "Brief.", max_messages=limit), "a", "b")
        assert [message["role"] for message in chat] == ["system", "user"] + ["assistant", "user"] * len(shown)
        assert contents(chat)[2::2] == shown
        assert len(chat) <= limit


def test_a_limit_of_characters_keeps_the_prompt_and_the_latest_turn():
    prompt, turn = len("Say something."), len("aYou said 'a'.")
    for limit, shown in ((1, "b"), (prompt + 2 * turn - 1, "b"), (prompt + 2 * turn, "ab")):
        chat = last_chat(ChatObservation(Parrot(), max_chars=limit), "a", "b")
        assert contents(chat)[0] == "Say something."
        assert "".join(contents(chat)[1::2]) == shown


def test_a_long_turn_in_between_is_not_skipped_over():
    chat = last_chat(ChatObservation(Parrot(), max_chars=200), "a", "b" * 200, "c")
    assert contents(chat)[1::2] == ["c"]


def test_observations_are_in_the_space_and_fresh():
    env = ChatObservation(Parrot())
    env.reset(seed=0)
    chats = [env.step(action)[0] for action in ("a", {"name": "x"}, "\ud800")]
    assert all(chat in env.observation_space for chat in chats)
    chats[2][0]["content"] = "changed"
    assert env.step("b")[0][0]["content"] == "Say something."
    env.observation_space.seed(0)
    assert env.observation_space.sample() in env.observation_space


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_messages": 2}, "at least 3, got 2"),
        ({"max_messages": 3, "system": "s"}, "at least 4, got 3"),
        ({"max_messages": "4"}, "got '4'"),
        ({"max_chars": 0}, "at least 1, got 0"),
        ({"max_chars": 1.5}, "got 1.5"),
        ({"system": 3}, "system must be text or None, got 3"),
    ],
    ids=str,
)
def test_wrong_options_are_named(options, message):
    with pytest.raises(ConfigError, match=message):
        ChatObservation(Parrot(), **options)


def test_observations_that_are_no_text_are_refused():
    with pytest.raises(ConfigError, match="needs text to observe"):
        ChatObservation(gym.make("CartPole-v1"))
    with pytest.raises(ConfigError, match="needs text to observe"):
        ChatObservation(ChatObservation(Parrot()))


def test_a_real_task():
    env = ChatObservation(ScalarReward(gym.make("DeepGym/fizzbuzz")))
    task = env.unwrapped.task
    chat = last_chat(env, "no idea", task.reference)
    assert contents(chat)[:2] == [task.prompt, "no idea"]
    assert [message["role"] for message in chat] == ["user", "assistant", "user", "assistant", "user"]
    assert chat[-1]["content"] == f"All {len(task.tests)} tests passed."
    env.close()
