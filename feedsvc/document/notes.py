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
    """The text with each reference `[7]` followed by the address of the next footnote of that number below it, and without those footnotes."""
    found = list(NOTE.finditer(text))
    if sum(note["defined"] is not None for note in found) < MIN_NOTES:
        return text
    out: list[str] = []
    below: dict[str, str] = {}
    end = len(text)
    for note in reversed(found):
        out.append(text[note.end() : end])
        end = note.start()
        if note["defined"] is not None:
            below[note["defined"]] = note["address"]
        elif note["number"] in below:
            out.append(f"[{below[note['number']]}]")
        else:
            out.append(note[0])
    out.append(text[:end])
    return "".join(reversed(out))
