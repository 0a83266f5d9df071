"""What somebody who follows `/go/...` gets, and the pictures that are served from here; over HTTP, with servers on loopback."""

from __future__ import annotations

import struct
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from articles import UNSUBSCRIBE, add, article, issue
from flask.testing import FlaskClient
from selectolax.lexbor import LexborHTMLParser
from webserver import Reply, Site, serving

from feedsvc.config import Settings, load_settings
from feedsvc.errors import ResolveError
from feedsvc.model import Article, InlineImage
from feedsvc.publish import entry_uuid
from feedsvc.publish.images import image_token
from feedsvc.publish.pictures import picture_size, picture_type, shows_something
from feedsvc.resolve import Fetcher, PictureCache
from feedsvc.resolve.guard import Guard
from feedsvc.store import Store, open_store
from feedsvc.web import create_app

TRACK = "/ls/click?upn=u001.aBcD1234eFgH5678iJkL9012mNoP3456"


def png(width: int, height: int) -> bytes:
    """A grey picture of this size."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress((b"\0" + b"\x80" * width) * height)
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


PICTURE = png(40, 30)
GIF_PIXEL = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\xff\xff\xff\x00\x00\x00!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"


@pytest.fixture
def web() -> Iterator[Site]:
    with serving() as site:
        yield site


@pytest.fixture
def settings(tmp_path: Path, web: Site) -> Settings:
    return load_settings(data=tmp_path / "data", resolve_loopback_ports=[web.port])


def hidden(web: Site, **fields: Any) -> Article:
    return article("Hidden", f"{web.url}{TRACK}", url_state="tracked", **fields)


def go(what: Article, more: str = "") -> str:
    return f"/go/{entry_uuid(what.id)}{more}"


# -- /go/ ---------------------------------------------------------------------------------------------------------------


def test_a_click_finds_the_target_once_and_for_good(client: FlaskClient, store: Store, web: Site) -> None:
    news = hidden(web)
    add(store, issue(0, news))
    web.pages[TRACK] = Reply.to("/story?utm_source=letter")
    web.pages["/story"] = Reply.html("x")
    before = store.revision()
    feed = client.get("/feed.json").get_json()
    assert feed["items"][0]["url"] == f"http://localhost{go(news)}"
    for _ in range(3):
        answer = client.get(go(news))
        assert (answer.status_code, answer.headers["Location"]) == (302, f"{web.url}/story")
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in answer.headers["Cache-Control"]
    assert web.paths() == [TRACK, "/story?utm_source=letter"]
    assert store.revision() == before + 1
    item = client.get("/feed.json").get_json()["items"][0]
    assert (item["id"], item["url"]) == (news.id, f"{web.url}/story")


def test_a_link_of_the_text_is_found_and_stands_in_the_text(client: FlaskClient, store: Store, web: Site) -> None:
    first, second = f"{web.url}{TRACK}", f"{web.url}{TRACK}second"
    links = article("News", content_html='<p><a href="go:0">a</a> <a href="go:1">b</a></p>', go_links=(first, second))
    add(store, issue(0, links))
    web.pages[TRACK] = Reply.to("/first")
    web.pages[f"{TRACK}second"] = Reply.to("/second?a=1&b=2")
    web.pages["/first"] = web.pages["/second"] = Reply.html("x")
    assert client.get(go(links, "/1")).headers["Location"] == f"{web.url}/second?a=1&b=2"
    content = client.get("/feed.json").get_json()["items"][0]["content_html"]
    hrefs = [a.attributes["href"] for a in LexborHTMLParser(content).css("a")]
    assert hrefs == [f"http://localhost{go(links, '/0')}", f"{web.url}/second?a=1&b=2"]
    assert client.get(go(links, "/2")).status_code == 404


def test_where_it_fails_the_person_decides(client: FlaskClient, store: Store, web: Site) -> None:
    news = hidden(web)
    add(store, issue(0, news))
    web.pages[TRACK] = Reply(404)
    answer = client.get(go(news))
    assert answer.status_code == 200
    assert "It answers 404." in answer.text
    assert TRACK.partition("=")[2] not in answer.text  # the page says which host, not who the reader is
    assert "127.0.0.1" in answer.text
    anyway = LexborHTMLParser(answer.text).css_first("a.button")
    assert anyway is not None
    assert anyway.attributes["href"] == go(news, "?anyway=1")
    assert "noreferrer" in str(anyway.attributes["rel"])
    led_on = client.get(go(news, "?anyway=1"))
    assert (led_on.status_code, led_on.headers["Location"]) == (302, f"{web.url}{TRACK}")
    assert len(web.asked) == 1  # a failure is remembered for a while


def test_never_asks_nobody(tmp_path: Path, web: Site) -> None:
    ways: list[dict[str, object]] = [{"resolve": "never"}, {"newsletters": {"daily-digest": {"resolve": "never"}}}]
    for number, chosen in enumerate(ways):
        settings = load_settings(data=tmp_path / str(number), resolve_loopback_ports=[web.port], **chosen)
        news = hidden(web)
        with open_store(settings.database_url) as store:
            add(store, issue(0, news))
            client = create_app(settings, store).test_client()
            answer = client.get(go(news))
            assert answer.status_code == 200
            assert "told not to look up" in answer.text
            assert client.get(go(news, "?anyway=1")).status_code == 302
    assert web.asked == []


@pytest.mark.parametrize("link", [UNSUBSCRIBE, "https://news.example.com/for/reader%40example.org/a"])
def test_what_is_the_reader_s_own_is_never_asked_for_them(
    client: FlaskClient, store: Store, web: Site, link: str
) -> None:
    own = article("Own", content_html='<a href="go:0">x</a>', go_links=(link,))
    add(store, replace(issue(0, own), recipients=frozenset({"reader@example.org"})))
    answer = client.get(go(own, "/0"))
    assert answer.status_code == 200
    assert "acts in your name" in answer.text
    assert "reader%40" not in answer.text
    assert client.get(go(own, "/0?anyway=1")).headers["Location"] == link


def test_a_tracker_that_leads_inside_is_not_followed(client: FlaskClient, store: Store, web: Site) -> None:
    news = hidden(web)
    add(store, issue(0, news))
    with serving() as inside:
        web.pages[TRACK] = Reply.to(f"http://127.0.0.1:{inside.port}/admin")
        answer = client.get(go(news))
        assert answer.status_code == 200
        assert inside.asked == []
    stored = store.get_article(news.id)
    assert stored is not None
    assert stored.article.url_state == "tracked"


def test_two_clicks_at_once_ask_once(settings: Settings, store: Store, web: Site) -> None:
    news = hidden(web)
    add(store, issue(0, news))

    def slowly(path: str) -> Reply:
        time.sleep(0.2)
        return Reply.to("/story")

    web.pages[TRACK] = slowly
    web.pages["/story"] = Reply.html("x")
    app = create_app(settings, store)
    found: list[str | None] = []
    threads = [
        threading.Thread(target=lambda: found.append(app.test_client().get(go(news)).headers.get("Location")))
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [f"{web.url}/story"] * 5
    assert web.paths() == [TRACK, "/story"]


def test_read_time_is_measured_where_none_was_declared(tmp_path: Path, web: Site) -> None:
    settings = load_settings(data=tmp_path / "data", resolve_loopback_ports=[web.port], measure_read_time=True)
    text = " ".join(f"Sentence {n} of this survey says what {n * 3} people of {n} towns think." for n in range(100))
    web.pages[TRACK] = Reply.to("/story")
    web.pages["/story"] = Reply.html(f"<html><body><article><p>{text}</p></article></body></html>")
    estimated = hidden(web, read_minutes=1, read_source="estimated")
    declared = replace(
        hidden(web, read_minutes=9, read_source="declared"),
        id=f"{estimated.id[:-1]}{'1' if estimated.id.endswith('0') else '0'}",
    )
    with open_store(settings.database_url) as store:
        add(store, issue(0, estimated, declared))
        client = create_app(settings, store).test_client()
        assert client.get(go(estimated)).status_code == 302
        items = {item["id"]: item["_feedsvc"] for item in client.get("/feed.json").get_json()["items"]}
    assert (items[estimated.id]["read_minutes"], items[estimated.id]["read_source"]) == (5, "measured")
    assert (items[declared.id]["read_minutes"], items[declared.id]["read_source"]) == (9, "declared")


# -- pictures -----------------------------------------------------------------------------------------------------------


def with_picture(src: str) -> Article:
    return article("Picture", content_html=f'<p>Before <img src="{src}" alt="A chart"> after</p>', image=src)


def shown(client: FlaskClient) -> list[str]:
    """The addresses of the pictures that the feed shows, thumbnail first."""
    item = client.get("/feed.json").get_json()["items"][0]
    pictures = [str(p.attributes["src"]) for p in LexborHTMLParser(item["content_html"]).css("img")]
    return ([item["image"]] if "image" in item else []) + pictures


@pytest.mark.parametrize(("policy", "count"), [("keep", 2), ("strip", 0), ("proxy", 2)])
def test_pictures_as_the_setting_says(tmp_path: Path, web: Site, policy: str, count: int) -> None:
    settings = load_settings(data=tmp_path / "data", images=policy, resolve_loopback_ports=[web.port])
    src = f"{web.url}/chart.png"
    with open_store(settings.database_url) as store:
        add(store, issue(0, with_picture(src)))
        client = create_app(settings, store).test_client()
        found = shown(client)
        assert len(found) == count
        assert all(each.startswith(src if policy == "keep" else "http://localhost/image/") for each in found)
        if policy == "strip":
            assert "A chart" in client.get("/feed.json").text


@pytest.fixture
def proxying(tmp_path: Path, web: Site) -> Iterator[tuple[FlaskClient, Store, Settings]]:
    settings = load_settings(data=tmp_path / "data", images="proxy", resolve_loopback_ports=[web.port])
    with open_store(settings.database_url) as store:
        yield create_app(settings, store).test_client(), store, settings


def test_a_proxied_picture_is_fetched_once(proxying: tuple[FlaskClient, Store, Settings], web: Site) -> None:
    client, store, settings = proxying
    add(store, issue(0, with_picture(f"{web.url}/chart.png?x=1&y=2".replace("&", "&amp;"))))
    web.pages["/chart.png"] = Reply(200, {"Content-Type": "text/html"}, b"no picture")
    address = shown(client)[1].removeprefix("http://localhost")
    assert client.get(address).status_code == 502
    web.pages["/chart.png"] = Reply(200, {"Content-Type": "image/png", "Set-Cookie": "a=b"}, PICTURE)
    for _ in range(3):
        answer = client.get(address)
        assert (answer.status_code, answer.data, answer.mimetype) == (200, PICTURE, "image/png")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "Set-Cookie" not in answer.headers
    assert web.paths() == ["/chart.png?x=1&y=2"] * 2
    assert len(list(settings.image_cache.iterdir())) == 1


@pytest.mark.parametrize(
    "reply",
    [
        Reply(404),
        Reply(
            200, {"Content-Type": "image/svg+xml"}, b'<svg xmlns="http://www.w3.org/2000/svg"><script>x</script></svg>'
        ),
        Reply(200, {"Content-Type": "image/png"}, b"<html><script>alert(1)</script>"),
        Reply(200, {"Content-Type": "text/html"}, PICTURE),
        Reply(200, {"Content-Type": "image/png"}, png(1, 1)),
        Reply(200, {"Content-Type": "image/gif"}, GIF_PIXEL),
        Reply(200, {"Content-Type": "image/png"}, PICTURE + b"x" * 9_000_000),
        Reply.to("http://10.0.0.1/chart.png"),
        Reply.to("/chart.png"),
    ],
)
def test_what_is_no_picture_is_not_served(
    proxying: tuple[FlaskClient, Store, Settings], web: Site, reply: Reply
) -> None:
    client, store, settings = proxying
    add(store, issue(0, with_picture(f"{web.url}/chart.png")))
    web.pages["/chart.png"] = reply
    answer = client.get(shown(client)[0].removeprefix("http://localhost"))
    assert answer.status_code == 502
    assert b"script>alert" not in answer.data
    assert not settings.image_cache.exists() or list(settings.image_cache.iterdir()) == []


def test_the_proxy_fetches_what_an_article_shows_and_nothing_else(
    proxying: tuple[FlaskClient, Store, Settings], web: Site
) -> None:
    client, store, _ = proxying
    made = with_picture(f"{web.url}/chart.png")
    add(store, issue(0, made))
    web.pages["/secret.png"] = Reply(200, {"Content-Type": "image/png"}, PICTURE)
    for token in (image_token(f"{web.url}/secret.png"), "0" * 32, "..%2f..", "x"):
        assert client.get(f"/image/{entry_uuid(made.id)}/{token}").status_code == 404
    other = "00000000-0000-0000-0000-000000000000"
    assert client.get(f"/image/{other}/{image_token(f'{web.url}/chart.png')}").status_code == 404
    assert web.asked == []


def test_the_cache_is_bounded(tmp_path: Path, web: Site) -> None:
    cache = PictureCache(tmp_path / "cache", 3 * len(PICTURE), Fetcher(Guard(frozenset({web.port}))))
    for number in range(6):
        web.pages[f"/{number}.png"] = Reply(200, {"Content-Type": "image/png"}, PICTURE)
        assert cache.get(f"{web.url}/{number}.png") == PICTURE
        time.sleep(0.01)
        cache.get(f"{web.url}/0.png")  # what is used stays
    assert len(list((tmp_path / "cache").iterdir())) == 3
    assert web.paths().count("/0.png") == 1
    with pytest.raises(ResolveError):
        cache.get(f"{web.url}/missing.png")


@pytest.mark.parametrize("policy", ["keep", "proxy", "strip"])
def test_inline_pictures_are_kept_once_and_served(tmp_path: Path, policy: str) -> None:
    settings = load_settings(data=tmp_path / "data", images=policy)
    inline = (
        InlineImage("chart@mail.example", "image/png", PICTURE),
        InlineImage("again", "image/png", PICTURE),
        InlineImage("unused", "image/png", png(9, 9)),
        InlineImage("drawing", "image/svg+xml", b"<svg/>"),
    )
    content = '<p><img src="cid:chart@mail.example" alt="A"><img src="cid:again"><img src="cid:drawing"><img src="cid:none" alt="N"></p>'
    with open_store(settings.database_url) as store:
        add(store, replace(issue(0, article("News", content_html=content)), inline_images=inline))
        client = create_app(settings, store).test_client()
        addresses = [each.removeprefix("http://localhost") for each in shown(client)]
        if policy == "strip":
            assert addresses == []
            return
        assert len(addresses) == 3
        assert addresses[0] == addresses[1]
        assert len(addresses[0].removeprefix("/inline/")) == 40
        answer = client.get(addresses[0])
        assert (answer.status_code, answer.data, answer.mimetype) == (200, PICTURE, "image/png")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"
        assert client.get(addresses[2]).status_code == 404  # SVG is a document that may hold script
        for path in ("/inline/" + "0" * 40, "/inline/x", "/inline/..%2f..%2fetc", "/inline/" + addresses[0][8:-1]):
            assert client.get(path).status_code == 404
        revision = store.revision()
        add(store, replace(issue(0, article("News", content_html=content)), inline_images=inline))
        assert store.revision() == revision


@pytest.mark.parametrize(
    ("data", "media_type", "size", "shows"),
    [
        (PICTURE, "image/png", (40, 30), True),
        (png(1, 30), "image/png", (1, 30), False),
        (GIF_PIXEL, "image/gif", (1, 1), False),
        (b"\xff\xd8\xff\xe0rest", "image/jpeg", None, True),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp", None, True),
        (b"\x00\x00\x00\x20ftypavif", "image/avif", None, True),
        (b"<svg/>", None, None, True),
        (b"", None, None, True),
        (b"\x89PNG\r\n\x1a\n", "image/png", None, True),
    ],
)
def test_pictures_are_known_by_their_bytes(
    data: bytes, media_type: str | None, size: tuple[int, int] | None, shows: bool
) -> None:
    assert (picture_type(data), picture_size(data), shows_something(data)) == (media_type, size, shows)
