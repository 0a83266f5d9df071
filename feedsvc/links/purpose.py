"""What a link is for, where it is no article: by its address, or by a short text that says so (purposes.toml)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from feedsvc.links.mend import mend
from feedsvc.links.parts import parse
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


@dataclass(frozen=True, slots=True)
class _Rule:
    purpose: str
    pattern: re.Pattern[str]


@cache
def _rules() -> tuple[dict[str, tuple[_Rule, ...]], tuple[_Rule, ...], dict[str, str]]:
    data = table("purposes")
    hosts: dict[str, list[_Rule]] = {}
    for row in data["host"]:
        for host in row["hosts"]:
            hosts.setdefault(host, []).append(_Rule(row["purpose"], re.compile(row["pattern"], re.IGNORECASE)))
    paths = tuple(_Rule(row["purpose"], re.compile(row["pattern"], re.IGNORECASE)) for row in data["path"])
    texts = {fold(text): purpose for purpose, rows in data["text"].items() for text in rows}
    return {h: tuple(r) for h, r in hosts.items()}, paths, texts


_EDGE = re.compile(r"^[\W_]+|[\W_]+$")
_SPACE = re.compile(r"[\s\u00a0]+")


def fold(text: str) -> str:
    """A link's words without case, outer punctuation and doubled spaces."""
    return _EDGE.sub("", _SPACE.sub(" ", text.replace("’", "'"))).casefold()


def link_purpose(url: str, text: str = "") -> str | None:
    """What a link is for: one of PURPOSES, or None where it may be an article.

    The text counts only where the whole of it is one of the known wordings (English, French, German, Spanish, Italian, Dutch,
    Portuguese), so that an article about unsubscribing stays an article.
    """
    hosts, paths, texts = _rules()
    mended = mend(url)[0]
    parts = parse(mended) if mended else None
    if len(text) <= 60:
        purpose = texts.get(fold(text))
        if purpose:
            return purpose
    if parts is None:
        return None
    rest = parts.path + parts.query
    for host in parents(parts.host):
        for rule in hosts.get(host, ()):
            if rule.pattern.match(rest):
                return rule.purpose
    whole = parts.host + rest
    for rule in paths:
        if rule.pattern.search(whole):
            return rule.purpose
    return None
