"""The archive: the bytes of every message that was taken in, named by their SHA-256, in a folder for each month.

    archive/2024/09/<sha256>.eml         a saved body keeps its own suffix: .html, .htm, .txt, .md
    archive/2024/09/<sha256>.txt.name    the name that a saved body came with: it may hold its title and date

A file's time of change is when its message was received. So the database can be made anew from the archive alone.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from feedsvc.store.disk import make_folder, move_synced, write_whole

BODY_SUFFIXES = frozenset({".html", ".htm", ".txt", ".md"})
_FILE = re.compile(r"[0-9a-f]{64}\.(eml|html|htm|txt|md)")
_NAME_SUFFIX = ".name"


@dataclass(frozen=True, slots=True)
class Archived:
    """A message in the archive. `filename` is the name that it came with, where that was kept."""

    path: Path
    sha256: str
    filename: str | None
    received: datetime


class Archive:
    """The archive in this folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, sha256: str, dated: datetime, filename: str | None) -> Path:
        """Where the message with these bytes, of this date and with this name, stands or would stand."""
        suffix = Path(filename or "").suffix.lower()
        return self.folder / f"{dated:%Y}" / f"{dated:%m}" / f"{sha256}{suffix if suffix in BODY_SUFFIXES else '.eml'}"

    def keep(self, file: Path, sha256: str, dated: datetime, filename: str | None, received: datetime) -> Path:
        """Move a finished file that was synced into the archive; where it is there already, only remove it.

        Returns where it stands; that lasts once the folder of that path was synced.
        """
        path = self.path(sha256, dated, filename)
        if path.exists():
            if not path.samefile(file):
                file.unlink()
            return path
        make_folder(path.parent)
        if filename and path.suffix in BODY_SUFFIXES:
            write_whole(path.with_name(path.name + _NAME_SUFFIX), filename.encode())
        os.utime(file, (received.timestamp(), received.timestamp()))
        move_synced(file, path)
        return path

    def __iter__(self) -> Iterator[Archived]:
        """Every message in the archive, by month."""
        for path in sorted(self.folder.glob("[0-9]*/[0-9]*/*")):
            if _FILE.fullmatch(path.name):
                name = path.with_name(path.name + _NAME_SUFFIX)
                yield Archived(
                    path=path,
                    sha256=path.name[:64],
                    filename=name.read_text(encoding="utf-8") if name.exists() else None,
                    received=datetime.fromtimestamp(path.stat().st_mtime, UTC),
                )
