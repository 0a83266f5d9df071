"""What a feed costs: `python tests/bench_feeds.py [--articles N] [--rounds N]`.

First, over HTTP from one waitress, as `feedsvc serve` runs it: a 304, a cached 200 and a gzipped 200 of the feed of 100
entries, each beside a bare Flask route in the same server that returns a constant of the same size. They are asked in
turns, so that a busy machine slows all alike. The same where a token must be shown, and behind a proxy.

Then the rendering: how long the first look at the feed takes after one new article, with a thousand and with a million
articles in the store, and the same for narrowed feeds.
"""

from __future__ import annotations

import argparse
import base64
import gzip
import hashlib
import multiprocessing
import socket
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import waitress
from articles import let_settle
from flask import Flask, Response
from flask.testing import FlaskClient

from feedsvc.config import load_settings
from feedsvc.model import Article, Issue, LinkCount, Newsletter, entry_id
from feedsvc.store import Store, open_store
from feedsvc.store.schema import FULL_TEXT
from feedsvc.web import create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

NEWSLETTERS = 40
AN_ISSUE = 15
START = datetime(2004, 1, 1, tzinfo=UTC)
TEXT = "Engineers rebuilt the scheduler so that idle clusters cost nothing, and wrote down what it took. " * 4
REQUESTS = 400
SECRET = "correct-horse-battery-staple"
BASIC = "Basic " + base64.b64encode(f"reader:{SECRET}".encode()).decode()
FORWARDED = {"X_Forwarded_Host": "feeds.example.org", "X_Forwarded_Proto": "https", "X_Forwarded_For": "192.0.2.7"}


def article(key: str, number: int) -> Article:
    """An article as newsletters have them: a title, 400 characters of text, a read time."""
    return Article(
        id=entry_id(key, str(number)),
        kind="article",
        title=f"What became of the idea number {number} that nobody believed in",
        url=f"https://www.example.com/{key}/{number}",
        url_state="canonical",
        summary=TEXT,
        content_html=f"<p>{TEXT}</p>",
        read_minutes=number % 20 + 1,
        read_source="declared",
        section=f"Section {number % 6}",
    )


def issue(key: str, sent: datetime, count: int) -> Issue:
    """An issue of one of the newsletters."""
    which = sum(key.encode()) % NEWSLETTERS
    return Issue(
        key=key,
        newsletter=Newsletter(f"news-{which}", f"Newsletter {which}", f"news-{which}"),
        subject=f"Issue {key}",
        sent=sent,
        message_id=key,
        web_url=None,
        articles=tuple(article(key, number) for number in range(count)),
        links=LinkCount(count, count),
        recipients=frozenset({"reader@example.org", "reader+news@example.org"}),
        language="en",
    )


def add(store: Store, *issues: Issue) -> None:
    """Put issues into the store."""
    with store.batch() as batch:
        for one in issues:
            sha256 = hashlib.sha256(one.key.encode()).hexdigest()
            batch.add_issue(one, sha256=sha256, received=one.sent, size=1, filename=None)


def fill(store: Store, file: Path, articles: int) -> None:
    """Make a store of this many articles: a few by the store itself, the rest as copies of them in SQL, dated apart."""
    seeds = 400
    add(
        store,
        *(issue(f"seed-{n}", START + timedelta(hours=n), AN_ISSUE) for n in range(min(seeds, articles // AN_ISSUE))),
    )
    copies = articles // (seeds * AN_ISSUE) - 1
    if copies <= 0:
        return
    raw = sqlite3.connect(file, isolation_level=None)
    raw.execute("PRAGMA synchronous = OFF")
    raw.execute("BEGIN")
    for name in ("delete", "update"):
        raw.execute(f"DROP TRIGGER articles_words_{name}")

    def columns(table: str, **changed: str) -> tuple[str, str]:
        known = [row[1] for row in raw.execute(f"PRAGMA table_info({table})")]
        return ", ".join(known), ", ".join(changed.get(name, name) for name in known)

    later = f"datetime({{}}, '+' || (copy * {seeds}) || ' hours') || '.000000'"
    counting = f"WITH RECURSIVE copies(copy) AS (SELECT 1 UNION ALL SELECT copy + 1 FROM copies WHERE copy < {copies})"
    into, values = columns(
        "issues",
        id=f"id + copy * {seeds}",
        uid="uid || '-' || copy",
        key="key || '-' || copy",
        source="source || '-' || copy",
        sent=later.format("sent"),
    )
    raw.execute(f"{counting} INSERT INTO issues ({into}) SELECT {values} FROM copies, (SELECT * FROM issues)")
    into, values = columns(
        "articles",
        id=f"id + copy * {seeds * AN_ISSUE}",
        uid="uid || '-' || copy",
        issue_id=f"issue_id + copy * {seeds}",
        url="url || '/' || copy",
        published=later.format("published"),
        updated=later.format("updated"),
    )
    raw.execute(f"{counting} INSERT INTO articles ({into}) SELECT {values} FROM copies, (SELECT * FROM articles)")
    raw.execute("INSERT INTO articles_words(articles_words) VALUES ('rebuild')")
    for statement in FULL_TEXT[1:]:
        raw.execute(statement)
    raw.execute("UPDATE meta SET revision = revision + 1")
    raw.execute("COMMIT")
    raw.close()


# -- over HTTP ----------------------------------------------------------------------------------------------------------


def serve(told: Connection) -> None:
    """Serve the feed and the constants until told to end; runs in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings(data=folder)
        with open_store(settings.database_url) as store:
            add(store, *(issue(f"k{n}", START + timedelta(days=n), AN_ISSUE) for n in range(20)))
            let_settle(store)
            app = create_app(settings, store)
            guarded = create_app(load_settings(data=folder, access_token=SECRET), store)
            proxied = create_app(
                load_settings(data=folder, trusted_proxies=1, allowed_hosts="feeds.example.org"), store
            )
            listener = socket.create_server(("127.0.0.1", 0))
            port = listener.getsockname()[1]
            client, base = app.test_client(), f"http://127.0.0.1:{port}"
            plain = client.get("/feed.xml", base_url=base).data
            zipped = client.get("/feed.xml", base_url=base, headers={"Accept-Encoding": "gzip"}).data
            assert gzip.decompress(zipped) == plain
            constants = {"/constant": plain, "/constant-zipped": zipped, "/constant-empty": b""}
            bare = Flask("bare")
            for path, body in constants.items():
                bare.add_url_rule(path, path, lambda body=body: Response(body, content_type="application/atom+xml"))

            def both(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
                chosen = bare if environ["PATH_INFO"] in constants else app
                if "HTTP_AUTHORIZATION" in environ or environ["QUERY_STRING"]:
                    chosen = guarded
                elif "HTTP_X_FORWARDED_HOST" in environ:
                    chosen = proxied
                return chosen(environ, start_response)

            server = waitress.create_server(both, sockets=[listener], threads=8, clear_untrusted_proxy_headers=False)
            told.send((port, len(plain), len(zipped)))
            server.run()


class Asker:
    """Asks as a reader does that polls: each request on a connection of its own, which waitress ends after any 304."""

    def __init__(self, port: int) -> None:
        self._port = port

    def ask(self, path: str, **headers: str) -> tuple[int, dict[str, str], int]:
        """The status, the headers and the size of the body of one answer."""
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        return self._exchange("\r\n".join([*lines, "", ""]).encode())

    def seconds(self, path: str, **headers: str) -> float:
        """How long `REQUESTS` of these take, one after the other."""
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{self._port}", "Connection: close"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        request = "\r\n".join([*lines, "", ""]).encode()
        started = time.perf_counter()
        for _ in range(REQUESTS):
            self._exchange(request)
        return time.perf_counter() - started

    def _exchange(self, request: bytes) -> tuple[int, dict[str, str], int]:
        pieces = []
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            connection.sendall(request)
            while piece := connection.recv(1 << 18):
                pieces.append(piece)
        head, _, body = b"".join(pieces).partition(b"\r\n\r\n")
        first, *rest = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in rest)}
        return int(first.split()[1]), headers, len(body)


def measure_http(rounds: int) -> None:
    """Print requests a second and ratios."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,), daemon=True)
    server.start()
    there.close()  # so that a server that does not start is seen as such
    port, plain, zipped = here.recv()
    asker = Asker(port)
    status, headers, size = asker.ask("/feed.xml")
    assert (status, size) == (200, plain)
    assert asker.ask("/feed.xml", If_None_Match=headers["etag"])[0] == 304
    assert asker.ask("/feed.xml", Accept_Encoding="gzip")[2] == zipped
    with_token = f"/feed.xml?token={SECRET}"
    tags = {
        "token": asker.ask(with_token)[1]["etag"],
        "basic": asker.ask("/feed.xml", Authorization=BASIC)[1]["etag"],
        "proxy": asker.ask("/feed.xml", **FORWARDED)[1]["etag"],
    }
    assert asker.ask("/feed.xml", Authorization="Basic x")[0] == 401
    assert len({*tags.values(), headers["etag"]}) == 3, "with Basic it is the very document"
    cases: dict[str, Callable[[], float]] = {
        "constant, nothing": lambda: asker.seconds("/constant-empty"),
        "304": lambda: asker.seconds("/feed.xml", If_None_Match=headers["etag"]),
        "304 by date": lambda: asker.seconds("/feed.xml", If_Modified_Since=headers["last-modified"]),
        "304, ?token=": lambda: asker.seconds(with_token, If_None_Match=tags["token"]),
        "304, Basic": lambda: asker.seconds("/feed.xml", Authorization=BASIC, If_None_Match=tags["basic"]),
        "304, proxy": lambda: asker.seconds("/feed.xml", **FORWARDED, If_None_Match=tags["proxy"]),
        "constant": lambda: asker.seconds("/constant"),
        "200": lambda: asker.seconds("/feed.xml"),
        "200, ?token=": lambda: asker.seconds(with_token),
        "200, Basic": lambda: asker.seconds("/feed.xml", Authorization=BASIC),
        "200, proxy": lambda: asker.seconds("/feed.xml", **FORWARDED),
        "constant, gzipped": lambda: asker.seconds("/constant-zipped"),
        "200, gzipped": lambda: asker.seconds("/feed.xml", Accept_Encoding="gzip"),
    }
    taken: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, run in cases.items():
            taken[name].append(run())
    server.terminate()
    print(f"feed of 100 entries: {plain / 1000:.0f} kB, gzipped {zipped / 1000:.0f} kB; waitress, 8 threads")
    beside = ""
    for name in cases:
        rate = REQUESTS / statistics.median(taken[name])
        if name.startswith("constant"):
            beside = name
            print(f"{name:20} {rate:8.0f} a second")
        else:
            # Round by round, so that what slows one round slows both sides.
            ratio = statistics.median(b / a for a, b in zip(taken[name], taken[beside], strict=True))
            print(f"{name:20} {rate:8.0f} a second   ratio {ratio:.2f}")


# -- rendering ----------------------------------------------------------------------------------------------------------


def first_look(client: FlaskClient, store: Store, path: str, number: int) -> float:
    """Seconds that the feed takes right after one new article."""
    add(store, issue(f"new-{path}-{number}", START + timedelta(days=36_500, minutes=number), 1))
    started = time.perf_counter()
    answer = client.get(path)
    taken = time.perf_counter() - started
    assert answer.status_code == 200
    assert path != "/feed.xml" or f"new-{path}-{number}/0".encode() in answer.data
    return taken


def measure_rendering(articles: int, rounds: int) -> None:
    """Print milliseconds for a small and a large store, and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        stores: dict[int, tuple[Any, Store]] = {}
        for size in (1000, articles):
            settings = load_settings(data=Path(folder) / str(size))
            settings.data.mkdir()
            store = open_store(settings.database_url)
            started = time.perf_counter()
            fill(store, settings.data / "feedsvc.db", size)
            found = store.counts().articles
            file = (settings.data / "feedsvc.db").stat().st_size / 1e6
            print(f"store of {found} articles: {file:.0f} MB, made in {time.perf_counter() - started:.0f} s")
            stores[size] = (create_app(settings, store).test_client(), store)
        for path in (
            "/feed.xml",
            "/feed.json",
            "/newsletters/news-7/feed.xml",
            "/feed.xml?section=Section%203",
            "/feed.xml?min_minutes=5&max_minutes=9",
            "/feed.xml?group=issue&limit=20",
            "/archive/401-500/feed.xml",
            "/feed.xml?q=idea",  # in every article
            "/feed.xml?q=section+3",  # in each sixth
            "/feed.xml?q=number+7&limit=50",  # in each fifteenth: of 1,000, 66
            "/feed.xml?q=nowhere",
        ):
            taken: dict[int, list[float]] = {size: [] for size in stores}
            for number in range(rounds):
                for size, (client, store) in stores.items():
                    taken[size].append(first_look(client, store, path, number))
            small, large = (statistics.median(taken[size]) * 1000 for size in stores)
            print(f"{path:42} {small:8.1f} ms {large:8.1f} ms   ratio {large / small:.2f}")
        for _, store in stores.values():
            store.close()


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument(
        "--articles", type=int, default=1_000_000, help="in the large store (default 1000000; 0: HTTP only)"
    )
    arguments.add_argument("--rounds", type=int, default=15, help="of each; the median counts (default 15)")
    given = arguments.parse_args()
    measure_http(given.rounds)
    if given.articles:
        measure_rendering(given.articles, given.rounds)


if __name__ == "__main__":
    main()
