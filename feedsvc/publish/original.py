"""A mail as it came, made fit to be looked at beside its articles: nothing in it runs, and nothing is loaded unasked.

The sender's markup passes by an allowlist of elements and attributes, its styles by `styles`, its links and pictures by
the functions of the caller. What marks an article's place is put in here; ids and classes of the sender's are not kept.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import nh3
from selectolax.lexbor import LexborHTMLParser, LexborNode

from feedsvc.document.css import MAX_SHEET_CHARS, Sheet, parse_sheet
from feedsvc.document.html import bounded
from feedsvc.model import InlineImage
from feedsvc.publish import gate
from feedsvc.publish.leaks import scrub
from feedsvc.publish.pictures import picture_type
from feedsvc.publish.styles import StyleBook
from feedsvc.publish.text import clean_text

# fmt: off
_TAGS: Final = frozenset((
    "a", "abbr", "address", "article", "aside", "b", "big", "blockquote", "br", "caption", "center", "cite", "code", "col",
    "colgroup", "dd", "del", "div", "dl", "dt", "em", "figcaption", "figure", "font", "footer", "h1", "h2", "h3", "h4", "h5",
    "h6", "header", "hr", "i", "img", "ins", "kbd", "li", "main", "mark", "nav", "ol", "p", "pre", "q", "s", "samp",
    "section", "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt",
    "u", "ul", "var", "wbr",
))
_DROPPED_WHOLE: Final = frozenset((
    "applet", "audio", "base", "canvas", "embed", "frame", "frameset", "head", "iframe", "input", "link", "map", "math",
    "meta", "noembed", "noframes", "noscript", "object", "option", "plaintext", "script", "select", "style", "svg",
    "template", "textarea", "title", "video", "xmp",
))
# fmt: on
_SIZES: Final = {"width", "height", "align", "valign", "bgcolor"}
_ATTRIBUTES: Final = {
    "*": {"class", "id", "dir", "lang"},
    "a": {"href", "title"},
    "img": {"src", "alt", "width", "height", "align"},
    "table": _SIZES | {"border", "cellpadding", "cellspacing"},
    "td": _SIZES | {"colspan", "rowspan", "nowrap"},
    "th": _SIZES | {"colspan", "rowspan", "nowrap"},
    "font": {"color", "face", "size"},
    "col": {"width", "span"},
    "ol": {"start", "type"},
    **dict.fromkeys(("tr", "tbody", "thead", "tfoot", "div", "p", "hr", "h1", "h2", "h3", "h4", "center"), _SIZES),
}
_PLAIN_VALUE = re.compile(r"[#%\w ,.-]{0,80}")
_PREFIX: Final = "feedsvc-"
_OURS = re.compile(rf"{_PREFIX}[a-z]?\d+")
_WORD = re.compile(r"[^\W_]+")
_URL = re.compile(r"https?://[^\s<>\"']+", re.IGNORECASE)
_MAX_IMAGE_BYTES: Final = 1_000_000
_MAX_IMAGES_BYTES: Final = 4_000_000
_MIN_TELLING_CHARS: Final = 8
_NO_LINK: Final = "(link)"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What tells an article's place: its link as it stands in the message, and the first words of it, most telling first."""

    link: str | None
    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Original:
    """A mail to look at: `body` is HTML, `css` its style sheet. `places` are ids in it, one for each that was wanted.

    `pictures` are the addresses of the pictures that lie elsewhere, whether they are shown or not.
    """

    body: str
    css: str
    places: tuple[str | None, ...]
    pictures: tuple[str, ...]

    @property
    def picture_hosts(self) -> tuple[str, ...]:
        """The hosts that the pictures lie on, in order."""
        return tuple(sorted({urlsplit(address).netloc for address in self.pictures}))


@dataclass(slots=True)
class Rules:
    """What may stay: `link` gives the address to publish for one in the message, `picture` that of a picture's, or None."""

    link: Callable[[str], str | None]
    picture: Callable[[str], str | None]
    recipients: frozenset[str] = gate.NOBODY
    inline: Sequence[InlineImage] = ()


def original_of_html(markup: str, wanted: Sequence[Wanted], rules: Rules) -> Original:
    """Return an HTML body as it may be looked at."""
    markup, _ = bounded(clean_text(markup), suspect_tags=0)
    tree = LexborHTMLParser(markup)
    cleaner = _Cleaner(rules, parse_sheet([(node.text() or "")[:MAX_SHEET_CHARS] for node in tree.css("style")]))
    if tree.body is None:
        return Original("", "", (None,) * len(wanted), ())
    cleaner.walk(tree.body)
    places = cleaner.mark(wanted)
    body = _sanitised(tree.body.html or "", cleaner.approved)
    return Original(scrub(body, rules.recipients), cleaner.styles.css(), places, tuple(cleaner.pictures))


def original_of_text(text: str, wanted: Sequence[Wanted], rules: Rules) -> Original:
    """Return a plain-text body as it may be looked at: as it stands, its links without what must not be published."""
    lines = clean_text(text).splitlines()
    folded = [_fold(line) for line in lines]
    places: list[str | None] = []
    marks: dict[int, str] = {}
    at = 0
    for one in wanted:
        found = next(
            (n for words in one.words for n in range(at, len(lines)) if _is_alike(folded[n], _fold(words))), None
        )
        if found is None and one.link is not None:
            found = next((n for n in range(at, len(lines)) if one.link in lines[n]), None)
        places.append(None if found is None else marks.setdefault(found, f"{_PREFIX}{len(marks)}"))
        at = at if found is None else found + 1
    shown = (
        f'<span id="{marks[n]}">{_linked(line, rules)}</span>' if n in marks else _linked(line, rules)
        for n, line in enumerate(lines)
    )
    body = "<pre>" + "\n".join(shown) + "</pre>"
    return Original(scrub(body, rules.recipients), "", tuple(places), ())


def _linked(line: str, rules: Rules) -> str:
    """A line of text as HTML, each address in it as a link or, where it must not be published, as a word."""
    pieces, at = [], 0
    for found in _URL.finditer(line):
        address = found[0].rstrip(".,;:!?)]}")
        href = rules.link(address)
        pieces.append(html.escape(line[at : found.start()]))
        pieces.append(_NO_LINK if href is None else _anchor(href))
        at = found.start() + len(address)
    return "".join((*pieces, html.escape(line[at:])))


def _anchor(href: str) -> str:
    shown = html.escape(href)
    return f'<a href="{shown}" target="_blank" rel="noopener noreferrer" title="{_host(href)}">{shown}</a>'


def _host(href: str) -> str:
    return html.escape(urlsplit(href).hostname or "")


@dataclass(slots=True)
class _Cleaner:
    """Walks a tree once, changes links, pictures and styles in place, and notes where words and links stand."""

    rules: Rules
    sheet: Sheet
    styles: StyleBook = field(default_factory=lambda: StyleBook(f"{_PREFIX}s"))
    approved: set[str] = field(default_factory=set)
    pictures: list[str] = field(default_factory=list)
    _spots: list[tuple[LexborNode, str, str | None]] = field(default_factory=list)
    _inlined: int = 0

    def walk(self, parent: LexborNode, href: str | None = None) -> None:
        child = parent.first_child
        while child is not None:
            node, child = child, child.next
            tag = node.tag or ""
            if tag == "-text":
                if words := _fold(node.text_content or ""):
                    self._spots.append((parent, words, href))
            elif tag in _DROPPED_WHOLE or tag[:1] in ("-", "!") or self._is_hidden(node, tag):
                node.decompose()
            elif tag == "img":
                self._picture(node, parent, href)
            else:
                inner = self._element(node, tag)
                self.walk(node, inner or href)

    def _is_hidden(self, node: LexborNode, tag: str) -> bool:
        attributes = node.attributes
        declared = self.sheet.declarations(tag, attributes.get("class"), attributes.get("id"), attributes.get("style"))
        return declared.hidden or "hidden" in attributes

    def _element(self, node: LexborNode, tag: str) -> str | None:
        """Clean an element; returns the address that it leads to, as it stood in the message."""
        given = dict(node.attributes)
        for name in given:
            if name in ("class", "id", "style", "href", "src", "title"):
                del node.attrs[name]
        if (style := given.get("style")) and (name_of_style := self.styles.name(style)):
            node.attrs["class"] = name_of_style
        raw = (given.get("href") or "").strip() if tag == "a" else ""
        if raw and (address := self.rules.link(raw)) is not None:
            node.attrs["href"] = address
            node.attrs["title"] = urlsplit(address).hostname or ""
            self.approved.add(address)
        return raw or None

    def _picture(self, node: LexborNode, parent: LexborNode, href: str | None) -> None:
        given = node.attributes
        size = (_pixels(given.get("width")), _pixels(given.get("height")))
        src = self._source((given.get("src") or "").strip(), size)
        alt = " ".join((given.get("alt") or "").split())
        if words := _fold(alt):
            self._spots.append((parent, words, href))
        elif href is not None:
            self._spots.append((parent, "", href))
        if src is None:
            if alt:
                node.replace_with(alt)
            else:
                node.decompose()
            return
        style = given.get("style")
        for name in tuple(given):
            if name not in ("alt", "width", "height", "align"):
                del node.attrs[name]
        node.attrs["src"] = src
        self.approved.add(src)
        if style and (name_of_style := self.styles.name(style)):
            node.attrs["class"] = name_of_style

    def _source(self, src: str, size: tuple[int | None, int | None]) -> str | None:
        if any(side is not None and side <= gate.THINNEST_PX for side in size):
            return None
        if src[:4].lower() == "cid:":
            wanted = src[4:].strip("<> ")
            found = next((one.data for one in self.rules.inline if one.content_id == wanted), None)
            return None if found is None else self._data(found)
        if src[:5].lower() == "data:":
            return self._data(_decoded(src))
        address = gate.image(src, *size, recipients=self.rules.recipients)
        if address is None:
            return None
        if address not in self.pictures:
            self.pictures.append(address)
        return self.rules.picture(address)

    def _data(self, image: bytes) -> str | None:
        """An image that the message carries itself, as an address that holds it; None where it is none, or too large."""
        media_type = picture_type(image)
        self._inlined += len(image)
        if media_type is None or len(image) > _MAX_IMAGE_BYTES or self._inlined > _MAX_IMAGES_BYTES:
            return None
        return f"data:{media_type};base64,{base64.b64encode(image).decode('ascii')}"

    def mark(self, wanted: Sequence[Wanted]) -> tuple[str | None, ...]:
        """Give an id to the place of each article; an article's place is looked for behind that of the one before."""
        places: list[str | None] = []
        at = 0
        for one in wanted:
            found = self._find(one, at)
            if found is None:
                places.append(None)
                continue
            node = self._spots[found][0]
            place = node.attributes.get("id") or f"{_PREFIX}{found}"
            node.attrs["id"] = place
            places.append(place)
            at = found + 1
        return tuple(places)

    def _find(self, one: Wanted, at: int) -> int | None:
        """The spot of an article: where its words stand, best within its link; else where its link is."""
        told = [words for words in map(_fold, one.words) if words]
        for start in dict.fromkeys((at, 0)):
            spots = range(start, len(self._spots))
            linked = [n for n in spots if one.link is not None and self._spots[n][2] == one.link]
            for found in (linked, spots):
                for words in told:
                    hit = next((n for n in found if _is_alike(self._spots[n][1], words)), None)
                    if hit is not None:
                        return hit
            if linked:
                return linked[0]
        return None


def _is_alike(shown: str, words: str) -> bool:
    """Whether a run of text that is shown begins an article, as its first words say; a run may be a part of a line."""
    if not shown or not words:
        return False
    if shown.startswith(words):
        return True
    return words.startswith(shown) and len(shown) >= min(len(words), _MIN_TELLING_CHARS)


def _fold(text: str) -> str:
    """The words of a text, without the number that it may be counted with."""
    words = _WORD.findall(text.casefold())
    return " ".join(words[1:] if len(words) > 1 and words[0].isdigit() else words)


def _sanitised(markup: str, approved: set[str]) -> str:
    def keep(tag: str, attribute: str, value: str) -> str | None:
        if attribute in ("href", "src"):
            return value if value in approved else None
        if attribute in ("class", "id"):
            return value if _OURS.fullmatch(value) else None
        if attribute in ("alt", "title"):
            return value
        return value if _PLAIN_VALUE.fullmatch(value) else None

    return clean_text(
        nh3.clean(
            markup,
            tags=set(_TAGS),
            attributes=_ATTRIBUTES,
            attribute_filter=keep,
            clean_content_tags=set(_DROPPED_WHOLE - _TAGS),
            url_schemes={"http", "https", "data"},
            link_rel="noopener noreferrer",
            set_tag_attribute_values={"a": {"target": "_blank"}},
        )
    ).strip()


def _decoded(src: str) -> bytes:
    head, _, data = src.partition(",")
    if not head.lower().endswith(";base64") or len(data) > 2 * _MAX_IMAGE_BYTES:
        return b""
    try:
        return base64.b64decode(data, validate=False)
    except ValueError:
        return b""


def _pixels(value: str | None) -> int | None:
    plain = (value or "").strip().removesuffix("px")
    return int(plain) if plain.isascii() and plain.isdigit() and len(plain) <= 9 else None
