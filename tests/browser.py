"""Debian's Chromium, driven by Playwright through pages that a real server serves on loopback.

Tests ask for fixtures of `conftest`: a server (`library`, `own_library`, `empty_library`), and `opener`, which opens a
page of it. A page is a Visit; whatever goes wrong in it fails the test at its end: errors and warnings in the console,
exceptions in scripts, requests that fail, and any request to another host, which reaches nobody.

    def test_something(library: Served, opener: Opener) -> None:
        visit = opener(library, "/status", phone=True)
        visit.page.get_by_role("heading", name="Status").wait_for()
        assert visit.axe() == []
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal, Protocol
from urllib.parse import urlsplit

from library import serving
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, expect, sync_playwright
from programs import missing

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.store import Store, open_store
from feedsvc.watching import start_watching
from feedsvc.web import create_app
from feedsvc.web.redo import redo_of

Scheme = Literal["light", "dark"]

_WIDE: Final = {"width": 1280, "height": 900}
_PHONE: Final = {"width": 390, "height": 844}
_TIMEOUT_MS: Final = 15_000
# Nothing but this machine can be found; what is looked for elsewhere is noted as a request all the same.
_ARGUMENTS: Final = ["--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
# Frames hold other people's mail, in which nothing of ours may run.
_RUN_AXE: Final = """async () => (await axe.run(document, {iframes: false, resultTypes: ["violations"]})).violations.map(
    (found) => `${found.id}: ${found.help}: ${found.nodes.slice(0, 5).map((node) =>
        `${node.target.join(" ")} (${(node.any[0] ?? node.all[0] ?? node.none[0])?.message ?? ""})`).join("; ")}`)"""


@dataclass(frozen=True, slots=True)
class Served:
    """A running server: its address, and what it works on."""

    base: str
    settings: Settings
    store: Store


class Opener(Protocol):
    """Opens a page: see `opened`."""

    def __call__(
        self, server: Served, path: str = "/", *, scheme: Scheme = "light", phone: bool = False, scripts: bool = True
    ) -> Visit: ...


@dataclass(slots=True)
class Visit:
    """A page in a browser of its own, with what went wrong in it so far."""

    page: Page
    server: Served
    wrong: list[str] = field(default_factory=list)
    _allowed: list[str] = field(default_factory=list)

    def goto(self, path: str) -> None:
        """Go to another page of the server."""
        self.page.goto(self.server.base + path)

    def allow(self, pattern: str) -> None:
        """Let what matches this regular expression go wrong: "status of 404", for a test of the page that says so."""
        self._allowed.append(pattern)

    def failures(self) -> list[str]:
        """What went wrong and was not allowed."""
        return [one for one in self.wrong if not any(re.search(pattern, one) for pattern in self._allowed)]

    def axe(self) -> list[str]:
        """What axe-core finds that keeps people out; nothing of it runs in the page's own scripts."""
        if not self.page.evaluate("'axe' in window"):
            self.page.evaluate(files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8"))
        found: list[str] = self.page.evaluate(_RUN_AXE)
        return found

    def overflow(self) -> int:
        """By how many pixels the page is wider than its window."""
        wider: int = self.page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        return wider


@contextmanager
def started_chromium() -> Iterator[Browser]:
    """The browser, while the block lasts; skips where it is not installed."""
    program = shutil.which("chromium")
    if program is None:
        missing("Chromium", "apt-get install chromium")
    expect.set_options(timeout=_TIMEOUT_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(data: Path, *, watching: bool = False, **changes: object) -> Iterator[Served]:
    """A server on this data folder, while the block lasts, with these settings changed.

    With `watching` it takes in what is uploaded or put into the inbox, as `feedsvc serve` does.
    """
    settings = load_settings(
        data=data, **({"resolve": "never", "workers": 1, "settle_s": 0.1, "rescan_s": 0.2} | changes)
    )
    prepare_folders(settings)
    with ExitStack() as stack:
        store = stack.enter_context(open_store(settings.database_url))
        if watching:
            stack.callback(start_watching(settings, store).stop)
        app = create_app(settings, store)
        stack.callback(redo_of(app).stop)
        yield Served(stack.enter_context(serving(app)), settings, store)


@contextmanager
def opened(
    browser: Browser,
    server: Served,
    path: str = "/",
    *,
    scheme: Scheme = "light",
    phone: bool = False,
    scripts: bool = True,
) -> Iterator[Visit]:
    """A page of this server in a fresh browser context, which knows nothing of others. Fails at its end where something went wrong."""
    context = browser.new_context(
        viewport=_PHONE if phone else _WIDE,  # type: ignore[arg-type]
        is_mobile=phone,
        has_touch=phone,
        color_scheme=scheme,
        java_script_enabled=scripts,
        locale="en-GB",
        timezone_id="Europe/Berlin",
    )
    try:
        context.set_default_timeout(_TIMEOUT_MS)
        visit = Visit(context.new_page(), server)
        _listen(context, visit, urlsplit(server.base).netloc)
        visit.goto(path)
        yield visit
    finally:
        context.close()
    failures = visit.failures()
    assert not failures, "\n".join(failures)


def _listen(context: BrowserContext, visit: Visit, host: str) -> None:
    def said(message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            visit.wrong.append(f"console: {message.text}")

    def asked(request: Request) -> None:
        where = urlsplit(request.url)
        if where.scheme not in ("data", "blob", "about") and where.netloc != host:
            visit.wrong.append(f"request to another host: {request.url}")

    def failed(request: Request) -> None:
        if request.failure != "net::ERR_ABORTED":  # given up for the next page
            visit.wrong.append(f"failed: {request.url}: {request.failure}")

    context.on("console", said)
    context.on("weberror", lambda error: visit.wrong.append(f"exception: {error.error.message}"))
    context.on("request", asked)
    context.on("requestfailed", failed)
