"""Dates as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def relative(moment: datetime, now: datetime) -> str:
    """Return how long ago the moment was ("3 hours ago"); from a week on its date ("3 September 2024")."""
    seconds = (now - moment).total_seconds()
    if seconds < -_MINUTE:
        return day(moment)
    if seconds < _MINUTE:
        return "just now"
    if seconds < _HOUR:
        return _ago(seconds, _MINUTE, "minute")
    if seconds < _DAY:
        return _ago(seconds, _HOUR, "hour")
    if seconds < 2 * _DAY:
        return "yesterday"
    if seconds < 7 * _DAY:
        return _ago(seconds, _DAY, "day")
    return day(moment)


def day(moment: datetime) -> str:
    """Return the date as words: "3 September 2024"."""
    return f"{moment.day} {moment:%B} {moment.year}"


def exact(moment: datetime) -> str:
    """Return the date and the time of day, in UTC: "3 September 2024, 13:08 UTC"."""
    moment = moment.astimezone(UTC)
    return f"{day(moment)}, {moment:%H:%M} UTC"


def _ago(seconds: float, unit: int, name: str) -> str:
    count = int(seconds // unit)
    return f"{count} {name}{'' if count == 1 else 's'} ago"
