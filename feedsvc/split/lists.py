"""Takes lists apart: drafts whose text is a list of items, or that hold smaller stories or lists under heads of their own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from feedsvc.split.drafts import Draft
from feedsvc.split.features import WHOLE, Line
from feedsvc.split.neighbours import is_linked_head
from feedsvc.split.units import Unit, find_units, linked_lines, opened_unit, single_unit
from feedsvc.split.weights import Heads, Units


def take_lists_apart(
    drafts: list[Draft], intro: list[Line], sections: Sequence[Line], *, strict: bool
) -> tuple[list[Draft], list[Line]]:
    """Replace each draft that is a list by its items; the introduction may be one too. `sections`: their heads, `strict`: see find_units."""
    lists = {id(d): find_units(d.body, strict=strict, linked=_is_bare_link(d)) for d in drafts if d.head is not None}
    for draft in drafts:
        if draft.head is None or not lists[id(draft)]:
            continue
        # Where most heads of this style stand over stories, a list must be the whole of what stands under one.
        peers = [d for d in drafts if d.head is not None and d.head.signature == draft.head.signature]
        if sum(not lists[id(d)] for d in peers) > 0.5 * len(peers):
            lists[id(draft)] = find_units(draft.body, strict=True, linked=_is_bare_link(draft))
    if sum(map(len, lists.values())) >= Units.MIN_IN_OTHER_LISTS:
        lists |= {
            id(d): single_unit(d.body) for d in drafts if d.head is not None and not lists[id(d)] and not d.is_linked
        }
    lines = {id(d): linked_lines(d.body) for d in drafts if d.head is not None and not d.is_linked and not lists[id(d)]}
    if sum(map(len, lines.values())) >= Units.MIN_IN_OTHER_LISTS:
        lists |= lines
    if not strict:
        lists |= _opened_under([d for d in drafts if not lists.get(id(d))], sections)
    units = find_units(intro, strict=strict)
    out = [_unit_draft(unit, None, None) for unit in units]
    intro = _others(intro, units)
    for draft in drafts:
        if below := _stories_below(draft):
            out += below
            continue
        found = lists.get(id(draft), [])
        if draft.head is None or not found:
            parts = _lists_below(draft, strict=strict, elsewhere=sum(map(len, lists.values())))
            out.append(draft if not parts else replace(draft, body=_others(draft.body, parts)))
            out += [_unit_draft(unit, _nearest_label(unit, draft, parts), None) for unit in parts]
            continue
        others = _others(draft.body, found)
        if _has_own(draft, found[0]):
            first = found[0].first.index
            out.append(replace(draft, body=[line for line in others if line.index < first]))
            section = draft.section
        else:
            named = (
                not draft.is_linked or draft.head.block.kind == "heading" or draft.head.prominence > Heads.NAMES_LIST
            )
            section = draft.head.text if named else draft.section
            draft.head.role, draft.head.reason = "section", "a head over a list"
        intro += [line for line in others if line.index > found[0].first.index or not _has_own(draft, found[0])]
        out += [_unit_draft(unit, _nearest_label(unit, draft, found) or section, None) for unit in found]
    out.sort(key=lambda draft: draft.first.index)
    return out, intro


def _opened_under(drafts: Sequence[Draft], sections: Sequence[Line]) -> dict[int, list[Unit]]:
    """The one line with its own title under each head that is set as sections are, by the id of the head's draft."""
    styles = Counter(line.signature for line in sections)
    own = Counter(d.head.signature for d in drafts if d.head is not None)
    return {
        id(d): opened_unit(d.body)
        for d in drafts
        if d.head is not None
        and not d.head.hrefs
        and styles[d.head.signature] >= max(Units.MIN_SECTIONS, own[d.head.signature] / 2)
    }


def _stories_below(draft: Draft) -> list[Draft]:
    """The smaller heads under a head as stories of their own, where nearly each has a link that no other has; else none."""
    if draft.head is None or draft.is_linked:
        return []
    heads = [line for line in draft.body if line.is_head and not is_linked_head(line) and not line.is_cta]
    heads = [line for line in heads if heads and line.signature == heads[0].signature]
    if len(heads) < Units.MIN_LEAD_UNITS:
        return []
    before = [line for line in draft.body if line.index < heads[0].index]
    if sum(line.words for line in before if line.is_text) > Heads.INTRO_WORDS:
        return []
    starts = [line.index for line in heads] + [draft.body[-1].index + 1]
    stories = [
        Draft(
            head,
            [line for line in draft.body if start < line.index < end],
            draft.head.text,
            draft.eyebrow,
            draft.announced,
        )
        for head, start, end in zip(heads, starts, starts[1:], strict=False)
    ]
    keys = [next((key for line in story.lines for key in line.keys), "") for story in stories]
    if len({key for key in keys if key}) < Units.MIN_DISTINCT * len(stories):
        return []
    if sum(story.words for story in stories) > Units.MAX_STORY_WORDS * len(stories):
        return []
    draft.head.role, draft.head.reason = "section", "a head over smaller heads with links of their own"
    for head in heads:
        head.role, head.reason = "title", "a smaller head with a link of its own"
    return stories


def _lists_below(draft: Draft, *, strict: bool, elsewhere: int) -> list[Unit]:
    """The items of the lists that stand under the smaller heads within a draft; none where they and those `elsewhere` are few."""
    if draft.head is None or draft.is_linked:
        return []
    starts = [n for n, line in enumerate(draft.body) if line.is_head]
    if not starts:
        return []
    segments = [draft.body[a:b] for a, b in zip([0, *starts], [*starts, len(draft.body)], strict=True)]
    found = [find_units(segment, strict=strict) for segment in segments]
    if sum(map(len, found)) < (Units.MIN_UNITS if elsewhere >= Units.MIN_IN_OTHER_LISTS else Units.MIN_IN_OTHER_LISTS):
        return []
    return [unit for segment, units in zip(segments, found, strict=True) for unit in (units or single_unit(segment))]


def _has_own(draft: Draft, first: Unit) -> bool:
    """Whether a linked head has a text or a button of its own before the list that follows it."""
    before = [line for line in draft.body if line.index < first.first.index]
    return draft.is_linked and any(
        (line.is_cta and set(line.keys) & set(draft.first.keys))
        or (line.is_text and line.words >= Heads.MIN_STORY_WORDS)
        for line in before
    )


def _others(lines: Sequence[Line], units: Sequence[Unit]) -> list[Line]:
    taken = {line.index for unit in units for line in unit.lines}
    return [line for line in lines if line.index not in taken]


def _nearest_label(unit: Unit, draft: Draft, units: Sequence[Unit]) -> str | None:
    """The last short emphasised line above a unit that is no unit's own, within the text that the list was found in."""
    taken = {line.index for other in units for line in other.lines if not line.is_head}
    labels = [
        line
        for line in draft.body
        if line.index < unit.first.index
        and line.index not in taken
        and not line.is_meta
        and line.words <= Heads.LABEL_WORDS
        and (line.is_head or line.bold >= WHOLE)
        and not line.hrefs
    ]
    return labels[-1].text if labels else None


def _unit_draft(unit: Unit, section: str | None, announced: str | None) -> Draft:
    for line in unit.lines:
        line.is_meta = line.is_meta or line.index < unit.first.index  # a kicker above the title
    return Draft(None, list(unit.lines), section, None, announced, unit=True)


def _is_bare_link(draft: Draft) -> bool:
    """Whether the title is a link set as text is, so that text under it is its own."""
    head = draft.head
    return (
        head is not None and is_linked_head(head) and head.block.kind != "heading" and head.words > Heads.KICKER_WORDS
    )
