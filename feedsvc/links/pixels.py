"""Images that are there to be counted: known by the shape of their address (pixels.toml)."""

from __future__ import annotations

import re
from functools import cache

from feedsvc.links.mend import mend
from feedsvc.links.parts import parse_cached
from feedsvc.links.rules import parents, table


@cache
def _rules() -> tuple[frozenset[str], re.Pattern[str]]:
    data = table("pixels")
    return frozenset(data["hosts"]), re.compile(
        "|".join(f"(?:{row['pattern']})" for row in data["path"]), re.IGNORECASE
    )


def is_pixel(src: str) -> bool:
    """Whether an image's address is one that counts who opens a mail. Never raises."""
    mended = mend(src)[0]
    parts = parse_cached(mended) if mended else None
    if parts is None:
        return False
    hosts, paths = _rules()
    return any(host in hosts for host in parents(parts.host)) or paths.search(parts.path + parts.query) is not None
