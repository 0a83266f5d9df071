"""Pictures served from here: those that came within messages, and those that are fetched in the reader's place."""

from __future__ import annotations

import re
from typing import Final, cast
from uuid import UUID

from flask import Blueprint, Response, current_app
from selectolax.lexbor import LexborHTMLParser
from werkzeug.exceptions import BadGateway, NotFound

from feedsvc.errors import ResolveError
from feedsvc.model import StoredArticle
from feedsvc.publish import gate
from feedsvc.publish.images import image_token
from feedsvc.publish.pictures import picture_type
from feedsvc.resolve import Fetcher, PictureCache, guard_of
from feedsvc.web.site import site

blueprint = Blueprint("pictures", __name__)

EXTENSION: Final = "feedsvc-pictures"
_TOKEN = re.compile(r"[0-9a-f]{32,64}")
# What is at an address made from the content, or from the address, never changes.
_CACHE_CONTROL: Final = "private, max-age=604800, immutable"


@blueprint.get("/inline/<token>")
def inline(token: str) -> Response:
    """Serve an image that came within a message."""
    data = site().store.inline_image(token) if _TOKEN.fullmatch(token) else None
    if data is None:
        raise NotFound("There is no such picture here.")
    return _picture(data)


@blueprint.get("/image/<uuid:entry>/<token>")
def proxied(entry: UUID, token: str) -> Response:
    """Serve an image of an article, had from the newsletter's server: only what the article shows, nothing else."""
    here = site()
    if here.settings.images != "proxy" or not _TOKEN.fullmatch(token):
        raise NotFound("There is no such picture here.")
    stored = here.store.get_article(str(entry))
    return fetched(None if stored is None else _shown(stored, token), entry)


def _shown(stored: StoredArticle, token: str) -> str | None:
    """Return the address of the image with this token among those that the article shows, or None."""
    tree = LexborHTMLParser(stored.article.content_html)
    shown = [picture.attributes.get("src") for picture in tree.css("img")]
    for src in (stored.article.image, *shown):
        address = gate.image(src, recipients=stored.recipients)
        if address is not None and image_token(address) == token:
            return address
    return None


def fetched(address: str | None, shown_by: object) -> Response:
    """Return the picture at an address that `shown_by`, an id for the log, shows; NotFound where it shows none such.

    Raises BadGateway where the picture cannot be had.
    """
    if address is None:
        raise NotFound("There is no such picture here.")
    try:
        data = _cache().get(address)
    except ResolveError as failure:
        current_app.logger.info("a picture of %s could not be had: %s", shown_by, failure.detail)
        raise BadGateway("The picture could not be had from where it is.") from failure
    return _picture(data)


def _cache() -> PictureCache:
    """Return this application's cache of pictures, made when it is first needed."""
    found = current_app.extensions.get(EXTENSION)
    if found is None:
        settings = site().settings
        made = PictureCache(settings.image_cache, settings.image_cache_bytes, Fetcher(guard_of(settings)))
        found = current_app.extensions.setdefault(EXTENSION, made)
    return cast(PictureCache, found)


def _picture(data: bytes) -> Response:
    """Return an image as it is served, whatever its sender says it is. Raises NotFound where it is none."""
    media_type = picture_type(data)
    if media_type is None:
        raise NotFound("There is no such picture here.")
    response = Response(data, mimetype=media_type)
    response.headers["Cache-Control"] = _CACHE_CONTROL
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["Content-Disposition"] = "inline"
    # Feed readers on the web show it on their own pages.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response
