"""From files to articles, with the real converter, a real database and real folders."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from articles import newest
from waiting import until

import feedsvc.converter
from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.convert import convert
from feedsvc.ingest import Ingester, Outcome, ingest_paths
from feedsvc.intake.spool import Spool
from feedsvc.model import Issue
from feedsvc.reprocess import reprocess
from feedsvc.store import Counts, Store, open_store
from feedsvc.watching import start_watching

ROOT = Path(__file__).resolve().parents[1]


def _spelt(number: int) -> str:
    """A number in letters: lines that differ in digits alone would count as ones that stand in every issue."""
    return "".join("abcdefghij"[int(digit)] for digit in str(number)) + "word"


def mail(number: int, *, subject: str = "", items: int = 3) -> bytes:
    """A small digest."""
    text = "\n\n".join(
        f"A TITLE THAT IS NUMBER {number}.{item} (3 MINUTE READ)\nhttps://example.com/{number}/{item}\n\n"
        f"A summary of what is to be read at {_spelt(number)} {_spelt(item)}, in a sentence or two."
        for item in range(items)
    )
    head = (
        "From: Example Weekly <weekly@example.org>\nTo: reader@example.net\n"
        f"Subject: {subject or f'Issue {number}'}\nMessage-ID: <{number}@example.org>\n"
        f"Date: Tue, 03 Sep 2024 13:{number % 60:02}:14 +0000\n"
        "Content-Type: text/plain; charset=utf-8\nMIME-Version: 1.0\n\n"
    )
    return (head + text + "\n").encode()


def ids_of(*messages: bytes) -> set[str]:
    """The ids of the articles that these messages become."""
    now = datetime.now(UTC)
    return {article.id for message in messages for article in convert(message, received=now).articles}


def stored_ids(store: Store) -> set[str]:
    """The ids of all articles in the store."""
    kinds = frozenset(("article", "sponsor", "job", "message"))
    return {stored.article.id for stored in newest(store, 10_000, kinds=kinds)}


def archived(settings: Settings) -> set[str]:
    """The hashes of what is in the archive; fails where a name does not tell the truth."""
    found = set()
    for path in settings.archive.rglob("*.*"):
        if path.suffix != ".name":
            assert sha256(path.read_bytes()).hexdigest() == path.name.partition(".")[0]
            found.add(path.relative_to(settings.archive).as_posix())
    return found


def waiting(settings: Settings) -> list[Path]:
    """All that is in the spool, unfinished files too."""
    return sorted(settings.spool.iterdir())


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(data=tmp_path / "data", max_message_bytes=100_000)
    prepare_folders(made)
    return made


def put(settings: Settings, *messages: bytes) -> None:
    """Put messages into the spool."""
    for number, message in enumerate(messages):
        Spool(settings.spool).put(message, f"message {number}.eml")


def test_a_message_becomes_articles_and_is_archived(settings: Settings, store: Store) -> None:
    put(settings, mail(1))
    heard: list[Outcome] = []
    report = Ingester(settings, store).drain(heard.append)
    assert report.outcomes == tuple(heard)
    (outcome,) = heard
    assert (outcome.status, outcome.subject, outcome.newsletter) == ("new", "Issue 1", "Example Weekly")
    assert (report.accepted, report.articles, report.error) == (1, outcome.articles, None)
    assert stored_ids(store) == ids_of(mail(1))
    assert archived(settings) == {f"2024/09/{sha256(mail(1)).hexdigest()}.eml"}
    assert waiting(settings) == []


def test_the_same_message_twice_changes_nothing(settings: Settings, store: Store) -> None:
    copies = (
        mail(1),
        mail(1),
        mail(1).replace(b"\n", b"\r\n"),
        b"Received: from mx.example.net\n\tby mail.example.net; Tue, 3 Sep 2024 13:09:00 +0000\n" + mail(1),
    )
    put(settings, *copies)
    first = Ingester(settings, store).drain()
    assert [outcome.status for outcome in first.outcomes].count("new") == 1
    before = (store.revision(), newest(store))
    put(settings, *copies)
    second = Ingester(settings, store).drain()
    assert {outcome.status for outcome in second.outcomes} == {"duplicate"}
    assert (store.revision(), newest(store)) == before == (1, newest(store))
    assert store.counts().messages == len(archived(settings)) == 3, "each copy's bytes are kept"


def test_saved_bodies_keep_their_suffix_and_name(settings: Settings, store: Store) -> None:
    body = b"# Articles TLDR AI 03-09-2024\n\nA TITLE (2 MINUTE READ)\n\nA summary.\n"
    Spool(settings.spool).put(body, "Articles TLDR AI 03-09-2024.txt")
    assert Ingester(settings, store).drain().accepted == 1
    (name,) = archived(settings)
    assert name == f"2024/09/{sha256(body).hexdigest()}.txt"
    assert (settings.archive / f"{name}.name").read_text() == "Articles TLDR AI 03-09-2024.txt"
    assert next(store.messages()).filename == "Articles TLDR AI 03-09-2024.txt"


def test_what_cannot_be_read_is_rejected_and_the_next_gets_in(settings: Settings, store: Store) -> None:
    put(settings, b"", mail(1))
    Spool(settings.spool).put(b"%PDF-1.4", "issue.pdf")
    Spool(settings.spool).put(b"x" * 200_000, "huge.eml")
    report = Ingester(settings, store).drain()
    assert {(o.name, o.status, o.code) for o in report.outcomes} == {
        ("message 0.eml", "rejected", "empty"),
        ("message 1.eml", "new", None),
        ("issue.pdf", "rejected", "not-a-message"),
        ("huge.eml", "rejected", "too-large"),
    }
    assert {path.name for path in settings.rejected.iterdir()} == {
        f"{name}{suffix}" for name in ("message 0.eml", "issue.pdf", "huge.eml") for suffix in ("", ".reason.txt")
    }
    assert "max_message_bytes" in (settings.rejected / "huge.eml.reason.txt").read_text()
    assert store.counts().rejected == 3
    assert waiting(settings) == []


def test_a_fault_of_our_own_holds_up_nobody(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail_on_two(data: bytes, **options: Any) -> Issue:
        if b"<2@" in data:
            raise RecursionError("too deep")
        return convert(data, **options)

    monkeypatch.setattr(feedsvc.converter, "convert", fail_on_two)
    put(settings, mail(1), mail(2), mail(3))
    report = Ingester(settings, store).drain()
    assert [outcome.status for outcome in report.outcomes] == ["new", "rejected", "new"]
    reason = next(settings.rejected.glob("*.reason.txt")).read_text()
    assert "RecursionError: too deep" in reason and "internal-error" in reason
    assert "fail_on_two" in caplog.text, "the whole traceback is logged"


def test_a_message_that_the_database_refuses_is_rejected_alone(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def one_id_twice(data: bytes, **options: Any) -> Issue:
        issue = convert(data, **options)
        if b"<2@" in data:
            object.__setattr__(issue, "articles", issue.articles + issue.articles)
        return issue

    monkeypatch.setattr(feedsvc.converter, "convert", one_id_twice)
    put(settings, mail(1), mail(2), mail(3))
    assert [o.status for o in Ingester(settings, store).drain().outcomes] == ["new", "rejected", "new"]
    assert stored_ids(store) == ids_of(mail(1), mail(3))


def test_a_locked_database_is_not_the_messages_fault(settings: Settings, store: Store) -> None:
    put(settings, *(mail(number) for number in range(40)))
    with sqlite3.connect(settings.data / "feedsvc.db", isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        report = Ingester(settings, store).drain()
        other.execute("ROLLBACK")
    assert report.count("failed") == len(report.outcomes) > 0
    assert "locked" in str(report.error)
    assert time.monotonic() - started < 60, "it gives up at the first lock, not at each message"
    assert list(settings.rejected.iterdir()) == []
    assert Ingester(settings, store).drain().count("new") == 40


NO_ROOM = """
import resource, sys
from feedsvc.config import load_settings
from feedsvc.ingest import Ingester
from feedsvc.store import open_store
settings = load_settings(data=sys.argv[1])
with open_store(settings.database_url) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
    report = Ingester(settings, store).drain()
    print(report.count("failed"), report.count("rejected"), report.error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits on file sizes there")
def test_a_full_disk_loses_nothing(settings: Settings) -> None:
    messages = [mail(number) for number in range(100)]
    put(settings, *messages)
    run = subprocess.run(
        [sys.executable, "-c", NO_ROOM, str(settings.data)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    number, rejected, error = run.stdout.split(" ", 2)
    assert int(number) > 0, run.stdout
    assert (rejected, list(settings.rejected.iterdir())) == ("0", [])
    assert "the database failed" in error
    with open_store(settings.database_url) as store:
        assert Ingester(settings, store).drain().error is None
        assert stored_ids(store) == ids_of(*messages)
        assert store.counts().issues == len(archived(settings)) == 100


def test_an_mbox_is_taken_apart_and_goes(settings: Settings, store: Store) -> None:
    box = b"".join(b"From x Tue Sep  3 13:08:14 2024\n" + mail(number) + b"\n" for number in range(70))
    Spool(settings.spool).put(box, "all.mbox")
    put(settings, mail(100))
    report = Ingester(settings, store).drain()
    assert report.count("new") == 71
    assert report.outcomes[0].subject == "Issue 100", "a single message does not wait for the mbox"
    assert waiting(settings) == []
    assert stored_ids(store) == ids_of(mail(100), *(mail(number) for number in range(70)))


@pytest.mark.parametrize(("size", "code"), [(150_000, "too-large"), (0, "empty")])
def test_an_mbox_that_cannot_be_taken_whole_is_kept(settings: Settings, store: Store, size: int, code: str) -> None:
    line = b"From x Tue Sep  3 13:08:14 2024\n"
    box = line + mail(1) + b"\n" + line + b"x" * size + b"\n\n" + line + mail(2) if size else b"\n"
    Spool(settings.spool).put(box, "all.mbox")
    report = Ingester(settings, store).drain()
    assert [o.code for o in report.outcomes if o.status == "rejected"] == [code]
    assert report.count("new") == (2 if size else 0)
    assert (settings.rejected / "all.mbox").read_bytes() == box
    assert store.counts().rejected == 1
    assert waiting(settings) == []


# --- files and folders ----------------------------------------------------------------------------------------------


def test_files_and_folders_are_taken_and_stay(settings: Settings, store: Store, tmp_path: Path) -> None:
    source = tmp_path / "old mail"
    (source / "sub").mkdir(parents=True)
    (source / "a.eml").write_bytes(mail(1))
    (source / "sub" / "b.eml").write_bytes(mail(2))
    (source / "all.mbox").write_bytes(b"From x Tue Sep  3 13:08:14 2024\n" + mail(3))
    (source / "picture.jpg").write_bytes(b"\xff\xd8")
    (source / "bad.eml").write_bytes(b"")
    before = {path: path.read_bytes() for path in source.rglob("*") if path.is_file()}
    heard: list[Outcome] = []
    report = ingest_paths([source, tmp_path / "absent.eml"], settings, store, heard.append)
    assert {(o.name, o.status) for o in report.outcomes} == {
        ("a.eml", "new"),
        ("b.eml", "new"),
        ("all-00001.eml", "new"),
        ("picture.jpg", "skipped"),
        ("bad.eml", "rejected"),
        ("absent.eml", "failed"),
    }
    assert sorted(heard, key=str) == sorted(report.outcomes, key=str)
    assert {path: path.read_bytes() for path in source.rglob("*") if path.is_file()} == before
    again = ingest_paths([source], settings, store)
    assert (again.count("new", "updated"), again.count("duplicate")) == (0, 3)
    assert len(list(settings.rejected.iterdir())) == 2


def test_a_file_without_a_date_keeps_its_own(settings: Settings, store: Store, tmp_path: Path) -> None:
    file = tmp_path / "undated.txt"
    file.write_text("A title\n\nA text without any date, that was saved long ago.\n")
    os.utime(file, (1_600_000_000, 1_600_000_000))
    assert ingest_paths([file], settings, store).accepted == 1
    assert newest(store)[0].published == datetime.fromtimestamp(1_600_000_000, UTC)


# --- again from the archive -----------------------------------------------------------------------------------------


def test_reprocess_changes_nothing_where_the_code_is_the_same(settings: Settings, store: Store) -> None:
    put(settings, *(mail(number) for number in range(40)), mail(1).replace(b"\n", b"\r\n"))
    Ingester(settings, store).drain()
    reprocess(settings, store)  # what later issues taught of the earlier ones is used now
    before = (store.revision(), newest(store, 1000), archived(settings))
    report = reprocess(settings, store)
    assert (report.count("duplicate"), len(report.outcomes)) == (40, 40)
    assert (store.revision(), newest(store, 1000), archived(settings)) == before


def test_reprocess_brings_what_better_code_gives_and_keeps_ids(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(settings, mail(1), mail(2), mail(3))
    Ingester(settings, store).drain()
    before = stored_ids(store)

    def better(data: bytes, **options: Any) -> Issue:
        if b"<3@" in data:
            raise ValueError("worse")
        issue = convert(data, **options)
        if b"<2@" in data:
            object.__setattr__(issue.articles[0], "summary", "Better")
        return issue

    monkeypatch.setattr(feedsvc.converter, "convert", better)
    report = reprocess(settings, store)
    assert sorted(outcome.status for outcome in report.outcomes) == ["duplicate", "rejected", "updated"]
    assert stored_ids(store) == before, "what fails now keeps what it had"
    assert "Better" in {stored.article.summary for stored in newest(store)}
    assert list(settings.rejected.iterdir()) == []
    assert len(archived(settings)) == 3


def test_a_lost_database_is_made_anew_from_the_archive(settings: Settings) -> None:
    with open_store(settings.database_url) as store:
        put(settings, mail(1), mail(1).replace(b"\n", b"\r\n"), mail(2))
        Spool(settings.spool).put(
            b"A title\n\nA text without a date.\n", "My letter.txt", datetime(2023, 5, 6, tzinfo=UTC)
        )
        Ingester(settings, store).drain()
        before = newest(store)
        files = archived(settings)
    for path in settings.data.glob("feedsvc.db*"):
        path.unlink()
    with open_store(settings.database_url) as store:
        report = reprocess(settings, store)
        assert (report.count("new"), report.count("duplicate")) == (3, 1)
        assert newest(store) == before
        assert archived(settings) == files
        assert {outcome.status for outcome in reprocess(settings, store).outcomes} == {"duplicate"}


def test_a_message_whose_date_is_read_better_stays_findable(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_store(settings.database_url) as store:
        put(settings, mail(1), mail(1).replace(b"\n", b"\r\n"))
        Ingester(settings, store).drain()

    def a_month_later(data: bytes, **options: Any) -> Issue:
        issue = convert(data, **options)
        return replace(issue, sent=issue.sent + timedelta(days=31))

    monkeypatch.setattr(feedsvc.converter, "convert", a_month_later)
    with open_store(settings.database_url) as store:
        assert [outcome.status for outcome in reprocess(settings, store).outcomes] == ["updated"]
        assert {outcome.status for outcome in reprocess(settings, store).outcomes} == {"duplicate"}
    for path in settings.data.glob("feedsvc.db*"):
        path.unlink()
    with open_store(settings.database_url) as store:
        assert reprocess(settings, store).accepted == 2
        assert {Path(name).parent.as_posix() for name in archived(settings)} == {"2024/10"}
        assert {outcome.status for outcome in reprocess(settings, store).outcomes} == {"duplicate"}


def test_a_file_missing_from_the_archive_is_reported_and_its_articles_stay(settings: Settings, store: Store) -> None:
    put(settings, mail(1), mail(2))
    Ingester(settings, store).drain()
    (settings.archive / "2024" / "09" / f"{sha256(mail(1)).hexdigest()}.eml").unlink()
    report = reprocess(settings, store)
    assert sorted(outcome.status for outcome in report.outcomes) == ["duplicate", "failed"]
    assert stored_ids(store) == ids_of(mail(1), mail(2))


# --- watching -------------------------------------------------------------------------------------------------------


def test_a_dropped_message_is_in_the_store_within_three_seconds(settings: Settings, store: Store) -> None:
    watcher = start_watching(settings, store)
    try:
        for number in range(3):
            (settings.inbox / f"{number}.eml").write_bytes(mail(number))
            assert until(lambda wanted=number + 1: store.counts().issues == wanted, 3)  # type: ignore[misc]
        put(settings, mail(9))  # as another process does
        assert until(lambda: store.counts().issues == 4)
    finally:
        watcher.stop()
        watcher.stop()
    assert waiting(settings) == []
    (settings.inbox / "later.eml").write_bytes(mail(10))
    time.sleep(1.5)
    assert store.counts().issues == 4, "it has stopped"


def test_a_watcher_stops_soon_however_much_waits(settings: Settings, store: Store) -> None:
    put(settings, *(mail(number) for number in range(300)))
    watcher = start_watching(settings, store)
    assert until(lambda: store.counts().issues > 0)
    started = time.monotonic()
    watcher.stop()
    assert time.monotonic() - started < 5
    left = len(waiting(settings))
    assert left > 0
    assert Ingester(settings, store).drain().count("new") == left


TWO_AT_ONCE = """
import sys
from pathlib import Path
from feedsvc.config import load_settings
from feedsvc.ingest import Ingester, ingest_paths
from feedsvc.store import open_store
settings = load_settings(data=sys.argv[1])
with open_store(settings.database_url) as store:
    report = ingest_paths([Path(sys.argv[2])], settings, store) if len(sys.argv) > 2 else Ingester(settings, store).drain()
    print(report.count("new"), report.count("duplicate"), report.count("failed", "rejected"))
"""


def test_processes_that_take_from_one_spool_do_not_get_in_each_others_way(settings: Settings, tmp_path: Path) -> None:
    put(settings, *(mail(number) for number in range(60)))
    (tmp_path / "files").mkdir()
    for number in range(30, 90):
        (tmp_path / "files" / f"{number}.eml").write_bytes(mail(number))
    commands = [[], [], [str(tmp_path / "files")]]
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", TWO_AT_ONCE, str(settings.data), *arguments],
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for arguments in commands
    ]
    counted = [[int(word) for word in run.communicate(timeout=120)[0].split()] for run in runs]
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert sum(new for new, _, _ in counted) == 90
    assert sum(bad for _, _, bad in counted) == 0
    with open_store(settings.database_url) as store:
        assert store.counts().issues == store.counts().messages == 90
        assert stored_ids(store) == ids_of(*(mail(number) for number in range(90)))
    assert len(archived(settings)) == 90
    assert waiting(settings) == []


def test_everything_odd_ends_in_the_store_or_among_the_rejected(shared: Path, tmp_path: Path) -> None:
    settings = load_settings(data=tmp_path / "data")
    prepare_folders(settings)
    odd = sorted(path for path in (shared / "odd-mail").iterdir() if path.is_file())
    for path in odd:
        shutil.copyfile(path, settings.inbox / path.name)
    with open_store(settings.database_url) as store:
        watcher = start_watching(settings, store)
        try:
            assert until(lambda: not any(settings.inbox.iterdir()) and not waiting(settings))
        finally:
            watcher.stop()
        refused = [path for path in settings.rejected.iterdir() if not path.name.endswith(".reason.txt")]
        known = {sha256(path.read_bytes()).hexdigest() for path in odd}
        assert store.counts().messages + len({sha256(p.read_bytes()).hexdigest() for p in refused}) == len(known)
        assert store.counts().rejected == len(refused)
        assert not any("feedsvc itself failed" in path.read_text() for path in settings.rejected.glob("*.reason.txt"))
        assert isinstance(store.counts(), Counts)
