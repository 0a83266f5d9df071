"""Mail by IMAP, from a real Dovecot on loopback."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from digests import plain_mail
from imapclient import SEEN
from peers import PASSWORD, USER, Dovecot, running_dovecot
from waiting import until

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.errors import SettingsError
from feedsvc.ingest import Ingester
from feedsvc.intake.accounts import secret_of
from feedsvc.intake.imap import ImapIntake, fetch_once
from feedsvc.intake.spool import Spool
from feedsvc.store import Store, open_store
from feedsvc.watching import start_watching
from feedsvc.ways import ImapAccount


@pytest.fixture(scope="module")
def running() -> Iterator[Dovecot]:
    with running_dovecot() as server:
        yield server


@pytest.fixture
def dovecot(running: Dovecot) -> Iterator[Dovecot]:
    yield running
    with running.client() as client:
        for _, _, folder in client.list_folders():
            if folder != "INBOX":
                client.delete_folder(folder)
        client.select_folder("INBOX")
        client.delete_messages(client.search())
        client.expunge()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{tmp_path / 'data' / 'feedsvc.db'}") as opened:
        yield opened


def account(server: Dovecot, tmp_path: Path, **given: Any) -> ImapAccount:
    """The account on this server, over TLS with its certificate checked."""
    (tmp_path / "password").write_text(f"{PASSWORD}\n", encoding="utf-8")
    password = (
        {}
        if {"password_command", "token_command", "password_env"} & given.keys()
        else {"password_file": tmp_path / "password"}
    )
    defaults: dict[str, Any] = {"host": "127.0.0.1", "port": server.imaps, "user": USER, "ca_file": server.certificate}
    return ImapAccount(**(defaults | password | given))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    made = load_settings(data=tmp_path / "data", max_message_bytes=100_000)
    prepare_folders(made)
    return made


def subjects(settings: Settings) -> list[str]:
    """The subjects of what waits in the spool."""
    texts = [waiting.path.read_text("utf-8", "replace") for waiting in Spool(settings.spool).waiting()]
    return sorted(text.partition("Subject: ")[2].splitlines()[0] for text in texts)


def flags(server: Dovecot, folder: str = "INBOX") -> list[tuple[bytes, ...]]:
    """The flags of each message in a folder."""
    with server.client() as client:
        client.select_folder(folder, readonly=True)
        found = client.get_flags(client.search()) if client.search() else {}
    return [tuple(one for one in each if one != b"\\Recent") for _, each in sorted(found.items())]


def test_what_is_new_is_taken_once_and_left_as_it_is(
    dovecot: Dovecot, settings: Settings, store: Store, tmp_path: Path
) -> None:
    mine = account(dovecot, tmp_path)
    dovecot.deliver(plain_mail(1), plain_mail(2))
    assert fetch_once(settings, store, "home", mine) == (2, None)
    assert subjects(settings) == ["Issue 1", "Issue 2"]
    assert flags(dovecot) == [(), ()], "neither seen nor gone"
    assert fetch_once(settings, store, "home", mine) == (0, None)
    dovecot.deliver(plain_mail(3))
    assert fetch_once(settings, store, "home", mine) == (1, None)
    assert Ingester(settings, store).drain().count("new") == 3
    (intake,) = store.intakes()
    assert (intake.way, intake.brought, intake.problem) == ("imap-home", 3, None)
    assert intake.checked is not None


def test_a_crash_before_the_mark_fetches_again_and_doubles_nothing(
    dovecot: Dovecot, settings: Settings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dovecot.deliver(plain_mail(1), plain_mail(2))

    def killed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(store, "set_marks", killed)
        with pytest.raises(KeyboardInterrupt):
            fetch_once(settings, store, "home", account(dovecot, tmp_path))
    assert fetch_once(settings, store, "home", account(dovecot, tmp_path)) == (2, None)
    report = Ingester(settings, store).drain()
    assert (report.count("new"), report.count("duplicate")) == (2, 2)
    assert store.counts().messages == 2


@pytest.mark.parametrize("after", ["seen", "delete"])
def test_after_taking(dovecot: Dovecot, settings: Settings, store: Store, tmp_path: Path, after: str) -> None:
    dovecot.deliver(plain_mail(1), plain_mail(2))
    assert fetch_once(settings, store, "home", account(dovecot, tmp_path, after=after)) == (2, None)
    assert flags(dovecot) == ([(SEEN,), (SEEN,)] if after == "seen" else [])
    assert len(subjects(settings)) == 2


def test_after_taking_it_is_moved_to_a_folder_that_is_made(
    dovecot: Dovecot, settings: Settings, store: Store, tmp_path: Path
) -> None:
    dovecot.deliver(plain_mail(1), plain_mail(2))
    mine = account(dovecot, tmp_path, after="move", move_to="Gelesen/ü")
    assert fetch_once(settings, store, "home", mine) == (2, None)
    assert flags(dovecot) == []
    assert len(flags(dovecot, "Gelesen/ü")) == 2


def test_a_search_and_a_folder(dovecot: Dovecot, settings: Settings, store: Store, tmp_path: Path) -> None:
    with dovecot.client() as client:
        client.create_folder("News")
        client.append("News", plain_mail(1))
        client.append("News", plain_mail(2).replace(b"weekly@", b"other@"))
        client.append("News", plain_mail(3).replace(b"Subject:", b"List-Id: <daily.example.org>\nSubject:"))
        client.append("INBOX", plain_mail(4))
    found = []
    for name, search in {"a": 'FROM "other@"', "b": "HEADER List-Id daily.example", "c": None}.items():
        mine = account(dovecot, tmp_path, folder="News", search=search)
        found.append(fetch_once(settings, store, name, mine)[0])
    assert found == [1, 1, 3]


def test_another_uidvalidity_takes_the_folder_from_its_beginning_without_doubles(
    dovecot: Dovecot, settings: Settings, store: Store, tmp_path: Path
) -> None:
    mine = account(dovecot, tmp_path, folder="News")
    for round_ in range(2):
        with dovecot.client() as client:
            if round_:
                client.delete_folder("News")
                time.sleep(1.1)  # Dovecot makes the number from the time
            client.create_folder("News")
            for number in range(3 + round_):
                client.append("News", plain_mail(number))
        assert fetch_once(settings, store, "home", mine) == (3 + round_, None)
    Ingester(settings, store).drain()
    assert (store.counts().issues, store.counts().messages) == (4, 4)


def test_a_message_that_is_too_long_or_broken_holds_up_no_other(
    dovecot: Dovecot, settings: Settings, store: Store, tmp_path: Path
) -> None:
    dovecot.deliver(plain_mail(1), plain_mail(2) + b"x" * 200_000, b"\xff\xfe \x80 no mail", plain_mail(4))
    assert fetch_once(settings, store, "home", account(dovecot, tmp_path)) == (3, None)
    (intake,) = store.intakes()
    assert intake.failed == 1
    assert "max_message_bytes" in str(intake.failure)
    Ingester(settings, store).drain()
    assert store.counts().issues + store.counts().rejected == 3
    assert fetch_once(settings, store, "home", account(dovecot, tmp_path)) == (0, None)


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
def test_connections(dovecot: Dovecot, settings: Settings, store: Store, tmp_path: Path, security: str) -> None:
    dovecot.deliver(plain_mail(1))
    port = dovecot.imaps if security == "tls" else dovecot.imap
    mine = account(dovecot, tmp_path, security=security, port=port)
    assert fetch_once(settings, store, "home", mine) == (1, None)


def test_xoauth2_with_a_command_that_prints_the_token(
    dovecot: Dovecot, settings: Settings, store: Store, tmp_path: Path
) -> None:
    dovecot.deliver(plain_mail(1))
    mine = account(dovecot, tmp_path, token_command=f"echo {dovecot.token()}")
    assert fetch_once(settings, store, "home", mine) == (1, None)
    wrong = account(dovecot, tmp_path, token_command="echo nonsense")
    taken, problem = fetch_once(settings, store, "home", wrong)
    assert taken == 0
    assert problem is not None


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"password_command": "echo wrong"}, "Check user and password"),
        ({"ca_file": None}, "certificate cannot be trusted"),
        ({"port": 1}, "nobody listens"),
        ({"folder": "No such folder"}, "the server says"),
        ({"search": "NONSENSE ("}, "the server says"),
        ({"password_command": "echo no >&2; exit 3"}, "failed with status 3: no"),
        ({"password_env": "FEEDSVC_TEST_ABSENT"}, "is not set"),
    ],
)
def test_what_cannot_be_is_said_in_words(
    dovecot: Dovecot, settings: Settings, store: Store, tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    taken, problem = fetch_once(settings, store, "home", account(dovecot, tmp_path, **given))
    assert taken == 0
    assert said in str(problem)
    assert PASSWORD not in str(problem)
    assert store.intakes()[0].problem == problem


def test_passwords(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAIL_WORD", "from the environment")
    (tmp_path / "word").write_text("from a file\nsecond line\n")
    host: dict[str, Any] = {"host": "x", "user": "y"}
    assert secret_of("a", ImapAccount(**host, password_env="MAIL_WORD")) == "from the environment"
    assert secret_of("a", ImapAccount(**host, password_file=tmp_path / "word")) == "from a file"
    assert secret_of("a", ImapAccount(**host, password_command="printf 'from a command\\n'")) == "from a command"
    wrong: tuple[dict[str, Any], ...] = (
        {"password_file": tmp_path / "absent"},
        {"password_command": "true"},
        {"token_command": "exit 1"},
    )
    for one in wrong:
        with pytest.raises(SettingsError):
            secret_of("a", ImapAccount(**host, **one))


def test_idle_brings_it_at_once(dovecot: Dovecot, settings: Settings, store: Store, tmp_path: Path) -> None:
    intake = ImapIntake(settings, store, "home", account(dovecot, tmp_path, poll_s=3600), lambda: None)
    intake.start()
    try:
        assert until(lambda: bool(store.intakes())), "it looked once"
        for number in range(3):
            dovecot.deliver(plain_mail(number))
            assert until(lambda wanted=number + 1: len(subjects(settings)) == wanted)  # type: ignore[misc]
    finally:
        started = time.monotonic()
        intake.stop()
        intake.stop()
    assert time.monotonic() - started < 5


def test_a_server_that_was_stopped_and_started_again(settings: Settings, store: Store, tmp_path: Path) -> None:
    with running_dovecot() as server:
        intake = ImapIntake(settings, store, "home", account(server, tmp_path), lambda: None)
        intake.start()
        try:
            server.deliver(plain_mail(1))
            assert until(lambda: len(subjects(settings)) == 1)
            server.stop()
            assert until(lambda: store.intakes()[0].problem is not None)
            server.start()
            server.deliver(plain_mail(2))
            assert until(lambda: len(subjects(settings)) == 2)
            assert until(lambda: store.intakes()[0].problem is None)
        finally:
            intake.stop()


def test_without_idle_it_is_asked(settings: Settings, store: Store, tmp_path: Path) -> None:
    with running_dovecot(idle=False) as server:
        intake = ImapIntake(settings, store, "home", account(server, tmp_path, poll_s=1), lambda: None)
        intake.start()
        try:
            for number in range(2):
                server.deliver(plain_mail(number))
                assert until(lambda wanted=number + 1: len(subjects(settings)) == wanted)  # type: ignore[misc]
        finally:
            intake.stop()


def test_a_server_without_move_gets_a_copy_and_the_original_deleted(
    settings: Settings, store: Store, tmp_path: Path
) -> None:
    with running_dovecot(idle=False) as server:
        server.deliver(plain_mail(1), plain_mail(2))
        with server.client() as client:
            assert not client.has_capability("MOVE")
            client.select_folder("INBOX")
            client.append("INBOX", plain_mail(3), [b"\\Deleted"])  # by somebody else, who may yet want it
        mine = account(server, tmp_path, after="move", move_to="Read", search="UNDELETED")
        assert fetch_once(settings, store, "home", mine) == (2, None)
        assert len(flags(server, "Read")) == 2
        assert flags(server) == [(b"\\Deleted",)]


def test_one_account_that_fails_does_not_stop_the_others(dovecot: Dovecot, settings: Settings, tmp_path: Path) -> None:
    good = account(dovecot, tmp_path)
    wrong = account(dovecot, tmp_path, port=1)
    settings = settings.model_copy(update={"imap": {"wrong": wrong, "good": good}})
    with open_store(settings.database_url) as store:
        watcher = start_watching(settings, store)
        try:
            dovecot.deliver(plain_mail(1))
            assert until(lambda: store.counts().issues == 1)
        finally:
            watcher.stop()
        found = {row.way: row.problem for row in store.intakes()}
        assert found["imap-good"] is None
        assert "nobody listens" in str(found["imap-wrong"])


def test_many_messages(dovecot: Dovecot, settings: Settings, store: Store, tmp_path: Path) -> None:
    with dovecot.client() as client:
        client.multiappend("INBOX", [plain_mail(number) for number in range(300)])
    assert fetch_once(settings, store, "home", account(dovecot, tmp_path)) == (300, None)
    assert len(subjects(settings)) == 300
