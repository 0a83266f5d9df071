"""All that takes mail in by itself while feedsvc runs: each way in that is set up, and what drains the spool."""

from __future__ import annotations

import logging
import threading
from typing import Protocol

from feedsvc.config import Settings
from feedsvc.ingest import Ingester
from feedsvc.intake.folder import FolderIntake
from feedsvc.intake.imap import ImapIntake
from feedsvc.intake.maildir import MaildirIntake
from feedsvc.intake.outcome import Progress
from feedsvc.intake.smtp import MailServer
from feedsvc.store import Store

logger = logging.getLogger(__name__)

TRY_AGAIN_S = 10.0


class Intake(Protocol):
    """A way in that runs in threads of its own, and calls back when it has put something into the spool."""

    def start(self) -> None:
        """Begin."""

    def stop(self) -> None:
        """End after what is in hand. May be called twice."""


class Watcher:
    """Takes in what the ways in bring and what is put into the spool, in threads of its own, until it is stopped."""

    def __init__(self, settings: Settings, store: Store, progress: Progress | None = None) -> None:
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._rescan_s = settings.rescan_s
        self._progress = progress
        self._ingester = Ingester(settings, store)
        self._intakes = _intakes(settings, store, self._wake)
        self._thread = threading.Thread(target=self._run, name="feedsvc-ingest", daemon=True)
        started: list[Intake] = []
        try:
            for intake in self._intakes:
                intake.start()
                started.append(intake)
        except BaseException:
            for intake in started:
                intake.stop()
            raise
        self._thread.start()

    def stop(self) -> None:
        """End after the messages that are in hand; what is left waits in the spool. May be called twice."""
        self._stopping.set()
        for intake in self._intakes:
            intake.stop()
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


def _intakes(settings: Settings, store: Store, wake: threading.Event) -> list[Intake]:
    """The ways in that are set up."""
    found: list[Intake] = [FolderIntake(settings, wake.set)]
    if settings.smtp is not None:
        found.append(MailServer(settings, store, wake.set, "smtp"))
    if settings.lmtp is not None:
        found.append(MailServer(settings, store, wake.set, "lmtp"))
    if settings.maildirs:
        found.append(MaildirIntake(settings, store, wake.set))
    for name, account in (settings.imap or {}).items():
        found.append(ImapIntake(settings, store, name, account, wake.set))
    return found


def start_watching(settings: Settings, store: Store, progress: Progress | None = None) -> Watcher:
    """Take in what is in the inbox and the spool, and what comes; `progress` hears of each message, in another thread."""
    return Watcher(settings, store, progress)
