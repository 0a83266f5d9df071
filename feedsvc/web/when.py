"""Dates and lengths of time as people read them."""

from __future__ import annotations

from datetime import UTC, datetime

from feedsvc.web.language import gettext as _
from feedsvc.web.language import ngettext

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400


def relative(moment: datetime, now: datetime) -> str:
    """Return how long ago the moment was ("3 hours ago"); from a week on its date ("3 September 2024")."""
    seconds = (now - moment).total_seconds()
    if seconds < -_MINUTE:
        return day(moment)
    if seconds < _MINUTE:
        return _("just now")
    if seconds < _HOUR:
        count = int(seconds // _MINUTE)
        return ngettext("%(num)s minute ago", "%(num)s minutes ago", count) % {"num": count}
    if seconds < _DAY:
        count = int(seconds // _HOUR)
        return ngettext("%(num)s hour ago", "%(num)s hours ago", count) % {"num": count}
    if seconds < 2 * _DAY:
        return _("yesterday")
    if seconds < 7 * _DAY:
        count = int(seconds // _DAY)
        return ngettext("%(num)s day ago", "%(num)s days ago", count) % {"num": count}
    return day(moment)


def day(moment: datetime) -> str:
    """Return the date as words: "3 September 2024"."""
    return _("%(day)s %(month)s %(year)s") % {
        "day": moment.day,
        "month": _months()[moment.month - 1],
        "year": moment.year,
    }


def exact(moment: datetime) -> str:
    """Return the date and the time of day, in UTC: "3 September 2024, 13:08 UTC"."""
    moment = moment.astimezone(UTC)
    return f"{day(moment)}, {moment:%H:%M} UTC"


def duration(minutes: int) -> str:
    """Return a number of minutes as words: "45 min", "3 h 20 min"."""
    hours, left = divmod(minutes, 60)
    if not hours:
        return _("%(num)s min") % {"num": minutes}
    return (
        _("%(hours)s h %(minutes)s min") % {"hours": hours, "minutes": left}
        if left
        else _("%(num)s h") % {"num": hours}
    )


def _months() -> tuple[str, ...]:
    return (
        _("January"),
        _("February"),
        _("March"),
        _("April"),
        _("May"),
        _("June"),
        _("July"),
        _("August"),
        _("September"),
        _("October"),
        _("November"),
        _("December"),
    )
