"""Newsletters that somebody forwarded inline: their own sender, subject and date, without the forwarder's words.

A forward is recognised by what mail programs write above it: a marker line ("---------- Forwarded message ---------",
"Begin forwarded message:", "-----Original Message-----"), then header lines with at least a sender and a subject or
date. Only the head of a body is looked at, and only in mails that no list sent.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone

from feedsvc.mail.clean import clean_line
from feedsvc.mail.dates import find_date, parse_date

_SUBJECT_PREFIX = re.compile(r"\s*(?:fwd?|wg|tr|rv|enc|i|doorst|vs|vb|pd)\s*:\s*", re.I)
_REPLY_PREFIX = re.compile(r"\s*(?:re|aw|sv|antw|odp|ref)\s*(?:\[\d+\])?\s*:", re.I)
_MARKER = re.compile(
    r"\b(?:(?:begin\s+)?forwarded\s+message|weitergeleitete\s+nachricht|weitergeleiteten\s+(?:nachricht|e-mail)"
    r"|message\s+(?:transf|r[ée]exp[ée]di)[a-zé]+|mensaje\s+reenviado|messaggio\s+inoltrato|mensagem\s+encaminhada"
    r"|doorgestuurd\s+bericht)\b",
    re.I,
)
# Replies quote below these as well, so they count only where the subject says that it is a forward.
_QUOTE_MARKER = re.compile(
    r"\b(?:original\s+message|urspr[üu]ngliche\s+nachricht|message\s+d['’]origine|mensaje\s+original)\b", re.I
)
# A marker holds one of these: they are looked for first, because that is a hundred times quicker than the patterns.
_MARKER_WORDS = ("forwarded", "weitergeleitete", "message trans", "message r", "reenviado", "inoltrato", "encaminhada")
_NAMES = {
    name: header
    for header, names in {
        "from": ("from", "von", "de", "da", "van"),
        "date": ("date", "sent", "datum", "gesendet", "envoyé", "fecha", "enviado", "enviado el", "data", "verzonden"),
        "subject": ("subject", "betreff", "objet", "asunto", "oggetto", "assunto", "onderwerp"),
        "to": ("to", "an", "à", "a", "para", "aan", "cc", "kopie", "copie à"),
        "other": ("reply-to", "antwort an", "répondre à", "importance"),
    }.items()
    for name in names
}
_LINE = re.compile(r"[*\s]*([A-Za-zÀ-ÿ][A-Za-zÀ-ÿ -]{0,15}?)\s*[*]{0,2}\s*:[*]{0,2}\s*(.*)$")
_PLAIN_START = re.compile(r"^[> *]*(?:from|von|de)[ *]*:", re.I | re.M)
_HTML_START = re.compile(r"<(?:b|strong)\b[^>]{0,200}>\s*(?:<[^>]{1,200}>\s*)?(?:from|von|de)\s*:", re.I)
_BREAK = re.compile(r"<br\s*/?>|</(?:div|p|tr|blockquote|h\d|table)\s*>", re.I)
_TAG = re.compile(r"<[^>]{0,2000}>")
_QUOTE = re.compile(r"^> ?", re.M)
_CLOCK = re.compile(
    r"(?P<h>\d{1,2})[:.](?P<m>\d\d)(?:[:.](?P<s>\d\d))?\s*(?P<half>[ap])?\.?(?:m\.?)?\s*"
    r"(?:\(?(?:GMT|UTC)?\s*(?P<zone>[+-]\d{1,2}:?\d{0,2})?)",
    re.I,
)
_MAX_PREFACE_CHARS = 3_000
_MAX_PREFACE_HTML = 20_000
_MAX_HEAD_LINES = 40


@dataclass(frozen=True, slots=True)
class Forwarded:
    """What stands above a forwarded newsletter (`sender` is a raw mailbox, `to` raw too), and the body below it."""

    sender: str
    subject: str
    date: str
    to: str
    body: str


def says_forward(subject: str) -> bool:
    """Tell whether a subject begins as mail programs begin the subject of a forward, in the languages known here."""
    return _SUBJECT_PREFIX.match(subject) is not None


def _starts(head: str, subject: str, unmarked: re.Pattern[str]) -> list[int]:
    """Return where a forward may begin: at a marker, or where `unmarked` matches if the subject says so."""
    if _REPLY_PREFIX.match(subject):
        return []
    lowered = head.lower()
    starts = []
    if any(word in lowered for word in _MARKER_WORDS) or "doorgestuurd" in lowered:
        starts = [found.start() for found in _MARKER.finditer(head)][:3]
    if says_forward(subject):
        starts += [found.start() for found in _QUOTE_MARKER.finditer(head)][:1]
        starts += [found.start() for found in unmarked.finditer(head)][:1]
    return starts


def forwarded_text(text: str, *, subject: str) -> Forwarded | None:
    """Return the newsletter that a plain text forwards, None where it forwards none."""
    head = text[:_MAX_PREFACE_CHARS]
    for start in _starts(head, subject, _PLAIN_START):
        lines = text[start : start + 8_000].split("\n")
        fields, used = _fields(lines)
        if fields is None:
            continue
        rest = "\n".join(lines[:used])
        body = text[start + len(rest) :].lstrip("\n")
        if sum(line.startswith(">") for line in body.split("\n", 20)[:20] if line.strip()) >= 3:
            body = _QUOTE.sub("", body)
        return Forwarded(
            fields["from"], fields.get("subject", ""), fields.get("date", ""), fields.get("to", ""), body.lstrip("\n")
        )
    return None


def forwarded_html(markup: str, *, subject: str) -> Forwarded | None:
    """Return the newsletter that an HTML body forwards, None where it forwards none."""
    head = markup[:_MAX_PREFACE_HTML]
    for start in _starts(head, subject, _HTML_START):
        window = markup[start : start + 12_000]
        lines, ends, at = [], [], 0
        for found in _BREAK.finditer(window):
            lines.append(clean_line(html.unescape(_TAG.sub("", window[at : found.start()]))))
            at = found.end()
            ends.append(at)
            if len(lines) >= _MAX_HEAD_LINES:
                break
        fields, used = _fields(lines, blank_ends=False)
        if fields is None:
            continue
        body = markup[start + ends[used - 1] :]
        return Forwarded(fields["from"], fields.get("subject", ""), fields.get("date", ""), fields.get("to", ""), body)
    return None


def _fields(lines: list[str], *, blank_ends: bool = True) -> tuple[dict[str, str] | None, int]:
    """Return the header lines at the head of `lines` by their English names, and how many lines they take.

    In text a blank line ends them; in HTML (`blank_ends` false) empty elements stand between them, and the first
    other line does.
    """
    fields: dict[str, str] = {}
    used = 0
    for n, raw in enumerate(lines[:_MAX_HEAD_LINES]):
        line = raw.lstrip("> ").strip()
        if not line:
            if fields and blank_ends:
                break
            continue
        found = _LINE.match(line)
        name = _NAMES.get(found[1].strip().lower()) if found else None
        if found is None or name is None:
            if not fields and n <= 2:
                continue  # the marker itself, and the rest of a wrapped one
            break
        fields.setdefault(name, found[2].strip(" *"))
        used = n + 1
    if "@" not in fields.get("from", "") and "subject" not in fields:
        return None, 0
    return (fields, used) if fields.get("from") and len(fields) >= 2 else (None, 0)


def forwarded_date(words: str) -> datetime | None:
    """Return the moment that a forward's date line means, in UTC.

    Mail programs write it as they please, mostly without a zone.
    """
    words = clean_line(words)
    found = find_date(words)
    if found is None:
        return parse_date(words)
    moment, rest = found
    clock = _CLOCK.search(rest)
    if clock is None:
        return moment
    hour = int(clock["h"]) % 24
    if clock["half"]:
        hour = hour % 12 + (12 if clock["half"].lower() == "p" else 0)
    try:
        moment = moment.replace(hour=hour, minute=int(clock["m"]), second=int(clock["s"] or 0))
        if clock["zone"]:
            digits = clock["zone"][1:].replace(":", "").ljust(1, "0")
            hours, minutes = (int(digits), 0) if len(digits) <= 2 else (int(digits[:-2]), int(digits[-2:]))
            offset = timedelta(hours=hours, minutes=minutes) * (-1 if clock["zone"][0] == "-" else 1)
            moment = moment.replace(tzinfo=timezone(offset)).astimezone(UTC)
    except (ValueError, OverflowError):
        return moment
    return moment
