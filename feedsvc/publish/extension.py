"""What feedgen 1.0 leaves out of a feed and its entries, added by its own extension mechanism.

feedgen keeps only `href` of an entry's links, knows no more of a source than title and link, writes no `xml:lang` on
an entry, no author in RSS that is not an e-mail address, and of a feed's own links in RSS only `self`. It has nothing
for read times: they stand in an element of our own.
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import Final

from lxml import etree

from feedsvc.publish.entry import Entry
from feedsvc.publish.paging import Paging
from feedsvc.publish.text import rfc3339

NAME: Final = "feedsvc"
_MEDIA = "http://search.yahoo.com/mrss/"
_DC = "http://purl.org/dc/elements/1.1/"
_ATOM = "http://www.w3.org/2005/Atom"
_HISTORY = "http://purl.org/syndication/history/1.0"
_OWN = "urn:x-feedsvc:ns"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class FeedExtension:
    """Declares the namespaces, and adds what stands beside the feed; `paging` is set after feedgen has made it."""

    paging: Paging

    def extend_ns(self) -> dict[str, str]:
        """Return the prefixes that the document declares."""
        return {"media": _MEDIA, "dc": _DC, "fh": _HISTORY, "feedsvc": _OWN}

    def extend_atom(self, feed: etree._Element) -> None:
        """Add the links to hub and archive; mark an archive document as one (RFC 5005 section 4)."""
        for relation, address in self.paging.links():
            etree.SubElement(feed, "link", rel=relation, href=address)
        self._mark(feed)

    def extend_rss(self, rss: etree._Element) -> None:
        """Add the same to the channel."""
        channel = rss[0]
        for relation, address in self.paging.links():
            etree.SubElement(channel, f"{{{_ATOM}}}link", rel=relation, href=address)
        self._mark(channel)

    def _mark(self, feed: etree._Element) -> None:
        if self.paging.is_archive:
            etree.SubElement(feed, f"{{{_HISTORY}}}archive")


class EntryExtension:
    """Completes one entry; `entry` is set after feedgen has made the instance."""

    entry: Entry

    def extend_ns(self) -> dict[str, str]:
        """Return nothing: the feed declares all prefixes."""
        return {}

    def extend_atom(self, element: etree._Element) -> None:
        """Put the links in again with their attributes; add source, language, sound, picture and read time."""
        entry = self.entry
        for link in element.findall("link"):
            element.remove(link)
        if entry.language:
            element.set(_LANG, entry.language)
        if entry.link:
            etree.SubElement(element, "link", rel="alternate", type="text/html", href=entry.link)
        if entry.via:
            etree.SubElement(element, "link", rel="via", type="text/html", href=entry.via)
        if sound := entry.enclosure:
            etree.SubElement(element, "link", rel="enclosure", type=sound.media_type, href=sound.url)
        source = etree.SubElement(element, "source")
        etree.SubElement(source, "id").text = entry.source.id
        etree.SubElement(source, "title").text = entry.source.title
        # The entry's own date, not the feed's: else an old entry would change with each new issue.
        etree.SubElement(source, "updated").text = rfc3339(entry.updated)
        if entry.source.self_url:
            etree.SubElement(source, "link", rel="self", type="application/atom+xml", href=entry.source.self_url)
        self._add_more(element)

    def extend_rss(self, item: etree._Element) -> None:
        """Add the author, the date (feedgen pads no years before 1000), sound, picture and read time."""
        entry = self.entry
        etree.SubElement(item, f"{{{_DC}}}creator").text = entry.author
        etree.SubElement(item, "pubDate").text = format_datetime(entry.published)
        if sound := entry.enclosure:
            # The length is required; 0 is what the Best Practices Profile asks for where it is not known.
            etree.SubElement(item, "enclosure", url=sound.url, length="0", type=sound.media_type)
        self._add_more(item)

    def _add_more(self, element: etree._Element) -> None:
        """Add what is the same in Atom and in RSS."""
        entry = self.entry
        if entry.thumbnail:
            etree.SubElement(element, f"{{{_MEDIA}}}thumbnail", url=entry.thumbnail)
        if entry.read_minutes is not None and entry.read_minutes >= 1:
            source = entry.read_source or "estimated"
            etree.SubElement(element, f"{{{_OWN}}}readTime", minutes=str(entry.read_minutes), source=source)
