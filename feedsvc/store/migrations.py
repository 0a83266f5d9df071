"""The steps from one version of the schema to the next, in order.

A new database gets today's tables at once and the number of the last step; an older one gets each step that it lacks.
All steps run in one transaction, so a database is never half migrated. A step changes existing tables by SQL that
SQLite and PostgreSQL both know, and must not use `schema`: that shows how tables look today, not how they looked when
the step was written.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, inspect, select

from feedsvc.errors import StoreError
from feedsvc.store import schema


@dataclass(frozen=True, slots=True)
class Migration:
    """A step to schema version `number`, and why it was taken."""

    number: int
    reason: str
    apply: Callable[[Connection], None]


def _first_tables(connection: Connection) -> None:
    """Nothing to change: `migrate` makes the tables of a new database."""


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "newsletters, issues, articles, messages, rejections and the revision", _first_tables),
)


def migrate(connection: Connection, steps: tuple[Migration, ...] = MIGRATIONS) -> int:
    """Bring the database to the version of the last step, within the caller's transaction.

    Returns the version that it had, 0 for a new one.

    Raises StoreError where the database is newer than the steps, or holds tables that are not feedsvc's.
    """
    newest = steps[-1].number
    found = _version(connection)
    if found > newest:
        raise StoreError(
            f"this database has schema version {found}, made by a newer feedsvc; this one knows up to {newest}. "
            "Install the newer feedsvc again, or use another database.",
            code="database-newer",
        )
    if found == 0:
        schema.metadata.create_all(connection)
        connection.execute(schema.meta.insert().values(id=1, schema_version=newest, revision=0))
        return found
    for step in steps:
        if step.number > found:
            step.apply(connection)
    if found < newest:
        connection.execute(schema.meta.update().values(schema_version=newest))
    return found


def _version(connection: Connection) -> int:
    tables = set(inspect(connection).get_table_names())
    if "meta" in tables:
        found = connection.execute(select(schema.meta.c.schema_version)).scalar_one_or_none()
        if found is not None:
            return int(found)
    if foreign := tables & set(schema.metadata.tables):
        raise StoreError(
            f"this database has tables named {', '.join(sorted(foreign))}, but no schema version: "
            "another program made them. Give feedsvc a database of its own.",
            code="database-foreign",
        )
    return 0
