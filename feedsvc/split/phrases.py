"""The phrase lists of phrases.toml, compiled once."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from feedsvc.split.words import lowered

MAX_PHRASE_CHARS = 400  # a longer line is prose: no phrase is looked for in it


@dataclass(frozen=True, slots=True)
class _List:
    """Phrases that begin a line, phrases that may stand anywhere in it, and `marks`: one of these stands in whatever the latter find.

    Apart, because a search tries a phrase at every character of the line; where there are marks, most lines are spared it.
    """

    first: re.Pattern[str] | None
    anywhere: re.Pattern[str] | None
    marks: tuple[str, ...]


@cache
def _phrases() -> dict[str, _List]:
    """The lists by name."""
    lists = tomllib.loads(files("feedsvc.split").joinpath("phrases.toml").read_text(encoding="utf-8"))
    marks = lists.pop("marks")
    return {
        name: _List(
            _join([p for p in patterns if p.startswith("^")]),
            _join([p for p in patterns if not p.startswith("^")]),
            tuple(marks.get(name, ())),
        )
        for name, patterns in lists.items()
    }


def _join(patterns: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{p})" for p in patterns)) if patterns else None


def says(name: str, text: str) -> bool:
    """Whether a line is of the kind that the list of this name describes."""
    if len(text) > MAX_PHRASE_CHARS:
        return False
    phrases, text = _phrases()[name], lowered(text)
    if phrases.first is not None and phrases.first.match(text) is not None:
        return True
    if phrases.anywhere is None or (phrases.marks and not _holds_one(text, phrases.marks)):
        return False
    return phrases.anywhere.search(text) is not None


def _holds_one(text: str, marks: tuple[str, ...]) -> bool:
    """Whether one of the marks stands in the text: a loop, since a generator takes twice as long, and each line is asked about several lists."""
    for mark in marks:  # noqa: SIM110
        if mark in text:
            return True
    return False
