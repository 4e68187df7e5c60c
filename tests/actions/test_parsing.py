from __future__ import annotations

import enum
import json
import re
from collections import UserDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepgym_env.actions import ParsedAction, Tool, ToolCall, parse_action


def bash(command: str, timeout: int | None = None) -> None:
    """Run a command."""


def write_file(path: str, content: str) -> None:
    """Write a file."""


def list_files(path: str = ".") -> None:
    """List files."""


def run_tests() -> None:
    """Run the tests."""


def configure(table: dict[str, Any], names: list[str] = [], on: bool = False) -> None:  # noqa: B006
    """Configure."""


def submit(code: str = "") -> None:
    """Hand in."""


TOOLS = [
    Tool.from_function(function, skip=0) for function in (bash, write_file, list_files, run_tests, configure, submit)
]
FENCES = {"bash": ("bash", "command"), "sh": ("bash", "command"), "python": ("submit", "code"), "": ("submit", "code")}
LS = ToolCall("bash", {"command": "ls"})
PWD = ToolCall("bash", {"command": "pwd"})
FILE = "# Title\n```python\nx = 1\n```\n"


def parse(action: object) -> ParsedAction:
    return parse_action(action, TOOLS, fences=FENCES)


def hermes(call: Any) -> str:
    return f"<tool_call>\n{json.dumps(call)}\n</tool_call>"


@pytest.mark.parametrize(
    ("action", "calls"),
    [
        ({"name": "bash", "arguments": {"command": "ls"}}, [LS]),
        ({"name": "bash", "arguments": '{"command": "ls"}'}, [LS]),
        ({"name": "bash", "args": {"command": "ls"}}, [LS]),
        ({"name": "bash", "parameters": {"command": "ls"}}, [LS]),
        ({"tool": "bash", "input": {"command": "ls"}}, [LS]),
        ({"name": "bash", "arguments": {"command": "ls"}, "id": "7"}, [ToolCall("bash", {"command": "ls"}, "7")]),
        ({"name": "bash", "arguments": {"command": "ls"}, "id": 7}, [LS]),
        ({"type": "function", "name": "bash", "arguments": '{"command": "ls"}', "call_id": "c"},
         [ToolCall("bash", {"command": "ls"}, "c")]),
        ({"type": "tool_use", "id": "t", "name": "bash", "input": {"command": "ls"}},
         [ToolCall("bash", {"command": "ls"}, "t")]),
        ({"name": "run_tests"}, [ToolCall("run_tests", {})]),
        ({"name": "run_tests", "arguments": None}, [ToolCall("run_tests", {})]),
        ({"name": "run_tests", "arguments": ""}, [ToolCall("run_tests", {})]),
        ({"name": "bash", "arguments": {"command": "ls", "timeout": "5"}},
         [ToolCall("bash", {"command": "ls", "timeout": 5})]),
        (UserDict({"name": "bash", "arguments": UserDict({"command": "ls"})}), [LS]),
        ({"name": np.str_("bash"), "arguments": {"command": "ls", "timeout": np.float64(3)}},
         [ToolCall("bash", {"command": "ls", "timeout": 3})]),
        ({"tool_calls": [{"id": "1", "type": "function",
                          "function": {"name": "bash", "arguments": '{"command": "ls"}'}},
                         {"id": "2", "function": {"name": "run_tests", "arguments": "{}"}}]},
         [ToolCall("bash", {"command": "ls"}, "1"), ToolCall("run_tests", {}, "2")]),
        ({"role": "assistant", "content": None, "function_call": {"name": "bash", "arguments": '{"command": "ls"}'}},
         [LS]),
        ({"role": "assistant", "content": "<bash>ls</bash>", "tool_calls": None}, [LS]),
        ({"role": "assistant", "content": "<bash>ls</bash>", "tool_calls": []}, [LS]),
        ({"role": "assistant", "name": "bob", "content": "<bash>ls</bash>"}, [LS]),
        ({"role": "assistant", "content": [{"type": "thinking", "thinking": "<bash>no</bash>"},
                                           {"type": "text", "text": "I look."},
                                           {"type": "tool_use", "id": "t", "name": "bash",
                                            "input": {"command": "ls"}}]},
         [ToolCall("bash", {"command": "ls"}, "t")]),
        ({"role": "assistant", "content": [{"type": "text", "text": "<bash>ls</bash>"}]}, [LS]),
        ([{"name": "bash", "arguments": {"command": "ls"}}, {"tool": "bash", "args": {"command": "pwd"}}], [LS, PWD]),
        ([{"tool_calls": [{"name": "bash", "arguments": {"command": "ls"}}]}, {"content": "<bash>pwd</bash>"}],
         [LS, PWD]),
        ([{"role": "user", "content": "<bash>no</bash>"}, {"role": "assistant", "content": "<bash>no</bash>"},
          {"role": "assistant", "content": "<bash>ls</bash>"}, {"role": "tool", "content": "<bash>no</bash>"}], [LS]),
    ],
)  # fmt: skip
def test_dicts(action, calls):
    assert (parse(action).error, list(parse(action).calls)) == ("", calls)
    if not isinstance(action, UserDict):
        text = json.dumps(action)
        assert (parse(text).error, list(parse(f"\n {text}\n").calls)) == ("", calls)
        assert list(parse(f"<think>{{}}</think>\n{text}").calls) == calls
        assert list(parse(f"thought in the prompt's think</think>{text}").calls) == calls


@pytest.mark.parametrize(
    ("text", "calls", "around"),
    [
        # Hermes
        (hermes({"name": "bash", "arguments": {"command": "ls"}}), [LS], ""),
        ('<tool_call>{"name":"bash","arguments":{"command":"ls"}}</tool_call>', [LS], ""),
        ('a<tool_call>{"name":"bash","arguments":{"command":"ls"}}</tool_call>b'
         '<tool_call>{"name":"bash","arguments":{"command":"pwd"}}</tool_call>c', [LS, PWD], "abc"),
        ('<tool_call>\n{"name":"bash","arguments":{"command":"ls"}}', [LS], ""),
        ('<tool_call>\n{"name":"bash","arguments":{"command":"ls"}}\nDone.', [LS], "Done."),
        ('<tool_call>{"name":"bash","arguments":"{\\"command\\":\\"ls\\"}"}</tool_call>', [LS], ""),
        ('<tool_call>{"name":"bash","arguments":{"command":"a\nb"}}</tool_call>',
         [ToolCall("bash", {"command": "a\nb"})], ""),
        (hermes({"name": "write_file", "arguments": {"path": "a", "content": f"</tool_call><bash>{FILE}"}}),
         [ToolCall("write_file", {"path": "a", "content": f"</tool_call><bash>{FILE}"})], ""),
        # Qwen
        ("<function=bash><parameter=command>ls</parameter></function>", [LS], ""),
        ("<tool_call>\n<function=bash>\n<parameter=command>\nls\n</parameter>\n</function>\n</tool_call>", [LS], ""),
        ("<function=bash>\n<parameter=command>\nls\n</parameter>\n<parameter=timeout>\n5\n</parameter>\n</function>",
         [ToolCall("bash", {"command": "ls", "timeout": 5})], ""),
        ("<function=bash>\n<parameter=command>\nls\n</parameter>\n", [LS], ""),
        ("<function=run_tests>\n</function>", [ToolCall("run_tests", {})], ""),
        (f"<function=write_file><parameter=path>a</parameter><parameter=content>\n</parameter>{FILE}\n</parameter>"
         "</function>", [ToolCall("write_file", {"path": "a", "content": f"</parameter>{FILE}"})], ""),
        ('<function=configure><parameter=table>{"a": [1]}</parameter><parameter=on>True</parameter></function>',
         [ToolCall("configure", {"table": {"a": [1]}, "on": True})], ""),
        # tags
        ("<bash>ls</bash>", [LS], ""),
        ("First <bash>\nls\n</bash> then <bash>pwd</bash>.", [LS, PWD], "First  then ."),
        ("<bash><command>ls</command></bash>", [LS], ""),
        ("<bash>\n<command>ls</command>\n<timeout>5</timeout>\n</bash>",
         [ToolCall("bash", {"command": "ls", "timeout": 5})], ""),
        ("<tool_call><bash>ls</bash></tool_call>", [LS], ""),
        ("<bash>echo '<command>'</bash>", [ToolCall("bash", {"command": "echo '<command>'"})], ""),
        ("<bash>a && b &amp; c</bash>", [ToolCall("bash", {"command": "a && b &amp; c"})], ""),
        ("<bash>cat <<E\n```\nE\n</bash>", [ToolCall("bash", {"command": "cat <<E\n```\nE\n"})], ""),
        (f"<write_file><path>a</path><content>{FILE}</content></write_file>",
         [ToolCall("write_file", {"path": "a", "content": FILE})], ""),
        ("<write_file>\n<path>a</path>\n<content>\n<p></content></p>\n</content>\n</write_file>",
         [ToolCall("write_file", {"path": "a", "content": "<p></content></p>"})], ""),
        ("<run_tests/>", [ToolCall("run_tests", {})], ""),
        ("<run_tests></run_tests>", [ToolCall("run_tests", {})], ""),
        ("<list_files></list_files><list_files>src</list_files><list_files />",
         [ToolCall("list_files", {}), ToolCall("list_files", {"path": "src"}), ToolCall("list_files", {})], ""),
        ('<bash>ls</bash><tool_call>{"name":"bash","arguments":{"command":"pwd"}}</tool_call>', [LS, PWD], ""),
        ("Tags such as `<bash>`, `<tool_call>` or `<think>` are mentioned. <bash>ls</bash>", [LS],
         "Tags such as `<bash>`, `<tool_call>` or `<think>` are mentioned."),
        # fences
        ("Look:\n```bash\nls\n```\n", [ToolCall("bash", {"command": "ls\n"})], "Look:"),
        ("```SH\nls\n```\n~~~bash\npwd", [ToolCall("bash", {"command": "ls\n"}), ToolCall("bash", {"command": "pwd"})],
         ""),
        ("```python\nx = 1\n```\n```bash\nls\n```\n```\nx = 2\n```\n```json\n{}\n```",
         [ToolCall("bash", {"command": "ls\n"}), ToolCall("submit", {"code": "x = 2\n"})], "```json\n{}\n```"),
        ("```bash\necho '<bash>no</bash>' <tool_call>\n```",
         [ToolCall("bash", {"command": "echo '<bash>no</bash>' <tool_call>\n"})], ""),
        ("```bash\nno\n```\n<bash>ls</bash>", [LS], "```bash\nno\n```"),
        ("```xml\n<bash>no</bash>\n```\n<bash>ls</bash>", [LS], "```xml\n<bash>no</bash>\n```"),
        # thinking
        ("<think><bash>no</bash></think><bash>ls</bash>", [LS], ""),
        ("<think>```bash\nno\n```</think>```bash\nls\n```", [ToolCall("bash", {"command": "ls\n"})], ""),
        ("I think <bash>no</bash>\n</think>\n\nSo: <bash>ls</bash>", [LS], "So:"),
        ("<bash>ls</bash><think><bash>no</bash>", [LS], ""),
        ("<bash>echo '<think>'</bash>", [ToolCall("bash", {"command": "echo '<think>'"})], ""),
        ("```bash\necho '<think>'\n```", [ToolCall("bash", {"command": "echo '<think>'\n"})], ""),
    ],
)  # fmt: skip
def test_texts(text, calls, around):
    assert parse(text) == ParsedAction(tuple(calls), "", around)


def test_json_within_a_message_but_not_within_json():
    action = {"content": '{"name": "bash", "arguments": {"command": "ls"}}'}
    assert parse(action).calls == (LS,)
    assert parse(json.dumps(action)).calls == ()


def test_text_beside_native_calls():
    action = {
        "role": "assistant",
        "content": "<think>hm</think>\nI look.",
        "tool_calls": [{"id": "1", "function": {"name": "bash", "arguments": '{"command": "ls"}'}}],
    }
    assert parse(action).text == "I look."
    action = [{"type": "text", "text": "I look."}, {"type": "tool_use", "name": "bash", "input": {"command": "ls"}}]
    assert parse(action).text == "I look."


NOT_MADE = "No call was made: "
MALFORMED = [
    ({"name": "bsh", "arguments": {}}, "there is no tool 'bsh' (did you mean 'bash'?); the tools are bash, write_file"),
    ({"name": "q" * 999, "arguments": {}}, "there is no tool 'qqq"),
    ({"name": 5, "arguments": {}}, "the call needs the name of a tool in 'name', got 5"),
    ({"name": "bash", "tool": "bash"}, "the call has 'name' and 'tool', which mean the same"),
    ({"name": "bash", "args": {}, "input": {}}, "the call has 'args' and 'input', which mean the same"),
    ({"name": "bash", "argments": {"command": "ls"}}, "no 'arguments', but 'argments' (did you mean 'arguments'?)"),
    ({"name": "bash", "command": "ls"}, "the call has no 'arguments', but 'command'"),
    ({"name": "bash", "arguments": {"cmd": "ls"}}, "bash: it has no argument 'cmd' (did you mean 'command'?)"),
    ({"name": "bash", "arguments": {}}, "bash: the argument 'command' is missing"),
    ({"name": "bash", "arguments": {"command": 5}}, "the argument 'command' is wrong: Input should be a valid string"),
    ({"name": "bash", "arguments": ["ls"]}, "bash: its arguments must be an object, got a list"),
    ({"name": "bash", "arguments": '{"command": "ls}'}, "the arguments of bash: invalid JSON: Unterminated string"),
    ({"name": "bash", "arguments": '{"command": "ls"} x'}, "the arguments of bash: ' x' follows the JSON object"),
    ({"name": "bash", "arguments": "ls"}, "the arguments of bash: invalid JSON: Expecting value at character 0: 'ls'"),
    ({"name": "bash", "arguments": '["ls"]'}, "bash: its arguments must be an object, got a list"),
    ({"name": "bash", "arguments": '{"command": "a", "command": "b"}'}, "the key 'command' is given twice"),
    ({"name": "configure", "arguments": '{"table": {"a": NaN}}'}, "NaN is not a JSON value"),
    ({"name": "configure", "arguments": {"table": {"a": float("inf")}}}, "inf is not a JSON value"),
    ({"name": "configure", "arguments": {"table": {1: 2}}}, "the keys of an object must be strings, got 1"),
    ({"name": "configure", "arguments": {"table": {"a": 10**400}}}, "an integer may have 1,024 bits"),
    ({"name": "configure", "arguments": '{"table": {"a": ' + "9" * 9999 + "}}"}, "a number has too many digits"),
    ({"name": "bash", "arguments": {"command": b"ls"}}, "got a value of type bytes"),
    ({"tool_calls": {"name": "bash"}}, "'tool_calls' must be a list, got an object"),
    ({"tool_calls": ["bash"]}, "a tool call is an object, got 'bash'"),
    ({"tool_calls": [{"function": "bash"}]}, "'function' must be an object with 'name' and 'arguments', got 'bash'"),
    ({"role": "assistant", "content": 5}, "a dict with the keys 'role', 'content' is no tool call"),
    ({}, "a dict with the keys (none) is no tool call"),
    ([{"role": "user", "content": "<bash>ls</bash>"}], "there is no message of the assistant in the list"),
    ([{"name": "run_tests"}, "ls"], "a list of tool calls holds dicts, got 'ls'"),
    ([{"name": "run_tests"}, {"name": "bash"}], "call 2 of 2: bash: the argument 'command' is missing"),
    ([{"name": "run_tests"}] * 65, "an action may hold 64 calls; this one holds more"),
    (None, "an action is a text or a tool call as a dict, got null"),
    (5, "an action is a text or a tool call as a dict, got 5"),
    (b"ls", "expected text or JSON-like data (dict, list, str, int, ...), got a value of type bytes"),
    (object(), "got a value of type object"),
    (np.zeros(3), "got a value of type ndarray"),
    ("half an emoji: \ud83d", r"the text has half a character at 15: '\ud83d'"),
    ("<tool_call>{'name': 'bash'}</tool_call>", "in a <tool_call>, invalid JSON: Expecting property name"),
    ('<tool_call>{"name": "bash", "arguments": {"command": "ls"</tool_call>',
     "in a <tool_call>, invalid JSON: Expecting ',' delimiter at character 46: '</tool_call>'"),
    ('<tool_call>{"name": "bash", "argum', "invalid JSON: Unterminated string starting at character 17: '\"argum'"),
    ('<tool_call>{"name": "bash",', "invalid JSON: Expecting property name enclosed in double quotes at character 16,"),
    ('<tool_call>{"name": "bash"', "invalid JSON: Expecting ',' delimiter at character 15, where the text ends"),
    ('<tool_call>{"name": "bash"}}</tool_call>', "</tool_call> must follow the call, not '}</tool_call>'"),
    ('<tool_call>{"name": "run_tests"}<tool_call>{"name": "run_tests"}', "</tool_call> must follow the call"),
    ("<tool_call>ls</tool_call>", "<tool_call> must be followed by a JSON object, not by 'ls</tool_call>'"),
    ("<tool_call>", "<tool_call> must be followed by a JSON object, not by the end of the text"),
    ("<tool_call><tool_call>{}", "<tool_call> must be followed by a JSON object"),
    ("<tool_call>" + '{"a":' * 100_000, "JSON may be nested 64 deep"),
    ("<tool_call>" + '{"a":' * 100 + "0" + "}" * 100, "nested 64 deep; this one holds more"),
    ("<tool_call>{}</tool_call>", "the call needs the name of a tool in 'name', got null"),
    ("<bash>ls", "<bash> is not closed by </bash>"),
    ("<bash></bash><bash>ls", "<bash> is not closed by </bash>"),
    ("<bash/>", "bash: the argument 'command' is missing"),
    ("<write_file>text</write_file>",
     "write_file takes its arguments as <write_file><path>...</path><content>...</content></write_file>, not 'text'"),
    ("<write_file><path>a</path></write_file>", "write_file: the argument 'content' is missing"),
    ("<write_file><path>a</path><content>b", "the argument 'content' of 'write_file' is not closed by </content>"),
    ("<write_file><path>a</path>b</write_file>", "the argument 'path' of 'write_file' is not closed by </path>"),
    ("<write_file><path>a</path><path>b</path></write_file>", "'write_file' is given its argument 'path' twice"),
    ("<write_file><path>a</path><content>b</content><bash>ls</bash>",
     "the call of 'write_file' is not closed by </write_file>: '<bash>ls</bash>'"),
    ("<run_tests>all</run_tests>", "run_tests takes its arguments as <run_tests></run_tests>, not 'all'"),
    ("<function=bash>", "the call of 'bash' is not closed by </function>: the end of the text"),
    ("<function=bash>ls</function>", "the call of 'bash' is not closed by </function>: 'ls</function>'"),
    ("<function=bash><parameter=command>ls</function>", "the argument 'command' of 'bash' is not closed"),
    ("<function=bsh><parameter=command>ls</parameter></function>", "there is no tool 'bsh' (did you mean 'bash'?)"),
    ("<run_tests/>" * 65, "an action may hold 64 calls"),
    ("```bash\nls\n```\n" * 65, "an action may hold 64 calls"),
    ("```\n" * 30_000, "a text may hold 10,000 fenced blocks"),
    ("<bash>ls</bash><bash>pwd</bash><tool_call>", "<tool_call> must be followed by a JSON object"),
    ('{"name": "bsh", "arguments": {}}', "there is no tool 'bsh'"),
]  # fmt: skip


@pytest.mark.parametrize(("action", "message"), MALFORMED, ids=[message[:40] for _, message in MALFORMED])
def test_a_malformed_action_is_refused_as_a_whole_and_teaches(action, message):
    parsed = parse(action)
    assert parsed.calls == ()
    assert parsed.error.startswith(NOT_MADE)
    assert message in parsed.error
    assert parsed.attempted
    assert "\nSchema of " in parsed.error or "<tool_call>\n{" in parsed.error
    assert len(parsed.error) < 1500
    parsed.error.encode()


@pytest.mark.parametrize(
    ("action", "message"),
    [
        ("I don't know.", "No tool call was found. The tools are bash, write_file"),
        ("", "No tool call was found."),
        ([], "No tool call was found."),
        ({"role": "assistant", "content": None}, "No tool call was found."),
        ({"role": "assistant", "content": ""}, "No tool call was found."),
        ("<bsh>ls</bsh>", "There is no tool 'bsh' (did you mean 'bash'?)."),
        ("```xml\n<tool_call>{}</tool_call>\n```", "A call in a fenced block is taken as text"),
        ('```json\n{"name": "bash"}\n```', "A call in a fenced block is taken as text"),
        ("<think>So <bash>ls</bash>", "The text ends within <think>: close it by </think>"),
        ('{"name": "bash", "arguments": {"command": "ls}}', "If it is meant as JSON: invalid JSON: Unterminated"),
        ("[1, 2]", "No tool call was found."),
        ('{"a": 1}', "No tool call was found."),
        ("{x for x in y}", "If it is meant as JSON: invalid JSON: Expecting property name"),
        ("[" * 100_000, "No tool call was found."),
        ("<br/><BASH>ls</BASH><bash command='ls'/>", "No tool call was found."),
    ],
)
def test_an_action_without_calls_teaches(action, message):
    parsed = parse(action)
    assert (parsed.calls, parsed.attempted) == ((), False)
    assert parsed.error.startswith("No tool call was found.")
    assert message in parsed.error
    assert parsed.error.endswith("Fenced blocks in bash, sh, python are calls too.")


def test_a_refusal_shows_how_the_tool_meant_is_called():
    for action in ({"name": "write_fil"}, "<write_file>a", '<tool_call>{"name": "write_file", "arguments": {"path"'):
        assert parse(action).error.endswith(
            "\nSchema of write_file: " + json.dumps(TOOLS[1].parameters) + "\nCall it like this:\n<tool_call>\n"
            '{"name": "write_file", "arguments": {"path": "...", "content": "..."}}\n</tool_call>'
        )


def test_without_tools_and_fences():
    assert parse_action("<bash>ls</bash>", []).error == "No tool call was found.\nThere are no tools."
    assert parse_action({"name": "bash"}, []).error == (
        "No call was made: there is no tool 'bash'; there are no tools.\nThere are no tools."
    )
    assert parse_action("```bash\nls\n```", TOOLS) == ParsedAction(
        (), parse_action("", TOOLS).error, "```bash\nls\n```", attempted=False
    )


def test_a_fence_that_stands_for_no_tool_is_told():
    assert "there is no tool 'nothing'" in parse_action("```sh\nls\n```", TOOLS, fences={"sh": ("nothing", "x")}).error


class Hostile(dict[str, Any]):
    def items(self):
        raise KeyboardInterrupt if self.get("interrupt") else RuntimeError("no")


class Colour(str, enum.Enum):
    RED = "<bash>ls</bash>"


def test_foreign_objects():
    assert parse(Hostile(a=1)).error.startswith("No call was made: the action can't be read: RuntimeError")
    assert parse(Colour.RED).calls == (LS,)
    circle: list[Any] = []
    circle.append(circle)
    assert "nested 64 deep" in parse(circle).error
    bomb: Any = "x"
    for _ in range(60):
        bomb = [bomb] * 10
    assert "may hold 1,000,000 values" in parse(bomb).error
    assert "may hold 16,777,216 characters" in parse("x" * (1 << 24) + "x").error
    assert "may hold 16,777,216 characters" in parse([{"content": "x" * (1 << 20)}] * 17).error


def test_an_action_is_copied():
    action = {"name": "configure", "arguments": {"table": {"a": [1]}}}
    parsed = parse(action)
    parsed.calls[0].arguments["table"]["a"].append(2)
    assert action["arguments"]["table"] == {"a": [1]}


# Round trips: calls written down in every format come back as they were.

PIECES = ["```", "\n```bash\n", "~~~", "<tool_call>", "</tool_call>", "<think>", "</think>", "<bash>", "</bash>", "\n"]
PIECES += [
    "</parameter>",
    "<parameter=command>",
    "</function>",
    "<path>",
    "</content>",
    "</write_file>",
    '"',
    "\\",
    " ",
]
PIECES += ["{", "}", '{"name": "bash"}', "<", "&lt;", "`", "\r\n", "\u2028", "\x00", "é", "😀"]
TEXT = st.lists(st.sampled_from(PIECES) | st.text(max_size=5), max_size=8).map("".join)
NUMBER = st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(2**70), 2**70)
DATA = st.recursive(st.none() | st.booleans() | NUMBER | TEXT, lambda inner: st.lists(inner, max_size=3), max_leaves=5)


def arguments(required: dict[str, Any], optional: dict[str, Any] | None = None) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(required, optional=optional)


CALL = st.one_of(
    st.tuples(st.just("bash"), arguments({"command": TEXT}, {"timeout": st.integers(0, 99)})),
    st.tuples(st.just("write_file"), arguments({"path": TEXT, "content": TEXT})),
    st.tuples(st.just("list_files"), arguments({}, {"path": TEXT})),
    st.tuples(st.just("run_tests"), arguments({})),
    st.tuples(
        st.just("configure"),
        arguments({"table": st.dictionaries(TEXT, DATA, max_size=3)}, {"names": st.lists(TEXT, max_size=3)}),
    ),
)
CALLS = st.lists(CALL.map(lambda pair: ToolCall(*pair)), min_size=1, max_size=4)
WORDS = st.sampled_from(
    ["", "Some words.", "\n```xml\n<bash>no</bash>\n```\n", "<think><bash>no</bash></think>", "\n", "`<bash>`", " < "]
)


def raw(value: Any) -> str:
    return f"\n{value if isinstance(value, str) else json.dumps(value)}\n"


def qwen(call: ToolCall) -> str:
    inner = "".join(f"<parameter={key}>{raw(value)}</parameter>\n" for key, value in call.arguments.items())
    return f"<function={call.name}>\n{inner}</function>"


def tags(call: ToolCall) -> str:
    inner = "".join(f"<{key}>{raw(value)}</{key}>\n" for key, value in call.arguments.items())
    return f"<{call.name}>\n{inner}</{call.name}>"


def as_dict(call: ToolCall) -> dict[str, Any]:
    return {"name": call.name, "arguments": call.arguments}


def native(call: ToolCall) -> dict[str, Any]:
    return {"type": "function", "function": {"name": call.name, "arguments": json.dumps(call.arguments)}}


EXPLICIT = [lambda call: hermes(as_dict(call)), qwen, lambda call: f"<tool_call>{qwen(call)}</tool_call>", tags]
# The one thing tags can't hold: their own closing tag, followed by another tag of the call.
CLOSING = re.compile(r"</(?:parameter|\w+)>\s*(?:</|<parameter=|<function=|<\w+>)")


@given(CALLS, st.data())
def test_explicit_calls_come_back(calls, data):
    text = data.draw(WORDS)
    for call in calls:
        holds_closing = any(CLOSING.search(raw(value)) for value in call.arguments.values())
        written = data.draw(st.sampled_from(EXPLICIT[:1] if holds_closing else EXPLICIT))(call)
        text += written + data.draw(WORDS)
    assert (parse(text).error, parse(text).calls) == ("", tuple(calls))


@given(CALLS)
def test_dicts_come_back(calls):
    whole = {"role": "assistant", "content": "<bash>no</bash>", "tool_calls": [native(call) for call in calls]}
    parts = [{"type": "tool_use", "name": call.name, "input": call.arguments} for call in calls]
    for action in (whole, parts, [as_dict(call) for call in calls], [{"role": "user", "content": "?"}, whole]):
        assert (parse(action).error, parse(action).calls) == ("", tuple(calls))
        assert (parse(json.dumps(action)).error, parse(json.dumps(action)).calls) == ("", tuple(calls))
    for call in calls:
        assert parse({"function_call": native(call)["function"]}).calls == (call,)


@given(TEXT.filter(lambda text: "</bash>" not in text and not text.strip().startswith("<command>")))
def test_the_content_of_a_tag_comes_back(command):
    assert parse(f"<bash>{raw(command)}</bash>").calls == (ToolCall("bash", {"command": command}),)


@given(TEXT)
def test_fenced_blocks_come_back(command):
    longest = max(map(len, re.findall("`+", command)), default=0)
    fence = "`" * max(3, longest + 1)
    assert parse(f"Words.\n{fence}sh\n{command}\n{fence}\n").calls == (ToolCall("bash", {"command": f"{command}\n"}),)


# Total: whatever the action, the same answer twice, and never an exception.

FRAGMENTS = ["<function=bash>", "<function=", "<write_file>", "</command>", "<command>", "<run_tests/>", "<tool_call>{"]
FRAGMENTS += [
    '{"name": "bash", "arguments": {"command": "ls"}}',
    "```python\n",
    "[",
    "]",
    ",",
    ":",
    "NaN",
    "\ud800",
    "    ",
]
FRAGMENT = st.sampled_from(PIECES + FRAGMENTS)
ANY_TEXT = st.text(st.characters()) | st.lists(FRAGMENT | st.text(max_size=3), max_size=30).map("".join)
KEYS = st.sampled_from(
    ["name", "tool", "arguments", "args", "input", "function", "tool_calls", "function_call", "content", "role"]
) | st.sampled_from(["type", "text", "id", "command", "path"])
VALUE_TEXT = ANY_TEXT | st.sampled_from([tool.name for tool in TOOLS] + ["assistant", "text", "tool_use", "thinking"])
ANY_VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | VALUE_TEXT | st.binary(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS | st.text() | st.integers(), inner, max_size=4),
    max_leaves=12,
)


def check_invariants(parsed: ParsedAction) -> None:
    assert bool(parsed.error) != bool(parsed.calls)
    assert all(call.name in {tool.name for tool in TOOLS} for call in parsed.calls)
    for call in parsed.calls:
        tool = next(tool for tool in TOOLS if tool.name == call.name)
        assert tool.check(call.arguments) == call.arguments
    json.dumps([call.arguments for call in parsed.calls], allow_nan=False).encode()
    (parsed.error + parsed.text).encode()


@given(ANY_TEXT)
def test_any_text_is_parsed(text):
    check_invariants(parse(text))
    assert parse(text) == parse(text)


@given(ANY_VALUE)
def test_any_value_is_parsed(value):
    check_invariants(parse(value))
    assert parse(value) == parse(value)


HOSTILE = [
    "<tool_call>",
    "</tool_call>",
    "<think>",
    "</think>",
    "<think></think>",
    "</think>``` x",
    "```",
    "```\n",
    "`",
]
HOSTILE += [
    "```a`\n",
    "<bash>",
    "<bash",
    "<bash\n",
    "`<bash>`",
    "`<",
    "<bash></bash>",
    "<function=",
    "<function=a>",
    "{",
]
HOSTILE += [
    "</parameter> ",
    "[",
    '{"name":',
    "</content>\n",
    " ",
    "\n",
    "<write_file><path>",
    "~~~\n",
    "~~~~",
    "\\",
    '"',
]


@pytest.mark.parametrize("piece", HOSTILE)
@pytest.mark.parametrize("before", ["", "<function=bash><parameter=command>", "<write_file><content>", '<tool_call>{"'])
def test_hostile_text_costs_linear_time(before, piece):
    check_invariants(parse(before + piece * (100_000 // len(piece))))  # quadratic time would be felt
