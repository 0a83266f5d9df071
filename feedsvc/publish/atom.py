"""Atom 1.0 (RFC 4287)."""

from __future__ import annotations

from feedgen.feed import FeedGenerator

from feedsvc.errors import PublishError
from feedsvc.publish.entry import Entry
from feedsvc.publish.extension import NAME, EntryExtension, FeedExtension
from feedsvc.publish.feed import GENERATOR, GENERATOR_VERSION, Feed
from feedsvc.publish.text import clean_language, clean_time


def atom(feed: Feed) -> bytes:
    """Return the feed as an Atom document in UTF-8; the same feed always gives the same bytes.

    Raises PublishError where it cannot be written.
    """
    writer = FeedGenerator()
    writer.register_extension(NAME, FeedExtension, EntryExtension, rss=False)
    writer.id(feed.feed_id)
    writer.title(feed.shown_title)
    writer.subtitle(feed.shown_subtitle)
    writer.updated(clean_time(feed.updated))  # unset, feedgen writes the time of day
    writer.author(name=feed.shown_title)
    writer.generator(GENERATOR, version=GENERATOR_VERSION)
    if language := clean_language(feed.language):
        writer.language(language)
    if feed.site_url:
        writer.link(href=feed.site_url, rel="alternate", type="text/html")
    if feed.self_url:
        writer.link(href=feed.self_url, rel="self", type="application/atom+xml")
    writer.feedsvc.paging = feed.paging
    entries = feed.published()
    for entry in entries:
        _add(writer, entry)
    try:
        document: bytes = writer.atom_str(pretty=True)
    except (ValueError, TypeError) as error:
        raise PublishError(f"The Atom feed {feed.shown_title!r} could not be written: {error}") from error
    return feed.released(document, entries)


def _add(writer: FeedGenerator, entry: Entry) -> None:
    item = writer.add_entry(order="append")  # feedgen prepends, unless told
    item.id(entry.id)
    item.title(entry.title)
    item.published(entry.published)
    item.updated(entry.updated)
    item.author(name=entry.author)
    for category in entry.categories:
        item.category(term=category.term, scheme=category.scheme, label=category.label)
    if entry.summary:
        item.summary(entry.summary, type="text")
    item.content(entry.content_html, type="html")
    item.feedsvc.entry = entry
