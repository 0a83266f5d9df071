"""Footnotes of a plain text: numbers in brackets that stand for addresses, which a list at its end or lines below each part explain."""

from __future__ import annotations

import re

# With the end of the line before it: a search for one character is quick, a search for the start of a line is not.
FOOTNOTE_HEAD = re.compile(
    r"\n(?:links|references|quellen|liens|enlaces):?[ \t]*\n[-=_ \t]*\n?(?=[ \t]*\[\d{1,4}\])", re.I
)
FOOTNOTE = re.compile(r"\n[ \t]*\[(\d{1,4})\]:?[ \t]+<?(\S+)[ \t]*$", re.M)
# A footnote that no list holds, or a reference to one; a number may be used again further down.
NOTE = re.compile(
    r"^[ \t]{0,8}\[(?P<defined>\d{1,4})\]:?[ \t]{0,8}\n?[ \t]{0,8}<?(?P<address>https?://[^\s<>]+)>?[ \t]*$"
    r"|\[(?P<number>\d{1,4})\]",
    re.M,
)
MIN_NOTES = 2


def take_footnotes(text: str) -> tuple[str, dict[str, str]]:
    """The body without its list of links, and the list: number -> address."""
    heads = list(FOOTNOTE_HEAD.finditer(f"\n{text}"))
    if not heads:
        return text, {}
    start, end = heads[-1].start(), heads[-1].end() - 1  # in the text itself, which starts one character later
    rest = text[end:]
    notes: dict[str, str] = {}
    end = 0
    for found in FOOTNOTE.finditer(f"\n{rest}"):
        notes.setdefault(found[1], found[2][:-1] if found[2].endswith(">") and len(found[2]) > 1 else found[2])
        end = found.end() - 1
    return (text[:start] + "\n\n" + rest[end:], notes) if notes else (text, {})


def resolve_notes(text: str) -> str:
    """The text with each reference `[7]` as the address of the next footnote of that number below it, and without the footnotes so used."""
    found = list(NOTE.finditer(text))
    if sum(note["defined"] is not None for note in found) < MIN_NOTES:
        return text
    below: dict[str, int] = {}  # number -> which of them is the next footnote below
    uses: dict[int, int] = {}  # reference -> its footnote
    for index in range(len(found) - 1, -1, -1):
        number = found[index]["number"]
        if number is None:
            below[found[index]["defined"]] = index
        elif number in below:
            uses[index] = below[number]
    used = frozenset(uses.values())
    out: list[str] = []
    start = 0
    for index, note in enumerate(found):
        out.append(text[start : note.start()])
        start = note.end()
        if index in uses:
            out.append(f"[{found[uses[index]]['address']}]")
        elif index not in used:
            out.append(note[0])
    return "".join((*out, text[start:]))
