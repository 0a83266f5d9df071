"""A normalised http(s) URL, cut where WHATWG's serialiser puts its delimiters."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import ada_url

# What WHATWG's serialiser gives back as it is, cut as `cut` would: a host of at least two labels in small letters, none of them Punycode and
# the last no number; path segments that do not begin with a dot (`.`, `..`, `%2e`); and only characters that stand as
# themselves in each place. Most links of newsletters are written so, and this takes a third of the time. Each repeat ends
# at a character that it cannot hold itself, so it is linear.
_NORMAL = re.compile(
    r"(https?://((?:(?!xn--)[a-z0-9\-]++\.)++[a-z]{2,24}))"
    r"((?:/(?!\.|%2[Ee])[A-Za-z0-9\-_.~!$&'()*+,;=:@%]*+)++)"
    r"(\?[A-Za-z0-9\-_.~!$&()*+,;=:@%/?]*+)?"
    r"(#[A-Za-z0-9\-_.~!$&'()*+,;=:@%/?]*+)?"
)


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
    if normal := _NORMAL.fullmatch(url):
        return Parts(*normal.groups(""))
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


@lru_cache(maxsize=2048)
def parse_cached(url: str) -> Parts | None:
    """`parse`, remembered: one message asks several questions about the same link."""
    return parse(url)
