"""What holds for every page, whoever wrote it: it is found by walking through the rules of the application."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from browser import Opener, Scheme, Served, opened, served
from flask import Flask
from library import pages
from playwright.sync_api import Browser, expect
from selectolax.lexbor import LexborHTMLParser
from werkzeug.wrappers import Response

from feedsvc.web import create_app

POLICY = {"default-src": "'none'", "base-uri": "'none'", "frame-ancestors": "'none'"}
TOKEN = "a-secret-of-the-pages"


@pytest.fixture(scope="session")
def library_app(library: Served) -> Flask:
    return create_app(library.settings, library.store)


@pytest.fixture(scope="session")
def addresses(library_app: Flask) -> list[str]:
    """Every page of a library with something in it."""
    return pages(library_app)


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server with nothing in its store."""
    with served(tmp_path_factory.mktemp("bare") / "data") as running:
        yield running


@pytest.fixture(scope="session")
def locked(library_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that needs a token."""
    with served(tmp_path_factory.mktemp("locked") / "data", access_token=TOKEN) as running:
        yield running


def policy_of(answer: Response) -> dict[str, str]:
    directives = (directive.split(maxsplit=1) for directive in answer.headers["Content-Security-Policy"].split(";"))
    return {name: rest[0] if rest else "" for name, *rest in directives}


def test_the_walk_finds_the_pages(addresses: list[str]) -> None:
    assert {"/", "/newsletters", "/subscribe", "/add", "/status", "/statistics"} <= set(addresses)
    for beginning in ("/issues/", "/newsletters/", "/add/", "/go/"):
        assert any(path.startswith(beginning) for path in addresses), beginning


@pytest.mark.parametrize(
    ("code", "method", "path", "said"),
    [
        (400, "GET", "/?min_minutes=many", "Check the address"),
        (403, "POST", "/status/retry", "a page of another site"),
        (404, "GET", "/not/there", "look for it on the front page"),
        (404, "POST", "/status/retry", "no longer among the rejected ones"),
        (405, "POST", "/statistics", "Go to the page that it belongs to"),
        (413, "POST", "/add", "large.eml is larger than 1,000 bytes"),
    ],
)
def test_errors_are_pages_that_say_what_to_do(library: Served, code: int, method: str, path: str, said: str) -> None:
    narrow = library.settings.model_copy(update={"max_message_bytes": 1000})
    client = create_app(narrow, library.store).test_client()
    headers = {"Sec-Fetch-Site": "cross-site"} if code == 403 else {}
    data = {"file": (io.BytesIO(b"x" * 2000), "large.eml")} if code == 413 else {}
    answer = client.open(path, method=method, headers=headers, data=data if method == "POST" else None)
    page = LexborHTMLParser(answer.text)
    assert answer.status_code == code
    assert answer.mimetype == "text/html"
    assert [node.text() for node in page.css("main .code")] == [str(code)]
    assert len(page.css("header nav a")) == 6
    assert len(page.css("main .actions a")) >= 1
    assert said in "".join(node.text() for node in page.css("main"))


def test_nothing_unsafe_is_let_in_by_any_answer(library_app: Flask, addresses: list[str]) -> None:
    client = library_app.test_client()
    others = ["/login", "/not/there", "/issues/unknown", "/newsletters/unknown", "/add/unknown", "/go/unknown"]
    for path in [*addresses, *others]:
        with client.get(path) as answer:
            policy = policy_of(answer)
            assert "unsafe" not in answer.headers["Content-Security-Policy"], path
            assert POLICY.items() <= policy.items(), path
            # A page from which a newsletter is left lets its form lead on to the sender.
            assert policy["form-action"].startswith(("'self'", "'none'")), path
            for name in ("script-src", "style-src", "connect-src"):
                assert policy.get(name, "'none'") in ("'self'", "'none'"), (path, name)
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert answer.headers["X-Frame-Options"] == "DENY"
    issue = next(path for path in addresses if path.startswith("/issues/"))
    policy = policy_of(client.get(f"{issue}/original"))
    assert "script-src" not in policy, "what default-src says holds: nothing"
    assert policy["default-src"] == policy["form-action"] == "'none'"
    assert "allow-scripts" not in policy["sandbox"]
    for rule in library_app.url_map.iter_rules():
        for method in (rule.methods or set()) & {"POST", "PUT", "DELETE", "PATCH"}:
            with client.open(rule.rule.replace("<", "").replace(">", ""), method=method) as answer:
                if answer.mimetype == "text/html" and answer.status_code >= 400:
                    assert "unsafe" not in answer.headers["Content-Security-Policy"], rule


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out_of_any_page(
    chromium: Browser, library: Served, addresses: list[str], scheme: Scheme
) -> None:
    found = {}
    with opened(chromium, library, "/", scheme=scheme) as visit:
        for path in [*addresses, "/not/there"]:
            visit.allow("status of 404")
            visit.goto(path)
            if wrong := visit.axe():
                found[path] = wrong
    assert found == {}


def test_nobody_is_kept_out_of_a_page_with_nothing_to_show(chromium: Browser, bare: Served) -> None:
    found = {}
    with opened(chromium, bare, "/") as visit:
        for path in pages(create_app(bare.settings, bare.store)):
            visit.goto(path)
            if wrong := visit.axe():
                found[path] = wrong
    assert found == {}


def test_every_page_fits_on_a_phone(chromium: Browser, library: Served, addresses: list[str]) -> None:
    with opened(chromium, library, "/", phone=True) as visit:
        wide = {}
        for path in addresses:
            visit.goto(path)
            if over := visit.overflow():
                wide[path] = over
    assert wide == {}


def test_every_page_is_whole_without_scripts(chromium: Browser, library: Served, addresses: list[str]) -> None:
    with opened(chromium, library, "/", scripts=False) as visit:
        for path in addresses:
            visit.goto(path)
            expect(visit.page.locator("h1").first).to_be_visible()


def test_colours_are_chosen_and_kept(library: Served, opener: Opener) -> None:
    visit = opener(library, "/status", scheme="dark")
    page = visit.page
    button = page.get_by_role("button", name="Colours")

    def paper() -> str:
        colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
        return colour

    dark = paper()
    expect(button).to_have_text("Auto")
    button.focus()
    page.keyboard.press("Enter")
    expect(button).to_have_text("Light")
    light = paper()
    assert light != dark
    visit.goto("/statistics")
    assert paper() == light, "on other pages too"
    page.keyboard.press("Tab")
    button.click()
    expect(button).to_have_text("Dark")
    assert paper() == dark
    page.emulate_media(color_scheme="light")
    assert paper() == dark, "whatever the system says"
    button.click()
    expect(button).to_have_text("Auto")
    assert paper() == light


def test_the_keyboard_gets_everywhere(library: Served, opener: Opener) -> None:
    visit = opener(library, "/status")
    page = visit.page
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('main') !== null"), "the menu was skipped"
    visit.goto("/status")
    names = []
    for _ in range(9):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent.trim()"))
        outline: str = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline != "none", f"{names[-1]}: the focus can be seen"
    assert names[2:] == ["Today", "Newsletters", "Subscribe", "Add", "Statistics", "Status", "Auto"]


def test_log_in(locked: Served, opener: Opener) -> None:
    visit = opener(locked, "/login?next=/status")
    visit.allow("status of 401")
    page = visit.page
    expect(page.get_by_label("Access token")).to_be_focused()
    assert visit.axe() == []
    page.keyboard.type("not this")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_have_text("That is not the token.")
    assert visit.axe() == []
    page.get_by_label("Access token").fill(TOKEN)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url("**/status")
    expect(page.get_by_role("heading", name="Status")).to_be_visible()
