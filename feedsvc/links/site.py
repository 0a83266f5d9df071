"""The name of a site, as a reader knows it."""

from __future__ import annotations

from functools import cache, lru_cache

import tldextract

from feedsvc.links.mend import mend
from feedsvc.links.parts import parse
from feedsvc.links.rules import table


@cache
def _extract() -> tldextract.TLDExtract:
    # The list that the package brings: no network, no cache on disk. Private suffixes make `x.github.io` a site of its own.
    return tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None, include_psl_private_domains=True)


@lru_cache(maxsize=8192)
def registrable_domain(host: str) -> str:
    """The registrable domain of a host (Public Suffix List, private part too), or the host where it has none."""
    found = _extract().extract_str(host)
    return found.top_domain_under_public_suffix or host


def site_name(url: str) -> str:
    """The site of an address as a reader knows it: "techcrunch.com", "bbc.co.uk", "arxiv.org"; "" where there is none.

    International names are shown as they are written, not in Punycode.
    """
    mended = mend(url)[0]
    parts = parse(mended) if mended else None
    return _site_of_host(parts.host) if parts else ""


@lru_cache(maxsize=8192)
def _site_of_host(host: str) -> str:
    name = registrable_domain(host)
    if host != name:
        data = table("sites")
        below = host.removesuffix(f".{name}").rpartition(".")[2]
        if name in data["platforms"] and below not in data["own"]:
            name = f"{below}.{name}"
    if "xn--" not in name:
        return name
    try:
        return name.encode("ascii").decode("idna")
    except UnicodeError:  # ada-url's IDNA (UTS 46) allows names that Python's (RFC 3490) does not
        return name
