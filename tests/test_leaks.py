"""A leak planted in each place of each document is caught: by the gate on its way, and by the last look at the bytes."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import logging
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote, unquote

import feedparser
import pytest
from articles import DIGEST, TRACKER, UNSUBSCRIBE, add, article, issue, stored
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from feedsvc.config import load_settings
from feedsvc.convert import convert
from feedsvc.errors import PublishError
from feedsvc.links import canonical, is_personal, is_tracker, subscriber_tokens, unwrap
from feedsvc.mail import parse_message
from feedsvc.model import Article, StoredArticle
from feedsvc.publish import Feed, atom, entries_of, feed_of, json_feed, rss
from feedsvc.publish.leaks import NO_ADDRESS, SUBSCRIBER, find_leaks, release, scrub
from feedsvc.store import open_store
from feedsvc.web import create_app

BASE = "https://feeds.example.org"
READER = "reader.one@example.org"
TOKEN = "uxz7dfiv-o6cz2uk0-t3h"
SHORT = "8523a5b059"
RECIPIENTS = frozenset({READER, TOKEN, SHORT})
WRITERS: list[Callable[[Feed], bytes]] = [atom, rss, json_feed]


def b64(text: str, before: str = "") -> str:
    return base64.urlsafe_b64encode((before + text).encode()).decode().rstrip("=")


TARGET = quote("https://news.example.com/a", safe="")
# Every way in which a link gives its reader away.
LINKS = {
    "tracker": TRACKER,
    "mailchimp": "https://shop.us1.list-manage.com/track/click?u=0a1b2c3d4e5f6a7b8c9d0e1f2&id=5f6a7b8c9d&e=8523a5b059",
    "wrapped": f"https://tracking.example.net/CL0/{TARGET}/1/0100018f2a3b4c5d-aaaa-bbbb/signature=100",
    "unsubscribe": UNSUBSCRIBE,
    "preferences": "https://digest.example.com/email/preferences?id=8c9d0e1f2a3b4c5d",
    "referral": "https://digest.example.com/subscribe?ref=aB3dE6gH9k",
    "web version with a token": "https://digest.example.com/webversion?ep=1&lc=99928a2a-2afa-11ee-824b-2306ff3c376d",
    "address": f"https://news.example.com/a?who={READER}",
    "address, encoded": f"https://news.example.com/a?who={quote(READER, safe='')}",
    "address, encoded twice": f"https://news.example.com/a?who={quote(quote(READER, safe=''), safe='')}",
    "address in capitals": f"https://news.example.com/a?who={READER.upper()}",
    "address in the path": f"https://news.example.com/for/{READER}/a",
    "address in the fragment": f"https://news.example.com/a#{READER}",
    "address in base64": f"https://news.example.com/a?x={b64(READER)}",
    "address in base64, one further": f"https://news.example.com/a?x={b64(READER, 'a')}",
    "address in base64, two further": f"https://news.example.com/a?x={b64(READER, 'ab')}",
    "address in base64 in base64": f"https://news.example.com/a?x={b64(b64('id=' + READER))}",
    "address in hex": f"https://news.example.com/a?x={READER.encode().hex()}",
    "address as MD5": f"https://news.example.com/a?x={hashlib.md5(READER.encode()).hexdigest()}",
    "address as SHA-256": f"https://news.example.com/a?x={hashlib.sha256(READER.encode()).hexdigest()}",
    "address as of VERP": f"https://news.example.com/a?x={READER.replace('@', '=')}",
    "address within another": f"https://other.example.com/login?next={quote('https://n.example.com/?e=' + READER, safe='')}",
    "token": f"https://news.example.com/a?list={TOKEN}",
    "token in the path": f"https://news.example.com/a/{TOKEN}/b",
    "token in base64": f"https://news.example.com/a?x={b64(TOKEN, 'sub=')}",
    "token within another": f"https://other.example.com/login?next={quote('https://n.example.com/?x=' + TOKEN, safe='')}",
    "short token": f"https://news.example.com/a?whatever={SHORT}",
    "tracker within another": f"https://twitter.com/intent/tweet?url={quote(TRACKER, safe='')}",
    "unsubscribe within another": f"https://other.example.com/login?next={quote(UNSUBSCRIBE, safe='')}",
}
# What stands in running text and names the reader.
TEXTS = {
    "address": f"This email was sent to {READER}.",
    "address in capitals": f"Sent to {READER.upper()}",
    "address with a name": f"Reader One <{READER}>",
    "address in brackets": f"({READER})",
    "address as mailto": f"mailto:{READER}?subject=x",
    "address, spelt out": "Sent to reader.one [at] example [dot] org",
    "address with a soft hyphen": "Sent to reader.\u00adone@exam\u200bple.org",
    "address with a wide sign": "Sent to reader.one＠example.org",
    "address, percent-encoded": f"id {quote(READER, safe='')} x",
    "address in base64": f"ref {b64(READER, 'x')} x",
    "token": f"Your number is {TOKEN}.",
    **{f"link: {name}": f"Read {url} now" for name, url in LINKS.items()},
}
PIXELS = {
    "one pixel": '<img src="https://news.example.com/a.png" width="1" height="1" alt="">',
    "one pixel wide": "<img width=1 src='https://news.example.com/a.png'>",
    "no pixel": '<img src="https://news.example.com/a.png" height="0">',
    "Mailchimp": '<img src="https://digest.us1.list-manage.com/track/open.php?u=0a1b2c3d4e&id=5f6a7b8c9d&e=8523a5b059">',
    "SendGrid": '<img src="https://u1.ct.example.net/wf/open?upn=u001.abcdefghijklmnopqrstuvwxyz">',
    "beehiiv": '<img src="https://link.mail.example.net/ss/o/u001.abcdefghijklmnop/46z/h1/s2.gif">',
    "Mailgun": '<img src="https://email.mg1.example.com/o/eJwVyzEOgzAMQNHTZES2k9gM">',
    "HubSpot": '<img src="https://news.example.net/Cto/2L+23284/d2-3DX04/R5R8b5BFkN1" alt="">',
    "Amazon SES": '<img src="https://abcdefgh.r.us-east-1.awstrack.me/I0/0100018f2a3b4c5d-aaaa/x=100">',
}


def plain_text(document: bytes) -> str:
    """A document with all that its format escapes taken back, as a reader of it would."""
    text = document.decode()
    for _ in range(3):
        text = html.unescape(text)
    return text.replace("\\/", "/").replace('\\"', '"')


def gives_away(document: bytes) -> list[str]:
    """What in a document gives its reader away: found by other means than those of the gate, as far as there are any."""
    text = plain_text(document)
    found = []
    seen = (
        re.sub(r"<[^<>]*>|[\u00ad\u200b]", "", text).replace("＠", "@").replace(" [at] ", "@").replace(" [dot] ", ".")
    )
    for form in (text, seen, unquote(text), unquote(unquote(text)), unquote(seen)):
        low = form.lower()
        found += [each for each in (READER, READER.replace("@", "="), TOKEN, SHORT) if each in low]
        found += [each for each in (READER.encode().hex(),) if each in low]
        found += [n for n in ("md5", "sha256") if hashlib.new(n, READER.encode()).hexdigest() in low]
        for run in re.findall(r"[\w\-]{16,}", form):
            for level in range(2):
                for start in range(4):
                    piece = run[start:]
                    piece = piece[: len(piece) // 4 * 4]
                    try:
                        decoded = base64.urlsafe_b64decode(piece).decode("latin-1")
                    except ValueError:
                        continue
                    if READER in decoded or TOKEN in decoded:
                        found.append("base64")
                    inner = re.search(r"[\w\-]{20,}", decoded) if not level else None
                    if inner and READER.encode() in base64.urlsafe_b64decode(inner[0][: len(inner[0]) // 4 * 4]):
                        found.append("base64 in base64")
    for url in re.findall(r"https?://[^\s<>\"']+", text):
        if url.startswith(BASE + "/"):
            continue
        if is_tracker(url) or unwrap(url) or is_personal(url):
            found.append(url)
        found += [
            url
            for inner in re.findall(r"https?%3A.*", url)
            if is_tracker(unquote(inner)) or is_personal(unquote(inner))
        ]
    for tag in re.findall(r"<img\b[^>]*>", text):
        if re.search(r"(?:width|height)=\W*[012]\b", tag) or re.search(
            r"/open\.php|/wf/open|/ss/o/|/o/eJ|/Cto/|/I0/", tag
        ):
            found.append(tag)
    return found


PLACES: dict[str, Callable[[str], StoredArticle]] = {
    "title": lambda text: stored(article(text)),
    "summary": lambda text: stored(article(summary=text)),
    "content": lambda text: stored(article(content_html=f"<p>{html.escape(text)}</p>")),
    "content, in markup": lambda text: stored(
        article(content_html="<p>" + "<b></b>".join(html.escape(c) for c in text) + "</p>")
    ),
    "content, not closed": lambda text: stored(article(content_html=f"<plaintext>{html.escape(text)}")),
    "alternative text": lambda text: stored(
        article(content_html=f'<p><img src="https://example.com/a.png" alt="{html.escape(text)}"></p>')
    ),
    "words of a dropped picture": lambda text: stored(article(content_html=f'<img src="x" alt="{html.escape(text)}">')),
    "section": lambda text: stored(article(section=text)),
    "label": lambda text: stored(article(label=text)),
    "newsletter": lambda text: stored(newsletter=replace(DIGEST, name=text)),
    "newsletter's slug": lambda text: stored(newsletter=replace(DIGEST, name="", slug=text)),
    "subject": lambda text: stored(article("", url=None), issue_subject=text),
    "other newsletters": lambda text: stored(also_in=(text, "Another")),
}
LINK_PLACES: dict[str, Callable[[str], StoredArticle]] = {
    "link": lambda url: stored(article(url=url)),
    "tracked link": lambda url: stored(article(url=url, url_state="tracked")),
    "href": lambda url: stored(article(content_html=f'<p><a href="{html.escape(url)}">x</a></p>')),
    "href, unquoted": lambda url: stored(article(content_html=f"<p><a href={html.escape(url)}>x</a></p>")),
    "src": lambda url: stored(article(content_html=f'<p><img src="{html.escape(url)}" width="600"></p>')),
    "thumbnail": lambda url: stored(article(image=url)),
    "hidden link": lambda url: stored(article(content_html='<a href="go:0">x</a>', go_links=(url,))),
}


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("place", PLACES)
def test_no_text_gives_the_reader_away(
    write: Callable[[Feed], bytes], place: str, caplog: pytest.LogCaptureFixture
) -> None:
    for name, text in TEXTS.items():
        entry = replace(PLACES[place](text), recipients=RECIPIENTS)
        if place == "newsletter's slug" and not name.startswith("address"):
            continue  # a slug holds no address of the web; only letters, digits and hyphens, if the truth be told
        document = write(feed_of([entry], title="Newsletters", base=BASE))
        assert gives_away(document) == [], (name, document)
        assert feedparser.parse(document).entries if write is not json_feed else json.loads(document)["items"], name
    if place != "newsletter's slug":  # it stands in addresses of our own, which are for the last look alone
        assert caplog.records == []  # the gate was enough: nothing was left for the last look


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("place", LINK_PLACES)
@pytest.mark.parametrize("name", LINKS)
def test_no_link_gives_the_reader_away(
    write: Callable[[Feed], bytes], place: str, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    entry = replace(LINK_PLACES[place](LINKS[name]), recipients=RECIPIENTS)
    document = write(feed_of([entry], title="Newsletters", base=BASE))
    assert gives_away(document) == [], document
    assert caplog.records == []


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("name", PIXELS)
def test_no_picture_counts_its_readers(write: Callable[[Feed], bytes], name: str) -> None:
    entry = stored(article(content_html=f"<p>Before {PIXELS[name]} after</p>"))
    document = write(feed_of([entry], title="Newsletters", base=BASE))
    assert "<img" not in plain_text(document)
    assert "Before" in plain_text(document)


@pytest.mark.parametrize("write", WRITERS)
def test_the_address_of_one_mail_is_kept_out_of_all(write: Callable[[Feed], bytes]) -> None:
    """A saved body has no recipients of its own; the store knows them from other mail."""
    entry = stored(article(summary=TEXTS["address"]))
    document = write(feed_of([entry], title=f"Mail of {READER}", base=BASE, recipients=frozenset({READER})))
    assert gives_away(document) == []
    assert SUBSCRIBER.encode() in document


# -- the last look, on documents that no gate has seen ------------------------------------------------------------------


def _documents() -> Iterator[tuple[str, Callable[[str], bytes]]]:
    """Finished documents with a hole in each place, made without any of our own code that could clean what goes in."""

    def in_atom(place: str) -> Callable[[str], bytes]:
        def make(leak: str) -> bytes:
            holes = dict.fromkeys(
                ("title", "summary", "content", "href", "src", "term", "name", "thumbnail", "subtitle"), "x"
            )
            holes[place] = html.escape(html.escape(leak) if place in ("content", "src") else leak)
            return (
                (
                    '<?xml version="1.0"?>\n<feed xmlns="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/">'
                    "<title>Newsletters</title><subtitle>{subtitle}</subtitle><id>urn:x</id><entry><id>urn:y</id><title>{title}</title>"
                    '<link href="{href}"/><category term="{term}"/><author><name>{name}</name></author><summary>{summary}</summary>'
                    '<media:thumbnail url="{thumbnail}"/><content type="html">&lt;p&gt;{content} &lt;img src="{src}" '
                    'width="600"&gt;&lt;/p&gt;</content></entry></feed>'
                )
                .format(**holes)
                .encode()
            )

        return make

    def in_rss(place: str) -> Callable[[str], bytes]:
        def make(leak: str) -> bytes:
            holes = dict.fromkeys(("title", "description", "link", "enclosure", "category", "content"), "x")
            holes[place] = html.escape(leak) if place != "content" else leak.replace("]]>", "")
            return (
                (
                    '<?xml version="1.0"?>\n<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"><channel>'
                    "<title>Newsletters</title><item><title>{title}</title><description>{description}</description>"
                    '<link>{link}</link><enclosure url="{enclosure}" length="1" type="image/png"/><category>{category}</category>'
                    "<content:encoded><![CDATA[<p>{content}</p>]]></content:encoded></item></channel></rss>"
                )
                .format(**holes)
                .encode()
            )

        return make

    def in_json(place: str, *, ascii_only: bool) -> Callable[[str], bytes]:
        def make(leak: str) -> bytes:
            item: dict[str, object] = {
                "id": "urn:y",
                "title": "x",
                "summary": "x",
                "url": "x",
                "image": "x",
                "tags": ["x"],
            }
            item |= {"content_html": "x", "authors": [{"name": "x"}], "attachments": [{"url": "x"}]}
            if place == "content_html":
                item[place] = f'<p class="a">\n{html.escape(leak)}\n</p>'
            else:
                item[place] = {"tags": [leak], "authors": [{"name": leak}], "attachments": [{"url": leak}]}.get(
                    place, leak
                )
            return json.dumps({"version": "x", "items": [item]}, ensure_ascii=ascii_only).encode()

        return make

    def in_html(place: str) -> Callable[[str], bytes]:
        def make(leak: str) -> bytes:
            holes = dict.fromkeys(("title", "text", "href", "src", "value", "comment"), "x")
            holes[place] = html.escape(leak)
            return (
                (
                    '<!doctype html><html><head><title>{title}</title></head><body><!-- {comment} --><p>{text}</p><a href="{href}">x'
                    "</a><img src='{src}'><input value=\"{value}\"></body></html>"
                )
                .format(**holes)
                .encode()
            )

        return make

    for place in ("title", "summary", "content", "href", "src", "term", "name", "thumbnail", "subtitle"):
        yield f"atom, {place}", in_atom(place)
    for place in ("title", "description", "link", "enclosure", "category", "content"):
        yield f"rss, {place}", in_rss(place)
    for place in ("title", "summary", "url", "image", "tags", "content_html", "authors", "attachments"):
        yield f"json, {place}", in_json(place, ascii_only=False)
        yield f"json in ascii, {place}", in_json(place, ascii_only=True)
    for place in ("title", "text", "href", "src", "value", "comment"):
        yield f"html, {place}", in_html(place)


DOCUMENTS = dict(_documents())


@pytest.mark.parametrize("place", DOCUMENTS)
def test_a_planted_leak_is_found_in_the_finished_document(place: str, caplog: pytest.LogCaptureFixture) -> None:
    make = DOCUMENTS[place]
    innocent = make("Nothing odd about https://news.example.com/a?b=c&d=e, or is there?")
    assert release(innocent, RECIPIENTS, own=BASE) == innocent
    assert caplog.records == []
    for name, leak in (LINKS | TEXTS).items():
        if "ascii" in place and not leak.isascii():
            continue  # "\u00ad" within an address: no writer of ours escapes so
        document = make(leak)
        assert find_leaks(document.decode(), RECIPIENTS) != (), name
        caplog.clear()
        clean = release(document, RECIPIENTS, own=BASE)
        assert gives_away(clean) == [], (name, clean)
        assert [record.levelno for record in caplog.records] == [logging.ERROR]
        assert READER not in caplog.text
        if place.startswith("json"):
            json.loads(clean)
        elif not place.startswith("html"):
            assert not feedparser.parse(clean).bozo, (name, clean)


@pytest.mark.parametrize("name", PIXELS)
def test_a_planted_pixel_is_found_in_the_finished_document(name: str) -> None:
    for place in ("atom, content", "rss, content", "json, content_html"):
        planted = DOCUMENTS[place]("HOLE").replace(b"HOLE", _escaped(PIXELS[name], place))
        assert "pixel" in {leak.kind for leak in find_leaks(planted.decode())} or name in ("Mailchimp",)
        assert gives_away(release(planted, RECIPIENTS, own=BASE)) == []


def _escaped(markup: str, place: str) -> bytes:
    if place.startswith("json"):
        return json.dumps(markup)[1:-1].encode()
    return (html.escape(markup, quote=False) if place.startswith("atom") else markup).encode()


def test_a_thumbnail_that_counts_is_found() -> None:
    planted = DOCUMENTS["atom, thumbnail"]("https://news.example.com/track/open.php?x=1")
    assert [leak.kind for leak in find_leaks(planted.decode())] == ["pixel"]
    assert NO_ADDRESS.encode() in release(planted, RECIPIENTS, own=BASE)


def test_what_is_ours_passes() -> None:
    """Addresses of feedsvc itself look like trackers; those of others that look like ours do not pass."""
    ours = f'<a href="{BASE}/go/0f0c8a52-6c0e-5d53-9c53-0a1f6f1c2f10">x</a>'.encode()
    assert release(ours, RECIPIENTS, own=BASE) == ours
    assert find_leaks(f"{BASE}.evil.example/unsubscribe?token=abcdef0123456789", RECIPIENTS) != ()
    assert release(b"x", RECIPIENTS, own=None) == b"x"


def test_a_document_that_cannot_be_mended_is_not_served() -> None:
    """An address in base64, with markup within: known to be there, and at no one place."""
    encoded = b64(READER, "{")
    spread = f"<p>{encoded[:20]}<b></b>{encoded[20:]}</p>"
    assert scrub(spread, RECIPIENTS) == SUBSCRIBER
    with pytest.raises(PublishError):
        release(spread.encode(), RECIPIENTS)


@given(st.text(max_size=200))
def test_scrubbed_text_is_clean_and_stays_so(text: str) -> None:
    once = scrub(text.encode("utf-8", "ignore").decode(), RECIPIENTS)
    assert find_leaks(once, RECIPIENTS) == ()
    assert scrub(once, RECIPIENTS) == once


@given(
    st.lists(
        st.sampled_from([*TEXTS.values(), *LINKS.values(), "<p>", "</p>", "&amp;", "\\", '"', "x", " "]), max_size=6
    )
)
def test_leaks_side_by_side_are_all_found(pieces: list[str]) -> None:
    assert gives_away(scrub(" ".join(pieces), RECIPIENTS).encode()) == []


@pytest.mark.parametrize(
    "piece",
    [
        "<img ",
        "https://",
        "r<b>",
        "&lt;",
        "reader.one@",
        "%40",
        "a" * 11 + "/",
        "&amp;",
        "<",
        "reader.<b>",
        "eyJ",
        "[at]",
        "=" * 3,
    ],
)
def test_the_last_look_takes_time_in_proportion(piece: str) -> None:
    text = piece * (200_000 // len(piece))
    begun = time.process_time()
    find_leaks(text, RECIPIENTS | {f"someone{n}@example.net" for n in range(50)})
    assert time.process_time() - begun < 5


def test_many_recipients_do_not_slow_a_feed_down() -> None:
    people = frozenset(f"reader+{n}@mail{n}.example.org" for n in range(300)) | {READER}
    entries = [
        replace(stored(article(f"Title {n}", f"https://example.com/{n}", summary="Words " * 40)), recipients=RECIPIENTS)
        for n in range(100)
    ]
    begun = time.process_time()
    atom(feed_of(entries, title="x", base=BASE, recipients=people))
    assert time.process_time() - begun < 3


# -- pages ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def planted_client(tmp_path: Path) -> Iterator[FlaskClient]:
    settings = load_settings(data=tmp_path / "data", resolve="never", feed_limit=2000)
    articles = [
        place(leak).article
        for leaks, places in ((TEXTS, PLACES), (LINKS, LINK_PLACES))
        for leak in leaks.values()
        for place in places.values()
    ]
    kept: dict[str, Article] = {}
    for number, each in enumerate(articles):
        if each.title.isprintable():
            kept[f"urn:uuid:0f0c8a52-6c0e-5d53-9c53-{number:012x}"] = each
    items = tuple(replace(each, id=uid) for uid, each in kept.items())
    with open_store(settings.database_url) as store:
        newsletter = replace(DIGEST, name=f"For {READER}")
        add(store, replace(issue(0, *items, newsletter=newsletter), subject=f"To {READER}", recipients=RECIPIENTS))
        yield create_app(settings, store).test_client()


def test_no_page_or_feed_of_the_application_gives_the_reader_away(planted_client: FlaskClient) -> None:
    paths = {"/", "/feed.xml", "/feed.rss", "/feed.json", "/subscriptions.opml"}
    page = LexborHTMLParser(planted_client.get("/").text)
    paths |= {str(a.attributes["href"]) for a in page.css("a[href^='/']") if "#" not in str(a.attributes["href"])}
    assert any(path.startswith("/issues/") for path in paths)
    hidden = {str(a.attributes["href"]) for a in page.css("a[href*='/go/']")}
    assert len(hidden) > 20
    for path in sorted(paths) + sorted(hidden):
        answer = planted_client.get(path.removeprefix("http://localhost"))
        if answer.status_code == 302:  # what is known without asking is no longer hidden
            assert gives_away(answer.headers["Location"].encode()) == [], path
            continue
        assert answer.status_code == 200, path
        assert gives_away(answer.data.replace(b"http://localhost/", BASE.encode() + b"/")) == [], path


# -- real newsletters -----------------------------------------------------------------------------------------------


def test_nothing_of_real_newsletters_gives_their_reader_away(shared: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Every mail of the corpora in Atom, RSS, JSON and HTML: no address or token of its reader, no tracker, none wrapped."""
    received = datetime(2026, 1, 1, tzinfo=UTC)
    mails = decodable = 0
    for path in sorted(p for p in shared.glob("corpus*/**/*") if p.suffix in {".eml", ".html", ".txt"}):
        data = path.read_bytes()
        message = parse_message(data, received=received, filename=path.name)
        secrets = set(message.recipients)
        for body in filter(None, (message.html, message.text)):
            secrets |= subscriber_tokens(body, message.unsubscribe)
            for link in set(re.findall(r"https?://[^\s<>\"'\]]+", html.unescape(body))):
                if unwrap(link) is not None:
                    target = canonical(link, message.recipients)
                    assert target.url is not None
                    assert unwrap(target.url) is None
                    decodable += 1
        secrets |= {"reader@example.org", "reader.one@example.org"}
        made = convert(data, received=received, filename=path.name)
        made = replace(made, recipients=made.recipients | secrets)
        feed = feed_of(
            entries_of(made, kinds=frozenset({"article", "sponsor", "job", "message"})), title="x", base=BASE
        )
        for write in WRITERS:
            text = plain_text(write(feed))
            for form in (text.lower(), unquote(text).lower()):
                assert [s for s in secrets if len(s) >= 8 and s.lower() in form] == [], path.name
            for url in set(re.findall(r"https?://[^\s<>\"']+", text)):
                if not url.startswith(BASE + "/"):
                    assert not is_tracker(url), (path.name, url)
                    assert unwrap(url) is None, (path.name, url)
                    assert not is_personal(url, frozenset(secrets)), (path.name, url)
        mails += 1
    assert mails >= 240
    assert decodable >= 215
    assert caplog.records == []


def test_no_page_of_real_newsletters_gives_their_reader_away(
    shared: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """The same mails as the application serves them: every issue's page, and the front page."""
    settings = load_settings(data=tmp_path / "data", resolve="never", feed_limit=1000)
    secrets: set[str] = {"reader@example.org", "reader.one@example.org"}
    with open_store(settings.database_url) as store:
        for path in sorted(p for p in shared.glob("corpus*/**/*") if p.suffix in {".eml", ".html", ".txt"}):
            made = convert(path.read_bytes(), received=datetime(2026, 1, 1, tzinfo=UTC), filename=path.name)
            secrets |= {each for each in made.recipients if len(each) >= 8}
            add(store, made)
        client = create_app(settings, store).test_client()
        pages = ["/", *(f"/issues/{uid}" for uid in store.issue_ids())]
        for page in pages:
            answer = client.get(page)
            assert answer.status_code == 200
            text = plain_text(answer.data).lower()
            assert [each for each in secrets if each.lower() in text or each.lower() in unquote(text)] == [], page
            for url in set(re.findall(r"https?://[^\s<>\"']+", plain_text(answer.data))):
                if not url.startswith("http://localhost/"):
                    assert not is_tracker(url), (page, url)
                    assert unwrap(url) is None, (page, url)
                    assert not is_personal(url), (page, url)
    assert len(pages) > 200
    assert caplog.records == []
