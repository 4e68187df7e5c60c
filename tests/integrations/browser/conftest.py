"""Debian's Chromium, watched: what it asks for, what it complains of, and whether anything opens a dialog."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium; skipped where there is none."""
    playwright = pytest.importorskip("playwright.sync_api", reason="run `make test-integrations-browser`")
    if not CHROMIUM.exists():
        pytest.skip(f"there is no {CHROMIUM}: apt-get install --no-install-recommends chromium")
    with playwright.sync_playwright() as driver:
        chromium = driver.chromium.launch(executable_path=str(CHROMIUM), args=list(FLAGS))
        yield chromium
        chromium.close()


class Watched:
    """A page, and everything that happened on it that a reader doesn't see."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.asked: list[str] = []
        self.said: list[str] = []
        self.dialogs: list[str] = []
        page.on("request", lambda request: self.asked.append(request.url))
        page.on("console", lambda message: self.said.append(message.text))
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("dialog", self._refuse)
        page.on("popup", lambda popup: self.dialogs.append(popup.url))

    def _refuse(self, dialog: Any) -> None:
        self.dialogs.append(dialog.message)
        dialog.dismiss()

    def assert_quiet(self, base: str) -> None:
        """Nothing but the viewer was asked, and nobody complained."""
        assert [url for url in self.asked if not url.startswith(base)] == []
        assert (self.said, self.dialogs) == ([], [])


@pytest.fixture
def watch(browser: Any) -> Iterator[Callable[..., Watched]]:
    """Opens pages that are watched."""
    contexts = []

    def open_page(**options: Any) -> Watched:
        context = browser.new_context(viewport={"width": 1360, "height": 900}, **options)
        context.set_default_timeout(20_000)
        contexts.append(context)
        return Watched(context.new_page())

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def view(browser: Any) -> Iterator[Callable[[Path], str]]:
    """Starts ``deepgym view`` as a process of its own; returns the address it tells."""
    started = []

    def start(path: Path) -> str:
        command = [sys.executable, "-m", "deepgym_env.cli", "view", str(path), "--port", "0"]
        plain = {name: value for name, value in os.environ.items() if name != "FORCE_COLOR"}
        started.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=plain))
        found = re.search(r"http://\S+", started[-1].stdout.readline())
        assert found
        return found.group()

    yield start
    for process in started:
        process.terminate()
        process.wait()
        process.stdout.close()
