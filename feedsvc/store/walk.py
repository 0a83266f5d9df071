"""The newest articles that a narrowing lets through, found along the indexes: the time does not grow with the store.

A search is either rare, and all that it finds is listed first; or common, and the newest articles are looked at one
after the other until there are enough. Which of them is found out by looking for the first few hits.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, select

from feedsvc.store.narrowing import Narrowing, conditions, own_conditions, weighed
from feedsvc.store.schema import NEWEST_FIRST, articles

# How many of the newest articles are looked at for a common search, and how many at a time.
_LOOKED_AT: Final = 2_500
_AT_A_TIME: Final = 250


def walk(
    connection: Connection,
    narrowing: Narrowing,
    limit: int,
    beyond: list[ColumnElement[bool]],
    newer: bool,
    *,
    unique: bool,
) -> list[Row[Any]]:
    """Number, date, issue and position of the first `limit` articles beyond a place, in the order of the walk."""
    narrowing = weighed(connection, narrowing)
    if narrowing.terms and narrowing.hits is None and connection.dialect.name == "sqlite":
        found: list[Row[Any]] = []
        near = _along(connection, replace(narrowing, terms=()), _LOOKED_AT, beyond, newer, unique=False)
        wanted = (
            conditions(connection, articles, narrowing) if unique else own_conditions(connection, articles, narrowing)
        )
        for start in range(0, len(near), _AT_A_TIME):
            some = near[start : start + _AT_A_TIME]
            numbers = select(articles.c.id).where(articles.c.id.in_([row.id for row in some]), *wanted)
            hits = set(connection.execute(numbers).scalars())
            found += [row for row in some if row.id in hits]
            if len(found) >= limit:
                return found[:limit]
        if len(near) < _LOOKED_AT:
            return found
    return _along(connection, narrowing, limit, beyond, newer, unique=unique)


def _along(
    connection: Connection,
    narrowing: Narrowing,
    limit: int,
    beyond: list[ColumnElement[bool]],
    newer: bool,
    *,
    unique: bool,
) -> list[Row[Any]]:
    """As `walk`: each kind is walked along its own index for `limit` rows at most."""
    order = (articles.c.published, articles.c.issue_id, articles.c.position.desc()) if newer else NEWEST_FIRST
    rows: list[Row[Any]] = []
    for kind in sorted(narrowing.kinds):
        one_kind = replace(narrowing, kinds=frozenset({kind}))
        if unique:
            wanted = conditions(connection, articles, one_kind, newest_of=narrowing)
        else:
            wanted = own_conditions(connection, articles, one_kind, newest=True)
        columns = select(articles.c.id, articles.c.published, articles.c.issue_id, articles.c.position)
        rows += connection.execute(columns.where(*wanted, *beyond).order_by(*order).limit(limit))
    rows.sort(key=lambda row: row.position)
    rows.sort(key=lambda row: (row.published, row.issue_id), reverse=True)
    if newer:
        rows.reverse()
    return rows[:limit]
