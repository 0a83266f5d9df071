"""Pictures of newsletters, had by us in the reader's place and kept for a while in a folder of bounded size."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
import threading
from pathlib import Path
from typing import Final

from feedsvc.errors import ResolveError
from feedsvc.publish import gate
from feedsvc.publish.pictures import picture_type, shows_something
from feedsvc.resolve.fetch import Clock, Fetcher

logger = logging.getLogger(__name__)

MAX_PICTURE_BYTES: Final = 8_000_000
_MAX_REDIRECTS: Final = 5
_AT_ONCE: Final = 3


class PictureCache:
    """Pictures by their address. Safe for threads and for several processes; what was used longest ago goes first."""

    def __init__(self, folder: Path, max_bytes: int, fetcher: Fetcher) -> None:
        self._folder = folder
        self._max_bytes = max_bytes
        self._fetcher = fetcher
        self._free = threading.BoundedSemaphore(_AT_ONCE)
        self._lock = threading.Lock()

    def get(self, url: str) -> bytes:
        """Return the picture at this address, asking for it where it is not there.

        Raises ResolveError where it cannot be had, is no picture of points, or shows nothing.
        """
        path = self._folder / hashlib.sha256(url.encode()).hexdigest()
        try:
            data = path.read_bytes()
            os.utime(path)
        except OSError:
            data = self._ask(url)
            self._keep(path, data)
        return data

    def _ask(self, url: str) -> bytes:
        if not self._free.acquire(timeout=10):
            raise ResolveError("Too many pictures are being fetched.", code="busy")
        try:
            clock = Clock.of()
            for _ in range(_MAX_REDIRECTS + 1):
                answer = self._fetcher.get(
                    url,
                    clock,
                    wants=lambda media_type: (
                        media_type.startswith("image/") or media_type == "application/octet-stream"
                    ),
                    accept="image/avif,image/webp,image/png,image/jpeg,image/gif",
                    max_bytes=MAX_PICTURE_BYTES + 1,
                )
                if answer.location is None:
                    break
                url = answer.location
                if gate.image(url) is None:
                    raise ResolveError("It leads to what counts its readers.", code="tracker", final=True)
            else:
                raise ResolveError("It leads on too often.", code="redirects", final=True)
        finally:
            self._free.release()
        if answer.status != 200:
            raise ResolveError(f"The server answers {answer.status}.", code="status")
        if (
            len(answer.body) > MAX_PICTURE_BYTES
            or picture_type(answer.body) is None
            or not shows_something(answer.body)
        ):
            raise ResolveError("It is no picture that can be shown.", code="type", final=True)
        return answer.body

    def _keep(self, path: Path, data: bytes) -> None:
        """Write a picture whole or not at all, and make room. A cache that cannot be written to is none, and no error."""
        if len(data) > self._max_bytes:
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".", delete=False) as file:
                file.write(data)
            Path(file.name).replace(path)
            with self._lock:
                self._make_room()
        except OSError as failure:
            logger.warning("pictures cannot be kept in %s: %s", self._folder, failure.strerror)

    def _make_room(self) -> None:
        kept = []
        for path in self._folder.iterdir():
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            kept.append((status.st_mtime_ns, status.st_size, path))
        size = sum(each[1] for each in kept)
        for _, each_size, path in sorted(kept):
            if size <= self._max_bytes:
                return
            path.unlink(missing_ok=True)
            size -= each_size
