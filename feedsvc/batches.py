"""A batch of messages, from the spool to where each belongs: the store and the archive, or the rejected ones.

A batch is worked on in two steps. `begin` reads the messages and has them converted; `end` stores what they became,
in one transaction with what is counted, and moves each out of the spool. While one batch is ended the next is being
converted by other processes.

What a batch needs of the disk is done at once: one commit for its articles, one sync for each folder that it moved
messages to. A crash in between changes nothing: a message that is in the store and in the spool is archived the next
time, and one that was moved but whose name did not last is in the spool again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from feedsvc.config import Settings
from feedsvc.converter import Converter, Ticket
from feedsvc.errors import MessageError, StoreError
from feedsvc.intake.envelope import given_name, recipient_of
from feedsvc.intake.files import file_kind
from feedsvc.intake.outcome import DISK, UNREADABLE, Outcome, failed, internal_error, no_message, too_large
from feedsvc.intake.rejects import reject
from feedsvc.intake.senders import HEAD_BYTES, Senders
from feedsvc.intake.spool import LMTP, SMTP, Waiting
from feedsvc.lessons import Lessons
from feedsvc.model import Issue
from feedsvc.store import AddResult, Batch, MessageRow, Store
from feedsvc.store.archive import Archive
from feedsvc.store.disk import sync_folder

logger = logging.getLogger(__name__)

# The moments between two steps, at which a test may end the process.
Step = Literal["spooled", "read", "converted", "stored", "archived", "rejecting", "rejected", "removed"]
At = Callable[[Step, Path], None]


@dataclass(frozen=True, slots=True)
class Item:
    """A message that was read from `path`: its row in the store, if any, and what it was converted to, or why not."""

    path: Path
    filename: str | None
    received: datetime
    sha256: str
    size: int
    way: str = ""
    known: MessageRow | None = None
    ticket: Ticket | None = None
    made: Issue | MessageError | None = None
    recipient: str | None = None

    def outcome(self, result: AddResult | MessageError | None) -> Outcome:
        """What became of it, with what the store said to its issue."""
        base = Outcome(self.filename or self.path.name, "duplicate", self.size, self.sha256, path=self.path)
        if isinstance(refusal := result or self.made, MessageError):
            return replace(base, status="rejected", code=refusal.code, detail=refusal.detail)
        if result is None or not isinstance(self.made, Issue):
            return replace(base, issue_id=self.known.issue_id if self.known else None)
        assert isinstance(result, AddResult)
        return replace(
            base,
            status=result.status,
            issue_id=result.issue_id,
            articles=result.articles,
            newsletter=self.made.newsletter.name,
            subject=self.made.subject,
        )


@dataclass(slots=True)
class Begun:
    """A batch that was begun: its messages, what came twice, and what could not be read."""

    items: list[Item] = field(default_factory=list)
    again: list[Waiting] = field(default_factory=list)
    failures: list[Outcome] = field(default_factory=list)


class Batches:
    """Takes batches of messages out of the spool. Its caller holds the lock of the data folder."""

    def __init__(self, settings: Settings, store: Store, converter: Converter, at: At) -> None:
        self._settings = settings
        self._store = store
        self._archive = Archive(settings.archive)
        self._converter = converter
        self._lessons = Lessons(settings, store)
        converter.teach = self._lessons.teach
        self._senders = Senders(settings)
        self._at = at

    def begin(self, batch: Sequence[Waiting]) -> Begun:
        """Read these messages, and have those that are new converted."""
        begun = Begun()
        self.refresh()
        found: dict[str, Item] = {}
        for waiting in batch:
            try:
                item = _look(waiting)
            except FileNotFoundError:
                continue  # taken away by hand
            except OSError as failure:
                detail = f"it cannot be read: {failure.strerror}"
                begun.failures.append(failed(waiting.path, waiting.filename, UNREADABLE, detail))
                continue
            if found.setdefault(item.sha256, item) is not item:
                begun.again.append(waiting)
        try:
            known = self._store.get_messages(list(found))
        except StoreError as failure:
            begun.failures += [failed(one.path, one.filename, failure.code, failure.detail) for one in found.values()]
            return begun
        for item in found.values():
            row = known.get(item.sha256)
            try:
                begun.items.append(replace(item, known=row) if row is not None else self._ask(item))
            except OSError as failure:
                detail = f"it cannot be read: {failure.strerror}"
                begun.failures.append(failed(item.path, item.filename, UNREADABLE, detail))
        return begun

    def end(self, begun: Begun) -> Iterator[Outcome]:
        """Store and archive what was converted, reject what cannot be; tells of each once all of it is safe."""
        yield from begun.failures
        items, unreadable = self._converted(begun.items)
        yield from unreadable
        try:
            results = self.add(items)
        except StoreError as failure:
            yield from (failed(item.path, item.filename, failure.code, failure.detail) for item in items)
            return
        outcomes = [self.finish(item, results.get(item.path)) for item in items]
        moved = {one.path.parent for one in outcomes if one.path is not None and one.status != "failed"}
        try:
            for folder in moved:
                sync_folder(folder)
        except OSError as failure:
            detail = f"the disk failed: {failure.strerror}"
            yield from (failed(item.path, item.filename, DISK, detail) for item in items)
            return
        yield from outcomes
        if begun.again:  # the same bytes twice in one batch: the store knows them by now
            yield from self.end(self.begin(begun.again))

    def add(self, items: Sequence[Item], *, anew: bool = True) -> dict[Path, AddResult | MessageError]:
        """Store the issues among these in one transaction; what fails by its own fault is left out.

        With `anew`, what was refused is noted, and what each way in brought is counted. Raises StoreError, and then nothing of it
        is stored.
        """
        results: dict[Path, AddResult | MessageError] = {}
        if not items:
            return results
        with self._store.batch() as transaction:
            for item in items:
                if isinstance(item.made, Issue):
                    results[item.path] = self._add_one(transaction, item, item.made)
            if anew:
                _count(transaction, items, results)
            self._at("converted", self._settings.spool)
        self._at("stored", self._settings.spool)
        return results

    def finish(self, item: Item, result: AddResult | MessageError | None) -> Outcome:
        """Move a message out of the spool: into the archive, or to the rejected ones."""
        outcome = item.outcome(result)
        try:
            if outcome.status == "rejected":
                code, detail = str(outcome.code), str(outcome.detail)
                self._at("rejecting", item.path)
                path = reject(
                    self._settings.rejected, item.path, outcome.name, code=code, detail=detail, received=item.received
                )
                self._at("rejected", path)
            else:
                path = self.keep(item)
                self._at("archived", path)
        except OSError as failure:
            detail = f"it cannot be moved out of the spool: {failure.strerror}"
            return failed(item.path, item.filename, DISK, detail)
        return replace(outcome, path=path)

    def keep(self, item: Item) -> Path:
        """Move a message that the store knows to its place in the archive."""
        if item.known is not None:
            row = item.known
            return self._archive.keep(item.path, item.sha256, row.dated, row.filename, row.received)
        assert isinstance(item.made, Issue)
        return self._archive.keep(item.path, item.sha256, item.made.sent, item.filename, item.received)

    def _ask(self, item: Item) -> Item:
        """Have a message converted, unless it is plain already that it cannot be."""
        if item.size > self._settings.max_message_bytes:
            return replace(item, made=too_large("it", self._settings.max_message_bytes))
        if file_kind(item.path, item.filename) is None:
            return replace(item, made=no_message())
        self._at("read", item.path)
        return replace(item, ticket=self._converter.submit(item.path, item.filename, item.received))

    def _converted(self, items: Sequence[Item]) -> tuple[list[Item], list[Outcome]]:
        """The messages with what they became; and those whose files could not be read after all."""
        converted: list[Item] = []
        failures: list[Outcome] = []
        for item in items:
            if item.ticket is None:
                converted.append(item)
                continue
            try:
                made = self._converter.result(item.ticket)
                if isinstance(made, Issue):
                    made, recipient = self._judged(item, made)
                    item = replace(item, recipient=recipient)  # noqa: PLW2901 -- the same message, known better
            except FileNotFoundError:
                continue
            except OSError as failure:
                failures.append(failed(item.path, item.filename, UNREADABLE, f"it cannot be read: {failure.strerror}"))
                continue
            converted.append(replace(item, ticket=None, made=made))
        return converted, failures

    def _judged(self, item: Item, issue: Issue) -> tuple[Issue | MessageError, str | None]:
        """The issue, or why it is not taken; and whom its envelope named."""
        head = b""
        if item.way in (SMTP, LMTP) or self._senders.looks_into_headers:
            with item.path.open("rb") as file:
                head = file.read(HEAD_BYTES)
        recipient = recipient_of(head, item.way)
        refusal = self._senders.refusal(issue, item.way, head)
        if refusal is not None:
            return refusal, recipient
        return issue, recipient

    def refresh(self) -> None:
        """Look up again what the person wants of newsletters."""
        self._lessons.refresh()

    def _add_one(self, transaction: Batch, item: Item, issue: Issue) -> AddResult | MessageError:
        try:
            result = transaction.add_issue(
                issue,
                sha256=item.sha256,
                received=item.received,
                size=item.size,
                filename=item.filename,
                way=item.way,
                recipient=item.recipient,
            )
            if item.recipient is not None and (name := given_name(item.recipient)) is not None:
                transaction.name_by_address(issue.newsletter.key, name)
        except StoreError:
            raise
        except Exception as error:
            logger.exception("%s (%s) could not be stored", item.filename, item.sha256)
            return internal_error(error)
        return result


def _look(waiting: Waiting) -> Item:
    with waiting.path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        size = file.tell()
    return Item(waiting.path, waiting.filename, waiting.received, sha256, size, waiting.way)


def _count(transaction: Batch, items: Sequence[Item], results: dict[Path, AddResult | MessageError]) -> None:
    """Note rejections, and count for each way in what it brought."""
    brought: dict[str, int] = {}
    failures: dict[str, list[str]] = {}
    for item in items:
        refusal = results.get(item.path) or item.made
        if not isinstance(refusal, MessageError):
            caught_between = item.known is not None and (item.known.way, item.known.received) == (
                item.way,
                item.received,
            )
            brought[item.way] = brought.get(item.way, 0) + (not caught_between)
            continue
        transaction.record_rejection(item.sha256, item.filename, refusal.code, refusal.detail, item.received, item.way)
        failures.setdefault(item.way, []).append(f"{item.filename or item.path.name}: {refusal.detail}")
    for way in sorted((brought.keys() | failures.keys()) - {""}):
        transaction.count_brought(way, brought.get(way, 0), failures.get(way, []))
