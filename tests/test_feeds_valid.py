"""Every document is valid: those made of all real newsletters, and those made of any text that there can be."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from articles import article, odd_entries, odd_text, stored
from documents import SCHEMA, VALID, A, assert_atom, assert_json, assert_opml, assert_rss, parsed
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from feedsvc.config import load_settings, prepare_folders
from feedsvc.ingest import ingest_paths
from feedsvc.model import StoredArticle
from feedsvc.publish import Paging, Subscription, atom, feed_of, json_feed, opml, rss
from feedsvc.store import open_store
from feedsvc.web import create_app

BASE = "https://feeds.example.org"
EVERYTHING = "kinds=article,sponsor,job,message"
many = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
ids = st.uuids().map(str)


@pytest.fixture(scope="module")
def corpus(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """A server that holds all real newsletters."""
    made = load_settings(data=tmp_path_factory.mktemp("data"), base_url=BASE, title="All & <everything>")
    prepare_folders(made)
    with open_store(made.database_url) as store:
        report = ingest_paths([shared / "corpus"], made, store)
        assert report.count("new") >= 50
        yield create_app(made, store).test_client()


def documents_from(client: FlaskClient, path: str) -> Iterator[bytes]:
    """The document at this path and all of its archive."""
    seen = set()
    while path not in seen:
        seen.add(path)
        answer = client.get(path)
        assert answer.status_code == 200, path
        yield answer.data
        older = (
            re.search(rb'"next_url": "([^"]+)"', answer.data)
            if answer.mimetype.endswith("json")  # type: ignore[union-attr]
            else re.search(rb'<(?:atom:)?link rel="prev-archive" href="([^"]+)"', answer.data)
        )
        if older is None:
            return
        path = older[1].decode().replace("&amp;", "&").removeprefix(BASE)
    raise AssertionError(f"the archive leads in a circle at {path}")


@pytest.mark.parametrize("extension", VALID)
@pytest.mark.parametrize("query", ["", EVERYTHING, "group=issue", "limit=3", "min_minutes=3&max_minutes=5", "q=the"])
def test_all_of_the_corpus_is_valid(corpus: FlaskClient, extension: str, query: str) -> None:
    documents = list(documents_from(corpus, f"/feed.{extension}?{query}"))
    for document in documents:
        VALID[extension](document)
    assert len(documents) > 1 or "min" in query or "group" in query, "an archive that was walked"


def test_each_newsletter_is_valid_and_complete(corpus: FlaskClient) -> None:
    listed = corpus.get("/subscriptions.opml").data
    assert_opml(listed)
    feeds = [str(outline.get("xmlUrl")).removeprefix(BASE) for outline in parsed(listed)[1]]
    health = corpus.get("/healthz").json
    assert health is not None
    assert len(feeds) == health["newsletters"]
    found = set()
    for feed in feeds:
        for document in documents_from(corpus, f"{feed}?{EVERYTHING}"):
            assert_atom(document)
            found |= {entry.findtext(f"{A}id") for entry in parsed(document).iter(f"{A}entry")}
        VALID["rss"](corpus.get(feed.replace(".xml", ".rss")).data)
        VALID["json"](corpus.get(feed.replace(".xml", ".json")).data)
    assert len(found) == health["articles"], "the archives of all newsletters together hold every article"


def test_the_first_line_tells_what_it_is(corpus: FlaskClient) -> None:
    """What a reader shows first: how long it takes, where it is, and what stands above it, on a line of its own."""
    items = json.loads(corpus.get("/feed.json?min_minutes=1&limit=200").data)["items"]
    assert len(items) > 100
    for item in items:
        first, _, rest = item["content_html"].partition("\n")
        assert re.fullmatch(r"<p>(~\d+ min|\d+ min read)( · [^<]+)?</p>", first), first
        assert rest or not item.get("summary")


# -- any text -----------------------------------------------------------------------------------------------------------

addresses = st.none() | st.sampled_from([f"{BASE}/archive/1-100/feed.xml", f"{BASE}/feed.xml?q=a&limit=3&token=x.y"])


@many
@given(
    entries=st.lists(odd_entries(), max_size=4),
    title=odd_text,
    base=st.sampled_from([BASE, "http://127.0.0.1:8080"]),
    paging=st.builds(Paging, older=addresses, newer=addresses, current=addresses, hub=addresses),
    issue_ids=st.lists(ids, min_size=2, max_size=2),
    by_issue=st.booleans(),
    follow=st.booleans(),
)
def test_always_valid(
    entries: list[StoredArticle],
    title: str,
    base: str,
    paging: Paging,
    issue_ids: list[str],
    by_issue: bool,
    follow: bool,
) -> None:
    known = [replace(one, issue_id=issue_ids[number % 2]) for number, one in enumerate(entries)]
    feed = feed_of(known, title=title, base=base, subtitle=title, paging=paging, by_issue=by_issue, follow=follow)
    for write, check in ((atom, assert_atom), (rss, assert_rss), (json_feed, assert_json)):
        document = write(feed)
        check(document)
        assert follow or b"/go/" not in document


@many
@given(st.lists(odd_text, max_size=4), odd_text)
def test_lists_are_always_valid(names: list[str], title: str) -> None:
    listed = [
        Subscription(name, f"{BASE}/newsletters/{number}/feed.xml", f"{BASE}/") for number, name in enumerate(names)
    ]
    document = opml(listed, title=title, modified=None, own=BASE)
    assert_opml(document)
    assert document == opml(listed, title=title, modified=None, own=BASE)


# -- the checks themselves ----------------------------------------------------------------------------------------------


def _set(path: list[str | int], value: Any) -> Callable[[dict[str, Any]], None]:
    def change(feed: dict[str, Any]) -> None:
        place: Any = feed
        for step in path[:-1]:
            place = place[step]
        if value is None:
            del place[path[-1]]
        else:
            place[path[-1]] = value

    return change


@pytest.mark.parametrize(
    "change",
    [
        _set(["version"], "https://jsonfeed.org/version/1"),
        _set(["title"], None),
        _set(["unknown"], 1),
        _set(["next_url"], "/relative"),
        _set(["items", 0, "id"], None),
        _set(["items", 0, "id"], 5),
        _set(["items", 0, "content_html"], None),
        _set(["items", 0, "date_published"], "Tue, 03 Sep 2024"),
        _set(["items", 0, "tags"], ["a", "a"]),
        _set(["items", 0, "author"], {"name": "x"}),
        _set(["items", 0, "attachments"], [{"url": "https://example.com/a.mp3"}]),
        _set(["items", 0, "_feedsvc"], "text"),
    ],
)
def test_the_schema_sees_what_is_wrong(change: Callable[[dict[str, Any]], None]) -> None:
    feed = json.loads(json_feed(feed_of([stored(article())], title="x", base=BASE)))
    assert SCHEMA.is_valid(feed)
    change(feed)
    assert not SCHEMA.is_valid(feed)


@pytest.mark.parametrize(
    ("check", "write", "old", "new"),
    [
        (assert_rss, rss, b"<pubDate>", b"<pubDate>soon "),
        (assert_rss, rss, b"</item>", b"<title>again</title></item>"),
        (assert_rss, rss, b"</item>", b"<unknown/></item>"),
        (assert_rss, rss, b"<description>", b"<summary>"),
        (
            assert_atom,
            atom,
            b'rel="alternate" type="text/html" href="https',
            b'rel="alternate" type="text/html" href="',
        ),
        (assert_atom, atom, b"<author>", b"<writer>"),
    ],
)
def test_the_rules_see_what_is_wrong(check: Any, write: Any, old: bytes, new: bytes) -> None:
    document = write(feed_of([stored(article(summary="s"))], title="x", base=BASE))
    check(document)
    broken = document.replace(old, new).replace(old.replace(b"<", b"</"), new.replace(b"<", b"</"))
    assert broken != document
    with pytest.raises((AssertionError, ValueError, SyntaxError)):
        check(broken)
