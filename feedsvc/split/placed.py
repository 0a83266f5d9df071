"""Heads of a plain text that nothing marks but their place.

They are short lines that stand alone over a story, that open its paragraph, or that open the parts between rules.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise, zip_longest

from feedsvc.split.features import Line
from feedsvc.split.neighbours import drop, is_linked_head
from feedsvc.split.ownlink import closing_link
from feedsvc.split.weights import Heads, Story

BARE = ("bare",)  # the style of a head in plain text that nothing marks but its place


def name_spaced_heads(lines: Sequence[Line]) -> bool:
    """In plain text the short lines over texts which end in a link of their own are heads; says whether there are several.

    Of several such lines in a row the last is the title, the first the section, and what stands between says what the section is about.
    """
    if sum(line.is_head and not line.hrefs for line in lines) > Heads.FEW_HEADS:
        return False
    parts = _spaced_parts(lines)
    told = [part for part in parts[1:] if sum(line.words for line in part.text) >= Heads.MIN_STORY_WORDS]
    links = {href for part in told if (href := closing_link(part.text)) is not None}
    if len(links) < Heads.MIN_PEERS or len(links) < Heads.SPACED_SHARE * len(told):
        return False
    if sum(line.words for part in told for line in part.text) > Story.BRIEF_WORDS * len(told):
        return False
    described = any(len(part.heads) > Heads.FEW_HEADS for part in parts)
    linked = [n for n, part in enumerate(parts) if part in told and _has_link(part)]
    for part in parts[linked[-1] + 1 :]:
        for line in part.heads:
            drop(line, "a signature")
        for line in part.text:
            line.is_meta = True
    for part in parts[linked[0] : linked[-1] + 1]:  # a greeting stands before the first
        if part in told:
            _name_spaced(part, described=described)
        else:
            _name_head(part.heads[0], Heads.SPACED_SECTION)
            for line in (*part.heads[1:], *part.text):
                line.is_meta = True
    return True


@dataclass(frozen=True, slots=True)
class _Part:
    """Short lines that stand alone, and what stands under them up to the next such line."""

    heads: list[Line]
    text: list[Line]


def _spaced_parts(lines: Sequence[Line]) -> list[_Part]:
    """The lines of a plain text by the short lines that stand alone or open a paragraph; a title that an empty line has broken in two is put together."""
    alone = Counter(line.block.paragraph for line in lines)
    parts = [_Part([], [])]
    for line, after in zip_longest(lines, lines[1:]):
        last = parts[-1].heads[-1] if parts[-1].heads and not parts[-1].text else None
        short = _may_head(line) and (alone[line.block.paragraph] == 1 or _opens_paragraph(line, after, parts[-1]))
        if short and last is not None and (line.text[:1].islower() or line.text[:1] == "(" or last.text.endswith(",")):
            last.text, last.words = f"{last.text} {line.text}", last.words + line.words
            line.is_meta, line.reason = True, "goes on with the title above"
        elif short and (line.text[:1].isupper() or not line.text[:1].isalpha()):
            if last is None:
                parts.append(_Part([], []))
            parts[-1].heads.append(line)
        elif not line.is_furniture:
            parts[-1].text.append(line)
    return parts


def _opens_paragraph(line: Line, after: Line | None, part: _Part) -> bool:
    """Whether a line is the first of its paragraph, and its text the second."""
    before = (part.text or part.heads)[-1:]
    return (
        after is not None
        and after.block.paragraph == line.block.paragraph
        and after.is_text
        and after.words >= Heads.MIN_STORY_WORDS
        and all(other.block.paragraph != line.block.paragraph for other in before)
    )


def _has_link(part: _Part) -> bool:
    return any(line.hrefs for line in part.text)


def _may_head(line: Line) -> bool:
    return (
        line.block.kind == "paragraph"
        and not (line.is_furniture or line.is_meta or line.hrefs or line.reason == "a salutation")
        and line.words <= Heads.SPACED_WORDS
        and len(line.text) >= Heads.MIN_HEAD_CHARS
        and line.text[-1:] not in ".:;"
    )


def _name_spaced(part: _Part, *, described: bool) -> None:
    """Say of the short lines over a text which is its title; `described`: sections here have a line under them that says what they are."""
    *above, title = part.heads
    if len(above) == 1 and described:  # then two lines are no section and a title
        title, above = above[0], [title]
        title.text = f"{title.text} {above[0].text}"
    elif above:
        _name_head(above[0], Heads.SPACED_SECTION)
    for line in above[1:] if len(above) > 1 or not described else above:
        line.is_meta = True
    _name_head(title, Heads.LEAD_PROMINENCE)
    for before, line in pairwise(part.text):
        if line.is_head and is_linked_head(line) and before.is_text:
            line.is_head, line.is_cta = False, True  # a button, however long


def _name_head(line: Line, prominence: float) -> None:
    line.is_head, line.is_meta, line._folded = True, False, None
    line.signature = BARE if prominence == Heads.LEAD_PROMINENCE else ("bare", "section")
    line.prominence = prominence


def name_bare_heads(lines: Sequence[Line]) -> bool:
    """In plain text that has no other heads, the short lines that open the parts between rules are heads; says whether there are several."""
    if sum(line.is_head for line in lines) > Heads.FEW_HEADS:
        return False
    parts: list[list[Line]] = [[]]
    for line in lines:
        if line.block.kind == "rule":
            parts.append([])
        elif line.is_text or line.is_head:
            parts[-1].append(line)
    heads = [part[0] for part in parts[1:] if _opens_part(part)]
    if len(heads) < Heads.MIN_PEERS:
        return False
    # What stands before the first rule may begin with words of welcome: its head is a line like the others.
    colons = sum(head.text.endswith(":") for head in heads) > len(heads) / 2
    first = (parts[0][n:] for n in range(min(len(parts[0]), Heads.WELCOME_LINES)))
    heads += [part[0] for part in first if _opens_part(part) and part[0].text.endswith(":") == colons][:1]
    for head in heads:
        head.is_head, head.is_meta = True, False
        head.signature, head.prominence = BARE, Heads.LEAD_PROMINENCE
    return True


def _opens_part(part: Sequence[Line]) -> bool:
    """Whether the first of these lines is short and no sentence, and enough text stands below it."""
    if not part or part[0].hrefs or part[0].block.kind != "paragraph":
        return False
    first = part[0]
    return (
        Heads.MIN_LEAD_WORDS <= first.words <= Heads.SUBTITLE_WORDS
        and first.text[-1:] not in ".!?,;"
        and sum(line.words for line in part[1:]) >= Heads.MIN_PART_WORDS
    )
