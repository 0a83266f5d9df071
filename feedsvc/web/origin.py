"""Nobody changes anything here from a page of another site.

A browser says where a request comes from: by `Sec-Fetch-Site` (W3C Fetch Metadata), and on plain HTTP, where it does
not, by `Origin` (RFC 6454). A request that says neither comes from a program, which has no cookies of ours unless somebody gave them to it. So no
token has to be put into forms, and no secret kept.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from flask import request
from werkzeug.exceptions import Forbidden

from feedsvc.web.site import site

_SAFE: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})  # RFC 9110 section 9.2.1
_OURS: Final = frozenset({"same-origin", "none"})


def refuse_foreign() -> None:
    """Raise Forbidden where a page of another site wants to change something: run before each request."""
    if request.method in _SAFE:
        return
    fetched = request.headers.get("Sec-Fetch-Site")
    if fetched is not None:
        foreign = fetched not in _OURS
    else:
        origin = request.headers.get("Origin")
        foreign = origin is not None and not _is_ours(origin)
    if foreign:
        raise Forbidden("This was asked for by a page of another site. Open the page here, and do it there.")


def _is_ours(origin: str) -> bool:
    try:
        asked = urlsplit(origin).netloc.lower()
    except ValueError:  # "http://[": no browser says that
        return False
    own = urlsplit(site().settings.base_url or "").netloc.lower()
    return bool(asked) and asked in (request.host.lower(), own)
