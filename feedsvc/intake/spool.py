"""The spool: the folder in which messages wait, and the one queue that every intake writes to.

A file in it is whole, and safe on the disk: it was written under a temporary name, synced and renamed, and its folder
was synced. Its name says what its bytes do not, and sorts by arrival:

    20240903T130814123456Z-17f1a9c2d4e5f6079f3c22aa.smtp__Articles TLDR AI 03-09-2024.txt
    when it was received    order                   way   its name where it came from
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from feedsvc.store.disk import MAX_NAME_BYTES, move_whole, safe_name, sweep, sync_folder, write_many

FOLDER, COMMAND, STDIN, SMTP, LMTP, HTTP, PAGE = "folder", "command", "stdin", "smtp", "lmtp", "http", "page"
MAX_WAY_CHARS = 40

_STAMP = "%Y%m%dT%H%M%S%fZ"
_NAME = re.compile(
    r"(?P<received>\d{8}T\d{12}Z)-(?P<order>[0-9a-f]+)(?:\.(?P<way>[a-z0-9-]+))?__(?P<filename>.+)", re.DOTALL
)
_HEAD_BYTES = 22 + 1 + 24 + 1 + MAX_WAY_CHARS + 2
_MARK_CHARS = 8
_OLDEST = datetime(1990, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message that waits in the spool. `filename` is the name that it came with, made safe; `way` is how it came in."""

    path: Path
    filename: str
    received: datetime
    way: str = ""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message that comes in. `received` is now, if not given."""

    data: bytes
    filename: str
    received: datetime | None = None


class Spool:
    """The queue in this folder. Several threads and processes may put into it at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, data: bytes, filename: str, received: datetime | None = None, *, way: str = "") -> Path:
        """Put a message into the queue, and return once it is safe on the disk. `received` is now, if not given."""
        return self.put_all([Arrival(data, filename, received)], way=way)[0]

    def put_all(self, arrivals: Sequence[Arrival], *, way: str = "") -> list[Path]:
        """Put messages into the queue, and return where they are once all are safe on the disk."""
        files = [
            (self._new_path(one.filename, one.received, way, hashlib.sha256(one.data).hexdigest()), one.data)
            for one in arrivals
        ]
        write_many(files)
        sync_folder(self.folder)
        return [path for path, _ in files]

    def take_over(
        self, file: Path, filename: str, received: datetime | None = None, *, way: str = "", sha256: str | None = None
    ) -> Path:
        """Move a finished file into the queue, by renaming it where spool and file share a disk.

        With the SHA-256 of its bytes it can be found there by it.
        """
        path = self._new_path(filename, received, way, sha256 or secrets.token_hex(_MARK_CHARS // 2))
        move_whole(file, path)
        return path

    def waiting(self, limit: int | None = None, skip: Collection[Path] = ()) -> list[Waiting]:
        """What waits, oldest first, without `skip`; files that are being written are not in it."""
        with os.scandir(self.folder) as entries:
            names = sorted(entry.name for entry in entries)
        found: list[Waiting] = []
        for name in names:
            path = self.folder / name
            if path not in skip and _NAME.fullmatch(name):
                found.append(self.look(path))
            if len(found) == limit:
                break
        return found

    def look(self, path: Path) -> Waiting:
        """What the name of a file in the spool says."""
        match = _NAME.fullmatch(path.name)
        if match is None:
            raise ValueError(f"{path} was not put into the spool")
        received = datetime.strptime(match["received"], _STAMP).replace(tzinfo=UTC)
        return Waiting(path, match["filename"], received, match["way"] or "")

    def find(self, sha256: str) -> Waiting | None:
        """The message with these bytes, if it was put here under them and still waits."""
        mark = f"{sha256[:_MARK_CHARS]}"
        with os.scandir(self.folder) as entries:
            for entry in entries:
                if (match := _NAME.fullmatch(entry.name)) and match["order"].endswith(mark):
                    return self.look(self.folder / entry.name)
        return None

    def sweep(self) -> None:
        """Remove what writers left that were killed on the way."""
        sweep(self.folder)

    def _new_path(self, filename: str, received: datetime | None, way: str, mark: str) -> Path:
        stamp = (received or datetime.now(UTC)).astimezone(UTC).strftime(_STAMP)
        order = f"{time.time_ns():016x}{mark[:_MARK_CHARS]}"
        came = f".{way}" if way else ""
        return self.folder / f"{stamp}-{order}{came}__{safe_name(filename, MAX_NAME_BYTES - _HEAD_BYTES)}"


def received_at(modified: float) -> datetime:
    """When a file came, from the time it was last written (in seconds since 1970), where that can be true; else now.

    It dates a message that has no date of its own, so a file from an old folder keeps its place in time.
    """
    now = datetime.now(UTC)
    try:
        written = datetime.fromtimestamp(modified, UTC)
    except (OverflowError, OSError, ValueError):
        return now
    return written if _OLDEST <= written <= now else now
