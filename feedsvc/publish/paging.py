"""Where a feed's document stands among others: its archive (RFC 5005), and the hub that tells of changes (WebSub)."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Paging:
    """The addresses beside a document; None where there is no such thing.

    `older` and `newer` are archive documents. `current` is the feed that this document is an archive of, and None for
    the feed itself. `hub` is a WebSub hub's address.
    """

    older: str | None = None
    newer: str | None = None
    current: str | None = None
    hub: str | None = None

    @property
    def is_archive(self) -> bool:
        """Whether this is an archive document: its entries stay the same ones for good."""
        return self.current is not None

    def links(self) -> tuple[tuple[str, str], ...]:
        """The links as (relation, address). `next` is what readers follow that know only section 3 of RFC 5005."""
        found = (
            ("hub", self.hub),
            ("current", self.current),
            ("prev-archive", self.older),
            ("next-archive", self.newer),
            ("next", self.older),
        )
        return tuple((relation, address) for relation, address in found if address)
