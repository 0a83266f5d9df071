"""The tables as they are today; `migrations` brings older databases here.

    newsletters ◀── issues ◀── articles
                      ▲
                   messages        every message that was taken in, by the SHA-256 of its bytes
    rejections                     every message that was not, and why
    tokens                         what opens one feed each, hashed
    intakes, intake_marks          each way in: what it brought and what failed; what it has seen
    addresses                      where mail may be sent to, by SMTP
    targets                        where click-trackers lead, as found out over HTTP
    attempts                       articles whose trackers could not be asked
    images                         what messages carry themselves, by its content
    corrections                    what a person mended of how a newsletter is split
    rereadings                     newsletters whose past issues are being read again
    meta                           one row: schema version, revision, a name of its own

What is looked up often is kept beside the article (its newsletter, its date), so that "the newest hundred" is one
walk along an index. Columns that are asked for by nobody but Python (problems, recipients, go links) are JSON.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    DDL,
    JSON,
    BigInteger,
    Boolean,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
    event,
    false,
    text,
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept as UTC without a zone: neither SQLite nor a text dump would keep one."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuses naive datetimes: whose clock they mean cannot be known any more once they are stored."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a datetime without a zone cannot be stored: {value.isoformat()}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """What was stored is UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


# SQLite numbers rows by itself only where the type is spelt INTEGER.
_RowNumber = BigInteger().with_variant(Integer, "sqlite")

metadata = MetaData()

newsletters = Table(
    "newsletters",
    metadata,
    Column("id", _RowNumber, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    Column("slug", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("address", Text),
    Column("list_id", Text),
    Column("own_name", Text),  # what its mails say, where a person gave it another name
    Column("muted", Boolean, nullable=False, server_default=false()),
    Column("whole", Boolean, nullable=False, server_default=false()),  # each issue is one entry
    Column("sponsors", Boolean, nullable=False, server_default=false()),  # shown like articles
    Column("resolve", Text),  # how its trackers are looked up; NULL is as the settings say
)

issues = Table(
    "issues",
    metadata,
    Column("id", _RowNumber, primary_key=True),
    Column("uid", Text, nullable=False, unique=True),  # names the issue's page; made from its key
    Column("key", Text, nullable=False, unique=True),  # the message's key
    Column("newsletter_id", ForeignKey("newsletters.id"), nullable=False),
    Column("source", Text, nullable=False),  # SHA-256 of the message that the articles were made from
    Column("subject", Text, nullable=False),
    Column("sent", UtcDateTime, nullable=False),
    Column("message_id", Text),
    Column("web_url", Text),
    Column("language", Text, nullable=False),
    Column("links_found", Integer, nullable=False),
    Column("links_assigned", Integer, nullable=False),
    Column("problems", JSON, nullable=False),
    Column("recipients", JSON, nullable=False),
    Column("unsubscribe", JSON, nullable=False, server_default="[]"),  # private: never published
    Column("one_click", Boolean, nullable=False, server_default=false()),  # RFC 8058 holds for them
    Column("inline_images", JSON, nullable=False, server_default="[]"),  # content ids and tokens of `images`
    Column("fingerprints", Text, nullable=False, server_default=""),  # of its lines, parted by spaces
)
Index("issues_of_newsletter", issues.c.newsletter_id, issues.c.sent.desc())

articles = Table(
    "articles",
    metadata,
    Column("id", _RowNumber, primary_key=True),
    Column("uid", Text, nullable=False, unique=True),  # the entry's id, a urn:uuid:
    Column("issue_id", ForeignKey("issues.id"), nullable=False),
    Column("newsletter_id", ForeignKey("newsletters.id"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("published", UtcDateTime, nullable=False),
    Column("updated", UtcDateTime, nullable=False),
    Column("kind", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("url", Text),
    Column("url_state", Text),
    Column("raw_link", Text),
    Column("summary", Text, nullable=False),
    Column("content_html", Text, nullable=False),
    Column("go_links", JSON, nullable=False),
    Column("read_minutes", Integer),
    Column("read_source", Text),
    Column("section", Text),
    Column("label", Text),
    Column("image", Text),
    Column("author", Text),
    Column("title_repaired", Boolean, nullable=False),
    Column("words", Text, nullable=False, server_default=""),  # what a search looks through; see `search`
)
Index("articles_of_issue", articles.c.issue_id)
# One walk for each kind: a feed that leaves out nine kinds of ten must not read past the nine.
NEWEST_FIRST = (articles.c.published.desc(), articles.c.issue_id.desc(), articles.c.position)
Index("articles_newest", articles.c.kind, *NEWEST_FIRST)
Index("articles_newest_of_newsletter", articles.c.newsletter_id, articles.c.kind, *NEWEST_FIRST)
# Narrower feeds; few articles have a label, and not all a section.
for _column in (articles.c.section, articles.c.label):
    _there = text(f"{_column.name} IS NOT NULL")
    Index(
        f"articles_newest_of_{_column.name}",
        _column,
        articles.c.kind,
        *NEWEST_FIRST,
        sqlite_where=_there,
        postgresql_where=_there,
    )
# Who else has this link, and who had it first: by number, which is the order in which articles came in.
_CANONICAL = text("url_state = 'canonical'")
Index(
    "articles_by_link",
    articles.c.url,
    articles.c.id,
    articles.c.newsletter_id,
    articles.c.kind,
    sqlite_where=_CANONICAL,
    postgresql_where=_CANONICAL,
)
# What is still to be resolved.
_TRACKED = text("url_state = 'tracked'")
Index("articles_tracked", articles.c.id, articles.c.kind, sqlite_where=_TRACKED, postgresql_where=_TRACKED)
# The archive of a newsletter's feed goes by number.
Index("articles_of_newsletter", articles.c.newsletter_id, articles.c.id)
Index("issues_newest", issues.c.sent.desc(), issues.c.id.desc())
# To whom all mail went is asked for each document: few answers, found along this index without reading the issues.
RECIPIENTS_INDEX = "CREATE INDEX issues_by_recipients ON issues (recipients)"
event.listen(issues, "after_create", DDL(RECIPIENTS_INDEX).execute_if(dialect="sqlite"))  # type: ignore[no-untyped-call]

# SQLite's full-text index over `articles.words`. It holds no text of its own. The words are reduced already: nothing is
# left for the tokenizer to do but to cut at spaces. Triggers keep it, but for what is new: FTS5 writes to the disk what it
# holds in memory before each row that a trigger adds, and takes half as long for the articles of an issue together.
# Whoever inserts articles has them indexed (`INDEX_NEW_WORDS`); what is indexed already is left alone.
FULL_TEXT = (
    """CREATE VIRTUAL TABLE articles_words USING fts5(
        words, content='articles', content_rowid='id', tokenize='unicode61 remove_diacritics 0')""",
    """CREATE TRIGGER articles_words_delete AFTER DELETE ON articles BEGIN
        INSERT INTO articles_words(articles_words, rowid, words) VALUES ('delete', old.id, old.words); END""",
    """CREATE TRIGGER articles_words_update AFTER UPDATE OF words ON articles BEGIN
        INSERT INTO articles_words(articles_words, rowid, words) VALUES ('delete', old.id, old.words);
        INSERT INTO articles_words(rowid, words) VALUES (new.id, new.words); END""",
)
INDEX_NEW_WORDS = """INSERT INTO articles_words(rowid, words)
    SELECT id, words FROM articles AS new WHERE issue_id = :issue
    AND NOT EXISTS (SELECT 1 FROM articles_words_docsize AS indexed WHERE indexed.id = new.id)"""
for _statement in FULL_TEXT:
    _ddl = DDL(_statement)  # type: ignore[no-untyped-call]
    event.listen(articles, "after_create", _ddl.execute_if(dialect="sqlite"))

messages = Table(
    "messages",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("issue_id", ForeignKey("issues.id"), nullable=False),
    Column("filename", Text),
    Column("received", UtcDateTime, nullable=False),
    Column("size", BigInteger, nullable=False),
    Column("dated", UtcDateTime, nullable=False),  # names its folder in the archive
    Column("way", Text, nullable=False, server_default=""),  # by which it came in
    Column("recipient", Text),  # whom its envelope named, where it came by SMTP
)
Index("messages_by_date", messages.c.dated, messages.c.sha256)
Index("messages_of_issue", messages.c.issue_id)

rejections = Table(
    "rejections",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("filename", Text),
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("received", UtcDateTime, nullable=False),
    Column("way", Text, nullable=False, server_default=""),
)

intakes = Table(
    "intakes",
    metadata,
    Column("way", Text, primary_key=True),
    Column("brought", BigInteger, nullable=False),  # messages that were taken in, copies too
    Column("failed", BigInteger, nullable=False),  # messages that were rejected
    Column("last_brought", UtcDateTime),
    Column("checked", UtcDateTime),  # when it last looked where it takes mail from, and could
    Column("problem", Text),  # why the last look failed; NULL once one went well
    Column("problem_since", UtcDateTime),
    Column("last_failed", UtcDateTime),
    Column("failure", Text),  # why the last rejected message was
)

intake_marks = Table(
    "intake_marks",
    metadata,
    Column("way", Text, primary_key=True),
    Column("mark", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

addresses = Table(
    "addresses",
    metadata,
    Column("secret", Text, primary_key=True),  # the local part
    Column("name", Text, nullable=False),
    Column("created", UtcDateTime, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Text, primary_key=True),  # what `feedsvc tokens list` shows; nothing can be opened with it
    Column("secret_sha256", Text, nullable=False),
    Column("feed", Text, nullable=False),  # the path, and the query in its normal form, of the one feed that it opens
    Column("name", Text, nullable=False),
    Column("created", UtcDateTime, nullable=False),
)

targets = Table(
    "targets",
    metadata,
    Column("link_sha256", Text, primary_key=True),  # of the click-tracker
    Column("url", Text, nullable=False),  # where it leads, canonical
    Column("minutes", Integer),  # to read the page, where that was measured
    Column("found", UtcDateTime, nullable=False),
)

attempts = Table(
    "attempts",
    metadata,
    Column("uid", Text, primary_key=True),  # of the article whose tracker did not tell
    Column("tries", Integer, nullable=False),
    Column("next_try", UtcDateTime),
    Column("problem", Text, nullable=False),
)

images = Table(
    "images",
    metadata,
    Column("token", Text, primary_key=True),  # made from the content: the same image is kept once
    Column("media_type", Text, nullable=False),  # as the message has it
    Column("data", LargeBinary, nullable=False),
)

# By the newsletter's key, not its row: what a person mended stays, whatever becomes of the mails.
corrections = Table(
    "corrections",
    metadata,
    Column("id", _RowNumber, primary_key=True),
    Column("newsletter", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("value", Text, nullable=False),
    Column("title", Text, nullable=False),  # of the item that it was made from, and the issue that holds it
    Column("issue", Text, nullable=False),
    Column("made", UtcDateTime, nullable=False),
)
Index("corrections_of_newsletter", corrections.c.newsletter, corrections.c.id)

rereadings = Table(
    "rereadings",
    metadata,
    Column("newsletter", Text, primary_key=True),
    Column("done", Integer, nullable=False),
    Column("total", Integer, nullable=False),
    Column("touched", UtcDateTime),  # when somebody was last at it; NULL while nobody was
    Column("problem", Text),  # why it could not go on
)

meta = Table(
    "meta",
    metadata,
    Column("id", Integer, primary_key=True),  # always 1
    Column("schema_version", Integer, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("changed", UtcDateTime),  # when the revision last grew
    Column("uid", Text, nullable=False, server_default=""),  # tells this database from any other
)
