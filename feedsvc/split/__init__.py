"""Documents to items: the parts of an issue, found by layout evidence (explained in weights.py). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from feedsvc.model import Document, Reading
from feedsvc.split.features import Line, LinkBook, read_lines
from feedsvc.split.items import Item, make_item
from feedsvc.split.nature import is_message
from feedsvc.split.outline import AFTER_HOUSEKEEPING, Outline, read_outline
from feedsvc.split.pair import direct_links
from feedsvc.split.verdict import settle

__all__ = ["Item", "LinkBook", "Split", "choose", "direct_links", "split", "web_link"]


MIN_ITEMS = 3  # of a part that is a digest for sure


@dataclass(frozen=True, slots=True)
class Split:
    """What one document falls into. `items` is empty where it is one text."""

    document: Document
    items: tuple[Item, ...]
    web_links: tuple[str, ...]
    readings: tuple[Reading, ...]
    text: str
    is_message: bool
    content_keys: frozenset[str]
    assigned_keys: frozenset[str]


def split(document: Document, *, subject: str, names: Sequence[str], book: LinkBook, bulk: bool) -> Split:
    """Take a document apart.

    `names` are what the newsletter calls itself, `book` knows where the message's links lead, `bulk` says whether its headers mark it as sent
    to many.
    """
    lines = read_lines(document, book)
    outline = read_outline(lines, subject, (*names, document.title), book)
    drafts = settle(outline, lines, subject)
    if message := is_message(subject, lines, [d.first.text for d in drafts], book, bulk=bulk):
        drafts = []
    items = tuple(make_item(draft, book) for draft in drafts)
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
        document, items, _web_links(lines, outline, book), readings, _whole_text(lines), message, content, assigned
    )


def _web_links(lines: Sequence[Line], outline: Outline, book: LinkBook) -> tuple[str, ...]:
    """Addresses under which the issue can be read on the web, as they stand in the message: its title's, then what says so."""
    found = [outline.issue_title.href] if outline.issue_title is not None and outline.issue_title.href else []
    found += [
        span.href
        for line in lines
        for span in line.block.spans
        if span.href and book.is_outside(span.href) and book.purpose(span.href, span.text.strip()) == "web-version"
    ]
    return tuple(dict.fromkeys(found))


def web_link(parts: Sequence[Split], named: str | None, book: LinkBook) -> str | None:
    """The best address of the issue on the web: an open one before a click-tracker, `named` (by a header) before none."""
    found = [href for part in parts for href in part.web_links] + ([named] if named else [])
    usable = [href for href in found if book.is_outside(href)]
    open_ones = [
        h
        for h in usable
        if book.look(h).target.state == "canonical" and not book.look(h).personal and "/app-link/" not in h
    ]
    return next(iter(open_ones), next(iter(usable), None))


def _whole_text(lines: Sequence[Line]) -> str:
    """The document's text without housekeeping, one line a block; all of it where nothing else is left."""
    kept = [line.text for line in lines if line.text and not line.is_furniture and not line.is_cta]
    return "\n".join(kept or [line.text for line in lines if line.text])


def choose(parts: Sequence[Split]) -> Split:
    """The part of a message (the HTML comes first) to go by: the HTML, unless nothing but the text falls into items."""
    best = parts[0]
    if any(part.is_message for part in parts):
        return next((p for p in parts if p.is_message and p.text.strip()), best)
    for part in parts[1:]:
        few = len(best.items) < MIN_ITEMS <= len(part.items) or 2 * len(best.items) < len(part.items)
        if few or (not best.text.strip() and part.text.strip()):
            best = part
    return best
