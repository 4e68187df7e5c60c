from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepgym_env.extraction import extract_code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        # no fence: all of it is code
        ("x = 1", "x = 1"),
        ("x = 1\n", "x = 1\n"),
        ("", ""),
        (" \n\t ", ""),
        ("`x = 1`", "`x = 1`"),
        ("a = '``'\nb = '~~'", "a = '``'\nb = '~~'"),
        # one block
        ("```python\nx = 1\n```", "x = 1\n"),
        ("```py\nx = 1\n```", "x = 1\n"),
        ("```Python\nx = 1\n```", "x = 1\n"),
        ("```\nx = 1\n```", "x = 1\n"),
        ("~~~python\nx = 1\n~~~", "x = 1\n"),
        ("``` python\nx = 1\n```", "x = 1\n"),
        ("```python title=solution.py\nx = 1\n```", "x = 1\n"),
        ("text\n```python\nx = 1\n```\ntext", "x = 1\n"),
        ("  ```python\nx = 1\n  ```", "x = 1\n"),
        ("```python\n\n  x\n\n```", "\n  x\n\n"),
        ("```python\n```", ""),
        # the last one counts, Python before others
        ("```python\nx = 1\n```\n```python\nx = 2\n```", "x = 2\n"),
        ("```python\nx = 1\n```\n```bash\nls\n```", "x = 1\n"),
        ("```json\n{}\n```\n```\nx = 2\n```\n```sh\nls\n```", "x = 2\n"),
        ("```bash\nls\n```", "ls\n"),
        # never closed: up to the end
        ("```python\nx = 1", "x = 1"),
        ("```python", ""),
        ("```python\nx = 1\n```\nand\n```python\nx = 2", "x = 2"),
        # fences pair as in CommonMark
        ("````python\nx = '''\n```\n'''\n````", "x = '''\n```\n'''\n"),
        ("~~~python\n```\nx\n```\n~~~", "```\nx\n```\n"),
        ("```python\nx = 1\n`````", "x = 1\n"),
        ("```python\n```python\nx = 1\n```", "```python\nx = 1\n"),
        ("```python\nx = 1\n``` no closing fence\n```", "x = 1\n``` no closing fence\n"),
    ],
)
def test_extraction(text, code):
    assert extract_code(text) == code


@pytest.mark.parametrize("newline", ["\r\n", "\n"])
def test_line_ends_of_any_kind(newline):
    text = newline.join(["Here:", "```python", "def f(x):", "    return x", "```", "Done."])
    namespace: dict[str, object] = {}
    exec(extract_code(text), namespace)
    assert "f" in namespace


@given(st.text())
def test_any_text_gives_text(text):
    assert isinstance(extract_code(text), str)


@given(st.text(st.characters(exclude_characters="`~\r"), min_size=1))
def test_a_fenced_block_is_found_whatever_it_holds(code):
    assert extract_code(f"Some words.\n\n```python\n{code}\n```\nMore words.") == (f"{code}\n" if code.strip() else "")


@pytest.mark.parametrize("text", ["`" * 200_000, "```a" * 50_000, "```\n" * 50_000, " " * 200_000, "~~~`\n" * 50_000])
def test_hostile_text_costs_linear_time(text):
    began = time.process_time()
    extract_code(text)
    assert time.process_time() - began < 10  # quadratic time is minutes
