"""Compilers of this machine, with all they need: headers, libraries, linkers, and no more than that.

- :class:`Toolchain`: one line of the table; :data:`TOOLCHAINS`: the table, of the languages an image can be given
  besides Python.
"""

from __future__ import annotations

import fnmatch
import os
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from deepgym_env.errors import ConfigError
from deepgym_env.images.programs import add_programs, asked
from deepgym_env.images.tree import Tree

__all__ = ["TOOLCHAINS", "Toolchain"]

_C_PROGRAMS = (
    "gcc cc c99 cpp as ld ld.bfd ar nm objdump objcopy ranlib readelf strip strings size addr2line c++filt gcov"
).split()
_C_LIBRARIES = (
    *("*crt1.o", "crt[in].o", "libc.so", "libc.a", "libc_nonshared.a", "libm.so*", "libm.a", "libm-*.a", "libmvec*"),
    *("libpthread*", "libdl.*", "librt.*", "libutil.*", "libcrypt.*", "libgcc_s.so*", "libstdc++.so*"),
    *("libatomic.so*", "libgomp.so*", "libquadmath.so*"),
)
_C_HEADER_FOLDERS = ("arpa", "asm", "asm-generic", "bits", "gnu", "linux", "net", "netinet", "protocols", "rpc", "sys")
_NOT_IN_GCC = (
    *("lto1", "*san*", "plugin", "f951", "finclude", "*fortran*", "cc1obj*", "gnat1", "ada*", "d21", "go1"),
    "g++-mapper-server",
)
_NOT_IN_JDK = (
    *("jmods", "demo", "man", "docs", "include", "sample", "src.zip", "*.debuginfo"),
    *("libawt_xawt.so", "libjawt.so", "libjsound.so", "libsplashscreen.so", "libatk-wrapper.so"),  # for screens
)
_NOT_IN_GO = ("api", "doc", "misc", "go/test", "testdata", "*_test.go", "*.syso.*")
_NOT_IN_RUST = ("share", "rustlib/src", "rustlib/etc", "*clippy*", "rust-analyzer*", "*miri*")


@dataclass(frozen=True, slots=True)
class Toolchain:
    """How a language gets into an image, and how it is seen to work there.

    Attributes:
        packages: Debian's packages that hold it.
        add: Adds this machine's to a tree.
        file: What a program that prints "hello" is called.
        source: That program.
        commands: What compiles and runs it, each with its arguments.
    """

    packages: tuple[str, ...]
    add: Callable[[Tree], None]
    file: str
    source: str
    commands: tuple[str, ...]


def _find(name: str, language: str) -> str:
    """Return the real path of a compiler.

    Raises:
        ConfigError: If there is none.
    """
    found = shutil.which(name)
    if found is None:
        advice = f"install it (`apt install {' '.join(TOOLCHAINS[language].packages)}`), or take source='debootstrap'"
        raise ConfigError(f"{language!r} can't be included: this machine has no {name}; {advice}")
    return os.path.realpath(found)


def _add_c(tree: Tree) -> None:
    compiler = _find("gcc", "c")
    add_programs(tree, _C_PROGRAMS)
    for folder in {os.path.dirname(asked(compiler, f"-print-prog-name={name}")) for name in ("cc1", "collect2")}:
        tree.add(folder, _NOT_IN_GCC)
    tree.add(os.path.dirname(asked(compiler, "-print-libgcc-file-name")), _NOT_IN_GCC)
    libraries = os.path.dirname(os.path.realpath(asked(compiler, "-print-file-name=crt1.o")))
    for name in sorted(os.listdir(libraries)):
        if any(fnmatch.fnmatch(name, one) for one in _C_LIBRARIES):
            tree.add(f"{libraries}/{name}")
    for folder in _include_folders(compiler):
        for name in sorted(os.listdir(folder)):
            if name in _C_HEADER_FOLDERS or name.endswith(".h"):
                tree.add(f"{folder}/{name}")


def _include_folders(compiler: str) -> list[str]:
    folders = ["/usr/include", f"/usr/include/{asked(compiler, '-print-multiarch') or 'none'}"]
    return [folder for folder in folders if os.path.isdir(folder)]


def _add_cpp(tree: Tree) -> None:
    _add_c(tree)
    compiler = _find("g++", "cpp")
    for name in ("g++", "c++"):
        tree.add(f"/usr/bin/{name}")
    tree.add(os.path.dirname(asked(compiler, "-print-prog-name=cc1plus")), _NOT_IN_GCC)
    for folder in _include_folders(compiler):
        tree.add(f"{folder}/c++")


def _add_java(tree: Tree) -> None:
    home = os.path.dirname(os.path.dirname(_find("javac", "java")))
    place = home if home.startswith("/usr/lib/") else f"/usr/lib/jvm/{os.path.basename(home)}"
    tree.add_folder(home, place, _NOT_IN_JDK)
    for name in ("java", "javac", "jar", "javap", "jshell"):
        if os.path.isfile(f"{home}/bin/{name}"):
            tree.link(f"/usr/bin/{name}", f"{place}/bin/{name}")


def _add_javascript(tree: Tree) -> None:
    tree.file("/usr/bin/node", _find("node", "javascript"))
    for name in ("acorn", "cjs-module-lexer", "undici"):  # Debian's node loads them from here
        tree.add(f"/usr/share/nodejs/{name}")


def _add_go(tree: Tree) -> None:
    _find("go", "go")
    home = os.path.realpath(asked("go", "env", "GOROOT"))
    place = home if home.startswith("/usr/lib/") else "/usr/lib/go"
    tree.add_folder(home, place, _NOT_IN_GO)
    for name in ("go", "gofmt"):
        tree.link(f"/usr/bin/{name}", f"{place}/bin/{name}")


def _add_rust(tree: Tree) -> None:
    _find("rustc", "rust")
    _add_c(tree)  # for the linker
    home = os.path.realpath(asked("rustc", "--print", "sysroot"))
    if home == "/usr":
        for path in ("/usr/bin/rustc", "/usr/bin/cargo", "/usr/lib/rustlib"):
            tree.add(path)
        return
    tree.add_folder(home, "/usr/lib/rust", _NOT_IN_RUST)
    for name in ("rustc", "cargo"):
        if os.path.isfile(f"{home}/bin/{name}"):
            tree.link(f"/usr/bin/{name}", f"/usr/lib/rust/bin/{name}")


TOOLCHAINS: Mapping[str, Toolchain] = {
    "c": Toolchain(
        packages=("gcc", "libc6-dev"),
        add=_add_c,
        file="a.c",
        source='#include <stdio.h>\n#include <math.h>\nint main(int n, char **v) { puts(sqrt(n) ? "hello" : ""); }\n',
        commands=("gcc -O2 -o a a.c -lm", "./a"),
    ),
    "cpp": Toolchain(
        packages=("g++", "libc6-dev"),
        add=_add_cpp,
        file="a.cpp",
        source='#include <bits/stdc++.h>\nint main() { std::cout << std::string("hello") << std::endl; }\n',
        commands=("g++ -o a a.cpp", "./a"),
    ),
    "go": Toolchain(
        packages=("golang-go",),
        add=_add_go,
        file="a.go",
        source='package main\nimport "fmt"\nfunc main() { fmt.Println("hello") }\n',
        commands=("go run a.go",),
    ),
    "java": Toolchain(
        packages=("default-jdk-headless",),
        add=_add_java,
        file="A.java",
        source='class A { public static void main(String[] a) { System.out.println("hello"); } }\n',
        commands=("javac A.java", "java A"),
    ),
    "javascript": Toolchain(
        packages=("nodejs",),
        add=_add_javascript,
        file="a.js",
        source="console.log('hello')\n",
        commands=("node a.js",),
    ),
    "rust": Toolchain(
        packages=("rustc", "gcc", "libc6-dev"),
        add=_add_rust,
        file="a.rs",
        source='fn main() { println!("hello"); }\n',
        commands=("rustc a.rs", "./a"),
    ),
}
