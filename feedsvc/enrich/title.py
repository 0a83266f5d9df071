"""Titles as newsletters print them, taken apart: the title itself, its read time, its label, whether it is paid for.

Markers stand at the ends, often several in a row ("- TITLE (5 MINUTE READ) [7]"), so both ends are peeled until nothing more comes
off; that also makes the result stable: taking apart a title that was taken apart changes nothing. Each look at an end sees at
most `_REACH` characters, and each peel removes at least one, so the work grows with the length of the title and no faster.
Parentheses in general are content ("(2019)", "(YC S24)"): only what is known to be a marker goes.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from feedsvc.enrich import tables
from feedsvc.enrich.minutes import BARE_TIME, READ_TIME, READ_TIME_AFTER, ReadTime, read_time, whole_read_time

_REACH = 100

_INVISIBLE = re.compile("[\u00ad\u034f\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff]+")
# Pictures: emoji, dingbats, arrows and what only joins or colours them. Not ©, ®, ™, ° nor mathematical signs.
_PICTURES = "\u2190-\u21ff\u231a\u231b\u23cf\u23e9-\u23f3\u23f8-\u23fa\u2460-\u24ff\u25a0-\u27bf\u27f0-\u27ff"
_PICTURES += "\u2900-\u297f\u2b00-\u2bff\u3030\u303d\ufe0e\ufe0f\u200c\u200d"
_PICTURES += "\U0001f000-\U0001faff\U000e0020-\U000e007f"
_BULLETS = "•‣◦∙⁃·⋅・"
_HEAD_DECORATION = re.compile(rf"(?:[\s{_BULLETS}{_PICTURES}]|[0-9#*]\ufe0f?\u20e3)+")
_IS_TAIL_DECORATION = re.compile(rf"[\s{_PICTURES}›»→|·•∙⋅]").match
# A letter, that no pattern below begins with.
_BEGINS_PLAINLY = re.compile("[A-NP-Za-np-z]").match
# Neither a digit nor a sign that parts a marker from a title or emphasises, and ends that are no decoration: where no dash stands behind a
# space either, nothing comes off.
_IS_PLAIN = re.compile(r"[A-NP-Za-np-z][^\d:：|·•*_]*[A-Za-z.!?]").fullmatch
# A hash of a heading, a dash or asterisk as bullet, `>` of a quotation: each followed by a space.
_HEAD_BULLET = re.compile(r"(?:#{1,6}|[-–—*+>|»›]{1,3}|[oO](?=\s\s))\s+")
# "1." "12)" "(3)" "#3" "[4]" "No. 5:"; four digits are a year, and a number without a mark is content ("7 lessons", "3D printing").
_HEAD_NUMBER = re.compile(
    r"(?:\d{1,3}[.)](?=\s)|\(\d{1,3}\)|\[\d{1,3}(?:\.\d{1,2})?\]|#\d{1,4}\b[.:)]?(?=\s)|0\d(?=\s+[^\W\d]))\s*(?:[-–—]\s+)?"
)
_FOOTNOTE = re.compile(r"(?:(?<=\s)|(?<=[)\]\"”’!?.]))\[\d{1,3}\]$|^\[\d{1,3}\]$")
_TAIL_MARKS = re.compile(r"\s+(?:[-–—:,;]|[<>]{1,2}|->|=>)$|(?<=\S)>{2}$")
_MARK_ENDS = frozenset("-–—:,;<>")
_HAS_DIGIT = re.compile(r"\d")
_HAS_RULE = re.compile(r"[-–—|·•]")
# A cheap look before the patterns of read times: every one of them holds one of these.
_SPEAKS_OF_TIME = re.compile(r"(?i)\b(?:min|h\b|hour|hr|mn|heure|hora|stunde|std)|мин|[分时時]|\d(?:min|h\b|mn)")
_PAIRS = {"(": ")", "[": "]"}
# A number of minutes at the end, with or without a dash before. The article before "5 minute read" makes it prose ("a 5 minute read").
_TAIL_TIME = re.compile(
    rf"(?:(?:^|\s)[-–—|·•:,]+\s*|(?<!\ba)(?<!\ban)(?<!\bthe)(?<!\bthis)(?<!\byour)(?<!\bin)(?:^|\s))(?:{READ_TIME.pattern})$",
    re.I,
)
_TAIL_TIME_AFTER = re.compile(rf"(?:^|\s+[-–—|·•:]\s*|\s)(?:{READ_TIME_AFTER.pattern})$", re.I)
_TAIL_BY = re.compile(rf"(?:^|[\s|·•–—-])(?P<time>{BARE_TIME.pattern})\s?,\s?propos[ée]+e?s? par\s\S.*$", re.I)
_HEAD_TIME = re.compile(rf"(?:{READ_TIME.pattern})\s*[-–—|·•:]+\s+(?=\S)", re.I)
_HEAD_WORD = re.compile(r"([^\W\d_][^\W\d_]*(?:\s[^\W\d_]+){0,3})\s?(?:[:：|]|\s[-–—])\s*(?=\S)")
_TAIL_WORD = re.compile(r"\s(?:[-–—|·•])\s?([^\W\d_]+(?:\s[^\W\d_]+){0,2})$")
# Emphasis as text parts write it. The inside holds none of the mark itself, so a start is given up at the next mark: linear.
_UNDERSCORED = re.compile(r"(?<![\w_])_([^\s_](?:[^_]*[^\s_])?)_(?![\w_])")
_STARRED = re.compile(r"(?<![\w*])(\*\*?)([^\s*](?:[^*]*[^\s*])?)\1(?![\w*])")
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "‘": "’", "'": "'", "「": "」", "『": "』"}
_HEAD_LABELS = frozenset(["Audio", "PDF", "Podcast", "Slides", "Video"])
_MEDIA_LABELS = {
    "video": "Video",
    "watch": "Video",
    "podcast": "Podcast",
    "listen": "Podcast",
    "listening": "Podcast",
    "audio": "Audio",
    "episode": "Podcast",
    "talk": "Talk",
}
# Where and for how much, as lists of jobs say it: "(FULLY REMOTE, $80,000 - $120,000)". Bounded by the length of what is in brackets.
_PLACE = r"(?:(?:fully |100% )?remote(?: first| friendly| only)?|hybrid|on-?site)"
_PAY = r"[$€£]\d[\d,.]*k?(?:\s?[-–]\s?[$€£]?\d[\d,.]*k?)(?:\s?/\s?(?:hr|hour|year|yr))?"
_TERMS_OF_WORK = re.compile(rf"(?:{_PLACE}|{_PAY})(?:\s?[,|·/]\s?(?:{_PLACE}|{_PAY})){{0,3}}", re.I)


class TitleParts(NamedTuple):
    """A title without its markers, and what they said. `title` is empty where there was nothing but markers."""

    title: str
    read_minutes: int | None = None
    label: str | None = None
    sponsor: bool = False


@lru_cache(maxsize=1024)  # several steps ask the same of a line
def split_title(raw: str) -> TitleParts:
    """Take read time, label, sponsor mark, number, bullet, emoji and text emphasis off a title; never raises.

    Hours become minutes. Of several marks of a kind the one nearest to the end counts.
    """
    line = " ".join((raw if raw.isascii() else _INVISIBLE.sub("", raw)).split())
    parts = TitleParts(line)
    if _IS_PLAIN(line) and not (" -" in line or " –" in line or " —" in line):
        return parts
    while True:
        peeled = _peel(parts)
        if peeled.title == parts.title:
            break
        parts = peeled
    said_something = parts.read_minutes is not None or parts.label is not None or parts.sponsor
    return parts if parts.title or said_something else TitleParts(line)


def _peel(parts: TitleParts) -> TitleParts:
    """One round over both ends."""
    parts = _without_emphasis(parts)
    parts = _peel_tail(parts)
    parts = _peel_head(parts)
    return _without_wrapping_quotes(parts)


def _peel_tail(parts: TitleParts) -> TitleParts:
    title = parts.title
    end = len(title)
    quoting = "«" in title or "‹" in title
    while end:
        start = end
        while end and _IS_TAIL_DECORATION(title[end - 1]) and not (quoting and title[end - 1] in "»›"):
            end -= 1
        tail = title[max(0, end - _REACH) : end]
        last = tail[-1:]
        near = tail[-8:]
        marks = _TAIL_MARKS.search(near) if last in _MARK_ENDS else _FOOTNOTE.search(near) if last == "]" else None
        if marks:
            end -= len(near) - marks.start()
            continue
        parts, taken = _tail_marker(parts, tail, title, end)
        end -= taken
        if end == start:
            break
    return _titled(parts, title[:end])


def _tail_marker(parts: TitleParts, tail: str, title: str, end: int) -> tuple[TitleParts, int]:
    """What the end of the title says, and how many characters say it."""
    if tail[-1:] in {")", "]"}:
        opening = tail.rfind("(" if tail[-1] == ")" else "[")
        if opening < 0:
            return parts, 0
        inside = tail[opening + 1 : -1].strip()
        capitals = end <= 2 * _REACH and title[:end].isupper()
        told = _bracketed(parts, inside, general=capitals and tail[-1] == ")" and end - len(tail) + opening > 0)
        if (
            told
            and tail[-1] == ")"
            and parts.read_minutes is not None
            and told.label not in (parts.label, *_HEAD_LABELS)
        ):
            return (
                parts,
                0,
            )  # the marker was the read time; what stands before it is the name: "FROB (WEBSITE) (2 MINUTE READ)"
        return (told, len(tail) - opening) if told else (parts, 0)
    if _HAS_DIGIT.search(tail) and _SPEAKS_OF_TIME.search(tail):
        for pattern in (_TAIL_TIME, _TAIL_TIME_AFTER, _TAIL_BY):
            found = pattern.search(tail)
            if found:
                return _with_time(parts, read_time(found)), len(tail) - found.start()
    word = _TAIL_WORD.search(tail) if _HAS_RULE.search(tail) else None
    if word and word[1].casefold() in tables.sponsor_words():
        return parts._replace(sponsor=True), len(tail) - word.start()
    return parts, 0


def _peel_head(parts: TitleParts) -> TitleParts:
    title = parts.title
    start = 0
    while start < len(title):
        before = start
        if not _BEGINS_PLAINLY(title, start):
            for pattern in (_HEAD_DECORATION, _HEAD_BULLET, _HEAD_NUMBER):
                found = pattern.match(title, start)
                if found and found.end() < len(title):
                    start = found.end()
        head = title[start : start + _REACH]
        closing = head.find(_PAIRS[head[0]]) if head[:1] in _PAIRS else -1
        if closing > 0:
            told = _bracketed(parts, head[1:closing].strip(), general=False)
            # Before a title a label is news ("[Webinar] Eight levels"), unless it names a medium.
            if told and (told.label == parts.label or told.label in _HEAD_LABELS):
                parts, start = told, start + closing + 1
                continue
        timed = _HEAD_TIME.match(head) if head[:1].isdigit() else None
        word = _HEAD_WORD.match(head)
        if timed:
            parts, start = _with_time(parts, read_time(timed)), start + timed.end()
        elif word and word[1].casefold() in tables.sponsor_words():
            parts, start = parts._replace(sponsor=True), start + word.end()
        if start == before:
            break
    return _titled(parts, title[start:].strip()) if start else parts


def _titled(parts: TitleParts, title: str) -> TitleParts:
    """The parts with this title. Most titles stay as they are, and there are thousands of them."""
    if title == parts.title:
        return parts
    return TitleParts(title, parts.read_minutes, parts.label, parts.sponsor)


def _bracketed(parts: TitleParts, inside: str, *, general: bool) -> TitleParts | None:
    """The parts with what a pair of brackets says, or None where its text is content."""
    if not inside or len(inside) > 60:
        return None
    folded = " ".join(inside.split()).casefold()
    if folded.strip(" *!-–—") in tables.sponsor_words():
        return parts._replace(sponsor=True)
    label = tables.labels().get(folded)
    if label:
        return parts._replace(label=parts.label or label)
    time = whole_read_time(inside, bare=True)
    if time:
        return _with_time(parts, time)
    if _TERMS_OF_WORK.fullmatch(inside):
        return parts._replace(label=parts.label or " ".join(inside.title().split()))
    if general and _is_general_label(inside):
        return parts._replace(label=parts.label or _label_case(inside))
    return None


def _is_general_label(inside: str) -> bool:
    """True for a kind of thing that the table does not know: in a title in capitals, two or three words that end in a known one."""
    words = inside.casefold().split()
    return 2 <= len(words) <= 3 and all(w.isalpha() for w in words) and words[-1] in tables.label_heads()


def _label_case(text: str) -> str:
    names = tables.names()
    return " ".join(names.get(word.casefold(), word.capitalize()) for word in text.split())


def _with_time(parts: TitleParts, time: ReadTime) -> TitleParts:
    minutes = time.minutes if parts.read_minutes is None else parts.read_minutes
    return parts._replace(read_minutes=minutes, label=parts.label or _MEDIA_LABELS.get(time.purpose))


def _without_emphasis(parts: TitleParts) -> TitleParts:
    title = parts.title
    if "_" in title:
        title = _UNDERSCORED.sub(r"\1", title)
    if "*" in title:
        title = _STARRED.sub(r"\2", title)
    return _titled(parts, title.strip()) if title != parts.title else parts


def _without_wrapping_quotes(parts: TitleParts) -> TitleParts:
    """Drop quotation marks that hold the whole title and nothing less."""
    title = parts.title
    closing = _QUOTES.get(title[:1])
    if not closing or len(title) < 3 or title[-1] != closing:
        return parts
    inside = title[1:-1]
    if title[0] in inside or closing in inside or inside != inside.strip():
        return parts
    return _titled(parts, inside)
