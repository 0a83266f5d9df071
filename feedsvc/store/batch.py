"""One transaction in which several issues are stored, and what else comes with them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import Connection

from feedsvc.model import Issue
from feedsvc.store import intakes, writes
from feedsvc.store.engine import database_errors
from feedsvc.store.rows import AddResult


class Batch:
    """A transaction that is under way. Made by `Store.batch`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._now = datetime.now(UTC)
        self._changed = False

    def add_issue(
        self,
        issue: Issue,
        *,
        sha256: str,
        received: datetime,
        size: int,
        filename: str | None,
        way: str = "",
        recipient: str | None = None,
    ) -> AddResult:
        """As `Store.add_issue`. `way` is how it came in, `recipient` whom its envelope named.

        Where it raises, this issue alone is undone, and the batch may go on unless it was StoreError.
        """
        receipt = writes.Receipt(sha256, received, size, filename, way, recipient)
        with database_errors(), self._connection.begin_nested():
            result = writes.add_issue(self._connection, issue, receipt, self._now)
        self._changed = self._changed or result.status != "duplicate"
        return result

    def record_rejection(
        self, sha256: str, filename: str | None, code: str, detail: str, received: datetime, way: str = ""
    ) -> None:
        """Remember that a message was refused, and why."""
        with database_errors():
            receipt = writes.Receipt(sha256, received, 0, filename, way)
            writes.record_rejection(self._connection, receipt, code, detail)

    def count_brought(self, way: str, brought: int, failures: list[str]) -> None:
        """Count what a way in brought: messages taken in, and the reasons of those that were rejected."""
        with database_errors():
            intakes.count_brought(self._connection, way, brought, failures, self._now)

    def rename_newsletter(self, slug: str, name: str | None) -> None:
        """As `Store.rename_newsletter`."""
        self._changed |= intakes.rename(self._connection, slug, name)

    def name_by_address(self, key: str, name: str) -> None:
        """Give the newsletter with this key the name that its address says, unless a name was given already."""
        with database_errors():
            self._changed |= intakes.name_by_address(self._connection, key, name)

    def set_flag(self, slug: str, flag: Literal["muted", "whole", "sponsors"], value: bool) -> None:
        """Set what a person wants of a newsletter."""
        self._changed |= intakes.set_flag(self._connection, slug, flag, value)

    def finish(self) -> None:
        """Let the revision grow, if what is published changed."""
        if self._changed:
            writes.grow_revision(self._connection)
