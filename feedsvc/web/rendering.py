"""Documents rendered once for each state of the store, by whichever worker process is asked first.

What one process renders it writes to a folder that all share; the others read it there, and so all answer with the same
bytes, entity tag and date. A document with somebody's token in its links is not written to a disk, where it would outlive
the token: each process renders that for itself.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

from feedsvc.config import Settings
from feedsvc.store import State, Store
from feedsvc.store.kept import KeptFiles
from feedsvc.web.documents import Document

logger = logging.getLogger(__name__)

MAX_BYTES: Final = 100_000_000
MAX_FILES: Final = 2_000
# Who waits longer for another process renders too: that one may have been stopped.
_PATIENCE_S: Final = 5.0
_LOOK_EVERY_S: Final = 0.01
_TURNS: Final = 16
# A store that changes while a document is rendered is asked once more.
_TRIES: Final = 2

Render = Callable[[State], Document]


class Renderer:
    """Renders documents of one store, and shares them with other processes by a folder; without one, with none.

    `made_by` names the program and the settings: what others made of the same articles is not taken. Safe for threads.
    """

    def __init__(self, store: Store, folder: Path | None = None, made_by: str = "") -> None:
        self._store = store
        self._folder = folder
        self._made_by = made_by
        self._kept = None if folder is None else KeptFiles(folder / "kept", MAX_BYTES, MAX_FILES)

    def document(self, address: str, render: Render, *, private: bool = False) -> Document:
        """Return the document with this address, which is its own; `private` keeps it off the disk.

        `render` makes it of what the store holds in the state that it is given. Its date is that of the change by which
        it got its present bytes; None where the store changes so often that it cannot be told.
        """
        if self._kept is None or private:
            return self._rendered(render)[1]
        name = hashlib.sha256(f"{self._made_by}\n{address}".encode()).hexdigest()
        with self._turn(name):
            before = self._read(name)
            if before is not None and before[0] == self._store.state():
                return before[1]
            state, document = self._rendered(render)
            if document.modified is not None:
                if before is not None and before[0].uid == state.uid and before[1].tag == document.tag:
                    document = replace(document, modified=before[1].modified)
                self._kept.write(name, _written(state, document))
            return document

    def _rendered(self, render: Render) -> tuple[State, Document]:
        for _ in range(_TRIES):
            state = self._store.state()
            document = render(state)
            if self._store.revision() == state.revision:
                return state, document
        # It may hold more than the state that it is named after: it is given out, and not taken for anything else.
        return state, replace(document, modified=None)

    def _read(self, name: str) -> tuple[State, Document] | None:
        data = self._kept.read(name) if self._kept else None
        try:
            return None if data is None else _read(data)
        except (ValueError, KeyError, TypeError):
            logger.warning("a kept document could not be read, and is made again")
            return None

    @contextmanager
    def _turn(self, name: str) -> Iterator[None]:
        """While the block lasts, no other process renders this document."""
        if fcntl is None or self._folder is None:
            yield
            return
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._folder / f"turn-{int(name[:8], 16) % _TURNS}", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError:  # a folder that cannot be written to: nothing is shared
            yield
            return
        try:
            _wait_for(handle)
            yield
        finally:
            os.close(handle)


def _wait_for(handle: int) -> None:
    until = time.monotonic() + _PATIENCE_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > until:
                return
            time.sleep(_LOOK_EVERY_S)
        except OSError:  # a file system without locks
            return
        else:
            return


def renderer_of(settings: Settings, store: Store, follow: bool) -> Renderer:
    """Return the renderer for an application with these settings; what a static copy holds is shared with nobody."""
    if not follow or not settings.data.is_dir():
        return Renderer(store)
    # Under which address it is served and asked makes no difference, or is in each document's own address.
    wishes = settings.model_dump_json(exclude={"host", "port", "base_url", "workers"})
    return Renderer(store, settings.document_cache, f"{_program()}\n{wishes}")


def _program() -> str:
    """Return what names this very version of the program, of an edited one too: by its files' sizes and dates."""
    root = Path(__file__).resolve().parents[1]
    files = sorted(path for path in root.rglob("*") if path.suffix in (".py", ".toml", ".txt", ".json", ".html"))
    seen = hashlib.sha256()
    for path in files:
        status = path.stat()
        seen.update(f"{path.relative_to(root)} {status.st_size} {status.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def _written(state: State, document: Document) -> bytes:
    head = {
        "state": [state.uid, state.revision, _date(state.changed)],
        "media_type": document.media_type,
        "modified": _date(document.modified),
        "hub": document.hub,
        "tag": document.tag,
    }
    return json.dumps(head).encode() + b"\n" + document.body


def _read(data: bytes) -> tuple[State, Document]:
    """Raises ValueError, KeyError or TypeError where it is not what `_written` gives."""
    line, _, body = data.partition(b"\n")
    head = json.loads(line)
    uid, revision, changed = head["state"]
    document = Document.of(body, head["media_type"], _moment(head["modified"]), head["hub"])
    if document.tag != head["tag"]:
        raise ValueError("the bytes are others than those that were written")
    return State(uid, revision, _moment(changed)), document


def _date(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()


def _moment(written: str | None) -> datetime | None:
    return None if written is None else datetime.fromisoformat(written)
