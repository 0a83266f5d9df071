"""An issue as one line of JSON: what scoring, golden files and bug reports share."""

from __future__ import annotations

import json
from typing import Any

from feedsvc.errors import FeedsvcError
from feedsvc.model import Article, Issue


def issue_record(issue: Issue) -> dict[str, Any]:
    """The issue as JSON types, with the keys that `feedsvc convert --format articles` promises, in their order."""
    return {
        "newsletter": {
            "name": issue.newsletter.name,
            "slug": issue.newsletter.slug,
            "address": issue.newsletter.address,
            "list_id": issue.newsletter.list_id,
        },
        "subject": issue.subject,
        "sent": issue.sent.isoformat(),
        "message_id": issue.message_id,
        "web_url": issue.web_url,
        "articles": [_article_record(article) for article in issue.articles],
        "links": {"found": issue.links.found, "assigned": issue.links.assigned},
        "problems": [{"code": odd.code, "detail": odd.detail, "lost": odd.lost} for odd in issue.problems],
    }


def error_record(error: FeedsvcError) -> dict[str, Any]:
    """What stands in the place of an issue where a message cannot become one."""
    return {"error": {"code": error.code, "detail": error.detail}}


def json_line(record: dict[str, Any]) -> bytes:
    """A record as UTF-8 on one line, its end included; letters stand as themselves."""
    return json.dumps(record, ensure_ascii=False).encode("utf-8") + b"\n"


def _article_record(article: Article) -> dict[str, Any]:
    return {
        "id": article.id,
        "kind": article.kind,
        "title": article.title,
        "url": article.url,
        "url_state": article.url_state,
        "summary": article.summary,
        "read_minutes": article.read_minutes,
        "read_source": article.read_source,
        "section": article.section,
        "label": article.label,
        "image": article.image,
    }
