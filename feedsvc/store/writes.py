"""What changes the store. Every function runs within a transaction of the caller's.

One message makes one issue. Copies of a message differ in their bytes (line ends, Received headers) and share the
message's key: the issue is made from one of them, its source, and another copy changes nothing unless it yields more
articles, as after a copy that was cut short. Some senders give each of their mails the same Message-ID. Such a mail
is an issue of its own: see `_is_another_mail`.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, func, insert, or_, select, text, update

from feedsvc.model import ENTRY_NAMESPACE, Article, Issue, Newsletter, entry_id
from feedsvc.store.rows import AddResult
from feedsvc.store.schema import INDEX_NEW_WORDS, articles, issues, messages, meta, newsletters, rejections
from feedsvc.store.search import article_words
from feedsvc.store.targets import keep_images, with_targets

# What of an issue changes nothing that is published.
_PRIVATE_VALUES = frozenset(
    {"links_found", "links_assigned", "problems", "recipients", "unsubscribe", "one_click", "fingerprints"}
)


# What every message needs is built once: putting a statement together costs SQLAlchemy more than the database takes for it.
_FORGET_REJECTION = delete(rejections).where(rejections.c.sha256 == bindparam("rejected"))
_ISSUE_OF_MESSAGE = (
    select(issues).join(messages, messages.c.issue_id == issues.c.id).where(messages.c.sha256 == bindparam("message"))
)
_ISSUE_BY_KEY = select(issues).where(issues.c.key == bindparam("issue_key"))
_NEWSLETTER_BY_KEY = select(newsletters).where(newsletters.c.key == bindparam("newsletter_key"))
_INSERT_ISSUE = insert(issues).returning(issues.c.id)
_INSERT_ARTICLES = insert(articles)
_INSERT_MESSAGE = insert(messages)
_INDEX_NEW_WORDS = text(INDEX_NEW_WORDS)


@dataclass(frozen=True, slots=True)
class Receipt:
    """How a message came in. `size` is in bytes."""

    sha256: str
    received: datetime
    size: int
    filename: str | None
    way: str = ""
    recipient: str | None = None


def add_issue(connection: Connection, issue: Issue, receipt: Receipt, now: datetime) -> AddResult:
    """Store an issue and the message that it was made from; `now` is `updated` of entries whose content changed."""
    connection.execute(_FORGET_REJECTION, {"rejected": receipt.sha256})
    issue = with_targets(issue, connection)
    known = _issue_of_message(connection, receipt.sha256)
    if known is not None:
        if known.source != receipt.sha256:
            return AddResult("duplicate", known.uid, _count_articles(connection, known.id))
        return _update(connection, known, _under_stored_key(issue, known.key, receipt.sha256), now)
    known = _issue_by_key(connection, issue.key)
    if known is not None and _is_another_mail(connection, known, issue):
        issue = _under_stored_key(issue, _own_key(issue.key, receipt.sha256), receipt.sha256)
        known = None
    if known is None:
        issue_id, result = _insert(connection, issue, receipt.sha256)
        _add_message(connection, issue_id, issue.sent, receipt)
        return result
    if len(issue.articles) > _count_articles(connection, known.id):
        connection.execute(update(issues).where(issues.c.id == known.id).values(source=receipt.sha256))
        result = _update(connection, known, issue, now)
    else:
        result = AddResult("duplicate", known.uid, _count_articles(connection, known.id))
    _add_message(connection, known.id, issue.sent, receipt)
    return result


def record_rejection(connection: Connection, receipt: Receipt, code: str, detail: str) -> None:
    """Remember why a message was refused; one that was refused before gets the new reason."""
    connection.execute(delete(rejections).where(rejections.c.sha256 == receipt.sha256))
    connection.execute(
        insert(rejections).values(
            sha256=receipt.sha256,
            filename=receipt.filename,
            code=code,
            detail=detail,
            received=receipt.received,
            way=receipt.way,
        )
    )


def grow_revision(connection: Connection) -> None:
    """Say that what is published has changed; the last statement of its transaction, for it notes the time.

    The time never goes back, whatever the clock does. Several revisions may share a second: what follows from that for
    Last-Modified is seen to where that is told (`web.documents`).
    """
    before = connection.execute(select(meta.c.changed).with_for_update()).scalar_one()
    now = datetime.now(UTC).replace(microsecond=0)
    if before is not None:
        now = max(now, before)
    connection.execute(update(meta).values(revision=meta.c.revision + 1, changed=now))


def issue_uid(key: str) -> str:
    """The name of an issue's page, from its key: the same after the database was rebuilt from the archive."""
    return str(uuid.uuid5(ENTRY_NAMESPACE, key))


def _insert(connection: Connection, issue: Issue, sha256: str) -> tuple[int, AddResult]:
    """Store a new issue; its number within this database, and what is told of it."""
    newsletter_id, _ = _put_newsletter(connection, issue.newsletter, issue.sent)
    uid = issue_uid(issue.key)
    values = _issue_values(issue) | {
        "uid": uid,
        "source": sha256,
        "newsletter_id": newsletter_id,
        "inline_images": keep_images(connection, issue),
    }
    issue_id = connection.execute(_INSERT_ISSUE, values).scalar_one()
    rows = [
        _article_values(article)
        | {
            "issue_id": issue_id,
            "newsletter_id": newsletter_id,
            "position": position,
            "published": issue.sent,
            "updated": issue.sent,
            "words": article_words(article),
        }
        for position, article in enumerate(issue.articles)
    ]
    connection.execute(_INSERT_ARTICLES, rows)
    _index_new_words(connection, issue_id)
    return issue_id, AddResult("new", uid, len(rows))


def _update(connection: Connection, known: Row[Any], issue: Issue, now: datetime) -> AddResult:
    """Make the stored issue what `issue` says: ids stay, and only an entry whose content changed is `updated`."""
    newsletter_id, changed = _put_newsletter(connection, issue.newsletter, issue.sent)
    values = _issue_values(issue) | {"newsletter_id": newsletter_id, "inline_images": keep_images(connection, issue)}
    if stale := _differing(known, values):
        connection.execute(update(issues).where(issues.c.id == known.id).values(**stale))
        changed = changed or bool(stale.keys() - _PRIVATE_VALUES)
    stored = {row.uid: row for row in connection.execute(select(articles).where(articles.c.issue_id == known.id)).all()}
    for position, article in enumerate(issue.articles):
        place = {
            "newsletter_id": newsletter_id,
            "position": position,
            "published": issue.sent,
            "words": article_words(article),
        }
        row = stored.pop(article.id, None)
        content = _article_values(article)
        if row is None:
            connection.execute(insert(articles).values(issue_id=known.id, updated=now, **place, **content))
            changed = True
            continue
        content = _differing(row, content)
        stale = _differing(row, place) | content | ({"updated": now} if content else {})
        if stale:
            connection.execute(update(articles).where(articles.c.id == row.id).values(**stale))
            changed = True
    if stored:
        connection.execute(delete(articles).where(articles.c.id.in_([row.id for row in stored.values()])))
        changed = True
    _index_new_words(connection, known.id)
    if newsletter_id != known.newsletter_id:
        _forget_if_empty(connection, known.newsletter_id)
    return AddResult("updated" if changed else "duplicate", known.uid, len(issue.articles))


def _index_new_words(connection: Connection, issue_id: int) -> None:
    """Have the search find the articles that were added to an issue."""
    if connection.dialect.name == "sqlite":  # elsewhere the words themselves are searched
        connection.execute(_INDEX_NEW_WORDS, {"issue": issue_id})


def _differing(row: Row[Any], values: Mapping[str, Any]) -> dict[str, Any]:
    stored = row._mapping
    return {name: value for name, value in values.items() if stored[name] != value}


def _put_newsletter(connection: Connection, newsletter: Newsletter, sent: datetime) -> tuple[int, bool]:
    """The newsletter's row, and whether it changed: its newest issue names it, its slug stays as first given."""
    row = connection.execute(_NEWSLETTER_BY_KEY, {"newsletter_key": newsletter.key}).one_or_none()
    values = {"name": newsletter.name, "address": newsletter.address, "list_id": newsletter.list_id}
    if row is None:
        slug = _free_slug(connection, newsletter.slug)
        statement = insert(newsletters).values(key=newsletter.key, slug=slug, **values).returning(newsletters.c.id)
        return int(connection.execute(statement).scalar_one()), True
    if row.own_name is not None:  # a person gave it the name that it has
        values["own_name"] = values.pop("name") or ""
    stale = _differing(row, values)
    if not stale:
        return int(row.id), False
    newest = connection.execute(select(func.max(issues.c.sent)).where(issues.c.newsletter_id == row.id)).scalar()
    if newest is not None and newest > sent:
        return int(row.id), False
    connection.execute(update(newsletters).where(newsletters.c.id == row.id).values(**stale))
    return int(row.id), True


def _forget_if_empty(connection: Connection, newsletter_id: int) -> None:
    used = select(issues.c.id).where(issues.c.newsletter_id == newsletter_id).exists()
    connection.execute(delete(newsletters).where(newsletters.c.id == newsletter_id, ~used))


def _free_slug(connection: Connection, wanted: str) -> str:
    wanted = wanted or "newsletter"
    taken = set(
        connection.execute(
            select(newsletters.c.slug).where(
                or_(newsletters.c.slug == wanted, newsletters.c.slug.startswith(f"{wanted}-", autoescape=True))
            )
        ).scalars()
    )
    number, slug = 1, wanted
    while slug in taken:
        number += 1
        slug = f"{wanted}-{number}"
    return slug


def _is_another_mail(connection: Connection, known: Row[Any], issue: Issue) -> bool:
    """Whether a message with a known issue's key is no copy of it.

    It has another sender, subject or date then, and mostly other articles.
    """
    newsletter_key = connection.execute(
        select(newsletters.c.key).where(newsletters.c.id == known.newsletter_id)
    ).scalar_one()
    if (newsletter_key, known.subject, known.sent) == (issue.newsletter.key, issue.subject, issue.sent):
        return False
    stored = set(connection.execute(select(articles.c.uid).where(articles.c.issue_id == known.id)).scalars())
    given = {article.id for article in issue.articles}
    return 2 * len(stored & given) < min(len(stored), len(given))


def _own_key(key: str, sha256: str) -> str:
    return f"{key}#{sha256}"


def _under_stored_key(issue: Issue, key: str, sha256: str) -> Issue:
    """The issue under the key that the store has for it, where that is not its message's.

    A mail whose Message-ID another mail has too gets entry ids of its own. A key that only newer code reads otherwise
    changes no id.
    """
    if key == issue.key:
        return issue
    if not key.endswith(_own_key("", sha256)):
        return replace(issue, key=key)
    own = tuple(replace(article, id=entry_id(f"sha256:{sha256}", article.id)) for article in issue.articles)
    return replace(issue, key=key, articles=own)


def _issue_of_message(connection: Connection, sha256: str) -> Row[Any] | None:
    return connection.execute(_ISSUE_OF_MESSAGE, {"message": sha256}).one_or_none()


def _issue_by_key(connection: Connection, key: str) -> Row[Any] | None:
    return connection.execute(_ISSUE_BY_KEY, {"issue_key": key}).one_or_none()


def _count_articles(connection: Connection, issue_id: int) -> int:
    return int(
        connection.execute(
            select(func.count()).select_from(articles).where(articles.c.issue_id == issue_id)
        ).scalar_one()
    )


def _add_message(connection: Connection, issue_id: int, dated: datetime, receipt: Receipt) -> None:
    values = {
        "sha256": receipt.sha256,
        "issue_id": issue_id,
        "filename": receipt.filename,
        "received": receipt.received,
        "size": receipt.size,
        "dated": dated,
        "way": receipt.way,
        "recipient": receipt.recipient,
    }
    connection.execute(_INSERT_MESSAGE, values)


def _issue_values(issue: Issue) -> dict[str, Any]:
    return {
        "key": issue.key,
        "subject": issue.subject,
        "sent": issue.sent,
        "message_id": issue.message_id,
        "web_url": issue.web_url,
        "language": issue.language,
        "links_found": issue.links.found,
        "links_assigned": issue.links.assigned,
        "problems": [{"code": p.code, "detail": p.detail, "lost": p.lost} for p in issue.problems],
        "recipients": sorted(issue.recipients),
        "unsubscribe": list(issue.unsubscribe),
        "one_click": issue.one_click,
        "fingerprints": " ".join(sorted(issue.fingerprints)),
    }


def _article_values(article: Article) -> dict[str, Any]:
    return {
        "uid": article.id,
        "kind": article.kind,
        "title": article.title,
        "url": article.url,
        "url_state": article.url_state,
        "raw_link": article.raw_link,
        "summary": article.summary,
        "content_html": article.content_html,
        "go_links": list(article.go_links),
        "read_minutes": article.read_minutes,
        "read_source": article.read_source,
        "section": article.section,
        "label": article.label,
        "image": article.image,
        "author": article.author,
        "title_repaired": article.title_repaired,
    }
