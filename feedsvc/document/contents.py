"""Plain text that lists at its head what stands in it: a line below that says again what a line of the list says is a heading.

    In this issue:                      TIN ROOFS
      * Tin roofs                       They sing before the rain does ...
      * The ferry's last winter
                                        THE FERRY'S LAST WINTER. She was built in ...

It may stand alone, or open the text of its story with a sign behind it. Nothing else may mark it as a heading.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice, pairwise

from feedsvc.model import Block, Span

MIN_LISTED = 2  # lines that stand again below
MIN_SHARE = 0.6  # of the lines from the first to the last of these
MAX_LISTED = 40
MAX_WORDS = 14
MIN_NEAR_WORDS = 3  # of a line that is named by all but its last word
MIN_CHARS = 6
LOOK_AHEAD = 8  # lines below a heading, among them drawings in letters
MAX_DISORDER = 0.25  # share of the headings that come in another order than the list has
MIN_TEXT_WORDS = 8
MIN_TOLD = 0.7  # share of the headings with text below
WITHIN = 0.6  # of the blocks: where the list stands
HEADING_LEVEL = 3
NUMBER = re.compile(r"^\W*\d{1,2}[.):]?\s+")
WORDS = re.compile(r"[^\W_]+")
LEAD_END = re.compile(r"\s?[.:|!?]\s|\s[-–—]{1,2}\s")  # what parts a title from the text behind it
MAX_LEAD_CHARS = 120
MAX_SIGNS = 3  # such signs in a line that are tried
LEADING = re.compile(r"^[\W_]+(?=\w)")


def listed_headings(blocks: Sequence[Block]) -> list[Block]:
    """The blocks with each line that the list at the head names as a heading; all as they were where there is no such list."""
    found = _said_again(blocks, _listed_lines(blocks))
    if not (MIN_LISTED <= len(found) <= MAX_LISTED and _is_list(blocks, found)):
        return list(blocks)
    ends = dict(found.values())
    out: list[Block] = []
    for n, block in enumerate(blocks):
        out += _parted(block, ends[n]) if n in ends else [block]
    return out


def _listed_lines(blocks: Sequence[Block]) -> dict[frozenset[str], int]:
    """The short lines in the upper part, by their words; a longer one also by all but its last word, which may be other below."""
    upper = [(n, words) for n, block in enumerate(blocks[: int(WITHIN * len(blocks)) + 1]) if (words := _listed(block))]
    first: dict[frozenset[str], int] = {}
    for n, words in upper:
        first.setdefault(frozenset(words), n)
    for n, words in upper:
        if len(words) > MIN_NEAR_WORDS:
            first.setdefault(frozenset(words[:-1]), n)
    return first


def _said_again(blocks: Sequence[Block], first: dict[frozenset[str], int]) -> dict[int, tuple[int, int]]:
    """For each listed line the one below that says it again, and how many of its characters do. What stands there twice is a label."""
    said: dict[int, tuple[int, int]] = {}
    labels: set[int] = set()
    known = {word for words in first for word in words}
    for n, block in enumerate(blocks):
        text = block.text
        opening = WORDS.search(_unnumbered(text[:MAX_LEAD_CHARS]))
        if opening is None or opening[0].casefold() not in known:
            continue
        for end in _ends(block):
            words = WORDS.findall(_unnumbered(text[:end]).casefold())
            own = first.get(frozenset(words))
            if own is None and len(words) > MIN_NEAR_WORDS and end == len(text):
                own = first.get(frozenset(words[:-1]))
            if own is None or own >= n:
                continue
            if own in said:
                labels.add(own)
            else:
                said[own] = n, end
            break
    return {own: place for own, place in said.items() if own not in labels}


def _is_list(blocks: Sequence[Block], found: dict[int, tuple[int, int]]) -> bool:
    """Whether the lines that stand again are most of a list, which ends above what it lists, in its order, each with text below."""
    start, end = min(found), max(found)
    places = [found[own][0] for own in sorted(found)]
    between = [n for n in range(start, end + 1) if blocks[n].text and blocks[n].kind != "rule"]
    return (
        min(places) > end
        and sum(later <= earlier for earlier, later in pairwise(places)) <= MAX_DISORDER * len(places)
        and len(found) >= MIN_SHARE * len(between)
        and sum(_is_told(blocks, *place) for place in found.values()) >= MIN_TOLD * len(found)
    )


def _unnumbered(text: str) -> str:
    return NUMBER.sub("", text, count=1)


def _listed(block: Block) -> list[str]:
    """The words of a short line without a link; none of any other line."""
    text = block.text
    if len(text) > MAX_LEAD_CHARS or block.kind not in ("paragraph", "item") or any(span.href for span in block.spans):
        return []
    words = WORDS.findall(_unnumbered(text).casefold())
    return words if len(words) <= MAX_WORDS and sum(map(len, words)) >= MIN_CHARS else []


def _ends(block: Block) -> list[int]:
    """Where a title that opens this block may end, as numbers of characters: at the whole of a short line, or at the first signs behind which text stands."""
    if block.kind not in ("paragraph", "item", "heading"):
        return []
    text = block.text
    if block.kind == "heading":
        return [len(text)]
    ends = [len(text)] if len(text) <= MAX_LEAD_CHARS else []
    return ends + [found.start() for found in islice(LEAD_END.finditer(text[:MAX_LEAD_CHARS]), MAX_SIGNS)]


def _is_told(blocks: Sequence[Block], n: int, end: int) -> bool:
    """Whether text stands behind a title or in the lines below it."""
    below = [blocks[n].text[end:], *(block.text for block in blocks[n + 1 : n + 1 + LOOK_AHEAD])]
    return any(len(text.split()) >= MIN_TEXT_WORDS for text in below)


def _parted(block: Block, end: int) -> list[Block]:
    """A heading, and as a paragraph what stands behind it on its line."""
    if block.kind == "heading":
        return [block]
    title, rest = _cut(block.spans, end)
    shown = "".join(span.text for span in title)
    lead = LEADING.match(shown)
    if (
        lead
        and title
        and len(title[0].text) > lead.end()
        and not block.text[: lead.end()].strip().endswith(("¿", "¡", '"', "“", "«"))
    ):
        title[0] = title[0]._replace(text=title[0].text[lead.end() :])
    heading = block._replace(kind="heading", level=HEADING_LEVEL, spans=tuple(title), ordinal="")
    behind = "".join(span.text for span in rest).lstrip(" .:|!?-–—")
    if not behind:
        return [heading]
    cut = len("".join(span.text for span in rest)) - len(behind)
    return [
        heading,
        block._replace(kind="paragraph", level=0, spans=tuple(_cut(rest, cut)[1]), ordinal="", after_break=0),
    ]


def _cut(spans: Sequence[Span], at: int) -> tuple[list[Span], list[Span]]:
    """The spans before and behind the character `at`."""
    before: list[Span] = []
    behind: list[Span] = []
    for span in spans:
        if at >= len(span.text):
            before.append(span)
        else:
            if at > 0:
                before.append(span._replace(text=span.text[:at]))
            behind.append(span._replace(text=span.text[max(at, 0) :]))
        at -= len(span.text)
    return before, behind
