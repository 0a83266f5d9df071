"""Nothing that leaves tells who its reader is: whom to look for, and the last look at every page."""

from __future__ import annotations

from typing import Final

from flask import Response, g
from werkzeug.exceptions import BadRequest

from feedsvc.errors import StoreError
from feedsvc.model import Newsletter
from feedsvc.publish import published_line
from feedsvc.publish.leaks import release
from feedsvc.web.documents import DocumentResponse
from feedsvc.web.site import base_url, site

# Feeds and lists are looked at when they are made (`publish`), once for all who ask for them.
_LOOKED_AT: Final = frozenset(("text/html", "text/plain", "application/xhtml+xml"))


def everybody() -> frozenset[str]:
    """Return the addresses of all recipients that the store knows of."""
    return site().everybody()


def called(newsletter: Newsletter) -> str:
    """Return what a newsletter is called on a page: its name, else its slug, without what tells who its reader is."""
    return published_line(newsletter.name, everybody()) or published_line(newsletter.slug, everybody())


def mention(recipients: frozenset[str]) -> None:
    """Have the last look at this page look for these recipients too: their mail is on it."""
    g.mentioned = g.get("mentioned", frozenset()) | recipients


def release_page(response: Response) -> Response:
    """Take out of a page what tells who its reader is. It ought to find nothing: see `publish.leaks`."""
    if isinstance(response, DocumentResponse) or response.mimetype not in _LOOKED_AT or response.is_streamed:
        return response
    try:
        people = everybody()
    except StoreError:  # this is the page that says so, and it shows nothing of the store
        people = frozenset()
    try:
        own: str | None = base_url()
    except BadRequest:  # this is the page that says so
        own = None
    body = response.get_data()
    clean = release(body, people | g.get("mentioned", frozenset()), own=own)
    if clean is not body:
        response.set_data(clean)
    return response
