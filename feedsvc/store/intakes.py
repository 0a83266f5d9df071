"""What the ways in leave in the store: what each brought, what it has seen, addresses; and a newsletter's settings.

Every function runs on a connection of the caller's, and those that change something within a transaction.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from feedsvc.store.rows import AddressRow, IntakeRow, Unsubscribing
from feedsvc.store.schema import addresses, intake_marks, intakes, issues, newsletters

_LATEST_ISSUES = 20


def all_intakes(connection: Connection) -> tuple[IntakeRow, ...]:
    """Every way in that ever looked for mail or brought any, by name."""
    return tuple(
        IntakeRow(
            way=row.way,
            brought=row.brought,
            failed=row.failed,
            last_brought=row.last_brought,
            checked=row.checked,
            problem=row.problem,
            problem_since=row.problem_since,
            last_failed=row.last_failed,
            failure=row.failure,
        )
        for row in connection.execute(select(intakes).order_by(intakes.c.way))
    )


def count_brought(connection: Connection, way: str, brought: int, failures: list[str], now: datetime) -> None:
    """Count messages that were taken in, and those that were rejected, with the reason of each."""
    values: dict[str, Any] = {}
    if brought:
        values |= {"brought": intakes.c.brought + brought, "last_brought": now}
    if failures:
        values |= {"failed": intakes.c.failed + len(failures), "last_failed": now, "failure": failures[-1]}
    _change(connection, way, values)


def note_look(connection: Connection, way: str, problem: str | None, now: datetime) -> None:
    """Note that a way in looked for mail now: with success, or with this problem."""
    if problem is None:
        _change(connection, way, {"checked": now, "problem": None, "problem_since": None})
        return
    row = connection.execute(
        select(intakes.c.problem, intakes.c.problem_since).where(intakes.c.way == way)
    ).one_or_none()
    since = row.problem_since if row is not None and row.problem is not None else now
    _change(connection, way, {"problem": problem, "problem_since": since})


def _change(connection: Connection, way: str, values: Mapping[str, Any]) -> None:
    if not values:
        return
    if connection.execute(update(intakes).where(intakes.c.way == way).values(**values)).rowcount == 0:
        connection.execute(insert(intakes).values(way=way, brought=0, failed=0))
        connection.execute(update(intakes).where(intakes.c.way == way).values(**values))


def marks(connection: Connection, way: str) -> dict[str, str]:
    """What a way in has noted for itself."""
    rows = connection.execute(select(intake_marks.c.mark, intake_marks.c.value).where(intake_marks.c.way == way))
    return {row.mark: row.value for row in rows}


def set_marks(connection: Connection, way: str, noted: Mapping[str, str]) -> None:
    """Note these, in the place of those of the same names."""
    forget_marks(connection, way, noted)
    if noted:
        connection.execute(
            insert(intake_marks), [{"way": way, "mark": mark, "value": value} for mark, value in noted.items()]
        )


def forget_marks(connection: Connection, way: str, names: Iterable[str]) -> None:
    """Forget these."""
    for name in names:
        connection.execute(delete(intake_marks).where(intake_marks.c.way == way, intake_marks.c.mark == name))


def add_address(connection: Connection, secret: str, name: str, now: datetime) -> AddressRow:
    """Take mail to this local part from now on."""
    connection.execute(insert(addresses).values(secret=secret, name=name, created=now))
    return AddressRow(secret, name, now)


def remove_address(connection: Connection, secret: str) -> bool:
    """Take no more mail to this local part; whether there was such."""
    return connection.execute(delete(addresses).where(addresses.c.secret == secret)).rowcount > 0


def all_addresses(connection: Connection) -> tuple[AddressRow, ...]:
    """Every address, oldest first."""
    rows = connection.execute(select(addresses).order_by(addresses.c.created, addresses.c.secret))
    return tuple(AddressRow(row.secret, row.name, row.created) for row in rows)


def get_address(connection: Connection, secret: str) -> AddressRow | None:
    """The address with this local part, or None."""
    row = connection.execute(select(addresses).where(addresses.c.secret == secret)).one_or_none()
    return None if row is None else AddressRow(row.secret, row.name, row.created)


def rename(connection: Connection, slug: str, name: str | None) -> bool:
    """Give a newsletter a name of the person's own, or back its own; whether that changed anything."""
    row = connection.execute(select(newsletters).where(newsletters.c.slug == slug)).one()
    own = row.own_name if row.own_name is not None else row.name
    values = {"name": own, "own_name": None} if name is None else {"name": name, "own_name": own}
    connection.execute(update(newsletters).where(newsletters.c.id == row.id).values(**values))
    return bool(values["name"] != row.name)


def name_by_address(connection: Connection, key: str, name: str) -> bool:
    """Give a newsletter the name that its address says, unless it has one that was given; whether that changed anything."""
    changed = connection.execute(
        update(newsletters)
        .where(newsletters.c.key == key, newsletters.c.own_name.is_(None), newsletters.c.name != name)
        .values(name=name, own_name=newsletters.c.name)
    )
    return changed.rowcount > 0


def set_flag(connection: Connection, slug: str, flag: str, value: bool) -> bool:
    """Set `muted`, `whole` or `sponsors` of a newsletter; whether it was otherwise before."""
    row = connection.execute(select(newsletters).where(newsletters.c.slug == slug)).one()
    if row._mapping[flag] == value:
        return False
    connection.execute(update(newsletters).where(newsletters.c.id == row.id).values({flag: value}))
    return True


def set_resolve(connection: Connection, slug: str, mode: str | None) -> None:
    """Say how the trackers of a newsletter are looked up; None is as the settings say."""
    connection.execute(update(newsletters).where(newsletters.c.slug == slug).values(resolve=mode))


def resolve_modes(connection: Connection) -> dict[str, str]:
    """How trackers are looked up, by the slug of those newsletters for which a person chose it."""
    rows = connection.execute(
        select(newsletters.c.slug, newsletters.c.resolve).where(newsletters.c.resolve.is_not(None))
    )
    return {row.slug: row.resolve for row in rows}


def with_sponsors(connection: Connection) -> frozenset[str]:
    """The slugs of the newsletters whose sponsors and jobs are shown like articles."""
    return frozenset(connection.execute(select(newsletters.c.slug).where(newsletters.c.sponsors)).scalars())


def whole_keys(connection: Connection) -> frozenset[str]:
    """The keys of the newsletters whose issues are each one entry."""
    return frozenset(connection.execute(select(newsletters.c.key).where(newsletters.c.whole)).scalars())


def unsubscribing(connection: Connection, slug: str) -> Unsubscribing | None:
    """How to leave this newsletter, by its newest issues; None where none of them says."""
    rows = connection.execute(
        select(issues.c.unsubscribe, issues.c.one_click)
        .join(newsletters, issues.c.newsletter_id == newsletters.c.id)
        .where(newsletters.c.slug == slug)
        .order_by(issues.c.sent.desc(), issues.c.id.desc())
        .limit(_LATEST_ISSUES)
    )
    for row in rows:
        if row.unsubscribe:
            return Unsubscribing(tuple(row.unsubscribe), row.one_click)
    return None
