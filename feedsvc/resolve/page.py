"""What a page's markup says of its address and its length."""

from __future__ import annotations

import re
from typing import Final

import ada_url
from selectolax.lexbor import LexborHTMLParser, LexborNode

from feedsvc.enrich import estimate_minutes
from feedsvc.links import registrable_domain

# The head of a page is near its beginning; parsing more costs time and, nested deep, a lot of it.
_HEAD_BYTES: Final = 65_536
_REFRESH = re.compile(
    r"^\s*(\d{1,4})(?:\.\d*)?\s*(?:[;,]|\s)\s*(?:url\s*=\s*)?[\"']?\s*([^\"'\s][^\"']*)", re.IGNORECASE
)
# A page that waits longer is there to be read, and renews itself.
_MAX_DELAY_S = 5
_META_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w\-]{2,40})", re.IGNORECASE)
_MIN_WORDS = 60


class Page:
    """The head of a page. `url` is where it was had from; `charset` what the server says of its characters, or ""."""

    def __init__(self, url: str, body: bytes, charset: str = "") -> None:
        self.url = url
        self._body = body
        self._charset = charset
        self._tree = LexborHTMLParser(_decode(body[:_HEAD_BYTES], charset))

    def refresh(self, *, also_without_script: bool = False) -> str | None:
        """Return where the page leads on by itself (`<meta http-equiv="refresh">`), or None.

        What stands in `<noscript>` counts only where asked for: click-trackers lead on so, and pages to a version
        of themselves that nobody wants.
        """
        for meta in self._tree.css("meta[http-equiv]"):
            if (meta.attributes.get("http-equiv") or "").strip().lower() != "refresh":
                continue
            if not also_without_script and _within_noscript(meta):
                continue
            found = _REFRESH.match(meta.attributes.get("content") or "")
            if found and int(found[1]) <= _MAX_DELAY_S:
                return self._absolute(found[2])
        if also_without_script:
            for noscript in self._tree.css("noscript"):
                inner = Page(
                    self.url, (noscript.inner_html or noscript.text() or "").encode("utf-8", "replace"), "utf-8"
                )
                if not inner._tree.css("noscript") and (target := inner.refresh()):
                    return target
        return None

    def canonical(self) -> str | None:
        """Return the address that the page itself names as its own, or None.

        It must be on the same registrable domain, and no bare `/`, which careless sites name on every page.
        """
        named = [link.attributes.get("href") for link in self._tree.css("link[rel]") if _is_canonical(link)]
        named += [m.attributes.get("content") for m in self._tree.css('meta[property="og:url"]')]
        own = ada_url.URL(self.url)
        for each in named:
            target = self._absolute(each) if each and each.strip() else None
            if target is None:
                continue
            parsed = ada_url.URL(target)
            if registrable_domain(parsed.hostname) != registrable_domain(own.hostname):
                continue
            if parsed.pathname == "/" and not parsed.search and (own.pathname != "/" or own.search):
                continue
            return target
        return None

    def minutes(self) -> int | None:
        """Return how long the page's own text takes to read, or None where there is none to speak of."""
        import trafilatura

        text = trafilatura.extract(_decode(self._body, self._charset), include_comments=False, include_tables=False)
        if not text or len(text.split()) < _MIN_WORDS:
            return None
        return estimate_minutes(text)

    def _absolute(self, href: str) -> str | None:
        try:
            target = ada_url.URL(href.strip(), self.url)
        except (ValueError, UnicodeError):
            return None
        return target.href if target.protocol in ("http:", "https:") and target.hostname else None


def _is_canonical(link: LexborNode) -> bool:
    return "canonical" in (link.attributes.get("rel") or "").lower().split()


def _within_noscript(node: LexborNode) -> bool:
    parent = node.parent
    while parent is not None:
        if parent.tag == "noscript":
            return True
        parent = parent.parent
    return False


def _decode(body: bytes, charset: str) -> str:
    named = _META_CHARSET.search(body[:4096])
    for name in (charset, named[1].decode("ascii", "replace") if named else "", "utf-8"):
        try:
            return body.decode(name, "replace") if name else body.decode("utf-8")
        except (LookupError, UnicodeDecodeError):
            continue
    return body.decode("cp1252", "replace")
