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
import os
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Literal

from feedsvc.config import Settings
from feedsvc.convert import convert
from feedsvc.errors import FeedsvcError, MessageError, StoreError, TooLarge
from feedsvc.intake.files import file_kind, iter_messages, mbox_member, split_mbox
from feedsvc.intake.lock import only_one
from feedsvc.intake.outcome import UNREADABLE, IngestReport, Outcome, OutcomeLog, Progress, Status
from feedsvc.intake.rejects import reject
from feedsvc.intake.spool import Spool, Waiting, received_at
from feedsvc.model import Issue
from feedsvc.store import AddResult, Batch, MessageRow, Store
from feedsvc.store.archive import Archive

logger = logging.getLogger(__name__)

BATCH_MESSAGES = 32
BATCH_BYTES = 16_000_000
LOCK_NAME = ".lock"
_DONE = object()

# The moments between two steps, at which a test may end the process.
Step = Literal["spooled", "read", "converted", "stored", "archived", "rejecting", "rejected", "removed"]


@dataclass(frozen=True, slots=True)
class _Read:
    """A message that was read. `known` is its row in the store.

    Else it was converted (`issue`) or cannot be (`refusal`).
    """

    waiting: Waiting
    sha256: str
    size: int
    known: MessageRow | None = None
    issue: Issue | None = None
    refusal: FeedsvcError | None = None


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

    def drain(self, progress: Progress | None = None) -> IngestReport:
        """Take all that waits in the spool, oldest first; `progress` hears of each message as soon as it is done.

        An mbox is taken apart piece by piece when nothing else waits, so it holds up no single message. Where the
        database or the disk fails, the rest is left waiting. Raises SettingsError where the data folder cannot be
        written to.
        """
        log = OutcomeLog(progress)
        passed: set[Path] = set()  # what failed, and each mbox: not to be looked at again in this round
        boxes: list[Waiting] = []
        unpacking: Iterator[None] = iter(())
        self._spool.sweep()
        while not log.halted:
            with self._lock():
                found = self._spool.waiting(BATCH_MESSAGES, skip=passed)
                boxes.extend(waiting for waiting in found if _is_mbox(waiting))
                passed.update(waiting.path for waiting in boxes)
                if found:
                    for outcome in self._take([waiting for waiting in found if waiting not in boxes]):
                        log.add(outcome)
                        if outcome.status == "failed" and outcome.path is not None:
                            passed.add(outcome.path)
                elif next(unpacking, _DONE) is _DONE:
                    if not boxes:
                        break
                    unpacking = self._unpack(boxes.pop(0), log)
        return log.report()

    def take(self, path: Path) -> Outcome:
        """Take the one message that waits in the spool under this path."""
        with self._lock():
            return next(self._take([self._spool.look(path)]))

    def ingest_files(self, files: Iterable[Path], progress: Progress | None = None) -> IngestReport:
        """Take the messages in these files, which stay where they are; a file that holds none is skipped."""
        log = OutcomeLog(progress)
        for batch in _in_batches(self._members(files, log)):
            with self._lock():
                for outcome in self._take([self._put(*member) for member in batch]):
                    log.add(outcome)
            if log.halted:
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
        read: list[_Read] = []
        for waiting in batch:
            try:
                read.append(self._read(waiting))
            except FileNotFoundError:
                continue  # taken by another process while this one could not lock
            except OSError as failure:
                yield _left(waiting, UNREADABLE, f"it cannot be read: {failure.strerror}")
            except StoreError as failure:
                yield _left(waiting, failure.code, failure.detail)
        results: dict[Path, AddResult | Exception] = {}
        try:
            if any(one.issue for one in read):
                with self._store.batch() as transaction:
                    for one in read:
                        if one.issue is not None:
                            results[one.waiting.path] = self._add(transaction, one, one.issue)
                    self._at("converted", self._settings.spool)
                self._at("stored", self._settings.spool)
        except StoreError as failure:
            logger.error("%s", failure.detail)  # noqa: TRY400 - the detail says it all
            yield from (_left(one.waiting, failure.code, failure.detail) for one in read)
            return
        for one in read:
            try:
                yield self._finish(one, results.get(one.waiting.path))
            except StoreError as failure:
                yield _left(one.waiting, failure.code, failure.detail)
            except OSError as failure:
                logger.exception("%s cannot be moved out of the spool", one.waiting.path)
                yield _left(one.waiting, "disk", f"it cannot be moved out of the spool: {failure.strerror}")

    def _read(self, waiting: Waiting) -> _Read:
        size = waiting.path.stat().st_size
        with waiting.path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        one = _Read(waiting, sha256, size, known=self._store.get_message(sha256))
        if one.known is not None:
            return one
        if size > self._settings.max_message_bytes:
            return replace(one, refusal=_too_large("it", self._settings))
        if file_kind(waiting.path, waiting.filename) is None:
            return replace(one, refusal=_no_message())
        data = waiting.path.read_bytes()
        self._at("read", waiting.path)
        try:
            return replace(one, issue=convert(data, received=waiting.received, filename=waiting.filename))
        except MessageError as refusal:
            return replace(one, refusal=refusal)
        except Exception as error:
            logger.exception("%s (%s) could not be converted", waiting.filename, sha256)
            return replace(one, refusal=_internal(error))

    def _add(self, transaction: Batch, one: _Read, issue: Issue) -> AddResult | Exception:
        waiting = one.waiting
        try:
            return transaction.add_issue(
                issue, sha256=one.sha256, received=waiting.received, size=one.size, filename=waiting.filename
            )
        except StoreError:
            raise
        except Exception as error:
            logger.exception("%s (%s) could not be stored", waiting.filename, one.sha256)
            return error

    def _finish(self, one: _Read, result: AddResult | Exception | None) -> Outcome:
        """Take a message out of the spool: into the archive, or to the rejected ones."""
        waiting = one.waiting
        name, received = waiting.filename, waiting.received
        outcome = Outcome(name, "duplicate", size=one.size, sha256=one.sha256)
        refusal = _internal(result) if isinstance(result, Exception) else one.refusal
        if refusal is not None:
            self._store.record_rejection(one.sha256, name, refusal.code, refusal.detail, received)
            self._at("rejecting", waiting.path)
            path = reject(
                self._settings.rejected, waiting.path, name, code=refusal.code, detail=refusal.detail, received=received
            )
            self._at("rejected", path)
            return replace(outcome, status="rejected", code=refusal.code, detail=refusal.detail, path=path)
        if one.known is not None:
            known = one.known
            path = self._archive.keep(waiting.path, one.sha256, known.dated, known.filename, known.received)
            outcome = replace(outcome, issue_id=known.issue_id)
        else:
            assert one.issue is not None and isinstance(result, AddResult)
            path = self._archive.keep(waiting.path, one.sha256, one.issue.sent, name, received)
            outcome = replace(
                outcome,
                status=result.status,
                issue_id=result.issue_id,
                articles=result.articles,
                newsletter=one.issue.newsletter.name,
                subject=one.issue.subject,
            )
        self._at("archived", path)
        return replace(outcome, path=path)

    def _unpack(self, mbox: Waiting, log: OutcomeLog) -> Iterator[None]:
        """Put the messages of an mbox into the spool, some at each step; then the mbox goes."""
        limit = self._settings.max_message_bytes
        refusal: MessageError | None = None
        number = 0
        with mbox.path.open("rb") as file:
            for number, data in enumerate(split_mbox(file, limit), 1):
                if len(data) > limit:
                    refusal = _too_large(f"message {number} in it", self._settings)
                else:
                    self._put(data, mbox_member(mbox.filename, number), mbox.received)
                if number % BATCH_MESSAGES == 0:
                    yield
        if number == 0:
            refusal = MessageError("the file holds no messages.", code="empty")
        if refusal is None:
            mbox.path.unlink()
            self._at("removed", mbox.path)
            return
        size = mbox.path.stat().st_size
        path = reject(
            self._settings.rejected,
            mbox.path,
            mbox.filename,
            code=refusal.code,
            detail=refusal.detail,
            received=mbox.received,
        )
        log.add(_refused(path, mbox.filename, "rejected", size, refusal))

    def _members(self, files: Iterable[Path], log: OutcomeLog) -> Iterator[tuple[bytes, str, datetime]]:
        limit = self._settings.max_message_bytes
        for file in files:
            try:
                status = file.stat()
                if file_kind(file) is None:
                    refusal = _no_message()
                    log.add(_refused(file, file.name, "skipped", status.st_size, refusal))
                    continue
                received = received_at(status.st_mtime)
                for data, name in iter_messages(file, limit):
                    if len(data) > limit:
                        log.add(_refused(file, name, "rejected", len(data), _too_large("it", self._settings)))
                    else:
                        yield data, name, received
            except OSError as failure:
                detail = f"it cannot be read: {failure.strerror}"
                log.add(Outcome(file.name, "failed", code=UNREADABLE, detail=detail, path=file))


def ingest_paths(
    paths: Iterable[Path], settings: Settings, store: Store, progress: Progress | None = None
) -> IngestReport:
    """Take the messages in these files and folders (with their sub-folders); the originals stay where they are.

    A server that is at work on the same data folder need not be stopped.
    """
    return Ingester(settings, store).ingest_files(find_files(paths), progress)


def find_files(paths: Iterable[Path]) -> list[Path]:
    """The files that these paths name or hold, sorted within each folder.

    Hidden ones and links to folders are left out.
    """
    found: list[Path] = []
    for path in paths:
        if not path.is_dir():
            found.append(path)
            continue
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            found.extend(Path(folder, name) for name in sorted(names) if not name.startswith("."))
    return found


def _is_mbox(waiting: Waiting) -> bool:
    try:
        return file_kind(waiting.path, waiting.filename) == "mbox"
    except OSError:
        return False


def _in_batches(
    members: Iterable[tuple[bytes, str, datetime]],
) -> Iterator[list[tuple[bytes, str, datetime]]]:
    batch: list[tuple[bytes, str, datetime]] = []
    size = 0
    for member in members:
        batch.append(member)
        size += len(member[0])
        if len(batch) >= BATCH_MESSAGES or size >= BATCH_BYTES:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _left(waiting: Waiting, code: str, detail: str) -> Outcome:
    return Outcome(waiting.filename, "failed", code=code, detail=detail, path=waiting.path)


def _refused(path: Path, name: str, status: Status, size: int, refusal: FeedsvcError) -> Outcome:
    return Outcome(name, status, size, code=refusal.code, detail=refusal.detail, path=path)


def _too_large(what: str, settings: Settings) -> MessageError:
    return TooLarge(
        f"{what} is larger than {settings.max_message_bytes:,} bytes. "
        "Raise the setting max_message_bytes if it is a newsletter."
    )


def _no_message() -> MessageError:
    return MessageError(
        "it is no message that feedsvc knows: those are .eml, .mbox, .html, .htm, .txt and .md files, and files that "
        "begin like a mail. Save the message in one of these forms.",
        code="not-a-message",
    )


def _internal(error: Exception) -> MessageError:
    said = traceback.format_exception_only(error)[-1].strip()
    return MessageError(
        f"feedsvc itself failed on it ({said}). "
        "This is a fault in feedsvc: please report it, with the file if you may.",
        code="internal-error",
    )
