"""Images for containers: really built, and looked at from inside as sandboxes start them."""

import hashlib
import io
import json
import os
import platform
import shutil
import sysconfig
import tarfile
import uuid
from pathlib import Path

import pytest

from deepgym_env.errors import ConfigError, SandboxError
from deepgym_env.images import PROGRAMS, build_image, check, list_images

docker = pytest.importorskip("docker", reason="needs the Docker SDK: pip install 'deepgym-env[docker]'")

from deepgym_env.sandbox.docker import connect  # noqa: E402

pytestmark = pytest.mark.xdist_group("image")  # one process builds, the others would each build their own


@pytest.fixture(scope="module")
def api():
    try:
        with connect() as found:
            yield found
    except SandboxError as error:
        pytest.skip(f"needs a Docker daemon: {error}")


@pytest.fixture(scope="module")
def tags(api):
    """Names for images that are removed at the end, with all that was made for them."""
    repository = f"deepgym-test-{uuid.uuid4().hex[:12]}"
    yield lambda name: f"{repository}:{name}"
    for image in api.images(repository):
        api.remove_image(image["Id"], force=True)


@pytest.fixture(scope="module")
def built(api, tags):
    if shutil.which("ldd") is None:
        pytest.skip("needs ldd")
    steps = []
    image = build_image(tags("host"), progress=lambda step, share: steps.append((step, share)))
    return image, steps


@pytest.fixture(scope="module")
def archive(api, built, tmp_path_factory):
    """The image's root file system, without the packages, as ``docker export`` writes it."""
    made = api.create_container(built[0].tag, ["true"])["Id"]
    path = tmp_path_factory.mktemp("image") / "root.tar"
    try:
        with path.open("wb") as file:
            for part in api.export(made):
                file.write(part)
    finally:
        api.remove_container(made)
    return path


@pytest.fixture(scope="module")
def inside(api):
    """Runs a command in an image as sandboxes do; returns its output."""

    def run(tag, *command):
        limits = api.create_host_config(read_only=True, network_mode="none", tmpfs={"/tmp": "exec,mode=1777"})
        made = api.create_container(
            tag, list(command), user="61000:61000", environment={"HOME": "/tmp"}, working_dir="/tmp", host_config=limits
        )["Id"]
        try:
            api.start(made)
            code = api.wait(made)["StatusCode"]
            output = api.logs(made).decode()
        finally:
            api.remove_container(made, force=True)
        assert code == 0, output
        return output

    return run


def test_it_says_what_is_in_the_image(api, built):
    image, steps = built
    assert (image.python, image.packages) == (platform.python_version(), ("numpy",))
    assert {"bash", "sh", "cat", "python3", "python"} <= set(image.programs)
    assert sorted(image.programs + image.missing) == sorted(PROGRAMS)
    here = {name for name in PROGRAMS if shutil.which(name, path="/usr/bin:/bin")}
    assert here <= set(image.programs), "whatever this machine has is in it"
    found = api.inspect_image(image.tag)
    assert (image.id, image.bytes) == (found["Id"], found["Size"])
    assert image.bytes < 250e6
    assert image in list_images()
    assert list(dict.fromkeys(step for step, _ in steps)) == [
        "gathering files",
        "sending files to the daemon",
        "checking the image",
    ]
    assert all(0 <= share <= 1 for _, share in steps)


def test_its_python_is_this_one_with_packages_and_bytecode(built, inside):
    program = """
import ctypes, json, lzma, os, sqlite3, ssl, sys, zoneinfo
import numpy
print(json.dumps({
    "executable": os.path.realpath(sys.executable),
    "determinant": round(numpy.linalg.det(numpy.array([[1.0, 2.0], [3.0, 4.0]])), 9),
    "beside the standard library": os.path.dirname(numpy.__file__).startswith(os.path.dirname(json.__file__)[:-5]),
    "compiled": [os.path.exists(module.__cached__) for module in (json, numpy)],
    "sqlite": sqlite3.connect(":memory:").execute("select 6 * 7").fetchone(),
    "home": ctypes.CDLL(None).getuid(),
}))
"""
    import sys

    assert json.loads(inside(built[0].tag, "python3", "-c", program)) == {
        "executable": os.path.realpath(sys.executable),
        "determinant": -2.0,
        "beside the standard library": True,
        "compiled": [True, True],
        "sqlite": [42],
        "home": 61000,
    }
    assert inside(built[0].tag, "python", "-c", "print('also as python')") == "also as python\n"


@pytest.mark.parametrize(
    ("program", "command", "expected"),
    [
        ("bash", "for n in {1..3}; do printf '%s ' $((n * n)); done", "1 4 9"),
        ("git", "git init -q r && cd r && git -c user.name=a -c user.email=b commit -qm hi --allow-empty "
         "&& git log --format=%s && git diff --stat", "hi"),
        ("awk", "echo 'a b c' | awk '{ print $2 }'", "b"),
        ("sed", "echo cat | sed -E 's/c(.)/h\\1/'", "hat"),
        ("grep", "printf 'x1\\ny2\\n' | grep -oE '[0-9]+$'", "1\n2"),
        ("find", "mkdir -p a/b && touch a/b/c.txt && find a -name '*.txt'", "a/b/c.txt"),
        ("make", "printf 'all:\\n\\t@echo made\\n' > Makefile && make", "made"),
        ("patch", "echo a > f; echo b > g; diff -u f g | patch -s f; cat f", "b"),
        ("tar", "mkdir d && echo in > d/f && tar czf d.tgz d && rm -r d && tar xzf d.tgz && cat d/f", "in"),
        ("xz", "echo long | xz | xz -d", "long"),
        ("sqlite3", "sqlite3 :memory: 'select 6 * 7'", "42"),
        ("perl", "perl -MList::Util=sum -MPOSIX=floor -e 'print floor(sum(1, 2.5))'", "3"),
        ("file", "file -b /usr/bin/bash | cut -d' ' -f1", "ELF"),
        ("ps", "ps -o comm= -p $$; true", "bash"),
    ],
)  # fmt: skip
def test_its_programs_work(built, inside, program, command, expected):
    if program in built[0].missing:
        pytest.skip(f"this machine has no {program}")
    assert inside(built[0].tag, "bash", "-ec", command).strip() == expected


def test_nothing_in_it_lacks_a_library(built, inside):
    script = r"""
loader=$(ls /lib*/ld-linux*.so.* /lib/*/ld-linux*.so.* 2>/dev/null | head -n 1)
find /usr /root /opt /home -type f \( -perm -100 -o -name '*.so*' \) 2>/dev/null | while read -r file; do
    "$loader" --list "$file" 2>&1 | grep 'not found' | sed "s|^|$file: |" || true
done
"""
    assert inside(built[0].tag, "bash", "-c", script) == ""


def test_all_of_it_is_for_everybody_and_nothing_of_it_raises_rights(built, inside):
    odd = r"find / -xdev ! -path '/proc/*' \( -perm /6000 -o ! -user 0 -o ! -type l ! -readable \) 2>&1"
    assert inside(built[0].tag, "sh", "-c", odd) == ""


def test_it_holds_no_more_of_this_machine_than_it_must(built, inside):
    tag = built[0].tag
    here = os.path.dirname(os.path.abspath(__file__))
    absent = ["/etc/shadow", "/etc/ssh", "/var/log", "/root/.bashrc", "/root/.ssh", "/root/.cache", here]
    assert inside(tag, "sh", "-c", f"ls -d {' '.join(absent)} 2>/dev/null || true") == ""
    program = (
        "import importlib.util as u; print([n for n in ('pip', 'deepgym_env', 'pytest', 'docker') if u.find_spec(n)])"
    )
    assert inside(tag, "python3", "-c", program) == "[]\n"


def test_what_the_compilers_need_comes_with_them(api, tags, inside):
    if shutil.which("gcc") is None:
        with pytest.raises(ConfigError, match=r"this machine has no gcc; install it \(`apt install gcc"):
            build_image(tags("c"), include=["c"])
        return
    image = build_image(tags("c"), packages=(), include=["c"])
    assert (image.languages, image.packages) == (("c",), ())
    assert image in list_images()
    script = """
cat > a.c <<'END'
#include <pthread.h>
#include <stdio.h>
static void *answer(void *_) { return (void *)42; }
int main(void) {
    pthread_t thread;
    void *got;
    pthread_create(&thread, NULL, answer, NULL);
    pthread_join(thread, &got);
    printf("%d", (int)(long)got);
}
END
gcc -O2 -Wall -Werror -pthread a.c && ./a.out
"""
    assert inside(image.tag, "bash", "-c", script) == "42"


def test_a_root_file_system_in_an_archive_is_taken_as_it_is(api, built, archive, tags, inside):
    image = build_image(tags("archive"), source=archive, packages=["numpy"])
    assert (image.python, image.programs) == (built[0].python, built[0].programs)
    assert inside(image.tag, "python3", "-c", "import numpy; print(numpy.arange(3).sum())") == "3\n"
    again = build_image(tags("archive"), source=archive)
    assert again.packages == (), "none is asked of what is given"
    with pytest.raises(docker.errors.ImageNotFound):
        api.inspect_image(image.id)


def test_a_root_file_system_in_a_folder_is_taken_as_it_is(api, built, archive, tags, inside, tmp_path):
    with tarfile.open(archive) as opened:
        opened.extractall(tmp_path, **({"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}))
    (tmp_path / "workspace" / "mine").write_text("kept")
    (tmp_path / "workspace" / "pointer").symlink_to("/workspace/mine")
    (tmp_path / "usr" / "bin" / "bash").chmod(0o4755)
    image = build_image(tags("folder"), source=tmp_path)
    assert (image.python, image.missing) == (built[0].python, built[0].missing)
    assert inside(image.tag, "sh", "-c", "cat /workspace/pointer; stat -c %a /usr/bin/bash") == "kept755\n"


def _leftovers(api, path):
    """Return images made of exactly this archive."""
    layer = f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
    found = []
    for image in api.images(all=True):
        try:
            if layer in api.inspect_image(image["Id"])["RootFS"]["Layers"]:
                found.append(image["Id"])
        except docker.errors.ImageNotFound:
            pass  # another test's
    return found


def test_an_image_that_does_not_work_gets_no_tag_and_is_removed(api, tags, archive, tmp_path):
    unique = tmp_path / "root.tar"
    shutil.copy(archive, unique)
    with tarfile.open(unique, "a") as opened:
        opened.addfile(tarfile.TarInfo(f"only-here-{uuid.uuid4()}"))
    with pytest.raises(SandboxError, match=r"can't import no_such_package: No module named 'no_such_package'"):
        build_image(tags("broken"), source=unique, packages=["no_such_package"])
    with pytest.raises(SandboxError, match="a program in go does not work: it has no go"):
        build_image(tags("broken"), source=unique, include=["go"])
    assert not api.images(tags("broken"))
    assert _leftovers(api, unique) == []


@pytest.fixture
def hanging(archive, tmp_path):
    """Adds a program or module that never ends to the archive."""

    def add(place, script):
        path = tmp_path / "hanging.tar"
        shutil.copy(archive, path)
        info = tarfile.TarInfo(place.lstrip("/"))
        info.mode, info.size = 0o755, len(script)
        with tarfile.open(path, "a") as opened:
            opened.addfile(info, io.BytesIO(script.encode()))
        return path

    return add


def test_languages_are_tried_when_they_are_asked_for(api, tags, hanging, monkeypatch):
    monkeypatch.setattr(check, "_SECONDS", 5)
    path = hanging("/usr/bin/node", "#!/bin/sh\nsleep 1000\n")
    with pytest.raises(SandboxError, match=r"still being checked after 10 s, at `node a\.js`: that hangs"):
        build_image(tags("broken"), source=path, include=["javascript"])
    assert build_image(tags("other"), source=path).languages == ()


@pytest.mark.parametrize(
    ("place", "script", "packages", "step"),
    [
        ("/usr/local/bin/python3", "#!/bin/sh\nsleep 1000\n", [], "python3"),
        (f"{sysconfig.get_path('stdlib')}/hangs.py", "import time\ntime.sleep(1000)\n", ["hangs"], "import hangs"),
    ],
    ids=["python3", "import"],
)
def test_what_hangs_in_an_image_is_named(api, tags, hanging, monkeypatch, place, script, packages, step):
    monkeypatch.setattr(check, "_SECONDS", 5)
    with pytest.raises(SandboxError, match=f"still being checked after 5 s, at `{step}`: that hangs"):
        build_image(tags("broken"), source=hanging(place, script), packages=packages)


def test_an_archive_without_python_is_refused(api, tags, tmp_path):
    path = tmp_path / "empty.tar"
    with tarfile.open(path, "w") as opened:
        opened.addfile(tarfile.TarInfo(f"only-here-{uuid.uuid4()}"))
    with pytest.raises(SandboxError, match=r"no python3 that starts: .*python3"):
        build_image(tags("broken"), source=path)
    assert _leftovers(api, path) == []


def test_a_file_that_goes_away_while_it_is_sent_ends_the_build(api, tags, tmp_path):
    doomed = tmp_path / "doomed"
    doomed.write_text("x")

    def take_away(step, share):
        if step.startswith("sending"):
            doomed.unlink(missing_ok=True)

    with pytest.raises(SandboxError, match=r"doomed can't be copied into the image: No such file"):
        build_image(tags("broken"), source=tmp_path, progress=take_away)
    assert not api.images(tags("broken"))


@pytest.mark.parametrize("step", ["gathering files", "sending the archive to the daemon", "checking the image"])
def test_what_progress_raises_comes_out_as_it_is(api, tags, archive, step):
    def fail(told, share):
        if told == step:
            raise FileNotFoundError("progress")

    with pytest.raises(FileNotFoundError, match=r"^progress$"):
        build_image(tags("broken"), source=archive, progress=fail)
    assert not api.images(tags("broken"))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"include": ["fortran"]}, "no toolchain is known for 'fortran': take c, cpp, go"),
        ({"include": "c"}, r"give a list of languages, like \['c'\]"),
        ({"tag": "Capital"}, "'Capital' can't name an image"),
        ({"tag": "a:b:c"}, "can't name an image"),
        ({"tag": ""}, "can't name an image"),
        ({"packages": ["no_such_package"]}, "no package 'no_such_package' is installed beside"),
        ({"packages": ["../escape"]}, r"no package '\.\./escape' is installed"),
        ({"source": "no/such/place"}, "no source 'no/such/place': take 'host', 'debootstrap'"),
        ({"source": __file__}, "no tar archive"),
    ],
)
def test_arguments_that_cannot_work_are_refused_by_name(api, tags, options, message):
    with pytest.raises(ConfigError, match=message):
        build_image(**{"tag": tags("refused"), **options})
    assert not api.images(tags("refused"))


def test_what_debootstrap_needs_is_said(api, tags, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="`apt install debootstrap`"):
        build_image(tags("refused"), source="debootstrap")
    script = tmp_path / "debootstrap"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with pytest.raises(ConfigError, match="no suite '--help'" if os.geteuid() == 0 else "needs root"):
        build_image(tags("refused"), source="debootstrap", suite="--help")


@pytest.mark.skipif(
    "DEEPGYM_TEST_DEBOOTSTRAP" not in os.environ, reason="takes minutes: set DEEPGYM_TEST_DEBOOTSTRAP=1"
)
def test_a_small_debian_is_made_of_a_mirror(tags, inside):
    image = build_image(tags("debian"), source="debootstrap", suite="bookworm", include=["c"])
    assert image.languages == ("c",)
    assert {"bash", "git", "awk", "sqlite3", "python"} <= set(image.programs)
    assert inside(image.tag, "python3", "-c", "import numpy; print(numpy.arange(3).sum())") == "3\n"
    assert not list(Path("/tmp").glob("deepgym-image-*"))


def test_without_a_daemon_the_fix_is_named(monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    with pytest.raises(SandboxError, match="no Docker daemon answers; start it"):
        build_image("deepgym-never-built")
    with pytest.raises(SandboxError, match="no Docker daemon answers; start it"):
        list_images()
