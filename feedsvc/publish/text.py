"""Text as a feed may carry it: whatever a newsletter held, the document stays well-formed.

XML 1.0 (section 2.2) has no place for most control characters, for surrogates, or for U+FFFE and U+FFFF; one of them
in one title makes a whole feed unreadable. The rooms before this one clean their text too; here it is made certain.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime

_NEW_LINE = re.compile("\r\n?|\x85|\u2028|\u2029")
_SEPARATOR = re.compile("[\x0b\x0c\x1c-\x1f]")
# C1 (U+007F-U+009F) is allowed by XML 1.0 but discouraged, and in practice is always cp1252 read as latin-1.
_FORBIDDEN = re.compile("[\x00-\x08\x0e-\x1b\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
# RFC 4287 takes its language tags from RFC 3066; the same shape holds for all of BCP 47 that mail uses.
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)


def clean_text(text: str) -> str:
    """Return the text without what XML cannot carry, its line ends as `\\n`."""
    return _FORBIDDEN.sub("", _SEPARATOR.sub(" ", _NEW_LINE.sub("\n", text)))


def clean_line(text: str) -> str:
    """Return the text as `clean_text` does, on one line, without space at its ends or doubled inside."""
    return " ".join(clean_text(text).split())


def clean_language(tag: str) -> str:
    """Return the language tag, or "" where it is none."""
    tag = tag.strip().replace("_", "-")
    return tag if _LANGUAGE.fullmatch(tag) else ""


def clean_time(moment: datetime) -> datetime:
    """Return the moment in UTC and whole seconds; a naive one is taken as UTC."""
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    try:
        moment = moment.astimezone(UTC)
    except OverflowError:  # year 1 or 9999, at the edge of what a datetime holds
        moment = moment.replace(tzinfo=UTC)
    return moment.replace(microsecond=0)


def rfc3339(moment: datetime) -> str:
    """Return a cleaned moment as RFC 3339 writes it."""
    return moment.isoformat().replace("+00:00", "Z")
