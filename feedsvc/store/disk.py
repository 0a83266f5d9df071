"""Files that are whole or absent: written to a temporary name, synced, renamed; and names that every disk takes."""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from pathlib import Path

# What most file systems take for one name (Linux, macOS, Windows), in bytes.
MAX_NAME_BYTES = 255
_PIECE_BYTES = 1 << 20
_KEPT_END_BYTES = 60  # of a name that is cut: enough for a date and the suffix
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f-\x9f/\\\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
_HIDING_HEAD = re.compile(r"^[\s.]+")


def write_whole(path: Path, data: bytes | Iterable[bytes]) -> None:
    """Write a file that is there with all its bytes, also after a power cut, or not at all."""
    temporary = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with temporary.open("xb") as file:
            file.writelines((data,) if isinstance(data, bytes) else data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    sync_folder(path.parent)


def move_whole(source: Path, target: Path) -> None:
    """Move a finished file, to another disk too; at any moment it is whole in one of the places, or in both.

    A link to a file is followed: what it leads to is copied, and the link goes.
    """
    if not source.is_symlink():
        try:
            _sync_file(source)
            source.replace(target)
        except OSError as failure:
            if failure.errno != errno.EXDEV:
                raise
        else:
            sync_folder(target.parent)
            return
    with source.open("rb") as file:
        write_whole(target, iter(lambda: file.read(_PIECE_BYTES), b""))
    source.unlink()


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
