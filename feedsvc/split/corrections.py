"""What a person said of items that were read wrongly, applied to the items of an issue. Pure.

Items have their ids by now (naming.py), so no correction changes the id of an item that it does not take away. Nothing
is lost: the blocks of an item that is no article are among those that belong to none, and an item that is joined to the
one above gives it all its blocks, its title too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from feedsvc.links import site_name
from feedsvc.model import Block, Correction, Kind, Reading, Role
from feedsvc.split.features import title_parts
from feedsvc.split.items import Item
from feedsvc.split.linkbook import LinkBook

NOTHING = "you said that it is no article"
JOINED = "you said that it belongs to the item above"
_KINDS: dict[str, Kind] = {"article": "article", "sponsor": "sponsor", "job": "job"}


@dataclass(frozen=True, slots=True)
class Traits:
    """By what corrections know an item: the id of its entry, and its title, section, label and site as they are published."""

    id: str
    title: str
    section: str | None = None
    label: str | None = None
    site: str | None = None


def correct(
    items: Sequence[Item], readings: Sequence[Reading], corrections: Sequence[Correction], book: LinkBook
) -> tuple[tuple[Item, ...], tuple[Reading, ...]]:
    """The items and the readings of their blocks after these corrections; `readings` are those of all blocks, in order."""
    if not corrections:
        return tuple(items), tuple(readings)
    groups: list[list[Item]] = []
    place: list[int | None] = []
    for item in items:
        said = verdict(_traits(item, book), corrections)
        if said is None:
            groups.append([item])
        elif said.verdict == "nothing":
            place.append(None)
            continue
        elif said.verdict == "joined":
            if groups and (said.scope != "section" or _same(groups[-1][0].section, item.section)):
                groups[-1].append(item)
            else:
                groups.append([item])
        else:
            groups.append([item._replace(kind=_KINDS[said.verdict], judged=True)])
        place.append(len(groups) - 1)
    first = [group[0].id for group in groups]
    changed = [
        _placed(reading, items, place, first) if reading.article is not None else reading for reading in readings
    ]
    return tuple(_join(group, readings) for group in groups), tuple(changed)


def verdict(traits: Traits, corrections: Sequence[Correction]) -> Correction | None:
    """The correction that counts for an item: one for it alone, else the last that fits; None where none does."""
    fitting = [one for one in corrections if fits(one, traits)]
    own = [one for one in fitting if one.scope == "item"]
    return next(reversed(own or fitting), None)


def said_kind(entry: str, corrections: Sequence[Correction]) -> Kind | None:
    """The kind that a person gave an issue which is one entry, with this id; None where none was given."""
    said = verdict(Traits(entry, ""), [one for one in corrections if one.scope == "item"])
    return None if said is None else _KINDS.get(said.verdict)


def fits(correction: Correction, traits: Traits) -> bool:
    """Whether a correction means the item with these traits."""
    if correction.scope == "item":
        return correction.value == traits.id
    if correction.scope == "begins":
        return begins(traits.title, correction.value)
    given = {"section": traits.section, "label": traits.label, "site": traits.site}[correction.scope]
    return bool(given) and _same(given, correction.value)


def begins(title: str, words: str) -> bool:
    """Whether a title begins with these words, whatever their case and spaces."""
    title, words = _folded(title), _folded(words)
    return bool(words) and title.startswith(words) and not (words[-1].isalnum() and title[len(words) :][:1].isalnum())


def _traits(item: Item, book: LinkBook) -> Traits:
    parts = title_parts(item.title)
    link = item.link or item.source
    target = book.look(link).target if link else None
    site = site_name(target.url) if target is not None and target.url and target.state == "canonical" else None
    section = item.section and title_parts(item.section).title
    return Traits(item.id, parts.title or item.title, section, parts.label or item.label, site)


def _placed(reading: Reading, items: Sequence[Item], place: Sequence[int | None], first: Sequence[str]) -> Reading:
    """The reading of an item's block, with the item's new place."""
    assert reading.article is not None
    now = place[reading.article]
    if now is None:
        return reading._replace(role="unused", article=None, reason=NOTHING)
    if items[reading.article].id != first[now] and reading.role == "title":
        role: Role = "text"
        return reading._replace(role=role, article=now, reason=JOINED)
    return reading._replace(article=now)


def _join(group: Sequence[Item], readings: Sequence[Reading]) -> Item:
    """One item of several: the first with the text and the blocks of all."""
    item = group[0]
    for more in group[1:]:
        item = item._replace(
            link=item.link or more.link,
            text=" ".join(filter(None, (item.text, more.title, more.text if more.text != more.title else ""))),
            blocks=(*item.blocks, *_blocks(more, readings)),
            lines=(*item.lines, *more.lines),
            image=item.image or more.image,
            minutes=item.minutes if item.minutes is not None else more.minutes,
            source=item.source or more.source,
        )
    return item


def _blocks(item: Item, readings: Sequence[Reading]) -> tuple[Block, ...]:
    """The blocks of an item, led by those of its title where it keeps them apart."""
    shown = {id(block) for block in item.blocks}
    titles = [n for n in item.lines if n == item.lines[0] or readings[n].role == "title"]
    return (*(readings[n].block for n in titles if id(readings[n].block) not in shown), *item.blocks)


def _same(one: str | None, other: str | None) -> bool:
    return _folded(one or "") == _folded(other or "")


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())
