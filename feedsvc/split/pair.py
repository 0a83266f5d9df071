"""Reads the two parts of a message together: where the HTML holds only opaque click-trackers, the text often has the direct addresses.

Both parts are made from one source, so the words that lead up to a link are the same in both. Each link of the HTML is paired with the link of
the text before which the most equal words stand; pairs must keep the order of both parts, so a "read more" is told by its neighbours.
"""

from __future__ import annotations

import re
from bisect import bisect_left, insort
from collections import defaultdict
from dataclasses import dataclass

from feedsvc.model import Document
from feedsvc.split.linkbook import LinkBook

CONTEXT_WORDS = 14
SHOWN = re.compile(r"https?://[^\s…]+[\w/=&#-]")  # an address that the reader sees, whole
SURE_WORDS = 3  # as many equal words before both links make a pair wherever they stand
MIN_WORDS = 1  # fewer do between two sure pairs
MAX_CANDIDATES = 40  # of "read more" links beyond this number none is looked at
WORD = re.compile(r"[^\W_]+")
ADDRESS = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class Mention:
    """One place where a link stands: the last words up to and with its own, and its address as it stands."""

    words: tuple[str, ...]
    href: str


def shown_links(html: Document, book: LinkBook) -> dict[str, str]:
    """For click-trackers whose words are themselves an address, that address: the mail says where they lead."""
    found: dict[str, str] = {}
    for block in html.blocks:
        for span in block.spans:
            words = span.text.strip()
            if (
                span.href is not None
                and words.startswith("http")
                and SHOWN.fullmatch(words)
                and book.look(span.href).target.state == "tracked"
                and book.look(words).target.state == "canonical"
                and book.purpose(words, "") is None
            ):
                found.setdefault(span.href, words)
    return found


def direct_links(html: Document, text: Document, book: LinkBook) -> dict[str, str]:
    """For click-trackers of the HTML the address that the text gives for the same words: tracker -> address as it stands in the text."""
    theirs = _mentions(text, book)
    if not any(book.look(m.href).target.state == "canonical" for m in theirs):
        return {}
    ours = _mentions(html, book)
    if not any(book.look(m.href).target.state == "tracked" for m in ours):
        return {}
    by_end: dict[str, list[int]] = defaultdict(list)
    for index, mention in enumerate(theirs):
        if mention.words:
            by_end[mention.words[-1]].append(index)
    candidates: list[tuple[int, int, int]] = []
    for position, mention in enumerate(ours):
        if not mention.words:
            continue
        places = by_end.get(mention.words[-1], ())
        if len(places) > MAX_CANDIDATES:
            continue
        for index in places:
            equal = _common_end(mention.words, theirs[index].words)
            candidates.append((equal, position, index))
    candidates.sort(key=lambda c: (-c[0], abs(c[1] / len(ours) - c[2] / len(theirs))))
    pairs = _in_order(candidates, ours, theirs)
    return {
        tracker: href
        for tracker, href in pairs.items()
        if book.look(tracker).target.state == "tracked" and book.look(href).target.state == "canonical"
    }


def _in_order(candidates: list[tuple[int, int, int]], ours: list[Mention], theirs: list[Mention]) -> dict[str, str]:
    """Accept pairs from the surest on, as long as they keep the order of both parts."""
    accepted: list[tuple[int, int]] = []
    taken: set[int] = set()
    found: dict[str, str] = {}
    for equal, position, index in candidates:
        if equal < MIN_WORDS or index in taken:
            continue
        place = bisect_left(accepted, (position, index))
        before = accepted[place - 1] if place else None
        after = accepted[place] if place < len(accepted) else None
        if (before is not None and (before[0] == position or before[1] >= index)) or (
            after is not None and (after[0] == position or after[1] <= index)
        ):
            continue
        if equal < SURE_WORDS and (before is None or after is None) and len(ours[position].words) > equal:
            continue
        insort(accepted, (position, index))
        taken.add(index)
        found.setdefault(ours[position].href, theirs[index].href)
    return found


def _common_end(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    """How many words at the end are equal."""
    count = 0
    for left, right in zip(reversed(a), reversed(b), strict=False):
        if left != right:
            break
        count += 1
    return count


def _mentions(document: Document, book: LinkBook) -> list[Mention]:
    """Every outside link of a document with the words up to it, in reading order; addresses that show themselves are no words."""
    found: list[Mention] = []
    recent: list[str] = []
    for block in document.blocks:
        pending: str | None = None
        for span in block.spans:
            if pending is not None and span.href != pending:
                found.append(Mention(tuple(recent[-CONTEXT_WORDS:]), pending))
                pending = None
            recent += WORD.findall(ADDRESS.sub(" ", span.text).casefold())
            if span.href and book.is_outside(span.href):
                pending = span.href
        if pending is not None:
            found.append(Mention(tuple(recent[-CONTEXT_WORDS:]), pending))
        del recent[:-CONTEXT_WORDS]
    return found
