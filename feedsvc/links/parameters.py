"""Which parameters of a query, and which fragments, only track (parameters.toml)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache, lru_cache
from urllib.parse import unquote

from feedsvc.links.parts import Parts
from feedsvc.links.recipients import Recipients
from feedsvc.links.rules import parents, table


@dataclass(frozen=True, slots=True)
class _Rule:
    """Names that track only on some hosts or paths, or only with some values."""

    names: frozenset[str]
    path: re.Pattern[str] | None
    value: re.Pattern[str] | None

    def holds(self, name: str, value: str, path: str) -> bool:
        return (
            name in self.names
            and (self.path is None or self.path.search(path) is not None)
            and (self.value is None or self.value.fullmatch(value) is not None)
        )


@dataclass(frozen=True, slots=True)
class _Rules:
    names: frozenset[str]
    prefixes: tuple[str, ...]
    hosts: dict[str, tuple[_Rule, ...]]
    anywhere: dict[str, tuple[_Rule, ...]]
    in_fragment: re.Pattern[str]


@cache
def _rules() -> _Rules:
    data = table("parameters")
    hosts: dict[str, list[_Rule]] = {}
    anywhere: dict[str, list[_Rule]] = {}
    for row in data["rule"]:
        rule = _Rule(
            frozenset(row["names"]),
            re.compile(row["path"]) if "path" in row else None,
            re.compile(row["value"], re.IGNORECASE) if "value" in row else None,
        )
        for host in row.get("hosts", ()):
            hosts.setdefault(host, []).append(rule)
        if "hosts" not in row:
            for name in row["names"]:
                anywhere.setdefault(name, []).append(rule)
    names, prefixes, fragments = data["names"], data["prefixes"], data["fragments"]
    words = "|".join(
        [*(re.escape(p) for p in sorted(prefixes)), *(rf"{re.escape(n)}=" for n in sorted([*names, *fragments]))]
    )
    return _Rules(
        frozenset(names),
        tuple(sorted(prefixes)),
        {h: tuple(r) for h, r in hosts.items()},
        {n: tuple(r) for n, r in anywhere.items()},
        re.compile(rf"(?:^#[?&/]?|[?&])(?:{words})", re.IGNORECASE),
    )


# A second `?` where somebody appended tracking to an address that had a query already.
_SECOND_QUERY = re.compile(r"\?(?=utm_|mc_[ce]id=|ref=|source=|_hs|ck_subscriber_id=)", re.IGNORECASE)


# What stands between the `?` and `&` of a fragment, with the mark before it.
_FRAGMENT_PIECE = re.compile(r"[?&]?[^?&]+|[?&]")


def without_tracking(parts: Parts, recipients: Recipients) -> Parts:
    """`parts` without the parameters and fragments that only track; the order of the others is kept."""
    query, fragment = parts.query, parts.fragment
    if query:
        query = _clean_query(parts, recipients)
    if fragment:
        fragment = _clean_fragment(fragment, recipients)
    if query is parts.query and fragment is parts.fragment:
        return parts
    return Parts(parts.origin, parts.host, parts.path, query, fragment)


@lru_cache(maxsize=8192)
def _special(host: str) -> tuple[_Rule, ...]:
    hosts = _rules().hosts
    return tuple(rule for name in parents(host) for rule in hosts.get(name, ()))


@lru_cache(maxsize=8192)
def _kept_name(written: str) -> str | None:
    """A parameter's name, decoded and in lower case; None where it tracks wherever it stands."""
    rules = _rules()
    name = written.lower()
    if "%" in name:
        name = unquote(name)
    if name in rules.names or (name.startswith(rules.prefixes) and "-" not in name):
        return None
    return name


def _clean_query(parts: Parts, recipients: Recipients) -> str:
    query = parts.query[1:]
    if "?" in query:
        query = _SECOND_QUERY.sub("&", query)
    pieces = query.split("&")
    rules = _rules()
    special = _special(parts.host)
    kept = []
    for piece in pieces:
        written, _, value = piece.partition("=")
        name = _kept_name(written)
        if name is None:
            continue
        if special and any(r.holds(name, value, parts.path) for r in special):
            continue
        if name in rules.anywhere and any(r.holds(name, unquote(value), parts.path) for r in rules.anywhere[name]):
            continue
        kept.append(piece)
    if recipients:
        kept = _without_recipients(kept, recipients)
    if len(kept) != len(pieces):
        kept = [piece for piece in kept if piece]
    query = "?" + "&".join(kept)
    return parts.query if query == parts.query else query if query != "?" else ""


def _without_recipients(pieces: list[str], recipients: Recipients) -> list[str]:
    """Those parameters of a query that do not name a recipient."""
    kept = [piece for piece in pieces if not recipients.is_token(piece.partition("=")[2])]
    # Hardly any names one, so they are looked through together first: what is in one of them is in all of them.
    # No address is shorter than `a@b.cd`, and no encoding of one.
    if not recipients.found_in("&".join(kept)):
        return kept
    return [piece for piece in kept if len(piece) < 6 or not recipients.found_in(piece)]


def _clean_fragment(fragment: str, recipients: Recipients) -> str:
    if fragment == "#":
        return ""
    if fragment.startswith("#:~:"):  # a text fragment: where on the page the reader is sent
        return fragment
    rules = _rules()
    if rules.in_fragment.search(fragment):
        pieces = _FRAGMENT_PIECE.findall(fragment[1:])
        fragment = "".join(p for p in pieces if not rules.in_fragment.match("#" + p.lstrip("?&"))).lstrip("?&")
        fragment = f"#{fragment}" if fragment else ""
    if recipients and recipients.found_in(fragment):
        return ""
    return fragment
