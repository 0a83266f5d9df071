"""Stored articles as the bytes of a feed: Atom, RSS and JSON Feed. The only user of feedgen."""

from feedsvc.publish.atom import atom
from feedsvc.publish.content import without_images
from feedsvc.publish.entry import (
    FEED_KINDS,
    Entry,
    entry_uuid,
    feed_id,
    newsletter_feed_id,
    newsletter_path,
    publish_entry,
    published_line,
    read_time,
)
from feedsvc.publish.feed import Feed, entries_of, feed_of
from feedsvc.publish.gate import redirect_target
from feedsvc.publish.jsonfeed import json_feed
from feedsvc.publish.opml import Subscription, opml
from feedsvc.publish.paging import Paging
from feedsvc.publish.rss import rss

__all__ = [
    "FEED_KINDS",
    "Entry",
    "Feed",
    "Paging",
    "Subscription",
    "atom",
    "entries_of",
    "entry_uuid",
    "feed_id",
    "feed_of",
    "json_feed",
    "newsletter_feed_id",
    "newsletter_path",
    "opml",
    "publish_entry",
    "published_line",
    "read_time",
    "redirect_target",
    "rss",
    "without_images",
]
