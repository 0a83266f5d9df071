"""Links that are the reader's own: they act for the reader, or tell who the reader is (purposes.toml)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from feedsvc.links.mend import mend
from feedsvc.links.parts import Parts, parse_cached
from feedsvc.links.recipients import recipients_of
from feedsvc.links.rules import parents, table
from feedsvc.links.trackers import is_random
from feedsvc.links.wrappers import MAX_DEPTH, unwrap_parts


@dataclass(frozen=True, slots=True)
class _Rules:
    labels: re.Pattern[str]
    hosts: dict[str, re.Pattern[str]]
    anywhere: re.Pattern[str]
    before_token: frozenset[str]


@cache
def _rules() -> _Rules:
    data = table("purposes")["personal"]
    return _Rules(
        labels=re.compile(rf"(?:{'|'.join(data['labels'])})\.[^.]+\."),
        hosts={host: re.compile(row["pattern"], re.IGNORECASE) for host, row in data["hosts"].items()},
        anywhere=re.compile("|".join(f"(?:{row['pattern']})" for row in data["path"]), re.IGNORECASE),
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
    mended = mend(url)[0]
    parts = parse_cached(mended) if mended else None
    if finder and finder.found_in(url):
        return True
    for _ in range(MAX_DEPTH + 1):
        if parts is None:
            return False
        if _acts_for_reader(parts):
            return True
        if finder and (finder.found_in(parts.url) or finder.token_in(parts.path + parts.query + parts.fragment)):
            return True
        inner = unwrap_parts(parts)
        parts = parse_cached(inner) if inner else None
    return False


def _acts_for_reader(parts: Parts) -> bool:
    rules = _rules()
    if rules.labels.match(parts.host):
        return True
    rest = parts.path + parts.query
    if any(host in rules.hosts and rules.hosts[host].match(rest) for host in parents(parts.host)):
        return True
    if rules.anywhere.search(rest + parts.fragment) is not None:
        return True
    segments = parts.path.split("/")
    for at, segment in enumerate(segments):
        if segment.lower() in rules.before_token:
            return any(is_random(later, 16) for later in segments[at + 1 :])
    return False
