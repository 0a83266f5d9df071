"""What is read from the store. Every function runs on a connection of the caller's."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, or_, select

from feedsvc.model import Article, LinkCount, Newsletter, Problem, StoredArticle
from feedsvc.store.rows import Counts, IssueSheet, MessageRow, NewsletterRow, RejectionRow, State
from feedsvc.store.schema import articles, issues, messages, meta, newsletters, rejections

ARTICLE_ROWS = select(
    articles,
    newsletters.c.key,
    newsletters.c.name,
    newsletters.c.slug,
    newsletters.c.address,
    newsletters.c.list_id,
    issues.c.uid.label("issue_uid"),
    issues.c.subject.label("issue_subject"),
    issues.c.language,
    issues.c.recipients,
    issues.c.inline_images,
).select_from(
    articles.join(issues, articles.c.issue_id == issues.c.id).join(
        newsletters, articles.c.newsletter_id == newsletters.c.id
    )
)

_MESSAGE_ROWS = select(
    messages, issues.c.uid.label("issue_uid"), (issues.c.source == messages.c.sha256).label("is_source")
).join(issues, messages.c.issue_id == issues.c.id)


def issue_articles(connection: Connection, issue_uid: str) -> tuple[StoredArticle, ...]:
    """The articles of this issue, of every kind, in its own order; none where there is no such issue."""
    rows = connection.execute(ARTICLE_ROWS.where(issues.c.uid == issue_uid).order_by(articles.c.position))
    return tuple(stored_article(row) for row in rows)


def get_issue(connection: Connection, uid: str) -> IssueSheet | None:
    """The issue with this id, or None."""
    row = connection.execute(
        select(
            issues,
            newsletters.c.key.label("newsletter_key"),
            newsletters.c.name,
            newsletters.c.slug,
            newsletters.c.address,
            newsletters.c.list_id,
            newsletters.c.whole,
        )
        .join(newsletters, issues.c.newsletter_id == newsletters.c.id)
        .where(issues.c.uid == uid)
    ).one_or_none()
    if row is None:
        return None
    same = select(issues.c.uid).where(issues.c.newsletter_id == row.newsletter_id).limit(1)
    before = or_(issues.c.sent < row.sent, and_(issues.c.sent == row.sent, issues.c.id < row.id))
    after = or_(issues.c.sent > row.sent, and_(issues.c.sent == row.sent, issues.c.id > row.id))
    earlier = same.where(before).order_by(issues.c.sent.desc(), issues.c.id.desc())
    later = same.where(after).order_by(issues.c.sent, issues.c.id)
    return IssueSheet(
        id=row.uid,
        key=row.key,
        newsletter=Newsletter(row.newsletter_key, row.name, row.slug, row.address, row.list_id),
        whole=row.whole,
        subject=row.subject,
        sent=row.sent,
        web_url=row.web_url,
        language=row.language,
        links=LinkCount(row.links_found, row.links_assigned),
        problems=tuple(Problem(one["code"], one["detail"], one["lost"]) for one in row.problems),
        source=get_message(connection, row.source),
        earlier=connection.execute(earlier).scalar_one_or_none(),
        later=connection.execute(later).scalar_one_or_none(),
    )


def get_article(connection: Connection, uid: str) -> StoredArticle | None:
    """The article with this entry id (`urn:uuid:…`), or None."""
    row = connection.execute(ARTICLE_ROWS.where(articles.c.uid == uid)).one_or_none()
    return None if row is None else stored_article(row)


def get_newsletter(connection: Connection, slug: str) -> Newsletter | None:
    """The newsletter with this slug, or None."""
    row = connection.execute(select(newsletters).where(newsletters.c.slug == slug)).one_or_none()
    return None if row is None else _newsletter(row)


def newsletter_names(connection: Connection, after: int | None = None) -> tuple[Newsletter, ...]:
    """Every newsletter, by name, without counts; only those with an article numbered above `after`, where it is given."""
    query = select(newsletters).order_by(func.lower(newsletters.c.name), newsletters.c.id)
    if after is not None:
        query = query.where(newsletters.c.id.in_(select(articles.c.newsletter_id).where(articles.c.id > after)))
    return tuple(_newsletter(row) for row in connection.execute(query))


def last_number(connection: Connection) -> int:
    """The highest number of an article, 0 where there is none."""
    return int(connection.execute(select(func.coalesce(func.max(articles.c.id), 0))).scalar_one())


def issue_ids(connection: Connection) -> tuple[str, ...]:
    """The ids of all issues, newest first."""
    return tuple(connection.execute(select(issues.c.uid).order_by(issues.c.sent.desc(), issues.c.id.desc())).scalars())


def all_newsletters(connection: Connection, slug: str | None = None) -> tuple[NewsletterRow, ...]:
    """Every newsletter with its counts, by name; only the one with this slug, where it is given."""
    wanted = [] if slug is None else [newsletters.c.slug == slug]
    number = select(newsletters.c.id).where(*wanted).scalar_subquery()
    of_issues = (
        select(issues.c.newsletter_id, func.count().label("issues"), func.max(issues.c.sent).label("latest"))
        .where(*([] if slug is None else [issues.c.newsletter_id == number]))
        .group_by(issues.c.newsletter_id)
        .subquery()
    )
    of_articles = (
        select(articles.c.newsletter_id, func.count().label("articles"))
        .where(*([] if slug is None else [articles.c.newsletter_id == number]))
        .group_by(articles.c.newsletter_id)
        .subquery()
    )
    rows = connection.execute(
        select(
            newsletters,
            func.coalesce(of_issues.c.issues, 0).label("issues"),
            of_issues.c.latest,
            func.coalesce(of_articles.c.articles, 0).label("articles"),
        )
        .outerjoin(of_issues, of_issues.c.newsletter_id == newsletters.c.id)
        .outerjoin(of_articles, of_articles.c.newsletter_id == newsletters.c.id)
        .where(*wanted)
        .order_by(func.lower(newsletters.c.name), newsletters.c.id)
    )
    return tuple(
        NewsletterRow(
            _newsletter(row),
            row.issues,
            row.articles,
            row.latest,
            muted=row.muted,
            whole=row.whole,
            own_name=row.own_name,
            sponsors=row.sponsors,
            resolve=row.resolve,
        )
        for row in rows
    )


def sent_since(connection: Connection, moment: datetime) -> dict[str, list[datetime]]:
    """When the issues since this moment were sent, by the slug of their newsletter."""
    found: dict[str, list[datetime]] = defaultdict(list)
    rows = connection.execute(
        select(newsletters.c.slug, issues.c.sent)
        .join(newsletters, newsletters.c.id == issues.c.newsletter_id)
        .where(issues.c.sent >= moment)
    )
    for row in rows:
        found[row.slug].append(row.sent)
    return found


def counts(connection: Connection) -> Counts:
    """How many of each the store holds."""
    tables = (newsletters, issues, articles, messages, rejections)
    row = connection.execute(select(*(select(func.count()).select_from(t).scalar_subquery() for t in tables))).one()
    return Counts(*row)


def count_rejected(connection: Connection) -> int:
    """How many messages are rejected."""
    return int(connection.execute(select(func.count()).select_from(rejections)).scalar_one())


def state(connection: Connection) -> State:
    """What is published as of now, by name."""
    row = connection.execute(select(meta.c.uid, meta.c.revision, meta.c.changed)).one()
    return State(row.uid, row.revision, row.changed)


def messages_after(
    connection: Connection, last: MessageRow | None, limit: int, newsletter: str | None, issue: str | None
) -> tuple[MessageRow, ...]:
    """The `limit` messages that follow `last`, by date; `last` is None for the first ones.

    Only those of this newsletter (its key), or of this issue (its id), where one is given.
    """
    query = _MESSAGE_ROWS
    if newsletter is not None:
        query = query.join(newsletters, issues.c.newsletter_id == newsletters.c.id)
        query = query.where(newsletters.c.key == newsletter)
    if issue is not None:
        query = query.where(issues.c.uid == issue)
    if last is not None:
        query = query.where(
            or_(
                messages.c.dated > last.dated,
                and_(messages.c.dated == last.dated, messages.c.sha256 > last.sha256),
            )
        )
    rows = connection.execute(query.order_by(messages.c.dated, messages.c.sha256).limit(limit))
    return tuple(_message(row) for row in rows)


def get_message(connection: Connection, sha256: str) -> MessageRow | None:
    """The message with these bytes, or None."""
    row = connection.execute(_MESSAGE_ROWS.where(messages.c.sha256 == sha256)).one_or_none()
    return None if row is None else _message(row)


def get_messages(connection: Connection, hashes: Sequence[str]) -> dict[str, MessageRow]:
    """The messages with these bytes, by their hash, as far as they were taken in."""
    rows = connection.execute(_MESSAGE_ROWS.where(messages.c.sha256.in_(hashes)))
    return {row.sha256: _message(row) for row in rows}


def get_rejection(connection: Connection, sha256: str) -> RejectionRow | None:
    """Why the message with these bytes was rejected, or None."""
    row = connection.execute(select(rejections).where(rejections.c.sha256 == sha256)).one_or_none()
    return None if row is None else RejectionRow(row.sha256, row.filename, row.code, row.detail, row.received, row.way)


def _message(row: Row[Any]) -> MessageRow:
    return MessageRow(
        sha256=row.sha256,
        issue_id=row.issue_uid,
        filename=row.filename,
        received=row.received,
        dated=row.dated,
        size=row.size,
        is_source=bool(row.is_source),
        way=row.way,
        recipient=row.recipient,
    )


def _newsletter(row: Row[Any]) -> Newsletter:
    return Newsletter(key=row.key, name=row.name, slug=row.slug, address=row.address, list_id=row.list_id)


def stored_article(row: Row[Any]) -> StoredArticle:
    """A row of `ARTICLE_ROWS` as an article."""
    return StoredArticle(
        article=Article(
            id=row.uid,
            kind=row.kind,
            title=row.title,
            url=row.url,
            url_state=row.url_state,
            raw_link=row.raw_link,
            summary=row.summary,
            content_html=row.content_html,
            go_links=tuple(row.go_links),
            read_minutes=row.read_minutes,
            read_source=row.read_source,
            section=row.section,
            label=row.label,
            image=row.image,
            author=row.author,
            title_repaired=row.title_repaired,
        ),
        newsletter=_newsletter(row),
        issue_id=row.issue_uid,
        issue_subject=row.issue_subject,
        published=row.published,
        updated=row.updated,
        language=row.language,
        recipients=frozenset(row.recipients),
        inline_images=tuple((content_id, token) for content_id, token in row.inline_images),
    )
