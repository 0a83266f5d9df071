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

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.ingest import Ingester
from feedsvc.intake.spool import HTTP, Arrival, Spool
from feedsvc.store import open_store

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
_REJECTED = {
    "half-a-download.zip": b"PK\x03\x04 and then the connection broke",
    "holiday.eml": b"\x89PNG\r\n\x1a\n is no mail, whatever its name says",
}
_DIGESTS = 34
_BETWEEN_FIXTURES = timedelta(hours=21)
_BETWEEN_DIGESTS = timedelta(hours=61)
_DATE = re.compile(rb"(?m)^Date:.*$")


def mails(now: datetime) -> Iterator[tuple[str, bytes, datetime]]:
    """Each message with its name and date, newest first."""
    sent = now - timedelta(hours=1)
    # Mails first: what a person sees first is then what feedsvc is for.
    for path in sorted(FIXTURES.iterdir(), key=lambda path: (path.suffix != ".eml", path.name)):
        if path.suffix in (".eml", ".html", ".txt"):
            data = path.read_bytes()
            yield path.name, dated(data, sent) if path.suffix == ".eml" else data, sent
            sent -= _BETWEEN_FIXTURES
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
        Spool(settings.spool).put_all([Arrival(bytes_, name) for name, bytes_ in _REJECTED.items()], way=HTTP)
        Ingester(settings, store).drain()
    shutil.rmtree(source)
    return settings


@contextmanager
def serving(app: WSGIApplication) -> Iterator[str]:
    """The address of a real server on loopback that serves this application, while the block lasts."""
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
    running = threading.Thread(target=server.run)
    running.start()
    try:
        yield f"http://127.0.0.1:{server.effective_port}"
    finally:
        server.close()
        server.task_dispatcher.shutdown()
        running.join(10)
