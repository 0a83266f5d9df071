"""One process at a time takes from the spool: a lock on a file, which the system frees when its holder dies."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from feedsvc.errors import SettingsError

logger = logging.getLogger(__name__)

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LOOK_AGAIN_S = 0.1
_BUSY = {errno.EACCES, errno.EAGAIN, errno.EDEADLK}
_warned: set[Path] = set()


@contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock on this file, waiting for whoever has it; threads of one process exclude one another too.

    Where the file system knows no locks (some network mounts), it says so once and goes on without.
    Raises SettingsError where the file cannot be made.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
    except OSError as failure:
        raise SettingsError(
            f"cannot write {path}: {failure.strerror}. Give this user the right to write to the data folder, "
            "or choose another with --data or FEEDSVC_DATA."
        ) from failure
    try:
        try:
            _acquire(handle)
        except OSError as failure:
            if path not in _warned:
                _warned.add(path)
                logger.warning(
                    "%s cannot be locked (%s): let only one feedsvc at a time use this folder", path, failure.strerror
                )
        yield
    finally:
        os.close(handle)  # frees the lock


def _acquire(handle: int) -> None:
    if fcntl is not None:
        fcntl.flock(handle, fcntl.LOCK_EX)
        return
    import msvcrt

    while True:
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined,unused-ignore]
        except OSError as failure:
            if failure.errno not in _BUSY:
                raise
            time.sleep(_LOOK_AGAIN_S)
        else:
            return
