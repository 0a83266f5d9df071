"""Mending in a real browser: the menu beside an article, the mail that follows, and the feed that changes."""

from __future__ import annotations

from pathlib import Path

import feedparser
import pytest
from articles import newest
from browser import Opener, Served
from playwright.sync_api import expect
from waiting import until

from feedsvc.model import StoredArticle
from feedsvc.web.views import ALL_KINDS

FIXTURE = Path(__file__).resolve().parents[1] / "fixtures" / "digest-both-parts.eml"
TITLE = "pocketvec"


def titles(server: Served) -> list[str]:
    """The titles of the newsletter's feed."""
    return [entry.title for entry in feedparser.parse(f"{server.base}/newsletters/bytebrief-ai/feed.xml").entries]


def stored(server: Served) -> tuple[StoredArticle, ...]:
    """Every article of every kind."""
    return newest(server.store, 1000, kinds=ALL_KINDS)


def issue_of(server: Served) -> str:
    found = newest(server.store, 1000)
    return next(one.issue_id for one in found if one.article.title == TITLE)


@pytest.mark.parametrize("scripts", [True, False])
def test_mend_a_split_and_see_the_feed_change(own_library: Served, opener: Opener, scripts: bool) -> None:
    visit = opener(own_library, f"/issues/{issue_of(own_library)}", scripts=scripts)
    page = visit.page
    before = titles(own_library)
    assert TITLE in before
    article = page.locator("article", has_text="A field guide to prompt caches")
    article.locator("summary").click()
    article.get_by_label("A sponsor").check()
    article.get_by_label("Every item with the label “GitHub Repo”").check()
    article.get_by_role("button", name="Mend it").click()
    expect(page.locator(".notice")).to_contain_text("Mended.")
    assert set(before) - set(titles(own_library)) == {TITLE, "A field guide to prompt caches"}
    expect(page.locator(".rule-list")).to_contain_text("Every item with the label “GitHub Repo”")
    newer = (
        FIXTURE.read_bytes().replace(b"Message-ID: <", b"Message-ID: <newer-").replace(TITLE.encode(), b"purseindex")
    )
    (own_library.settings.inbox / "newer.eml").write_bytes(newer)
    assert until(lambda: any(one.article.title == "purseindex" for one in stored(own_library)))
    assert {one.article.kind for one in stored(own_library) if one.article.title == "purseindex"} == {"sponsor"}
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".notice")).to_contain_text("The rule is gone.")
    assert TITLE in titles(own_library)


def test_the_mail_follows_the_article(library: Served, opener: Opener) -> None:
    visit = opener(library, f"/issues/{issue_of(library)}")
    frame = visit.page.locator("iframe[name=original]")
    before = frame.screenshot()
    length = visit.page.evaluate("history.length")
    visit.page.locator("article", has_text=TITLE).first.get_by_role("link", name="Show in the mail").click()
    visit.page.wait_for_timeout(500)
    assert frame.screenshot() != before
    assert visit.page.evaluate("history.length") == length


def test_it_can_be_done_by_keyboard_alone(own_library: Served, opener: Opener) -> None:
    visit = opener(own_library, f"/issues/{issue_of(own_library)}")
    page = visit.page
    page.locator("article", has_text=TITLE).locator("summary").first.focus()
    for key in ("Enter", "Tab", "Space", "Tab", "Tab", "Enter"):
        page.keyboard.press(key)
    expect(page.locator(".notice")).to_contain_text("Mended.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nobody_is_kept_out_of_the_menu(own_library: Served, opener: Opener, scheme: str) -> None:
    visit = opener(own_library, f"/issues/{issue_of(own_library)}", scheme=scheme)  # type: ignore[arg-type]
    page = visit.page
    for summary in page.locator("main summary").all():
        summary.click()
    assert visit.axe() == []
    page.locator(".mend").first.get_by_label("A sponsor").check()
    page.locator(".mend").first.get_by_role("button").click()
    expect(page.locator(".rule-list li")).to_have_count(1)
    assert visit.axe() == []
    visit.goto("/newsletters/bytebrief-ai")
    expect(page.locator(".rule-list li")).to_have_count(1)
    assert visit.axe() == []


def test_on_a_phone_the_menu_fits_and_the_mail_is_one_tap_away(library: Served, opener: Opener) -> None:
    visit = opener(library, f"/issues/{issue_of(library)}", phone=True)
    page = visit.page
    page.locator(".mend summary").first.click()
    assert visit.overflow() == 0
    page.get_by_role("link", name="The mail", exact=True).click()
    expect(page.locator("iframe[name=original]")).to_be_in_viewport()
