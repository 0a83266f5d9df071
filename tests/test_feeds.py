"""Narrowed feeds, the archive behind them, copies of a link, what is rendered when, and the hub."""

from __future__ import annotations

import http.server
import json
import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import brotli
import pytest
from articles import SENT, add, article, issue
from documents import FH, MEDIA, OWN, A, parsed
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from waiting import until
from werkzeug.exceptions import BadRequest

from feedsvc.config import Settings, load_settings
from feedsvc.model import Article, Newsletter, StoredArticle, entry_id
from feedsvc.publish import Feed, atom, feed_of, json_feed, rss
from feedsvc.store import Narrowing, Store, Window, open_store, read_query
from feedsvc.store.search import reduce_words
from feedsvc.web import create_app
from feedsvc.web.documents import best_coding
from feedsvc.web.selection import read_selection
from feedsvc.web.websub import HubPinger

POINTER = Newsletter("pointer.example.com", "Pointer", "pointer")
TLDR = Newsletter("tldr.example.com", "TLDR", "tldr")
CODERS = Newsletter("coders.example.com", "Coders' Weekly", "coders")


@pytest.fixture
def settings(tmp_path: Any) -> Settings:
    made = load_settings(data=tmp_path / "data", title="Mine")
    made.data.mkdir()
    return made


def one(title: str, url: str | None = "", **fields: Any) -> Article:
    """An article whose id is its own; with a link of its own, unless another is given."""
    name = f"{title}-{fields.pop('issue', '')}"
    return article(title, f"https://example.com/{quote(name)}" if url == "" else url, id=entry_id("x", name), **fields)


def titles(client: FlaskClient, path: str) -> list[str]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    return [item["title"] for item in json.loads(answer.data)["items"]]


# -- narrowing ----------------------------------------------------------------------------------------------------------

SHELF = (
    one(
        "Rust in kernels",
        section="Tools",
        label="Paper",
        read_minutes=5,
        content_html="<p>About <b>memory</b> safety.</p>",
    ),
    one("Éclairs, a history", section="Food & Drink", read_minutes=12, content_html="<p>Choux <em>pastry</em></p>"),
    one("電車で行こう", section="Tools", read_minutes=3),
    one("Buy this", kind="sponsor", section="Tools"),
    one("Engineer wanted", kind="job"),
    one("A letter", None, kind="message", content_html="<p>" + "long words " * 50 + "needle</p>"),
)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", [0, 1, 2, 5]),
        ("section=Tools", [0, 2]),
        ("section=Food+%26+Drink", [1]),
        ("label=Paper", [0]),
        ("kinds=article,sponsor,job,message", [0, 1, 2, 3, 4, 5]),
        ("kinds=sponsor", [3]),
        ("kinds=job,sponsor&section=Tools", [3]),
        ("min_minutes=5", [0, 1]),
        ("max_minutes=5", [0, 2]),
        ("min_minutes=4&max_minutes=6", [0]),
        ("limit=2", [0, 1]),
        ("q=memory+safety", [0]),
        ("q=MEMORY", [0]),
        ("q=memory+pastry", []),
        ("q=eclairs", [1]),
        ("q=pastry", [1]),
        ("q=em", []),  # not the markup
        ("q=b", []),
        ("q=電車", [2]),
        ("q=needle", [5]),
        ("q=need*", [5]),
        ("q=need", []),
        ("q=history+-choux", []),
        ("q=%22in+kernels%22", [0]),
        ("q=%22kernels+in%22", []),
        ("q=tools", [0, 2]),  # its section
        ("q=rust&section=Tools&min_minutes=5&kinds=article", [0]),
        ("q=OR+AND+NOT", []),
        ("q=a%27b%22c+rust", []),
        ("token=anything", [0, 1, 2, 5]),
    ],
)
def test_narrowing(client: FlaskClient, store: Store, query: str, found: list[int]) -> None:
    add(store, issue(0, *SHELF), issue(-1, one("Elsewhere", read_minutes=1), newsletter=TLDR))
    expected = [SHELF[number].title for number in found]
    assert titles(client, f"/newsletters/daily-digest/feed.json?{query}") == expected
    combined = titles(client, f"/feed.json?{query}")
    assert [title for title in combined if title != "Elsewhere"] == expected
    by_issue = json.loads(client.get(f"/newsletters/daily-digest/feed.json?{query}&group=issue").data)["items"]
    assert len(by_issue) == bool(found)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("wrong=1", "wrong"),
        ("Section=Tools", "Section"),
        ("section=Nothing", "Nothing"),
        ("section=", "section"),
        ("label=Nothing", "Nothing"),
        ("kinds=", "kinds"),
        ("kinds=article,news", "news"),
        ("kinds=article,article", "kinds"),
        ("kinds=issue", "issue"),
        ("min_minutes=0", "min_minutes"),
        ("min_minutes=-1", "-1"),
        ("min_minutes=five", "five"),
        ("min_minutes=%C2%B2", "²"),
        ("max_minutes=1.5", "1.5"),
        ("min_minutes=9&max_minutes=3", "max_minutes"),
        ("q=", "q"),
        ("q=-rust", "-rust"),
        ("q=%22%22", "q"),
        ("q=%00", "q"),
        ("q=" + "x" * 201, "q"),
        ("group=day", "day"),
        ("limit=0", "limit"),
        ("limit=1001", "1001"),
        ("limit=5&limit=6", "limit"),
        ("%3Cscript%3E=1", "&lt;script&gt;"),
    ],
)
def test_an_unknown_parameter_or_value_is_named(client: FlaskClient, store: Store, query: str, named: str) -> None:
    add(store, issue(0, *SHELF))
    for extension in ("xml", "rss", "json"):
        answer = client.get(f"/feed.{extension}?{query}")
        assert answer.status_code == 400
        assert named in answer.text
        assert "<script>" not in answer.text.replace('<script src="', "")


def test_the_opml_takes_no_parameters(client: FlaskClient) -> None:
    assert client.get("/subscriptions.opml?section=x").status_code == 400


def test_each_narrowing_is_a_feed_of_its_own(client: FlaskClient, store: Store) -> None:
    add(store, issue(0, *SHELF))
    queries = [
        "",
        "section=Tools",
        "label=Paper",
        "kinds=job",
        "min_minutes=5",
        "max_minutes=5",
        "q=rust",
        "group=issue",
        "limit=3",
    ]
    paths = [
        f"{folder}/feed.xml{'?' if query else ''}{query}"
        for folder in ("", "/newsletters/daily-digest")
        for query in queries
    ]
    feeds = [parsed(client.get(path).data) for path in paths]
    for field in (f"{A}id", f"{A}title"):
        assert len({feed.findtext(field) for feed in feeds}) == len(feeds)
    links = [feed.find(f"{A}link[@rel='self']").get("href") for feed in feeds]  # type: ignore[union-attr]
    assert links == [f"http://localhost{path}" for path in paths]
    assert feeds[1].findtext(f"{A}title") == "Mine: Tools"


def test_the_same_narrowing_is_the_same_feed_however_it_is_written(client: FlaskClient, store: Store) -> None:
    add(store, issue(0, *SHELF))
    first = client.get("/feed.xml?kinds=job,article&min_minutes=5")
    for other in ("min_minutes=05&kinds=article,job", "kinds=article%2Cjob&min_minutes=5&token=x"):
        assert client.get(f"/feed.xml?{other}").headers["ETag"] == first.headers["ETag"]
    assert client.get("/feed.xml?kinds=message,article").headers["ETag"] == client.get("/feed.xml").headers["ETag"]


@given(st.text(max_size=60))
def test_no_query_fails(text: str) -> None:
    try:
        terms = read_query(text)
    except ValueError:
        return
    with open_store("sqlite://") as store:
        store.newest(Narrowing(terms=terms), 5)


@given(st.text(max_size=60))
def test_reducing_words_twice_changes_nothing(text: str) -> None:
    once = reduce_words(text)
    assert reduce_words(once) == once


@given(st.text(max_size=80))
def test_selections_are_read_or_refused(query: str) -> None:
    try:
        found = read_selection(query)
    except BadRequest:
        return
    assert read_selection(found.parameters) == found


def test_words_follow_the_article(store: Store) -> None:
    """The index is kept by triggers: what is converted anew is found by its new words alone."""
    old = one("Old words", summary="before")
    add(store, issue(0, old))
    assert store.newest(Narrowing(terms=read_query("before")), 5).articles
    changed = issue(0, replace(old, title="New words", summary="after"))
    import hashlib

    sha256 = hashlib.sha256(changed.key.encode()).hexdigest()
    for row in store.messages():
        sha256 = row.sha256
    store.add_issue(changed, sha256=sha256, received=SENT, size=1, filename=None)
    assert not store.newest(Narrowing(terms=read_query("before")), 5).articles
    assert store.newest(Narrowing(terms=read_query("after new")), 5).articles


@pytest.mark.parametrize("rare", [-1, 40, 1000], ids=["never listed", "listed where rare", "listed"])
@pytest.mark.parametrize("looked_at", [10, 60, 800])
def test_searches_find_the_newest_however_often_their_words_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rare: int, looked_at: int
) -> None:
    """By date, not by number: what came in last may be the oldest. Each way of looking finds the same."""
    monkeypatch.setattr("feedsvc.store.narrowing._RARE", rare)
    monkeypatch.setattr("feedsvc.store.walk._LOOKED_AT", looked_at)
    monkeypatch.setattr("feedsvc.store.walk._AT_A_TIME", 7)
    days = random.Random(5).sample(range(40), 40)
    words: dict[str, Callable[[int, int], bool]] = {
        "always": lambda day, n: True,
        "often": lambda day, n: n % 2 == 0,
        "seldom": lambda day, n: day % 13 == 0 and n == 1,
        "once": lambda day, n: (day, n) == (17, 3),
        "old": lambda day, n: day < 20,
        "nowhere": lambda day, n: False,
        "often -old": lambda day, n: n % 2 == 0 and day >= 20,
    }  # fmt: skip
    with open_store(f"sqlite:///{tmp_path / 'feeds.db'}") as store:
        for day in days:
            made = [
                one(
                    f"{day}.{n}",
                    summary=" ".join(word for word, has in words.items() if word.isalpha() and has(day, n)),
                )
                for n in range(6)
            ]
            add(store, issue(day, *made))
        newest_first = [(day, n) for day in reversed(range(40)) for n in range(6)]
        for query, has in words.items():
            narrowing = Narrowing(terms=read_query(query))
            wanted = [f"{day}.{n}" for day, n in newest_first if has(day, n)]
            for limit in (1, 5, 100):
                page = store.newest(narrowing, limit)
                assert [found.article.title for found in page.articles] == wanted[:limit], query
            found, window = list(store.newest(narrowing, 5).articles), store.newest(narrowing, 5).older
            while window is not None:  # the archive holds all of them too, by number
                page = store.archived(narrowing, window)
                found, window = [*found, *page.articles], page.older
            assert {each.article.title for each in found} == set(wanted), query
            issues = store.newest(narrowing, 3, by_issue=True)
            assert {found.article.title for found in issues.articles} == {
                title for title in wanted if int(title.partition(".")[0]) in _newest_days(wanted, 3)
            }


def _newest_days(titles: list[str], number: int) -> list[int]:
    return sorted({int(title.partition(".")[0]) for title in titles}, reverse=True)[:number]


# -- one entry an issue -------------------------------------------------------------------------------------------------


def test_an_issue_as_one_entry(client: FlaskClient, store: Store) -> None:
    add(store, issue(0, *SHELF), issue(1, one("Other day", read_minutes=2)))
    items = json.loads(client.get("/feed.json?group=issue&kinds=article,sponsor").data)["items"]
    assert [item["title"] for item in items] == ["Issue 1", "Issue 0"]
    content = items[1]["content_html"]
    assert content.startswith("<p>4 articles · about 20 min</p>\n<h3>Tools</h3>\n<ul>\n<li><a href=")
    assert "(5 min read" not in content
    assert content.count("<li>") == 4
    assert "(sponsor · example.com)" in content
    assert items[1]["url"] == f"http://localhost/issues/{items[1]['id'].removeprefix('urn:uuid:')}"
    assert client.get(items[1]["url"]).status_code == 200
    assert items[1]["_feedsvc"]["kind"] == "issue"


# -- copies -------------------------------------------------------------------------------------------------------------


def test_a_link_of_several_newsletters_is_one_entry_of_the_combined_feed(client: FlaskClient, store: Store) -> None:
    link = "https://example.com/shared"
    first = one("First words", link, issue=1, section="News")
    add(
        store,
        issue(0, first, newsletter=CODERS),
        issue(1, one("Second words", link, issue=2), one("Alone"), newsletter=POINTER),
        issue(2, one("Third words", link, issue=3), newsletter=TLDR),
    )
    feed = json.loads(client.get("/feed.json").data)["items"]
    assert [item["title"] for item in feed] == ["Alone", "First words"]
    assert "also in Pointer and TLDR</p>" in feed[1]["content_html"].partition("\n")[0]
    assert feed[1]["id"] == first.id
    assert feed[1]["date_published"].startswith("2024-09-03")
    assert feed[1]["date_modified"].startswith("2024-09-05"), "it says something else since TLDR had it too"
    for slug, title in (("coders", "First words"), ("pointer", "Second words"), ("tldr", "Third words")):
        own = json.loads(client.get(f"/newsletters/{slug}/feed.json").data)["items"]
        assert title in [item["title"] for item in own]
        assert "also in" not in json.dumps(own)
    assert "First words" not in titles(client, "/feed.json?q=words&kinds=job")
    assert titles(client, "/feed.json?q=third") == ["Third words"], "a copy that the narrowing leaves out hides nothing"
    assert len(json.loads(client.get("/feed.json?group=issue").data)["items"]) == 3


def test_a_newsletter_that_repeats_itself_keeps_both(client: FlaskClient, store: Store) -> None:
    link = "https://example.com/again"
    add(store, issue(0, one("One", link, issue=1)), issue(1, one("Two", link, issue=2)))
    assert titles(client, "/feed.json") == ["Two", "One"]
    assert "also in" not in client.get("/feed.json").text


def test_no_entry_goes_away_because_another_newsletter_has_it_too(client: FlaskClient, store: Store) -> None:
    link = "https://example.com/shared"
    add(store, issue(5, one("Here first", link, issue=1), newsletter=CODERS))
    before = json.loads(client.get("/feed.json").data)["items"][0]
    add(store, issue(0, one("Older, and came later", link, issue=2), newsletter=POINTER))
    (after,) = json.loads(client.get("/feed.json").data)["items"]
    assert after["id"] == before["id"]
    assert "also in Pointer" in after["content_html"]


@pytest.mark.parametrize("url_state", ["tracked", None])
def test_only_canonical_links_are_compared(client: FlaskClient, store: Store, url_state: str | None) -> None:
    link = "https://link.mail.beehiiv.com/ss/c/abc" if url_state else None
    add(
        store,
        issue(0, one("One", link, issue=1, url_state=url_state), newsletter=CODERS),
        issue(1, one("Two", link, issue=2, url_state=url_state), newsletter=POINTER),
    )
    assert titles(client, "/feed.json") == ["Two", "One"]


# -- the archive --------------------------------------------------------------------------------------------------------


def walk(client: FlaskClient, path: str, relation: str = "prev-archive") -> Iterator[tuple[str, Any]]:
    """Each document from this one on, by its address."""
    while path:
        answer = client.get(path)
        assert answer.status_code == 200
        feed = parsed(answer.data)
        yield path, feed
        found = feed.find(f"{A}link[@rel='{relation}']")
        path = "" if found is None else str(found.get("href")).removeprefix("http://localhost")


def ids(feed: Any) -> list[str]:
    return [str(entry.findtext(f"{A}id")) for entry in feed.iter(f"{A}entry")]


def fill(store: Store, first: int, count: int, newsletter: Newsletter = TLDR, size: int = 10) -> None:
    for number in range(first, first + count):
        what = [one(f"Title {n}", issue=f"{newsletter.slug}-{number}", read_minutes=n + 1) for n in range(size)]
        add(store, replace(issue(number, *what, newsletter=newsletter), key=f"{newsletter.slug}-{number}"))


@pytest.mark.parametrize(
    "query", ["", "?min_minutes=3", "?limit=7", "?group=issue&limit=3", "?q=title", "?kinds=article"]
)
def test_the_archive_leads_back_to_the_first_article(client: FlaskClient, store: Store, query: str) -> None:
    fill(store, 0, 60)
    fill(store, 100, 3, CODERS)
    everything = store.newest(read_selection(query[1:]).narrowing, 1000, by_issue="group" in query).articles
    wanted = {stored.issue_id if "group" in query else stored.article.id for stored in everything}
    found: list[str] = []
    paths: list[str] = []
    for path, feed in walk(client, f"/feed.xml{query}"):
        archive = feed.find(f"{FH}archive")
        assert (archive is None) == (not paths)
        assert feed.findtext(f"{A}id") == parsed(client.get(f"/feed.xml{query}").data).findtext(f"{A}id")
        if paths:
            current = feed.find(f"{A}link[@rel='current']").get("href")
            assert current == f"http://localhost/feed.xml{query}"
        paths.append(path)
        found += ids(feed)
    assert {each.removeprefix("urn:uuid:") if "group" in query else each for each in found} == wanted
    assert len(paths) > 2
    forward = [path for path, _ in walk(client, paths[-1], "next-archive")]
    assert len(forward) >= len(paths) - 2, "and forward again"


def test_archive_documents_stay_the_same(client: FlaskClient, store: Store) -> None:
    """Whatever comes in later, and however old it is: which entries a document holds does not change."""
    fill(store, 50, 45)
    before = {path: ids(feed) for path, feed in list(walk(client, "/feed.xml"))[1:]}
    fill(store, 0, 20, CODERS)  # older mail
    fill(store, 200, 20, POINTER)
    after = {path: ids(feed) for path, feed in list(walk(client, "/feed.xml"))[1:]}
    assert set(before) <= set(after) | {path for path in before if not path.startswith("/archive/")}
    for path, entries in before.items():
        assert ids(parsed(client.get(path).data)) == entries
    assert sum(map(len, after.values())) >= 850 - 100


def test_late_mail_that_the_feed_does_not_show_is_in_the_archive_at_once(client: FlaskClient, store: Store) -> None:
    fill(store, 100, 20)
    late = one("Late")
    add(store, issue(0, late))
    assert late.id not in ids(parsed(client.get("/feed.xml").data))
    assert late.id in [each for _, feed in walk(client, "/feed.xml") for each in ids(feed)]


def test_an_archive_with_wide_gaps_is_walked(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("feedsvc.store.feeds._LOOK_AHEAD", 500)
    fill(store, 0, 1, CODERS)
    fill(store, 1, 200)
    fill(store, 300, 2, CODERS)
    documents = list(walk(client, "/newsletters/coders/feed.xml?limit=5"))
    assert len({each for _, feed in documents for each in ids(feed)}) == 30
    assert len(documents) < 12


@pytest.mark.parametrize("window", ["0-5", "5-4", "1-5000", "a-b", "1", "-", "01-2", "1-2-3", "²-³"])
def test_a_part_of_the_archive_that_is_none(client: FlaskClient, window: str) -> None:
    assert client.get(f"/archive/{window}/feed.xml").status_code == 400


def test_an_empty_part_of_the_archive_is_an_empty_document(client: FlaskClient) -> None:
    assert ids(parsed(client.get("/archive/1-100/feed.xml").data)) == []


def test_json_feed_and_rss_have_the_archive_too(client: FlaskClient, store: Store) -> None:
    fill(store, 0, 30)
    feed, seen = json.loads(client.get("/feed.json").data), 0
    while True:
        seen += len(feed["items"])
        if "next_url" not in feed:
            break
        feed = json.loads(client.get(feed["next_url"]).data)
    assert seen >= 300
    channel = parsed(client.get("/feed.rss").data)[0]
    relations = {link.get("rel") for link in channel.findall("{http://www.w3.org/2005/Atom}link")}
    assert {"self", "prev-archive", "next"} <= relations


# -- what entries carry -------------------------------------------------------------------------------------------------


def _feed(what: Article) -> Feed:
    stored = StoredArticle(what, TLDR, "3f0c8a52-6c0e-5d53-9c53-0a1f6f1c2f10", "An issue", SENT, SENT, "de")
    return feed_of([stored], title="x", base="https://feeds.example.org")


@pytest.mark.parametrize(
    ("url", "html", "sound"),
    [
        ("https://cdn.example.com/ep/12.mp3?x=1", "", ("https://cdn.example.com/ep/12.mp3?x=1", "audio/mpeg")),
        ("https://a.example/p", '<p><a href="https://b.example/a.m4a?a=1&amp;b=2">x</a></p>', ("https://b.example/a.m4a?a=1&b=2", "audio/mp4")),
        ("https://a.example/p", '<a href="https://b.example/A.OGG">x</a>', ("https://b.example/A.OGG", "audio/ogg")),
        ("https://a.example/mp3", "", None),
        ("https://a.example/x.mp3.html", "", None),
        ("https://a.example/?f=x.mp3", "", None),
    ],
)  # fmt: skip
def test_sounds_are_enclosures(url: str, html: str, sound: tuple[str, str] | None) -> None:
    feed = _feed(one("Episode 12", url, content_html=html))
    in_atom = parsed(atom(feed)).find(f"{A}entry/{A}link[@rel='enclosure']")
    in_rss = parsed(rss(feed)).find("channel/item/enclosure")
    in_json = json.loads(json_feed(feed))["items"][0].get("attachments")
    if sound is None:
        assert (in_atom, in_rss, in_json) == (None, None, None)
        return
    assert in_atom is not None
    assert in_rss is not None
    assert (in_atom.get("href"), in_atom.get("type")) == (in_rss.get("url"), in_rss.get("type")) == sound
    assert in_json == [{"url": sound[0], "mime_type": sound[1]}]


def test_read_time_picture_and_language() -> None:
    what = one("x", read_minutes=5, read_source="declared", image="https://img.example.com/a.png")
    for element in (parsed(atom(_feed(what))).find(f"{A}entry"), parsed(rss(_feed(what))).find("channel/item")):
        assert element is not None
        read = element.find(f"{OWN}readTime")
        assert read is not None
        assert {str(name): str(value) for name, value in read.attrib.items()} == {"minutes": "5", "source": "declared"}
        picture = element.find(f"{MEDIA}thumbnail")
        assert picture is not None
        assert picture.get("url") == "https://img.example.com/a.png"
    entry = parsed(atom(_feed(what))).find(f"{A}entry")
    assert entry is not None
    assert entry.get("{http://www.w3.org/XML/1998/namespace}lang") == "de"
    item = json.loads(json_feed(_feed(what)))["items"][0]
    assert (item["_feedsvc"]["read_minutes"], item["image"], item["language"]) == (
        5,
        "https://img.example.com/a.png",
        "de",
    )


# -- rendered once ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [
        ("br", "br"), ("gzip, deflate, br", "br"), ("gzip, br;q=0", "gzip"), ("gzip;q=1.0, br;q=0.5", "gzip"), ("*", "gzip"),
        ("gzip", "gzip"), ("zstd", "identity"), ("", "identity"), ("br;q=0, *", "gzip"), ("identity", "identity"), (";;,q=", "identity"),
    ],
)  # fmt: skip
def test_codings(accepted: str, coding: str) -> None:
    assert best_coding(accepted) == coding


def test_brotli_holds_the_same_bytes(client: FlaskClient, store: Store) -> None:
    add(store, issue(0, *SHELF))
    plain = client.get("/feed.xml")
    small = client.get("/feed.xml", headers={"Accept-Encoding": "gzip, br"})
    assert small.headers["Content-Encoding"] == "br"
    assert brotli.decompress(small.data) == plain.data
    assert small.headers["ETag"] != plain.headers["ETag"]
    again = client.get("/feed.xml", headers={"Accept-Encoding": "br", "If-None-Match": small.headers["ETag"]})
    assert again.status_code == 304


def test_two_workers_give_the_same_validators_and_see_changes_at_once(settings: Settings, store: Store) -> None:
    add(store, issue(0, *SHELF))
    with open_store(settings.database_url) as another:
        workers = [create_app(settings, each).test_client() for each in (store, another)]
        for turn in range(1, 4):
            answers = [worker.get("/feed.xml") for worker in workers for _ in range(2)]
            assert len({(a.headers["ETag"], a.data) for a in answers}) == 1
            tag = answers[0].headers["ETag"]
            assert all(w.get("/feed.xml", headers={"If-None-Match": tag}).status_code == 304 for w in workers)
            add(store if turn % 2 else another, issue(turn, one(f"Newer {turn}")))
            assert [w.get("/feed.xml", headers={"If-None-Match": tag}).status_code for w in workers] == [200, 200]


def test_compressed_once(client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    add(store, issue(0, *SHELF))
    made: list[int] = []
    real: Callable[..., bytes] = brotli.compress
    monkeypatch.setattr("feedsvc.web.documents.brotli.compress", lambda body, **f: made.append(1) or real(body, **f))  # type: ignore[func-returns-value]
    for _ in range(5):
        client.get("/feed.xml", headers={"Accept-Encoding": "br"})
    assert len(made) == 1


def test_updated_changes_only_with_the_content(client: FlaskClient, store: Store) -> None:
    add(store, issue(0, *SHELF))
    before = client.get("/feed.xml").data
    add(store, issue(0, *SHELF))
    assert client.get("/feed.xml").data == before


def test_the_revision_is_read_by_its_key_and_survives_a_lost_connection(store: Store) -> None:
    add(store, issue(0, *SHELF))
    first = store.revision()
    store._revision.close()
    assert store.revision() == first
    started = time.perf_counter()
    for _ in range(1000):
        store.revision()
    assert time.perf_counter() - started < 0.5


# -- the hub ------------------------------------------------------------------------------------------------------------


@contextmanager
def hub(*statuses: int) -> Iterator[tuple[str, list[dict[str, list[str]]]]]:
    """A hub that answers with these statuses, the last one again and again, and what it was told."""
    told: list[dict[str, list[str]]] = []
    left = list(statuses)

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(left.pop(0) if len(left) > 1 else left[0])
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *given: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running = threading.Thread(target=server.serve_forever, args=(0.02,))
    running.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", told
    finally:
        server.shutdown()
        server.server_close()
        running.join()


@contextmanager
def pinging(settings: Settings, store: Store, address: str) -> Iterator[HubPinger]:
    pinger = HubPinger(
        settings.model_copy(update={"hub": address, "base_url": "https://feeds.example.org"}),
        store, look_every_s=0.02, retry_after_s=(0.05, 0.05), timeout_s=20.0,
    )  # fmt: skip
    pinger.start()
    try:
        yield pinger
    finally:
        pinger.stop()


def test_the_hub_is_told_of_what_changed(settings: Settings, store: Store) -> None:
    add(store, issue(0, one("There before"), newsletter=CODERS))
    with hub(204) as (address, told), pinging(settings, store, address):
        add(store, issue(1, one("New"), newsletter=TLDR))
        assert until(lambda: len(told) >= 6)
        time.sleep(0.1)
    assert {each["hub.mode"][0] for each in told} == {"publish"}
    forms = ("xml", "rss", "json")
    wanted = [
        f"https://feeds.example.org{folder}/feed.{form}" for folder in ("", "/newsletters/tldr") for form in forms
    ]
    assert sorted(each["hub.url"][0] for each in told) == sorted(wanted)


def test_a_failing_hub_is_asked_again_and_given_up(settings: Settings, store: Store) -> None:
    with hub(500, 302, 204) as (address, told), pinging(settings, store, address):
        add(store, issue(1, one("New")))
        assert until(lambda: len(told) >= 8)  # two failures, then all six
    with hub(503) as (address, told), pinging(settings, store, address) as pinger:
        add(store, issue(2, one("Newer")))
        assert until(lambda: len(told) == 3 and not pinger._pending)
        time.sleep(0.2)
        assert len(told) == 3
        add(store, issue(3, one("Newest")))
        assert until(lambda: len(told) > 3)


@pytest.mark.parametrize("address", ["http://127.0.0.1:1/", "http://nowhere.invalid/"])
def test_a_hub_that_is_not_there_does_no_harm(settings: Settings, store: Store, address: str) -> None:
    with pinging(settings, store, address) as pinger:
        add(store, issue(1, one("New")))
        assert until(lambda: pinger._failures > 0)
        assert pinger._thread.is_alive()
        assert store.newest(Narrowing(), 5).articles


def test_feeds_name_their_hub(settings: Settings, store: Store) -> None:
    add(store, issue(0, *SHELF))
    client = create_app(settings.model_copy(update={"hub": "https://hub.example.org/"}), store).test_client()
    answer = client.get("/feed.xml")
    assert answer.headers["Link"] == '<https://hub.example.org/>; rel="hub"'
    link = parsed(answer.data).find(f"{A}link[@rel='hub']")
    assert link is not None
    assert link.get("href") == "https://hub.example.org/"
    assert json.loads(client.get("/feed.json").data)["hubs"] == [{"type": "WebSub", "url": "https://hub.example.org/"}]
    assert re.search(r'<atom:link rel="hub" href="https://hub.example.org/"', client.get("/feed.rss").text)


def test_windows_of_the_store(store: Store) -> None:
    fill(store, 0, 25)
    assert store.newest(Narrowing(), 100).older == Window(101, 200)
    assert store.archived(Narrowing(), Window(101, 200)).older == Window(1, 100)
    assert store.archived(Narrowing(), Window(1, 100)).newer == Window(101, 200)
    assert store.archived(Narrowing(), Window(101, 200)).newer is None
    assert store.newest(Narrowing(), 10).older == Window(201, 250)
    assert {stored.published for stored in store.archived(Narrowing(), Window(1, 10)).articles} == {SENT + timedelta(0)}
