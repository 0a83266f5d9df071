"""The addresses of the front page: what is listed, in which order, and from where on.

What narrows a feed narrows the page, under the same names (see `selection`). The page knows besides which newsletter, the
dates from and to (whole days in UTC, both included), the view, and the place at which it begins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode

from werkzeug.exceptions import BadRequest

from feedsvc.store import Narrowing, Place
from feedsvc.web import when
from feedsvc.web.language import gettext as _
from feedsvc.web.notices import PARAMETER
from feedsvc.web.selection import KINDS, TOKEN, Selection, read_selection, shown

SHORT_MINUTES: Final = 5  # what takes less is short
LONG_MINUTES: Final = 15  # what takes more is long
# What a form sends for a span of minutes, in one field, and what it stands for.
SPANS: Final[Mapping[str, Mapping[str, str]]] = {
    "short": {"max_minutes": str(SHORT_MINUTES - 1)},
    "medium": {"min_minutes": str(SHORT_MINUTES), "max_minutes": str(LONG_MINUTES)},
    "long": {"min_minutes": str(LONG_MINUTES + 1)},
}
_SPAN: Final = "minutes"
_NARROWING: Final = ("q", "newsletter", "section", "label", "kinds", "min_minutes", "max_minutes", "from", "to")
_OWN: Final = ("newsletter", "from", "to", "view", "before", "after")
_KNOWN: Final = (*_NARROWING, "view", "before", "after")
_PLACE = re.compile(r"(-?\d{1,18})-(\d{1,15})(?:-(\d{1,6}))?", re.ASCII)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter that is set: in words, and the address without it."""

    words: str
    without: str


@dataclass(frozen=True, slots=True)
class Filter:
    """What the front page lists. `given` is the query in its normal form, without the place."""

    selection: Selection
    given: Mapping[str, str] = field(default_factory=dict)
    since: date | None = None
    until: date | None = None
    stream: bool = False
    place: Place | None = None
    newer: bool = False

    @property
    def narrowing(self) -> Narrowing:
        """What gets through. Where kinds are not chosen and the page is by issue, all do: some of them are folded away."""
        narrowing = self.selection.narrowing
        return replace(
            narrowing,
            kinds=narrowing.kinds if self.stream or self.chosen_kinds else frozenset(KINDS),
            since=None if self.since is None else datetime.combine(self.since, time(), UTC),
            until=None if self.until is None else datetime.combine(self.until, time(), UTC) + timedelta(days=1),
        )

    @property
    def chosen_kinds(self) -> bool:
        """Whether the address says which kinds are wanted."""
        return "kinds" in self.given

    @property
    def is_set(self) -> bool:
        """Whether anything is narrowed."""
        return any(name in self.given for name in _NARROWING)

    @property
    def span(self) -> str:
        """Which of `SPANS` is chosen, or ""."""
        return span_of(self.given)

    def path(self, place: Place | None = None, *, newer: bool = False, **changes: str | None) -> str:
        """Return the path and query of this page with some parameters changed or, by None, left out."""
        asked = {name: value for name in _KNOWN if (value := changes.get(name, self.given.get(name))) is not None}
        if place is not None:
            asked["after" if newer else "before"] = written_place(place)
        return f"/?{urlencode(asked, quote_via=quote, safe=',')}" if asked else "/"

    def with_span(self, name: str) -> str:
        """Return the path and query with another of `SPANS`; "" is any."""
        return self.path(**{"min_minutes": None, "max_minutes": None} | dict(SPANS.get(name, {})))  # type: ignore[arg-type]

    def chips(self, newsletter: str | None) -> tuple[Chip, ...]:
        """Return what is narrowed, each with the way to undo it; `newsletter` is the name of the one that is asked for."""
        what = self.selection.narrowing
        low, high = what.min_minutes, what.max_minutes
        found = [
            (f"“{self.selection.query}”" if self.selection.query else "", {"q": None}),
            (newsletter or "", {"newsletter": None}),
            (what.section or "", {"section": None}),
            (what.label or "", {"label": None}),
            (kinds_in_words(self) if self.chosen_kinds else "", {"kinds": None}),
            (_minutes_in_words(low, high), {"min_minutes": None, "max_minutes": None}),
            (_("from %(date)s") % {"date": _day(self.since)} if self.since else "", {"from": None}),
            (_("to %(date)s") % {"date": _day(self.until)} if self.until else "", {"to": None}),
        ]
        return tuple(Chip(words, self.path(**without)) for words, without in found if words)  # type: ignore[arg-type]


def read_filter(query: str) -> Filter:
    """Return the filter that a query string names.

    Raises BadRequest, which names the parameter and says what it may be.
    """
    pairs = known_pairs(query, _KNOWN)
    own = {name: value for name, value in pairs if name in _OWN}
    if len(own) != sum(name in _OWN for name, _value in pairs):
        raise BadRequest(_("A parameter stands twice in this address."))
    read: dict[str, object] = {}
    for name, value in own.items():
        try:
            read[name] = _READERS[name](value)
        except ValueError as wrong:
            raise BadRequest(
                _("%(name)s cannot be “%(value)s”: %(reason)s.")
                % {"name": name, "value": shown(value), "reason": wrong}
            ) from None
    selection = read_selection(urlencode([pair for pair in pairs if pair[0] not in _OWN]), own.get("newsletter"))
    since, until = read.get("from"), read.get("to")
    if isinstance(since, date) and isinstance(until, date) and since > until:
        raise BadRequest(_("from, %(first)s, is after to, %(last)s.") % {"first": since, "last": until})
    given = {name: value for name, value in own.items() if name not in ("before", "after")}
    given |= dict(parse_qsl(selection.parameters))
    place = read.get("after", read.get("before"))
    return Filter(
        selection,
        given,
        since if isinstance(since, date) else None,
        until if isinstance(until, date) else None,
        stream="view" in given,
        place=place if isinstance(place, Place) else None,
        newer="after" in read,
    )


def known_pairs(query: str, known: Sequence[str]) -> list[tuple[str, str]]:
    """Return what the query of a page says, without a token or a notice. Raises BadRequest for what is not `known`."""
    pairs = [
        (name, value) for name, value in parse_qsl(query, keep_blank_values=True) if name not in (TOKEN, PARAMETER)
    ]
    for name, _value in pairs:
        if name not in known:
            raise BadRequest(
                _("There is no parameter “%(name)s”. This page knows %(known)s.")
                % {"name": shown(name), "known": ", ".join(known)}
            )
    return pairs


def span_of(given: Mapping[str, str]) -> str:
    """Return which of `SPANS` these parameters ask for, or ""."""
    minutes = {name: given[name] for name in ("min_minutes", "max_minutes") if name in given}
    return next((name for name, span in SPANS.items() if span == minutes), "")


def tidied(query: str) -> str | None:
    """Return the query that a form meant which sent it with empty fields; None where there is nothing to tidy.

    A form sends all its fields, and a span of minutes in one.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    tidy = [(name, value) for name, value in pairs if value.strip() and name != _SPAN]
    for name, value in pairs:
        if name == _SPAN and value in SPANS:
            tidy = [pair for pair in tidy if pair[0] not in ("min_minutes", "max_minutes")] + list(SPANS[value].items())
    return None if tidy == pairs else urlencode(tidy, quote_via=quote, safe=",")


def kinds_in_words(asked: Filter) -> str:
    """Return which kinds are wanted: "sponsors and jobs"."""
    words = {"article": _("articles"), "sponsor": _("sponsors"), "job": _("jobs"), "message": _("whole messages")}
    kinds = asked.selection.narrowing.kinds
    if kinds == frozenset(KINDS):
        return _("sponsors and jobs too")
    return ", ".join(words[kind] for kind in KINDS if kind in kinds)


def read_place(value: str) -> Place:
    """Return the place that `before` or `after` names. Raises ValueError."""
    found = _PLACE.fullmatch(value)
    if found is None:
        raise ValueError(_("it comes from a link of this page"))
    try:
        return Place(_EPOCH + int(found[1]) * _MICROSECOND, int(found[2]), int(found[3] or 0))
    except OverflowError:
        raise ValueError(_("it comes from a link of this page")) from None


def written_place(place: Place) -> str:
    """Return the place as `read_place` reads it."""
    return f"{(place.published - _EPOCH) // _MICROSECOND}-{place.issue}-{place.position}"


def _minutes_in_words(low: int | None, high: int | None) -> str:
    if low is not None and high is not None:
        return _("%(low)s to %(high)s min") % {"low": low, "high": high}
    if low is not None:
        return _("%(num)s min or more") % {"num": low}
    return "" if high is None else _("%(num)s min or less") % {"num": high}


def _day(value: date) -> str:
    return when.day(datetime.combine(value, time(), UTC))


def _slug(value: str) -> str:
    if not value.isprintable() or len(value) > 200:
        raise ValueError(_("it is the name in a newsletter's address"))
    return value


def _date(value: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        raise ValueError(_("it is a date such as 2024-09-03"))
    try:
        found = date.fromisoformat(value)
    except ValueError:
        raise ValueError(_("there is no such day")) from None
    if not 1900 <= found.year <= 9000:
        raise ValueError(_("there is no such day"))
    return found


def _view(value: str) -> str:
    if value != "stream":
        raise ValueError(_("it is stream"))
    return value


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "newsletter": _slug,
    "from": _date,
    "to": _date,
    "view": _view,
    "before": read_place,
    "after": read_place,
}
