"""The front page: what its address asks for, in which order, and the ways on from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from articles import DIGEST, SENT, add, article, issue
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from pages import text
from selectolax.lexbor import LexborHTMLParser
from werkzeug.exceptions import BadRequest

from feedsvc.config import load_settings
from feedsvc.model import Newsletter, entry_id
from feedsvc.store import Place, Store, Term, open_store, read_query, reduce_words
from feedsvc.web import create_app, today
from feedsvc.web.filters import read_filter, read_place, tidied, written_place
from feedsvc.web.highlight import EXCERPT_CHARS, excerpt, found_in, marked

OTHER = Newsletter("other.example.com", "Other & Co", "other")


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path_factory.mktemp('store') / 'feeds.db'}") as opened:
        for number in range(12):
            what = [
                replace(
                    article(
                        f"Title {number}.{n}",
                        f"https://example.com/{number}/{n}",
                        kind=("article", "article", "sponsor", "job")[n],
                        read_minutes=(2, 9, None, None)[n],
                        section="Tools & Code" if number % 2 else "News",
                        label="GitHub Repo" if n == 1 else None,
                        summary="A crème brûlée <b>& more</b>" if number == 3 else "Words",
                    ),
                    id=entry_id(str(number), str(n)),
                )
                for n in range(4)
            ]
            add(opened, issue(number, *what, newsletter=OTHER if number < 4 else DIGEST))
        same = article("The same again", "https://example.com/9/0", id=entry_id("again", "1"), section="News")
        add(opened, issue(20, same, newsletter=OTHER))
        yield opened


@pytest.fixture(scope="module")
def client(store: Store, tmp_path_factory: pytest.TempPathFactory) -> FlaskClient:
    return create_app(load_settings(data=tmp_path_factory.mktemp("data"), resolve="never"), store).test_client()


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(today, "PAGE_ARTICLES", 8)


def page(client: FlaskClient, path: str) -> LexborHTMLParser:
    answer = client.get(path, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return LexborHTMLParser(answer.text)


def titles(found: LexborHTMLParser) -> list[str]:
    return [text(node) for node in found.css("#listed a.go")]


def test_by_issue_sponsors_and_jobs_are_folded_behind_one_line(client: FlaskClient) -> None:
    found = page(client, "/")
    card = found.css("section.issue")[1]
    assert [text(node) for node in card.css("h3")] == ["Title 11.0", "Title 11.1", "Title 11.2", "Title 11.3"]
    assert [text(node) for node in card.css(".folded summary")] == ["1 sponsor + 1 job"]
    assert [text(node) for node in card.css(".folded h3")] == ["Title 11.2", "Title 11.3"]
    assert text(card.css_first(".size")) == "2 articles · about 11 min"
    assert "GitHub Repo" in text(card.css("li.entry")[1].css_first(".meta"))


def test_total_counts_what_is_listed_and_not_folded(client: FlaskClient) -> None:
    assert text(page(client, "/").css_first("#total")) == "25 articles · about 2 h 12 min to read"
    assert text(page(client, "/?max_minutes=5").css_first("#total")) == "12 articles · about 24 min to read"


def test_stream_has_each_link_once_and_says_where_else(client: FlaskClient) -> None:
    found = page(client, "/?view=stream")
    shown = titles(found)
    assert len(shown) == 24
    assert "The same again" not in shown
    assert shown[:2] == ["Title 11.0", "Title 11.1"]
    (copied,) = [node for node in found.css("li.entry") if "Title 9.0" in text(node)]
    assert "also in Other & Co" in text(copied)
    assert text(copied.css_first(".from a")) == "Daily Digest"


@pytest.mark.parametrize(
    ("query", "count", "chips"),
    [
        ("newsletter=other", 9, ["Other & Co"]),
        ("section=Tools%20%26%20Code", 12, ["Tools & Code"]),
        ("label=GitHub%20Repo", 12, ["GitHub Repo"]),
        ("max_minutes=4", 12, ["4 min or less"]),
        ("min_minutes=5&max_minutes=15", 12, ["5 to 15 min"]),
        ("min_minutes=16", 0, ["16 min or more"]),
        ("kinds=sponsor", 12, ["sponsors"]),
        ("kinds=article,sponsor,job,message", 49, ["sponsors and jobs too"]),
        ("q=creme", 2, ["“creme”"]),
        ("from=2024-09-05&to=2024-09-06", 4, ["from 5 September 2024", "to 6 September 2024"]),
        ("q=title&newsletter=other&section=News&max_minutes=4", 2, ["“title”", "Other & Co", "News", "4 min or less"]),
    ],
)
@pytest.mark.parametrize("view", ["", "&view=stream"])
def test_filters_combine_and_each_can_be_removed(
    client: FlaskClient, query: str, count: int, chips: list[str], view: str
) -> None:
    found = page(client, f"/?{query}{view}")
    if view and "newsletter" not in query and count > 12:
        count -= 1  # the copy
    folded = len(found.css(".folded .entry"))
    assert len(titles(found)) - folded == count
    assert [text(node) for node in found.css(".chip > span:first-child")] == chips
    for chip in found.css("a.chip"):
        fewer = page(client, chip.attributes["href"] or "")
        assert len(fewer.css("a.chip")) == len(chips) - 1
        assert bool(view) == bool(fewer.css("ol.stream"))


def test_the_feed_of_a_filter_is_offered(client: FlaskClient) -> None:
    found = page(client, "/?newsletter=other&max_minutes=4&from=2024-09-01")
    address = "/newsletters/other/feed.xml?max_minutes=4"
    assert text(found.css_first("#feed-address")) == f"http://localhost{address}"
    assert address in [node.attributes["href"] for node in found.css("link[rel=alternate]")]
    assert "dates are not part" in text(found.css_first("#subscribe"))
    assert client.get(address).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        "colour=red",
        "limit=3",
        "section=No%20such%20section",
        "label=none",
        "kinds=articles",
        "max_minutes=0",
        "min_minutes=9&max_minutes=3",
        "q=-only",
        "view=wall",
        "from=yesterday",
        "from=2024-02-31",
        "from=0001-01-01",
        "from=2024-09-06&to=2024-09-05",
        "before=7",
        "before=999999999999999999-1-1",
        "after=x",
        "view=stream&view=stream",
    ],
)
def test_what_there_is_not_is_a_friendly_page(client: FlaskClient, query: str) -> None:
    answer = client.get(f"/?{query}")
    assert answer.status_code == 400
    found = LexborHTMLParser(answer.text)
    assert len(text(found.css_first("main p:not(.code)"))) > 15
    assert found.css("main a[href='/']")


def test_a_newsletter_that_is_not_there(client: FlaskClient) -> None:
    assert client.get("/?newsletter=nobody").status_code == 404


def test_empty_fields_of_a_form_lead_to_the_plain_address(client: FlaskClient) -> None:
    answer = client.get("/?q=&newsletter=other&section=&kinds=&minutes=short&from=")
    assert answer.status_code == 302
    assert answer.headers["Location"] == "/?newsletter=other&max_minutes=4"
    assert client.get("/?q=").headers["Location"] == "/"


@pytest.mark.usefixtures("short_pages")
@pytest.mark.parametrize("query", ["", "?view=stream", "?kinds=article&q=title"])
def test_paging_by_plain_links_reaches_each_once_and_leads_back(client: FlaskClient, query: str) -> None:
    path, seen, pages = f"/{query}", [], []
    while path:
        found = page(client, path)
        pages.append(titles(found))
        seen += pages[-1]
        link = found.css_first(".pager [rel=next]")
        path = (link.attributes["href"] or "") if link else ""
    assert len(pages) > 2
    assert len(seen) == len(set(seen))
    assert len(seen) == {"": 49, "?view=stream": 24, "?kinds=article&q=title": 24}[query]
    back = []
    while True:
        link = found.css_first(".pager [rel=prev]")
        if link is None:
            break
        found = page(client, link.attributes["href"] or "")
        back.append(titles(found))
    assert [title for shown in reversed(back) for title in shown] == seen[: -len(pages[-1])]


def test_past_the_end_a_page_says_so(client: FlaskClient) -> None:
    long_ago = written_place(Place(datetime(1990, 1, 1, tzinfo=UTC), 1))
    found = page(client, f"/?before={long_ago}")
    assert "nothing further" in text(found.css_first(".empty"))


def test_nothing_found_says_what_to_do(client: FlaskClient) -> None:
    assert "Remove a filter" in text(page(client, "/?q=nowhere").css_first(".empty"))


def test_muted_newsletters_and_shown_sponsors(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'feeds.db'}") as store:
        both = (article("News"), article("Ad", "https://example.com/ad", kind="sponsor"))
        add(store, issue(0, *both), issue(1, article("Else", "https://example.com/else"), newsletter=OTHER))
        client = create_app(load_settings(data=tmp_path, resolve="never"), store).test_client()
        store.mute_newsletter("other", True)
        assert titles(page(client, "/")) == ["News", "Ad"]
        assert titles(page(client, "/?newsletter=other")) == ["Else"]
        assert b">Ad<" not in client.get("/newsletters/daily-digest/feed.xml").data
        store.show_sponsors("daily-digest", True)
        assert page(client, "/").css(".folded") == []
        assert b">Ad<" in client.get("/newsletters/daily-digest/feed.xml").data
        assert b">Ad<" not in client.get("/newsletters/daily-digest/feed.xml?kinds=article").data
        assert b">Ad<" not in client.get("/feed.xml").data
        store.mute_newsletter("daily-digest", True)
        assert "muted" in text(page(client, "/").css_first(".empty"))


def test_an_issue_that_is_one_article_shows_its_title_once(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path / 'feeds.db'}") as store:
        add(store, issue(0, article("Issue 0", None, kind="message")))
        client = create_app(load_settings(data=tmp_path, resolve="never"), store).test_client()
        assert text(page(client, "/").css_first("main")).count("Issue 0") == 1


# -- what is looked for is marked -----------------------------------------------------------------------------------------


def test_words_that_were_looked_for_are_marked_in_title_and_summary(client: FlaskClient) -> None:
    found = page(client, '/?q=creme "brulee b" titl*')
    assert [text(node) for node in found.css("li.entry")[0].css("mark")] == ["Title", "crème", "brûlée <b"]
    assert found.css("li.entry b") == []


@pytest.mark.parametrize(
    ("query", "words", "shown"),
    [
        ("art", "The ﬁne ART of it", "The ﬁne <mark>ART</mark> of it"),
        ("fine", "The ﬁne art", "The <mark>ﬁne</mark> art"),
        ("strasse", "Straße, STRASSE", "<mark>Straße</mark>, <mark>STRASSE</mark>"),
        ("本語", "日本語", "日<mark>本語</mark>"),
        ("self*", "Self-hosted selfish", "<mark>Self</mark>-hosted <mark>selfish</mark>"),
        ('"self hosted"', "Self-hosted, self", "<mark>Self-hosted</mark>, self"),
        ("a -b", "a b", "<mark>a</mark> b"),
        ("x", "<x> & x", "&lt;<mark>x</mark>&gt; &amp; <mark>x</mark>"),
        ("ab bc", "ab bc", "<mark>ab</mark> <mark>bc</mark>"),
    ],
)
def test_marks(query: str, words: str, shown: str) -> None:
    assert str(marked(words, read_query(query))) == shown


letters = st.text(st.sampled_from("ab éÉß-日本., 'ﬁ<&"), max_size=30)


@given(letters, letters)
def test_what_is_marked_is_what_the_search_finds(words: str, sought: str) -> None:
    try:
        terms = read_query(sought)
    except ValueError:
        return
    places = found_in(words, terms)
    assert places == sorted(places)
    assert all(0 <= start < end <= len(words) for start, end in places)
    assert all(before[1] < after[0] for before, after in pairwise(places))
    plain = re.sub("</?mark>", "", str(marked(words, terms)))
    assert plain == str(marked(words, ()))
    for term in terms:
        if not term.unwanted and not term.begins:
            stands = f" {term.words} " in f" {reduce_words(words)} "
            assert bool(found_in(words, (term,))) == stands


def test_a_term_of_many_words_needs_them_all() -> None:
    assert found_in("a b", (Term("a b c"),)) == []


def test_a_long_text_is_cut_around_the_first_hit() -> None:
    words = "word " * 400
    assert excerpt("short enough", read_query("enough")) == "short enough"
    for early in (excerpt(f"needle {words}", read_query("needle")), excerpt(words, ())):
        assert early.startswith(("needle word", "word"))
        assert early.endswith("word …")
        assert EXCERPT_CHARS - 5 <= len(early) <= EXCERPT_CHARS + 2
    late = excerpt(f"{words}needle {words}", read_query("needle"))
    assert late.startswith("… word word")
    assert 70 <= late.index("needle") <= 82
    assert late.endswith("word …")
    assert excerpt(f"{words}needle", read_query("needle")).endswith("word needle")
    ideographs = excerpt("日" * 2000 + "本" + "日" * 2000, read_query("本"))
    assert ideographs.startswith("… 日")
    assert len(ideographs) == EXCERPT_CHARS + 4


@given(st.text(st.sampled_from("ab 日"), max_size=900), st.sampled_from(["é", "é f", "本"]))
def test_the_first_hit_is_in_the_excerpt(around: str, sought: str) -> None:
    terms = read_query(sought)
    text_with_hit = f"{around} {sought} {around[::-1]}"
    shown = excerpt(text_with_hit, terms)
    assert sought in shown
    assert found_in(shown, terms)
    assert len(shown) <= EXCERPT_CHARS + 4
    assert shown.removeprefix("… ").removesuffix(" …") in text_with_hit


def test_a_long_text_is_no_wall_on_the_front_page(store: Store, client: FlaskClient) -> None:
    essay = article("An essay", None, kind="message", summary=f"{'word ' * 2000} zanzibar {'word ' * 2000}")
    with open_store("sqlite://") as own:
        add(own, issue(1, essay))
        other = create_app(client.application.extensions["feedsvc"].settings, own).test_client()
        summary = text(page(other, "/?q=zanzibar").css_first("p.summary"))
    assert summary.startswith("… word")
    assert "zanzibar" in summary
    assert len(summary) <= EXCERPT_CHARS + 4


# -- addresses ------------------------------------------------------------------------------------------------------------


@given(st.datetimes(timezones=st.just(UTC)), st.integers(0, 10**12), st.integers(0, 10**5))
def test_a_place_comes_back_from_its_address(moment: datetime, number: int, position: int) -> None:
    place = Place(moment, number, position)
    assert read_place(written_place(place)) == place


@given(st.text(max_size=60) | st.sampled_from(["q=a", "from=2024-09-03", "before=1-1-1", "kinds=job", "max_minutes=3"]))
def test_any_query_is_a_filter_or_a_refusal_in_words(query: str) -> None:
    assert tidied(tidied(query) or "") is None
    try:
        found = read_filter(query)
    except BadRequest as refusal:
        assert refusal.description
    else:
        again = read_filter(found.path().partition("?")[2])
        assert (again.given, again.narrowing) == (found.given, found.narrowing)


def test_dates_are_whole_days() -> None:
    narrowing = read_filter("from=2024-09-03&to=2024-09-03").narrowing
    assert narrowing.since == datetime(2024, 9, 3, tzinfo=UTC)
    assert narrowing.until == narrowing.since + timedelta(days=1)
    assert narrowing.since <= SENT < narrowing.until


def test_what_names_the_reader_is_neither_shown_nor_asked_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    reader = "reader@example.org"
    with open_store(f"sqlite:///{tmp_path / 'feeds.db'}") as store:
        made = article("News", section=f"For {reader}", label=f"To {reader}")
        one = issue(0, made, article("More", section="Open"), newsletter=replace(DIGEST, name=f"Digest of {reader}"))
        add(store, replace(one, recipients=frozenset({reader})))
        client = create_app(load_settings(data=tmp_path, resolve="never"), store).test_client()
        for path in ("/", "/?view=stream", "/newsletters", "/newsletters/daily-digest", "/subscribe"):
            found = page(client, path)
            assert reader not in (found.html or "")
            for link in found.css("#listed .meta a"):
                assert "section=Open" in (link.attributes["href"] or "")
    assert caplog.messages == [], "the last look at each page had nothing to take out"
