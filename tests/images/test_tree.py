"""A tree and its archive: no image, and no daemon."""

import os
import tarfile

from deepgym_env.images.tree import Tree


def test_the_same_files_make_the_same_archive_whoever_owns_them(tmp_path):
    top = tmp_path / "top"
    (top / "sub").mkdir(parents=True)
    (top / "sub" / "data").write_bytes(b"x" * 1000)
    (top / "run").write_text("#!/bin/sh\n")
    (top / "run").chmod(0o4700)
    (top / "inner").symlink_to("sub/data")
    (top / "outer").symlink_to(tmp_path / "aside")
    (top / "loop").symlink_to("..")
    (top / "gone").symlink_to("/nonexistent")
    (tmp_path / "aside").mkdir()
    (tmp_path / "aside" / "more").write_text("more")
    os.link(top / "sub" / "data", top / "twin")

    def archive():
        tree = Tree()
        tree.add_folder(str(top), "/opt/top", skip=["*.skipped"])
        return b"".join(tree.tar(lambda step, share: None))

    first = archive()
    (top / "left.skipped").write_text("no part of it")
    (top / "sub" / "data").chmod(0o600)
    os.utime(top / "sub" / "data", (0, 0))
    assert archive() == first
    path = tmp_path / "made.tar"
    path.write_bytes(first)
    with tarfile.open(path) as made:
        members = {member.name: member for member in made}
        assert list(members) == sorted(members), "in order, folders before what they hold"
        assert {(member.uid, member.gid, member.mtime) for member in members.values()} == {(0, 0, 1_577_836_800)}
        assert {name: oct(member.mode) for name, member in members.items() if not member.issym()} == {
            "opt": "0o755",
            "opt/top": "0o755",
            "opt/top/outer": "0o755",
            "opt/top/outer/more": "0o644",
            "opt/top/run": "0o755",
            "opt/top/sub": "0o755",
            "opt/top/sub/data": "0o644",
            "opt/top/twin": "0o644",
        }
        assert {name: member.linkname for name, member in members.items() if member.issym()} == {
            "opt/top/inner": "sub/data"
        }
        assert made.extractfile("opt/top/twin").read() == b"x" * 1000
        assert members["opt/top/twin"].linkname == "opt/top/sub/data", "one file with two names is sent once"
