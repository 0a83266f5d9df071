"""What a person mended of how newsletters are split, and which of them are read again for that.

Every function runs on a connection of the caller's. Newsletters are named by their keys.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, delete, func, insert, or_, select, update

from feedsvc.links import site_name
from feedsvc.model import Correction
from feedsvc.split import Traits
from feedsvc.store.rows import CorrectionRow, Rereading
from feedsvc.store.schema import articles, corrections, issues, newsletters, rereadings


def all_corrections(connection: Connection) -> dict[str, tuple[Correction, ...]]:
    """The corrections of each newsletter that has any, oldest first."""
    found: dict[str, tuple[Correction, ...]] = {}
    for row in connection.execute(select(corrections).order_by(corrections.c.id)):
        found[row.newsletter] = (*found.get(row.newsletter, ()), _correction(row).correction)
    return found


def corrections_of(connection: Connection, newsletter: str) -> tuple[CorrectionRow, ...]:
    """The corrections of a newsletter, oldest first."""
    rows = connection.execute(
        select(corrections).where(corrections.c.newsletter == newsletter).order_by(corrections.c.id)
    )
    return tuple(map(_correction, rows))


def add_correction(
    connection: Connection, newsletter: str, correction: Correction, title: str, issue: str, now: datetime
) -> None:
    """Keep a correction; what was said before of the very same items is forgotten."""
    same = [
        row.id
        for row in corrections_of(connection, newsletter)
        if row.correction.scope == correction.scope and row.correction.value.casefold() == correction.value.casefold()
    ]
    connection.execute(delete(corrections).where(corrections.c.id.in_(same)))
    connection.execute(
        insert(corrections).values(
            newsletter=newsletter,
            verdict=correction.verdict,
            scope=correction.scope,
            value=correction.value,
            title=title,
            issue=issue,
            made=now,
        )
    )


def remove_correction(connection: Connection, newsletter: str, number: int) -> CorrectionRow | None:
    """Forget a correction of this newsletter; what it was, None where there was none of this number."""
    known = and_(corrections.c.id == number, corrections.c.newsletter == newsletter)
    row = connection.execute(select(corrections).where(known)).one_or_none()
    connection.execute(delete(corrections).where(known))
    return None if row is None else _correction(row)


def ask_again(connection: Connection, newsletter: str) -> None:
    """Have all issues of a newsletter read again, from the beginning if that is under way already."""
    total = connection.execute(
        select(func.count())
        .select_from(issues.join(newsletters, issues.c.newsletter_id == newsletters.c.id))
        .where(newsletters.c.key == newsletter)
    ).scalar_one()
    connection.execute(delete(rereadings).where(rereadings.c.newsletter == newsletter))
    connection.execute(insert(rereadings).values(newsletter=newsletter, done=0, total=total))


def claim(connection: Connection, now: datetime, idle_since: datetime, without: frozenset[str]) -> Rereading | None:
    """Take a newsletter that waits to be read again, or that nobody was at after `idle_since`; None where there is none."""
    free = or_(rereadings.c.touched.is_(None), rereadings.c.touched < idle_since)
    row = connection.execute(
        select(rereadings)
        .where(free, rereadings.c.newsletter.not_in(without))
        .order_by(rereadings.c.newsletter)
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    connection.execute(
        update(rereadings).where(rereadings.c.newsletter == row.newsletter).values(done=0, touched=now, problem=None)
    )
    return Rereading(row.newsletter, 0, row.total, now, None)


def note(connection: Connection, work: Rereading, done: int, now: datetime) -> Rereading | None:
    """Note how far it got; None where it was asked for anew, or somebody else took it."""
    changed = connection.execute(update(rereadings).where(_is_held(work)).values(done=done, touched=now))
    return replace(work, done=done, touched=now) if changed.rowcount else None


def end(connection: Connection, work: Rereading) -> None:
    """All issues were read again; if it was asked for anew meanwhile, that stays."""
    connection.execute(delete(rereadings).where(_is_held(work)))


def give_up(connection: Connection, work: Rereading, problem: str | None) -> None:
    """Leave it for later: somebody else, or the next start, takes it up."""
    connection.execute(update(rereadings).where(_is_held(work)).values(touched=None, problem=problem))


def _is_held(work: Rereading) -> ColumnElement[bool]:
    """Whether it is still as whoever is at it left it: the moment, to the microsecond, tells one from another."""
    return and_(rereadings.c.newsletter == work.newsletter, rereadings.c.touched == work.touched)


def all_rereadings(connection: Connection) -> frozenset[str]:
    """The newsletters that are read again, or wait for it."""
    return frozenset(connection.execute(select(rereadings.c.newsletter)).scalars())


def rereading_of(connection: Connection, newsletter: str) -> Rereading | None:
    """How far a newsletter is read again; None where it is not."""
    row = connection.execute(select(rereadings).where(rereadings.c.newsletter == newsletter)).one_or_none()
    return None if row is None else _rereading(row)


def newest_traits(connection: Connection, newsletter: str, limit: int) -> tuple[Traits, ...]:
    """By what corrections know the articles of a newsletter that came in last."""
    of_newsletter = select(newsletters.c.id).where(newsletters.c.key == newsletter).scalar_subquery()
    columns = (articles.c.uid, articles.c.title, articles.c.section, articles.c.label, articles.c.url)
    rows = connection.execute(
        select(*columns, articles.c.url_state)
        .where(articles.c.newsletter_id == of_newsletter)
        .order_by(articles.c.id.desc())
        .limit(limit)
    )
    return tuple(
        Traits(
            row.uid,
            row.title,
            row.section,
            row.label,
            site_name(row.url) if row.url_state == "canonical" and row.url else None,
        )
        for row in rows
    )


def _correction(row: Row[Any]) -> CorrectionRow:
    correction = Correction(row.verdict, row.scope, row.value)
    return CorrectionRow(row.id, row.newsletter, correction, row.title, row.issue, row.made)


def _rereading(row: Row[Any]) -> Rereading:
    return Rereading(row.newsletter, row.done, row.total, row.touched, row.problem)
