"""Lines to items: which head is a title, a section, a subhead, and what stands under each. The evidence is explained in weights.py."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from feedsvc.split.features import LEADING_NOISE, Line, LinkBook
from feedsvc.split.phrases import says
from feedsvc.split.units import Unit, find_units
from feedsvc.split.weights import Essay, Story

FOLD = re.compile(r"[^\W_]+")
NUMBERED = re.compile(r"^\W*(?:#?\d{1,2}[.):]|\d{1,2}\s*[-–—])\s*\S")
LIST_MARKS = re.compile(r"[,;+|•·/]|\band\b|\bund\b|\bet\b|\by\b|\bplus\b", re.I)
MIN_TITLE_WORDS = 2
MIN_TITLE_CHARS = 12
# What stands beside the name in a masthead: weekdays, months, "issue", "no.".
MASTHEAD_WORDS = """
jan feb mar apr may jun jul aug sep oct nov dec mon tue wed thu fri sat sun day issue edition newsletter ausgabe no nr the of st nd rd th weekly
daily vol volume week
""".split()


@dataclass(slots=True)
class Draft:
    """An item in the making. `head` is None for the items of a list, whose title is in their first line."""

    head: Line | None
    body: list[Line] = field(default_factory=list)
    section: str | None = None
    eyebrow: str | None = None
    announced: str | None = None  # the line before it that says it is paid for
    unit: bool = False

    @property
    def first(self) -> Line:
        """The line that opens the item."""
        return self.head if self.head is not None else self.body[0]

    @property
    def lines(self) -> Iterator[Line]:
        """All lines of the item in order."""
        if self.head is not None:
            yield self.head
        yield from self.body

    @property
    def words(self) -> int:
        """Words under the title."""
        return sum(line.words for line in self.body)


@dataclass(slots=True)
class Outline:
    """What the issue falls into: its items, and the lines that belong to none."""

    items: list[Draft]
    intro: list[Line]
    issue_title: Line | None = None


def fold(text: str) -> str:
    """Letters and digits only, without case: equal for what two people would call the same title."""
    return " ".join(FOLD.findall(text.casefold()))


def read_outline(lines: list[Line], subject: str, names: Sequence[str], book: LinkBook) -> Outline:
    """The outline of an issue. `names` are what the newsletter calls itself; a head that is only such a name is its masthead."""
    title = _issue_title(lines, subject, names)
    _drop_contents(lines)
    _drop_housekeeping_heads(lines)
    _name_sections(lines)
    _name_titles(lines)
    drafts, intro = _gather(lines)
    drafts = _without_empty(drafts)
    return _weigh(drafts, intro, lines, subject, title)


# -- heads that are no titles -----------------------------------------------------------------------------------------------------------


def _issue_title(lines: list[Line], subject: str, names: Sequence[str]) -> Line | None:
    """The head that is the issue's own title or masthead, if one stands near the top; it is taken out of the outline."""
    wanted = {fold(subject)} - {""}
    mastheads = {fold(name) for name in names} - {""}
    found: Line | None = None
    heads = [line for line in lines if line.is_head][:6]
    for line in heads:
        text = fold(line.text)
        if not text:
            continue
        if text in wanted or (len(text) > 20 and any(text in w or w in text for w in wanted if len(w) > 20)):
            line.is_head, line.role, line.reason = False, "furniture", "the issue's own title"
            if found is None or (line.hrefs and not found.hrefs):
                found = line
        elif text in mastheads or (line.index < 12 and _is_masthead(text, mastheads)):
            line.is_head, line.role, line.reason = False, "furniture", "the newsletter's name"
    return found


def _is_masthead(text: str, names: set[str]) -> bool:
    """Whether a head is the newsletter's name with a number or a date, and nothing else."""
    rest = text
    for name in names:
        rest = rest.replace(name, " ")
    if rest == text and not re.search(r"\b(?:issue|edition|newsletter|ausgabe|no|nr|num[ée]ro)\b", text):
        return False
    words = [w for w in rest.split() if not w.isdigit()]
    return all(any(w.startswith(m) and len(w) <= 10 for m in MASTHEAD_WORDS) for w in words)


def _drop_contents(lines: list[Line]) -> None:
    """Take out a table of contents: lines near the head that say again what later heads say, or only lead to anchors."""
    heads = [line for line in lines if line.is_head]
    later: dict[str, int] = {}
    for line in heads:
        later[fold(_title_text(line))] = line.index
    for line in lines:
        if line.is_furniture or line.block.kind == "image":
            continue
        anchors = [s.href for s in line.block.spans if s.href]
        if anchors and all(h.startswith("#") for h in anchors) and line.words <= 20:
            _drop(line, "a line of a table of contents")
            continue
        text = fold(_title_text(line))
        where = later.get(text, -1)
        # The later one has text under it; this one has none, or it would be the item itself.
        if (
            len(text) > 8
            and where > line.index
            and line.index < 0.6 * len(lines)
            and not _has_text_under(line, lines)
            and _has_text_under(lines[where], lines)
        ):
            _drop(line, "a line of a table of contents")


def _title_text(line: Line) -> str:
    return re.sub(r"^\W*\d{1,2}[.)]?\s+", "", line.text)


def _drop(line: Line, reason: str) -> None:
    line.is_head, line.role, line.reason = False, "furniture", reason


def _has_text_under(line: Line, lines: Sequence[Line]) -> bool:
    """Whether something to read or a link stands between this line and the next head."""
    for after in lines[line.index + 1 : line.index + 12]:
        if after.is_head:
            return False
        if after.is_cta or (after.is_text and not after.is_meta and after.words >= 5):
            return True
    return False


def _drop_housekeeping_heads(lines: list[Line]) -> None:
    """A head over housekeeping only ("Share this newsletter", "Want to advertise?") is housekeeping, with all that stands under it."""
    heads = [line for line in lines if line.is_head]
    for position, head in enumerate(heads):
        end = heads[position + 1].index if position + 1 < len(heads) else len(lines)
        under = [
            line
            for line in lines[head.index + 1 : end]
            if line.block.kind not in ("rule", "image") and line.reason != "no words"
        ]
        texts = [line for line in under if not line.is_furniture]
        if under and len(under) > len(texts) and not texts and not head.hrefs:
            _drop(head, "a heading over housekeeping")


def _name_sections(lines: list[Line]) -> None:
    """Heads with nothing under them but another head are sections, unless they are titles of a plain list of links."""
    heads = [line for line in lines if line.is_head]
    empty: dict[int, bool] = {}
    for position, head in enumerate(heads):
        end = heads[position + 1].index if position + 1 < len(heads) else len(lines)
        under = lines[head.index + 1 : end]
        has_text = any(line.is_text and not line.is_meta and (line.words >= 3 or line.hrefs) for line in under) or any(
            line.is_cta for line in under
        )
        linked_image = any(line.block.kind == "image" and line.hrefs and not line.is_furniture for line in under)
        empty[head.index] = not has_text and not (linked_image and not head.hrefs and head.words >= 4)
    for position, head in enumerate(heads):
        if not empty[head.index]:
            continue
        after = heads[position + 1] if position + 1 < len(heads) else None
        is_linked = bool(head.hrefs) and head.linked >= 0.85
        if is_linked:
            continue  # a title without text; _name_titles looks at it
        if after is not None and not says("sponsor_line", _plain(head)):
            head.role, head.reason = "section", "a head with only the next head under it"
        elif says("sponsor_line", _plain(head)):
            head.role, head.reason, head.is_head = "sponsor", "announces something paid for", False
        else:
            _drop(head, "a head with nothing under it")
    for line in lines:
        if (
            not line.is_furniture
            and not line.marker
            and line.words <= (8 if line.hrefs else 14)
            and says("sponsor_line", _plain(line))
            and line.role != "sponsor"
        ):
            line.role, line.reason, line.is_head = "sponsor", "announces something paid for", False


def _plain(line: Line) -> str:
    return LEADING_NOISE.sub("", line.text).strip(" :*_-–—|")


# -- titles ----------------------------------------------------------------------------------------------------------------------------


def _name_titles(lines: list[Line]) -> None:
    """Say of each remaining head whether it is a title; what is left are subheads."""
    heads = [line for line in lines if line.is_head and line.role != "section"]
    linked = [h for h in heads if h.hrefs and h.linked >= 0.85]
    marked = sum(1 for h in linked if h.marker)
    for head in linked:
        text = _plain(head)
        if (
            head.words < MIN_TITLE_WORDS
            and len(text) < MIN_TITLE_CHARS
            and not head.marker
            and head.block.kind != "heading"
            and head.bold < 0.85
        ):
            continue
        if marked >= 3 and marked >= 0.5 * len(linked) and not head.marker and head.block.kind != "heading":
            head.reason = "a link without the marker that the titles here carry"
            continue
        head.role, head.reason = "title", "a head that is a link"
    for head in heads:
        if head.role != "unused" or head in linked:
            continue
        if head.text.rstrip().endswith(":") and not head.hrefs:
            head.reason = "a head that only leads on"
            continue
        head.role, head.reason = "title", "a head with text under it"


# -- items -----------------------------------------------------------------------------------------------------------------------------


def _gather(lines: list[Line]) -> tuple[list[Draft], list[Line]]:
    """Lines to drafts: titles open items, sections name them, lists are taken apart."""
    drafts: list[Draft] = []
    intro: list[Line] = []
    current: Draft | None = None
    section: Line | None = None
    eyebrow: Line | None = None
    announced: str | None = None
    closed = False  # after a heading of housekeeping, until the next head
    for line in lines:
        if line.is_furniture:
            if line.reason in ("a heading over housekeeping", "a phrase of housekeeping") and line.index > 0.5 * len(
                lines
            ):
                closed = True
            continue
        if line.role == "section":
            if section is not None and _is_eyebrow(line, section, lines):
                eyebrow = line
            else:
                section, eyebrow = line, None
            current, closed = None, False
            continue
        if line.role == "sponsor":
            if not (current is not None and current.head is not None and not current.body):
                announced = line.text
                current = None
            else:
                current.announced = line.text
            continue
        if line.role == "title":
            if current is not None and _goes_on(current, line):
                current.body.append(line)
                line.reason = "a head within the item above"
                continue
            current = Draft(line, section=_text(section), eyebrow=_text(eyebrow), announced=announced)
            drafts.append(current)
            eyebrow, announced, closed = None, None, False
            continue
        if closed:
            line.reason = line.reason or "after the housekeeping began"
            continue
        if current is not None:
            current.body.append(line)
        else:
            if announced is not None and line.is_text and line.words >= 5:
                # Something paid for without a title of its own.
                current = Draft(None, [line], _text(section), None, announced, unit=True)
                drafts.append(current)
                announced = None
                continue
            intro.append(line)
    return _take_lists_apart(drafts, intro)


def _text(line: Line | None) -> str | None:
    return line.text if line is not None else None


def _is_eyebrow(line: Line, section: Line, lines: Sequence[Line]) -> bool:
    """Whether a section line is smaller than the section that holds, so that it stands over one item only."""
    return line.prominence < section.prominence - 0.05


def _goes_on(current: Draft, head: Line) -> bool:
    """Whether a head only goes on with the item at hand."""
    opener = current.first
    if head.hrefs and head.linked >= 0.85:
        if set(head.keys) & set(opener.keys):
            return True  # the same link again
        return False
    # An unlinked head that is smaller than the item's own head is its subhead.
    if (
        current.head is not None
        and not (opener.hrefs and opener.linked >= 0.85)
        and head.prominence < opener.prominence - 0.03
    ):
        return True
    return bool(
        current.head is not None and current.head.hrefs and current.body and head.prominence < opener.prominence - 0.2
    )


def _take_lists_apart(drafts: list[Draft], intro: list[Line]) -> tuple[list[Draft], list[Line]]:
    """Replace each draft that is a list by its items; the intro may be one too."""
    out: list[Draft] = []
    units = find_units(intro)
    if units:
        taken = {line.index for unit in units for line in unit.lines}
        intro = [line for line in intro if line.index not in taken]
        out += [_unit_draft(unit, None) for unit in units]
    for draft in drafts:
        found = find_units(draft.body) if draft.head is not None else []
        if not found or draft.head is None:
            out.append(draft)
            continue
        head = draft.head
        head.role, head.reason = "section", "a head over a list"
        taken = {line.index for unit in found for line in unit.lines}
        intro += [line for line in draft.body if line.index not in taken]
        for unit in found:
            item = _unit_draft(unit, head.text)
            item.announced = draft.announced
            out.append(item)
    out.sort(key=lambda draft: draft.first.index)
    return out, intro


def _unit_draft(unit: Unit, section: str | None) -> Draft:
    return Draft(None, list(unit.lines), section, unit=True)


def _without_empty(drafts: list[Draft]) -> list[Draft]:
    """Drop drafts with neither a link nor text."""
    return [d for d in drafts if any(line.hrefs for line in d.lines) or d.words >= 8]


# -- digest or essay -------------------------------------------------------------------------------------------------------------------


def _weigh(drafts: list[Draft], intro: list[Line], lines: list[Line], subject: str, title: Line | None) -> Outline:
    """Decide whether the drafts stand as items, or are parts of one essay."""
    linked = [d for d in drafts if d.unit or (d.head is not None and d.head.hrefs and d.head.linked >= 0.85)]
    stories = [d for d in drafts if d not in linked]
    prose = sum(line.words for line in intro) + sum(d.words for d in stories)
    in_linked = sum(d.words for d in linked)
    if stories and not _are_stories(stories, lines, subject, title):
        if len(linked) >= Essay.MIN_DIGEST_ITEMS and not (
            len(linked) <= Essay.FEW_ITEMS
            and prose > Essay.MIN_WORDS
            and prose >= Essay.MIN_SHARE * (prose + in_linked)
        ):
            # The links stand; a long text beside them is an article too.
            return Outline(linked + [d for d in stories if _has_own_link(d)], intro, title)
        return Outline([], intro, title)
    distinct = {line.keys[0] for d in linked for line in [d.first] if line.keys}
    if not stories and (
        len(distinct) < Essay.MIN_DIGEST_ITEMS
        or (
            len(linked) <= Essay.FEW_ITEMS
            and prose > Essay.MIN_WORDS
            and prose >= Essay.MIN_SHARE * (prose + in_linked)
        )
    ):
        return Outline([], intro, title)
    return Outline(drafts, intro, title)


def _has_own_link(draft: Draft) -> bool:
    """Whether a story ends in a button or starts with a linked image."""
    return any(line.is_cta and line.hrefs for line in draft.body) or any(
        line.block.kind == "image" and line.hrefs for line in draft.body[:3]
    )


def _are_stories(stories: list[Draft], lines: Sequence[Line], subject: str, title: Line | None) -> bool:
    """Whether stories under unlinked heads are articles by themselves: the sum of the evidence in `weights.Story`."""
    if len(stories) < 2:
        return bool(stories) and _has_own_link(stories[0])
    count = len(stories)
    heads = [d.head for d in stories if d.head is not None]
    score = Story.OWN_LINK * sum(_has_own_link(d) for d in stories) / count
    if sum(bool(NUMBERED.match(h.text)) for h in heads) >= 0.6 * count:
        score += Story.NUMBERED
    parents = {h.block.boxes[:-1] for h in heads}
    if len(parents) >= 0.8 * count:
        score += Story.OWN_BOX
    words = set(fold(subject).split())
    named = sum(1 for h in heads if len(words & {w for w in fold(h.text).split() if len(w) > 3}) >= 2)
    if named >= 2:
        score += Story.IN_SUBJECT
    if len(LIST_MARKS.findall(subject)) >= 2:
        score += Story.LISTED_SUBJECT
    score += (
        Story.IMAGE_EACH
        * sum(
            any(
                near.block.kind == "image" and not near.is_furniture
                for near in lines[max(0, h.index - 2) : h.index + 3]
            )
            for h in heads
        )
        / count
    )
    if sum(d.section is not None for d in stories) >= 0.5 * count:
        score += Story.SECTIONED
    if sum(line.reason == "a line of a table of contents" for line in lines) >= 2:
        score += Story.LISTED_AT_HEAD
    if title is not None:
        score += Story.IS_POST
    if sum(d.words for d in stories) / count > Story.LONG_WORDS:
        score += Story.LONG
    return score >= Story.NEEDED
