"""Images for sandboxes in containers, made without a registry.

- :func:`build_image`: make one of this machine's programs, of a Debian mirror, or of a root file system.
- :class:`BuiltImage`: what came of it. :func:`list_images`: those the daemon holds.

An image is imported as one layer, checked in a throw-away container as sandboxes start them (an unprivileged
user, a read-only root, no network), and only then given its tag: what has the tag works.

See ld.so(8) for how programs find their libraries, tar(5) for the format, and the Docker Engine API,
https://docs.docker.com/reference/api/engine/.
"""

from __future__ import annotations

import collections
import contextlib
import fnmatch
import importlib.util
import io
import json
import marshal
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.sandbox import owner
from deepgym_env.sandbox.docker import BUILT_IMAGE, connect

__all__ = ["DEFAULT_TAG", "LANGUAGES", "PROGRAMS", "BuiltImage", "Progress", "build_image", "list_images"]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


DEFAULT_TAG = BUILT_IMAGE
LANGUAGES = ("c", "cpp", "go", "java", "javascript", "rust")
PROGRAMS = _words(
    "bash sh [ awk base64 basename bunzip2 bzip2 cat chmod cksum clear cmp comm cp csplit cut date dd df diff diff3 "
    "dirname du echo env expand expr factor false file find fmt fold git grep egrep fgrep groups gunzip gzip head "
    "hostname id install join kill less link ln ls make md5sum mkdir mkfifo mktemp more mv nice nl nohup nproc "
    "numfmt od paste patch perl pgrep pkill pr printenv printf ps pwd python python3 readlink realpath rev rm rmdir "
    "sed seq setsid sha1sum sha256sum sha512sum shred shuf sleep sort split sqlite3 stat stdbuf stty sum sync tac "
    "tail tar tee test time timeout top touch tr tree true truncate tsort tty uname unexpand uniq unlink unxz unzip "
    "uptime vi wc which whoami xargs xxd xz yes zcat zip"
)

Progress = Callable[[str, float], None]  # what is being done, and how much of it is done, 0 to 1

_LABEL = "deepgym.image"
_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_SYSTEM_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"  # what sessions show of an image
_USER = "61000:61000"
_OLDEST = (3, 8)
_MODULES = ("ctypes", "ssl", "sqlite3", "json", "hashlib", "lzma", "bz2", "zlib", "decimal")
_MTIME = 1_577_836_800  # 2020-01-01: the same each time, and one that zip archives can hold
_CHUNK = 1 << 20
_CHECK_SECONDS = 120
_ROOM = "/deepgym-check"  # where programs that try an image may write
_DAEMON_SECONDS = 600  # it answers once it has unpacked an image
_FOLDERS = ("/dev", "/proc", "/run", "/sys", "/tmp", "/var/tmp", "/workspace")
_FILES = {
    "/etc/passwd": b"root:x:0:0:root:/root:/bin/sh\nagent:x:61000:61000::/workspace:/bin/bash\n",
    "/etc/group": b"root:x:0:\nagent:x:61000:\n",
    "/etc/nsswitch.conf": b"passwd: files\ngroup: files\nhosts: files\n",
}
_TOP_LEVEL = ("/bin", "/sbin", "/lib", "/lib32", "/lib64")  # links into /usr, or folders of their own
# A library is found in the image where it is found here, so the loader's settings and its cache hold there too.
_LOADER = ("/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/ld.so.cache")
_DATA = (
    "/usr/share/git-core",
    "/usr/share/misc/magic.mgc",
    "/usr/share/zoneinfo",
    "/usr/share/terminfo",
    "/lib/terminfo",
    "/usr/lib/locale/C.utf8",
    "/usr/share/awk",
)
_NOT_IN_DATA = ("zoneinfo/posix", "zoneinfo/right")
_NOT_IN_GIT = ("git-remote-*", "git-http-*", "git-imap-send", "git-daemon", "git-shell", "scalar")  # for networks
_NOT_IN_STDLIB = (
    *("__pycache__", "site-packages", "dist-packages", "test", "tests", "idlelib", "lib2to3", "tkinter", "turtledemo"),
    *("ensurepip", "config-*", "_tkinter.*", "_test*", "xxlimited*"),
)
_NOT_IN_PACKAGES = ("__pycache__", "tests", "*.a")
_LOADED_LATE = ("libgcc_s.so.1", "libnss_files.so.2")  # opened by the C library when it needs them
_C_PROGRAMS = _words(
    "gcc cc c99 cpp as ld ld.bfd ar nm objdump objcopy ranlib readelf strip strings size addr2line c++filt gcov"
)
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
_ELF = b"\x7fELF"
_LIBRARY = re.compile(r"^\s+(?:\S+ => )?(/.+) \(0x[0-9a-f]+\)$", re.MULTILINE)
_APT_PACKAGES = _words(
    "bash bsdextrautils bzip2 coreutils diffutils file findutils gawk git grep gzip less make mawk patch procps "
    "python-is-python3 python3 sed sqlite3 tar unzip xxd xz-utils zip"
)
_APT_LANGUAGES = {
    "c": ("gcc", "libc6-dev"),
    "cpp": ("g++", "libc6-dev"),
    "go": ("golang-go",),
    "java": ("default-jdk-headless",),
    "javascript": ("nodejs",),
    "rust": ("rustc", "gcc", "libc6-dev"),
}
_DEBIAN_MIRROR = "http://deb.debian.org/debian"
_NOT_FROM_DEBIAN = ("var/cache/apt/*", "var/lib/apt/lists/*", "usr/share/doc/*", "usr/share/man/*", "usr/share/info/*")


@dataclass(frozen=True)
class BuiltImage:
    """An image for sandboxes, as found when it was checked.

    ``python`` is its version, ``programs`` and ``missing`` are those of :data:`PROGRAMS` that are there and
    that aren't, ``languages`` are those of :data:`LANGUAGES` that can be compiled or run.
    """

    tag: str
    id: str
    bytes: int
    python: str
    packages: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    programs: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def build_image(
    tag: str = DEFAULT_TAG,
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
        include: Languages besides Python, of :data:`LANGUAGES`.
        suite: For ``"debootstrap"``, the release; by default this machine's, else ``bookworm``.
        mirror: For ``"debootstrap"``, where packages come from; by default as this machine's own.
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
            chunks = _host_tree(packages, wanted).tar(told)
        elif source == "debootstrap":
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="deepgym-image-")))
            chunks = _debootstrap(folder, packages, wanted, suite, mirror, told).tar(told)
        else:
            chunks = stack.enter_context(_given(source, told))
        imported = _import(api, chunks)
        try:
            told("checking the image", 0.0)
            found = _check(api, imported, packages, wanted)
            return _tag(api, imported, f"{repository}:{version}", tag, found, packages)
        except BaseException:
            with contextlib.suppress(Exception):
                api.remove_image(imported)
            raise


def list_images() -> list[BuiltImage]:
    """Return the images :func:`build_image` made that the daemon holds, by tag.

    Raises:
        SandboxError: If the daemon doesn't answer.
    """
    with connect() as api, _explained("the daemon lists no images"):
        images = api.images(filters={"label": _LABEL})
    found = [_from_labels(image, tag.removesuffix(":latest")) for image in images for tag in image["RepoTags"] or ()]
    return sorted((image for image in found if image.tag != "<none>:<none>"), key=lambda image: image.tag)


def _from_labels(image: dict[str, Any], tag: str) -> BuiltImage:
    labels = {key: tuple(image["Labels"].get(f"{_LABEL}.{key}", "").split()) for key in ("packages", "languages")}
    programs = tuple(image["Labels"].get(f"{_LABEL}.programs", "").split())
    missing = tuple(name for name in PROGRAMS if name not in programs)
    python = image["Labels"].get(f"{_LABEL}.python", "")
    return BuiltImage(tag, image["Id"], image["Size"], python, **labels, programs=programs, missing=missing)


def _wanted_languages(include: Iterable[str]) -> tuple[str, ...]:
    if isinstance(include, str):
        raise ConfigError(f"include={include!r}: give a list of languages, like [{include!r}]")
    unknown = sorted(set(include) - set(LANGUAGES))
    if unknown:
        raise ConfigError(f"no toolchain is known for {', '.join(map(repr, unknown))}: take {', '.join(LANGUAGES)}")
    return tuple(sorted(set(include)))


def _split_tag(tag: str) -> tuple[str, str]:
    match = re.fullmatch(r"((?:[\w.-]+(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::([\w][\w.-]{0,127}))?", tag)
    if match is None:
        raise ConfigError(f"{tag!r} can't name an image: use small letters and digits, like 'deepgym-sandbox:1'")
    return match[1], match[2] or "latest"


class _Tree:
    """What a root file system will hold: places, and the files of this machine they are copied from."""

    def __init__(self) -> None:
        self._folders: set[str] = set()
        self._links: dict[str, str] = {}
        self._files: dict[str, str | bytes] = {}
        self._modes: dict[str, int] = {}

    def add(self, path: str, skip: Sequence[str] = ()) -> None:
        """Add what this machine has at ``path``, with the links that lead there; nothing if there is nothing.

        Of a folder, all is added but what ``skip`` matches, by name or by path.
        """
        if not os.path.exists(path):
            return None
        place = ""
        parts = os.path.normpath(path).strip("/").split("/")
        for number, name in enumerate(parts, 1):
            place = f"{place}/{name}"
            if os.path.islink(place):
                self.link(place, os.readlink(place))
                return self.add(os.path.join(os.path.dirname(place), os.readlink(place), *parts[number:]), skip)
            if number < len(parts):
                self.folder(place)
        if os.path.isdir(place):
            self.add_folder(place, place, skip)
        else:
            self.file(place, place)
        return None

    def add_folder(self, source: str, place: str, skip: Sequence[str] = ()) -> None:
        """Add a folder at ``place``; a link that leads out of it becomes a copy of what it leads to."""
        self._add_below(place, (os.path.realpath(source),), skip)

    def _add_below(self, place: str, trail: tuple[str, ...], skip: Sequence[str], below: str = "") -> None:
        """Add what lies ``below`` the last folder of ``trail``: those that links led into, none of them twice."""
        source = trail[-1] + below
        self.folder(place)
        for name in sorted(os.listdir(source)):
            path, here = f"{source}/{name}", f"{place}/{name}"
            if any(fnmatch.fnmatch(name, one) or fnmatch.fnmatch(path, f"*/{one}") for one in skip):
                continue
            real = os.path.realpath(path)
            if os.path.islink(path) and real.startswith(f"{trail[-1]}/"):
                self.link(here, os.path.relpath(real, source))
            elif os.path.isfile(real):
                self.file(here, real)
            elif os.path.isdir(real) and not os.path.islink(path):
                self._add_below(here, trail, skip, f"{below}/{name}")
            elif os.path.isdir(real) and not any(f"{one}/".startswith(f"{real}/") for one in trail):
                self._add_below(here, (*trail, real), skip)

    def add_root(self, root: str, skip: Sequence[str] = ()) -> None:
        """Add a root file system that lies in a folder, as it is but for devices, sockets and other file systems."""
        device = os.stat(root).st_dev
        for folder, folders, files in os.walk(root, onerror=_unreadable):
            for name in [*folders, *files]:
                path = os.path.join(folder, name)
                place, stat = path[len(root) :], os.lstat(path)
                if any(fnmatch.fnmatch(place, f"/{one}") for one in skip):
                    continue
                mode = stat.st_mode & 0o1777
                if os.path.islink(path):
                    self.link(place, os.readlink(path))
                elif name in folders:
                    self.folder(place, mode)
                elif os.path.isfile(path):
                    self.file(place, path, mode)
            folders[:] = [name for name in folders if os.lstat(os.path.join(folder, name)).st_dev == device]
        self.add_places()

    def add_places(self) -> None:
        """Add the folders that container engines mount something on, and those anybody may write to."""
        for folder in _FOLDERS:
            self.folder(folder, 0o1777 if folder.endswith("tmp") else None)

    def folder(self, place: str, mode: int | None = None) -> None:
        """Add an empty folder and those it lies in."""
        if mode is not None:
            self._modes[place] = mode
        while place not in self._folders and place not in self._links and place != "/":
            self._folders.add(place)
            place = os.path.dirname(place)

    def link(self, place: str, target: str) -> None:
        """Add a symbolic link."""
        self.folder(os.path.dirname(place))
        if place not in self._files:
            self._links[place] = target

    def file(self, place: str, source: str | bytes, mode: int | None = None) -> None:
        """Add a file: a copy of another, or one with the content given."""
        self.folder(os.path.dirname(place))
        self._links.pop(place, None)
        self._files[place] = source
        if mode is None:
            runs = isinstance(source, str) and os.stat(source).st_mode & 0o111
            mode = 0o755 if runs else 0o644
        self._modes[place] = mode

    def add_libraries(self) -> None:
        """Add the shared libraries that programs and libraries in the tree load, and the loader.

        Raises:
            ConfigError: If this machine has no ``ldd``.
        """
        if shutil.which("ldd") is None:
            raise ConfigError("source='host' needs ldd, which comes with the C library: `apt install libc-bin`")
        sources = {source for source in self._files.values() if isinstance(source, str)}
        binaries = sorted(source for source in sources if _is_elf(source))
        present = {os.path.realpath(source) for source in sources}
        for start in range(0, len(binaries), 64):
            command = ["ldd", *binaries[start : start + 64]]
            listed = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
            for library in dict.fromkeys(_LIBRARY.findall(listed.stdout)):
                if os.path.realpath(library) not in present or library.startswith(("/lib", "/usr/lib")):
                    self.add(library)

    def add_bytecode(self, folder: str) -> None:
        """Compile the Python files below ``folder``: nobody could write it there later."""
        for place, source in sorted(self._files.items()):
            if place.startswith(f"{folder}/") and place.endswith(".py") and isinstance(source, str):
                name = f"{os.path.basename(place)[:-3]}.{sys.implementation.cache_tag}.pyc"
                code = _bytecode(Path(source).read_bytes(), place)
                if code is not None:
                    self.file(f"{os.path.dirname(place)}/__pycache__/{name}", code)

    def tar(self, progress: Progress) -> Iterator[bytes]:
        """Give the tree as a tar archive: root's, in order, the same each time, nothing in it setuid.

        Raises:
            SandboxError: If a file can't be read, or changes meanwhile.
        """
        written: dict[tuple[int, int], str] = {}
        places = sorted({*self._folders, *self._links, *self._files})
        for number, place in enumerate(places):
            if number % 64 == 0:
                progress("sending files to the daemon", number / len(places))
            info = tarfile.TarInfo(place.lstrip("/"))
            info.mtime = _MTIME
            if place in self._files:
                info.mode = self._modes[place]
                yield from _tar_file(info, self._files[place], written)
                continue
            link = self._links.get(place)
            info.type, info.linkname = (tarfile.DIRTYPE, "") if link is None else (tarfile.SYMTYPE, link)
            info.mode = self._modes.get(place, 0o755)
            yield info.tobuf(tarfile.PAX_FORMAT)
        yield bytes(2 * tarfile.BLOCKSIZE)
        progress("sending files to the daemon", 1.0)


def _tar_file(info: tarfile.TarInfo, source: str | bytes, written: dict[tuple[int, int], str]) -> Iterator[bytes]:
    """Give one file's part of an archive; a file of this machine that is in it already becomes a hard link."""
    if isinstance(source, bytes):
        info.size = len(source)
        yield info.tobuf(tarfile.PAX_FORMAT) + source + bytes(-len(source) % tarfile.BLOCKSIZE)
        return
    try:
        with open(source, "rb") as file:
            stat = os.fstat(file.fileno())
            first = written.setdefault((stat.st_dev, stat.st_ino), info.name)
            if first != info.name:
                info.type, info.linkname = tarfile.LNKTYPE, first
                yield info.tobuf(tarfile.PAX_FORMAT)
                return
            info.size = left = stat.st_size
            yield info.tobuf(tarfile.PAX_FORMAT)
            while left > 0 and (part := file.read(min(left, _CHUNK))):
                left -= len(part)
                yield part
    except OSError as error:
        raise SandboxError(f"{source} can't be copied into the image: {error.strerror or error}") from error
    if left:
        raise SandboxError(f"{source} became shorter while it was copied into the image: build again")
    yield bytes(-info.size % tarfile.BLOCKSIZE)


def _is_elf(path: str) -> bool:
    if path.endswith((".py", ".h", ".o", ".a")):
        return False
    try:
        with open(path, "rb") as file:
            return file.read(len(_ELF)) == _ELF
    except OSError:
        return False  # told of when it is to be copied


def _bytecode(source: bytes, place: str) -> bytes | None:
    """Return a .pyc that is used without a look at its source; None for what is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # they are for those who write it
            code = compile(source, place, "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + importlib.util.source_hash(source)
    return head + marshal.dumps(code)


def _host_tree(packages: Sequence[str], languages: Sequence[str]) -> _Tree:
    """Return this machine's programs, the Python that runs this, its packages and toolchains."""
    tree = _Tree()
    for path in _TOP_LEVEL:
        if os.path.islink(path):
            tree.link(path, os.readlink(path))
            tree.folder(os.path.realpath(path))
    tree.add_places()
    for path, text in _FILES.items():
        tree.file(path, text)
    _add_python(tree, packages)
    _add_programs(tree, [name for name in PROGRAMS if name not in ("python", "python3")])
    for path in (*_LOADER, *_DATA):
        tree.add(path, _NOT_IN_DATA)
    for language in languages:
        _TOOLCHAINS[language](tree)
    tree.add_libraries()
    for name in _LOADED_LATE:
        for folder in ("/lib", "/lib64", *map(str, Path("/lib").glob("*-linux-*"))):
            tree.add(f"{folder}/{name}")
    return tree


def _add_programs(tree: _Tree, names: Iterable[str]) -> None:
    for name in names:
        found = shutil.which(name, path=_SYSTEM_PATH)
        if found is not None:
            tree.add(found)
    if shutil.which("git", path=_SYSTEM_PATH):
        tree.add(_asked("git", "--exec-path"), _NOT_IN_GIT)
    if shutil.which("perl", path=_SYSTEM_PATH):
        folders = [path for path in _asked("perl", "-e", 'print "$_\n" for @INC').split("\n") if os.path.isdir(path)]
        base = [path for path in folders if path.endswith("/perl-base")]  # Debian's: the core modules alone
        for path in base or folders:
            tree.add(path)


def _add_python(tree: _Tree, packages: Sequence[str]) -> None:
    interpreter = os.path.realpath(sys.executable)
    query = (
        "import json, site, sys, sysconfig; paths = sysconfig.get_paths(); "
        "print(json.dumps([paths['stdlib'], paths['platstdlib'], site.getsitepackages()[0]]))"
    )
    stdlib, platform_stdlib, site_packages = json.loads(_asked(interpreter, "-I", "-S", "-c", query))
    tree.add(interpreter)
    for name in ("python", "python3"):
        if interpreter != f"/usr/bin/{name}":
            tree.link(f"/usr/bin/{name}", interpreter)
    for folder in dict.fromkeys((stdlib, platform_stdlib)):
        tree.add(folder, _NOT_IN_STDLIB)
        tree.add_bytecode(folder)
    for name in packages:
        for path in _package_paths(name):
            place = f"{site_packages}/{os.path.basename(path)}"
            if os.path.isdir(path):
                tree.add_folder(path, place, _NOT_IN_PACKAGES)
                tree.add_bytecode(place)
            else:
                tree.file(place, path)


def _package_paths(name: str) -> list[str]:
    """Return where a package lies, and the libraries its wheel brings."""
    try:
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
    except (ImportError, ValueError):
        spec = None
    if spec is None or not spec.origin or not os.path.isfile(spec.origin):
        raise ConfigError(f"no package {name!r} is installed beside {sys.executable}: pip install it, or leave it out")
    if spec.submodule_search_locations is None:
        return [spec.origin]
    folder = os.path.dirname(spec.origin)
    return [path for path in (folder, f"{folder}.libs") if os.path.isdir(path)]


def _asked(*command: str) -> str:
    """Return what a program prints.

    Raises:
        ConfigError: If it can't be run, or fails.
    """
    try:
        done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=True, timeout=60)
    except (OSError, subprocess.SubprocessError) as error:
        said = (getattr(error, "stderr", "") or "").strip() or str(error)
        raise ConfigError(f"`{' '.join(command)[:80]}` doesn't work on this machine: {said[-300:]}") from error
    return done.stdout.strip()


def _find(name: str, language: str) -> str:
    """Return the real path of a compiler.

    Raises:
        ConfigError: If there is none.
    """
    found = shutil.which(name)
    if found is None:
        advice = f"install it (`apt install {' '.join(_APT_LANGUAGES[language])}`), or take source='debootstrap'"
        raise ConfigError(f"{language!r} can't be included: this machine has no {name}; {advice}")
    return os.path.realpath(found)


def _add_c(tree: _Tree) -> None:
    compiler = _find("gcc", "c")
    for name in _C_PROGRAMS:
        found = shutil.which(name, path=_SYSTEM_PATH)
        if found is not None:
            tree.add(found)
    for folder in {os.path.dirname(_asked(compiler, f"-print-prog-name={name}")) for name in ("cc1", "collect2")}:
        tree.add(folder, _NOT_IN_GCC)
    tree.add(os.path.dirname(_asked(compiler, "-print-libgcc-file-name")), _NOT_IN_GCC)
    libraries = os.path.dirname(os.path.realpath(_asked(compiler, "-print-file-name=crt1.o")))
    for name in sorted(os.listdir(libraries)):
        if any(fnmatch.fnmatch(name, one) for one in _C_LIBRARIES):
            tree.add(f"{libraries}/{name}")
    for folder in _include_folders(compiler):
        for name in sorted(os.listdir(folder)):
            if name in _C_HEADER_FOLDERS or name.endswith(".h"):
                tree.add(f"{folder}/{name}")


def _include_folders(compiler: str) -> list[str]:
    folders = ["/usr/include", f"/usr/include/{_asked(compiler, '-print-multiarch') or 'none'}"]
    return [folder for folder in folders if os.path.isdir(folder)]


def _add_cpp(tree: _Tree) -> None:
    _add_c(tree)
    compiler = _find("g++", "cpp")
    for name in ("g++", "c++"):
        tree.add(f"/usr/bin/{name}")
    tree.add(os.path.dirname(_asked(compiler, "-print-prog-name=cc1plus")), _NOT_IN_GCC)
    for folder in _include_folders(compiler):
        tree.add(f"{folder}/c++")


def _add_java(tree: _Tree) -> None:
    home = os.path.dirname(os.path.dirname(_find("javac", "java")))
    place = home if home.startswith("/usr/lib/") else f"/usr/lib/jvm/{os.path.basename(home)}"
    tree.add_folder(home, place, _NOT_IN_JDK)
    for name in ("java", "javac", "jar", "javap", "jshell"):
        if os.path.isfile(f"{home}/bin/{name}"):
            tree.link(f"/usr/bin/{name}", f"{place}/bin/{name}")


def _add_javascript(tree: _Tree) -> None:
    tree.file("/usr/bin/node", _find("node", "javascript"))
    for name in ("acorn", "cjs-module-lexer", "undici"):  # Debian's node loads them from here
        tree.add(f"/usr/share/nodejs/{name}")


def _add_go(tree: _Tree) -> None:
    _find("go", "go")
    home = os.path.realpath(_asked("go", "env", "GOROOT"))
    place = home if home.startswith("/usr/lib/") else "/usr/lib/go"
    tree.add_folder(home, place, _NOT_IN_GO)
    for name in ("go", "gofmt"):
        tree.link(f"/usr/bin/{name}", f"{place}/bin/{name}")


def _add_rust(tree: _Tree) -> None:
    _find("rustc", "rust")
    _add_c(tree)  # for the linker
    home = os.path.realpath(_asked("rustc", "--print", "sysroot"))
    if home == "/usr":
        for path in ("/usr/bin/rustc", "/usr/bin/cargo", "/usr/lib/rustlib"):
            tree.add(path)
        return
    tree.add_folder(home, "/usr/lib/rust", _NOT_IN_RUST)
    for name in ("rustc", "cargo"):
        if os.path.isfile(f"{home}/bin/{name}"):
            tree.link(f"/usr/bin/{name}", f"/usr/lib/rust/bin/{name}")


_TOOLCHAINS: dict[str, Callable[[_Tree], None]] = {
    "c": _add_c,
    "cpp": _add_cpp,
    "go": _add_go,
    "java": _add_java,
    "javascript": _add_javascript,
    "rust": _add_rust,
}


def _unreadable(error: OSError) -> None:
    raise ConfigError(f"{error.filename}: {error.strerror}: all of a root file system must be readable")


@contextlib.contextmanager
def _given(source: str, progress: Progress) -> Iterator[Iterator[bytes]]:
    """Give the archive of a root file system: a folder's, or one that is an archive already.

    Raises:
        ConfigError: If it is neither.
    """
    if os.path.isdir(source):
        tree = _Tree()
        tree.add_root(os.path.realpath(source))
        yield tree.tar(progress)
        return
    try:
        if not tarfile.is_tarfile(source):
            raise ConfigError(f"{source}: no tar archive: give one, such as `docker export` writes, or a folder")
        with open(source, "rb") as file:
            yield _parts(file, os.path.getsize(source), progress)
    except FileNotFoundError as error:
        raise ConfigError(
            f"no source {source!r}: take 'host', 'debootstrap', or a root file system in a folder or a tar archive"
        ) from error


def _parts(file: BinaryIO, size: int, progress: Progress) -> Iterator[bytes]:
    done = 0
    while part := file.read(_CHUNK):
        yield part
        done += len(part)
        progress("sending the archive to the daemon", done / size)


def _debootstrap(
    folder: Path,
    packages: Sequence[str],
    languages: Sequence[str],
    suite: str | None,
    mirror: str | None,
    progress: Progress,
) -> _Tree:
    """Install a small Debian into ``folder``."""
    if shutil.which("debootstrap") is None:
        raise ConfigError("source='debootstrap' needs debootstrap: `apt install debootstrap`")
    if os.geteuid() != 0:
        raise ConfigError("source='debootstrap' needs root: run it with sudo, or take source='host'")
    own = _os_release()
    suite = suite or own.get("VERSION_CODENAME") or "bookworm"
    if not re.fullmatch(r"[a-z0-9][\w.-]*", suite):
        raise ConfigError(f"no suite {suite!r}: give a release of Debian or Ubuntu, like 'bookworm'")
    wanted = {*_APT_PACKAGES, *(f"python3-{name.lower()}" for name in packages)}
    wanted.update(package for language in languages for package in _APT_LANGUAGES[language])
    root = folder / "root"
    command = ["debootstrap", "--variant=minbase", f"--include={','.join(sorted(wanted))}", suite, str(root)]
    # In namespaces of its own: what it mounts and starts ends with it.
    command = ["unshare", "--mount", "--pid", "--fork", "--kill-child", *command, mirror or _own_mirror()]
    said = _followed(command, lambda line: progress(f"debootstrap: {line}", 0.0))
    if said is not None:
        raise SandboxError(f"debootstrap failed: {said}")
    tree = _Tree()
    tree.add_root(str(root), _NOT_FROM_DEBIAN)
    return tree


def _followed(command: Sequence[str], told: Callable[[str], None]) -> str | None:
    """Run a command and pass on its lines; return the last ones if it fails."""
    lines: collections.deque[str] = collections.deque(maxlen=3)
    pipe = subprocess.PIPE
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=pipe, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            for line in process.stdout or ():
                lines.append(line.strip())
                told(line.strip())
        except BaseException:
            process.kill()
            raise
    return None if process.returncode == 0 else "; ".join(lines)


def _os_release() -> dict[str, str]:
    """Return what /etc/os-release says where this machine is a Debian or an Ubuntu."""
    try:
        lines = Path("/etc/os-release").read_text().splitlines()
    except OSError:
        return {}
    found = {key: value.strip('"') for key, _, value in (line.partition("=") for line in lines)}
    return found if found.get("ID") in ("debian", "ubuntu") else {}


def _own_mirror() -> str:
    """Return the mirror this machine's own packages come from."""
    if _os_release():
        for path in [Path("/etc/apt/sources.list"), *sorted(Path("/etc/apt/sources.list.d").glob("*"))]:
            text = path.read_text() if path.is_file() else ""
            match = re.search(r"^(?:deb(?:\s+\[.*?\])?|URIs:)\s+(\S+://\S+/(?:debian|ubuntu))/?\s", text, re.MULTILINE)
            if match:
                return match[1]
    return _DEBIAN_MIRROR


def _import(api: Any, chunks: Iterator[bytes]) -> str:
    """Hand an archive to the daemon; return the image's id."""
    changes = [f"ENV PATH={_PATH}", "ENV LANG=C.UTF-8", 'CMD ["python3"]']
    with _explained("the daemon can't take the image"):
        answer = api.import_image(src=chunks, changes=changes, stream_src=True)
    lines = [json.loads(line) for line in answer.splitlines() if line.strip()]
    for line in lines:
        if "error" in line:
            raise SandboxError(_with_fix("the daemon can't take the image", line["error"]))
    return str(lines[-1]["status"])


@contextlib.contextmanager
def _explained(problem: str) -> Iterator[None]:
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


# Programs that print "hello", and what compiles and runs them.
_TRIALS = {
    "c": (
        "a.c",
        '#include <stdio.h>\n#include <math.h>\nint main(int n, char **v) { puts(sqrt(n) ? "hello" : ""); }\n',
        ["gcc -O2 -o a a.c -lm", "./a"],
    ),
    "cpp": (
        "a.cpp",
        '#include <bits/stdc++.h>\nint main() { std::cout << std::string("hello") << std::endl; }\n',
        ["g++ -o a a.cpp", "./a"],
    ),
    "go": ("a.go", 'package main\nimport "fmt"\nfunc main() { fmt.Println("hello") }\n', ["go run a.go"]),
    "java": (
        "A.java",
        'class A { public static void main(String[] a) { System.out.println("hello"); } }\n',
        ["javac A.java", "java A"],
    ),
    "javascript": ("a.js", "console.log('hello')\n", ["node a.js"]),
    "rust": ("a.rs", 'fn main() { println!("hello"); }\n', ["rustc a.rs", "./a"]),
}
_CHECK = """
import importlib, json, os, shutil, subprocess, sys

modules, programs, trials, wanted, room = json.loads(sys.argv[1])
problems, languages = [], []
if sys.version_info < (3, 8):
    problems.append("its python3 is %d.%d, and 3.8 is needed" % sys.version_info[:2])
for name in modules:
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
        done = subprocess.run(command, shell=True, cwd=folder, env=dict(os.environ, HOME=room, TMPDIR=room),
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        said = done.stdout.decode("utf-8", "replace").strip()
        if done.returncode:
            said = said or "exit code %d" % done.returncode
            break
    if said == "hello":
        languages.append(language)
    elif language in wanted:
        problems.append("a program in %s does not work: %s" % (language, said[-300:]))
found = [name for name in programs if shutil.which(name)]
print()
print(json.dumps({"python": sys.version.split()[0], "problems": problems, "programs": found, "languages": languages}))
"""


def _check(api: Any, image: str, packages: Sequence[str], languages: Sequence[str]) -> dict[str, Any]:
    """Try an image as sandboxes use it; return what was found."""
    arguments = json.dumps([[*_MODULES, *packages], PROGRAMS, _TRIALS, languages, _ROOM])
    limits = api.create_host_config(
        cap_drop=["ALL"],
        security_opt=["no-new-privileges"],
        read_only=True,
        network_mode="none",
        pids_limit=512,
        tmpfs={_ROOM: "rw,exec,mode=1777,size=512m"},
    )
    with _explained("no container can be made of the image"):
        made = api.create_container(
            image,
            ["python3", "-I", "-c", _CHECK, arguments],
            user=_USER,
            labels=owner.labels(),
            host_config=limits,
        )["Id"]
    try:
        with _explained("the image has no python3 that starts"):
            api.start(made)
            code = api.wait(made, timeout=_CHECK_SECONDS)["StatusCode"]
            said = api.logs(made, stdout=True, stderr=True, tail=20).decode("utf-8", "replace").strip()
        if code != 0:
            raise SandboxError(f"the image has no python3 that works: {said[-500:] or f'exit code {code}'}")
        found: dict[str, Any] = json.loads(said.splitlines()[-1])
        if found["problems"]:
            raise SandboxError(f"the image doesn't work: {'; '.join(found['problems'])}")
        return found
    finally:
        with contextlib.suppress(Exception):
            api.remove_container(made, force=True)


def _tag(api: Any, imported: str, name: str, tag: str, found: dict[str, Any], packages: Sequence[str]) -> BuiltImage:
    """Give an image that was checked its tag, and labels that say what is in it."""
    labels = {
        "": "1",
        ".python": found["python"],
        ".packages": " ".join(packages),
        ".languages": " ".join(found["languages"]),
        ".programs": " ".join(found["programs"]),
    }
    described = " ".join(f"{_LABEL}{key}={json.dumps(value)}" for key, value in labels.items())
    with _explained("the image can't be tagged"):
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
