"""Chromium on the built console, served by the real hub."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from patience import PATIENCE_S
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright
from web_estate import Served, furnish

from hub import auth

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "web"


@pytest.fixture(scope="session")
def dist() -> Path:
    """The console as it is built; made if it is missing or older than its source."""
    index = WEB / "dist" / "index.html"
    sources = [*WEB.glob("src/**/*"), WEB / "index.html", WEB / "vite.config.ts"]
    newest = max(path.stat().st_mtime for path in sources)
    if not index.is_file() or index.stat().st_mtime < newest:
        npm = ROOT / ".venv" / "bin" / "npm"
        environment = {"PATH": f"{npm.parent}:/usr/bin:/bin", "HOME": str(Path.home())}
        made = subprocess.run(
            [str(npm), "run", "build"], cwd=WEB, env=environment, capture_output=True, text=True, check=False
        )
        if made.returncode:
            pytest.fail(f"the console does not build:\n{made.stdout[-3000:]}{made.stderr[-2000:]}")
    return index.parent


@pytest.fixture(scope="session")
def furnished(
    tmp_path_factory: pytest.TempPathFactory, free_port: Callable[[], int], wait_until: Callable[..., object]
) -> Served:
    """A furnished hub that has stopped: each test runs a copy of its directory, as after a restart."""
    hub = Served(tmp_path_factory.mktemp("furnished"), free_port())
    hub.start(wait_until)
    furnish(hub)
    hub.stop()
    return hub


@contextmanager
def running_copy(of: Served, directory: Path, port: int, wait_until: Callable[..., object]) -> Iterator[Served]:
    shutil.copytree(of.directory, directory, dirs_exist_ok=True)
    hub = Served(directory, port, seq=of.seq)
    hub.start(wait_until)
    yield hub
    hub.stop()


@pytest.fixture
def served(
    dist: Path, furnished: Served, tmp_path: Path, free_port: Callable[[], int], wait_until: Callable[..., object]
) -> Iterator[Served]:
    """A furnished hub of the test's own, running."""
    with running_copy(furnished, tmp_path, free_port(), wait_until) as hub:
        yield hub


@pytest.fixture(scope="module")
def browser(chromium_path: Path) -> Iterator[Browser]:
    """One a file, not a session: while Playwright lives, its loop is in the way of every `asyncio.run` of the process."""
    with sync_playwright() as playwright:
        expect.set_options(
            timeout=1000 * PATIENCE_S
        )  # the machine may be busy; a state that comes is not waited for longer
        chromium = playwright.chromium.launch(executable_path=str(chromium_path), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@contextmanager
def watched(browser: Browser, served: Served) -> Iterator[BrowserContext]:
    """A browser in New York, which must not matter. Fails when a page asks any other host for anything.

    Of somebody who asks for less motion: a list that is closing has no size for a moment, and axe finds fault with it then.
    """
    foreign: list[str] = []

    def watch(request: Request) -> None:
        if not request.url.startswith((served.url, "data:", "blob:")):
            foreign.append(request.url)

    context = browser.new_context(
        locale="zh-CN",
        timezone_id="America/New_York",
        viewport={"width": 1440, "height": 900},
        reduced_motion="reduce",
    )
    context.set_default_timeout(1000 * PATIENCE_S)
    context.on("request", watch)
    yield context
    context.close()
    assert not foreign, f"the console asked other hosts: {foreign}"


def opener(context: BrowserContext, served: Served) -> Callable[[str, str], Page]:
    """`open("official", "/cases")`: a page of somebody signed in by a link, whose button is pressed without drawing a page."""

    def enter(name: str, path: str) -> Page:
        page = context.new_page()
        answer = context.request.post(served.url + auth.make_sign_in_link(served.hub, name), max_redirects=0)
        assert answer.status == 303, f"the link of {name} was answered {answer.status}: {answer.text()}"
        page.goto(served.url + path)
        return page

    return enter


@contextmanager
def no_page_error(context: BrowserContext) -> Iterator[None]:
    problems: list[str] = []
    context.on("weberror", lambda error: problems.append(str(error.error)))
    yield
    assert not problems, f"an error in the page: {problems}"


@pytest.fixture
def context(browser: Browser, served: Served) -> Iterator[BrowserContext]:
    with watched(browser, served) as context, no_page_error(context):
        yield context


@pytest.fixture
def open_as(context: BrowserContext, served: Served) -> Callable[[str, str], Page]:
    """On a hub of the test's own: it may change what it likes."""
    return opener(context, served)


@pytest.fixture(scope="session")
def standing(
    dist: Path,
    furnished: Served,
    tmp_path_factory: pytest.TempPathFactory,
    free_port: Callable[[], int],
    wait_until: Callable[..., object],
) -> Iterator[Served]:
    """A furnished hub for all tests that only look."""
    with running_copy(furnished, tmp_path_factory.mktemp("standing"), free_port(), wait_until) as hub:
        yield hub


@pytest.fixture
def look_context(browser: Browser, standing: Served) -> Iterator[BrowserContext]:
    with watched(browser, standing) as context, no_page_error(context):
        yield context


@pytest.fixture
def look_as(look_context: BrowserContext, standing: Served) -> Callable[[str, str], Page]:
    """On the standing hub: for tests that change nothing there."""
    return opener(look_context, standing)
