"""A feed before it is written: what every format needs to know of it."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from feedsvc import __version__
from feedsvc.model import ENTRY_NAMESPACE, Issue, Kind, StoredArticle
from feedsvc.publish import gate
from feedsvc.publish.contents import contents_entry
from feedsvc.publish.entry import FEED_KINDS, Entry, feed_id, publish_entry
from feedsvc.publish.images import ImagePolicy
from feedsvc.publish.leaks import release, scrub
from feedsvc.publish.paging import Paging
from feedsvc.publish.text import clean_language, clean_line, clean_time

# What a feed without entries says of its last change: never "now", or its bytes would differ with each look.
NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)
NO_PAGING: Final = Paging()
GENERATOR: Final = "feedsvc"
GENERATOR_VERSION: Final = __version__


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed and what is in it, newest first.

    `self_url` is the address of this very document, `site_url` that of the page for people, `base_url` that of the
    server, under which `/go/` and `/issues/` are; all three are None where there is no server. `feed_id` is an IRI that
    never changes. `updated` is when its content last changed. `language` is a BCP 47 tag, or "" where entries differ or
    it is not known. `images` says how images are published. `recipients` are addresses that must not be published,
    besides those that each entry's own message was sent to. `paging` says what is beside it. `by_issue` makes one
    entry of each issue. Without `follow` nothing leads to `/go/` (see `publish_entry`).
    """

    title: str
    feed_id: str
    self_url: str | None
    site_url: str | None
    updated: datetime
    entries: tuple[StoredArticle, ...]
    language: str = ""
    base_url: str | None = None
    subtitle: str = ""
    images: ImagePolicy = "keep"
    recipients: frozenset[str] = gate.NOBODY
    paging: Paging = NO_PAGING
    by_issue: bool = False
    follow: bool = True

    def published(self) -> tuple[Entry, ...]:
        """Return the entries as they are published, each id once."""
        entries: dict[str, Entry] = {}
        issues: dict[str, list[Entry]] = {}
        subjects: dict[str, str] = {}
        for stored in self.entries:
            if stored.article.id not in entries:
                entries[stored.article.id] = publish_entry(
                    stored, self.base_url, images=self.images, recipients=self.recipients, follow=self.follow
                )
                issues.setdefault(stored.issue_id, []).append(entries[stored.article.id])
                subjects[stored.issue_id] = clean_line(scrub(clean_line(stored.issue_subject), self._named))
        if self.by_issue:
            return tuple(contents_entry(subjects[uid], uid, tuple(group)) for uid, group in issues.items())
        return tuple(entries.values())

    def released(self, document: bytes, entries: tuple[Entry, ...]) -> bytes:
        """Return the finished document, in which these entries stand, after the last look at it.

        Raises PublishError where it tells who its reader is and cannot be mended.
        """
        shown = frozenset(entry.link for entry in entries if entry.link) if self.base_url is None else gate.NOBODY
        return release(document, self._named.union(*(e.recipients for e in entries)), own=self.base_url, shown=shown)

    @property
    def _named(self) -> frozenset[str]:
        return self.recipients.union(*(stored.recipients for stored in self.entries))

    @property
    def shown_title(self) -> str:
        """The title on one line, never empty."""
        return clean_line(scrub(clean_line(self.title), self._named)) or "Newsletters"

    @property
    def shown_subtitle(self) -> str:
        """The subtitle on one line, never empty."""
        return (
            clean_line(scrub(clean_line(self.subtitle), self._named))
            or f"{self.shown_title}: the articles, one entry each"
        )


def feed_of(
    entries: Iterable[StoredArticle],
    *,
    title: str,
    name: str = "all",
    base: str | None = None,
    self_path: str = "/feed.xml",
    site_path: str = "/",
    subtitle: str = "",
    images: ImagePolicy = "keep",
    recipients: frozenset[str] = gate.NOBODY,
    paging: Paging = NO_PAGING,
    by_issue: bool = False,
    follow: bool = True,
) -> Feed:
    """Return the feed of these entries; its language and its date are taken from them.

    `name` is what its id is made from (see `feed_id`). `self_path` and `site_path` count only where there is a `base`.
    """
    kept = tuple(entries)
    return Feed(
        title=title,
        feed_id=feed_id(base, name),
        self_url=None if base is None else f"{base}{self_path}",
        site_url=None if base is None else f"{base}{site_path}",
        updated=max((clean_time(stored.updated) for stored in kept), default=NEVER),
        entries=kept,
        language=_common_language(kept),
        base_url=base,
        subtitle=subtitle,
        images=images,
        recipients=recipients,
        paging=paging,
        by_issue=by_issue,
        follow=follow,
    )


def entries_of(issue: Issue, *, kinds: frozenset[Kind] = FEED_KINDS) -> tuple[StoredArticle, ...]:
    """Return an issue's articles of these kinds as entries, for a feed that is made without a store."""
    issue_id = str(uuid.uuid5(ENTRY_NAMESPACE, issue.key))
    return tuple(
        StoredArticle(
            article=article,
            newsletter=issue.newsletter,
            issue_id=issue_id,
            issue_subject=issue.subject,
            published=issue.sent,
            updated=issue.sent,
            language=issue.language,
            recipients=issue.recipients,
        )
        for article in issue.articles
        if article.kind in kinds
    )


def _common_language(entries: tuple[StoredArticle, ...]) -> str:
    languages = {clean_language(stored.language) for stored in entries}
    return languages.pop() if len(languages) == 1 else ""
