"""A normalised http(s) URL, cut where WHATWG's serialiser puts its delimiters."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import ada_url


class Parts(NamedTuple):
    """The pieces of a serialised http(s) URL: `origin + path + query + fragment` is the URL again.

    `query` starts with `?` and `fragment` with `#`, or they are empty. `host` is lower case, without user and port.
    A named tuple, since thousands of them are made a second.
    """

    origin: str
    host: str
    path: str
    query: str
    fragment: str

    @property
    def url(self) -> str:
        """The URL, put together again."""
        return f"{self.origin}{self.path}{self.query}{self.fragment}"


def parse(url: str) -> Parts | None:
    """Cut `url` after normalising it as browsers do (WHATWG URL); None unless it is http(s) with a host.

    User name and password are dropped: a feed must not publish credentials, and browsers ignore them in links.
    """
    try:
        href = ada_url.normalize_url(url)
    except (ValueError, UnicodeError):
        return None
    return cut(href)


def cut(href: str) -> Parts | None:
    """Cut a serialised URL, which ada-url has made; None unless it is http(s)."""
    if href.startswith("https://"):
        start = 8
    elif href.startswith("http://"):
        start = 7
    else:
        return None
    slash = href.find("/", start)
    if slash < 0:  # WHATWG's serialiser always writes the slash
        return None
    host = href[start:slash]
    origin = href[:slash]
    if "@" in host:
        host = host.rpartition("@")[2]
        origin = href[:start] + host
    if ":" in host and not host.startswith("["):
        host = host.partition(":")[0]
    if host in ("http", "https"):  # what is left of a scheme; no such top level answers
        return None
    end = len(href)
    hash_at = href.find("#", slash)
    if hash_at < 0:
        hash_at = end
    query_at = href.find("?", slash, hash_at)
    if query_at < 0:
        query_at = hash_at
    return Parts(origin, host, href[slash:query_at], href[query_at:hash_at], href[hash_at:])


@lru_cache(maxsize=4096)
def parse_cached(url: str) -> Parts | None:
    """`parse`, remembered: one message asks several questions about the same link."""
    return parse(url)
