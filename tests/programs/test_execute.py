"""Programs in every language: what they read, write and leave behind, and how they end."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib

import pytest

from deepgym_env import AsyncDeepGym, DeepGym, File, Program, ProgramLimits
from deepgym_env.errors import ClosedError, ConfigError, LanguageError, RefusedError
from deepgym_env.programs import LANGUAGES

# Prints its first argument, what it reads, and a file that lies beside it; exits with 3 on request.
GREETINGS = {
    "python": """
import sys
print(sys.argv[1], input(), open("data/a.txt").read())
sys.exit(3 if sys.argv[1] == "fail" else 0)
""",
    "bash": 'read -r line; echo "$1 $line $(cat data/a.txt)"; [ "$1" != fail ] || exit 3',
    "c": """#include <stdio.h>
        #include <string.h>
        #include <math.h>
        int main(int n, char **args) {
            char line[99], text[99];
            fgets(line, 99, stdin); line[strcspn(line, "\\n")] = 0;
            fgets(text, 99, fopen("data/a.txt", "r"));
            printf("%s %s %s\\n", args[1], line, text);
            return (int)sqrt(9.0 * n / n) * !strcmp(args[1], "fail");
        }""",
    "cpp": """#include <fstream>
        #include <iostream>
        #include <optional>
        #include <string>
        int main(int n, char **args) {
            std::string line, text;
            std::getline(std::cin, line);
            std::ifstream file("data/a.txt"); std::getline(file, text);
            std::cout << args[1] << ' ' << line << ' ' << text << std::endl;
            return std::optional<int>(3).value() * (std::string(args[1]) == "fail");
        }""",
    "javascript": """const fs = require("fs");
        const word = process.argv[2];
        console.log(word, fs.readFileSync(0, "utf8").trim(), fs.readFileSync("data/a.txt", "utf8"));
        if (word == "fail") process.exitCode = 3;""",
    "java": """import java.nio.file.*;
        import java.util.*;
        public class Greeting {
            public static void main(String[] args) throws Exception {
                String line = new Scanner(System.in).nextLine();
                System.out.println(args[0] + " " + line + " " + Files.readString(Path.of("data/a.txt")));
                if (args[0].equals("fail")) System.exit(3);
            }
        }""",
    "rust": """use std::{env, fs, io, process};
        fn main() {
            let word = env::args().nth(1).unwrap();
            let mut line = String::new();
            io::stdin().read_line(&mut line).unwrap();
            println!("{} {} {}", word, line.trim(), fs::read_to_string("data/a.txt").unwrap());
            if word == "fail" { process::exit(3) }
        }""",
    "go": """package main
        import ("bufio"; "fmt"; "os")
        func main() {
            line := bufio.NewScanner(os.Stdin)
            line.Scan()
            text, _ := os.ReadFile("data/a.txt")
            fmt.Println(os.Args[1], line.Text(), string(text))
            if os.Args[1] == "fail" { os.Exit(3) }
        }""",
}
BROKEN = {
    "python": "def f(:",
    "bash": "if then",
    "c": "int main(void) { return missing(); }",
    "cpp": "int main() { return missing(); }",
    "javascript": "let x = 3 3;",
    "java": "class Main { int x = true; }",
    "rust": "fn main() { missing(); }",
    "go": "package main\nfunc main() { missing() }",
}
CRASHES = {
    "python": ("import os; os.kill(os.getpid(), 11)", "SIGSEGV"),
    "bash": ("kill -TERM $$", "SIGTERM"),
    "c": ("int main(void) { volatile int *p = 0; return *p; }", "SIGSEGV"),
    "cpp": ("#include <stdexcept>\nint main() { throw std::runtime_error("
            '"no"); }', "SIGABRT"),
    "javascript": ("process.abort()", "SIGABRT"),
    "java": ('class M { public static void main(String[] a) throws Exception { new ProcessBuilder("kill", "-9", '
             '"" + ProcessHandle.current().pid()).start().waitFor(); } }', "SIGKILL"),
    "rust": ("fn main() { std::process::abort() }", "SIGABRT"),
    "go": ('package main\nimport "syscall"\nfunc main() { syscall.Kill(syscall.Getpid(), syscall.SIGKILL); select {} }',
           "SIGKILL"),
}  # fmt: skip
ALL = list(LANGUAGES)
COUNT = Program(language="python", code="import sys; print(sum(map(int, sys.stdin)))")


@pytest.mark.parametrize("language", ALL)
def test_input_files_arguments_and_exit_codes(execute, language):
    files = (File("data/a.txt", b"beside"),)
    code = GREETINGS[language]
    good = execute(language, code, b"two words\n", files=files, args=("a b; $c",))
    assert (good.status, good.stdout, good.stderr) == ("ok", "a b; $c two words beside\n", "")
    assert (good.exit_code, good.signal, good.truncated, good.details) == (0, None, False, "")
    assert good.ok
    bad = execute(language, code, b"two words\n", files=files, args=("fail",))
    assert (bad.status, bad.stdout, bad.exit_code) == ("exception", "fail two words beside\n", 3)
    assert (bad.details, bad.ok) == ("exit code 3", False)


@pytest.mark.parametrize("language", ALL)
def test_what_does_not_compile(execute, language):
    first = execute(language, BROKEN[language])
    assert first.status == "syntax_error"
    assert first.compile_output
    assert (first.stdout, first.stderr, first.exit_code, first.details) == ("", "", None, "it does not compile")
    assert execute(language, BROKEN[language]) == first  # what the compiler says names no temporary file


@pytest.mark.parametrize("language", ALL)
def test_a_signal_is_a_crash(execute, language):
    code, name = CRASHES[language]
    result = execute(language, code)
    assert (result.status, result.details, result.exit_code) == ("crashed", f"ended by {name}", None)


def test_a_linker_says_the_same_every_time(execute):
    code = "int missing(void);\nint main(void) { return missing(); }"
    first = execute("c", code)
    assert first.status == "syntax_error"
    assert "undefined reference" in first.compile_output
    assert execute("c", code) == first


def test_warnings_are_shown_and_do_no_harm(execute):
    result = execute("c", '#warning "careful"\nint main(void) { return 0; }')
    assert result.status == "ok"
    assert "careful" in result.compile_output


def test_streams_are_kept_apart(execute):
    result = execute("python", "import sys; print('out'); print('err', file=sys.stderr); print('more')")
    assert (result.stdout, result.stderr) == ("out\nmore\n", "err\n")


def test_an_exit_code_like_a_signal_is_no_crash(execute):
    result = execute("bash", "exit 139")
    assert (result.status, result.exit_code, result.signal) == ("exception", 139, None)


def test_no_input_is_empty_input(execute):
    assert execute("bash", "cat; echo end").stdout == "end\n"


def test_input_may_be_any_bytes_and_opened_by_name(execute):
    data = bytes(range(256)) * 4096
    code = "import hashlib; print(hashlib.sha256(open('/dev/stdin', 'rb').read()).hexdigest())"
    assert execute("python", code, data).stdout.strip() == hashlib.sha256(data).hexdigest()


def test_output_that_is_no_text(execute):
    assert execute("bash", r"printf 'a\377b\0c'").stdout == "a\ufffdb\0c"


def test_code_that_is_no_text_does_not_compile(execute):
    assert execute("python", "x = '\ud800'").status == "syntax_error"
    assert execute("python", "x = 1\0").status == "syntax_error"


def test_javascript_modules(execute):
    code = 'import { readFileSync } from "fs";\nconsole.log(await Promise.resolve(readFileSync(0, "utf8")));'
    assert execute("javascript", code, b"hi").stdout == "hi\n"


def test_headers_and_modules_beside_the_source(execute):
    header = (File("answer.h", b"#define ANSWER 42\n"),)
    code = '#include <stdio.h>\n#include "answer.h"\nint main(void) { printf("%d", ANSWER); }'
    assert execute("c", code, files=header).stdout == "42"
    module = (File("answer.py", b"ANSWER = 42\n"),)
    assert execute("python", "from answer import ANSWER; print(ANSWER)", files=module).stdout == "42\n"


def test_gnu_extensions_and_all_of_the_standard_library(execute):
    code = """#include <bits/stdc++.h>
        using namespace std;
        int main() { __int128 x = 1; x <<= 100; cout << (int)(x >> 99); }"""
    assert execute("cpp", code).stdout == "2"


def test_java_random_numbers_and_packages(execute):
    code = """package some.where;
        import java.security.*;
        class Dice {
            public static void main(String[] args) throws Exception {
                int rolled = new SecureRandom().nextInt(6);
                System.out.println(0 <= rolled && MessageDigest.getInstance("SHA-256").getDigestLength() == 32);
            }
        }"""
    assert execute("java", code).stdout == "true\n"


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "import sys\nsys.setrecursionlimit(10**6)\ndef f(n): return n and f(n - 1) + 1\nprint(f(100000))"),
        ("javascript", "const f = n => n && f(n - 1) + 1; console.log(f(100000))"),
        ("java", "class M { static int f(int n) { return n == 0 ? 0 : f(n - 1) + 1; }"
                 " public static void main(String[] a) { System.out.println(f(100000)); } }"),
        ("cpp", "#include <cstdio>\nint f(int n) { volatile char frame[400]; frame[n % 400] = 0;"
                " return n ? f(n - 1) + 1 + frame[n % 400] : 0; }\nint main() { printf(\"%d\\n\", f(100000)); }"),
    ],
)  # fmt: skip
def test_deep_recursion(execute, language, code):
    result = execute(language, code)
    assert (result.status, result.stdout) == ("ok", "100000\n")


# ── many inputs ──────────────────────────────────────────────────────────────────────────────


def test_many_inputs_in_order(own):
    stdins = [f"{number}\n1\n".encode() for number in range(12)]
    results = own.execute_many(COUNT, stdins, max_parallel=4)
    assert [result.stdout for result in results] == [f"{number + 1}\n" for number in range(12)]
    assert own.execute_many(COUNT, stdins, max_parallel=1) == results
    assert own.execute_many(COUNT, []) == ()
    assert len({result.timing.compile_cpu_seconds for result in results}) == 1  # compiled once for all


def test_what_does_not_compile_runs_on_no_input(own):
    results = own.execute_many(Program(language="python", code="("), [b"1", b"2"])
    assert [result.status for result in results] == ["syntax_error", "syntax_error"]


def test_every_run_begins_with_what_the_compiler_left(own, needs):
    needs("c")
    code = """#include <stdlib.h>
        int main(void) {
            return system("ls -A . /tmp; ls -l main | cut -c1-10; touch mine /tmp/mine; rm main main.c");
        }"""
    first, *others = own.execute_many(Program(language="c", code=code), [b""] * 4)
    assert first.stdout.split() == [".:", "main", "main.c", "/tmp:", "-rwxr-xr-x"]
    assert others == [first] * 3


def test_one_run_does_not_see_another(own):
    code = """
import os, sys, time
open("/workspace/here", "w").close(); open("/tmp/there", "w").close()
time.sleep(0.3)
print(sorted(os.listdir("/workspace")), os.listdir("/tmp"))
print(sum(name.isdigit() for name in os.listdir("/proc")) <= 2)
"""
    results = own.execute_many(Program(language="python", code=code), [b""] * 4, max_parallel=4)
    assert [result.stdout for result in results] == ["['here', 'main.py'] ['there']\nTrue\n"] * 4


def test_engines_run_programs_at_the_same_time(own):
    async def many(engine):
        programs = [Program(language="bash", code=f"cat; echo {number}") for number in range(6)]
        return await asyncio.gather(*(engine.execute_many(program, [b"a", b"b"]) for program in programs))

    found = own.call(many)
    assert [[result.stdout for result in results] for results in found] == [
        [f"a{number}\n", f"b{number}\n"] for number in range(6)
    ]


def test_no_session_is_left(own):
    own.execute_many(COUNT, [b"1"] * 3)
    own.execute(Program(language="python", code="("))

    async def sessions(engine):
        return len(engine._executor.fleet._host._sessions)

    assert own.call(sessions) == 0


def test_cancelled_runs_leave_nothing(own):
    async def cancel(engine):
        program = Program(language="bash", code="sleep 30", limits=ProgramLimits(wall_seconds=60))
        work = asyncio.ensure_future(engine.execute_many(program, [b""] * 4))
        while (
            engine._executor.fleet._programs._seats._value == engine.workers * 2
            or len(engine._executor.fleet._host._sessions) < 2
        ):
            await asyncio.sleep(0.02)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        return len(
            engine._executor.fleet._host._sessions
        ), engine._executor.fleet._programs._seats._value == engine.workers * 2

    assert own.call(cancel) == (0, True)
    assert own.execute(COUNT, b"1\n").stdout == "1\n"


# ── what can go wrong around a program ───────────────────────────────────────────────────────


def test_languages_are_asked_of_the_sandbox(own):
    languages = own.languages()
    assert list(languages) == ALL
    assert languages["python"].startswith("Python 3")
    assert languages["bash"].startswith("GNU bash")


def test_a_language_that_is_not_there_is_an_error_that_says_so(own, monkeypatch):
    missing = dataclasses.replace(LANGUAGES["rust"], probe="no-such-compiler --version")
    monkeypatch.setitem(LANGUAGES, "rust", missing)
    with DeepGym(workers=1) as engine:
        assert engine.languages()["rust"] is None
        with pytest.raises(LanguageError, match=r"'rust'.*no-such-compiler.*rustc"):
            engine.execute(Program(language="rust", code=""))


@pytest.mark.parametrize("stdin", ["text", None, 3])
def test_input_must_be_bytes(own, stdin):
    with pytest.raises(ConfigError, match="stdin"):
        own.execute(COUNT, stdin)


def test_inputs_must_be_several(own):
    with pytest.raises(ConfigError, match="execute"):
        own.execute_many(COUNT, b"abc")
    with pytest.raises(ConfigError, match="max_parallel"):
        own.execute_many(COUNT, [b"1"], max_parallel=0)


def test_code_that_is_too_long_is_not_run(own):
    result = own.execute(Program(language="bash", code="#" * ((1 << 20) + 1)))
    assert result.status == "output_limit"
    assert "1048576" in result.details


def test_files_that_do_not_fit_are_refused(own):
    files = (File("large", bytes(40 << 20)),)
    with pytest.raises(RefusedError, match="space"):
        own.execute(Program(language="bash", code="", files=files, limits=ProgramLimits(disk_mb=1)))


def test_a_closed_engine_runs_nothing():
    engine = DeepGym(workers=1)
    engine.close()
    with pytest.raises(ClosedError):
        engine.execute(COUNT)


async def _killed_while_it_runs(retries, times):
    """Run four inputs; kill the runner ``times`` times while they sleep."""
    async with AsyncDeepGym(workers=1, retries=retries) as engine:
        program = Program(language="bash", code="sleep 1; cat", limits=ProgramLimits(wall_seconds=30))
        await engine.execute(COUNT)  # a runner is there
        work = asyncio.ensure_future(engine.execute_many(program, [b"a", b"b", b"c", b"d"], max_parallel=2))
        for _ in range(times):
            while len(engine._executor.fleet._host._sessions) < 3:  # what was compiled, and two runs of it
                await asyncio.sleep(0.02)
            slot = engine._executor.fleet._host._pool._slots[0]
            runner = slot.runner
            runner._handle.process.kill()
            while slot.runner is runner and not work.done():
                await asyncio.sleep(0.02)
        return await work


def test_runs_are_tried_again_in_another_sandbox(own):
    results = asyncio.run(_killed_while_it_runs(retries=2, times=1))
    assert [result.stdout for result in results] == ["a", "b", "c", "d"]
    assert [result.timing.attempts for result in results] == [2, 2, 2, 2]


def test_without_a_sandbox_there_is_no_verdict(own):
    results = asyncio.run(_killed_while_it_runs(retries=0, times=1))
    assert {result.status for result in results} == {"infrastructure_error"}
    assert not any(result.has_verdict for result in results)
    assert "runner" in results[0].details
