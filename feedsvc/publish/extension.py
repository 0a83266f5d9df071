"""What feedgen 1.0 leaves out of an entry, added by its own extension mechanism.

feedgen keeps only `href` of an entry's links, knows no more of a source than title and link, writes no `xml:lang` on
an entry, and no author in RSS that is not an e-mail address.
"""

from __future__ import annotations

from email.utils import format_datetime
from typing import Final

from lxml import etree

from feedsvc.publish.entry import Entry
from feedsvc.publish.text import rfc3339

NAME: Final = "feedsvc"
_MEDIA = "http://search.yahoo.com/mrss/"
_DC = "http://purl.org/dc/elements/1.1/"
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"


class FeedExtension:
    """Declares the namespaces; the feed itself needs no more than feedgen gives."""

    def extend_ns(self) -> dict[str, str]:
        """Return the prefixes that the document declares."""
        return {"media": _MEDIA, "dc": _DC}

    def extend_atom(self, feed: etree._Element) -> None:
        """Leave the feed as it is."""

    def extend_rss(self, rss: etree._Element) -> None:
        """Leave the channel as it is."""


class EntryExtension:
    """Completes one entry; `entry` is set after feedgen has made the instance."""

    entry: Entry

    def extend_ns(self) -> dict[str, str]:
        """Return nothing: the feed declares all prefixes."""
        return {}

    def extend_atom(self, element: etree._Element) -> None:
        """Put the links in again with their attributes; add source, language and thumbnail."""
        entry = self.entry
        for link in element.findall("link"):
            element.remove(link)
        if entry.language:
            element.set(_LANG, entry.language)
        if entry.link:
            etree.SubElement(element, "link", rel="alternate", type="text/html", href=entry.link)
        if entry.via:
            etree.SubElement(element, "link", rel="via", type="text/html", href=entry.via)
        source = etree.SubElement(element, "source")
        etree.SubElement(source, "id").text = entry.source.id
        etree.SubElement(source, "title").text = entry.source.title
        # The entry's own date, not the feed's: else an old entry would change with each new issue.
        etree.SubElement(source, "updated").text = rfc3339(entry.updated)
        if entry.source.self_url:
            etree.SubElement(source, "link", rel="self", type="application/atom+xml", href=entry.source.self_url)
        if entry.thumbnail:
            etree.SubElement(element, f"{{{_MEDIA}}}thumbnail", url=entry.thumbnail)

    def extend_rss(self, item: etree._Element) -> None:
        """Add the author, the date (feedgen pads no years before 1000), the thumbnail."""
        entry = self.entry
        etree.SubElement(item, f"{{{_DC}}}creator").text = entry.author
        etree.SubElement(item, "pubDate").text = format_datetime(entry.published)
        if entry.thumbnail:
            etree.SubElement(item, f"{{{_MEDIA}}}thumbnail", url=entry.thumbnail)
