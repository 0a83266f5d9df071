"""What arrived and when, counted up for the page of statistics: by day, by week, by hour of the week, by newsletter, by site."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from typing import Final

from feedsvc.links import site_name
from feedsvc.store import LinkRow, MinutesRow

DAYS: Final = 84
WEEKS: Final = 52
RECENT_WEEKS: Final = 12
MAX_SERIES: Final = 7
MAX_LINKS: Final = 10_000
_TOP_SITES: Final = 15
_TOP_SHARED: Final = 15


@dataclass(frozen=True, slots=True)
class Shared:
    """An article that several newsletters carried: the id of the newest entry of it, and the newsletters by slug."""

    uid: str
    newsletters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tally:
    """What arrived, counted in the time of one place.

    `by_day` and `by_week` give articles, the oldest first; a week is named by its Monday. `hours` has seven rows, Monday
    first, of 24 numbers of issues. `minutes` gives the minutes to read of each recent week for each of `series`, which
    are newsletters by slug, the largest first; the others are counted together as the last, None. `sites` are the most cited ones
    with the number of their articles. `week_minutes` is what the last seven days brought to read.
    """

    by_day: tuple[tuple[date, int], ...]
    by_week: tuple[tuple[date, int], ...]
    hours: tuple[tuple[int, ...], ...]
    series: tuple[str | None, ...]
    minutes: tuple[tuple[date, tuple[int, ...]], ...]
    sites: tuple[tuple[str, int], ...]
    shared: tuple[Shared, ...]
    week_minutes: int

    @property
    def week_articles(self) -> int:
        """The articles of the last seven days."""
        return sum(count for _, count in self.by_day[-7:])

    @property
    def total(self) -> int:
        """The articles of the whole year."""
        return sum(count for _, count in self.by_week)


def first_day(today: date) -> date:
    """The day from which on a tally of that day needs to know what came."""
    return monday(today) - timedelta(weeks=WEEKS - 1)


def monday(day: date) -> date:
    """The Monday of the week that this day is in."""
    return day - timedelta(days=day.weekday())


def make_tally(
    articles: Iterable[tuple[datetime, int]],
    issues: Iterable[tuple[datetime, int]],
    minutes: Sequence[MinutesRow],
    links: Sequence[LinkRow],
    today: date,
    zone: tzinfo | None = UTC,
) -> Tally:
    """Count up what the store counted by the hour, and the newest links; `zone` is of the place, None for this machine's own."""
    day_counts: Counter[date] = Counter()
    week_counts: Counter[date] = Counter()
    for hour, count in articles:
        day = hour.astimezone(zone).date()
        day_counts[day] += count
        week_counts[monday(day)] += count
    hours = [[0] * 24 for _ in range(7)]
    for hour, count in issues:
        local = hour.astimezone(zone)
        hours[local.weekday()][local.hour] += count
    dated = [(row.slug, row.hour.astimezone(zone).date(), row.minutes) for row in minutes]
    series, weekly = _weekly(dated, today)
    days = [today - timedelta(days=back) for back in reversed(range(DAYS))]
    weeks = [monday(today) - timedelta(weeks=back) for back in reversed(range(WEEKS))]
    return Tally(
        by_day=tuple((day, day_counts[day]) for day in days),
        by_week=tuple((week, week_counts[week]) for week in weeks),
        hours=tuple(map(tuple, hours)),
        series=series,
        minutes=weekly,
        sites=_sites(links),
        shared=_shared(links),
        week_minutes=sum(read for _, day, read in dated if days[-7] <= day <= today),
    )


def _weekly(
    dated: Sequence[tuple[str, date, int]], today: date
) -> tuple[tuple[str | None, ...], tuple[tuple[date, tuple[int, ...]], ...]]:
    weeks = [monday(today) - timedelta(weeks=back) for back in reversed(range(RECENT_WEEKS))]
    by_newsletter: dict[str, Counter[date]] = defaultdict(Counter)
    for slug, day, minutes in dated:
        if (week := monday(day)) >= weeks[0]:
            by_newsletter[slug][week] += minutes
    ranked = sorted(by_newsletter, key=lambda slug: (-by_newsletter[slug].total(), slug))
    shown, others = ranked[:MAX_SERIES], ranked[MAX_SERIES:]

    def of_week(week: date) -> tuple[int, ...]:
        own = tuple(by_newsletter[slug][week] for slug in shown)
        return (*own, sum(by_newsletter[slug][week] for slug in others)) if others else own

    return (*shown, *((None,) if others else ())), tuple((week, of_week(week)) for week in weeks)


def _sites(links: Iterable[LinkRow]) -> tuple[tuple[str, int], ...]:
    counted = Counter(site_name(url) for url in {row.url for row in links})
    del counted[""]
    return tuple(sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))[:_TOP_SITES])


def _shared(links: Iterable[LinkRow]) -> tuple[Shared, ...]:
    newest: dict[str, LinkRow] = {}
    carriers: dict[str, dict[str, None]] = defaultdict(dict)  # slugs, in order
    for row in links:
        newest.setdefault(row.url, row)
        carriers[row.url][row.slug] = None
    several = [url for url, slugs in carriers.items() if len(slugs) > 1]
    several.sort(key=lambda url: -len(carriers[url]))
    return tuple(Shared(newest[url].uid, tuple(carriers[url])) for url in several[:_TOP_SHARED])
