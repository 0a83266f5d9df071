"""What is known of a newsletter before a message of it is split: learnt from its issues, ruled and mended by the person."""

from __future__ import annotations

from contextlib import suppress

from feedsvc.config import Settings
from feedsvc.errors import StoreError
from feedsvc.model import Correction, Knowledge, Newsletter
from feedsvc.rules import read_rules
from feedsvc.store import Store
from feedsvc.store.learning import Printed, repeated_lines


class Lessons:
    """Answers `convert` (a `Teacher`). Safe for threads; what it says is as of the last `refresh`, or newer."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._store = store
        self._rules = read_rules(settings.data)
        self._wishes: tuple[frozenset[str], dict[str, tuple[Correction, ...]]] = (frozenset(), {})
        self._printed: dict[str, tuple[Printed, ...]] = {}

    def refresh(self) -> None:
        """Look up again what the person wants of newsletters, and what these print."""
        self._printed = {}
        with suppress(StoreError):  # it will be told by what follows
            self._wishes = (self._store.whole_keys(), self._store.corrections())

    def teach(self, newsletter: Newsletter, key: str) -> Knowledge:
        """What is known of a newsletter before the message with this key is split."""
        asked = self._printed  # a refresh meanwhile begins another one
        with suppress(StoreError):  # it will be told by what follows
            if newsletter.key not in asked:
                asked[newsletter.key] = self._store.newest_printed(newsletter.key)
        repeated = repeated_lines(asked.get(newsletter.key, ()), but=key)
        wholes, corrections = self._wishes
        return Knowledge(repeated, self._rules, newsletter.key in wholes, corrections.get(newsletter.key, ()))
