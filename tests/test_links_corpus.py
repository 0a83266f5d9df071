"""The links of real newsletters against their labels: floors under what was measured, so that a rule cannot quietly get worse."""

from __future__ import annotations

import email
import json
import re
from collections.abc import Iterator
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from selectolax.lexbor import LexborHTMLParser

from feedsvc.links import canonical, is_personal, is_tracker, link_purpose, unwrap

_TEXT_LINK = re.compile(r"https?://[^\s<>\"\]]+")
READERS = frozenset({"reader@example.org", "reader.one@example.org"})


def _bodies(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix != ".eml":
        yield path.suffix[1:], path.read_text("utf-8", errors="replace")
        return
    message: Message = email.message_from_bytes(path.read_bytes())
    for part in message.walk():
        if part.get_content_maintype() == "text":
            data = part.get_payload(decode=True)
            assert isinstance(data, bytes)
            yield part.get_content_subtype(), data.decode("utf-8", "replace")


def _links(path: Path) -> Iterator[str]:
    for kind, body in _bodies(path):
        if kind == "html":
            for anchor in LexborHTMLParser(body).css("a[href]"):
                yield anchor.attributes["href"] or ""
        else:
            for found in _TEXT_LINK.findall(body):
                yield found.rstrip(".,;:!'>")


def _key(url: str) -> str:
    parts = urlsplit(url)
    host = (parts.hostname or "").removeprefix("www.")
    query = f"?{unquote(parts.query)}" if parts.query else ""
    return f"{host}{unquote(parts.path).rstrip('/')}{query}#{parts.fragment}"


@pytest.fixture(scope="module")
def labelled(shared: Path) -> list[tuple[list[str], list[dict[str, Any]]]]:
    found = []
    for gold in sorted((shared / "corpus").rglob("*.gold.json")):
        stem = gold.name.removesuffix(".gold.json")
        message = next(p for e in (".eml", ".html", ".txt") if (p := gold.with_name(stem + e)).exists())
        found.append((list(_links(message)), [a for a in json.loads(gold.read_text())["articles"] if a.get("url")]))
    return found


def test_opaque_links_are_told_from_others(labelled: list[tuple[list[str], list[dict[str, Any]]]]) -> None:
    opaque = [a["url"] for _, articles in labelled for a in articles if a.get("opaque")]
    direct = [a["url"] for _, articles in labelled for a in articles if not a.get("opaque")]
    assert sum(map(is_tracker, opaque)) == len(opaque) > 200
    assert sum(map(is_tracker, direct)) <= 3  # two addresses on bit.ly and one short link, which the labels let stand


def test_the_labelled_address_is_among_the_canonical_ones(
    labelled: list[tuple[list[str], list[dict[str, Any]]]],
) -> None:
    hits = total = 0
    for links, articles in labelled:
        keys = {_key(target.url) for link in links if (target := canonical(link, READERS)).url}
        for article in articles:
            total += 1
            hits += any(_key(url) in keys for url in (article["url"], *article.get("url_also", [])))
    assert total > 700
    assert hits / total >= 0.994


def test_articles_are_not_taken_for_furniture(labelled: list[tuple[list[str], list[dict[str, Any]]]]) -> None:
    articles = [a for _, found in labelled for a in found if a.get("kind") != "message" and not a.get("optional")]
    assert [a["url"] for a in articles if link_purpose(a["url"], a["title"]) or is_personal(a["url"])] == []


def test_canonical_links_of_real_mail_are_clean_and_final(shared: Path) -> None:
    wrapped = 0
    for path in sorted(p for p in shared.glob("corpus*/**/*") if p.suffix in {".eml", ".html", ".txt"}):
        for link in set(_links(path)):
            target = canonical(link, READERS)
            if target.url is None:
                continue
            assert canonical(target.url, READERS).url == target.url
            wrapped += unwrap(link) is not None
            if target.state == "canonical":
                assert unwrap(target.url) is None
                assert not re.search(r"[?&](?:utm_\w+|mc_[ce]id|_hs\w+|_bhlid)=", target.url)
                assert "reader@example.org" not in unquote(target.url) or is_personal(target.url, READERS)
    assert wrapped >= 175
