"""Gives items the ids of their entries, before a person's corrections change which items there are."""

from __future__ import annotations

from collections.abc import Sequence

from feedsvc.model import entry_id
from feedsvc.split.items import Item


def name_items(items: Sequence[Item], key: str) -> tuple[Item, ...]:
    """The items of the message with this key, each with its id; ids differ."""
    used: set[str] = set()
    return tuple(item._replace(id=_new_id(key, item.link, item.title, used)) for item in items)


def _new_id(key: str, link: str | None, title: str, used: set[str]) -> str:
    """The entry's id: from its raw link, else its title as printed; both where an item above has the same link.

    Nothing that better code may give otherwise goes into it: no repaired title, no link that another part of the message lent.
    """
    for what in (link or title, f"{link}\n{title}"):
        if (made := entry_id(key, what)) not in used:
            used.add(made)
            return made
    count = 2
    while (made := entry_id(key, f"{link}\n{title}\n{count}")) in used:
        count += 1
    used.add(made)
    return made
