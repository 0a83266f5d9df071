"""What the pages ask: some articles or issues before or after a place, newest first.

A place names an article by what the order goes by, not by how many are before it: what comes in or goes away between two
pages moves nothing. Each page is a walk along the index of each kind from its place on, so its time does not grow with the
store (see `walk`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, func, or_, select

from feedsvc.model import StoredArticle
from feedsvc.store.narrowing import Narrowing, newsletter_number, own_conditions, with_copies
from feedsvc.store.queries import ARTICLE_ROWS
from feedsvc.store.schema import NEWEST_FIRST, articles, issues
from feedsvc.store.walk import walk


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where an article stands: newer ones are greater. `position` is counted within the issue, from 0."""

    published: datetime
    issue: int
    position: int = 0


@dataclass(frozen=True, slots=True)
class Listing:
    """Articles, newest first; `newer` and `older` are the places at which the pages beside them begin, None without such."""

    articles: tuple[StoredArticle, ...]
    newer: Place | None = None
    older: Place | None = None


@dataclass(frozen=True, slots=True)
class IssueRow:
    """An issue as it is listed; `articles` are those that are no sponsors or jobs, `minutes` what they take together."""

    id: str
    subject: str
    sent: datetime
    articles: int
    minutes: int
    recipients: frozenset[str]


def list_articles(
    connection: Connection, narrowing: Narrowing, limit: int, place: Place | None, *, newer: bool
) -> Listing:
    """The `limit` articles that follow the place, or, with `newer`, those that come before it; each link once."""
    found = walk(connection, narrowing, limit + 1, _beyond(place, newer=newer, whole_issues=False), newer, unique=True)
    more, found = len(found) > limit, found[:limit]
    rows = connection.execute(
        ARTICLE_ROWS.where(articles.c.id.in_([row.id for row in found])).order_by(*NEWEST_FIRST)
    ).all()
    return _listing(connection, rows, place, newer=newer, more=more)


def list_issues(
    connection: Connection, narrowing: Narrowing, limit: int, place: Place | None, *, newer: bool
) -> Listing:
    """The articles, issue by issue, of as many issues as `limit` articles fill; none is cut. Copies stay in."""
    found = walk(connection, narrowing, limit, _beyond(place, newer=newer, whole_issues=True), newer, unique=False)
    if not found:
        return _listing(connection, [], place, newer=newer, more=False)
    last = Place(found[-1].published, found[-1].issue_id)
    beyond = _beyond(last, newer=newer, whole_issues=True)
    more = len(found) == limit and bool(walk(connection, narrowing, 1, beyond, newer, unique=False))
    rows = connection.execute(
        ARTICLE_ROWS.where(
            articles.c.issue_id.in_({row.issue_id for row in found}),
            *own_conditions(connection, articles, narrowing),
        ).order_by(*NEWEST_FIRST)
    ).all()
    return _listing(connection, rows, place, newer=newer, more=more)


def list_newsletter(
    connection: Connection, slug: str, limit: int, place: Place | None, *, newer: bool
) -> tuple[tuple[IssueRow, ...], Place | None, Place | None]:
    """The issues of a newsletter that follow the place or come before it, and the places as in `Listing`."""
    order = (issues.c.sent, issues.c.id) if newer else (issues.c.sent.desc(), issues.c.id.desc())
    query = select(issues.c.id, issues.c.uid, issues.c.subject, issues.c.sent, issues.c.recipients).where(
        issues.c.newsletter_id == newsletter_number(slug)
    )
    if place is not None:
        query = query.where(_past((issues.c.sent, place.published), (issues.c.id, place.issue), newer=newer))
    found = list(connection.execute(query.order_by(*order).limit(limit + 1)))
    more, found = len(found) > limit, found[:limit]
    if newer:
        found.reverse()
    counts = {
        row.issue_id: row
        for row in connection.execute(
            select(
                articles.c.issue_id, func.count().label("articles"), func.sum(articles.c.read_minutes).label("minutes")
            )
            # An expression, or SQLite would read all articles of these kinds; see `narrowing`.
            .where(
                articles.c.issue_id.in_([row.id for row in found]), (articles.c.kind + "").in_(("article", "message"))
            )
            .group_by(articles.c.issue_id)
        )
    }
    listed = tuple(
        IssueRow(
            row.uid,
            row.subject,
            row.sent,
            counts[row.id].articles if row.id in counts else 0,
            int(counts[row.id].minutes or 0) if row.id in counts else 0,
            frozenset(row.recipients),
        )
        for row in found
    )
    if not found:
        return listed, None, None
    first, last = (Place(row.sent, row.id) for row in (found[0], found[-1]))
    return listed, *_beside(first, last, place, newer=newer, more=more)


def _listing(
    connection: Connection, rows: list[Row[Any]] | Any, place: Place | None, *, newer: bool, more: bool
) -> Listing:
    if not rows:
        return Listing(())
    first, last = (Place(row.published, row.issue_id, row.position) for row in (rows[0], rows[-1]))
    return Listing(with_copies(connection, rows, Narrowing()), *_beside(first, last, place, newer=newer, more=more))


def _beside(
    first: Place, last: Place, place: Place | None, *, newer: bool, more: bool
) -> tuple[Place | None, Place | None]:
    """Where the newer page and the older one begin."""
    if newer:
        return (first if more else None), last
    return (first if place is not None else None), (last if more else None)


def _beyond(place: Place | None, *, newer: bool, whole_issues: bool) -> list[ColumnElement[bool]]:
    """What is true of the articles past a place; with `whole_issues`, of none of its own issue."""
    if place is None:
        return []
    dated, issue = (articles.c.published, place.published), (articles.c.issue_id, place.issue)
    if whole_issues:
        return [_past(dated, issue, newer=newer)]
    position = articles.c.position < place.position if newer else articles.c.position > place.position
    same = and_(dated[0] == dated[1], issue[0] == issue[1], position)
    return [_not_before(*dated, newer=newer), or_(_past(dated, issue, newer=newer), same)]


def _past(dated: tuple[Any, datetime], numbered: tuple[Any, int], *, newer: bool) -> ColumnElement[bool]:
    """Whether date and number, in this order, are beyond these."""
    column, moment = dated
    number, value = numbered
    further = column > moment if newer else column < moment
    same = and_(column == moment, number > value if newer else number < value)
    # The first half, which the second implies, is what an index is entered by.
    return and_(_not_before(column, moment, newer=newer), or_(further, same))


def _not_before(column: Any, moment: datetime, *, newer: bool) -> ColumnElement[bool]:
    return (column >= moment) if newer else (column <= moment)  # type: ignore[no-any-return]
