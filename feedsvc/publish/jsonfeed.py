"""JSON Feed 1.1 (jsonfeed.org/version/1.1). What it has no name for stands in each item's `_feedsvc` object."""

from __future__ import annotations

import json

from feedsvc.publish.entry import Entry
from feedsvc.publish.feed import Feed
from feedsvc.publish.text import clean_language, rfc3339


def json_feed(feed: Feed) -> bytes:
    """Return the feed as a JSON Feed document in UTF-8; the same feed always gives the same bytes.

    Raises PublishError where it tells who its reader is and cannot be mended.
    """
    document = _without_nothing(
        {
            "version": "https://jsonfeed.org/version/1.1",
            "title": feed.shown_title,
            "description": feed.shown_subtitle,
            "home_page_url": feed.site_url,
            "feed_url": feed.self_url,
            "language": clean_language(feed.language),
            "authors": [{"name": feed.shown_title}],
            "next_url": feed.paging.older,
            "hubs": [{"type": "WebSub", "url": feed.paging.hub}] if feed.paging.hub else None,
        }
    )
    entries = feed.published()
    document["items"] = [_item(entry) for entry in entries]
    return feed.released(json.dumps(document, ensure_ascii=False, indent=1).encode(), entries)


def _item(entry: Entry) -> dict[str, object]:
    return _without_nothing(
        {
            "id": entry.id,
            "url": entry.link,
            "title": entry.title,
            "summary": entry.summary,
            "content_html": entry.content_html,
            "image": entry.thumbnail,
            "date_published": rfc3339(entry.published),
            "date_modified": rfc3339(entry.updated),
            "authors": [{"name": entry.author}],
            "tags": list(dict.fromkeys(category.label for category in entry.categories)),
            "language": entry.language,
            "attachments": [{"url": entry.enclosure.url, "mime_type": entry.enclosure.media_type}]
            if entry.enclosure
            else None,
            "_feedsvc": {
                "kind": entry.kind,
                "read_minutes": entry.read_minutes,
                "read_source": entry.read_source,
                "section": entry.section,
                "label": entry.label,
                "site": entry.site,
                "issue_url": entry.via,
                "newsletter_feed": entry.source.self_url,
            },
        }
    )


def _without_nothing(fields: dict[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value not in (None, "")}
