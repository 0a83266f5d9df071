"""The phrase lists of phrases.toml, compiled once."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

MAX_PHRASE_CHARS = 400  # a longer line is prose: no phrase is looked for in it


@cache
def _phrases() -> dict[str, tuple[re.Pattern[str] | None, re.Pattern[str] | None]]:
    """The lists by name: phrases that begin a line, and phrases that may stand anywhere in it.

    Apart, because a search would try the first kind at every character of the line.
    """
    text = files("feedsvc.split").joinpath("phrases.toml").read_text(encoding="utf-8")
    compiled = {}
    for name, patterns in tomllib.loads(text).items():
        first = [p for p in patterns if p.startswith("^")]
        anywhere = [p for p in patterns if not p.startswith("^")]
        compiled[name] = (_join(first), _join(anywhere))
    return compiled


def _join(patterns: list[str]) -> re.Pattern[str] | None:
    return re.compile("|".join(f"(?:{p})" for p in patterns), re.IGNORECASE) if patterns else None


def says(name: str, text: str) -> bool:
    """Whether a line is of the kind that the list of this name describes."""
    if len(text) > MAX_PHRASE_CHARS:
        return False
    first, anywhere = _phrases()[name]
    return (first is not None and first.match(text) is not None) or (
        anywhere is not None and anywhere.search(text) is not None
    )
