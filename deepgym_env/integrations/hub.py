"""Environments on the Hugging Face Hub: pushed as a data set's repository, loaded without running anything of it.

- :func:`push_environment_to_hub`: tasks into a repository; :class:`Pushed`: what became of them.
- :func:`load_environment_from_hub`: a task from one.
- :func:`pull_environment_from_hub`: task folders from one, to keep.

What is loaded is held against the hash the repository tells, and against the one you give: the same hash is the
same tests. Tasks are loaded as data. Code of their author's (``cases.py``, ``setup.py``, checkers of outputs, a
workspace's scripted agent) comes into this process only with ``trust_code=True``; verifiers and checkers of workspaces
run in sandboxes in any case.
``HF_ENDPOINT`` names another Hub, ``HF_TOKEN`` (or ``hf auth login``) the token.

There is no verdict here and so no infrastructure failure; a Hub that fails is a
:class:`~deepgym_env.errors.HubError`.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deepgym_env._version import __version__
from deepgym_env.errors import ConfigError, HubAccessError, HubError, HubIntegrityError, HubNotFoundError
from deepgym_env.folders import load_task_folder
from deepgym_env.integrations.hub_bundle import (
    MANIFEST,
    MAX_FILE,
    Bundle,
    Environments,
    Manifest,
    bundle,
    insist_safe,
    is_part,
    normal_hash,
)
from deepgym_env.integrations.hub_card import card
from deepgym_env.integrations.hub_kept import keep, place_of, read_kept, write_files
from deepgym_env.optional import require
from deepgym_env.task import AnyTask, File

__all__ = ["Pushed", "load_environment_from_hub", "pull_environment_from_hub", "push_environment_to_hub"]

_KIND = "dataset"
_DOWNLOADS = 8  # side by side
_FROZEN_FOLDER = 'kind = "frozen"\n'


@dataclass(frozen=True, slots=True)
class Pushed:
    """What became of tasks that were pushed.

    Attributes:
        url: Where the commit can be looked at.
        commit: Its hash; a ``revision`` to load.
        content_hash: The hash of what was pushed, to pin.
        tasks: The tasks' ids.
        unfrozen: Why some of them can only be loaded with ``trust_code=True``, by id.
    """

    url: str
    commit: str
    content_hash: str
    tasks: tuple[str, ...]
    unfrozen: dict[str, str] = field(default_factory=dict)


def push_environment_to_hub(
    env: Environments,
    repo_id: str,
    *,
    token: str | None = None,
    private: bool = False,
    revision: str | None = None,
    message: str | None = None,
) -> Pushed:
    """Push tasks to a data set's repository on the Hugging Face Hub, which is made if there is none.

    The repository holds the task folders, the tasks as data with their tests drawn with seed 0, a row for each in
    ``tasks.jsonl`` (what ``datasets.load_dataset`` reads), a card and a manifest with the hash of all that. Files
    of an earlier push that are no longer part of it are removed, others are left as they are.

    Args:
        env: A task, its id, its folder, a folder of task folders, or several of these. Code in folders runs here.
        repo_id: ``owner/name``.
        token: A token that may write; by default the one this machine is logged in with.
        private: Whether a repository made now is private: hidden tests are hidden from whoever can't read it.
        revision: A branch, made if there is none; by default ``main``.
        message: The commit's message.

    Raises:
        HubAccessError: If there is no token, or it may not write there.
        HubError: If the Hub doesn't take it, or somebody else pushed meanwhile.
        TaskError: If a task is broken, or is no folder and can't be written as data.
        ConfigError: If ``huggingface_hub`` isn't installed, or two tasks have the same id.
    """
    library = _library()
    made, tasks, unfrozen = bundle(env)
    if token is None and library.get_token() is None:
        raise HubAccessError(
            f"pushing to {repo_id} needs a token: set HF_TOKEN, run `hf auth login`, or give token=..."
        )
    wanted = {file.path: file.data for file in made.files}
    wanted |= {MANIFEST: made.manifest.to_json(), "README.md": card(repo_id, made, tasks).encode()}
    api = _api(library, token)
    with _told(library, repo_id, revision):
        api.create_repo(repo_id, repo_type=_KIND, private=private or None, exist_ok=True)
        if private and not api.repo_info(repo_id, repo_type=_KIND).private:
            raise ConfigError(f"{repo_id} is there already and public: make it private on its page, or push elsewhere")
        if revision is not None:
            api.create_branch(repo_id, branch=revision, repo_type=_KIND, exist_ok=True)
        head = api.repo_info(repo_id, repo_type=_KIND, revision=revision).sha
        there = api.list_repo_files(repo_id, repo_type=_KIND, revision=head)
        gone = [path for path in there if is_part(path) and path not in wanted]
        done = api.create_commit(
            repo_id,
            [library.CommitOperationAdd(path, data) for path, data in wanted.items()]
            + [library.CommitOperationDelete(path, is_folder=False) for path in gone],
            commit_message=message or f"Push {', '.join(made.tasks)}"[:72],
            repo_type=_KIND,
            revision=revision,
            parent_commit=head,  # else what another push adds meanwhile would be part of this one
        )
    return Pushed(str(done), done.oid, made.content_hash, made.tasks, unfrozen)


def load_environment_from_hub(
    repo_id: str,
    task: str | None = None,
    *,
    revision: str | None = None,
    content_hash: str | None = None,
    trust_code: bool = False,
    seed: int = 0,
    token: str | None = None,
) -> AnyTask:
    """Load a task from a repository on the Hugging Face Hub.

    What was loaded once is kept in ``DEEPGYM_HOME``: with ``content_hash`` it is loaded again without the Hub.

    Args:
        repo_id: ``owner/name``.
        task: The id of the task, where the repository holds several.
        revision: A branch, tag or commit; by default ``main``.
        content_hash: What the content must have as its hash, ``sha256:...``; by default what its manifest says.
        trust_code: Load the task's folder, whose Python then runs in this process. It is needed for tests that
            are code themselves, for other seeds, and for a workspace's reference, a scripted agent.
        seed: Draws the tests, with ``trust_code``.
        token: A token that may read; by default the one this machine is logged in with.

    Raises:
        HubNotFoundError: If there is no such repository, revision or task.
        HubAccessError: If the token may not read it.
        HubIntegrityError: If the content hasn't the hash it should have, or isn't safe to take.
        HubVersionError: If a newer DeepGym pushed it.
        HubTrustError: If the task can't be loaded without ``trust_code=True``.
        ConfigError: If an option has a value that can't work.
        OSError: If ``DEEPGYM_HOME`` can't be written.
    """
    if seed and not trust_code:
        raise ConfigError(f"seed={seed!r} needs trust_code=True: as data, a task has the tests of seed 0")
    found = _bundle_of(repo_id, revision, content_hash, token)
    chosen = found.chosen(task)
    if not trust_code or not found.folder(chosen):
        return found.frozen(chosen, trust_code)
    loaded = load_task_folder(place_of(found.content_hash) / "folders" / chosen, seed)
    return loaded if loaded.id == chosen else loaded.model_copy(update={"id": chosen})


def pull_environment_from_hub(
    repo_id: str,
    into: str | os.PathLike[str] = ".",
    *,
    revision: str | None = None,
    content_hash: str | None = None,
    trust_code: bool = False,
    token: str | None = None,
) -> tuple[Path, ...]:
    """Write a repository's tasks into folders: frozen ones, or with ``trust_code`` those that were pushed.

    ``load_task_folder``, ``register`` and the command line take them from there. Frozen folders run nothing.

    Args:
        repo_id: ``owner/name``.
        into: Where the folders are made, each named after its task.
        revision: A branch, tag or commit; by default ``main``.
        content_hash: What the content must have as its hash; by default what its manifest says.
        trust_code: Write the folders as they were pushed: whoever loads them runs their Python.
        token: A token that may read; by default the one this machine is logged in with.

    Returns:
        The folders.

    Raises:
        HubError: As :func:`load_environment_from_hub` does.
        ConfigError: If one of the folders is there already.
        OSError: If they can't be written.
    """
    found = _bundle_of(repo_id, revision, content_hash, token)
    hidden = [task for task in found.tasks if task.startswith(".")]
    if hidden:
        raise HubIntegrityError(f"{repo_id} has a task {hidden[0]!r}, whose folder would be a hidden one")
    folders = {Path(into) / task.replace("/", "-"): _folder_of(found, task, trust_code) for task in found.tasks}
    taken = [folder for folder in folders if folder.exists()]
    if taken or len(folders) < len(found.tasks):
        which = taken[0] if taken else "two tasks' folder"
        raise ConfigError(f"{which} is there already: remove it, or choose another place")
    for folder, files in folders.items():
        write_files(folder, files)
    return tuple(folders)


def _folder_of(found: Bundle, task: str, trust_code: bool) -> Sequence[File]:
    files = found.folder(task)
    if trust_code and files:
        return files
    found.frozen(task)  # says what is wrong with it
    (text,) = (file.data for file in found.files if file.path == f"frozen/{task}.json")
    return File("task.toml", _FROZEN_FOLDER.encode()), File("task.json", text)


# ── from the Hub, or from what is kept of it ─────────────────────────────────────────────────


def _bundle_of(repo_id: str, revision: str | None, pinned: str | None, token: str | None) -> Bundle:
    """Return a repository's content, checked, and kept on this machine from then on."""
    pinned = None if pinned is None else normal_hash(pinned)
    if pinned is not None and (kept := read_kept(pinned)) is not None:
        return kept
    library = _library()
    api = _api(library, token)
    with tempfile.TemporaryDirectory(prefix="deepgym-hub-") as place, _told(library, repo_id, revision):
        commit = api.repo_info(repo_id, repo_type=_KIND, revision=revision).sha

        def fetch(path: str) -> bytes:
            got = api.hf_hub_download(repo_id, path, repo_type=_KIND, revision=commit, local_dir=place)
            with open(got, "rb") as file:
                return file.read(MAX_FILE + 1)

        entries = api.list_repo_tree(repo_id, recursive=True, repo_type=_KIND, revision=commit)
        sizes = {entry.path: entry.size for entry in entries if hasattr(entry, "size")}
        if MANIFEST not in sizes:
            raise HubNotFoundError(f"{repo_id} holds no environments: it has no {MANIFEST}")
        wanted = {path: size for path, size in sizes.items() if is_part(path)}
        insist_safe([(MANIFEST, sizes[MANIFEST]), *wanted.items()])
        manifest = Manifest.from_json(fetch(MANIFEST))
        _insist(repo_id, manifest.content_hash, pinned, "its manifest says")
        if (kept := read_kept(manifest.content_hash)) is not None:
            return kept
        with ThreadPoolExecutor(_DOWNLOADS) as pool:
            data = list(pool.map(fetch, wanted))
    files = [File(path, got, path in manifest.executable) for path, got in zip(wanted, data, strict=True)]
    insist_safe((file.path, len(file.data)) for file in files)
    found = Bundle(tuple(files))
    _insist(repo_id, found.content_hash, manifest.content_hash, "it has")
    keep(found)
    return found


def _insist(repo_id: str, found: str, wanted: str | None, how: str) -> None:
    if wanted is not None and found != wanted:
        raise HubIntegrityError(
            f"{repo_id} is not what it should be: the content hash {wanted} is wanted, {how} {found}; "
            "it was changed after it was pushed, or pushed again: ask its author before you take another hash"
        )


# ── the library ──────────────────────────────────────────────────────────────────────────────


def _library() -> Any:
    return require("huggingface_hub", "the Hugging Face Hub", "hf")


def _api(library: Any, token: str | None) -> Any:
    endpoint = os.environ.get("HF_ENDPOINT") or None
    return library.HfApi(endpoint=endpoint, token=token, library_name="deepgym-env", library_version=__version__)


@contextlib.contextmanager
def _told(library: Any, repo_id: str, revision: str | None) -> Iterator[None]:
    """Turn what the library raises into errors of ours, which say what to do."""
    errors = require("huggingface_hub.errors", "the Hugging Face Hub", "hf")
    try:
        yield
    except errors.GatedRepoError as error:
        raise HubAccessError(f"{repo_id} is gated: ask for access on its page, and give a token that has it") from error
    except errors.RevisionNotFoundError as error:
        raise HubNotFoundError(f"{repo_id} has no revision {revision or 'main'!r}") from error
    except errors.RepositoryNotFoundError as error:
        raise HubNotFoundError(
            f"there is no data set {repo_id}, or it is private: check the name, or give a token that may read it"
        ) from error
    except errors.HFValidationError as error:
        raise ConfigError(f"{repo_id!r} is no repository's id, owner/name: {_line(error)}") from error
    except errors.HfHubHTTPError as error:
        status = getattr(error.response, "status_code", None)
        kind = HubAccessError if status in (401, 403) else HubError
        advice = ": set HF_TOKEN to a token that is allowed to do this" if kind is HubAccessError else ""
        advice = ": somebody else pushed meanwhile, push again" if status == 412 else advice
        raise kind(f"{repo_id}: the Hugging Face Hub answered {status}{advice} ({_line(error)})") from error
    except (HubError, ConfigError):
        raise
    except Exception as error:  # no network, a time-out, an answer that is none: of many libraries' kinds
        raise HubError(
            f"{repo_id}: the Hugging Face Hub can't be asked: {type(error).__name__}: {_line(error)}"
        ) from error


def _line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)[:300]
