"""What is remembered of mboxes and archives that were taken apart: how many messages were in each, and which.

The file itself is gone by then, and its messages stand for themselves. Whoever sent it would still know what became of it,
so the last of them are kept in mind.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from time import time_ns
from typing import Final

from feedsvc.store import Store

_WAY: Final = "boxes"  # the name that the notes go by in the store; no way in has it
_MAX_BOXES: Final = 200
MAX_FIRST: Final = 100


@dataclass(frozen=True, slots=True)
class Box:
    """A file that was taken apart: its name, how many messages were in it, and the SHA-256 of the first hundred."""

    name: str
    messages: int
    first: tuple[str, ...]


def note_unpacked(store: Store, sha256: str, box: Box) -> None:
    """Remember what was in the file with these bytes, and not that it was rejected before; the oldest are forgotten."""
    known = store.marks(_WAY)
    oldest = sorted(known, key=lambda mark: json.loads(known[mark])["at"])[: max(0, len(known) + 1 - _MAX_BOXES)]
    value = {"at": time_ns(), "name": box.name, "messages": box.messages, "first": box.first[:MAX_FIRST]}
    store.set_marks(_WAY, {sha256: json.dumps(value)}, forget=oldest)
    if store.get_rejection(sha256) is not None:
        store.forget_rejection(sha256)


def unpacked_box(store: Store, sha256: str) -> Box | None:
    """What was in the file with these bytes, or None where none such is remembered."""
    value = store.marks(_WAY).get(sha256)
    if value is None:
        return None
    noted = json.loads(value)
    return Box(noted["name"], noted["messages"], tuple(noted["first"]))
