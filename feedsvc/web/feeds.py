"""The feeds: which articles, under which address, in which format."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound

from feedsvc.model import Kind
from feedsvc.publish import FEED_KINDS, Feed, atom, feed_of, json_feed, rss
from feedsvc.web.documents import Document, answer
from feedsvc.web.site import Site, base_url, site

blueprint = Blueprint("feeds", __name__)


@dataclass(frozen=True, slots=True)
class Format:
    """One format in which every feed can be had."""

    extension: str
    media_type: str
    write: Callable[[Feed], bytes]


FORMATS: Final = {
    found.extension: found
    for found in (
        Format("xml", "application/atom+xml; charset=utf-8", atom),
        Format("rss", "application/rss+xml; charset=utf-8", rss),
        Format("json", "application/feed+json; charset=utf-8", json_feed),
    )
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which articles a feed holds; every selection is a feed of its own. `newsletter` is a slug."""

    newsletter: str | None = None
    kinds: frozenset[Kind] = field(default=FEED_KINDS)


@blueprint.get("/feed.<any(xml, rss, json):extension>")
def everything(extension: str) -> Response:
    """Serve the feed of all newsletters."""
    return _serve(Selection(), FORMATS[extension])


@blueprint.get("/newsletters/<slug>/feed.<any(xml, rss, json):extension>")
def newsletter(slug: str, extension: str) -> Response:
    """Serve one newsletter's own feed."""
    return _serve(Selection(newsletter=slug), FORMATS[extension])


def _serve(selection: Selection, wanted: Format) -> Response:
    here, base = site(), base_url()

    def make() -> Document:
        # The date is read first: should a commit come between, the next request finds a new revision and a later date.
        modified = here.store.last_changed()
        feed = build_feed(here, selection, base, wanted)
        return Document.of(wanted.write(feed), wanted.media_type, modified or feed.updated)

    document = here.documents.get((selection, wanted.extension, base), here.store.revision(), make)
    return answer(request, document)


def build_feed(here: Site, selection: Selection, base: str, wanted: Format) -> Feed:
    """Return the feed of this selection as it now stands in the store; NotFound where there is no such newsletter."""
    title, feed_name, folder = here.settings.title, "all", ""
    subtitle = "The articles of your newsletters, one entry each"
    if selection.newsletter is not None:
        known = {row.newsletter.slug: row.newsletter for row in here.store.newsletters()}
        if selection.newsletter not in known:
            raise NotFound(f"There is no newsletter “{selection.newsletter}” here.")
        found = known[selection.newsletter]
        title, feed_name, folder = found.name, f"newsletter:{found.key}", f"/newsletters/{found.slug}"
        subtitle = f"The articles of {found.name}, one entry each"
    return feed_of(
        here.store.latest_articles(here.settings.feed_limit, kinds=selection.kinds, newsletter=selection.newsletter),
        title=title,
        name=feed_name,
        base=base,
        self_path=f"{folder}/feed.{wanted.extension}",
        subtitle=subtitle,
    )
