"""When a message was sent: Date headers (RFC 5322, section 3.3) as mail writes them, and dates in titles."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_tz

from feedsvc.model import Problem

_EARLIEST = datetime(1980, 1, 1, tzinfo=UTC)
_MAX_AHEAD = timedelta(days=3)
_MAX_CHARS = 300

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january janvier januar enero janv jän jänner gennaio janeiro januari",
            "feb february février fevrier februar febrero févr fév febbraio fevereiro februari",
            "mar march mars märz marzo mär maart março",
            "apr april avril abril avr aprile",
            "may mai mayo maggio maio mei",
            "jun june juin juni junio giugno junho",
            "jul july juillet juli julio juil luglio julho",
            "aug august août aout agosto augustus",
            "sep sept september septembre septiembre settembre setembro",
            "oct october octobre oktober octubre okt ottobre outubro",
            "nov november novembre noviembre novembro",
            "dec december décembre decembre dezember diciembre déc dez dicembre dezembro",
        ),
        start=1,
    )
    for name in names.split()
}
_DAYS = (
    "mon(?:day)?|tues?(?:day)?|wed(?:nesday)?|thu(?:rsday)?|thurs|fri(?:day)?|sat(?:urday)?|sun(?:day)?"
    "|lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche|montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag"
)
_LEAD = rf"(?:\b(?:du|le|vom|of|for|on|del|am)\s+)?(?:\b(?:{_DAYS})\b[.,]?\s+(?:(?:den|the|le)\s+)?)?"
_MONTH = r"(?P<month>[A-Za-zà-ÿ]{3,10})\.?"
_YEAR = r"(?P<year>(?:19|20)\d\d)(?!\d)"
# Each pattern starts at a fixed small set of words or digits and has no nested repeats, so it cannot backtrack badly.
_IN_TITLE = (
    re.compile(rf"{_LEAD}(?<!\d)(?P<year>(?:19|20)\d\d)[-_/.](?P<m>\d\d?)[-_/.](?P<day>\d\d?)(?!\d)", re.I),
    re.compile(rf"{_LEAD}(?<!\d)(?P<day>\d\d?)[-_/.](?P<m>\d\d?)[-_/.]{_YEAR}", re.I),
    re.compile(rf"{_LEAD}(?<!\d)(?P<day>\d\d?)(?:st|nd|rd|th|er|\.)?\s+(?:de\s+)?{_MONTH},?\s+(?:de\s+)?{_YEAR}", re.I),
    re.compile(rf"{_LEAD}\b{_MONTH}\s+(?P<day>\d\d?)(?:st|nd|rd|th)?,?\s+{_YEAR}", re.I),
    re.compile(r"(?<!\d)(?P<year>20\d\d)(?P<m>[01]\d)(?P<day>[0-3]\d)(?!\d)"),
)


def parse_date(value: str) -> datetime | None:
    """Return the moment that a header's date means, in UTC.

    A date without zone is UTC; None where it cannot be read.
    """
    value = " ".join(value[:_MAX_CHARS].split())
    if not value:
        return None
    try:
        fields = parsedate_tz(value)
        if fields is not None:
            year, month, day, hour, minute, second = fields[:6]
            moment = datetime(year, month, day, hour, minute, min(second, 59), tzinfo=UTC)
            return moment - timedelta(seconds=fields[9] or 0)
    except (ValueError, TypeError, IndexError, OverflowError):
        pass
    try:
        moment = datetime.fromisoformat(value)
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def sent_date(date: str | None, trace: list[str], received: datetime) -> tuple[datetime, tuple[Problem, ...]]:
    """Return when a message was sent: its Date, else the date of the last server it passed, else `received`.

    `trace` holds the Received headers (RFC 5322, section 3.6.7), newest first. Every step down is a Problem.
    """
    received = received.astimezone(UTC) if received.tzinfo else received.replace(tzinfo=UTC)
    problems: list[Problem] = []
    if date is None or not date.strip():
        problems.append(Problem("date-missing", "There is no Date header."))
    else:
        moment = parse_date(date)
        if moment is not None and is_plausible(moment, received):
            return moment, ()
        what = "cannot be read" if moment is None else "is not plausible"
        problems.append(Problem("date-wrong", f"The Date header {date[:60].strip()!r} {what}."))
    for hop in trace[:50]:
        moment = parse_date(hop.rpartition(";")[2])
        if moment is not None and is_plausible(moment, received):
            problems.append(
                Problem("date-from-received", "The date is that of the last server that the message passed.")
            )
            return moment, tuple(problems)
    problems.append(Problem("date-from-arrival", "The date is the moment at which the message came in."))
    return received, tuple(problems)


def is_plausible(moment: datetime, received: datetime) -> bool:
    """Tell whether a message that came in at `received` can have been sent then: from 1980 to three days ahead."""
    return moment >= _EARLIEST and moment - received <= _MAX_AHEAD


def find_date(title: str) -> tuple[datetime, str] | None:
    """Return the first whole date in a title or file name, at midnight UTC, and the title without it.

    Day first where digits leave it open.
    """
    title = title[:500]
    for pattern in _IN_TITLE:
        for found in pattern.finditer(title):
            moment = _moment(found.groupdict())
            if moment is not None:
                rest = title[: found.start()] + " " + title[found.end() :]
                return moment, " ".join(rest.split()).strip(" -–—_/|:,·•()[]")
    return None


def _moment(fields: dict[str, str | None]) -> datetime | None:
    named = fields.get("month")
    month = _MONTHS.get(named.lower()) if named else int(fields.get("m") or 0)
    if not month:
        return None
    year, day = int(fields["year"] or 0), int(fields["day"] or 0)
    if not named and month > 12 and day <= 12:
        month, day = day, month  # 09/13/2024 can only be month first
    try:
        return datetime(year, month, day, tzinfo=UTC)
    except ValueError:
        return None
