"""Where trackers lead: chains, loops, slow and huge answers, what pages say of themselves; against a server on loopback."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from articles import add, article, issue
from waiting import until
from webserver import Reply, Site, serving

from feedsvc.config import Settings, load_settings
from feedsvc.errors import ResolveError
from feedsvc.model import Article
from feedsvc.resolve import Ahead, Fetcher, resolve_link
from feedsvc.resolve import fetch as fetch_module
from feedsvc.resolve.ahead import BACK_OFF, Pace
from feedsvc.resolve.fetch import Clock
from feedsvc.resolve.guard import Guard
from feedsvc.resolve.page import Page
from feedsvc.store import Found, Store, open_store

NAMES = {"www.example.com", "news.example.com", "click.example.net", "other.example.org"}
TRACK = "/ls/click?upn=u001.aBcD1234eFgH5678iJkL9012mNoP3456"


@pytest.fixture
def web() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def fetcher(web: Site) -> Fetcher:
    """Asks the server on loopback, under any of NAMES."""
    return Fetcher(Guard(frozenset({web.port}), lambda host, port: ["127.0.0.1"] if host in NAMES else []))


def at(web: Site, host: str, path: str) -> str:
    return f"http://{host}:{web.port}{path}"


def tracker(web: Site) -> str:
    return at(web, "click.example.net", TRACK)


# -- following ------------------------------------------------------------------------------------------------------


def test_a_redirect_is_followed_and_the_target_made_canonical(web: Site, fetcher: Fetcher) -> None:
    web.pages[TRACK] = Reply.to(at(web, "www.example.com", "/story?utm_source=letter&id=7"))
    web.pages["/story"] = Reply.html("<title>Story</title>")
    assert resolve_link(tracker(web), fetcher) == Found(at(web, "www.example.com", "/story?id=7"))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_every_kind_of_redirect(web: Site, fetcher: Fetcher, status: int) -> None:
    web.pages[TRACK] = Reply.to("/story", status)  # relative
    web.pages["/story"] = Reply.html("x")
    assert resolve_link(tracker(web), fetcher).url == at(web, "click.example.net", "/story")


def test_five_redirects_are_followed_and_six_are_not(web: Site, fetcher: Fetcher) -> None:
    web.pages[TRACK] = Reply.to("/hop/1")
    for hop in range(1, 7):
        web.pages[f"/hop/{hop}"] = Reply.to(f"/hop/{hop + 1}")
    web.pages["/hop/5"] = Reply.html("arrived")
    assert resolve_link(tracker(web), fetcher).url.endswith("/hop/5")
    web.pages["/hop/5"] = Reply.to("/hop/6")
    with pytest.raises(ResolveError) as failure:
        resolve_link(tracker(web), fetcher)
    assert (failure.value.code, failure.value.final) == ("redirects", True)
    assert "/hop/6" not in web.paths()


@pytest.mark.parametrize("back", [TRACK, "/a"])
def test_a_loop_ends(web: Site, fetcher: Fetcher, back: str) -> None:
    web.pages[TRACK] = Reply.to("/a")
    web.pages["/a"] = Reply.to("/b")
    web.pages["/b"] = Reply.to(back)
    with pytest.raises(ResolveError) as failure:
        resolve_link(tracker(web), fetcher)
    assert (failure.value.code, failure.value.final) == ("loop", True)


def test_what_a_redirect_carries_within_is_not_asked_for(web: Site, fetcher: Fetcher) -> None:
    """A redirect to another tracker, whose address holds the target: that tracker hears nothing."""
    target = at(web, "www.example.com", "/story")
    web.pages[TRACK] = Reply.to(f"/CL0/{target.replace(':', '%3A').replace('/', '%2F')}/1/0100018f2a3b4c5d-0/x=1")
    web.pages["/story"] = Reply.html("x")
    assert resolve_link(tracker(web), fetcher).url == target
    assert web.paths() == [TRACK, "/story"]


@pytest.mark.parametrize(
    "markup",
    [
        '<meta http-equiv="refresh" content="0; url={url}">',
        "<META HTTP-EQUIV='Refresh' CONTENT='1;URL={url}'>",
        '<head><meta http-equiv="refresh" content="0;url=\'{url}\'"></head><script>x</script>',
        '<noscript><meta http-equiv="refresh" content="0; url={url}"></noscript><script>location.replace("x")</script>',
        '<meta content="0, url={url}" http-equiv=refresh>',
    ],
)
def test_a_meta_refresh_is_a_redirect(web: Site, fetcher: Fetcher, markup: str) -> None:
    target = at(web, "www.example.com", "/story")
    web.pages[TRACK] = Reply.html(markup.format(url=target))
    web.pages["/story"] = Reply.html("x")
    assert resolve_link(tracker(web), fetcher).url == target


@pytest.mark.parametrize(
    "markup",
    [
        '<meta http-equiv="refresh" content="300; url=/elsewhere">',
        '<meta http-equiv="refresh" content="0">',
        '<noscript><meta http-equiv="refresh" content="0; url=/elsewhere"></noscript>',
        '<meta name="refresh" content="0; url=/elsewhere">',
        "<!-- <meta http-equiv='refresh' content='0; url=/elsewhere'> -->",
        '<meta http-equiv="refresh" content="0; url=javascript:alert(1)">',
    ],
)
def test_a_page_that_stays_is_the_target(web: Site, fetcher: Fetcher, markup: str) -> None:
    web.pages[TRACK] = Reply.to("/story")
    web.pages["/story"] = Reply.html(markup)
    assert resolve_link(tracker(web), fetcher).url.endswith("/story")
    assert "/elsewhere" not in web.paths()


# -- what the page says of itself ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("markup", "found"),
    [
        ('<link rel="canonical" href="/2025/story">', "/2025/story"),
        (
            '<link rel="Canonical foo" href="http://news.example.com:{port}/story">',
            "http://news.example.com:{port}/story",
        ),
        ('<meta property="og:url" content="/2025/story">', "/2025/story"),
        ('<meta property="og:url" content="/og"><link rel="canonical" href="/link">', "/link"),
        ('<link rel="canonical" href="/story?utm_source=a&amp;id=2">', "/story?id=2"),
        ('<link rel="canonical" href="http://other.example.org/story">', None),
        ('<link rel="canonical" href="http://example.org/story">', None),
        ('<link rel="canonical" href="/">', None),
        ('<link rel="canonical" href="http://www.example.com:{port}">', None),
        ('<link rel="canonical" href="">', None),
        ('<link rel="canonical">', None),
        ('<link rel="canonical" href="javascript:alert(1)">', None),
        ('<link rel="canonical" href="http://[">', None),
        ('<link rel="canonical" href="http://127.0.0.1/">', None),
        ('<link rel="canonical" href="/unsubscribe?token=abcdef0123456789">', None),
        ('<link rel="alternate" href="/amp">', None),
    ],
)
def test_the_canonical_link_of_a_page(web: Site, fetcher: Fetcher, markup: str, found: str | None) -> None:
    web.pages[TRACK] = Reply.to(at(web, "www.example.com", "/a?x=1"))
    web.pages["/a"] = Reply.html(f"<head>{markup.format(port=web.port)}</head>")
    wanted = "/a?x=1" if found is None else found.format(port=web.port)
    if wanted.startswith("/"):
        wanted = at(web, "www.example.com", wanted)
    assert resolve_link(tracker(web), fetcher).url == wanted


def test_a_canonical_link_far_down_does_not_count() -> None:
    filler = b"<p>" + b"x" * 70_000
    assert Page("http://example.com/a", filler + b'<link rel="canonical" href="/b">').canonical() is None


def test_a_page_that_is_not_there_does_not_name_another(web: Site, fetcher: Fetcher) -> None:
    web.pages[TRACK] = Reply.to("/gone")
    web.pages["/gone"] = Reply.html('<link rel="canonical" href="/not-found">', status=404)
    assert resolve_link(tracker(web), fetcher).url.endswith("/gone")


@pytest.mark.parametrize("media_type", ["application/pdf", "image/png", "video/mp4", "application/octet-stream", ""])
def test_only_text_is_read(web: Site, fetcher: Fetcher, media_type: str) -> None:
    web.pages[TRACK] = Reply.to("/file")
    web.pages["/file"] = Reply(200, {"Content-Type": media_type}, b'<link rel="canonical" href="/b">')
    assert resolve_link(tracker(web), fetcher).url.endswith("/file")
    assert fetcher.get(f"{web.url}/file", Clock.of()).body == b""


def test_a_compressed_answer_is_not_unpacked(web: Site, fetcher: Fetcher) -> None:
    """We ask for none; a small one could become a very large one."""
    headers = {"Content-Type": "text/html", "Content-Encoding": "gzip"}
    web.pages["/bomb"] = Reply(200, headers, b"\x1f\x8b" + b"\0" * 100)
    assert fetcher.get(f"{web.url}/bomb", Clock.of()).body == b""
    assert web.asked[0].headers["accept-encoding"] == "identity"


# -- bounds -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("slow", [{"drip_s": 0.05}, {"head_s": 0.05}])
def test_a_slow_answer_is_not_waited_for(
    web: Site, fetcher: Fetcher, slow: dict[str, float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each byte comes within any timeout of a socket; together they would take a minute."""
    web.pages["/slow"] = Reply.html("x" * 2000, **slow)
    begun = time.monotonic()
    with pytest.raises(ResolveError) as failure:
        fetcher.get(f"{web.url}/slow", Clock.of(0.6))
    assert failure.value.code == "timeout"
    assert not failure.value.final
    assert time.monotonic() - begun < 20  # together its bytes would take a hundred seconds


def test_the_time_is_for_all_redirects_together(web: Site, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    assert fetch_module.TIMEOUT_S == 10
    clock = Clock.of(60)
    web.pages["/a"] = lambda path: (time.sleep(0.4), Reply.html("x"))[1]  # type: ignore[func-returns-value]
    fetcher.get(f"{web.url}/a", clock)
    assert clock.left() < 59.6
    web.pages["/b"] = Reply.html("x" * 2000, drip_s=0.05)
    clock.ends = time.monotonic() + 0.4
    with pytest.raises(ResolveError) as failure:
        fetcher.get(f"{web.url}/b", clock)
    assert failure.value.code == "timeout"


def test_a_huge_page_is_read_in_part(web: Site, fetcher: Fetcher) -> None:
    web.pages[TRACK] = Reply.to("/huge")
    web.pages["/huge"] = Reply.html('<head><link rel="canonical" href="/b"></head>' + "x" * 30_000_000)
    begun = time.monotonic()
    assert resolve_link(tracker(web), fetcher, measure=True).url.endswith("/b")
    assert len(fetcher.get(f"{web.url}/huge", Clock.of()).body) == fetch_module.MAX_BYTES == 1_000_000
    assert time.monotonic() - begun < 20


def test_no_cookies_no_referrer_and_an_honest_name(web: Site, fetcher: Fetcher) -> None:
    web.pages[TRACK] = Reply(302, {"Location": "/story", "Set-Cookie": "who=reader; Path=/"})
    web.pages["/story"] = Reply.html("x")
    resolve_link(tracker(web), fetcher)
    for asked in web.asked:
        assert {"cookie", "referer", "from", "authorization"}.isdisjoint(asked.headers)
        assert asked.headers["user-agent"].startswith("feedsvc/")


def test_a_password_in_an_address_is_not_sent(web: Site, fetcher: Fetcher) -> None:
    with pytest.raises(ResolveError):
        fetcher.get(f"http://user:word@127.0.0.1:{web.port}/", Clock.of())
    assert web.asked == []


def test_a_certificate_that_nobody_vouches_for_is_refused(web: Site, tmp_path: Path) -> None:
    """The server speaks no TLS at all here; with a certificate of its own making it is no better: see below."""
    fetcher = Fetcher(Guard(frozenset({web.port})))
    with pytest.raises(ResolveError) as failure:
        fetcher.get(f"https://127.0.0.1:{web.port}/", Clock.of())
    assert failure.value.code in ("tls", "connection")
    context = fetch_module._tls()
    assert context.check_hostname
    assert context.verify_mode.name == "CERT_REQUIRED"


# -- failures -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "code", "final"),
    [
        (Reply(404), "status", True),
        (Reply(410), "status", True),
        (Reply(500), "status", False),
        (Reply(429), "status", False),
        (Reply.html("no way on"), "status", True),
        (Reply.to("http://[bad"), "address", True),
        (Reply.to("mailto:reader@example.org"), "address", True),
        (Reply.to("https://gone.example.com/"), "dns", False),
        (Reply.to("/unsubscribe?token=abcdef0123456789"), "personal", True),
    ],
)
def test_failures_say_whether_to_ask_again(web: Site, fetcher: Fetcher, reply: Reply, code: str, final: bool) -> None:
    web.pages[TRACK] = reply
    with pytest.raises(ResolveError) as failure:
        resolve_link(tracker(web), fetcher)
    assert (failure.value.code, failure.value.final) == (code, final)


def test_the_target_of_a_redirect_is_known_though_it_does_not_answer(web: Site, fetcher: Fetcher) -> None:
    with serving() as closed:
        port = closed.port
    guard = Guard(frozenset({web.port, port}), lambda host, _: ["127.0.0.1"])
    web.pages[TRACK] = Reply.to(f"http://www.example.com:{port}/story?utm_medium=email")
    assert resolve_link(tracker(web), Fetcher(guard)).url == f"http://www.example.com:{port}/story"


def test_a_target_that_names_the_reader_is_not_kept(web: Site, fetcher: Fetcher) -> None:
    web.pages[TRACK] = Reply.to("/profile/reader%40example.org/home")
    web.pages["/profile/reader%40example.org/home"] = Reply.html("x")
    with pytest.raises(ResolveError) as failure:
        resolve_link(tracker(web), fetcher, recipients=frozenset({"reader@example.org"}))
    assert failure.value.code == "personal"


def test_read_time_is_measured_on_the_page(web: Site, fetcher: Fetcher) -> None:
    places = ("Aachen", "Bergen", "Cork", "Delft", "Evora", "Faro", "Ghent", "Hull", "Imola", "Jena", "Kassel", "Lund")
    paragraphs = "".join(
        "<p>"
        + " ".join(
            f"In {place} question {n} went to {n * 7} librarians, who gave answers of all kinds." for n in range(1, 9)
        )
        + "</p>"
        for place in places
    )
    web.pages[TRACK] = Reply.to("/story")
    web.pages["/story"] = Reply.html(f"<html><body><article><h1>Survey</h1>{paragraphs}</article></body></html>")
    assert resolve_link(tracker(web), fetcher, measure=True).minutes == 6  # 1,345 words at 238 a minute
    assert resolve_link(tracker(web), fetcher).minutes is None
    web.pages["/story"] = Reply.html("<p>Please log in.</p>")
    assert resolve_link(tracker(web), fetcher, measure=True).minutes is None


# -- ahead ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def settings(tmp_path: Path, web: Site) -> Settings:
    return load_settings(data=tmp_path / "data", resolve="ahead", resolve_loopback_ports=[web.port])


def tracked(web: Site, name: str, **fields: Any) -> Article:
    return article(
        name, f"{web.url}/ls/click?upn=u001.{name}1234eFgH5678iJkL9012mNoP3456", url_state="tracked", **fields
    )


def test_ahead_resolves_articles_and_no_others(settings: Settings, store: Store, web: Site) -> None:
    web.pages["/ls/click"] = lambda path: Reply.to("/page/" + path[19:24])
    footer = f"{web.url}/ls/click?upn=u001.footer1234eFgH5678iJkL9012mNoP3456"
    news = tracked(web, "newsA", content_html='<a href="go:0">x</a>', go_links=(footer,))
    add(store, issue(0, news, tracked(web, "promo", kind="sponsor"), tracked(web, "mailA", kind="message")))
    before = store.revision()
    ahead = Ahead(settings, store, pace_s=0, look_s=0.05)
    try:
        assert until(lambda: store.get_article(news.id).article.url_state == "canonical")  # type: ignore[union-attr]
        time.sleep(0.2)
    finally:
        ahead.stop()
    found = store.get_article(news.id)
    assert found is not None
    assert found.article.url == f"{web.url}/page/newsA"
    assert store.revision() == before + 1
    assert [path for path in web.paths() if "promo" in path or "mailA" in path or "footer" in path] == []


def test_ahead_asks_a_host_once_a_second(settings: Settings, store: Store, web: Site) -> None:
    for name in ("aaaaa", "bbbbb", "ccccc"):
        web.pages[f"/ls/click?upn=u001.{name}1234eFgH5678iJkL9012mNoP3456"] = Reply(404)
    add(store, issue(0, *(tracked(web, name) for name in ("aaaaa", "bbbbb", "ccccc"))))
    ahead = Ahead(settings, store, pace_s=0.3, look_s=0.05)
    try:
        assert until(lambda: len(web.asked) == 3)
    finally:
        ahead.stop()
    gaps = [later.at - earlier.at for earlier, later in zip(web.asked, web.asked[1:], strict=False)]
    assert min(gaps) > 0.25


def test_pace_is_by_host() -> None:
    waited: list[float] = []
    pace = Pace(1.0, waited.append)
    assert [round(pace(host)) for host in ("a.example", "b.example", "a.example", "a.example")] == [0, 0, 1, 2]
    assert len(waited) == 2


def test_ahead_tries_again_later_and_not_for_ever(settings: Settings, store: Store, web: Site) -> None:
    from datetime import UTC, datetime, timedelta

    web.pages["/ls/click"] = Reply(503)
    news = tracked(web, "newsA")
    add(store, issue(0, news))
    ahead = Ahead(settings, store, pace_s=0, look_s=0.05)
    try:
        assert until(lambda: store.attempts(news.id) is not None)
        time.sleep(0.3)
    finally:
        ahead.stop()
    assert len(web.asked) == 1
    attempts = store.attempts(news.id)
    assert attempts is not None and attempts.next_try is not None
    assert attempts.count == 1
    now = datetime.now(UTC)
    assert timedelta(seconds=50) < attempts.next_try - now < BACK_OFF[0]
    assert store.due_articles(now) == ()
    assert len(store.due_articles(now + BACK_OFF[0])) == 1
    for tries in range(2, len(BACK_OFF) + 2):
        ahead._try(store.get_article(news.id))  # type: ignore[arg-type]
        attempts = store.attempts(news.id)
        assert attempts is not None
        assert attempts.count == tries
    assert attempts.next_try is None
    assert store.due_articles(now + timedelta(days=900)) == ()


@pytest.mark.parametrize(
    ("mode", "own", "asks"),
    [
        ("ahead", None, True),
        ("ahead", "never", False),
        ("ahead", "on-click", False),
        ("on-click", None, False),
        ("on-click", "ahead", True),
        ("never", None, False),
        ("never", "ahead", True),
    ],
)
def test_ahead_is_by_newsletter(tmp_path: Path, web: Site, mode: str, own: str | None, asks: bool) -> None:
    chosen = {"daily-digest": {"resolve": own}} if own else {}
    settings = load_settings(
        data=tmp_path / "data", resolve=mode, resolve_loopback_ports=[web.port], newsletters=chosen
    )
    web.pages["/ls/click"] = Reply(404)
    with open_store(settings.database_url) as store:
        add(store, issue(0, tracked(web, "newsA")))
        ahead = Ahead(settings, store, pace_s=0, look_s=0.05)
        try:
            if asks:
                assert until(lambda: web.asked)
            else:
                time.sleep(0.3)
        finally:
            ahead.stop()
    assert bool(web.asked) == asks


# -- the store ----------------------------------------------------------------------------------------------------------


def test_what_was_found_stays_through_another_conversion(store: Store, web: Site) -> None:
    link = f"{web.url}/ls/click?upn=u001.aBcD1234eFgH5678iJkL9012mNoP3456"
    news = article(
        "News",
        link,
        url_state="tracked",
        content_html='<p><a href="go:0">n</a> <a href="go:1">o</a></p>',
        go_links=(link, f"{link}x"),
        read_minutes=1,
        read_source="estimated",
    )
    add(store, issue(0, news))
    store.record_target(news.id, link, Found("https://www.example.com/a?b=1&c=2", 9))
    revision = store.revision()
    add(store, issue(0, news))  # as `feedsvc reprocess` does
    stored = store.get_article(news.id)
    assert stored is not None
    assert (stored.article.id, stored.article.url, stored.article.url_state) == (
        news.id,
        "https://www.example.com/a?b=1&c=2",
        "canonical",
    )
    assert (stored.article.read_minutes, stored.article.read_source) == (9, "measured")
    assert 'href="https://www.example.com/a?b=1&amp;c=2"' in stored.article.content_html
    assert 'href="go:1"' in stored.article.content_html
    assert store.revision() == revision
    again = article("Other words", link, url_state="tracked", read_minutes=3, read_source="declared")
    add(store, issue(1, again))  # the same link in another issue is known already
    other = store.get_article(again.id)
    assert other is not None
    assert other.article.url_state == "canonical"
    assert (other.article.read_minutes, other.article.read_source) == (3, "declared")


def test_threads_may_record_at_once(store: Store, web: Site) -> None:
    names = [f"news{n}" for n in range(6)]
    made = [tracked(web, name) for name in names]
    add(store, issue(0, *made))
    threads = [
        threading.Thread(target=store.record_target, args=(one.id, one.url, Found(f"https://example.com/{n}")))
        for n, one in enumerate(made)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(store.get_article(one.id).article.url_state == "canonical" for one in made)  # type: ignore[union-attr]
