"""What the pages show of all newsletters: counted once for each revision of the store, not for each look."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from feedsvc.store import NewsletterRow, Store

WEEKS: Final = 26
_NEVER: Final = datetime.min.replace(tzinfo=UTC)
_WEEK: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Overview:
    """All newsletters by name, and how many issues of each came in each of the `WEEKS` up to the newest of all, oldest first."""

    rows: tuple[NewsletterRow, ...]
    until: datetime | None
    weeks: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def row(self, slug: str) -> NewsletterRow | None:
        """The newsletter with this slug, or None."""
        return next((row for row in self.rows if row.newsletter.slug == slug), None)

    @property
    def latest(self) -> tuple[NewsletterRow, ...]:
        """The newsletters, that with the newest issue first."""
        return tuple(sorted(self.rows, key=lambda row: row.latest or _NEVER, reverse=True))

    @classmethod
    def of(cls, store: Store) -> Overview:
        """Ask the store."""
        rows = store.newsletters()
        until = max((row.latest for row in rows if row.latest is not None), default=None)
        if until is None:
            return cls(rows, None)
        weeks = {}
        for slug, sent in store.sent_since(until - WEEKS * _WEEK).items():
            counted = Counter(min(WEEKS - 1, (until - moment) // _WEEK) for moment in sent)
            weeks[slug] = tuple(counted[ago] for ago in reversed(range(WEEKS)))
        return cls(rows, until, weeks)
