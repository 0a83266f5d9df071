"""Finds lists: segments whose text is nearly all list items or paragraphs that each lead with bold words or a link, and have a link of their own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from feedsvc.split.features import ADDRESS, WHOLE, Line
from feedsvc.split.weights import Units

MIN_LEAD_CHARS = 3
MIN_OWN_LEAD_CHARS = 12
SENTENCE = re.compile(r"[.!?…][\"'”’)\]]*(?=\s+[\"'“‘(\[]?[A-ZÀ-ÞА-Я0-9]|\s*$)|[。！？][」』）]*")
ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Z]|Mr|Mrs|Ms|Dr|St|vs|etc|No|Inc|Ltd|Co|Corp|Jr|Sr|e\.g|i\.e|z\.B|u\.a|bzw|ca)|\d)\.$"
)
MIN_WORDS_BEFORE_ADDRESS = 4
MAX_TITLE_CHARS = 160
DASHES = " \t:–—-|·•.,"
# A source in place of words: a domain or a number.
SOURCE = re.compile(r"^[+(]?(?:[\w-]+(?:\.[\w-]+)+|\+?\d+)\)?$")


@dataclass(frozen=True, slots=True)
class Unit:
    """One item of a list: the line that opens it, and the lines that go on with it."""

    lines: tuple[Line, ...]

    @property
    def first(self) -> Line:
        """The line that opens the unit."""
        return self.lines[0]


def find_units(segment: Sequence[Line], *, strict: bool = False, linked: bool = False) -> list[Unit]:
    """The segment's items where it is a list, else an empty list. Heads, furniture and images in it are passed over.

    `strict` is for issues that may be essays, in which lists are common: the list must be all that stands there. `linked`
    says that the head over the segment is a link itself: then only bullets that begin with their links make it a list.
    """
    texts = [line for line in segment if line.is_text and not line.is_cta and not line.is_meta]
    if len(texts) < Units.MIN_UNITS:
        return []
    kinds = (
        (_list_items(texts), Units.MIN_UNITS),
        (_leads(texts), Units.MIN_LEAD_UNITS),
        (_one_liners(texts), Units.MIN_LEAD_UNITS),
    )
    for openers, least in kinds[:1] if linked else kinds:
        if linked and sum(line.linked_lead for line in openers) < Units.MIN_DISTINCT * len(openers):
            continue
        sure = len(openers) >= Units.SURE_LEADS and all(line.linked_lead for line in openers)
        if len(openers) >= least and _holds(openers, texts, segment, strict=strict and not sure):
            return _gather(openers, segment)
    return []


def _list_items(texts: Sequence[Line]) -> list[Line]:
    """List items with a link, of whichever level; an item without one over deeper ones only groups them."""
    items = [line for line in texts if line.block.kind == "item"]
    openers = []
    for position, line in enumerate(items):
        deeper = position + 1 < len(items) and items[position + 1].block.level > line.block.level
        if line.block.ordinal and not (deeper and not line.hrefs):
            openers.append(line)
    return openers


def _leads(texts: Sequence[Line]) -> list[Line]:
    """Paragraphs that lead with bold words or with a link and go on in plain text."""
    return [
        line
        for line in texts
        if line.block.kind in ("paragraph", "quote")
        and ((line.bold_lead >= MIN_LEAD_CHARS and line.bold < 0.9) or line.linked_lead)
    ]


def _one_liners(texts: Sequence[Line]) -> list[Line]:
    """Lines of a list without bullets: each a sentence or two with a link, none as long as a paragraph of prose."""
    plain = [line for line in texts if line.block.kind == "paragraph"]
    if any(line.words > Units.MAX_LINE_WORDS for line in plain):
        return []
    return [line for line in plain if line.hrefs and title_before_source(line) is not None]


def linked_lines(segment: Sequence[Line]) -> list[Unit]:
    """The segment's lines where each is a line or two that begin with a link, and there is no other text."""
    texts = [line for line in segment if line.is_text and not line.is_cta and not line.is_meta]
    if any(
        not line.linked_lead or line.block.kind != "paragraph" or line.words > Units.MAX_LINE_WORDS for line in texts
    ):
        return []
    return _gather(texts, segment) if texts else []


def single_unit(segment: Sequence[Line]) -> list[Unit]:
    """The segment's one list item, where it has no other text; for issues in which other segments are lists."""
    texts = [line for line in segment if line.is_text and not line.is_cta and not line.is_meta]
    openers = [line for line in _list_items(texts) if line.hrefs]
    if len(openers) != 1 or len(openers[0].text) < Units.POST_COVERAGE * sum(len(line.text) for line in texts):
        return []
    return _gather(openers, segment)


def opened_unit(segment: Sequence[Line]) -> list[Unit]:
    """The segment's one line that opens with its own title and has a link; for heads in the style of sections."""
    texts = [line for line in segment if line.is_text and not line.is_cta and not line.is_meta]
    openers = [
        line for line in texts if line.hrefs and (line.opens or line.linked_lead) and line.block.kind == "paragraph"
    ]
    if len(openers) != 1 or any(line.is_cta or line.is_head for line in segment):
        return []
    intro = sum(len(line.text) for line in texts if line.index < openers[0].index)
    own = len(openers[0].text)
    if intro > Units.MAX_INTRO_CHARS or own < Units.OPENED_COVERAGE * sum(len(line.text) for line in texts):
        return []
    return _gather(openers, segment)


def _holds(openers: Sequence[Line], texts: Sequence[Line], segment: Sequence[Line], *, strict: bool) -> bool:
    """Whether the openers and what follows them make up a list of links."""
    links = _links(openers, texts)
    for line, below in pairwise(segment):  # a title over the address that it leads to
        if not links.get(line.index, "-") and below.is_meta and below.keys and below.linked >= WHOLE:
            links[line.index] = below.keys[0]
    linked = [line for line in openers if links[line.index]]
    if len(linked) < Units.MIN_LINKED * len(openers) or len(linked) < Units.MIN_UNITS:
        return False
    if len({links[line.index] for line in linked}) < Units.MIN_DISTINCT * len(linked):
        return False
    first = openers[0].index
    intro = sum(len(line.text) for line in texts if line.index < first)
    if intro > (Units.POST_INTRO_CHARS if strict else Units.MAX_INTRO_CHARS):
        return False
    total = sum(len(line.text) for line in texts)
    starts = {line.index for line in openers}
    covered = sum(len(line.text) for line in texts if line.index in starts or _is_continued(line))
    covered += sum(
        len(line.text) for line, after in pairwise(texts) if line.index not in starts and _is_group(line, after)
    )
    return covered >= (Units.POST_COVERAGE if strict else Units.MIN_COVERAGE) * total


def _is_group(line: Line, after: Line) -> bool:
    """Whether a list item without a link only stands over deeper ones."""
    items = line.block.kind == after.block.kind == "item"
    return items and not line.hrefs and after.block.level > line.block.level


def _is_continued(line: Line) -> bool:
    """Whether a line is a further line of a list item, below a break, or a quotation within the item."""
    block = line.block
    return (block.kind == "item" and not block.ordinal) or (block.kind == "quote" and block.level > 0)


def _links(openers: Sequence[Line], texts: Sequence[Line]) -> dict[int, str]:
    """For each opener the place where its first link leads, or that of the lines below a break within its item; empty where it has none."""
    found: dict[int, str] = {}
    starts = {line.index for line in openers}
    opener = -1
    for line in texts:
        if line.index in starts:
            opener = line.index
            found[opener] = line.keys[0] if line.keys else ""
        elif opener >= 0 and _is_continued(line) and not found[opener] and line.keys:
            found[opener] = line.keys[0]
        elif not _is_continued(line):
            opener = -1
    return {line.index: found.get(line.index, "") for line in openers}


def _gather(openers: Sequence[Line], segment: Sequence[Line]) -> list[Unit]:
    """Each opener that has a link, with the lines up to the next opener."""
    starts = {line.index for line in openers}
    level = min(line.block.level for line in openers)
    units: list[list[Line]] = []
    kickers = _kickers(starts, segment)
    for line in segment:
        if line.is_furniture or line.is_head or kickers.get(line.index) == ():
            continue
        if line.index in starts:
            units.append([line, *kickers.get(line.index, ())])
        elif (
            units
            and not (line.block.kind == "item" and line.block.ordinal and line.block.level <= level)
            and (
                line.block.kind in {"item", "image"}
                or _is_continued(line)
                or line.is_cta
                or line.is_meta
                or openers[0].block.kind != "item"
            )
        ):
            units[-1].append(line)
    # In a list of links an item without one is an item still where it has a lead of its own.
    return [
        Unit(tuple(unit))
        for unit in units
        if any(line.hrefs for line in unit) or unit[0].bold_lead >= MIN_OWN_LEAD_CHARS
    ]


def _kickers(starts: set[int], segment: Sequence[Line]) -> dict[int, tuple[Line, ...]]:
    """Short lines in the paragraph of the opener below them, by that opener's index and, empty, by their own: no lines of the unit above."""
    found: dict[int, tuple[Line, ...]] = {}
    above: list[Line] = []  # short lines of one paragraph, of which no opener is one
    paragraph = -1
    for line in segment:
        if line.block.paragraph != paragraph:
            above, paragraph = [], line.block.paragraph
        if line.index in starts:
            if above and len(above) <= Units.MAX_KICKERS:
                found[line.index] = tuple(above)
                found |= {kicker.index: () for kicker in above}
            above, paragraph = [], -1
        elif (
            line.is_text and not line.hrefs and line.words <= Units.MAX_KICKER_WORDS and line.block.kind == "paragraph"
        ):
            above.append(line)
        else:
            paragraph = -1
    return found


def title_before_source(line: Line) -> str | None:
    """The words of a line before a link that only names the source (a domain, a number); None where there is no such link behind them."""
    spans = line.block.spans
    cut = next((n for n, s in enumerate(spans) if n and s.href and _is_source(s.text.strip())), None)
    if cut is None or any(s.href for s in spans[:cut]):
        return None
    before = "".join(s.text for s in spans[:cut]).rstrip(DASHES + "(")
    shown = ADDRESS.match(spans[cut].text.strip())  # a label such as "Newsletter: https://..." is no title
    return before if len(before.split()) >= (MIN_WORDS_BEFORE_ADDRESS if shown else 2) else None


def _is_source(words: str) -> bool:
    return bool(SOURCE.match(words) or ADDRESS.match(words))


def first_sentence(text: str, max_chars: int = MAX_TITLE_CHARS) -> str:
    """The first sentence of a text, or as many whole words of it as fit into `max_chars` with an ellipsis."""
    for end in SENTENCE.finditer(text, 0, max_chars + 40):
        sentence = text[: end.end()].strip()
        if len(sentence) > 12 and not ABBREVIATION.search(sentence):
            if len(sentence) <= max_chars:
                return sentence
            break
    if len(text) <= max_chars:
        return text
    return text[:max_chars].rsplit(" ", 1)[0].rstrip(" ,;:–—-") + "…"
