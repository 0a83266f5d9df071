"""How much there is and how it goes, read from the store at most every few seconds, however often it is asked for."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from feedsvc.config import Settings
from feedsvc.intake.spool import Spool
from feedsvc.store import Counts, IntakeRow, Store

_KEPT_S: Final = 10.0
_MAX_TROUBLES: Final = 20


@dataclass(frozen=True, slots=True)
class Figures:
    """What the store holds, and what each way in did. Sizes are in bytes; `waiting` counts the files in the spool."""

    counts: Counts
    kinds: Mapping[str, int]
    intakes: tuple[IntakeRow, ...]
    revision: int
    schema_version: int
    database_bytes: int
    archive_bytes: int
    cache_bytes: int
    waiting: int


class FigureBoard:
    """The figures of one application, and when it began. Safe for threads."""

    def __init__(self) -> None:
        self.started = datetime.now(UTC)
        self._lock = threading.Lock()
        self._figures: Figures | None = None
        self._read_at = 0.0

    def figures(self, settings: Settings, store: Store, *, fresh: bool = False) -> Figures:
        """The figures, some seconds old unless they are to be `fresh`. Raises StoreError."""
        with self._lock:
            if fresh or self._figures is None or time.monotonic() - self._read_at > _KEPT_S:
                self._figures = _read(settings, store)
                self._read_at = time.monotonic()
            return self._figures


def _read(settings: Settings, store: Store) -> Figures:
    database, archive = store.sizes()
    return Figures(
        counts=store.counts(),
        kinds=store.articles_by_kind(),
        intakes=store.intakes(),
        revision=store.revision(),
        schema_version=store.schema_version(),
        database_bytes=database,
        archive_bytes=archive,
        cache_bytes=_folder_bytes(settings.image_cache),
        waiting=len(Spool(settings.spool).waiting()) if settings.spool.is_dir() else 0,
    )


def _folder_bytes(folder: Path) -> int:
    total = 0
    for path in folder.rglob("*"):
        try:
            total += path.stat().st_size
        except OSError:  # removed on the way
            continue
    return total


@dataclass(frozen=True, slots=True)
class Trouble:
    """A warning or an error that was logged."""

    at: datetime
    words: str


class Troubles(logging.Handler):
    """Keeps the last warnings and errors of this process in mind, to be shown."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._last: deque[Trouble] = deque(maxlen=_MAX_TROUBLES)

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record, as one line."""
        error = record.exc_info[1] if record.exc_info else None
        words = " ".join(record.getMessage().split())
        self._last.append(
            Trouble(
                datetime.fromtimestamp(record.created, UTC),
                f"{words} ({type(error).__name__}: {error})" if error is not None else words,
            )
        )

    def newest_first(self) -> tuple[Trouble, ...]:
        """What was kept."""
        return tuple(reversed(self._last))


# Put on the log by `feedsvc serve`, which has a log of its own; another server's log is its own affair.
TROUBLES: Final = Troubles()
