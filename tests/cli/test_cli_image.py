"""``deepgym image``."""

import dataclasses
import json
import re
import uuid

import pytest

from deepgym_env.errors import SandboxError
from deepgym_env.images import list_images
from deepgym_env.images.toolchains import TOOLCHAINS

pytest.importorskip("docker", reason="needs the Docker SDK: pip install 'deepgym-env[docker]'")

from deepgym_env.sandbox.docker import connect

pytestmark = pytest.mark.xdist_group("cli-image")


@pytest.fixture(scope="module")
def api():
    try:
        with connect() as found:
            yield found
    except SandboxError as error:
        pytest.skip(f"needs a Docker daemon: {error}")


@pytest.fixture(scope="module")
def tag(api):
    name = f"deepgym-test-{uuid.uuid4().hex[:12]}"
    yield name
    for image in api.images(name):
        api.remove_image(image["Id"], force=True)


def test_build_and_list(deepgym, api, tag):
    made = deepgym("image", "build", "--tag", tag, "--package", "json")
    assert made.exit_code == 0, made.output
    image = next(image for image in list_images() if image.tag == tag)
    assert image.packages == ("json",)
    rows = dict(line.split(None, 1) for line in made.stdout.splitlines() if len(line.split(None, 1)) == 2)
    assert rows["image"].strip() == tag
    assert rows["id"].strip() == image.id[7:19]
    assert rows["python"].strip() == image.python
    assert f"next: `deepgym doctor --mode docker --image {tag}`" in made.stderr

    listed = deepgym("image", "list")
    assert [row.split()[:2] for row in listed.stdout.splitlines() if tag in row] == [[tag, image.python]]
    as_json = json.loads(deepgym("image", "list", "--json").stdout)
    assert json.loads(json.dumps(dataclasses.asdict(image))) in as_json


def test_of_an_archive_as_json(deepgym, api, tag, tmp_path):
    path = tmp_path / "root.tar"
    container = api.create_container(tag, ["true"])["Id"]
    path.write_bytes(b"".join(api.export(container)))
    api.remove_container(container)
    made = deepgym("image", "build", "--from", path, "--tag", f"{tag}:again", "--json")
    assert (made.exit_code, made.stderr) == (0, ""), made.output
    image = next(image for image in list_images() if image.tag == f"{tag}:again")
    assert json.loads(made.stdout) == json.loads(json.dumps(dataclasses.asdict(image)))


def test_a_mirror_can_be_given(refused, monkeypatch):
    def build(tag, *, suite, mirror, **options):
        raise SandboxError(f"{suite} of {mirror}")

    monkeypatch.setattr("deepgym_env.images.build_image", build)
    arguments = ["--from", "debootstrap", "--suite", "bookworm", "--mirror", "http://mirror.example/debian"]
    assert "bookworm of http://mirror.example/debian" in refused("image", "build", *arguments, code=3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--with", "fortran"], "no toolchain is known for 'fortran'"),
        (["--package", "no_such_package"], "no package 'no_such_package' is installed"),
        (["--from", "no/such/place"], "no source 'no/such/place'"),
        (["--tag", "No Tag"], "'No Tag' can't name an image"),
    ],
)
def test_bad_input_is_one_line(api, refused, arguments, message):
    assert message in refused("image", "build", *arguments)


def test_without_a_daemon_it_is_an_infrastructure_failure(refused, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:1")
    assert "no Docker daemon answers" in refused("image", "build", code=3)
    assert "no Docker daemon answers" in refused("image", "list", code=3)


def test_help_shows_what_can_be_asked(deepgym):
    shown = deepgym("image", "build", "--help").stdout
    assert "deepgym image build --with c --with cpp" in shown
    assert set(TOOLCHAINS) <= set(re.findall(r"\w+", shown)), "the help names every language"
    alone = deepgym("image")
    assert alone.exit_code == 0
    assert {"build", "list"} <= set(alone.stdout.split())
    assert "No such command 'nope'" in deepgym("image", "nope").stderr
