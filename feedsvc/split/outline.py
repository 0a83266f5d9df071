"""Lines to items: what stands under each title, section by section; lists are taken apart. The evidence is explained in weights.py."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from feedsvc.model import Block
from feedsvc.split.drafts import Draft
from feedsvc.split.features import MAX_CTA_WORDS, Line
from feedsvc.split.foot import OWN_AFFAIRS
from feedsvc.split.heads import MASTHEAD, OVER_HOUSEKEEPING, name_heads
from feedsvc.split.issuename import names_issue
from feedsvc.split.linkbook import LinkBook
from feedsvc.split.lists import take_lists_apart
from feedsvc.split.neighbours import is_linked_head, under
from feedsvc.split.weights import Heads

AFTER_HOUSEKEEPING = "after the housekeeping began"
CLOSING = (OVER_HOUSEKEEPING, OWN_AFFAIRS, MASTHEAD, "a phrase of housekeeping")  # what begins the mail's housekeeping
MIN_LABELLED_LINES = 3  # text, button, label
MIN_LABELS = 2
# A price or a change: a currency sign, a percentage or decimals.
FIGURE = re.compile(r"^[+−–-]?\s?(?:[$€£¥]\s?[\d,.]+|[\d,.]+\s?%|[\d,]*\d\.\d+)$")


@dataclass(slots=True)
class Outline:
    """What an issue seems to fall into, before it is weighed whether it does (verdict.py). `intro` belongs to no draft."""

    drafts: list[Draft]
    intro: list[Line]
    issue_title: Line | None = None
    is_named: bool = False  # the subject only says which issue this is, and no story's name


def read_outline(lines: list[Line], subject: str, names: Sequence[str], book: LinkBook) -> Outline:
    """The outline of an issue. `names` are what the newsletter calls itself; a head that is only such a name is its masthead."""
    title = name_heads(lines, subject, names, book)
    drafts, intro = _gather(lines)
    if _pictures_come_first(lines):
        _move_pictures(drafts, intro)
    _settle_eyebrows(drafts)
    _move_labels(drafts)
    sections = [line for line in lines if line.role == "section"]
    drafts, intro = take_lists_apart(drafts, intro, sections, strict=title is not None)
    drafts = [d for d in drafts if not _is_quote_row(d)]
    drafts = [d for d in drafts if any(line.hrefs for line in d.lines) or d.words >= Heads.MIN_STORY_WORDS]
    return Outline(_without_repeats(drafts), intro, title, names_issue(subject, names))


def _gather(lines: list[Line]) -> tuple[list[Draft], list[Line]]:
    """Lines to drafts: titles open them, sections name them, housekeeping closes them."""
    drafts: list[Draft] = []
    intro: list[Line] = []
    current: Draft | None = None
    section: Line | None = None
    eyebrow: Line | None = None
    mains: set[tuple[object, ...]] = set()  # styles of heads that were sections, not eyebrows
    announced: Line | None = None
    used = False  # whether an item stands under the section
    closed = False  # from the housekeeping at the end of the mail to the next head
    for line in lines:
        if (
            current is not None
            and (line.is_furniture or line.block.kind == "image")
            and not (closed or line.reason in CLOSING)
        ):
            current.shares += _share_links(line)
        if line.is_furniture:
            if line.reason in CLOSING and line.index > 0.5 * len(lines):
                closed = True
        elif line.role == "section":
            smaller = section is not None and line.prominence < section.prominence - Heads.EYEBROW
            if smaller and line.signature not in mains:
                eyebrow = line
            else:
                section, eyebrow = line, None
                mains.add(line.signature)
            current, closed, used = None, False, False
        elif line.role == "sponsor":
            eyebrow = None
            if current is not None and current.head is not None and not current.body:
                current.announced = line.text
            else:
                announced, current = line, None
        elif current is not None and _is_its_button(current, line):
            line.role, line.reason, line.is_head, line.is_cta = (
                "unused",
                "the button of something paid for",
                False,
                True,
            )
            current.body.append(line)
        elif line.role == "title" and not (current is not None and _goes_on(current, line, lines)):
            if section is not None and used and line.is_head and _ends_section(line, section, drafts[-1]):
                section, eyebrow = None, None
            used = True
            paid = _text(announced) if announced is not None and _is_next(announced, line, lines) else None
            if line.is_head:
                current = Draft(line, [], _text(section), _text(eyebrow), paid)
            else:
                current = Draft(None, [line], _text(section), _text(eyebrow), paid, unit=True)
            drafts.append(current)
            announced, closed = None, False
        elif closed and not line.is_head:
            line.reason = line.reason or AFTER_HOUSEKEEPING
        elif current is not None and _ends_advertisement(current, line):
            current = None
            intro.append(line)
        elif current is not None:
            if line is current.head or line in current.title_lines:
                continue
            if line.role == "title":
                line.role, line.reason = "unused", line.reason + ", within the item above"
            current.body.append(line)
        elif (
            announced is not None
            and line.is_text
            and line.words >= 5
            and (line.hrefs or not _is_paid(announced, line, lines))
        ):
            # Something paid for that has no title of its own.
            current = Draft(None, [line], _text(section), None, announced.text, unit=True)
            drafts.append(current)
            announced = None
        else:
            intro.append(line)
    return drafts, intro


def _is_its_button(current: Draft, line: Line) -> bool:
    """Whether a few linked words follow the text of something paid for that has neither a title nor a link yet."""
    return (
        current.announced is not None
        and current.head is None
        and is_linked_head(line)
        and line.words <= MAX_CTA_WORDS
        and not line.marker
        and line.block.kind != "heading"
        and not any(above.hrefs for above in current.lines)
    )


def _ends_advertisement(current: Draft, line: Line) -> bool:
    """Whether a text stands behind the button of something paid for that has no title of its own."""
    return (
        current.announced is not None
        and current.head is None
        and any(below.is_cta for below in current.body)
        and line.is_text
        and not (line.hrefs or line.is_cta or line.is_meta)
        and line.words >= Heads.MIN_STORY_WORDS
    )


def _ends_section(head: Line, section: Line, last: Draft) -> bool:
    """Whether a title that comes after others under a section is set larger than it, or as large where the last was smaller."""
    smaller = last.head is not None and section.prominence > last.head.prominence + Heads.SMALLER
    above = head.prominence > section.prominence + Heads.SMALLER
    return not is_linked_head(head) and (above or (smaller and head.signature == section.signature))


def _is_next(announcement: Line, title: Line, lines: Sequence[Line]) -> bool:
    """Whether nothing but pictures stands between a line that announces a sponsor and a title."""
    between = [line for line in lines[announcement.index + 1 : title.index] if line.text and line.reason != "no words"]
    return all(line.reason == MASTHEAD for line in between)


def _is_paid(announcement: Line, text: Line, lines: Sequence[Line]) -> bool:
    """Whether a linked picture, the advertisement itself, stands between an announcement and a text."""
    return any(line.block.kind == "image" and line.hrefs for line in lines[announcement.index + 1 : text.index])


def _settle_eyebrows(drafts: list[Draft]) -> None:
    """A small heading that stands over several items is their section; over one item each, it is that item's label."""
    counts = Counter(d.eyebrow for d in drafts if d.eyebrow and d.announced is None)
    if not counts or sum(counts.values()) < Heads.ITEMS_PER_SECTION * len(counts):
        return
    for draft in drafts:
        if draft.eyebrow:
            draft.section, draft.eyebrow = draft.eyebrow, None


def _is_quote_row(draft: Draft) -> bool:
    """Whether a linked name has only figures beside it, as a row of market data has."""
    rest = [line for line in draft.body if line.text and not line.is_furniture]
    return (
        draft.is_linked
        and not draft.unit
        and draft.first.words <= Heads.KICKER_WORDS
        and bool(rest)
        and any(FIGURE.match(line.text) for line in rest)
        and all(line.is_meta for line in rest)
    )


def _pictures_come_first(lines: Sequence[Line]) -> bool:
    """Whether pictures stand above the titles that they belong to, rather than below."""
    titles = [line.index for line in lines if line.role == "title" and line.is_head]
    above = sum(_is_picture(lines, index - 1) for index in titles)
    below = sum(_is_picture(lines, index + 1) for index in titles)
    return above >= 2 and above >= 2 * below and above >= 0.6 * len(titles)


def _is_picture(lines: Sequence[Line], index: int) -> bool:
    return 0 <= index < len(lines) and lines[index].block.kind == "image" and not lines[index].is_furniture


def _move_pictures(drafts: Sequence[Draft], intro: list[Line]) -> None:
    """Give each picture that stands directly above a title, behind a section's heading too, to that title's item."""
    homes = [intro, *(draft.body for draft in drafts)]
    pictures = {line.index: line for home in homes for line in home if line.block.kind == "image"}
    moved: set[int] = set()
    for draft in drafts:
        while picture := pictures.pop(draft.first.index - 1 - len(draft.pictures), None):
            draft.pictures.insert(0, picture)
            moved.add(picture.index)
    for home in homes:
        home[:] = [line for line in home if line.index not in moved]
    for draft in drafts:
        draft.body[:0] = draft.pictures


def _move_labels(drafts: Sequence[Draft]) -> None:
    """A short line behind each story's button, such as a date, stands over the next story: give it to that, as what it says beside its title."""
    moved = [
        (draft.body[-1], after)
        for draft, after in pairwise(drafts)
        if len(draft.body) >= MIN_LABELLED_LINES
        and draft.body[-2].is_cta
        and draft.body[-1].is_text
        and draft.body[-1].words <= Heads.LABEL_WORDS
        and not draft.body[-1].hrefs
    ]
    if len(moved) < MIN_LABELS or len(moved) < len(drafts) - 1:
        return
    for draft in drafts[:-1]:
        draft.body.pop()
    for label, draft in moved:
        label.is_meta = True
        draft.body.insert(0, label)


def _share_links(line: Line) -> list[str]:
    hrefs = [s.href for s in line.block.spans] + [i.href for i in line.block.images]
    return [h for h in hrefs if h]


def _text(line: Line | None) -> str | None:
    return line.text if line is not None else None


def _goes_on(current: Draft, head: Line, lines: Sequence[Line]) -> bool:
    """Whether a head only goes on with the item at hand."""
    opener = current.first
    if not head.is_head:
        return False  # a line with title and text
    if is_linked_head(head):
        if set(head.keys) & set(opener.keys):
            if _is_broken_title(current, head):
                current.title_lines.append(head)
            else:
                _take_title(current, head)
            return True  # the same link again: an image's, a "read more"
        if head.points_on and not opener.points_on and any(line.is_text for line in current.body):
            head.is_cta = True
            return True
        if is_linked_head(opener) or current.head is None:
            return _is_own_list(current, head)
        if not _is_plain_link(current, head) and not _is_pictures_link(opener, head, lines):
            return False
        head.is_cta = True
        return True
    if current.head is None or _is_outside_card(current, head):
        return False
    if is_linked_head(opener):
        if not current.body and head.prominence <= opener.prominence + Heads.SMALLER:
            return True  # a line below the title: who, when, where
        return bool(current.body) and head.prominence < opener.prominence - Heads.MUCH_SMALLER
    if head.prominence >= opener.prominence - Heads.SMALLER:
        return False
    # A smaller head is a subhead, unless the lead story has come to its button and the head has one of its own.
    lead = sum(line.is_head and line.signature == opener.signature for line in lines) == 1
    return not (lead and _ends_in_button(current.body) and any(line.is_cta for line in under(head, lines)))


def _is_own_list(current: Draft, head: Line) -> bool:
    """Whether a list of links stands in a story under a heading, behind text enough."""
    if head.block.kind != "item" or current.first.block.kind != "heading":
        return False
    return sum(line.words for line in current.body if line.is_text) >= Heads.MIN_WORDS_OVER_LIST


def _ends_in_button(body: Sequence[Line]) -> bool:
    last = next((line for line in reversed(body) if line.block.kind != "image"), None)
    return last is not None and last.is_cta


def _is_broken_title(current: Draft, head: Line) -> bool:
    """Whether a linked line is the second line of the title above: same link, same style, parted by a break only."""
    last = current.title_lines[-1] if current.title_lines else current.head
    return (
        last is not None
        and not current.body
        and head.block.paragraph == last.block.paragraph
        and head.signature == last.signature
        and head.index == last.index + 1
    )


def _is_pictures_link(opener: Line, head: Line, lines: Sequence[Line]) -> bool:
    """Whether a short linked line leads where the picture above the story's title leads."""
    above = lines[opener.index - 1] if opener.index else None
    return (
        head.words <= Heads.BUTTON_WORDS
        and above is not None
        and above.block.kind == "image"
        and bool(set(above.keys) & set(head.keys))
    )


def _is_plain_link(current: Draft, head: Line) -> bool:
    """Whether a linked line in the style of the text, at the end of a story under an unlinked head, is only the story's link."""
    plain = head.bold < 0.5 and head.block.kind != "heading" and head.prominence < Heads.PLAIN
    last = next((line for line in reversed(current.body) if line.is_text), None)
    same = last is not None and last.block.paragraph == head.block.paragraph and last.index == head.index - 1
    plain = plain and (head.is_empty or same) and not head.marker
    return plain and any(line.is_text and line.words >= 3 for line in current.body)


def _take_title(current: Draft, head: Line) -> None:
    """Of two linked lines with one address and nothing between them the larger, else the longer, is the title; the other is a kicker."""
    opener = current.head
    if opener is None or any(line.is_text for line in current.body) or not is_linked_head(opener):
        return
    larger = head.prominence > opener.prominence + Heads.SMALLER
    if larger or (
        head.prominence >= opener.prominence - Heads.SMALLER
        and head.words > opener.words
        and opener.words <= Heads.KICKER_WORDS
    ):
        current.body = [line for line in current.body if line is not head] + [opener]
        current.head = head
        opener.is_meta, opener.role, opener.reason = True, "meta", "a kicker above the title"
        head.role = "title"


def _is_outside_card(current: Draft, head: Line) -> bool:
    """Whether a head stands outside of the box that holds the item's title and the first line under it."""
    if not current.body:
        return False
    opener = current.first.block
    return _shared_depth(opener, head.block) < _shared_depth(opener, current.body[0].block)


def _shared_depth(a: Block, b: Block) -> int:
    """How many boxes two blocks share."""
    depth = 0
    for left, right in zip(a.boxes, b.boxes, strict=False):
        if left != right:
            break
        depth += 1
    return depth


def _without_repeats(drafts: list[Draft]) -> list[Draft]:
    """Drop a draft that says again, with less under it, what another one says."""
    best: dict[tuple[str, tuple[str, ...]], Draft] = {}
    for draft in drafts:
        key = (draft.first.folded, draft.first.keys[:1])
        if key not in best or draft.words > best[key].words:
            best[key] = draft
    return [d for d in drafts if best[(d.first.folded, d.first.keys[:1])] is d]
