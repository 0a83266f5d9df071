"""The front page: what came in last, by issue or as one stream, narrowed as its address says."""

from __future__ import annotations

from typing import Final

from flask import Blueprint, redirect, render_template, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as BaseResponse

from feedsvc.web import first_run
from feedsvc.web.feeds import know
from feedsvc.web.filters import SPANS, Filter, read_filter, tidied
from feedsvc.web.privacy import called
from feedsvc.web.selection import KINDS
from feedsvc.web.site import Site, base_url, root_path, site
from feedsvc.web.views import IssueView, StreamView, issue_views, stream_views

blueprint = Blueprint("today", __name__)

# How many articles fill a page; the last issue is never cut.
PAGE_ARTICLES: Final = 50
_SHOWN_NEWSLETTERS: Final = 12


@blueprint.get("/")
def front() -> str | BaseResponse:
    """Show the articles that the address asks for, newest first; on a first run, how mail comes in."""
    here, base = site(), base_url()
    query = request.query_string.decode("utf-8", "replace")
    tidy = tidied(query)
    if tidy is not None:
        return redirect(f"{root_path()}/{'?' if tidy else ''}{tidy}", 302)
    asked = read_filter(query)
    if not asked.is_set and not here.store.has_articles():
        return render_template(
            "first.html",
            ways=first_run.explained(here),
            rejected=here.store.rejected(),
            inbox=here.settings.inbox,
            base=base,
        )
    return _listing(here, base, asked)


def _listing(here: Site, base: str, asked: Filter) -> str:
    overview = here.overview()
    slug = asked.selection.narrowing.newsletter
    newsletter = None if slug is None else overview.row(slug)
    if slug is not None and newsletter is None:
        raise NotFound(f"There is no newsletter “{slug}” here.")
    know(here, asked.selection)
    limit = PAGE_ARTICLES if here.follow else here.settings.feed_limit
    page = here.store.listed(asked.narrowing, limit, asked.place, newer=asked.newer, by_issue=not asked.stream)
    stored_sections = {stored.article.section for stored in page.articles if stored.article.section}
    stored_labels = {stored.article.label for stored in page.articles if stored.article.label}
    issues: tuple[IssueView, ...] = ()
    stream: tuple[StreamView, ...] = ()
    if asked.stream:
        stream = stream_views(page.articles, base)
        entries = [one.entry for one in stream]
    else:
        kinds = asked.narrowing.kinds if asked.chosen_kinds else asked.selection.narrowing.kinds
        unfolded = here.store.newsletters_with_sponsors()
        issues = issue_views(page.articles, base, content=False, kinds=kinds, unfolded=unfolded)
        entries = [entry for issue in issues for entry in issue.entries]
    every = [*entries, *(entry for issue in issues for entry in issue.folded)]
    name = None if newsletter is None else called(newsletter.newsletter)
    return render_template(
        "today.html",
        asked=asked,
        terms=asked.selection.narrowing.terms,
        chips=asked.chips(name),
        spans=tuple(SPANS),
        all_kinds=",".join(KINDS),
        # What is not shown as it is stored, since it named its reader, cannot be asked for.
        sections=sorted({entry.section for entry in every if entry.section} & stored_sections),
        labels={entry.label for entry in every if entry.label} & stored_labels,
        issues=issues,
        stream=stream,
        count=len(entries),
        minutes=sum(entry.read_minutes or 0 for entry in entries),
        newer=None if page.newer is None else asked.path(page.newer, newer=True),
        older=None if page.older is None else asked.path(page.older),
        feed=asked.selection.path("xml"),
        feed_name=asked.selection.words,
        newsletter_name=name,
        rows=overview.rows,
        latest=overview.latest[:_SHOWN_NEWSLETTERS],
        rejected=here.store.rejected() if here.follow else 0,
        inbox=here.settings.inbox,
        base=base,
    )
