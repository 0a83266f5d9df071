"""What stands for a newsletter where others would load its favicon: its initials, on one of a few colours."""

from __future__ import annotations

import re
import zlib
from typing import Final

SHADES: Final = 8
_WORD = re.compile(r"[^\W_]+")


def initials(name: str) -> str:
    """Return one or two letters for this name, "?" where it has none."""
    words: list[str] = _WORD.findall(name)
    if not words:
        return "?"
    letters = words[0][0] + words[1][0] if len(words) > 1 else words[0][:2]
    return letters.upper()[:2]


def shade(slug: str) -> int:
    """Return which of the `SHADES` colours is this newsletter's: always the same."""
    return zlib.crc32(slug.encode("utf-8", "replace")) % SHADES
