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
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TypeVar

from feedsvc.batches import At, Batches, Begun, Item
from feedsvc.config import Settings
from feedsvc.converter import Converter
from feedsvc.errors import MessageError, StoreError
from feedsvc.intake.boxes import MAX_FIRST, Box, note_unpacked
from feedsvc.intake.files import FileKind, file_kind, find_files, iter_box, iter_messages
from feedsvc.intake.lock import only_one
from feedsvc.intake.outcome import (
    DISK,
    UNREADABLE,
    IngestReport,
    Outcome,
    OutcomeLog,
    Progress,
    failed,
    no_message,
    refused,
    too_large,
)
from feedsvc.intake.spool import COMMAND, Arrival, Spool, Waiting, received_at
from feedsvc.store import Store

__all__ = ["IngestReport", "Ingester", "Outcome", "ingest_paths"]

logger = logging.getLogger(__name__)
T = TypeVar("T")

BATCH_MESSAGES = 32
BATCH_BYTES = 16_000_000
LOCK_NAME = ".lock"
_ROUND_S = 1.5  # for so long one process keeps the spool to itself
_BETWEEN_ROUNDS_S = 0.002  # long enough for one that waits for the lock to get it
_LISTED_AT_ONCE = 512
_DONE = object()


class Ingester:
    """Takes messages out of the spool. Several may be at work on one data folder: a lock lets one at a time.

    `at` is called between any two steps with the file at hand; it is there for tests that end the process at that
    moment.
    """

    def __init__(self, settings: Settings, store: Store, *, at: At = lambda step, path: None) -> None:
        self._settings = settings
        self._store = store
        self._spool = Spool(settings.spool)
        self._converter = Converter(settings.workers)
        self._batches = Batches(settings, store, self._converter, at)
        self._at = at
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Let a `drain` or `ingest_files` that runs in another thread end after the messages in hand."""
        self._stopping.set()

    def drain(self, progress: Progress | None = None) -> IngestReport:
        """Take all that waits in the spool, oldest first; `progress` hears of each message as soon as it is done.

        An mbox or archive is taken apart piece by piece when nothing else waits, so it holds up no single message. Where
        the database or the disk fails, the rest is left waiting. Raises SettingsError where the data folder cannot be
        written to.
        """
        log = OutcomeLog(progress)
        queue = _Queue(self._spool, self._unpack, log)
        self._spool.sweep()
        self._take_all(queue.batches, log, queue.done)
        return log.report()

    def ingest_files(self, files: Iterable[Path], progress: Progress | None = None) -> IngestReport:
        """Take the messages in these files, which stay where they are; a file that holds none is skipped."""
        log = OutcomeLog(progress)
        spooled = self._spooled(self._members(files, log), log)
        self._take_all(lambda: spooled, log)
        return log.report()

    def _take_all(
        self,
        more: Callable[[], Iterator[list[Waiting]]],
        log: OutcomeLog,
        done: Callable[[list[Waiting], list[Outcome]], None] = lambda batch, outcomes: None,
    ) -> None:
        """Take batches until there are no more, in rounds: between two of them another process may have its turn."""
        with self._converter:
            ended = False
            while not (ended or log.halted or self._stopping.is_set()):
                with self._lock():
                    ended = self._take_round(more(), log, done)
                time.sleep(_BETWEEN_ROUNDS_S)

    def _take_round(
        self,
        batches: Iterator[list[Waiting]],
        log: OutcomeLog,
        done: Callable[[list[Waiting], list[Outcome]], None],
    ) -> bool:
        """Take batches for a while; each is stored while the next is being converted. Whether there are no more."""
        until = time.monotonic() + _ROUND_S
        ended = True
        in_hand: tuple[list[Waiting], Begun] | None = None
        for batch in batches:
            if in_hand is not None:
                self._converter.start()  # there is more than one batch: that is worth a process or two
            begun = batch, self._batches.begin(batch)
            if in_hand is not None:
                self._end(*in_hand, log, done)
            in_hand = begun
            if log.halted or self._stopping.is_set() or time.monotonic() > until:
                ended = False
                break
        if in_hand is not None and not log.halted:
            self._end(*in_hand, log, done)
        return ended

    def _end(
        self,
        batch: list[Waiting],
        begun: Begun,
        log: OutcomeLog,
        done: Callable[[list[Waiting], list[Outcome]], None],
    ) -> None:
        outcomes = []
        for outcome in self._batches.end(begun):
            outcomes.append(outcome)
            log.add(outcome)
        done(batch, outcomes)

    def _lock(self) -> AbstractContextManager[None]:
        return only_one(self._settings.data / LOCK_NAME)

    def _put(self, arrivals: list[Arrival], way: str) -> list[Waiting]:
        paths = self._spool.put_all(arrivals, way=way)
        for path in paths:
            self._at("spooled", path)
        return [self._spool.look(path) for path in paths]

    def _spooled(self, members: Iterator[Arrival], log: OutcomeLog) -> Iterator[list[Waiting]]:
        """The messages, put into the spool batch by batch."""
        for batch in _batched(members):
            try:
                yield self._put(batch, COMMAND)
            except OSError as failure:
                detail = f"messages cannot be written to {self._spool.folder}: {failure.strerror}"
                log.add(failed(self._spool.folder, batch[0].filename, DISK, detail))
                return

    def _unpack(self, box: Waiting, kind: FileKind, log: OutcomeLog) -> Iterator[None]:
        """Put the messages of an mbox or archive into the spool, some at each step; then the box goes."""
        try:
            refusal, messages, first = yield from self._unpack_messages(box, kind)
            if refusal is None:
                note_unpacked(self._store, _sha256(box.path), Box(box.filename, messages, first))
                box.path.unlink()
                self._at("removed", box.path)
            else:
                size = box.path.stat().st_size
                item = Item(box.path, box.filename, box.received, _sha256(box.path), size, box.way, made=refusal)
                log.add(self._batches.finish(item, self._batches.add([item]).get(item.path)))
        except StoreError as failure:
            log.add(failed(box.path, box.filename, failure.code, failure.detail))
        except FileNotFoundError:
            return  # another process was at it too, and came to its end first
        except OSError as failure:
            log.add(failed(box.path, box.filename, DISK, f"it cannot be taken apart: {failure.strerror}"))

    def _unpack_messages(
        self, box: Waiting, kind: FileKind
    ) -> Generator[None, None, tuple[MessageError | None, int, tuple[str, ...]]]:
        """As `_unpack`; returns why the box as a whole must be kept, None where all of it is in the spool; and how many
        messages were in it, with the SHA-256 of the first of them."""
        limit = self._settings.max_message_bytes
        refusal: MessageError | None = None
        number = 0
        first: list[str] = []

        def fitting() -> Iterator[Arrival]:
            nonlocal refusal, number
            try:
                for number, (data, name) in enumerate(iter_box(box.path, box.filename, kind, limit), 1):
                    if len(data) > limit:
                        refusal = too_large(f"message {number} in it", limit)
                    else:
                        if len(first) < MAX_FIRST:
                            first.append(hashlib.sha256(data).hexdigest())
                        yield Arrival(data, name, box.received)
            except MessageError as damage:
                refusal = damage  # what came before it is taken

        for batch in _batched(fitting()):
            if new := self._unknown(batch):
                self._put(new, box.way)
            yield
        if refusal is None and not number:
            refusal = MessageError("the file holds no messages.", code="empty")
        return refusal, number, tuple(first)

    def _unknown(self, arrivals: list[Arrival]) -> list[Arrival]:
        """Those whose bytes the store has not: with its articles committed, a message is in the archive or the spool."""
        hashed = [(hashlib.sha256(one.data).hexdigest(), one) for one in arrivals]
        known = self._store.get_messages([sha256 for sha256, _ in hashed])
        return [one for sha256, one in hashed if sha256 not in known]

    def _members(self, files: Iterable[Path], log: OutcomeLog) -> Iterator[Arrival]:
        for batch in _batched(self._arrivals(files, log)):
            try:
                new = self._unknown(batch)
            except StoreError as failure:
                log.add(failed(self._spool.folder, batch[0].filename, failure.code, failure.detail))
                return
            left = {id(one) for one in new}
            for one in batch:
                if id(one) not in left:
                    log.add(Outcome(one.filename, "duplicate", len(one.data)))
            yield from new

    def _arrivals(self, files: Iterable[Path], log: OutcomeLog) -> Iterator[Arrival]:
        """Each message in these files."""
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
                    else:
                        yield Arrival(data, name, received)
            except MessageError as damage:
                log.add(refused(file, file.name, "rejected", 0, damage))
            except OSError as failure:
                log.add(failed(file, file.name, UNREADABLE, f"it cannot be read: {failure.strerror}"))


class _Queue:
    """What waits in the spool, batch by batch; then, piece by piece, the mboxes and archives in it."""

    def __init__(
        self, spool: Spool, unpack: Callable[[Waiting, FileKind, OutcomeLog], Iterator[None]], log: OutcomeLog
    ) -> None:
        self._spool = spool
        self._unpack = unpack
        self._log = log
        self._passed: set[Path] = set()  # what is in hand or failed, and each box: not to be looked at again
        self._boxes: list[tuple[Waiting, FileKind]] = []
        self._unpacking: Iterator[None] | None = None

    def batches(self) -> Iterator[list[Waiting]]:
        """The messages that wait, oldest first."""
        while True:
            listed = self._spool.waiting(_LISTED_AT_ONCE, skip=self._passed)
            for start in range(0, len(listed), BATCH_MESSAGES):
                batch = [waiting for waiting in listed[start : start + BATCH_MESSAGES] if not self._is_box(waiting)]
                self._passed.update(waiting.path for waiting in batch)
                if batch:
                    yield batch
            if not listed and not self._unpack_some():
                return

    def done(self, batch: list[Waiting], outcomes: list[Outcome]) -> None:
        """Forget a batch that was taken; what failed of it still waits, and is passed over for now."""
        self._passed.difference_update(waiting.path for waiting in batch)
        self._passed.update(one.path for one in outcomes if one.status == "failed" and one.path is not None)

    def _is_box(self, waiting: Waiting) -> bool:
        try:
            kind = file_kind(waiting.path, waiting.filename)
        except OSError:
            return False
        if kind in (None, "message"):
            return False
        assert kind is not None
        self._passed.add(waiting.path)
        self._boxes.append((waiting, kind))
        return True

    def _unpack_some(self) -> bool:
        """Take a piece out of a box, if there is any; whether there was."""
        if self._unpacking is None:
            if not self._boxes:
                return False
            self._unpacking = self._unpack(*self._boxes.pop(0), self._log)
        if next(self._unpacking, _DONE) is _DONE:
            self._unpacking = None
        return not self._log.halted


def ingest_paths(
    paths: Iterable[Path], settings: Settings, store: Store, progress: Progress | None = None
) -> IngestReport:
    """Take the messages in these files and folders (with their sub-folders); the originals stay where they are.

    A server that is at work on the same data folder need not be stopped.
    """
    return Ingester(settings, store).ingest_files(find_files(paths), progress)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _batched(arrivals: Iterable[Arrival]) -> Iterator[list[Arrival]]:
    batch: list[Arrival] = []
    size = 0
    for one in arrivals:
        batch.append(one)
        size += len(one.data)
        if len(batch) >= BATCH_MESSAGES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch
