"""Root file systems that are given or installed: no image, and no daemon."""

import contextlib
import os
import tarfile

import pytest

from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.images import roots
from deepgym_env.images.roots import debootstrap, given_root


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "root.tar"
    with tarfile.open(path, "w") as opened:
        opened.addfile(tarfile.TarInfo("empty"))
    return path


@pytest.fixture
def nobody():
    """Be an ordinary user for a while, where the tests are run by root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield
    os.seteuid(before)


def _ignored(step, share):
    pass


def test_an_archive_is_given_as_it_is(archive):
    with given_root(str(archive), _ignored) as chunks:
        assert b"".join(chunks) == archive.read_bytes()


@pytest.mark.parametrize("error", [FileNotFoundError, PermissionError])
def test_what_fails_while_a_root_is_used_is_not_the_roots_fault(archive, error):
    with pytest.raises(error, match="the caller's"), given_root(str(archive), _ignored):
        raise error("the caller's")


def test_an_archive_that_may_not_be_read_is_refused_with_a_remedy(archive, nobody):
    with contextlib.suppress(PermissionError):  # root's: it lies in a folder that is closed to others
        archive.chmod(0)
    with (
        pytest.raises(ConfigError, match=r"root\.tar: Permission denied: .*`chmod \+r`"),
        given_root(str(archive), _ignored),
    ):
        pass


@pytest.mark.parametrize("name", ["missing", "root.tar/below"])
def test_what_is_not_there_is_no_source(archive, name):
    with (
        pytest.raises(ConfigError, match=r"no source .*take 'host', 'debootstrap'"),
        given_root(str(archive.parent / name), _ignored),
    ):
        pass


@pytest.mark.parametrize(
    ("suite", "mirror", "asked"),
    [
        (None, None, "noble {root} http://own.example/ubuntu"),
        ("noble", None, "noble {root} http://own.example/ubuntu"),
        ("bookworm", None, "bookworm {root}"),
        ("bookworm", "http://given.example/debian", "bookworm {root} http://given.example/debian"),
        ("noble", "http://given.example/ubuntu", "noble {root} http://given.example/ubuntu"),
    ],
)
def test_debootstrap_asks_a_mirror_that_has_the_suite(monkeypatch, tmp_path, suite, mirror, asked):
    for name in ("debootstrap", "unshare"):
        (tmp_path / name).write_text('#!/bin/sh\necho "$*"\nexit 1\n')
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(roots, "own_suite", lambda: "noble")
    monkeypatch.setattr(roots, "own_mirror", lambda suite: "http://own.example/ubuntu" if suite == "noble" else None)
    with pytest.raises(SandboxError) as failure:
        debootstrap(tmp_path, [], [], suite, mirror, _ignored)
    assert str(failure.value).endswith(f" {asked.format(root=tmp_path / 'root')}")
