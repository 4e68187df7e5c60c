"""Images at the Docker daemon: imported, tagged, listed; and what its failures mean.

- :class:`BuiltImage`: an image made here. :func:`list_images`: those the daemon holds.
- :func:`import_image`: make an image of an archive. :func:`tag_image`: name one that was checked.
- :func:`explained`: turn a failure of the daemon into an error that says what to do.

See the Docker Engine API, https://docs.docker.com/reference/api/engine/.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from deepgym_env.errors import SandboxError
from deepgym_env.images.programs import PROGRAMS
from deepgym_env.sandbox.docker import connect

__all__ = ["BuiltImage", "explained", "import_image", "list_images", "tag_image"]

_LABEL = "deepgym.image"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class BuiltImage:
    """An image for sandboxes, as found when it was checked.

    ``python`` is its version, ``programs`` and ``missing`` are those of :data:`PROGRAMS` that are there and
    that aren't, ``packages`` and ``languages`` are those it was built to hold, and that were seen to work.
    """

    tag: str
    id: str
    bytes: int
    python: str
    packages: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def list_images() -> list[BuiltImage]:
    """Return the images :func:`~deepgym_env.images.build.build_image` made that the daemon holds, by tag.

    Raises:
        SandboxError: If the daemon doesn't answer.
    """
    with connect() as api, explained("the daemon lists no images"):
        images = api.images(filters={"label": _LABEL})
    found = [_from_labels(image, tag.removesuffix(":latest")) for image in images for tag in image["RepoTags"] or ()]
    return sorted((image for image in found if image.tag != "<none>:<none>"), key=lambda image: image.tag)


def _from_labels(image: dict[str, Any], tag: str) -> BuiltImage:
    labels = {key: tuple(image["Labels"].get(f"{_LABEL}.{key}", "").split()) for key in ("packages", "languages")}
    programs = tuple(image["Labels"].get(f"{_LABEL}.programs", "").split())
    missing = tuple(name for name in PROGRAMS if name not in programs)
    python = image["Labels"].get(f"{_LABEL}.python", "")
    return BuiltImage(tag, image["Id"], image["Size"], python, **labels, programs=programs, missing=missing)


def import_image(api: Any, chunks: Iterator[bytes]) -> str:
    """Hand an archive to the daemon; return the image's id. What ``chunks`` raises comes out as it is."""
    changes = [f"ENV PATH={_PATH}", "ENV LANG=C.UTF-8", 'CMD ["python3"]']
    raised: list[Exception] = []
    try:
        with explained("the daemon can't take the image"):
            answer = api.import_image(src=_noted(chunks, raised), changes=changes, stream_src=True)
    except SandboxError:
        if raised:
            raise raised[0] from None
        raise
    lines = [json.loads(line) for line in answer.splitlines() if line.strip()]
    for line in lines:
        if "error" in line:
            raise SandboxError(_with_fix("the daemon can't take the image", line["error"]))
    return str(lines[-1]["status"])


def _noted(chunks: Iterator[bytes], raised: list[Exception]) -> Iterator[bytes]:
    """Note what raises while a request is sent: its client would take an OSError for the connection's."""
    try:
        yield from chunks
    except Exception as error:
        raised.append(error)
        raise


@contextlib.contextmanager
def explained(problem: str) -> Iterator[None]:
    """Say what a failure of the daemon means, and what to do."""
    import docker.errors
    import requests

    try:
        yield
    except (docker.errors.DockerException, requests.RequestException, OSError) as error:
        raise SandboxError(_with_fix(problem, str(getattr(error, "explanation", None) or error))) from error


def _with_fix(problem: str, detail: str) -> str:
    fixes = {
        "no space left": "; free some space (`docker system df` shows what takes it, `docker image prune` frees it)",
        "permission denied": "; your user must be allowed to use the daemon (`usermod -aG docker $USER`)",
    }
    return f"{problem}: {detail}{next((fix for sign, fix in fixes.items() if sign in detail.lower()), '')}"


def tag_image(
    api: Any,
    imported: str,
    name: str,
    tag: str,
    found: dict[str, Any],
    packages: Sequence[str],
    languages: Sequence[str],
) -> BuiltImage:
    """Give an image that was checked its tag, and labels that say what is in it."""
    labels = {
        "": "1",
        ".python": found["python"],
        ".packages": " ".join(packages),
        ".languages": " ".join(languages),
        ".programs": " ".join(found["programs"]),
    }
    described = " ".join(f"{_LABEL}{key}={json.dumps(value)}" for key, value in labels.items())
    with explained("the image can't be tagged"):
        replaced = [image["Id"] for image in api.images(name, filters={"label": _LABEL})]
        recipe = io.BytesIO(f"FROM {imported}\nLABEL {described}\n".encode())
        for line in api.build(fileobj=recipe, tag=name, decode=True, rm=True, forcerm=True):
            if "error" in line:
                raise SandboxError(_with_fix("the image can't be tagged", line["error"]))
        built = _from_labels(_described_image(api, name), tag)
    for image in replaced:
        with contextlib.suppress(Exception):  # it may be in use
            if image != built.id and not api.inspect_image(image)["RepoTags"]:
                api.remove_image(image)
    return built


def _described_image(api: Any, name: str) -> dict[str, Any]:
    image = api.inspect_image(name)
    return {"Id": image["Id"], "Size": image["Size"], "Labels": image["Config"]["Labels"]}
