"""Read times: declared in words by the newsletter, or estimated from the text at hand.

A declared time is a number, a unit, and a word that says that it is meant for reading, watching or listening ("5 minute read"), or
the same the other way round ("Lesezeit: 5 Minuten"). A number with a unit alone counts only where it stands by itself
between separators or in brackets.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

WORDS_PER_MINUTE = 238  # Brysbaert 2019, "How many words do we read per minute?": silent reading of English non-fiction
CJK_PER_MINUTE = 500  # characters; the usual figure for Chinese and Japanese prose

_NUMBER = r"\d{1,4}(?:[.,]\d)?(?:\s?[-–]\s?\d{1,3})?\+?"
_HOURS = r"(?:hours?|hrs?\.?|heures?|horas?|stunden?|std\.?|h|小时|小時|時間)"
_MINUTES = r"(?:minutes?|mins?\.?|minuten|minutos?|minuti|minuto|minutter|minuter|minuty?|мин(?:ут[аы]?)?\.?|mn|分钟|分鐘|分間?)"
# What the minutes are for; the group that says "video" or "podcast" is also a label.
_PURPOSE = (
    r"(?P<purpose>reads?|reading|video|podcast|listen(?:ing)?|audio|watch|episode|talk|lesezeit|lesedauer|zu lesen"
    r"|de lectura|de lecture|de leitura|di lettura|leestijd|lästid|læsetid|lesetid|czytania|чтения|reading time|read time)"
)
_SPAN = (
    rf"(?:(?P<hours>{_NUMBER})[\s-]?{_HOURS}(?:\s?(?:,|and|&|et|und|y|e)?\s?(?P<and_minutes>{_NUMBER})[\s-]?{_MINUTES})?"
    rf"|(?P<minutes>{_NUMBER})[\s-]?{_MINUTES}(?:\s?(?:,|and|&)?\s?(?P<seconds>\d{{1,2}})\s?(?:seconds?|secs?\.?|sekunden|secondes|segundos))?)"
)
_ABOUT = r"(?:~|≈|about |approx\.? |ca\. |env\. |environ )?"
_BEFORE = (
    r"(?:(?:estimated |average )?(?:reading|read|watch(?:ing)?|listen(?:ing)?) ?time|time to read|read in|lesezeit|lesedauer|zeit zum lesen"
    r"|(?:temps|durée) de lecture|lecture(?: de| en)?|tiempo de lectura|tempo de leitura|tempo di lettura|leestijd|lästid|læsetid|czas czytania|время чтения"
    r"|阅读时间|閱讀時間|阅读时长|阅读|読了時間|読了目安|読む時間|所要時間)"
)
# Every repetition is bounded and the alternatives part at their first characters, so a match costs a constant at each place.
READ_TIME = re.compile(rf"{_ABOUT}{_SPAN}[\s-]?{_PURPOSE}", re.I)
READ_TIME_AFTER = re.compile(rf"{_BEFORE}\s?[:：]?\s?(?:约|約)?{_ABOUT}{_SPAN}", re.I)
BARE_TIME = re.compile(rf"{_ABOUT}{_SPAN}", re.I)

_SEPARATORS = re.compile(r"\s*[·•|∙⋅‧・│\n\r\t]\s*|\s+[-–—]+\s+|\s{3,}")
_BRACKETED = re.compile(r"[(\[]([^()\[\]]{3,60})[)\]]")
_CLOCK = re.compile(
    "^[\\s\u231a\u231b\u23f0-\u23f3\U0001f4d6\U0001f4da\U0001f4f0\U0001f550-\U0001f567\U0001f453\ufe0f]+"
)
_BY_SOMEBODY = re.compile(rf"{_SPAN}\s?,\s?(?:propos[ée]e?s? par|suggested by|shared by|by|par|von|por)\s", re.I)
# "Listen now (88 mins)": how Substack names an episode's length.
_PLAY_NOW = re.compile(rf"^(?:listen|watch|play)(?: now)? ?\((?P<minutes>{_NUMBER})[\s-]?{_MINUTES}\)", re.I)
_TIME_ALONE = re.compile(_SPAN, re.I)
_CJK = re.compile("[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_META_CHARS = 200


@dataclass(frozen=True, slots=True)
class ReadTime:
    """A declared read time; `purpose` is the word that says what the minutes are for, in lower case, or ""."""

    minutes: int
    purpose: str


def read_time(found: re.Match[str]) -> ReadTime:
    """What a match of one of the patterns above says; of "5-7 minutes" the larger."""
    groups = found.groupdict()
    if groups.get("hours"):
        minutes = 60 * _number(groups["hours"]) + _number(groups.get("and_minutes") or "0")
    else:
        minutes = _number(groups["minutes"]) + float(groups.get("seconds") or 0) / 60
    return ReadTime(max(1, round(minutes)), (groups.get("purpose") or "").lower())


def whole_read_time(text: str, *, bare: bool) -> ReadTime | None:
    """The read time that `text` is, as a whole; with `bare`, also one that is no more than a number of minutes."""
    if len(text) > 80 or not any(c.isdigit() for c in text):
        return None
    for pattern in (READ_TIME, READ_TIME_AFTER, BARE_TIME):
        found = pattern.fullmatch(text)
        if found and (pattern is not BARE_TIME or (bare and found["minutes"])):
            return read_time(found)
    return None


def declared_minutes(text: str) -> int | None:
    """The read time in minutes that a short meta line states ("5 min read · Ada"), or None.

    Running prose states none, even where it speaks of minutes.
    """
    line = text.strip()
    if not line or not any(c.isdigit() for c in line[:_META_CHARS]):
        return None
    if playing := _PLAY_NOW.match(line):
        return max(1, round(_number(playing["minutes"])))
    if len(line) <= _META_CHARS:
        by = _BY_SOMEBODY.match(line)
        if by and len(line) <= 100:
            return read_time(by).minutes
        parts = _SEPARATORS.split(line)
        for part in parts:
            rest = _CLOCK.sub("", part).strip(" .,;")
            bare = len(parts) > 1 or rest != part
            found = whole_read_time(rest, bare=bare)
            if found:
                return found.minutes
    for bracketed in _BRACKETED.finditer(line[-_META_CHARS:]):
        inside = bracketed[1].strip()
        found = whole_read_time(inside, bare=False)
        if found is None and line.endswith(bracketed[0]) and (length := _TIME_ALONE.fullmatch(inside)):
            found = read_time(length)  # "... a course on frobbing. (2 hours 30 minutes)"
        if found:
            return found.minutes
    return None


def estimate_minutes(text: str) -> int:
    """Minutes to read the text at 238 words, or 500 Chinese or Japanese characters, a minute; at least 1."""
    spaced, cjk = _CJK.subn(" ", text)
    return max(1, round(len(spaced.split()) / WORDS_PER_MINUTE + cjk / CJK_PER_MINUTE))


def _number(text: str) -> float:
    return float(re.split(r"\s?[-–]\s?", text.rstrip("+"))[-1].replace(",", "."))
