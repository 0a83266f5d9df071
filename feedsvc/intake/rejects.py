"""The folder of messages that could not be taken in: each as it came, with the reason in words beside it."""

from __future__ import annotations

import filecmp
from datetime import datetime
from pathlib import Path

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


def _place(folder: Path, file: Path, filename: str) -> Path:
    room = MAX_NAME_BYTES - len(REASON_SUFFIX) - _NUMBER_BYTES
    for name in numbered_names(safe_name(filename, room)):
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
