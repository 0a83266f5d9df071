"""What every request needs: settings, store, rendered documents, and the address under which we are known."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final, cast
from urllib.parse import urlsplit

from flask import Request, current_app, request
from werkzeug.exceptions import BadRequest

from feedsvc.config import Settings
from feedsvc.store import Store
from feedsvc.web.documents import DocumentCache
from feedsvc.web.figures import FigureBoard
from feedsvc.web.latest import Latest
from feedsvc.web.overview import Overview
from feedsvc.web.rendering import Renderer
from feedsvc.web.scopes import Census
from feedsvc.web.shortcut import Shortcut
from feedsvc.web.tally import Tally

EXTENSION: Final = "feedsvc"

# RFC 1123 labels, an IPv4 address, or an IPv6 address in brackets; then perhaps a port. Whatever else a Host header
# holds would stand in a feed's links.
_HOST = re.compile(
    r"(?=.{1,261}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?)*\.?"
    r"|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?",
    re.ASCII,
)


@dataclass(frozen=True, slots=True)
class Site:
    """One application's settings, store and documents. Without `follow` nothing is published that leads to `/go/`."""

    settings: Settings
    store: Store
    renderer: Renderer
    shortcut: Shortcut
    follow: bool = True
    known_hosts: frozenset[str] = frozenset()
    documents: DocumentCache = field(default_factory=DocumentCache)
    board: FigureBoard = field(default_factory=FigureBoard)
    people: Latest[frozenset[str]] = field(default_factory=Latest)
    overviews: Latest[Overview] = field(default_factory=Latest)
    tallies: Latest[Tally] = field(default_factory=Latest)
    census: Latest[Census] = field(default_factory=Latest)

    def everybody(self) -> frozenset[str]:
        """Return the addresses that any message in the store was sent to."""
        return self.people.get(self.store.revision(), self.store.recipient_addresses)

    def overview(self) -> Overview:
        """Return what the pages show of all newsletters."""
        return self.overviews.get(self.store.revision(), lambda: Overview.of(self.store))


def site() -> Site:
    """Return what the current application was made with."""
    return cast(Site, current_app.extensions[EXTENSION])


def base_url() -> str:
    """Return the address under which the reader knows us, without a slash at its end: as set, else as asked for.

    Raises BadRequest where it has to come from the request and the Host header is no host.
    """
    return base_url_of(site(), request)


def base_url_of(here: Site, request: Request) -> str:
    """As `base_url`, for who has both at hand."""
    if here.settings.base_url:
        return here.settings.base_url.rstrip("/")
    return _base_url(request.scheme, request.host, request.script_root)


@lru_cache(maxsize=256)
def _base_url(scheme: str, host: str, script_root: str) -> str:
    host = host.lower()
    if not _HOST.fullmatch(host):
        raise BadRequest("The Host header of this request is not the name of a host.")
    return f"{scheme}://{host}{script_root}".rstrip("/")


def root_path() -> str:
    """Return the path under which our pages are, without a slash at its end: "" where they are at the top."""
    settings = site().settings
    return urlsplit(settings.base_url).path.rstrip("/") if settings.base_url else request.script_root.rstrip("/")
