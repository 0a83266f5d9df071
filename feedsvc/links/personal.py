"""Links that are the reader's own: they act for the reader, or tell who the reader is (purposes.toml)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from feedsvc.links.mend import mend
from feedsvc.links.parts import Parts
from feedsvc.links.recipients import Recipients, recipients_of
from feedsvc.links.rules import parents, table
from feedsvc.links.shapes import Shapes
from feedsvc.links.trackers import is_random
from feedsvc.links.wrappers import MAX_DEPTH, chain


@dataclass(frozen=True, slots=True)
class _Rules:
    labels: re.Pattern[str]
    hosts: dict[str, re.Pattern[str]]
    addresses: Shapes
    before_token: frozenset[str]
    some_before: re.Pattern[str]  # any of them


@cache
def _rules() -> _Rules:
    data = table("purposes")["personal"]
    return _Rules(
        labels=re.compile(rf"(?:{'|'.join(data['labels'])})\.[^.]+\."),
        hosts={host: re.compile(row["pattern"], re.IGNORECASE) for host, row in data["hosts"].items()},
        addresses=Shapes.of(data["address"]),
        before_token=frozenset(data["before_token"]),
        some_before=re.compile(rf"/(?:{'|'.join(map(re.escape, data['before_token']))})/", re.IGNORECASE),
    )


@lru_cache(maxsize=2048)
def is_personal(url: str, recipients: frozenset[str] = frozenset()) -> bool:
    """Whether a link must never be published: it acts for the reader, or tells who the reader is.

    True for unsubscribing, preferences, referrals, votes, log-ins and confirmations, the reader's own web version, tokens that name
    the subscriber, and for any address that holds one of `recipients` (addresses and tokens: plain, percent-encoded, hex, base64, hashed, also within a
    parameter or in what a wrapper carries). Never raises.
    """
    finder = recipients_of(recipients)
    if finder and finder.found_in(url):
        return True
    mended = mend(url)[0]
    for step in chain(mended)[: MAX_DEPTH + 1] if mended else ():
        if acts_for_reader(step.parts):
            return True
        if finder and _names_reader(finder, step.parts, url):
            return True
    return False


def _names_reader(finder: Recipients, parts: Parts, searched: str) -> bool:
    """Whether an address names the reader; `searched` is a text in which nobody was found."""
    whole = parts.url
    return (whole != searched and finder.found_in(whole)) or finder.token_in(whole[len(parts.origin) :])


@lru_cache(maxsize=2048)
def acts_for_reader(parts: Parts) -> bool:
    """Whether an address alone, whoever the reader is, says that it is the reader's own."""
    rules = _rules()
    if (patterns := _of_host(parts.host)) is None:
        return True
    rest = parts.path + parts.query
    for pattern in patterns:
        if pattern.match(rest):
            return True
    if rules.addresses.fit("", rest + parts.fragment):
        return True
    if not rules.some_before.search(parts.path):
        return False
    segments = parts.path.split("/")
    first = next(at for at, segment in enumerate(segments) if segment.lower() in rules.before_token)
    return any(is_random(later, 16) for later in segments[first + 1 :])


@lru_cache(maxsize=8192)
def _of_host(host: str) -> tuple[re.Pattern[str], ...] | None:
    """What on a host is the reader's own; None where all of it is."""
    rules = _rules()
    if rules.labels.match(host):
        return None
    return tuple(rules.hosts[each] for each in parents(host) if each in rules.hosts)
