"""Maildirs: taken in at once and watched, written by Python's mailbox and by Dovecot's own delivery."""

from __future__ import annotations

import mailbox
import os
import shutil
import threading
from pathlib import Path
from typing import Literal

import pytest
from digests import plain_mail
from peers import running_dovecot
from waiting import until

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.ingest import Ingester, ingest_paths
from feedsvc.intake.files import find_files
from feedsvc.intake.maildir import Maildir, look_once, way_of
from feedsvc.intake.spool import Spool
from feedsvc.store import Store, open_store
from feedsvc.watching import start_watching

NEVER = threading.Event()


@pytest.fixture
def box(tmp_path: Path) -> mailbox.Maildir:
    return mailbox.Maildir(tmp_path / "Mail", create=True)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(data=tmp_path / "data", maildirs=(tmp_path / "Mail",), rescan_s=0.2, max_message_bytes=50_000)
    prepare_folders(made)
    return made


def add(box: mailbox.Maildir, number: int, flags: str = "", folder: Literal["new", "cur"] = "new") -> None:
    """Deliver a message, with these flags."""
    message = mailbox.MaildirMessage(plain_mail(number))
    message.set_subdir(folder)
    message.set_flags(flags)
    box.add(message)


def listing(folder: Path) -> dict[str, tuple[bytes, int]]:
    """All that is in a folder: names, bytes and times."""
    return {
        str(path.relative_to(folder)): (path.read_bytes(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_ingest_takes_a_maildir_at_once(box: mailbox.Maildir, settings: Settings, store: Store, tmp_path: Path) -> None:
    add(box, 1)
    add(box, 2, "S", "cur")
    add(box, 3, "ST", "cur")  # deleted
    add(box, 4, "D", "cur")  # a draft
    (tmp_path / "Mail" / "tmp" / "unfinished").write_bytes(plain_mail(5))
    (tmp_path / "Mail" / ".Sent").mkdir()
    (tmp_path / "Mail" / "new" / "odd").write_bytes(b"no header at all\n\nbut a mail, by where it lies\n")
    assert len(list(find_files([tmp_path / "Mail"]))) == 3
    before = listing(tmp_path / "Mail")
    report = ingest_paths([tmp_path / "Mail"], settings, store)
    assert (report.count("new"), report.count("skipped")) == (3, 0)
    assert listing(tmp_path / "Mail") == before
    assert ingest_paths([tmp_path / "Mail"], settings, store).count("duplicate") == 3


def test_a_watched_maildir_is_read_only_and_remembered(
    box: mailbox.Maildir, settings: Settings, store: Store, tmp_path: Path
) -> None:
    add(box, 1)
    add(box, 2, "RS", "cur")
    add(box, 3, "T", "cur")
    before = listing(tmp_path / "Mail")
    maildir = Maildir(settings, store, tmp_path / "Mail")
    assert look_once(maildir, NEVER) == (2, None)
    assert look_once(maildir, NEVER) == (0, None)
    assert listing(tmp_path / "Mail") == before
    for path in (tmp_path / "Mail" / "new").iterdir():  # a mail program shows it
        path.rename(tmp_path / "Mail" / "cur" / f"{path.name}:2,S")
    add(box, 4)
    again = Maildir(settings, store, tmp_path / "Mail")  # after a restart
    assert look_once(again, NEVER) == (1, None)
    assert Ingester(settings, store).drain().count("new") == 3
    (intake,) = [row for row in store.intakes() if row.brought]
    assert (intake.way, intake.brought) == (way_of(tmp_path / "Mail"), 3)


def test_names_that_are_gone_are_forgotten(
    box: mailbox.Maildir, settings: Settings, store: Store, tmp_path: Path
) -> None:
    for number in range(3):
        add(box, number)
    look_once(Maildir(settings, store, tmp_path / "Mail"), NEVER)
    assert len(store.marks(way_of(tmp_path / "Mail"))) == 3
    box.clear()
    add(box, 9)
    assert look_once(Maildir(settings, store, tmp_path / "Mail"), NEVER) == (1, None)
    assert len(store.marks(way_of(tmp_path / "Mail"))) == 1


def test_one_that_cannot_be_taken_holds_up_no_other(
    box: mailbox.Maildir, settings: Settings, store: Store, tmp_path: Path
) -> None:
    add(box, 1)
    (tmp_path / "Mail" / "new" / "1.huge").write_bytes(plain_mail(2) + b"x" * 60_000)
    (tmp_path / "Mail" / "new" / "2.dangling").symlink_to(tmp_path / "nowhere")
    assert look_once(Maildir(settings, store, tmp_path / "Mail"), NEVER) == (1, None)
    (intake,) = store.intakes()
    assert intake.failed == 1
    assert "max_message_bytes" in str(intake.failure)


def test_what_is_no_maildir_is_said(settings: Settings, store: Store, tmp_path: Path) -> None:
    taken, problem = look_once(Maildir(settings, store, tmp_path / "Mail"), NEVER)
    assert taken == 0
    assert "no Maildir" in str(problem)


def test_the_service_takes_what_is_delivered(
    box: mailbox.Maildir, settings: Settings, store: Store, tmp_path: Path
) -> None:
    watcher = start_watching(settings, store)
    try:
        for number in range(5):
            add(box, number)
            assert until(lambda wanted=number + 1: store.counts().issues == wanted)  # type: ignore[misc]
    finally:
        watcher.stop()


def test_deliveries_in_quick_succession_are_all_seen(
    box: mailbox.Maildir, settings: Settings, store: Store, tmp_path: Path
) -> None:
    maildir = Maildir(settings, store, tmp_path / "Mail")
    done = threading.Event()

    def deliver() -> None:
        for number in range(200):
            add(box, number)
        done.set()

    thread = threading.Thread(target=deliver)
    thread.start()
    taken = 0
    while not done.is_set():
        taken += look_once(maildir, NEVER)[0]
    thread.join()
    while found := look_once(maildir, NEVER)[0]:
        taken += found
    assert taken == len(Spool(settings.spool).waiting()) == 200


def test_a_maildir_that_dovecot_delivers_to(tmp_path: Path) -> None:
    with running_dovecot() as server:
        server.deliver(plain_mail(1), plain_mail(2))
        settings = load_settings(data=tmp_path / "data", maildirs=(server.maildir,), rescan_s=0.2)
        prepare_folders(settings)
        with open_store(settings.database_url) as store:
            watcher = start_watching(settings, store)
            try:
                assert until(lambda: store.counts().issues == 2)
                server.deliver(plain_mail(3))
                with server.client() as client:  # and a mail program marks and moves meanwhile
                    client.select_folder("INBOX")
                    client.add_flags(client.search(), [b"\\Seen"])
                assert until(lambda: store.counts().issues == 3)
                server.deliver(plain_mail(4))
                assert until(lambda: store.counts().issues == 4)
            finally:
                watcher.stop()
            assert store.counts().messages == 4


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="file permissions are others here")
def test_ways_of_equal_names_differ(tmp_path: Path) -> None:
    first, second = way_of(tmp_path / "a" / "Maildir"), way_of(tmp_path / "b" / "Maildir")
    assert first != second
    assert first.startswith("maildir-maildir-")
    assert len(way_of(Path("/" + "ü" * 200))) <= 40
    shutil.rmtree(tmp_path / "a", ignore_errors=True)
