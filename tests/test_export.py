"""The static copy: the same documents as files, which a plain web server holds, and nothing that needs a program."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import feedparser
import pytest
from articles import TRACKER, add, article, issue
from click.testing import CliRunner
from documents import VALID, assert_opml
from selectolax.lexbor import LexborHTMLParser
from test_resolve_web import PICTURE, png
from webserver import Reply, serving

from feedsvc.cli import main
from feedsvc.config import Settings, load_settings
from feedsvc.errors import SettingsError
from feedsvc.model import InlineImage, Newsletter, entry_id
from feedsvc.store import Store, open_store
from feedsvc.web.export import LIST_NAME, export

OTHER = Newsletter("other.example.com", "Other & Co", "other")
BASE = "https://news.example.org/mine"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(data=tmp_path / "data", base_url=BASE, feed_limit=30, access_token="secret-of-the-server")
    made.data.mkdir()
    return made


@pytest.fixture
def store(settings: Settings) -> Iterator[Store]:
    with open_store(settings.database_url) as opened:
        for number in range(25):
            what = [
                replace(
                    article(f"Title {number}.{n}", f"https://example.com/{number}/{n}"),
                    id=entry_id(str(number), str(n)),
                )
                for n in range(8)
            ]
            add(opened, issue(number, *what))
        hidden = article(
            "Hidden", TRACKER, url_state="tracked", content_html='<p><a href="go:0">There</a></p>', go_links=(TRACKER,)
        )
        add(opened, issue(30, hidden, newsletter=OTHER))
        yield opened


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@contextmanager
def plain_server(folder: Path) -> Iterator[str]:
    """Python's own file server: it knows nothing of feedsvc."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *given: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(folder)))
    running = threading.Thread(target=server.serve_forever, args=(0.02,))
    running.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        running.join()


def test_all_documents_are_valid_files(settings: Settings, store: Store, tmp_path: Path) -> None:
    report = export(settings, store, tmp_path / "out")
    files = files_in(tmp_path / "out")
    assert report.files == report.written == len(files) - 1
    assert {"index.html", "feed.xml", "feed.rss", "feed.json", "subscriptions.opml"} <= set(files)
    assert {"newsletters/other/feed.xml", "archive/1-100/feed.json", "static/style.css"} <= set(files)
    assert sum(name.startswith("issues/") for name in files) == 26
    for name, body in files.items():
        extension = name.rpartition(".")[2]
        if extension in VALID and name != LIST_NAME:
            VALID[extension](body)
    assert_opml(files["subscriptions.opml"])


def test_a_plain_server_serves_it_and_every_link_into_it_leads_somewhere(
    store: Store, settings: Settings, tmp_path: Path
) -> None:
    with plain_server(tmp_path / "out") as base:
        export(settings.model_copy(update={"base_url": base}), store, tmp_path / "out")
        address, entries = f"{base}/feed.xml", {}
        while address:
            parsed = feedparser.parse(address)
            assert not parsed.bozo
            entries.update({entry.id: entry.link for entry in parsed.entries})
            address = next((link.href for link in parsed.feed.links if link.rel == "prev-archive"), "")
        assert len(entries) == 201
        links = {link for link in entries.values() if link.startswith(base)}
        for name, body in files_in(tmp_path / "out").items():
            if name.endswith(".html"):
                found = LexborHTMLParser(body.decode()).css("[href], [src]")
                given = {node.attributes.get("href") or node.attributes.get("src") or "" for node in found}
                links |= {
                    base + link if link.startswith("/") else link for link in given if link.startswith(("/", base))
                }
        assert len(links) > 12
        for link in links:
            with urllib.request.urlopen(link) as answer:
                assert answer.status == 200


def test_nothing_needs_a_program_or_gives_anything_away(settings: Settings, store: Store, tmp_path: Path) -> None:
    export(settings, store, tmp_path / "out")
    for name, body in files_in(tmp_path / "out").items():
        for private in (
            b"/go/",
            TRACKER.encode(),
            str(settings.data).encode(),
            b"secret-of-the-server",
            b"Inbox folder",
        ):
            assert private not in body, (name, private)
    (hidden,) = json.loads((tmp_path / "out/newsletters/other/feed.json").read_bytes())["items"]
    page = urlsplit(hidden["url"])
    assert hidden["url"].startswith(f"{BASE}/issues/")
    shown = (tmp_path / "out" / page.path.removeprefix("/mine/") / "index.html").read_text(encoding="utf-8")
    assert f'id="{page.fragment}"' in shown


def test_only_what_changed_is_written_again(settings: Settings, store: Store, tmp_path: Path) -> None:
    out = tmp_path / "out"
    first = export(settings, store, out)
    (out / "robots.txt").write_text("mine")
    times = {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.name != LIST_NAME}
    again = export(settings, store, out)
    assert (again.files, again.written, again.removed) == (first.files, 0, 0)
    assert times == {path: path.stat().st_mtime_ns for path in out.rglob("*") if path.name != LIST_NAME}
    add(store, issue(40, article("Newest", "https://example.com/newest")))
    third = export(settings, store, out)
    assert 0 < third.written < 20
    assert b"Newest" in (out / "feed.xml").read_bytes()
    listed = json.loads((out / LIST_NAME).read_text(encoding="utf-8"))
    (out / "old.html").write_text("of an earlier copy")
    (out / LIST_NAME).write_text(json.dumps([*listed, "old.html", "../data/feedsvc.db"]), encoding="utf-8")
    assert export(settings, store, out).removed == 1
    assert not (out / "old.html").exists()
    assert (out / "robots.txt").read_text() == "mine"
    assert (settings.data / "feedsvc.db").exists()


def addresses_of_pictures(folder: Path) -> set[str]:
    """What the feeds, in each format, and the pages show of articles' pictures."""
    found: set[str] = set()
    for name, body in files_in(folder).items():
        if name.endswith(".json") and name != LIST_NAME:
            for item in json.loads(body)["items"]:
                found |= {item["image"]} if "image" in item else set()
                found |= pictures_in(item["content_html"])
        elif name.endswith((".xml", ".rss")):
            parsed = feedparser.parse(body, sanitize_html=False)
            for entry in parsed.entries:
                found |= {thumbnail["url"] for thumbnail in entry.get("media_thumbnail", ())}
                found |= pictures_in(entry.summary + "".join(part.value for part in entry.get("content", ())))
        elif name.endswith(".html"):
            found |= {
                src if "://" in src else f"{BASE.removesuffix('/mine')}{src}" for src in pictures_in(body.decode())
            }
    return found


def pictures_in(markup: str) -> set[str]:
    found = {str(node.attributes.get("src")) for node in LexborHTMLParser(markup).css("img")}
    return {src for src in found if "/static/" not in src}


@pytest.mark.parametrize("policy", ["keep", "strip", "proxy"])
def test_pictures_that_are_served_from_here_are_in_the_copy(tmp_path: Path, policy: str) -> None:
    out = tmp_path / "out"
    with serving() as web, open_store(f"sqlite:///{tmp_path / 'feedsvc.db'}") as store:
        settings = load_settings(
            data=tmp_path / "data", base_url=BASE, images=policy, resolve_loopback_ports=[web.port]
        )
        chart, gone = f"{web.url}/chart.png", f"{web.url}/gone.png"
        made = article(
            "News", image=chart,
            content_html=f'<p><img src="{chart}" alt="A"> <img src="cid:own@mail" alt="B"> <img src="{gone}" alt="C"></p>',
        )  # fmt: skip
        own = InlineImage("own@mail", "image/png", png(9, 9))
        add(store, replace(issue(0, made), inline_images=(own,)))
        web.pages["/chart.png"] = Reply(200, {"Content-Type": "image/png"}, PICTURE)
        first = export(settings, store, out)
        shown = addresses_of_pictures(out)
        ours = {name: body for name, body in files_in(out).items() if name.startswith(("image/", "inline/"))}
        assert {address for address in shown if not address.startswith(BASE)} == (
            {chart, gone} if policy == "keep" else set()
        )
        if policy == "strip":
            assert shown == set()
            assert ours == {}
            return
        assert sorted(ours.values()) == sorted([own.data] + [PICTURE] * (policy == "proxy"))
        assert {f"{BASE}/{name}" for name in ours} <= shown, "all of them are shown, by their very addresses"
        assert len({address for address in shown if address.startswith(BASE)}) == (3 if policy == "proxy" else 1)
        if policy == "proxy":
            # What is there is not asked for again, and stays when its server forgets it; what was not there is asked for.
            asked = web.paths()
            assert sorted(asked) == ["/chart.png", "/gone.png"]
            web.pages["/gone.png"] = Reply(200, {"Content-Type": "image/png"}, png(20, 20))
            del web.pages["/chart.png"]
            shutil.rmtree(settings.image_cache)
            second = export(settings, store, out)
            assert (second.files, second.written, second.removed) == (first.files + 1, 1, 0)
            assert web.paths() == [*asked, "/gone.png"]
            with plain_server(out) as base:
                for address in shown:
                    with urllib.request.urlopen(base + address.removeprefix(BASE)) as answer:
                        assert answer.status == 200
        # No longer shown, no longer there.
        export(settings.model_copy(update={"images": "strip"}), store, out)
        assert not [name for name in files_in(out) if name.startswith(("image/", "inline/"))]


def test_an_empty_store_makes_a_copy_too(settings: Settings, tmp_path: Path) -> None:
    with open_store("sqlite://") as empty:
        export(settings, empty, tmp_path / "out")
    VALID["xml"]((tmp_path / "out/feed.xml").read_bytes())


def test_an_address_is_needed_and_a_folder(settings: Settings, store: Store, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="--base-url"):
        export(settings.model_copy(update={"base_url": None}), store, tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match="cannot write"):
        export(settings, store, tmp_path / "file" / "out")


def test_the_command(settings: Settings, store: Store, tmp_path: Path) -> None:
    words = ["export", "--data", str(settings.data), str(tmp_path / "out")]
    refused = CliRunner().invoke(main, words)
    assert refused.exit_code == 1
    assert "--base-url" in refused.stderr
    done = CliRunner().invoke(main, [*words, "--base-url", "https://x.example/"])
    assert done.exit_code == 0
    assert "files, " in done.stdout
    assert 'href="https://x.example/feed.xml"' in (tmp_path / "out/feed.xml").read_text(encoding="utf-8")
