"""The steps from one version of the schema to the next, in order.

A new database gets today's tables at once and the number of the last step; an older one gets each step that it lacks.
All steps run in one transaction, so a database is never half migrated. A step changes existing tables by SQL that
SQLite and PostgreSQL both know, and must not use `schema`: that shows how tables look today, not how they looked when
the step was written.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection, inspect, select, text

from feedsvc.errors import StoreError
from feedsvc.store import schema
from feedsvc.store.search import joined_words


@dataclass(frozen=True, slots=True)
class Migration:
    """A step to schema version `number`, and why it was taken."""

    number: int
    reason: str
    apply: Callable[[Connection], None]


def _first_tables(connection: Connection) -> None:
    """Nothing to change: `migrate` makes the tables of a new database."""


def _narrow_feeds(connection: Connection) -> None:
    """Indexes for narrowed feeds, the words of what is there for the search, and tokens."""
    connection.exec_driver_sql("ALTER TABLE articles ADD COLUMN words TEXT NOT NULL DEFAULT ''")
    moment = "TIMESTAMP" if connection.dialect.name == "postgresql" else "DATETIME"
    order = "published DESC, issue_id DESC, position"
    for statement in (
        f"CREATE INDEX articles_newest_of_section ON articles (section, kind, {order}) WHERE section IS NOT NULL",
        f"CREATE INDEX articles_newest_of_label ON articles (label, kind, {order}) WHERE label IS NOT NULL",
        "CREATE INDEX articles_by_link ON articles (url, id, newsletter_id, kind) WHERE url_state = 'canonical'",
        "CREATE INDEX articles_of_newsletter ON articles (newsletter_id, id)",
        "CREATE INDEX issues_newest ON issues (sent DESC, id DESC)",
        "CREATE TABLE tokens (id TEXT NOT NULL PRIMARY KEY, secret_sha256 TEXT NOT NULL, feed TEXT NOT NULL, "
        f"name TEXT NOT NULL, created {moment} NOT NULL)",
    ):
        connection.exec_driver_sql(statement)
    _fill_words(connection)
    if connection.dialect.name == "sqlite":
        for statement in (
            "CREATE VIRTUAL TABLE articles_words USING fts5(words, content='articles', content_rowid='id', "
            "tokenize='unicode61 remove_diacritics 0')",
            "CREATE TRIGGER articles_words_insert AFTER INSERT ON articles BEGIN "
            "INSERT INTO articles_words(rowid, words) VALUES (new.id, new.words); END",
            "CREATE TRIGGER articles_words_delete AFTER DELETE ON articles BEGIN "
            "INSERT INTO articles_words(articles_words, rowid, words) VALUES ('delete', old.id, old.words); END",
            "CREATE TRIGGER articles_words_update AFTER UPDATE OF words ON articles BEGIN "
            "INSERT INTO articles_words(articles_words, rowid, words) VALUES ('delete', old.id, old.words); "
            "INSERT INTO articles_words(rowid, words) VALUES (new.id, new.words); END",
            "INSERT INTO articles_words(articles_words) VALUES ('rebuild')",
        ):
            connection.exec_driver_sql(statement)


def _fill_words(connection: Connection) -> None:
    last = 0
    while True:
        rows = connection.execute(
            text(
                "SELECT id, title, summary, content_html, section, label, author FROM articles "
                "WHERE id > :last ORDER BY id LIMIT 1000"
            ),
            {"last": last},
        ).all()
        if not rows:
            return
        connection.execute(
            text("UPDATE articles SET words = :words WHERE id = :id"),
            [
                {
                    "id": row.id,
                    "words": joined_words(row.title, row.summary, row.content_html, row.section, row.label, row.author),
                }
                for row in rows
            ],
        )
        last = rows[-1].id


def _targets_and_images(connection: Connection) -> None:
    """Where click-trackers lead, attempts at them, and the images that came within messages."""
    postgresql = connection.dialect.name == "postgresql"
    moment, octets = ("TIMESTAMP", "BYTEA") if postgresql else ("DATETIME", "BLOB")
    for statement in (
        "ALTER TABLE issues ADD COLUMN inline_images JSON NOT NULL DEFAULT '[]'",
        "CREATE INDEX articles_tracked ON articles (id, kind) WHERE url_state = 'tracked'",
        "CREATE TABLE targets (link_sha256 TEXT NOT NULL PRIMARY KEY, url TEXT NOT NULL, minutes INTEGER, "
        f"found {moment} NOT NULL)",
        f"CREATE TABLE attempts (uid TEXT NOT NULL PRIMARY KEY, tries INTEGER NOT NULL, next_try {moment}, "
        "problem TEXT NOT NULL)",
        f"CREATE TABLE images (token TEXT NOT NULL PRIMARY KEY, media_type TEXT NOT NULL, data {octets} NOT NULL)",
    ):
        connection.exec_driver_sql(statement)


def _ways_in(connection: Connection) -> None:
    """What each way in brought and has seen, addresses, and what a person wants of a newsletter."""
    moment = "TIMESTAMP" if connection.dialect.name == "postgresql" else "DATETIME"
    for statement in (
        "ALTER TABLE newsletters ADD COLUMN own_name TEXT",
        "ALTER TABLE newsletters ADD COLUMN muted BOOLEAN NOT NULL DEFAULT FALSE",
        "ALTER TABLE newsletters ADD COLUMN whole BOOLEAN NOT NULL DEFAULT FALSE",
        "ALTER TABLE issues ADD COLUMN unsubscribe JSON NOT NULL DEFAULT '[]'",
        "ALTER TABLE issues ADD COLUMN one_click BOOLEAN NOT NULL DEFAULT FALSE",
        "ALTER TABLE messages ADD COLUMN way TEXT NOT NULL DEFAULT ''",
        "ALTER TABLE messages ADD COLUMN recipient TEXT",
        "ALTER TABLE rejections ADD COLUMN way TEXT NOT NULL DEFAULT ''",
        "CREATE TABLE intakes (way TEXT NOT NULL PRIMARY KEY, brought BIGINT NOT NULL, failed BIGINT NOT NULL, "
        f"last_brought {moment}, checked {moment}, problem TEXT, problem_since {moment}, last_failed {moment}, failure TEXT)",
        "CREATE TABLE intake_marks (way TEXT NOT NULL, mark TEXT NOT NULL, value TEXT NOT NULL, PRIMARY KEY (way, mark))",
        f"CREATE TABLE addresses (secret TEXT NOT NULL PRIMARY KEY, name TEXT NOT NULL, created {moment} NOT NULL)",
    ):
        connection.exec_driver_sql(statement)


def _fingerprints(connection: Connection) -> None:
    """A column for the fingerprints of an issue's lines."""
    connection.exec_driver_sql("ALTER TABLE issues ADD COLUMN fingerprints TEXT NOT NULL DEFAULT ''")


def _index_of_recipients(connection: Connection) -> None:
    """An index that PostgreSQL could not have: its JSON has no order."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("CREATE INDEX issues_by_recipients ON issues (recipients)")


def _newsletter_wishes(connection: Connection) -> None:
    """Columns for what a person wants of a newsletter."""
    connection.exec_driver_sql("ALTER TABLE newsletters ADD COLUMN sponsors BOOLEAN NOT NULL DEFAULT FALSE")
    connection.exec_driver_sql("ALTER TABLE newsletters ADD COLUMN resolve TEXT")


def _corrections(connection: Connection) -> None:
    """What a person mended, and what is being read again for that."""
    postgresql = connection.dialect.name == "postgresql"
    moment, number = ("TIMESTAMP", "BIGSERIAL") if postgresql else ("DATETIME", "INTEGER")
    for statement in (
        f"CREATE TABLE corrections (id {number} NOT NULL PRIMARY KEY, newsletter TEXT NOT NULL, verdict TEXT NOT NULL, "
        f"scope TEXT NOT NULL, value TEXT NOT NULL, title TEXT NOT NULL, issue TEXT NOT NULL, made {moment} NOT NULL)",
        "CREATE INDEX corrections_of_newsletter ON corrections (newsletter, id)",
        "CREATE TABLE rereadings (newsletter TEXT NOT NULL PRIMARY KEY, done INTEGER NOT NULL, total INTEGER NOT NULL, "
        f"touched {moment}, problem TEXT)",
    ):
        connection.exec_driver_sql(statement)


def _name_of_its_own(connection: Connection) -> None:
    """A column for what tells one database from another; the name itself is made by chance."""
    connection.exec_driver_sql("ALTER TABLE meta ADD COLUMN uid TEXT NOT NULL DEFAULT ''")
    connection.execute(text("UPDATE meta SET uid = :uid"), {"uid": secrets.token_hex(8)})


def _words_of_an_issue(connection: Connection) -> None:
    """No trigger that indexes the words of each new article by itself."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("DROP TRIGGER articles_words_insert")


MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "newsletters, issues, articles, messages, rejections and the revision", _first_tables),
    Migration(2, "feeds can be narrowed and searched, and opened by tokens of their own", _narrow_feeds),
    Migration(3, "where click-trackers lead is kept, and the images within messages", _targets_and_images),
    Migration(4, "status of the ways in, addresses, newsletters muted, renamed or kept whole", _ways_in),
    Migration(5, "what stands in every issue of a newsletter is learnt", _fingerprints),
    Migration(6, "the addresses that mail was sent to are found without reading all issues", _index_of_recipients),
    Migration(
        7, "a newsletter's sponsors are shown, and its trackers looked up, as a person wants it", _newsletter_wishes
    ),
    Migration(8, "what a person mended of how a newsletter is split is kept", _corrections),
    Migration(9, "documents that were made from one database are not taken for those of another", _name_of_its_own),
    Migration(10, "the words of an issue's articles are indexed at once", _words_of_an_issue),
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
        connection.execute(
            schema.meta.insert().values(id=1, schema_version=newest, revision=0, uid=secrets.token_hex(8))
        )
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
