"""Every page in a real headless Chromium: no exception box, no console error; screenshots are kept to be looked at."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import ROOT

pytestmark = pytest.mark.browser
CHROMIUM = next(
    (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
)
FLAGS = [
    *("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync"),
]  # fmt: skip
PAGES = {
    **{"Compare": "Retrieve, or read everything?", "Questions": "Questions", "Corpus": "Corpus", "Runs": "Runs"},
    **{"Launch": "Launch", "Review": "Review", "Judges": "Judges", "Conformance": "Conformance"},
}


@pytest.fixture(scope="module")
def served(demo_database: Path) -> Iterator[str]:
    """The address of `workbench ui` over the demo's log."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "workbench.cli", "ui", str(demo_database), "--port", str(port), "--headless"]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(240):
            try:
                urllib.request.urlopen(f"{address}/_stcore/health", timeout=1)
                break
            except OSError:
                time.sleep(0.25)
        yield address
    finally:
        server.terminate()  # ends the pages themselves, no process of theirs is left
        server.wait(60)


@pytest.fixture(scope="module")
def page() -> Iterator[Any]:
    """A Chromium tab whose console errors end up in `page.errors`."""
    from playwright.sync_api import sync_playwright

    if not CHROMIUM:
        pytest.skip("no chromium on this machine: tests/install_chromium.sh installs it as root")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        tab = browser.new_page(viewport={"width": 1400, "height": 1000})
        tab.errors = []
        tab.on(
            "console",
            lambda message: (
                tab.errors.append(f"{message.text} {message.location.get('url')}") if message.type == "error" else None
            ),
        )
        tab.on("pageerror", lambda error: tab.errors.append(str(error)))
        yield tab
        browser.close()


def settle(page: Any) -> None:
    """Wait until Streamlit has finished its script and drawn it."""
    page.wait_for_selector("[data-testid=stAppViewContainer] h1", timeout=60_000)
    state = "() => document.querySelector('[data-testid=stApp]')?.dataset.testScriptState === 'notRunning'"
    page.wait_for_timeout(300)
    page.wait_for_function(state, timeout=60_000)
    page.wait_for_function("() => !document.querySelector('[data-testid=stSkeleton]')", timeout=60_000)
    page.wait_for_timeout(700)


def keep(page: Any, name: str) -> None:
    """Save a screenshot of the whole page as an artefact."""
    folder = Path(os.environ.get("WORKBENCH_ARTEFACTS", ROOT / "artefacts"))
    folder.mkdir(parents=True, exist_ok=True)
    height = page.evaluate("() => document.querySelector('[data-testid=stMain]').scrollHeight")
    page.set_viewport_size({"width": 1400, "height": min(max(1000, height), 5000)})
    page.wait_for_timeout(700)
    page.screenshot(path=str(folder / f"{name}.png"))
    page.set_viewport_size({"width": 1400, "height": 1000})


def choose(page: Any, box: int, which: int) -> None:
    """Open the box and take an option (from the end when negative; the last one when there are fewer)."""
    for _ in range(5):  # a rerun that is still drawing closes a list that has just been opened
        page.locator("[data-testid=stSelectbox]").nth(box).locator("input").click()
        page.wait_for_timeout(400)
        if page.locator("[role=option]").count():
            break
        settle(page)
    options = page.locator("[role=option]")
    last = options.count() - 1
    options.nth(last if which < 0 else min(which, last)).click()
    settle(page)


def assert_sound(page: Any) -> None:
    """No exception box on the page, nothing on the console."""
    assert page.locator("[data-testid=stException]").count() == 0, page.locator(
        "[data-testid=stException]"
    ).inner_text()
    assert page.errors == []


def open_page(page: Any, served: str, title: str) -> None:
    """From the entry page by the menu, as a user would."""
    page.goto(served)
    settle(page)
    page.locator("[data-testid=stSidebarNav]").get_by_text(title, exact=True).click()
    page.wait_for_function(
        "title => document.querySelector('h1')?.innerText === title", arg=PAGES[title], timeout=60_000
    )
    settle(page)


@pytest.mark.parametrize("title", PAGES)
def test_a_page_opens_from_the_menu(title: str, served: str, page: Any) -> None:
    open_page(page, served, title)
    keep(page, title.lower())
    assert_sound(page)


def test_every_question_control_answers(served: str, page: Any) -> None:
    """Filters, another question, another pipeline's evidence and calls."""
    open_page(page, served, "Questions")
    for box in range(page.locator("[data-testid=stSelectbox]").count()):
        choose(page, box, 1)
        assert_sound(page)
    keep(page, "questions_filtered")


def test_every_comparison_control_answers(served: str, page: Any) -> None:
    open_page(page, served, "Compare")
    for box in range(page.locator("[data-testid=stSelectbox]").count()):
        choose(page, box, -1)
        assert_sound(page)
    assert page.locator("canvas, svg.marks").count() >= 2
    keep(page, "compare_changed")
