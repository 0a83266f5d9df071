"""The inbox: a folder into which people and programs drop messages.

A file is taken once it is finished, and only then. What says so, the surest first:

1. Nobody has it open for writing. Linux can tell for a local disk (it grants a read lease only then); a writer that
pauses
   is waited for. Where that cannot be asked, the next two decide alone.
2. The system tells that its writer closed it. It is left in peace for a moment all the same: some programs write a
file by
   opening it again and again.
3. Its size and its times stay the same for `settle_s`.

Events come from watchdog. The folder is also looked through every `rescan_s`, because network mounts tell of nothing,
and events can be lost. A file's way to the spool is one rename, so it is never there half.
"""

from __future__ import annotations

import errno
import fnmatch
import logging
import os
import signal
import stat
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import (
    EVENT_TYPE_CLOSED,
    EVENT_TYPE_CREATED,
    EVENT_TYPE_MODIFIED,
    EVENT_TYPE_MOVED,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver

from feedsvc.config import Settings
from feedsvc.intake.spool import FOLDER, Spool, received_at
from feedsvc.store.disk import safe_name

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

logger = logging.getLogger(__name__)

# Files that are still being written, or that belong to a program and not to a person.
IGNORED = (
    ".*", "~$*", "*~", "*.tmp", "*.temp", "*.part", "*.partial", "*.crdownload", "*.download", "*.filepart", "*.swp",
    "desktop.ini", "thumbs.db",
)  # fmt: skip

_CLOSED_REST_S = 0.2
_EMPTY_REST_S = 10.0  # an empty file is mostly one that is about to be written
_OPEN_TOO_LONG_S = 60.0  # a program that forgot to close it
_TRY_AGAIN_S = 30.0
_LEAST_PAUSE_S = 0.05  # between two looks, however many events come


@dataclass(slots=True)
class _Seen:
    """A file as it was at the last look. It has not changed since `since`; `wait_until` is set after a failure."""

    signature: tuple[int, int, int, int]
    since: float
    wait_until: float = 0.0


class FolderIntake:
    """Moves finished files from the inbox into the spool, and calls `on_ready` after each.

    With `watch` false it only looks through the folder now and then, as it does where the system's events fail.
    """

    def __init__(self, settings: Settings, on_ready: Callable[[], None], *, watch: bool = True) -> None:
        self._inbox = settings.inbox
        self._spool = Spool(settings.spool)
        self._settle_s = settings.settle_s
        self._rescan_s = settings.rescan_s
        self._on_ready = on_ready
        self._watch = watch
        self._observer: BaseObserver | None = None
        self._thread: threading.Thread | None = None
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._seen: dict[Path, _Seen] = {}
        self._closed: set[Path] = set()  # by events; set operations are atomic

    def start(self) -> None:
        """Begin to watch, in threads of its own."""
        if self._thread is not None:
            raise RuntimeError("it is watching already")
        self._stopping.clear()
        self._start_observer()
        self._thread = threading.Thread(target=self._run, name="feedsvc-inbox", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End; a file that is being moved is moved first. May be called twice."""
        self._stopping.set()
        self._wake.set()
        if self._observer is not None:
            self._observer.stop()
            self._observer.join()
            self._observer = None
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def _start_observer(self) -> None:
        if not self._watch:
            self._rescan_s = min(self._rescan_s, max(self._settle_s, _LEAST_PAUSE_S))
            return
        observer = Observer()
        try:
            observer.schedule(_Events(self), str(self._inbox), recursive=True)
            observer.start()
        except OSError as failure:
            self._rescan_s = min(self._rescan_s, max(self._settle_s, _LEAST_PAUSE_S))
            logger.warning(
                "the system does not tell of changes in %s (%s); looking every %g s instead",
                self._inbox,
                failure.strerror or failure,
                self._rescan_s,
            )
        else:
            self._observer = observer

    def note(self, event: FileSystemEvent) -> None:
        """Take in what the system tells; called by the watching thread."""
        moved = event.event_type == EVENT_TYPE_MOVED
        path = Path(os.fsdecode(event.dest_path if moved else event.src_path))
        if not event.is_directory:
            if moved or event.event_type == EVENT_TYPE_CLOSED:
                self._closed.add(path)
            else:
                self._closed.discard(path)
        self._wake.set()

    def _run(self) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            self._wake.wait(pause)
            self._wake.clear()
            try:
                soonest = self._look()
            except Exception:
                logger.exception("the inbox could not be looked through")
                soonest = None
            pause = self._rescan_s if soonest is None else min(self._rescan_s, max(soonest, _LEAST_PAUSE_S))
            self._stopping.wait(_LEAST_PAUSE_S)

    def _look(self) -> float | None:
        """Take what is finished; returns in how many seconds the next file may be, None where no file waits."""
        now = time.monotonic()
        there: set[Path] = set()
        soonest: float | None = None
        for path, status in self._files():
            if self._stopping.is_set():
                return None
            there.add(path)
            wait = self._rest(path, status, now)
            if wait <= 0:
                wait = self._take(path, status, now)
            if wait > 0:
                soonest = wait if soonest is None else min(soonest, wait)
        self._seen = {path: seen for path, seen in self._seen.items() if path in there}
        self._closed &= there
        return soonest

    def _rest(self, path: Path, status: os.stat_result, now: float) -> float:
        """How many seconds this file must yet rest; 0 or less: it is finished."""
        signature = (status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino)
        seen = self._seen.get(path)
        if seen is None or seen.signature != signature:
            seen = self._seen[path] = _Seen(signature, now)
        needed = _CLOSED_REST_S if path in self._closed else self._settle_s
        if status.st_size == 0:
            needed = max(_EMPTY_REST_S, self._settle_s)
        wait = max(seen.since + needed, seen.wait_until) - now
        if wait <= 0 and now - seen.since < _OPEN_TOO_LONG_S and is_open_for_writing(path):
            return max(_LEAST_PAUSE_S, min(self._settle_s, self._rescan_s))
        return wait

    def _take(self, path: Path, status: os.stat_result, now: float) -> float:
        """Move a file into the spool; returns in how many seconds to try again, 0 where it is done."""
        try:
            self._spool.take_over(path, path.name, received_at(status.st_mtime), way=FOLDER)
        except FileNotFoundError:
            return 0.0  # it was moved away
        except OSError as failure:
            self._seen[path].wait_until = now + _TRY_AGAIN_S
            logger.warning(
                "%s stays in the inbox: %s. %s",
                safe_name(path.name),
                failure.strerror or failure,
                "Give this user the right to read and move it."
                if failure.errno in (errno.EACCES, errno.EPERM)
                else f"It is tried again every {_TRY_AGAIN_S:g} s.",
            )
            return _TRY_AGAIN_S
        del self._seen[path]
        self._closed.discard(path)
        self._on_ready()
        return 0.0

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        """Every file in the inbox and its sub-folders that is not ignored; links to files are followed, to folders not."""
        folders = [self._inbox]
        while folders:
            folder = folders.pop()
            try:
                with os.scandir(folder) as found:
                    entries = sorted(found, key=lambda entry: entry.name)
            except FileNotFoundError:
                if folder == self._inbox:
                    logger.warning("%s was gone; made it again", self._inbox)
                    self._inbox.mkdir(parents=True, exist_ok=True)
                continue
            except OSError as failure:
                logger.warning("%s cannot be looked into: %s", folder, failure.strerror)
                continue
            for entry in entries:
                if is_ignored(entry.name):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                    continue
                try:
                    status = entry.stat()
                except OSError:  # moved away, or a link that leads nowhere
                    continue
                if stat.S_ISREG(status.st_mode):
                    yield Path(entry.path), status


class _Events(FileSystemEventHandler):
    """Passes on the events after which a file may be finished, and no others: reading a file makes events too."""

    def __init__(self, intake: FolderIntake) -> None:
        self._intake = intake

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Called by watchdog in its own thread."""
        if event.event_type in (EVENT_TYPE_CLOSED, EVENT_TYPE_CREATED, EVENT_TYPE_MODIFIED, EVENT_TYPE_MOVED):
            self._intake.note(event)


def is_ignored(name: str) -> bool:
    """Whether a file of this name is unfinished or no message, whatever it holds."""
    lower = name.lower()
    return any(fnmatch.fnmatchcase(lower, pattern) for pattern in IGNORED)


def is_open_for_writing(path: Path) -> bool:
    """Whether some program has this file open for writing; False where the system cannot tell.

    A read lease is granted only on a file that nobody has open for writing (fcntl(2), F_SETLEASE). Whoever opens it
    during the microseconds for which the lease is held is let in at once, and the signal that tells of it is one that
    does nothing.
    """
    if not hasattr(fcntl, "F_SETLEASE"):
        return False
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return False
    try:
        fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    except OSError as failure:
        return failure.errno == errno.EAGAIN
    finally:
        os.close(handle)
    return False
