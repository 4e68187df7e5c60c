"""How each language is compiled and run.

- :class:`Language`: one line of the table; :data:`LANGUAGES`: the table.
- :class:`Names`: what a program's file and its main part are called.

Every language has a compile step; for those that need none it checks the syntax. In the commands
``{source}`` is the program's file, ``{main}`` what it is started by, ``{memory}`` its limit in MiB,
``{stack}`` a stack that goes with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from deepgym_env.task import LanguageName

__all__ = ["LANGUAGES", "Language", "Names"]


_CHECK_PYTHON = """\
import sys, traceback
try:
    compile(open(sys.argv[1], "rb").read(), sys.argv[1], "exec")
except Exception as error:
    sys.exit("".join(traceback.format_exception_only(type(error), error)).rstrip())
"""
_MODULE = re.compile(r"^[ \t]*(?:import(?:\s+[\w{*]|\s*[\"'{*])|export(?:\s+\w|\s*[{*]))", re.MULTILINE)
_COMMON_JS = re.compile(r"\brequire\s*\(|\bmodule\.exports\b")
# The code is a model's: no pattern may take more than linear time.
_JAVA_TEXT = re.compile(
    r'//[^\n]*|/\*.*?(?:\*/|\Z)|""".*?(?:"""|\Z)|"(?:\\.|[^"\\\n])*"?|\'(?:\\.|[^\'\\\n])*\'?', re.DOTALL
)
_JAVA_TOKEN = re.compile(r"[{};]|[\w$]+")
_JAVA_TYPES = ("class", "record", "enum", "interface")
_JAVA_PACKAGE = re.compile(r"\s*package\s+([\w.$]+)\s*;")
_LONGEST_NAME = 200  # bytes; a file's name can't have many more
# The compilers of one program, and what it runs on, start no more threads than this on any machine.
_CPUS = "4"
# Without the last Java looks for /dev/random, and where there is none makes noise of its own for seconds.
_JVM = f"-XX:+UseSerialGC -XX:ActiveProcessorCount={_CPUS} -Xshare:auto -Djava.security.egd=file:/dev/urandom"
_COMPILING_JVM = f"-J-XX:+UseSerialGC -J-XX:ActiveProcessorCount={_CPUS} -J-Xshare:auto -J-XX:TieredStopAtLevel=1"
_GO = {
    "HOME": "/tmp",
    "GOCACHE": "/tmp/go-build",
    "GOPATH": "/tmp/go",
    "GOPROXY": "off",
    "GOTOOLCHAIN": "local",
    "CGO_ENABLED": "0",
    "GOMAXPROCS": _CPUS,
}


class Names(NamedTuple):
    """What a program's file is called, and what it is started by."""

    source: str
    main: str


@dataclass(frozen=True, slots=True)
class Language:
    """How a language is compiled and run.

    Attributes:
        packages: Debian's packages that hold the toolchain.
        probe: Shell command that tells whether it is there, and its version in the first line.
        names: What the file of a program's code is called, and what it is started by.
        compile: Command that compiles the program, or checks its syntax.
        run: Command that runs it; the program's arguments follow.
        compile_env: Variables of the compiler.
        run_env: Variables of the program.
        overhead_mb: Memory the language's runtime takes besides the program's own.
        build_mb: Disk space the compiler takes besides what the program may have.
        compiler_reserves: Whether the compiler reserves far more address space than it uses.
        runtime_reserves: Whether the runtime does.
        out_of_memory: What programs in the language write to standard error when memory runs out.
    """

    packages: str
    probe: str
    names: Callable[[str], Names]
    compile: tuple[str, ...]
    run: tuple[str, ...]
    compile_env: Mapping[str, str] = field(default_factory=dict)
    run_env: Mapping[str, str] = field(default_factory=dict)
    overhead_mb: int = 0
    build_mb: int = 16
    compiler_reserves: bool = False
    runtime_reserves: bool = False
    out_of_memory: tuple[str, ...] = ()

    @property
    def ending(self) -> str:
        """What names of its files end in, with the dot."""
        return PurePosixPath(self.names("").source).suffix


def _words(command: str) -> tuple[str, ...]:
    return tuple(command.split())


def _always(source: str, main: str | None = None) -> Callable[[str], Names]:
    return lambda _: Names(source, main or source)


def _javascript_names(code: str) -> Names:
    """Name a module ``main.mjs``: Node tells by the name what may ``import``."""
    is_module = _MODULE.search(code) and not _COMMON_JS.search(code)
    source = "main.mjs" if is_module else "main.js"
    return Names(source, source)


def _java_names(code: str) -> Names:
    """Name the file as the public type, where there is one, and start that.

    Without one it is the outermost type that ``void main`` stands in, else ``Main``.
    """
    code = _JAVA_TEXT.sub(" ", code)
    public, started, outer, depth = "", "", "", 0
    statement: list[str] = []
    for token in _JAVA_TOKEN.findall(code):
        if token in "{};":
            depth += {"{": 1, "}": -1, ";": 0}[token]
            statement = []
            continue
        before = statement[-1] if statement else ""
        if depth == 0 and before in _JAVA_TYPES:
            outer = token
            public = public or (token if "public" in statement else "")
        elif token == "main" and before == "void":
            started = started or outer
        statement.append(token)
    name = public or started
    if not name or len(name.encode()) > _LONGEST_NAME:
        name = "Main"
    package = _JAVA_PACKAGE.match(code)
    return Names(f"{name}.java", f"{package[1]}.{name}" if package else name)


LANGUAGES: Mapping[LanguageName, Language] = {
    "python": Language(
        packages="python3",
        probe="python3 --version",
        names=_always("main.py"),
        compile=("python3", "-c", _CHECK_PYTHON, "{source}"),
        run=_words("python3 {source}"),
        run_env={"PYTHONUNBUFFERED": ""},  # set, it costs a system call per print
        out_of_memory=("MemoryError",),
    ),
    "bash": Language(
        packages="bash",
        probe="bash --version",
        names=_always("main.sh"),
        compile=_words("bash -n {source}"),
        run=_words("bash {source}"),
        out_of_memory=("cannot allocate", "Cannot allocate memory"),
    ),
    "c": Language(
        packages="gcc libc6-dev",
        probe="gcc --version",
        names=_always("main.c", "main"),
        compile=_words("gcc -std=gnu17 -O2 -o {main} {source} -lm"),
        run=_words("./{main}"),
    ),
    "cpp": Language(
        packages="g++",
        probe="g++ --version",
        names=_always("main.cpp", "main"),
        compile=_words("g++ -std=gnu++17 -O2 -o {main} {source}"),
        run=_words("./{main}"),
        out_of_memory=("std::bad_alloc",),
    ),
    "javascript": Language(
        packages="nodejs",
        probe="node --version",
        names=_javascript_names,
        compile=_words("node --check {source}"),
        run=_words("node --max-old-space-size={memory} --stack-size=60000 {source}"),
        overhead_mb=96,
        compiler_reserves=True,
        runtime_reserves=True,
        out_of_memory=("JavaScript heap out of memory", "Array buffer allocation failed"),
    ),
    "java": Language(
        packages="default-jdk-headless",
        probe="javac -version && java -version",
        names=_java_names,
        compile=_words(f"javac {_COMPILING_JVM} -proc:none -encoding UTF-8 -d . {{source}}"),
        run=_words(f"java {_JVM} -Xss{{stack}}m -Xms16m -Xmx{{memory}}m -Dfile.encoding=UTF-8 -cp . {{main}}"),
        overhead_mb=128,
        compiler_reserves=True,
        runtime_reserves=True,
        out_of_memory=("java.lang.OutOfMemoryError",),
    ),
    "rust": Language(
        packages="rustc",
        probe="rustc --version",
        names=_always("main.rs", "main"),
        compile=_words("rustc --edition=2021 -O -o {main} {source}"),
        run=_words("./{main}"),
        build_mb=64,
        compiler_reserves=True,
        out_of_memory=("memory allocation of ",),
    ),
    "go": Language(
        packages="golang-go",
        probe="HOME=/tmp go version",
        names=_always("main.go", "main"),
        # What is kept of the build in /tmp would else be copied for every run.
        compile=("sh", "-c", 'go build -p 4 -o {main} {source}; code=$?; rm -rf "$GOCACHE"; exit $code'),
        run=_words("./{main}"),
        compile_env=_GO,
        run_env={"GOMAXPROCS": _CPUS, "GOMEMLIMIT": "{memory}MiB"},
        overhead_mb=32,
        build_mb=512,
        compiler_reserves=True,
        runtime_reserves=True,
        out_of_memory=("runtime: out of memory", "cannot allocate memory"),
    ),
}
