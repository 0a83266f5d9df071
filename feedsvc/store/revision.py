"""The revision, read for each request: one row by its key, on a connection that is kept for nothing else.

Through SQLAlchemy that takes 150 µs, as much as all else that answers a 304; on the bare SQLite connection 5 µs.
"""

from __future__ import annotations

import sqlite3
import threading
from typing import Any

from sqlalchemy import Engine

from feedsvc.store import queries
from feedsvc.store.engine import reading

_SQL = "SELECT revision FROM meta WHERE id = 1"


class RevisionReader:
    """Reads the revision of one database; safe for threads."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        named = engine.url.database not in (None, "", ":memory:") and "uri" not in engine.url.query
        self._bare = engine.dialect.name == "sqlite" and named
        self._lock = threading.Lock()
        self._kept: Any = None

    def read(self) -> int:
        """The revision as of now. Raises StoreError where the database fails."""
        if self._bare:
            with self._lock:
                try:
                    if self._kept is None:
                        self._kept = self._open()
                    # No transaction is open on it, so that each look sees what others have committed since.
                    return int(self._kept.execute(_SQL).fetchone()[0])
                except (sqlite3.Error, TypeError):
                    self._drop()  # what is wrong is said by the usual way, below
        with reading(self._engine) as connection:
            return queries.state(connection).revision

    def close(self) -> None:
        """Close the connection; a later look opens another."""
        with self._lock:
            self._drop()

    def _open(self) -> sqlite3.Connection:
        return sqlite3.connect(
            str(self._engine.url.database),
            isolation_level=None,
            check_same_thread=False,
            timeout=5,
            cached_statements=1,
        )

    def _drop(self) -> None:
        if self._kept is not None:
            self._kept.close()
            self._kept = None
