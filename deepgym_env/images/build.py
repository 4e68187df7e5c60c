"""Builds an image: gathers files, hands them to the daemon, checks what came of it, and only then tags it.

- :func:`build_image`
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from deepgym_env.errors import ConfigError
from deepgym_env.images.check import check_image
from deepgym_env.images.daemon import BuiltImage, import_image, tag_image
from deepgym_env.images.host import host_tree
from deepgym_env.images.roots import debootstrap, given_root
from deepgym_env.images.toolchains import TOOLCHAINS
from deepgym_env.images.tree import Progress
from deepgym_env.sandbox.docker import BUILT_IMAGE, connect

__all__ = ["build_image"]

_DAEMON_SECONDS = 600  # it answers once it has unpacked an image


def build_image(
    tag: str = BUILT_IMAGE,
    *,
    source: str | os.PathLike[str] = "host",
    packages: Sequence[str] | None = None,
    include: Sequence[str] = (),
    suite: str | None = None,
    mirror: str | None = None,
    progress: Progress | None = None,
) -> BuiltImage:
    """Make an image for sandboxes and hand it to the Docker daemon; no registry is asked.

    Args:
        tag: The image's name, as ``name`` or ``name:tag``.
        source: ``"host"`` for the programs of this machine and the Python that runs this, ``"debootstrap"`` for a
            small Debian from a mirror (needs root), or the path of a root file system: a folder, or a tar archive
            such as ``docker export`` writes, taken as it is.
        packages: Python packages the image must hold, by the names they are imported by; by default numpy, and
            none where a root file system is given.
        include: Languages besides Python, of :data:`TOOLCHAINS`, that the image must hold; each is tried.
        suite: For ``"debootstrap"``, the release; by default this machine's, else ``bookworm``.
        mirror: For ``"debootstrap"``, where packages come from; by default this machine's own mirror if ``suite`` is
            its release, else that of the suite's distribution.
        progress: Called with what is being done and how much of it is done, 0 to 1.

    Raises:
        ConfigError: If an argument can't work, or this machine lacks what was asked for.
        SandboxError: If the daemon can't take the image, or the image doesn't work.
    """
    wanted = _wanted_languages(include)
    repository, version = _split_tag(tag)
    told = progress or (lambda _step, _share: None)
    source = os.fspath(source)
    if packages is None:
        packages = ("numpy",) if source in ("host", "debootstrap") else ()
    with connect() as api, contextlib.ExitStack() as stack:
        api.timeout = _DAEMON_SECONDS
        told("gathering files", 0.0)
        if source == "host":
            chunks = host_tree(packages, wanted).tar(told)
        elif source == "debootstrap":
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deepgym-image-")))
            chunks = debootstrap(folder, packages, wanted, suite, mirror, told).tar(told)
        else:
            chunks = stack.enter_context(given_root(source, told))
        imported = import_image(api, chunks)
        try:
            told("checking the image", 0.0)
            found = check_image(api, imported, packages, wanted)
            return tag_image(api, imported, f"{repository}:{version}", tag, found, packages, wanted)
        except BaseException:
            with contextlib.suppress(Exception):
                api.remove_image(imported)
            raise


def _wanted_languages(include: Iterable[str]) -> tuple[str, ...]:
    if isinstance(include, str):
        raise ConfigError(f"include={include!r}: give a list of languages, like [{include!r}]")
    unknown = sorted(set(include) - set(TOOLCHAINS))
    if unknown:
        raise ConfigError(f"no toolchain is known for {', '.join(map(repr, unknown))}: take {', '.join(TOOLCHAINS)}")
    return tuple(sorted(set(include)))


def _split_tag(tag: str) -> tuple[str, str]:
    match = re.fullmatch(r"((?:[\w.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?", tag)
    if match is None:
        raise ConfigError(f"{tag!r} can't name an image: use small letters and digits, like 'deepgym-sandbox:1'")
    return match[1], match[2] or "latest"
