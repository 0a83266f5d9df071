"""Every document is valid, whatever the articles hold: by RFC 4287's grammar, and by the rules that no grammar sees."""

from __future__ import annotations

import json
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from articles import article, odd_entries, odd_text, stored
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from feedsvc.model import StoredArticle
from feedsvc.publish import atom, feed_of, json_feed, rss

A = "{http://www.w3.org/2005/Atom}"
GRAMMAR = etree.RelaxNG(etree.parse(str(Path(__file__).parent / "data" / "atom.rng")))
BASES = st.sampled_from(["https://feeds.example.org", "http://127.0.0.1:8080", None])
many = settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)


def assert_atom(document: bytes) -> None:
    """RFC 4287: the grammar, then the rules of sections 4.1.1, 4.1.2 and 4.2.6 in words."""
    root = etree.fromstring(document)
    assert GRAMMAR.validate(root), GRAMMAR.error_log
    entries = root.findall(f"{A}entry")
    for entry in entries:
        assert entry.find(f"{A}author") is not None or root.find(f"{A}author") is not None
        assert entry.find(f"{A}content") is not None or entry.find(f"{A}link[@rel='alternate']") is not None
    for element in (root, *entries):
        alternates = [
            (link.get("type"), link.get("hreflang")) for link in element.findall(f"{A}link[@rel='alternate']")
        ]
        assert len(alternates) == len(set(alternates))
        assert (element.findtext(f"{A}title") or "").strip()
    ids = [entry.findtext(f"{A}id") for entry in entries]
    assert len(ids) == len(set(ids))
    assert all(urlsplit(str(found)).scheme for found in [root.findtext(f"{A}id"), *ids])
    assert all(name.text and name.text.strip() for name in root.iter(f"{A}name"))


def assert_rss(document: bytes) -> None:
    """RSS 2.0: what is required, dates of RFC 822, one guid each, and no element twice that may stand once."""
    root = etree.fromstring(document)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (channel,) = root
    for required in ("title", "link", "description"):
        assert (channel.findtext(required) or "").strip()
    guids = []
    for item in channel.findall("item"):
        once = [child.tag for child in item if child.tag != "category"]
        assert len(once) == len(set(once))
        assert item.findtext("title") or item.findtext("description")
        parsedate_to_datetime(item.findtext("pubDate") or "")
        guids.append(item.findtext("guid"))
    parsedate_to_datetime(channel.findtext("lastBuildDate") or "")
    assert len(guids) == len(set(guids))


def assert_json(document: bytes) -> None:
    """JSON Feed 1.1: what is required, and the types of what is there."""
    feed = json.loads(document)
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert isinstance(feed["title"], str)
    kinds = {"id": str, "url": str, "title": str, "summary": str, "content_html": str, "image": str, "tags": list}
    for item in feed["items"]:
        assert item["id"]
        assert item["content_html"]
        assert all(isinstance(item[name], kind) for name, kind in kinds.items() if name in item)
        assert all(isinstance(tag, str) for tag in item["tags"])
        assert all(author["name"] for author in item["authors"])
    assert len({item["id"] for item in feed["items"]}) == len(feed["items"])


@many
@given(st.lists(odd_entries(), max_size=4), odd_text, BASES)
def test_always_valid(entries: list[StoredArticle], title: str, base: str | None) -> None:
    feed = feed_of(entries, title=title, base=base, subtitle=title)
    assert_atom(atom(feed))
    assert_rss(rss(feed))
    assert_json(json_feed(feed))


@pytest.mark.parametrize(
    "break_it",
    [
        lambda entry: entry.remove(entry.find(f"{A}id")),
        lambda entry: entry.remove(entry.find(f"{A}updated")),
        lambda entry: entry.find(f"{A}content").set("type", "CDATA"),
        lambda entry: entry.find(f"{A}link").attrib.pop("href"),
        lambda entry: entry.find(f"{A}published").__setattr__("text", "yesterday"),
        lambda entry: entry.set("{http://www.w3.org/XML/1998/namespace}lang", "no language"),
        lambda entry: entry.append(etree.Element(f"{A}unknown")),
    ],
)
def test_the_grammar_sees_what_is_wrong(break_it) -> None:  # type: ignore[no-untyped-def]
    """A grammar that lets everything pass would make the test above worth nothing."""
    root = etree.fromstring(atom(feed_of([stored(article())], title="x", base="https://feeds.example.org")))
    assert GRAMMAR.validate(root)
    break_it(root.find(f"{A}entry"))
    assert not GRAMMAR.validate(root)
