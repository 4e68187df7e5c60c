"""Names of files, and what a program may be: no sandbox needed."""

from __future__ import annotations

import pickle
from typing import get_args

import pydantic
import pytest

from deepgym_env import File, Program, ProgramLimits, ProgramResult
from deepgym_env.programs import LANGUAGES, ProgramTiming
from deepgym_env.task import LanguageName

MAIN = "static void main(String[] a) {}"


def named(code):
    names = Program(language="java", code=code).names()
    return names.source, names.main


def test_every_language_is_in_the_table():
    assert tuple(LANGUAGES) == get_args(LanguageName)


@pytest.mark.parametrize(
    ("code", "source", "main"),
    [
        (f"public class Foo {{ public {MAIN} }}", "Foo.java", "Foo"),
        (f"class A {{ }} public final class Foo {{ {MAIN} }}", "Foo.java", "Foo"),
        (f"class A {{ }} class B {{ {MAIN} }} class C {{ }}", "B.java", "B"),
        (f"class A {{ static class Inner {{ }} {MAIN} }}", "A.java", "A"),
        (f"package a.b; import java.util.*; public class Foo {{ {MAIN} }}", "Foo.java", "a.b.Foo"),
        (f"// public class No {{\n/* public class Nor */ public class Foo {{ {MAIN} }}", "Foo.java", "Foo"),
        (f"class A {{ String s = \"}} public class No {{\"; char c = '{{'; {MAIN} }}", "A.java", "A"),
        (f'class A {{ String s = """\n}} public class No {{ "quoted" """; {MAIN} }}', "A.java", "A"),
        (f"public record Foo(int x) {{ {MAIN} }}", "Foo.java", "Foo"),
        (f"enum E {{ X; public static class No {{ }} {MAIN} }}", "E.java", "E"),
        (f"interface I {{ {MAIN} }}", "I.java", "I"),
        ("class A { }", "Main.java", "Main"),
        ("", "Main.java", "Main"),
        (f"public class {'x' * 300} {{ {MAIN} }}", "Main.java", "Main"),
    ],
)
def test_java_is_named_as_its_class(code, source, main):
    assert named(code) == (source, main)


@pytest.mark.parametrize("piece", ["/*", '"""', "'", '"', "a ", "{", "public class ", '"\\', "class", "package ", "\n"])
def test_names_are_found_in_linear_time(piece):
    named(piece * ((1 << 20) // len(piece)))  # a quadratic search would meet the test's time limit


@pytest.mark.parametrize(
    ("code", "source"),
    [
        ('import fs from "fs";', "main.mjs"),
        ("import {readFileSync} from 'fs'", "main.mjs"),
        ("import * as fs from 'fs'", "main.mjs"),
        ("x = 1\n  export default x", "main.mjs"),
        ("const fs = require('fs')", "main.js"),
        ("/*\nimport data first\n*/\nconst fs = require('fs')", "main.js"),
        ("important = 3; exported = 4", "main.js"),
        ("import('fs').then(f => 0)", "main.js"),
    ],
)
def test_javascript_modules_are_named_so(code, source):
    assert Program(language="javascript", code=code).source == source


@pytest.mark.parametrize("path", ["/etc/x", "../x", "a/../../x", ".", "", "a\0b", "main.py", "./main.py"])
def test_a_file_lies_beside_the_source(path):
    with pytest.raises(pydantic.ValidationError, match="file"):
        Program(language="python", code="", files=(File(path, b""),))


def test_two_files_of_one_name_are_refused():
    with pytest.raises(pydantic.ValidationError, match="two files"):
        Program(language="python", code="", files=(File("a", b"1"), File("./a", b"2")))


@pytest.mark.parametrize(
    "fields",
    [
        {"language": "cobol"},
        {"args": ("a\0b",)},
        {"limits": {"cpu_seconds": 0}},
        {"limits": {"memory_mb": 1}},
        {"limits": {"output_bytes": 1}},
        {"colour": "red"},
    ],
)
def test_what_can_not_work_is_refused(fields):
    with pytest.raises(pydantic.ValidationError):
        Program(**{"language": "python", "code": "", **fields})


def test_programs_are_data():
    program = Program(
        language="c", code="int x;", args=("a",), files=(File("b", b"\xff"),), limits=ProgramLimits(memory_mb=99)
    )
    assert pickle.loads(pickle.dumps(program)) == program
    assert hash(program) == hash(program.model_copy())
    with pytest.raises(pydantic.ValidationError):
        program.code = ""


def test_results_are_equal_whatever_they_cost():
    result = ProgramResult(status="ok", stdout="1\n", exit_code=0)
    slow = result.model_copy(update={"timing": ProgramTiming(cpu_seconds=9.0)})
    assert result == slow
    assert result != result.model_copy(update={"stdout": "2\n"})
    assert ProgramResult.model_validate_json(slow.model_dump_json()) == result
