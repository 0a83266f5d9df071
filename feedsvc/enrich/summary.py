"""Summaries as one line of plain text."""

from __future__ import annotations

import re

# Preheader padding and soft hyphens: characters that no reader sees. U+200C and U+200D join letters and emoji in some scripts,
# so they go only where they stand beside white space or another invisible character.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\u115f\u1160\u3164]+"
)
# A joiner is padding unless it stands between two characters of a word or emoji. One-character match: linear.
_PADDING_JOINER = re.compile("(?<!\\S)[\u200c\u200d]+|[\u200c\u200d]+(?!\\S)")
# `[7]` as text parts number their links. Never after a letter, digit or bracket (`a[0]`), one bracket is passed over at a time: linear.
_FOOTNOTE = re.compile(r"(?<![\w\]\[])(?:\[\d{1,3}\])+(?![\w(\[])")
_SPACE_BEFORE_STOP = re.compile(r"(?<=\S) (?=[.,;:!?](?:\s|$))")


def plain_summary(text: str) -> str:
    """The text on one line: white space joined, footnote markers (`[7]`) and invisible padding removed, nothing cut."""
    joined = " ".join(_INVISIBLE.sub("", text).split())
    if "\u200c" in joined or "\u200d" in joined:
        joined = " ".join(_PADDING_JOINER.sub("", joined).split())
    if "[" not in joined:
        return joined
    unmarked = _FOOTNOTE.sub("", joined)
    if unmarked == joined:
        return joined
    return _SPACE_BEFORE_STOP.sub("", " ".join(unmarked.split()))
