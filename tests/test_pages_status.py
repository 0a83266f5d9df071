"""How feedsvc is doing: the page, its retry buttons, and what Prometheus is told."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
from browser import Opener, Served
from digests import plain_mail
from flask.testing import FlaskClient
from playwright.sync_api import expect
from prometheus_client.parser import text_string_to_metric_families
from waiting import until

from feedsvc.config import Settings, load_settings
from feedsvc.ingest import Ingester
from feedsvc.intake.rejects import find_rejected, rejected_files
from feedsvc.intake.spool import PAGE, Spool
from feedsvc.store import Counts, Store
from feedsvc.web import create_app
from feedsvc.web.figures import TROUBLES
from feedsvc.web.status import _uptime, size_words

LARGE = plain_mail(1) + b"x" * 2_000
SMALL = 2_000


def reject(settings: Settings, store: Store, *messages: bytes, name: str = "issue.eml") -> list[str]:
    """Have messages rejected as too large; returns their ids."""
    for message in messages:
        Spool(settings.spool).put(message, name, way=PAGE)
    narrow = settings.model_copy(update={"max_message_bytes": SMALL})
    assert Ingester(narrow, store).drain().count("rejected") == len(messages)
    return [sha256(message).hexdigest() for message in messages]


def retry(client: FlaskClient, rejected: str) -> str:
    answer = client.post("/status/retry", data={"id": rejected})
    assert answer.status_code == 303, answer.text
    return str(answer.location)


def test_a_rejected_message_is_shown_and_tried_again(client: FlaskClient, settings: Settings, store: Store) -> None:
    (rejected,) = reject(settings, store, LARGE)
    page = client.get("/status").text
    assert "issue.eml" in page
    assert f"larger than {SMALL:,} bytes" in page
    assert retry(client, rejected) == f"/add/{rejected}"
    assert list(settings.rejected.iterdir()) == [], "the reason goes with it"
    (waiting,) = Spool(settings.spool).waiting()
    assert (waiting.filename, waiting.way, waiting.path.read_bytes()) == ("issue.eml", PAGE, LARGE)
    assert "waits to be tried again" in client.get("/status").text
    assert "is taken in within seconds" in client.get(f"/add/{rejected}").text
    assert retry(client, rejected) == f"/add/{rejected}", "twice is once"
    assert len(Spool(settings.spool).waiting()) == 1
    Ingester(settings, store).drain()
    assert "Nothing was rejected" in client.get("/status").text
    assert "from Example Weekly" in client.get(f"/add/{rejected}").text


def test_what_fails_again_is_there_once(client: FlaskClient, settings: Settings, store: Store) -> None:
    (rejected,) = reject(settings, store, LARGE)
    retry(client, rejected)
    narrow = settings.model_copy(update={"max_message_bytes": SMALL})
    Ingester(narrow, store).drain()
    assert client.get("/status").text.count('class="file"') == 1
    assert sorted(path.name for path in settings.rejected.iterdir()) == ["issue.eml", "issue.eml.reason.txt"]


def test_of_several_of_one_name_each_is_found(client: FlaskClient, settings: Settings, store: Store) -> None:
    messages = [LARGE, LARGE + b"y", LARGE + b"z"]
    ids = reject(settings, store, *messages, name="is[s]ue*.eml")
    for message, rejected in zip(messages, ids, strict=True):
        path = find_rejected(settings.rejected, "is[s]ue*.eml", rejected)
        assert path is not None
        assert path.read_bytes() == message
    answer = client.post("/status/retry", data={"id": "all"})
    assert answer.location == "/status?done=retried"
    assert "They are tried again." in client.get(answer.location).text
    assert {waiting.path.read_bytes() for waiting in Spool(settings.spool).waiting()} == set(messages)
    Ingester(settings, store).drain()
    assert store.newest_rejections() == ()


def test_rejected_files_are_known_by_what_is_in_them(settings: Settings) -> None:
    folder = settings.rejected
    for name, data in {"message.eml": b"one", "message-1.eml": b"two", "message.eml.reason.txt": b"why"}.items():
        (folder / name).write_bytes(data)
    (folder / "gone.eml").symlink_to(folder / "nowhere")
    (folder / "folder").mkdir()
    files = rejected_files(folder)
    assert {path.name: found for found, path in files.items()} == {
        "message.eml": sha256(b"one").hexdigest(),
        "message-1.eml": sha256(b"two").hexdigest(),
    }
    assert find_rejected(folder, "message.eml", sha256(b"two").hexdigest()) == folder / "message-1.eml"


def test_what_was_taken_away_by_hand_is_forgotten(client: FlaskClient, settings: Settings, store: Store) -> None:
    (rejected,) = reject(settings, store, LARGE)
    for path in settings.rejected.iterdir():
        path.unlink()
    answer = client.post("/status/retry", data={"id": rejected})
    assert answer.status_code == 404
    assert "no longer among the rejected ones" in answer.text
    assert store.newest_rejections() == ()
    assert client.post("/status/retry", data={"id": "../../etc/passwd"}).status_code == 404


def test_an_mbox_that_was_rejected_is_forgotten_once_it_is_taken(
    client: FlaskClient, settings: Settings, store: Store
) -> None:
    (rejected,) = reject(settings, store, b"From a Tue Sep  3 13:08:14 2024\n" + LARGE, name="old.mbox")
    retry(client, rejected)
    Ingester(settings, store).drain()
    assert store.newest_rejections() == ()
    assert "1 message in it; 1 taken in" in client.get(f"/add/{rejected}").text


def test_ways_that_are_set_up_and_what_fails(settings: Settings, store: Store) -> None:
    ways = settings.model_copy(
        update={
            "smtp": "127.0.0.1:2525",
            "imap": load_settings(imap={"home": {"host": "imap.example.org", "user": "me", "password_env": "X"}}).imap,
        }
    )
    client = create_app(ways, store).test_client()
    store.note_look("imap-home", "the server does not answer.")
    store.note_look("maildir-gone-abcdef")
    page = client.get("/status").text
    for words in ("imap.example.org, INBOX", "the server does not answer.", "127.0.0.1:2525", "maildir-gone-abcdef"):
        assert words in page
    assert page.count('class="state fails"') == 1
    assert page.count('class="state off"') == 1


def test_last_warnings_are_those_of_the_log(client: FlaskClient) -> None:
    assert "Last warnings" not in client.get("/status").text, "another server's log is its own"
    log = logging.getLogger("feedsvc")
    log.addHandler(TROUBLES)
    try:
        for number in range(30):
            logging.getLogger("feedsvc.test").warning("trouble <%s>\nwith lines", number)
        page = client.get("/status").text
    finally:
        log.removeHandler(TROUBLES)
    assert "trouble &lt;29&gt; with lines" in page
    assert page.count("trouble &lt;") == 20


def test_prometheus_reads_the_metrics(library: Served) -> None:
    client = create_app(library.settings, library.store).test_client()
    for accept, media_type in (
        ("", "text/plain"),
        ("application/openmetrics-text;version=1.0.0", "application/openmetrics-text"),
    ):
        answer = client.get("/metrics", headers={"Accept": accept})
        assert answer.mimetype == media_type
    counts = library.store.counts()
    found = {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(client.get("/metrics").text)
        for sample in family.samples
    }
    assert found["feedsvc_messages",] == counts.messages
    assert found["feedsvc_newsletters",] == counts.newsletters
    assert sum(value for key, value in found.items() if key[0] == "feedsvc_articles") == counts.articles
    assert found["feedsvc_rejected_messages",] == counts.rejected == 2
    assert found["feedsvc_intake_messages_total", "command"] == counts.messages
    assert found["feedsvc_intake_rejected_total", "page"] == 2
    assert found["feedsvc_intake_last_brought_timestamp_seconds", "command"] == pytest.approx(time.time(), abs=3600)
    assert found["feedsvc_store_bytes", "archive"] > 100_000
    assert found["feedsvc_store_bytes", "database"] > 100_000
    assert found["feedsvc_revision",] == library.store.revision()


def test_metrics_ask_the_store_now_and_then_only(
    client: FlaskClient, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []
    real = Store.counts

    def counting(self: Store) -> Counts:
        asked.append(self)
        return real(self)

    monkeypatch.setattr(Store, "counts", counting)
    for _ in range(5):
        assert client.get("/metrics").status_code == 200
    assert len(asked) == 1


def test_who_has_no_token_gets_no_metrics(settings: Settings, store: Store) -> None:
    behind = settings.model_copy(update={"access_token": load_settings(access_token="of-the-pages").access_token})
    client = create_app(behind, store).test_client()
    assert client.get("/metrics").status_code == 401
    assert client.get("/status").status_code == 401
    assert client.post("/status/retry", data={"id": "all"}).status_code == 401
    assert client.get("/metrics", auth=("any", "of-the-pages")).status_code == 200
    assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (1_449_000, "1.4 MB"), (999_700_000, "1.0 GB"), (10**17, "100000 TB")],
)  # fmt: skip
def test_sizes_are_for_people(size: int, words: str) -> None:
    assert size_words(size) == words


@pytest.mark.parametrize(
    ("ago", "words"),
    [
        (timedelta(seconds=59), ""),
        (timedelta(minutes=1), "1 minute"),
        (timedelta(hours=2), "2 hours"),
        (timedelta(days=1, hours=3, minutes=5), "1 day 3 hours"),
    ],
)
def test_how_long_it_has_been_running(ago: timedelta, words: str) -> None:
    now = datetime.now(UTC)
    assert _uptime(now - ago, now) == words


def test_retry_in_a_browser(own_library: Served, opener: Opener) -> None:
    visit = opener(own_library, "/status")
    page = visit.page
    button = page.get_by_role("button", name="Try again holiday.eml")
    button.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/add/*")

    def is_rejected() -> bool:
        page.reload()
        return page.locator(".upload[data-state='rejected']").count() > 0

    assert until(is_rejected)
    expect(page.locator(".upload")).to_contain_text("The file is an image, not a message.")
    visit.goto("/status")
    expect(page.locator(".rejected li")).to_have_count(2)
