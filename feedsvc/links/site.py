"""The name of a site, as a reader knows it."""

from __future__ import annotations

from functools import cache, lru_cache

import tldextract

from feedsvc.links.mend import mend
from feedsvc.links.parts import parse


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
    return name.encode("ascii", "ignore").decode("idna") if "xn--" in name else name
