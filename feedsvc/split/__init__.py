"""Documents to items: the parts of an issue, found by layout evidence (explained in weights.py). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from feedsvc.model import Document, Reading
from feedsvc.split.features import Line, LinkBook, read_lines
from feedsvc.split.items import Item, make_item
from feedsvc.split.nature import is_message
from feedsvc.split.outline import Outline, read_outline
from feedsvc.split.pair import direct_links
from feedsvc.split.verdict import settle

__all__ = ["Item", "LinkBook", "Split", "choose", "direct_links", "split"]


@dataclass(frozen=True, slots=True)
class Split:
    """What one document falls into. `items` is empty where it is one text."""

    document: Document
    items: tuple[Item, ...]
    web_link: str | None
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
    web_link = _web_link(lines, book)
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
    content = frozenset(key for line in lines if not line.is_furniture for key in line.keys if key)
    assigned = frozenset(
        key for line in lines if line.item is not None and number.get(line.item) is not None for key in line.keys
    )
    return Split(
        document, items, web_link or _title_link(outline), readings, _whole_text(lines), message, content, assigned
    )


def _web_link(lines: Sequence[Line], book: LinkBook) -> str | None:
    """The address under which the issue can be read on the web, as it stands in the message."""
    for line in lines:
        for span in line.block.spans:
            if span.href and book.is_outside(span.href) and book.purpose(span.href, span.text.strip()) == "web-version":
                return span.href
    return None


def _title_link(outline: Outline) -> str | None:
    return outline.issue_title.href if outline.issue_title is not None else None


def _whole_text(lines: Sequence[Line]) -> str:
    """The document's text without housekeeping, one line a block; all of it where nothing else is left."""
    kept = [line.text for line in lines if line.text and not line.is_furniture and not line.is_cta]
    return "\n".join(kept or [line.text for line in lines if line.text])


def choose(parts: Sequence[Split]) -> Split:
    """The part of a message (the HTML comes first) that yields more: the one with more items, the HTML where they tell as much."""
    best = parts[0]
    if any(part.is_message for part in parts):
        return next((p for p in parts if p.is_message and p.text.strip()), best)
    for part in parts[1:]:
        if len(part.items) > len(best.items) * 1.25 or (not best.text.strip() and part.text.strip()):
            best = part
    return best
