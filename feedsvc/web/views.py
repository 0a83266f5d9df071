"""What the pages show of stored articles: entries as they are published, issue by issue."""

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
    """An issue with its entries in the newsletter's order; `folded` are those that the feeds leave out."""

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


def issue_views(articles: Iterable[StoredArticle], base: str) -> tuple[IssueView, ...]:
    """Return the articles issue by issue, in the order in which they come."""
    grouped: dict[str, list[StoredArticle]] = {}
    for stored in articles:
        grouped.setdefault(stored.issue_id, []).append(stored)
    return tuple(_issue_view(group, base) for group in grouped.values())


def _issue_view(group: list[StoredArticle], base: str) -> IssueView:
    first = group[0]
    images, people = site().settings.images, everybody()
    entries = [publish_entry(stored, base, follow=site().follow, images=images, recipients=people) for stored in group]
    mention(entries[0].recipients)
    return IssueView(
        id=first.issue_id,
        subject=scrub(first.issue_subject, entries[0].recipients),
        newsletter=entries[0].author,
        newsletter_slug=first.newsletter.slug,
        language=entries[0].language,
        published=entries[0].published,
        entries=tuple(entry for entry in entries if entry.kind in FEED_KINDS),
        folded=tuple(entry for entry in entries if entry.kind not in FEED_KINDS),
    )
