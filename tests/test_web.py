"""The application: documents and their validators, addresses, pages, errors."""

from __future__ import annotations

import gzip
import json
import logging
import runpy
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import feedparser
import pytest
from articles import SENT, TRACKER, add, article, issue, let_settle
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from selectolax.lexbor import LexborHTMLParser

from feedsvc.config import Settings, load_settings
from feedsvc.errors import StoreError
from feedsvc.model import Newsletter
from feedsvc.publish import entry_uuid
from feedsvc.store import Store, open_store, writes
from feedsvc.web import create_app, documents, when
from feedsvc.web.documents import SETTLED, Document, DocumentCache

FEEDS = {"/feed.xml": "application/atom+xml", "/feed.rss": "application/rss+xml", "/feed.json": "application/feed+json"}
OTHER = Newsletter("other.example.com", "Other & Co", "other", "other@example.com", "other.example.com")

NEWS = article("News", "https://www.example.com/news", summary="What happened.", read_minutes=5, read_source="declared")
HIDDEN = article(
    "Hidden",
    TRACKER,
    url_state="tracked",
    content_html='<p><a href="go:0">One</a> <a href="go:1">two</a></p>',
    go_links=(f"{TRACKER}/x", "javascript:alert(1)"),
)
SPONSOR = article("Buy this", "https://ads.example.com/", kind="sponsor")
WHOLE = article(
    "Whole mail", None, kind="message", content_html='<p>Text</p><img src="https://example.com/i.png" alt="A chart">'
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(data=tmp_path / "data", title="My <news>", resolve="never")


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    settings.data.mkdir()
    with open_store(settings.database_url) as opened:
        yield opened


@pytest.fixture
def app(settings: Settings, store: Store) -> Flask:
    return create_app(settings, store)


@pytest.fixture
def client(app: Flask, store: Store) -> FlaskClient:
    add(store, issue(0, NEWS, HIDDEN, SPONSOR), issue(1, WHOLE, newsletter=OTHER))
    return app.test_client()


@pytest.fixture(scope="module")
def still_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FlaskClient]:
    """As `client`, made once for all tests that change nothing."""
    settings = load_settings(data=tmp_path_factory.mktemp("data"), resolve="never")
    with open_store(settings.database_url) as opened:
        add(opened, issue(0, NEWS, HIDDEN, SPONSOR), issue(1, WHOLE, newsletter=OTHER))
        let_settle(opened)
        yield create_app(settings, opened).test_client()


def test_feed_holds_articles_and_messages_newest_first(client: FlaskClient) -> None:
    parsed = feedparser.parse(client.get("/feed.xml").data)
    assert [entry.title for entry in parsed.entries] == ["Whole mail", "News", "Hidden"]
    assert [entry.link for entry in parsed.entries] == [
        f"http://localhost/issues/{issue_id(client, 1)}",
        "https://www.example.com/news",
        f"http://localhost/go/{entry_uuid(HIDDEN.id)}",
    ]
    assert parsed.feed.title == "My <news>"


def test_feed_holds_no_more_than_the_limit(settings: Settings, store: Store) -> None:
    app = create_app(settings.model_copy(update={"feed_limit": 3}), store)
    add(store, *(issue(n, article(f"Title {n}", f"https://example.com/{n}")) for n in range(6)))
    parsed = feedparser.parse(app.test_client().get("/feed.xml").data)
    assert [entry.title for entry in parsed.entries] == ["Title 5", "Title 4", "Title 3"]


@pytest.mark.parametrize("extension", ["xml", "rss", "json"])
def test_newsletter_has_a_feed_of_its_own(still_client: FlaskClient, extension: str) -> None:
    answer = still_client.get(f"/newsletters/other/feed.{extension}")
    assert b"Whole mail" in answer.data
    assert b">News<" not in answer.data
    assert f"http://localhost/newsletters/other/feed.{extension}".encode() in answer.data
    assert still_client.get(f"/newsletters/unknown/feed.{extension}").status_code == 404
    assert still_client.get("/newsletters/other/feed.exe").status_code == 404


@pytest.mark.parametrize(("path", "media_type"), FEEDS.items())
def test_media_type(still_client: FlaskClient, path: str, media_type: str) -> None:
    assert still_client.get(path).content_type == f"{media_type}; charset=utf-8"


# -- validators ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variant", [(path, coding) for path in FEEDS for coding in ("gzip", "identity")])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({}, 200),
        ({"If-None-Match": "{tag}"}, 304),
        ({"If-None-Match": "W/{tag}"}, 304),
        ({"If-None-Match": '"other", {tag}'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"other"'}, 200),
        ({"If-None-Match": "{other-coding}"}, 200),
        ({"If-None-Match": "not quoted"}, 200),
        ({"If-Modified-Since": "{modified}"}, 304),
        ({"If-Modified-Since": "{later}"}, 304),
        ({"If-Modified-Since": "{earlier}"}, 200),
        ({"If-Modified-Since": "no date"}, 200),
        ({"If-None-Match": "{tag}", "If-Modified-Since": "{earlier}"}, 304),  # If-None-Match wins
        ({"If-None-Match": '"other"', "If-Modified-Since": "{modified}"}, 200),
    ],
)
def test_validators(
    still_client: FlaskClient, variant: tuple[str, str], method: str, asked: dict[str, str], status: int
) -> None:
    path, coding = variant
    accept = {"Accept-Encoding": coding}
    first = still_client.get(path, headers=accept)
    other = still_client.get(path, headers={"Accept-Encoding": "identity" if coding == "gzip" else "gzip"})
    assert first.last_modified is not None
    values = {
        "tag": first.headers["ETag"],
        "other-coding": other.headers["ETag"],
        "modified": first.headers["Last-Modified"],
        "later": f"{first.last_modified + timedelta(days=1):%a, %d %b %Y %H:%M:%S GMT}",
        "earlier": f"{first.last_modified - timedelta(seconds=1):%a, %d %b %Y %H:%M:%S GMT}",
    }
    headers = accept | {name: _fill(value, values) for name, value in asked.items()}
    second = still_client.open(path, method=method, headers=headers)
    assert second.status_code == status
    for name in ("ETag", "Cache-Control", "Vary"):
        assert second.headers[name] == first.headers[name]
    if status == 304:
        assert second.data == b""
        assert "Content-Type" not in second.headers
        assert "Content-Encoding" not in second.headers
    else:
        assert second.headers["Last-Modified"] == first.headers["Last-Modified"]
        assert second.headers["Content-Length"] == first.headers["Content-Length"] == str(len(first.data))
        assert second.data == (first.data if method == "GET" else b"")


def _fill(value: str, values: dict[str, str]) -> str:
    for name, known in values.items():
        value = value.replace("{%s}" % name, known)  # noqa: UP031 - braces within braces
    return value


@pytest.mark.parametrize(
    ("accept", "zipped"),
    [
        ("gzip", True),
        ("br;q=0.5, gzip", True),
        ("*", True),
        ("gzip;q=0", False),
        ("*;q=0", False),
        ("identity", False),
        ("zstd", False),
        ("", False),
        (None, False),
    ],
)
def test_gzip_only_where_it_is_asked_for(still_client: FlaskClient, accept: str | None, zipped: bool) -> None:
    answer = still_client.get("/feed.xml", headers={} if accept is None else {"Accept-Encoding": accept})
    assert answer.headers.get("Content-Encoding") == ("gzip" if zipped else None)
    plain = still_client.get("/feed.xml").data
    assert (gzip.decompress(answer.data) if zipped else answer.data) == plain
    assert not zipped or answer.headers["ETag"] != still_client.get("/feed.xml").headers["ETag"]


def test_rendered_once_for_each_change(client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    real = Store.newest

    def counting(self: Store, *args: Any, **fields: Any) -> Any:
        asked.append(args)
        return real(self, *args, **fields)

    monkeypatch.setattr(Store, "newest", counting)
    first = client.get("/feed.xml")
    for _ in range(3):
        client.get("/feed.xml", headers={"Accept-Encoding": "gzip"})
        client.head("/feed.xml")
    assert len(asked) == 1
    add(store, issue(2, article("Newer", "https://example.com/newer")))
    second = client.get("/feed.xml")
    assert len(asked) == 2
    assert b"Newer" in second.data
    assert second.headers["ETag"] != first.headers["ETag"]
    again = client.get("/feed.xml", headers={"If-Modified-Since": first.headers["Last-Modified"]})
    assert again.status_code == 200, "even where both changes were within one second"


def test_a_document_that_had_no_date_gets_one_though_its_bytes_are_the_same() -> None:
    """It was made while the store changed; what comes of the next change is sure."""
    cache, moment = DocumentCache(), datetime(2024, 9, 3, tzinfo=UTC)

    def made(revision: int, date: datetime | None) -> datetime | None:
        return cache.get("a", revision, lambda: Document.of(b"same", "text/plain", date)).modified

    assert made(1, None) is None
    assert made(2, moment) == moment
    assert made(3, moment + timedelta(days=1)) == moment
    assert made(4, None) is None


def test_many_changes_in_a_moment_do_not_put_the_date_ahead_of_the_clock(client: FlaskClient, store: Store) -> None:
    for number in range(20):
        add(store, issue(number + 2, article(f"Newer {number}", f"https://example.com/{number}")))
    changed = store.state().changed
    assert changed is not None
    assert changed <= datetime.now(UTC)
    let_settle(store)
    told = client.get("/feed.xml").headers["Last-Modified"]
    assert parsedate_to_datetime(told) == changed - SETTLED - timedelta(seconds=1)
    assert client.get("/feed.xml", headers={"If-Modified-Since": told}).status_code == 304


def test_the_date_of_a_change_never_goes_back(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A clock that is set right by an hour must not hide what comes in meanwhile."""
    before, changed = client.get("/feed.xml"), store.state().changed
    assert changed is not None
    earlier = changed - timedelta(hours=1)

    class Earlier(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return earlier

    for module in (writes, documents):
        monkeypatch.setattr(module, "datetime", Earlier)
    add(store, issue(2, article("Newer", "https://example.com/newer")))
    assert store.state().changed == changed
    for told in (before.headers["Last-Modified"], client.get("/feed.xml").headers["Last-Modified"]):
        assert parsedate_to_datetime(told) < changed
        assert client.get("/feed.xml", headers={"If-Modified-Since": told}).status_code == 200


def test_what_changes_one_feed_leaves_the_other_as_it_is(client: FlaskClient, store: Store) -> None:
    let_settle(store)
    before = client.get("/newsletters/other/feed.xml")
    add(store, issue(2, article("Newer", "https://example.com/newer")))
    after = client.get("/newsletters/other/feed.xml")
    assert (after.headers["ETag"], after.headers["Last-Modified"]) == (
        before.headers["ETag"],
        before.headers["Last-Modified"],
    )


def test_second_store_on_the_same_database_is_seen(client: FlaskClient, settings: Settings) -> None:
    client.get("/feed.xml")
    with open_store(settings.database_url) as another:
        add(another, issue(2, article("From another process", "https://example.com/other")))
    assert b"From another process" in client.get("/feed.xml").data


def test_empty_feed_is_served_and_stays_the_same(app: Flask) -> None:
    client = app.test_client()
    first = client.get("/feed.xml")
    assert first.status_code == 200
    assert client.get("/feed.xml", headers={"If-None-Match": first.headers["ETag"]}).status_code == 304


def test_cache_is_bounded_and_renders_once_for_many_threads() -> None:
    cache = DocumentCache(max_documents=4)
    made = []
    together = threading.Barrier(8)

    def make() -> Document:
        made.append(1)
        return Document.of(b"x", "text/plain", datetime.now(UTC))

    def ask() -> None:
        together.wait()
        cache.get("one", 1, make)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    for number in range(10):
        cache.get(number, 1, make)
    assert len(cache._documents) == 4
    cache.get(9, 1, make)
    assert len(made) == 11
    cache.get("one", 1, make)
    assert len(made) == 12


def test_a_document_that_cannot_be_made_is_not_kept() -> None:
    cache = DocumentCache()
    with pytest.raises(ZeroDivisionError):
        cache.get("one", 1, lambda: 1 / 0)  # type: ignore[arg-type, return-value]
    assert cache.get("one", 1, lambda: Document.of(b"x", "text/plain", None)).body == b"x"


# -- addresses ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("host", "base"),
    [
        ("feeds.example.org", "http://feeds.example.org"),
        ("Feeds.Example.org:8080", "http://feeds.example.org:8080"),
        ("192.0.2.7:8080", "http://192.0.2.7:8080"),
        ("[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_addresses_are_those_that_were_asked_for(settings: Settings, store: Store, host: str, base: str) -> None:
    client = create_app(settings.model_copy(update={"allowed_hosts": "feeds.example.org"}), store).test_client()
    feed = json.loads(client.get("/feed.json", headers={"Host": host}).data)
    assert feed["feed_url"] == f"{base}/feed.json"
    assert json.loads(client.get("/feed.json").data)["feed_url"] == "http://localhost/feed.json"


@pytest.mark.parametrize("host", ["a b", "a/b", 'evil.example"><script>', "a@b", "-", "a..b", "x" * 300, "[::1", "a:b"])
@pytest.mark.parametrize("path", ["/feed.xml", "/"])
def test_host_that_is_none(still_client: FlaskClient, host: str, path: str) -> None:
    answer = still_client.get(path, headers={"Host": host})
    assert answer.status_code == 400
    assert host.encode() not in answer.data or host == "-"


def test_base_url_is_used_where_it_is_set(settings: Settings, store: Store) -> None:
    add(store, issue(0, HIDDEN))
    app = create_app(settings.model_copy(update={"base_url": "https://feeds.example.org/mail"}), store)
    client = app.test_client()
    for host in ("localhost", "evil.example"):
        feed = json.loads(client.get("/feed.json", headers={"Host": host}).data)
        assert feed["feed_url"] == "https://feeds.example.org/mail/feed.json"
        assert feed["items"][0]["url"] == f"https://feeds.example.org/mail/go/{entry_uuid(HIDDEN.id)}"
    page = LexborHTMLParser(client.get("/").text)
    links = [node.attributes.get("href") or "" for node in page.css("link[href], a[href]")]
    assert all(link.startswith(("/mail/", "https://feeds.example.org/mail/", "#")) for link in links), links


def test_mounted_below_a_path(still_client: FlaskClient) -> None:
    feed = json.loads(still_client.get("/feed.json", base_url="http://localhost/below").data)
    assert feed["feed_url"] == "http://localhost/below/feed.json"


# -- where hidden links lead --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (f"/go/{entry_uuid(HIDDEN.id)}?anyway=1", TRACKER),
        (f"/go/{entry_uuid(HIDDEN.id).upper()}?anyway=1", TRACKER),
        (f"/go/{entry_uuid(HIDDEN.id)}/0?anyway=1", f"{TRACKER}/x"),
        (f"/go/{entry_uuid(NEWS.id)}", "https://www.example.com/news"),  # a link of former times leads on
        (f"/go/{entry_uuid(HIDDEN.id)}/1", None),  # javascript:
        (f"/go/{entry_uuid(HIDDEN.id)}/2", None),
        (f"/go/{entry_uuid(HIDDEN.id)}/-1", None),
        (f"/go/{entry_uuid(WHOLE.id)}", None),
        ("/go/00000000-0000-0000-0000-000000000000", None),
        ("/go/https://evil.example/", None),
        ("/go/..", None),
    ],
)
def test_go(still_client: FlaskClient, path: str, target: str | None) -> None:
    answer = still_client.get(path)
    assert answer.status_code == (302 if target else 404)
    assert answer.headers.get("Location") == target
    assert answer.headers["Referrer-Policy"] == ("no-referrer" if target else "same-origin")
    assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"


# -- health -------------------------------------------------------------------------------------------------------------


def test_health(still_client: FlaskClient) -> None:
    answer = still_client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json is not None
    counts = {"newsletters": 2, "issues": 2, "articles": 4, "messages": 2, "rejected": 0}
    assert answer.json.items() >= ({"status": "ok"} | counts).items()


def test_health_where_the_store_is_gone(settings: Settings, store: Store, caplog: pytest.LogCaptureFixture) -> None:
    app = create_app(settings, store)
    store.close()
    (settings.data / "feedsvc.db").write_bytes(b"this is no database at all, but long enough to be asked" * 100)
    with caplog.at_level(logging.CRITICAL):
        health = app.test_client().get("/healthz")
        pages = [app.test_client().get(path) for path in ("/", "/feed.xml")]
    assert health.status_code == 503
    assert health.json is not None
    assert health.json["status"] == "error"
    for answer in (health, *pages):
        assert answer.status_code in (500, 503)
        assert str(settings.data) not in answer.text


# -- pages --------------------------------------------------------------------------------------------------------------


def test_front_page(client: FlaskClient, settings: Settings) -> None:
    page = LexborHTMLParser(client.get("/").text)
    assert [_text(node) for node in page.css("section.issue h2")] == ["Issue 1", "Issue 0"]
    assert [_text(node) for node in page.css(".entries h3")] == ["Whole mail", "News", "Hidden", "Buy this"]
    assert [_text(node) for node in page.css("details.folded h3")] == ["Buy this"]
    assert _text(page.css_first("details.folded summary")) == "1 sponsor"
    assert _text(page.css_first("#feed-address")) == "http://localhost/feed.xml"
    assert _text(page.css_first("#inbox-path")) == str(settings.inbox)
    times = [node.attributes["title"] for node in page.css("time")]
    assert times == ["4 September 2024, 13:08 UTC", "3 September 2024, 13:08 UTC"]
    discovered = {node.attributes["type"]: node.attributes["href"] for node in page.css("link[rel=alternate]")}
    assert discovered == {media_type: path for path, media_type in FEEDS.items()}


def test_first_run_page_tells_what_to_do(app: Flask, settings: Settings) -> None:
    page = LexborHTMLParser(app.test_client().get("/").text)
    assert len(page.css("ol.steps > li")) == 3
    assert _text(page.css_first("#inbox-path")) == str(settings.inbox)
    assert _text(page.css_first("#feed-address")) == "http://localhost/feed.xml"


def test_front_page_tells_of_rejected_files(client: FlaskClient, store: Store) -> None:
    assert "could not be read" not in client.get("/").text
    store.record_rejection("0" * 64, "a.eml", "unreadable", "no text", SENT)
    assert "1 file could not be read" in " ".join(client.get("/").text.split())


def test_issue_page(still_client: FlaskClient) -> None:
    page = LexborHTMLParser(still_client.get(f"/issues/{issue_id(still_client, 0)}").text)
    assert _text(page.css_first("h1")) == "Issue 0"
    assert [_text(node) for node in page.css("article h2")] == ["News", "Hidden", "Buy this"]
    go = f"http://localhost/go/{entry_uuid(HIDDEN.id)}/0"
    assert go in [node.attributes["href"] for node in page.css(".content a")]


def test_issue_page_of_a_whole_mail_shows_it_and_loads_nothing(still_client: FlaskClient) -> None:
    page = LexborHTMLParser(still_client.get(f"/issues/{issue_id(still_client, 1)}").text)
    assert _text(page.css_first(".content")) == "Text"
    assert page.css(".content img") == []
    assert page.css("article h2 a") == []  # its link would lead here


@pytest.mark.parametrize("path", ["/", "issue", "/nothing/here"])
def test_pages_load_nothing_from_elsewhere(still_client: FlaskClient, path: str) -> None:
    page = LexborHTMLParser(still_client.get(f"/issues/{issue_id(still_client, 1)}" if path == "issue" else path).text)
    loaded = [node.attributes["src"] for node in page.css("[src]")]
    loaded += [node.attributes["href"] for node in page.css("link[rel=stylesheet], link[rel=icon]")]
    assert len(loaded) >= 3
    for address in loaded:
        assert address is not None
        assert address.startswith("/static/")
        with still_client.get(address) as answer:
            assert answer.status_code == 200
    assert page.css("style, [style], script:not([src]), [onclick]") == []


def test_hostile_words_stay_words(app: Flask, store: Store) -> None:
    words = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>{{ 7 * 7 }}"
    hostile = Newsletter(words, words, "hostile", "x@example.com")
    bad = article(words, "javascript:alert(1)", summary=words, section=words, label=words, content_html=words)
    add(store, issue(0, bad, newsletter=hostile))
    client = app.test_client()
    for path in ("/", f"/issues/{issue_id(client, 0)}"):
        page = LexborHTMLParser(client.get(path).text)
        assert page.css("script:not([src^='/static/']), img:not([src^='/static/']), [onerror]") == []
        assert page.css("a[href^='javascript:']") == []
        assert "{{ 7 * 7 }}" in _text(page.css_first("main"))


@pytest.mark.parametrize("path", ["/", *FEEDS, "/healthz", "/issues/x", "/nothing/here", "/static/style.css", "/go/x"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST"])
def test_security_headers_are_on_everything(still_client: FlaskClient, path: str, method: str) -> None:
    with still_client.open(path, method=method) as answer:
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "same-origin"


def test_error_pages_say_what_to_do_and_nothing_private(client: FlaskClient, settings: Settings) -> None:
    for path, status in (("/nothing/here?secret=1", 404), ("/issues/unknown", 404)):
        answer = client.get(path)
        assert answer.status_code == status
        assert "front page" in answer.text
        assert "secret" not in answer.text
        assert str(settings.data) not in answer.text
    wrong_method = client.post("/feed.xml")
    assert wrong_method.status_code == 405
    assert "GET" in wrong_method.headers["Allow"]


def test_error_inside_shows_nothing_of_it(
    app: Flask, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*args: object, **fields: object) -> None:
        raise StoreError("cannot open /home/somebody/feedsvc.db")

    monkeypatch.setattr(Store, "has_articles", fail)
    with caplog.at_level(logging.CRITICAL):
        broken = app.test_client().get("/")
    assert broken.status_code == 503
    assert broken.headers["Retry-After"] == "10"
    assert "somebody" not in broken.text

    def crash(*args: object, **fields: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(Store, "newest", crash)
    with caplog.at_level(logging.CRITICAL):
        crashed = app.test_client().get("/feed.xml")
    assert crashed.status_code == 500
    assert "secret" not in crashed.text


def test_app_without_arguments_takes_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDSVC_DATA", str(tmp_path / "new" / "data"))
    monkeypatch.setenv("FEEDSVC_TITLE", "From the environment")
    assert "From the environment" in create_app().test_client().get("/").text


def test_wsgi_module_has_the_app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDSVC_DATA", str(tmp_path / "data"))
    app: Flask = runpy.run_path(str(Path(__file__).parents[1] / "wsgi.py"))["app"]
    assert app.test_client().get("/healthz").status_code == 200
    assert (tmp_path / "data" / "inbox").is_dir()  # the front page tells to drop files there


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=-10), "just now"),
        (timedelta(seconds=59), "just now"),
        (timedelta(minutes=1), "1 minute ago"),
        (timedelta(minutes=59, seconds=59), "59 minutes ago"),
        (timedelta(hours=1), "1 hour ago"),
        (timedelta(hours=23, minutes=59), "23 hours ago"),
        (timedelta(days=1), "yesterday"),
        (timedelta(days=2), "2 days ago"),
        (timedelta(days=6, hours=23), "6 days ago"),
        (timedelta(days=7), "27 August 2024"),
        (timedelta(days=-2), "5 September 2024"),
    ],
)
def test_relative_dates(ago: timedelta, words: str) -> None:
    assert when.relative(SENT - ago, SENT) == words


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_dates_never_fail(moment: datetime, now: datetime) -> None:
    assert when.relative(moment, now)
    assert when.exact(moment).endswith("UTC")


def issue_id(client: FlaskClient, number: int) -> str:
    """The id of the issue's page, as the front page links to it."""
    page = LexborHTMLParser(client.get("/").text)
    for link in page.css("section.issue h2 a"):
        if _text(link) == f"Issue {number}":
            return (link.attributes["href"] or "").rpartition("/")[2]
    raise AssertionError(f"the front page shows no issue {number}")


def _text(node: Any) -> str:
    return " ".join(node.text().split())
