"""What each line of a mail looks like: how much of it is linked or bold, how large it is, what kind of link it holds.

These are the observations; what they are taken to mean is decided in `outline` and `units`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from feedsvc.enrich import TitleParts, split_title
from feedsvc.model import Block, Document, Role
from feedsvc.split.linkbook import LinkBook
from feedsvc.split.phrases import says
from feedsvc.split.words import count_words, count_words_of_line, fold, has_letters, has_three_letters, without_noise

# A line is emphasised where at least this share of its characters is bold or linked.
WHOLE = 0.85
# A line is larger than the body text from this ratio on.
LARGER = 1.12
MAX_HEAD_CHARS = 250
MAX_HEAD_WORDS = 42
MAX_CTA_WORDS = 9
MAX_HOUSEKEEPING_WORDS = 60
# Purposes of links that are never what an item is about.
HOUSEKEEPING = frozenset(
    {
        "unsubscribe",
        "preferences",
        "referral",
        "web-version",
        "share",
        "advertise",
        "legal",
        "app-store",
        "subscribe",
        "social",
    }
)

DOMAIN = re.compile(r"^(?:https?://)?(?:[\w-]+\.)+[a-z]{2,}(?:/\S*)?$", re.I)
ADDRESS = re.compile(r"^(?:https?://|www\.)\S+$", re.I)
COUNTS = re.compile(
    r"^[\d.,]+\s?[kKmM]?\+?\s+(?:likes?|stars?|points?|comments?|upvotes?|views?|downloads?|shares?|votes?|claps?|retweets?|reactions?)\b.{0,30}$",
    re.I,
)
BYLINE = re.compile(r"^(?:by|von|par|por|di|via|—|–|--|-)\s+\S+(?:\s+\S+){0,6}$", re.I)
MESSAGE_FIELD = re.compile(
    r"^(?:Date|From|Authors?|Categories|Comments|Keywords): \S.{0,200}$"
)  # of a message in a digest of messages
MAX_BYLINE_WORDS = 7
# A linked lead that is a title on the line of its text: "Title — what it is about".
TITLE_END = re.compile(r"^\s*(?:[–—:|]|-{1,2}\s|\(|[.!?…](?:\s|$))")
ENDS_CLOSED = re.compile(r"[:.!?…]\s*$")
MIN_OPENING_WORDS = 2
MIN_OPENED_WORDS = 5
SALUTATION = re.compile(
    r"^(?:dear|hi|hey|hello|good (?:morning|afternoon|evening)|happy \w+|gm|liebe\w*|hallo|guten \w+|moin|bonjour|ch[eè]r\S*"
    r"|salut|hola|querid\w+|ciao)\b.{0,60}[,!.:]$",
    re.I,
)
MAX_CALLED_WORDS = 4  # of a line that ends in a comma and so calls the reader by some name
# A line of short links parted by signs, not by words: "Home | Archive | About".
BAR_SEPARATOR = re.compile(r"[\s|·•–—/\\,&+-]*$")
FINE_PRINT = 0.8  # of the body's size: captions, credits, counts
MAX_FINE_PRINT_WORDS = 16
PARENTHESIS_BEHIND = re.compile(r"^\s*\([^()]{1,60}\)\s*$")
AUTHOR_BEHIND = re.compile(r"^,?\s+(?:by|von|par|por|di)\s+[^\W\d_][\w.'’-]*(?:\s+[\w.'’&-]+){0,4}$")
LAST_PART = re.compile(r"^.{0,80}\s[|·•—–]\s+([^|·•—–]{4,40})$")
MIN_CAPS = 4
MIN_CAPS_CHARS = 6
BUTTON_WORDS = frozenset({"link", "more", "source", "read", "mehr", "lire", "leer", "leggi"})
BANNER_HEIGHT_PX = 50
BANNER_RATIO = 3
MAX_BANNER_WORDS = 6
BANNER_PROMINENCE = 1.3
ICON_PX = 64
MIN_SENTENCE_WORDS = 5
MOSTLY_QUOTED = 0.5  # of the text
POINTS_ON = re.compile(r"^\s*(?:[→»›▸▶➔➜⟶]|>(?!>)|->)|(?:[→»›▸➔➜⟶]|>|->)\s*$")
MIN_BAR_LINKS = 2
MAX_BAR_WORDS = 4
MAX_BETWEEN_CHARS = 3  # "in", "by", "for", a sign


@lru_cache(maxsize=1024)
def title_parts(text: str) -> TitleParts:
    """split_title, remembered: several steps ask the same of a line."""
    return split_title(text)


@dataclass(slots=True)
class Line:
    """One block with what was observed of it; `role`, `reason` and `item` are filled in by the later steps."""

    index: int
    block: Block
    text: str
    plain: str  # the text from its first letter or digit on
    words: int
    size: float
    bold: float
    linked: float
    href: str | None
    hrefs: tuple[str, ...]
    bold_lead: int
    linked_lead: bool
    caps: bool
    is_head: bool = False
    is_cta: bool = False
    is_meta: bool = False
    is_empty: bool = False  # of a head: neither text nor a button stands under it
    marker: bool = False
    opens: bool = False  # begins with a linked title that a sign parts from its text
    points_on: bool = False  # a link that begins or ends with an arrow: a call to action where text stands above it
    signature: tuple[object, ...] = ()
    prominence: float = 0.0
    role: Role = "unused"
    reason: str = ""
    item: int | None = None
    keys: tuple[str, ...] = ()
    _folded: str | None = None

    @property
    def folded(self) -> str:
        """The text as `fold` has it, made once: several steps compare lines by it."""
        if self._folded is None:
            self._folded = fold(self.text)
        return self._folded

    @property
    def is_furniture(self) -> bool:
        """Whether the line was recognised as no content."""
        return self.role in ("furniture", "preheader")

    @property
    def is_text(self) -> bool:
        """Whether the line is running text that belongs to whatever stands above it."""
        return not (self.is_head or self.is_furniture or self.block.kind in ("rule", "image"))


def read_lines(document: Document, book: LinkBook) -> list[Line]:
    """The document's blocks as lines with their looks, in order."""
    body = body_size(document)
    lines = [_observe(index, block, book) for index, block in enumerate(_unquoted(document.blocks))]
    for line in lines:
        _name_furniture(line, book)
        if not line.is_furniture:
            _name_looks(line, body)
    return lines


def _unquoted(blocks: Sequence[Block]) -> Sequence[Block]:
    """The blocks, as paragraphs where most of the text stands in quotations: then those only set it in from the margin."""
    quoted = sum(len(block.text) for block in blocks if block.kind == "quote" and not block.level)
    if not quoted or quoted <= MOSTLY_QUOTED * sum(len(block.text) for block in blocks):
        return blocks
    return [
        block._replace(kind="paragraph") if block.kind == "quote" and not block.level else block for block in blocks
    ]


def body_size(document: Document) -> float:
    """The size in which most characters of the document are set, in pixels."""
    exact: dict[float, int] = {}
    for block in document.blocks:
        for span in block.spans:
            exact[span.size] = exact.get(span.size, 0) + len(span.text)
    sizes: Counter[float] = Counter()
    for size, count in exact.items():
        sizes[round(size, 1)] += count
    return sizes.most_common(1)[0][0] if sizes else 16.0


def _observe(index: int, block: Block, book: LinkBook) -> Line:
    text = block.text
    total = bold = linked = 0
    lead = 0
    leading = True
    lettered = False  # whether a span with letters was met
    lead_href: str | None = None  # the link of the first such span
    by_href: dict[str, int] = {}
    size = 0.0
    for span in block.spans:
        visible = len(span.text.strip())
        if visible:
            total += visible
            size = max(size, span.size)
            if span.bold:
                bold += visible
                if leading:
                    lead += len(span.text)
            if (not lettered or (leading and not span.bold)) and has_letters(span.text):
                if not lettered:
                    lettered, lead_href = True, span.href
                leading = leading and span.bold
        if span.href and book.is_outside(span.href):
            linked += visible
            by_href[span.href] = by_href.get(span.href, 0) + visible
    hrefs = list(by_href)
    for image in block.images:
        if image.href and image.href not in hrefs and book.is_outside(image.href):
            hrefs.append(image.href)
    if 0 < bold < total and PARENTHESIS_BEHIND.match(text[lead:]):
        bold = total  # a bold title with a remark in parentheses behind it
    if 0 < linked < total and lead_href in by_href and len(by_href) == 1 and block.kind == "paragraph":
        titled = "".join(s.text for s in block.spans if s.href == lead_href).strip()
        if AUTHOR_BEHIND.match(text.lstrip()[len(titled) :]):
            linked = total  # a linked title with its author behind it
    return Line(
        index=index,
        block=block,
        text=text,
        plain=without_noise(text),
        words=count_words_of_line(text),
        size=size or 16.0,
        bold=bold / total if total else 0.0,
        linked=linked / total if total else 0.0,
        href=max(by_href, key=lambda h: by_href[h]) if len(by_href) > 1 else (hrefs[0] if hrefs else None),
        hrefs=tuple(hrefs),
        bold_lead=lead,
        linked_lead=lead_href is not None and lead_href in by_href,
        caps=len(text) >= MIN_CAPS and text.isupper(),
        keys=tuple(dict.fromkeys([book.look(h).key for h in hrefs])) if hrefs else (),
    )


def _name_furniture(line: Line, book: LinkBook) -> None:
    """Mark lines that are housekeeping whatever stands around them."""
    block = line.block
    if block.kind == "rule":
        line.role, line.reason = "furniture", "a rule"
        return
    if block.kind == "image":
        image = block.images[0]
        if line.href and book.purpose(line.href, image.alt) in HOUSEKEEPING:
            line.role, line.reason = "furniture", "an image that links to housekeeping"
        elif all(side is not None and side <= ICON_PX for side in (image.width, image.height)) or says(
            "share_line", image.alt
        ):
            line.role, line.reason = "furniture", "an icon"
        return
    if not has_letters(line.text) and not any(c.isdigit() for c in line.text):
        line.role, line.reason = "furniture", "no words"
        return
    if len(line.text) <= MAX_HEAD_CHARS and line.hrefs and _is_marked(line.text):
        return  # a title with its read time, label or sponsor mark, whatever else it says
    if line.words > MAX_HOUSEKEEPING_WORDS:
        return
    last = LAST_PART.search(line.plain)  # of "March 11, 2024 | Read online"
    if says("furniture", line.plain) or says("share_line", line.plain) or (last and says("furniture", last[1])):
        line.role, line.reason = "furniture", "a phrase of housekeeping"
        return
    purposes = [
        book.purpose(span.href, span.text.strip())
        for span in block.spans
        if span.href and book.is_outside(span.href) and span.text.strip()
    ]
    if purposes:
        kept = [p for p in purposes if p in HOUSEKEEPING]
        strong = [p for p in kept if p in ("unsubscribe", "preferences", "web-version")]
        few = line.linked >= 0.5 or line.words <= 12 or kept.count("legal") >= MIN_BAR_LINKS
        if strong or (len(kept) == len(purposes) and few):
            line.role, line.reason = "furniture", f"links to {strong[0] if strong else kept[0]}"
            return
        if _is_bar(line, book):
            line.role, line.reason = "furniture", "a bar of links"
            return
        nav = len(kept) >= 2 and len(kept) >= 0.5 * len(purposes) and line.linked >= 0.6
        if nav:
            line.role, line.reason = "furniture", "a bar of housekeeping links"


def _opens(line: Line) -> bool:
    """Whether the line begins with a linked title, or with bold words, that a sign parts from the text behind them."""
    # In HTML the items of a list are judged as a list (units.py); in plain text an asterisk may stand before anything.
    if not line.hrefs or not (line.block.kind == "paragraph" or (line.block.kind == "item" and not line.block.tags)):
        return False
    lead = opening_words(line)
    rest = line.text[len(lead) :]
    closed = bool(TITLE_END.match(rest) or ENDS_CLOSED.search(lead))
    return closed and count_words(lead) >= MIN_OPENING_WORDS and count_words(rest) >= MIN_OPENED_WORDS


def opening_words(line: Line) -> str:
    """The words that a line begins with in bold or as one link; none where it begins in plain text."""
    lead = ""
    href: str | None = None
    bold = line.bold_lead > 0
    for span in line.block.spans:
        if (
            (bold and span.bold)
            or (not bold and span.href and href in (None, span.href))
            or not (has_letters(span.text) or has_letters(lead))
        ):
            lead += span.text
            href = span.href or href
        else:
            break
    return lead if has_letters(lead) else ""


def _runs_on(line: Line) -> bool:
    """Whether emphasised words are a sentence, or lead on to what follows, rather than stand for themselves."""
    text = line.text.rstrip(" *_")
    return text.endswith(":") or (line.words >= MIN_SENTENCE_WORDS and text.endswith((".", ",", ";")))


def _is_bar(line: Line, book: LinkBook) -> bool:
    """Whether the line holds nothing but short links with signs between them."""
    links: list[tuple[str, str]] = []
    for span in line.block.spans:
        if span.href and book.is_outside(span.href):
            if links and links[-1][0] == span.href:
                links[-1] = (span.href, links[-1][1] + span.text)
            else:
                links.append((span.href, span.text))
        elif not BAR_SEPARATOR.match(span.text):
            return False
    distinct = {book.look(href).key for href, _ in links}
    if len(distinct) < MIN_BAR_LINKS or any(count_words(text) > MAX_BAR_WORDS for _, text in links):
        return False
    signs = "".join(span.text for span in line.block.spans if not span.href)
    return len(distinct) > MIN_BAR_LINKS or any(sign in signs for sign in "|·•–—/")


def _name_banner(line: Line) -> None:
    """A low, wide picture with a few words as its alternative text, and no link, is a heading that was drawn."""
    image = line.block.images[0]
    low = image.height is not None and image.height <= BANNER_HEIGHT_PX
    if (
        not line.hrefs
        and low
        and (image.width or 0) >= BANNER_RATIO * (image.height or 1)
        and 1 <= (words := count_words(image.alt)) <= MAX_BANNER_WORDS
    ):
        line.is_head, line.text, line.plain, line.words = True, image.alt, without_noise(image.alt), words
        line.signature, line.prominence = ("banner", round(image.height or 0)), BANNER_PROMINENCE


def _is_marked(text: str) -> bool:
    """Whether a title carries a marker: a read time, a label, a sponsor mark."""
    parts = title_parts(text)
    return bool(parts.title) and (parts.read_minutes is not None or parts.label is not None or parts.sponsor)


def _name_looks(line: Line, body: float) -> None:
    """Say whether the line is a head, a call to action or a meta line, and in which style it is set."""
    text, block = line.text, line.block
    if block.kind == "image":
        _name_banner(line)
    if block.kind in ("rule", "image", "code"):
        return
    worded = has_three_letters(text[:60])
    domain_only = "." in text and DOMAIN.match(line.plain)
    byline = line.words <= MAX_BYLINE_WORDS and block.kind != "item" and BYLINE.match(text)
    fine = (
        line.size <= FINE_PRINT * body and line.words <= MAX_FINE_PRINT_WORDS and not line.hrefs and line.bold < WHOLE
    )
    if domain_only or not worded or fine or byline or COUNTS.match(text) or MESSAGE_FIELD.match(text):
        line.is_meta = True
        return
    called = line.words <= MAX_CALLED_WORDS and text.endswith(",") and block.kind == "paragraph"
    if line.words <= 8 and not line.hrefs and (called or SALUTATION.match(text)):
        line.reason = "a salutation"
        return
    parts = title_parts(text) if len(text) <= MAX_HEAD_CHARS else None
    line.marker = parts is not None and (parts.read_minutes is not None or parts.label is not None or parts.sponsor)
    if parts is not None and not parts.title:
        line.is_meta = True  # a read time or a mark that stands alone
        return
    whole_linked = line.linked >= WHOLE and line.href is not None
    line.opens = not whole_linked and _opens(line)
    if line.opens and line.linked_lead and line.bold < WHOLE and block.kind != "heading":
        return  # a title with its text on one line, however large they are set
    if (
        whole_linked
        and line.words <= MAX_CTA_WORDS
        and not line.marker
        and says("call_to_action", line.plain.rstrip(" →»>›.!:…⟶➔➜"))
    ):
        line.is_cta = True
        _name_style(line, body, whole_linked=True)
        return
    if len(text) > MAX_HEAD_CHARS or line.words > MAX_HEAD_WORDS or block.kind == "quote":
        return
    larger = line.size >= LARGER * body
    emphasised = (
        block.kind == "heading"
        or whole_linked
        or line.bold >= WHOLE
        or larger
        or (line.caps and (line.words >= 2 or len(text) >= MIN_CAPS_CHARS))
    )
    if block.kind == "item" and not whole_linked:
        emphasised = False
    if not emphasised or (not whole_linked and block.kind != "heading" and not larger and _runs_on(line)):
        return
    if whole_linked and block.kind != "heading" and _names_only(line):
        line.is_meta = True
        return
    if whole_linked and any(ADDRESS.match(s.text.strip()) for s in block.spans if s.href):
        return  # an address that shows itself
    line.is_head = True
    line.points_on = whole_linked and POINTS_ON.search(text) is not None and line.words <= MAX_CTA_WORDS
    _name_style(line, body, whole_linked=whole_linked)


def _name_style(line: Line, body: float, *, whole_linked: bool) -> None:
    """Note in which style a line is set, and how far that sets it off from the text."""
    block = line.block
    heading = (7 - block.level) if block.kind == "heading" else 0
    line.signature = (
        block.kind,
        block.level,
        round(line.size),
        line.bold >= WHOLE,
        whole_linked,
        line.caps,
        line.marker,
    )
    line.prominence = (
        line.size / body
        + (0.12 if line.bold >= WHOLE else 0.0)
        + (0.02 * heading)
        + (0.05 if line.caps and not whole_linked else 0.0)
    )


def _names_only(line: Line) -> bool:
    """Whether a line is two or more short links with a word or a sign between, such as an author's and a journal's name."""
    links = [s for s in line.block.spans if s.href in line.hrefs and has_letters(s.text)]
    between = [s.text.strip() for s in line.block.spans if not s.href and s.text.strip()]
    return (
        len({line.block.spans.index(s) for s in links}) >= MIN_BAR_LINKS
        and len(set(line.keys)) == len(links) == len(between) + 1
        and all(count_words(s.text) <= MAX_BAR_WORDS for s in links)
        and all(len(words) <= MAX_BETWEEN_CHARS for words in between)
    )


def inner_button(line: Line) -> str | None:
    """The link in running text whose words are those of a button ("Read the full story.", "Link"), where it ends the line."""
    if not line.is_text or line.words < MIN_OPENED_WORDS:
        return None
    linked = [s for s in line.block.spans if s.href in line.hrefs and s.text.strip()]
    if not linked:
        return None
    shown = linked[-1].text.strip()
    behind = line.text[line.text.rfind(shown) + len(shown) :]
    words = shown.strip(" →»>›.!()[]")
    if " " not in words and words.casefold() not in BUTTON_WORDS:
        return None  # "here" ends many a sentence
    if any(c.isalnum() for c in behind) or not says("call_to_action", words) or says("furniture", words):
        return None
    return linked[-1].href
