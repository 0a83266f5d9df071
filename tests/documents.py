"""What a valid document is: the grammar or schema of each format, and the rules that none of these sees."""

from __future__ import annotations

import io
import json
import re
import warnings
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
from atoma import parse_atom_bytes, parse_json_feed_bytes, parse_rss_bytes
from atoma.opml import parse_opml_bytes
from lxml import etree

DATA = Path(__file__).parent / "data"
A = "{http://www.w3.org/2005/Atom}"
FH = "{http://purl.org/syndication/history/1.0}"
MEDIA = "{http://search.yahoo.com/mrss/}"
OWN = "{urn:x-feedsvc:ns}"
GRAMMAR = etree.RelaxNG(etree.parse(str(DATA / "atom.rng")))
SCHEMA = jsonschema.Draft202012Validator(json.loads((DATA / "jsonfeed-1.1.schema.json").read_text(encoding="utf-8")))
jsonschema.Draft202012Validator.check_schema(SCHEMA.schema)

# What may stand in RSS's channel and items, and how often: (at least, at most). Elements of other namespaces may, too.
CHANNEL = dict.fromkeys(("title", "link", "description"), (1, 1)) | dict.fromkeys(
    ("language", "pubDate", "lastBuildDate", "generator", "docs", "ttl", "image"), (0, 1)
)
ITEM = dict.fromkeys(("title", "link", "description", "author", "guid", "pubDate", "source", "enclosure"), (0, 1))
MANY = {"category", "item"}


def parsed(document: bytes) -> etree._Element:
    """The document's root; a document that is not well-formed fails here."""
    return etree.parse(io.BytesIO(document), etree.XMLParser(resolve_entities=False)).getroot()


def assert_atom(document: bytes) -> None:
    """RFC 4287: the grammar of its appendix B, then the rules of sections 4.1.1, 4.1.2, 4.2.6 and 4.2.7 in words."""
    root = parsed(document)
    assert GRAMMAR.validate(root), GRAMMAR.error_log
    entries = root.findall(f"{A}entry")
    for entry in entries:
        assert entry.find(f"{A}author") is not None or root.find(f"{A}author") is not None
        assert entry.find(f"{A}content") is not None or entry.find(f"{A}link[@rel='alternate']") is not None
        updated, published = entry.findtext(f"{A}updated"), entry.findtext(f"{A}published")
        assert updated
        assert published
    for element in (root, *entries):
        links = [(link.get("type"), link.get("hreflang")) for link in element.findall(f"{A}link[@rel='alternate']")]
        assert len(links) == len(set(links))
        assert (element.findtext(f"{A}title") or "").strip()
    assert len(root.findall(f"{A}link[@rel='self']")) <= 1
    ids = [entry.findtext(f"{A}id") for entry in entries]
    assert len(ids) == len(set(ids))
    assert all(urlsplit(str(found)).scheme for found in [root.findtext(f"{A}id"), *ids])
    assert all(name.text and name.text.strip() for name in root.iter(f"{A}name"))
    for link in root.iter(f"{A}link"):
        assert re.fullmatch(r"https?://[!-~]+", link.get("href") or ""), link.get("href")
    _read_without_warning(parse_atom_bytes, document, len(entries))


def assert_rss(document: bytes) -> None:
    """RSS 2.0: elements that there are, as often as they may be; dates of RFC 822; one guid each; absolute addresses."""
    root = parsed(document)
    assert (root.tag, root.get("version")) == ("rss", "2.0")
    (channel,) = root
    _assert_counts(channel, CHANNEL)
    items = channel.findall("item")
    for item in items:
        _assert_counts(item, ITEM)
        assert item.findtext("title") or item.findtext("description")
        parsedate_to_datetime(item.findtext("pubDate") or "")
        for link in item.findall("link"):
            assert re.fullmatch(r"https?://[!-~]+", link.text or "")
        for enclosure in item.findall("enclosure"):
            assert set(enclosure.attrib) == {"url", "length", "type"}
            assert str(enclosure.get("length")).isdigit()
        for source in item.findall("source"):
            assert source.get("url")
            assert source.text
    parsedate_to_datetime(channel.findtext("lastBuildDate") or "")
    guids = [item.findtext("guid") for item in items]
    assert all(guids)
    assert len(guids) == len(set(guids))
    _read_without_warning(parse_rss_bytes, document, len(items))


def _assert_counts(element: etree._Element, allowed: dict[str, tuple[int, int]]) -> None:
    names = [str(child.tag) for child in element]
    for name, (least, most) in allowed.items():
        assert least <= names.count(name) <= most, (name, names.count(name))
    assert {name for name in names if not name.startswith("{")} <= set(allowed) | MANY


def assert_json(document: bytes) -> None:
    """JSON Feed 1.1: the schema, no key twice, no id twice."""
    feed = json.loads(document.decode("utf-8"), object_pairs_hook=_no_key_twice)
    problems = [f"{list(problem.path)}: {problem.message}" for problem in SCHEMA.iter_errors(feed)]
    assert problems == []
    assert len({item["id"] for item in feed["items"]}) == len(feed["items"])
    _read_without_warning(parse_json_feed_bytes, document, len(feed["items"]))


def _no_key_twice(pairs: list[tuple[str, object]]) -> dict[str, object]:
    assert len({name for name, _ in pairs}) == len(pairs)
    return dict(pairs)


def assert_opml(document: bytes) -> None:
    """OPML 2.0: what a list of subscriptions must have (opml.org/spec2.opml, "Subscription lists")."""
    root = parsed(document)
    assert (root.tag, root.get("version")) == ("opml", "2.0")
    assert [child.tag for child in root] == ["head", "body"]
    head, body = root
    known = {"title", "dateCreated", "dateModified", "ownerName", "ownerEmail", "ownerId", "docs", "expansionState"}
    assert {str(child.tag) for child in head} <= known
    if moment := head.findtext("dateModified"):
        parsedate_to_datetime(moment)
    for outline in body:
        assert outline.tag == "outline"
        assert outline.get("type") == "rss"
        assert outline.get("text")
        assert re.fullmatch(r"https?://[!-~]+", outline.get("xmlUrl") or "")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(parse_opml_bytes(document).outlines) == len(body)


def _read_without_warning(read: Callable[[bytes], object], document: bytes, count: int) -> None:
    """Read by a strict parser, which must see every entry and warn of nothing."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read(document)
    assert len(getattr(found, "entries", None) or getattr(found, "items", None) or ()) == count


VALID = {"xml": assert_atom, "rss": assert_rss, "json": assert_json}
