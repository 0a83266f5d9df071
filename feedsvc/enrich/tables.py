"""The data files of this package, read once: what is known about labels, names and common words."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files


def read_lines(name: str) -> tuple[str, ...]:
    """The entries of a text table, one a line, without comments (`# …`) and empty lines."""
    lines = (line.strip() for line in files(__package__).joinpath(name).read_text("utf-8").splitlines())
    return tuple(line for line in lines if line and not line.startswith("# "))


@cache
def labels() -> dict[str, str]:
    """Known labels, by their case-folded form."""
    return {label.casefold(): label for label in _labels_table()["labels"]}


@cache
def label_heads() -> frozenset[str]:
    """Case-folded last words of labels in general."""
    return frozenset(_labels_table()["label_heads"])


@cache
def sponsor_words() -> frozenset[str]:
    """Case-folded words that mark a paid placement when they stand alone."""
    return frozenset(_labels_table()["sponsor"])


@cache
def names() -> dict[str, str]:
    """Names, acronyms and products as they are written, by their case-folded form."""
    return {name.casefold(): name for name in read_lines("names.txt")}


@cache
def first_words() -> frozenset[str]:
    """Case-folded first words of the names that have several."""
    return frozenset(name.split(" ", 1)[0] for name in names() if " " in name)


@cache
def small_names() -> frozenset[str]:
    """Names that are written small even at the start of a title (npm, pandas)."""
    return frozenset(name for name in names().values() if name.islower())


@cache
def common_words() -> frozenset[str]:
    """Case-folded words that are written small inside a sentence."""
    return frozenset(word for line in read_lines("common_words.txt") for word in line.split())


@cache
def first_names() -> frozenset[str]:
    """Case-folded given names: the word after one is a surname more often than not."""
    return frozenset(word.casefold() for line in read_lines("first_names.txt") for word in line.split())


@cache
def _labels_table() -> dict[str, list[str]]:
    return tomllib.loads(files(__package__).joinpath("labels.toml").read_text("utf-8"))
