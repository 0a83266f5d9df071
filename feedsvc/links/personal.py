"""Links that are the reader's own: they act for the reader, or tell who the reader is (purposes.toml)."""

from __future__ import annotations

import re
from functools import cache

from feedsvc.links.mend import mend
from feedsvc.links.parts import parse
from feedsvc.links.recipients import recipients_of
from feedsvc.links.rules import parents, table


@cache
def _patterns() -> tuple[re.Pattern[str], dict[str, re.Pattern[str]]]:
    data = table("purposes")["personal"]
    return (
        re.compile("|".join(f"(?:{row['pattern']})" for row in data["path"]), re.IGNORECASE),
        {host: re.compile(row["pattern"], re.IGNORECASE) for host, row in data["hosts"].items()},
    )


def is_personal(url: str, recipients: frozenset[str] = frozenset()) -> bool:
    """Whether a link must never be published: it unsubscribes, logs in, refers, opens the reader's own copy, or names the reader."""
    mended = mend(url)[0]
    parts = parse(mended) if mended else None
    finder = recipients_of(recipients)
    if parts is None:
        return bool(finder) and finder.found_in(url)
    anywhere, hosts = _patterns()
    rest = parts.path + parts.query
    if any(h in hosts and hosts[h].match(rest) for h in parents(parts.host)):
        return True
    return anywhere.search(rest) is not None or (bool(finder) and finder.found_in(parts.url))
