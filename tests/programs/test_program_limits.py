"""Programs that want too much: time, memory, output, processes, disk, and compilers that do."""

from __future__ import annotations

import pytest

from deepgym_env import File, ProgramLimits
from deepgym_env.programs import LANGUAGES

ALL = list(LANGUAGES)
TIGHT = ProgramLimits(
    cpu_seconds=0.4, wall_seconds=2.0, memory_mb=128, processes=32, output_bytes=4096, disk_mb=4, compile_memory_mb=1024
)
LOOPS = {
    "python": "while True: pass",
    "bash": "while :; do :; done",
    "c": "int main(void) { volatile int x = 1; for (;;) x++; }",
    "cpp": "int main() { volatile int x = 1; for (;;) x = x + 1; }",
    "javascript": "for (;;);",
    "java": "class M { public static void main(String[] a) { for (;;); } }",
    "rust": "fn main() { loop { std::hint::spin_loop() } }",
    "go": "package main\nfunc main() { for {} }",
}
HOGS = {
    "python": "all = []\nwhile True: all.append(bytearray(1 << 20))",
    "bash": "x=aaaaaaaaaaaaaaaa; while :; do x=$x$x; done",
    "cpp": "#include <list>\n#include <vector>\n"
    "int main() { std::list<std::vector<char>> all; for (;;) all.emplace_back(1 << 20, 1); }",
    "javascript": "const all = []; for (;;) all.push(new Array(1e5).fill(1.5));",
    "java": "class M { public static void main(String[] a) {"
    " var all = new java.util.ArrayList<int[]>(); for (;;) all.add(new int[1 << 18]); } }",
    "rust": "fn main() { let mut all = vec![]; loop { all.push(vec![1u8; 1 << 20]); } }",
    "go": "package main\nvar all [][]byte\n"
    "func main() { for { b := make([]byte, 1<<20); for i := range b { b[i] = 1 }; all = append(all, b) } }",
}
FLOODS = {
    "python": "while True: print('x' * 1000)",
    "bash": "yes",
    "c": '#include <stdio.h>\nint main(void) { for (;;) puts("xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"); }',
    "cpp": '#include <iostream>\nint main() { for (;;) std::cout << "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\\n"; }',
    "javascript": "for (;;) console.log('x'.repeat(1000));",
    "java": "class M { public static void main(String[] a) { for (;;) System.out.println(a); } }",
    "rust": 'fn main() { loop { println!("xxxxxxxxxxxxxxxxxxxxxxxx") } }',
    "go": 'package main\nimport "fmt"\nfunc main() { for { fmt.Println("xxxxxxxxxxxxxxxxxxxxxxxxxx") } }',
}
FIBONACCI = """
template <int n, long m> struct F { static constexpr long v = F<n - 1, 2 * m>::v + F<n - 1, 2 * m + 1>::v; };
template <long m> struct F<0, m> { static constexpr long v = m; };
int main() { return F<40, 0>::v; }
"""
STRING_BOMB = '#define A0 "xxxxxxxxxxxxxxxx"\n'
STRING_BOMB += "".join(f"#define A{n} {f'A{n - 1} ' * 10}\n" for n in range(1, 9))
STRING_BOMB += "int main(void) { return sizeof(A8); }"


@pytest.mark.parametrize("language", ALL)
def test_endless_loops(execute, language):
    result = execute(language, LOOPS[language], limits=TIGHT)
    assert (result.status, result.exit_code, result.signal) == ("timeout", None, None)
    assert result.details == "it used more than 0.4 s of CPU time"
    assert result.timing.cpu_seconds > 0.4


def test_waiting(execute):
    result = execute("bash", "echo before; sleep 60", limits=TIGHT)
    assert (result.status, result.stdout, result.details) == ("timeout", "before\n", "it waited for more than 2 s")


def test_threads_and_children_count_together(execute):
    code = "for i in 1 2 3 4; do while :; do :; done & done; wait"
    assert execute("bash", code, limits=TIGHT).status == "timeout"
    code = """class M {
        public static void main(String[] a) { for (int i = 0; i < 3; i++) new Thread(() -> { for (;;); }).start(); }
    }"""
    assert execute("java", code, limits=TIGHT).status == "timeout"


@pytest.mark.parametrize("language", HOGS)
def test_memory(execute, language):
    result = execute(language, HOGS[language], limits=TIGHT.model_copy(update={"cpu_seconds": 5.0}))
    assert (result.status, result.details) == ("memory_limit", "it needed more than 128 MiB of memory")


def test_memory_outside_of_a_heap(execute):
    code = "const all = []; for (;;) all.push(Buffer.alloc(1 << 20, 1));"
    assert execute("javascript", code, limits=TIGHT).status == "memory_limit"


def test_memory_of_several_processes(execute):
    code = "import os, time\nos.fork(); os.fork(); x = bytearray(80 << 20); time.sleep(60)"
    assert execute("python", code, limits=TIGHT).status == "memory_limit"


def test_a_program_that_finds_no_memory_may_go_on(execute):
    code = "try: bytearray(1 << 40)\nexcept MemoryError: print('none')"
    assert execute("python", code, limits=TIGHT).stdout == "none\n"
    result = execute("c", "#include <stdlib.h>\nint main(void) { return malloc(1L << 40) == 0; }", limits=TIGHT)
    assert (result.status, result.exit_code) == ("exception", 1)


def test_the_memory_of_a_runtime_is_not_the_programs(execute):
    smallest = ProgramLimits(memory_mb=64)
    code = "class M { public static void main(String[] a) { System.out.println(new byte[40 << 20].length); } }"
    assert execute("java", code, limits=smallest).stdout == f"{40 << 20}\n"
    code = "console.log(new Array(5e6).fill(1.5).length);"
    assert execute("javascript", code, limits=smallest).stdout == "5000000\n"


def test_a_lie_about_memory_wins_nothing(execute):
    code = "import sys; print('MemoryError', file=sys.stderr)"
    assert execute("python", code).status == "ok"
    assert execute("python", code + "; sys.exit(1)").status == "memory_limit"


@pytest.mark.parametrize("language", FLOODS)
def test_floods_of_output(execute, language):
    result = execute(language, FLOODS[language], limits=TIGHT)
    assert (result.status, result.truncated) == ("output_limit", True)
    assert len(result.stdout) < 2 * 4096
    assert "left out" in result.stdout


@pytest.mark.parametrize("bound", [256, 257])
def test_output_may_be_as_long_as_the_limit(execute, bound):
    limits = ProgramLimits(output_bytes=bound)
    result = execute("python", f"print(end='x' * {bound})", limits=limits)
    assert (result.status, result.stdout, result.truncated) == ("ok", "x" * bound, False)
    result = execute("python", f"print(end='x' * {bound + 1})", limits=limits)
    assert (result.status, result.exit_code, result.truncated) == ("output_limit", 0, bound == 256)


def test_much_standard_error_is_cut_and_does_no_harm(execute):
    result = execute("python", "import sys; sys.stderr.write('x' * 5000); print(1)", limits=TIGHT)
    assert (result.status, result.stdout, result.truncated) == ("ok", "1\n", True)
    result = execute("bash", "yes >&2", limits=TIGHT)
    assert result.status == "output_limit"


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("c", "int f(int n) { volatile int x[100]; x[0] = n; return f(n + 1) + x[0]; }\n"
              "int main(void) { return f(0); }"),
        ("javascript", "const f = n => f(n + 1) + 1; f(0);"),
        ("java", "class M { static int f(int n) { return f(n + 1) + 1; }"
                 " public static void main(String[] a) { f(0); } }"),
    ],
)  # fmt: skip
def test_endless_recursion(execute, language, code):
    result = execute(language, code, limits=TIGHT.model_copy(update={"cpu_seconds": 5.0}))
    assert result.status == ("crashed" if language == "c" else "exception")


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("python", "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass"),
        ("c", "#include <unistd.h>\nint main(void) { for (;;) fork(); }"),
        ("bash", "bomb() { bomb | bomb & }; bomb; sleep 60"),
    ],
)
def test_fork_bombs(execute, language, code):
    assert execute(language, code, limits=TIGHT).status == "timeout"
    assert execute("bash", "echo well").stdout == "well\n"


def test_processes_are_bounded(execute):
    code = "import os, time\nfor n in range(99):\n    if not os.fork(): time.sleep(60)"
    result = execute("python", code, limits=TIGHT)
    assert result.status == "exception"
    assert "BlockingIOError" in result.stderr


def test_a_disk_that_is_full(execute):
    code = "out = open('x', 'wb', 0)\nwhile True: out.write(bytes(1 << 20))"
    result = execute("python", code, limits=TIGHT)
    assert result.status == "exception"
    assert "File too large" in result.stderr
    code = '#include <stdio.h>\nint main(void) { FILE *f = fopen("x", "w"); for (;;) fputs("xxxxxxxxxxxxxxx", f); }'
    result = execute("c", code, limits=TIGHT)
    assert (result.status, result.details) == ("output_limit", "it wrote a file larger than 4 MiB")
    code = "i=0; while head -c 1M /dev/zero > $i; do i=$((i + 1)); done 2> /dev/null; echo $((i < 32))"
    assert execute("bash", code, limits=TIGHT).stdout == "1\n"


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("c", '#include "/dev/zero"\nint main(void) {}'),
        ("c", '#include "/dev/urandom"\nint main(void) {}'),
        ("c", "char large[1L << 32] = {1};\nint main(void) {}"),
        ("c", STRING_BOMB),
        ("cpp", '#include "main.cpp"\n#include "main.cpp"\n'),
        ("cpp", FIBONACCI),
        ("cpp", "constexpr long f(long n) { return n < 2 ? n : f(n - 1) + f(n - 2); }\n"
                "int main() { constexpr long x = f(90); return x; }"),
        ("python", "x = " + "(" * 1000 + ")" * 1000),
        ("python", "x = " + "-" * 1_000_000 + "1"),
        ("javascript", "(" * 500_000),
        ("bash", "$(" * 100_000),
        ("java", "class M { int x = " + "(" * 20_000 + "1" + ")" * 20_000 + "; }"),
        ("rust", "macro_rules! m { ($($x:tt)*) => { m!($($x)* $($x)*) } }\nfn main() { m!(a) }"),
        ("go", "package main\nvar large = [1 << 40]byte{1}\nfunc main() { println(large[0]) }"),
    ],
)  # fmt: skip
def test_compilers_meet_their_limits(execute, language, code):
    limits = TIGHT.model_copy(update={"compile_cpu_seconds": 1.5, "compile_wall_seconds": 1.5})
    result = execute(language, code, limits=limits)
    assert result.status == "syntax_error"
    assert result.details.startswith(("it does not compile", "the compiler was ended for its"))


def test_a_compiler_that_takes_too_long_is_named(execute):
    result = execute("cpp", FIBONACCI, limits=ProgramLimits(compile_cpu_seconds=0.3))
    assert (result.status, result.details) == ("syntax_error", "the compiler was ended for its CPU time")


def test_large_programs_that_fit_run(execute):
    """An array of some megabytes is in the binary, which every run gets a copy of."""
    result = execute("c", "char large[6 << 20] = {1};\nint main(void) { return large[5 << 20]; }", limits=TIGHT)
    assert result.status == "ok"


def test_limits_of_files_count_with_what_lies_beside(execute):
    files = (File("data", bytes(1 << 20)),)
    assert execute("bash", "wc -c < data", files=files, limits=TIGHT).stdout == f"{1 << 20}\n"
