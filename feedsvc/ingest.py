"""From the spool into the store: convert each message, store it, archive it; or reject it with the reason.

The order makes a crash harmless at any moment. A message is in the spool until its articles are committed to the
store; then it is renamed into the archive, which takes it out of the spool in the same step. A message found in the
spool whose bytes the store knows was caught between the two, or came twice: it is archived, or removed where the
archive has it. So nothing is lost, and nothing is there twice.

Messages go through in batches, each in one transaction. What fails by a message's fault is rejected, and the others
of its batch go on; what fails by the fault of database or disk leaves the messages where they are, to be tried again.
"""

from __future__ import annotations

import hashlib
import logging
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal, TypeVar

from feedsvc.config import Settings
from feedsvc.convert import convert
from feedsvc.errors import MessageError, StoreError
from feedsvc.intake.files import file_kind, find_files, iter_messages, mbox_member, split_mbox
from feedsvc.intake.folder import FolderIntake
from feedsvc.intake.lock import only_one
from feedsvc.intake.outcome import (
    DISK,
    UNREADABLE,
    IngestReport,
    Outcome,
    OutcomeLog,
    Progress,
    failed,
    internal_error,
    no_message,
    refused,
    too_large,
)
from feedsvc.intake.rejects import reject
from feedsvc.intake.spool import Spool, Waiting, received_at
from feedsvc.model import Issue
from feedsvc.store import AddResult, MessageRow, Store
from feedsvc.store.archive import Archive, Archived

__all__ = [
    "IngestReport",
    "Ingester",
    "Outcome",
    "Watcher",
    "ingest_paths",
    "reprocess",
    "start_watching",
]

logger = logging.getLogger(__name__)
T = TypeVar("T")

BATCH_MESSAGES = 32
BATCH_BYTES = 16_000_000
TRY_AGAIN_S = 10.0
LOCK_NAME = ".lock"
_DONE = object()

# The moments between two steps, at which a test may end the process.
Step = Literal["spooled", "read", "converted", "stored", "archived", "rejecting", "rejected", "removed"]


@dataclass(frozen=True, slots=True)
class _Item:
    """A message that was read from `path`: its row in the store, if any, and what it was converted to, or why not."""

    path: Path
    filename: str | None
    received: datetime
    sha256: str
    size: int
    known: MessageRow | None = None
    made: Issue | MessageError | None = None

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


class Ingester:
    """Takes messages out of the spool. Several may be at work on one data folder: a lock lets one at a time.

    `at` is called between any two steps with the file at hand; it is there for tests that end the process at that
    moment.
    """

    def __init__(
        self, settings: Settings, store: Store, *, at: Callable[[Step, Path], None] = lambda step, path: None
    ) -> None:
        self._settings = settings
        self._store = store
        self._spool = Spool(settings.spool)
        self._archive = Archive(settings.archive)
        self._at = at
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let a `drain` or `ingest_files` that runs in another thread end after the messages in hand."""
        self._stopping.set()

    def drain(self, progress: Progress | None = None) -> IngestReport:
        """Take all that waits in the spool, oldest first; `progress` hears of each message as soon as it is done.

        An mbox is taken apart piece by piece when nothing else waits, so it holds up no single message. Where the
        database or the disk fails, the rest is left waiting. Raises SettingsError where the data folder cannot be
        written to.
        """
        log = OutcomeLog(progress)
        passed: set[Path] = set()  # what failed, and each mbox: not to be looked at again in this round
        boxes: list[Waiting] = []
        unpacking: Iterator[None] | None = None
        self._spool.sweep()
        while not (log.halted or self._stopping.is_set()):
            with self._lock():
                found = self._spool.waiting(BATCH_MESSAGES, skip=passed)
                boxes.extend(waiting for waiting in found if _is_mbox(waiting))
                passed.update(waiting.path for waiting in boxes)
                if found:
                    for outcome in self._take([waiting for waiting in found if waiting not in boxes]):
                        log.add(outcome)
                        if outcome.status == "failed" and outcome.path is not None:
                            passed.add(outcome.path)
                elif unpacking is not None:
                    if next(unpacking, _DONE) is _DONE:
                        unpacking = None
                elif boxes:
                    unpacking = self._unpack(boxes.pop(0), log)
                else:
                    break
        return log.report()

    def take(self, path: Path) -> Outcome:
        """Take the one message that waits in the spool under this path."""
        with self._lock():
            return next(self._take([self._spool.look(path)]))

    def ingest_files(self, files: Iterable[Path], progress: Progress | None = None) -> IngestReport:
        """Take the messages in these files, which stay where they are; a file that holds none is skipped."""
        log = OutcomeLog(progress)
        for batch in _batches(self._members(files, log), size_of=lambda member: len(member[0])):
            with self._lock():
                try:
                    waiting = [self._put(*member) for member in batch]
                except OSError as failure:
                    detail = f"messages cannot be written to {self._spool.folder}: {failure.strerror}"
                    log.add(failed(self._spool.folder, batch[0][1], DISK, detail))
                    break
                for outcome in self._take(waiting):
                    log.add(outcome)
            if log.halted or self._stopping.is_set():
                break
        return log.report()

    def reprocess(self, progress: Progress | None = None) -> IngestReport:
        """Convert every message of the archive again: see the function of this name."""
        log = OutcomeLog(progress)
        for batch in _batches(self._archived()):
            with self._lock():
                for outcome in self._take_again(batch):
                    log.add(outcome)
            if log.halted or self._stopping.is_set():
                break
        return log.report()

    def _lock(self) -> AbstractContextManager[None]:
        return only_one(self._settings.data / LOCK_NAME)

    def _put(self, data: bytes, name: str, received: datetime) -> Waiting:
        path = self._spool.put(data, name, received)
        self._at("spooled", path)
        return self._spool.look(path)

    def _take(self, batch: Sequence[Waiting]) -> Iterator[Outcome]:
        """Convert these messages, store them in one transaction, archive or reject each. The caller holds the lock."""
        items: dict[str, _Item] = {}
        again: list[Waiting] = []
        for waiting in batch:
            try:
                item = self._read(waiting)
                if items.setdefault(item.sha256, item) is not item:
                    again.append(waiting)
            except FileNotFoundError:
                continue  # taken away by hand
            except OSError as failure:
                yield failed(waiting.path, waiting.filename, UNREADABLE, f"it cannot be read: {failure.strerror}")
            except StoreError as failure:
                yield failed(waiting.path, waiting.filename, failure.code, failure.detail)
        try:
            results = self._add(list(items.values()))
        except StoreError as failure:
            yield from (failed(item.path, item.filename, failure.code, failure.detail) for item in items.values())
            return
        for item in items.values():
            try:
                yield self._finish(item, results.get(item.path))
            except StoreError as failure:
                yield failed(item.path, item.filename, failure.code, failure.detail)
            except OSError as failure:
                detail = f"it cannot be moved out of the spool: {failure.strerror}"
                yield failed(item.path, item.filename, DISK, detail)
        if again:  # the same bytes twice in one batch: the store knows them by now
            yield from self._take(again)

    def _read(self, waiting: Waiting) -> _Item:
        path, name = waiting.path, waiting.filename
        limit = self._settings.max_message_bytes
        size = path.stat().st_size
        sha256 = _sha256(path)
        item = _Item(path, name, waiting.received, sha256, size, known=self._store.get_message(sha256))
        if item.known is not None:
            return item
        if size > limit:
            return replace(item, made=too_large("it", limit))
        if file_kind(path, name) is None:
            return replace(item, made=no_message())
        data = path.read_bytes()
        self._at("read", path)
        return replace(item, made=_convert(data, name, waiting.received, sha256))

    def _add(self, items: Sequence[_Item]) -> dict[Path, AddResult | MessageError]:
        """Store the issues among these in one transaction; what fails by its own fault is left out of it."""
        results: dict[Path, AddResult | MessageError] = {}
        if not any(isinstance(item.made, Issue) for item in items):
            return results
        with self._store.batch() as transaction:
            for item in items:
                if not isinstance(item.made, Issue):
                    continue
                try:
                    results[item.path] = transaction.add_issue(
                        item.made,
                        sha256=item.sha256,
                        received=item.received,
                        size=item.size,
                        filename=item.filename,
                    )
                except StoreError:
                    raise
                except Exception as error:
                    logger.exception("%s (%s) could not be stored", item.filename, item.sha256)
                    results[item.path] = internal_error(error)
            self._at("converted", self._settings.spool)
        self._at("stored", self._settings.spool)
        return results

    def _finish(self, item: _Item, result: AddResult | MessageError | None) -> Outcome:
        """Take a message out of the spool: into the archive, or to the rejected ones."""
        outcome = item.outcome(result)
        if outcome.status == "rejected":
            code, detail = str(outcome.code), str(outcome.detail)
            self._store.record_rejection(item.sha256, item.filename, code, detail, item.received)
            self._at("rejecting", item.path)
            path = reject(
                self._settings.rejected, item.path, outcome.name, code=code, detail=detail, received=item.received
            )
            self._at("rejected", path)
            return replace(outcome, path=path)
        path = self._keep(item)
        self._at("archived", path)
        return replace(outcome, path=path)

    def _keep(self, item: _Item) -> Path:
        """Move a message that the store knows to its place in the archive."""
        if item.known is not None:
            row = item.known
            return self._archive.keep(item.path, item.sha256, row.dated, row.filename, row.received)
        assert isinstance(item.made, Issue)
        return self._archive.keep(item.path, item.sha256, item.made.sent, item.filename, item.received)

    def _archived(self) -> Iterator[tuple[Archived, MessageRow | None]]:
        """What issues were made from, oldest first; then what the store does not know, as after a database was lost."""
        for row in self._store.messages():
            if row.is_source:
                path = self._archive.path(row.sha256, row.dated, row.filename)
                yield Archived(path, row.sha256, row.filename, row.received), row
        for archived in self._archive:
            if not self._store.known_message(archived.sha256):
                yield archived, None

    def _take_again(self, batch: Sequence[tuple[Archived, MessageRow | None]]) -> Iterator[Outcome]:
        """Convert these messages of the archive, and store what they give. The caller holds the lock."""
        items: list[_Item] = []
        for one, known in batch:
            try:
                data = one.path.read_bytes()
            except OSError as failure:
                detail = f"its file in the archive cannot be read: {failure.strerror}. What the store has of it stays."
                yield failed(one.path, one.filename, UNREADABLE, detail)
                continue
            made = _convert(data, one.filename, one.received, one.sha256)
            items.append(_Item(one.path, one.filename, one.received, one.sha256, len(data), known, made))
        try:
            results = self._add(items)
        except StoreError as failure:
            yield from (failed(item.path, item.filename, failure.code, failure.detail) for item in items)
            return
        for item in items:
            outcome = item.outcome(results.get(item.path))
            # The date, which names the folder, may be read otherwise than when the message was archived.
            yield outcome if outcome.status == "rejected" else replace(outcome, path=self._keep(item))

    def _unpack(self, mbox: Waiting, log: OutcomeLog) -> Iterator[None]:
        """Put the messages of an mbox into the spool, some at each step; then the mbox goes."""
        try:
            refusal = yield from self._unpack_messages(mbox)
            if refusal is None:
                mbox.path.unlink()
                self._at("removed", mbox.path)
            else:
                size = mbox.path.stat().st_size
                item = _Item(mbox.path, mbox.filename, mbox.received, _sha256(mbox.path), size, made=refusal)
                log.add(self._finish(item, None))
        except StoreError as failure:
            log.add(failed(mbox.path, mbox.filename, failure.code, failure.detail))
        except FileNotFoundError:
            return  # another process was at it too, and came to its end first
        except OSError as failure:
            log.add(failed(mbox.path, mbox.filename, DISK, f"it cannot be taken apart: {failure.strerror}"))

    def _unpack_messages(self, mbox: Waiting) -> Generator[None, None, MessageError | None]:
        """As `_unpack`; returns why the mbox as a whole must be kept, None where all of it is in the spool."""
        limit = self._settings.max_message_bytes
        refusal: MessageError | None = None
        number = 0
        with mbox.path.open("rb") as file:
            for number, data in enumerate(split_mbox(file, limit), 1):
                if len(data) > limit:
                    refusal = too_large(f"message {number} in it", limit)
                elif not self._is_known(data):
                    self._put(data, mbox_member(mbox.filename, number), mbox.received)
                if number % BATCH_MESSAGES == 0:
                    yield
        return refusal if number else MessageError("the file holds no messages.", code="empty")

    def _is_known(self, data: bytes) -> bool:
        """Whether the store has these bytes: with its articles committed, a message is in the archive or in the spool."""
        return self._store.known_message(hashlib.sha256(data).hexdigest())

    def _members(self, files: Iterable[Path], log: OutcomeLog) -> Iterator[tuple[bytes, str, datetime]]:
        limit = self._settings.max_message_bytes
        for file in files:
            try:
                status = file.stat()
                if file_kind(file) is None:
                    log.add(refused(file, file.name, "skipped", status.st_size, no_message()))
                    continue
                received = received_at(status.st_mtime)
                for data, name in iter_messages(file, limit):
                    if len(data) > limit:
                        log.add(refused(file, name, "rejected", len(data), too_large("it", limit)))
                    elif self._is_known(data):
                        log.add(Outcome(name, "duplicate", len(data), path=file))
                    else:
                        yield data, name, received
            except OSError as failure:
                log.add(failed(file, file.name, UNREADABLE, f"it cannot be read: {failure.strerror}"))
            except StoreError as failure:
                log.add(failed(file, file.name, failure.code, failure.detail))
                return


class Watcher:
    """Takes in what is dropped into the inbox or put into the spool, in threads of its own, until it is stopped."""

    def __init__(self, settings: Settings, store: Store, progress: Progress | None = None) -> None:
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._rescan_s = settings.rescan_s
        self._progress = progress
        self._ingester = Ingester(settings, store)
        self._intake = FolderIntake(settings, self._wake.set)
        self._thread = threading.Thread(target=self._run, name="feedsvc-ingest", daemon=True)
        self._intake.start()
        self._thread.start()

    def stop(self) -> None:
        """End after the messages that are in hand; what is left waits in the spool. May be called twice."""
        self._stopping.set()
        self._intake.stop()
        self._ingester.stop()
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                failed = self._ingester.drain(self._progress).error
            except Exception as failure:
                logger.exception("messages wait in the spool")
                failed = str(failure)
            # Other processes put messages into the spool too, and may have died before they took them.
            self._wake.wait(self._rescan_s if failed is None else TRY_AGAIN_S)
            self._wake.clear()


def start_watching(settings: Settings, store: Store, progress: Progress | None = None) -> Watcher:
    """Take in what is in the inbox and the spool, and what comes; `progress` hears of each message, in another thread."""
    return Watcher(settings, store, progress)


def ingest_paths(
    paths: Iterable[Path], settings: Settings, store: Store, progress: Progress | None = None
) -> IngestReport:
    """Take the messages in these files and folders (with their sub-folders); the originals stay where they are.

    A server that is at work on the same data folder need not be stopped.
    """
    return Ingester(settings, store).ingest_files(find_files(paths), progress)


def reprocess(settings: Settings, store: Store, progress: Progress | None = None) -> IngestReport:
    """Convert every message of the archive again, and bring the store to what that gives: ids stay, entries are updated.

    A message that cannot be converted any more keeps the articles that it has; it is "rejected" in the report, and its
    file stays. What is in the archive and not in the store is taken in, so a lost database is made anew by this.
    """
    return Ingester(settings, store).reprocess(progress)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_mbox(waiting: Waiting) -> bool:
    try:
        return file_kind(waiting.path, waiting.filename) == "mbox"
    except OSError:
        return False


def _batches(items: Iterable[T], size_of: Callable[[T], int] = lambda item: 0) -> Iterator[list[T]]:
    batch: list[T] = []
    size = 0
    for item in items:
        batch.append(item)
        size += size_of(item)
        if len(batch) >= BATCH_MESSAGES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _convert(data: bytes, filename: str | None, received: datetime, sha256: str) -> Issue | MessageError:
    try:
        return convert(data, received=received, filename=filename)
    except MessageError as refusal:
        return refusal
    except Exception as error:
        logger.exception("%s (%s) could not be converted", filename, sha256)
        return internal_error(error)
