"""What must never be published: trackers, personal links, script, what is there to be counted."""

from __future__ import annotations

import time

import pytest
from articles import TRACKER, UNSUBSCRIBE, article, odd_html, odd_text, odd_url, stored
from hypothesis import given
from selectolax.lexbor import LexborHTMLParser

from feedsvc.links import is_personal, is_tracker
from feedsvc.publish import atom, feed_of, gate, json_feed, rss
from feedsvc.publish.content import TAGS, published_html, without_images

BASE = "https://feeds.example.org"
UUID = "0f0c8a52-6c0e-5d53-9c53-0a1f6f1c2f10"


@pytest.mark.parametrize(
    ("href", "published"),
    [
        ("https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
        (" HTTPS://Example.COM:443/a ", "https://example.com/a"),
        ("https://example.com/a b|c[d]", "https://example.com/a%20b%7Cc%5Bd%5D"),
        ("https://example.com/100%?50%25#a#b", "https://example.com/100%25?50%25#a%23b"),
        ("http://[::1]:8080/", "http://[::1]:8080/"),
        ("https://exämple.com/ü", "https://xn--exmple-cua.com/%C3%BC"),
        ("https://user:word@example.com/", None),
        ("javascript:alert(1)", None),
        ("JaVaScRiPt:alert(1)", None),
        ("java\nscript:alert(1)", None),
        ("data:text/html;base64,PHN2Zz4=", None),
        ("vbscript:x", None),
        ("file:///etc/passwd", None),
        ("mailto:reader@example.com", None),
        ("//example.com/a", None),
        ("/a", None),
        ("", None),
        (None, None),
        ("https://example.com/\ud800", None),
        ("https://example.com/" + "a" * 9000, None),
        (TRACKER, None),
        (UNSUBSCRIBE, None),
    ],
)
def test_link(href: str | None, published: str | None) -> None:
    assert gate.link(href) == published


@pytest.mark.parametrize(
    ("width", "height", "passes"),
    [(None, None, True), (600, 300, True), (1, 1, False), (0, 0, False), (600, 1, False), (2, 2, False), (3, 3, True)],
)
def test_image(width: int | None, height: int | None, passes: bool) -> None:
    src = "https://example.com/a.png"
    assert gate.image(src, width, height) == (src if passes else None)


def test_image_comes_through_the_same_gate() -> None:
    assert gate.image(TRACKER) is gate.image("data:image/png;base64,AAAA") is gate.image("cid:logo") is None


@given(odd_url)
def test_gate_is_idempotent_and_lets_no_tracker_through(href: str | None) -> None:
    once = gate.link(href)
    if once is not None:
        assert gate.link(once) == once
        assert once.isascii()
        assert not is_tracker(once)
        assert not is_personal(once)


@pytest.mark.parametrize(
    ("content", "published"),
    [
        ("<p>One <em>two</em> <strong>three</strong></p>", "<p>One <em>two</em> <strong>three</strong></p>"),
        ("<p>One<script>alert(1)</script></p>", "<p>One</p>"),
        ('<p onclick="x()" style="color:red" class="c" id="i">One</p>', "<p>One</p>"),
        ('<a href="javascript:alert(1)">One</a>', "One"),
        ('<a href="&#106;avascript:alert(1)">One</a>', "One"),
        (f'<a href="{TRACKER}">One <em>two</em></a>', "One <em>two</em>"),
        (f'<a href="{UNSUBSCRIBE}">Leave</a>', "Leave"),
        (
            '<a href="https://example.com/" target="_top">One</a>',
            '<a href="https://example.com/" rel="noopener noreferrer">One</a>',
        ),
        ('<a href="go:0">One</a>', f'<a href="{BASE}/go/{UUID}/0" rel="noopener noreferrer">One</a>'),
        ('<a href="go:0x1">One</a>', "One"),
        ('<a href="go:-1">One</a>', "One"),
        ('<a href="go:1/../../x">One</a>', "One"),
        ('<img src="https://example.com/a.png" alt="A" width="600" height="300">', None),
        ('<img src="https://example.com/o.gif" width="1" height="1">', ""),
        ('<img src="https://example.com/o.gif" width="1px" alt="">', ""),
        ('<img src="data:image/png;base64,AAAA" alt="A <b>chart</b>">', "A &lt;b&gt;chart&lt;/b&gt;"),
        ('<img src="x" onerror="alert(1)" alt="A">', "A"),
        ("<svg onload=alert(1)><a xlink:href='javascript:x'>z</a></svg>", ""),
        ("<math><mi><style><img src=x onerror=alert(1)></style></mi></math>", ""),
        ("<form action='https://example.com'><input name=a>One</form>", "One"),
        ("<iframe src='https://example.com'></iframe>One", "One"),
        ("<style>p{color:red}</style><p>One</p>", "<p>One</p>"),
        ("<!-- a --><p>One<!-- b --></p>", "<p>One</p>"),
        ("<p>&#1;One&#xfffe;\x00</p>", "<p>One</p>"),
        ("<h1>One</h1><h2>Two</h2>", "One<h2>Two</h2>"),
        ("   \n", ""),
    ],
)
def test_content(content: str, published: str | None) -> None:
    assert published_html(content, UUID, BASE) == (content if published is None else published)


@pytest.mark.parametrize("base", [BASE, None])
@given(content=odd_html)
def test_content_holds_only_what_is_allowed(base: str | None, content: str) -> None:
    published = published_html(content, UUID, base)
    assert published_html(published, UUID, base).split() == published.split() or "/go/" in published
    body = LexborHTMLParser(f"<body>{published}</body>").body
    assert body is not None
    for node in body.css("*"):
        assert node.tag in TAGS | {"body"}
        assert set(node.attributes) <= {"href", "rel", "src", "alt", "width", "height", "start"}
        address = node.attributes.get("href") or node.attributes.get("src")
        assert address is None or gate.link(address) == address or address.startswith(f"{BASE}/go/{UUID}/")
    assert "<img" not in without_images(published)


def test_very_deep_content_keeps_its_words_and_takes_no_time() -> None:
    start = time.perf_counter()
    published = published_html("<div>" * 100_000 + "One &amp; two" + "</div>" * 100_000, UUID, BASE)
    assert published == "<p>One &amp; two</p>"
    assert time.perf_counter() - start < 5  # both parsers take many seconds here


@given(title=odd_text, summary=odd_text, content=odd_html)
def test_no_format_carries_a_tracker_or_a_personal_link(title: str, summary: str, content: str) -> None:
    hidden = article(
        title, TRACKER, id="urn:uuid:" + UUID, url_state="tracked", content_html=content, image=UNSUBSCRIBE
    )
    feed = feed_of([stored(hidden)], title="x", base=BASE)
    for write in (atom, rss, json_feed):
        written = write(feed)
        assert TRACKER.encode() not in written
        assert UNSUBSCRIBE.encode() not in written
