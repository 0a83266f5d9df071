"""Pictures of newsletters, had by us in the reader's place and kept for a while in a folder of bounded size."""

from __future__ import annotations

import hashlib
import threading
from pathlib import Path
from typing import Final

from feedsvc.errors import ResolveError
from feedsvc.publish import gate
from feedsvc.publish.pictures import picture_type, shows_something
from feedsvc.resolve.fetch import Clock, Fetcher
from feedsvc.store.kept import KeptFiles

MAX_PICTURE_BYTES: Final = 8_000_000
_MAX_REDIRECTS: Final = 5
_AT_ONCE: Final = 3


class PictureCache:
    """Pictures by their address. Safe for threads and for several processes."""

    def __init__(self, folder: Path, max_bytes: int, fetcher: Fetcher) -> None:
        self._kept = KeptFiles(folder, max_bytes)
        self._fetcher = fetcher
        self._free = threading.BoundedSemaphore(_AT_ONCE)

    def get(self, url: str) -> bytes:
        """Return the picture at this address, asking for it where it is not there.

        Raises ResolveError where it cannot be had, is no picture of points, or shows nothing.
        """
        name = hashlib.sha256(url.encode()).hexdigest()
        data = self._kept.read(name)
        if data is None:
            data = self._ask(url)
            self._kept.write(name, data)
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
