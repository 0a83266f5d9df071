"""The pages for people: what came in, one issue, and where a hidden link leads."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, get_args
from uuid import UUID

from flask import Blueprint, Response, current_app, jsonify, redirect, render_template
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from feedsvc import __version__
from feedsvc.model import Kind, StoredArticle
from feedsvc.publish import FEED_KINDS, Entry, publish_entry, redirect_target
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


@blueprint.get("/go/<uuid:entry>")
@blueprint.get("/go/<uuid:entry>/<int:number>")
def go(entry: UUID, number: int | None = None) -> BaseResponse:
    """Lead on to an article whose address is not published, or to the `number`-th such link of its text.

    The target comes from the store alone, so nobody can make this a redirect to a place of their choice.
    """
    stored = site().store.get_article(str(entry))
    if stored is None:
        raise NotFound("There is no such article here.")
    if number is None:
        target = redirect_target(stored.article.url)
    else:
        links = stored.article.go_links
        target = redirect_target(links[number]) if number < len(links) else None
    if target is None:
        raise NotFound("This article has no such link.")
    response = redirect(target, 302)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "private, no-store"
    return response


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
    entries = [publish_entry(stored, base, follow=site().follow) for stored in group]
    return IssueView(
        id=first.issue_id,
        subject=first.issue_subject,
        newsletter=entries[0].author,
        newsletter_slug=first.newsletter.slug,
        language=entries[0].language,
        published=entries[0].published,
        entries=tuple(entry for entry in entries if entry.kind in FEED_KINDS),
        folded=tuple(entry for entry in entries if entry.kind not in FEED_KINDS),
    )
