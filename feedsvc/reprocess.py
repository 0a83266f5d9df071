"""The archive converted again: after an update of feedsvc, or to make a lost database anew."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

from feedsvc.batches import Batches, Item
from feedsvc.config import Settings
from feedsvc.converter import Converter
from feedsvc.errors import StoreError
from feedsvc.ingest import BATCH_MESSAGES, LOCK_NAME
from feedsvc.intake.lock import only_one
from feedsvc.intake.outcome import UNREADABLE, IngestReport, Outcome, OutcomeLog, Progress, failed
from feedsvc.store import MessageRow, Store
from feedsvc.store.archive import Archive, Archived

_Found = tuple[Archived, MessageRow | None]


def reprocess(
    settings: Settings,
    store: Store,
    progress: Progress | None = None,
    *,
    newsletter: str | None = None,
    issue: str | None = None,
    stopping: threading.Event | None = None,
) -> IngestReport:
    """Convert every message of the archive again, and bring the store to what that gives: ids stay, entries are updated.

    A message that cannot be converted any more keeps the articles that it has; it is "rejected" in the report, and its
    file stays. What is in the archive and not in the store is taken in, so a lost database is made anew by this. With
    `newsletter` (its key) or `issue` (its id) only their messages are converted. It ends early once `stopping` is set.
    """
    stopping = stopping or threading.Event()
    log = OutcomeLog(progress)
    with Converter(settings.workers) as converter:
        work = _Reprocessing(settings, store, converter)
        in_hand: deque[list[Item]] = deque()
        for number, batch in enumerate(_batched(work.archived(newsletter, issue))):
            if number == 1:
                converter.start()
            items = work.begin(batch, log)
            if in_hand:
                work.end(in_hand.popleft(), log)
            in_hand.append(items)
            if log.halted or stopping.is_set():
                break
        while in_hand and not (log.halted or stopping.is_set()):
            work.end(in_hand.popleft(), log)
    return log.report()


class _Reprocessing:
    def __init__(self, settings: Settings, store: Store, converter: Converter) -> None:
        self._lock_path = settings.data / LOCK_NAME
        self._store = store
        self._archive = Archive(settings.archive)
        self._converter = converter
        self._batches = Batches(settings, store, converter, lambda step, path: None)

    def archived(self, newsletter: str | None, issue: str | None) -> Iterator[_Found]:
        """What issues were made from, oldest first; then what the store does not know, as after a database was lost."""
        for row in self._store.messages(newsletter=newsletter, issue=issue):
            if row.is_source:
                path = self._archive.path(row.sha256, row.dated, row.filename)
                yield Archived(path, row.sha256, row.filename, row.received), row
        if newsletter is not None or issue is not None:
            return
        for archived in self._archive:
            if not self._store.known_message(archived.sha256):
                yield archived, None

    def begin(self, batch: list[_Found], log: OutcomeLog) -> list[Item]:
        """Have these messages converted."""
        self._batches.refresh()
        items = []
        for one, row in batch:
            try:
                size = one.path.stat().st_size
            except OSError as failure:
                log.add(_unreadable(one.path, one.filename, failure))
                continue
            ticket = self._converter.submit(one.path, one.filename, one.received)
            way, recipient = (row.way, row.recipient) if row else ("", None)
            items.append(
                Item(one.path, one.filename, one.received, one.sha256, size, way, row, ticket, recipient=recipient)
            )
        return items

    def end(self, items: Iterable[Item], log: OutcomeLog) -> None:
        """Store what they were converted to."""
        converted = []
        for item in items:
            assert item.ticket is not None
            try:
                made = self._converter.result(item.ticket)
            except OSError as failure:
                log.add(_unreadable(item.path, item.filename, failure))
                continue
            converted.append(replace(item, ticket=None, made=made))
        with only_one(self._lock_path):
            try:
                results = self._batches.add(converted, anew=False)
            except StoreError as failure:
                for item in converted:
                    log.add(failed(item.path, item.filename, failure.code, failure.detail))
                return
            for item in converted:
                outcome = item.outcome(results.get(item.path))
                # The date, which names the folder, may be read otherwise than when the message was archived.
                log.add(outcome if outcome.status == "rejected" else replace(outcome, path=self._batches.keep(item)))


def _unreadable(path: Path, name: str | None, failure: OSError) -> Outcome:
    detail = f"its file in the archive cannot be read: {failure.strerror}. What the store has of it stays."
    return failed(path, name, UNREADABLE, detail)


def _batched(found: Iterator[_Found]) -> Iterator[list[_Found]]:
    while batch := list(islice(found, BATCH_MESSAGES)):
        yield batch
