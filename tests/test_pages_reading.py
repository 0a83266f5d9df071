"""The pages to read in, in a real browser: search, filters, copying, the keyboard, paging, a phone."""

from __future__ import annotations

import re

import pytest
from browser import Opener, Served
from playwright.sync_api import Page, expect

from feedsvc.web import today

FOCUSED = "document.activeElement.closest('.entry')?.id ?? ''"


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(today, "PAGE_ARTICLES", 20)


def marks(page: Page) -> set[str]:
    return {words.lower() for words in page.locator("#listed mark").all_inner_texts()}


def test_search_filter_and_undo(library: Served, opener: Opener) -> None:
    visit = opener(library, "/")
    page = visit.page
    page.get_by_role("searchbox", name="Search").fill("weather model")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/?q=weather+model")
    assert marks(page) >= {"weather", "model"}
    expect(page.get_by_role("link", name="Orbital Labs opens its weather model")).to_be_visible()
    page.get_by_role("link", name="Under 5 min").click()
    expect(page.locator(".chip")).to_have_count(2)
    assert visit.axe() == []
    feed = page.locator("#feed-address").inner_text()
    assert feed == f"{library.base}/feed.xml?max_minutes=4&q=weather%20model"
    assert page.request.get(feed).ok
    page.get_by_role("link", name="Remove this filter").first.click()
    expect(page.locator(".chip")).to_have_text(re.compile("4 min or less"))
    page.get_by_role("link", name="Remove this filter").click()
    expect(page).to_have_url(f"{library.base}/")


def test_more_filters_by_the_form(library: Served, opener: Opener) -> None:
    page = opener(library, "/").page
    page.get_by_text("More filters").click()
    page.get_by_label("Newsletter").select_option(label="Daily Digest 0")
    page.get_by_label("At least, in minutes").fill("5")
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**/?newsletter=daily-digest-0&min_minutes=5")
    assert set(page.locator("#listed .from a").all_inner_texts()) == {"Daily Digest 0"}
    minutes = [int(words.split()[0]) for words in page.locator("#listed .minutes").all_inner_texts()]
    assert min(minutes) >= 5


def test_filters_work_without_scripts(library: Served, opener: Opener) -> None:
    page = opener(library, "/", scripts=False).page
    page.get_by_role("searchbox").fill("model")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("#listed mark").first).to_be_visible()
    page.get_by_role("link", name="One stream").click()
    expect(page.locator("ol.stream > li").first).to_be_visible()
    assert page.locator("button.copy:visible").count() == 0


def test_copying_puts_the_address_on_the_clipboard(library: Served, opener: Opener) -> None:
    visit = opener(library, "/subscribe")
    page = visit.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    button = page.get_by_role("button", name="Copy: Short reads")
    button.click()
    expect(button).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()") == f"{library.base}/feed.xml?max_minutes=4"
    expect(button).to_be_focused()
    expect(button).to_have_text("Copy")


def test_sponsors_unfold(library: Served, opener: Opener) -> None:
    page = opener(library, "/?newsletter=bytebrief-ai").page
    line = page.locator(".folded summary").first
    expect(line).to_have_text("1 sponsor + 1 job")
    folded = page.locator(".folded .entry").first
    expect(folded).to_be_hidden()
    line.click()
    expect(folded).to_be_visible()


def test_times_are_in_the_zone_of_the_person(library: Served, opener: Opener) -> None:
    page = opener(library, "/").page
    time = page.locator("#listed time").first
    shown = page.evaluate(
        "t => new Date(t).toLocaleString('en-GB', {dateStyle: 'full', timeStyle: 'short', timeZone: 'Europe/Berlin'})",
        time.get_attribute("datetime"),
    )
    assert time.get_attribute("title") == shown
    assert re.search(r"ago|just now|yesterday", time.inner_text())


# -- paging ---------------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("short_pages")
@pytest.mark.parametrize("query", ["", "?view=stream"])
def test_more_comes_when_the_end_is_in_view(library: Served, opener: Opener, query: str) -> None:
    page = opener(library, f"/{query}").page
    entries = page.locator("#listed .entry")
    before = entries.count()
    total = int(page.locator("#total").get_attribute("data-articles") or 0)
    page.locator(".foot").scroll_into_view_if_needed()
    expect(entries).not_to_have_count(before)
    page.wait_for_function("before => document.querySelectorAll('#listed .entry').length > before + 15", arg=before)
    ids = page.evaluate("[...document.querySelectorAll('#listed .entry')].map(entry => entry.id)")
    assert len(ids) == len(set(ids))
    assert int(page.locator("#total").get_attribute("data-articles") or 0) > total
    assert page.locator("#listed > ol.stream").count() == (1 if query else 0)
    assert all(page.evaluate("[...document.querySelectorAll('#listed time')].map(time => !time.title.includes('UTC'))"))


@pytest.mark.usefixtures("short_pages")
def test_paging_works_without_scripts(library: Served, opener: Opener) -> None:
    page = opener(library, "/?view=stream", scripts=False).page
    first = page.locator("#listed a.go").all_inner_texts()
    page.get_by_role("link", name="Older").click()
    second = page.locator("#listed a.go").all_inner_texts()
    assert first != second
    page.get_by_role("link", name="Newer").click()
    assert page.locator("#listed a.go").all_inner_texts() == first


# -- the keyboard -----------------------------------------------------------------------------------------------------------


def test_keys_walk_open_search_and_help(library: Served, opener: Opener) -> None:
    visit = opener(library, "/?view=stream")
    page = visit.page
    ids = page.evaluate("[...document.querySelectorAll('#listed .entry')].map(entry => entry.id)")
    for key, at in (("j", 0), ("j", 1), ("j", 2), ("k", 1), ("k", 0), ("k", 0)):
        page.keyboard.press(key)
        assert page.evaluate(FOCUSED) == ids[at]
    outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert outline != "none"
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard")).to_be_visible()
    assert visit.axe() == []
    page.keyboard.press("j")
    assert page.evaluate(FOCUSED) == ""  # the help has the keys now
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    page.keyboard.type("j?o/k")
    expect(page.get_by_role("searchbox")).to_have_value("j?o/k")


def test_o_opens_the_article(library: Served, opener: Opener) -> None:
    visit = opener(library, "/newsletters")
    page = visit.page
    page.keyboard.press("j")
    page.keyboard.press("j")
    wanted = page.evaluate("document.activeElement.href")
    assert wanted
    page.keyboard.press("o")
    page.wait_for_url(wanted)


def test_from_another_page_the_search_key_leads_to_the_search(library: Served, opener: Opener) -> None:
    page = opener(library, "/status").page
    page.keyboard.press("/")
    page.wait_for_url("**/#search")
    expect(page.get_by_role("searchbox")).to_be_focused()


def test_tab_reaches_the_content_first(library: Served, opener: Opener) -> None:
    page = opener(library, "/").page
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    assert page.url.endswith("#main")
    page.keyboard.press("Tab")
    expect(page.get_by_role("searchbox")).to_be_focused()


# -- newsletters ------------------------------------------------------------------------------------------------------------


def test_a_newsletter_is_renamed_and_muted(own_library: Served, opener: Opener) -> None:
    visit = opener(own_library, "/newsletters")
    page = visit.page
    page.get_by_role("link", name="Daily Digest 0").click()
    page.get_by_label("Name", exact=True).fill("My digest")
    page.get_by_label("Mute").check()
    page.get_by_role("button", name="Save").click()
    expect(page.locator("[role=status]").first).to_have_text("Saved.")
    expect(page.get_by_role("heading", level=1)).to_have_text("My digest")
    expect(page.get_by_label("Mute")).to_be_checked()
    assert visit.axe() == []
    visit.goto("/")
    assert "My digest" not in page.locator("#listed").inner_text()
    visit.goto("/newsletters")
    expect(page.locator(".sender", has_text="My digest")).to_contain_text("Muted")


def test_leaving_leads_to_the_sender_by_a_post(own_library: Served, opener: Opener) -> None:
    visit = opener(own_library, "/newsletters/daily-digest-0")
    page = visit.page
    page.get_by_role("link", name="Unsubscribe").click()
    assert "token=" not in page.content()
    visit.allow("request to another host: https://digest.example/unsubscribe")
    visit.allow("ERR_NAME_NOT_RESOLVED|ERR_INTERNET_DISCONNECTED|ERR_CONNECTION")
    with page.expect_request(lambda asked: asked.url.startswith("https://digest.example/unsubscribe?token=")) as led:
        page.get_by_role("button", name="Open the page of digest.example").click(no_wait_after=True)
    assert "referer" not in led.value.headers


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/?q=model&view=stream",
        "/?q=nothing-at-all",
        "/newsletters",
        "/newsletters/daily-digest-0",
        "/subscribe?q=a",
    ],
)
def test_a_phone_needs_no_sideways_scroll(library: Served, opener: Opener, path: str) -> None:
    visit = opener(library, path, phone=True)
    assert visit.overflow() == 0
    assert visit.axe() == []


def test_a_first_run_becomes_a_library(empty_library: Served, opener: Opener) -> None:
    visit = opener(empty_library, "/", phone=True)
    expect(visit.page.get_by_role("heading", name="All ways in")).to_be_visible()
    assert visit.overflow() == 0
    assert visit.axe() == []
