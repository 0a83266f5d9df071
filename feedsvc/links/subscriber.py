"""How a sender knows the reader: found in the reader's own copy of a mail.

A mail says it itself: its links for leaving and for preferences carry the reader's number with the sender, or the address; and some
senders put that number into nearly every link. What names the list or the campaign is the same for all readers, and is left alone.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import cache
from urllib.parse import unquote

from feedsvc.links.mend import decode_entities, mend
from feedsvc.links.parts import Parts
from feedsvc.links.personal import acts_for_reader
from feedsvc.links.purpose import meanings
from feedsvc.links.recipients import LONG_TOKEN, decode_token
from feedsvc.links.rules import table
from feedsvc.links.site import registrable_domain
from feedsvc.links.trackers import is_random
from feedsvc.links.wrappers import MAX_DEPTH, chain

# Substack gives each reader a number in base 36 and puts it into nearly every link of a mail as `r=`; in a link that somebody shared, `r=` is
# the number of the one who shared it, and stands once or twice.
# Begins with what the engine finds at memory speed, and looks back from there: bodies are long.
_SUBSTACK_READER = re.compile(r"r=(?:(?<=[?&]r=)|(?<=[?&]amp;r=))([0-9a-z]{3,8})(?=[&#\"'\s)\]>]|$)")
_MIN_LINKS = 3
# A random value that stands on so many sites was put there by the sender, not by the sites.
_MIN_SITES = 4
_MAX_LINKS = 2_000
_LINK = re.compile(r"://(?i:(?<=http://)|(?<=https://))[^\s<>\"'\])]{4,4000}")
_NAMED = re.compile(r"(?=[^0-9]*[0-9])[\w\-.~]{5,}")
_ADDRESS = re.compile(r"[\w.+\-]{1,64}@(?:[\w\-]+\.)+[A-Za-z]{2,24}")
_MAILTO_PIECE = re.compile(r"[^+:=|?&~\s]+")
_FOOTER = ("unsubscribe", "preferences")


@cache
def _names() -> tuple[frozenset[str], frozenset[str]]:
    rules = table("subscribers")
    return frozenset(rules["names"]), frozenset(rules["others"])


def subscriber_tokens(body: str, unsubscribe: tuple[str, ...] = ()) -> frozenset[str]:
    """What identifies the reader in a mail's links: numbers and tokens, and addresses in lower case; empty where there is nothing.

    `body` is HTML or text, `unsubscribe` the addresses of List-Unsubscribe (RFC 2369). Never raises.
    """
    found: set[str] = set()
    if "substack" in body:
        counted = Counter(_SUBSTACK_READER.findall(body))
        found |= {value for value, count in counted.items() if count >= _MIN_LINKS}
    links = list(dict.fromkeys(_links(body)))[:_MAX_LINKS]
    targets = [parts for link in links if (parts := _target(link)) is not None]
    footer = [parts for parts in targets if acts_for_reader(parts) or _leaves(parts, _FOOTER)]
    for address in unsubscribe:
        if address.lower().startswith("mailto:"):
            found |= _mailto_tokens(address)
        elif (parts := _target(address)) is not None:
            footer.append(parts)
            found |= _path_tokens(parts)
    for parts in footer:
        found |= _footer_values(parts)
        if _leaves(parts, ("unsubscribe",)):
            found |= _path_tokens(parts)
    found |= _repeated(targets)
    return frozenset(found)


def _leaves(parts: Parts, purposes: tuple[str, ...]) -> bool:
    """Whether an address alone, without a text, says first that it is for one of these."""
    return next((purpose in purposes for purpose, words in meanings(parts)), False)


def _links(body: str) -> Iterable[str]:
    """Every http(s) address in a body, as it stands there."""
    at = body.find(
        "://"
    )  # bodies are long, and this takes a twentieth of the time of a pattern that begins with letters
    while at >= 0:
        found = _LINK.match(body, at)
        if found:
            yield body[at - (5 if body[at - 1] in "sS" else 4) : found.end()]
        at = body.find("://", found.end() if found else at + 1)


def _target(link: str) -> Parts | None:
    """Where a link leads, as far as it can be known from the link."""
    mended = mend(decode_entities(link) if "&" in link else link)[0]
    steps = chain(mended)[: MAX_DEPTH + 1] if mended else ()
    return steps[-1].parts if steps else None


def _pairs(parts: Parts) -> Iterable[tuple[str, str]]:
    for piece in parts.query[1:].split("&"):
        name, _, value = piece.partition("=")
        yield name.lower(), unquote(value)


def _footer_values(parts: Parts) -> set[str]:
    """What a link for leaving or for preferences says of the reader."""
    known, others = _names()
    found: set[str] = set()
    for name, value in _pairs(parts):
        plain = value if "@" in value else (decode_token(value) or "") if len(value) >= LONG_TOKEN else ""
        if _ADDRESS.fullmatch(plain.strip()) and name not in others:
            found.add(plain.strip().lower())
        elif name in others:
            continue
        elif (name in known and _NAMED.fullmatch(value)) or is_random(value, LONG_TOKEN):
            found.add(value)
    return found


def _path_tokens(parts: Parts) -> set[str]:
    """The random segments behind the word for leaving, or of a host that does nothing else."""
    segments = [unquote(s) for s in parts.path.split("/") if s]
    return {s for s in segments if is_random(s, LONG_TOKEN) and len(s) <= 400}


def _mailto_tokens(address: str) -> set[str]:
    """The random pieces of an address for leaving (`leave-<token>@...`, `?subject=unsubscribe:<token>`)."""
    text = unquote(address[7:])
    local, _, rest = text.partition("@")
    pieces = _MAILTO_PIECE.findall(local) + _MAILTO_PIECE.findall(rest.partition("?")[2])
    return {p for p in pieces if is_random(p, LONG_TOKEN) and "@" not in p}


def _repeated(targets: list[Parts]) -> set[str]:
    """Values that many different links carry: under a name for readers, or random ones on several sites."""
    known, _ = _names()
    named: Counter[str] = Counter()
    hosts: dict[str, set[str]] = {}
    for parts in targets:
        if not parts.query:
            continue
        for name, value in set(_pairs(parts)):
            if name in known and _NAMED.fullmatch(value):
                named[value] += 1
            if len(value) >= LONG_TOKEN:
                hosts.setdefault(value, set()).add(parts.host)
    return {v for v, count in named.items() if count >= _MIN_LINKS} | {
        value
        for value, on in hosts.items()
        if len(on) >= _MIN_SITES
        and is_random(value, LONG_TOKEN)
        and len({registrable_domain(host) for host in on}) >= _MIN_SITES
    }
