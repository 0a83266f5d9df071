"""The pages of newsletters: what is listed, what a form changes, and that leaving one needs two steps and shows nothing private."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from articles import DIGEST, SENT, UNSUBSCRIBE, add, article, issue
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from pages import page, text
from webserver import Reply
from webserver import serving as serving_web

from feedsvc.config import Settings, load_settings
from feedsvc.model import Newsletter, entry_id
from feedsvc.store import Store, open_store
from feedsvc.web import create_app, newsletters
from feedsvc.web.badges import SHADES, initials, shade
from feedsvc.web.cadence import HEIGHT, STEP, bars, in_words
from feedsvc.web.overview import WEEKS, Overview

OTHER = Newsletter("other.example.com", "Other & Co", "other")
ADDRESS = "reader@example.net"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data=tmp_path, resolve="never")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.database_url) as opened:
        for number in range(8):
            made = replace(article(f"Title {number}", read_minutes=4), id=entry_id(str(number), "a"))
            one = issue(number, made, newsletter=OTHER if number == 0 else DIGEST)
            add(opened, replace(one, subject=f"Issue {number} for {ADDRESS}", recipients=frozenset({ADDRESS})))
        yield opened


# -- the list -------------------------------------------------------------------------------------------------------------


def test_list_shows_counts_last_issue_and_how_often(client: FlaskClient, store: Store) -> None:
    store.mute_newsletter("other", True)
    cards = page(client, "/newsletters").css(".sender")
    assert [text(card.css_first("h2")) for card in cards] == ["Daily Digest", "Other & Co"]
    assert text(cards[0].css_first(".counts")) == "7 issues · 7 articles"
    assert text(cards[0].css_first("time")) == "10 September 2024"
    assert text(cards[0].css_first(".often span")) == "about 7 a week"
    assert text(cards[0].css_first(".badge")) == "DD"
    assert [text(card.css_first(".marks")) for card in cards] == ["", "Muted"]
    assert page(client, "/newsletters").css(".sender img, [style]") == []


@pytest.mark.parametrize(
    ("by", "first"), [("name", "Daily Digest"), ("latest", "Daily Digest"), ("articles", "Daily Digest")]
)
def test_list_can_be_ordered(client: FlaskClient, store: Store, by: str, first: str) -> None:
    store.rename_newsletter("daily-digest", "Zebra" if by == "name" else None)
    names = [text(node) for node in page(client, f"/newsletters?by={by}").css(".sender h2")]
    assert names == (["Other & Co", "Zebra"] if by == "name" else [first, "Other & Co"])


def test_list_in_an_order_that_there_is_not(client: FlaskClient) -> None:
    assert "name, latest, articles" in text(page(client, "/newsletters?by=colour", 400).css_first("main"))


def test_list_of_an_empty_store_says_what_to_do(settings: Settings) -> None:
    with open_store("sqlite://") as store:
        client = create_app(settings, store).test_client()
        assert page(client, "/newsletters").css(".empty a[href='/']")


def test_overview_is_counted_once_for_each_revision(store: Store, settings: Settings) -> None:
    app = create_app(settings, store)
    here = app.extensions["feedsvc"]
    first = here.overview()
    assert here.overview() is first
    add(store, issue(30, article("New")))
    again = here.overview()
    assert again is not first
    assert again.row("daily-digest").issues == 8
    assert again.row("nobody") is None


def test_an_issue_says_its_time_in_hours_like_all_pages(client: FlaskClient, store: Store) -> None:
    long = replace(article("Long", read_minutes=75), id=entry_id("long", "a"))
    add(store, issue(50, long))
    (row, *_), _newer, _older = store.issues_of("daily-digest", 1)
    shown = page(client, f"/issues/{row.id}"), page(client, "/newsletters/daily-digest")
    assert text(shown[0].css_first(".size")) == "1 article, about 1 h 15 min"
    assert text(shown[1].css_first(".past .size")).endswith("1 article · about 1 h 15 min")


def test_weeks_end_with_the_newest_issue_of_all(store: Store) -> None:
    old = replace(issue(40, article("Old")), sent=SENT - timedelta(weeks=WEEKS - 1))
    add(store, old, replace(issue(41, article("Too old")), sent=SENT - timedelta(weeks=WEEKS + 1)))
    weeks = Overview.of(store).weeks
    assert weeks["daily-digest"] == (1, *[0] * (WEEKS - 2), 7)
    assert weeks["other"] == (*[0] * (WEEKS - 2), 1, 0)
    assert Overview.of(store).until == SENT + timedelta(days=7)


# -- plots, badges --------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 500), max_size=WEEKS))
def test_bars_stay_within_the_plot(weeks: list[int]) -> None:
    made = [(int(x), int(height)) for x, height in re.findall(rf"M(\d+) {HEIGHT}v-(\d+)", bars(weeks))]
    assert [x // STEP for x, _ in made] == [number for number, count in enumerate(weeks) if count]
    assert all(0 < height <= HEIGHT for _, height in made)
    assert not made or max(height for _, height in made) == HEIGHT
    assert in_words(weeks)


@pytest.mark.parametrize(
    ("weeks", "words"),
    [
        ((0,) * 26, "quiet for half a year"),
        ((5,) * 26, "about 5 a week"),
        ((0,) * 20 + (1,) * 6, "about one a week"),
        ((0, 1) * 13, "about 2 a month"),
        ((0, 0, 0, 1) * 6, "about one a month"),
        ((0,) * 25 + (1,), "one issue so far"),
        ((1,) + (0,) * 25, "one in half a year"),
    ],
)
def test_how_often_in_words(weeks: tuple[int, ...], words: str) -> None:
    assert in_words(weeks) == words


@pytest.mark.parametrize(
    ("name", "letters"),
    [("Daily Digest", "DD"), ("weekly", "WE"), ("5 Things", "5T"), ("…", "?"), ("ß", "SS"), ("日本", "日本")],
)
def test_initials(name: str, letters: str) -> None:
    assert initials(name) == letters


@given(st.text(max_size=30))
def test_badges_never_fail(name: str) -> None:
    assert 1 <= len(initials(name)) <= 2
    assert 0 <= shade(name) < SHADES
    assert shade(name) == shade(name)


def test_the_plot_is_an_image_of_our_own(client: FlaskClient) -> None:
    svg = page(client, "/newsletters").css_first("svg.cadence")
    assert svg is not None
    assert "about 7 a week" in (svg.attributes["aria-label"] or "")
    ET.fromstring(svg.html or "")


# -- one newsletter ---------------------------------------------------------------------------------------------------------


def test_page_has_feeds_settings_and_issues(client: FlaskClient) -> None:
    found = page(client, "/newsletters/daily-digest")
    assert text(found.css_first("h1")) == "Daily Digest"
    base = "http://localhost/newsletters/daily-digest/feed"
    assert [text(found.css_first(f"#feed-{kind}")) for kind in ("xml", "rss", "json")] == [
        f"{base}.{extension}" for extension in ("xml", "rss", "json")
    ]
    assert len(found.css(".past li")) == 7
    assert text(found.css_first(".past .size")) == "10 September 2024 · 1 article · about 4 min"
    assert client.get(found.css_first(".past a").attributes["href"] or "").status_code == 200  # type: ignore[union-attr]
    assert client.get("/newsletters/nobody").status_code == 404


def test_subjects_do_not_tell_who_reads(client: FlaskClient) -> None:
    shown = client.get("/newsletters/daily-digest").text
    assert "Issue 7 for" in shown
    assert ADDRESS not in shown


def test_past_issues_page_by_page(client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(newsletters, "ISSUES_A_PAGE", 3)
    path, seen = "/newsletters/daily-digest", []
    while path:
        found = page(client, path)
        seen += [text(node)[:7] for node in found.css(".past a")]
        link = found.css_first(".pager [rel=next]")
        path = (link.attributes["href"] or "") if link else ""
    assert seen == [f"Issue {number}" for number in range(7, 0, -1)]
    newer = found.css_first(".pager [rel=prev]")
    assert newer is not None
    back = page(client, newer.attributes["href"] or "")
    assert [text(node)[:7] for node in back.css(".past a")] == ["Issue 4", "Issue 3", "Issue 2"]
    assert client.get("/newsletters/daily-digest?before=x").status_code == 400


def test_each_setting_is_kept_and_shown(client: FlaskClient, store: Store) -> None:
    form = {"name": "  My   digest ", "muted": "on", "whole": "on", "sponsors": "on", "resolve": "ahead"}
    answer = client.post("/newsletters/daily-digest/settings", data=form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/newsletters/daily-digest?done=resplit")
    row = store.newsletter("daily-digest")
    assert row is not None
    assert (row.newsletter.name, row.own_name) == ("My digest", "Daily Digest")
    assert (row.muted, row.whole, row.sponsors, row.resolve) == (True, True, True, "ahead")
    found = page(client, answer.headers["Location"])
    assert text(found.css_first("[role=status]")).startswith("Saved.")
    assert len(found.css("input[type=checkbox][checked]")) == 3
    assert found.css_first("#s-resolve option[selected]").attributes["value"] == "ahead"  # type: ignore[union-attr]
    assert "Daily Digest" in text(found.css_first("#s-name-more"))
    answer = client.post("/newsletters/daily-digest/settings", data={"name": "", "whole": "on"})
    assert answer.headers["Location"].endswith("?done=saved")
    row = store.newsletter("daily-digest")
    assert row is not None
    assert (row.newsletter.name, row.own_name) == ("Daily Digest", None)
    assert (row.muted, row.whole, row.sponsors, row.resolve) == (False, True, False, None)


def test_a_form_that_changes_nothing_changes_nothing(client: FlaskClient, store: Store) -> None:
    before = store.revision()
    client.post("/newsletters/daily-digest/settings", data={"name": "Daily Digest"})
    assert store.revision() == before


@pytest.mark.parametrize("form", [{"name": "x" * 201}, {"name": "a\x07b"}, {"name": "a", "resolve": "often"}])
def test_what_cannot_be_is_refused_in_words(client: FlaskClient, store: Store, form: dict[str, str]) -> None:
    before = store.newsletter("daily-digest")
    assert client.post("/newsletters/daily-digest/settings", data=form).status_code == 400
    assert store.newsletter("daily-digest") == before
    assert client.post("/newsletters/nobody/settings", data={"name": "a"}).status_code == 404


def test_it_says_how_far_past_issues_are_read_again(client: FlaskClient, store: Store) -> None:
    store.ask_again(DIGEST.key)
    found = page(client, "/newsletters/daily-digest")
    assert "Reading past issues again: 0 of" in text(found.css_first(".rules [role=status]"))
    work = store.claim_rereading(datetime.now(UTC))
    assert work is not None
    store.leave_rereading(work, "the archive cannot be read")
    found = page(client, "/newsletters/daily-digest")
    assert "the archive cannot be read" in text(found.css_first(".rules [role=status]"))


# -- leaving ----------------------------------------------------------------------------------------------------------------


def leaving(store: Store, *ways: str, one_click: bool) -> None:
    """Have the newest issue of the digest offer these ways out."""
    add(store, replace(issue(50, article("Newest")), unsubscribe=ways, one_click=one_click))


def test_one_click_is_one_post_after_a_question(settings: Settings, store: Store) -> None:
    with serving_web() as web:
        web.pages["/leave"] = Reply(200)
        leaving(store, f"{web.url}/leave?id=me", one_click=True)
        allowed = settings.model_copy(update={"resolve_loopback_ports": (web.port,)})
        client = create_app(allowed, store).test_client()
        asked = page(client, "/newsletters/daily-digest/unsubscribe")
        assert "127.0.0.1" in text(asked.css_first("main"))
        assert "id=me" not in (asked.html or "")
        assert web.asked == [], "to look asks nobody"
        answer = client.post("/newsletters/daily-digest/unsubscribe")
        assert answer.headers["Location"] == "/newsletters/daily-digest?done=left"
        assert web.posted == [("/leave?id=me", b"List-Unsubscribe=One-Click")]
        web.pages["/leave"] = Reply(500)
        answer = client.post("/newsletters/daily-digest/unsubscribe")
        assert answer.status_code == 502
        assert "status 500" in answer.text
        assert "id=me" not in answer.text
        assert "Open the page of 127.0.0.1" in answer.text


@pytest.mark.parametrize(
    ("ways", "way", "words"),
    [
        ((UNSUBSCRIBE,), "page", "Open the page of digest.example.com"),
        (("mailto:leave-abcdef0123456789@example.org",), "mail", "Write the mail"),
    ],
)
def test_private_addresses_are_only_led_to(
    client: FlaskClient, store: Store, ways: tuple[str, ...], way: str, words: str
) -> None:
    leaving(store, *ways, one_click=False)
    asked = client.get("/newsletters/daily-digest/unsubscribe")
    assert words in asked.text
    assert "abcdef0123456789" not in asked.text
    assert "form-action 'self' https: http: mailto:" in asked.headers["Content-Security-Policy"]
    assert client.post("/newsletters/daily-digest/unsubscribe").status_code == 502
    led = client.post(f"/newsletters/daily-digest/unsubscribe/{way}")
    assert (led.status_code, led.headers["Location"]) == (303, ways[0])
    assert led.headers["Referrer-Policy"] == "no-referrer"
    assert led.data == b""
    assert client.get(f"/newsletters/daily-digest/unsubscribe/{way}").status_code == 405


@pytest.mark.parametrize("address", ["javascript:alert(1)", "file:///etc/passwd"])
def test_an_address_that_is_none_is_not_led_to(client: FlaskClient, store: Store, address: str) -> None:
    leaving(store, address, one_click=True)
    assert client.post("/newsletters/daily-digest/unsubscribe/page").status_code == 404
    assert client.post("/newsletters/daily-digest/unsubscribe/mail").status_code == 404
    assert client.post("/newsletters/daily-digest/unsubscribe").status_code == 502


def test_where_the_mails_do_not_say_how(client: FlaskClient) -> None:
    assert "do not say how" in text(page(client, "/newsletters/other/unsubscribe").css_first("main"))
    assert page(client, "/newsletters/other/unsubscribe").css("main form") == []


@pytest.mark.parametrize("path", ["settings", "unsubscribe", "unsubscribe/page", "unsubscribe/mail"])
def test_nothing_is_changed_from_another_site(client: FlaskClient, store: Store, path: str) -> None:
    leaving(store, UNSUBSCRIBE, one_click=True)
    headers = {"Sec-Fetch-Site": "cross-site"}
    answer = client.post(f"/newsletters/daily-digest/{path}", headers=headers, data={"name": "Taken over"})
    assert answer.status_code == 403
    assert store.newsletter("daily-digest").newsletter.name == "Daily Digest"  # type: ignore[union-attr]
