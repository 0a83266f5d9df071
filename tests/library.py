"""A data folder with mail in it that reads like a person's own: the fixtures, as if they had come in these weeks.

What the pages show of time (last issue, articles a week) would be empty with the fixtures' own dates of 2024. So each is
dated anew, the newest an hour ago; between them are digests that are made by rule, over twelve weeks.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import TYPE_CHECKING

import waitress
from digests import digest
from flask import Flask

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.ingest import Ingester
from feedsvc.intake.spool import PAGE, Arrival, Spool
from feedsvc.publish import entry_uuid
from feedsvc.store import Narrowing, open_store
from feedsvc.web.site import EXTENSION

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
_REJECTED = {
    "half-a-download.zip": b"PK\x03\x04 and then the connection broke",
    "holiday.eml": b"\x89PNG\r\n\x1a\n is no mail, whatever its name says",
}
_TRACKED = "<title>Ferry Letters #12</title>" + "".join(  # links that only their newsletter knows where they lead
    f'<p><a href="https://link.mail.beehiiv.com/ss/c/u001.{name}abcdefghijklmnop">{title}</a><br>{words}</p>'
    for name, title, words in (
        ("one", "Why the night ferry still carries letters", "A sack of forty goes over each evening, by hand."),
        ("two", "A pier that was moved by three metres", "The river had moved first, and nobody had told the pier."),
        ("three", "What a lighthouse keeper writes down", "Wind, oil, ships, and once the visit of a goose."),
        ("four", "How to fold a sail for the winter", "Dry, loose, and never twice along the same line."),
    )
)
_COPIES = ("text-footnotes.txt", "text-inline.txt", "text-mojibake.txt")  # of the next one, in other shapes
_NEWEST = "digest-both-parts.eml"
_SHOWN = "ByteBrief AI"  # the newsletter whose pages stand for those of all
_DIGESTS = 34
_BETWEEN_FIXTURES = timedelta(hours=21)
_BETWEEN_DIGESTS = timedelta(hours=61)
_DATE = re.compile(rb"(?m)^Date:.*$")


def mails(now: datetime) -> Iterator[tuple[str, bytes, datetime]]:
    """Each message with its name and date, newest first."""
    sent = now - timedelta(hours=1)
    # A digest with all that a digest can have is the newest: it is what a person sees first.
    for path in sorted(FIXTURES.iterdir(), key=lambda path: (path.name != _NEWEST, path.suffix != ".eml", path.name)):
        if path.suffix in (".eml", ".html", ".txt") and path.name not in _COPIES:
            data = path.read_bytes()
            yield path.name, dated(data, sent) if path.suffix == ".eml" else data, sent
            sent -= _BETWEEN_FIXTURES
    bucket = (FIXTURES / "plain-link-list.html").read_bytes()
    yield "weekend-links.html", bucket.replace(b"Link Bucket", b"Weekend Links"), now - timedelta(days=8, hours=5)
    yield "tracked-links.html", _TRACKED.encode(), now - timedelta(days=9, hours=3)
    sent = now - timedelta(hours=20)
    for number in range(_DIGESTS):
        yield f"digest-{number}.eml", dated(digest(number, items=6), sent), sent
        sent -= _BETWEEN_DIGESTS


def dated(message: bytes, sent: datetime) -> bytes:
    """The message with another date."""
    return _DATE.sub(f"Date: {format_datetime(sent)}".encode(), message, count=1)


def make_library(data: Path) -> Settings:
    """Make the data folder, take the messages in, and return its settings. Two files are rejected."""
    settings = load_settings(data=data, title="Newsletters", resolve="never", settle_s=0.1, rescan_s=0.2)
    prepare_folders(settings)
    source = data.with_name(f"{data.name}-mail")
    source.mkdir()
    for name, message, sent in mails(datetime.now(UTC)):
        (source / name).write_bytes(message)
        os.utime(source / name, (sent.timestamp(), sent.timestamp()))
    with open_store(settings.database_url) as store:
        Ingester(settings, store).ingest_files(sorted(source.iterdir()))
        Spool(settings.spool).put_all([Arrival(bytes_, name) for name, bytes_ in _REJECTED.items()], way=PAGE)
        Ingester(settings, store).drain()
    shutil.rmtree(source)
    return settings


@contextmanager
def serving(app: WSGIApplication) -> Iterator[str]:
    """The address of a real server on loopback that serves this application, while the block lasts."""
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
    running = threading.Thread(target=server.run)
    running.start()

    def close() -> None:
        for channel in list(server.active_channels.values()):
            channel.handle_close()
        server.close()

    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.trigger.pull_trigger(close)  # in the server's own thread, which may be asking for these very sockets
        running.join(10)
        server.task_dispatcher.shutdown()


def pages(app: Flask) -> list[str]:
    """The address of every page that can be read: each rule of the application, filled in from its store, that answers with HTML.

    Raises KeyError where a rule has an argument that nobody has thought of here.
    """
    store = app.extensions[EXTENSION].store
    articles = store.newest(Narrowing(), 1000).articles
    shown = next(one for one in articles if one.newsletter.name == _SHOWN) if articles else None
    known = {
        "filename": "style.css",
        "slug": shown.newsletter.slug if shown else "",
        "issue_id": shown.issue_id if shown else "",
        "entry": next((entry_uuid(one.article.id) for one in articles if one.article.url_state == "tracked"), ""),
        "number": "0",
        "window": "1",
        "extension": "xml",
        "token": "none",
        "message_id": "0" * 64,
        "upload_id": next((row.sha256 for row in store.messages() if shown and row.issue_id == shown.issue_id), ""),
    }
    client = app.test_client()
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()):
            continue
        path = re.sub(r"<(?:[^<>:]+:)?(\w+)>", lambda argument: known[argument[1]], rule.rule)
        with client.get(path) as answer:
            # The mail in an issue's page is left out: nothing runs in it, not even a check.
            framed = "sandbox" in answer.headers["Content-Security-Policy"]
            if answer.mimetype == "text/html" and answer.status_code == 200 and not framed:
                found.append(path)
    return found
