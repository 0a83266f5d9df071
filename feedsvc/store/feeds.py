"""What the feeds ask: the newest articles or issues that a narrowing lets through, and the archive behind them.

The archive is cut by number, not by date: articles are numbered in the order in which they came in, so that which of
them an archive document holds never changes, however old the mail is that comes in tomorrow. A document is named by
its first and last number; those that are full are aligned to a fixed width, and the last one ends at the last article.

In a feed of several newsletters a link that several have is one entry, of the newsletter that brought it first. That
too goes by number, so an entry that was published never goes away because another newsletter has it too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, exists, func, select
from sqlalchemy.sql.selectable import FromClause

from feedsvc.model import StoredArticle
from feedsvc.store.narrowing import Narrowing, conditions, newsletter_number, own_conditions, weighed, with_copies
from feedsvc.store.queries import ARTICLE_ROWS, stored_article
from feedsvc.store.schema import NEWEST_FIRST, articles, issues
from feedsvc.store.walk import walk

# How many numbers one archive document covers. A narrow feed has few articles among many numbers; an issue has a dozen.
WIDTH: Final = 100
NARROW_WIDTH: Final = 500
ISSUES_WIDTH: Final = 25
MAX_WIDTH: Final = 1000
# How far one step of the archive looks for the next article that fits: a bound on the work for one document. Where
# there is none that near, the next document is empty and leads on.
_LOOK_AHEAD: Final = 20_000


@dataclass(frozen=True, slots=True)
class Window:
    """The numbers, both included, that an archive document covers."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Page:
    """The articles of one document, newest first, and the windows beside it: None where there is nothing more."""

    articles: tuple[StoredArticle, ...]
    older: Window | None = None
    newer: Window | None = None


def newest_articles(connection: Connection, narrowing: Narrowing, limit: int) -> Page:
    """The newest `limit` articles, and where the archive behind them begins."""
    if not narrowing.kinds or limit <= 0:
        return Page(())
    narrowing = weighed(connection, narrowing)
    numbers = [row.id for row in walk(connection, narrowing, limit + 1, [], newer=False, unique=True)]
    rows = connection.execute(ARTICLE_ROWS.where(articles.c.id.in_(numbers)).order_by(*NEWEST_FIRST)).all()
    if len(rows) <= limit:
        return Page(with_copies(connection, rows, narrowing))
    shown = {int(row.id) for row in rows[:limit]}
    wanted = conditions(connection, articles, narrowing)
    archive = _Archive(connection, articles, wanted, _width(narrowing))
    return Page(with_copies(connection, rows[:limit], narrowing), older=archive.newest_beyond(shown))


def archived_articles(connection: Connection, narrowing: Narrowing, window: Window) -> Page:
    """The articles whose numbers are in the window."""
    narrowing = weighed(connection, narrowing)
    wanted = conditions(connection, articles, narrowing)
    inside = articles.c.id.between(window.first, window.last)
    rows = connection.execute(ARTICLE_ROWS.where(inside, *wanted).order_by(*NEWEST_FIRST)).all()
    archive = _Archive(connection, articles, wanted, _width(narrowing))
    return Page(
        with_copies(connection, rows, narrowing), archive.older_than(window.first), archive.newer_than(window.last)
    )


def newest_issues(connection: Connection, narrowing: Narrowing, limit: int) -> Page:
    """The articles of the newest `limit` issues that have any, issue by issue, each in its own order."""
    if not narrowing.kinds or limit <= 0:
        return Page(())
    narrowing = weighed(connection, narrowing)
    wanted = _issue_conditions(connection, narrowing)
    newest = select(issues.c.id).where(*wanted).order_by(issues.c.sent.desc(), issues.c.id.desc()).limit(limit + 1)
    found = [int(number) for number in connection.execute(newest).scalars()]
    older = None
    if len(found) > limit:
        older = _Archive(connection, issues, wanted, ISSUES_WIDTH).newest_beyond(set(found[:limit]))
    return Page(_articles_of(connection, narrowing, articles.c.issue_id.in_(found[:limit])), older)


def archived_issues(connection: Connection, narrowing: Narrowing, window: Window) -> Page:
    """The articles of the issues whose numbers are in the window, issue by issue."""
    narrowing = weighed(connection, narrowing)
    archive = _Archive(connection, issues, _issue_conditions(connection, narrowing), ISSUES_WIDTH)
    return Page(
        _articles_of(connection, narrowing, articles.c.issue_id.between(window.first, window.last)),
        archive.older_than(window.first),
        archive.newer_than(window.last),
    )


def has_value(connection: Connection, column: str, value: str, newsletter: str | None) -> bool:
    """Whether any article (of this newsletter) has this section or label."""
    found = select(articles.c.id).where(articles.c[column] == value)
    if newsletter is not None:
        found = found.where(articles.c.newsletter_id == newsletter_number(newsletter))
    return connection.execute(found.limit(1)).first() is not None


class _Archive:
    """The numbered rows of `table` that fulfil some conditions, cut into windows of `width` numbers."""

    def __init__(
        self, connection: Connection, table: FromClause, wanted: list[ColumnElement[bool]], width: int
    ) -> None:
        self._connection = connection
        self._table = table
        self._wanted = wanted
        self._width = width
        self._last = int(connection.execute(select(func.coalesce(func.max(table.c.id), 0))).scalar_one())

    def newest_beyond(self, shown: set[int]) -> Window | None:
        """The newest window that holds a row that is not shown yet."""
        before = self._last + 1
        while (window := self.older_than(before)) is not None:
            if not self._numbers(window.first, window.last) <= shown or before - window.first > _LOOK_AHEAD:
                return window
            before = window.first
        return None

    def older_than(self, before: int) -> Window | None:
        """The newest window below this number that holds any row; an empty one where the next row is far away."""
        lowest = max(1, before - _LOOK_AHEAD)
        found = self._one(func.max(self._table.c.id), lowest, before - 1)
        if found is None:
            return self._around(lowest - 1) if lowest > 1 else None
        window = self._around(found)
        if window.last > self._last:
            # Not full yet: it ends at its last row, and once there is another, that is another document.
            return Window(window.first, found)
        return window

    def newer_than(self, after: int) -> Window | None:
        """The oldest full window above this number that holds any row."""
        highest = min(self._last, after + _LOOK_AHEAD)
        found = self._one(func.min(self._table.c.id), after + 1, highest)
        if found is None:
            return self._around(highest + 1) if highest + self._width < self._last else None
        window = self._around(found)
        return window if window.last <= self._last and window.first > after else None

    def _around(self, number: int) -> Window:
        first = (number - 1) // self._width * self._width + 1
        return Window(first, first + self._width - 1)

    def _numbers(self, first: int, last: int) -> set[int]:
        inside = self._table.c.id.between(first, last)
        numbers = select(self._table.c.id).where(inside, *self._wanted)
        return {int(number) for number in self._connection.execute(numbers).scalars()}

    def _one(self, what: ColumnElement[Any], first: int, last: int) -> int | None:
        inside = self._table.c.id.between(first, last)
        found = self._connection.execute(select(what).where(inside, *self._wanted)).scalar_one()
        return None if found is None else int(found)


def _width(narrowing: Narrowing) -> int:
    return WIDTH if narrowing == Narrowing() else NARROW_WIDTH


def _issue_conditions(connection: Connection, narrowing: Narrowing) -> list[ColumnElement[bool]]:
    """What an issue must fulfil: any of its articles gets through. Copies stay in: an issue is shown as it came."""
    wanted = own_conditions(connection, articles, narrowing)
    any_article: ColumnElement[bool] = exists().where(articles.c.issue_id == issues.c.id, *wanted)
    if narrowing.hits is not None:  # few: theirs are listed, or they would be looked for in every issue
        any_article = issues.c.id.in_(select(articles.c.issue_id).where(*wanted))
    if narrowing.newsletter is None:
        return [any_article]
    return [issues.c.newsletter_id == newsletter_number(narrowing.newsletter), any_article]


def _articles_of(connection: Connection, narrowing: Narrowing, which: ColumnElement[bool]) -> tuple[StoredArticle, ...]:
    rows = connection.execute(
        ARTICLE_ROWS.where(which, *own_conditions(connection, articles, narrowing)).order_by(*NEWEST_FIRST)
    )
    return tuple(stored_article(row) for row in rows)
