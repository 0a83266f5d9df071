"""The store as others see it: open it, add issues, ask for articles."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from sqlalchemy import Engine

from feedsvc.model import Correction, Issue, Newsletter, StoredArticle
from feedsvc.split import Traits
from feedsvc.store import (
    arrivals,
    feeds,
    figures,
    intakes,
    learning,
    listing,
    mending,
    queries,
    targets,
    tokens,
    writes,
)
from feedsvc.store.arrivals import LinkRow, MinutesRow
from feedsvc.store.batch import Batch
from feedsvc.store.engine import connect, database_errors, reading, writing
from feedsvc.store.feeds import Page, Window
from feedsvc.store.listing import IssueRow, Listing, Place
from feedsvc.store.migrations import migrate
from feedsvc.store.narrowing import Narrowing
from feedsvc.store.revision import RevisionReader
from feedsvc.store.rows import (
    AddressRow,
    AddResult,
    CorrectionRow,
    Counts,
    IntakeRow,
    IssueSheet,
    MessageRow,
    NewsletterRow,
    RejectionRow,
    Rereading,
    State,
    Unsubscribing,
)
from feedsvc.store.targets import Attempts, Found
from feedsvc.store.tokens import TokenRow

_MESSAGES_A_PAGE = 500
_SECRET_CHARS = "abcdefghijkmnpqrstuvwxyz23456789"  # none that is taken for another when it is copied by hand
_SECRET_LENGTH = 16


def open_store(url: str) -> Store:
    """Open the database at this SQLAlchemy address, making or migrating it first.

    Raises StoreError where it cannot be opened, is another program's, or was made by a newer feedsvc.
    """
    engine = connect(url)
    try:
        with database_errors(), writing(engine) as connection:
            migrate(connection)
    except BaseException:
        engine.dispose()
        raise
    return Store(engine)


def _new_secret() -> str:
    """80 bits of chance, in letters that mail servers let pass and that do not depend on case."""
    return "".join(secrets.choice(_SECRET_CHARS) for _ in range(_SECRET_LENGTH))


class Store:
    """Newsletters, issues, articles and messages in a database. Safe to use from several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._revision = RevisionReader(engine)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._revision.close()
        self._engine.dispose()

    @contextmanager
    def batch(self) -> Iterator[Batch]:
        """One transaction for several issues: all are stored when the block ends, or, on any exception, none."""
        with writing(self._engine) as connection:
            batch = Batch(connection)
            yield batch
            batch.finish()

    def add_issue(self, issue: Issue, *, sha256: str, received: datetime, size: int, filename: str | None) -> AddResult:
        """Store an issue and the message that it was made from, in one transaction.

        The same message again, or another copy of it, changes nothing; where the conversion became another, ids stay
        and what differs is updated. `sha256` is of the message's bytes, `size` counts them. Raises StoreError where
        the database fails.
        """
        with self.batch() as batch:
            return batch.add_issue(issue, sha256=sha256, received=received, size=size, filename=filename)

    def record_rejection(self, sha256: str, filename: str | None, code: str, detail: str, received: datetime) -> None:
        """Remember that a message was refused, and why."""
        with self.batch() as batch:
            batch.record_rejection(sha256, filename, code, detail, received)

    def get_rejection(self, sha256: str) -> RejectionRow | None:
        """Why the message with these bytes was refused, or None where it was not."""
        with reading(self._engine) as connection:
            return queries.get_rejection(connection, sha256)

    def newest_rejections(self, limit: int = 100) -> tuple[RejectionRow, ...]:
        """The messages that were rejected and neither taken since nor forgotten, newest first."""
        with reading(self._engine) as connection:
            return figures.newest_rejections(connection, limit)

    def forget_rejection(self, sha256: str) -> None:
        """Forget that the message with these bytes was rejected."""
        with writing(self._engine) as connection:
            figures.forget_rejection(connection, sha256)

    def get_messages(self, hashes: Sequence[str]) -> dict[str, MessageRow]:
        """The messages with these bytes, by their SHA-256, as far as they were taken in."""
        with reading(self._engine) as connection:
            return queries.get_messages(connection, hashes)

    def intakes(self) -> tuple[IntakeRow, ...]:
        """Every way in, with what it brought and what failed."""
        with reading(self._engine) as connection:
            return intakes.all_intakes(connection)

    def note_look(self, way: str, problem: str | None = None) -> None:
        """Note that a way in looked for mail just now: with success, or with this problem."""
        with writing(self._engine) as connection:
            intakes.note_look(connection, way, problem, datetime.now(UTC))

    def note_failures(self, way: str, details: list[str]) -> None:
        """Note messages that a way in could not take, with the reason of each."""
        with self.batch() as batch:
            batch.count_brought(way, 0, details)

    def marks(self, way: str) -> dict[str, str]:
        """What a way in has noted for itself with `set_marks`."""
        with reading(self._engine) as connection:
            return intakes.marks(connection, way)

    def set_marks(self, way: str, noted: Mapping[str, str], *, forget: Iterable[str] = ()) -> None:
        """Note these for a way in, in the place of those of the same names, and forget others."""
        with writing(self._engine) as connection:
            intakes.forget_marks(connection, way, forget)
            intakes.set_marks(connection, way, noted)

    def add_address(self, name: str) -> AddressRow:
        """Make a secret local part under which mail is taken."""
        with writing(self._engine) as connection:
            return intakes.add_address(connection, _new_secret(), name, datetime.now(UTC))

    def remove_address(self, secret: str) -> bool:
        """Take no more mail to this local part; whether there was such."""
        with writing(self._engine) as connection:
            return intakes.remove_address(connection, secret)

    def addresses(self) -> tuple[AddressRow, ...]:
        """Every address, oldest first."""
        with reading(self._engine) as connection:
            return intakes.all_addresses(connection)

    def get_address(self, secret: str) -> AddressRow | None:
        """The address with this local part, or None."""
        with reading(self._engine) as connection:
            return intakes.get_address(connection, secret)

    def rename_newsletter(self, slug: str, name: str | None) -> None:
        """Give a newsletter a name of the person's own; None gives it back the one that its mails say."""
        with self.batch() as batch:
            batch.rename_newsletter(slug, name)

    def mute_newsletter(self, slug: str, muted: bool) -> None:
        """Keep a newsletter out of the feeds of several newsletters, or let it in again."""
        with self.batch() as batch:
            batch.set_flag(slug, "muted", muted)

    def keep_newsletter_whole(self, slug: str, whole: bool) -> None:
        """Make each issue of a newsletter one entry, or split it again; it holds for issues that are converted from now on."""
        with self.batch() as batch:
            batch.set_flag(slug, "whole", whole)

    def show_sponsors(self, slug: str, shown: bool) -> None:
        """Show the sponsors and jobs of a newsletter like articles, in its own feed and on the front page, or no more."""
        with self.batch() as batch:
            batch.set_flag(slug, "sponsors", shown)

    def newsletters_with_sponsors(self) -> frozenset[str]:
        """The slugs of the newsletters whose sponsors and jobs are shown like articles."""
        with reading(self._engine) as connection:
            return intakes.with_sponsors(connection)

    def set_resolve(self, slug: str, mode: str | None) -> None:
        """Say how the trackers of a newsletter are looked up (a `ResolveMode`); None is as the settings say."""
        with writing(self._engine) as connection:
            intakes.set_resolve(connection, slug, mode)

    def resolve_modes(self) -> dict[str, str]:
        """How trackers are looked up, by the slug of those newsletters for which a person chose it."""
        with reading(self._engine) as connection:
            return intakes.resolve_modes(connection)

    def newest_printed(self, newsletter_key: str) -> tuple[learning.Printed, ...]:
        """What the newest issues of a newsletter printed, for `learning.repeated_lines`."""
        with reading(self._engine) as connection:
            return learning.newest_printed(connection, newsletter_key)

    def whole_keys(self) -> frozenset[str]:
        """The keys of the newsletters that are kept whole."""
        with reading(self._engine) as connection:
            return intakes.whole_keys(connection)

    def corrections(self) -> dict[str, tuple[Correction, ...]]:
        """What was mended of each newsletter, by its key, oldest first."""
        with reading(self._engine) as connection:
            return mending.all_corrections(connection)

    def corrections_of(self, newsletter: str) -> tuple[CorrectionRow, ...]:
        """What was mended of the newsletter with this key, oldest first."""
        with reading(self._engine) as connection:
            return mending.corrections_of(connection, newsletter)

    def add_correction(self, newsletter: str, correction: Correction, *, title: str, issue: str) -> None:
        """Keep a correction for the newsletter with this key, made from the item with this title in this issue.

        It holds for issues that are converted from now on; see `ask_again`.
        """
        with writing(self._engine) as connection:
            mending.add_correction(connection, newsletter, correction, title, issue, datetime.now(UTC))

    def remove_correction(self, newsletter: str, number: int) -> CorrectionRow | None:
        """Forget the correction of this newsletter with this number; what it was, or None."""
        with writing(self._engine) as connection:
            return mending.remove_correction(connection, newsletter, number)

    def ask_again(self, newsletter: str) -> None:
        """Note that all issues of the newsletter with this key are to be read again."""
        with writing(self._engine) as connection:
            mending.ask_again(connection, newsletter)

    def claim_rereading(self, idle_since: datetime, *, without: frozenset[str] = frozenset()) -> Rereading | None:
        """Take a newsletter that waits to be read again, or that nobody was at after `idle_since`; none of `without`."""
        with writing(self._engine) as connection:
            return mending.claim(connection, datetime.now(UTC), idle_since, without)

    def note_rereading(self, work: Rereading, done: int) -> Rereading | None:
        """Note how many issues were read again; None where it was asked for anew meanwhile, or taken by another.

        What is returned stands for the claim from then on.
        """
        with writing(self._engine) as connection:
            return mending.note(connection, work, done, datetime.now(UTC))

    def end_rereading(self, work: Rereading) -> None:
        """Note that all issues were read again, unless the claim is lost."""
        with writing(self._engine) as connection:
            mending.end(connection, work)

    def leave_rereading(self, work: Rereading, problem: str | None = None) -> None:
        """Note that the rest is left for later, and why, unless the claim is lost."""
        with writing(self._engine) as connection:
            mending.give_up(connection, work, problem)

    def rereadings(self) -> frozenset[str]:
        """The keys of the newsletters that are read again, or wait for it."""
        with reading(self._engine) as connection:
            return mending.all_rereadings(connection)

    def rereading_of(self, newsletter: str) -> Rereading | None:
        """How far the newsletter with this key is read again; None where it is not."""
        with reading(self._engine) as connection:
            return mending.rereading_of(connection, newsletter)

    def newest_traits(self, newsletter: str, limit: int) -> tuple[Traits, ...]:
        """By what corrections know the newest articles of the newsletter with this key."""
        with reading(self._engine) as connection:
            return mending.newest_traits(connection, newsletter, limit)

    def unsubscribing(self, slug: str) -> Unsubscribing | None:
        """How to leave this newsletter, as its newest issues say; None where none says. Private: never publish it."""
        with reading(self._engine) as connection:
            return intakes.unsubscribing(connection, slug)

    def known_message(self, sha256: str) -> bool:
        """Whether a message with these bytes was taken in."""
        return self.get_message(sha256) is not None

    def get_message(self, sha256: str) -> MessageRow | None:
        """The message with these bytes, or None where it was never taken in."""
        with reading(self._engine) as connection:
            return queries.get_message(connection, sha256)

    def issue_articles(self, issue_id: str) -> tuple[StoredArticle, ...]:
        """The articles of this issue, of every kind, in its own order; none where there is no such issue."""
        with reading(self._engine) as connection:
            return queries.issue_articles(connection, issue_id)

    def get_issue(self, issue_id: str) -> IssueSheet | None:
        """The issue with this id, or None."""
        with reading(self._engine) as connection:
            return queries.get_issue(connection, issue_id)

    def get_article(self, uuid: str) -> StoredArticle | None:
        """The article with this id, with or without `urn:uuid:`, or None."""
        with reading(self._engine) as connection:
            return queries.get_article(connection, f"urn:uuid:{uuid.lower().removeprefix('urn:uuid:')}")

    def newest(self, narrowing: Narrowing, limit: int, *, by_issue: bool = False) -> Page:
        """The newest `limit` articles that get through, or all articles of the newest `limit` issues that do.

        In a feed of several newsletters a link that several have is there once, with the others in `also_in`.
        """
        with reading(self._engine) as connection:
            ask = feeds.newest_issues if by_issue else feeds.newest_articles
            return ask(connection, narrowing, limit)

    def archived(self, narrowing: Narrowing, window: Window, *, by_issue: bool = False) -> Page:
        """The articles, or the issues, whose numbers are in this window and that get through."""
        with reading(self._engine) as connection:
            ask = feeds.archived_issues if by_issue else feeds.archived_articles
            return ask(connection, narrowing, window)

    def listed(
        self,
        narrowing: Narrowing,
        limit: int,
        place: Place | None = None,
        *,
        newer: bool = False,
        by_issue: bool = False,
    ) -> Listing:
        """The articles after a place in the order of the newest (with `newer`, before it) that get through.

        About `limit` of them: by issue, none is cut. In a stream a link that several newsletters have is there once.
        """
        with reading(self._engine) as connection:
            ask = listing.list_issues if by_issue else listing.list_articles
            return ask(connection, narrowing, limit, place, newer=newer)

    def issues_of(
        self, slug: str, limit: int, place: Place | None = None, *, newer: bool = False
    ) -> tuple[tuple[IssueRow, ...], Place | None, Place | None]:
        """The issues of a newsletter, newest first, and the places at which the newer and the older page begin."""
        with reading(self._engine) as connection:
            return listing.list_newsletter(connection, slug, limit, place, newer=newer)

    def has_section(self, section: str, newsletter: str | None = None) -> bool:
        """Whether any article, of this newsletter where one is given, is in a section of this name."""
        with reading(self._engine) as connection:
            return feeds.has_value(connection, "section", section, newsletter)

    def has_label(self, label: str, newsletter: str | None = None) -> bool:
        """Whether any article, of this newsletter where one is given, has this label."""
        with reading(self._engine) as connection:
            return feeds.has_value(connection, "label", label, newsletter)

    def get_newsletter(self, slug: str) -> Newsletter | None:
        """The newsletter with this slug, or None."""
        with reading(self._engine) as connection:
            return queries.get_newsletter(connection, slug)

    def newsletter_names(self, *, after: int | None = None) -> tuple[Newsletter, ...]:
        """Every newsletter by name, or those with an article numbered above `after`; quicker than `newsletters`."""
        with reading(self._engine) as connection:
            return queries.newsletter_names(connection, after)

    def last_number(self) -> int:
        """The number of the article that came in last; 0 while there is none."""
        with reading(self._engine) as connection:
            return queries.last_number(connection)

    def issue_ids(self) -> tuple[str, ...]:
        """The ids of all issues, newest first."""
        with reading(self._engine) as connection:
            return queries.issue_ids(connection)

    def target(self, link: str) -> Found | None:
        """Where this click-tracker leads, or None where that was not found out yet."""
        with reading(self._engine) as connection:
            return targets.known_targets(connection, (link,)).get(link)

    def record_target(self, uid: str, link: str, found: Found) -> None:
        """Keep for good where a tracker in this article leads; the entries that carry it are brought up to date."""
        with writing(self._engine) as connection:
            if targets.record_target(connection, uid, link, found, datetime.now(UTC)):
                writes.grow_revision(connection)

    def record_attempt(self, uid: str, attempt: Attempts) -> None:
        """Remember that this article's tracker could not be asked, and when to ask it again."""
        with writing(self._engine) as connection:
            targets.record_attempt(connection, uid, attempt)

    def attempts(self, uid: str) -> Attempts | None:
        """What attempts there were at this article's tracker; None where there were none."""
        with reading(self._engine) as connection:
            return targets.get_attempts(connection, uid)

    def due_articles(
        self,
        now: datetime,
        limit: int = 100,
        *,
        only: frozenset[str] | None = None,
        without: frozenset[str] = frozenset(),
    ) -> tuple[StoredArticle, ...]:
        """The articles, newest first, whose trackers are to be asked now; `only` and `without` are newsletters' slugs."""
        with reading(self._engine) as connection:
            return targets.due_articles(connection, now, limit, only=only, without=without)

    def inline_image(self, token: str) -> bytes | None:
        """The image that came within a message and is served under this token, or None."""
        with reading(self._engine) as connection:
            return targets.get_image(connection, token)

    def recipient_addresses(self) -> frozenset[str]:
        """The addresses that any message was sent to."""
        with reading(self._engine) as connection:
            return targets.recipient_addresses(connection)

    def add_token(self, feed: str, name: str) -> tuple[TokenRow, str]:
        """Make a token that opens this feed; it is told only now."""
        with writing(self._engine) as connection:
            return tokens.add_token(connection, feed, name, datetime.now(UTC))

    def tokens(self) -> tuple[TokenRow, ...]:
        """Every token, oldest first."""
        with reading(self._engine) as connection:
            return tokens.all_tokens(connection)

    def revoke_token(self, token_id: str) -> bool:
        """Make a token open nothing from now on; whether there was one with this id.

        The revision grows, for who may read what is remembered as of a revision (`web.shortcut`).
        """
        with writing(self._engine) as connection:
            revoked = tokens.revoke_token(connection, token_id)
            if revoked:
                writes.grow_revision(connection)
            return revoked

    def feed_of_token(self, token: str) -> str | None:
        """The feed that this token opens, or None."""
        with reading(self._engine) as connection:
            return tokens.feed_of_token(connection, token)

    def newsletters(self) -> tuple[NewsletterRow, ...]:
        """Every newsletter with its counts, by name."""
        with reading(self._engine) as connection:
            return queries.all_newsletters(connection)

    def newsletter(self, slug: str) -> NewsletterRow | None:
        """The newsletter with this slug, with its counts, or None."""
        with reading(self._engine) as connection:
            return next(iter(queries.all_newsletters(connection, slug)), None)

    def sent_since(self, moment: datetime) -> dict[str, list[datetime]]:
        """When the issues since this moment were sent, by the slug of their newsletter."""
        with reading(self._engine) as connection:
            return queries.sent_since(connection, moment)

    def rejected(self) -> int:
        """How many messages are rejected now."""
        with reading(self._engine) as connection:
            return queries.count_rejected(connection)

    def has_articles(self) -> bool:
        """Whether anything has come in yet."""
        with reading(self._engine) as connection:
            return queries.last_number(connection) > 0

    def counts(self) -> Counts:
        """How many of each the store holds."""
        with reading(self._engine) as connection:
            return queries.counts(connection)

    def articles_by_kind(self) -> dict[str, int]:
        """How many articles there are of each kind."""
        with reading(self._engine) as connection:
            return figures.articles_by_kind(connection)

    def issues_by_hour(self, since: datetime) -> tuple[tuple[datetime, int], ...]:
        """How many issues were sent in each hour (UTC) since then that had any."""
        with reading(self._engine) as connection:
            return arrivals.issues_by_hour(connection, since)

    def articles_by_hour(self, since: datetime) -> tuple[tuple[datetime, int], ...]:
        """How many articles and messages were published in each hour (UTC) since then that had any."""
        with reading(self._engine) as connection:
            return arrivals.articles_by_hour(connection, since)

    def minutes_by_hour(self, since: datetime) -> tuple[MinutesRow, ...]:
        """The minutes to read that each newsletter brought in each hour since then, where they are known."""
        with reading(self._engine) as connection:
            return arrivals.minutes_by_hour(connection, since)

    def newest_links(self, since: datetime, limit: int) -> tuple[LinkRow, ...]:
        """The canonical links of the newest articles since then, `limit` at most, the newest first."""
        with reading(self._engine) as connection:
            return arrivals.newest_links(connection, since, limit)

    def sizes(self) -> tuple[int, int]:
        """The bytes that the database takes on its disk, and those of all messages in the archive."""
        with reading(self._engine) as connection:
            return figures.database_bytes(connection), figures.message_bytes(connection)

    def schema_version(self) -> int:
        """The number of the last migration that the database went through."""
        with reading(self._engine) as connection:
            return figures.schema_version(connection)

    def revision(self) -> int:
        """A number that grows with each commit that changes what is published, or who may read it; every process sees it."""
        return self._revision.read()

    def state(self) -> State:
        """What is published as of now, by name: where it is the same, so is all that is published."""
        with reading(self._engine) as connection:
            return queries.state(connection)

    def messages(self, *, newsletter: str | None = None, issue: str | None = None) -> Iterator[MessageRow]:
        """Every message that was taken in, oldest first; the store may change on the way.

        Only those of this newsletter (its key), or of this issue (its id), where one is given.
        """
        last: MessageRow | None = None
        while True:
            with reading(self._engine) as connection:
                page = queries.messages_after(connection, last, _MESSAGES_A_PAGE, newsletter, issue)
            yield from page
            if len(page) < _MESSAGES_A_PAGE:
                return
            last = page[-1]
