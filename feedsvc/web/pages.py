"""The pages for people: what came in, one issue, and where a hidden link leads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args

from flask import Blueprint, Response, current_app, jsonify, render_template
from werkzeug.exceptions import NotFound

from feedsvc import __version__
from feedsvc.model import Kind, StoredArticle
from feedsvc.publish import FEED_KINDS, Entry, publish_entry
from feedsvc.publish.leaks import scrub
from feedsvc.web.privacy import everybody, mention
from feedsvc.web.site import base_url, site

blueprint = Blueprint("pages", __name__)

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
        counts = [(name, sum(entry.kind == name for entry in self.folded)) for name in ("sponsor", "job")]
        return " and ".join(f"{count} {name}{'' if count == 1 else 's'}" for name, count in counts if count)


@blueprint.get("/")
def front() -> str:
    """Show the latest articles, issue by issue, and how to subscribe."""
    here, base = site(), base_url()
    return render_template(
        "front.html",
        issues=issue_views(here.store.latest_articles(here.settings.feed_limit, kinds=ALL_KINDS), base),
        newsletters=here.store.newsletters(),
        counts=here.store.counts(),
        inbox=here.settings.inbox if here.follow else None,  # a copy elsewhere takes in nothing
        base=base,
    )


@blueprint.get("/issues/<issue_id>")
def issue(issue_id: str) -> str:
    """Show the articles of one issue, with all their text."""
    found = issue_views(site().store.issue_articles(issue_id), base_url())
    if not found:
        raise NotFound("There is no such issue here.")
    return render_template("issue.html", issue=found[0])


@blueprint.get("/healthz")
def health() -> Response:
    """Say whether the store answers, with its counts; 503 where it does not."""
    try:
        counts = site().store.counts()
    except Exception:
        current_app.logger.exception("the store does not answer")
        response = jsonify(status="error", version=__version__, detail="The store does not answer; see the log.")
        response.status_code = 503
    else:
        response = jsonify(
            status="ok",
            version=__version__,
            newsletters=counts.newsletters,
            issues=counts.issues,
            articles=counts.articles,
            messages=counts.messages,
            rejected=counts.rejected,
        )
    response.headers["Cache-Control"] = "no-store"
    return response


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
