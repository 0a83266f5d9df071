"""What an entry says, in each format; the same input always gives the same bytes."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import feedparser
import pytest
from articles import DIGEST, SENT, TRACKER, UNSUBSCRIBE, article, issue, stored
from lxml import etree

from feedsvc.model import Article, Newsletter
from feedsvc.publish import (
    Feed,
    atom,
    entries_of,
    feed_id,
    feed_of,
    json_feed,
    newsletter_feed_id,
    publish_entry,
    read_time,
    rss,
)

GOLDEN = Path(__file__).parent / "data" / "publish"
BASE = "https://feeds.example.org"
WRITERS = {"atom": atom, "rss": rss, "json": json_feed}
A = "{http://www.w3.org/2005/Atom}"

FULL = article(
    "Models & compilers: a <b>bold</b> claim",
    "https://www.techcrunch.com/2024/09/03/claim",
    summary="It holds, mostly.",
    content_html='<p>It <strong>holds</strong>, <a href="go:0">mostly</a>.</p>',
    go_links=(TRACKER,),
    read_minutes=5,
    read_source="declared",
    section="Headlines & Launches",
    label="Paper",
    image="https://img.example.com/claim.png",
)


def small_feed(base: str | None = BASE) -> Feed:
    """Two entries of one issue: everything there is, and next to nothing."""
    tracked = article("Behind a tracker", TRACKER, url_state="tracked", read_minutes=2, read_source="estimated")
    return feed_of([stored(FULL), stored(tracked)], title="Newsletters", base=base)


@pytest.mark.parametrize("name", WRITERS)
def test_golden(name: str, update_golden: bool) -> None:
    written = WRITERS[name](small_feed())
    golden = GOLDEN / f"small.{name}"
    if update_golden:
        golden.write_bytes(written)
    assert written.decode() == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WRITERS)
@pytest.mark.parametrize("base", [BASE, None])
def test_same_feed_same_bytes(name: str, base: str | None) -> None:
    assert WRITERS[name](small_feed(base)) == WRITERS[name](small_feed(base))


@pytest.mark.parametrize("name", WRITERS)
def test_empty_feed_does_not_say_now(name: str) -> None:
    empty = feed_of([], title="Newsletters", base=BASE)
    first = WRITERS[name](empty)
    assert str(datetime.now().year).encode() not in first  # noqa: DTZ005 - any clock will do
    assert feedparser.parse(first).entries == []


def test_entry_stays_the_same_when_others_come() -> None:
    """Readers compare entries: an old one must not look new because its newsletter wrote again."""
    old, new = stored(), stored(article("Newer"), updated=SENT + timedelta(days=9))
    alone, among = (_elements(feed_of(entries, title="x", base=BASE)) for entries in ([old], [new, old]))
    assert etree.tostring(alone[0]) == etree.tostring(among[1])


def test_feed_is_as_old_as_its_newest_entry() -> None:
    feed = feed_of([stored(updated=SENT), stored(article("b"), updated=SENT + timedelta(hours=1))], title="x")
    assert feedparser.parse(atom(feed)).feed.updated == "2024-09-03T14:08:14+00:00"


@pytest.mark.parametrize("name", WRITERS)
def test_order_is_kept_and_an_id_comes_once(name: str) -> None:
    titles = [f"Title {n}" for n in range(20)]
    random.Random(7).shuffle(titles)
    entries = [stored(article(title)) for title in titles]
    parsed = _titles(name, WRITERS[name](feed_of([*entries, entries[3]], title="x", base=BASE)))
    assert parsed == titles


def test_atom_links_have_their_attributes() -> None:
    """feedgen 1.0 keeps nothing but href of an entry's links."""
    entry, tracked = _elements(small_feed())
    assert [dict(link.attrib) for link in entry.findall(f"{A}link")] == [
        {"rel": "alternate", "type": "text/html", "href": "https://www.techcrunch.com/2024/09/03/claim"},
        {"rel": "via", "type": "text/html", "href": f"{BASE}/issues/3f0c8a52-6c0e-5d53-9c53-0a1f6f1c2f10"},
    ]
    go = publish_entry(stored(article("Behind a tracker", TRACKER, url_state="tracked")), BASE)
    assert tracked.find(f"{A}link").attrib["href"] == f"{BASE}/go/{go.uuid}"


def test_source_is_the_newsletters_own_feed() -> None:
    source = _elements(small_feed())[0].find(f"{A}source")
    assert source is not None
    assert source.findtext(f"{A}id") == newsletter_feed_id(BASE, DIGEST.key)
    assert source.findtext(f"{A}title") == "Daily Digest"
    link = source.find(f"{A}link")
    assert link is not None
    assert link.attrib["href"] == f"{BASE}/newsletters/daily-digest/feed.xml"


@pytest.mark.parametrize(
    ("fields", "lead"),
    [
        ({"read_minutes": 5, "read_source": "declared"}, "5 min read · techcrunch.com · News"),
        ({"read_minutes": 5, "read_source": "measured"}, "5 min read · techcrunch.com · News"),
        ({"read_minutes": 2, "read_source": "estimated"}, "~2 min · techcrunch.com · News"),
        ({}, "techcrunch.com · News"),
        ({"read_minutes": 0, "read_source": "declared"}, "techcrunch.com · News"),
        (
            {"kind": "sponsor", "read_minutes": 1, "read_source": "estimated"},
            "Sponsor · ~1 min · techcrunch.com · News",
        ),
        ({"kind": "job", "section": None}, "Job · techcrunch.com"),
        ({"label": "GitHub Repo"}, "techcrunch.com · News · GitHub Repo"),
        ({"url": TRACKER, "url_state": "tracked"}, "News"),
        ({"url": None, "section": None}, ""),
    ],
)
def test_lead(fields: dict[str, Any], lead: str) -> None:
    fields = {"url": "https://www.techcrunch.com/x", "section": "News"} | fields
    entry = publish_entry(stored(article("A title", **fields)), BASE)
    assert entry.lead == lead
    assert entry.content_html.startswith(f"<p>{lead}</p>")


def test_lead_says_where_else_it_stood() -> None:
    leads = [
        publish_entry(stored(also_in=names), BASE).lead for names in (("Pointer",), ("Pointer", "TLDR", "Hacker & Co"))
    ]
    assert leads == ["example.com · also in Pointer", "example.com · also in Pointer, TLDR and Hacker & Co"]


def test_categories_have_schemes_and_labels() -> None:
    found = [dict(category.attrib) for category in _elements(small_feed())[0].findall(f"{A}category")]
    assert found == [
        {"term": "daily-digest", "scheme": "urn:x-feedsvc:newsletter", "label": "Daily Digest"},
        {"term": "Headlines & Launches", "scheme": "urn:x-feedsvc:section", "label": "Headlines & Launches"},
        {"term": "Paper", "scheme": "urn:x-feedsvc:label", "label": "Paper"},
        {"term": "article", "scheme": "urn:x-feedsvc:kind", "label": "Article"},
        {"term": "5", "scheme": "urn:x-feedsvc:read-minutes", "label": "5 min read"},
    ]


@pytest.mark.parametrize(
    ("url", "state", "base", "link"),
    [
        ("https://example.com/a", "canonical", BASE, "https://example.com/a"),
        ("https://example.com/a", "canonical", None, "https://example.com/a"),
        (TRACKER, "tracked", BASE, "go"),
        (TRACKER, "tracked", None, TRACKER),
        (TRACKER, "canonical", BASE, "go"),  # what the room before took for canonical
        (UNSUBSCRIBE, "canonical", BASE, "issue"),
        (UNSUBSCRIBE, "tracked", BASE, "issue"),
        (UNSUBSCRIBE, "tracked", None, None),
        ("javascript:alert(1)", "canonical", BASE, "issue"),
        ("javascript:alert(1)", "tracked", None, None),
        (None, None, BASE, "issue"),
        (None, None, None, None),
    ],
)
def test_link(url: str | None, state: str | None, base: str | None, link: str | None) -> None:
    entry = publish_entry(stored(article("A title", url, url_state=state)), base)
    own = {"go": f"{BASE}/go/{entry.uuid}", "issue": f"{BASE}/issues/3f0c8a52-6c0e-5d53-9c53-0a1f6f1c2f10"}
    assert entry.link == (own.get(link, link) if link else None)


def test_go_links_in_the_text() -> None:
    with_server, without = (publish_entry(stored(FULL), base) for base in (BASE, None))
    assert f'<a href="{BASE}/go/{with_server.uuid}/0" rel="noopener noreferrer">mostly</a>' in with_server.body_html
    assert without.body_html == "<p>It <strong>holds</strong>, mostly.</p>"


@pytest.mark.parametrize(
    ("title", "summary", "subject", "shown"),
    [
        ("A\n title\x00 ", "", "", "A title"),
        ("\ud800", "The summary.", "Subject", "The summary."),
        ("", "", "Subject", "Subject"),
        ("\ufffe", " ", "\x01", "Untitled"),
    ],
)
def test_title_is_never_empty(title: str, summary: str, subject: str, shown: str) -> None:
    entry = publish_entry(stored(article(title, summary=summary, id=FULL.id), issue_subject=subject), None)
    assert entry.title == shown


def test_summary_stands_in_for_content() -> None:
    assert publish_entry(stored(article(summary="1 < 2")), None).body_html == "<p>1 &lt; 2</p>"


@pytest.mark.parametrize(
    ("minutes", "source", "words"),
    [(5, "declared", "5 min read"), (2, "estimated", "~2 min"), (None, None, ""), (0, "declared", "")],
)
def test_read_time(minutes: int | None, source: Any, words: str) -> None:
    assert read_time(minutes, source) == words


def test_feed_id_stays_while_the_host_stays() -> None:
    same = {feed_id(base, "all") for base in ("http://h.example", "https://h.example/", "https://H.example:8443")}
    assert len(same) == 1
    others = {feed_id(base, name) for base in ("http://h.example", "http://i.example", None) for name in ("all", "b")}
    assert len(others) == 6
    assert feed_id("http://h.example/a", "all") != feed_id("http://h.example/b", "all")
    assert feed_id("http://[::1]:8080", "all") == feed_id("http://[::1]", "all") != feed_id("http://[::2]", "all")


def test_newsletter_feed_has_the_id_that_entries_name() -> None:
    own = feed_of([stored()], title="Daily Digest", name=f"newsletter:{DIGEST.key}", base=BASE)
    assert publish_entry(stored(), BASE).source.id == own.feed_id


def test_language() -> None:
    def languages(*tags: str) -> list[str | None]:
        feed = feed_of([stored(article(str(n)), language=tag) for n, tag in enumerate(tags)], title="x", base=BASE)
        root = etree.fromstring(atom(feed))
        return [
            element.get("{http://www.w3.org/XML/1998/namespace}lang") for element in (root, *root.iter(f"{A}entry"))
        ]

    assert languages("de", "de") == ["de", "de", "de"]
    assert languages("de", "en_GB", "no language!") == [None, "de", "en-GB", None]


def test_entries_of_leaves_out_what_feeds_leave_out() -> None:
    kinds = [
        article(kind, f"https://example.com/{kind}", kind=kind) for kind in ("article", "sponsor", "job", "message")
    ]
    whole = issue(1, *kinds)
    assert [entry.article.kind for entry in entries_of(whole)] == ["article", "message"]
    assert [e.article.kind for e in entries_of(whole, kinds=frozenset({"sponsor"}))] == ["sponsor"]
    assert {entry.published for entry in entries_of(whole)} == {whole.sent}


@pytest.mark.parametrize("text", ["AT&T <script>alert(1)</script>", "a ]]> b", "&lt;i&gt;", "\"quotes\" & 'more'"])
def test_plain_text_is_read_back_as_it_was(text: str) -> None:
    feed = feed_of([stored(article(text, summary=text, section=text))], title=text, base=BASE)
    entry = _elements(feed)[0]
    assert entry.findtext(f"{A}title") == entry.findtext(f"{A}summary") == text
    assert etree.fromstring(rss(feed)).findtext("channel/item/title") == text
    item = json.loads(json_feed(feed))["items"][0]
    assert (item["title"], item["summary"], item["_feedsvc"]["section"]) == (text, text, text)


def test_rss_author_is_a_name_and_guid_is_no_link() -> None:
    item = etree.fromstring(rss(small_feed())).find("channel/item")
    assert item is not None
    assert item.find("author") is None
    assert item.findtext("{http://purl.org/dc/elements/1.1/}creator") == "Daily Digest"
    guid = item.find("guid")
    assert guid is not None
    assert (guid.text, guid.get("isPermaLink")) == (FULL.id, "false")


def test_rss_html_is_found_where_readers_look() -> None:
    """content:encoded wins in readers that know it, description is HTML in all."""
    parsed = feedparser.parse(
        rss(feed_of([stored(article(summary="1 < 2 & 3", content_html="<p>whole</p>"))], title="x"))
    )
    assert "<p>whole</p>" in parsed.entries[0].content[0].value
    assert parsed.entries[0].summary == "1 &lt; 2 &amp; 3"


def test_json_feed_object() -> None:
    item = json.loads(json_feed(small_feed()))["items"][0]
    assert item["image"] == "https://img.example.com/claim.png"
    assert item["_feedsvc"] == {
        "kind": "article",
        "read_minutes": 5,
        "read_source": "declared",
        "section": "Headlines & Launches",
        "label": "Paper",
        "site": "techcrunch.com",
        "issue_url": f"{BASE}/issues/3f0c8a52-6c0e-5d53-9c53-0a1f6f1c2f10",
        "newsletter_feed": f"{BASE}/newsletters/daily-digest/feed.xml",
    }


def test_odd_slug_cannot_leave_its_place_in_an_address() -> None:
    odd = Newsletter("k", "N", "../a?b=c#d")
    assert (
        publish_entry(stored(newsletter=odd), BASE).source.self_url == f"{BASE}/newsletters/..%2Fa%3Fb%3Dc%23d/feed.xml"
    )


def test_changed_content_changes_the_bytes() -> None:
    changed: list[Article] = [replace(FULL, title="Else"), replace(FULL, summary="Else"), replace(FULL, read_minutes=6)]
    versions = {atom(feed_of([stored(what)], title="x", base=BASE)) for what in (FULL, *changed)}
    assert len(versions) == 4


def _elements(feed: Feed) -> list[Any]:
    return list(etree.fromstring(atom(feed)).iter(f"{A}entry"))


def _titles(name: str, written: bytes) -> list[str]:
    if name == "json":
        return [item["title"] for item in json.loads(written)["items"]]
    return [entry.title for entry in feedparser.parse(written).entries]
