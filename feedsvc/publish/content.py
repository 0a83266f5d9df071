"""An article's HTML as it is published: links through the gate, then nothing but a short list of elements."""

from __future__ import annotations

import html
import re
from typing import Final

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from feedsvc.publish import gate
from feedsvc.publish.images import ImageRules
from feedsvc.publish.leaks import scrub
from feedsvc.publish.text import clean_text

# fmt: off
TAGS: Final = frozenset((
    "a", "blockquote", "br", "code", "em", "figcaption", "figure", "h2", "h3", "h4", "hr", "img", "li", "ol", "p",
    "pre", "strong", "table", "tbody", "td", "th", "thead", "tr", "ul",
))
# fmt: on
_ATTRIBUTES: Final = {"a": {"href"}, "img": {"src", "alt", "width", "height"}, "ol": {"start"}}
_PAGE_ATTRIBUTES: Final = {"a": {"href"}, "ol": {"start"}}
_DROPPED_WHOLE: Final = frozenset(
    ("script", "style", "title", "template", "noscript", "iframe", "svg", "math", "textarea")
)

_EMPTY_LINK = re.compile(r"<a [^<>]*>\s*</a>")
_HEADING = re.compile(r"<(/?)h[24]>")
_GO = re.compile(r"go:(\d{1,6})")
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]*)")
# Empty elements, and `p`, which ends where the next one begins.
_NOT_NESTING = frozenset(("p", "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "wbr"))
# Both parsers take quadratic time, or worse, on very deep nesting. The deepest link of a real mail stood at level 33.
_MAX_DEPTH = 150


def published_html(
    content: str,
    entry_uuid: str,
    base: str | None,
    *,
    recipients: frozenset[str] = gate.NOBODY,
    images: ImageRules | None = None,
    follow: bool = True,
) -> str:
    """Return content that was rebuilt from blocks as HTML that may be published.

    `go:N` becomes `{base}/go/<entry_uuid>/N`. Without a base, where nobody is there to `follow` such links, and where
    the gate refuses a link, its words stay without it. What in its text names one of the `recipients` is taken out.
    """
    images = images or ImageRules()
    content = clean_text(content)
    if not content.strip():
        return ""
    if _depth(content) > _MAX_DEPTH:
        return scrub(f"<p>{html.escape(_words(content), quote=False)}</p>", recipients)
    tree = LexborHTMLParser(content)
    body = tree.body
    if body is None:
        return ""
    approved: set[str] = set()
    for anchor in body.css("a"):
        href = _href(anchor, entry_uuid, base if follow else None, recipients)
        if href is None:
            anchor.unwrap()
        else:
            anchor.attrs["href"] = href
            approved.add(href)
    for picture in body.css("img"):
        size = (_pixels(picture, "width"), _pixels(picture, "height"))
        src = images.source(picture.attributes.get("src"), entry_uuid, base, *size, recipients=recipients)
        if src is None:
            _replace_by_alt(picture)
        else:
            picture.attrs["src"] = src
            approved.add(src)
    return scrub(_sanitised(body.html or "", approved), recipients)


def without_images(published: str) -> str:
    """Return published HTML without its images, for a page that loads nothing from other hosts.

    A link that held nothing but an image goes too, and headings stand one level below the article's own.
    """
    cleaned = nh3.clean(published, tags=set(TAGS - {"img"}), attributes=_PAGE_ATTRIBUTES, url_schemes={"http", "https"})
    return _HEADING.sub(r"<\1h3>", _EMPTY_LINK.sub(" ", cleaned))


def _sanitised(markup: str, approved: set[str]) -> str:
    """Return the markup with nothing but the allowlist, and no address but the approved ones."""

    def keep(tag: str, attribute: str, value: str) -> str | None:
        if attribute in ("href", "src"):
            return value if value in approved else None
        if attribute in ("width", "height", "start"):
            return value if value.isascii() and value.isdigit() and len(value) <= 5 else None
        return value

    cleaned = nh3.clean(
        markup,
        tags=set(TAGS),
        attributes=_ATTRIBUTES,
        attribute_filter=keep,
        clean_content_tags=set(_DROPPED_WHOLE),
        url_schemes={"http", "https"},
        link_rel="noopener noreferrer",
    )
    # References such as &#1; have become characters by now.
    return clean_text(cleaned).strip()


def _href(anchor: LexborNode, entry_uuid: str, base: str | None, recipients: frozenset[str]) -> str | None:
    href = anchor.attributes.get("href")
    if href and (go := _GO.fullmatch(href)):
        return None if base is None else f"{base}/go/{entry_uuid}/{int(go[1])}"
    return gate.link(href, recipients)


def _replace_by_alt(picture: LexborNode) -> None:
    """Take the image out; what it says in words stays."""
    alt = (picture.attributes.get("alt") or "").strip()
    if alt:
        picture.replace_with(alt)
    else:
        picture.decompose()


def _pixels(picture: LexborNode, name: str) -> int | None:
    value = (picture.attributes.get(name) or "").strip().removesuffix("px")
    return int(value) if value.isascii() and value.isdigit() and len(value) <= 9 else None


def _depth(markup: str) -> int:
    """Return an upper bound of how deep the elements nest, in one pass and without a parser."""
    deepest = depth = 0
    for closing, name in _TAG.findall(markup):
        if name.lower() in _NOT_NESTING:
            continue
        depth = max(0, depth - 1) if closing else depth + 1
        deepest = max(deepest, depth)
    return deepest


def _words(markup: str) -> str:
    """Return the text of markup that is too deep to parse."""
    return " ".join(html.unescape(re.sub(r"<[^<>]*>", " ", markup)).split())
