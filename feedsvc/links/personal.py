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


@cache
def _rules() -> _Rules:
    data = table("purposes")["personal"]
    return _Rules(
        labels=re.compile(rf"(?:{'|'.join(data['labels'])})\.[^.]+\."),
        hosts={host: re.compile(row["pattern"], re.IGNORECASE) for host, row in data["hosts"].items()},
        addresses=Shapes.of(data["address"]),
        before_token=frozenset(data["before_token"]),
    )


@lru_cache(maxsize=4096)
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
        if _acts_for_reader(step.parts):
            return True
        if finder and _names_reader(finder, step.parts, url):
            return True
    return False


def _names_reader(finder: Recipients, parts: Parts, searched: str) -> bool:
    """Whether an address names the reader; `searched` is a text in which nobody was found."""
    whole = parts.url
    return (whole != searched and finder.found_in(whole)) or finder.token_in(whole[len(parts.origin) :])


def _acts_for_reader(parts: Parts) -> bool:
    rules = _rules()
    if rules.labels.match(parts.host):
        return True
    rest = parts.path + parts.query
    if any(host in rules.hosts and rules.hosts[host].match(rest) for host in parents(parts.host)):
        return True
    if rules.addresses.fit("", rest + parts.fragment):
        return True
    segments = parts.path.split("/")
    if not any(len(segment) >= 16 for segment in segments):
        return False
    for at, segment in enumerate(segments):
        if segment.lower() in rules.before_token:
            return any(is_random(later, 16) for later in segments[at + 1 :])
    return False
