"""What the pages cost when the store grows: `python tests/bench_pages.py [--articles N] [--rounds N]`.

One waitress serves two stores, one of a thousand articles and one of a hundred thousand; each page is asked of both in
turns, so that a busy machine slows both alike. What is timed is the first byte, on a connection of its own. The ratio of
each must be 2 at the most; the exit status is 1 where one is not.

The articles are those of `bench_feeds`. Half of the searches are for a word that every article has, which is the worst
case of one kind, half for what few have.
"""

from __future__ import annotations

import argparse
import multiprocessing
import socket
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import waitress
from bench_feeds import START, add, fill, issue

from feedsvc.config import load_settings
from feedsvc.store import Store, open_store
from feedsvc.web import create_app

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

SMALL = 1000
MAX_RATIO = 2.0
PATHS = (
    "/",
    "/?view=stream",
    "/?q=idea",
    "/?q=scheduler&view=stream",
    "/?q=number%20331",
    "/?q=nobody&section=Section%203&min_minutes=5",
    "/?newsletter=news-7",
    "/?section=Section%203&max_minutes=4",
    "/newsletters",
    "/newsletters/news-7",
    "/subscribe",
)


def serve(told: Connection, articles: int) -> None:
    """Serve both stores, below `/small` and `/large`, until told to end; runs in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        apps = {}
        for name, size in (("small", SMALL), ("large", articles)):
            settings = load_settings(data=Path(folder) / name)
            settings.data.mkdir()
            store = open_store(settings.database_url)
            fill(store, settings.data / "feedsvc.db", size)
            found = store.counts().articles
            _analyse(settings.data / "feedsvc.db")
            apps[f"/{name}"] = (create_app(settings, store), store)
            told.send((name, found))

        def both(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            path = environ["PATH_INFO"]
            for prefix, (app, store) in apps.items():
                if path == f"{prefix}/new":
                    _add_one(store)
                    start_response("204 No Content", [])
                    return ()
                if path.startswith(f"{prefix}/"):
                    changed = {"SCRIPT_NAME": prefix, "PATH_INFO": path.removeprefix(prefix)}
                    return app(environ | changed, start_response)
            raise AssertionError(path)

        listener = socket.create_server(("127.0.0.1", 0))
        told.send(listener.getsockname()[1])
        waitress.create_server(both, sockets=[listener], threads=4).run()


def _analyse(file: Path) -> None:
    """Bring the file to what it is after some days: nothing of the filling left in its log."""
    raw = sqlite3.connect(file)
    raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw.close()


def _add_one(store: Store) -> None:
    number = store.last_number()
    add(store, issue(f"new-{number}", START.replace(year=2100), 1))


def first_byte(port: int, path: str) -> float:
    """Seconds until the first byte of the answer is here."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        started = time.perf_counter()
        connection.sendall(request)
        first = connection.recv(1)
        taken = time.perf_counter() - started
        rest = bytearray(first)
        while piece := connection.recv(1 << 18):
            rest += piece
    assert rest.startswith((b"HTTP/1.1 200", b"HTTP/1.1 204")), bytes(rest[:200])
    return taken


def main() -> None:
    """Measure and print."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--articles", type=int, default=100_000, help="in the large store (default 100000)")
    arguments.add_argument("--rounds", type=int, default=15, help="of each; the median counts (default 15)")
    given = arguments.parse_args()
    here, there = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there, given.articles), daemon=True)
    server.start()
    there.close()  # so that a server that does not start is seen as such
    for _ in range(2):
        print("store {}: {} articles".format(*here.recv()))
    port = here.recv()
    worst = 0.0
    for after_change in (False, True):
        print("first byte, right after one new article:" if after_change else "first byte:")
        for path in PATHS:
            taken: dict[str, list[float]] = {"small": [], "large": []}
            for _ in range(given.rounds + 1):
                for name, times in taken.items():
                    if after_change:
                        first_byte(port, f"/{name}/new")
                    times.append(first_byte(port, f"/{name}{path}"))
            # The first round fills the caches of both.
            small, large = (statistics.median(times[1:]) * 1000 for times in taken.values())
            ratio = statistics.median(b / a for a, b in zip(taken["small"][1:], taken["large"][1:], strict=True))
            worst = max(worst, 0.0 if after_change else ratio)
            print(f"{path:46} {small:8.1f} ms {large:8.1f} ms   ratio {ratio:.2f}")
    server.terminate()
    sys.exit(worst > MAX_RATIO)


if __name__ == "__main__":
    main()
