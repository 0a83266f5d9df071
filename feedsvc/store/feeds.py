"""What the feeds ask: the newest articles or issues that a narrowing lets through, and the archive behind them.

The archive is cut by number, not by date: articles are numbered in the order in which they came in, so that which of
them an archive document holds never changes, however old the mail is that comes in tomorrow. A document is named by
its first and last number; those that are full are aligned to a fixed width, and the last one ends at the last article.

In a feed of several newsletters a link that several have is one entry, of the newsletter that brought it first. That
too goes by number, so an entry that was published never goes away because another newsletter has it too.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, literal, or_, select, text, union_all
from sqlalchemy.sql.selectable import FromClause

from feedsvc.model import Kind, StoredArticle
from feedsvc.store.queries import ARTICLE_ROWS, stored_article
from feedsvc.store.schema import NEWEST_FIRST, articles, issues, newsletters
from feedsvc.store.search import Term, fts5_query, like_pattern

# How many numbers one archive document covers. A narrow feed has few articles among many numbers; an issue has a dozen.
WIDTH: Final = 100
NARROW_WIDTH: Final = 500
ISSUES_WIDTH: Final = 25
MAX_WIDTH: Final = 1000
# How far one step of the archive looks for the next article that fits: a bound on the work for one document. Where
# there is none that near, the next document is empty and leads on.
_LOOK_AHEAD: Final = 20_000


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which articles a feed lets through; None lets all. `newsletter` is a slug."""

    kinds: frozenset[Kind] = frozenset({"article", "message"})
    newsletter: str | None = None
    section: str | None = None
    label: str | None = None
    min_minutes: int | None = None
    max_minutes: int | None = None
    terms: tuple[Term, ...] = ()

    @property
    def combined(self) -> bool:
        """Whether several newsletters may be in it."""
        return self.newsletter is None


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
    """The newest `limit` articles, and where the archive behind them begins.

    Each kind is walked along its own index for `limit` rows at most, so the time does not grow with the store.
    """
    if not narrowing.kinds or limit <= 0:
        return Page(())
    candidates = []
    for kind in sorted(narrowing.kinds):
        one_kind = replace(narrowing, kinds=frozenset({kind}))
        # A copy of another kind that the feed shows too counts as the same entry.
        wanted = _conditions(connection, articles, one_kind, newest_of=narrowing)
        newest = select(articles.c.id).where(*wanted).order_by(*NEWEST_FIRST).limit(limit + 1)
        candidates.append(select(newest.subquery().c.id))
    rows = connection.execute(
        ARTICLE_ROWS.where(articles.c.id.in_(union_all(*candidates))).order_by(*NEWEST_FIRST).limit(limit + 1)
    ).all()
    if len(rows) <= limit:
        return Page(_published(connection, rows, narrowing))
    shown = {int(row.id) for row in rows[:limit]}
    wanted = _conditions(connection, articles, narrowing)
    archive = _Archive(connection, articles, wanted, _width(narrowing))
    return Page(_published(connection, rows[:limit], narrowing), older=archive.newest_beyond(shown))


def archived_articles(connection: Connection, narrowing: Narrowing, window: Window) -> Page:
    """The articles whose numbers are in the window."""
    wanted = _conditions(connection, articles, narrowing)
    inside = articles.c.id.between(window.first, window.last)
    rows = connection.execute(ARTICLE_ROWS.where(inside, *wanted).order_by(*NEWEST_FIRST)).all()
    archive = _Archive(connection, articles, wanted, _width(narrowing))
    return Page(
        _published(connection, rows, narrowing), archive.older_than(window.first), archive.newer_than(window.last)
    )


def newest_issues(connection: Connection, narrowing: Narrowing, limit: int) -> Page:
    """The articles of the newest `limit` issues that have any, issue by issue, each in its own order."""
    if not narrowing.kinds or limit <= 0:
        return Page(())
    wanted = _issue_conditions(connection, narrowing)
    newest = select(issues.c.id).where(*wanted).order_by(issues.c.sent.desc(), issues.c.id.desc()).limit(limit + 1)
    found = [int(number) for number in connection.execute(newest).scalars()]
    older = None
    if len(found) > limit:
        older = _Archive(connection, issues, wanted, ISSUES_WIDTH).newest_beyond(set(found[:limit]))
    return Page(_articles_of(connection, narrowing, articles.c.issue_id.in_(found[:limit])), older)


def archived_issues(connection: Connection, narrowing: Narrowing, window: Window) -> Page:
    """The articles of the issues whose numbers are in the window, issue by issue."""
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
        found = found.where(articles.c.newsletter_id == _newsletter_id(newsletter))
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


def _conditions(
    connection: Connection, table: FromClause, narrowing: Narrowing, newest_of: Narrowing | None = None
) -> list[ColumnElement[bool]]:
    """What an article must fulfil: what it is itself, and that it is no later copy of another.

    `newest_of` says that the newest of one kind are looked for, for a feed with this narrowing.
    """
    wanted = _own_conditions(connection, table, narrowing, newest=newest_of is not None)
    if narrowing.combined:
        earlier = articles.alias("earlier")
        same = and_(
            earlier.c.url == table.c.url,
            text("earlier.url_state = 'canonical'"),  # as the index has it, or SQLite would not use it
            earlier.c.id < table.c.id,
            earlier.c.newsletter_id != table.c.newsletter_id,
            *_own_conditions(connection, earlier, newest_of or narrowing),
        )
        wanted.append(or_(table.c.url.is_(None), table.c.url_state != "canonical", ~exists().where(same)))
    return wanted


def _own_conditions(
    connection: Connection, table: FromClause, narrowing: Narrowing, *, newest: bool = False
) -> list[ColumnElement[bool]]:
    """What the article itself must be, whatever others there are.

    The indexes that begin with kind, section or label are for the `newest`. SQLite would take them for any question, and
    read all articles of a kind to find a hundred numbers; an expression keeps it from that.
    """

    def column(name: str) -> ColumnElement[str]:
        return table.c[name] if newest else table.c[name] + ""

    kinds = sorted(narrowing.kinds)
    wanted = [column("kind") == kinds[0] if len(kinds) == 1 else column("kind").in_(kinds)]
    if narrowing.newsletter is not None:
        wanted.append(table.c.newsletter_id == _newsletter_id(narrowing.newsletter))
    else:
        wanted.append(table.c.newsletter_id.not_in(select(newsletters.c.id).where(newsletters.c.muted)))
    if narrowing.section is not None:
        wanted.append(column("section") == narrowing.section)
    if narrowing.label is not None:
        wanted.append(column("label") == narrowing.label)
    if narrowing.min_minutes is not None:
        wanted.append(table.c.read_minutes >= narrowing.min_minutes)
    if narrowing.max_minutes is not None:
        wanted.append(table.c.read_minutes <= narrowing.max_minutes)
    if narrowing.terms:
        wanted.append(_found_by(connection, table, narrowing.terms, newest=newest))
    return wanted


def _found_by(
    connection: Connection, table: FromClause, terms: tuple[Term, ...], *, newest: bool
) -> ColumnElement[bool]:
    if connection.dialect.name == "sqlite":
        # For the newest all that match are listed first: a rare word would else be looked for in every article. All
        # other questions are about few articles, and each is looked up.
        here = text(
            "SELECT rowid FROM articles_words WHERE articles_words MATCH :terms"
            + ("" if newest else f" AND rowid = {table.name}.id")  # type: ignore[attr-defined]
        ).bindparams(bindparam("terms", fts5_query(terms), unique=True))
        return table.c.id.in_(here.columns(articles.c.id))
    padded = literal(" ") + func.replace(table.c.words, "\n", " \n ") + literal(" ")
    like = ((term, padded.like(like_pattern(term), escape="\\")) for term in terms)
    return and_(*(~found if term.unwanted else found for term, found in like))


def _newsletter_id(slug: str) -> Any:
    return select(newsletters.c.id).where(newsletters.c.slug == slug).scalar_subquery()


def _issue_conditions(connection: Connection, narrowing: Narrowing) -> list[ColumnElement[bool]]:
    """What an issue must fulfil: any of its articles gets through. Copies stay in: an issue is shown as it came."""
    any_article = exists().where(articles.c.issue_id == issues.c.id, *_own_conditions(connection, articles, narrowing))
    if narrowing.newsletter is None:
        return [any_article]
    return [issues.c.newsletter_id == _newsletter_id(narrowing.newsletter), any_article]


def _articles_of(connection: Connection, narrowing: Narrowing, which: ColumnElement[bool]) -> tuple[StoredArticle, ...]:
    rows = connection.execute(
        ARTICLE_ROWS.where(which, *_own_conditions(connection, articles, narrowing)).order_by(*NEWEST_FIRST)
    )
    return tuple(stored_article(row) for row in rows)


def _published(connection: Connection, rows: Any, narrowing: Narrowing) -> tuple[StoredArticle, ...]:
    """The rows as articles; in a combined feed with the names of the other newsletters that have the same link.

    That an article is somewhere else too changes what its entry says, so `updated` is not before it got there.
    """
    found = [stored_article(row) for row in rows]
    links = sorted({one.article.url for one in found if one.article.url and one.article.url_state == "canonical"})
    if not narrowing.combined or not links:
        return tuple(found)
    others: dict[str, list[Any]] = defaultdict(list)
    copies = (
        select(
            articles.c.url,
            newsletters.c.key,
            newsletters.c.name,
            func.min(articles.c.id).label("first"),
            func.min(articles.c.published).label("published"),
        )
        .join(newsletters, newsletters.c.id == articles.c.newsletter_id)
        .where(
            articles.c.url.in_(links),
            text("articles.url_state = 'canonical'"),
            *_own_conditions(connection, articles, narrowing),
        )
        .group_by(articles.c.url, newsletters.c.id, newsletters.c.key, newsletters.c.name)
        .order_by(text("first"))
    )
    for copy in connection.execute(copies):
        others[copy.url].append(copy)
    return tuple(_with_others(one, others.get(one.article.url or "", [])) for one in found)


def _with_others(stored: StoredArticle, copies: list[Any]) -> StoredArticle:
    elsewhere = [copy for copy in copies if copy.key != stored.newsletter.key]
    if not elsewhere or stored.article.url_state != "canonical":
        return stored
    return replace(
        stored,
        also_in=tuple(dict.fromkeys(copy.name for copy in elsewhere)),
        updated=max(stored.updated, *(copy.published for copy in elsewhere)),
    )
