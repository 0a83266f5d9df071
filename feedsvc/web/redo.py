"""Reads past issues of a newsletter again after something was mended: in a thread, one at a time in each process.

What is to be read again, and how far it is, stands in the store. So a process that dies leaves its work to the next
start, or to whoever mends something next; to read an issue twice changes nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, cast

from flask import Flask

from feedsvc.config import Settings
from feedsvc.errors import FeedsvcError
from feedsvc.ingest import LOCK_NAME
from feedsvc.intake.lock import only_one
from feedsvc.intake.outcome import UNREADABLE, Outcome
from feedsvc.reprocess import reprocess
from feedsvc.store import Rereading, Store
from feedsvc.web.site import EXTENSION as SITE
from feedsvc.web.site import Site

logger = logging.getLogger(__name__)

EXTENSION: Final = "feedsvc-redo"
IDLE: Final = timedelta(seconds=20)  # after which whoever was at it is taken for dead
_LOOK_AGAIN_S: Final = 2.0
_NOTE_S: Final = 0.3


@dataclass(slots=True)
class _Claim:
    """What is at hand, as it was noted last: by that the store knows whose it is."""

    work: Rereading


class Redo:
    """Reads newsletters again, one after the other, in a thread that ends when there are none left."""

    def __init__(self, settings: Settings, store: Store, *, idle: timedelta = IDLE) -> None:
        self._idle = idle
        self._settings = settings
        self._store = store
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._asked = False
        self._stopping = threading.Event()

    def ask(self, newsletter: str) -> None:
        """Have all issues of the newsletter with this key read again, and return at once."""
        self._store.ask_again(newsletter)
        self.go_on()

    def go_on(self) -> None:
        """Take up what waits: of this process, and of others that died."""
        with self._lock:
            self._asked = True
            if self._thread is None and not self._stopping.is_set():
                self._thread = threading.Thread(target=self._run, name="feedsvc-redo", daemon=True)
                self._thread.start()

    def stop(self) -> None:
        """End after the messages in hand; the rest waits for the next start. May be called twice."""
        self._stopping.set()
        with self._lock:
            thread = self._thread
        if thread is not None:
            thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._asked or self._stopping.is_set():
                    self._thread = None
                    return
                self._asked = False
            try:
                self._take_all()
            except Exception:  # a thread that ends without a word would look as if it were at work
                logger.exception("issues could not be read again")

    def _take_all(self) -> None:
        failed: set[str] = set()
        while not self._stopping.is_set():
            work = self._store.claim_rereading(datetime.now(UTC) - self._idle, without=frozenset(failed))
            if work is None:
                if not self._store.rereadings() - failed:
                    return
                # Another process is at it, or died just now.
                self._stopping.wait(min(_LOOK_AGAIN_S, self._idle.total_seconds()))
                continue
            claim = _Claim(work)
            try:
                problem = self._read(claim)
            except FeedsvcError as failure:
                problem = failure.detail
            except Exception as failure:
                logger.exception("the issues of %s could not be read again", work.newsletter)
                problem = str(failure)
            if problem is not None:
                failed.add(work.newsletter)
                logger.warning("%s: %s", work.newsletter, problem)
                self._store.leave_rereading(claim.work, problem)

    def _read(self, claim: _Claim) -> str | None:
        """Read a newsletter again; returns why that could not be done."""
        halted = threading.Event()
        done, noted = 0, time.monotonic()

        def tell(outcome: Outcome) -> None:
            nonlocal done, noted
            done += 1
            if self._stopping.is_set():
                halted.set()
            elif time.monotonic() - noted > _NOTE_S:
                noted = time.monotonic()
                found = self._store.note_rereading(claim.work, done)
                if found is None:
                    halted.set()  # something else was mended, or another process took it: from the beginning
                else:
                    claim.work = found

        with only_one(self._settings.data / LOCK_NAME):
            pass  # whoever read messages before this was mended has stored them by now
        report = reprocess(self._settings, self._store, tell, newsletter=claim.work.newsletter, stopping=halted)
        if self._stopping.is_set():
            self._store.leave_rereading(claim.work)
            return None
        # A message that is gone from the archive will be gone the next time too: its articles stay as they are.
        problem = next(
            (one.detail for one in report.outcomes if one.status == "failed" and one.code != UNREADABLE), None
        )
        if problem is None and not halted.is_set():
            self._store.end_rereading(claim.work)
        return problem


def redo_of(app: Flask) -> Redo:
    """Return what reads again for this application, made when it is first needed."""
    found = app.extensions.get(EXTENSION)
    if found is None:
        here = cast(Site, app.extensions[SITE])
        found = app.extensions.setdefault(EXTENSION, Redo(here.settings, here.store))
    return cast(Redo, found)
