"""Takes the parts of a message apart, the HTML and the text together, and says by which of them the issue goes.

The HTML is better: it has layout, and titles in their own letter case. The text lends it the direct addresses that the HTML hides behind
click-trackers, and stands in for it where the HTML does not fall into items.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from feedsvc.document import read_text
from feedsvc.model import Block, Document, LinkCount, Reading, Rule
from feedsvc.split.corrections import correct
from feedsvc.split.drafts import Draft
from feedsvc.split.features import Line, read_lines
from feedsvc.split.items import Item, make_items
from feedsvc.split.linkbook import LinkBook
from feedsvc.split.naming import name_items
from feedsvc.split.nature import is_message
from feedsvc.split.outline import AFTER_HOUSEKEEPING, Outline, read_outline
from feedsvc.split.pair import direct_links, shown_links
from feedsvc.split.phrases import says
from feedsvc.split.placed import BARE, name_bare_heads, name_spaced_heads
from feedsvc.split.rules import NO_RULE
from feedsvc.split.verdict import settle

MIN_ITEMS = 3  # of a part that is a digest for sure
MIN_MARK_WORDS = 5
MAX_TEASER_WORDS = 160  # of a mail whose one button leads to what it is about
ENDS = 12  # blocks at either end of a part, where the link to the web version stands


@dataclass(frozen=True, slots=True)
class Split:
    """What one part of a message falls into. `items` is empty where it is one text; `web_links` are in order of preference."""

    document: Document
    items: tuple[Item, ...]
    web_links: tuple[str, ...]
    readings: tuple[Reading, ...]
    text: str
    is_message: bool
    content_keys: frozenset[str]
    assigned_keys: frozenset[str]
    button: str | None  # the first button of a text so short that it only announces what is elsewhere
    fingerprints: frozenset[str]  # of its lines that are no furniture by themselves

    @property
    def links(self) -> LinkCount:
        """How many of the links that are not housekeeping an article carries; one text carries all."""
        carried = self.content_keys & self.assigned_keys if self.items else self.content_keys
        return LinkCount(len(self.content_keys), len(carried))


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of a message beside its parts: `names` are what the newsletter calls itself, `bulk` says what the headers say."""

    subject: str
    names: tuple[str, ...]
    bulk: bool
    book: LinkBook
    repeated: frozenset[str] = frozenset()  # fingerprints of blocks that stand in every issue
    rule: Rule = NO_RULE
    key: str = ""  # the message's


def split_message(html: Document | None, plain: str | None, context: Context) -> Split:
    """Take a message apart: its HTML as blocks, its plain text as it stands. At least one of them is there.

    The text is read only where it can help: the HTML hides links behind click-trackers, or does not fall into items.
    What the person mended is applied last, so that it does not change which part the issue goes by.
    """
    part = _better_part(html, plain, context)
    items = name_items(part.items, context.key)
    items, readings = correct(items, part.readings, context.rule.corrections, context.book)
    assigned = part.assigned_keys
    if context.rule.corrections:
        assigned = frozenset(_keys((r.block for r in readings if r.article is not None), context.book))
    return replace(part, items=items, readings=readings, assigned_keys=assigned)


def _better_part(html: Document | None, plain: str | None, context: Context) -> Split:
    if html is None:
        return split(read_text(plain or ""), context)
    book = context.book
    book.learn(shown_links(html, book))
    if plain is None:
        return split(html, context)
    text: Document | None = None
    if any(book.look(s.href).target.state == "tracked" for b in html.blocks for s in b.spans if s.href):
        text = read_text(plain)
        book.learn(direct_links(html, text, book))
    first = split(html, context)
    sound = first.is_message or (len(first.items) >= MIN_ITEMS and len(first.content_keys) > len(first.items) / 3)
    if sound and first.text.strip():
        return _with_links(first, _links_at_ends(text.blocks, book)) if text is not None else first
    second = split(text if text is not None else read_text(plain), context)
    richer = len(second.items) >= MIN_ITEMS and not first.items
    if (richer or not first.text.strip()) and second.text.strip() and not first.is_message:
        return _with_links(second, first.web_links)
    return _with_links(first, second.web_links)


def _keys(blocks: Iterable[Block], book: LinkBook) -> Iterator[str]:
    """The keys of the links in these blocks that lead to a page."""
    for block in blocks:
        hrefs = (*(span.href for span in block.spans), *(image.href for image in block.images))
        yield from (book.look(href).key for href in hrefs if href is not None and book.is_outside(href))


def _with_links(part: Split, more: Sequence[str]) -> Split:
    return replace(part, web_links=tuple(dict.fromkeys((*part.web_links, *more))))


def _links_at_ends(blocks: Sequence[Block], book: LinkBook) -> list[str]:
    """Links to the web version in the first and the last lines of a part that is not taken apart."""
    near = blocks if len(blocks) <= 2 * ENDS else (*blocks[:ENDS], *blocks[-ENDS:])
    return _web_version(near, book)


def split(document: Document, context: Context) -> Split:
    """Take one part apart."""
    book, subject = context.book, context.subject
    lines = read_lines(document, book)
    marks = frozenset(mark for line in lines if (mark := _fingerprint(line)))
    _drop_repeated(lines, context.repeated)
    outline = read_outline(lines, subject, (*context.names, document.title), book)
    drafts = settle(outline, lines, subject)
    if (
        len(drafts) < MIN_ITEMS
        and document.source == "text"
        and (found := _by_bare_heads(document, context)) is not None
    ):
        lines, outline, drafts = found
    drafts = [d for d in drafts if not _says(context.rule.not_article, d)]
    for draft in drafts:
        if draft.announced is None and _says(context.rule.sponsor, draft):
            draft.announced = context.rule.reason
    if context.rule.whole:
        drafts = []
    if message := not context.rule.whole and is_message(
        subject, lines, [d.first.text for d in drafts], book, bulk=context.bulk
    ):
        drafts = []
    items = make_items(drafts, book)
    number = {item.lines[0]: n for n, item in enumerate(items)}
    readings = tuple(
        Reading(line.block, line.role, number.get(line.item) if line.item is not None else None, line.reason)
        for line in lines
    )
    telling = [line for line in lines if not line.is_furniture and line.reason != AFTER_HOUSEKEEPING]
    content = frozenset(key for line in telling for key in line.keys if key)
    assigned = frozenset(
        key for line in lines if line.item is not None and number.get(line.item) is not None for key in line.keys
    )
    return Split(
        document,
        items,
        _web_links(lines, outline, book),
        readings,
        _whole_text(lines),
        message,
        content,
        assigned,
        _button(lines, book),
        marks,
    )


def _by_bare_heads(document: Document, context: Context) -> tuple[list[Line], Outline, list[Draft]] | None:
    """A plain text read once more, with heads that only their place tells (placed.py); None where they are no stories."""
    for name in (name_bare_heads, name_spaced_heads):
        lines = read_lines(document, context.book)
        _drop_repeated(lines, context.repeated)
        if not name(lines):
            continue
        outline = read_outline(lines, context.subject, (*context.names, document.title), context.book)
        drafts = settle(outline, lines, context.subject)
        if sum(draft.first.signature == BARE for draft in drafts) >= MIN_ITEMS:
            return lines, outline, drafts
    return None


def _fingerprint(line: Line) -> str:
    """What tells a line from others, in eight bytes; empty for a line that says too little.

    The name of a section or a column stands in every issue by right: a head counts only together with its link.
    """
    if (
        line.is_furniture
        or line.words < (MIN_MARK_WORDS if not line.is_head else 1)
        or (line.is_head and not line.href)
    ):
        return ""
    where = line.href.partition("?")[0] if line.is_head and line.href else ""
    return hashlib.blake2b(f"{line.folded} {where}".encode(), digest_size=8).hexdigest()


def _drop_repeated(lines: Sequence[Line], repeated: frozenset[str]) -> None:
    """Mark what stands in every issue of the newsletter as furniture."""
    for line in lines if repeated else ():
        if _fingerprint(line) in repeated:
            line.is_head, line.role, line.reason = False, "furniture", "stands in every issue"


def _says(patterns: Sequence[str], draft: Draft) -> bool:
    return any(re.search(pattern, draft.first.text, re.IGNORECASE) for pattern in patterns)


def _web_links(lines: Sequence[Line], outline: Outline, book: LinkBook) -> tuple[str, ...]:
    """Addresses under which the issue can be read on the web, as they stand in the message: its title's, then what says so."""
    found = [outline.issue_title.href] if outline.issue_title is not None and outline.issue_title.href else []
    found += _web_version(tuple(line.block for line in lines), book)
    return tuple(dict.fromkeys(found))


def _web_version(blocks: Sequence[Block], book: LinkBook) -> list[str]:
    """The links that say of themselves, or of which their line says, that they lead to the issue on the web."""
    found: list[str] = []
    for block in blocks:
        linked = [(span.href, span.text.strip()) for span in block.spans if span.href and book.is_outside(span.href)]
        if linked:
            named = says("web_version", block.text)
            found += [href for href, words in linked if named or book.purpose(href, words) == "web-version"]
    return found


def web_link(part: Split, named: str | None, book: LinkBook) -> str | None:
    """The best address of the issue on the web: an open one before a click-tracker, `named` (by a header) before none."""
    found = [*part.web_links, *([named] if named else [])]
    usable = [href for href in found if book.is_outside(href)]
    open_ones = [
        h
        for h in usable
        if book.look(h).target.state == "canonical" and not book.look(h).personal and "/app-link/" not in h
    ]
    return next(iter(open_ones), next(iter(usable), None))


def _button(lines: Sequence[Line], book: LinkBook) -> str | None:
    """The first button of a mail of few words, as it stands."""
    if sum(line.words for line in lines if not line.is_furniture) > MAX_TEASER_WORDS:
        return None
    buttons = (line.href for line in lines if line.is_cta and not line.is_furniture and line.href)
    if (found := next((href for href in buttons if not book.look(href).personal), None)) is not None:
        return found
    telling = [line for line in lines if not line.is_furniture and line.reason != AFTER_HOUSEKEEPING]
    links = {key: href for line in telling for key, href in zip(line.keys, line.hrefs, strict=False)}
    return next(iter(links.values())) if len(links) == 1 and not book.look(*links.values()).personal else None


def _whole_text(lines: Sequence[Line]) -> str:
    """The document's text without housekeeping, one line a block; all of it where nothing else is left."""
    kept = [line.text for line in lines if line.text and not line.is_furniture and not line.is_cta]
    return "\n".join(kept or [line.text for line in lines if line.text])
