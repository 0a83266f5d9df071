"""What was found out over HTTP, and what came within messages: targets of click-trackers, attempts at them, inline images.

A target is kept by its tracker for good, apart from the articles: what is converted again, or comes again, has it at
once. The articles that carry the tracker are brought up to date when it is found, and keep their ids.
"""

from __future__ import annotations

import hashlib
import html
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, and_, delete, insert, or_, select, text, update

from feedsvc.links import canonical
from feedsvc.model import Article, InlineImage, Issue, StoredArticle
from feedsvc.store.queries import ARTICLE_ROWS, stored_article
from feedsvc.store.schema import articles, attempts, images, issues, newsletters, targets
from feedsvc.store.search import article_words

# An inline image that is larger is left out of the store; the archive has it.
MAX_IMAGE_BYTES: Final = 10_000_000

# SQLite has no word for stepping from one value of an index to the next; DISTINCT would read the whole index.
_DISTINCT_RECIPIENTS = text(
    "WITH RECURSIVE found(list) AS (SELECT min(recipients) FROM issues UNION ALL "
    "SELECT (SELECT min(recipients) FROM issues WHERE recipients > found.list) FROM found WHERE found.list IS NOT NULL) "
    "SELECT list FROM found"
)


@dataclass(frozen=True, slots=True)
class Found:
    """Where a click-tracker leads, and how long the page takes to read, where that was measured."""

    url: str
    minutes: int | None = None


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often an article's tracker was asked without success. `next_try` is None where it is not to be asked again."""

    count: int
    next_try: datetime | None
    problem: str


def link_key(link: str) -> str:
    """What a tracker is kept under: a hash of its normal form. Trackers may be longer than any index allows."""
    return hashlib.sha256((canonical(link).url or link).encode("utf-8", "surrogatepass")).hexdigest()


def known_targets(connection: Connection, links: Iterable[str]) -> dict[str, Found]:
    """What is known of these trackers, each as given."""
    keys = {link: link_key(link) for link in links}
    if not keys:
        return {}
    wanted = sorted(set(keys.values()))
    rows: dict[str, Found] = {}
    for start in range(0, len(wanted), 500):
        part = wanted[start : start + 500]
        for row in connection.execute(select(targets).where(targets.c.link_sha256.in_(part))):
            rows[row.link_sha256] = Found(row.url, row.minutes)
    return {link: rows[key] for link, key in keys.items() if key in rows}


def with_targets(issue: Issue, connection: Connection) -> Issue:
    """The issue with what is known already of its trackers."""
    links = {a.url for a in issue.articles if a.url and a.url_state == "tracked"}
    links |= {link for a in issue.articles for link in a.go_links}
    found = known_targets(connection, links)
    if not found:
        return issue
    return replace(issue, articles=tuple(_with_found(article, found) for article in issue.articles))


def _with_found(article: Article, found: Mapping[str, Found]) -> Article:
    """The article with its link and the links of its text as they were found; a declared read time stays."""
    own = found.get(article.url or "")
    if article.url_state == "tracked" and own is not None:
        article = replace(article, url=own.url, url_state="canonical")
        if own.minutes is not None and article.read_source != "declared":
            article = replace(article, read_minutes=own.minutes, read_source="measured")
    content = article.content_html
    for number, link in enumerate(article.go_links):
        if link in found:
            content = content.replace(f'href="go:{number}"', f'href="{html.escape(found[link].url)}"')
    return article if content == article.content_html else replace(article, content_html=content)


def record_target(connection: Connection, uid: str, link: str, found: Found, now: datetime) -> bool:
    """Keep where a tracker leads, and bring the articles of that article's issue up to date; whether any changed."""
    key = link_key(link)
    connection.execute(delete(targets).where(targets.c.link_sha256 == key))
    connection.execute(insert(targets).values(link_sha256=key, url=found.url, minutes=found.minutes, found=now))
    connection.execute(delete(attempts).where(attempts.c.uid == uid))
    same_issue = select(articles.c.issue_id).where(articles.c.uid == uid).scalar_subquery()
    rows = connection.execute(ARTICLE_ROWS.where(articles.c.issue_id == same_issue)).all()
    changed = False
    for row in rows:
        before = stored_article(row).article
        links = {before.url or "", *before.go_links}
        after = _with_found(before, {each: found for each in links if each and link_key(each) == key})
        if after == before:
            continue
        values = {
            "url": after.url,
            "url_state": after.url_state,
            "content_html": after.content_html,
            "read_minutes": after.read_minutes,
            "read_source": after.read_source,
            "updated": now,
            "words": article_words(after),
        }
        connection.execute(update(articles).where(articles.c.uid == before.id).values(**values))
        changed = True
    return changed


def record_attempt(connection: Connection, uid: str, attempt: Attempts) -> None:
    """Remember that an article's tracker could not be asked."""
    connection.execute(delete(attempts).where(attempts.c.uid == uid))
    connection.execute(
        insert(attempts).values(uid=uid, tries=attempt.count, next_try=attempt.next_try, problem=attempt.problem)
    )


def get_attempts(connection: Connection, uid: str) -> Attempts | None:
    """What attempts there were at an article's tracker, None where there were none."""
    row = connection.execute(select(attempts).where(attempts.c.uid == uid)).one_or_none()
    return None if row is None else Attempts(row.tries, row.next_try, row.problem)


def due_articles(
    connection: Connection, now: datetime, limit: int, *, only: frozenset[str] | None, without: frozenset[str]
) -> tuple[StoredArticle, ...]:
    """The articles, newest first, whose tracker is to be asked now; of the newsletters `only` (slugs), or `without` these.

    Articles alone: to ask a sponsor's link is to click an advertisement, and a mail that is no newsletter may ask for
    a confirmation.
    """
    due = or_(attempts.c.uid.is_(None), and_(attempts.c.next_try.is_not(None), attempts.c.next_try <= now))
    query = (
        select(articles.c.id)
        .select_from(
            articles.outerjoin(attempts, attempts.c.uid == articles.c.uid).join(
                newsletters, newsletters.c.id == articles.c.newsletter_id
            )
        )
        .where(articles.c.url_state == "tracked", articles.c.kind == "article", due)
    )
    if only is not None:
        query = query.where(newsletters.c.slug.in_(sorted(only)))
    if without:
        query = query.where(newsletters.c.slug.not_in(sorted(without)))
    wanted = query.order_by(articles.c.id.desc()).limit(limit).subquery()
    rows = connection.execute(ARTICLE_ROWS.where(articles.c.id.in_(select(wanted.c.id))).order_by(articles.c.id.desc()))
    return tuple(stored_article(row) for row in rows)


def image_token(data: bytes) -> str:
    """The name under which an inline image is served: from its content, so that each is kept once and cannot be guessed."""
    return hashlib.sha256(b"feedsvc inline image\n" + data).hexdigest()[:40]


def keep_images(connection: Connection, issue: Issue) -> list[list[str]]:
    """Keep the inline images that an issue's articles show; their content ids and tokens."""
    kept: list[list[str]] = []
    shown = "\n".join([a.content_html + (a.image or "") for a in issue.articles])
    for image in issue.inline_images:
        if not _is_shown(image, shown) or len(image.data) > MAX_IMAGE_BYTES:
            continue
        token = image_token(image.data)
        if connection.execute(select(images.c.token).where(images.c.token == token)).one_or_none() is None:
            connection.execute(insert(images).values(token=token, media_type=image.media_type, data=image.data))
        kept.append([image.content_id, token])
    return kept


def _is_shown(image: InlineImage, shown: str) -> bool:
    return bool(image.content_id) and (
        f"cid:{image.content_id}" in shown or f"cid:{html.escape(image.content_id)}" in shown
    )


def get_image(connection: Connection, token: str) -> bytes | None:
    """The inline image with this token, or None."""
    return connection.execute(select(images.c.data).where(images.c.token == token)).scalar_one_or_none()


def recipient_addresses(connection: Connection) -> frozenset[str]:
    """The addresses that any message was sent to."""
    if connection.dialect.name == "sqlite":
        lists = [json.loads(row) for row in connection.execute(_DISTINCT_RECIPIENTS).scalars() if row is not None]
    else:
        lists = list(connection.execute(select(issues.c.recipients)).scalars())
    return frozenset(each for one in lists for each in one if "@" in each)
