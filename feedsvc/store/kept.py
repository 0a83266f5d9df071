"""Files kept for a while in a folder of bounded size: what can be had again, and takes long to get."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
from pathlib import Path
from typing import Final

logger = logging.getLogger(__name__)

# A folder is read whole to make room.
MAX_FILES: Final = 10_000


class KeptFiles:
    """Files by name, each whole or absent. Safe for threads and for several processes; what was used longest ago goes first.

    A folder that cannot be written to keeps nothing, and that is no error.
    """

    def __init__(self, folder: Path, max_bytes: int, max_files: int = MAX_FILES) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._max_files = max_files
        self._lock = threading.Lock()

    def read(self, name: str) -> bytes | None:
        """Return the file's bytes, or None where it is not kept."""
        path = self._folder / name
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return data

    def write(self, name: str, data: bytes) -> None:
        """Keep these bytes, in the place of those of the same name, and make room."""
        if len(data) > self._max_bytes:
            return
        temporary = None
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as file:
                temporary = Path(file.name)
                file.write(data)
            temporary.replace(self._folder / name)
            with self._lock:
                self._make_room()
        except OSError as failure:
            logger.warning("nothing can be kept in %s: %s", self._folder, failure.strerror)
            if temporary is not None:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)

    def _make_room(self) -> None:
        kept = []
        for path in self._folder.iterdir():
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            kept.append((status.st_mtime_ns, status.st_size, path))
        size, number = sum(each[1] for each in kept), len(kept)
        for _, each_size, path in sorted(kept):
            if size <= self._max_bytes and number <= self._max_files:
                return
            path.unlink(missing_ok=True)
            size -= each_size
            number -= 1
