"""The folder of messages that could not be taken in: each as it came, with the reason in words beside it."""

from __future__ import annotations

import filecmp
import glob
import hashlib
from datetime import datetime
from pathlib import Path

from feedsvc.intake.spool import Spool
from feedsvc.store import RejectionRow
from feedsvc.store.disk import MAX_NAME_BYTES, move_whole, numbered_names, safe_name, write_whole

REASON_SUFFIX = ".reason.txt"
_NUMBER_BYTES = 10


def reject(folder: Path, file: Path, filename: str, *, code: str, detail: str, received: datetime) -> Path:
    """Move a file to the rejected ones under the name that it came with, and return where it stands now.

    A name that is taken gets a number; the same bytes under the same name are there once, however often they are
    refused. The reason is written first, so that a file never stands there without it.
    """
    path = _place(folder, file, filename)
    write_whole(path.with_name(path.name + REASON_SUFFIX), _reason(path.name, code, detail, received).encode())
    move_whole(file, path)
    return path


def find_rejected(folder: Path, filename: str, sha256: str) -> Path | None:
    """The rejected file with these bytes that came under this name, or None where it was taken away."""
    name = Path(_short(filename))
    same_name = sorted(folder.glob(f"{glob.escape(name.stem)}*{glob.escape(name.suffix)}"))
    return next((path for path in same_name if _sha256(path) == sha256), None)


def rejected_files(folder: Path) -> dict[str, Path]:
    """Every rejected file by the SHA-256 of its bytes: for who looks for many, each is read once."""
    hashed = ((_sha256(path), path) for path in sorted(folder.iterdir()))
    return {sha256: path for sha256, path in hashed if sha256 is not None}


def try_again(spool: Spool, file: Path, row: RejectionRow) -> Path:
    """Put a rejected file into the spool again, as it came in; returns where it waits. Raises OSError."""
    waits = spool.take_over(file, row.filename or file.name, row.received, way=row.way, sha256=row.sha256)
    file.with_name(file.name + REASON_SUFFIX).unlink(missing_ok=True)
    return waits


def _sha256(path: Path) -> str | None:
    """Of the file's bytes; None for a reason, a folder, and what has gone away by now."""
    if path.name.endswith(REASON_SUFFIX) or not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return None


def _short(filename: str) -> str:
    return safe_name(filename, MAX_NAME_BYTES - len(REASON_SUFFIX) - _NUMBER_BYTES)


def _place(folder: Path, file: Path, filename: str) -> Path:
    for name in numbered_names(_short(filename)):
        path = folder / name
        if not path.exists() or filecmp.cmp(file, path, shallow=False):
            return path
    raise AssertionError("numbers do not end")


def _reason(name: str, code: str, detail: str, received: datetime) -> str:
    return (
        f"{name} came in on {received:%Y-%m-%d at %H:%M} UTC and could not be taken in.\n\n"
        f"Why: {detail}\n\n"
        "The file beside this note is as it came. Once it is mended, put it into the inbox again;\n"
        "or delete both. feedsvc does not look at this folder by itself.\n\n"
        f"Code: {code}\n"
    )
