"""The runs of a line of plain text: which words an address in or behind them is the link of."""

from __future__ import annotations

import re

from feedsvc.document.lines import single_spaced
from feedsvc.document.paragraphs import LINK
from feedsvc.model import Span

SENTENCE_END = re.compile(r"[.!?…:;][\"'”’)]?\s")
SEPARATORS = "|·•»"
BEHIND_LINK = " \t→➜➔⟶›\u200b\ufe0f"  # arrows behind a link and what nobody sees
# What parts a linked title from its text on one line, or from its author.
DASH = re.compile(r"[–—:]|-{1,2}\s|,?\s?(?:by|von|par|por|di)\s+[^\W\d_a-zß-ÿ][\w.'’-]*(?:\s+[\w.'’&-]+){0,4}$")
MAX_LINKED_WORDS = 25
MAX_LOOKED_AT = 300  # characters behind a link: a line may be a megabyte, with thousands of them
MAX_TITLE_WORDS = 14
MIN_TEXT_WORDS, MAX_BUTTON_WORDS = 8, 5


def read_runs(line: str, footnotes: dict[str, str], *, item: bool = False) -> list[Span]:
    """A line's runs; an address in brackets becomes the link of the words before it; `item`: the line stands behind a bullet or a number."""
    spans: list[Span] = []
    plain_from = 0
    found_any = False
    for found in LINK.finditer(line):
        href, shown = _target(found, footnotes)
        if href is None:
            continue
        before = line[plain_from : found.start()]
        plain_from = found.end()
        if shown:  # a bare address stands for itself
            shown, tail = _trim_address(shown)
            plain_from -= len(tail)
            href = shown if "://" in shown else f"http://{shown}"
            if before:
                spans.append(Span(before))
            spans.append(Span(shown, href))
            found_any = True
            continue
        rest = line[plain_from : plain_from + MAX_LOOKED_AT].strip(BEHIND_LINK)
        at_end = not rest or rest[0] in SEPARATORS or (not found_any and bool(DASH.match(rest)))
        if item and not found_any and rest[:1].isupper() and 1 < len(before.split()) <= MAX_TITLE_WORDS:
            at_end = not SENTENCE_END.search(before)  # a title before its text
        words, linked = _linked_part(before, at_end=at_end, first=not found_any, alone=not rest and not found_any)
        if words:
            spans.append(Span(words))
        if linked:
            spans.append(Span(linked, href))
        elif spans and spans[-1].href is None and spans[-1].text.strip():
            spans[-1] = Span(spans[-1].text, href)
        else:
            spans.append(Span("", href))
        found_any = True
    if plain_from < len(line):
        spans.append(Span(line[plain_from:]))
    return _tidy(spans)


def _target(found: re.Match[str], footnotes: dict[str, str]) -> tuple[str | None, str]:
    """The address that a marker stands for (None where it is none), and the text to show where the address shows itself."""
    if number := found["number"]:
        return footnotes.get(number), ""
    if found.lastgroup is None:
        return found[0], found[0]
    return found[found.lastgroup], ""


def _trim_address(address: str) -> tuple[str, str]:
    """A bare address without the punctuation of the sentence around it, and that punctuation."""
    kept = address.rstrip(".,;:!?'*_")
    while kept.endswith(")") and kept.count("(") < kept.count(")"):
        kept = kept[:-1].rstrip(".,;:!?'*_")
    return kept, address[len(kept) :]


def _linked_part(before: str, *, at_end: bool, first: bool, alone: bool) -> tuple[str, str]:
    """Which words before a marker are its link: (plain words, linked words).

    At the end of a line, all back to the last separator or sentence end, for that is how titles stand (`alone`: the line has one
    link, so that a separator in it is part of the title); within running text the last word alone, since how far the link reached is lost.
    """
    text = before.rstrip()
    if not text.strip():
        return before, ""
    if at_end:
        start = 0 if alone else max(text.rfind(mark) + 1 for mark in SEPARATORS)
        if len(text) > 200 or not first:
            for sentence in SENTENCE_END.finditer(text, start):
                start = sentence.end()
        start = max(start, _button_behind(text))
        if len(text[start:].split()) <= MAX_LINKED_WORDS * 2:
            lead = len(text[start:]) - len(text[start:].lstrip())
            return text[: start + lead], text[start + lead :]
    cut = max(text.rfind(" "), text.rfind("\t")) + 1
    return text[:cut], text[cut:]


def _button_behind(text: str) -> int:
    """Where a short last sentence ("Read the full story.") begins behind a longer text; 0 where none does."""
    if not text.endswith("."):
        return 0
    ends = [end.end() for end in SENTENCE_END.finditer(text) if end[0][0] in ".!?…"]
    if not ends or not 1 < len(text[ends[-1] :].split()) <= MAX_BUTTON_WORDS:
        return 0
    return ends[-1] if len(text[: ends[-1]].split()) >= MIN_TEXT_WORDS else 0


def _tidy(spans: list[Span]) -> list[Span]:
    """Adjacent runs with one target joined, white space single, none at either end."""
    merged: list[tuple[str, str | None]] = []
    for span in spans:
        text, href = single_spaced(span.text), span.href
        if merged and merged[-1][1] == href:
            merged[-1] = (single_spaced(merged[-1][0] + text), href)
        elif text or href:
            merged.append((text, href))
    if merged:
        merged[0] = (merged[0][0].lstrip(), merged[0][1])
        merged[-1] = (merged[-1][0].rstrip(), merged[-1][1])
    return [Span(text, href) for text, href in merged if text or href]
