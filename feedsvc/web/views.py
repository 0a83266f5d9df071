"""What the pages show of stored articles: entries as they are published, issue by issue or as one stream."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

from feedsvc.model import Kind, StoredArticle
from feedsvc.publish import FEED_KINDS, Entry, publish_entry
from feedsvc.publish.leaks import scrub
from feedsvc.web.language import ngettext
from feedsvc.web.privacy import everybody, mention
from feedsvc.web.site import site

ALL_KINDS: Final[frozenset[Kind]] = frozenset(get_args(Kind))


@dataclass(frozen=True, slots=True)
class IssueView:
    """An issue with its entries in the newsletter's order; `folded` are those that only show when they are asked for."""

    id: str
    subject: str
    newsletter: str
    newsletter_slug: str
    language: str
    published: datetime
    entries: tuple[Entry, ...]
    folded: tuple[Entry, ...]

    @property
    def read_minutes(self) -> int:
        """What reading all of it would take, as far as that is known."""
        return sum(entry.read_minutes or 0 for entry in self.entries)

    @property
    def folded_words(self) -> str:
        """What is folded away: "2 sponsors and 1 job"."""
        sponsors = sum(entry.kind == "sponsor" for entry in self.folded)
        jobs = sum(entry.kind == "job" for entry in self.folded)
        words = (
            ngettext("%(num)s sponsor", "%(num)s sponsors", sponsors) % {"num": sponsors} if sponsors else "",
            ngettext("%(num)s job", "%(num)s jobs", jobs) % {"num": jobs} if jobs else "",
        )
        return " + ".join(filter(None, words))


@dataclass(frozen=True, slots=True)
class StreamView:
    """An article by itself, with the newsletter and the issue that it came in."""

    entry: Entry
    newsletter_slug: str
    issue_id: str


def issue_views(
    articles: Iterable[StoredArticle],
    base: str,
    *,
    content: bool = True,
    kinds: frozenset[Kind] = FEED_KINDS,
    unfolded: frozenset[str] = frozenset(),
) -> tuple[IssueView, ...]:
    """Return the articles issue by issue, in the order in which they come; without `content` their bodies stay out.

    What is not of these kinds is folded away, except for newsletters (by slug) that are `unfolded`.
    """
    grouped: dict[str, list[StoredArticle]] = {}
    for stored in articles:
        grouped.setdefault(stored.issue_id, []).append(stored)
    return tuple(
        _issue_view(group, base, content, ALL_KINDS if group[0].newsletter.slug in unfolded else kinds)
        for group in grouped.values()
    )


def stream_views(articles: Iterable[StoredArticle], base: str) -> tuple[StreamView, ...]:
    """Return the articles one by one, without their bodies."""
    return tuple(
        StreamView(_entry(stored, base, content=False), stored.newsletter.slug, stored.issue_id) for stored in articles
    )


def _issue_view(group: list[StoredArticle], base: str, content: bool, kinds: frozenset[Kind]) -> IssueView:
    first = group[0]
    entries = [_entry(stored, base, content=content) for stored in group]
    return IssueView(
        id=first.issue_id,
        subject=scrub(first.issue_subject, entries[0].recipients),
        newsletter=entries[0].author,
        newsletter_slug=first.newsletter.slug,
        language=entries[0].language,
        published=entries[0].published,
        entries=tuple(entry for entry in entries if entry.kind in kinds),
        folded=tuple(entry for entry in entries if entry.kind not in kinds),
    )


def _entry(stored: StoredArticle, base: str, *, content: bool) -> Entry:
    here = site()
    entry = publish_entry(
        stored, base, follow=here.follow, images=here.settings.images, recipients=everybody(), content=content
    )
    mention(entry.recipients)
    return entry
