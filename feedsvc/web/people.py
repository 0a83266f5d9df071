"""Whom a store's messages were sent to."""

from __future__ import annotations

import threading

from feedsvc.store import Store


class AddressBook:
    """The addresses that any message in a store was sent to, read again when the store has changed. Safe for threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: tuple[int, frozenset[str]] | None = None

    def addresses(self, store: Store) -> frozenset[str]:
        """Return the addresses as of the store's revision."""
        revision = store.revision()
        with self._lock:
            known = self._known
        if known is None or known[0] != revision:
            known = (revision, store.recipient_addresses())
            with self._lock:
                self._known = known
        return known[1]
