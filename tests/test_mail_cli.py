"""What a person says about mail: by command, by settings, and what is recognised without being told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from articles import newest
from click.testing import CliRunner, Result
from digests import digest, plain_mail
from test_smtp import serving
from webserver import Reply
from webserver import serving as serving_web

from feedsvc.cli import main
from feedsvc.config import Settings, load_settings
from feedsvc.convert import convert
from feedsvc.ingest import Ingester
from feedsvc.intake.confirmation import asks_to_confirm
from feedsvc.intake.senders import Senders, failed_checks
from feedsvc.intake.spool import Spool
from feedsvc.store import Store

PROGRAM = Path(sys.executable).with_name("feedsvc")
NOW = datetime(2024, 9, 4, tzinfo=UTC)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


def run(*arguments: str | Path) -> Result:
    return CliRunner(env={"COLUMNS": "160"}).invoke(main, [str(argument) for argument in arguments])


def take(settings: Settings, store: Store, *messages: bytes, way: str = "folder") -> list[str]:
    """Take these in; returns what became of each."""
    for message in messages:
        Spool(settings.spool).put(message, "message.eml", way=way)
    return [outcome.code or outcome.status for outcome in Ingester(settings, store).drain().outcomes]


# --- standard input -------------------------------------------------------------------------------------------------


def pipe(data: Path, message: bytes, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Hand a message to `feedsvc ingest -`, as a mail server does."""
    return subprocess.run(
        [PROGRAM, "ingest", "--data", data, "-"],
        input=message, capture_output=True, check=False, env=os.environ | environment,
    )  # fmt: skip


def test_a_message_from_a_pipe_is_taken_in_quietly(data: Path, settings: Settings, store: Store) -> None:
    result = pipe(data, b"From a@example.org Tue Sep  3 13:08:14 2024\n" + plain_mail(1))
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")
    assert pipe(data, plain_mail(1)).returncode == 0
    assert (store.counts().issues, store.counts().messages) == (1, 1)
    assert [(row.way, row.brought) for row in store.intakes()] == [("stdin", 2)]


@pytest.mark.parametrize(
    ("message", "environment", "status"),
    [
        (b"", {}, 65),
        (b"\n", {}, 65),
        (b"x" * 3000, {"FEEDSVC_MAX_MESSAGE_BYTES": "2000"}, 65),
        (plain_mail(1), {"FEEDSVC_PORT": "many"}, 78),
        (b"\x00\x01 nothing that can be read \xff", {}, 0),  # safe in rejected/: nothing that the sender could mend
    ],
)
def test_exit_statuses_are_those_of_sysexits(
    data: Path, message: bytes, environment: dict[str, str], status: int
) -> None:
    assert pipe(data, message, **environment).returncode == status


def test_where_nothing_can_be_written_it_is_to_be_tried_again(data: Path) -> None:
    data.parent.mkdir(exist_ok=True)
    data.write_text("a file where the folder belongs")
    result = pipe(data, plain_mail(1))
    assert result.returncode == 75
    assert b"Traceback" not in result.stderr


# --- status, addresses ----------------------------------------------------------------------------------------------


def test_status_says_what_each_way_brought_and_what_failed(data: Path, settings: Settings, store: Store) -> None:
    assert "Nothing has come in yet" in run("status", "--data", data).stdout
    take(settings, store, plain_mail(1), plain_mail(2))
    take(settings, store, b"%PDF-1.4", way="http")
    store.note_look("imap-home", "the server cannot be reached")
    result = run("status", "--data", data)
    assert result.exit_code == 1
    rows = {line.split()[0]: line for line in result.stdout.splitlines() if line.strip()}
    assert "just now" in rows["folder"]
    assert " 2 " in rows["folder"]
    assert "PDF" in rows["http"]
    assert "the server cannot be reached" in rows["imap-home"]
    assert "2 issues of 1 newsletter, 0 files waiting, 1 rejected" in result.stdout
    store.note_look("imap-home")
    assert run("status", "--data", data).exit_code == 0


def test_addresses_are_made_listed_and_removed(data: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDSVC_MAIL_DOMAIN", "in.example.org")
    made = run("addresses", "add", "weekly", "--data", data).stdout.strip()
    assert made.endswith("@in.example.org")
    assert made != run("addresses", "add", "weekly", "--data", data).stdout.strip()
    assert made in run("addresses", "list", "--data", data).stdout
    with serving(data, store) as (server, _):
        assert server.is_known(made)
        assert run("addresses", "remove", made, "--data", data).exit_code == 0
        assert not server.is_known(made)
    assert run("addresses", "remove", made, "--data", data).exit_code == 1


def test_fetch_without_accounts_says_what_to_set(data: Path) -> None:
    result = run("fetch", "--data", data)
    assert result.exit_code == 1
    assert "[imap.NAME]" in result.stderr
    assert run("fetch", "--data", data, "nobody").exit_code == 2


# --- newsletters ----------------------------------------------------------------------------------------------------


def other_mail(number: int) -> bytes:
    """A digest of four articles, of another newsletter."""
    mail = digest(5 * number, 4).replace(b"Daily Digest 0 <post0@", b"Daily Deals <deals@")
    return mail.replace(b"List-Id: <daily0.digest.example>\n", b"")


def combined(store: Store) -> set[str]:
    """The newsletters in the feed of all."""
    return {entry.newsletter.name for entry in newest(store)}


def test_a_muted_newsletter_has_only_its_own_feed(data: Path, settings: Settings, store: Store) -> None:
    take(settings, store, plain_mail(1), other_mail(2))
    before = store.revision()
    assert run("newsletters", "mute", "daily-deals", "--data", data).exit_code == 0
    assert combined(store) == {"Example Weekly"}
    assert store.revision() > before
    assert len(newest(store, newsletter="daily-deals")) == 4
    assert "muted" in run("newsletters", "--data", data).stdout
    take(settings, store, other_mail(3))
    assert combined(store) == {"Example Weekly"}
    run("newsletters", "unmute", "daily-deals", "--data", data)
    assert combined(store) == {"Example Weekly", "Daily Deals"}


def test_a_given_name_stays_whatever_the_mails_say(data: Path, settings: Settings, store: Store) -> None:
    take(settings, store, other_mail(1))
    run("newsletters", "rename", "daily-deals", "Bargains", "--data", data)
    assert combined(store) == {"Bargains"}
    take(settings, store, other_mail(2).replace(b"Daily Deals", b"Deals of the Day"))
    assert combined(store) == {"Bargains"}
    run("newsletters", "rename", "daily-deals", "--data", data)
    assert combined(store) == {"Deals of the Day"}


def test_a_newsletter_kept_whole_is_one_entry_an_issue(data: Path, settings: Settings, store: Store) -> None:
    take(settings, store, plain_mail(1), other_mail(2))
    result = run("newsletters", "whole", "daily-deals", "--data", data)
    assert result.stdout == "1 issue, 1 changed\n"
    assert len(newest(store, newsletter="daily-deals")) == 1
    assert len(newest(store, newsletter="example-weekly")) == 1
    take(settings, store, other_mail(3))
    assert len(newest(store, newsletter="daily-deals")) == 2
    run("newsletters", "split", "daily-deals", "--data", data)
    assert len(newest(store, newsletter="daily-deals")) == 8


def test_a_newsletter_that_is_not_there(data: Path) -> None:
    for command in ("mute", "unmute", "rename", "whole", "split", "unsubscribe"):
        result = run("newsletters", command, "no-such", "--data", data)
        assert result.exit_code == 2
        assert "feedsvc newsletters" in result.stderr


# --- leaving --------------------------------------------------------------------------------------------------------


def leaving_mail(*headers: str) -> bytes:
    """A mail with these headers."""
    return "".join(f"{header}\n" for header in headers).encode() + plain_mail(1)


def test_unsubscribing_is_one_post_and_only_on_request(data: Path, settings: Settings, store: Store) -> None:
    with serving_web() as site:
        site.pages["/leave"] = Reply(200)
        issue = replace(  # a mail with an address of plain http would not say so
            convert(plain_mail(1), received=NOW),
            unsubscribe=("mailto:leave@example.org", f"{site.url}/leave?id=me"),
            one_click=True,
        )
        store.add_issue(issue, sha256="0" * 64, received=NOW, size=1, filename=None)
        assert site.asked == [], "nothing asks it by itself"
        (data / "feedsvc.toml").write_text(f"resolve_loopback_ports = [{site.port}]\n")
        result = run("newsletters", "unsubscribe", "example-weekly", "--data", data)
        assert (result.exit_code, site.posted) == (0, [("/leave?id=me", b"List-Unsubscribe=One-Click")]), result.stderr
        assert "cookie" not in site.asked[0].headers
        site.pages["/leave"] = Reply.to(f"{site.url}/elsewhere", 303)
        result = run("newsletters", "unsubscribe", "example-weekly", "--data", data)
        assert result.exit_code == 1
        assert "status 303" in result.stderr
        assert site.paths() == ["/leave?id=me"] * 2, "a redirect is not followed"
    for entry in newest(store):
        assert "leave" not in repr(entry), "it is published nowhere"


@pytest.mark.parametrize(
    ("headers", "said"),
    [
        ([], "do not say how"),
        (["List-Unsubscribe: <https://example.org/leave>"], "browser: https://example.org/leave"),
        (["List-Unsubscribe: <mailto:leave@example.org>"], "empty mail to leave@example.org"),
        (
            ["List-Unsubscribe: <https://127.0.0.1:1/x>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"],
            "Open this in a browser",
        ),
        (
            ["List-Unsubscribe: <http://example.org/x>", "List-Unsubscribe-Post: List-Unsubscribe=One-Click"],
            "no one-click way",
        ),
    ],
)
def test_where_there_is_no_one_click_a_person_is_told_what_to_do(
    data: Path, settings: Settings, store: Store, headers: list[str], said: str
) -> None:
    take(settings, store, leaving_mail(*headers))
    result = run("newsletters", "unsubscribe", "example-weekly", "--data", data)
    assert result.exit_code == 1
    assert said in result.stderr


# --- whose mail -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lists", "became"),
    [
        ({}, "new"),
        ({"deny": ("weekly@example.org",)}, "denied"),
        ({"deny": ("<WEEKLY@Example.ORG>",)}, "denied"),
        ({"deny": ("example.org",)}, "denied"),
        ({"deny": ("@example.org",)}, "denied"),
        ({"deny": ("ample.org",)}, "new"),
        ({"deny": ("list.example.net",)}, "denied"),
        ({"deny": ("example.net",)}, "denied"),
        ({"allow": ("other.org",)}, "not-allowed"),
        ({"allow": ("other.org", "list.example.net")}, "new"),
        ({"allow": ("example.org",), "deny": ("list.example.net",)}, "denied"),
    ],
)
def test_allow_and_deny(settings: Settings, store: Store, lists: dict[str, Any], became: str) -> None:
    mail = b"List-Id: Our list <list.example.net>\n" + plain_mail(1)
    assert take(settings.model_copy(update=lists), store, mail) == [became]
    if became != "new":
        assert store.get_rejection(next(iter(_hashes(settings)))) is not None


def _hashes(settings: Settings) -> Iterator[str]:
    import hashlib

    for path in settings.rejected.glob("*.eml"):
        yield hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    ("results", "failed"),
    [
        ("mx.example.net; dmarc=fail (p=NONE) header.from=example.org", True),
        ("mx.example.net; dmarc=pass; spf=fail; dkim=fail", False),
        ("mx.example.net; spf=pass smtp.mailfrom=a@b; dkim=fail reason=x", False),
        ("mx.example.net; spf=softfail; dkim=none", True),
        ("mx.example.net 1; dkim=fail header.d=example.org", True),
        ("mx.example.net; none", False),
        ("mx.example.net; dkim=temperror", False),
        ("mx.example.net;\n spf=fail (sender ; is=not designated)\n smtp.mailfrom=x", True),
        ("", False),
    ],
)
def test_failed_authentication_is_held_back_where_that_is_set(
    settings: Settings, store: Store, tmp_path: Path, results: str, failed: bool
) -> None:
    mail = (f"Authentication-Results: {results}\n".encode() if results else b"") + plain_mail(1)
    assert (failed_checks(mail) is not None) == failed
    holding = settings.model_copy(update={"hold_failed_auth": True})
    assert take(holding, store, mail) == ["held-back" if failed else "new"]
    if failed:
        (held,) = settings.rejected.glob("*.eml")
        assert "feedsvc ingest" in held.with_name(f"{held.name}.reason.txt").read_text()
        (settings.data / "feedsvc.toml").write_text("hold_failed_auth = true\n")
        assert run("ingest", "--data", settings.data, held).exit_code == 0
        assert store.counts().rejected == 0, "and it is no rejected one any more"


def test_only_the_topmost_results_count() -> None:
    forged = b"Authentication-Results: mx; dmarc=fail\nAuthentication-Results: x; dmarc=pass\n" + plain_mail(1)
    assert failed_checks(forged) == "dmarc=fail"


def test_lists_can_come_from_the_environment(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FEEDSVC_DENY", "a@example.org, example.net ,")
    made = load_settings(data=data)
    assert made.deny == ("a@example.org", "example.net")
    issue = convert(plain_mail(1), received=NOW)
    assert Senders(made).refusal(issue, "folder") is None


# --- confirmations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "subject",
    [
        "Please confirm your subscription",
        "Confirm your email address",
        "Verify your e-mail",
        "Action needed: activate your newsletter",
        "Bitte bestätigen Sie Ihre Anmeldung",
        "Newsletter-Anmeldung bestätigen",
        "Confirmez votre inscription",
        "Confirma tu suscripción",
        "Conferma la tua iscrizione",
        "Bevestig je inschrijving",
        "Email verification",
    ],
)
def test_what_asks_to_confirm_stands_out(settings: Settings, store: Store, subject: str) -> None:
    mail = (
        f"From: News <news@example.org>\nSubject: {subject}\nMessage-ID: <c@example.org>\nMIME-Version: 1.0\n"
        "Content-Type: text/plain; charset=utf-8\nDate: Tue, 03 Sep 2024 13:08:14 +0000\n\n"
        "Hello,\n\nwe need a word from you: https://example.org/confirm?token=abc\n\nYour team\n"
    ).encode()
    assert take(settings, store, mail) == ["new"]
    (entry,) = newest(store)
    assert (entry.article.kind, entry.article.label) == ("message", "confirm subscription")


@pytest.mark.parametrize(
    "subject", ["Your order is confirmed", "Confirmed: a new planet", "Weekly no. 5", "Inbox zero", ""]
)
def test_what_only_speaks_of_it_does_not(subject: str) -> None:
    assert not asks_to_confirm(subject)
