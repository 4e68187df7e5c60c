"""What lies where a verifier looks for the submission: text of ours that has it run elsewhere.

- :class:`Stub`, :func:`stub_of`: the file that stands for a submission in a language.
- :func:`program_stub`: the file that those in other languages than Python run.
- :data:`LAUNCH`: the command that starts a verifier, which goes on with its arguments.
"""

from __future__ import annotations

from typing import NamedTuple

from deepgym_env.sandbox.runner.root import BINARIES, SUPPORT, WORKSPACE
from deepgym_env.task import File, LanguageName

__all__ = ["LAUNCH", "SOURCE", "Stub", "program_stub", "stub_of"]

_PYTHON = f"{BINARIES}/python3"
_LAUNCH = f"import sys; sys.path.insert(1, {SUPPORT!r}); from runner.launcher import main; main()"
LAUNCH = (_PYTHON, "-c", _LAUNCH)
SOURCE = f"{WORKSPACE}/.deepgym/submission"
"""Where the submission's own text is."""

_RUN = f"{WORKSPACE}/.deepgym/run.py"
_NOTE = "Stands for the submission, which runs elsewhere; use it as you would the submission."


class Stub(NamedTuple):
    """A file that stands for the submission."""

    name: str
    text: str


_STUBS: dict[LanguageName, Stub] = {
    "python": Stub(
        "solution.py",
        f'"""{_NOTE}"""\n\nimport sys as _sys\n\nif "runner.reach" not in _sys.modules:\n'
        f"    _sys.path.insert(0, {SUPPORT!r})\n    import runner.reach as _\n\n"
        f"    _sys.path.remove({SUPPORT!r})\n    del _sys.modules['runner']\n"
        "_sys.modules['runner.reach'].serve(globals())\n",
    ),
    "bash": Stub("solution.sh", f'#!/bin/bash\n# {_NOTE}\nexec {_PYTHON} {_RUN} "$@"\n'),
    "javascript": Stub(
        "solution.js",
        f"// {_NOTE}\nconst {{ spawnSync }} = require('child_process');\n"
        f"const ran = spawnSync('{_PYTHON}', ['{_RUN}', ...process.argv.slice(2)], {{ stdio: 'inherit' }});\n"
        "if (ran.signal) process.kill(process.pid, ran.signal);\nprocess.exit(ran.status ?? 1);\n",
    ),
    "c": Stub(
        "solution.c",
        f"/* {_NOTE} */\n#include <string.h>\n#include <unistd.h>\nint main(int argc, char **argv) {{\n"
        f'    char *all[argc + 2];\n    all[0] = "python3";\n    all[1] = "{_RUN}";\n'
        "    memcpy(all + 2, argv + 1, argc * sizeof *argv);\n"
        f'    execv("{_PYTHON}", all);\n    return 127;\n}}\n',
    ),
    "cpp": Stub(
        "solution.cpp",
        f"// {_NOTE}\n#include <string>\n#include <vector>\n#include <unistd.h>\nint main(int argc, char **argv) {{\n"
        f'    std::string python = "{_PYTHON}", run = "{_RUN}";\n'
        "    std::vector<char *> all = {python.data(), run.data()};\n"
        "    all.insert(all.end(), argv + 1, argv + argc);\n    all.push_back(nullptr);\n"
        "    execv(python.c_str(), all.data());\n    return 127;\n}\n",
    ),
    "java": Stub(
        "Main.java",
        f"// {_NOTE}\nimport java.util.*;\npublic class Main {{\n"
        "    public static void main(String[] given) throws Exception {\n"
        f'        List<String> all = new ArrayList<>(List.of("{_PYTHON}", "{_RUN}"));\n'
        "        all.addAll(List.of(given));\n"
        "        System.exit(new ProcessBuilder(all).inheritIO().start().waitFor());\n    }\n}\n",
    ),
    "rust": Stub(
        "solution.rs",
        f"// {_NOTE}\nuse std::os::unix::process::CommandExt;\nfn main() {{\n"
        f'    let error = std::process::Command::new("{_PYTHON}").arg("{_RUN}")'
        '.args(std::env::args_os().skip(1)).exec();\n    eprintln!("{}", error);\n    std::process::exit(127);\n}\n',
    ),
    "go": Stub(
        "solution.go",
        f"// {_NOTE}\npackage main\n\nimport (\n"
        '\t"os"\n\t"syscall"\n)\n\nfunc main() {\n'
        f'\tall := append([]string{{"python3", "{_RUN}"}}, os.Args[1:]...)\n'
        f'\tsyscall.Exec("{_PYTHON}", all, os.Environ())\n\tos.Exit(127)\n}}\n',
    ),
}


def stub_of(language: LanguageName) -> Stub:
    """Return what stands for a submission in a language.

    Example:
        >>> stub_of("bash").name
        'solution.sh'
    """
    return _STUBS[language]


def program_stub() -> File:
    """Return the file that runs the submission, whatever it is written in."""
    return File(_RUN.removeprefix(f"{WORKSPACE}/"), _STUBS["python"].text.encode())
