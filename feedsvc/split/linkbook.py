"""What is known of each address in a message: where it leads, what it is for, and whether it is the subscriber's own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from feedsvc.links import Target, canonical, is_personal, link_purpose


@dataclass(frozen=True, slots=True)
class LinkInfo:
    """One address of the message: where it leads, and whether it is the subscriber's own affair."""

    href: str
    target: Target
    key: str  # equal for links that lead to the same place
    personal: bool


class LinkBook:
    """Every address of a message, looked up once."""

    def __init__(self, recipients: frozenset[str]) -> None:
        self.recipients = recipients
        self._known: dict[str, LinkInfo] = {}
        self._purposes: dict[tuple[str, str], str | None] = {}

    def look(self, href: str) -> LinkInfo:
        """What is known of an address as it stands in the message."""
        info = self._known.get(href)
        if info is None:
            target = canonical(href, self.recipients)
            key = (target.url or "").removeprefix("https://").removeprefix("http://").removeprefix("www.").rstrip("/")
            # A click-tracker is never published as it stands, so whether it is personal too does not matter.
            personal = (
                target.state == "canonical" and target.url is not None and is_personal(target.url, self.recipients)
            )
            info = self._known[href] = LinkInfo(href, target, key, personal)
        return info

    def learn(self, direct: Mapping[str, str]) -> None:
        """Take over what the other part of the message says of click-trackers: tracker -> address as it stands there."""
        for tracker, href in direct.items():
            told = self.look(href)
            if told.target.url is not None:
                self._known[tracker] = LinkInfo(tracker, told.target, told.key, told.personal)

    def is_outside(self, href: str | None) -> bool:
        """Whether the address leads to a page."""
        return bool(href) and href is not None and self.look(href).target.url is not None

    def purpose(self, href: str, text: str) -> str | None:
        """What the link is for, where it is housekeeping; None for a link to something to read."""
        asked = (href, text)
        if asked not in self._purposes:
            info = self.look(href)
            found = link_purpose(info.target.url or href, text)
            if found is None and info.personal and info.target.state == "canonical":
                found = "preferences"
            self._purposes[asked] = found
        return self._purposes[asked]
