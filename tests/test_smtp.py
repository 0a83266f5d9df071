"""Mail by SMTP and LMTP, from smtplib and swaks, over real sockets."""

from __future__ import annotations

import shutil
import smtplib
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from digests import plain_mail
from waiting import until

from feedsvc.config import Settings, load_settings, prepare_folders
from feedsvc.errors import SettingsError
from feedsvc.ingest import Ingester
from feedsvc.intake.envelope import given_name, recipient_of, with_envelope
from feedsvc.intake.smtp import MAX_UNKNOWN, MailServer, Way
from feedsvc.intake.spool import Spool
from feedsvc.store import Store, open_store


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def store(data: Path) -> Iterator[Store]:
    with open_store(f"sqlite:///{data / 'feedsvc.db'}") as opened:
        yield opened


@contextmanager
def serving(data: Path, store: Store, way: Way = "smtp", **given: object) -> Iterator[tuple[MailServer, Settings]]:
    """A mail server on a free port, with these settings."""
    settings = load_settings(data=data, **{way: "127.0.0.1:0", "mail_domain": "in.example.org"}, **given)
    prepare_folders(settings)
    server = MailServer(settings, store, lambda: None, way)
    server.start()
    try:
        yield server, settings
    finally:
        server.stop()
        server.stop()


@pytest.fixture
def address(store: Store) -> str:
    """A secret address that mail is taken for."""
    return f"{store.add_address('weekly').secret}@in.example.org"


def spooled(settings: Settings) -> list[bytes]:
    """What waits, oldest first."""
    return [waiting.path.read_bytes() for waiting in Spool(settings.spool).waiting()]


def test_a_message_for_a_secret_address_is_safe_before_the_answer(data: Path, store: Store, address: str) -> None:
    with serving(data, store) as (server, settings), smtplib.SMTP(server.host, server.port) as client:
        client.sendmail("bounce@example.org", [address.upper().replace("@", "+Weekly-Digest@")], plain_mail(1))
        (found,) = spooled(settings)
        head, _, rest = found.partition(b"From: Example")
        assert head.startswith(b"Return-Path: <bounce@example.org>\r\nDelivered-To: ")
        assert b"From: Example" + rest == plain_mail(1) + b"\r\n"
    report = Ingester(settings, store).drain()
    assert report.count("new") == 1
    (row,) = store.messages()
    assert (row.way, row.recipient) == ("smtp", address.upper().replace("@", "+Weekly-Digest@"))
    assert store.newsletters()[0].newsletter.name == "Weekly Digest", "the address gives it the name"
    (intake,) = store.intakes()
    assert (intake.way, intake.brought, intake.failed) == ("smtp", 1, 0)


def test_the_same_message_sent_again_is_there_once(data: Path, store: Store, address: str) -> None:
    with serving(data, store) as (server, settings), smtplib.SMTP(server.host, server.port) as client:
        for _ in range(3):
            client.sendmail("bounce@example.org", [address], plain_mail(1))
    report = Ingester(settings, store).drain()
    assert (report.count("new"), report.count("duplicate")) == (1, 2)
    assert store.counts().messages == 1


@pytest.mark.parametrize(
    "wrong",
    ["nobody@in.example.org", "{secret}@elsewhere.example", "{secret}", "@in.example.org", "{secret}x@in.example.org"],
)
def test_other_recipients_are_refused_at_once(data: Path, store: Store, address: str, wrong: str) -> None:
    wrong = wrong.replace("{secret}", address.partition("@")[0])
    with serving(data, store) as (server, settings), smtplib.SMTP(server.host, server.port) as client:
        client.ehlo()
        client.mail("a@example.org")
        code, _ = client.rcpt(wrong)
        assert code in (550, 553, 501, 555)
        assert spooled(settings) == []


def test_a_removed_address_takes_nothing_more(data: Path, store: Store, address: str) -> None:
    with serving(data, store) as (server, settings), smtplib.SMTP(server.host, server.port) as client:
        client.sendmail("a@example.org", [address], plain_mail(1))
        assert store.remove_address(address.partition("@")[0])
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            client.sendmail("a@example.org", [address], plain_mail(2))
        assert len(spooled(settings)) == 1


def test_guessing_addresses_ends_the_connection(data: Path, store: Store) -> None:
    with serving(data, store) as (server, _), smtplib.SMTP(server.host, server.port) as client:
        client.ehlo()
        client.mail("a@example.org")
        codes = [client.rcpt(f"guess{number}@in.example.org")[0] for number in range(MAX_UNKNOWN + 1)]
        assert codes == [550] * MAX_UNKNOWN + [421]
        assert until(lambda: _closed(client))


def _closed(client: smtplib.SMTP) -> bool:
    try:
        client.noop()
    except (smtplib.SMTPException, OSError):
        return True
    return False


def test_a_message_that_is_too_large_is_refused_before_and_after_it_was_sent(
    data: Path, store: Store, address: str
) -> None:
    with serving(data, store, max_message_bytes=5000) as (server, settings):
        with smtplib.SMTP(server.host, server.port) as client:
            client.ehlo()
            assert client.mail("a@example.org", [f"SIZE={6000}"])[0] == 552
            client.rset()
            client.mail("a@example.org")  # does not say how large it is
            client.rcpt(address)
            assert client.data(b"x\r\n" * 3000)[0] == 552
            client.sendmail("a@example.org", [address], plain_mail(1))  # and the next one is taken
        assert len(spooled(settings)) == 1


def test_long_lines_and_bytes_of_any_kind_are_kept(data: Path, store: Store, address: str) -> None:
    body = b"Subject: x\r\n\r\n" + b"<td>" * 50_000 + b"\r\n..dots\r\n.\xff\xfe\x80 \r\n\nFrom a\n.\nb\r\n"
    with serving(data, store) as (server, settings), socket.create_connection((server.host, server.port)) as wire:
        file = wire.makefile("rwb")
        file.readline()
        for line in (b"EHLO x", b"MAIL FROM:<> BODY=8BITMIME", f"RCPT TO:<{address}>".encode(), b"DATA"):
            file.write(line + b"\r\n")
            file.flush()
            while file.readline()[3:4] == b"-":
                pass
        file.write(body.replace(b"\r\n.", b"\r\n..") + b".\r\n")
        file.flush()
        assert file.readline().startswith(b"250")
        (found,) = spooled(settings)
        assert found == with_envelope(body, "", [address])


def test_a_full_disk_is_a_temporary_answer(
    data: Path, store: Store, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(data, store) as (server, settings), smtplib.SMTP(server.host, server.port) as client:
        (settings.spool).rename(settings.data / "gone")
        with pytest.raises(smtplib.SMTPDataError) as refused:
            client.sendmail("a@example.org", [address], plain_mail(1))
        assert refused.value.smtp_code == 452
        (settings.data / "gone").rename(settings.spool)
        client.sendmail("a@example.org", [address], plain_mail(1))
        assert len(spooled(settings)) == 1


def test_connections_and_messages_are_bounded(data: Path, store: Store, address: str) -> None:
    with serving(data, store, smtp_connections=2, smtp_rate=3) as (server, settings):
        with smtplib.SMTP(server.host, server.port) as first, smtplib.SMTP(server.host, server.port):
            with pytest.raises(smtplib.SMTPConnectError) as refused:
                smtplib.SMTP(server.host, server.port)
            assert refused.value.smtp_code == 421
            for number in range(3):
                first.sendmail("a@example.org", [address], plain_mail(number))
            with pytest.raises(smtplib.SMTPRecipientsRefused) as slow:
                first.sendmail("a@example.org", [address], plain_mail(4))
            assert slow.value.recipients[address][0] == 451
        assert until(lambda: _can_connect(server)), "a place that was left is free again"
        assert len(spooled(settings)) == 3


def _can_connect(server: MailServer) -> bool:
    try:
        smtplib.SMTP(server.host, server.port).close()
    except smtplib.SMTPException:
        return False
    return True


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl to make a certificate with")
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out", cert],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


def test_starttls(data: Path, store: Store, address: str, certificate: tuple[Path, Path]) -> None:
    cert, key = certificate
    with (
        serving(data, store, smtp_cert=cert, smtp_key=key) as (server, settings),
        smtplib.SMTP(server.host, server.port) as client,
    ):
        client.starttls(context=ssl.create_default_context(cafile=str(cert)))
        client.sendmail("a@example.org", [address], plain_mail(1))
        assert len(spooled(settings)) == 1


def test_a_certificate_that_cannot_be_read_is_a_setting_to_mend(data: Path, store: Store) -> None:
    with pytest.raises(SettingsError, match="smtp_cert"), serving(data, store, smtp_cert=data / "no.pem"):
        pass


def test_a_port_in_use_is_said(data: Path, store: Store) -> None:
    with serving(data, store) as (server, _):
        settings = load_settings(data=data, smtp=f"127.0.0.1:{server.port}")
        with pytest.raises(SettingsError, match="cannot listen there"):
            MailServer(settings, store, lambda: None).start()


def test_lmtp_answers_for_each_recipient(data: Path, store: Store, address: str) -> None:
    other = f"{store.add_address('other').secret}@in.example.org"
    with serving(data, store, "lmtp") as (server, settings):
        with smtplib.LMTP(server.host, server.port) as client:
            assert client.sendmail("a@example.org", [address], plain_mail(2)) == {}
            client.mail("a@example.org")
            client.rcpt(address)
            client.rcpt(other)
            assert client.data(plain_mail(1))[0] == 250
            assert client.getreply()[0] == 250, "the second answer, for the second recipient"
            assert client.noop()[0] == 250
        assert [message.count(b"Delivered-To:") for message in spooled(settings)] == [1, 2]
    Ingester(settings, store).drain()
    assert {row.recipient for row in store.messages()} == {address}
    assert {row.way for row in store.messages()} == {"lmtp"}


@pytest.mark.skipif(shutil.which("swaks") is None, reason="swaks is not installed")
@pytest.mark.parametrize("way", ["smtp", "lmtp"])
def test_swaks(data: Path, store: Store, address: str, way: Way, tmp_path: Path) -> None:
    (tmp_path / "mail.eml").write_bytes(plain_mail(1))
    with serving(data, store, way) as (server, settings):
        run = subprocess.run(
            ["swaks", "--protocol", way.upper(), "--server", f"{server.host}:{server.port}", "--to", address,
             "--from", "a@example.org", "--data", f"@{tmp_path / 'mail.eml'}", "--pipeline"],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stdout + run.stderr
        assert len(spooled(settings)) == 1


def test_many_connections_at_once_lose_nothing(data: Path, store: Store, address: str) -> None:
    with serving(data, store, smtp_rate=10_000) as (server, settings):

        def send(first: int) -> None:
            with smtplib.SMTP(server.host, server.port) as client:
                for number in range(first, first + 20):
                    client.sendmail("a@example.org", [address], plain_mail(number))

        threads = [threading.Thread(target=send, args=(first,)) for first in range(0, 160, 20)]
        started = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(spooled(settings)) == 160, time.monotonic() - started
    assert Ingester(settings, store).drain().count("new") == 160


def test_what_is_in_the_middle_of_a_message_is_not_taken(data: Path, store: Store, address: str) -> None:
    with serving(data, store) as (server, settings):
        with socket.create_connection((server.host, server.port)) as wire:
            wire.sendall(f"EHLO x\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<{address}>\r\nDATA\r\nSubject: half\r\n".encode())
            time.sleep(0.3)
        time.sleep(0.3)
        assert spooled(settings) == []


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("a+weekly-digest@x", "weekly digest"),
        ("a+TLDR_AI@x", "TLDR AI"),
        ("a@x", None),
        ("a+@x", None),
        ("a+-@x", None),
    ],
)
def test_the_name_that_an_address_gives(address: str, name: str | None) -> None:
    assert given_name(address) == name


def test_an_envelope_cannot_be_forged() -> None:
    made = with_envelope(b"Subject: x\n\n", "a\r\nX: y@b", ["c>\nd@e"])
    assert made == b"Return-Path: <aX:y@b>\nDelivered-To: cd@e\nSubject: x\n\n"
    assert recipient_of(made, "smtp") == "cd@e"
    assert recipient_of(made, "folder") is None
    assert recipient_of(b"Subject: x\n\n", "smtp") is None
