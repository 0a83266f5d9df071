"""Takes out a table of contents at the head of a mail: it is no second set of items."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence

from feedsvc.split.features import Line
from feedsvc.split.neighbours import drop, is_linked_head, under
from feedsvc.split.weights import Heads
from feedsvc.split.words import fold

CONTENTS = "a line of a table of contents"
NUMBER = re.compile(r"^\W*\d{1,2}[.)]?\s+")


def drop_contents(lines: list[Line]) -> None:
    """Take out a table of contents, its heading and links above it: lines near the top that say again what later heads say, or only lead to anchors."""
    heads: dict[str, Line] = {}
    for line in lines:
        if line.is_head:
            heads[_without_number(line)] = line
    upper = [line for line in lines[: int(Heads.CONTENTS_WITHIN * len(lines)) + 1] if line.block.kind != "image"]
    texts = {line.index: _without_number(line) for line in upper if not line.is_furniture}
    held = _held(heads, texts)
    for line in lines:
        if line.is_furniture or line.block.kind == "image":
            continue
        anchors = [s.href for s in line.block.spans if s.href]
        if anchors and all(h.startswith("#") for h in anchors) and line.words <= 20:
            drop(line, CONTENTS)
            continue
        text = texts.get(line.index, "")
        if len(text) < Heads.MIN_CONTENTS_CHARS:
            continue
        later = heads.get(text)
        if (later is None or later is line) and line.words >= 6:
            later = held.get(line.index)
        if later is None or later.index <= line.index or _says_something(line, lines):
            continue
        if _says_something(later, lines) or later.prominence >= line.prominence:
            drop(line, CONTENTS)
    listed = [line.index for line in lines if line.reason == CONTENTS]
    if len(listed) < Heads.MIN_CONTENTS:
        return
    for line in lines[: listed[0]]:
        if is_linked_head(line) and not line.is_furniture and not _says_something(line, lines):
            drop(line, "a link above the table of contents")
    over = next((line for line in reversed(lines[: listed[0]]) if line.is_head and not line.hrefs), None)
    below = [line for line in under(over, lines) if line.block.kind == "item" or line.is_text] if over else []
    listing = all(line.block.kind == "item" and not line.hrefs for line in below)
    if over is not None and listing and any(line.index == listed[0] for line in below):
        for line in (over, *below):
            drop(line, CONTENTS)


def _held(heads: dict[str, Line], texts: dict[int, str]) -> dict[int, Line]:
    """For each line, by its index, the first of the long heads that stands below it and whose words are among its own.

    All texts are searched as one, once for each head, for there may be hundreds of both.
    """
    starts: list[int] = []
    length = 0
    for text in texts.values():
        starts.append(length)
        length += len(text) + 1
    whole, indices = "\n".join(texts.values()), list(texts)
    held: dict[int, Line] = {}
    for words, head in heads.items():
        found = whole.find(words) if len(words) > Heads.MIN_CONTAINED_CHARS else -1
        while found >= 0:
            place = bisect_right(starts, found) - 1
            if head.index > indices[place]:
                held.setdefault(indices[place], head)
            found = whole.find(words, starts[place + 1]) if place + 1 < len(starts) else -1
    return held


def _without_number(line: Line) -> str:
    """The line's words, folded, without the number before them."""
    numbered = NUMBER.match(line.text)
    return fold(line.text[numbered.end() :]) if numbered else line.folded


def _says_something(line: Line, lines: Sequence[Line]) -> bool:
    """Whether something to read or a button stands between this line and the next head."""
    for after in lines[line.index + 1 : line.index + 12]:
        if after.is_head or after.block.kind == "item" != line.block.kind:
            return False
        if line.block.kind == "item" and after.block.kind == "item":
            return False
        if after.is_cta or (after.is_text and not after.is_meta and after.words >= 5):
            return True
    return False
