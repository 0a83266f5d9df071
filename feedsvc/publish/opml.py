"""OPML 2.0 (opml.org/spec2.opml): the feeds of all newsletters, for a reader to import."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime

from lxml import etree

from feedsvc.publish.leaks import release, scrub
from feedsvc.publish.text import clean_line, clean_time


@dataclass(frozen=True, slots=True)
class Subscription:
    """One feed to subscribe to: the address of its document, and of the page for people."""

    title: str
    feed_url: str
    site_url: str


def opml(
    subscriptions: Iterable[Subscription],
    *,
    title: str,
    modified: datetime | None,
    own: str,
    recipients: frozenset[str] = frozenset(),
) -> bytes:
    """Return the list as an OPML document in UTF-8; the same list always gives the same bytes.

    `own` is the address of the server, without a slash at its end. `recipients` are addresses that must not stand in it.
    """
    root = etree.Element("opml", version="2.0")
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = clean_line(scrub(clean_line(title), recipients)) or "Newsletters"
    if modified is not None:
        etree.SubElement(head, "dateModified").text = format_datetime(clean_time(modified), usegmt=True)
    etree.SubElement(head, "docs").text = "http://opml.org/spec2.opml"
    body = etree.SubElement(root, "body")
    for one in subscriptions:
        name = clean_line(scrub(clean_line(one.title), recipients)) or "Newsletter"
        etree.SubElement(body, "outline", type="rss", text=name, title=name, xmlUrl=one.feed_url, htmlUrl=one.site_url)
    document = etree.tostring(root, pretty_print=True, encoding="UTF-8", xml_declaration=True)
    return release(document, recipients, own=own)
