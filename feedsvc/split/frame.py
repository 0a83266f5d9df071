"""Tells from titles what only frames them: buttons that repeat, polls, a greeting at the head; and bold leads that are titles though they run on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise

from feedsvc.split.features import WHOLE, Line
from feedsvc.split.neighbours import drop, is_linked_head, under
from feedsvc.split.ownlink import closing_link, ending_words
from feedsvc.split.weights import Heads, Story

BROKEN = "goes on with the heading above"


def join_broken(lines: Sequence[Line]) -> None:
    """A heading that `<br>` breaks in two is one: its further lines go to the first."""
    for first, line in pairwise(lines):
        if (
            first.is_head
            and line.is_head
            and first.block.kind == line.block.kind == "heading"
            and line.block.paragraph == first.block.paragraph
            and line.signature == first.signature
            and not (first.hrefs or line.hrefs)
            and first.words + line.words <= Heads.SUBTITLE_WORDS
        ):
            first.text, first.words, first._folded = f"{first.text} {line.text}", first.words + line.words, None
            line.is_head, line.is_meta, line.reason = False, True, BROKEN


def drop_standfirsts(lines: Sequence[Line]) -> None:
    """A whole sentence below a head, set larger than the text but neither bold nor as large as the head, is text."""
    head: Line | None = None  # directly above
    for line in lines:
        if line.reason == BROKEN:
            continue
        if (
            head is not None
            and line.is_head
            and not (head.hrefs or line.hrefs)
            and line.block.kind == "paragraph"
            and line.bold < WHOLE
            and not line.caps
            and line.words >= Heads.STANDFIRST_WORDS
            and line.text.endswith((".", "!", "?", "…"))
            and line.prominence < head.prominence - Heads.MUCH_SMALLER
        ):
            line.is_head, line.reason = False, "a standfirst"
        head = line if line.is_head else None


def name_buttons(lines: Sequence[Line]) -> None:
    """Short linked lines with the same words and other addresses are buttons, whatever they say; with one address they are no content."""
    alike: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.href and not line.is_furniture and is_linked_head(line) and 0 < line.words <= Heads.BUTTON_WORDS:
            alike[line.folded].append(line)
    for group in alike.values():
        places = {line.keys[0] for line in group}
        if len(places) == 1 and len(group) >= Heads.MIN_SAME_LINKS and group[0].block.kind != "heading":
            for line in group:
                drop(line, "the same link again and again")
        elif len(places) > 1 and len(places) == len(group) and not any(line.marker for line in group):
            for line in group:
                line.is_head, line.is_cta, line.is_meta = False, True, False


def name_titles_like_buttons(lines: Sequence[Line]) -> None:
    """A linked line in the words of a button is a title where it is set as other titles are, and has a text under it as they have."""
    styles: dict[tuple[object, ...], int] = defaultdict(int)
    for line, after in pairwise(lines):
        if line.is_head and is_linked_head(line) and _is_teaser(after):
            styles[line.signature] += 1
    for line, after in pairwise(lines):
        if line.is_cta and line.signature and _is_teaser(after) and styles[line.signature] >= Heads.MIN_PEERS:
            line.is_head, line.is_cta = True, False


def name_repeated_titles(lines: Sequence[Line]) -> None:
    """Linked lines that say the words of the plain head above them again, as under several heads, are the links of their stories, not titles."""
    found: list[Line] = []
    head: Line | None = None
    for line in lines:
        if line.is_head and not line.hrefs:
            head = line
        elif head is not None and line.is_head and is_linked_head(line) and line.folded == head.folded:
            found.append(line)
            head = None
    if len(found) < Heads.MIN_PEERS:
        return
    for line in found:
        line.is_head, line.is_cta = False, True


def _is_teaser(line: Line) -> bool:
    return line.is_text and not (line.is_cta or line.is_meta) and line.words >= Heads.MIN_STORY_WORDS


def name_labelled(lines: Sequence[Line]) -> None:
    """Lines that begin with one and the same bold word and end in a link are titles, and the link's words say what they are called."""
    groups: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        label = line.text[: line.bold_lead].strip(" :")
        if (
            label
            and len(label.split()) <= Heads.MENU_WORDS
            and line.block.kind == "paragraph"
            and line.is_text
            and len(line.hrefs) == 1
            and line.words <= Heads.SUBTITLE_WORDS
            and line.text.endswith(":")
            and ending_words(line)
        ):
            groups[label].append(line)
    for group in groups.values():
        if len(group) < Heads.MIN_PEERS or len({line.keys[0] for line in group}) < len(group):
            continue
        for line in group:
            line.text = ending_words(line)
            line.plain, line.linked, line.is_head, line._folded = line.text, 1.0, True, None
            line.signature, line.prominence = ("labelled", round(line.size)), Heads.LEAD_PROMINENCE


def name_leads(lines: Sequence[Line]) -> None:
    """Bold lines that end in a colon are titles where there are several and each has a text and a link of its own below."""
    leads = [
        line
        for line in lines
        if line.block.kind == "paragraph"
        and not (line.is_head or line.is_furniture)
        and line.bold >= WHOLE
        and Heads.MIN_LEAD_WORDS <= line.words <= Heads.SUBTITLE_WORDS
        and line.text.rstrip(" *_").endswith(":")
    ]
    starts = {line.index for line in leads}
    links: set[str] = set()
    for lead in leads:
        end = next((n for n in range(lead.index + 1, len(lines)) if n in starts or lines[n].is_head), len(lines))
        own = [line.keys[0] for line in lines[lead.index + 1 : end] if line.keys and not line.is_furniture]
        if not own:
            return
        links.update(own)
    if len(leads) >= Heads.MIN_PEERS and len(links) >= len(leads):
        for lead in leads:
            lead.is_head, lead.is_meta = True, False
            lead.signature = ("lead", round(lead.size))
            lead.prominence = Heads.LEAD_PROMINENCE


def drop_labels(lines: Sequence[Line]) -> None:
    """Heads over text that say the same again and again name the parts of stories, and are no titles."""
    alike: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.is_head and not line.hrefs and line.words <= Heads.LABEL_WORDS:
            alike[line.folded].append(line)
    for group in alike.values():
        below = [lines[line.index + 1] for line in group if line.index + 1 < len(lines)]
        if len(below) == len(group) >= Heads.MIN_LABELS and all(
            line.is_text and line.words >= Heads.MIN_STORY_WORDS for line in below
        ):
            for line in group:
                line.is_head, line.reason = False, "a label within stories"


def drop_polls(lines: Sequence[Line]) -> None:
    """A question over a few short links and nothing else asks the reader for a vote."""
    for line in lines:
        if (
            (line.is_furniture and line.reason != "a phrase of housekeeping")
            or line.hrefs
            or not line.text.rstrip(" *_").endswith("?")
            or line.words > Heads.LABEL_WORDS * 2
        ):
            continue
        answers = []
        for after in lines[line.index + 1 :]:
            if not (is_linked_head(after) and 0 < after.words <= Heads.ANSWER_WORDS):
                break
            answers.append(after)
        if len(answers) >= Heads.MIN_ANSWERS and not any(answer.marker for answer in answers):
            for asked in (line, *answers):
                drop(asked, "a poll")


def drop_greeting(lines: list[Line]) -> None:
    """The largest head, over a few words of greeting, is no title where several smaller heads below it each have a link of their own."""
    heads = [line for line in lines if line.is_head]
    if not heads or is_linked_head(heads[0]) or heads[0].index >= Heads.MASTHEAD_LINES:
        return
    top, others = heads[0], heads[1:]
    most = max((head.prominence for head in others), default=0.0)
    if top.prominence <= most + Heads.SMALLER:
        return
    text = under(top, lines)
    if any(line.is_cta for line in text) or sum(line.words for line in text if line.is_text) > Heads.GREETING_WORDS:
        return
    plain_heads = [head for head in others if not is_linked_head(head)]
    style = max(
        (h.signature for h in plain_heads), key=lambda s: sum(h.signature == s for h in plain_heads), default=None
    )
    level = [head for head in plain_heads if head.signature == style]
    parts = [_until(head, others, lines) for head in level]
    closed = sum(closing_link(part) is not None for part in parts)
    terse = sum(line.words for part in parts for line in part if line.is_text) <= Story.TERSE_WORDS * len(level)
    if len(level) >= Heads.MIN_PEERS and (terse or closed >= Heads.GREETED_SHARE * len(level)):
        drop(top, "a greeting over the items")


def _until(head: Line, heads: Sequence[Line], lines: Sequence[Line]) -> Sequence[Line]:
    """The lines between a head and the next that is set as large or larger."""
    end = next(
        (h.index for h in heads if h.index > head.index and h.prominence > head.prominence - Heads.SMALLER), len(lines)
    )
    return lines[head.index + 1 : end]
