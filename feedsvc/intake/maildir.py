"""Maildirs that other programs deliver to: watched, and read only.

A message's name up to its flags is its own for ever, whatever folder or flags it gets; so the names that were taken are
noted, after the messages are safe in the spool. Names that are gone from the Maildir are forgotten.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from feedsvc.config import Settings
from feedsvc.errors import FeedsvcError, StoreError
from feedsvc.intake.files import MAILDIR_FOLDERS, is_discarded, is_maildir
from feedsvc.intake.outcome import too_large
from feedsvc.intake.spool import Arrival, Spool, received_at
from feedsvc.store import Store
from feedsvc.store.disk import safe_name

logger = logging.getLogger(__name__)

BATCH_MESSAGES = 32
BATCH_BYTES = 16_000_000
_TICK_NS = 2_000_000_000
_FLAGS = re.compile(r"[:;!]2,.*\Z", re.DOTALL)
_NOT_IN_WAYS = re.compile(r"[^a-z0-9]+")


class Maildir:
    """One Maildir, and what was taken from it."""

    def __init__(self, settings: Settings, store: Store, path: Path) -> None:
        self.path = path
        self.way = way_of(path)
        self._limit = settings.max_message_bytes
        self._spool = Spool(settings.spool)
        self._store = store
        self._seen: set[str] | None = None
        self._states: tuple[int, ...] = ()

    def look(self, stopping: threading.Event) -> int:
        """Take what is new; returns how many messages. Raises OSError and StoreError."""
        states = tuple((self.path / name).stat().st_mtime_ns for name in MAILDIR_FOLDERS)
        if self._seen is None:
            self._seen = set(self._store.marks(self.way))
        elif states == self._states:
            return 0  # names come and go only with a change of the folders
        there: set[str] = set()
        taken = 0
        batch: list[tuple[str, Arrival]] = []
        size = 0
        for name, file in self._files():
            there.add(name)
            if name in self._seen or stopping.is_set():
                continue
            arrival = self._read(file, name)
            if arrival is None:
                continue
            batch.append((name, arrival))
            size += len(arrival.data)
            if len(batch) >= BATCH_MESSAGES or size >= BATCH_BYTES:
                taken += self._take(batch)
                batch, size = [], 0
        taken += self._take(batch)
        if not stopping.is_set():
            if gone := self._seen - there:
                self._store.set_marks(self.way, {}, forget=gone)
                self._seen -= gone
            # A name that comes in the same tick of the clock as another changes no time that can be told from it.
            self._states = states if time.time_ns() - max(states) > _TICK_NS else ()
        return taken

    def _files(self) -> Iterator[tuple[str, Path]]:
        for folder in MAILDIR_FOLDERS:
            with os.scandir(self.path / folder) as entries:
                names = sorted(entry.name for entry in entries if not entry.name.startswith("."))
            for name in names:
                if not is_discarded(name):
                    yield _FLAGS.sub("", name), self.path / folder / name

    def _read(self, file: Path, name: str) -> Arrival | None:
        try:
            status = file.stat()
            if status.st_size > self._limit:
                raise too_large(safe_name(name), self._limit)
            return Arrival(file.read_bytes(), f"{safe_name(name, 100)}.eml", received_at(status.st_mtime))
        except FileNotFoundError:
            return None  # it was moved or got flags meanwhile, which shows at the next look
        except (OSError, FeedsvcError) as failure:
            detail = failure.detail if isinstance(failure, FeedsvcError) else f"{file.name}: {failure.strerror}"
            logger.warning("%s: %s", self.way, detail)
            with suppress(StoreError):
                self._store.note_failures(self.way, [detail])
                self._note([name])
            return None

    def _take(self, batch: list[tuple[str, Arrival]]) -> int:
        if batch:
            self._spool.put_all([arrival for _, arrival in batch], way=self.way)
            self._note([name for name, _ in batch])
        return len(batch)

    def _note(self, names: list[str]) -> None:
        assert self._seen is not None
        self._store.set_marks(self.way, dict.fromkeys(names, ""))
        self._seen.update(names)


class MaildirIntake:
    """Looks into Maildirs every `rescan_s` in a thread of its own, and calls `on_ready` where that brought something."""

    def __init__(self, settings: Settings, store: Store, on_ready: Callable[[], None]) -> None:
        self._maildirs = [Maildir(settings, store, path) for path in settings.maildirs or ()]
        self._store = store
        self._on_ready = on_ready
        self._rescan_s = settings.rescan_s
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="feedsvc-maildir", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End after the messages in hand. May be called twice."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _run(self) -> None:
        told: dict[str, str | None] = {}
        while not self._stopping.is_set():
            for maildir in self._maildirs:
                taken, problem = look_once(maildir, self._stopping)
                if problem != told.get(maildir.way, "") or taken:
                    with suppress(StoreError):
                        self._store.note_look(maildir.way, problem)
                if problem is not None and problem != told.get(maildir.way):
                    logger.warning("%s: %s", maildir.way, problem)
                told[maildir.way] = problem
                if taken:
                    self._on_ready()
            self._stopping.wait(self._rescan_s)


def look_once(maildir: Maildir, stopping: threading.Event) -> tuple[int, str | None]:
    """Look into a Maildir once: how many messages came, and why it could not be looked into, if so."""
    if not is_maildir(maildir.path):
        return 0, f"{maildir.path} is no Maildir: there are no folders new, cur and tmp in it, or they may not be seen."
    try:
        return maildir.look(stopping), None
    except OSError as failure:
        return 0, f"{failure.filename or maildir.path}: {failure.strerror}. Give this user the right to read it."
    except StoreError as failure:
        return 0, failure.detail


def way_of(path: Path) -> str:
    """The name of this way in: of the last part of the path, and some letters that tell it from others of that name."""
    name = _NOT_IN_WAYS.sub("-", path.name.lower()).strip("-")[:20] or "mail"
    return f"maildir-{name}-{hashlib.sha256(os.fsencode(path)).hexdigest()[:6]}"
