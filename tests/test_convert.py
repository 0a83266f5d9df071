"""convert as a whole: it raises nothing but MessageError, and what it gives always makes a valid feed."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from feedsvc.convert import convert
from feedsvc.errors import MessageError
from feedsvc.model import Issue, Kind
from feedsvc.publish import atom, entries_of, feed_of, json_feed, rss

ROOT = Path(__file__).resolve().parents[1]
FIXTURES = sorted(p for p in (ROOT / "fixtures").iterdir() if p.suffix != ".json")
RECEIVED = datetime(2026, 1, 2, 3, 4, tzinfo=UTC)
ALL_KINDS: frozenset[Kind] = frozenset({"article", "sponsor", "job", "message"})
MARKUP = [
    "<p>", "</p>", "<a href='https://a.example/x'>", "</a>", "<b>", "</b>", "<li>", "<ul>", "</ul>", "<td>", "<table>", "<tr>", "<br>", "<h2>",
    "<div style='display:none'>", "<font size='+9'>", "<img src='x' width='0'>", "<blockquote>", "<pre>", "<plaintext>", "<!--", "-->", "&#0;",
    "<a href='javascript:x()'>", "<a href='http://[::1'>", "Title of an article", "More words to read here. ", "\ud800", "\x00", "🎉", "\u202e",
]  # fmt: skip
LINES = [
    "# Heading", "TITLE IN CAPITALS (5 MINUTE READ) [1]", "", " ", "* item [2]", "1. one https://a.example/1", "----", "====", "Links:",
    "[1] https://a.example/x",
    "[2] mailto:x@example.org", "[words](https://a.example/md)", "(", "[", "> quoted", "Unsubscribe [3]", "wrapped line that is rather long and goes on and",
]  # fmt: skip


def check(issue: Issue) -> None:
    """What holds of every issue."""
    assert issue.articles
    assert len({a.id for a in issue.articles}) == len(issue.articles)
    assert issue.sent.tzinfo is not None
    for article in issue.articles:
        assert article.title.strip()
        assert (article.url is None) == (article.url_state is None)
        assert (article.read_minutes is None) == (article.read_source is None)
        assert article.url is None or article.url.startswith(("http://", "https://"))
    assert issue.links.assigned <= issue.links.found
    feed = feed_of(entries_of(issue, kinds=ALL_KINDS), title="x", base="https://feeds.example.org")
    for write in (atom, rss):
        etree.fromstring(write(feed))
    assert json_feed(feed)


def convert_or_refuse(data: bytes, filename: str) -> Issue | None:
    try:
        return convert(data, received=RECEIVED, filename=filename)
    except MessageError as error:
        assert error.code
        assert error.detail
        return None


@given(st.lists(st.sampled_from(MARKUP), max_size=60))
def test_any_markup_makes_a_valid_feed(pieces: list[str]) -> None:
    issue = convert_or_refuse("".join(pieces).encode("utf-8", "surrogatepass"), "page.html")
    if issue is not None:
        check(issue)


@given(st.lists(st.sampled_from(LINES), max_size=40))
def test_any_text_makes_a_valid_feed(lines: list[str]) -> None:
    issue = convert_or_refuse("\n".join(lines).encode(), "letter.txt")
    if issue is not None:
        check(issue)


@given(st.binary(max_size=300), st.sampled_from(["a.eml", "a.html", "a.txt", "a.md", "a"]))
def test_any_bytes_are_converted_or_refused(data: bytes, filename: str) -> None:
    issue = convert_or_refuse(data, filename)
    if issue is not None:
        check(issue)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda p: p.name)
def test_damaged_messages_are_converted_or_refused(path: Path) -> None:
    dice = random.Random(path.name)
    original = path.read_bytes()
    for _ in range(15):
        data = bytearray(original)
        for _ in range(dice.randrange(1, 20)):
            at = dice.randrange(len(data))
            data[at : at + dice.randrange(4)] = bytes(dice.randrange(256) for _ in range(dice.randrange(4)))
        issue = convert_or_refuse(bytes(data), path.name)
        if issue is not None:
            check(issue)


@pytest.mark.parametrize("path", FIXTURES, ids=lambda p: p.name)
def test_a_message_gives_the_same_ids_every_time(path: Path) -> None:
    first, second = (convert(path.read_bytes(), received=RECEIVED, filename=path.name) for _ in range(2))
    assert first == second


def test_every_real_message_is_converted_or_refused(shared: Path) -> None:
    refused = []
    for path in sorted([*shared.glob("corpus/*/*.*"), *shared.glob("odd-mail/*.eml")]):
        if path.suffix == ".json":
            continue
        issue = convert_or_refuse(path.read_bytes(), path.name)
        if issue is None:
            refused.append(path.name)
        else:
            check(issue)
    # These three hold no text, no subject and no sender.
    assert refused == ["stalwart-malformed-000.eml", "stalwart-malformed-007.eml", "unstructured-empty.eml"]
