"""The commands about mail that comes in: ways in, addresses, and what a person wants of a newsletter."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from feedsvc.errors import FeedsvcError
from feedsvc.terminal import Commands, complain, counted, data_option, new_table, open_data, rendered

if TYPE_CHECKING:
    from rich.console import Console

    from feedsvc.config import Settings
    from feedsvc.model import Newsletter
    from feedsvc.store import AddressRow, IntakeRow, Store


def take_from_stdin(data: Path | None) -> int:
    """Put the message on standard input into the spool; returns a status of sysexits.h, as mail servers expect it.

    0: it is safe (and taken in at once where that can be); 65: there is no message, or too long a one; 75: try again later;
    78: the settings are wrong.
    """
    import os

    from feedsvc.config import load_settings, prepare_folders
    from feedsvc.ingest import Ingester
    from feedsvc.intake.spool import STDIN, Spool
    from feedsvc.store import open_store

    try:
        settings = load_settings(data=data)
    except FeedsvcError as wrong:
        complain(wrong.detail)
        return os.EX_CONFIG
    try:
        prepare_folders(settings)
        message = sys.stdin.buffer.read(settings.max_message_bytes + 1)
        if message.startswith(b"From "):  # procmail and Postfix may put the line of an mbox before it
            message = message.partition(b"\n")[2]
        if not message.strip():
            complain("there is no message on standard input.")
            return os.EX_DATAERR
        if len(message) > settings.max_message_bytes:
            complain(f"the message is larger than {settings.max_message_bytes:,} bytes (max_message_bytes).")
            return os.EX_DATAERR
        path = Spool(settings.spool).put(message, "message.eml", way=STDIN)
    except (FeedsvcError, OSError) as failure:
        complain(f"{failure.detail if isinstance(failure, FeedsvcError) else failure} Try again later.")
        return os.EX_TEMPFAIL
    try:
        with open_store(settings.database_url) as store:
            if path.exists():  # a server that runs may have it by now
                Ingester(settings, store).drain()
    except FeedsvcError as failure:
        complain(f"the message is safe, and is taken in later: {failure.detail}")
    return 0


@click.command()
@data_option
def status(data: Path | None) -> None:
    """Show each way in: what it brought and when, what failed and why; and what waits.

    \b
    Example:
      feedsvc status --data ~/newsletters
    """
    from rich.text import Text

    from feedsvc.intake.spool import Spool

    with open_data(data) as (settings, store):
        rows = store.intakes()
        counts = store.counts()
        waiting = len(Spool(settings.spool).waiting())

    def cells(console: Console) -> None:
        shown = new_table("Way in", "Last brought", "Messages", "Rejected", "What is wrong")
        for row in rows:
            shown.add_row(row.way, _ago(row.last_brought), str(row.brought), str(row.failed), Text(_wrong(row)))
        if rows:
            console.print(shown)
        else:
            console.print("Nothing has come in yet.")
        console.print(
            f"{counted(counts.issues, 'issue')} of {counted(counts.newsletters, 'newsletter')}, "
            f"{counted(waiting, 'file')} waiting, {counts.rejected} rejected"
        )

    sys.stdout.buffer.write(rendered(cells).encode("utf-8"))
    sys.exit(1 if any(row.problem for row in rows) else 0)


@click.command()
@click.argument("accounts", metavar="[ACCOUNT]...", nargs=-1)
@data_option
def fetch(accounts: tuple[str, ...], data: Path | None) -> None:
    """Look once into the mail accounts and Maildirs that are set up, and take in what is new.

    For those who would rather run this now and then than have `feedsvc serve` do it. ACCOUNT is the name of an account
    in the settings; without any, all accounts and Maildirs are looked into. Exit status 1 tells that one could not be.

    \b
    Examples:
      feedsvc fetch
      feedsvc fetch --data ~/newsletters home
    """
    import threading

    from feedsvc.ingest import Ingester
    from feedsvc.intake.imap import fetch_once
    from feedsvc.intake.maildir import Maildir, look_once

    with open_data(data) as (settings, store):
        known = settings.imap or {}
        for name in accounts:
            if name not in known:
                raise click.BadParameter(f"there is no account {name!r}; there are: {', '.join(known) or 'none'}")
        found = [(f"imap-{name}", *fetch_once(settings, store, name, known[name])) for name in accounts or known]
        for path in () if accounts else settings.maildirs or ():
            maildir = Maildir(settings, store, path)
            found.append((maildir.way, *look_once(maildir, threading.Event())))
        if not found:
            complain("no account and no Maildir is set up. See [imap.NAME] and maildirs in the README.")
            sys.exit(1)
        report = Ingester(settings, store).drain()
    for way, taken, problem in found:
        if problem is not None:
            complain(f"{way}: {problem}")
        else:
            click.echo(f"{way}: {counted(taken, 'message')}")
    for outcome in report.outcomes:
        if outcome.status in ("rejected", "failed"):
            complain(f"{outcome.status}: {outcome.path or outcome.name}: {outcome.detail}")
    sys.exit(1 if any(problem for _, _, problem in found) or report.count("rejected", "failed") else 0)


@click.group(cls=Commands)
def addresses() -> None:
    """Make secret addresses that `feedsvc serve --smtp` takes mail for.

    Whoever knows an address can send to it: give each newsletter one of its own, or use one for all, with a name behind a
    plus (secret+weekly@your.domain).

    \b
    Examples:
      feedsvc addresses add weekly
      feedsvc addresses list
      feedsvc addresses remove k3j9mwp2x7vqtn4h
    """


@addresses.command("add")
@click.argument("name")
@data_option
def add_address(name: str, data: Path | None) -> None:
    """Make an address; NAME is for you, to know it by."""
    with open_data(data) as (settings, store):
        click.echo(_whole(store.add_address(name), settings))
    if settings.mail_domain is None:
        complain("set mail_domain to the domain whose mail comes here; until then any is taken.")


@addresses.command("list")
@data_option
def list_addresses(data: Path | None) -> None:
    """List the addresses."""
    from rich.text import Text

    with open_data(data) as (settings, store):
        rows = store.addresses()

    def cells(console: Console) -> None:
        if not rows:
            console.print("No addresses. Make one: feedsvc addresses add NAME")
            return
        shown = new_table("Name", "Address", "Made")
        for row in rows:
            shown.add_row(Text(row.name), _whole(row, settings), f"{row.created:%Y-%m-%d}")
        console.print(shown)

    sys.stdout.buffer.write(rendered(cells).encode("utf-8"))


@addresses.command("remove")
@click.argument("address")
@data_option
def remove_address(address: str, data: Path | None) -> None:
    """Take no more mail for an address; what came stays."""
    with open_data(data) as (_, store):
        if not store.remove_address(address.partition("@")[0].partition("+")[0].lower()):
            complain("there is no such address. See: feedsvc addresses list")
            sys.exit(1)


@click.group(cls=Commands, invoke_without_command=True)
@click.pass_context
@data_option
def newsletters(context: click.Context, data: Path | None) -> None:
    """List the newsletters that have come in; or mute, rename, keep whole or leave one, or print its rules.

    A newsletter is named as in the column "Name".

    \b
    Examples:
      feedsvc newsletters --data ~/newsletters
      feedsvc newsletters mute daily-deals
      feedsvc newsletters rename tldr-ai "TLDR on AI"
      feedsvc newsletters unsubscribe daily-deals
    """
    if context.invoked_subcommand is not None:
        return
    from rich.text import Text

    with open_data(data) as (settings, store):
        rows = store.newsletters()

    def cells(console: Console) -> None:
        if not rows:
            console.print(Text(f"No newsletters yet. Drop messages into {settings.inbox}, or use: feedsvc ingest FILE"))
            return
        shown = new_table("Newsletter", "Name", "Issues", "Articles", "Last issue", "")
        for row in rows:
            last = f"{row.latest:%Y-%m-%d}" if row.latest else ""
            wishes = ", ".join(word for word, holds in (("muted", row.muted), ("whole", row.whole)) if holds)
            name, slug = Text(row.newsletter.name), Text(row.newsletter.slug)
            shown.add_row(name, slug, str(row.issues), str(row.articles), last, wishes)
        console.print(shown)

    sys.stdout.buffer.write(rendered(cells).encode("utf-8"))


@newsletters.command()
@click.argument("name")
@data_option
def mute(name: str, data: Path | None) -> None:
    """Keep a newsletter out of the feed of all and the front page; its own feed goes on."""
    with open_data(data) as (_, store):
        store.mute_newsletter(_newsletter(store, name).slug, True)


@newsletters.command()
@click.argument("name")
@data_option
def unmute(name: str, data: Path | None) -> None:
    """Let a newsletter into the feed of all again."""
    with open_data(data) as (_, store):
        store.mute_newsletter(_newsletter(store, name).slug, False)


@newsletters.command()
@click.argument("name")
@click.argument("new_name", required=False)
@data_option
def rename(name: str, new_name: str | None, data: Path | None) -> None:
    """Give a newsletter another name; without NEW_NAME, the one that its mails say. Its address and feed stay."""
    with open_data(data) as (_, store):
        store.rename_newsletter(_newsletter(store, name).slug, new_name.strip() or None if new_name else None)


@newsletters.command()
@click.argument("name")
@data_option
def whole(name: str, data: Path | None) -> None:
    """Do not split a newsletter: each issue is one entry, also of those that are here."""
    _keep_whole(name, data, True)


@newsletters.command()
@click.argument("name")
@data_option
def split(name: str, data: Path | None) -> None:
    """Split a newsletter again that was kept whole."""
    _keep_whole(name, data, False)


@newsletters.command()
@click.argument("name")
@data_option
def rules(name: str, data: Path | None) -> None:
    """Print what you mended of a newsletter as a rule, in the form of rules.toml in the data folder.

    \b
    Example:
      feedsvc newsletters rules tldr-ai >> ~/other-data/rules.toml
    """
    from feedsvc.model import Rule
    from feedsvc.split import write_rules

    with open_data(data) as (_, store):
        found = _newsletter(store, name)
        corrections = tuple(row.correction for row in store.corrections_of(found.key))
        whole = found.key in store.whole_keys()
    if not corrections and not whole:
        complain(f"nothing was mended of {found.name}")
        return
    rule = Rule(found.key, f"Mended by hand: {found.name}.", whole, corrections=corrections)
    sys.stdout.buffer.write(write_rules([rule]).encode("utf-8"))


@newsletters.command("unsubscribe")
@click.argument("name")
@data_option
def leave(name: str, data: Path | None) -> None:
    """Leave a newsletter for good, by one request to its sender (RFC 8058); what came stays."""
    from feedsvc.unsubscribe import NotUnsubscribed, unsubscribe

    with open_data(data) as (settings, store):
        found = _newsletter(store, name)
        try:
            host = unsubscribe(settings, store, found.slug)
        except NotUnsubscribed as refusal:
            complain(f"{found.name}: {refusal.detail}")
            sys.exit(1)
    click.echo(f"{found.name}: {host} took the request. It may take some days until no more mail comes.")


def _keep_whole(name: str, data: Path | None, wanted: bool) -> None:
    from feedsvc.reprocess import reprocess

    with open_data(data) as (settings, store):
        found = _newsletter(store, name)
        store.keep_newsletter_whole(found.slug, wanted)
        report = reprocess(settings, store, newsletter=found.key)
    click.echo(f"{counted(report.count('updated', 'duplicate'), 'issue')}, {report.count('updated')} changed")


def _newsletter(store: Store, name: str) -> Newsletter:
    found = store.get_newsletter(name)
    if found is None:
        raise click.BadParameter(f"there is no newsletter {name!r}. Names are in the list: feedsvc newsletters")
    return found


def _whole(row: AddressRow, settings: Settings) -> str:
    return f"{row.secret}@{settings.mail_domain or 'your.domain'}"


def _wrong(row: IntakeRow) -> str:
    parts = [f"since {row.problem_since:%Y-%m-%d %H:%M}: {row.problem}" if row.problem and row.problem_since else ""]
    if row.failure and row.last_failed:
        parts.append(f"{row.last_failed:%Y-%m-%d %H:%M} rejected {row.failure}")
    return "\n".join(part for part in parts if part)


def _ago(moment: datetime | None) -> str:
    if moment is None:
        return "never"
    seconds = (datetime.now(UTC) - moment).total_seconds()
    for unit, name in ((86_400, "day"), (3600, "hour"), (60, "minute")):
        if seconds >= unit:
            return f"{counted(int(seconds // unit), name)} ago"
    return "just now"
