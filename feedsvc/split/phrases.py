"""The phrase lists of phrases.toml, compiled once."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib.resources import files

MAX_PHRASE_CHARS = 400  # a longer line is prose: no phrase is looked for in it


@cache
def phrases() -> dict[str, re.Pattern[str]]:
    """The lists by name, each as one pattern."""
    text = files("feedsvc.split").joinpath("phrases.toml").read_text(encoding="utf-8")
    return {
        name: re.compile("|".join(f"(?:{p})" for p in patterns), re.I) for name, patterns in tomllib.loads(text).items()
    }


def says(name: str, text: str) -> bool:
    """Whether a line is of the kind that the list of this name describes."""
    return len(text) <= MAX_PHRASE_CHARS and phrases()[name].search(text) is not None
