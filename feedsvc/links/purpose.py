"""What a link is for, where it is no article: by its address, or by a short text that says so (purposes.toml)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from feedsvc.links.mend import mend
from feedsvc.links.parts import Parts, parse_cached
from feedsvc.links.rules import parents, table
from feedsvc.links.shapes import Shapes

PURPOSES = (
    "unsubscribe",
    "preferences",
    "referral",
    "web-version",
    "share",
    "social",
    "advertise",
    "legal",
    "app-store",
    "subscribe",
)
_MAX_TEXT = 60
_MAX_PATTERN_WORDS = 7


class Meaning(NamedTuple):
    """What an address says that a link is for, where the link's text has at most `words` words; None for any."""

    purpose: str
    words: int | None

    @classmethod
    def of(cls, row: Mapping[str, str | int]) -> Meaning:
        """What a row of the table says."""
        return cls(str(row["purpose"]), int(row["words"]) if "words" in row else None)


class _Rule(NamedTuple):
    pattern: re.Pattern[str]
    meaning: Meaning


@dataclass(frozen=True, slots=True)
class _Rules:
    hosts: dict[str, tuple[_Rule, ...]]
    addresses: Shapes
    meanings: tuple[Meaning, ...]  # of the rows of `addresses`
    texts: dict[str, str]
    text_patterns: tuple[tuple[str, re.Pattern[str]], ...]
    some_text: re.Pattern[str]  # any of them


@cache
def _rules() -> _Rules:
    data = table("purposes")
    hosts: dict[str, tuple[_Rule, ...]] = {}
    for row in data["host"]:
        for host in row["hosts"]:
            rule = _Rule(re.compile(row["pattern"], re.IGNORECASE), Meaning.of(row))
            hosts[host] = (*hosts.get(host, ()), rule)
    patterns = [pattern for rows in data["text_patterns"].values() for pattern in rows]
    return _Rules(
        hosts=hosts,
        addresses=Shapes.of(data["address"]),
        meanings=tuple(map(Meaning.of, data["address"])),
        texts={fold(text): purpose for purpose, rows in data["text"].items() for text in rows},
        # The first letter is folded by hand, so that a pattern can ask for a name in capitals.
        text_patterns=tuple(
            (purpose, re.compile(pattern)) for purpose, rows in data["text_patterns"].items() for pattern in rows
        ),
        some_text=re.compile("|".join(f"(?:{pattern})" for pattern in patterns)),
    )


_EDGE = re.compile(r"^[\W_]+|[\W_]+$")
_SPACE = re.compile(r"\s+")


def _trim(text: str) -> str:
    return _EDGE.sub("", _SPACE.sub(" ", text.replace("’", "'")))


def fold(text: str) -> str:
    """A link's words without case, outer punctuation and doubled spaces."""
    return _trim(text).casefold()


def link_purpose(url: str, text: str = "") -> str | None:
    """What a link is for: one of PURPOSES, or None where it may be an article.

    The text counts only where the whole of it is one of the known wordings (English, French, German, Spanish; some of
    Italian, Dutch, Portuguese), so that an article about unsubscribing stays an article. Some rules by address hold only for
    short texts. `url` should be canonical, or as it stands in the message. Never raises.
    """
    if text and len(text) <= _MAX_TEXT:
        purpose = _by_text(text)
        if purpose:
            return purpose
    if url.lower().startswith("mailto:?"):  # a mail to nobody: the reader is asked to send it on
        return "share"
    return next((found for found, words in _by_address(url) if words is None or len(text.split()) <= words), None)


@lru_cache(maxsize=2048)
def _by_address(url: str) -> tuple[Meaning, ...]:
    mended = mend(url)[0]
    parts = parse_cached(mended) if mended else None
    return meanings(parts) if parts is not None else ()


@lru_cache(maxsize=2048)
def meanings(parts: Parts) -> tuple[Meaning, ...]:
    """All that an address alone says, the first before the others."""
    rules = _rules()
    rest = parts.path + parts.query
    by_host = [rule.meaning for rule in _of_host(parts.host) if rule.pattern.match(rest)]
    return (*by_host, *[rules.meanings[at] for at in rules.addresses.fit(parts.host, rest)])


@lru_cache(maxsize=8192)
def _of_host(host: str) -> tuple[_Rule, ...]:
    hosts = _rules().hosts
    return tuple(rule for each in parents(host) for rule in hosts.get(each, ()))


@lru_cache(maxsize=2048)
def _by_text(text: str) -> str | None:
    rules = _rules()
    trimmed = _trim(text)
    folded = trimmed.casefold()
    purpose = rules.texts.get(folded)
    if purpose or folded.count(" ") >= _MAX_PATTERN_WORDS:
        return purpose
    lowered = trimmed[:1].lower() + trimmed[1:]
    if not (rules.some_text.fullmatch(folded) or rules.some_text.fullmatch(lowered)):
        return None
    for purpose, pattern in rules.text_patterns:
        if pattern.fullmatch(folded) or pattern.fullmatch(lowered):
            return purpose
    return None
