"""How much there is: counts and sizes, for the pages that say how feedsvc is doing. Each reads a table or its index once."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, select

from feedsvc.store.rows import RejectionRow
from feedsvc.store.schema import articles, messages, meta, rejections


def articles_by_kind(connection: Connection) -> dict[str, int]:
    """How many articles there are of each kind."""
    rows = connection.execute(select(articles.c.kind, func.count()).group_by(articles.c.kind))
    return {str(kind): int(count) for kind, count in rows}


def message_bytes(connection: Connection) -> int:
    """The bytes of all messages that were taken in, which is what the archive takes."""
    return int(connection.execute(select(func.coalesce(func.sum(messages.c.size), 0))).scalar_one())


def database_bytes(connection: Connection) -> int:
    """The bytes that the database takes on its disk; a write-ahead log that is not merged yet is not counted."""
    if connection.dialect.name == "sqlite":
        pages, size = (
            connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in ("page_count", "page_size")
        )
        return int(pages) * int(size)
    return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())


def schema_version(connection: Connection) -> int:
    """The number of the last migration that the database went through."""
    return int(connection.execute(select(meta.c.schema_version)).scalar_one())


def newest_rejections(connection: Connection, limit: int) -> tuple[RejectionRow, ...]:
    """The messages that were rejected, newest first."""
    rows = connection.execute(
        select(rejections).order_by(rejections.c.received.desc(), rejections.c.sha256).limit(limit)
    )
    return tuple(RejectionRow(row.sha256, row.filename, row.code, row.detail, row.received, row.way) for row in rows)


def forget_rejection(connection: Connection, sha256: str) -> None:
    """Forget that the message with these bytes was rejected."""
    connection.execute(delete(rejections).where(rejections.c.sha256 == sha256))
