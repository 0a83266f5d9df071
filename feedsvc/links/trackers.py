"""Opaque click-trackers: addresses that only a request can resolve (trackers.toml)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import NamedTuple

from feedsvc.links.mend import mend
from feedsvc.links.parts import Parts, parse
from feedsvc.links.rules import parents, table


@dataclass(frozen=True, slots=True)
class _Rules:
    shorteners: frozenset[str]
    spared: frozenset[str]
    hosts: dict[str, re.Pattern[str]]
    first: dict[str, re.Pattern[str]]
    anywhere: re.Pattern[str]
    labels: re.Pattern[str]
    segments: frozenset[str]


@cache
def _rules() -> _Rules:
    data = table("trackers")
    first: dict[str, list[str]] = {}
    anywhere: list[str] = []
    for row in data["path"]:
        patterns = first.setdefault(row["first"], []) if "first" in row else anywhere
        patterns.append(f"(?:{row['pattern']})")
    return _Rules(
        shorteners=frozenset(data["shorteners"]),
        spared=frozenset(data["spared"]),
        hosts={host: re.compile(row["pattern"]) for host, row in data["hosts"].items()},
        first={key: re.compile("|".join(patterns)) for key, patterns in first.items()},
        anywhere=re.compile("|".join(anywhere)),
        labels=re.compile(rf"(?:{'|'.join(data['labels']['patterns'])})\.[^.]+\."),
        segments=frozenset(data["segments"]["names"]),
    )


def is_tracker(url: str) -> bool:
    """Whether `url` is an opaque click-tracker or short link by its shape: only a request can tell where it leads.

    A wrapper that carries its target is none (`unwrap` tells it). Never raises.
    """
    mended = mend(url)[0]
    parts = parse(mended) if mended else None
    return is_tracker_parts(parts) if parts else False


def is_short_link(parts: Parts) -> bool:
    """Whether the path alone names the target, as on bit.ly: parameters were added by whoever sent the link."""
    return any(host in _rules().shorteners for host in parents(parts.host))


def is_tracker_parts(parts: Parts) -> bool:
    """`is_tracker`, for an address that is parsed already."""
    rules = _rules()
    path = parts.path
    rest = path + parts.query
    host = _of_host(parts.host)
    for of_host in host.patterns:
        if of_host.match(rest):
            return True
    if host.is_shortener:
        return len(path) > 1
    if host.is_spared or len(rest) < 3:
        return False
    slash = path.find("/", 1)
    segment = path[1:slash] if slash > 0 else path[1:]
    pattern = rules.first.get(segment)
    if pattern is not None and pattern.match(rest):
        return True
    if rules.anywhere.match(rest):
        return True
    if host.is_for_links:
        return _opaque_on_link_host(path, parts.query)
    if segment in rules.segments and slash > 0:
        return any(is_random(piece, 24) for piece in path[slash + 1 :].split("/"))
    return slash < 0 and len(segment) >= 20 and _opaque_alone(segment)


class _Host(NamedTuple):
    """What is known of a host; `patterns` count before what is said of the hosts above it."""

    patterns: tuple[re.Pattern[str], ...]
    is_shortener: bool
    is_spared: bool
    is_for_links: bool


@lru_cache(maxsize=8192)
def _of_host(name: str) -> _Host:
    rules = _rules()
    patterns: list[re.Pattern[str]] = []
    is_for_links = rules.labels.match(name) is not None
    for host in parents(name):
        if host in rules.shorteners or host in rules.spared:
            return _Host(tuple(patterns), host in rules.shorteners, host not in rules.shorteners, is_for_links)
        if host in rules.hosts:
            patterns.append(rules.hosts[host])
    return _Host(tuple(patterns), False, False, is_for_links)


_TOKEN = re.compile(r"[A-Za-z0-9_\-+=.~%]+")
# Changes between kinds of characters: between digits and letters, and from lower to upper case.
_CHANGE = re.compile(r"(?<=[a-z])[A-Z0-9]|(?<=[A-Z])[0-9]|(?<=[0-9])[A-Za-z]|(?<=[A-Z]{2})[a-z]")
_WORDS = re.compile(r"(?:[A-Z]?[a-z]{2,})+|[A-Z]{2,5}|\d+")
_SEPARATOR = re.compile(r"[\-_+=.~%]+")


def is_random(token: str, least: int) -> bool:
    """Whether a piece of an address is a random token of `least` characters or more, and no slug, date or name.

    Random text changes between letters, digits and cases about every second character (base64), every third or so (hex);
    a slug changes seldom, and the pieces between its hyphens are words.
    """
    if len(token) < least or not _TOKEN.fullmatch(token):
        return False
    changes = len(_CHANGE.findall(token))
    if changes * 6 < min(len(token), 90):
        return False
    pieces = _SEPARATOR.split(token)
    words = sum(len(p) for p in pieces if _WORDS.fullmatch(p))
    return words * 2 < len(token)


def _opaque_on_link_host(path: str, query: str) -> bool:
    segments = [s for s in path.split("/") if s]
    if not segments:
        return any(is_random(piece.partition("=")[2], 24) for piece in query[1:].split("&"))
    if len(segments) == 1 and len(segments[0]) <= 12:  # a short link: `mq8`, `s6cVdH`
        token = segments[0]
        return token.isalnum() and not token.isdigit() and _CHANGE.search(token) is not None
    return any(is_random(s, 20) for s in segments)


def _opaque_alone(token: str) -> bool:
    """A random token as the whole path, on any host (Marketo, Google's mails)."""
    return is_random(token, 60) or (token.isalnum() and not token.islower() and len(_CHANGE.findall(token)) >= 7)
