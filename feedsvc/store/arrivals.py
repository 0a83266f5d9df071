"""What came in over time, for the page of statistics: counted along indexes, for bounded times and numbers of rows."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from feedsvc.store.schema import articles, issues, newsletters

_KINDS = ("article", "message")  # what the feeds hold


@dataclass(frozen=True, slots=True)
class LinkRow:
    """An article with a canonical link, and the newsletter that it came with."""

    uid: str
    url: str
    slug: str


@dataclass(frozen=True, slots=True)
class MinutesRow:
    """The minutes to read that a newsletter brought within an hour (UTC)."""

    slug: str
    hour: datetime
    minutes: int


def issues_by_hour(connection: Connection, since: datetime) -> tuple[tuple[datetime, int], ...]:
    """How many issues were sent in each hour (UTC) since then that had any."""
    return _by_hour(connection, issues.c.sent, issues.c.sent >= since)


def articles_by_hour(connection: Connection, since: datetime) -> tuple[tuple[datetime, int], ...]:
    """How many articles and messages were published in each hour (UTC) since then that had any."""
    return _by_hour(connection, articles.c.published, articles.c.published >= since, articles.c.kind.in_(_KINDS))


def minutes_by_hour(connection: Connection, since: datetime) -> tuple[MinutesRow, ...]:
    """The minutes to read that each newsletter brought in each hour since then, where they are known."""
    hour = _hour(connection, articles.c.published)
    rows = connection.execute(
        select(articles.c.newsletter_id, hour, func.sum(articles.c.read_minutes))
        .where(articles.c.published >= since, articles.c.kind.in_(_KINDS), articles.c.read_minutes > 0)
        .group_by(articles.c.newsletter_id, hour)
    ).all()
    slugs = _slugs(connection)
    return tuple(MinutesRow(slugs[number], _moment(text), int(minutes)) for number, text, minutes in rows)


def newest_links(connection: Connection, since: datetime, limit: int) -> tuple[LinkRow, ...]:
    """The canonical links of the newest articles since then, `limit` at most, the newest first."""
    rows = connection.execute(
        select(articles.c.uid, articles.c.url, articles.c.newsletter_id)
        .where(articles.c.published >= since, articles.c.kind.in_(_KINDS), articles.c.url_state == "canonical")
        .order_by(articles.c.published.desc(), articles.c.id.desc())
        .limit(limit)
    ).all()
    slugs = _slugs(connection)
    return tuple(LinkRow(uid, url, slugs[number]) for uid, url, number in rows)


def _slugs(connection: Connection) -> dict[int, str]:
    return {row.id: row.slug for row in connection.execute(select(newsletters.c.id, newsletters.c.slug))}


def _by_hour(
    connection: Connection, moment: ColumnElement[Any], *conditions: ColumnElement[bool]
) -> tuple[tuple[datetime, int], ...]:
    hour = _hour(connection, moment)
    rows = connection.execute(select(hour, func.count()).where(*conditions).group_by(hour).order_by(hour))
    return tuple((_moment(text), int(count)) for text, count in rows)


def _hour(connection: Connection, moment: ColumnElement[Any]) -> ColumnElement[Any]:
    """The hour as text. SQLite keeps a datetime as one that begins with it: "2024-09-03 13".

    The format is written out: PostgreSQL would not see that two parameters are the same when it groups by this.
    """
    on_sqlite = connection.dialect.name == "sqlite"
    return func.substr(moment, 1, 13) if on_sqlite else func.to_char(moment, literal_column("'YYYY-MM-DD HH24'"))


def _moment(hour: str) -> datetime:
    return datetime.fromisoformat(f"{hour}:00").replace(tzinfo=UTC)
