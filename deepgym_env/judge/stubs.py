"""What lies where a verifier looks for the submission: text of ours that has it run elsewhere.

- :class:`Stub`, :func:`stub_of`: the file a language's verifiers get.
- :func:`support_files`: what stubs and the launcher need, in a folder of their own.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from deepgym_env.task import File, LanguageName

__all__ = ["FOLDER", "LAUNCHER", "SOURCE", "Stub", "stub_of", "support_files"]

FOLDER = ".deepgym"
_PLACE = f"/workspace/{FOLDER}"
LAUNCHER = f"{_PLACE}/launcher.py"
SOURCE = f"{_PLACE}/submission"
"""Where the submission's own text is."""

_PYTHON = "/box/bin/python3"
_RUN = f"{_PLACE}/run.py"
_NOTE = "Stands for the submission, which runs elsewhere; use it as you would the submission."


class Stub(NamedTuple):
    """A file that stands for the submission."""

    name: str
    text: str


_STUBS: dict[LanguageName, Stub] = {
    "python": Stub(
        "solution.py",
        f'"""{_NOTE}"""\n\nimport sys as _sys\n\n_sys.path.insert(0, {_PLACE!r})\n'
        f"import deepgym_reach as _reach\n\n_sys.path.remove({_PLACE!r})\n_reach.serve(globals())\n",
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
_START = f"import sys\nsys.path[0] = {_PLACE!r}\nimport deepgym_reach\nsys.argv[0] = 'solution'\ndeepgym_reach.run()\n"


def stub_of(language: LanguageName) -> Stub:
    """Return what stands for a submission in a language.

    Example:
        >>> stub_of("bash").name
        'solution.sh'
    """
    return _STUBS[language]


def support_files() -> tuple[File, ...]:
    """Return what lies beside a verifier in a folder of its own."""
    here = Path(__file__).parent
    modules = {"deepgym_remote": "remote", "deepgym_reach": "reach", "launcher": "launcher"}
    files = [File(f"{FOLDER}/{name}.py", (here / f"{source}.py").read_bytes()) for name, source in modules.items()]
    return (*files, File(f"{FOLDER}/run.py", _START.encode()))
