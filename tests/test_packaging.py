"""What the distributions hold, built from a copy of the tree as git sees it."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from deepgym_env import task_ids

ROOT = Path(__file__).parents[1]
LINKS = ("envs", "wrappers", "scenarios")
DATA = {"scaffolds", "assets", "templates"}  # folders of files that are no code


def _isolation() -> list[str]:
    """Return ``--no-isolation`` where this environment can build by itself; else build fetches setuptools."""
    from importlib.metadata import version

    recent = importlib.util.find_spec("setuptools") and int(version("setuptools").partition(".")[0]) >= 77
    return ["--no-isolation"] if recent else []


def _build(source: Path, out: Path, *what: str) -> None:
    command = [sys.executable, "-m", "build", *_isolation(), *what, "--outdir", str(out), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def _files_of(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if not name.endswith("/")}


def _tracked() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True
    )
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [Path(name) for name in listed.stdout.decode().split("\0") if name]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """Build sdist and wheel from a copy, then a wheel from the unpacked sdist."""
    pytest.importorskip("build")
    tmp = tmp_path_factory.mktemp("packaging")
    copy = tmp / "copy"
    for name in _tracked():
        source, target = ROOT / name, copy / name
        if name.parts[0] in ("tests", "notebooks", "benchmarks", "docs") or not (
            source.exists() or source.is_symlink()
        ):
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(source, target, follow_symlinks=False)
    # The tree may be halfway to its first release; what is packed doesn't depend on this text.
    if not (copy / "README.md").exists():
        (copy / "README.md").write_text("# DeepGym\n")
    _build(copy, tmp / "direct", "--sdist", "--wheel")
    (sdist,) = (tmp / "direct").glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp / "unpacked", **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (unpacked,) = (tmp / "unpacked").iterdir()
    _build(unpacked, tmp / "again", "--wheel")
    (direct,) = (tmp / "direct").glob("*.whl")
    (again,) = (tmp / "again").glob("*.whl")
    return _files_of(direct), _files_of(again), direct


def _wanted() -> set[str]:
    """Return every file of the package, under the names it is imported by."""
    wanted = set()
    for name in _tracked():
        top, is_code = name.parts[0], name.suffix == ".py"
        if not (ROOT / name).is_file():
            continue
        if top == "deepgym_env" and (is_code or name.name == "py.typed" or DATA.intersection(name.parts)):
            wanted.add(str(name))
        if top in LINKS and (is_code or (top == "scenarios" and len(name.parts) > 2)):
            wanted.add(f"deepgym_env/{name}")
    return wanted


def _without_metadata(files: set[str]) -> set[str]:
    return {name for name in files if ".dist-info/" not in name}


@pytest.mark.xdist_group("packaging")
def test_the_wheel_holds_the_package_and_nothing_else(built):
    direct, _, _ = built
    assert _without_metadata(direct) == _wanted()
    assert {name.split("/")[0] for name in _without_metadata(direct)} == {"deepgym_env"}


@pytest.mark.xdist_group("packaging")
def test_every_scenario_is_complete_in_the_wheel(built):
    direct, _, _ = built
    folders = {path.parent.name for path in (ROOT / "scenarios").glob("*/task.toml")}
    assert len(folders) >= 24
    for folder in folders:
        own = ("cases.py", "reference.py") if folder in task_ids("function") else ("check.py", "solve.py")
        for file in ("task.toml", "prompt.md", *own):
            assert f"deepgym_env/scenarios/{folder}/{file}" in direct


@pytest.mark.xdist_group("packaging")
def test_the_sdist_builds_the_same_wheel(built):
    direct, again, _ = built
    assert direct == again


@pytest.mark.xdist_group("packaging")
def test_the_wheel_works_where_the_tree_is_not(built, tmp_path):
    *_, wheel = built
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
import deepgym_env, gymnasium
assert deepgym_env.__file__.startswith({str(tmp_path)!r}), deepgym_env.__file__
env = gymnasium.make("DeepGym/reverse_string")
env.reset(seed=0)
print(env.step(env.unwrapped.task.reference)[2])
env.close()
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.returncode) == ("True\n", 0), done.stderr


@pytest.mark.xdist_group("packaging")
def test_metadata(built):
    *_, wheel = built
    with zipfile.ZipFile(wheel) as archive:
        text = {name.rpartition("/")[2]: name for name in archive.namelist() if ".dist-info/" in name}
        metadata = archive.read(text["METADATA"]).decode()
        entry_points = archive.read(text["entry_points.txt"]).decode()
    assert "\nName: deepgym-env\n" in metadata
    assert "\nLicense-Expression: Apache-2.0\n" in metadata
    assert "deepgym = deepgym_env.cli:main" in entry_points


def test_the_folders_of_the_package_are_links_into_the_tree():
    for name in LINKS:
        assert (ROOT / "deepgym_env" / name).resolve() == ROOT / name
