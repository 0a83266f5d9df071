"""Opaque click-trackers: addresses that only a request can resolve (trackers.toml)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from feedsvc.links.mend import mend
from feedsvc.links.parts import Parts, parse
from feedsvc.links.rules import parents, table


@dataclass(frozen=True, slots=True)
class _Rules:
    shorteners: frozenset[str]
    hosts: dict[str, re.Pattern[str]]
    first: dict[str, re.Pattern[str]]
    anywhere: re.Pattern[str]
    labels: re.Pattern[str]
    spared: frozenset[str]


@cache
def _rules() -> _Rules:
    data = table("trackers")
    first: dict[str, list[str]] = {}
    anywhere: list[str] = []
    for row in data["path"]:
        key = row.get("first")
        (first.setdefault(key, []) if key is not None else anywhere).append(row["pattern"])
    return _Rules(
        frozenset(data["shorteners"]),
        {host: re.compile(row["pattern"]) for host, row in data["hosts"].items()},
        {key: re.compile("|".join(f"(?:{p})" for p in patterns)) for key, patterns in first.items()},
        re.compile("|".join(f"(?:{p})" for p in anywhere)),
        re.compile(rf"(?:{'|'.join(data['labels']['patterns'])})\."),
        frozenset(data["spared"]),
    )


def is_tracker(url: str) -> bool:
    """Whether `url` is an opaque click-tracker or short link by its shape: its target can only be known by a request."""
    mended = mend(url)[0]
    parts = parse(mended) if mended else None
    return is_tracker_parts(parts) if parts else False


def is_tracker_parts(parts: Parts) -> bool:
    """`is_tracker`, for an address that is parsed already."""
    rules = _rules()
    path = parts.path
    hosts = parents(parts.host)
    for host in hosts:
        if host in rules.shorteners:
            return len(path) > 1
        if host in rules.spared:
            return False
    rest = path + parts.query
    for host in hosts:
        if host in rules.hosts and rules.hosts[host].match(rest):
            return True
    slash = path.find("/", 1)
    pattern = rules.first.get(path[1:slash] if slash > 0 else path[1:])
    if pattern is not None and pattern.match(rest):
        return True
    if len(rest) < 4:
        return False
    if rules.anywhere.match(rest):
        return True
    if rules.labels.match(parts.host) and parts.host.count(".") > 1:
        return _opaque_on_link_host(path, parts.query)
    return _opaque_alone(path, parts.query)


_TOKEN = re.compile(r"[A-Za-z0-9_\-+=.~%]+")
_WORDY = re.compile(r"[a-z]{2,}(?:-[a-z0-9]{1,})+|[A-Z][a-z]{3,}(?:[-_][A-Za-z]+)*")


def randomness(token: str) -> int:
    """How often a token changes between lower case, upper case and digits: words and dates seldom do."""
    changes = 0
    last = ""
    for c in token:
        kind = "d" if c.isdigit() else "l" if c.islower() else "u" if c.isupper() else ""
        if kind and last and kind != last and not (last == "u" and kind == "l" and False):
            changes += 1
        last = kind or last
    return changes


def _opaque(token: str, least: int) -> bool:
    return len(token) >= least and _TOKEN.fullmatch(token) is not None and randomness(token) * 6 >= min(len(token), 90)


def _opaque_on_link_host(path: str, query: str) -> bool:
    segments = [s for s in path.split("/") if s]
    if not segments:
        return any(_opaque(piece.partition("=")[2], 24) for piece in query[1:].split("&"))
    if len(segments) == 1 and len(segments[0]) <= 12:
        token = segments[0]
        return token.isalnum() and not token.isdigit() and randomness(token) >= 1 and not token.istitle()
    return any(_opaque(s, 20) for s in segments)


def _opaque_alone(path: str, query: str) -> bool:
    """A long random token as the whole path, on any host."""
    token = path[1:]
    if "/" in token or len(token) < 20:
        return False
    return _opaque(token, 60) or (token.isalnum() and randomness(token) >= 8 and not token.islower())
