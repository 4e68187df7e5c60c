"""Which mirror is this machine's own, by what lies in /etc."""

import pytest

from deepgym_env.images.mirrors import own_mirror, own_suite


@pytest.fixture
def etc(tmp_path):
    """Make an /etc of files that are given by name and content."""

    def make(release="", **files):
        (tmp_path / "apt" / "sources.list.d").mkdir(parents=True)
        (tmp_path / "os-release").write_text(release)
        for name, text in files.items():
            (tmp_path / "apt" / name).write_text(text)
        return tmp_path

    return make


_UBUNTU = 'NAME="Ubuntu"\nID=ubuntu\nVERSION_CODENAME=noble\n'
_DEBIAN = 'NAME="Debian GNU/Linux"\nID=debian\nVERSION_CODENAME="bookworm"\n'
_LIST = {"sources.list": "deb [arch=amd64] http://own.example/ubuntu noble main\n"}


@pytest.mark.parametrize(
    ("release", "suite"), [(_UBUNTU, "noble"), (_DEBIAN, "bookworm"), ("ID=fedora\n", None), ("ID=debian\n", None)]
)
def test_the_release_is_told_by_its_codename(etc, release, suite):
    assert own_suite(etc(release)) == suite


def test_without_a_release_file_there_is_no_suite(tmp_path):
    assert own_suite(tmp_path) is None
    assert own_mirror("bookworm", tmp_path) is None


@pytest.mark.parametrize(
    ("release", "suite", "mirror"),
    [
        (_UBUNTU, "noble", "http://own.example/ubuntu"),
        (_UBUNTU, "bookworm", None),
        (_UBUNTU, "jammy", None),
        (_DEBIAN, "noble", None),
        ("ID=linuxmint\nVERSION_CODENAME=noble\n", "noble", None),
    ],
)
def test_the_own_mirror_is_for_the_own_release(etc, release, suite, mirror):
    assert own_mirror(suite, etc(release, **_LIST)) == mirror


@pytest.mark.parametrize(
    ("name", "text", "mirror"),
    [
        ("sources.list", "deb http://a.example/debian/ bookworm main\n", "http://a.example/debian"),
        (
            "sources.list",
            "# deb http://no.example/debian x main\ndeb-src http://no.example/debian x main\n"
            "deb http://no.example/debian-security x main\ndeb [trusted=yes] https://a.example/debian x main\n",
            "https://a.example/debian",
        ),
        (
            "sources.list.d/debian.sources",
            "Types: deb\nURIs: http://a.example/debian\nSuites: bookworm\n",
            "http://a.example/debian",
        ),
        ("sources.list.d/more.list", "deb https://other.example/apt stable main\n", None),
        ("sources.list.d/arm.list", "deb http://a.example/ubuntu-ports noble main", "http://a.example/ubuntu-ports"),
        (
            "sources.list.d/two.sources",
            "Enabled: no\nTypes: deb\nURIs: http://no.example/debian\n\nTypes: deb\nURIs: http://a.example/debian\n",
            "http://a.example/debian",
        ),
        ("sources.list.d/old.list.save", "deb http://no.example/debian bookworm main\n", None),
        ("sources.list.d/old.sources.disabled", "Types: deb\nURIs: http://no.example/debian\n", None),
    ],
)
def test_the_mirror_is_read_as_apt_reads_it(etc, name, text, mirror):
    assert own_mirror("bookworm", etc(_DEBIAN, **{name: text})) == mirror
