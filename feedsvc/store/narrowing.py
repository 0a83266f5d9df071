"""Which articles a feed or a page lets through: the narrowing, its conditions in SQL, and who else has the same link."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, func, literal, or_, select, text
from sqlalchemy.sql.selectable import FromClause

from feedsvc.model import Kind, StoredArticle
from feedsvc.store.queries import stored_article
from feedsvc.store.schema import articles, newsletters
from feedsvc.store.search import Term, fts5_query, like_pattern

# A search that finds no more is listed whole.
_RARE: Final = 1000


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Which articles get through; None lets all. `newsletter` is a slug; `since` is included, `until` is not.

    `hits` are the numbers of all articles in which the terms are found, where those are few (see `weighed`); else None.
    """

    kinds: frozenset[Kind] = frozenset({"article", "message"})
    newsletter: str | None = None
    section: str | None = None
    label: str | None = None
    min_minutes: int | None = None
    max_minutes: int | None = None
    terms: tuple[Term, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    hits: tuple[int, ...] | None = None

    @property
    def combined(self) -> bool:
        """Whether several newsletters may be in it."""
        return self.newsletter is None


def weighed(connection: Connection, narrowing: Narrowing) -> Narrowing:
    """The narrowing with its `hits`, where its terms are rare."""
    if narrowing.hits is not None or not narrowing.terms or connection.dialect.name != "sqlite":
        return narrowing
    query = text("SELECT rowid FROM articles_words WHERE articles_words MATCH :terms LIMIT :most")
    given = {"terms": fts5_query(narrowing.terms), "most": _RARE + 1}
    hits = tuple(connection.execute(query, given).scalars())
    return narrowing if len(hits) > _RARE else replace(narrowing, hits=hits)


def conditions(
    connection: Connection, table: FromClause, narrowing: Narrowing, newest_of: Narrowing | None = None
) -> list[ColumnElement[bool]]:
    """What an article must fulfil: what it is itself, and that it is no later copy of another.

    `newest_of` says that the newest of one kind are looked for, for a feed with this narrowing.
    """
    wanted = own_conditions(connection, table, narrowing, newest=newest_of is not None)
    if narrowing.combined:
        earlier = articles.alias("earlier")
        same = and_(
            earlier.c.url == table.c.url,
            text("earlier.url_state = 'canonical'"),  # as the index has it, or SQLite would not use it
            earlier.c.id < table.c.id,
            earlier.c.newsletter_id != table.c.newsletter_id,
            *own_conditions(connection, earlier, newest_of or narrowing),
        )
        wanted.append(or_(table.c.url.is_(None), table.c.url_state != "canonical", ~exists().where(same)))
    return wanted


def own_conditions(
    connection: Connection, table: FromClause, narrowing: Narrowing, *, newest: bool = False
) -> list[ColumnElement[bool]]:
    """What the article itself must be, whatever others there are.

    The indexes that begin with kind, section or label are for the `newest`. SQLite would take them for any question, and
    read all articles of a kind to find a hundred numbers; an expression keeps it from that. Nor are they for `hits`, which
    are found by their numbers.
    """

    def column(name: str) -> ColumnElement[str]:
        return table.c[name] if newest and narrowing.hits is None else table.c[name] + ""

    kinds = sorted(narrowing.kinds)
    wanted = [column("kind") == kinds[0] if len(kinds) == 1 else column("kind").in_(kinds)]
    if narrowing.newsletter is not None:
        wanted.append(table.c.newsletter_id == newsletter_number(narrowing.newsletter))
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
    if narrowing.since is not None:
        wanted.append(table.c.published >= narrowing.since)
    if narrowing.until is not None:
        wanted.append(table.c.published < narrowing.until)
    if narrowing.hits is not None:
        wanted.append(table.c.id.in_(narrowing.hits))
    elif narrowing.terms:
        wanted.append(_found_by(connection, table, narrowing.terms, listed=newest))
    return wanted


def _found_by(
    connection: Connection, table: FromClause, terms: tuple[Term, ...], *, listed: bool
) -> ColumnElement[bool]:
    if listed and connection.dialect.name == "sqlite":
        here = text("SELECT rowid FROM articles_words WHERE articles_words MATCH :terms")
        here = here.bindparams(bindparam("terms", fts5_query(terms), unique=True))
        return table.c.id.in_(here.columns(articles.c.id))
    # The article itself is looked at. To look it up in the full-text index would take ten times as long where a word is in
    # a million of them.
    padded = literal(" ") + func.replace(table.c.words, "\n", " \n ") + literal(" ")
    like = ((term, padded.like(like_pattern(term), escape="\\")) for term in terms)
    return and_(*(~found if term.unwanted else found for term, found in like))


def newsletter_number(slug: str) -> Any:
    return select(newsletters.c.id).where(newsletters.c.slug == slug).scalar_subquery()


def with_copies(connection: Connection, rows: Any, narrowing: Narrowing) -> tuple[StoredArticle, ...]:
    """The rows of `queries.ARTICLE_ROWS` as articles; in a combined feed with the names of the other newsletters that have the same link.

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
            *own_conditions(connection, articles, narrowing),
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
