"""HTML to blocks: the tree is flattened to lines in reading order, each with its style, links and boxes.

A block is one line: block-level elements and `<br>` part them, because mail puts a title, its text and its "read more" into one table cell
as often as into three paragraphs. What cannot be seen (`display:none`, size 0, 1x1 images) is left out; the first of it is the preheader.

Bounds: selectolax is quadratic in nesting (18 s for 100,000 nested divs), so deep markup is flattened before it is parsed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from selectolax.lexbor import LexborHTMLParser, LexborNode

from feedsvc.document.css import FONT_STEPS, NOTHING, Declarations, Sheet, parse_sheet
from feedsvc.document.lines import LineBuilder, visible
from feedsvc.model import BlockKind, Document, Image, Problem

MAX_DEPTH = 200  # a real mail's deepest link stood at 33
MAX_CHARS = 4_000_000
MAX_TAGS = 60_000
SUSPECT_TAGS = 8_000  # below this, even if all were nested, parsing ends in a tenth of a second

VOID = frozenset(
    """
    area base br col embed hr img input link meta source track wbr param frame bgsound basefont
    """.split()
)
SKIPPED = frozenset(
    """
    script style head title noscript template iframe object select option textarea svg math audio video map
    form-button input
    """.split()
)
BLOCKS = frozenset(
    """
    address article aside blockquote body center dd details div dl dt fieldset figcaption figure footer form h1
    h2 h3 h4 h5 h6 header hgroup hr legend li main menu nav ol p pre section summary table tbody td tfoot th
    thead tr ul caption html
    """.split()
)
HEADINGS = {"h1": (1, 32.0), "h2": (2, 24.0), "h3": (3, 18.7), "h4": (4, 16.0), "h5": (5, 13.3), "h6": (6, 10.7)}
BOLD, ITALIC, CODE = (
    frozenset({"b", "strong"}),  # not "th": it names a column, or holds all of a mail
    frozenset({"i", "em", "cite", "dfn"}),
    frozenset({"code", "tt", "kbd", "samp"}),
)
LISTS = frozenset({"ul", "ol", "menu"})
SPACED = frozenset({"p", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "pre"})  # with a margin below
# What mails are made of: looked for first, since all else may be no element at all.
COMMON = (BLOCKS - {"hr"}) | BOLD | ITALIC | CODE | {"a", "span", "font", "u", "s", "small", "big", "sub", "sup"}
BLOCK_DISPLAYS = frozenset({"block", "table", "flex", "list-item", "table-cell", "grid"})
TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9]*)(?=[\s/>])[^>]*?(/?)>|<!--", re.S)

_Element = str | tuple[str | None, ...]  # a tag, and those of its attributes that a state follows from


@dataclass(slots=True, eq=False)
class State:
    """What an element hands down to what stands in it, but for its link.

    A mail says the same of hundreds of cells, so equal elements within one state share one state (`inner`); none is changed once it is made.
    """

    size: float = 16.0
    bold: bool = False
    italic: bool = False
    code: bool = False
    upper: bool = False
    preformatted: bool = False
    colour: str = ""
    background: str = ""
    align: str = ""
    kind: BlockKind = "paragraph"
    level: int = 0
    list_depth: int = 0
    ordered: bool = False
    path: str = ""  # the tags around it, outermost first
    hidden: bool = False
    is_block: bool = False
    is_spaced: bool = False
    inner: dict[_Element, State] = field(default_factory=dict)

    def copy(self) -> State:
        """The same state as a value of its own, with nothing in it yet; written out because dataclasses' own way is slow."""
        return State(
            self.size,
            self.bold,
            self.italic,
            self.code,
            self.upper,
            self.preformatted,
            self.colour,
            self.background,
            self.align,
            self.kind,
            self.level,
            self.list_depth,
            self.ordered,
            self.path,
        )


def read_html(html: str) -> Document:
    """Blocks of an HTML body, in reading order. Never raises; what was cut is a problem of the document."""
    html, problems = bounded(html)
    tree = LexborHTMLParser(html)
    sheet = parse_sheet([node.text() or "" for node in tree.css("style")])
    reader = _Reader(sheet)
    root = tree.root
    if root is not None:
        title_node = tree.css_first("title")
        reader.walk(tree.body or root, State(), (), None)
        title = (title_node.text() or "").strip() if title_node is not None else ""
        language = (root.attributes.get("lang") or "").strip()
    else:
        title = language = ""
    blocks = reader.lines.finish()
    if reader.lines.is_full:
        problems.append(Problem("body-cut", f"only the first {len(blocks):,} lines of the HTML were read", lost=True))
    return Document(
        "html",
        tuple(blocks),
        title=" ".join(title.split()),
        preheader=reader.preheader(),
        language=language,
        problems=tuple(problems),
    )


def bounded(html: str, suspect_tags: int = SUSPECT_TAGS) -> tuple[str, list[Problem]]:
    """The same markup, short and shallow enough to be parsed; and what was done to it. With few tags it may stay deep."""
    problems: list[Problem] = []
    if len(html) > MAX_CHARS:
        problems.append(
            Problem("body-cut", f"only the first {MAX_CHARS:,} characters of the HTML were read", lost=True)
        )
        html = html[:MAX_CHARS]
    if html.count("<") > suspect_tags:
        html, cut = _flatten(html)
        if cut:
            problems.append(Problem("markup-cut", cut, lost="only" in cut))
    return html, problems


def _flatten(html: str) -> tuple[str, str]:
    """The same markup with no element deeper than MAX_DEPTH and no more than MAX_TAGS tags; and what was done, in words."""
    kept: list[str] = []
    depth = tags = dropped = position = 0
    for found in TAG.finditer(html):
        if found.start() < position:
            continue
        if not found[2]:  # a comment
            end = html.find("-->", found.end())
            if end < 0:
                break
            kept.append(html[position : found.start()])
            position = end + 3
            continue
        tags += 1
        if tags > MAX_TAGS:
            kept.append(html[position : found.start()])
            return "".join(kept), f"only the first {MAX_TAGS:,} tags of the HTML were read"
        name = found[2].lower()
        if name in VOID or found[3]:
            continue
        if found[1]:
            if depth > MAX_DEPTH:
                dropped += 1
                kept.append(html[position : found.start()])
                position = found.end()
            depth = max(0, depth - 1)
        else:
            depth += 1
            if depth > MAX_DEPTH:
                dropped += 1
                kept.append(html[position : found.start()])
                position = found.end()
    kept.append(html[position:])
    return "".join(kept), f"{dropped:,} tags nested deeper than {MAX_DEPTH} were flattened" if dropped else ""


class _Reader:
    """Walks the tree once and hands text, images and breaks to a LineBuilder."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.lines = LineBuilder()
        self.hidden: list[str] = []
        self._boxes = 0
        self._ordinals: list[int] = []

    def preheader(self) -> str:
        """The first hidden text of the mail, without the invisible characters that pad it."""
        return next((t for h in self.hidden if len(t := _squeeze(h)) > 3), "")

    def walk(self, node: LexborNode, state: State, boxes: tuple[int, ...], href: str | None) -> None:
        """Read what stands in a node: `boxes` are those around it, `href` is the link that it stands in."""
        lines = self.lines
        child = node.first_child
        while child is not None:
            tag = child.tag
            if tag == "-text":
                text = child.text_content
                if text and state.size >= 2:
                    lines.add_text(text, state, boxes, href)
            elif tag in COMMON:
                self._element(child, tag, state, boxes, href)
            elif tag == "br":
                lines.break_line()
            elif tag == "img":
                self._image(child, state, boxes, href)
            elif tag is None or tag in SKIPPED or tag[0] in "-!" or ":" in tag:
                if tag is not None and ":" in tag:  # namespaced Office tags: transparent
                    self.walk(child, state, boxes, href)
            elif tag == "hr":
                lines.rule(boxes)
            else:
                self._element(child, tag, state, boxes, href)
            child = child.next

    def _element(self, node: LexborNode, tag: str, state: State, boxes: tuple[int, ...], href: str | None) -> None:
        attributes = node.attributes
        element: _Element = tag
        if attributes:
            said = attributes.get
            if tag == "a" and (target := said("href")):
                href = target.strip()
            hidden = said("hidden", "no")  # the attribute has no value where it stands
            element = (tag, said("style"), said("class"), said("id"), said("align"), said("bgcolor"), hidden)
            if tag == "font":
                element = (*element, said("size"), said("color"))
        inner = state.inner.get(element)
        if inner is None:
            inner = state.inner[element] = _inherit(state, tag, attributes, self.sheet)
        if inner.hidden:
            if len(self.hidden) < 5:
                self.hidden.append(node.text(deep=True))
        elif not inner.is_block:
            self.walk(node, inner, boxes, href)
        else:
            self._boxes += 1
            inside = (*boxes, self._boxes)
            self.lines.break_block()
            if tag in LISTS:
                self._list(node, attributes.get("start") or "", inner, inside, href)
            elif tag == "li":
                self._list_item(node, inner, inside, href)
            else:
                self.walk(node, inner, inside, href)
                self.lines.break_block(spaced=inner.is_spaced)

    def _list(self, node: LexborNode, start: str, state: State, boxes: tuple[int, ...], href: str | None) -> None:
        self._ordinals.append(int(start) - 1 if start.isdigit() and len(start) < 6 else 0)
        self.walk(node, state, boxes, href)
        self.lines.break_block()
        self._ordinals.pop()

    def _list_item(self, node: LexborNode, state: State, boxes: tuple[int, ...], href: str | None) -> None:
        if self._ordinals:
            self._ordinals[-1] += 1
        self.lines.ordinal = f"{self._ordinals[-1]}." if self._ordinals and state.ordered else "•"
        self.walk(node, state, boxes, href)
        self.lines.break_block()
        self.lines.ordinal = ""

    def _image(self, node: LexborNode, state: State, boxes: tuple[int, ...], href: str | None) -> None:
        attributes = node.attributes
        declared = self.sheet.declarations("img", attributes.get("class"), None, attributes.get("style"))
        src = (attributes.get("src") or "").strip()
        width = _pixels(attributes.get("width")) or (int(declared.width) if declared.width else None)
        height = _pixels(attributes.get("height")) or (int(declared.height) if declared.height else None)
        tiny = (width is not None and width <= 3) or (height is not None and height <= 3)
        if not src or tiny or declared.hidden:
            return
        alt = " ".join((attributes.get("alt") or "").split())
        self.lines.add_image(Image(src, alt, width, height, href), state, boxes)


def _inherit(state: State, tag: str, attributes: dict[str, str | None], sheet: Sheet) -> State:
    """The state inside an element."""
    inner = state.copy()
    declared = sheet.declarations(tag, attributes.get("class"), attributes.get("id"), attributes.get("style"))
    inner.hidden = declared.hidden or "hidden" in attributes
    inner.is_block = tag in BLOCKS or declared.display in BLOCK_DISPLAYS
    inner.is_spaced = tag in SPACED
    if inner.is_block or tag != "font":
        inner.path = f"{state.path}>{tag}"
    _set_by_tag(inner, tag, attributes)
    if declared is not NOTHING:
        _set_by_style(inner, declared, state.size if tag in HEADINGS else inner.size)
    if tag in LISTS:
        inner.list_depth += 1
        inner.ordered = tag == "ol"
    elif tag == "li":
        inner.kind, inner.level = "item", max(1, inner.list_depth)
    return inner


def _set_by_tag(inner: State, tag: str, attributes: dict[str, str | None]) -> None:
    """What the element is, and what its attributes of HTML 3.2 say."""
    if tag in BOLD:
        inner.bold = True
    elif tag in ITALIC:
        inner.italic = True
    elif tag in CODE:
        inner.code = True
    elif tag == "font":
        inner.size = _font_size(attributes.get("size"), inner.size)
        inner.colour = attributes.get("color") or inner.colour
    elif tag in HEADINGS:
        inner.kind, inner.bold = "heading", True
        inner.level, inner.size = HEADINGS[tag]
    elif tag == "pre":
        inner.kind, inner.preformatted = "code", True
    elif tag == "blockquote":
        inner.kind = "quote"
    elif tag in ("small", "sub", "sup"):
        inner.size *= 0.83
    elif tag == "big":
        inner.size *= 1.2
    elif tag == "center":
        inner.align = "center"
    if (align := attributes.get("align")) and tag not in ("table", "img"):
        inner.align = align.lower()
    if background := attributes.get("bgcolor"):
        inner.background = background.lower()


def _set_by_style(inner: State, declared: Declarations, size: float) -> None:
    """What the element's style says; `size` is what a relative size multiplies."""
    if declared.size is not None:
        inner.size = declared.size
    elif declared.scale is not None:
        inner.size = size * declared.scale
    if declared.bold is not None:
        inner.bold = declared.bold
    if declared.italic is not None:
        inner.italic = declared.italic
    if declared.colour is not None:
        inner.colour = declared.colour
    if declared.background:
        inner.background = declared.background
    if declared.align is not None:
        inner.align = declared.align
    inner.preformatted = inner.preformatted or declared.preformatted
    inner.upper = inner.upper or declared.upper


def _font_size(size: str | None, inherited: float) -> float:
    """What `<font size>` comes to, in pixels: absolute steps 1-7, or relative to step 3."""
    if not size:
        return inherited
    text = size.strip()
    digits = text.lstrip("+-")
    if not digits.isdigit() or len(digits) > 3:
        return inherited
    step = int(digits)
    if text[0] == "+":
        step += 3
    elif text[0] == "-":
        step = 3 - step
    return FONT_STEPS[max(1, min(7, step))]


def _pixels(value: str | None) -> int | None:
    """A width or height attribute in pixels; None where it is absent or relative."""
    if not value:
        return None
    number = value.strip().removesuffix("px")
    return int(number) if number.isdigit() and len(number) < 6 else None


def _squeeze(text: str) -> str:
    return " ".join(visible(text).split())
