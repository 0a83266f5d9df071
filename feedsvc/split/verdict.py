"""Decides what an outline comes to: a digest of items, one text, or a text with a list beside it. The weights stand in weights.py."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from feedsvc.split.contents import CONTENTS
from feedsvc.split.drafts import Draft
from feedsvc.split.features import Line, inner_button
from feedsvc.split.heads import OPENER
from feedsvc.split.outline import Outline
from feedsvc.split.ownlink import closing_link
from feedsvc.split.placed import BARE
from feedsvc.split.weights import Essay, Heads, Story
from feedsvc.split.words import fold

NUMBERED = re.compile(r"^\W*(?:#?\d{1,2}[.):]|\d{1,2}\s*[-–—])\s*\S")
LEADING_NUMBER = re.compile(r"^(\d{1,2})(?=[\s.:)])")
MIN_COUNTED = 3
# In a subject: no part of a date or of an issue's number.
COUNTED = re.compile(r"(?<![\d#./-])\b([1-9]\d?)\b(?![./-])")
LIST_MARKS = re.compile(r"[,;+|•·/]|\band\b|\bund\b|\bet\b|\by\b|\bplus\b", re.I)


def settle(outline: Outline, lines: Sequence[Line], subject: str) -> list[Draft]:
    """The items that the issue falls into, in order; none where it is one text without a title of its own."""
    items = _decide(outline, lines, subject)
    if not items and outline.issue_title is None and (head := _own_title(outline, lines)) is not None:
        # One text: all of it belongs to the head that stands above all others.
        rest = [line for line in lines if line is not head and not line.is_furniture and line.role != "section"]
        return [Draft(head, rest, outline.drafts[0].section, essay=True)]
    if not items and outline.issue_title is None and (head := _only_link(outline, lines)) is not None:
        rest = [line for line in lines[head.index + 1 :] if not line.is_furniture and line.role != "section"]
        return [Draft(head, rest, outline.drafts[0].section)]
    _number(items)
    _trim(items)
    return items


def _trim(items: Sequence[Draft]) -> None:
    """Take from the last item of a run in one style what no other of the run has: more lines of text than any, the mail's own last words."""
    runs: list[list[Draft]] = []
    for draft in items:
        alike = (
            runs
            and not draft.essay
            and (draft.section, draft.unit, draft.is_linked)
            == (runs[-1][-1].section, runs[-1][-1].unit, runs[-1][-1].is_linked)
        )
        if alike:
            runs[-1].append(draft)
        else:
            runs.append([draft])
    for run in runs:
        last = run[-1]
        texts = [line for line in last.body if line.is_text and not line.is_meta and line is not last.first]
        most = max(
            (sum(line.is_text and not line.is_meta and line is not d.first for line in d.body) for d in run[:-1]),
            default=0,
        )
        if len(run) > Essay.FEW_ITEMS - 1 and most <= Essay.FEW_LINES and len(texts) > most:
            cut = texts[most].index
            last.body = [line for line in last.body if line.index < cut or line is last.first]


def _own_title(outline: Outline, lines: Sequence[Line]) -> Line | None:
    """The one head in the upper part of a text that is set larger than all others."""
    heads = sorted(
        (d.head for d in outline.drafts if d.head is not None and not d.is_linked), key=lambda h: -h.prominence
    )
    inner = [line for d in outline.drafts for line in d.body if line.is_head]
    if not heads or heads[0].index > Essay.TITLE_WITHIN * len(lines):
        return None
    if sum(d.words for d in outline.drafts if d.first.index < heads[0].index) > Essay.WORDS_OVER_TITLE:
        return None
    others = [h.prominence for h in (*heads[1:], *inner)]
    return heads[0] if others and heads[0].prominence > max(others) else None


def _only_link(outline: Outline, lines: Sequence[Line]) -> Line | None:
    """The linked head in the upper part of a text that is set larger than all others, where no link leads elsewhere."""
    linked = [d.head for d in outline.drafts if d.head is not None and d.is_linked]
    heads = sorted((line for line in lines if line.is_head), key=lambda h: -h.prominence)
    if not linked or heads[0] is not linked[0] or linked[0].index > Essay.TITLE_WITHIN * len(lines):
        return None
    keys = {key for line in lines if not line.is_furniture for key in line.keys}
    return linked[0] if len(keys) == 1 and len(heads) > 1 and heads[1].prominence < heads[0].prominence else None


def _number(items: Sequence[Draft]) -> None:
    """Note the numbers that titles begin with where they count on from one to the next."""
    run: list[Draft] = []
    for draft in items:
        found = LEADING_NUMBER.match(draft.first.text)
        if found and int(found[1]) == len(run) + 1:
            run.append(draft)
    if len(run) >= MIN_COUNTED:
        for number, draft in enumerate(run, 1):
            draft.number = str(number)


def _decide(outline: Outline, lines: Sequence[Line], subject: str) -> list[Draft]:
    linked = [d for d in outline.drafts if d.is_linked]
    stories = [d for d in outline.drafts if not d.is_linked]
    if stories and _are_stories(stories, linked, lines, subject, outline):
        return _with_letter(outline.drafts, outline.intro)
    own = [d for d in stories if _has_own_link(d, pictures=outline.issue_title is None)]
    essay = outline.intro + [line for d in stories if d not in own for line in d.lines]
    prose = sum(line.words for line in essay if not line.is_meta)
    items = linked + own
    distinct = {d.first.keys[0] for d in items if d.first.keys} | {d.first.index for d in items if not d.first.keys}
    under = sum(d.words + d.first.words for d in items)
    beside_paid = (
        outline.issue_title is not None and prose >= Essay.MIN_WORDS and all(d.announced is not None for d in items)
    )
    if (len(distinct) < Essay.MIN_DIGEST_ITEMS or all(_is_button(d) for d in items)) and not (items and beside_paid):
        return []
    if beside_paid:
        assert outline.issue_title is not None
        return [Draft(outline.issue_title, sorted(essay, key=lambda line: line.index), essay=True), *items]
    listed = _is_listed(items)
    text = prose + _words_behind_lists(items)
    if (
        not listed
        and len(items) <= Essay.FEW_ITEMS
        and text > Essay.MIN_WORDS
        and text >= Essay.MIN_SHARE * (prose + under)
    ):
        return []
    rest = prose > Essay.LITTLE * (prose + under)  # beside the items there is a text
    if outline.issue_title is not None and rest and len(items) <= Essay.FEW_ITEMS and not any(d.unit for d in items):
        return []
    items.sort(key=lambda d: d.first.index)
    if prose >= Essay.MIN_WORDS and essay and outline.issue_title is not None:
        return [Draft(outline.issue_title, sorted(essay, key=lambda line: line.index), essay=True), *items]
    return _with_letter(items, outline.intro)


def _is_button(draft: Draft) -> bool:
    """Whether an item is a link of a word or two and nothing else."""
    return draft.is_linked and not draft.words and draft.first.words < Heads.MENU_WORDS and not draft.first.marker


def _words_behind_lists(items: Sequence[Draft]) -> int:
    """How many words stand in paragraphs behind list items that are links as a whole: a list within a text ends where the text goes on."""
    bullets = [d for d in items if d.head is not None and d.head.block.kind == "item"]
    return sum(line.words for d in bullets for line in d.body if line.is_text and line.block.kind != "item")


def _is_listed(items: Sequence[Draft]) -> bool:
    """Whether the few items beside an essay are one list under a head of its own, each of which begins with its link."""
    return (
        len(items) >= Essay.MIN_LISTED
        and all(d.section and d.first.linked_lead and _stands_in_list(d) for d in items)
        and len({d.section for d in items}) == 1
    )


def _stands_in_list(draft: Draft) -> bool:
    return (draft.unit and draft.first.block.kind == "item") or draft.first.reason == OPENER


def _with_letter(items: list[Draft], intro: list[Line]) -> list[Draft]:
    """The items, led by the letter to the reader where that is long enough to be an article itself."""
    first = min((d.first.index for d in items), default=0)
    letter = [line for line in intro if line.index < first and not line.is_furniture]
    if sum(line.words for line in letter if line.is_text) < Essay.MIN_LETTER_WORDS:
        return items
    opening = next((n for n, line in enumerate(letter) if line.reason == "a salutation"), None)
    if opening is None:
        opening = next(n for n, line in enumerate(letter) if line.is_text and line.words >= 8)
    return [Draft(None, letter[opening:], essay=True), *items]


def _has_own_link(draft: Draft, *, pictures: bool = True) -> bool:
    """Whether a story has a link in its head, ends in a button or (`pictures`) starts with a linked image.

    In posts the images link to their own larger form.
    """
    if draft.head is not None and draft.head.hrefs:
        return True
    if any((line.is_cta and line.hrefs) or inner_button(line) for line in draft.body):
        return True
    return pictures and any(line.block.kind == "image" and line.hrefs for line in draft.body[:3])


def _are_stories(
    stories: list[Draft], linked: list[Draft], lines: Sequence[Line], subject: str, outline: Outline
) -> bool:
    """Whether stories under unlinked heads are articles by themselves: the sum of the evidence in `weights.Story`."""
    if len(stories) < 2:
        return _has_own_link(stories[0])
    title = outline.issue_title
    count = len(stories)
    heads = [d.head for d in stories if d.head is not None]
    score = Story.OWN_LINK * sum(_has_own_link(d) for d in stories) / count
    own = {key for d in stories if (key := _closing_key(d))}
    average = sum(d.words for d in stories) / count
    if average <= Story.BRIEF_WORDS and len(own) >= Story.MOST * count:
        score += Story.CLOSED_EACH
    if average <= Story.SHORT_WORDS and count > 2 and _links_apart(stories):
        score += Story.SHORT_LINKED
    if count > 2 and average <= Story.TERSE_WORDS:
        score += Story.TERSE
    if all(h.signature == BARE for h in heads):
        score += Story.RULED_OFF
    if sum(bool(NUMBERED.match(h.text)) for h in heads) >= 0.6 * count:
        score += Story.NUMBERED
    counted = COUNTED.search(subject)
    if counted and not outline.is_named and int(counted[1]) > 2 and abs(int(counted[1]) - count) <= 1:
        score += Story.LISTICLE
    if len({h.block.boxes[:-1] for h in heads}) >= 0.8 * count:
        score += Story.OWN_BOX
    words = set(fold(subject).split())
    if sum(len(words & {w for w in h.folded.split() if len(w) > 3}) >= 2 for h in heads) >= 2:
        score += Story.IN_SUBJECT
    if len(LIST_MARKS.findall(subject)) >= 2:
        score += Story.LISTED_SUBJECT
    score += Story.IMAGE_EACH * sum(_is_pictured(h, lines) for h in heads) / count
    score += Story.SHARED_EACH * sum(bool(d.shares) for d in stories) / count
    if sum(d.section is not None for d in stories) >= 0.5 * count:
        score += Story.SECTIONED
    score += Story.LIKE_LINKED * _share_like_linked(heads, linked)
    if sum(line.reason == CONTENTS for line in lines) >= 2:
        score += Story.LISTED_AT_HEAD
    if title is None and _names_one_of(subject, heads):
        score += Story.NAMED_AFTER  # no post has its title in the style of its subheads
    if title is not None and any(h.folded == title.folded for h in heads):
        score += Story.NAMED_AFTER  # the title stands again over one of several stories
    elif title is not None:
        score += Story.IS_POST
    if title is None and not linked and not outline.is_named and _is_title_of_all(subject, stories):
        score += Story.OTHER_TITLE
    if average > Story.LONG_WORDS:
        score += Story.LONG
    if title is None and outline.is_named and _are_alike(heads):
        score += Story.NAMED_ISSUE
        if sum(line.words for line in _prose_before(heads[0], outline.intro)) <= Story.GREETING_WORDS:
            score += Story.BEGINS_AT_ONCE
    return score >= Story.NEEDED


def _is_title_of_all(subject: str, stories: Sequence[Draft]) -> bool:
    """Whether the subject has some words and no number, and no story has a telling one of them in its head."""
    words = fold(subject).split()
    if len(words) < Story.MIN_TITLE_WORDS or any(c.isdigit() for c in subject):
        return False
    telling = {word for word in words if len(word) >= Story.MIN_TELLING_CHARS or not word.isascii()}
    return all(d.head is None or telling.isdisjoint(d.head.folded.split()) for d in stories)


def _are_alike(heads: Sequence[Line]) -> bool:
    """Whether most of several heads are set alike."""
    styles = Counter(head.signature for head in heads)
    return len(heads) >= Story.MIN_ALIKE and max(styles.values()) >= Story.MOST * len(heads)


def _prose_before(head: Line, intro: Sequence[Line]) -> list[Line]:
    """The text before the first head; that behind a salutation is none, for no essay greets its reader."""
    before = [line for line in intro if line.index < head.index and line.is_text]
    greeted = next((n for n, line in enumerate(before) if line.reason == "a salutation"), len(before))
    return before[:greeted]


def _share_like_linked(heads: Sequence[Line], linked: Sequence[Draft]) -> float:
    """Which share of the unlinked heads are headings of the level and size of several that have links."""
    found = [(line.block.level, round(line.size)) for line in heads if line.block.kind == "heading" and not line.hrefs]
    items = [d.head for d in linked if d.head is not None]
    peers = [line for line in (*heads, *items) if line.block.kind == "heading" and line.hrefs]
    styles = [(line.block.level, round(line.size)) for line in peers]
    return sum(styles.count(style) >= Story.MIN_LINKED_PEERS for style in found) / len(heads) if heads else 0.0


def _names_one_of(subject: str, heads: Sequence[Line]) -> bool:
    """Whether the subject holds the whole of a head that is set as two others are."""
    wanted = fold(subject)
    styles = [h.signature for h in heads]
    return any(
        len(h.folded) >= Story.MIN_NAMED_CHARS
        and h.folded in wanted
        and styles.count(h.signature) > Story.MIN_NAMED_PEERS
        for h in heads
    )


def _closing_key(draft: Draft) -> str:
    """What is equal for links to one place: of the link that a story ends in; empty where it ends in none."""
    href = closing_link(draft.body)
    return next((key for line in draft.body for h, key in zip(line.hrefs, line.keys, strict=False) if h == href), "")


def _links_apart(stories: Sequence[Draft]) -> bool:
    """Whether nearly each story has a link, and no other has it too."""
    first = [next((line.keys[0] for line in d.lines if line.keys and line.block.kind != "image"), "") for d in stories]
    return len(set(first) - {""}) >= Story.MOST * len(stories)


def _is_pictured(head: Line, lines: Sequence[Line]) -> bool:
    near = lines[max(0, head.index - 2) : head.index + 3]
    return any(line.block.kind == "image" and not line.is_furniture for line in near)
