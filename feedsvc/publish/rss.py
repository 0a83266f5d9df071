"""RSS 2.0, with the RSS Advisory Board's Best Practices Profile for what the specification leaves open."""

from __future__ import annotations

import html
import threading

from feedgen.feed import FeedGenerator

from feedsvc.errors import PublishError
from feedsvc.publish.entry import Entry
from feedsvc.publish.extension import NAME, EntryExtension, FeedExtension
from feedsvc.publish.feed import GENERATOR, GENERATOR_VERSION, Feed
from feedsvc.publish.text import clean_language, clean_time

# feedgen writes dates under setlocale(), which belongs to the whole process: one thread at a time.
_LOCALE = threading.Lock()


def rss(feed: Feed) -> bytes:
    """Return the feed as an RSS document in UTF-8; the same feed always gives the same bytes.

    Raises PublishError where it cannot be written.
    """
    writer = FeedGenerator()
    writer.register_extension(NAME, FeedExtension, EntryExtension, atom=False)
    writer.title(feed.shown_title)
    writer.description(feed.shown_subtitle)
    writer.lastBuildDate(clean_time(feed.updated))  # unset, feedgen writes the time of day
    writer.generator(f"{GENERATOR} {GENERATOR_VERSION}")
    if language := clean_language(feed.language):
        writer.language(language)
    if feed.self_url:
        writer.link(href=feed.self_url, rel="self", type="application/rss+xml")
    # The channel's link is what was given last. It is required, so a feed without a server is known by its id.
    writer.link(href=feed.site_url or feed.feed_id, rel="alternate", type="text/html")
    writer.feedsvc.paging = feed.paging
    entries = feed.published()
    for entry in entries:
        _add(writer, entry)
    try:
        with _LOCALE:
            document: bytes = writer.rss_str(pretty=True)
    except (ValueError, TypeError) as error:
        raise PublishError(f"The RSS feed {feed.shown_title!r} could not be written: {error}") from error
    return feed.released(document, entries)


def _add(writer: FeedGenerator, entry: Entry) -> None:
    item = writer.add_entry(order="append")  # feedgen prepends, unless told
    item.guid(entry.id, permalink=False)
    item.title(entry.title)
    if entry.link:
        item.link(href=entry.link, rel="alternate")
    for category in entry.categories:
        item.category(term=category.term, scheme=category.scheme, label=category.label)
    # A description is HTML by definition; readers that know content:encoded show that instead.
    if entry.summary:
        item.summary(html.escape(entry.summary, quote=False))
    item.content(entry.content_html)
    if entry.source.self_url:
        item.source(url=entry.source.self_url, title=entry.source.title)
    item.feedsvc.entry = entry
