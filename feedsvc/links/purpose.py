"""What a link is for, where it is no article: by its address, or by a short text that says so (purposes.toml)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from feedsvc.links.mend import mend
from feedsvc.links.parts import parse_cached
from feedsvc.links.rules import parents, table

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
_MOST_WORDS = 12  # more than any rule by address allows


@dataclass(frozen=True, slots=True)
class _Rule:
    """`words`: the rule holds only where the link's text has at most so many words; None for any."""

    purpose: str
    pattern: re.Pattern[str]
    words: int | None

    @classmethod
    def of(cls, row: dict[str, str | int]) -> _Rule:
        words = row.get("words")
        pattern = re.compile(str(row["pattern"]), re.IGNORECASE)
        return cls(str(row["purpose"]), pattern, int(words) if words is not None else None)


@dataclass(frozen=True, slots=True)
class _Rules:
    hosts: dict[str, tuple[_Rule, ...]]
    paths: tuple[_Rule, ...]
    texts: dict[str, str]
    text_patterns: tuple[tuple[str, re.Pattern[str]], ...]


@cache
def _rules() -> _Rules:
    data = table("purposes")
    hosts: dict[str, tuple[_Rule, ...]] = {}
    for row in data["host"]:
        for host in row["hosts"]:
            hosts[host] = (*hosts.get(host, ()), _Rule.of(row))
    return _Rules(
        hosts=hosts,
        paths=tuple(_Rule.of(row) for row in data["path"]),
        texts={fold(text): purpose for purpose, rows in data["text"].items() for text in rows},
        # The first letter is folded by hand, so that a pattern can ask for a name in capitals.
        text_patterns=tuple(
            (purpose, re.compile(pattern)) for purpose, rows in data["text_patterns"].items() for pattern in rows
        ),
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
    rules = _rules()
    if text and len(text) <= _MAX_TEXT:
        purpose = _by_text(rules, _trim(text))
        if purpose:
            return purpose
    if url.lower().startswith("mailto:?"):  # a mail to nobody: the reader is asked to send it on
        return "share"
    return _by_address(url, min(len(text.split()), _MOST_WORDS))


@lru_cache(maxsize=4096)
def _by_address(url: str, words: int) -> str | None:
    """What the address alone says; `words` is the length of the link's text."""
    rules = _rules()
    mended = mend(url)[0]
    parts = parse_cached(mended) if mended else None
    if parts is None:
        return None
    rest = parts.path + parts.query
    for host in parents(parts.host):
        for rule in rules.hosts.get(host, ()):
            if (rule.words is None or words <= rule.words) and rule.pattern.match(rest):
                return rule.purpose
    whole = parts.host + rest
    for rule in rules.paths:
        if (rule.words is None or words <= rule.words) and rule.pattern.search(whole):
            return rule.purpose
    return None


def _by_text(rules: _Rules, trimmed: str) -> str | None:
    folded = trimmed.casefold()
    purpose = rules.texts.get(folded)
    if purpose or folded.count(" ") >= _MAX_PATTERN_WORDS:
        return purpose
    lowered = trimmed[:1].lower() + trimmed[1:]
    for purpose, pattern in rules.text_patterns:
        if pattern.fullmatch(folded) or pattern.fullmatch(lowered):
            return purpose
    return None
