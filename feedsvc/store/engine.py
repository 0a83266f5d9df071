"""Connections: the one place that knows which database it speaks to.

SQLite is set up for one writer and many readers: write-ahead log, foreign keys on, five seconds of patience. A write
takes the lock when it begins (BEGIN IMMEDIATE): one that read first and asked for the lock later would be refused
without waiting.

`synchronous` is FULL, which in WAL mode is one fsync a commit. NORMAL may forget the last commits when the power
fails, and after a commit the message leaves the spool, so they would be gone. Bulk ingest commits in batches and does
not feel it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError, IntegrityError, NoSuchModuleError, ProgrammingError
from sqlalchemy.pool import StaticPool

from feedsvc.errors import StoreError

BUSY_TIMEOUT_MS = 5000
_WRITE = "feedsvc_write"

# What these say is about the row at hand; all else that a driver raises is about the database.
_ABOUT_THE_ROW = (IntegrityError, DataError, ProgrammingError)


def connect(url: str) -> Engine:
    """An engine for this SQLAlchemy address; nothing is opened yet.

    Raises StoreError where the address is wrong or its driver is missing.
    """
    try:
        address = make_url(url)
        if address.get_backend_name() == "sqlite":
            return _sqlite(address)
        return create_engine(address, pool_pre_ping=True)
    except (NoSuchModuleError, ImportError) as missing:
        raise StoreError(
            f"the driver for this database is not installed ({missing}). "
            "For PostgreSQL: pip install 'psycopg[binary]', and an address that starts with postgresql+psycopg://.",
            code="database-driver",
        ) from missing
    except ArgumentError as wrong:
        raise StoreError(
            "the setting `database` is no database address. It looks like sqlite:////var/lib/feedsvc/feedsvc.db "
            "or postgresql+psycopg://user@host/name.",
            code="database-address",
        ) from wrong


def _sqlite(address: URL) -> Engine:
    in_memory = address.database in (None, "", ":memory:")
    if in_memory:
        engine = create_engine(address, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        folder = Path(str(address.database)).parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as failure:
            raise StoreError(
                f"the folder {folder} for the database cannot be made: {failure.strerror}. "
                "Make it, or choose another with --data or FEEDSVC_DATA.",
                code="database-folder",
            ) from failure
        engine = create_engine(address, connect_args={"timeout": BUSY_TIMEOUT_MS / 1000})

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, record: Any) -> None:
        connection.isolation_level = None  # transactions begin below, not where the driver guesses
        for pragma in (
            f"busy_timeout = {BUSY_TIMEOUT_MS}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
            "temp_store = MEMORY",  # what undoes one message of a batch, else written to a file and never read
        ):
            _patiently(connection, f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        mode = "IMMEDIATE" if connection.get_execution_options().get(_WRITE) else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


def _patiently(connection: sqlite3.Connection, statement: str) -> None:
    """Execute what SQLite refuses at once, without its usual patience, while another process makes the same database."""
    until = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            connection.execute(statement)
        except sqlite3.OperationalError as refusal:
            if "locked" not in str(refusal) or time.monotonic() > until:
                raise
            time.sleep(0.02)
        else:
            return


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that sees one state of the database. Raises StoreError where the database fails."""
    with database_errors(), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that holds the write lock from its beginning, and is undone by any exception.

    Raises StoreError where the database fails or stays locked.
    """
    with database_errors(), engine.execution_options(**{_WRITE: True}).begin() as connection:
        yield connection


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn what a driver says about the database (locked, full, gone) into StoreError; what is about a row passes."""
    try:
        yield
    except _ABOUT_THE_ROW:
        raise
    except DBAPIError as failure:
        said = str(failure.orig)
        raise StoreError(f"the database failed: {said}. {_remedy(said.lower())}", code="database-failed") from failure


def _remedy(said: str) -> str:
    if "locked" in said:
        return "Another program holds it; nothing is lost, and what waits is tried again."
    if "full" in said:
        return "Make room on the disk; nothing is lost, and what waits is tried again."
    if "readonly" in said or "read-only" in said or "unable to open" in said:
        return "Give this user the right to write to the database and its folder, or choose another with --data."
    if "not a database" in said or "malformed" in said:
        return "Move the file away and run `feedsvc reprocess`: it makes a new one from the archive."
    return "Nothing is lost, and what waits is tried again."
