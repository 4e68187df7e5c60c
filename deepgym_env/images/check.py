"""Whether an image works: tried in a throw-away container, as sandboxes start them.

- :func:`check_image`: Python and its modules, programs, and a "hello" in each language it must have.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from typing import Any

from deepgym_env.errors import SandboxError
from deepgym_env.images.daemon import explained
from deepgym_env.images.programs import PROGRAMS
from deepgym_env.images.toolchains import TOOLCHAINS
from deepgym_env.sandbox import owner

__all__ = ["check_image"]

_USER = "61000:61000"
_MODULES = ("ctypes", "ssl", "sqlite3", "json", "hashlib", "lzma", "bz2", "zlib", "decimal")
_SECONDS = 120  # for Python and its modules, and as many again for each language
_ROOM = "/deepgym-check"  # where programs that try an image may write
_STEP = "now: "
_CHECK = """
import importlib, json, os, shutil, subprocess, sys

modules, programs, trials, room, step = json.loads(sys.argv[1])
problems = []
if sys.version_info < (3, 8):
    problems.append("its python3 is %d.%d, and 3.8 is needed" % sys.version_info[:2])
for name in modules:
    print("\\n" + step + "import " + name, flush=True)
    try:
        importlib.import_module(name)
    except Exception as error:
        problems.append("its Python can't import %s: %s" % (name, error))
for language, (name, source, commands) in sorted(trials.items()):
    folder = os.path.join(room, language)
    os.mkdir(folder)
    with open(os.path.join(folder, name), "w") as file:
        file.write(source)
    said = "" if shutil.which(commands[0].split()[0]) else "it has no " + commands[0].split()[0]
    for command in [] if said else commands:
        print("\\n" + step + command, flush=True)
        done = subprocess.run(command, shell=True, cwd=folder, env=dict(os.environ, HOME=room, TMPDIR=room),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = done.stdout.decode("utf-8", "replace").strip()
        if done.returncode:
            said = said or "exit code %d" % done.returncode
            break
    if said != "hello":
        problems.append("a program in %s does not work: %s" % (language, said[-300:]))
found = [name for name in programs if shutil.which(name)]
print()
print(json.dumps({"python": sys.version.split()[0], "problems": problems, "programs": found}))
"""


def check_image(api: Any, image: str, packages: Sequence[str], languages: Sequence[str]) -> dict[str, Any]:
    """Try an image as sandboxes use it; return what was found."""
    trials = {name: (one.file, one.source, one.commands) for name, one in TOOLCHAINS.items() if name in languages}
    made = _container(api, image, json.dumps([[*_MODULES, *packages], PROGRAMS, trials, _ROOM, _STEP]))
    try:
        with explained("the image has no python3 that starts"):
            api.start(made)
        seconds = _SECONDS * (1 + len(languages))
        with explained("the daemon does not say how the image works"):
            code = _exit_code(api, made, seconds)
            said = api.logs(made, stdout=True, stderr=True, tail=20).decode("utf-8", "replace").strip()
    finally:
        with contextlib.suppress(Exception):
            api.remove_container(made, force=True)
    if code is None:
        step = said.rpartition(_STEP)[2].partition("\n")[0] if _STEP in said else "python3"
        raise SandboxError(
            f"the image was still being checked after {seconds} s, at `{step}`: that hangs, or this machine is busy; "
            "build again when it is idle"
        )
    if code != 0:
        raise SandboxError(f"the image has no python3 that works: exit code {code}: {said[-500:]}")
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    if found["problems"]:
        raise SandboxError(f"the image doesn't work: {'; '.join(found['problems'])}")
    return found


def _container(api: Any, image: str, arguments: str) -> str:
    """Make a container of an image, as those of sandboxes are, that will check it."""
    limits = api.create_host_config(
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        read_only=True,
        network_mode="none",
        pids_limit=512,
        tmpfs={_ROOM: "rw,exec,mode=1777,size=512m"},
    )
    command = ["python3", "-I", "-c", _CHECK, arguments]
    with explained("no container can be made of the image"):
        made = api.create_container(image, command, user=_USER, labels=owner.labels(), host_config=limits)
    return str(made["Id"])


def _exit_code(api: Any, container: str, seconds: float) -> int | None:
    """Wait until a container ends; None if it doesn't in time."""
    import requests
    from urllib3.exceptions import ReadTimeoutError

    try:
        return int(api.wait(container, timeout=seconds)["StatusCode"])
    except requests.ReadTimeout:
        return None
    except requests.ConnectionError as error:  # what becomes of it once the answer has begun
        if any(isinstance(cause, ReadTimeoutError) for cause in error.args):
            return None
        raise
