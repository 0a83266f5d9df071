"""Files that are whole or absent: written to a temporary name, synced, renamed; and names that every disk takes.

A temporary file is locked while it is written, so one that nobody holds was left by a writer that was killed.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

# What most file systems take for one name (Linux, macOS, Windows), in bytes.
MAX_NAME_BYTES = 255
_PIECE_BYTES = 1 << 20
_YOUNG_S = 10.0  # a writer locks its file as soon as it has made it, but not in the same step
_ABANDONED_S = 24 * 3600.0
_KEPT_END_BYTES = 60  # of a name that is cut: enough for a date and the suffix
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_HIDING_HEAD = re.compile(r"^[\s.]+")


def write_whole(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file that is there with all its bytes, also after a power cut, or not at all."""
    write_many([(path, data)])
    sync_folder(path.parent)


def write_many(files: Sequence[tuple[Path, bytes | Iterable[bytes]]]) -> None:
    """Write files that are each whole or absent. Their names last once their folders were synced, by `sync_folder`.

    All are written before the first is synced: the disk then has several to work on at once.
    """
    written: list[tuple[IO[bytes], Path, Path]] = []
    try:
        for path, data in files:
            temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
            file = temporary.open("xb")
            written.append((file, temporary, path))
            _hold(file)
            file.writelines((data,) if isinstance(data, bytes) else data)
            file.flush()
        for opened, _, _ in written:
            os.fsync(opened.fileno())
        for opened, temporary, path in written:
            if os.name == "nt":
                opened.close()  # an open file cannot be renamed there
            temporary.replace(path)
    except BaseException:
        for _, temporary, _ in written:
            with contextlib.suppress(OSError):
                temporary.unlink()
        raise
    finally:
        for opened, _, _ in written:
            with contextlib.suppress(OSError):  # what was buffered and cannot be written any more
                opened.close()


def sweep(folder: Path) -> None:
    """Remove the temporary files in a folder whose writers were killed."""
    for path in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            if _is_abandoned(path):
                path.unlink()


def _hold(file: IO[bytes]) -> None:
    if fcntl is not None:
        with contextlib.suppress(OSError):  # a file system without locks: such a file is known by its age
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_abandoned(path: Path) -> bool:
    age_s = time.time() - path.stat().st_mtime
    if age_s > _ABANDONED_S:
        return True
    if fcntl is None or age_s < _YOUNG_S:
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
    return True


def move_whole(source: Path, target: Path) -> None:
    """Move a finished file, to another disk too; at any moment it is whole in one of the places, or in both.

    A link to a file is followed: what it leads to is copied, and the link goes.
    """
    if not source.is_symlink():
        _sync_file(source)
    if move_synced(source, target):
        sync_folder(target.parent)


def move_synced(source: Path, target: Path) -> bool:
    """As `move_whole`, for a file that was synced; returns whether the target's folder is still to be synced."""
    if not source.is_symlink():
        try:
            source.replace(target)
        except OSError as failure:
            if failure.errno != errno.EXDEV:
                raise
        else:
            return True
    with source.open("rb") as file:
        write_whole(target, iter(lambda: file.read(_PIECE_BYTES), b""))
    source.unlink()
    return False


def _sync_file(path: Path) -> None:
    """Wait until a file's bytes are on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk; Windows does that by itself."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(folder: Path) -> None:
    """Make a folder, with those above it, so that a power cut does not take it away with what is put into it."""
    if folder.is_dir():
        return
    make_folder(folder.parent)
    folder.mkdir(exist_ok=True)
    sync_folder(folder.parent)


def safe_name(name: str, max_bytes: int = MAX_NAME_BYTES) -> str:
    """A file's name as text that any disk, database and page can hold: at most `max_bytes` of UTF-8, never empty.

    Bytes that were no UTF-8 (surrogates, as Python reads such names) become U+FFFD; control characters, separators and
    characters that turn the direction of writing become spaces; dots at the head go, so that nothing is hidden. A name
    that is too long loses its middle: its end may hold a date, and has the suffix.
    """
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    text = _HIDING_HEAD.sub("", _NOT_IN_NAMES.sub(" ", text)).rstrip() or "message"
    encoded = text.encode("utf-8")
    if len(encoded) <= max_bytes:
        return text
    head = encoded[: max_bytes - _KEPT_END_BYTES - 1].decode("utf-8", "ignore")
    end = encoded[-_KEPT_END_BYTES:].decode("utf-8", "ignore")
    return f"{head}~{end}"


def numbered_names(name: str) -> Iterator[str]:
    """The name, then the name with 2, 3, … before its suffix: `a.eml`, `a-2.eml`, `a-3.eml`."""
    yield name
    stem, dot, suffix = name.rpartition(".")
    for number in itertools.count(2):
        yield f"{stem}-{number}.{suffix}" if dot and stem else f"{name}-{number}"
