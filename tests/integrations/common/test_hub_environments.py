"""Environments pushed to a Hugging Face Hub on this machine and loaded from it, by the real ``huggingface_hub``."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hub_server import TOKEN, serving

from deepgym_env import Task, WorkspaceTask, load_task, load_task_folder, register
from deepgym_env.errors import (
    ConfigError,
    HubAccessError,
    HubError,
    HubIntegrityError,
    HubNotFoundError,
    HubTrustError,
    HubVersionError,
    TaskError,
)
from deepgym_env.integrations import hub_bundle, hub_kept
from deepgym_env.integrations.hub import (
    load_environment_from_hub,
    pull_environment_from_hub,
    push_environment_to_hub,
)
from deepgym_env.scaffolding import kinds, scaffold

constants = pytest.importorskip("huggingface_hub.constants", reason="run `make test-integrations`")

REPO = "someone/tasks"
CASES = """
import os
from deepgym_env import Case

with open({mark!r}, "w") as mark:
    mark.write("ran")

def cases(rng):
    yield Case.of(1, expected=1, public=True)
    for _ in range(3):
        n = rng.randrange(10**6)
        yield Case.of(n, expected=n)
"""


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """A Hub; the client, which other tests may have told to stay offline, knows no token and no cache."""
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-token"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_PROGRESS_BARS", True)
    monkeypatch.setenv("DEEPGYM_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serving() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def marked(tmp_path):
    """A function task's folder whose ``cases.py`` leaves a mark when it runs; its path and the mark's."""
    folder, mark = scaffold("echo", into=tmp_path / "made"), tmp_path / "mark"
    (folder / "cases.py").write_text(CASES.format(mark=str(mark)))
    (folder / "reference.py").write_text("def echo(n):\n    return n\n")
    toml = (folder / "task.toml").read_text()
    (folder / "task.toml").write_text(re.sub(r'entry_point = ".*"', 'entry_point = "echo"', toml))
    return folder, mark


def tampered(hub, change):
    """Change the files of the repository's last commit, as a commit of their own."""
    repository = hub.repositories[REPO]
    files = dict(repository.files())
    change(files)
    repository.commit(files)


# ── there and back ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("task_id", ["coin_change", "level_order_traversal", "debug_fix", "file_organizer"])
def test_a_task_comes_back_as_data_with_the_same_tests(hub, task_id):
    pushed = push_environment_to_hub(task_id, REPO)
    assert pushed.tasks == (task_id,)
    assert not pushed.unfrozen
    loaded, task = load_environment_from_hub(REPO, content_hash=pushed.content_hash), load_task(task_id)
    assert type(loaded) is type(task)
    assert [(test.id, test.public) for test in loaded.tests] == [(test.id, test.public) for test in task.tests]
    if task_id != "level_order_traversal":  # objects of its prelude's classes are equal by what they are, not to `==`
        assert loaded == without_agent(task)


def without_agent(task):
    return task.model_copy(update={"reference": None}) if isinstance(task, WorkspaceTask) else task


@pytest.mark.parametrize("task_id", ["python_sorting", "level_order_traversal", "two_sum"])
def test_the_loaded_task_gives_the_same_verdicts(hub, engine, task_id):
    push_environment_to_hub(task_id, REPO)
    loaded, task = load_environment_from_hub(REPO), load_task(task_id)
    wrong = sorted((Path(__file__).parents[2] / "wrong_solutions" / task_id).glob("*.py"))[:2]
    for code in (task.reference, *(path.read_text() for path in wrong)):
        before, after = engine.run(task, code), engine.run(loaded, code)
        assert [(case.id, case.status) for case in after.cases] == [(case.id, case.status) for case in before.cases]


@pytest.mark.parametrize("kind", kinds())
def test_every_kind_of_folder_comes_back(hub, tmp_path, kind):
    folder = scaffold("mine", kind=kind, into=tmp_path)
    pushed = push_environment_to_hub(folder, REPO)
    loaded = load_environment_from_hub(REPO, content_hash=pushed.content_hash)
    assert loaded == without_agent(load_task_folder(folder))
    assert load_environment_from_hub(REPO, trust_code=True) == load_task_folder(folder)
    (pulled,) = pull_environment_from_hub(REPO, tmp_path / "pulled", trust_code=True)
    assert files_of(pulled) == files_of(folder)


def files_of(folder):
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder): (path.read_bytes(), os.access(path, os.X_OK)) for path in paths}


def test_a_task_without_a_folder_is_pushed_as_data(hub, make_task, engine):
    task = make_task((((1,), 2)), (((5,), 6)))
    push_environment_to_hub(task, REPO)
    loaded = load_environment_from_hub(REPO, trust_code=True)
    assert loaded == task
    assert engine.run(loaded, "def f(x): return x + 1").passed


def test_several_tasks_share_a_repository(hub):
    push_environment_to_hub(["fizzbuzz", "debug_fix"], REPO)
    assert load_environment_from_hub(REPO, "debug_fix").id == "debug_fix"
    with pytest.raises(ConfigError, match="give the id of one: debug_fix, fizzbuzz"):
        load_environment_from_hub(REPO)
    with pytest.raises(HubNotFoundError, match="no task 'fizz', but debug_fix, fizzbuzz"):
        load_environment_from_hub(REPO, "fizz")


def test_what_is_no_longer_part_of_a_push_is_removed_and_the_rest_is_left(hub):
    first = push_environment_to_hub(["fizzbuzz", "two_sum"], REPO)
    tampered(hub, lambda files: files.update({"notes.md": b"kept"}))
    second = push_environment_to_hub("two_sum", REPO)
    files = hub.repositories[REPO].files()
    assert not any("fizzbuzz" in path for path in files)
    assert files["notes.md"] == b"kept"
    assert load_environment_from_hub(REPO, content_hash=second.content_hash).id == "two_sum"
    assert load_environment_from_hub(REPO, "fizzbuzz", revision=first.commit).id == "fizzbuzz"


def test_a_branch_is_made(hub):
    push_environment_to_hub("fizzbuzz", REPO, revision="v2")
    assert load_environment_from_hub(REPO, revision="v2").id == "fizzbuzz"
    with pytest.raises(HubNotFoundError, match="holds no environments"):
        load_environment_from_hub(REPO)


@pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")  # huggingface_hub's own use of httpx
def test_large_files_take_the_way_of_large_files(hub):
    hub.large = 1000
    push_environment_to_hub("log_triage", REPO)
    assert hub.objects
    assert load_environment_from_hub(REPO, trust_code=True) == load_task("log_triage")


def test_the_card_s_snippet_works_and_the_rows_are_a_data_set(hub, tmp_path, capsys, monkeypatch):
    datasets = pytest.importorskip("datasets")
    push_environment_to_hub("fizzbuzz", REPO)
    card = hub.repositories[REPO].files()["README.md"].decode()
    assert 'license: "apache-2.0"' in card
    (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
    exec(compile(code, "card", "exec"), {})
    assert capsys.readouterr().out == f"[{' '.join(['0.'] * len(load_task('fizzbuzz').tests))}]\n"
    rows = tmp_path / "tasks.jsonl"
    rows.write_bytes(hub.repositories[REPO].files()["tasks.jsonl"])
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    (row,) = datasets.load_dataset("json", data_files=str(rows), cache_dir=str(tmp_path / "cache"))["train"]
    assert (row["task"], row["prompt"][0]["role"]) == ("fizzbuzz", "user")


# ── whose code runs ──────────────────────────────────────────────────────────────────────────


def test_nothing_of_a_repository_runs_unless_it_is_trusted(hub, marked, tmp_path):
    folder, mark = marked
    push_environment_to_hub(folder, REPO)
    mark.unlink()  # it ran for the tests to be drawn, on the machine of its author
    task = load_environment_from_hub(REPO)
    (pulled,) = pull_environment_from_hub(REPO, tmp_path / "pulled")
    assert load_task_folder(pulled) == task
    assert not mark.exists()
    assert load_environment_from_hub(REPO, trust_code=True).tests == task.tests
    assert mark.exists()


def test_a_workspace_s_scripted_agent_stays_out_unless_it_is_trusted(hub, tmp_path):
    push_environment_to_hub("debug_fix", REPO)
    (pulled,) = pull_environment_from_hub(REPO, tmp_path)
    assert load_environment_from_hub(REPO).reference is None
    assert load_task_folder(pulled).reference is None
    assert load_environment_from_hub(REPO, trust_code=True) == load_task("debug_fix")


def test_a_workspace_pushed_as_data_keeps_its_agent_for_those_who_trust_it(hub):
    push_environment_to_hub(load_task("debug_fix"), REPO)
    assert load_environment_from_hub(REPO).reference is None
    assert load_environment_from_hub(REPO, trust_code=True) == load_task("debug_fix")


def test_trusted_folders_draw_tests_of_other_seeds(hub, marked):
    push_environment_to_hub(marked[0], REPO)
    drawn = [load_environment_from_hub(REPO, trust_code=True, seed=seed).tests for seed in (0, 1)]
    assert drawn[0] != drawn[1]
    assert drawn[1] == load_task_folder(marked[0], 1).tests
    with pytest.raises(ConfigError, match="needs trust_code=True"):
        load_environment_from_hub(REPO, seed=1)


def test_another_name_of_the_folder_draws_no_other_tests(hub, marked, tmp_path, tasks_as_before):
    toml = marked[0] / "task.toml"
    toml.write_text(toml.read_text().replace('id = "echo"\n', ""))
    task = load_task(register(marked[0], "mine/renamed"))
    push_environment_to_hub("mine/renamed", REPO)
    assert load_environment_from_hub(REPO, trust_code=True) == task
    (pulled,) = pull_environment_from_hub(REPO, tmp_path, trust_code=True)
    assert pulled.name == "mine-renamed"
    assert load_task_folder(pulled, 1).tests == load_task_folder(marked[0], 1).tests


def test_tests_that_are_code_need_trust(hub, engine):
    pushed = push_environment_to_hub("first_bad_version", REPO)
    assert "budgets of queries" in pushed.unfrozen["first_bad_version"]
    for load in (load_environment_from_hub, pull_environment_from_hub):
        with pytest.raises(HubTrustError, match="trust_code=True"):
            load(REPO)
    task = load_environment_from_hub(REPO, trust_code=True)
    assert engine.run(task, task.reference).passed


def test_a_checker_of_its_own_can_t_be_pushed_without_a_folder(hub, make_task):
    task = make_task((((1,), 2)), comparison={"kind": "checker"}, check=lambda args, expected, output: True)
    with pytest.raises(TaskError, match="checker"):
        push_environment_to_hub(task, REPO)
    assert REPO not in hub.repositories


# ── what is refused ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("path", ["frozen/fizzbuzz.json", "folders/fizzbuzz/cases.py", "tasks.jsonl"])
@pytest.mark.parametrize("trust_code", [False, True])
def test_a_changed_file_is_refused(hub, path, trust_code):
    push_environment_to_hub("fizzbuzz", REPO)
    tampered(hub, lambda files: files.update({path: files[path].replace(b"Fizz", b"Fuzz", 1) + b"\n"}))
    with pytest.raises(HubIntegrityError, match="it was changed after it was pushed"):
        load_environment_from_hub(REPO, trust_code=trust_code)


@pytest.mark.parametrize(
    "change",
    [
        lambda files: files.pop("folders/fizzbuzz/reference.py"),
        lambda files: files.update({"folders/fizzbuzz/prelude.py": b"import os"}),
        lambda files: files.update({"deepgym.json": files["deepgym.json"].replace(b"[]", b'["tasks.jsonl"]')}),
    ],
    ids=["a file less", "a file more", "a file that may be run"],
)
def test_what_else_the_hash_is_of(hub, change):
    push_environment_to_hub("fizzbuzz", REPO)
    tampered(hub, change)
    with pytest.raises(HubIntegrityError, match="not what it should be"):
        load_environment_from_hub(REPO)


def test_a_new_manifest_doesn_t_help_where_the_hash_is_pinned(hub):
    pinned = push_environment_to_hub("fizzbuzz", REPO).content_hash
    assert push_environment_to_hub("two_sum", REPO).content_hash != pinned
    with pytest.raises(HubIntegrityError, match="ask its author"):
        load_environment_from_hub(REPO, content_hash=pinned)
    with pytest.raises(ConfigError, match="64 hexadecimal digits"):
        load_environment_from_hub(REPO, content_hash="sha256:12")


def test_what_was_loaded_once_is_loaded_again_without_the_hub(hub, tmp_path):
    pinned = push_environment_to_hub("fizzbuzz", REPO).content_hash
    load_environment_from_hub(REPO)
    hub.asked.clear()
    assert load_environment_from_hub(REPO, content_hash=pinned) == load_task("fizzbuzz")
    assert not hub.asked
    kept = tmp_path / "home" / "hub" / pinned.removeprefix("sha256:") / "folders" / "fizzbuzz" / "cases.py"
    kept.write_text("raise SystemExit('not what was pushed')")
    assert load_environment_from_hub(REPO, content_hash=pinned, trust_code=True) == load_task("fizzbuzz")
    assert hub.asked


def test_a_whole_copy_is_left_and_a_damaged_one_replaced(hub):
    pinned = push_environment_to_hub("fizzbuzz", REPO).content_hash
    load_environment_from_hub(REPO)
    place, found = hub_kept.place_of(pinned), hub_kept.read_kept(pinned)
    before = place.stat().st_ino
    hub_kept.keep(found)  # as another process does that found nothing when it asked
    assert place.stat().st_ino == before
    (place / "frozen" / "fizzbuzz.json").unlink()
    assert hub_kept.read_kept(pinned) is None
    hub_kept.keep(found)
    assert hub_kept.read_kept(pinned).content_hash == pinned
    assert [path.name for path in place.parent.iterdir()] == [place.name]


def test_a_file_may_be_run_by_its_mode_whatever_the_mount(hub, marked, monkeypatch):
    (marked[0] / "run.sh").touch(0o755)
    monkeypatch.setattr(os, "access", lambda *args: False)
    push_environment_to_hub(marked[0], REPO)
    manifest = json.loads(hub.repositories[REPO].files()["deepgym.json"])
    assert manifest["executable"] == ["folders/echo/run.sh"]


def test_a_push_beside_another_is_told_to_push_again(hub, monkeypatch):
    push_environment_to_hub("fizzbuzz", REPO)
    from huggingface_hub import HfApi

    listed = HfApi.list_repo_files

    def beside(*args, **kwargs):
        there = listed(*args, **kwargs)
        tampered(hub, lambda files: files.update({"frozen/other.json": b"{}"}))
        return there

    monkeypatch.setattr(HfApi, "list_repo_files", beside)
    with pytest.raises(HubError, match="push again"):
        push_environment_to_hub("two_sum", REPO)
    assert "frozen/two_sum.json" not in hub.repositories[REPO].files()


@pytest.mark.parametrize(
    "path", ["../evil.py", "folders/../../evil.py", "folders//evil", "folders/a\\..\\b", "frozen/\n"]
)
def test_paths_that_lead_elsewhere_are_refused(hub, path):
    with pytest.raises(HubIntegrityError, match="unsafe path"):
        hub_bundle.insist_safe([(path, 1)])
    push_environment_to_hub("fizzbuzz", REPO)
    hub.asked.clear()
    if not path.startswith("../"):  # else it is no part of it, and is not even looked at
        tampered(hub, lambda files: files.update({path: b"x"}))
        with pytest.raises(HubIntegrityError, match="unsafe path"):
            load_environment_from_hub(REPO)
        assert not any("/resolve/" in line for line in hub.asked)


@pytest.mark.parametrize(("limit", "value"), [("MAX_FILE", 500), ("MAX_TOTAL", 2000), ("MAX_FILES", 4)])
def test_too_much_is_refused_before_it_is_fetched(hub, monkeypatch, limit, value):
    push_environment_to_hub("fizzbuzz", REPO)
    hub.asked.clear()
    monkeypatch.setattr(hub_bundle, limit, value)
    with pytest.raises(HubIntegrityError, match="too large"):
        load_environment_from_hub(REPO)
    assert not any("/resolve/" in line for line in hub.asked)


def test_no_hidden_folder_is_made(hub, make_task, tmp_path):
    push_environment_to_hub(make_task((((1,), 2)), id=".config"), REPO)
    for trust_code in (False, True):
        with pytest.raises(HubIntegrityError, match="hidden"):
            pull_environment_from_hub(REPO, tmp_path / "pulled", trust_code=trust_code)
    assert not (tmp_path / "pulled").exists()


def test_links_are_not_pushed(hub, tmp_path):
    folder = scaffold("mine", into=tmp_path)
    (folder / "secrets").symlink_to("/etc/passwd")
    with pytest.raises(HubIntegrityError, match="is a link"):
        push_environment_to_hub(folder, REPO)
    assert REPO not in hub.repositories


@pytest.mark.parametrize(
    ("text", "error"),
    [
        (b"no JSON", HubIntegrityError),
        (b'{"schema_version": 0}', HubIntegrityError),
        (b'{"schema_version": 1, "content_hash": 3, "executable": []}', HubIntegrityError),
        (b'{"schema_version": 2, "whatever": 1}', HubVersionError),
    ],
)
def test_a_manifest_of_another_kind_is_told(hub, text, error):
    push_environment_to_hub("fizzbuzz", REPO)
    tampered(hub, lambda files: files.update({"deepgym.json": text}))
    with pytest.raises(error, match=r"deepgym\.json"):
        load_environment_from_hub(REPO)


@pytest.mark.parametrize(
    "text",
    [
        "[",
        "[" * 10_000,
        '["function",{"$":"dict","v":[]}]',
        '["nothing",{"$":"dict","v":[]}]',
        '{"$":"made","type":"os.system","v":["true"]}',
    ],
    ids=["no JSON", "deeply nested", "a record of nothing", "of no kind", "a call"],
)
def test_data_that_is_no_task_is_told(hub, text):
    made, _, _ = hub_bundle.bundle("fizzbuzz")
    files = [file for file in made.files if file.path != "frozen/fizzbuzz.json"]
    forged = hub_bundle.Bundle((*files, hub_bundle.File("frozen/fizzbuzz.json", text.encode())))
    hub.add(REPO, {file.path: file.data for file in forged.files} | {"deepgym.json": forged.manifest.to_json()})
    with pytest.raises(HubIntegrityError, match=r"frozen/fizzbuzz\.json: no task"):
        load_environment_from_hub(REPO)


# ── what the Hub refuses ─────────────────────────────────────────────────────────────────────


def test_without_a_token_nothing_is_pushed(hub, monkeypatch):
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubAccessError, match="set HF_TOKEN"):
        push_environment_to_hub("fizzbuzz", REPO)
    assert not hub.asked
    with pytest.raises(HubAccessError, match="a token that is allowed"):
        push_environment_to_hub("fizzbuzz", REPO, token="hf_other")


def test_what_is_not_there_or_not_for_everyone_is_told(hub, monkeypatch):
    with pytest.raises(HubNotFoundError, match="no data set someone/else, or it is private"):
        load_environment_from_hub("someone/else")
    push_environment_to_hub("fizzbuzz", REPO, private=True)
    assert hub.repositories[REPO].private
    with pytest.raises(HubNotFoundError, match="no revision 'v9'"):
        load_environment_from_hub(REPO, revision="v9")
    with pytest.raises(ConfigError, match="owner/name"):
        load_environment_from_hub("a/b/c")
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(HubNotFoundError, match="give a token that may read it"):
        load_environment_from_hub(REPO)
    assert load_environment_from_hub(REPO, token=TOKEN).id == "fizzbuzz"
    hub.repositories[REPO].private, hub.repositories[REPO].gated = False, True
    with pytest.raises(HubAccessError, match="gated"):
        load_environment_from_hub(REPO, revision="main")


def test_a_public_repository_doesn_t_get_what_should_be_private(hub):
    push_environment_to_hub("fizzbuzz", REPO)
    before = hub.repositories[REPO].files()
    with pytest.raises(ConfigError, match="there already and public"):
        push_environment_to_hub("two_sum", REPO, private=True)
    assert hub.repositories[REPO].files() == before


def test_no_hub_at_all_is_told(hub, monkeypatch):
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(HubError, match="can't be asked"):
        load_environment_from_hub(REPO)


# ── the command ──────────────────────────────────────────────────────────────────────────────


def test_the_command_pushes_and_pulls_what_other_commands_take(hub, tmp_path):
    scaffold("mine", into=tmp_path)
    environment = {
        **os.environ,
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_TELEMETRY": "1",
    }

    def deepgym(*args):
        command = [sys.executable, "-m", "deepgym_env.cli", *args]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200, cwd=tmp_path)

    pushed = deepgym("hub", "push", "./mine", REPO, "--json")
    assert pushed.returncode == 0, pushed.stderr
    told = json.loads(pushed.stdout)
    pulled = deepgym("hub", "pull", REPO, "--dir", "pulled", "--content-hash", told["content_hash"])
    assert pulled.returncode == 0, pulled.stderr
    assert pulled.stdout == "pulled/mine\n"
    ran = deepgym("run", "./pulled/mine", "--solution", "mine/reference.py")
    assert ran.returncode == 0, ran.stderr
    again = deepgym("hub", "pull", REPO, "--dir", "pulled")
    assert (again.returncode, "pulled/mine is there already" in again.stderr) == (2, True)
    assert isinstance(load_task_folder(tmp_path / "pulled" / "mine"), Task)
